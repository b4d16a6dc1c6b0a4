/* test_linear.c: resizes in linear light against light in long double. */
#include "ops/linear.h"
#include "resize_truth.h"

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};

static long double
light_of(long double level)
{
    long double v = level / 255;
    return v <= 0.04045L ? v / 12.92L : powl((v + 0.055L) / 1.055L, 2.4L);
}

static long double
level_of(long double light)
{
    light = light < 0 ? 0 : light > 1 ? 1 : light;
    return 255 * (light <= 0.0031308L ? light * 12.92L
                                      : 1.055L * powl(light, 1 / 2.4L) - 0.055L);
}

static li_op
linear_op(li_kernel kernel, uint32_t width, uint32_t height, li_info in)
{
    li_op op = {.kind = &li_op_resize};
    op.u.resize =
        (li_resize){width, height, kernel, {0, in.width, 1}, {0, in.height, 1}, true};
    return op;
}

/* The light of each sample after the resize, colours times alpha; malloc'd. */
static long double *
true_light(const li_frame *in, const li_resize *resize)
{
    uint32_t channels = li_pixel_channels(in->info.pixel), w = in->info.width;
    uint32_t h = in->info.height, count = resize->width;
    long double *light = calloc((size_t)w * h * channels, sizeof(*light));
    long double *out = calloc((size_t)count * resize->height * channels, sizeof(*out));
    for (size_t n = 0; n < (size_t)w * h * channels; n++) {
        size_t alpha = n / channels * channels + channels - 1;
        bool carries = channels % 2 == 0;
        light[n] =
            carries && n == alpha ? in->pixels[n] / 255.0L : light_of(in->pixels[n]);
        if (carries && n != alpha)
            light[n] *= in->pixels[alpha] / 255.0L;
    }
    for (uint32_t c = 0; c < channels; c++) {
        long double *wide = true_axis(resize->kernel, resize->x, count, w, light + c, h,
                                      (size_t)w * channels, channels, count, 1);
        long double *down = true_axis(resize->kernel, resize->y, resize->height, h,
                                      wide, count, 1, count, 1, count);
        for (size_t n = 0; n < (size_t)count * resize->height; n++)
            out[n * channels + c] = down[n];
        free(wide);
        free(down);
    }
    free(light);
    return out;
}

static long double seen_worst[2];

