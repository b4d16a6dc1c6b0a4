/* test_frame.c: a whole picture, filled from rows and read as rows. */
#include "image/frame.h"
#include "image/streams.h"

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8,
                                   LI_RGBA8, LI_GRAY16, LI_GRAYA16,
                                   LI_RGB16, LI_RGBA16, LI_CMYK8};
enum { LAYOUTS = sizeof(layouts) / sizeof(layouts[0]) };

static void
fill_frame(li_frame *frame, uint32_t seed)
{
    for (uint32_t y = 0; y < frame->info.height; y++)
        for (size_t i = 0; i < li_row_bytes(frame->info); i++)
            li_frame_row(frame, y)[i] = (uint8_t)test_random(&seed);
}

TEST(a_frame_is_filled_from_rows_and_read_back)
{
    static const uint32_t sizes[][2] = {{1, 1}, {1, 40}, {33, 1}, {17, 23}, {700, 600}};
    for (int p = 0; p < LAYOUTS; p++)
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
            li_info info = {sizes[s][0], sizes[s][1], layouts[p]};
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            li_frame first, second;
            li_rows *rows = NULL, *again = NULL;
            CHECK_EQ(li_frame_alloc(&ctx, info, &first), LI_OK);
            CHECK(ctx.bytes <= li_frame_bytes(info));
            CHECK_EQ(li_frame_alloc(&ctx, info, &second), LI_OK);
            fill_frame(&first, 7);
            CHECK_EQ(li_frame_rows(&ctx, &first, &rows), LI_OK);
            CHECK_EQ(li_frame_fill(&second, rows), LI_OK);
            CHECK(memcmp(first.pixels, second.pixels, (size_t)li_image_bytes(info)) ==
                  0);
            CHECK_EQ(li_frame_rows(&ctx, &second, &again), LI_OK);
            CHECK(again->info.width == info.width && again->info.pixel == info.pixel);
            for (uint32_t y = 0; y < info.height; y++) {
                const uint8_t *row;
                CHECK_EQ(li_rows_next(again, &row), LI_OK);
                CHECK(row == li_frame_row(&second, y)); /* nobody copies */
            }
            li_rows_close(&rows);
            li_rows_close(&again);
            li_frame_free(&ctx, &first);
            li_frame_free(&ctx, &second);
            li_frame_free(&ctx, &second);
            CHECK_EQ(ctx.bytes, 0);
        }
}

TEST(a_stride_may_be_wide_or_negative)
{
    enum { WIDTH = 5, HEIGHT = 9, STRIDE = 32 };
    uint8_t pixels[HEIGHT * STRIDE];
    for (int i = 0; i < HEIGHT * STRIDE; i++)
        pixels[i] = (uint8_t)i;
    for (int flipped = 0; flipped < 2; flipped++) {
        li_frame frame = {.info = {WIDTH, HEIGHT, LI_RGB8},
                          .stride = flipped ? -STRIDE : STRIDE,
                          .pixels = pixels + (flipped ? (HEIGHT - 1) * STRIDE : 0)};
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_rows *rows = NULL;
        const uint8_t *row;
        CHECK_EQ(li_frame_rows(&ctx, &frame, &rows), LI_OK);
        CHECK_EQ(li_rows_next(rows, &row), LI_OK);
        CHECK(row == pixels + (flipped ? 8 : 0) * STRIDE);
        CHECK_EQ(li_rows_skip(rows, 6), LI_OK);
        CHECK_EQ(li_rows_next(rows, &row), LI_OK);
        CHECK(row == pixels + (flipped ? 1 : 7) * STRIDE);
        li_rows_close(&rows);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(a_frame_over_the_budget_is_refused_and_free_to_free)
{
    li_limits limits = {.max_memory = 1000};
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    li_frame frame;
    CHECK_EQ(li_frame_alloc(&ctx, (li_info){100, 100, LI_RGB8}, &frame),
             LI_E124_MEMORY_BUDGET);
    CHECK(!frame.pixels);
    li_frame_free(&ctx, &frame);
    ctx.status = LI_OK;
    ctx.limits.max_memory = 0;
    CHECK_EQ(li_frame_alloc(&ctx, (li_info){2000000000, 2000000000, LI_RGBA16}, &frame),
             LI_ENOMEM);
    li_frame_free(&ctx, &frame);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(filling_stops_at_an_error_and_at_cancel)
{
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        atomic_int cancel = 1;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_rows *chain = NULL;
        li_frame frame;
        streams_reset();
        push_counting(&ctx, &decoder_ops, 1, 3, &chain);
        CHECK_EQ(li_frame_alloc(&ctx, chain->info, &frame), LI_OK);
        ctx.cancel = cancelled ? &cancel : NULL;
        CHECK_EQ(li_frame_fill(&frame, chain),
                 cancelled ? LI_E500_CANCELLED : LI_E130_CORRUPT);
        CHECK_EQ(stream_nexts, cancelled ? 0 : 4);
        li_frame_free(&ctx, &frame);
        li_rows_close(&chain);
        CHECK_EQ(ctx.bytes, 0);
    }
}

int
main(void)
{
    RUN(a_frame_is_filled_from_rows_and_read_back);
    RUN(a_stride_may_be_wide_or_negative);
    RUN(a_frame_over_the_budget_is_refused_and_free_to_free);
    RUN(filling_stops_at_an_error_and_at_cancel);
    return test_end();
}
