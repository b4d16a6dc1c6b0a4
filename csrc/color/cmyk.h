/* cmyk.h: CMYK rows → RGB rows, by a profile or the standard formula. Layer 2. */
#ifndef LI_COLOR_CMYK_H
#define LI_COLOR_CMYK_H

#include "color/icc.h"

/* On top of a chain of LI_CMYK8 rows. to: LI_RGB8, or LI_CMYK8 with 255 = full ink.
 * inverted: in the input 0 is full ink. icc: of the inks, opened for `inverted`,
 * borrowed; NULL: the formula. */
li_status li_cmyk_push(li_rows **chain, bool inverted, const li_icc *icc,
                       li_pixel to) LI_MUST_CHECK;

#endif
