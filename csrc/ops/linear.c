/* linear.c: the ends of a resize in linear light: sRGB's curve on the way in and out,
 * and the pass across between them. Layer 2.
 *
 * Light has 14 bits, 16320 for white, as a row in the ring has: level 1 is 5 units.
 * Alpha is no light and stays as it is; colours are multiplied by it as light. */
#include "ops/linear.h"

#include <math.h>

enum { ALPHA_ONE = 255 << LI_RING_BITS }; /* as light: both are 16320 */

double
li_linear_light(double sample)
{
    return sample <= 0.04045 ? sample / 12.92 : pow((sample + 0.055) / 1.055, 2.4);
}

void
li_linear_make(li_linear *linear)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i < 256; i++) {
        linear->light[i] = (int16_t)(li_linear_light(i / 255.0) * LI_LIGHT_ONE + 0.5);
        /* Up to the light half way to the next level, in levels. */
        double middle = li_linear_light((i + 0.5) / 255) * LI_LIGHT_ONE;
        for (; from <= LI_LIGHT_ONE && (from < middle || i == 255); from++)
            linear->level[from] = (uint8_t)i;
    }
}

static inline int16_t
carried(int32_t light, int32_t alpha)
{
    return (int16_t)((light * alpha + 127) / 255);
}

void
li_linear_decode(const li_linear *linear, const uint8_t *row, int16_t *out,
                 uint32_t width, uint32_t channels)
{
    bool alpha = channels % 2 == 0;
    uint32_t colours = alpha ? channels - 1 : channels;
    for (uint32_t x = 0; x < width; x++, row += channels, out += channels) {
        int32_t by = alpha ? row[colours] : 255;
        for (uint32_t c = 0; c < colours; c++)
            out[c] = alpha ? carried(linear->light[row[c]], by) : linear->light[row[c]];
        if (alpha)
            out[colours] = (int16_t)(by << LI_RING_BITS);
    }
}

static inline __attribute__((always_inline)) void
across(const li_weights *weights, const uint32_t channels, const int16_t *row,
       int16_t *out)
{
    for (uint32_t i = 0; i < weights->count; i++, out += channels) {
        const int16_t *by = weights->weights + (size_t)i * weights->stride;
        const int16_t *from = row + (size_t)weights->first[i] * channels;
        int32_t sums[4] = {0};
        for (uint32_t k = 0; k < weights->taps[i]; k++, from += channels)
            for (uint32_t c = 0; c < channels; c++)
                sums[c] += by[k] * from[c];
        for (uint32_t c = 0; c < channels; c++)
            out[c] =
                (int16_t)((sums[c] + (1 << (LI_WEIGHT_BITS - 1))) >> LI_WEIGHT_BITS);
    }
}

void
li_linear_across(const li_weights *weights, uint32_t channels, const int16_t *row,
                 int16_t *out)
{
    switch (channels) {
    case 1:
        across(weights, 1, row, out);
        break;
    case 2:
        across(weights, 2, row, out);
        break;
    case 3:
        across(weights, 3, row, out);
        break;
    default:
        across(weights, 4, row, out);
    }
}

static inline uint8_t
level_of(const li_linear *linear, int64_t light)
{
    return linear->level[light < 0 ? 0 : light > LI_LIGHT_ONE ? LI_LIGHT_ONE : light];
}

static inline int64_t
unweighted(int32_t sum)
{
    return ((int64_t)sum + (1 << (LI_WEIGHT_BITS - 1))) >> LI_WEIGHT_BITS;
}

static void
store_pixel(const li_linear *linear, const int32_t *sums, uint8_t *out,
            uint32_t colours)
{
    int32_t alpha = sums[colours];
    int64_t rounded = (unweighted(alpha) + (1 << (LI_RING_BITS - 1))) >> LI_RING_BITS;
    out[colours] = (uint8_t)(rounded < 0 ? 0 : rounded > 255 ? 255 : rounded);
    for (uint32_t c = 0; c < colours; c++)
        out[c] =
            out[colours] == 0
                ? 0
                : level_of(linear, ((int64_t)sums[c] * ALPHA_ONE + alpha / 2) / alpha);
}

void
li_linear_store(const li_linear *linear, int32_t *sums, uint8_t *out, size_t n,
                uint32_t channels)
{
    if (channels % 2)
        for (size_t i = 0; i < n; i++)
            out[i] = level_of(linear, unweighted(sums[i]));
    else
        for (size_t i = 0; i + channels <= n; i += channels)
            store_pixel(linear, sums + i, out + i, channels - 1);
    for (size_t i = 0; i < (n + LI_BLOCK - 1) / LI_BLOCK * LI_BLOCK; i++)
        sums[i] = 0;
}
