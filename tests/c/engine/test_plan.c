/* test_plan.c: from a request and a header to the plan, word by word; its costs and its
 * refusals. */
#include "engine/plans.h"

static const char *
words(li_input input, const li_step *steps, size_t count)
{
    li_request request = fake_request(steps, count, 0);
    return explained(&input, &request);
}

static li_input
turned_input(uint32_t width, uint32_t height, uint8_t orientation)
{
    li_input input = fake_input(width, height, LI_RGB8);
    input.header.orientation = orientation;
    return input;
}

/* --- whole plans ------------------------------------------------------------------ */

TEST(a_plan_says_everything_from_source_to_memory)
{
    li_input input = turned_input(4000, 3000, 6);
    snprintf(input.header.variant, sizeof(input.header.variant), "progressive 4:2:0");
    input.header.held_bytes = 500000;
    input.header.progressive = true;
    li_step steps[] = {step_resize(300, 400, LI_FIT_INSIDE)};
    li_request request = fake_request(steps, 1, 0);
    li_ctx ctx;
    li_plan plan;
    char text[2000], memory[200];
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), LI_OK);
    li_plan_explain(&plan, &input, &request, text, sizeof(text));
    snprintf(
        memory, sizeof(memory),
        "memory   at most %llu bytes, output at most 36000; decoded whole: 36000000\n",
        (unsigned long long)plan.bytes);
    char *last = strstr(text, "memory");
    CHECK(last != NULL);
    CHECK_TEXT(last, memory);
    *last = '\0';
    CHECK_TEXT(text, "source   fake 4000x3000 rgb8, progressive 4:2:0, orientation 6, "
                     "1234 bytes by map\n"
                     "decode   at 2/8: 1000x750 rgb8 (held whole: the file comes in "
                     "passes)\n"
                     "resize   lanczos3: 400x300 rgb8\n"
                     "orient   rotate 90: 300x400 rgb8\n"
                     "encode   fake: quality 85\n");
    CHECK_EQ(plan.hint.shrink, 2);
    CHECK(plan.bytes > 500000 && plan.bytes < 2000000);
    li_plan_free(&ctx, &plan);
    li_plan_free(&ctx, &plan);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(words_are_cut_where_their_room_ends_and_counted_on)
{
    li_input input = fake_input(40, 30, LI_RGB8);
    li_request request = fake_request(NULL, 0, 0);
    li_ctx ctx;
    li_plan plan;
    char whole[1000], part[1000];
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), LI_OK);
    size_t need = li_plan_explain(&plan, &input, &request, whole, sizeof(whole));
    CHECK_EQ(need, strlen(whole) + 1);
    CHECK_EQ(li_plan_explain(&plan, &input, &request, NULL, 0), need);
    for (size_t size = 1; size <= need; size++) {
        memset(part, 'x', sizeof(part));
        CHECK_EQ(li_plan_explain(&plan, &input, &request, part, size), need);
        CHECK_EQ(strlen(part), size - 1);
        CHECK(memcmp(part, whole, size - 1) == 0 && part[size] == 'x');
    }
    li_plan_free(&ctx, &plan);
}

/* --- the decoder's share ---------------------------------------------------------- */

TEST(a_thumbnail_by_cover_is_one_window_over_a_shrunk_decode)
{
    li_step steps[] = {step_resize(150, 150, LI_FIT_COVER)};
    CHECK_TEXT(middle_of(words(fake_input(6000, 4000, LI_RGB8), steps, 1)),
               "decode   at 1/8, region 517x500+115+0: 517x500 rgb8\n"
               "resize   lanczos3, window x (25+1500)/3 y 0+500: 150x150 rgb8\n");
}

TEST(an_odd_size_shrinks_to_a_fraction)
{
    li_step steps[] = {step_resize(80, 80, LI_FIT_FILL)};
    CHECK_TEXT(middle_of(words(fake_input(2001, 2000, LI_RGB8), steps, 1)),
               "decode   at 1/8: 251x250 rgb8\n"
               "resize   lanczos3, window x (0+2001)/8 y 0+250: 80x80 rgb8\n");
}

