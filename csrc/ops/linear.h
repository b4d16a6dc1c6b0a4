/* linear.h: what a resize in linear light does instead of the kernels' ends. Layer 2.
 */
#ifndef LI_OPS_LINEAR_H
#define LI_OPS_LINEAR_H

#include "kernels/kernels.h"

enum { LI_LIGHT_ONE = 255 << LI_RING_BITS }; /* white */

typedef struct li_linear {
    int16_t light[256];              /* of a level */
    uint8_t level[LI_LIGHT_ONE + 1]; /* nearest to a light, in levels */
} li_linear;

void li_linear_make(li_linear *linear);
/* Samples → light, colours times their alpha. */
void li_linear_decode(const li_linear *linear, const uint8_t *row, int16_t *out,
                      uint32_t width, uint32_t channels);
/* One row of weights->inputs pixels → weights->count pixels. */
void li_linear_across(const li_weights *weights, uint32_t channels, const int16_t *row,
                      int16_t *out);
/* Sums of light times weights → n samples; clears the sums, in whole blocks. */
void li_linear_store(const li_linear *linear, int32_t *sums, uint8_t *out, size_t n,
                     uint32_t channels);

#endif
