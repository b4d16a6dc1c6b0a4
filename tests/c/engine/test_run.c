/* test_run.c: rules never change the picture, a plan covers its run, and a run that
 * fails anywhere leaves nothing. */
#include "engine/chains.h"

/* --- planned against written ------------------------------------------------------ */

typedef struct difference {
    uint64_t samples, off_by_one, more;
    int chains;
} difference;

static void
compare(const uint8_t *a, const uint8_t *b, size_t n, difference *found)
{
    found->samples += n;
    for (size_t i = 0; i < n; i++) {
        int apart = abs(a[i] - b[i]);
        found->off_by_one += apart == 1;
        found->more += apart > 1;
    }
}

static void
print_chain(const li_input *input, const li_step *steps, size_t count)
{
    for (uint32_t off = 0; off < 32; off += 31) {
        li_request request = pixel_request(steps, count, off);
        fputs(explained(input, &request), stderr);
    }
}

/* One random picture through one random chain, with all rules and with none. */
static void
check_chain(uint32_t *state, const chain_kind *kind, uint8_t alpha, difference *found)
{
    picture from = random_picture(state, 60, alpha);
    li_frame frame = frame_of(&from);
    li_ctx ctx[2];
    li_plan plans[2] = {0};
    li_input input;
    li_step steps[MOST_STEPS];
    uint8_t *samples[2];
    li_ctx_init(&ctx[0], NULL);
    CHECK_EQ(li_input_frame(&ctx[0], &frame, &input), LI_OK);
    size_t count = random_chain(state, &input, kind, steps);
    for (int naive = 0; naive < 2; naive++) {
        li_request request = pixel_request(steps, count, naive ? EVERY_RULE : 0);
        li_ctx_init(&ctx[naive], NULL);
        samples[naive] = run_pixels(&ctx[naive], NULL, &input, &request, &plans[naive]);
        CHECK_EQ(ctx[naive].status, LI_OK);
        CHECK(ctx[naive].peak_bytes <= plans[naive].bytes);
    }
    CHECK(memcmp(&plans[0].out, &plans[1].out, sizeof(li_info)) == 0);
    uint64_t more = found->more, one = found->off_by_one;
    if (samples[0] && samples[1])
        compare(samples[0], samples[1], (size_t)li_image_bytes(plans[0].out), found);
    bool exact = !kind->turns;
    if (!CHECK(found->more == more && (!exact || found->off_by_one == one)) &&
        test_bad < 6)
        print_chain(&input, steps, count);
    found->chains += count > 0;
    for (int naive = 0; naive < 2; naive++) {
        li_plan_free(&ctx[naive], &plans[naive]);
        CHECK_EQ(ctx[naive].bytes, 0);
        free(samples[naive]);
    }
    free(from.samples);
}

TEST(rules_keep_every_byte_where_no_transpose_crosses_a_resize)
{
    static const chain_kind mirrors = {.turns = false, .tones = true, .resizes = 6};
    difference found = {0};
    uint32_t state = 1234;
    for (int i = 0; i < 3000; i++)
        check_chain(&state, &mirrors, 0, &found);
    CHECK(found.chains > 2900 && found.samples > 500000);
    CHECK_EQ(found.off_by_one, 0);
    CHECK_EQ(found.more, 0);
}

TEST(transposes_without_a_resize_keep_every_byte)
{
    static const chain_kind turns = {.turns = true, .tones = true, .resizes = 0};
    difference found = {0};
    uint32_t state = 4321;
    for (int i = 0; i < 1500; i++)
        check_chain(&state, &turns, 0, &found);
    CHECK(found.samples > 500000);
    CHECK_EQ(found.off_by_one, 0);
    CHECK_EQ(found.more, 0);
}

/* A level of what is nearly transparent, or stretched by a tone, would be more of them:
 * so alpha is high here, and there are no tones. */
