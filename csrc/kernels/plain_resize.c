/* plain_resize.c: the passes of a resize in plain C: the oracle of every other table,
 * and what they fall back on. Layer 1.
 *
 * Loops run over blocks of a constant size, which every compiler turns into vectors. */
#include "kernels/plain.h"

#include <string.h>

enum { FOUR = 4 }; /* rows that go across together */

/* One sample of each of four rows: they share every weight. */
typedef float lanes __attribute__((vector_size(16)));
typedef int32_t integer_lanes __attribute__((vector_size(16)));

/* --- across ---------------------------------------------------------------------- */

/* Four bytes as one little-endian word, which is one load where that is the order. */
static inline int32_t
four_bytes(const uint8_t *from)
{
    return (int32_t)(from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
                     (uint32_t)from[3] << 24);
}

/* n samples, rounded up to a multiple of 4. */
static void
spread(const uint8_t *const rows[FOUR], size_t n, lanes *restrict out)
{
    const uint8_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    for (size_t i = 0; i < n; i += 4) {
        integer_lanes four = {four_bytes(a + i), four_bytes(b + i), four_bytes(c + i),
                              four_bytes(d + i)};
        out[i] = __builtin_convertvector(four & 255, lanes);
        out[i + 1] = __builtin_convertvector(four >> 8 & 255, lanes);
        out[i + 2] = __builtin_convertvector(four >> 16 & 255, lanes);
        out[i + 3] = __builtin_convertvector(four >> 24 & 255, lanes);
    }
}

static inline __attribute__((always_inline)) void
add_tap(lanes sums[4], const lanes *from, int16_t weight, const uint32_t channels)
{
    const float one = weight;
    const lanes all = {one, one, one, one};
    sums[0] += from[0] * all;
    if (channels > 1)
        sums[1] += from[1] * all;
    if (channels > 2)
        sums[2] += from[2] * all;
    if (channels > 3)
        sums[3] += from[3] * all;
}

static inline __attribute__((always_inline)) void
put_sample(lanes sum, int16_t *const out[FOUR], size_t at)
{
    const int shift = LI_WEIGHT_BITS - LI_RING_BITS;
    integer_lanes whole = __builtin_convertvector(sum, integer_lanes);
    whole = (whole + (1 << (shift - 1))) >> shift;
    out[0][at] = (int16_t)whole[0];
    out[1][at] = (int16_t)whole[1];
    out[2][at] = (int16_t)whole[2];
    out[3][at] = (int16_t)whole[3];
}

/* Floats hold these sums exactly: |weight| × 255 adds up to at most 1.55 × 2^14 × 255
 * < 2^23 (1.55: Lanczos3 at an edge), so no partial sum is rounded, in any order, and a
 * vector of floats multiplies where SSE2 has no product of int32. Two sets of sums,
 * because an addition takes several cycles. */
static inline __attribute__((always_inline)) void
across_channels(const li_weights *table, const uint32_t channels,
                const lanes *restrict samples, int16_t *const rows[FOUR])
{
    int16_t *const out[FOUR] = {rows[0], rows[1], rows[2], rows[3]};
    for (uint32_t i = 0; i < table->count; i++) {
        const int16_t *weights = table->weights + (size_t)i * table->stride;
        const lanes *from = samples + (size_t)table->first[i] * channels;
        lanes even[4] = {{0}}, odd[4] = {{0}};
        for (uint32_t k = 0; k < table->taps[i]; k += 2, from += 2 * channels) {
            add_tap(even, from, weights[k], channels);
            add_tap(odd, from + channels, weights[k + 1], channels);
        }
        size_t at = (size_t)i * channels;
        put_sample(even[0] + odd[0], out, at);
        if (channels > 1)
            put_sample(even[1] + odd[1], out, at + 1);
        if (channels > 2)
            put_sample(even[2] + odd[2], out, at + 2);
        if (channels > 3)
            put_sample(even[3] + odd[3], out, at + 3);
    }
}

