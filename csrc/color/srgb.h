/* srgb.h: is a profile sRGB's? Told from its matrix and curves, without lcms2. Layer 2.
 */
#ifndef LI_COLOR_SRGB_H
#define LI_COLOR_SRGB_H

#include "base/base.h"

/* As near as makes no difference in 8 bits, for RGB or gray: nothing is to be done
 * then. False where this is not plain to see: lcms2 may still find it so. */
bool li_srgb_is(const uint8_t *profile, size_t size);

/* sRGB's curve: light of a value, value of a light; 0..1. */
double li_srgb_light(double value);
double li_srgb_value(double light);

#endif
