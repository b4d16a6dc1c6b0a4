/* test_deep.c: the kernels of 16 bits a sample in every table against their
 * definitions, in 64-bit integers. */
#include "tables.h"

enum { MOST = 300, ROUNDING = 1 << 12, MIDDLE_SUM = 1 << 28 };

static size_t
blocks(size_t n)
{
    return (n + LI_BLOCK - 1) / LI_BLOCK * LI_BLOCK;
}

static int64_t
clip_word(int64_t value)
{
    return value < 0 ? 0 : value > 65535 ? 65535 : value;
}

/* Samples with many at both ends, exactly n of them, for a sanitizer. */
static uint16_t *
random_words(size_t n, uint32_t *seed)
{
    uint16_t *words = malloc((n + !n) * sizeof(*words));
    for (size_t i = 0; words && i < n; i++) {
        uint32_t drawn = test_random(seed) >> 4;
        words[i] = (uint16_t)(drawn & 0x30000 ? drawn : drawn & 0x40000 ? 65535 : 0);
    }
    if (!words)
        exit(1);
    return words;
}

/* --- in ----------------------------------------------------------------------------
 */

static void
centred_and_halved(const li_kernels *kernels)
{
    uint32_t seed = 1;
    for (size_t n = 0; n < 150; n++) {
        uint16_t *row = random_words(n, &seed);
        int16_t *centred = malloc((n + 1) * 2), *halved = malloc((n + 1) * 2);
        kernels->deep_center(row, centred, n);
        kernels->deep_widen(centred, halved, n);
        for (size_t i = 0; i < n; i++) {
            CHECK_EQ(centred[i], row[i] - 32768);
            CHECK_EQ(halved[i], (row[i] - 32768 + 1) >> 1);
        }
        free(row);
        free(centred);
        free(halved);
    }
}

static void
check_premultiply(const li_kernels *kernels, uint32_t width, uint32_t channels,
                  uint32_t *seed)
{
    size_t n = (size_t)width * channels;
    uint16_t *row = random_words(n, seed);
    int16_t *out = malloc((n + !n) * sizeof(*out));
    kernels->deep_premultiply(row, out, width, channels);
    for (size_t i = 0; i < n; i++) {
        uint64_t alpha = row[i / channels * channels + channels - 1];
        bool carries = i % channels != channels - 1;
        uint64_t wanted = carries ? (2 * row[i] * alpha + 65535) / (2 * 65535) : alpha;
        CHECK_EQ(out[i], (int64_t)wanted - 32768);
    }
    free(row);
    free(out);
}

static void
premultiplied(const li_kernels *kernels)
{
    uint32_t seed = 2;
    for (uint32_t width = 0; width < MOST; width++)
        for (uint32_t channels = 2; channels <= 4; channels += 2)
            check_premultiply(kernels, width, channels, &seed);
}

/* --- across ------------------------------------------------------------------------
 */

/* Windows as a resize has them: begins are even, neither end falls. The weights of each
 * add up to 1 << 14, and their sizes to no more than 1.55 times that. */
static li_weights
random_weights(uint32_t inputs, uint32_t count, uint32_t most, uint32_t *seed)
{
    li_weights table = {.count = count, .inputs = inputs, .stride = (most + 3) & ~3u};
    table.first = calloc(count, sizeof(uint32_t));
    table.taps = calloc(count, sizeof(uint32_t));
    table.weights = calloc((size_t)count * table.stride, sizeof(int16_t));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first = (uint32_t)((uint64_t)i * inputs / count) & ~1u;
        uint32_t end = first + most < inputs ? first + most : inputs;
        uint32_t taps = end - first;
        int16_t *weights = table.weights + (size_t)i * table.stride;
        int32_t bound = 4096 / (int32_t)taps, rest = 1 << LI_WEIGHT_BITS;
        for (uint32_t k = 0; k + 1 < taps; k++)
            rest -= weights[k] = (int16_t)between(seed, -bound, bound);
        weights[taps - 1] = (int16_t)rest;
        table.first[i] = first;
        table.taps[i] = taps;
    }
    return table;
}

