/* lcms.h: what an ICC profile asks for, by lcms2, or by nobody where it was left out.
 * Layer 2. */
#ifndef LI_COLOR_LCMS_H
#define LI_COLOR_LCMS_H

#include "color/shaper.h"

/* Const once it is open: any thread may apply it. */
typedef struct li_lcms li_lcms;

/* One of the two, a shaper where the profile is curves and a matrix; both are NULL,
 * with a warning, where it cannot be used. Fails only for want of memory. `inverted`:
 * of CMYK, 0 is full ink. */
li_status li_lcms_open(li_ctx *ctx, const uint8_t *profile, size_t size, li_pixel from,
                       bool inverted, li_lcms **lcms, li_shaper **shaper) LI_MUST_CHECK;
/* `out` may be `in` but for CMYK, which becomes RGB. */
void li_lcms_apply(const li_lcms *lcms, const uint8_t *in, uint8_t *out,
                   uint32_t pixels);
/* On the context that it was opened on; accepts NULL. */
void li_lcms_close(li_lcms **lcms);

/* lcms2's version times 1000: of the header that this was built with, and of what runs;
 * 0: this build has none. */
int li_lcms_built(void);
int li_lcms_running(void);

#endif
