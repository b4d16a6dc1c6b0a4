/* test_resample.c: what the weights of an axis promise: their sum, their symmetry, the
 * order of their reaches, the same on any fraction that says the same. */
#include "../test.h"
#include "ops/resample.h"

static li_ctx ctx;

static uint32_t
below(uint32_t *seed, uint64_t bound)
{
    return (uint32_t)((test_random(seed) >> 4) % bound);
}

static li_axis_plan
whole(li_kernel kernel, uint32_t inputs, uint32_t count)
{
    return (li_axis_plan){kernel, {0, inputs, 1}, count, inputs};
}

static li_axis_plan
random_plan(uint32_t *seed)
{
    uint32_t most = test_random(seed) % 4 ? 200 : 65535;
    return whole((li_kernel)below(seed, LI_NEAREST), 1 + below(seed, most),
                 1 + below(seed, 200));
}

/* A part of the same axis as a fraction of random terms, maybe past its end. */
static void
narrow(li_axis_plan *plan, uint32_t *seed)
{
    uint64_t unit = 1 + below(seed, 1000), end = (plan->inputs + 1ull) * unit - 1;
    uint64_t start = below(seed, plan->inputs * unit);
    plan->span = (li_span){start, 1 + below(seed, end - start), unit};
}

/* The table as its reaches say: without the weight of 0 that makes `first` even. */
static void
strip(const li_axis_plan *plan, li_axis *axis)
{
    li_weights *table = &axis->weights;
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t first, taps;
        int16_t *weights = table->weights + (size_t)i * table->stride;
        li_axis_reach(plan, i, &first, &taps);
        uint32_t before = first - axis->start - table->first[i];
        CHECK_EQ(table->first[i] % 2, 0);
        CHECK_EQ(table->taps[i], taps + before);
        CHECK(before < 2 && (!before || weights[0] == 0));
        memmove(weights, weights + before, taps * sizeof(*weights));
        memset(weights + taps, 0, before * sizeof(*weights));
        table->first[i] += before;
        table->taps[i] -= before;
    }
}

static li_axis
make(const li_axis_plan *plan)
{
    li_axis axis;
    double *work = calloc(li_axis_stride(plan), sizeof(*work));
    CHECK(li_axis_valid(plan));
    uint64_t before = ctx.bytes;
    CHECK_EQ(li_axis_make(&ctx, plan, work, &axis), LI_OK);
    CHECK(ctx.bytes - before <= li_axis_bytes(plan));
    free(work);
    strip(plan, &axis);
    return axis;
}

