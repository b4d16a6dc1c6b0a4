/* ycc.h: Y, Cb and Cr of equal size → RGB rows. Layer 2. */
#ifndef LI_COLOR_YCC_H
#define LI_COLOR_YCC_H

#include "image/planes.h"

/* Join three streams of gray rows into one of RGB by BT.601. They are taken, also on
 * failure. */
li_status li_ycc_join(li_rows *planes[LI_PLANES], bool studio,
                      li_rows **chain) LI_MUST_CHECK;

#endif
