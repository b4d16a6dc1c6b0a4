/* rates.c: what symbols will cost, guessed from how often they would be written if
 * every coefficient were rounded plainly. Layer 2. */
#include "codecs/jpeg/effort.h"

#include <stdlib.h>
#include <string.h>

void
li_jpeg_quantizer_init(li_jpeg_quantizer *quantizer, const uint16_t table[DCTSIZE2])
{
    for (int k = 0; k < DCTSIZE2; k++)
        quantizer->inverse[k] =
            1.0f / (float)(LI_DCT_SCALE * (int)table[li_jpeg_zigzag[k]]);
}

void
li_jpeg_levels(const li_jpeg_quantizer *quantizer, const li_jpeg_block block,
               float level[DCTSIZE2])
{
    for (int k = 0; k < DCTSIZE2; k++) {
        float value = (float)block[k] * quantizer->inverse[k];
        level[k] = value < 0 ? -value : value;
    }
}

void
li_jpeg_count_block(li_jpeg_counts *counts, const li_jpeg_block block,
                    const float level[DCTSIZE2], int *last_dc)
{
    uint32_t run = 0;
    int dc = (int)(level[0] + 0.5f);
    dc = block[0] < 0 ? -dc : dc;
    counts->dc[li_jpeg_size((uint32_t)abs(dc - *last_dc))]++;
    *last_dc = dc;
    for (int k = 1; k < DCTSIZE2; k++) {
        uint32_t value = (uint32_t)(level[k] + 0.5f);
        if (!value) {
            run++;
            continue;
        }
        counts->ac[LI_AC_SKIP] += run >> 4;
        counts->ac[(run & 15) << 4 | li_jpeg_size(value)]++;
        run = 0;
    }
    counts->ac[LI_AC_END] += run > 0;
}

/* The binary logarithm of 1 … 2³² − 1 with 16 bits of fraction, by squaring: the same
 * on every machine. */
static uint32_t
log2_fixed(uint32_t value)
{
    uint32_t whole = li_jpeg_size(value) - 1;
    uint64_t x = (uint64_t)value << (31 - whole); /* 1 … 2, as 1 << 31 */
    uint32_t fraction = 0;
    for (int bit = 0; bit < 16; bit++) {
        x = x * x >> 31;
        fraction = fraction << 1 | (uint32_t)(x >> 32);
        x >>= x >> 32;
    }
    return whole << 16 | fraction;
}

/* What was never seen gets the longest. */
float
li_jpeg_bits(uint32_t count, uint32_t total)
{
    if (!count)
        return 16;
    float bits = (float)(log2_fixed(total) - log2_fixed(count)) / 65536;
    return bits < 1 ? 1 : bits > 16 ? 16 : bits;
}

static uint32_t
sum_of(const uint32_t *counts, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += counts[i];
    return sum;
}

void
li_jpeg_rates_of(li_jpeg_rates *rates, const li_jpeg_counts *counts)
{
    uint32_t ac = sum_of(counts->ac, 256), dc = sum_of(counts->dc, LI_DC_SIZES);
    float skip = li_jpeg_bits(counts->ac[LI_AC_SKIP], ac);
    rates->end = li_jpeg_bits(counts->ac[LI_AC_END], ac);
    memset(rates->ac, 0, sizeof(rates->ac));
    for (uint32_t size = 1; size < LI_AC_SIZES; size++) {
        float least = 0;
        for (uint32_t run = 0; run < DCTSIZE2 - 1; run++) {
            float bits = li_jpeg_bits(counts->ac[(run & 15) << 4 | size], ac) +
                         (float)(run >> 4) * skip + (float)size;
            least = bits > least ? bits : least;
            rates->ac[size][run] = least;
        }
    }
    for (uint32_t size = 0; size < LI_DC_SIZES; size++)
        rates->dc[size] = li_jpeg_bits(counts->dc[size], dc) + (float)size;
}

float
li_jpeg_energy(const li_jpeg_block block)
{
    int32_t sum = 0; /* by Parseval at most 2²⁰ · LI_DCT_SCALE² */
    for (int k = 1; k < DCTSIZE2; k++)
        sum += block[k] * block[k];
    return (float)sum / (LI_DCT_SCALE * LI_DCT_SCALE * (DCTSIZE2 - 1));
}
