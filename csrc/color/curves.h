/* curves.h: the light of a profile that is curves and a matrix. Only where lcms2 is.
 * Layer 2. */
#ifndef LI_COLOR_CURVES_H
#define LI_COLOR_CURVES_H

#include "color/shaper.h"

#include <lcms2.h>

/* What lcms2 makes of this profile of gray or RGB by perceptual intent, as curves, a
 * matrix and a black: true if it agrees to one of 65535 levels of sRGB wherever it was
 * tried. The curves are the profile's. All tags that lcms2 looks at were read. */
bool li_profile_curves(cmsContext library, cmsHPROFILE profile, li_curves *curves);

#endif
