/* shaper.h: from colours that numbers or a simple profile tell to sRGB: a curve, a
 * matrix, a curve. Layer 2. */
#ifndef LI_COLOR_SHAPER_H
#define LI_COLOR_SHAPER_H

#include "color/cicp.h"
#include "image/pixel.h"

/* Const once it is open: any thread may apply it. */
typedef struct li_shaper li_shaper;

/* Gray stays gray, alpha is kept; not of CMYK. */
li_status li_shaper_open(li_ctx *ctx, const li_cicp *cicp, li_pixel from,
                         li_shaper **shaper) LI_MUST_CHECK;

/* Light of sRGB's primaries is matrix × light of each value + black; of gray, the first
 * of each. Plain data. */
typedef struct li_curves {
    double (*light)(const void *curve, double value); /* finite, pure */
    const void
        *curve[3]; /* borrowed, while it is opened; the same may be there twice */
    double matrix[3][3], black[3];
} li_curves;

/* As li_shaper_open. */
li_status li_shaper_open_curves(li_ctx *ctx, const li_curves *curves, li_pixel from,
                                li_shaper **shaper) LI_MUST_CHECK;
/* `out` may be `in`. */
void li_shaper_apply(const li_shaper *shaper, const uint8_t *in, uint8_t *out,
                     uint32_t pixels);
/* On the context that it was opened on; accepts NULL. */
void li_shaper_close(li_shaper **shaper);

#endif
