/* convert.h: what makes rows of pixels of a frame's planes: convert.c of those of 8
 * bits, deep.c of those of more, strip.c where only libavif knows the matrix. Layer 2.
 */
#ifndef LI_CODECS_AVIF_CONVERT_H
#define LI_CODECS_AVIF_CONVERT_H

#include "codecs/avif/avif.h"

/* Weights of red and blue in luma; false: not one of those. */
bool li_avif_matrix_weights(uint32_t matrix, double *red, double *blue);

/* --- strip.c: rows of RGB by libavif's own conversion, a strip at a time -----------
 */

typedef struct avif_strips {
    li_ctx *ctx;            /* borrowed */
    const avifImage *image; /* borrowed */
    bool deep;              /* 16 bits a sample */
    uint8_t *pixels;        /* owned */
    uint32_t first, rows;   /* of the picture, in the strip */
} avif_strips;

/* Upper bound of what they take. Pure. */
uint64_t li_avif_strips_bytes(uint32_t width, bool deep);
li_status li_avif_strips_open(li_ctx *ctx, const avifImage *image, bool deep,
                              avif_strips *strips) LI_MUST_CHECK;
/* Row y, valid until the next call. */
li_status li_avif_strip_row(avif_strips *strips, uint32_t y,
                            const uint8_t **row) LI_MUST_CHECK;
void li_avif_strips_close(avif_strips *strips); /* accepts zeroed ones */

/* --- deep.c: of 10 and 12 bits -----------------------------------------------------
 */

typedef struct avif_deep avif_deep;

uint64_t li_avif_deep_bytes(li_info info);
/* `image` is borrowed; `info` is what the rows are: at least the image's channels, of
 * 16 bits or of 8, which are those rounded. */
li_status li_avif_deep_open(li_ctx *ctx, const avifImage *image, li_info info,
                            avif_deep **deep) LI_MUST_CHECK;
/* Row y, valid until the next call. */
li_status li_avif_deep_row(avif_deep *deep, uint32_t y,
                           const uint8_t **row) LI_MUST_CHECK;
void li_avif_deep_close(avif_deep **deep); /* accepts NULL, half-made */

#endif
