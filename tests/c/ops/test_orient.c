/* test_orient.c: the eight orientations against a pixel-by-pixel truth, and their
 * algebra against doing them. */
#include "pictures.h"

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8,   LI_RGBA8,
                                   LI_RGB16, LI_RGBA16, LI_GRAY16, LI_CMYK8};

static li_op
orient_op(int orientation)
{
    return (li_op){.kind = &li_op_orient, .u.orient = (li_orientation)orientation};
}

/* The truth of the truth: EXIF's 6 is "the 0th row is at the right, the 0th column on
 * top": a clockwise quarter turn makes it upright. */
TEST(six_turns_clockwise)
{
    uint8_t pixels[] = {1, 2, 3, 4, 5, 6};
    li_frame in = {{3, 2, LI_GRAY8}, 3, pixels};
    const uint8_t expected[] = {4, 1, 5, 2, 6, 3};
    li_frame out = picture_turn(&in, 6);
    CHECK(out.info.width == 2 && memcmp(out.pixels, expected, 6) == 0);
    picture_free(&out);
}

static void
turns_like_the_truth(li_info info, int orientation, uint32_t *seed)
{
    li_frame in = picture_make(info, PICTURE_NOISE, seed);
    li_frame expected = picture_turn(&in, (li_orientation)orientation);
    li_op op = orient_op(orientation);
    uint32_t taken = 0;
    li_frame out = picture_run(&op, &in, &taken);
    CHECK(picture_equal(&expected, &out));
    CHECK_EQ(taken, info.height);
    picture_free(&in);
    picture_free(&expected);
    picture_free(&out);
}

TEST(every_orientation_is_the_truth)
{
    uint32_t seed = 1;
    for (int orientation = 1; orientation <= 8; orientation++) {
        for (int round = 0; round < 40; round++)
            turns_like_the_truth((li_info){1 + test_random(&seed) % 70,
                                           1 + test_random(&seed) % 70,
                                           layouts[round % 8]},
                                 orientation, &seed);
        turns_like_the_truth((li_info){65535, 1, LI_RGB8}, orientation, &seed);
        turns_like_the_truth((li_info){1, 65535, LI_RGB8}, orientation, &seed);
        turns_like_the_truth((li_info){16, 64, LI_GRAY8}, orientation, &seed);
    }
}

/* Before the first row is asked for the whole input has been taken and closed; while
 * rows go out, so does the frame. */
TEST(what_is_held_is_settled_and_given_back)
{
    static const int held[] = {3, 4, 5, 6, 7, 8};
    uint32_t seed = 3;
    li_frame in = picture_make((li_info){900, 700, LI_RGB8}, PICTURE_NOISE, &seed);
    for (int i = 0; i < 6; i++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_op op = orient_op(held[i]);
        li_frame expected = picture_turn(&in, op.u.orient);
        uint32_t taken = 0;
        int64_t spent_ns = 0;
        li_rows *rows = strict_open(&ctx, &in, &taken);
        CHECK_EQ(li_op_orient.open(&op, expected.info, &rows), LI_OK);
        CHECK_EQ(li_orient_settle(&rows, 1, &spent_ns), LI_OK);
        CHECK_EQ(taken, in.info.height);
        CHECK(!rows->up && spent_ns > 0);
        uint64_t all = li_image_bytes(in.info);
        CHECK(ctx.bytes < all + 16384);
        for (uint32_t y = 0; y < expected.info.height; y++) {
            const uint8_t *row;
            CHECK_EQ(li_rows_next(rows, &row), LI_OK);
            CHECK(memcmp(row, li_frame_row(&expected, y),
                         li_row_bytes(expected.info)) == 0);
            uint64_t left = all - y * (uint64_t)li_row_bytes(expected.info);
            CHECK(ctx.bytes < left + left / 7 + (96 << 10));
        }
        CHECK(ctx.peak_bytes < all + (96 << 10));
        li_rows_close(&rows);
        CHECK_EQ(ctx.bytes, 0);
        picture_free(&expected);
    }
    picture_free(&in);
}

/* Three planes are taken in step; a chain without a turn is left alone. */
TEST(planes_are_settled_in_step)
{
    uint32_t seed = 4;
    li_frame large = picture_make((li_info){30, 40, LI_GRAY8}, PICTURE_NOISE, &seed);
    li_frame small = picture_make((li_info){15, 20, LI_GRAY8}, PICTURE_NOISE, &seed);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_op op = orient_op(6);
    int64_t spent_ns = 0;
    li_rows *chains[3] = {strict_open(&ctx, &large, NULL),
                          strict_open(&ctx, &small, NULL),
                          strict_open(&ctx, &small, NULL)};
    CHECK_EQ(li_op_orient.open(&op, (li_info){40, 30, LI_GRAY8}, &chains[0]), LI_OK);
    CHECK_EQ(li_op_orient.open(&op, (li_info){20, 15, LI_GRAY8}, &chains[1]), LI_OK);
    li_rows *first = chains[0]->up, *second = chains[1]->up;
    ctx.polls = 0;
    ctx.deadline_ns = 1; /* long ago: seen at the 16th poll */
    CHECK(li_orient_settle(chains, 3, &spent_ns) != LI_OK);
    CHECK_EQ(first->y + second->y, 15);
    CHECK(first->y == 10 && second->y == 5);
    CHECK_EQ(chains[2]->y, 0);
    for (int c = 0; c < 3; c++)
        li_rows_close(&chains[c]);
    CHECK_EQ(ctx.bytes, 0);
    picture_free(&large);
    picture_free(&small);
}