TEST(a_crop_before_a_downscale_is_region_and_shrink_in_one)
{
    li_step steps[] = {step_crop(801, 403, 1600, 1200),
                       step_resize(200, 0, LI_FIT_INSIDE)};
    CHECK_TEXT(middle_of(words(fake_input(4000, 3000, LI_RGB8), steps, 2)),
               "decode   at 2/8, region 401x301+200+100: 401x301 rgb8\n"
               "resize   lanczos3, window x (1+1600)/4 y (3+1200)/4: 200x150 rgb8\n");
}

TEST(a_turned_crop_is_a_region_of_the_stored_picture)
{
    li_step steps[] = {step_crop(10, 20, 100, 50)};
    CHECK_TEXT(middle_of(words(turned_input(800, 600, 6), steps, 1)),
               "decode   full size, region 50x100+20+490: 50x100 rgb8\n"
               "orient   rotate 90: 100x50 rgb8\n");
}

TEST(the_policy_decides_how_far_the_decoder_shrinks)
{
    static const struct {
        li_shrink_policy policy;
        uint32_t width;
        uint8_t shrink;
    } cases[] = {
        {LI_SHRINK_FAST, 1000, 1}, {LI_SHRINK_FAST, 1001, 2}, {LI_SHRINK_FAST, 2001, 3},
        {LI_SHRINK_FAST, 3001, 4}, {LI_SHRINK_FAST, 4000, 4}, {LI_SHRINK_FAST, 4001, 8},
        {LI_SHRINK_SAFE, 333, 1},  {LI_SHRINK_SAFE, 334, 2},  {LI_SHRINK_SAFE, 1142, 2},
        {LI_SHRINK_SAFE, 1143, 3}, {LI_SHRINK_SAFE, 1714, 3}, {LI_SHRINK_SAFE, 2285, 4},
        {LI_SHRINK_SAFE, 2286, 8}, {LI_SHRINK_EXACT, 10, 8},
    };
    li_input input = fake_input(8000, 8000, LI_RGB8);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        li_step steps[] = {step_resize(cases[i].width, 10, LI_FIT_FILL)};
        li_request request = fake_request(steps, 1, 0);
        request.shrink = cases[i].policy;
        li_ctx ctx;
        li_plan plan;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), LI_OK);
        CHECK_EQ(plan.hint.shrink, cases[i].shrink);
        li_plan_free(&ctx, &plan);
    }
}

TEST(a_safe_shrink_needs_an_encoder_that_hides_it)
{
    static const struct {
        uint8_t quality;
        bool encodes;
        int8_t near_lossless;
        uint8_t shrink;
    } cases[] = {{0, true, -1, 2},   {89, true, -1, 2}, {90, true, -1, 8},
                 {100, true, -1, 8}, {0, false, -1, 8}, {0, true, 0, 8},
                 {0, true, 100, 8}};
    li_input input = fake_input(8000, 8000, LI_RGB8);
    li_step steps[] = {step_resize(1000, 1000, LI_FIT_FILL)};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        li_request request = fake_request(steps, 1, 0);
        request.encode.quality = cases[i].quality;
        request.encode.near_lossless = cases[i].near_lossless;
        request.codec = cases[i].encodes ? &fake_codec : NULL;
        li_ctx ctx;
        li_plan plan;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), LI_OK);
        CHECK_EQ(plan.hint.shrink, cases[i].shrink);
        li_plan_free(&ctx, &plan);
    }
}

static li_step
step_sharpen(double amount)
{
    li_op op = {.kind = &li_op_sharpen, .u.blur = {.sigma = 1, .amount = amount}};
    return (li_step){LI_STEP_OP, {.op = op}};
}

static li_step
step_gamma(double value)
{
    li_op op = {.kind = &li_op_tone};
    li_tone_gamma(&op.u.tone, value);
    return (li_step){LI_STEP_OP, {.op = op}};
}

static li_step
step_saturation(double value)
{
    li_op op = {.kind = &li_op_saturation};
    li_saturation_of(&op.u.saturation, value);
    return (li_step){LI_STEP_OP, {.op = op}};
}