TEST(transposes_over_a_resize_cost_a_level_in_few_samples)
{
    static const chain_kind turns = {.turns = true, .tones = false, .resizes = 1};
    difference found = {0};
    uint32_t state = 777;
    for (int i = 0; i < 4000; i++)
        check_chain(&state, &turns, 192, &found);
    CHECK(found.samples > 500000);
    CHECK_EQ(found.more, 0);
    CHECK(found.off_by_one * 200 <= found.samples);
    printf("transposes over a resize: %.4f %% of %llu samples differ by one\n",
           100.0 * (double)found.off_by_one / (double)found.samples,
           (unsigned long long)found.samples);
}

/* Any size, any orientation, any set of rules, any policy: what could be planned as it
 * was written can be planned, and gives a picture of the same size. */
TEST(no_rule_makes_a_plan_impossible)
{
    static const chain_kind any = {.turns = true, .tones = true, .resizes = 6};
    uint32_t state = 66;
    for (int i = 0; i < 20000; i++) {
        uint32_t width = 1 + test_random(&state) % (i % 2 ? 9000 : 70);
        uint32_t height = 1 + test_random(&state) % (i % 3 ? 9000 : 70);
        li_input input = fake_input(width, height, LI_RGB8);
        li_orientation turn = (li_orientation)(1 + test_random(&state) % 8);
        bool turned = li_orient_transposes(turn);
        input.header.orientation = turn;
        input.frame.info =
            (li_info){turned ? height : width, turned ? width : height, LI_RGB8};
        li_step steps[MOST_STEPS];
        size_t count = random_chain(&state, &input, &any, steps);
        uint32_t offs[2] = {EVERY_RULE,
                            test_random(&state) % 3 ? 0 : test_random(&state) % 64};
        li_plan plans[2] = {0};
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        for (int k = 0; k < 2; k++) {
            li_request request = pixel_request(steps, count, offs[k]);
            request.shrink = (li_shrink_policy)(i % 3);
            if (!CHECK_EQ(li_plan_make(&ctx, &input, &request, &plans[k]), LI_OK)) {
                fprintf(stderr, "%s\n", ctx.message);
                print_chain(&input, steps, count);
            }
        }
        CHECK(memcmp(&plans[0].out, &plans[1].out, sizeof(li_info)) == 0);
        li_plan_free(&ctx, &plans[0]);
        li_plan_free(&ctx, &plans[1]);
        CHECK_EQ(ctx.bytes, 0);
    }
}

/* --- files ------------------------------------------------------------------------ */

/* A picture as a file of this format. */
static uint8_t *
encode_picture(const picture *from, const li_codec *codec, size_t *size)
{
    li_frame frame = frame_of(from);
    li_input input;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_request request = fake_request(NULL, 0, 0);
    request.codec = codec;
    request.encode.quality = 0;
    CHECK_EQ(li_input_frame(&ctx, &frame, &input), LI_OK);
    uint8_t *data = run_encoded(&ctx, NULL, &input, &request, size);
    CHECK_EQ(ctx.status, LI_OK);
    CHECK_EQ(ctx.bytes, 0);
    return data;
}

/* The region is the decoder's, the window is narrowed to what it reads; no shrink. */
static void
check_region(uint32_t *state, const li_codec *codec)
{
    static const chain_kind mirrors = {.turns = false, .tones = true, .resizes = 3};
    picture from = random_picture(state, 150, 0);
    size_t size = 0;
    uint8_t *file = encode_picture(&from, codec, &size), *samples[2] = {0};
    li_step steps[MOST_STEPS];
    li_info out = {0};
    size_t count = 0;
    for (int naive = 0; naive < 2 && file; naive++) {
        li_ctx ctx;
        li_source *source;
        li_input input;
        li_plan plan = {0};
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_source_borrow(&ctx, file, size, &source), LI_OK);
        CHECK_EQ(li_input_open(&ctx, source, &input), LI_OK);
        input.frame.info = (li_info){input.header.width, input.header.height, LI_RGB8};
        if (!naive)
            count = random_chain(state, &input, &mirrors, steps);
        li_request request = pixel_request(
            steps, count, naive ? EVERY_RULE : LI_NO_SHRINK | LI_NO_PLANES);
        samples[naive] = run_pixels(&ctx, source, &input, &request, &plan);
        if (!CHECK_EQ(ctx.status, LI_OK)) {
            fprintf(stderr, "%s\n", ctx.message);
            print_chain(&input, steps, count);
        }
        CHECK(ctx.peak_bytes <= plan.bytes);
        out = plan.out;
        if (naive && samples[0] && samples[1] &&
            !CHECK(memcmp(samples[0], samples[1], (size_t)li_image_bytes(out)) == 0))
            print_chain(&input, steps, count);
        li_plan_free(&ctx, &plan);
        li_source_close(&source);
        CHECK_EQ(ctx.bytes, 0);
    }
    free(samples[0]);
    free(samples[1]);
    li_release(file);
    free(from.samples);
}