static void
compare_across(const li_weights *table, uint32_t channels, int16_t *const *rows,
               int16_t *const *out)
{
    for (int r = 0; r < LI_BATCH; r++)
        for (uint32_t n = 0; n < table->count * channels; n++) {
            uint32_t i = n / channels;
            int64_t sum = 1 << 14;
            for (uint32_t k = 0; k < table->taps[i]; k++)
                sum += (int64_t)table->weights[(size_t)i * table->stride + k] *
                       rows[r][(table->first[i] + k) * channels + n % channels];
            CHECK_EQ(out[r][n], sum >> 15);
        }
}

static void
check_across(const li_kernels *kernels, const li_weights *table, uint32_t channels,
             uint32_t *seed)
{
    int16_t *rows[LI_BATCH], *out[LI_BATCH];
    size_t samples = (size_t)table->count * channels + LI_OUT_SLACK;
    size_t wide = (size_t)table->inputs * channels + LI_ROW_SLACK / 2;
    size_t work_bytes =
        ((size_t)table->inputs + LI_ACROSS_PAD) * channels * LI_ACROSS_WORK;
    void *work = aligned_alloc(16, work_bytes);
    memset(work, 255, work_bytes);
    for (int r = 0; r < LI_BATCH; r++) {
        rows[r] = (int16_t *)random_words(wide, seed);
        out[r] = malloc(samples * sizeof(int16_t));
    }
    kernels->deep_across(table, channels, (const int16_t *const *)rows, out, work);
    compare_across(table, channels, rows, out);
    for (int r = 0; r < LI_BATCH; r++) {
        free(rows[r]);
        free(out[r]);
    }
    free(work);
}

static void
across_is_the_sum(const li_kernels *kernels)
{
    uint32_t seed = 3;
    for (uint32_t round = 0; round < 600; round++) {
        uint32_t inputs = 1 + test_random(&seed) % (round % 2 ? 40 : MOST);
        uint32_t count = 1 + test_random(&seed) % 90;
        uint32_t most = 2 + test_random(&seed) % 46;
        li_weights table = random_weights(inputs, count, most, &seed);
        check_across(kernels, &table, 1 + round / 2 % 4, &seed);
        free(table.first);
        free(table.taps);
        free(table.weights);
    }
    for (uint32_t channels = 1; channels <= 4; channels++) {
        li_weights table = random_weights(5000, 700, 43, &seed);
        check_across(kernels, &table, channels, &seed);
        free(table.first);
        free(table.taps);
        free(table.weights);
    }
}

/* --- down --------------------------------------------------------------------------
 */

static void
check_gather(const li_kernels *kernels, size_t n, uint32_t taps, uint32_t *seed)
{
    int16_t *rows[64] = {NULL}, weights[64] = {0};
    int32_t rest = 1 << LI_WEIGHT_BITS, bound = 4096 / (int32_t)taps;
    uint32_t given = (taps + 3) & ~3u;
    uint16_t *out = malloc((blocks(n) + 1) * sizeof(*out));
    for (uint32_t r = 0; r + 1 < taps; r++)
        rest -= weights[r] = (int16_t)between(seed, -bound, bound);
    weights[taps - 1] = (int16_t)rest;
    for (uint32_t r = 0; r < given; r++) {
        rows[r] = calloc(blocks(n) + 1, sizeof(int16_t));
        for (size_t i = 0; i < n; i++)
            rows[r][i] = (int16_t)between(seed, -25395, 25395);
    }
    kernels->deep_gather((const int16_t *const *)rows, weights, taps, out, n);
    for (size_t i = 0; i < n; i++) {
        int64_t sum = ROUNDING;
        for (uint32_t r = 0; r < taps; r++)
            sum += (int64_t)weights[r] * rows[r][i];
        CHECK_EQ(out[i], clip_word((sum >> 13) + 32768));
    }
    for (uint32_t r = 0; r < given; r++)
        free(rows[r]);
    free(out);
}

static void
gathered(const li_kernels *kernels)
{
    uint32_t seed = 4;
    for (size_t n = 0; n < 150; n++)
        check_gather(kernels, n, 1 + (uint32_t)n % 60, &seed);
    check_gather(kernels, 2000, 13, &seed);
}