static uint8_t
shrink_before(li_step step, uint32_t width, li_shrink_policy policy)
{
    li_step steps[] = {step_resize(width, width, LI_FIT_FILL), step};
    li_input input = fake_input(8000, 8000, LI_RGB8);
    li_request request = fake_request(steps, 2, 0);
    request.shrink = policy;
    li_ctx ctx;
    li_plan plan;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), LI_OK);
    uint8_t shrink = plan.hint.shrink;
    li_plan_free(&ctx, &plan);
    return shrink;
}

TEST(a_safe_shrink_leaves_more_where_a_later_op_brings_it_out)
{
    const struct {
        li_step step;
        bool brings_out;
    } cases[] = {
        {step_sharpen(0.1), true},
        {step_value(LI_STEP_CONTRAST, 10), true},
        {step_value(LI_STEP_CONTRAST, 3), false},
        {step_value(LI_STEP_CONTRAST, -50), false},
        {step_value(LI_STEP_BRIGHTNESS, 60), false},
        {step_gamma(2), false},
        {step_saturation(50), true},
        {step_saturation(-50), false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        li_step step = cases[i].step;
        bool out = cases[i].brings_out;
        CHECK_EQ(shrink_before(step, 333, LI_SHRINK_SAFE), out ? 2 : 1);
        CHECK_EQ(shrink_before(step, 1000, LI_SHRINK_SAFE), out ? 3 : 2);
        CHECK_EQ(shrink_before(step, 2000, LI_SHRINK_SAFE), out ? 8 : 4);
        CHECK_EQ(shrink_before(step, 1000, LI_SHRINK_FAST), 1);
        CHECK_EQ(shrink_before(step, 1000, LI_SHRINK_EXACT), 8);
    }
}

TEST(nearest_and_what_stands_before_a_resize_forbid_the_shrink)
{
    li_step nearest[] = {step_resize(100, 100, LI_FIT_FILL)};
    nearest[0].u.resize.kernel = LI_NEAREST;
    CHECK_TEXT(middle_of(words(fake_input(2000, 2000, LI_RGB8), nearest, 1)),
               "decode   full size: 2000x2000 rgb8\n"
               "resize   nearest: 100x100 rgb8\n");
    li_step toned[] = {step_value(LI_STEP_BRIGHTNESS, 20),
                       step_resize(100, 100, LI_FIT_FILL)};
    CHECK_TEXT(middle_of(words(fake_input(2000, 2000, LI_RGB8), toned, 2)),
               "decode   full size: 2000x2000 rgb8\n"
               "tone     by table: 2000x2000 rgb8\n"
               "resize   lanczos3: 100x100 rgb8\n");
}

/* --- orientation and layouts ------------------------------------------------------ */

TEST(exif_orientation_comes_first_unless_it_is_off)
{
    li_input input = turned_input(800, 600, 8);
    li_step steps[] = {step_orient(6)};
    li_request request = fake_request(steps, 1, 0);
    CHECK_TEXT(middle_of(explained(&input, &request)),
               "decode   full size: 800x600 rgb8\n");
    request.auto_orient = false;
    CHECK_TEXT(middle_of(explained(&input, &request)),
               "decode   full size: 800x600 rgb8\n"
               "orient   rotate 90: 600x800 rgb8\n");
}

TEST(alpha_is_composited_where_the_output_takes_none)
{
    li_step steps[] = {step_resize(80, 60, LI_FIT_FILL)};
    li_input input = fake_input(100, 75, LI_RGBA8);
    CHECK_TEXT(middle_of(words(input, steps, 1)),
               "decode   full size: 100x75 rgba8\n"
               "resize   lanczos3: 80x60 rgba8\n"
               "convert  over the background: 80x60 rgb8\n");
}

TEST(pixels_come_in_the_layout_that_was_asked_for)
{
    li_input input = fake_input(100, 75, LI_RGBA8);
    li_request request = fake_request(NULL, 0, 0);
    request.codec = NULL;
    request.output = LI_OUTPUT_PIXELS;
    request.sample_bytes = 4;
    CHECK(strstr(explained(&input, &request), "\npixels   100x75 rgba8\n") != NULL);
    CHECK(strstr(explained(&input, &request), "output at most 120000;") != NULL);
    request.mode = LI_RGB8;
    CHECK(strstr(explained(&input, &request),
                 "\nconvert  layout: 100x75 rgb8\npixels   100x75 rgb8\n") != NULL);
    input.header.pixel = LI_CMYK8;
    CHECK(strstr(explained(&input, &request), "\npixels   100x75 rgb8\n") != NULL);
    request.mode = LI_CMYK8;
    CHECK(strstr(explained(&input, &request), "\npixels   100x75 cmyk8\n") != NULL);
}

TEST(cmyk_becomes_rgb_before_anything_else)
{
    li_step steps[] = {step_crop(0, 0, 50, 50)};
    CHECK_TEXT(middle_of(words(fake_input(100, 75, LI_CMYK8), steps, 1)),
               "decode   full size, region 50x50+0+0: 50x50 cmyk8\n"
               "color    cmyk8 by the standard formula: rgb8\n");
}

/* --- refusals --------------------------------------------------------------------- */

typedef struct refusal {
    li_step step;
    li_status status;
    const char *step_name, *message;
} refusal;

static const refusal refusals[] = {
    {{LI_STEP_CROP, {.crop = {300, 0, 21, 10}}},
     LI_E200_CROP_BOUNDS,
     "crop",
     "crop: 21x10+300+0 is outside 320x200"},
    {{LI_STEP_CROP, {.crop = {-1, 0, 21, 10}}},
     LI_E200_CROP_BOUNDS,
     "crop",
     "crop: 21x10+-1+0 is outside 320x200"},
    {{LI_STEP_CROP, {.crop = {0, 0, 21, 0}}},
     LI_E201_CROP_SIZE,
     "crop",
     "crop: 21x0 has no pixels"},
    {{LI_STEP_CROP, {.crop = {1, 1, INT64_MAX, INT64_MAX}}},
     LI_E200_CROP_BOUNDS,
     "crop",
     "crop: 9223372036854775807x9223372036854775807+1+1 is outside 320x200"},
    {{LI_STEP_CROP, {.crop = {INT64_MAX, INT64_MAX, 1, 1}}},
     LI_E200_CROP_BOUNDS,
     "crop",
     "crop: 1x1+9223372036854775807+9223372036854775807 is outside 320x200"},
    {{LI_STEP_RESIZE,
      {.resize = {65535, 0, LI_FIT_INSIDE, LI_BOX, true, 0, 0, {{0}}, false}}},
     LI_OK,
     NULL,
     ""},
    {{LI_STEP_RESIZE,
      {.resize = {0, 65535, LI_FIT_INSIDE, LI_BOX, true, 0, 0, {{0}}, false}}},
     LI_E203_RESIZE_SIZE,
     "resize",
     "resize: 320x200 to autox65535 would be 104856x65535, a side over 65535"},
    {{LI_STEP_RESIZE,
      {.resize = {40000, 40000, LI_FIT_FILL, LI_BOX, true, 0, 0, {{0}}, false}}},
     LI_E122_PIXEL_LIMIT,
     "resize",
     "resize: 40000x40000, 1600000000 pixels, is over "
     "limits(max_output_pixels=268402689)"},
    {{LI_STEP_CONVERT, {.convert = LI_CMYK8}}, LI_E210_COLOR_SPACE, "convert", NULL},
};

TEST(a_step_that_cannot_be_done_is_refused_with_its_numbers)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        li_input input = fake_input(320, 200, LI_RGB8);
        li_request request = fake_request(&refusals[i].step, 1, 0);
        li_ctx ctx;
        li_plan plan;
        li_ctx_init(&ctx, NULL);
        if (refusals[i].status == LI_OK)
            ctx.limits.max_output_pixels = 0;
        CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), refusals[i].status);
        if (refusals[i].message)
            CHECK_TEXT(ctx.message, refusals[i].message);
        CHECK_TEXT(ctx.step ? ctx.step : "none",
                   refusals[i].step_name ? refusals[i].step_name : "none");
        li_plan_free(&ctx, &plan);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(a_job_over_the_budget_is_refused_before_it_starts)
{
    li_input input = fake_input(4000, 3000, LI_RGB8);
    li_step steps[] = {step_orient(6)};
    li_request request = fake_request(steps, 1, 0);
    li_ctx ctx;
    li_plan plan;
    char message[200];
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), LI_OK);
    uint64_t need = plan.bytes + plan.out_bytes;
    CHECK(plan.bytes > 36000000);
    li_plan_free(&ctx, &plan);
    ctx.limits.max_memory = need;
    CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), LI_OK);
    li_plan_free(&ctx, &plan);
    ctx.limits.max_memory = need - 1;
    CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), LI_E124_MEMORY_BUDGET);
    snprintf(message, sizeof(message),
             "plan: the job may need %llu bytes, limits(max_memory=%llu)",
             (unsigned long long)need, (unsigned long long)need - 1);
    CHECK_TEXT(ctx.message, message);
    CHECK_EQ(ctx.bytes, 0);
    request.output = LI_OUTPUT_FILE; /* its output is not held */
    ctx.status = LI_OK;
    CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), LI_OK);
    li_plan_free(&ctx, &plan);
}

