/* test_blur.c: blurred and sharpened pictures against sums in long double. */
#include "pictures.h"

#include <math.h>

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};

static li_op
blur_op(double sigma)
{
    return (li_op){.kind = &li_op_blur, .u.blur = {.sigma = sigma}};
}

static li_op
sharpen_op(double amount, double radius, uint8_t threshold)
{
    return (li_op){.kind = &li_op_sharpen, .u.blur = {radius, amount, threshold}};
}

static uint32_t
within(int64_t at, uint32_t size)
{
    return (uint32_t)(at < 0 ? 0 : at >= size ? size - 1 : at);
}

/* One axis of doubles, of pixels of `channels`; the edge goes on. */
static void
true_axis(const long double *from, long double *to, uint32_t lines, uint32_t count,
          size_t line_step, size_t step, double sigma)
{
    int64_t radius = (int64_t)ceil(3 * sigma);
    long double sum = 0;
    for (int64_t k = -radius; k <= radius; k++)
        sum += expl(-0.5L * k * k / (sigma * sigma));
    for (uint32_t line = 0; line < lines; line++)
        for (uint32_t i = 0; i < count; i++) {
            long double value = 0;
            for (int64_t k = -radius; k <= radius; k++)
                value += expl(-0.5L * k * k / (sigma * sigma)) / sum *
                         from[line * line_step + within(i + k, count) * step];
            to[line * line_step + i * step] = value;
        }
}

/* Colours times alpha, alpha; blurred; malloc'd. */
static long double *
true_blur(const li_frame *in, double sigma)
{
    uint32_t channels = li_pixel_channels(in->info.pixel);
    size_t row = li_row_bytes(in->info), samples = row * in->info.height;
    long double *one = calloc(samples, sizeof(*one)),
                *two = calloc(samples, sizeof(*two));
    for (size_t n = 0; n < samples; n++) {
        size_t alpha = n / channels * channels + channels - 1;
        bool carries = channels % 2 == 0 && n != alpha;
        one[n] = in->pixels[n] * (carries ? in->pixels[alpha] / 255.0L : 1);
    }
    for (uint32_t c = 0; c < channels; c++) {
        true_axis(one + c, two + c, in->info.height, in->info.width, row, channels,
                  sigma);
        true_axis(two + c, one + c, in->info.width, in->info.height, channels, row,
                  sigma);
    }
    free(two);
    return one;
}

static void
check_blurred(const li_frame *in, const li_frame *out, double sigma)
{
    uint32_t channels = li_pixel_channels(in->info.pixel);
    long double *wanted = true_blur(in, sigma), worst = 0;
    for (size_t n = 0; n < li_image_bytes(in->info); n++) {
        size_t alpha = n / channels * channels + channels - 1;
        bool carries = channels % 2 == 0 && n != alpha;
        /* What is seen: an alpha of 3 hides all but 3/255 of an error. */
        long double seen = out->pixels[n] * (carries ? out->pixels[alpha] / 255.0L : 1);
        long double apart = fabsl(seen - wanted[n]);
        worst = apart > worst ? apart : worst;
    }
    CHECK(worst <= (channels % 2 ? 0.65L : 1.4L));
    free(wanted);
}

TEST(each_layout_and_size_is_the_gaussian)
{
    const double sigmas[] = {0.1, 0.5, 1, 2.3, 7, 30};
    uint32_t seed = 1;
    for (int round = 0; round < 96; round++) {
        li_info info = {1 + test_random(&seed) % 60, 1 + test_random(&seed) % 60,
                        layouts[round % 4]};
        li_op op = blur_op(sigmas[round / 4 % 6]);
        li_frame in = picture_make(info, (picture_style)(round / 24 % 3), &seed);
        li_frame out = picture_run(&op, &in, NULL);
        check_blurred(&in, &out, op.u.blur.sigma);
        picture_free(&in);
        picture_free(&out);
    }
}

TEST(rows_wider_than_a_chunk_and_the_widest_bell)
{
    uint32_t seed = 2;
    for (int k = 0; k < 4; k++) {
        li_frame in = picture_make((li_info){601, 9, layouts[k]}, PICTURE_EDGES, &seed);
        li_op op = blur_op(100);
        li_frame out = picture_run(&op, &in, NULL);
        check_blurred(&in, &out, 100);
        picture_free(&in);
        picture_free(&out);
    }
}

