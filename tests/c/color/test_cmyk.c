/* test_cmyk.c: CMYK rows become RGB by (255 − ink)(255 − black)/255, rounded. */
#include "color/cmyk.h"
#include "image/frame.h"

#include "test.h"

enum { WIDTH = 256, HEIGHT = 256 };

/* Ink of channel c at (x, y): every pair of cyan and black occurs. */
static uint8_t
ink(uint32_t x, uint32_t y, uint32_t c)
{
    return (uint8_t)(c == 0 ? x : c == 1 ? 255 - x : c == 2 ? x / 2 : y);
}

static void
open_chain(li_ctx *ctx, li_frame *frame, bool inverted, li_rows **rows)
{
    li_ctx_init(ctx, NULL);
    li_info info = {WIDTH, HEIGHT, LI_CMYK8};
    *rows = NULL;
    CHECK_EQ(li_frame_alloc(ctx, info, frame), LI_OK);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t i = 0; i < WIDTH * 4; i++) {
            uint8_t value = ink(i / 4, y, i % 4);
            li_frame_row(frame, y)[i] = inverted ? (uint8_t)(255 - value) : value;
        }
    CHECK_EQ(li_frame_rows(ctx, frame, rows), LI_OK);
}

static void
close_chain(li_ctx *ctx, li_frame *frame, li_rows **rows)
{
    li_rows_close(rows);
    li_frame_free(ctx, frame);
    CHECK_EQ(ctx->bytes, 0);
}

TEST(rgb_is_the_rounded_product_for_every_pair)
{
    for (int inverted = 0; inverted < 2; inverted++) {
        li_ctx ctx;
        li_frame frame;
        li_rows *rows;
        const uint8_t *row;
        open_chain(&ctx, &frame, inverted, &rows);
        CHECK_EQ(li_cmyk_push(&rows, inverted, NULL, LI_RGB8), LI_OK);
        CHECK_EQ(rows->info.pixel, LI_RGB8);
        for (uint32_t y = 0; y < HEIGHT; y++) {
            CHECK_EQ(li_rows_next(rows, &row), LI_OK);
            for (uint32_t i = 0; i < WIDTH * 3; i++) {
                double light = (255.0 - ink(i / 3, y, i % 3)) * (255.0 - y) / 255.0;
                CHECK_EQ(row[i], (int)(light + 0.5));
            }
        }
        close_chain(&ctx, &frame, &rows);
    }
}

TEST(cmyk_comes_out_with_255_as_full_ink)
{
    for (int inverted = 0; inverted < 2; inverted++) {
        li_ctx ctx;
        li_frame frame;
        li_rows *rows;
        const uint8_t *row;
        open_chain(&ctx, &frame, inverted, &rows);
        CHECK_EQ(li_cmyk_push(&rows, inverted, NULL, LI_CMYK8), LI_OK);
        CHECK_EQ(li_rows_skip(rows, 17), LI_OK);
        CHECK_EQ(li_rows_next(rows, &row), LI_OK);
        for (uint32_t i = 0; i < WIDTH * 4; i++)
            CHECK_EQ(row[i], ink(i / 4, 17, i % 4));
        close_chain(&ctx, &frame, &rows);
    }
}

TEST(a_failed_push_leaves_the_chain_as_it_was)
{
    for (int allowed = 0; allowed < 2; allowed++) {
        li_ctx ctx;
        li_frame frame;
        li_rows *rows;
        open_chain(&ctx, &frame, true, &rows);
        li_rows *before = rows;
        ctx.allocs_left = allowed;
        CHECK_EQ(li_cmyk_push(&rows, true, NULL, LI_RGB8), LI_ENOMEM);
        CHECK(rows == before);
        close_chain(&ctx, &frame, &rows);
    }
}

int
main(void)
{
    RUN(rgb_is_the_rounded_product_for_every_pair);
    RUN(cmyk_comes_out_with_255_as_full_ink);
    RUN(a_failed_push_leaves_the_chain_as_it_was);
    return test_end();
}
