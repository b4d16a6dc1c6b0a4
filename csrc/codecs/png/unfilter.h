/* unfilter.h: PNG's five row filters undone in place: plain C, and one table of 128-bit
 * vectors (SSE2, NEON) that gives the same bytes. Layer 2. */
#ifndef LI_CODECS_PNG_UNFILTER_H
#define LI_CODECS_PNG_UNFILTER_H

#include "base/base.h"

enum { LI_PNG_UNFILTER_SLACK = 16 }; /* readable bytes behind the last row */

/* `count` rows of `stride` bytes from `rows` on, each its filter's byte and then
 * samples; in front of them, at rows − stride, the row above (zeros for the first),
 * undone. `step` is the bytes of a pixel: 1, 2, 3, 4, 6 or 8. False: a filter that
 * there is not; the rows from that one on are as they were. */
typedef bool li_png_unfilter(uint8_t *rows, uint32_t count, size_t stride,
                             uint32_t step);

li_png_unfilter li_png_unfilter_scalar;
#if defined(__x86_64__) || defined(__aarch64__)
#define LI_PNG_UNFILTER_VECTORS 1
li_png_unfilter li_png_unfilter_vectors;
#endif

/* What this job uses: plain C where its kernels are. */
li_png_unfilter *li_png_unfilter_of(const li_ctx *ctx);

#endif
