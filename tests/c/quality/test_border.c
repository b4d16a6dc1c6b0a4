/* test_border.c: the frame of one colour against a search over the whole picture. */
#include "../ops/pictures.h"
#include "quality/border.h"

static const li_pixel layouts[] = {LI_GRAY8,  LI_GRAYA8,  LI_RGB8,  LI_RGBA8,
                                   LI_GRAY16, LI_GRAYA16, LI_RGB16, LI_RGBA16};
enum { LAYOUTS = 8 };

static li_border
border_of(const li_frame *frame, uint8_t threshold)
{
    li_border border;
    li_border_begin(&border, frame->info, threshold);
    for (uint32_t y = 0; y < frame->info.height; y++)
        li_border_row(&border, li_frame_row(frame, y));
    return border;
}

/* --- the truth ---------------------------------------------------------------------
 */

static int64_t
sample_at(const li_frame *frame, uint32_t x, uint32_t y, uint32_t c)
{
    size_t i = (size_t)x * li_pixel_channels(frame->info.pixel) + c;
    const uint8_t *row = li_frame_row(frame, y);
    return li_pixel_is_deep(frame->info.pixel)
               ? ((const uint16_t *)(const void *)row)[i]
               : row[i];
}

/* From the upper left pixel. */
static bool
is_apart(const li_frame *frame, uint32_t x, uint32_t y, int64_t threshold)
{
    uint32_t channels = li_pixel_channels(frame->info.pixel);
    int64_t full = li_pixel_is_deep(frame->info.pixel) ? 65535 : 255;
    int64_t level = full / 255;
    int64_t a = channels % 2 ? full : sample_at(frame, x, y, channels - 1);
    int64_t b = channels % 2 ? full : sample_at(frame, 0, 0, channels - 1);
    for (uint32_t c = 0; c < (channels - 1) / 2 * 2 + 1; c++)
        if (llabs(sample_at(frame, x, y, c) * a - sample_at(frame, 0, 0, c) * b) >
            threshold * level * full)
            return true;
    return llabs(a - b) > threshold * level;
}

static void
check_border(const li_frame *frame, uint8_t threshold)
{
    li_border border = border_of(frame, threshold);
    uint32_t left = frame->info.width, top = frame->info.height, right = 0, bottom = 0;
    for (uint32_t y = 0; y < frame->info.height; y++)
        for (uint32_t x = 0; x < frame->info.width; x++) {
            if (!is_apart(frame, x, y, threshold))
                continue;
            left = x < left ? x : left;
            top = y < top ? y : top;
            right = x + 1 > right ? x + 1 : right;
            bottom = y + 1 > bottom ? y + 1 : bottom;
        }
    CHECK_EQ(li_border_found(&border), bottom > 0);
    if (bottom == 0)
        return;
    CHECK_EQ(border.left, left);
    CHECK_EQ(border.top, top);
    CHECK_EQ(border.right, right);
    CHECK_EQ(border.bottom, bottom);
}

/* --- tests -------------------------------------------------------------------------
 */

TEST(what_is_found_is_what_a_search_finds)
{
    uint32_t seed = 3;
    for (int i = 0; i < 3000; i++) {
        li_info info = {1 + test_random(&seed) % 12, 1 + test_random(&seed) % 12,
                        layouts[i % LAYOUTS]};
        uint32_t bytes = li_pixel_bytes(info.pixel);
        li_frame frame = picture_make(info, PICTURE_FLAT, &seed);
        for (uint32_t n = test_random(&seed) % 6; n > 0; n--) {
            uint32_t x = test_random(&seed) % info.width;
            uint32_t y = test_random(&seed) % info.height;
            uint8_t *sample =
                li_frame_row(&frame, y) + x * bytes + test_random(&seed) % bytes;
            *sample = (uint8_t)(*sample + test_random(&seed) % 41 - 20);
        }
        check_border(&frame, (uint8_t)(test_random(&seed) % 24));
        picture_free(&frame);
    }
}

TEST(a_threshold_passes_and_one_more_does_not)
{
    uint8_t samples[9] = {50, 50, 50, 50, 60, 50, 50, 50, 50};
    li_frame frame = {{3, 3, LI_GRAY8}, 3, samples};
    li_border border = border_of(&frame, 10);
    CHECK(!li_border_found(&border));
    border = border_of(&frame, 9);
    CHECK(li_border_found(&border));
    CHECK_EQ(border.left * 1000 + border.top * 100 + border.right * 10 + border.bottom,
             1122);
}

TEST(a_level_is_257_of_a_deep_sample)
{
    uint16_t samples[3] = {1000, 1000 + 257, 1000 - 257};
    li_frame frame = {{3, 1, LI_GRAY16}, 6, (uint8_t *)samples};
    li_border border = border_of(&frame, 1);
    CHECK(!li_border_found(&border));
    samples[2]--;
    border = border_of(&frame, 1);
    CHECK(li_border_found(&border));
    CHECK_EQ(border.left * 10 + border.right, 23);
    border = border_of(&frame, 0);
    CHECK_EQ(border.left * 10 + border.right, 13);
}

TEST(colours_of_nothing_are_equal)
{
    uint8_t samples[8] = {255, 0, 9, 0, 77, 0, 1, 200};
    li_frame frame = {{4, 1, LI_GRAYA8}, 8, samples};
    li_border border = border_of(&frame, 0);
    CHECK_EQ(border.left, 3);
    CHECK_EQ(border.right, 4);
}

int
main(void)
{
    RUN(what_is_found_is_what_a_search_finds);
    RUN(a_threshold_passes_and_one_more_does_not);
    RUN(a_level_is_257_of_a_deep_sample);
    RUN(colours_of_nothing_are_equal);
    return test_end();
}
