/* test_overlay.c: one picture over another: every layout and place against sums in long
 * double, tiles, and what is opened when. */
#include "pictures.h"

#include <math.h>

static const li_pixel layouts[] = {LI_GRAY8,  LI_GRAYA8,  LI_RGB8,  LI_RGBA8,
                                   LI_GRAY16, LI_GRAYA16, LI_RGB16, LI_RGBA16};
enum { LAYOUTS = 8 };

enum { OPAQUE = 1 << 16 };

/* A second picture from a frame, which counts how often it is begun. */
typedef struct shown {
    li_picture base;
    li_frame frame;
    uint32_t *begun; /* borrowed */
} shown;

static li_status
shown_open(const li_picture *picture, li_ctx *ctx, li_rows **rows)
{
    const shown *self = (const shown *)picture;
    ++*self->begun;
    return li_frame_rows(ctx, &self->frame, rows);
}

static shown
show(li_frame frame, uint32_t *begun)
{
    *begun = 0;
    return (shown){.base = {.info = frame.info, .bytes = 4096, .open = shown_open},
                   .frame = frame,
                   .begun = begun};
}

static li_op
overlay_op(const shown *over, int64_t x, int64_t y, uint32_t opacity, bool tile)
{
    return (li_op){
        .kind = &li_op_overlay,
        .u.overlay = {&over->base, true, x, y, 0, 0, opacity, tile},
    };
}

/* --- the truth ---------------------------------------------------------------------
 */

/* The second picture's pixel that shows at (x, y) of the first, or NULL. */
static const uint8_t *
pixel_over(const li_frame *over, const li_overlay *by, int64_t x, int64_t y)
{
    int64_t w = over->info.width, h = over->info.height, u = x - by->x, v = y - by->y;
    if (by->tile) {
        u = (u % w + w) % w;
        v = (v % h + h) % h;
    }
    if (u < 0 || v < 0 || u >= w || v >= h)
        return NULL;
    return li_frame_row(over, (uint32_t)v) + u * li_pixel_bytes(over->info.pixel);
}

/* A sample as it counts in a picture that is deep or not. */
static uint32_t
sample_as(const uint8_t *pixel, li_pixel layout, uint32_t c, bool deep)
{
    uint32_t v = pixel[c];
    if (!li_pixel_is_deep(layout))
        return deep ? v * 257 : v;
    v = ((const uint16_t *)(const void *)pixel)[c];
    return deep ? v : (v + 128) / 257;
}

static void
check_pixel(const uint8_t *under, const uint8_t *over, const uint8_t *out,
            li_pixel base, li_pixel top, uint32_t opacity)
{
    uint32_t n = li_pixel_channels(base), last = li_pixel_channels(top) - 1;
    bool alpha = li_pixel_has_alpha(base), deep = li_pixel_is_deep(base);
    long double full = deep ? 65535 : 255;
    long double cover = sample_as(over, top, last, deep) / full * opacity / OPAQUE;
    long double below = alpha ? sample_as(under, base, n - 1, deep) / full : 1,
                sum = cover + below * (1 - cover);
    if (cover == 0) {
        CHECK(memcmp(under, out, li_pixel_bytes(base)) == 0);
        return;
    }
    for (uint32_t c = 0; c < n - alpha; c++) {
        long double from = sample_as(over, top, last > 1 ? c : 0, deep);
        long double to = sample_as(under, base, c, deep);
        long double wanted = (from * cover + to * below * (1 - cover)) / sum;
        CHECK(fabsl(sample_as(out, base, c, deep) - wanted) <= 0.5L + 1e-9L);
    }
    if (alpha)
        CHECK(fabsl(sample_as(out, base, n - 1, deep) - sum * full) <= 0.5L + 1e-9L);
}

static void
check_overlay(const li_frame *in, const shown *over, const li_op *op)
{
    const li_overlay *by = &op->u.overlay;
    li_frame out = picture_run(op, in, NULL);
    uint32_t bytes = li_pixel_bytes(in->info.pixel);
    CHECK_EQ(out.info.width, in->info.width);
    CHECK_EQ(out.info.pixel, in->info.pixel);
    for (uint32_t y = 0; y < in->info.height; y++)
        for (uint32_t x = 0; x < in->info.width; x++) {
            const uint8_t *under = li_frame_row(in, y) + x * bytes;
            const uint8_t *pixel = pixel_over(&over->frame, by, x, y);
            const uint8_t *got = li_frame_row(&out, y) + x * bytes;
            if (pixel)
                check_pixel(under, pixel, got, in->info.pixel, over->base.info.pixel,
                            by->opacity);
            else
                CHECK(memcmp(under, got, bytes) == 0);
        }
    picture_free(&out);
}

/* --- tests -------------------------------------------------------------------------
 */

