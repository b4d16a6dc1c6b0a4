/* test_png_filter.c: PNG's filters out: every vector table against plain C,
 * plain C against the words of the specification, and the choice. */
#include "codecs/png/filter_tables.h"
#include "kernels/kernels.h"
#include "test.h"

#include <math.h>

enum { MOST = 300, PAD = 8 };

static const li_filters *const tables[] = {
    &li_filters_scalar,
#ifdef LI_FILTERS_X86
    &li_filters_sse41,
    &li_filters_avx2,
#endif
#ifdef LI_FILTERS_NEON
    &li_filters_neon,
#endif
};
enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static bool
runs_here(const li_filters *filters)
{
#ifdef LI_FILTERS_X86
    if (filters == &li_filters_avx2)
        return __builtin_cpu_supports("avx2");
    if (filters == &li_filters_sse41)
        return __builtin_cpu_supports("sse4.1");
#endif
    return filters != NULL;
}

/* Noise, extremes and steps, so that every tie of Paeth is met. */
static void
fill(uint8_t *bytes, size_t n, int kind, uint32_t *state)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t random = test_random(state) >> 16;
        bytes[i] = (uint8_t)(kind == 0   ? random
                             : kind == 1 ? (random & 1) * 255
                             : kind == 2 ? 128 + random % 5
                             : kind == 3 ? i / 3
                                         : 7);
    }
}

/* The specification's words, left, above and corner as it names them. */
static int
truth_paeth(int a, int b, int c)
{
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    if (pa <= pb && pa <= pc)
        return a;
    return pb <= pc ? b : c;
}

static uint8_t
truth(int filter, const uint8_t *row, const uint8_t *above, size_t i, uint32_t step)
{
    int a = i >= step ? row[i - step] : 0, b = above[i];
    int c = i >= step ? above[i - step] : 0;
    int guess[LI_FILTERS] = {0, a, b, (a + b) / 2, truth_paeth(a, b, c)};
    return (uint8_t)(row[i] - guess[filter]);
}

static void
check_apply(const li_filters *filters, const uint8_t *row, const uint8_t *above,
            size_t n, uint32_t step, size_t cut)
{
    uint8_t out[MOST + 1];
    for (int filter = 0; filter < LI_FILTERS; filter++) {
        bool equal = true;
        memset(out, 0xa5, sizeof(out));
        li_filter_row(filters, filter, row, above, 0, cut, step, out);
        li_filter_row(filters, filter, row, above, cut, n - cut, step, out + cut);
        for (size_t i = 0; i < n; i++)
            equal &= out[i] == truth(filter, row, above, i, step);
        CHECK(equal);
        CHECK_EQ(out[n], 0xa5); /* not a byte more */
    }
}

TEST(every_filter_is_the_specifications_in_one_piece_or_two)
{
    uint8_t row[MOST], above[MOST];
    uint32_t state = 3;
    for (int t = 0; t < TABLES; t++)
        for (size_t n = 1; runs_here(tables[t]) && n <= MOST; n += n < 80 ? 1 : 37)
            for (uint32_t step = 1; step <= 4; step++) {
                size_t bytes = n / step * step;
                if (bytes == 0)
                    continue;
                fill(row, bytes, (int)(n % 5), &state);
                fill(above, bytes, (int)(n / 5 % 5), &state);
                check_apply(tables[t], row, above, bytes, step, 0);
                check_apply(tables[t], row, above, bytes, step,
                            test_random(&state) % bytes);
            }
}

TEST(costs_are_the_same_in_every_table)
{
    uint8_t row[MOST + PAD], above[MOST + PAD];
    uint32_t state = 4;
    for (size_t n = 0; n <= MOST; n += n < 80 ? 1 : 37)
        for (int round = 0; round < 25; round++) {
            uint32_t step = 1 + (uint32_t)round % 4;
            uint64_t want[LI_FILTERS] = {1, 2, 3, 4, 5};
            fill(row, n + PAD, round % 5, &state);
            fill(above, n + PAD, round / 5, &state);
            li_filters_scalar.costs(row + PAD, above + PAD, n, step, want);
            for (int t = 1; t < TABLES; t++) {
                uint64_t got[LI_FILTERS] = {1, 2, 3, 4, 5};
                if (!runs_here(tables[t]))
                    continue;
                tables[t]->costs(row + PAD, above + PAD, n, step, got);
                CHECK(memcmp(got, want, sizeof(got)) == 0);
            }
        }
}

/* Every pair of bytes, so every residual, and Paeth's every triple of a few
 * levels. */
