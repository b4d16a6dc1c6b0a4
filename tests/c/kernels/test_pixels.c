/* test_pixels.c: every table against the definition of layouts, floats and colour, at
 * any width and address; buffers end where rows do. */
#include "tables.h"

enum { WIDEST = 70 };

/* RGB and alpha of a pixel of any layout. */
static void
read_pixel(const uint8_t *row, uint32_t channels, uint32_t x, int found[4])
{
    const uint8_t *at = row + (size_t)x * channels;
    for (int c = 0; c < 3; c++)
        found[c] = at[channels > 2 ? c : 0];
    found[3] = channels % 2 ? 255 : at[channels - 1];
}

static int
true_luma(const int rgb[3])
{
    return (13933 * rgb[0] + 46871 * rgb[1] + 4732 * rgb[2] + 32768) >> 16;
}

static void
check_pixel(const int wanted[4], bool gray, const uint8_t *out, uint32_t channels,
            uint32_t x)
{
    const uint8_t *at = out + (size_t)x * channels;
    for (uint32_t c = 0; c < (channels > 2 ? 3 : 1); c++)
        CHECK_EQ(at[c], channels > 2 || gray ? wanted[c] : true_luma(wanted));
    if (channels % 2 == 0)
        CHECK_EQ(at[channels - 1], wanted[3]);
}

static void
check_convert(const li_kernels *kernels, uint32_t from, uint32_t to, uint32_t width,
              uint32_t *seed)
{
    buffer row = buffer_of((size_t)width * from, seed);
    buffer out = buffer_of((size_t)width * to, seed);
    kernels->convert(row.at, from, out.at, to, width);
    for (uint32_t x = 0; x < width; x++) {
        int pixel[4];
        read_pixel(row.at, from, x, pixel);
        check_pixel(pixel, from < 3, out.at, to, x);
    }
    free(row.whole);
    free(out.whole);
}

static void
convert_keeps_every_sample(const li_kernels *kernels)
{
    uint32_t seed = 1;
    for (uint32_t from = 1; from <= 4; from++)
        for (uint32_t to = 1; to <= 4; to++)
            for (uint32_t width = 0; width < 2 * WIDEST; width++)
                check_convert(kernels, from, to, width % WIDEST, &seed);
}

static void
check_flatten(const li_kernels *kernels, uint32_t from, uint32_t to, uint32_t width,
              uint32_t *seed)
{
    buffer row = buffer_of((size_t)width * from, seed);
    buffer out = buffer_of((size_t)width * to, seed);
    buffer background = buffer_of(3, seed);
    for (uint32_t x = 0; x < width; x += 3)
        row.at[x * from + from - 1] = x % 2 ? 255 : 0;
    kernels->flatten(row.at, from, background.at, out.at, to, width);
    for (uint32_t x = 0; x < width; x++) {
        int pixel[4];
        read_pixel(row.at, from, x, pixel);
        for (int c = 0; c < 3; c++)
            pixel[c] =
                (2 * (pixel[c] * pixel[3] + background.at[c] * (255 - pixel[3])) +
                 255) /
                510;
        check_pixel(pixel, false, out.at, to, x);
    }
    free(row.whole);
    free(out.whole);
    free(background.whole);
}

static void
flatten_rounds_exactly(const li_kernels *kernels)
{
    uint32_t seed = 2;
    for (uint32_t round = 0; round < 12; round++)
        for (uint32_t width = 0; width < WIDEST; width++)
            check_flatten(kernels, 2 + 2 * (round % 2), 1 + 2 * (round / 2 % 2), width,
                          &seed);
    check_flatten(kernels, 4, 3, 70000, &seed);
}

static void
check_split(const li_kernels *kernels, uint32_t channels, uint32_t width,
            uint32_t *seed)
{
    buffer row = buffer_of((size_t)width * channels, seed), planes[4];
    uint8_t *to[4];
    for (uint32_t c = 0; c < channels; c++) {
        planes[c] = buffer_of(width, seed);
        to[c] = planes[c].at;
    }
    kernels->split(row.at, channels, to, width);
    for (uint32_t c = 0; c < channels; c++) {
        for (uint32_t x = 0; x < width; x++)
            CHECK_EQ(to[c][x], row.at[x * channels + c]);
        free(planes[c].whole);
    }
    free(row.whole);
}

