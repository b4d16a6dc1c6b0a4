/* deep_linear.c: the ends of a resize in linear light of samples of 16 bits. Layer 2.
 *
 * Light has 16 bits as it comes and 15 in the ring, so that in the darkest end, where
 * sRGB's curve is 12.92 times as steep, levels are up to 13 of 65535 off. */
#include "ops/linear.h"

#include <math.h>

enum {
    WHITE = 65535,
    ROUNDING = 1 << (LI_DEEP_BITS - 1),
    MIDDLE_SUM = LI_DEEP_MIDDLE << LI_DEEP_BITS,
    FRACTION = (1 << LI_DEEP_BITS) - 1,
    MOST_SUM = 1 << 29, /* of white: 16384 in the ring, and the middle */
};

/* The other way of li_linear_light. */
static double
sample_of(double light)
{
    return light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055;
}

void
li_deep_linear_make(li_deep_linear *linear)
{
    for (uint32_t i = 0; i <= WHITE; i++) {
        double at = (double)i / WHITE;
        linear->light[i] = (uint16_t)(li_linear_light(at) * WHITE + 0.5);
        linear->level[i] = (uint16_t)(sample_of(at) * WHITE + 0.5);
    }
    linear->level[WHITE + 1] = WHITE;
}

static inline int16_t
carried(uint32_t light, uint32_t alpha)
{
    uint32_t product = light * alpha + 32768; /* as deep_premultiply */
    return (int16_t)((int32_t)((product + (product >> 16)) >> 16) - LI_DEEP_MIDDLE);
}

void
li_deep_linear_take(const li_deep_linear *linear, const uint16_t *row, int16_t *out,
                    uint32_t width, uint32_t channels)
{
    bool has_alpha = channels % 2 == 0;
    uint32_t colours = has_alpha ? channels - 1 : channels;
    for (uint32_t x = 0; x < width; x++, row += channels, out += channels) {
        uint32_t alpha = has_alpha ? row[colours] : WHITE;
        for (uint32_t c = 0; c < colours; c++)
            out[c] = carried(linear->light[row[c]], alpha);
        if (has_alpha)
            out[colours] = (int16_t)((int32_t)alpha - LI_DEEP_MIDDLE);
    }
}

/* Between two entries of the table in a straight line. */
static uint16_t
level_of(const li_deep_linear *linear, int64_t sum)
{
    sum = sum < 0 ? 0 : sum > MOST_SUM ? MOST_SUM : sum;
    uint32_t at = (uint32_t)sum >> LI_DEEP_BITS, rest = (uint32_t)sum & FRACTION;
    uint32_t low = linear->level[at], high = at > WHITE ? low : linear->level[at + 1];
    return (uint16_t)(low + (((high - low) * rest + ROUNDING) >> LI_DEEP_BITS));
}

static void
store_pixel(const li_deep_linear *linear, const int32_t *sums, uint16_t *out,
            uint32_t colours)
{
    int64_t alpha = (int64_t)sums[colours] + MIDDLE_SUM;
    int64_t whole = (alpha + ROUNDING) >> LI_DEEP_BITS;
    out[colours] = (uint16_t)(whole < 0 ? 0 : whole > WHITE ? WHITE : whole);
    for (uint32_t c = 0; c < colours; c++) {
        int64_t colour = (int64_t)sums[c] + MIDDLE_SUM;
        out[c] = out[colours] ? level_of(linear, colour * MOST_SUM / alpha) : 0;
    }
}

void
li_deep_linear_store(const li_deep_linear *linear, int32_t *sums, uint16_t *out,
                     uint32_t width, uint32_t channels)
{
    size_t n = (size_t)width * channels;
    if (channels % 2)
        for (size_t i = 0; i < n; i++)
            out[i] = level_of(linear, (int64_t)sums[i] + MIDDLE_SUM);
    else
        for (size_t i = 0; i < n; i += channels)
            store_pixel(linear, sums + i, out + i, channels - 1);
    for (size_t i = 0; i < (n + LI_BLOCK - 1) / LI_BLOCK * LI_BLOCK; i++)
        sums[i] = 0;
}
