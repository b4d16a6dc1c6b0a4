/* expand.c: palettes, 1 to 4 bits and transparent colours to 8-bit samples; 16 bits to
 * 8, rounded, or to the machine's order. Layer 2. */
#include "codecs/png/expand.h"
#include "kernels/deep.h"

#include <string.h>

/* --- tables ----------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void
put_entries(const li_png_expand *self, const uint8_t *in, uint8_t *out,
            const uint32_t channels, const uint32_t depth)
{
    const uint32_t mask = (1u << depth) - 1, per_byte = 8 / depth;
    for (uint32_t x = 0; x < self->width; x++, out += channels) {
        uint32_t shift = 8 - depth - x % per_byte * depth;
        memcpy(out, self->table[in[x / per_byte] >> shift & mask], channels);
    }
}

static inline __attribute__((always_inline)) void
put_channels(const li_png_expand *self, const uint8_t *in, uint8_t *out,
             const uint32_t channels)
{
    switch (self->depth) {
    case 1:
        put_entries(self, in, out, channels, 1);
        break;
    case 2:
        put_entries(self, in, out, channels, 2);
        break;
    case 4:
        put_entries(self, in, out, channels, 4);
        break;
    default:
        put_entries(self, in, out, channels, 8);
    }
}

static void
by_table(const li_png_expand *self, const uint8_t *in, uint8_t *out)
{
    switch (self->out_channels) {
    case 1:
        put_channels(self, in, out, 1);
        break;
    case 2:
        put_channels(self, in, out, 2);
        break;
    case 3:
        put_channels(self, in, out, 3);
        break;
    default:
        put_channels(self, in, out, 4);
    }
}

/* Indices past the palette are black, as in libpng. */
static void
palette_table(li_png_expand *self, const li_png_begin *begin)
{
    for (uint32_t i = 0; i < 256; i++)
        self->table[i][3] = i < begin->alpha_size ? begin->alpha[i] : 255;
    for (uint32_t i = 0; i < begin->palette_size; i++)
        memcpy(self->table[i], begin->palette + (size_t)3 * i, 3);
}

static void
gray_table(li_png_expand *self)
{
    uint32_t most = (1u << self->depth) - 1;
    for (uint32_t i = 0; i <= most; i++) {
        self->table[i][0] = (uint8_t)(i * 255 / most);
        self->table[i][1] = i == (self->key[0] & most) ? 0 : 255;
    }
}

/* --- 16 bits, and RGB with a transparent colour ----------------------------------- */

static void
narrowed(const li_png_expand *self, const uint8_t *in, uint8_t *out)
{
    li_deep_network_to_bytes(in, out, (size_t)self->width * self->channels);
}

static void
kept(const li_png_expand *self, const uint8_t *in, uint8_t *out)
{
    li_deep_from_network(in, (uint16_t *)(void *)out,
                         (size_t)self->width * self->channels);
}

/* `count` samples of a pixel, of 16 bits in the file. */
static uint8_t *
put_words(const li_png_expand *self, const uint8_t *in, uint8_t *out, uint32_t count)
{
    if (!self->deep) {
        li_deep_network_to_bytes(in, out, count);
        return out + count;
    }
    li_deep_from_network(in, (uint16_t *)(void *)out, count);
    return out + 2 * (size_t)count;
}

/* All bits of the samples are compared, also those that are dropped. */
static void
by_key(const li_png_expand *self, const uint8_t *in, uint8_t *out)
{
    const uint32_t channels = self->channels, bytes = self->depth / 8;
    uint8_t key[6];
    for (uint32_t c = 0; c < channels; c++) {
        key[c * bytes] = (uint8_t)(self->key[c] >> (bytes - 1) * 8);
        key[c * bytes + bytes - 1] = (uint8_t)self->key[c];
    }
    for (uint32_t x = 0; x < self->width; x++, in += (size_t)channels * bytes) {
        bool clear = memcmp(in, key, (size_t)channels * bytes) == 0;
        if (bytes == 2)
            out = put_words(self, in, out, channels);
        for (uint32_t c = 0; bytes == 1 && c < channels; c++)
            *out++ = in[c];
        for (uint32_t k = 0; k <= (uint32_t)self->deep; k++)
            *out++ = clear ? 0 : 255;
    }
}

/* ---------------------------------------------------------------------------------- */

li_png_expand_row *
li_png_expander(const li_png_begin *begin, li_info info)
{
    bool alone = begin->channels == 1 && begin->depth <= 8;
    bool alpha = li_pixel_channels(info.pixel) > begin->channels;
    if (begin->palette_size > 0 || (alone && (begin->depth < 8 || alpha)))
        return by_table;
    if (alpha)
        return by_key;
    if (begin->depth < 16)
        return NULL;
    return li_pixel_is_deep(info.pixel) ? kept : narrowed;
}

void
li_png_expand_init(li_png_expand *self, const li_png_begin *begin, li_info info)
{
    *self = (li_png_expand){
        .row = li_png_expander(begin, info),
        .width = info.width,
        .deep = li_pixel_is_deep(info.pixel),
        .depth = begin->depth,
        .channels = begin->channels,
        .out_channels = (uint8_t)li_pixel_channels(info.pixel),
    };
    memcpy(self->key, begin->key, sizeof(self->key));
    if (begin->palette_size > 0)
        palette_table(self, begin);
    else if (self->row == by_table)
        gray_table(self);
}

size_t
li_png_file_row_bytes(const li_png_begin *begin, uint32_t width)
{
    return (size_t)(((uint64_t)width * begin->channels * begin->depth + 7) / 8);
}

uint32_t
li_png_file_step(const li_png_begin *begin)
{
    uint32_t bits = (uint32_t)begin->channels * begin->depth;
    return bits < 8 ? 1 : bits / 8;
}
