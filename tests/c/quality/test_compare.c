/* test_compare.c: SSIM and squared error against every window written out. */
#include "quality/compare.h"
#include "test.h"

#include <math.h>

enum { MOST = 40 * 40 * 4 };

typedef struct pair {
    li_info info;
    uint8_t a[MOST], b[MOST];
} pair;

static void
make_pair(pair *made, uint32_t width, uint32_t height, li_pixel pixel, uint32_t noise)
{
    uint32_t state = width * 31 + height;
    made->info = (li_info){width, height, pixel};
    for (size_t i = 0; i < li_image_bytes(made->info); i++) {
        made->a[i] = (uint8_t)(test_random(&state) >> 24);
        uint32_t other = made->a[i] + test_random(&state) % (2 * noise + 1);
        made->b[i] = (uint8_t)(other < noise         ? 0
                               : other - noise > 255 ? 255
                                                     : other - noise);
    }
}

static li_likeness
likeness(li_ctx *ctx, const pair *of, bool structure)
{
    li_compare *compare;
    CHECK_EQ(li_compare_open(ctx, of->info, structure, &compare), LI_OK);
    size_t stride = li_row_bytes(of->info);
    for (uint32_t y = 0; y < of->info.height; y++)
        li_compare_row(compare, of->a + y * stride, of->b + y * stride);
    li_likeness found = li_compare_result(compare);
    li_compare_close(&compare);
    CHECK(compare == NULL);
    return found;
}

/* A sample as it shows. */
static double
shown(const pair *of, const uint8_t *samples, uint32_t x, uint32_t y, uint32_t c)
{
    uint32_t channels = li_pixel_channels(of->info.pixel);
    const uint8_t *at = samples + ((size_t)y * of->info.width + x) * channels;
    if (!li_pixel_has_alpha(of->info.pixel) || c == channels - 1)
        return at[c];
    return (at[c] * at[channels - 1] + 127) / 255;
}

static double
slow_window(const pair *of, uint32_t x0, uint32_t y0, uint32_t c, uint32_t side)
{
    double n = side * side, a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (uint32_t y = y0; y < y0 + side; y++)
        for (uint32_t x = x0; x < x0 + side; x++) {
            double p = shown(of, of->a, x, y, c), q = shown(of, of->b, x, y, c);
            a += p;
            b += q;
            aa += p * p;
            bb += q * q;
            ab += p * q;
        }
    double c1 = 2.55 * 2.55, c2 = 7.65 * 7.65, norm = n > 1 ? n / (n - 1) : 0;
    double va = norm * (aa / n - a * a / n / n), vb = norm * (bb / n - b * b / n / n);
    double cov = norm * (ab / n - a * b / n / n);
    return (2 * a * b / n / n + c1) * (2 * cov + c2) /
           ((a * a / n / n + b * b / n / n + c1) * (va + vb + c2));
}

static double
slow_ssim(const pair *of)
{
    uint32_t channels = li_pixel_channels(of->info.pixel), side = 7;
    while (side > of->info.width || side > of->info.height)
        side -= 2;
    double total = 0, count = 0;
    for (uint32_t y = 0; y + side <= of->info.height; y++)
        for (uint32_t x = 0; x + side <= of->info.width; x++)
            for (uint32_t c = 0; c < channels; c++, count++)
                total += slow_window(of, x, y, c, side);
    return total / count;
}

static double
slow_squared(const pair *of)
{
    uint32_t channels = li_pixel_channels(of->info.pixel);
    double total = 0;
    for (uint32_t y = 0; y < of->info.height; y++)
        for (uint32_t x = 0; x < of->info.width; x++)
            for (uint32_t c = 0; c < channels; c++) {
                double error = shown(of, of->a, x, y, c) - shown(of, of->b, x, y, c);
                total += error * error;
            }
    return total / ((double)of->info.width * of->info.height * channels);
}

TEST(both_measures_are_those_of_every_window_written_out)
{
    static const li_pixel pixels[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    static const uint32_t sizes[][2] = {{7, 7},  {8, 7},  {31, 9}, {9, 31}, {40, 40},
                                        {6, 20}, {20, 6}, {2, 3},  {1, 5},  {1, 1}};
    static pair of;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    for (size_t p = 0; p < 4; p++)
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
            for (uint32_t noise = 1; noise < 200; noise *= 12) {
                make_pair(&of, sizes[s][0], sizes[s][1], pixels[p], noise);
                li_likeness found = likeness(&ctx, &of, true);
                CHECK(fabs(found.ssim - slow_ssim(&of)) < 1e-5);
                CHECK(fabs(found.mean_squared - slow_squared(&of)) < 1e-9);
            }
    CHECK_EQ(ctx.bytes, 0);
}

TEST(extreme_pictures_do_not_overflow_the_sums)
{
    static pair of;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    of.info = (li_info){40, 40, LI_RGBA8};
    memset(of.a, 255, sizeof(of.a));
    memset(of.b, 255, sizeof(of.b));
    CHECK(likeness(&ctx, &of, true).ssim == 1.0);
    memset(of.b, 0, sizeof(of.b));
    CHECK(fabs(likeness(&ctx, &of, true).ssim - slow_ssim(&of)) < 1e-6);
    CHECK(likeness(&ctx, &of, false).mean_squared == 65025.0);
}

TEST(without_structure_there_is_no_ssim)
{
    static pair of;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    make_pair(&of, 20, 20, LI_RGB8, 5);
    li_likeness found = likeness(&ctx, &of, false);
    CHECK(found.ssim == 0);
    CHECK(fabs(found.mean_squared - slow_squared(&of)) < 1e-9);
}

TEST(the_bound_holds_and_every_allocation_fails_once)
{
    li_info info = {1000, 1000, LI_RGB8};
    li_compare *compare;
    for (int64_t left = 0; left < 2; left++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = left;
        CHECK_EQ(li_compare_open(&ctx, info, true, &compare), LI_ENOMEM);
        CHECK(compare == NULL);
        CHECK_EQ(ctx.bytes, 0);
    }
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_compare_open(&ctx, info, true, &compare), LI_OK);
    CHECK(ctx.peak_bytes <= li_compare_bytes(info));
    CHECK(ctx.peak_bytes + 8192 > li_compare_bytes(info));
    li_compare_close(&compare);
}

int
main(void)
{
    RUN(both_measures_are_those_of_every_window_written_out);
    RUN(extreme_pictures_do_not_overflow_the_sums);
    RUN(without_structure_there_is_no_ssim);
    RUN(the_bound_holds_and_every_allocation_fails_once);
    return test_end();
}