static void
across_four(const li_weights *table, uint32_t channels, const uint8_t *const rows[FOUR],
            int16_t *const out[FOUR], void *work)
{
    lanes *samples = work;
    /* One pixel more: the taps are taken in pairs. LI_ROW_SLACK covers it. */
    spread(rows, (size_t)(table->inputs + 1) * channels, samples);
    switch (channels) {
    case 1:
        across_channels(table, 1, samples, out);
        break;
    case 2:
        across_channels(table, 2, samples, out);
        break;
    case 3:
        across_channels(table, 3, samples, out);
        break;
    default:
        across_channels(table, 4, samples, out);
    }
}

void
li_plain_across(const li_weights *table, uint32_t channels,
                const uint8_t *const rows[LI_BATCH], int16_t *const out[LI_BATCH],
                void *work)
{
    for (int r = 0; r < LI_BATCH; r += FOUR)
        across_four(table, channels, rows + r, out + r, work);
}

void
li_plain_widen(const uint8_t *restrict row, int16_t *restrict out, size_t n)
{
    size_t i = 0;
    for (; i + LI_BLOCK <= n; i += LI_BLOCK)
        for (size_t k = 0; k < LI_BLOCK; k++)
            out[i + k] = (int16_t)(row[i + k] << LI_RING_BITS);
    for (; i < n; i++)
        out[i] = (int16_t)(row[i] << LI_RING_BITS);
}

/* --- down ------------------------------------------------------------------------ */

static inline __attribute__((always_inline)) void
add_four(int32_t *restrict sums, const int16_t *const rows[FOUR],
         const int16_t weights[FOUR], const size_t n)
{
    const int16_t *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2],
                            *restrict d = rows[3];
    for (size_t i = 0; i < n; i++)
        sums[i] += weights[0] * a[i] + weights[1] * b[i] + weights[2] * c[i] +
                   weights[3] * d[i];
}

static void
accumulate_four(int32_t *sums, const int16_t *const rows[FOUR],
                const int16_t weights[FOUR], size_t n)
{
    const int16_t *at[FOUR] = {rows[0], rows[1], rows[2], rows[3]};
    size_t i = 0;
    for (; i + LI_BLOCK <= n; i += LI_BLOCK) {
        add_four(sums + i, at, weights, LI_BLOCK);
        for (int r = 0; r < FOUR; r++)
            at[r] += LI_BLOCK;
    }
    add_four(sums + i, at, weights, n - i);
}

void
li_plain_accumulate(int32_t *const *sums, const int16_t (*weights)[LI_BATCH],
                    uint32_t outputs, const int16_t *const rows[LI_BATCH], size_t n)
{
    for (uint32_t k = 0; k < outputs; k++)
        for (int r = 0; r < LI_BATCH; r += FOUR)
            accumulate_four(sums[k], rows + r, weights[k] + r, n);
}

enum {
    SUM_BITS = LI_WEIGHT_BITS + LI_RING_BITS,
    /* A sum that would end in exactly .5 is off by up to 1/64 level, because the first
     * pass rounds to 6 bits: all of those go up, whichever axis came first. */
    ROUNDING = (1 << (SUM_BITS - 1)) + (1 << (SUM_BITS - LI_RING_BITS)),
    OPAQUE = 255 << SUM_BITS, /* what alpha sums up to where every tap is opaque */
};

static inline __attribute__((always_inline)) void
store_some(int32_t *restrict sums, uint8_t *restrict out, const size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t value = (sums[i] + ROUNDING) >> SUM_BITS;
        value = value < 0 ? 0 : value;
        out[i] = (uint8_t)(value > 255 ? 255 : value);
        sums[i] = 0;
    }
}

void
li_plain_store(int32_t *sums, uint8_t *out, size_t n)
{
    size_t i = 0;
    for (; i + LI_BLOCK <= n; i += LI_BLOCK)
        store_some(sums + i, out + i, LI_BLOCK);
    store_some(sums + i, out + i, n - i);
}

/* Sums of a slice stay in the first-level cache. */
void
li_plain_gather(const int16_t *const *rows, const int16_t *weights, uint32_t taps,
                uint8_t *out, size_t n)
{
    int32_t sums[512] = {0};
    const size_t most = sizeof(sums) / sizeof(sums[0]);
    for (size_t at = 0; at < n; at += most) {
        size_t some = n - at < most ? n - at : most;
        for (uint32_t k = 0; k < taps; k += FOUR) {
            const int16_t *four[FOUR];
            for (int r = 0; r < FOUR; r++)
                four[r] = rows[k + r] + at;
            accumulate_four(sums, four, weights + k, some);
        }
        li_plain_store(sums, out + at, some);
    }
}

