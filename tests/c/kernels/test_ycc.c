/* test_ycc.c: Y, Cb, Cr → RGB in every table against the formula in doubles, for every
 * one of the 2^24 colours. */
#include "tables.h"

#include <math.h>

typedef struct matrix {
    double red, blue; /* weights in luma */
    bool studio;
} matrix;

static const matrix jfif = {0.299, 0.114, false}, studio = {0.299, 0.114, true},
                    bt709 = {0.2126, 0.0722, true}, bt2020 = {0.2627, 0.0593, false};

typedef struct tally {
    uint64_t samples, unequal;
    int furthest;
} tally;

static double
clamp(double value)
{
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

static void
count(tally *found, uint8_t sample, double truth)
{
    int off = abs(sample - (int)floor(clamp(truth) + 0.5));
    found->samples++;
    found->unequal += off > 0;
    found->furthest = off > found->furthest ? off : found->furthest;
}

static void
count_row(tally *found, const matrix *of, const uint8_t *rgb, int cb, int cr)
{
    double green = 1 - of->red - of->blue, chroma = of->studio ? 224 : 255;
    double blue = (cb - 128) / chroma, red = (cr - 128) / chroma;
    for (int i = 0; i < 256; i++) {
        double y = of->studio ? (i - 16) / 219.0 : i / 255.0;
        double r = y + 2 * (1 - of->red) * red, b = y + 2 * (1 - of->blue) * blue;
        count(found, rgb[3 * i], r * 255);
        count(found, rgb[3 * i + 1], (y - of->red * r - of->blue * b) / green * 255);
        count(found, rgb[3 * i + 2], b * 255);
    }
}

static tally
every_colour(const li_kernels *kernels, const li_ycc *how, const matrix *of)
{
    tally found = {0};
    uint8_t y[256], cb[256], cr[256], rgb[768];
    for (int i = 0; i < 256; i++)
        y[i] = (uint8_t)i;
    for (int c = 0; c < 65536; c++) {
        memset(cb, c >> 8, 256);
        memset(cr, c & 255, 256);
        kernels->ycc_to_rgb(how, y, cb, cr, rgb, 256);
        count_row(&found, of, rgb, c >> 8, c & 255);
    }
    return found;
}

static void
is_the_formula(const li_kernels *kernels, const li_ycc *how, const matrix *of)
{
    tally found = every_colour(kernels, how, of);
    CHECK_EQ(found.samples, 3 << 24);
    CHECK(found.furthest <= 1);
    CHECK(found.unequal * 1000 <= found.samples);
}

static void
jpeg_colours(const li_kernels *kernels)
{
    is_the_formula(kernels, &li_ycc_jfif, &jfif);
}

static void
studio_colours(const li_kernels *kernels)
{
    is_the_formula(kernels, &li_ycc_studio, &studio);
}

static void
other_colours(const li_kernels *kernels)
{
    li_ycc of709 = li_ycc_of(0.2126, 0.0722, true);
    li_ycc of2020 = li_ycc_of(0.2627, 0.0593, false);
    is_the_formula(kernels, &of709, &bt709);
    is_the_formula(kernels, &of2020, &bt2020);
}

static void
gray_is_gray(const li_kernels *kernels)
{
    const li_ycc *all[] = {&li_ycc_jfif, &li_ycc_studio};
    uint8_t y[256], middle[256], rgb[768];
    memset(middle, 128, sizeof(middle));
    for (int i = 0; i < 256; i++)
        y[i] = (uint8_t)i;
    for (int k = 0; k < 2; k++) {
        kernels->ycc_to_rgb(all[k], y, middle, middle, rgb, 256);
        for (int i = 0; i < 256; i++) {
            int gray = k ? (int)floor(clamp((i - 16) * 255 / 219.0) + 0.5) : i;
            for (int c = 0; c < 3; c++)
                CHECK_EQ(rgb[3 * i + c], gray);
        }
    }
}

TEST(every_jpeg_colour_is_the_formula_rounded)
{
    for_each_table(jpeg_colours);
}

TEST(every_studio_colour_is_the_formula_rounded)
{
    for_each_table(studio_colours);
}

TEST(other_matrices_are_their_formula_rounded)
{
    for_each_table(other_colours);
}

TEST(gray_stays_gray)
{
    for_each_table(gray_is_gray);
}

TEST(constants_are_those_of_their_weights)
{
    li_ycc full = li_ycc_of(0.299, 0.114, false), small = li_ycc_of(0.299, 0.114, true);
    CHECK(memcmp(&full, &li_ycc_jfif, sizeof(full)) == 0);
    CHECK(memcmp(&small, &li_ycc_studio, sizeof(small)) == 0);
}

int
main(void)
{
    RUN(every_jpeg_colour_is_the_formula_rounded);
    RUN(every_studio_colour_is_the_formula_rounded);
    RUN(other_matrices_are_their_formula_rounded);
    RUN(gray_stays_gray);
    RUN(constants_are_those_of_their_weights);
    return test_end();
}