TEST(every_layout_and_place_equals_the_long_way)
{
    const int64_t places[][2] = {{0, 0},   {5, 3},  {-4, -2}, {14, 10}, {-20, 0},
                                 {16, 12}, {0, 40}, {-3, 9},  {15, -6}};
    const uint32_t opacities[] = {OPAQUE, OPAQUE / 2, 12345, 1};
    uint32_t seed = 5, begun;
    for (int k = 0; k < 4 * LAYOUTS; k++)
        for (int p = 0; p < 9; p++)
            for (int t = 0; t < 2; t++) {
                li_pixel base = layouts[k % LAYOUTS];
                bool gray = k / LAYOUTS % 2 || li_pixel_is_gray(base);
                li_pixel top =
                    li_pixel_with_depth(gray ? LI_GRAYA8 : LI_RGBA8, k / LAYOUTS / 2);
                li_frame in =
                    picture_make((li_info){16, 12, base},
                                 p % 2 ? PICTURE_EDGES : PICTURE_NOISE, &seed);
                shown over = show(
                    picture_make((li_info){7, 5, top}, PICTURE_NOISE, &seed), &begun);
                li_op op =
                    overlay_op(&over, places[p][0], places[p][1], opacities[p % 4], t);
                check_overlay(&in, &over, &op);
                picture_free(&over.frame);
                picture_free(&in);
            }
}

/* White over white and full cover: the largest sums there are. */
TEST(the_ends_of_16_bits_stay)
{
    uint32_t begun;
    uint16_t under[4] = {65535, 65535, 65535, 65535}, over[4] = {65535, 0, 1, 65535};
    for (int alpha = 0; alpha < 2; alpha++)
        for (uint32_t opacity = 1; opacity <= OPAQUE; opacity += OPAQUE - 1) {
            li_info info = {1, 1, alpha ? LI_RGBA16 : LI_RGB16};
            li_frame in = {info, 8, (uint8_t *)under};
            shown top = show((li_frame){{1, 1, LI_RGBA16}, 8, (uint8_t *)over}, &begun);
            li_op op = overlay_op(&top, 0, 0, opacity, false);
            check_overlay(&in, &top, &op);
        }
}

TEST(a_place_by_name_lies_where_it_says)
{
    const struct {
        li_at at_x, at_y;
        int64_t x, y;
    } places[] = {
        {-LI_AT_END, -LI_AT_END, 0, 0},
        {0, 0, 4, 3}, /* of 9 and 7 the smaller half before */
        {LI_AT_END, LI_AT_END, 9, 7},
        {LI_AT_END, -LI_AT_END, 9, 0},
    };
    uint32_t seed = 6, begun;
    li_frame in = picture_make((li_info){16, 12, LI_RGB8}, PICTURE_NOISE, &seed);
    shown over =
        show(picture_make((li_info){7, 5, LI_RGBA8}, PICTURE_NOISE, &seed), &begun);
    for (int i = 0; i < 4; i++) {
        li_op named = overlay_op(&over, 0, 0, OPAQUE, false);
        li_op placed = overlay_op(&over, places[i].x, places[i].y, OPAQUE, false);
        named.u.overlay.placed = false;
        named.u.overlay.at_x = places[i].at_x;
        named.u.overlay.at_y = places[i].at_y;
        li_frame one = picture_run(&named, &in, NULL);
        li_frame other = picture_run(&placed, &in, NULL);
        CHECK(picture_equal(&one, &other));
        picture_free(&one);
        picture_free(&other);
    }
    CHECK_EQ(li_at_before(-9, 0), -4);
    CHECK_EQ(li_at_before(-9, LI_AT_END), -9);
    CHECK_EQ(li_at_before(-9, -LI_AT_END), 0);
    picture_free(&over.frame);
    picture_free(&in);
}

TEST(tiles_are_held_while_they_are_small)
{
    uint32_t seed = 7, begun;
    li_frame in = picture_make((li_info){40, 30, LI_RGB8}, PICTURE_FLAT, &seed);
    shown small =
        show(picture_make((li_info){4, 4, LI_RGBA8}, PICTURE_NOISE, &seed), &begun);
    li_op op = overlay_op(&small, 1, 1, OPAQUE, true);
    uint64_t held = li_op_overlay.bytes(&op, in.info, in.info);
    li_frame out = picture_run(&op, &in, NULL);
    CHECK_EQ(begun, 1);
    picture_free(&out);
    op.u.overlay.tile = false;
    CHECK_EQ(held - li_op_overlay.bytes(&op, in.info, in.info),
             li_frame_bytes(small.base.info));
    picture_free(&small.frame);
    picture_free(&in);
}

TEST(large_tiles_are_begun_anew)
{
    uint32_t seed = 8, begun;
    li_frame in = picture_make((li_info){3, 2100, LI_GRAY8}, PICTURE_SMOOTH, &seed);
    shown large = show(
        picture_make((li_info){2100, 1000, LI_GRAYA8}, PICTURE_SMOOTH, &seed), &begun);
    li_op op = overlay_op(&large, 0, 0, OPAQUE / 3, true);
    check_overlay(&in, &large, &op);
    CHECK_EQ(begun, 3);
    picture_free(&large.frame);
    picture_free(&in);
}

