/* plain_deep.c: the passes of a resize over samples of 16 bits in plain C: the oracle
 * of every other table. Layer 1. */
#include "kernels/plain.h"

#include <string.h>

enum {
    ACROSS_SHIFT = LI_WEIGHT_BITS + 1, /* a ring holds half of a sample */
    ROUNDING = 1 << (LI_DEEP_BITS - 1),
    MIDDLE_SUM = LI_DEEP_MIDDLE << LI_DEEP_BITS, /* what a sample of 0 lacks in a sum */
    /* What alpha sums up to where every tap is opaque: 65535 is 16384 in a ring. */
    OPAQUE = 1 << 28,
};

/* --- on the way in -----------------------------------------------------------------
 */

void
li_plain_deep_center(const uint16_t *restrict row, int16_t *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (int16_t)(row[i] - LI_DEEP_MIDDLE);
}

/* (p + p/65536)/65536 is p/65535 rounded, p with 32768 added: it stays below 2^32. */
static inline __attribute__((always_inline)) void
premultiply_channels(const uint16_t *restrict row, int16_t *restrict out,
                     uint32_t width, const uint32_t channels)
{
    for (uint32_t x = 0; x < width; x++, row += channels, out += channels) {
        uint32_t alpha = row[channels - 1];
        for (uint32_t c = 0; c + 1 < channels; c++) {
            uint32_t product = row[c] * alpha + 32768;
            product = (product + (product >> 16)) >> 16;
            out[c] = (int16_t)((int32_t)product - LI_DEEP_MIDDLE);
        }
        out[channels - 1] = (int16_t)((int32_t)alpha - LI_DEEP_MIDDLE);
    }
}

void
li_plain_deep_premultiply(const uint16_t *row, int16_t *out, uint32_t width,
                          uint32_t channels)
{
    if (channels == 2)
        premultiply_channels(row, out, width, 2);
    else
        premultiply_channels(row, out, width, 4);
}

/* --- across ------------------------------------------------------------------------
 */

/* Within 32 bits: |weight| × 32768 adds up to at most 1.55 × 2^29. */
static inline __attribute__((always_inline)) void
across_row(const li_weights *table, const uint32_t channels,
           const int16_t *restrict row, int16_t *restrict out)
{
    for (uint32_t i = 0; i < table->count; i++, out += channels) {
        const int16_t *weights = table->weights + (size_t)i * table->stride;
        const int16_t *from = row + (size_t)table->first[i] * channels;
        int32_t sums[4] = {0};
        for (uint32_t k = 0; k < table->taps[i]; k++, from += channels)
            for (uint32_t c = 0; c < channels; c++)
                sums[c] += weights[k] * from[c];
        for (uint32_t c = 0; c < channels; c++)
            out[c] = (int16_t)((sums[c] + (1 << (ACROSS_SHIFT - 1))) >> ACROSS_SHIFT);
    }
}

void
li_plain_deep_across(const li_weights *table, uint32_t channels,
                     const int16_t *const rows[LI_BATCH], int16_t *const out[LI_BATCH],
                     void *work)
{
    (void)work;
    for (int r = 0; r < LI_BATCH; r++)
        switch (channels) {
        case 1:
            across_row(table, 1, rows[r], out[r]);
            break;
        case 2:
            across_row(table, 2, rows[r], out[r]);
            break;
        case 3:
            across_row(table, 3, rows[r], out[r]);
            break;
        default:
            across_row(table, 4, rows[r], out[r]);
        }
}

/* v − v/2 rounded down is half of v rounded up. */
void
li_plain_deep_widen(const int16_t *restrict row, int16_t *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (int16_t)(row[i] - (row[i] >> 1));
}

/* --- down --------------------------------------------------------------------------
 */

static inline uint16_t
sample_of(int32_t sum)
{
    int32_t value = ((sum + ROUNDING) >> LI_DEEP_BITS) + LI_DEEP_MIDDLE;
    value = value < 0 ? 0 : value;
    return (uint16_t)(value > 65535 ? 65535 : value);
}

void
li_plain_deep_store(int32_t *restrict sums, uint16_t *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = sample_of(sums[i]);
        sums[i] = 0;
    }
}

void
li_plain_deep_gather(const int16_t *const *rows, const int16_t *weights, uint32_t taps,
                     uint16_t *out, size_t n)
{
    int32_t sums[512] = {0};
    const size_t most = sizeof(sums) / sizeof(sums[0]);
    for (size_t at = 0; at < n; at += most) {
        size_t some = n - at < most ? n - at : most;
        for (uint32_t r = 0; r < taps; r++) {
            const int16_t *row = rows[r] + at;
            for (size_t i = 0; i < some; i++)
                sums[i] += weights[r] * row[i];
        }
        li_plain_deep_store(sums, out + at, some);
    }
}

/* A negative colour (ringing) is black, one above its alpha is white. */
static inline uint16_t
divide(int32_t colour, int32_t alpha)
{
    if (colour <= 0)
        return 0;
    if (colour >= alpha)
        return 65535;
    return (uint16_t)(colour * 65535.0 / alpha + 0.5);
}

static inline __attribute__((always_inline)) void
store_alpha_channels(int32_t *restrict sums, uint16_t *restrict out, uint32_t width,
                     const uint32_t channels)
{
    const uint32_t last = channels - 1;
    for (uint32_t x = 0; x < width; x++, sums += channels, out += channels) {
        bool opaque = sums[last] == OPAQUE;
        int32_t alpha = sums[last] + MIDDLE_SUM;
        out[last] = sample_of(sums[last]);
        for (uint32_t c = 0; c < last; c++) {
            uint16_t mixed = out[last] ? divide(sums[c] + MIDDLE_SUM, alpha) : 0;
            out[c] = opaque ? sample_of(sums[c]) : mixed;
        }
        memset(sums, 0, channels * sizeof(*sums));
    }
}

void
li_plain_deep_store_alpha(int32_t *sums, uint16_t *out, uint32_t width,
                          uint32_t channels)
{
    if (channels == 2)
        store_alpha_channels(sums, out, width, 2);
    else
        store_alpha_channels(sums, out, width, 4);
}
