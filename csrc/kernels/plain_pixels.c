/* plain_pixels.c: layouts, floats and colour of a row in plain C: the oracle of every
 * other table, and what they fall back on. Layer 1.
 *
 * Every pair of layouts is one always-inlined loop whose layouts are constants. */
#include "kernels/plain.h"

#include <string.h>

typedef struct colour {
    uint32_t red, green, blue, alpha;
} colour;

/* Rec. 709: 0.2126, 0.7152 and 0.0722 of 2^16, which add up to it: gray stays gray. */
static inline uint32_t
luma(colour from)
{
    return (13933 * from.red + 46871 * from.green + 4732 * from.blue + 32768) >> 16;
}

/* (p + p/256)/256 with p = value + 128 is value/255 rounded, up to 255². */
static inline uint32_t
mix(uint32_t sample, uint32_t under, uint32_t alpha)
{
    uint32_t product = sample * alpha + under * (255 - alpha) + 128;
    return (product + (product >> 8)) >> 8;
}

static inline __attribute__((always_inline)) colour
load(const uint8_t *from, const uint32_t channels)
{
    colour found = {.alpha = channels % 2 ? 255 : from[channels - 1]};
    found.red = from[0];
    found.green = channels > 2 ? from[1] : from[0];
    found.blue = channels > 2 ? from[2] : from[0];
    return found;
}

static inline __attribute__((always_inline)) void
save(colour from, const uint32_t source, uint8_t *to, const uint32_t channels)
{
    if (channels > 2) {
        to[0] = (uint8_t)from.red;
        to[1] = (uint8_t)from.green;
        to[2] = (uint8_t)from.blue;
    } else {
        to[0] = (uint8_t)(source > 2 ? luma(from) : from.red);
    }
    if (channels % 2 == 0)
        to[channels - 1] = (uint8_t)from.alpha;
}

static inline __attribute__((always_inline)) void
convert_pixels(const uint8_t *restrict row, const uint32_t source,
               uint8_t *restrict out, const uint32_t target, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++, row += source, out += target)
        save(load(row, source), source, out, target);
}

/* Alpha goes. Over a coloured background gray becomes a colour, so gray is luma again
 * of what the three channels are. */
static inline __attribute__((always_inline)) void
flatten_pixels(const uint8_t *restrict row, const uint32_t source,
               uint8_t *restrict out, const uint32_t target, uint32_t width,
               const uint8_t background[3])
{
    const uint32_t red = background[0], green = background[1], blue = background[2];
    for (uint32_t x = 0; x < width; x++, row += source, out += target) {
        colour from = load(row, source);
        from.red = mix(from.red, red, from.alpha);
        from.green = mix(from.green, green, from.alpha);
        from.blue = mix(from.blue, blue, from.alpha);
        save(from, 4, out, target);
    }
}

enum { PAIR = 8 }; /* channels × PAIR + out_channels */

void
li_plain_flatten(const uint8_t *row, uint32_t channels, const uint8_t *background,
                 uint8_t *out, uint32_t out_channels, uint32_t width)
{
    switch (channels * PAIR + out_channels) {
    case 2 * PAIR + 1:
        flatten_pixels(row, 2, out, 1, width, background);
        break;
    case 2 * PAIR + 3:
        flatten_pixels(row, 2, out, 3, width, background);
        break;
    case 4 * PAIR + 1:
        flatten_pixels(row, 4, out, 1, width, background);
        break;
    default:
        flatten_pixels(row, 4, out, 3, width, background);
    }
}

static void
convert_colour(const uint8_t *row, uint32_t channels, uint8_t *out,
               uint32_t out_channels, uint32_t width)
{
    switch (channels * PAIR + out_channels) {
    case 3 * PAIR + 1:
        convert_pixels(row, 3, out, 1, width);
        break;
    case 3 * PAIR + 2:
        convert_pixels(row, 3, out, 2, width);
        break;
    case 3 * PAIR + 4:
        convert_pixels(row, 3, out, 4, width);
        break;
    case 4 * PAIR + 1:
        convert_pixels(row, 4, out, 1, width);
        break;
    case 4 * PAIR + 2:
        convert_pixels(row, 4, out, 2, width);
        break;
    default:
        convert_pixels(row, 4, out, 3, width);
    }
}

static void
convert_gray(const uint8_t *row, uint32_t channels, uint8_t *out, uint32_t out_channels,
             uint32_t width)
{
    switch (channels * PAIR + out_channels) {
    case 1 * PAIR + 2:
        convert_pixels(row, 1, out, 2, width);
        break;
    case 1 * PAIR + 3:
        convert_pixels(row, 1, out, 3, width);
        break;
    case 1 * PAIR + 4:
        convert_pixels(row, 1, out, 4, width);
        break;
    case 2 * PAIR + 1:
        convert_pixels(row, 2, out, 1, width);
        break;
    case 2 * PAIR + 3:
        convert_pixels(row, 2, out, 3, width);
        break;
    default:
        convert_pixels(row, 2, out, 4, width);
    }
}

void
li_plain_convert(const uint8_t *row, uint32_t channels, uint8_t *out,
                 uint32_t out_channels, uint32_t width)
{
    if (channels == out_channels)
        memcpy(out, row, (size_t)width * channels);
    else if (channels > 2)
        convert_colour(row, channels, out, out_channels, width);
    else
        convert_gray(row, channels, out, out_channels, width);
}

void
li_plain_split(const uint8_t *row, uint32_t channels, uint8_t *const *planes,
               uint32_t width)
{
    for (uint32_t c = 0; c < channels; c++) {
        const uint8_t *from = row + c;
        uint8_t *to = planes[c];
        for (uint32_t x = 0; x < width; x++, from += channels)
            to[x] = *from;
    }
}

/* Through memcpy: a caller's array may lie at any address. */
void
li_plain_floats(const uint8_t *row, size_t n, const float scale[LI_FLOAT_PERIOD],
                const float bias[LI_FLOAT_PERIOD], void *out)
{
    uint8_t *to = out;
    for (size_t i = 0; i < n; i++, to += sizeof(float)) {
        float value = (float)row[i] * scale[i % LI_FLOAT_PERIOD];
        value += bias[i % LI_FLOAT_PERIOD];
        memcpy(to, &value, sizeof(value));
    }
}

/* --- colour ---------------------------------------------------------------------- */

static inline uint8_t
clip_ycc(int32_t value)
{
    value = (value + (1 << (LI_YCC_BITS - 1))) >> LI_YCC_BITS;
    value = value < 0 ? 0 : value;
    return (uint8_t)(value > 255 ? 255 : value);
}

/* Within 32 bits: 255 × 1.17 + 128 × 4 is below 2^11. */
void
li_plain_ycc_to_rgb(const li_ycc *how, const uint8_t *restrict y,
                    const uint8_t *restrict cb, const uint8_t *restrict cr,
                    uint8_t *restrict rgb, uint32_t width)
{
    const li_ycc k = *how;
    for (uint32_t x = 0; x < width; x++, rgb += 3) {
        int32_t luma = (y[x] - k.y_offset) * k.y_scale;
        int32_t blue = cb[x] - 128, red = cr[x] - 128;
        rgb[0] = clip_ycc(luma + red * k.cr_red);
        rgb[1] = clip_ycc(luma + blue * k.cb_green + red * k.cr_green);
        rgb[2] = clip_ycc(luma + blue * k.cb_blue);
    }
}