TEST(skipped_rows_skip_both_pictures)
{
    uint32_t seed = 9, taken = 0, begun;
    li_frame in = picture_make((li_info){9, 20, LI_RGB8}, PICTURE_NOISE, &seed);
    shown over =
        show(picture_make((li_info){9, 12, LI_RGBA8}, PICTURE_NOISE, &seed), &begun);
    li_op op = overlay_op(&over, 0, 4, OPAQUE, false);
    li_frame whole = picture_run(&op, &in, NULL);
    li_ctx ctx;
    const uint8_t *row;
    li_ctx_init(&ctx, NULL);
    li_rows *rows = strict_open(&ctx, &in, &taken);
    CHECK_EQ(li_op_overlay.open(&op, in.info, &rows), LI_OK);
    CHECK_EQ(li_rows_skip(rows, 9), LI_OK);
    CHECK_EQ(li_rows_next(rows, &row), LI_OK);
    CHECK(memcmp(row, li_frame_row(&whole, 9), 27) == 0);
    CHECK_EQ(li_rows_skip(rows, 8), LI_OK);
    CHECK_EQ(li_rows_next(rows, &row), LI_OK);
    CHECK(memcmp(row, li_frame_row(&in, 18), 27) == 0);
    CHECK_EQ(taken, 19);
    li_rows_close(&rows);
    CHECK_EQ(ctx.bytes, 0);
    picture_free(&whole);
    picture_free(&over.frame);
    picture_free(&in);
}

TEST(what_does_not_show_is_idle)
{
    uint32_t seed = 10, begun;
    li_info in = {16, 12, LI_RGB8};
    shown over =
        show(picture_make((li_info){7, 5, LI_RGBA8}, PICTURE_NOISE, &seed), &begun);
    const struct {
        int64_t x, y;
        uint32_t opacity;
        bool tile, idle;
    } cases[] = {
        {0, 0, OPAQUE, false, false}, {0, 0, 0, false, true},
        {16, 0, OPAQUE, false, true}, {0, -5, OPAQUE, false, true},
        {15, 11, 1, false, false},    {-7, 0, OPAQUE, true, false},
        {0, 0, 0, true, true},        {-6, -4, OPAQUE, false, false},
    };
    for (int i = 0; i < 8; i++) {
        li_op op =
            overlay_op(&over, cases[i].x, cases[i].y, cases[i].opacity, cases[i].tile);
        CHECK_EQ(li_op_overlay.idle(&op, in, in), cases[i].idle);
    }
    picture_free(&over.frame);
}

TEST(colours_over_gray_want_colours)
{
    uint32_t seed = 11, begun;
    shown over =
        show(picture_make((li_info){7, 5, LI_RGBA8}, PICTURE_NOISE, &seed), &begun);
    li_op op = overlay_op(&over, 0, 0, OPAQUE, false);
    CHECK_EQ(li_op_overlay.wants(&op, LI_GRAY8), LI_RGB8);
    CHECK_EQ(li_op_overlay.wants(&op, LI_GRAYA8), LI_RGBA8);
    CHECK_EQ(li_op_overlay.wants(&op, LI_RGB8), LI_RGB8);
    CHECK_EQ(li_op_overlay.wants(&op, LI_GRAYA16), LI_RGBA16);
    CHECK_EQ(li_op_overlay.wants(&op, LI_RGB16), LI_RGB16);
    over.base.info.pixel = LI_GRAYA8;
    CHECK_EQ(li_op_overlay.wants(&op, LI_GRAY8), LI_GRAY8);
    CHECK_EQ(li_op_overlay.wants(&op, LI_RGBA8), LI_RGBA8);
    picture_free(&over.frame);
}

TEST(every_allocation_fails_once)
{
    uint32_t seed = 12, begun;
    for (int i = 0; i < 4; i++) {
        li_info info = {20, 10, i / 2 ? LI_GRAYA16 : LI_GRAYA8};
        li_frame in = picture_make(info, PICTURE_NOISE, &seed);
        shown over = show(
            picture_make((li_info){7, 5, LI_GRAYA8}, PICTURE_NOISE, &seed), &begun);
        li_op op = overlay_op(&over, 1, 1, OPAQUE, i % 2);
        picture_starve(&op, &in);
        picture_free(&over.frame);
        picture_free(&in);
    }
}

int
main(void)
{
    RUN(every_layout_and_place_equals_the_long_way);
    RUN(the_ends_of_16_bits_stay);
    RUN(a_place_by_name_lies_where_it_says);
    RUN(tiles_are_held_while_they_are_small);
    RUN(large_tiles_are_begun_anew);
    RUN(skipped_rows_skip_both_pictures);
    RUN(what_does_not_show_is_idle);
    RUN(colours_over_gray_want_colours);
    RUN(every_allocation_fails_once);
    return test_end();
}