TEST(a_region_from_the_decoder_keeps_every_byte)
{
    uint32_t state = 55;
    for (int i = 0; i < 600; i++)
        check_region(&state, li_codecs[i % 2]);
}

/* --- failing ---------------------------------------------------------------------- */

static const li_step busy[] = {
    {LI_STEP_ORIENT, {.orient = 6}},
    {LI_STEP_RESIZE,
     {.resize = {40, 50, LI_FIT_COVER, LI_LANCZOS3, true, 0, 0, {{0}}, false}}},
    {LI_STEP_CONTRAST, {.value = 20}},
    {LI_STEP_ORIENT, {.orient = 4}},
};

/* From a file (of which `from` is the picture) or the frame itself, to a format. */
static li_status
run_busy(li_ctx *ctx, const picture *from, const uint8_t *file, size_t file_size,
         const li_codec *codec)
{
    li_frame frame = frame_of(from);
    li_source *source = NULL;
    li_input input;
    size_t size;
    li_request request = fake_request(busy, 4, 0);
    request.codec = codec;
    li_status status = file ? li_source_borrow(ctx, file, file_size, &source)
                            : li_input_frame(ctx, &frame, &input);
    if (file && status == LI_OK)
        status = li_input_open(ctx, source, &input);
    uint8_t *data = NULL;
    if (status == LI_OK)
        data = run_encoded(ctx, source, &input, &request, &size);
    li_source_close(&source);
    li_release(data);
    return ctx->status;
}

TEST(every_allocation_of_a_job_can_fail)
{
    uint32_t state = 5;
    picture from = random_picture(&state, 150, 0);
    for (int in = 0; in < 3; in++)
        for (int out = 0; out < 2; out++) {
            size_t size = 0;
            uint8_t *file = in ? encode_picture(&from, li_codecs[in - 1], &size) : NULL;
            int n = 0;
            for (li_status status = LI_ENOMEM; status != LI_OK && n < 500; n++) {
                li_ctx ctx;
                li_ctx_init(&ctx, NULL);
                ctx.allocs_left = n;
                status = run_busy(&ctx, &from, file, size, li_codecs[out]);
                CHECK(status == LI_OK || status == LI_ENOMEM);
                CHECK_EQ(ctx.bytes, 0);
            }
            CHECK(n > 15 && n < 500);
            li_release(file);
        }
    free(from.samples);
}

/* The tick is due at each look at the clock; at the `left`th it does what is asked. */
typedef struct stopper {
    li_ctx *ctx;
    int left, how;
    atomic_int cancel;
} stopper;

static li_status
stop_tick(void *arg)
{
    stopper *self = arg;
    self->ctx->tick_due_ns = 1;
    if (self->left-- > 0)
        return LI_OK;
    if (self->how == 0)
        return LI_E901_INTERNAL;
    if (self->how == 1)
        atomic_store(&self->cancel, 1);
    else
        self->ctx->deadline_ns = 1;
    return LI_OK;
}

