/* test_jpeg_trellis.c: the searches of the JPEG encoder against every possible answer.
 */
#include "codecs/jpeg/effort.h"
#include "test.h"

#include <math.h>

/* --- the searches against every answer ------------------------------------------- */

static float
random_level(uint32_t *state, uint32_t most)
{
    return (float)(test_random(state) % (most * 1000)) / 1000;
}

static void
random_rates(li_jpeg_rates *rates, uint32_t *state)
{
    li_jpeg_counts counts = {0};
    for (int i = 0; i < 256; i++)
        counts.ac[i] = test_random(state) % 5 ? test_random(state) % 900 : 0;
    for (int i = 0; i < LI_DC_SIZES; i++)
        counts.dc[i] = test_random(state) % 500;
    li_jpeg_rates_of(rates, &counts);
}

/* The bits and the weighted error of a whole block, by the definition. */
static double
cost_of(const li_jpeg_rates *rates, const float *level, li_jpeg_weight weight,
        const uint16_t *values)
{
    double cost = 0;
    int last = 0;
    for (int k = 1; k < DCTSIZE2; k++) {
        double off = level[k] - values[k];
        cost += (double)(k <= 2 ? weight.slope : weight.rest) * off * off;
        if (values[k]) {
            cost += rates->ac[li_jpeg_size(values[k])][k - last - 1];
            last = k;
        }
    }
    return cost + (last < DCTSIZE2 - 1 ? rates->end : 0);
}

static uint32_t
candidate(float level, int way)
{
    uint32_t value = (uint32_t)(level + 0.5f);
    if (way == 0 || !value)
        return 0;
    return way == 1 ? value : (1u << (li_jpeg_size(value) - 1)) - 1;
}

TEST(the_ac_trellis_costs_least_of_all)
{
    enum { PLACES = 7, WAYS = 2187 /* 3^7 */ };
    uint32_t state = 11;
    for (int round = 0; round < 150; round++) {
        li_jpeg_rates rates;
        float level[DCTSIZE2] = {0};
        uint16_t chosen[DCTSIZE2] = {0}, values[DCTSIZE2] = {0};
        int places[PLACES];
        random_rates(&rates, &state);
        for (int k = 1; k < DCTSIZE2; k++)
            level[k] = random_level(&state, 1) * 0.49f;
        for (int i = 0; i < PLACES; i++) {
            places[i] = i * 9 + 1 + (int)(test_random(&state) % 9);
            level[places[i]] = random_level(&state, round % 3 ? 4 : 40);
        }
        if (round % 5 == 0)
            level[63] = level[places[6]] = 3.3f;
        double best = 1e30;
        li_jpeg_weight weight = {.rest = 0.1f + random_level(&state, 10)};
        weight.slope = weight.rest * (float)(1 + round % 4);
        float cost = li_jpeg_trellis(&rates, level, weight, chosen);
        for (int way = 0; way < WAYS; way++) {
            for (int i = 0, digits = way; i < PLACES; i++, digits /= 3)
                values[places[i]] = (uint16_t)candidate(level[places[i]], digits % 3);
            for (int end = 0; end < (round % 5 == 0 ? 2 : 1); end++) {
                if (round % 5 == 0)
                    values[63] = end ? 3 : 0;
                double tried = cost_of(&rates, level, weight, values);
                best = tried < best ? tried : best;
            }
        }
        double found = cost_of(&rates, level, weight, chosen);
        CHECK(fabs(found - cost) < 1e-3 * found);
        CHECK(found < best * (1 + 1e-5) || round % 5 == 0);
        CHECK(found < best + 1e-3 * best);
    }
}

TEST(a_block_of_small_levels_is_empty_and_one_of_cheap_bits_is_kept)
{
    li_jpeg_rates rates;
    uint32_t state = 5;
    random_rates(&rates, &state);
    float level[DCTSIZE2] = {0};
    uint16_t chosen[DCTSIZE2];
    for (int k = 1; k < DCTSIZE2; k++)
        level[k] = 0.6f;
    li_jpeg_trellis(&rates, level, (li_jpeg_weight){0.5f, 0.5f}, chosen);
    for (int k = 1; k < DCTSIZE2; k++)
        CHECK_EQ(chosen[k], 0);
    li_jpeg_trellis(&rates, level, (li_jpeg_weight){1e6f, 1e6f}, chosen);
    for (int k = 1; k < DCTSIZE2; k++)
        CHECK_EQ(chosen[k], 1);
}

TEST(a_smooth_block_keeps_its_slopes)
{
    li_jpeg_weight smooth = li_jpeg_weigh(0.5f, 1400), busy = li_jpeg_weigh(2000, 1400);
    CHECK(smooth.slope > 3.5f * smooth.rest);
    CHECK(busy.slope < 1.02f * busy.rest);
    CHECK(smooth.rest > 2 * busy.rest);
    li_jpeg_rates rates;
    uint32_t state = 9;
    random_rates(&rates, &state);
    rates.end = 1; /* blocks without AC are frequent, a coefficient is rare */
    rates.ac[1][0] = rates.ac[1][1] = 11;
    float level[DCTSIZE2] = {0, 0.7f, 0.7f, 0.7f};
    uint16_t chosen[DCTSIZE2];
    li_jpeg_trellis(&rates, level, smooth, chosen);
    CHECK(chosen[1] == 1 && chosen[2] == 1 && chosen[3] == 0);
    li_jpeg_trellis(&rates, level, busy, chosen);
    CHECK(chosen[1] == 0 && chosen[2] == 0 && chosen[3] == 0);
}