static long double
unit(long double value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

/* In levels of what is seen over black: 14 bits of light are 5 units at the steepest.
 */
static void
check_light(const li_frame *in, const li_frame *out, const li_resize *resize)
{
    uint32_t channels = li_pixel_channels(in->info.pixel);
    long double *wanted = true_light(in, resize), worst = 0;
    for (size_t n = 0; n < li_image_bytes(out->info); n++) {
        size_t alpha = n / channels * channels + channels - 1;
        bool is_alpha = channels % 2 == 0 && n == alpha;
        long double found = is_alpha ? out->pixels[n] : light_of(out->pixels[n]);
        if (channels % 2 == 0 && !is_alpha)
            found *= out->pixels[alpha] / 255.0L;
        long double light = wanted[n];
        if (channels % 2 == 0 &&
            !is_alpha) /* divided by the exact alpha, then clipped */
            light = unit(light / fmaxl(wanted[alpha], 1e-9L)) * unit(wanted[alpha]);
        long double levels = is_alpha ? light * 255 : level_of(light);
        levels = levels < 0 ? 0 : levels > 255 ? 255 : levels;
        long double apart = fabsl((is_alpha ? found : level_of(found)) - levels);
        worst = apart > worst ? apart : worst;
    }
    seen_worst[channels % 2 == 0] = fmaxl(seen_worst[channels % 2 == 0], worst);
    CHECK(worst <= (channels % 2 ? 0.9L : 7));
    free(wanted);
}

TEST(each_layout_and_kernel_filters_light)
{
    uint32_t seed = 1;
    for (int round = 0; round < 168; round++) {
        li_info info = {1 + test_random(&seed) % 50, 1 + test_random(&seed) % 50,
                        layouts[round % 4]};
        li_kernel kernel = (li_kernel)(round / 4 % 7);
        if (kernel == LI_NEAREST)
            continue;
        li_op op = linear_op(kernel, 1 + test_random(&seed) % 60,
                             1 + test_random(&seed) % 60, info);
        li_frame in = picture_make(info, (picture_style)(round / 28 % 3), &seed);
        li_frame out = picture_run(&op, &in, NULL);
        /* A side that stays is copied, and Mitchell's kernel would not. */
        if (op.u.resize.width != info.width && op.u.resize.height != info.height)
            check_light(&in, &out, &op.u.resize);
        picture_free(&in);
        picture_free(&out);
    }
}

TEST(the_worst_is_told)
{
    printf("  worst %.2Lf; with alpha, seen: %.2Lf\n", seen_worst[0], seen_worst[1]);
    CHECK(seen_worst[0] > 0.4L && seen_worst[1] > 0.4L);
}

TEST(a_checkerboard_becomes_188)
{
    for (int k = 0; k < 4; k++) {
        li_frame in = picture_new((li_info){64, 48, layouts[k]});
        uint32_t bytes = li_pixel_bytes(layouts[k]);
        memset(in.pixels, 255, li_image_bytes(in.info));
        for (uint32_t n = 0; n < 64 * 48; n++)
            if ((n % 64 + n / 64) % 2)
                memset(in.pixels + n * bytes, 0, bytes - (bytes % 2 == 0));
        li_op op = linear_op(LI_BOX, 32, 24, in.info);
        li_frame out = picture_run(&op, &in, NULL);
        for (size_t n = 0; n < li_image_bytes(out.info); n++) {
            bool alpha = bytes % 2 == 0 && n % bytes == bytes - 1;
            CHECK(alpha ? out.pixels[n] == 255
                        : out.pixels[n] == 187 || out.pixels[n] == 188);
        }
        picture_free(&in);
        picture_free(&out);
    }
}

TEST(every_level_survives_and_opaque_alpha_changes_nothing)
{
    li_linear *linear = malloc(sizeof(*linear));
    li_linear_make(linear);
    for (int i = 0; i < 256; i++)
        CHECK_EQ(linear->level[linear->light[i]], i);
    CHECK_EQ(linear->light[255], LI_LIGHT_ONE);
    free(linear);
    uint32_t seed = 2;
    li_frame plain = picture_make((li_info){31, 29, LI_RGB8}, PICTURE_NOISE, &seed);
    li_frame opaque = picture_new((li_info){31, 29, LI_RGBA8});
    for (uint32_t n = 0; n < 31 * 29; n++) {
        memcpy(opaque.pixels + 4 * n, plain.pixels + 3 * n, 3);
        opaque.pixels[4 * n + 3] = 255;
    }
    const uint32_t sides[][2] = {{7, 5}, {60, 40}, {31, 11}, {9, 29}};
    for (int k = 0; k < 4; k++) {
        li_op op = linear_op(LI_LANCZOS3, sides[k][0], sides[k][1], plain.info);
        li_frame one = picture_run(&op, &plain, NULL),
                 two = picture_run(&op, &opaque, NULL);
        for (uint32_t n = 0; n < sides[k][0] * sides[k][1]; n++) {
            CHECK(memcmp(one.pixels + 3 * n, two.pixels + 4 * n, 3) == 0);
            CHECK_EQ(two.pixels[4 * n + 3], 255);
        }
        picture_free(&one);
        picture_free(&two);
    }
    picture_free(&plain);
    picture_free(&opaque);
}

TEST(every_allocation_fails_once)
{
    uint32_t seed = 4;
    for (int k = 0; k < 8; k++) {
        li_frame in =
            picture_make((li_info){40, 30, layouts[k / 2]}, PICTURE_NOISE, &seed);
        li_op op = linear_op(LI_LANCZOS3, k % 2 ? 5 : 60, k % 2 ? 4 : 50, in.info);
        picture_starve(&op, &in);
        picture_free(&in);
    }
}

int
main(void)
{
    RUN(each_layout_and_kernel_filters_light);
    RUN(the_worst_is_told);
    RUN(a_checkerboard_becomes_188);
    RUN(every_level_survives_and_opaque_alpha_changes_nothing);
    RUN(every_allocation_fails_once);
    return test_end();
}