TEST(weights_add_up_and_reaches_are_in_order)
{
    uint32_t seed = 1;
    for (int round = 0; round < 1500; round++) {
        li_axis_plan plan = random_plan(&seed);
        if (round % 2)
            narrow(&plan, &seed);
        li_axis axis = make(&plan);
        const li_weights *table = &axis.weights;
        for (uint32_t i = 0; i < table->count; i++) {
            const int16_t *weights = table->weights + (size_t)i * table->stride;
            int32_t sum = 0;
            for (uint32_t k = 0; k < table->stride; k++) {
                sum += weights[k];
                CHECK(k < table->taps[i] || weights[k] == 0);
            }
            uint32_t end = table->first[i] + table->taps[i];
            CHECK_EQ(sum, 1 << LI_WEIGHT_BITS);
            CHECK(table->taps[i] >= 1 && table->taps[i] <= table->stride);
            CHECK(end <= table->inputs && axis.start + end <= plan.inputs);
            CHECK(i == 0 || table->first[i] >= table->first[i - 1]);
            CHECK(i == 0 || end >= table->first[i - 1] + table->taps[i - 1]);
        }
        CHECK_EQ(table->first[0], 0);
        li_axis_free(&ctx, &axis);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(the_mirror_image_has_the_mirrored_weights)
{
    uint32_t seed = 2;
    for (int round = 0; round < 1500; round++) {
        li_axis_plan plan = random_plan(&seed);
        li_axis axis = make(&plan);
        const li_weights *table = &axis.weights;
        for (uint32_t i = 0; i < table->count; i++) {
            uint32_t j = table->count - 1 - i, taps = table->taps[i];
            CHECK_EQ(table->taps[j], taps);
            CHECK_EQ(table->first[j], table->inputs - table->first[i] - taps);
            const int16_t *here = table->weights + (size_t)i * table->stride;
            const int16_t *there = table->weights + (size_t)j * table->stride;
            for (uint32_t k = 0; k < taps; k++)
                CHECK_EQ(here[k], there[taps - 1 - k]);
        }
        li_axis_free(&ctx, &axis);
    }
}

/* Seen from the other end, a window's span is another fraction altogether. */
TEST(a_mirrored_window_has_the_mirrored_weights)
{
    uint32_t seed = 3;
    for (int round = 0; round < 1500; round++) {
        li_axis_plan plan = random_plan(&seed);
        uint64_t unit = 1 + below(&seed, 1000);
        uint64_t start = below(&seed, plan.inputs * unit);
        uint64_t length = 1 + below(&seed, plan.inputs * unit - start);
        uint64_t factor = 1 + below(&seed, 8); /* not in lowest terms */
        plan.span = (li_span){start, length, unit};
        li_axis_plan other = plan;
        other.span.start = (plan.inputs * unit - start - length) * factor;
        other.span.length = length * factor;
        other.span.unit = unit * factor;
        li_axis left = make(&plan), right = make(&other);
        CHECK_EQ(right.start, plan.inputs - left.start - left.weights.inputs);
        for (uint32_t i = 0; i < plan.count; i++) {
            uint32_t j = plan.count - 1 - i, taps = left.weights.taps[i];
            CHECK_EQ(right.weights.taps[j], taps);
            for (uint32_t k = 0; k < taps; k++)
                CHECK_EQ(left.weights.weights[(size_t)i * left.weights.stride + k],
                         right.weights
                             .weights[(size_t)j * right.weights.stride + taps - 1 - k]);
        }
        li_axis_free(&ctx, &left);
        li_axis_free(&ctx, &right);
    }
}

/* The largest that a plan can ask for: a window of a window of a picture at 1/8. */
TEST(the_largest_fractions_do_not_wrap)
{
    uint64_t unit = 65535ull * 65535 * 8;
    for (int kernel = LI_LANCZOS3; kernel <= LI_LANCZOS2; kernel++) {
        li_axis_plan one = {
            (li_kernel)kernel, {unit / 2 - 1, unit / 3, unit}, 65535, 65535};
        CHECK(li_axis_valid(&one));
        li_axis axis = make(&one);
        CHECK_EQ(axis.start, 0);
        CHECK(axis.weights.inputs <= 4);
        CHECK_EQ(li_axis_nearest(&one, 0), 0);
        li_axis_free(&ctx, &axis);
        li_axis_plan all = whole((li_kernel)kernel, 65535, 65535);
        all.span = (li_span){0, 65535ull * 65535 * 8 - 8, 65535ull * 8};
        axis = make(&all);
        CHECK_EQ(axis.weights.inputs, 65535);
        CHECK_EQ(li_axis_nearest(&all, 65534), 65534);
        li_axis_free(&ctx, &axis);
    }
}

TEST(spans_off_the_input_are_not_valid)
{
    const li_span bad[] = {
        {0, 0, 1},          {0, 10, 0},         {0, 13, 1},
        {10, 1, 1},         {9, 2, 1},          {16, 80, 8},
        {UINT64_MAX, 2, 1}, {2, UINT64_MAX, 1}, {0, 1, (1ull << 35) + 1}};
    for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
        li_axis_plan plan = {LI_CUBIC, bad[k], 5, 10};
        CHECK(!li_axis_valid(&plan));
    }
    const li_span good[] = {{0, 10, 1}, {9, 1, 1}, {0, 11, 1}, {15, 80, 8}};
    for (size_t k = 0; k < sizeof(good) / sizeof(good[0]); k++) {
        li_axis_plan plan = {LI_CUBIC, good[k], 5, 10};
        CHECK(li_axis_valid(&plan));
    }
}

TEST(nearest_is_the_pixel_under_the_centre)
{
    for (uint32_t inputs = 1; inputs < 40; inputs++)
        for (uint32_t count = 1; count < 40; count++) {
            li_axis_plan plan = whole(LI_NEAREST, inputs, count);
            for (uint32_t i = 0; i < count; i++)
                CHECK_EQ(li_axis_nearest(&plan, i), (2 * i + 1) * inputs / (2 * count));
        }
}

TEST(an_axis_that_stays_has_one_tap)
{
    for (int kernel = LI_LANCZOS3; kernel <= LI_LANCZOS2; kernel++) {
        li_axis_plan plan = {(li_kernel)kernel, {35, 70, 7}, 10, 20};
        CHECK(li_axis_identity(&plan));
        li_axis axis = make(&plan);
        CHECK_EQ(axis.start, 5);
        CHECK_EQ(axis.weights.inputs, 10);
        CHECK_EQ(axis.weights.weights[0], 1 << LI_WEIGHT_BITS);
        li_axis_free(&ctx, &axis);
    }
    li_axis_plan half = {LI_BOX, {1, 20, 2}, 10, 20};
    CHECK(!li_axis_identity(&half));
}

int
main(void)
{
    li_ctx_init(&ctx, NULL);
    RUN(weights_add_up_and_reaches_are_in_order);
    RUN(the_mirror_image_has_the_mirrored_weights);
    RUN(a_mirrored_window_has_the_mirrored_weights);
    RUN(the_largest_fractions_do_not_wrap);
    RUN(spans_off_the_input_are_not_valid);
    RUN(nearest_is_the_pixel_under_the_centre);
    RUN(an_axis_that_stays_has_one_tap);
    return test_end();
}
