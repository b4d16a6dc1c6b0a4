/* test_saturation.c: every colour against the formula in long double. */
#include "pictures.h"

#include <math.h>

static li_op
saturation_op(double value)
{
    li_op op = {.kind = &li_op_saturation};
    li_saturation_of(&op.u.saturation, value);
    return op;
}

static void
check_pixel(const uint8_t *from, const uint8_t *to, double value)
{
    long double luma = 0.2126L * from[0] + 0.7152L * from[1] + 0.0722L * from[2];
    for (int c = 0; c < 3; c++) {
        long double wanted = luma + (from[c] - luma) * (100 + value) / 100;
        wanted = wanted < 0 ? 0 : wanted > 255 ? 255 : wanted;
        /* Coefficients are 2^-17 off at most; the diagonal takes what two leave. */
        CHECK(fabsl(to[c] - wanted) <= 0.51L);
    }
}

TEST(colours_move_along_their_gray)
{
    const double values[] = {-100, -62.5, -1, 1, 33, 100};
    uint32_t seed = 1;
    for (int k = 0; k < 6; k++)
        for (int alpha = 0; alpha < 2; alpha++) {
            li_info info = {97, 31, alpha ? LI_RGBA8 : LI_RGB8};
            uint32_t channels = li_pixel_channels(info.pixel);
            li_op op = saturation_op(values[k]);
            li_frame in =
                picture_make(info, alpha ? PICTURE_EDGES : PICTURE_NOISE, &seed);
            li_frame out = picture_run(&op, &in, NULL);
            for (size_t n = 0; n < 97 * 31; n++) {
                const uint8_t *from = in.pixels + n * channels;
                check_pixel(from, out.pixels + n * channels, values[k]);
                if (alpha)
                    CHECK_EQ(out.pixels[n * 4 + 3], from[3]);
            }
            picture_free(&in);
            picture_free(&out);
        }
}

TEST(the_least_is_the_luma_of_convert)
{
    uint32_t seed = 2;
    li_frame in = picture_make((li_info){256, 64, LI_RGB8}, PICTURE_NOISE, &seed);
    li_op op = saturation_op(-100), gray = {.kind = &li_op_convert};
    gray.u.convert.pixel = LI_GRAY8;
    li_frame out = picture_run(&op, &in, NULL), luma = picture_run(&gray, &in, NULL);
    for (size_t n = 0; n < 256 * 64; n++)
        for (int c = 0; c < 3; c++)
            CHECK_EQ(out.pixels[3 * n + c], luma.pixels[n]);
    picture_free(&in);
    picture_free(&out);
    picture_free(&luma);
}

TEST(gray_stays_gray_and_zero_changes_nothing)
{
    li_frame in = picture_new((li_info){256, 1, LI_RGB8});
    for (uint32_t n = 0; n < 768; n++)
        in.pixels[n] = (uint8_t)(n / 3);
    for (double value = -100; value <= 100; value += 12.5) {
        li_op op = saturation_op(value);
        li_frame out = picture_run(&op, &in, NULL);
        CHECK(picture_equal(&in, &out));
        CHECK_EQ(li_op_saturation.idle(&op, in.info, in.info), value == 0);
        CHECK(li_op_saturation.idle(&op, (li_info){9, 9, LI_GRAYA8},
                                    (li_info){9, 9, LI_GRAYA8}));
        picture_free(&out);
    }
    picture_free(&in);
}

TEST(gray_layouts_pass_for_nothing)
{
    const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8};
    uint32_t seed = 3;
    li_op op = saturation_op(50);
    for (int k = 0; k < 2; k++) {
        li_frame in = picture_make((li_info){20, 10, layouts[k]}, PICTURE_NOISE, &seed);
        li_frame out = picture_run(&op, &in, NULL);
        CHECK(picture_equal(&in, &out));
        CHECK_EQ(li_op_saturation.bytes(&op, in.info, in.info), 0);
        picture_free(&in);
        picture_free(&out);
    }
}

TEST(every_allocation_fails_once)
{
    uint32_t seed = 4;
    li_frame in = picture_make((li_info){20, 10, LI_RGBA8}, PICTURE_NOISE, &seed);
    li_op op = saturation_op(5);
    picture_starve(&op, &in);
    picture_free(&in);
}

TEST(cmyk_is_refused)
{
    li_op op = saturation_op(5);
    li_ctx ctx;
    li_info out;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_op_saturation.shape(&ctx, &op, (li_info){3, 2, LI_CMYK8}, &out),
             LI_E210_COLOR_SPACE);
    CHECK_TEXT(ctx.message, "saturation: cannot take cmyk8 pixels");
}

int
main(void)
{
    RUN(colours_move_along_their_gray);
    RUN(the_least_is_the_luma_of_convert);
    RUN(gray_stays_gray_and_zero_changes_nothing);
    RUN(gray_layouts_pass_for_nothing);
    RUN(every_allocation_fails_once);
    RUN(cmyk_is_refused);
    return test_end();
}