static void
split_takes_channels_apart(const li_kernels *kernels)
{
    uint32_t seed = 3;
    for (uint32_t channels = 1; channels <= 4; channels++)
        for (uint32_t width = 0; width < 2 * WIDEST; width++)
            check_split(kernels, channels, width, &seed);
}

/* To the last bit: the bytes of the float, not its value. */
static void
check_floats(const li_kernels *kernels, size_t n, uint32_t *seed)
{
    buffer row = buffer_of(n, seed), out = buffer_of(n * sizeof(float), seed);
    float scale[LI_FLOAT_PERIOD], bias[LI_FLOAT_PERIOD];
    for (int i = 0; i < LI_FLOAT_PERIOD; i++) {
        scale[i] = (float)between(seed, -1000, 1000) / 7919.0f;
        bias[i] = (float)between(seed, -1000, 1000) / 331.0f;
    }
    kernels->floats(row.at, n, scale, bias, out.at);
    for (size_t i = 0; i < n; i++) {
        volatile float product = (float)row.at[i] * scale[i % LI_FLOAT_PERIOD];
        float wanted = product + bias[i % LI_FLOAT_PERIOD];
        CHECK(memcmp(&wanted, out.at + i * sizeof(float), sizeof(wanted)) == 0);
    }
    free(row.whole);
    free(out.whole);
}

static void
floats_round_twice(const li_kernels *kernels)
{
    uint32_t seed = 4;
    for (size_t n = 0; n < 400; n++)
        check_floats(kernels, n, &seed);
    check_floats(kernels, 50000, &seed);
}

/* test_ycc.c has every colour; here are the ends of rows. */
static void
check_ycc(const li_kernels *kernels, const li_ycc *how, uint32_t width, uint32_t *seed)
{
    buffer y = buffer_of(width, seed), cb = buffer_of(width, seed);
    buffer cr = buffer_of(width, seed), rgb = buffer_of((size_t)width * 3, seed);
    buffer plain = buffer_of((size_t)width * 3, seed);
    kernels->ycc_to_rgb(how, y.at, cb.at, cr.at, rgb.at, width);
    li_kernels_scalar.ycc_to_rgb(how, y.at, cb.at, cr.at, plain.at, width);
    CHECK(memcmp(rgb.at, plain.at, rgb.bytes) == 0);
    free(y.whole);
    free(cb.whole);
    free(cr.whole);
    free(rgb.whole);
    free(plain.whole);
}

static void
rows_of_any_width_have_colour(const li_kernels *kernels)
{
    uint32_t seed = 5;
    li_ycc other = li_ycc_of(0.2126, 0.0722, true);
    for (uint32_t width = 0; width < WIDEST; width++) {
        check_ycc(kernels, &li_ycc_jfif, width, &seed);
        check_ycc(kernels, &other, width, &seed);
    }
}

TEST(convert_keeps_every_sample_in_every_table)
{
    for_each_table(convert_keeps_every_sample);
}

TEST(flatten_rounds_exactly_in_every_table)
{
    for_each_table(flatten_rounds_exactly);
}

TEST(split_takes_channels_apart_in_every_table)
{
    for_each_table(split_takes_channels_apart);
}

TEST(floats_round_twice_in_every_table)
{
    for_each_table(floats_round_twice);
}

TEST(rows_of_any_width_have_colour_in_every_table)
{
    for_each_table(rows_of_any_width_have_colour);
}

int
main(void)
{
    RUN(convert_keeps_every_sample_in_every_table);
    RUN(flatten_rounds_exactly_in_every_table);
    RUN(split_takes_channels_apart_in_every_table);
    RUN(floats_round_twice_in_every_table);
    RUN(rows_of_any_width_have_colour_in_every_table);
    return test_end();
}
