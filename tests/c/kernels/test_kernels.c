/* test_kernels.c: every table against the definition of each kernel of a resize, sample
 * by sample, in 64-bit integers. */
#include "tables.h"

enum { WIDEST = 300 };

/* Half, and 1/64 for what the first pass rounded: see `store`. */
enum { ROUNDING = (1 << 19) + (1 << 14) };

static size_t
blocks(size_t n)
{
    return (n + LI_BLOCK - 1) / LI_BLOCK * LI_BLOCK;
}

/* Weights like those of a kernel: they add up to 1 << 14, none is above 1.25. */
static void
fill_weights(int16_t *weights, uint32_t taps, uint32_t *seed)
{
    int32_t rest = 1 << LI_WEIGHT_BITS, bound = 4096 / (int32_t)taps;
    for (uint32_t k = 0; k + 1 < taps; k++)
        rest -= weights[k] = (int16_t)between(seed, -bound, bound);
    weights[taps - 1] = (int16_t)rest;
}

/* Windows that go from left to right: their begins are even, and neither end falls. */
static li_weights
random_weights(uint32_t inputs, uint32_t count, uint32_t most, uint32_t *seed)
{
    li_weights table = {.count = count, .inputs = inputs, .stride = (most + 3) & ~3u};
    table.first = calloc(count, sizeof(uint32_t));
    table.taps = calloc(count, sizeof(uint32_t));
    table.weights = calloc((size_t)count * table.stride, sizeof(int16_t));
    uint32_t first = 0, end = 1, step = 2 * inputs / count + 1;
    for (uint32_t i = 0; i < count; i++) {
        end += test_random(seed) % step;
        end = end > inputs ? inputs : end;
        first += test_random(seed) % step;
        first = first + most < end ? end - most : first;
        first = (first < end ? first : end - 1) & ~1u;
        end = end > first + most ? first + most : end;
        table.first[i] = first;
        table.taps[i] = end - first;
        fill_weights(table.weights + (size_t)i * table.stride, end - first, seed);
    }
    return table;
}

static void
free_weights(li_weights *table)
{
    free(table->first);
    free(table->taps);
    free(table->weights);
}

static void
compare_across(const li_weights *table, uint32_t channels,
               const uint8_t *const rows[LI_BATCH], int16_t *const out[LI_BATCH])
{
    for (int r = 0; r < LI_BATCH; r++)
        for (uint32_t n = 0; n < table->count * channels; n++) {
            uint32_t i = n / channels, c = n % channels;
            int64_t sum = 1 << (LI_WEIGHT_BITS - LI_RING_BITS - 1);
            for (uint32_t k = 0; k < table->taps[i]; k++)
                sum += (int64_t)table->weights[(size_t)i * table->stride + k] *
                       rows[r][(table->first[i] + k) * channels + c];
            CHECK_EQ(out[r][n], sum >> (LI_WEIGHT_BITS - LI_RING_BITS));
        }
}

static void
check_across(const li_kernels *kernels, const li_weights *table, uint32_t channels,
             uint32_t *seed)
{
    buffer rows[LI_BATCH];
    const uint8_t *from[LI_BATCH];
    int16_t *out[LI_BATCH];
    size_t samples = (size_t)table->count * channels + LI_OUT_SLACK;
    size_t wide = (size_t)table->inputs * channels + LI_ROW_SLACK;
    size_t work_bytes =
        ((size_t)table->inputs + LI_ACROSS_PAD) * channels * LI_ACROSS_WORK;
    void *work = aligned_alloc(16, work_bytes);
    memset(work, 255, work_bytes);
    for (int r = 0; r < LI_BATCH; r++) {
        rows[r] = buffer_of(wide, seed);
        for (size_t n = 0; n < wide; n += 1 + test_random(seed) % 3)
            rows[r].at[n] = 255;
        from[r] = rows[r].at;
        out[r] = malloc(samples * sizeof(int16_t));
    }
    kernels->across(table, channels, from, out, work);
    compare_across(table, channels, from, out);
    for (int r = 0; r < LI_BATCH; r++) {
        free(rows[r].whole);
        free(out[r]);
    }
    free(work);
}

static void
across_is_the_sum(const li_kernels *kernels)
{
    uint32_t seed = 1;
    for (uint32_t round = 0; round < 800; round++) {
        uint32_t inputs = 1 + test_random(&seed) % (round % 2 ? 40 : WIDEST);
        uint32_t count = 1 + test_random(&seed) % 90;
        uint32_t most = 2 + test_random(&seed) % 46;
        li_weights table = random_weights(inputs, count, most, &seed);
        check_across(kernels, &table, 1 + round / 2 % 4, &seed);
        free_weights(&table);
    }
}

/* Windows wider than any buffer that a kernel may slide, and rows much longer. */
static void
long_rows_are_the_sum(const li_kernels *kernels)
{
    uint32_t seed = 11;
    const uint32_t shapes[][3] = {
        {20000, 8, 15001}, {5000, 700, 43}, {3000, 60, 300}, {1500, 2000, 7}};
    for (size_t k = 0; k < sizeof(shapes) / sizeof(shapes[0]); k++)
        for (uint32_t channels = 1; channels <= 4; channels++) {
            li_weights table =
                random_weights(shapes[k][0], shapes[k][1], shapes[k][2], &seed);
            check_across(kernels, &table, channels, &seed);
            free_weights(&table);
        }
}

