/* test_deep_pixels.c: depths, layouts and floats of rows of 16 bits: every sample. */
#include "../test.h"
#include "kernels/deep.h"

enum { ALL = 65536 };

static uint16_t words[ALL], back[ALL];
static uint8_t bytes[2 * ALL], narrow[ALL];

TEST(depths_round_once_and_come_back)
{
    for (uint32_t i = 0; i < ALL; i++)
        words[i] = (uint16_t)i;
    li_deep_to_network(words, bytes, ALL);
    for (uint32_t i = 0; i < ALL; i++)
        CHECK(bytes[2 * i] == i >> 8 && bytes[2 * i + 1] == (i & 255));
    li_deep_from_network(bytes, back, ALL);
    CHECK(memcmp(words, back, sizeof(words)) == 0);
    li_deep_to_bytes(words, narrow, ALL);
    li_deep_from_bytes(narrow, back, ALL);
    for (uint32_t i = 0; i < ALL; i++) {
        CHECK_EQ(narrow[i], (i * 255 * 2 + 65535) / (2 * 65535));
        CHECK_EQ(back[i], narrow[i] * 257);
    }
    li_deep_network_to_bytes(bytes, narrow, ALL);
    for (uint32_t i = 0; i < ALL; i++)
        CHECK_EQ(narrow[i], (i + 128) / 257);
}

static double
gray_of(const uint16_t *pixel, uint32_t channels)
{
    if (channels < 3)
        return pixel[0];
    return 0.2126 * pixel[0] + 0.7152 * pixel[1] + 0.0722 * pixel[2];
}

static void
check_pixel(const uint16_t *from, uint32_t source, const uint16_t *to, uint32_t target)
{
    if (target % 2 == 0)
        CHECK_EQ(to[target - 1], source % 2 ? 65535 : from[source - 1]);
    for (uint32_t c = 0; target > 2 && c < 3; c++)
        CHECK_EQ(to[c], from[source > 2 ? c : 0]);
    /* The weights are 2^-17 off at most, each. */
    double apart = to[0] - gray_of(from, source);
    CHECK(target > 2 || (apart < 2.1 && apart > -2.1));
}

TEST(each_pair_of_layouts)
{
    enum { WIDTH = 97 };
    uint16_t in[4 * WIDTH], out[4 * WIDTH];
    uint32_t seed = 1;
    for (uint32_t pair = 0; pair < 16; pair++) {
        uint32_t source = pair / 4 + 1, target = pair % 4 + 1;
        for (uint32_t i = 0; i < source * WIDTH; i++)
            in[i] = (uint16_t)(test_random(&seed) >> 8);
        li_deep_convert(in, source, out, target, WIDTH);
        for (uint32_t x = 0; x < WIDTH; x++)
            check_pixel(in + x * source, source, out + x * target, target);
    }
}

TEST(gray_stays_gray)
{
    uint16_t gray, pixel[3];
    for (uint32_t i = 0; i < ALL; i++) {
        pixel[0] = pixel[1] = pixel[2] = (uint16_t)i;
        li_deep_convert(pixel, 3, &gray, 1, 1);
        CHECK_EQ(gray, i);
    }
}

TEST(flat_over_a_background)
{
    const uint16_t background[3] = {65535, 257, 0};
    uint32_t seed = 2;
    for (uint32_t i = 0; i < 20000; i++) {
        uint16_t in[4], out[3];
        for (int c = 0; c < 4; c++)
            in[c] = (uint16_t)(test_random(&seed) >> 8);
        in[3] = i % 5 ? in[3] : i % 2 ? 65535 : 0;
        li_deep_flatten(in, 4, background, out, 3, 1);
        for (int c = 0; c < 3; c++) {
            uint64_t sum =
                (uint64_t)in[c] * in[3] + (uint64_t)background[c] * (65535u - in[3]);
            CHECK_EQ(out[c], (2 * sum + 65535) / (2 * 65535));
        }
        uint16_t pair[2] = {in[0], in[3]}, gray;
        const uint16_t white[3] = {65535, 65535, 65535};
        li_deep_flatten(pair, 2, white, &gray, 1, 1);
        uint64_t sum = (uint64_t)in[0] * in[3] + 65535ull * (65535u - in[3]);
        CHECK_EQ(gray, (2 * sum + 65535) / (2 * 65535));
    }
}

TEST(floats_are_a_product_and_a_sum)
{
    const float scale[2] = {1.0f / 65535, 2}, bias[2] = {0, -0.5f};
    const uint16_t row[4] = {65535, 3, 0, 65535};
    char raw[4 * sizeof(float) + 1];
    float out[4];
    li_deep_floats(row, 4, scale, bias, 2, raw + 1);
    memcpy(out, raw + 1, sizeof(out));
    CHECK(out[0] == 1 && out[1] == 5.5f && out[2] == 0 && out[3] == 131069.5f);
}

int
main(void)
{
    RUN(depths_round_once_and_come_back);
    RUN(each_pair_of_layouts);
    RUN(gray_stays_gray);
    RUN(flat_over_a_background);
    RUN(floats_are_a_product_and_a_sum);
    return test_end();
}
