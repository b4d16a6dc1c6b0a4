/* plain_deep_pixels.c: layouts, depths and floats of rows of 16 bits a sample. Layer 1.
 *
 * Every pair of layouts is one always-inlined loop whose layouts are constants. */
#include "kernels/deep.h"

#include <string.h>

/* --- depths ------------------------------------------------------------------------
 */

void
li_deep_from_bytes(const uint8_t *restrict row, uint16_t *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint16_t)(row[i] * 257);
}

/* sample / 257 rounded, for every sample. */
static inline uint8_t
byte_of(uint32_t sample)
{
    return (uint8_t)((sample * 255 + 32895) >> 16);
}

void
li_deep_to_bytes(const uint16_t *restrict row, uint8_t *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = byte_of(row[i]);
}

void
li_deep_from_network(const uint8_t *restrict row, uint16_t *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint16_t)(row[2 * i] << 8 | row[2 * i + 1]);
}

void
li_deep_network_to_bytes(const uint8_t *restrict row, uint8_t *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = byte_of((uint32_t)row[2 * i] << 8 | row[2 * i + 1]);
}

void
li_deep_to_network(const uint16_t *restrict row, uint8_t *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = (uint8_t)(row[i] >> 8);
        out[2 * i + 1] = (uint8_t)row[i];
    }
}

/* --- layouts -----------------------------------------------------------------------
 */

typedef struct colour {
    uint32_t red, green, blue, alpha;
} colour;

/* Rec. 709: 0.2126, 0.7152 and 0.0722 of 2^16, which add up to it: gray stays gray, and
 * 65535 × 2^16 and a half fit 32 bits. */
static inline uint32_t
luma(colour from)
{
    return (13933 * from.red + 46871 * from.green + 4732 * from.blue + 32768) >> 16;
}

/* (p + p/65536)/65536 with p = value + 32768 is value/65535 rounded, up to 65535². */
static inline uint32_t
mix(uint32_t sample, uint32_t under, uint32_t alpha)
{
    uint32_t product = sample * alpha + under * (65535 - alpha) + 32768;
    return (product + (product >> 16)) >> 16;
}

static inline __attribute__((always_inline)) colour
load(const uint16_t *from, const uint32_t channels)
{
    colour found = {.alpha = channels % 2 ? 65535 : from[channels - 1]};
    found.red = from[0];
    found.green = channels > 2 ? from[1] : from[0];
    found.blue = channels > 2 ? from[2] : from[0];
    return found;
}

static inline __attribute__((always_inline)) void
save(colour from, const uint32_t source, uint16_t *to, const uint32_t channels)
{
    if (channels > 2) {
        to[0] = (uint16_t)from.red;
        to[1] = (uint16_t)from.green;
        to[2] = (uint16_t)from.blue;
    } else {
        to[0] = (uint16_t)(source > 2 ? luma(from) : from.red);
    }
    if (channels % 2 == 0)
        to[channels - 1] = (uint16_t)from.alpha;
}

static inline __attribute__((always_inline)) void
convert_pixels(const uint16_t *restrict row, const uint32_t source,
               uint16_t *restrict out, const uint32_t target, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++, row += source, out += target)
        save(load(row, source), source, out, target);
}

static inline __attribute__((always_inline)) void
convert_to(const uint16_t *row, const uint32_t source, uint16_t *out, uint32_t target,
           uint32_t width)
{
    switch (target) {
    case 1:
        convert_pixels(row, source, out, 1, width);
        break;
    case 2:
        convert_pixels(row, source, out, 2, width);
        break;
    case 3:
        convert_pixels(row, source, out, 3, width);
        break;
    default:
        convert_pixels(row, source, out, 4, width);
    }
}

void
li_deep_convert(const uint16_t *row, uint32_t channels, uint16_t *out,
                uint32_t out_channels, uint32_t width)
{
    if (channels == out_channels)
        memcpy(out, row, (size_t)width * channels * sizeof(*row));
    else if (channels == 1)
        convert_to(row, 1, out, out_channels, width);
    else if (channels == 2)
        convert_to(row, 2, out, out_channels, width);
    else if (channels == 3)
        convert_to(row, 3, out, out_channels, width);
    else
        convert_to(row, 4, out, out_channels, width);
}

/* Over a coloured background gray becomes a colour, so gray is luma again. */
static inline __attribute__((always_inline)) void
flatten_pixels(const uint16_t *restrict row, const uint32_t source,
               uint16_t *restrict out, const uint32_t target, uint32_t width,
               const uint16_t background[3])
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

void
li_deep_flatten(const uint16_t *row, uint32_t channels, const uint16_t *background,
                uint16_t *out, uint32_t out_channels, uint32_t width)
{
    if (channels == 2 && out_channels == 1)
        flatten_pixels(row, 2, out, 1, width, background);
    else if (channels == 2)
        flatten_pixels(row, 2, out, 3, width, background);
    else if (out_channels == 1)
        flatten_pixels(row, 4, out, 1, width, background);
    else
        flatten_pixels(row, 4, out, 3, width, background);
}

/* --- floats ------------------------------------------------------------------------
 */

void
li_deep_floats(const uint16_t *row, size_t n, const float *scale, const float *bias,
               uint32_t period, void *out)
{
    uint8_t *to = out;
    for (size_t i = 0; i < n; i++, to += sizeof(float)) {
        float value = (float)row[i] * scale[i % period];
        value += bias[i % period];
        memcpy(to, &value, sizeof(value));
    }
}
