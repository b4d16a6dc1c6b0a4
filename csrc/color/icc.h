/* icc.h: from the colours of an ICC profile, or of numbers that stand for one, to sRGB.
 * Layer 2. */
#ifndef LI_COLOR_ICC_H
#define LI_COLOR_ICC_H

#include "color/cicp.h"
#include "image/rows.h"

/* A transform, const once it is open: any thread may apply it. */
typedef struct li_icc li_icc;

/* The transform that this profile asks for: gray to gray with sRGB's curve, RGB and
 * CMYK to RGB, alpha kept. *icc is NULL where nothing is to be done: it is sRGB to
 * within one level of 8 bits; or, with a warning, it is damaged or of another kind of
 * pixels, or this build has no lcms2. Fails only for want of memory. `inverted`: of
 * CMYK, 0 is full ink. */
li_status li_icc_open(li_ctx *ctx, const uint8_t *profile, size_t size, li_pixel from,
                      bool inverted, li_icc **icc) LI_MUST_CHECK;
/* The same, or where the profile cannot be used what these numbers ask for. */
li_status li_icc_open_either(li_ctx *ctx, const uint8_t *profile, size_t size,
                             const li_cicp *cicp, li_pixel from, bool inverted,
                             li_icc **icc) LI_MUST_CHECK;
/* The same of numbers; of CMYK nothing. */
li_status li_icc_open_cicp(li_ctx *ctx, const li_cicp *cicp, li_pixel from,
                           li_icc **icc) LI_MUST_CHECK;
/* Is a mean of the file's grays about the mean of what they become? Within 8 of 255
 * levels, of any two: it does not matter much then which is done first. */
bool li_icc_is_even(const li_icc *icc);
/* The layout that it was opened for. */
li_pixel li_icc_pixel(const li_icc *icc);
/* `out` may be `in` but for CMYK. */
void li_icc_apply(const li_icc *icc, const uint8_t *in, uint8_t *out, uint32_t pixels);
/* On the context that it was opened on; accepts NULL. */
void li_icc_close(li_icc **icc);

#endif