TEST(a_plan_of_many_steps_counts_itself)
{
    enum { STEPS = 3000 };
    li_step *steps = calloc(STEPS, sizeof(*steps));
    for (int i = 0; i < STEPS; i++)
        steps[i] = step_orient(1);
    li_input input = fake_input(40, 30, LI_RGB8);
    li_request request = fake_request(steps, STEPS, 31);
    li_ctx ctx;
    li_plan plan;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan), LI_OK);
    request.step_count = 1;
    li_plan small;
    uint64_t held = ctx.bytes;
    CHECK_EQ(li_plan_make(&ctx, &input, &request, &small), LI_OK);
    CHECK(plan.bytes > held);
    CHECK(plan.bytes - small.bytes > held - 8192);
    li_plan_free(&ctx, &small);
    li_plan_free(&ctx, &plan);
    CHECK_EQ(ctx.bytes, 0);
    free(steps);
}

TEST(every_allocation_can_fail)
{
    li_input input = fake_input(40, 30, LI_RGB8);
    for (int n = 0; n < 3; n++) {
        li_request request = fake_request(NULL, 0, 0);
        li_ctx ctx;
        li_plan plan;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = n;
        CHECK_EQ(li_plan_make(&ctx, &input, &request, &plan),
                 n < 2 ? LI_ENOMEM : LI_OK);
        li_plan_free(&ctx, &plan);
        CHECK_EQ(ctx.bytes, 0);
    }
}

