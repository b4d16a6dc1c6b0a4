/* test_resize.c: resize against a long-double truth, and the equalities that the
 * planner relies on: windows, mirrors, turns. */
#include "resize_truth.h"

static li_op
resize_op(li_kernel kernel, uint32_t width, uint32_t height, li_info in)
{
    return (li_op){
        .kind = &li_op_resize,
        .u.resize = {
            width, height, kernel, {0, in.width, 1}, {0, in.height, 1}, false}};
}

static uint32_t
random_below(uint32_t *seed, uint32_t bound)
{
    return (test_random(seed) >> 8) % bound;
}

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};

/* A whole axis, a window, a shrunk one that ends inside the last pixel, one that
 * reaches past it. */
static li_span
random_span(uint32_t *seed, uint32_t inputs)
{
    switch (random_below(seed, 4)) {
    case 0:
        return (li_span){0, inputs, 1};
    case 1: {
        uint32_t unit = 1 + random_below(seed, 50);
        uint64_t start = random_below(seed, inputs * unit);
        uint64_t length = 1 + random_below(seed, (uint32_t)(inputs * unit - start));
        return (li_span){start, length, unit};
    }
    case 2:
        return (li_span){0, inputs * 8u - random_below(seed, 8), 8};
    }
    return (li_span){random_below(seed, 8), inputs * 8u - 1, 8};
}

static void
matches_truth(li_kernel kernel)
{
    uint32_t seed = 77 + kernel;
    difference plain = {0, 0, 0}, alpha = {0, 0, 0};
    for (int round = 0; round < 160; round++) {
        li_info info = {1 + random_below(&seed, 50), 1 + random_below(&seed, 50),
                        layouts[round % 4]};
        li_frame in = picture_make(info, (picture_style)(round / 4 % 3), &seed);
        li_op op = {.kind = &li_op_resize,
                    .u.resize = {1 + random_below(&seed, 60),
                                 1 + random_below(&seed, 60), kernel,
                                 random_span(&seed, info.width),
                                 random_span(&seed, info.height), false}};
        li_frame out = picture_run(&op, &in, NULL);
        compare(&op.u.resize, &in, &out,
                li_pixel_has_alpha(info.pixel) ? &alpha : &plain);
        picture_free(&in);
        picture_free(&out);
    }
    printf("  %-8s worst %.3Lf mean %.3Lf; with alpha, seen: worst %.3Lf mean %.3Lf\n",
           li_kernel_name(kernel), plain.worst, plain.sum / plain.samples, alpha.worst,
           alpha.sum / alpha.samples);
    CHECK(plain.worst <= (kernel == LI_NEAREST ? 0 : 0.6L)); /* 0.5 is the rounding */
    CHECK(plain.sum / plain.samples <= 0.27L);
    CHECK(alpha.worst <= 1.5L);
    CHECK(alpha.sum / alpha.samples <= 0.35L);
}

TEST(every_kernel_matches_a_long_double_truth)
{
    for (int kernel = LI_LANCZOS3; kernel <= LI_LANCZOS2; kernel++)
        matches_truth((li_kernel)kernel);
}

/* --- extreme ratios ----------------------------------------------------------------
 */

static void
squeeze(uint32_t inputs, uint32_t outputs, picture_style style, long double bound)
{
    uint32_t seed = inputs + outputs;
    for (int upright = 0; upright < 2; upright++) {
        li_info info = {upright ? 1 : inputs, upright ? inputs : 1, LI_GRAY8};
        li_frame in = picture_make(info, style, &seed);
        li_op op =
            resize_op(LI_LANCZOS3, upright ? 1 : outputs, upright ? outputs : 1, info);
        li_frame out = picture_run(&op, &in, NULL);
        difference seen = {0, 0, 0};
        compare(&op.u.resize, &in, &out, &seen);
        CHECK(seen.worst <= bound);
        picture_free(&in);
        picture_free(&out);
    }
}

TEST(fifteen_thousand_taps_stay_within_a_level)
{
    for (picture_style style = PICTURE_NOISE; style <= PICTURE_EDGES; style++) {
        squeeze(20000, 8, style, style == PICTURE_SMOOTH ? 0.55L : 1.5L);
        squeeze(20000, 60, style, 1);
        squeeze(65535, 1, style, 1.5L);
        squeeze(65535, 8, style, 1.5L);
    }
}

