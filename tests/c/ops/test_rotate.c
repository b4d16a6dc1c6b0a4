/* test_rotate.c: turned pictures against a look-up in long double. */
#include "pictures.h"

#include <math.h>

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
static const li_color under = {{30, 60, 90, 255}};

static li_op
rotate_op(double degrees, li_kernel kernel, li_color color)
{
    return (li_op){.kind = &li_op_rotate, .u.rotate = {degrees, kernel, color}};
}

static long double
weight(li_kernel kernel, long double d)
{
    d = fabsl(d);
    if (kernel == LI_BILINEAR)
        return d < 1 ? 1 - d : 0;
    if (d < 1)
        return (1.5L * d - 2.5L) * d * d + 1;
    return d < 2 ? ((-0.5L * d + 2.5L) * d - 4) * d + 2 : 0;
}

/* Colours times alpha/255, and alpha, at a place; beyond the picture the background. */
static void
look_up(const li_frame *in, const uint8_t *beyond, li_kernel kernel, long double x,
        long double y, long double found[4])
{
    uint32_t channels = li_pixel_channels(in->info.pixel);
    int64_t left = (int64_t)floorl(x) - 1, top = (int64_t)floorl(y) - 1;
    for (int c = 0; c < 4; c++)
        found[c] = 0;
    for (int64_t v = top; v < top + 4; v++)
        for (int64_t u = left; u < left + 4; u++) {
            bool inside = u >= 0 && v >= 0 && u < in->info.width && v < in->info.height;
            const uint8_t *from =
                inside ? li_frame_row(in, (uint32_t)v) + (size_t)u * channels : beyond;
            long double alpha = channels % 2 ? 255 : from[channels - 1];
            long double by = weight(kernel, u - x) * weight(kernel, v - y);
            for (uint32_t c = 0; c < channels; c++)
                found[c] += by * (channels % 2 == 0 && c == channels - 1
                                      ? alpha
                                      : from[c] * alpha / 255);
        }
}

static long double worst; /* of all */

static long double
unit(long double value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static void
check_turned(const li_frame *in, const li_frame *out, const li_op *op)
{
    uint32_t channels = li_pixel_channels(in->info.pixel);
    long double angle =
        op->u.rotate.degrees * 3.141592653589793238462643383279502884L / 180;
    uint8_t beyond[LI_MOST_PIXEL_BYTES];
    li_pixel_fill(in->info.pixel, &op->u.rotate.color, beyond);
    for (uint32_t y = 0; y < out->info.height; y++)
        for (uint32_t x = 0; x < out->info.width; x++) {
            long double right = x + 0.5L - out->info.width / 2.0L, wanted[4];
            long double down = y + 0.5L - out->info.height / 2.0L;
            look_up(in, beyond, op->u.rotate.kernel,
                    right * cosl(angle) + down * sinl(angle) + in->info.width / 2.0L -
                        0.5L,
                    down * cosl(angle) - right * sinl(angle) + in->info.height / 2.0L -
                        0.5L,
                    wanted);
            const uint8_t *found = li_frame_row(out, y) + (size_t)x * channels;
            for (uint32_t c = 0; c < channels; c++) {
                bool carries = channels % 2 == 0 && c != channels - 1;
                long double seen =
                    carries ? found[c] * found[channels - 1] / 255.0L : found[c];
                long double want = unit(wanted[c] / 255);
                if (carries) /* divided by the exact alpha, then clipped */
                    want = unit(wanted[c] / fmaxl(wanted[channels - 1], 1e-9L)) *
                           unit(wanted[channels - 1] / 255);
                worst = fmaxl(worst, fabsl(seen - 255 * want));
            }
        }
}

TEST(each_layout_is_looked_up)
{
    const double angles[] = {0.3, 17, 45, 123.4, 200, 359};
    uint32_t seed = 1;
    for (int round = 0; round < 96; round++) {
        li_info info = {1 + test_random(&seed) % 40, 1 + test_random(&seed) % 40,
                        layouts[round % 4]};
        li_op op =
            rotate_op(angles[round / 4 % 6], round % 8 < 4 ? LI_BILINEAR : LI_CUBIC,
                      round < 48 ? under : (li_color){{9, 9, 9, 70}});
        li_frame in = picture_make(info, (picture_style)(round / 32), &seed);
        li_frame out = picture_run(&op, &in, NULL);
        check_turned(&in, &out, &op);
        picture_free(&in);
        picture_free(&out);
    }
    printf("  worst %.2Lf\n", worst);
    /* A phase is up to 1/512 of a pixel off: 255 × 1.5/512 and the rounding, each axis.
     */
    CHECK(worst <= 4);
}

TEST(a_flat_picture_over_its_own_colour_is_flat)
{
    for (int k = 0; k < 4; k++)
        for (int kernel = LI_LANCZOS3; kernel <= LI_NEAREST; kernel++) {
            uint8_t pixel[LI_MOST_PIXEL_BYTES];
            li_frame in = picture_new((li_info){33, 21, layouts[k]});
            uint32_t bytes = li_pixel_bytes(layouts[k]);
            li_pixel_fill(layouts[k], &under, pixel);
            for (uint32_t n = 0; n < 33 * 21; n++)
                memcpy(in.pixels + n * bytes, pixel, bytes);
            li_op op = rotate_op(33, (li_kernel)kernel, under);
            li_frame out = picture_run(&op, &in, NULL);
            for (uint32_t n = 0; n < out.info.width * out.info.height; n++)
                CHECK(memcmp(out.pixels + n * bytes, pixel, bytes) == 0);
            picture_free(&in);
            picture_free(&out);
        }
}

TEST(nearest_at_right_angles_is_the_orientation)
{
    uint32_t seed = 3;
    const li_orientation turns[] = {6, 3, 8};
    for (int k = 0; k < 12; k++) {
        li_frame in =
            picture_make((li_info){13, 8, layouts[k % 4]}, PICTURE_NOISE, &seed);
        li_op op = rotate_op(90 * (k / 4 + 1), LI_NEAREST, under);
        li_frame out = picture_run(&op, &in, NULL),
                 wanted = picture_turn(&in, turns[k / 4]);
        CHECK(picture_equal(&out, &wanted));
        picture_free(&in);
        picture_free(&out);
        picture_free(&wanted);
    }
}

TEST(every_allocation_fails_once)
{
    uint32_t seed = 4;
    li_frame in = picture_make((li_info){20, 10, LI_RGBA8}, PICTURE_NOISE, &seed);
    li_op op = rotate_op(10, LI_CUBIC, under);
    picture_starve(&op, &in);
    picture_free(&in);
}

TEST(what_cannot_be_is_refused_with_its_numbers)
{
    li_ctx ctx;
    li_info out;
    li_op op = rotate_op(45, LI_CUBIC, under);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_op_rotate.shape(&ctx, &op, (li_info){60000, 60000, LI_RGB8}, &out),
             LI_E400_ARGUMENT);
    CHECK_TEXT(ctx.message,
               "rotate: 60000x60000 would be 84853x84853, a side over 65535");
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_op_rotate.shape(&ctx, &op, (li_info){6, 6, LI_CMYK8}, &out),
             LI_E210_COLOR_SPACE);
}

int
main(void)
{
    RUN(each_layout_is_looked_up);
    RUN(a_flat_picture_over_its_own_colour_is_flat);
    RUN(nearest_at_right_angles_is_the_orientation);
    RUN(every_allocation_fails_once);
    RUN(what_cannot_be_is_refused_with_its_numbers);
    return test_end();
}