TEST(all_pairs_of_bytes_and_many_triples_agree)
{
    enum { LEVELS = 23, N = 65536 };
    static uint8_t row[N + PAD], above[N + PAD], out[2][N];
    for (uint32_t i = 0; i < N; i++) {
        row[PAD + i] = (uint8_t)(i & 255);
        above[PAD + i] = (uint8_t)(i >> 8);
    }
    for (uint32_t i = 0; i + 1 < LEVELS * LEVELS * LEVELS * 2; i += 2) {
        uint32_t k = i / 2; /* corner and above in turn, left in front of both */
        above[PAD + i] = (uint8_t)(k % LEVELS * 255 / (LEVELS - 1));
        above[PAD + i + 1] = (uint8_t)(k / LEVELS % LEVELS * 255 / (LEVELS - 1));
        row[PAD + i] = (uint8_t)(k / LEVELS / LEVELS * 255 / (LEVELS - 1));
    }
    for (int t = 1; t < TABLES; t++)
        for (int filter = 1; runs_here(tables[t]) && filter < LI_FILTERS; filter++) {
            tables[0]->apply(filter, row + PAD, above + PAD, N, 1, out[0]);
            tables[t]->apply(filter, row + PAD, above + PAD, N, 1, out[1]);
            CHECK(memcmp(out[0], out[1], N) == 0);
        }
}

TEST(a_cost_is_the_bits_of_a_residual)
{
    for (int residual = -128; residual < 128; residual++) {
        uint8_t row[2] = {0, (uint8_t)residual}, above[2] = {0, 0};
        uint64_t costs[LI_FILTERS] = {0};
        double size = abs(residual);
        li_filters_scalar.costs(row + 1, above + 1, 1, 1, costs);
        /* Above 15 the middle of its sixteen stands for a residual. */
        double near = size < 16 ? size : floor(size / 16) * 16 + 8;
        for (int filter = 0; filter < LI_FILTERS; filter++)
            CHECK_EQ(costs[filter], lround(16 * log2(1 + near)));
    }
}

TEST(the_choice_is_the_cheapest)
{
    uint8_t zeros[60] = {0}, ramp[60], above[60], row[60];
    uint32_t state = 9;
    for (int i = 0; i < 60; i++)
        ramp[i] = (uint8_t)(40 + i / 3 * 5);
    fill(above, 60, 0, &state);
    memcpy(row, above, 60);
    const li_filters *plain = &li_filters_scalar;
    CHECK_EQ(li_filter_choose(plain, ramp, zeros, 60, 3), LI_FILTER_SUB);
    CHECK_EQ(li_filter_choose(plain, row, above, 60, 3), LI_FILTER_UP);
    /* A row of zeros: all five are equal. */
    CHECK_EQ(li_filter_choose(plain, zeros, zeros, 60, 3), LI_FILTER_UP);
    /* Halves: only the average is exact. */
    for (int i = 0; i < 60; i++)
        row[i] = (uint8_t)(((i ? row[i - 1] : 0) + above[i]) / 2);
    CHECK_EQ(li_filter_choose(plain, row, above, 60, 1), LI_FILTER_AVERAGE);
    /* A corner that moves down and right: only Paeth follows. */
    for (int i = 0; i < 60; i++)
        row[i] = (uint8_t)(i == 0 ? above[0] ^ 128
                                  : truth_paeth(row[i - 1], above[i], above[i - 1]));
    CHECK_EQ(li_filter_choose(plain, row, above, 60, 1), LI_FILTER_PAETH);
    /* Two far values in turn under noise: nothing predicts, small ones cost
     * least. */
    for (int i = 0; i < 60; i++)
        row[i] = (uint8_t)(i & 1);
    fill(above, 60, 0, &state);
    CHECK_EQ(li_filter_choose(plain, row, above, 60, 3), LI_FILTER_NONE);
}

TEST(the_choice_is_the_same_in_every_table)
{
    uint8_t row[MOST], above[MOST];
    uint32_t state = 12;
    for (int round = 0; round < 3000; round++) {
        uint32_t step = 1 + (uint32_t)round % 4;
        size_t n = (1 + test_random(&state) % (MOST / 4)) * step;
        fill(row, n, round % 5, &state);
        fill(above, n, round / 5 % 5, &state);
        int want = li_filter_choose(&li_filters_scalar, row, above, n, step);
        for (int t = 1; t < TABLES; t++)
            if (runs_here(tables[t]))
                CHECK_EQ(li_filter_choose(tables[t], row, above, n, step), want);
    }
}

TEST(the_table_is_that_of_the_kernels)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_TEXT(li_filters_of(&ctx)->name, "scalar");
    for (int t = 0; t < TABLES; t++) {
        li_kernels kernels = {.name = tables[t]->name};
        ctx.kernels = &kernels;
        CHECK(li_filters_of(&ctx) == tables[t]);
    }
    li_kernels unknown = {.name = "unheard of"};
    ctx.kernels = &unknown;
    CHECK_TEXT(li_filters_of(&ctx)->name, "scalar");
}

int
main(void)
{
    RUN(every_filter_is_the_specifications_in_one_piece_or_two);
    RUN(costs_are_the_same_in_every_table);
    RUN(all_pairs_of_bytes_and_many_triples_agree);
    RUN(a_cost_is_the_bits_of_a_residual);
    RUN(the_choice_is_the_cheapest);
    RUN(the_choice_is_the_same_in_every_table);
    RUN(the_table_is_that_of_the_kernels);
    return test_end();
}