static void
stored(const li_kernels *kernels)
{
    uint32_t seed = 5;
    for (size_t n = 0; n < 100; n++) {
        int32_t *sums = calloc(blocks(n) + 1, sizeof(int32_t)), before[100];
        uint16_t *out = malloc((blocks(n) + 1) * sizeof(*out));
        for (size_t i = 0; i < n; i++)
            before[i] = sums[i] = between(&seed, -(3 << 27), 3 << 27);
        kernels->deep_store(sums, out, n);
        for (size_t i = 0; i < n; i++) {
            CHECK_EQ(out[i],
                     clip_word((((int64_t)before[i] + ROUNDING) >> 13) + 32768));
            CHECK_EQ(sums[i], 0);
        }
        free(sums);
        free(out);
    }
}

/* Opaque, translucent, transparent and ringing, beside each other. */
static int32_t
random_alpha(uint32_t *seed)
{
    switch (test_random(seed) % 4) {
    case 0:
        return MIDDLE_SUM;
    case 1:
        return between(seed, -MIDDLE_SUM - (1 << 20), -MIDDLE_SUM + (1 << 14));
    case 2:
        return between(seed, MIDDLE_SUM - (1 << 14), MIDDLE_SUM + (1 << 20));
    }
    return between(seed, -MIDDLE_SUM, MIDDLE_SUM);
}

static int64_t
true_colour(int64_t colour, int64_t alpha)
{
    int64_t seen = ((alpha + ROUNDING) >> 13) + 32768;
    if (alpha == MIDDLE_SUM)
        return clip_word(((colour + ROUNDING) >> 13) + 32768);
    colour += MIDDLE_SUM;
    alpha += MIDDLE_SUM;
    if (colour <= 0 || seen <= 0)
        return 0;
    return clip_word((2 * 65535 * colour + alpha) / (2 * alpha));
}

static void
check_store_alpha(const li_kernels *kernels, uint32_t width, uint32_t channels,
                  uint32_t *seed)
{
    size_t n = (size_t)width * channels;
    int32_t *sums = malloc(n * sizeof(int32_t) + 1);
    int32_t *before = malloc(n * sizeof(int32_t) + 1);
    uint16_t *out = malloc((n + !n) * sizeof(*out));
    for (size_t i = 0; i < n; i++)
        sums[i] = i % channels == channels - 1
                      ? random_alpha(seed)
                      : between(seed, -MIDDLE_SUM - (1 << 25), MIDDLE_SUM + (1 << 25));
    memcpy(before, sums, n * sizeof(int32_t));
    kernels->deep_store_alpha(sums, out, width, channels);
    for (size_t i = 0; i < n; i++) {
        int32_t alpha = before[i / channels * channels + channels - 1];
        if (i % channels == channels - 1)
            CHECK_EQ(out[i], clip_word((((int64_t)alpha + ROUNDING) >> 13) + 32768));
        else
            CHECK_EQ(out[i], true_colour(before[i], alpha));
        CHECK_EQ(sums[i], 0);
    }
    free(sums);
    free(before);
    free(out);
}

static void
alpha_stored(const li_kernels *kernels)
{
    uint32_t seed = 6;
    for (uint32_t width = 0; width < 200; width++) {
        check_store_alpha(kernels, width, 2, &seed);
        check_store_alpha(kernels, width, 4, &seed);
    }
}

TEST(samples_are_centred_and_halved_in_every_table)
{
    for_each_table(centred_and_halved);
}

TEST(deep_premultiply_rounds_exactly_in_every_table)
{
    for_each_table(premultiplied);
}

TEST(deep_across_is_the_sum_in_every_table)
{
    for_each_table(across_is_the_sum);
}

TEST(deep_gather_is_the_sum_stored_in_every_table)
{
    for_each_table(gathered);
}

TEST(deep_store_rounds_clips_and_clears_in_every_table)
{
    for_each_table(stored);
}

TEST(deep_store_alpha_divides_exactly_in_every_table)
{
    for_each_table(alpha_stored);
}

int
main(void)
{
    RUN(samples_are_centred_and_halved_in_every_table);
    RUN(deep_premultiply_rounds_exactly_in_every_table);
    RUN(deep_across_is_the_sum_in_every_table);
    RUN(deep_gather_is_the_sum_stored_in_every_table);
    RUN(deep_store_rounds_clips_and_clears_in_every_table);
    RUN(deep_store_alpha_divides_exactly_in_every_table);
    return test_end();
}