TEST(skipped_rows_leave_the_others_as_they_are)
{
    uint32_t seed = 2;
    li_frame in = picture_make((li_info){50, 41, LI_RGB8}, PICTURE_NOISE, &seed);
    for (int orientation = 1; orientation <= 8; orientation++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_op op = orient_op(orientation);
        li_frame expected = picture_turn(&in, op.u.orient);
        li_rows *rows = strict_open(&ctx, &in, NULL);
        CHECK_EQ(li_op_orient.open(&op, expected.info, &rows), LI_OK);
        while (rows->y < expected.info.height) {
            const uint8_t *row;
            uint32_t y = rows->y + test_random(&seed) % 20;
            if (y >= expected.info.height)
                break;
            CHECK_EQ(li_rows_skip(rows, y - rows->y), LI_OK);
            CHECK_EQ(li_rows_next(rows, &row), LI_OK);
            CHECK(memcmp(row, li_frame_row(&expected, y),
                         li_row_bytes(expected.info)) == 0);
        }
        li_rows_close(&rows);
        picture_free(&expected);
    }
    picture_free(&in);
}

TEST(then_is_one_after_the_other)
{
    uint32_t seed = 3;
    li_frame in = picture_make((li_info){3, 5, LI_RGB8}, PICTURE_NOISE, &seed);
    for (int first = 1; first <= 8; first++)
        for (int second = 1; second <= 8; second++) {
            li_frame middle = picture_turn(&in, (li_orientation)first);
            li_frame both = picture_turn(&middle, (li_orientation)second);
            li_frame once = picture_turn(
                &in, li_orient_then((li_orientation)first, (li_orientation)second));
            CHECK(picture_equal(&both, &once));
            picture_free(&middle);
            picture_free(&both);
            picture_free(&once);
        }
    picture_free(&in);
}

TEST(the_inverse_undoes)
{
    for (int n = 1; n <= 8; n++) {
        li_orientation orientation = (li_orientation)n;
        CHECK_EQ(li_orient_then(orientation, li_orient_inverse(orientation)), 1);
        CHECK_EQ(li_orient_then(li_orient_inverse(orientation), orientation), 1);
        CHECK_EQ(li_orient_transposes(orientation), n >= 5);
    }
}

/* Crop, then orient, is orient, then the mapped crop. */
TEST(a_rectangle_is_mapped_to_where_its_pixels_go)
{
    uint32_t seed = 4;
    for (int round = 0; round < 200; round++) {
        li_orientation orientation = (li_orientation)(1 + round % 8);
        li_info info = {1 + test_random(&seed) % 20, 1 + test_random(&seed) % 20,
                        LI_RGB8};
        li_frame in = picture_make(info, PICTURE_NOISE, &seed);
        li_rect rect = {test_random(&seed) % info.width,
                        test_random(&seed) % info.height, 0, 0};
        rect.width = 1 + test_random(&seed) % (info.width - rect.x);
        rect.height = 1 + test_random(&seed) % (info.height - rect.y);
        li_op before = {.kind = &li_op_crop, .u.crop = rect};
        li_op after = {.kind = &li_op_crop,
                       .u.crop = li_orient_rect(orientation, info, rect)};
        li_frame cropped = picture_run(&before, &in, NULL);
        li_frame first = picture_turn(&cropped, orientation);
        li_frame turned = picture_turn(&in, orientation);
        li_frame second = picture_run(&after, &turned, NULL);
        CHECK(picture_equal(&first, &second));
        picture_free(&in);
        picture_free(&cropped);
        picture_free(&first);
        picture_free(&turned);
        picture_free(&second);
    }
}

TEST(upright_costs_nothing_and_a_mirror_one_row)
{
    li_info info = {6000, 4000, LI_RGB8}, turned = {4000, 6000, LI_RGB8};
    li_op one = orient_op(1), mirror = orient_op(2), flip = orient_op(4),
          quarter = orient_op(6);
    CHECK_EQ(li_op_orient.bytes(&one, info, info), 0);
    CHECK(li_op_orient.bytes(&mirror, info, info) < 24000);
    CHECK(li_op_orient.bytes(&flip, info, info) < 72000000 + 8192);
    CHECK(li_op_orient.bytes(&quarter, info, turned) < 72000000 + 16 * 18112 + 16384);
}

TEST(every_allocation_fails_once)
{
    uint32_t seed = 5;
    li_frame in = picture_make((li_info){20, 10, LI_RGB8}, PICTURE_NOISE, &seed);
    for (int orientation = 1; orientation <= 8; orientation++) {
        li_op op = orient_op(orientation);
        picture_starve(&op, &in);
    }
    picture_free(&in);
}

TEST(nine_is_not_an_orientation)
{
    for (int orientation = 0; orientation <= 9; orientation += 9) {
        li_ctx ctx;
        li_info out;
        li_ctx_init(&ctx, NULL);
        li_op op = orient_op(orientation);
        CHECK_EQ(li_op_orient.shape(&ctx, &op, (li_info){3, 2, LI_RGB8}, &out),
                 LI_E901_INTERNAL);
    }
}

int
main(void)
{
    RUN(six_turns_clockwise);
    RUN(every_orientation_is_the_truth);
    RUN(what_is_held_is_settled_and_given_back);
    RUN(planes_are_settled_in_step);
    RUN(skipped_rows_leave_the_others_as_they_are);
    RUN(then_is_one_after_the_other);
    RUN(the_inverse_undoes);
    RUN(a_rectangle_is_mapped_to_where_its_pixels_go);
    RUN(upright_costs_nothing_and_a_mirror_one_row);
    RUN(every_allocation_fails_once);
    RUN(nine_is_not_an_orientation);
    return test_end();
}