TEST(the_widest_picture_goes_both_ways)
{
    const uint32_t sides[][2] = {
        {65535, 1}, {1, 65535}, {65535, 65534}, {65534, 65535}};
    uint32_t seed = 5;
    for (size_t k = 0; k < 4; k++)
        for (int kernel = LI_LANCZOS3; kernel <= LI_NEAREST; kernel++) {
            li_info info = {sides[k][0], 2, LI_RGB8};
            li_frame in = picture_make(info, PICTURE_FLAT, &seed);
            li_op op = resize_op((li_kernel)kernel, sides[k][1], 1, info);
            li_frame out = picture_run(&op, &in, NULL);
            for (uint32_t x = 0; x < sides[k][1]; x++)
                CHECK(memcmp(out.pixels + x * 3, in.pixels, 3) == 0);
            picture_free(&in);
            picture_free(&out);
        }
}

TEST(a_constant_picture_stays_constant)
{
    uint32_t seed = 9;
    for (int round = 0; round < 400; round++) {
        li_info info = {1 + random_below(&seed, 80), 1 + random_below(&seed, 80),
                        round % 2 ? LI_RGB8 : LI_GRAY8};
        if (round % 7 == 0)
            info.width = info.height = 1;
        li_frame in = picture_make(info, PICTURE_FLAT, &seed);
        li_op op = resize_op((li_kernel)(round % 5), 1 + random_below(&seed, 90),
                             1 + random_below(&seed, 90), info);
        if (round % 11 == 0)
            op.u.resize.width = op.u.resize.height = 1;
        op.u.resize.x = random_span(&seed, info.width);
        op.u.resize.y = random_span(&seed, info.height);
        li_frame out = picture_run(&op, &in, NULL);
        uint32_t bytes = li_pixel_bytes(info.pixel);
        for (size_t n = 0; n < li_image_bytes(out.info); n++)
            CHECK_EQ(out.pixels[n], in.pixels[n % bytes]);
        picture_free(&in);
        picture_free(&out);
    }
}

/* --- equalities --------------------------------------------------------------------
 */

TEST(a_window_is_a_crop_of_the_whole)
{
    uint32_t seed = 21;
    for (int round = 0; round < 300; round++) {
        li_info info = {1 + random_below(&seed, 90), 1 + random_below(&seed, 90),
                        layouts[round % 4]};
        li_frame in = picture_make(info, (picture_style)(round / 4 % 3), &seed);
        li_op whole = resize_op((li_kernel)(round % 5), 1 + random_below(&seed, 120),
                                1 + random_below(&seed, 120), info);
        uint32_t w = whole.u.resize.width, h = whole.u.resize.height;
        li_rect rect = {random_below(&seed, w), random_below(&seed, h), 0, 0};
        rect.width = 1 + random_below(&seed, w - rect.x);
        rect.height = 1 + random_below(&seed, h - rect.y);
        li_op crop = {.kind = &li_op_crop, .u.crop = rect};
        li_op window = whole;
        window.u.resize.width = rect.width;
        window.u.resize.height = rect.height;
        window.u.resize.x = (li_span){(uint64_t)rect.x * info.width,
                                      (uint64_t)rect.width * info.width, w};
        window.u.resize.y = (li_span){(uint64_t)rect.y * info.height,
                                      (uint64_t)rect.height * info.height, h};
        uint32_t taken = 0, taken_by_window = 0;
        li_frame full = picture_run(&whole, &in, &taken);
        li_frame cropped = picture_run(&crop, &full, NULL);
        li_frame out = picture_run(&window, &in, &taken_by_window);
        CHECK(picture_equal(&cropped, &out));
        CHECK(taken_by_window <= taken);
        picture_free(&in);
        picture_free(&full);
        picture_free(&cropped);
        picture_free(&out);
    }
}

