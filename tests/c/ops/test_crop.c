/* test_crop.c: a rectangle, its rows and nothing else. */
#include "pictures.h"

static li_op
crop_op(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    return (li_op){.kind = &li_op_crop, .u.crop = {x, y, width, height}};
}

TEST(a_crop_is_the_rectangle)
{
    const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8,
                                LI_RGBA8, LI_RGB16,  LI_CMYK8};
    uint32_t seed = 1;
    for (int round = 0; round < 200; round++) {
        li_info info = {1 + test_random(&seed) % 40, 1 + test_random(&seed) % 40,
                        layouts[round % 6]};
        li_frame in = picture_make(info, PICTURE_NOISE, &seed);
        uint32_t x = test_random(&seed) % info.width,
                 y = test_random(&seed) % info.height;
        li_op op = crop_op(x, y, 1 + test_random(&seed) % (info.width - x),
                           1 + test_random(&seed) % (info.height - y));
        uint32_t taken = 0;
        li_frame out = picture_run(&op, &in, &taken);
        CHECK_EQ(out.info.width, op.u.crop.width);
        CHECK_EQ(out.info.height, op.u.crop.height);
        CHECK_EQ(taken, y + op.u.crop.height);
        for (uint32_t row = 0; row < out.info.height; row++)
            CHECK(memcmp(li_frame_row(&out, row),
                         li_frame_row(&in, y + row) + x * li_pixel_bytes(info.pixel),
                         li_row_bytes(out.info)) == 0);
        picture_free(&in);
        picture_free(&out);
    }
}

TEST(a_row_is_a_pointer_into_the_row_above)
{
    uint32_t seed = 2;
    li_frame in = picture_make((li_info){20, 10, LI_RGB8}, PICTURE_NOISE, &seed);
    li_op op = crop_op(3, 4, 5, 6);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *rows;
    const uint8_t *row;
    CHECK_EQ(li_frame_rows(&ctx, &in, &rows), LI_OK);
    CHECK_EQ(li_op_crop.open(&op, (li_info){5, 6, LI_RGB8}, &rows), LI_OK);
    CHECK_EQ(li_rows_next(rows, &row), LI_OK);
    CHECK(row == li_frame_row(&in, 4) + 9);
    CHECK_EQ(li_rows_skip(rows, 3), LI_OK);
    CHECK_EQ(li_rows_next(rows, &row), LI_OK);
    CHECK(row == li_frame_row(&in, 8) + 9);
    li_rows_close(&rows);
    picture_free(&in);
}

TEST(skipping_first_reaches_the_same_row)
{
    uint32_t seed = 3, taken = 0;
    li_frame in = picture_make((li_info){4, 30, LI_GRAY8}, PICTURE_NOISE, &seed);
    li_op op = crop_op(1, 10, 2, 15);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *rows = strict_open(&ctx, &in, &taken);
    const uint8_t *row;
    CHECK_EQ(li_op_crop.open(&op, (li_info){2, 15, LI_GRAY8}, &rows), LI_OK);
    CHECK_EQ(li_rows_skip(rows, 7), LI_OK);
    CHECK_EQ(li_rows_next(rows, &row), LI_OK);
    CHECK_EQ(row[0], li_frame_row(&in, 17)[1]);
    CHECK_EQ(taken, 18);
    li_rows_close(&rows);
    picture_free(&in);
}

static void
refuses(li_op op, li_status status, const char *message)
{
    li_ctx ctx;
    li_info out;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(op.kind->shape(&ctx, &op, (li_info){320, 200, LI_RGB8}, &out), status);
    CHECK_TEXT(ctx.message, message);
}

TEST(crop_refuses_a_rectangle_outside)
{
    refuses(crop_op(300, 0, 21, 10), LI_E200_CROP_BOUNDS,
            "crop: 21x10+300+0 is outside 320x200");
    refuses(crop_op(0, 200, 1, 1), LI_E200_CROP_BOUNDS,
            "crop: 1x1+0+200 is outside 320x200");
    refuses(crop_op(UINT32_MAX, 0, 2, 1), LI_E200_CROP_BOUNDS,
            "crop: 2x1+4294967295+0 is outside 320x200");
    refuses(crop_op(1, 0, UINT32_MAX, 1), LI_E200_CROP_BOUNDS,
            "crop: 4294967295x1+1+0 is outside 320x200");
    refuses(crop_op(0, 0, 0, 10), LI_E201_CROP_SIZE, "crop: 0x10+0+0 is empty");
    refuses(crop_op(0, 0, 10, 0), LI_E201_CROP_SIZE, "crop: 10x0+0+0 is empty");
    refuses(crop_op(0, 0, 320, 200), LI_OK, "");
    refuses(crop_op(319, 199, 1, 1), LI_OK, "");
}

TEST(every_allocation_fails_once)
{
    uint32_t seed = 4;
    li_frame in = picture_make((li_info){20, 10, LI_RGB8}, PICTURE_NOISE, &seed);
    li_op op = crop_op(3, 4, 5, 6);
    picture_starve(&op, &in);
    picture_free(&in);
}

int
main(void)
{
    RUN(a_crop_is_the_rectangle);
    RUN(a_row_is_a_pointer_into_the_row_above);
    RUN(skipping_first_reaches_the_same_row);
    RUN(crop_refuses_a_rectangle_outside);
    RUN(every_allocation_fails_once);
    return test_end();
}