/* A negative colour (ringing) is black, one above its alpha is white. */
static inline uint8_t
divide(int32_t colour, int32_t alpha)
{
    if (colour <= 0)
        return 0;
    if (colour >= alpha)
        return 255;
    return (uint8_t)(colour * 255.0 / alpha + 0.5);
}

static inline __attribute__((always_inline)) void
store_alpha_channels(int32_t *restrict sums, uint8_t *restrict out, uint32_t width,
                     const uint32_t channels)
{
    const uint32_t last = channels - 1;
    for (uint32_t x = 0; x < width; x++, sums += channels, out += channels) {
        int32_t alpha = sums[last];
        if (alpha == OPAQUE) {
            store_some(sums, out, channels);
            continue;
        }
        store_some(sums + last, out + last, 1);
        for (uint32_t c = 0; c < last; c++) {
            out[c] = out[last] ? divide(sums[c], alpha) : 0;
            sums[c] = 0;
        }
    }
}

void
li_plain_store_alpha(int32_t *sums, uint8_t *out, uint32_t width, uint32_t channels)
{
    if (channels == 2)
        store_alpha_channels(sums, out, width, 2);
    else
        store_alpha_channels(sums, out, width, 4);
}

/* --- alpha ----------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void
premultiply_channels(const uint8_t *restrict row, uint8_t *restrict out, uint32_t width,
                     const uint32_t channels)
{
    for (uint32_t x = 0; x < width; x++, row += channels, out += channels) {
        uint32_t alpha = row[channels - 1];
        for (uint32_t c = 0; c + 1 < channels; c++) {
            uint32_t product = row[c] * alpha + 128; /* (p + p/256)/256 is p/255 */
            out[c] = (uint8_t)((product + (product >> 8)) >> 8);
        }
        out[channels - 1] = (uint8_t)alpha;
    }
}

/* Four RGBA pixels, and their red and blue, or green and alpha, as 16 bits each. */
typedef uint32_t pixels __attribute__((vector_size(16)));
typedef uint16_t pairs __attribute__((vector_size(16)));

/* (p + p/256)/256 again: 255 × 255 + 128 + 254 still fits 16 bits. */
static inline pixels
divide_pairs(pixels products)
{
    products += 0x00800080;
    return (products + (products >> 8 & 0x00ff00ff)) >> 8 & 0x00ff00ff;
}

/* Little-endian: alpha is a word's highest byte. Gives the pixels done. */
static uint32_t
premultiply_fours(const uint8_t *restrict row, uint8_t *restrict out, uint32_t width)
{
    uint32_t x = 0;
    for (; x + 4 <= width; x += 4, row += 16, out += 16) {
        pixels four;
        memcpy(&four, row, sizeof(four));
        pixels alpha = four >> 24;
        pixels red_blue = four & 0x00ff00ff;
        pixels green_one =
            (four >> 8 & 0xff) | 0x00ff0000; /* alpha becomes 255 × alpha */
        alpha |= alpha << 16;
        red_blue = divide_pairs((pixels)((pairs)red_blue * (pairs)alpha));
        green_one = divide_pairs((pixels)((pairs)green_one * (pairs)alpha));
        four = red_blue | green_one << 8;
        memcpy(out, &four, sizeof(four));
    }
    return x;
}

void
li_plain_premultiply(const uint8_t *row, uint8_t *out, uint32_t width,
                     uint32_t channels)
{
    const union {
        uint32_t word;
        uint8_t bytes[4];
    } order = {.word = 1};
    if (channels == 2) {
        premultiply_channels(row, out, width, 2);
        return;
    }
    uint32_t done = order.bytes[0] ? premultiply_fours(row, out, width) : 0;
    premultiply_channels(row + (size_t)done * 4, out + (size_t)done * 4, width - done,
                         4);
}