TEST(a_job_can_be_stopped_in_mid_run)
{
    static const li_status wanted[] = {LI_EINTERRUPTED, LI_E500_CANCELLED,
                                       LI_E125_TIMEOUT};
    uint32_t state = 8;
    picture from = random_picture(&state, 2, 0);
    free(from.samples);
    from.info = (li_info){300, 2000, LI_RGB8};
    from.samples = calloc(300 * 3, 2000);
    for (int how = 0; how < 3; how++)
        for (int left = 0; left < 7; left++) {
            li_ctx ctx;
            stopper stop = {&ctx, left, how, 0};
            li_ctx_init(&ctx, NULL);
            ctx.tick = stop_tick;
            ctx.tick_arg = &stop;
            ctx.tick_due_ns = 1;
            ctx.cancel = &stop.cancel;
            CHECK_EQ(run_busy(&ctx, &from, NULL, 0, li_codecs[how % 2]), wanted[how]);
            CHECK_EQ(ctx.bytes, 0);
        }
    free(from.samples);
}

TEST(a_job_runs_in_exactly_the_budget_that_its_plan_asks_for)
{
    uint32_t state = 21;
    picture from = random_picture(&state, 300, 0);
    li_frame frame = frame_of(&from);
    for (int out = 0; out < 2; out++) {
        li_ctx ctx;
        li_input input;
        li_plan plan;
        li_ctx_init(&ctx, NULL);
        li_request request = fake_request(busy, 4, 0);
        request.codec = li_codecs[out];
        CHECK_EQ(li_input_frame(&ctx, &frame, &input), LI_OK);
        CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), LI_OK);
        uint64_t need = plan.bytes + plan.out_bytes;
        li_plan_free(&ctx, &plan);
        ctx.limits.max_memory = need;
        CHECK_EQ(run_busy(&ctx, &from, NULL, 0, li_codecs[out]), LI_OK);
        ctx.limits.max_memory = need - 1;
        CHECK_EQ(run_busy(&ctx, &from, NULL, 0, li_codecs[out]), LI_E124_MEMORY_BUDGET);
        CHECK_EQ(ctx.bytes, 0);
    }
    free(from.samples);
}

/* --- opening ---------------------------------------------------------------------- */

TEST(what_is_no_picture_or_not_allowed_is_refused)
{
    uint32_t state = 9;
    picture from = random_picture(&state, 20, 255);
    size_t size = 0;
    uint8_t *file = encode_picture(&from, &li_codec_png, &size);
    li_source *source;
    li_input input;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, "GIF", 3, &source), LI_OK);
    CHECK_EQ(li_input_open(&ctx, source, &input), LI_E111_FORMAT);
    CHECK_TEXT(ctx.message,
               "source: begins with 47 49 46 00, no format that is known here");
    li_source_close(&source);
    for (int allowed = 0; allowed < 2; allowed++) {
        li_ctx_init(&ctx, NULL);
        ctx.limits.formats =
            li_codecs[allowed] == &li_codec_png ? 1ull << allowed : 1ull << 63;
        CHECK_EQ(li_source_borrow(&ctx, file, size, &source), LI_OK);
        CHECK_EQ(li_input_open(&ctx, source, &input),
                 ctx.limits.formats >> 63 ? LI_E123_FIREWALL : LI_OK);
        li_source_close(&source);
        CHECK_EQ(ctx.bytes, 0);
    }
    li_ctx_init(&ctx, NULL);
    ctx.limits.max_side = 1;
    li_frame frame = {{2, 1, LI_GRAY8}, 2, from.samples};
    CHECK_EQ(li_input_frame(&ctx, &frame, &input), LI_E121_SIDE_LIMIT);
    li_release(file);
    free(from.samples);
}

int
main(void)
{
    RUN(rules_keep_every_byte_where_no_transpose_crosses_a_resize);
    RUN(transposes_without_a_resize_keep_every_byte);
    RUN(transposes_over_a_resize_cost_a_level_in_few_samples);
    RUN(no_rule_makes_a_plan_impossible);
    RUN(a_region_from_the_decoder_keeps_every_byte);
    RUN(every_allocation_of_a_job_can_fail);
    RUN(a_job_can_be_stopped_in_mid_run);
    RUN(a_job_runs_in_exactly_the_budget_that_its_plan_asks_for);
    RUN(what_is_no_picture_or_not_allowed_is_refused);
    return test_end();
}
