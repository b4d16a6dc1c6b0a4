/* test_salient.c: where the weight lies in pictures that leave no doubt, and the search
 * for a window against every window there is. */
#include "../ops/pictures.h"
#include "quality/salient.h"

static li_salient
salient_of(const li_frame *frame)
{
    li_salient salient;
    li_salient_begin(&salient, frame->info);
    for (uint32_t y = 0; y < frame->info.height; y++)
        li_salient_row(&salient, li_frame_row(frame, y));
    return salient;
}

static li_frame
flat_picture(uint32_t width, uint32_t height, uint8_t level)
{
    li_frame frame = picture_new((li_info){width, height, LI_RGBA8});
    memset(frame.pixels, level, (size_t)width * height * 4);
    for (uint32_t i = 0; i < width * height; i++)
        frame.pixels[4 * i + 3] = 255;
    return frame;
}

static void
fill(li_frame *frame, uint32_t x, uint32_t y, uint32_t side, const uint8_t color[4])
{
    for (uint32_t v = y; v < y + side; v++)
        for (uint32_t u = x; u < x + side; u++)
            memcpy(li_frame_row(frame, v) + 4 * u, color, 4);
}

static uint64_t
sum_of(const uint32_t *sums, uint32_t from, uint32_t to)
{
    uint64_t sum = 0;
    for (uint32_t i = from; i < to; i++)
        sum += sums[i];
    return sum;
}

TEST(a_flat_picture_has_no_weight)
{
    const uint8_t levels[] = {0, 128, 255};
    for (int i = 0; i < 3; i++) {
        li_frame frame = flat_picture(LI_SALIENT_SIDE, 40, levels[i]);
        li_salient salient = salient_of(&frame);
        CHECK_EQ(sum_of(salient.columns, 0, LI_SALIENT_SIDE), 0);
        CHECK_EQ(sum_of(salient.lines, 0, 40), 0);
        picture_free(&frame);
    }
}

TEST(contrast_colour_and_skin_have_weight_and_hidden_pixels_have_none)
{
    const uint8_t colors[][4] = {
        {128, 128, 128, 255}, {255, 255, 255, 255}, {200, 30, 30, 255},
        {30, 30, 200, 255},   {224, 172, 140, 255}, {120, 84, 66, 255},
    };
    uint64_t before = 0;
    for (int i = 0; i < 6; i++) {
        li_frame frame = flat_picture(60, 60, 128);
        fill(&frame, 40, 10, 12, colors[i]);
        li_salient salient = salient_of(&frame);
        uint64_t inside = sum_of(salient.columns, 38, 54);
        CHECK_EQ(sum_of(salient.columns, 0, 60), inside);
        CHECK_EQ(sum_of(salient.lines, 0, 60), inside);
        CHECK_EQ(sum_of(salient.lines, 8, 24), inside);
        CHECK(i == 0 ? inside == 0 : inside > 0);
        before += inside;
        picture_free(&frame);
    }
    CHECK(before > 0);
    li_frame hidden = flat_picture(60, 60, 0);
    fill(&hidden, 40, 10, 12, (const uint8_t[4]){255, 0, 0, 0});
    li_salient salient = salient_of(&hidden);
    CHECK_EQ(sum_of(salient.columns, 0, 60), 0);
    picture_free(&hidden);
}

TEST(one_pixel_is_a_picture)
{
    li_frame frame = flat_picture(1, 1, 9);
    li_salient salient = salient_of(&frame);
    CHECK_EQ(salient.columns[0], 0);
    CHECK_EQ(li_salient_window(salient.columns, 1, 1), 0);
    picture_free(&frame);
}

/* The first of the best in the order of their distance from the middle. */
static uint32_t
slow_window(const uint32_t *sums, uint32_t count, uint32_t length)
{
    uint32_t spare = count - length, best = 0;
    double most = -1;
    for (uint32_t off = 0; off <= spare; off++)
        for (int side = -1; side <= 1; side += 2) {
            int64_t from = (int64_t)(spare / 2) + side * (int64_t)off;
            double sum = 0;
            if (from < 0 || from > spare)
                continue;
            for (uint32_t i = 0; i < length; i++) {
                uint32_t end = i < length - 1 - i ? i : length - 1 - i;
                sum += sums[from + i] * (1 + 2.0 * end / length);
            }
            if (sum > most + 1e-6) {
                most = sum;
                best = (uint32_t)from;
            }
        }
    return best;
}

TEST(the_window_is_the_best_of_all)
{
    uint32_t seed = 4, sums[LI_SALIENT_SIDE];
    for (int i = 0; i < 3000; i++) {
        uint32_t count = 1 + test_random(&seed) % LI_SALIENT_SIDE;
        uint32_t length = 1 + test_random(&seed) % count;
        for (uint32_t k = 0; k < count; k++)
            sums[k] = test_random(&seed) % 4 ? 0 : test_random(&seed) % 1000;
        CHECK_EQ(li_salient_window(sums, count, length),
                 slow_window(sums, count, length));
    }
}

TEST(of_equals_the_middle_wins)
{
    uint32_t sums[20] = {0};
    CHECK_EQ(li_salient_window(sums, 20, 7), 6);
    for (int i = 0; i < 20; i++)
        sums[i] = 5;
    CHECK_EQ(li_salient_window(sums, 20, 7), 6);
    CHECK_EQ(li_salient_window(sums, 20, 20), 0);
}

int
main(void)
{
    RUN(a_flat_picture_has_no_weight);
    RUN(contrast_colour_and_skin_have_weight_and_hidden_pixels_have_none);
    RUN(one_pixel_is_a_picture);
    RUN(the_window_is_the_best_of_all);
    RUN(of_equals_the_middle_wins);
    return test_end();
}