int
main(void)
{
    RUN(a_plan_says_everything_from_source_to_memory);
    RUN(words_are_cut_where_their_room_ends_and_counted_on);
    RUN(a_thumbnail_by_cover_is_one_window_over_a_shrunk_decode);
    RUN(an_odd_size_shrinks_to_a_fraction);
    RUN(a_crop_before_a_downscale_is_region_and_shrink_in_one);
    RUN(a_turned_crop_is_a_region_of_the_stored_picture);
    RUN(the_policy_decides_how_far_the_decoder_shrinks);
    RUN(a_safe_shrink_needs_an_encoder_that_hides_it);
    RUN(a_safe_shrink_leaves_more_where_a_later_op_brings_it_out);
    RUN(nearest_and_what_stands_before_a_resize_forbid_the_shrink);
    RUN(exif_orientation_comes_first_unless_it_is_off);
    RUN(alpha_is_composited_where_the_output_takes_none);
    RUN(pixels_come_in_the_layout_that_was_asked_for);
    RUN(cmyk_becomes_rgb_before_anything_else);
    RUN(a_step_that_cannot_be_done_is_refused_with_its_numbers);
    RUN(a_job_over_the_budget_is_refused_before_it_starts);
    RUN(a_plan_of_many_steps_counts_itself);
    RUN(every_allocation_can_fail);
    return test_end();
}