TEST(a_flat_picture_stays_flat)
{
    uint32_t seed = 12345;
    for (int k = 0; k < 4; k++) {
        li_frame in = picture_new((li_info){40, 30, layouts[k]});
        memset(in.pixels, 255, li_image_bytes(in.info));
        for (size_t n = 0; n < li_image_bytes(in.info); n += li_pixel_bytes(layouts[k]))
            in.pixels[n] = 77;
        if (k == 1) /* gray behind 255 */
            CHECK_EQ(in.pixels[1], 255);
        const li_op ops[] = {blur_op(3.7), sharpen_op(10, 3.7, 0)};
        for (int i = 0; i < 2; i++) {
            li_frame out = picture_run(&ops[i], &in, NULL);
            CHECK(picture_equal(&in, &out));
            picture_free(&out);
        }
        picture_free(&in);
    }
    (void)seed;
}

static void
check_sharpened(const li_frame *in, const li_frame *out, const li_frame *blurred,
                const li_blur *by)
{
    uint32_t channels = li_pixel_channels(in->info.pixel);
    for (size_t n = 0; n < li_image_bytes(in->info); n++) {
        size_t alpha = n / channels * channels + channels - 1;
        int less = in->pixels[n] - blurred->pixels[n];
        double wanted = in->pixels[n];
        bool stays = channels % 2 == 0 && (n == alpha || !blurred->pixels[alpha]);
        if (!stays && abs(less) > by->threshold)
            wanted = floor(wanted + less * by->amount + 0.5);
        CHECK_EQ(out->pixels[n], wanted < 0 ? 0 : wanted > 255 ? 255 : (int)wanted);
    }
}

TEST(sharpening_adds_what_the_blur_takes_away)
{
    uint32_t seed = 3;
    const li_op ops[] = {sharpen_op(1, 1, 0), sharpen_op(0.5, 2.5, 7),
                         sharpen_op(10, 20, 40), sharpen_op(0, 1, 0)};
    for (int round = 0; round < 32; round++) {
        li_op op = ops[round / 4 % 4], blur = blur_op(op.u.blur.sigma);
        li_frame in = picture_make((li_info){37, 29, layouts[round % 4]},
                                   (picture_style)(round / 16), &seed);
        li_frame out = picture_run(&op, &in, NULL);
        li_frame blurred = picture_run(&blur, &in, NULL);
        check_sharpened(&in, &out, &blurred, &op.u.blur);
        CHECK_EQ(li_op_sharpen.idle(&op, in.info, in.info), round / 4 % 4 == 3);
        picture_free(&in);
        picture_free(&out);
        picture_free(&blurred);
    }
}

TEST(no_more_rows_are_held_than_the_bell_is_high)
{
    li_op op = blur_op(2);
    li_info low = {1000, 100, LI_RGB8}, high = {1000, 60000, LI_RGB8};
    CHECK_EQ(li_op_blur.bytes(&op, low, low), li_op_blur.bytes(&op, high, high));
}

TEST(every_allocation_fails_once)
{
    uint32_t seed = 4;
    const li_op ops[] = {blur_op(2), sharpen_op(1, 2, 0)};
    for (int k = 0; k < 8; k++) {
        li_frame in =
            picture_make((li_info){20, 10, layouts[k / 2]}, PICTURE_NOISE, &seed);
        picture_starve(&ops[k % 2], &in);
        picture_free(&in);
    }
}

TEST(what_cannot_be_is_refused_with_its_numbers)
{
    const li_op ops[] = {blur_op(0), blur_op(100.5), blur_op(NAN),
                         sharpen_op(11, 1, 0)};
    li_ctx ctx;
    li_info out;
    for (int k = 0; k < 4; k++) {
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(ops[k].kind->shape(&ctx, &ops[k], (li_info){3, 2, LI_RGB8}, &out),
                 LI_E400_ARGUMENT);
    }
    CHECK_TEXT(ctx.message, "sharpen: sigma 1 or amount 11 is outside 0..100 or 0..10");
    li_op op = blur_op(1);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(op.kind->shape(&ctx, &op, (li_info){3, 2, LI_CMYK8}, &out),
             LI_E210_COLOR_SPACE);
    CHECK_TEXT(ctx.message, "blur: cannot take cmyk8 pixels");
}

int
main(void)
{
    RUN(each_layout_and_size_is_the_gaussian);
    RUN(rows_wider_than_a_chunk_and_the_widest_bell);
    RUN(a_flat_picture_stays_flat);
    RUN(sharpening_adds_what_the_blur_takes_away);
    RUN(no_more_rows_are_held_than_the_bell_is_high);
    RUN(every_allocation_fails_once);
    RUN(what_cannot_be_is_refused_with_its_numbers);
    return test_end();
}
