/* test_convert.c: every pair of layouts against the formulas in floating point. */
#include "pictures.h"

#include <math.h>

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};

static li_op
convert_op(li_pixel pixel, bool flatten, const uint8_t *background)
{
    li_op op = {.kind = &li_op_convert, .u.convert = {pixel, flatten, {0, 0, 0}}};
    memcpy(op.u.convert.background, background, 3);
    return op;
}

static long double
true_luma(const long double *colour)
{
    return 0.2126L * colour[0] + 0.7152L * colour[1] + 0.0722L * colour[2];
}

/* Is `to` what `from` becomes, each rounding within `slack` of half a level? */
static void
check_pixel(const uint8_t *from, uint32_t source, const uint8_t *to, uint32_t target,
            const li_convert *convert)
{
    long double colour[3], alpha = source % 2 ? 255 : from[source - 1];
    for (int c = 0; c < 3; c++)
        colour[c] = source > 2 ? from[c] : from[0];
    bool flat = convert->flatten && source % 2 == 0 && target % 2 == 1;
    for (int c = 0; c < 3 && flat; c++) /* rounded once, before luma */
        colour[c] =
            roundl((colour[c] * alpha + convert->background[c] * (255 - alpha)) / 255);
    if (target % 2 == 0)
        CHECK_EQ(to[target - 1], (int)alpha);
    for (uint32_t c = 0; c < 3 && target > 2; c++)
        CHECK_EQ(to[c], (int)colour[c]);
    if (target > 2)
        return;
    /* The weights are 1/2^17 off at most, each: 0.006 of a level in all. */
    CHECK(fabsl(to[0] - true_luma(colour)) <= 0.506L);
    if (source <= 2 && !flat)
        CHECK_EQ(to[0], from[0]);
}

static void
check_pair(li_pixel from, li_pixel to, bool flatten, uint32_t *seed)
{
    const uint8_t background[3] = {(uint8_t)test_random(seed),
                                   (uint8_t)test_random(seed),
                                   (uint8_t)test_random(seed)};
    li_frame in = picture_make((li_info){61, 40, from}, PICTURE_NOISE, seed);
    li_op op = convert_op(to, flatten, background);
    li_frame out = picture_run(&op, &in, NULL);
    uint32_t source = li_pixel_channels(from), target = li_pixel_channels(to);
    CHECK_EQ(out.info.pixel, to);
    for (size_t n = 0; n < 61 * 40; n++)
        check_pixel(in.pixels + n * source, source, out.pixels + n * target, target,
                    &op.u.convert);
    picture_free(&in);
    picture_free(&out);
}

TEST(every_pair_of_layouts_is_the_formula)
{
    uint32_t seed = 1;
    for (int from = 0; from < 4; from++)
        for (int to = 0; to < 4; to++) {
            check_pair(layouts[from], layouts[to], false, &seed);
            check_pair(layouts[from], layouts[to], true, &seed);
        }
}

/* All 2^24 (sample, background, alpha) would be slow under a sanitizer: every alpha
 * with every sample over 16 backgrounds. */
TEST(flattening_rounds_exactly)
{
    li_frame in = picture_new((li_info){256, 256, LI_GRAYA8});
    for (uint32_t n = 0; n < 65536; n++) {
        in.pixels[2 * n] = (uint8_t)n;
        in.pixels[2 * n + 1] = (uint8_t)(n >> 8);
    }
    for (uint32_t under = 0; under < 256; under += 17) {
        const uint8_t background[3] = {(uint8_t)under, (uint8_t)under, (uint8_t)under};
        li_op op = convert_op(LI_GRAY8, true, background);
        li_frame out = picture_run(&op, &in, NULL);
        for (uint32_t n = 0; n < 65536; n++) {
            uint32_t sum = (n & 255) * (n >> 8) + under * (255 - (n >> 8));
            CHECK_EQ(out.pixels[n], (2 * sum + 255) / 510);
        }
        picture_free(&out);
    }
    picture_free(&in);
}

TEST(flattening_alone_keeps_gray_over_gray)
{
    const uint8_t backgrounds[2][3] = {{7, 7, 7}, {7, 8, 7}};
    const li_pixel wanted[2][4] = {{LI_GRAY8, LI_GRAY8, LI_RGB8, LI_RGB8},
                                   {LI_GRAY8, LI_RGB8, LI_RGB8, LI_RGB8}};
    for (int b = 0; b < 2; b++)
        for (int k = 0; k < 4; k++) {
            li_ctx ctx;
            li_info out;
            li_ctx_init(&ctx, NULL);
            li_op op = convert_op((li_pixel)0, true, backgrounds[b]);
            CHECK_EQ(li_op_convert.shape(&ctx, &op, (li_info){3, 2, layouts[k]}, &out),
                     LI_OK);
            CHECK_EQ(out.pixel, wanted[b][k]);
        }
}

TEST(gray_of_gray_is_itself)
{
    li_frame in = picture_new((li_info){256, 1, LI_RGB8});
    for (uint32_t n = 0; n < 768; n++)
        in.pixels[n] = (uint8_t)(n / 3);
    const uint8_t black[3] = {0, 0, 0};
    li_op op = convert_op(LI_GRAY8, false, black);
    li_frame out = picture_run(&op, &in, NULL);
    for (uint32_t n = 0; n < 256; n++)
        CHECK_EQ(out.pixels[n], n);
    picture_free(&in);
    picture_free(&out);
}

TEST(the_same_layout_costs_nothing)
{
    const uint8_t black[3] = {0, 0, 0};
    li_info info = {300, 200, LI_RGBA8};
    li_op op = convert_op(LI_RGBA8, true, black);
    CHECK_EQ(li_op_convert.bytes(&op, info, info), 0);
}

TEST(every_allocation_fails_once)
{
    uint32_t seed = 4;
    const uint8_t black[3] = {0, 0, 0};
    li_frame in = picture_make((li_info){20, 10, LI_RGB8}, PICTURE_NOISE, &seed);
    li_op op = convert_op(LI_GRAY8, false, black);
    picture_starve(&op, &in);
    picture_free(&in);
}

TEST(cmyk_is_refused_by_name)
{
    const li_pixel pairs[][2] = {{LI_CMYK8, LI_RGB8}, {LI_RGB16, LI_CMYK8}};
    const char *messages[] = {"convert: cannot turn cmyk8 into rgb8",
                              "convert: cannot turn rgb16 into cmyk8"};
    const uint8_t black[3] = {0, 0, 0};
    for (int k = 0; k < 2; k++) {
        li_ctx ctx;
        li_info out;
        li_ctx_init(&ctx, NULL);
        li_op op = convert_op(pairs[k][1], true, black);
        CHECK_EQ(li_op_convert.shape(&ctx, &op, (li_info){3, 2, pairs[k][0]}, &out),
                 LI_E210_COLOR_SPACE);
        CHECK_TEXT(ctx.message, messages[k]);
    }
}

int
main(void)
{
    RUN(every_pair_of_layouts_is_the_formula);
    RUN(flattening_rounds_exactly);
    RUN(flattening_alone_keeps_gray_over_gray);
    RUN(gray_of_gray_is_itself);
    RUN(the_same_layout_costs_nothing);
    RUN(every_allocation_fails_once);
    RUN(cmyk_is_refused_by_name);
    return test_end();
}
