/* yuv.h: pairs of rows into the planes of lossy WebP. Layer 2. */
#ifndef LI_CODECS_WEBP_YUV_H
#define LI_CODECS_WEBP_YUV_H

#include "image/pixel.h"

/* Where a pair of rows goes; `luma` and `alpha` have two rows, `stride` apart. */
typedef struct li_webp_pair {
    uint8_t *luma, *cb, *cr;
    uint8_t *alpha; /* NULL: the pixels have none */
    size_t stride;
} li_webp_pair;

/* BT.601, studio range. `rows` are two rows of 8-bit pixels of any layout but CMYK; the
 * same one twice where the picture ends with the first: then one row is written. `work`
 * has li_webp_pair_work(width) bytes, aligned to 16. */
void li_webp_convert_pair(const uint8_t *const rows[2], li_pixel pixel, uint32_t width,
                          const li_webp_pair *to, void *work);
size_t li_webp_pair_work(uint32_t width);

#endif
