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

double li_linear_light(double sample); /* IEC 61966-2-1, both 0 to 1 */
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

/* The same for samples of 16 bits, whose pass across is a kernel's. */
typedef struct li_deep_linear {
    uint16_t light[65536]; /* of a level, of 65535 */
    uint16_t level[65537]; /* of a light; one more, as white is 65536 in a sum */
} li_deep_linear;

void li_deep_linear_make(li_deep_linear *linear);
/* Samples → centred light, colours times their alpha. */
void li_deep_linear_take(const li_deep_linear *linear, const uint16_t *row,
                         int16_t *out, uint32_t width, uint32_t channels);
/* Sums as `accumulate` leaves them → samples; clears the sums, in whole blocks. */
void li_deep_linear_store(const li_deep_linear *linear, int32_t *sums, uint16_t *out,
                          uint32_t width, uint32_t channels);

#endif