static void
turned_alike(int round, li_orientation orientation, uint32_t most, uint32_t *seed,
             uint64_t differ[3])
{
    li_info info = {1 + random_below(seed, 90), 1 + random_below(seed, 90),
                    layouts[round % 4]};
    bool swaps = li_orient_transposes(orientation);
    li_frame in = picture_make(info, (picture_style)(round / 4 % 3), seed);
    li_op before = resize_op((li_kernel)(round % 4),
                             1 + random_below(seed, most ? most : info.width),
                             1 + random_below(seed, most ? most : info.height), info);
    li_frame turned = picture_turn(&in, orientation);
    li_op after = resize_op(
        before.u.resize.kernel, swaps ? before.u.resize.height : before.u.resize.width,
        swaps ? before.u.resize.width : before.u.resize.height, turned.info);
    li_frame one = picture_run(&before, &in, NULL);
    li_frame first = picture_turn(&one, orientation);
    li_frame second = picture_run(&after, &turned, NULL);
    for (size_t n = 0; n < li_image_bytes(first.info); n++) {
        int apart = abs(first.pixels[n] - second.pixels[n]);
        differ[apart > 2 ? 2 : apart]++;
    }
    picture_free(&in);
    picture_free(&turned);
    picture_free(&one);
    picture_free(&first);
    picture_free(&second);
}

TEST(mirrors_and_half_turns_commute_to_the_byte)
{
    uint32_t seed = 31;
    uint64_t differ[3] = {0, 0, 0};
    for (int round = 0; round < 300; round++)
        turned_alike(round, (li_orientation)(2 + round % 3), 120, &seed, differ);
    CHECK(differ[0] > 0);
    CHECK_EQ(differ[1], 0);
    CHECK_EQ(differ[2], 0);
}

/* `most` 0: no output is larger than its input. Opaque layouts: with alpha near 0 a
 * level of colour is not a level of the picture. */
TEST(quarter_turns_commute_with_a_shrink_within_a_level)
{
    uint32_t seed = 41;
    uint64_t differ[3] = {0, 0, 0};
    for (int round = 0; round < 600; round++)
        turned_alike(round & ~1, (li_orientation)(5 + round % 4), 0, &seed, differ);
    uint64_t all = differ[0] + differ[1];
    CHECK_EQ(differ[2], 0);
    CHECK(differ[1] * 200 <= all);
}

static void
one_axis_is_kept(li_kernel kernel, uint32_t *seed)
{
    li_info info = {1 + random_below(seed, 60), 1 + random_below(seed, 60), LI_RGB8};
    li_frame in = picture_make(info, PICTURE_NOISE, seed);
    li_op across = resize_op(kernel, 1 + random_below(seed, 60), info.height, info);
    li_frame out = picture_run(&across, &in, NULL);
    for (uint32_t y = 0; y < info.height; y++) {
        li_frame line = {{info.width, 1, info.pixel}, in.stride, li_frame_row(&in, y)};
        li_op alone = resize_op(kernel, across.u.resize.width, 1, line.info);
        li_frame one = picture_run(&alone, &line, NULL);
        CHECK(memcmp(one.pixels, li_frame_row(&out, y), li_row_bytes(out.info)) == 0);
        picture_free(&one);
    }
    picture_free(&in);
    picture_free(&out);
}

TEST(an_axis_that_stays_does_not_mix_its_lines)
{
    uint32_t seed = 51;
    for (int round = 0; round < 60; round++)
        one_axis_is_kept((li_kernel)(round % 5), &seed);
}

TEST(the_same_size_is_a_copy_and_costs_nothing)
{
    uint32_t seed = 61;
    li_frame in = picture_make((li_info){33, 21, LI_RGBA8}, PICTURE_NOISE, &seed);
    for (int kernel = LI_LANCZOS3; kernel <= LI_NEAREST; kernel++) {
        li_op op = resize_op((li_kernel)kernel, 33, 21, in.info);
        li_frame out = picture_run(&op, &in, NULL);
        CHECK(picture_equal(&in, &out));
        CHECK_EQ(op.kind->bytes(&op, in.info, out.info), 0);
        picture_free(&out);
    }
    picture_free(&in);
}

/* --- alpha -------------------------------------------------------------------------
 */

static li_frame
with_alpha(const li_frame *in, int opacity)
{
    li_frame out = picture_new((li_info){in->info.width, in->info.height, LI_RGBA8});
    for (size_t n = 0; n < (size_t)in->info.width * in->info.height; n++) {
        memcpy(out.pixels + 4 * n, in->pixels + 3 * n, 3);
        out.pixels[4 * n + 3] = (uint8_t)opacity;
    }
    return out;
}

