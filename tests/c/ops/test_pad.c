/* test_pad.c: a padded picture pixel by pixel, and the layouts that hold a colour. */
#include "pictures.h"

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};

static li_op
pad_op(uint32_t left, uint32_t top, uint32_t right, uint32_t bottom, li_color color)
{
    return (li_op){.kind = &li_op_pad, .u.pad = {left, top, right, bottom, color}};
}

static void
check_padded(const li_frame *in, const li_frame *out, const li_op *op,
             const uint8_t pixel[LI_MOST_PIXEL_BYTES])
{
    const li_pad *by = &op->u.pad;
    uint32_t bytes = li_pixel_bytes(in->info.pixel);
    CHECK_EQ(out->info.width, in->info.width + by->left + by->right);
    CHECK_EQ(out->info.height, in->info.height + by->top + by->bottom);
    for (uint32_t y = 0; y < out->info.height; y++)
        for (uint32_t x = 0; x < out->info.width; x++) {
            const uint8_t *wanted = pixel;
            uint32_t u = x - by->left, v = y - by->top; /* wraps below 0 */
            if (u < in->info.width && v < in->info.height)
                wanted = li_frame_row(in, v) + u * bytes;
            CHECK(memcmp(li_frame_row(out, y) + x * bytes, wanted, bytes) == 0);
        }
}

TEST(each_layout_is_surrounded_by_the_colour)
{
    const li_color color = {{10, 20, 30, 40}};
    const uint8_t pixels[4][4] = {{10}, {10, 40}, {10, 20, 30}, {10, 20, 30, 40}};
    uint32_t seed = 1;
    for (int k = 0; k < 4; k++)
        for (uint32_t n = 0; n < 16; n++) {
            li_op op = pad_op(n & 1 ? 3 : 0, n & 2 ? 2 : 0, n & 4 ? 5 : 0,
                              n & 8 ? 4 : 0, color);
            li_frame in =
                picture_make((li_info){7, 6, layouts[k]}, PICTURE_NOISE, &seed);
            li_frame out = picture_run(&op, &in, NULL);
            check_padded(&in, &out, &op, pixels[k]);
            picture_free(&in);
            picture_free(&out);
        }
}

TEST(what_is_transparent_has_no_colour)
{
    uint8_t pixel[LI_MOST_PIXEL_BYTES];
    li_pixel_fill(LI_RGBA8, &(li_color){{9, 8, 7, 0}}, pixel);
    CHECK(memcmp(pixel, "\0\0\0\0", 4) == 0);
    li_pixel_fill(LI_RGB8, &(li_color){{9, 8, 7, 255}}, pixel);
    CHECK(memcmp(pixel, "\x09\x08\x07", 3) == 0);
}

TEST(a_layout_that_holds_the_colour_is_wanted)
{
    const li_color colors[] = {{{5, 5, 5, 255}},
                               {{5, 5, 5, 9}},
                               {{5, 6, 5, 255}},
                               {{5, 6, 5, 9}},
                               {{5, 6, 5, 0}}};
    const li_pixel wanted[5][4] = {
        {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8},
        {LI_GRAYA8, LI_GRAYA8, LI_RGBA8, LI_RGBA8},
        {LI_RGB8, LI_RGBA8, LI_RGB8, LI_RGBA8},
        {LI_RGBA8, LI_RGBA8, LI_RGBA8, LI_RGBA8},
        {LI_GRAYA8, LI_GRAYA8, LI_RGBA8, LI_RGBA8},
    };
    for (int c = 0; c < 5; c++)
        for (int k = 0; k < 4; k++) {
            li_op op = pad_op(1, 0, 0, 0, colors[c]),
                  none = pad_op(0, 0, 0, 0, colors[c]);
            CHECK_EQ(li_op_pad.wants(&op, layouts[k]), wanted[c][k]);
            CHECK_EQ(li_op_pad.wants(&none, layouts[k]), layouts[k]);
        }
    CHECK_EQ(li_pixel_holding(LI_GRAY16, &colors[3]), LI_RGBA16);
}

TEST(skipped_rows_skip_their_part_of_the_picture)
{
    uint32_t seed = 3, taken = 0;
    li_frame in = picture_make((li_info){5, 20, LI_RGB8}, PICTURE_NOISE, &seed);
    li_op op = pad_op(1, 6, 0, 3, (li_color){{1, 2, 3, 255}});
    li_info info;
    li_ctx ctx;
    const uint8_t *row;
    li_ctx_init(&ctx, NULL);
    li_rows *rows = strict_open(&ctx, &in, &taken);
    CHECK_EQ(li_op_pad.shape(&ctx, &op, in.info, &info), LI_OK);
    CHECK_EQ(li_op_pad.open(&op, info, &rows), LI_OK);
    CHECK_EQ(li_rows_skip(rows, 4), LI_OK);
    CHECK_EQ(taken, 0);
    CHECK_EQ(li_rows_next(rows, &row), LI_OK);
    CHECK_EQ(row[3], 1);
    CHECK_EQ(li_rows_skip(rows, 8), LI_OK); /* one above, 7 of the picture */
    CHECK_EQ(taken, 7);
    CHECK_EQ(li_rows_next(rows, &row), LI_OK);
    CHECK(memcmp(row + 3, li_frame_row(&in, 7), 15) == 0);
    CHECK_EQ(li_rows_skip(rows, 14), LI_OK);
    CHECK_EQ(taken, 20);
    CHECK_EQ(li_rows_next(rows, &row), LI_OK);
    CHECK_EQ(row[15], 1);
    li_rows_close(&rows);
    picture_free(&in);
}

TEST(sides_over_65535_and_cmyk_are_refused)
{
    li_ctx ctx;
    li_info out;
    li_op op = pad_op(65535, 0, 65535, 65535, (li_color){{0}});
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_op_pad.shape(&ctx, &op, (li_info){20, 10, LI_RGB8}, &out),
             LI_E400_ARGUMENT);
    CHECK_TEXT(ctx.message, "pad: 20x10 would be 131090x65545, a side over 65535");
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_op_pad.shape(&ctx, &op, (li_info){20, 10, LI_CMYK8}, &out),
             LI_E210_COLOR_SPACE);
}

TEST(every_allocation_fails_once)
{
    uint32_t seed = 4;
    li_frame in = picture_make((li_info){20, 10, LI_GRAYA8}, PICTURE_NOISE, &seed);
    li_op op = pad_op(1, 2, 3, 4, (li_color){{0}});
    picture_starve(&op, &in);
    picture_free(&in);
}

int
main(void)
{
    RUN(each_layout_is_surrounded_by_the_colour);
    RUN(what_is_transparent_has_no_colour);
    RUN(a_layout_that_holds_the_colour_is_wanted);
    RUN(skipped_rows_skip_their_part_of_the_picture);
    RUN(sides_over_65535_and_cmyk_are_refused);
    RUN(every_allocation_fails_once);
    return test_end();
}