static void
widen_is_a_weight_of_one(const li_kernels *kernels)
{
    uint32_t seed = 2;
    for (size_t n = 0; n < 150; n++) {
        buffer row = buffer_of(n, &seed);
        int16_t *out = malloc((n ? n : 1) * sizeof(int16_t));
        kernels->widen(row.at, out, n);
        for (size_t i = 0; i < n; i++)
            CHECK_EQ(out[i], row.at[i] * 64);
        free(row.whole);
        free(out);
    }
}

/* Rows in the range that Lanczos3 across gives, in whole blocks. */
static void
random_rows(int16_t **rows, uint32_t count, size_t n, uint32_t *seed)
{
    for (uint32_t r = 0; r < count; r++) {
        rows[r] = calloc(blocks(n) + 1, sizeof(int16_t));
        for (size_t i = 0; i < n; i++)
            rows[r][i] = (int16_t)between(seed, -4453, 20773);
    }
}

static void
free_rows(int16_t **rows, uint32_t count)
{
    for (uint32_t r = 0; r < count; r++)
        free(rows[r]);
}

enum { OUTPUTS = 11 };

/* Sums that fill 29 bits. */
static void
check_accumulate(const li_kernels *kernels, size_t n, uint32_t outputs, uint32_t *seed)
{
    int32_t *sums[OUTPUTS], *before[OUTPUTS];
    int16_t *rows[LI_BATCH], weights[OUTPUTS][LI_BATCH];
    random_rows(rows, LI_BATCH, n, seed);
    for (uint32_t k = 0; k < outputs; k++) {
        sums[k] = calloc(blocks(n) + 1, sizeof(int32_t));
        before[k] = calloc(n + 1, sizeof(int32_t));
        for (size_t i = 0; i < n; i++)
            before[k][i] = sums[k][i] = between(seed, -(1 << 28), 1 << 28);
        for (int r = 0; r < LI_BATCH; r++)
            weights[k][r] = (int16_t)between(seed, -5000, 9000);
    }
    kernels->accumulate(sums, (const int16_t(*)[LI_BATCH])weights, outputs,
                        (const int16_t *const *)rows, n);
    for (uint32_t k = 0; k < outputs; k++) {
        for (size_t i = 0; i < n; i++) {
            int64_t sum = before[k][i];
            for (int r = 0; r < LI_BATCH; r++)
                sum += (int64_t)weights[k][r] * rows[r][i];
            CHECK_EQ(sums[k][i], sum);
        }
        free(sums[k]);
        free(before[k]);
    }
    free_rows(rows, LI_BATCH);
}

static void
accumulate_is_the_sum(const li_kernels *kernels)
{
    uint32_t seed = 3;
    for (size_t n = 0; n < 150; n++)
        check_accumulate(kernels, n, (uint32_t)n % OUTPUTS + 1, &seed);
}

static void
check_gather(const li_kernels *kernels, size_t n, uint32_t taps, uint32_t *seed)
{
    int16_t *rows[64] = {NULL}, weights[64] = {0};
    uint32_t given = (taps + 3) & ~3u;
    uint8_t *out = malloc(blocks(n) + 1);
    random_rows(rows, given, n, seed);
    fill_weights(weights, taps, seed);
    kernels->gather((const int16_t *const *)rows, weights, taps, out, n);
    for (size_t i = 0; i < n; i++) {
        int64_t sum = ROUNDING;
        for (uint32_t r = 0; r < taps; r++)
            sum += (int64_t)weights[r] * rows[r][i];
        CHECK_EQ(out[i], clip(sum >> 20));
    }
    free_rows(rows, given);
    free(out);
}

static void
gather_is_the_sum_stored(const li_kernels *kernels)
{
    uint32_t seed = 6;
    for (size_t n = 0; n < 150; n++)
        check_gather(kernels, n, 1 + (uint32_t)n % 60, &seed);
    check_gather(kernels, 2000, 13, &seed);
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
        int32_t *sums = calloc(blocks(n) + 1, sizeof(int32_t)), before[100];
        uint8_t *out = malloc(blocks(n) + 1);
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
    int32_t *sums = malloc(n * sizeof(int32_t) + 1);
    int32_t *before = malloc(n * sizeof(int32_t) + 1);
    uint8_t *out = malloc(n ? n : 1);
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
    uint8_t *row = calloc(n ? n : 1, 1), *out = malloc(n ? n : 1);
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

TEST(across_is_the_sum_in_every_table)
{
    for_each_table(across_is_the_sum);
}

TEST(long_rows_are_the_sum_in_every_table)
{
    for_each_table(long_rows_are_the_sum);
}

TEST(widen_is_a_weight_of_one_in_every_table)
{
    for_each_table(widen_is_a_weight_of_one);
}

TEST(accumulate_is_the_sum_in_every_table)
{
    for_each_table(accumulate_is_the_sum);
}

TEST(gather_is_the_sum_stored_in_every_table)
{
    for_each_table(gather_is_the_sum_stored);
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
    RUN(long_rows_are_the_sum_in_every_table);
    RUN(widen_is_a_weight_of_one_in_every_table);
    RUN(accumulate_is_the_sum_in_every_table);
    RUN(gather_is_the_sum_stored_in_every_table);
    RUN(store_rounds_clips_and_clears_in_every_table);
    RUN(store_alpha_divides_exactly_in_every_table);
    RUN(premultiply_rounds_exactly_in_every_table);
    RUN(tables_are_found_by_name);
    return test_end();
}