TEST(an_opaque_picture_has_the_colours_of_rgb)
{
    uint32_t seed = 71;
    for (int round = 0; round < 100; round++) {
        li_info info = {1 + random_below(&seed, 60), 1 + random_below(&seed, 60),
                        LI_RGB8};
        li_frame in = picture_make(info, (picture_style)(round % 3), &seed);
        li_frame opaque = with_alpha(&in, 255);
        li_op op = resize_op((li_kernel)(round % 5), 1 + random_below(&seed, 60),
                             1 + random_below(&seed, 60), info);
        li_frame out = picture_run(&op, &in, NULL);
        li_frame expected = with_alpha(&out, 255);
        li_frame found = picture_run(&op, &opaque, NULL);
        CHECK(picture_equal(&expected, &found));
        picture_free(&in);
        picture_free(&opaque);
        picture_free(&out);
        picture_free(&expected);
        picture_free(&found);
    }
}

/* Green behind alpha 0 beside opaque red: no green may show. */
TEST(the_colour_of_transparent_pixels_does_not_bleed)
{
    li_frame in = picture_new((li_info){64, 64, LI_RGBA8});
    for (uint32_t n = 0; n < 64 * 64; n++) {
        const uint8_t pixels[2][4] = {{255, 0, 0, 255}, {0, 255, 0, 0}};
        memcpy(in.pixels + 4 * n, pixels[(n * 2654435761u) >> 31], 4);
    }
    for (int kernel = LI_LANCZOS3; kernel <= LI_LANCZOS2; kernel++) {
        if (kernel == LI_NEAREST) /* picks what is there */
            continue;
        li_op op = resize_op((li_kernel)kernel, 23, 100, in.info);
        li_frame out = picture_run(&op, &in, NULL);
        for (uint32_t n = 0; n < 23 * 100; n++) {
            const uint8_t *pixel = out.pixels + 4 * n;
            CHECK_EQ(pixel[1], 0);
            CHECK_EQ(pixel[2], 0);
            CHECK_EQ(pixel[0], pixel[3] ? 255 : 0);
        }
        picture_free(&out);
    }
    picture_free(&in);
}

/* Colours are stored as 8 bits times alpha in between, so a colour behind alpha a is
 * known to 127.5/a levels, plus its own rounding. */
TEST(a_translucent_colour_keeps_the_documented_precision)
{
    for (int alpha = 1; alpha < 256; alpha++) {
        li_frame in = picture_new((li_info){9, 9, LI_GRAYA8});
        for (uint32_t n = 0; n < 81; n++) {
            in.pixels[2 * n] = 151;
            in.pixels[2 * n + 1] = (uint8_t)alpha;
        }
        li_op op = resize_op(LI_LANCZOS3, 4, 13, in.info);
        li_frame out = picture_run(&op, &in, NULL);
        for (uint32_t n = 0; n < 4 * 13; n++) {
            CHECK_EQ(out.pixels[2 * n + 1], alpha);
            CHECK(abs(out.pixels[2 * n] - 151) <= 127.5 / alpha + 0.5);
        }
        picture_free(&in);
        picture_free(&out);
    }
}

/* --- what it takes -----------------------------------------------------------------
 */

TEST(rows_that_no_output_needs_are_not_pulled)
{
    uint32_t seed = 81, taken = 0;
    li_frame in = picture_make((li_info){8, 1000, LI_GRAY8}, PICTURE_NOISE, &seed);
    li_op op = resize_op(LI_LANCZOS3, 8, 10, in.info);
    op.u.resize.y =
        (li_span){500, 100, 1}; /* 10 rows each: centres 505…595, reach 30 */
    li_frame out = picture_run(&op, &in, &taken);
    CHECK_EQ(strict_skipped, 475);
    CHECK_EQ(taken, 625);
    picture_free(&out);
    op.u.resize.kernel = LI_NEAREST; /* the last centre is in row 595 */
    out = picture_run(&op, &in, &taken);
    CHECK_EQ(taken, 596);
    picture_free(&out);
    picture_free(&in);
}

static uint64_t
cost(uint32_t width, uint32_t height, uint32_t to)
{
    li_info in = {width, height, LI_RGB8}, out;
    li_op op = resize_op(LI_LANCZOS3, to, to, in);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(op.kind->shape(&ctx, &op, in, &out), LI_OK);
    return op.kind->bytes(&op, in, out);
}