TEST(the_dc_trellis_costs_least_of_all)
{
    enum { COUNT = 6, WAYS = 729 };
    uint32_t state = 77;
    for (int round = 0; round < 200; round++) {
        li_jpeg_rates rates;
        li_jpeg_way ways[COUNT];
        float dc[COUNT], weight[COUNT], chosen[COUNT];
        random_rates(&rates, &state);
        for (int x = 0; x < COUNT; x++) {
            dc[x] = random_level(&state, 40) - 20;
            weight[x] = random_level(&state, 6);
        }
        int last = (int)(test_random(&state) % 21) - 10;
        memcpy(chosen, dc, sizeof(dc));
        li_jpeg_dc_trellis(&rates, chosen, weight, COUNT, last, ways);
        double best = 1e30, found = 0;
        for (int way = -1; way < WAYS; way++) {
            double cost = 0;
            int before = last;
            for (int x = 0, digits = way; x < COUNT; x++, digits /= 3) {
                int value =
                    way < 0 ? (int)chosen[x] : (int)lroundf(dc[x]) + digits % 3 - 1;
                cost += rates.dc[li_jpeg_size((uint32_t)abs(value - before))] +
                        weight[x] * (dc[x] - value) * (dc[x] - value);
                before = value;
            }
            found = way < 0 ? cost : found;
            best = way < 0 || cost < best ? cost : best;
        }
        CHECK(found < best + 1e-4 * best);
    }
}

/* --- scripts --------------------------------------------------------------------- */

/* The bits of one scan's symbols by the definition: entropy, and what is behind them.
 */
static double
scan_bits(const int16_t (*blocks)[DCTSIZE2], uint32_t count, int first, int last)
{
    uint32_t symbols[256] = {0}, total = 0, ends = 0;
    double bits = 0;
    for (uint32_t b = 0; b <= count; b++) {
        int run = 0;
        bool some = b == count;
        for (int k = first; b < count && k <= last; k++)
            some = some || blocks[b][li_jpeg_zigzag[k]] != 0;
        if (some && ends) {
            uint32_t size = li_jpeg_size(ends) - 1;
            symbols[size << 4]++;
            bits += size;
            ends = 0;
        }
        for (int k = first; b < count && k <= last; k++) {
            int value = abs(blocks[b][li_jpeg_zigzag[k]]);
            if (!value) {
                run++;
                continue;
            }
            for (; run > 15; run -= 16)
                symbols[0xF0]++;
            symbols[run << 4 | (int)li_jpeg_size((uint32_t)value)]++;
            bits += li_jpeg_size((uint32_t)value);
            run = 0;
        }
        ends += b < count && run > 0;
    }
    for (int i = 0; i < 256; i++)
        total += symbols[i];
    for (int i = 0; i < 256; i++)
        if (symbols[i])
            bits +=
                symbols[i] * fmax(1, fmin(16, log2((double)total / symbols[i]))) + 8;
    return bits + 8 * 31;
}

TEST(the_split_is_the_one_whose_scans_are_smallest)
{
    enum { BLOCKS = 400 };
    static const uint8_t splits[] = {0, 2, 5, 8, 12, 18};
    static int16_t blocks[BLOCKS][DCTSIZE2];
    static li_jpeg_bands bands;
    uint32_t state = 21, seen = 0;
    for (uint32_t round = 0; round < 24; round++) {
        memset(&bands, 0, sizeof(bands));
        memset(blocks, 0, sizeof(blocks));
        for (uint32_t b = 0; b < BLOCKS; b++) {
            uint32_t far = test_random(&state) % 8 ? 1 + round % 6 * 4 : 63;
            for (uint32_t k = 1; k <= far; k++)
                if (test_random(&state) % (1 + k / 2) == 0)
                    blocks[b][li_jpeg_zigzag[k]] =
                        (int16_t)(test_random(&state) % 9) - 4;
            li_jpeg_bands_add(&bands, blocks[b]);
        }
        uint8_t split = li_jpeg_bands_split(&bands, 1);
        double best = 1e30, found = 0;
        for (size_t i = 0; i < sizeof(splits); i++) {
            int at = splits[i];
            double bits = at ? scan_bits(blocks, BLOCKS, 1, at) +
                                   scan_bits(blocks, BLOCKS, at + 1, 63)
                             : scan_bits(blocks, BLOCKS, 1, 63);
            found = at == split ? bits : found;
            best = bits < best ? bits : best;
        }
        CHECK(found > 0 && found < best * 1.0001);
        seen |= 1u << split;
    }
    CHECK((seen & (seen - 1)) != 0); /* not one answer for all */
}

int
main(void)
{
    RUN(the_ac_trellis_costs_least_of_all);
    RUN(a_block_of_small_levels_is_empty_and_one_of_cheap_bits_is_kept);
    RUN(a_smooth_block_keeps_its_slopes);
    RUN(the_dc_trellis_costs_least_of_all);
    RUN(the_split_is_the_one_whose_scans_are_smallest);
    return test_end();
}
