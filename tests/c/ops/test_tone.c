/* test_tone.c: tables against their formulas, and pictures against the tables. */
#include "pictures.h"

#include <math.h>

/* Half away from zero, clamped. */
static int
rounded(long double value)
{
    long double whole = roundl(value);
    return whole < 0 ? 0 : whole > 255 ? 255 : (int)whole;
}

TEST(brightness_adds)
{
    for (int v = -100; v <= 100; v++) {
        li_tone tone;
        li_tone_brightness(&tone, v);
        for (int i = 0; i < 256; i++)
            CHECK_EQ(tone.table[i], rounded((i * 100.0L + 255 * v) / 100));
    }
}

TEST(contrast_scales_about_the_middle)
{
    for (int v = -100; v <= 100; v++) {
        li_tone tone;
        li_tone_contrast(&tone, v);
        for (int i = 0; i < 256; i++)
            CHECK_EQ(
                tone.table[i],
                rounded(((2 * i - 255) * (100.0L + v) * (100 + v) + 2550000) / 20000));
    }
}

TEST(gamma_is_the_power)
{
    const double values[] = {0.01, 0.45, 1, 1.8, 2.2, 100};
    for (int k = 0; k < 6; k++) {
        li_tone tone;
        li_tone_gamma(&tone, values[k]);
        for (int i = 0; i < 256; i++)
            CHECK_EQ(tone.table[i], rounded(255 * powl(i / 255.0L, 1 / values[k])));
        CHECK(values[k] != 1 || tone.table[77] == 77);
    }
}

TEST(zero_changes_nothing_and_a_hundred_saturates)
{
    li_tone bright, contrast, full, none;
    li_tone_brightness(&bright, 0);
    li_tone_contrast(&contrast, 0);
    li_tone_brightness(&full, 100);
    li_tone_contrast(&none, -100);
    for (int i = 0; i < 256; i++) {
        CHECK_EQ(bright.table[i], i);
        CHECK_EQ(contrast.table[i], i);
        CHECK_EQ(full.table[i], 255);
        CHECK_EQ(none.table[i], 128); /* 127.5, half away from zero */
    }
}

static li_op
tone_op(double brightness)
{
    li_op op = {.kind = &li_op_tone};
    li_tone_brightness(&op.u.tone, brightness);
    return op;
}

TEST(every_channel_but_alpha_is_mapped)
{
    const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    uint32_t seed = 1;
    li_op op = tone_op(33);
    for (int k = 0; k < 4; k++) {
        li_info info = {37, 11, layouts[k]};
        uint32_t channels = li_pixel_channels(info.pixel);
        li_frame in = picture_make(info, PICTURE_NOISE, &seed);
        li_frame out = picture_run(&op, &in, NULL);
        for (size_t n = 0; n < li_image_bytes(info); n++) {
            bool alpha = channels % 2 == 0 && n % channels == channels - 1;
            CHECK_EQ(out.pixels[n],
                     alpha ? in.pixels[n] : op.u.tone.table[in.pixels[n]]);
        }
        picture_free(&in);
        picture_free(&out);
    }
}

TEST(then_gives_the_bytes_of_both_in_turn)
{
    uint32_t seed = 2;
    li_frame in = picture_make((li_info){64, 8, LI_RGBA8}, PICTURE_NOISE, &seed);
    for (int v = -100; v <= 100; v += 20) {
        li_op first = tone_op(v), second = {.kind = &li_op_tone}, both = first;
        li_tone_contrast(&second.u.tone, 100 - 2 * (v < 0 ? -v : v));
        li_tone_then(&both.u.tone, &second.u.tone);
        li_frame one = picture_run(&first, &in, NULL);
        li_frame two = picture_run(&second, &one, NULL);
        li_frame once = picture_run(&both, &in, NULL);
        CHECK(picture_equal(&two, &once));
        picture_free(&one);
        picture_free(&two);
        picture_free(&once);
    }
    picture_free(&in);
}

TEST(skipping_passes_on)
{
    uint32_t seed = 3, taken = 0;
    li_frame in = picture_make((li_info){5, 20, LI_RGB8}, PICTURE_NOISE, &seed);
    li_op op = tone_op(-10);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *rows = strict_open(&ctx, &in, &taken);
    const uint8_t *row;
    CHECK_EQ(li_op_tone.open(&op, in.info, &rows), LI_OK);
    CHECK_EQ(li_rows_skip(rows, 12), LI_OK);
    CHECK_EQ(((strict_rows *)rows->up)->skipped, 12);
    CHECK_EQ(li_rows_next(rows, &row), LI_OK);
    CHECK_EQ(row[4], op.u.tone.table[li_frame_row(&in, 12)[4]]);
    li_rows_close(&rows);
    picture_free(&in);
}

TEST(every_allocation_fails_once)
{
    uint32_t seed = 4;
    li_frame in = picture_make((li_info){20, 10, LI_RGB8}, PICTURE_NOISE, &seed);
    li_op op = tone_op(5);
    picture_starve(&op, &in);
    picture_free(&in);
}

/* A table of 256 is no curve for 65,536 levels. */
TEST(cmyk_and_tables_for_wide_samples_are_refused)
{
    const li_pixel layouts[] = {LI_CMYK8, LI_RGBA16};
    const char *messages[] = {"tone: cannot take cmyk8 pixels",
                              "tone: cannot take rgba16 pixels"};
    li_op op = tone_op(5);
    op.u.tone.curve = LI_TONE_TABLE;
    for (int k = 0; k < 2; k++) {
        li_ctx ctx;
        li_info out;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_op_tone.shape(&ctx, &op, (li_info){3, 2, layouts[k]}, &out),
                 LI_E210_COLOR_SPACE);
        CHECK_TEXT(ctx.message, messages[k]);
    }
}

int
main(void)
{
    RUN(brightness_adds);
    RUN(contrast_scales_about_the_middle);
    RUN(gamma_is_the_power);
    RUN(zero_changes_nothing_and_a_hundred_saturates);
    RUN(every_channel_but_alpha_is_mapped);
    RUN(then_gives_the_bytes_of_both_in_turn);
    RUN(skipping_passes_on);
    RUN(every_allocation_fails_once);
    RUN(cmyk_and_tables_for_wide_samples_are_refused);
    return test_end();
}