TEST(memory_does_not_grow_with_the_height_or_the_ratio)
{
    CHECK(cost(6000, 65535, 800) < cost(6000, 4000, 800) + (1 << 20)); /* y weights */
    CHECK(cost(6000, 4000, 800) < 1 << 20);   /* 24 MP: 72 MB decoded */
    CHECK(cost(20000, 20000, 800) < 5 << 19); /* 400 MP: 1.2 GB decoded */
    CHECK(cost(20000, 20000, 8) < 5 << 19);
    CHECK(cost(100, 100, 20000) < 3 << 20); /* enlarged 200 times */
    CHECK(cost(65535, 65535, 1) < 8 << 20);
}

TEST(every_allocation_fails_once)
{
    uint32_t seed = 91;
    li_frame in = picture_make((li_info){40, 30, LI_RGBA8}, PICTURE_NOISE, &seed);
    for (int kernel = LI_LANCZOS3; kernel <= LI_NEAREST; kernel++) {
        li_op small = resize_op((li_kernel)kernel, 7, 5, in.info);
        li_op large = resize_op((li_kernel)kernel, 90, 80, in.info);
        picture_starve(&small, &in);
        picture_starve(&large, &in);
    }
    picture_free(&in);
}

static li_status
shape_of(li_op op, li_info in, const char *message)
{
    li_ctx ctx;
    li_info out;
    li_ctx_init(&ctx, NULL);
    li_status status = op.kind->shape(&ctx, &op, in, &out);
    CHECK_TEXT(ctx.message, message);
    return status;
}

TEST(shape_refuses_what_it_cannot_do)
{
    li_info rgb = {320, 200, LI_RGB8}, cmyk = {320, 200, LI_CMYK8};
    CHECK_EQ(shape_of(resize_op(LI_BOX, 0, 7, rgb), rgb,
                      "resize: 0x7 has a side outside 1..65535"),
             LI_E203_RESIZE_SIZE);
    CHECK_EQ(shape_of(resize_op(LI_BOX, 7, 65536, rgb), rgb,
                      "resize: 7x65536 has a side outside 1..65535"),
             LI_E203_RESIZE_SIZE);
    CHECK_EQ(shape_of(resize_op(LI_BOX, 7, 7, cmyk), cmyk,
                      "resize: cannot take cmyk8 pixels"),
             LI_E210_COLOR_SPACE);
    li_op past = resize_op(LI_BOX, 7, 7, rgb);
    past.u.resize.x = (li_span){190, 320 * 8, 8};
    CHECK_EQ(
        shape_of(past, rgb, "resize: x span 190+2560 / 8 does not lie on 320 pixels"),
        LI_E901_INTERNAL);
    past.u.resize.x.start = 189;
    CHECK_EQ(shape_of(past, rgb, ""), LI_OK);
}

TEST(kernels_have_names)
{
    for (int kernel = LI_LANCZOS3; kernel <= LI_NEAREST; kernel++)
        CHECK_EQ(li_kernel_named(li_kernel_name((li_kernel)kernel)), kernel);
    CHECK_TEXT(li_kernel_name(LI_LANCZOS3), "lanczos3");
    CHECK_EQ(li_kernel_named("sinc"), -1);
}

int
main(void)
{
    RUN(every_kernel_matches_a_long_double_truth);
    RUN(fifteen_thousand_taps_stay_within_a_level);
    RUN(the_widest_picture_goes_both_ways);
    RUN(a_constant_picture_stays_constant);
    RUN(a_window_is_a_crop_of_the_whole);
    RUN(mirrors_and_half_turns_commute_to_the_byte);
    RUN(quarter_turns_commute_with_a_shrink_within_a_level);
    RUN(an_axis_that_stays_does_not_mix_its_lines);
    RUN(the_same_size_is_a_copy_and_costs_nothing);
    RUN(an_opaque_picture_has_the_colours_of_rgb);
    RUN(the_colour_of_transparent_pixels_does_not_bleed);
    RUN(a_translucent_colour_keeps_the_documented_precision);
    RUN(rows_that_no_output_needs_are_not_pulled);
    RUN(memory_does_not_grow_with_the_height_or_the_ratio);
    RUN(every_allocation_fails_once);
    RUN(shape_refuses_what_it_cannot_do);
    RUN(kernels_have_names);
    return test_end();
}
