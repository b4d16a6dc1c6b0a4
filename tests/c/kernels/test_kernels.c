/* test_kernels.c: every table against the definition of each kernel, sample by sample,
 * in 64-bit integers. */
#include "../test.h"
#include "kernels/kernels.h"

enum { WIDEST = 300 };

/* Half, and 1/64 for what the first pass rounded: see `store`. */
enum { ROUNDING = (1 << 19) + (1 << 14) };

static const char *const names[] = {"scalar", "sse41", "avx2", "neon"};

static int32_t
between(uint32_t *seed, int32_t low, int32_t high)
{
    return low + (int32_t)((test_random(seed) >> 3) % (uint32_t)(high - low + 1));
}

static int32_t
clip(int64_t value)
{
    return (int32_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Weights like those of a kernel: they add up to 1 << 14, none is above 1.25. */
static li_weights
random_weights(uint32_t inputs, uint32_t count, uint32_t *seed)
{
    uint32_t most = 1 + test_random(seed) % (inputs < 40 ? inputs : 40);
    li_weights table = {.count = count, .inputs = inputs, .stride = (most + 3) & ~3u};
    table.first = calloc(count, sizeof(uint32_t));
    table.taps = calloc(count, sizeof(uint32_t));
    table.weights = calloc((size_t)count * table.stride, sizeof(int16_t));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t taps = 1 + test_random(seed) % most;
        int16_t *weights = table.weights + (size_t)i * table.stride;
        int32_t rest = 1 << LI_WEIGHT_BITS, bound = 4096 / (int32_t)taps;
        for (uint32_t k = 0; k + 1 < taps; k++)
            rest -= weights[k] = (int16_t)between(seed, -bound, bound);
        weights[taps - 1] = (int16_t)rest;
        table.taps[i] = taps;
        table.first[i] = test_random(seed) % (inputs - taps + 1);
    }
    return table;
}

static void
check_across(const li_kernels *kernels, uint32_t inputs, uint32_t count,
             uint32_t channels, uint32_t *seed)
{
    li_weights table = random_weights(inputs, count, seed);
    uint8_t *rows[LI_BATCH];
    int16_t *out[LI_BATCH];
    for (int r = 0; r < LI_BATCH; r++) {
        rows[r] = calloc((size_t)inputs * channels + LI_ROW_SLACK, 1);
        for (uint32_t n = 0; n < inputs * channels + LI_ROW_SLACK; n++)
            rows[r][n] =
                (uint8_t)(test_random(seed) % 3 ? test_random(seed) >> 8 : 255);
        out[r] = calloc((size_t)count * channels, sizeof(int16_t));
    }
    void *work =
        aligned_alloc(16, ((size_t)inputs + LI_ACROSS_PAD) * channels * LI_ACROSS_WORK);
    memset(work, 255, ((size_t)inputs + LI_ACROSS_PAD) * channels * LI_ACROSS_WORK);
    kernels->across(&table, channels, (const uint8_t *const *)rows, out, work);
    for (int r = 0; r < LI_BATCH; r++)
        for (uint32_t n = 0; n < count * channels; n++) {
            uint32_t i = n / channels, c = n % channels;
            int64_t sum = 1 << (LI_WEIGHT_BITS - LI_RING_BITS - 1);
            for (uint32_t k = 0; k < table.taps[i]; k++)
                sum += (int64_t)table.weights[(size_t)i * table.stride + k] *
                       rows[r][(table.first[i] + k) * channels + c];
            CHECK_EQ(out[r][n], sum >> (LI_WEIGHT_BITS - LI_RING_BITS));
        }
    for (int r = 0; r < LI_BATCH; r++) {
        free(rows[r]);
        free(out[r]);
    }
    free(work);
    free(table.first);
    free(table.taps);
    free(table.weights);
}

static void
across_is_the_sum(const li_kernels *kernels)
{
    uint32_t seed = 1;
    for (int round = 0; round < 300; round++)
        check_across(kernels, 1 + test_random(&seed) % WIDEST,
                     1 + test_random(&seed) % 90, 1 + (uint32_t)round % 4, &seed);
}

static void
widen_is_a_weight_of_one(const li_kernels *kernels)
{
    uint32_t seed = 2;
    for (size_t n = 0; n < 70; n++) {
        uint8_t *row = malloc(n ? n : 1);
        int16_t *out = malloc((n ? n : 1) * sizeof(int16_t));
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(test_random(&seed) >> 8);
        kernels->widen(row, out, n);
        for (size_t i = 0; i < n; i++)
            CHECK_EQ(out[i], row[i] * 64);
        free(row);
        free(out);
    }
}

/* The range of a row after Lanczos3 across, and sums of it that fill 29 bits. */
static void
accumulate_is_the_sum(const li_kernels *kernels)
{
    uint32_t seed = 3;
    for (size_t n = 0; n < 150; n++) {
        int32_t *sums = calloc(n + 1, sizeof(int32_t)), before[150];
        int16_t *rows[LI_BATCH], weights[LI_BATCH];
        for (int r = 0; r < LI_BATCH; r++) {
            rows[r] = malloc((n + 1) * sizeof(int16_t));
            weights[r] = (int16_t)between(&seed, -5000, 20000);
            for (size_t i = 0; i < n; i++)
                rows[r][i] = (int16_t)between(&seed, -4453, 20773);
        }
        for (size_t i = 0; i < n; i++)
            before[i] = sums[i] = between(&seed, -(1 << 28), 1 << 28);
        kernels->accumulate(sums, (const int16_t *const *)rows, weights, n);
        for (size_t i = 0; i < n; i++) {
            int64_t sum = before[i];
            for (int r = 0; r < LI_BATCH; r++)
                sum += (int64_t)weights[r] * rows[r][i];
            CHECK_EQ(sums[i], sum);
        }
        for (int r = 0; r < LI_BATCH; r++)
            free(rows[r]);
        free(sums);
    }
}

static void
store_rounds_clips_and_clears(const li_kernels *kernels)
{
    const int32_t half = ROUNDING, corners[] = {0,
                                                half - 1,
                                                half,
                                                -half,
                                                -half - 1,
                                                (255 << 20) - half - 1,
                                                (255 << 20) - half,
                                                (255 << 20) + half,
                                                1 << 30,
                                                -(1 << 30)};
    uint32_t seed = 4;
    for (size_t n = 0; n < 100; n++) {
        int32_t *sums = malloc((n + 1) * sizeof(int32_t)), before[100];
        uint8_t *out = malloc(n + 1);
        for (size_t i = 0; i < n; i++)
            before[i] = sums[i] =
                i < 10 ? corners[i] : between(&seed, -(1 << 26), (1 << 28) + (1 << 26));
        kernels->store(sums, out, n);
        for (size_t i = 0; i < n; i++) {
            CHECK_EQ(out[i], clip(((int64_t)before[i] + half) >> 20));
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
        return 255 << 20;
    case 1:
        return between(seed, -(1 << 22), 1 << 21);
    case 2:
        return between(seed, 250 << 20, 290 << 20);
    }
    return between(seed, 0, 255 << 20);
}

static int64_t
true_colour(int64_t colour, int64_t alpha)
{
    if (colour <= 0 || (alpha + ROUNDING) >> 20 <= 0)
        return 0;
    if (alpha == 255 << 20)
        return clip((colour + ROUNDING) >> 20);
    return clip((2 * 255 * colour + alpha) / (2 * alpha));
}

static void
check_store_alpha(const li_kernels *kernels, uint32_t width, uint32_t channels,
                  uint32_t *seed)
{
    size_t n = (size_t)width * channels;
    int32_t *sums = malloc((n + 1) * sizeof(int32_t));
    int32_t *before = malloc((n + 1) * sizeof(int32_t));
    uint8_t *out = malloc(n + 1);
    for (size_t i = 0; i < n; i++)
        sums[i] = i % channels == channels - 1 ? random_alpha(seed)
                                               : between(seed, -(1 << 24), 280 << 20);
    memcpy(before, sums, n * sizeof(int32_t));
    kernels->store_alpha(sums, out, width, channels);
    for (size_t i = 0; i < n; i++) {
        int32_t alpha = before[i / channels * channels + channels - 1];
        if (i % channels == channels - 1)
            CHECK_EQ(out[i], clip(((int64_t)alpha + ROUNDING) >> 20));
        else
            CHECK_EQ(out[i], true_colour(before[i], alpha));
        CHECK_EQ(sums[i], 0);
    }
    free(sums);
    free(before);
    free(out);
}

static void
store_alpha_divides_exactly(const li_kernels *kernels)
{
    uint32_t seed = 5;
    for (uint32_t width = 0; width < 200; width++) {
        check_store_alpha(kernels, width, 2, &seed);
        check_store_alpha(kernels, width, 4, &seed);
    }
}

static void
check_premultiply(const li_kernels *kernels, uint32_t width, uint32_t channels,
                  uint32_t alpha)
{
    size_t n = (size_t)width * channels;
    uint8_t *row = calloc(n + 1, 1), *out = calloc(n + 1, 1);
    for (size_t i = 0; i < n; i++)
        row[i] = (uint8_t)(i % channels == channels - 1 ? alpha + i / channels / 256
                                                        : i / channels + i % channels);
    kernels->premultiply(row, out, width, channels);
    for (size_t i = 0; i < n; i++) {
        uint32_t here = row[i / channels * channels + channels - 1];
        CHECK_EQ(out[i],
                 i % channels == channels - 1 ? here : (2 * row[i] * here + 255) / 510);
    }
    free(row);
    free(out);
}

static void
premultiply_rounds_exactly(const li_kernels *kernels)
{
    for (uint32_t channels = 2; channels <= 4; channels += 2) {
        for (uint32_t alpha = 0; alpha < 256; alpha++)
            check_premultiply(kernels, 256, channels, alpha);
        for (uint32_t width = 0; width < 40; width++)
            check_premultiply(kernels, width, channels, 100);
        check_premultiply(kernels, 65535, channels, 0); /* every alpha in one row */
    }
}

static void
for_each_table(void (*check)(const li_kernels *kernels))
{
    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        const li_kernels *kernels = li_kernels_named(names[k]);
        if (kernels) {
            CHECK_TEXT(kernels->name, names[k]);
            check(kernels);
        }
    }
}

TEST(across_is_the_sum_in_every_table)
{
    for_each_table(across_is_the_sum);
}

TEST(widen_is_a_weight_of_one_in_every_table)
{
    for_each_table(widen_is_a_weight_of_one);
}

TEST(accumulate_is_the_sum_in_every_table)
{
    for_each_table(accumulate_is_the_sum);
}

TEST(store_rounds_clips_and_clears_in_every_table)
{
    for_each_table(store_rounds_clips_and_clears);
}

TEST(store_alpha_divides_exactly_in_every_table)
{
    for_each_table(store_alpha_divides_exactly);
}

TEST(premultiply_rounds_exactly_in_every_table)
{
    for_each_table(premultiply_rounds_exactly);
}

TEST(tables_are_found_by_name)
{
    CHECK(li_kernels_named("scalar") == &li_kernels_scalar);
    CHECK(li_kernels_named(NULL) != NULL);
    CHECK(li_kernels_named("") == NULL);
    CHECK(li_kernels_named("mmx") == NULL);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK(li_kernels_of(&ctx) == &li_kernels_scalar);
    ctx.kernels = li_kernels_named(NULL);
    CHECK(li_kernels_of(&ctx) == ctx.kernels);
}

int
main(void)
{
    RUN(across_is_the_sum_in_every_table);
    RUN(widen_is_a_weight_of_one_in_every_table);
    RUN(accumulate_is_the_sum_in_every_table);
    RUN(store_rounds_clips_and_clears_in_every_table);
    RUN(store_alpha_divides_exactly_in_every_table);
    RUN(premultiply_rounds_exactly_in_every_table);
    RUN(tables_are_found_by_name);
    return test_end();
}
