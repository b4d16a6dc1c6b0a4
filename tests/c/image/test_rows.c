/* test_rows.c: who owns what in a chain, and what an error does to it. */
#include "image/streams.h"

TEST(a_pushed_stage_owns_the_one_below)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *chain = NULL;
    streams_reset();
    push_counting(&ctx, &decoder_ops, 1, UINT32_MAX, &chain);
    li_rows *decoder = chain;
    CHECK(!decoder->up && decoder->y == 0 && decoder->ctx == &ctx);
    push_counting(&ctx, &stage_ops, 2, UINT32_MAX, &chain);
    push_counting(&ctx, &stage_ops, 3, UINT32_MAX, &chain);
    CHECK(chain->up->up == decoder);
    li_rows_close(&chain);
    CHECK(!chain);
    CHECK_EQ(stream_closes, 3);
    CHECK(stream_order[0] == 3 && stream_order[1] == 2 && stream_order[2] == 1);
    CHECK_EQ(ctx.bytes, 0);
    li_rows_close(&chain);
}

TEST(a_popped_stage_gives_the_one_below_back)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *chain = NULL;
    streams_reset();
    push_counting(&ctx, &decoder_ops, 1, UINT32_MAX, &chain);
    li_rows *decoder = chain;
    uint64_t bytes = ctx.bytes;
    push_counting(&ctx, &stage_ops, 2, UINT32_MAX, &chain);
    li_rows_pop(&chain);
    CHECK(chain == decoder);
    CHECK_EQ(ctx.bytes, bytes);
    CHECK_EQ(stream_closes, 1);
    li_rows_pop(&chain);
    CHECK(!chain);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(a_push_without_memory_leaves_the_chain)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *chain = NULL;
    push_counting(&ctx, &decoder_ops, 1, UINT32_MAX, &chain);
    li_rows *decoder = chain;
    ctx.allocs_left = 0;
    CHECK_EQ(li_rows_push(&ctx, sizeof(counting_rows), &stage_ops, chain->info, &chain),
             LI_ENOMEM);
    CHECK(chain == decoder);
    li_rows_close(&chain);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(rows_come_in_order_and_y_counts_them)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *chain = NULL;
    push_counting(&ctx, &decoder_ops, 1, UINT32_MAX, &chain);
    push_counting(&ctx, &stage_ops, 2, UINT32_MAX, &chain);
    for (uint32_t y = 0; y < 40; y++) {
        const uint8_t *row;
        CHECK_EQ(chain->y, y);
        CHECK_EQ(li_rows_next(chain, &row), LI_OK);
        CHECK_EQ(row[0], y);
        CHECK_EQ(chain->up->y, y + 1);
    }
    li_rows_close(&chain);
}

TEST(the_innermost_stage_names_the_step)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *chain = NULL;
    const uint8_t *row;
    push_counting(&ctx, &decoder_ops, 1, 2, &chain);
    push_counting(&ctx, &stage_ops, 2, UINT32_MAX, &chain);
    CHECK_EQ(li_rows_next(chain, &row), LI_OK);
    CHECK_EQ(li_rows_next(chain, &row), LI_OK);
    CHECK_EQ(li_rows_next(chain, &row), LI_E130_CORRUPT);
    CHECK_TEXT(ctx.step, "decoder");
    CHECK_TEXT(ctx.message, "row 2");
    li_rows_close(&chain);

    li_ctx_init(&ctx, NULL);
    push_counting(&ctx, &decoder_ops, 1, UINT32_MAX, &chain);
    push_counting(&ctx, &stage_ops, 2, 0, &chain);
    push_counting(&ctx, &decoder_ops, 3, UINT32_MAX, &chain);
    CHECK_EQ(li_rows_next(chain, &row), LI_E130_CORRUPT);
    CHECK_TEXT(ctx.step, "stage");
    li_rows_close(&chain);
}

TEST(after_an_error_every_call_answers_with_it)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *chain = NULL;
    const uint8_t *row;
    streams_reset();
    push_counting(&ctx, &decoder_ops, 1, 1, &chain);
    CHECK_EQ(li_rows_next(chain, &row), LI_OK);
    CHECK_EQ(li_rows_next(chain, &row), LI_E130_CORRUPT);
    CHECK_EQ(chain->y, 1);
    int nexts = stream_nexts;
    CHECK_EQ(li_rows_next(chain, &row), LI_E130_CORRUPT);
    CHECK_EQ(li_rows_skip(chain, 5), LI_E130_CORRUPT);
    CHECK_EQ(li_rows_skip(chain, 0), LI_E130_CORRUPT);
    CHECK_EQ(stream_nexts, nexts);
    CHECK_EQ(chain->y, 1);
    li_rows_close(&chain);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(skip_uses_the_stages_own_way_or_pulls)
{
    static const li_rows_ops *const kinds[] = {&decoder_ops, &skipping_ops};
    for (int i = 0; i < 2; i++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_rows *chain = NULL;
        const uint8_t *row;
        streams_reset();
        push_counting(&ctx, kinds[i], 1, UINT32_MAX, &chain);
        CHECK_EQ(li_rows_skip(chain, 0), LI_OK);
        CHECK_EQ(stream_nexts + stream_skips, 0);
        CHECK_EQ(li_rows_skip(chain, 7), LI_OK);
        CHECK_EQ(stream_nexts, i ? 0 : 7);
        CHECK_EQ(stream_skipped, i ? 7 : 0);
        CHECK_EQ(chain->y, 7);
        CHECK_EQ(li_rows_next(chain, &row), LI_OK);
        CHECK_EQ(row[0], 7);
        CHECK_EQ(li_rows_skip(chain, 32), LI_OK); /* to the end */
        CHECK_EQ(chain->y, 40);
        CHECK_EQ(li_rows_skip(chain, 0), LI_OK);
        li_rows_close(&chain);
    }
}

TEST(a_skip_that_pulls_can_be_cancelled)
{
    atomic_int cancel = 1;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.cancel = &cancel;
    li_rows *chain = NULL;
    push_counting(&ctx, &decoder_ops, 1, UINT32_MAX, &chain);
    CHECK_EQ(li_rows_skip(chain, 7), LI_E500_CANCELLED);
    CHECK_EQ(chain->y, 0);
    li_rows_close(&chain);
}

TEST(layouts_have_their_channels_bytes_and_names)
{
    static const struct {
        li_pixel pixel;
        uint32_t channels, bytes;
        bool alpha, gray;
        const char *name;
    } all[] = {
        {LI_GRAY8, 1, 1, false, true, "gray8"},
        {LI_GRAYA8, 2, 2, true, true, "graya8"},
        {LI_RGB8, 3, 3, false, false, "rgb8"},
        {LI_RGBA8, 4, 4, true, false, "rgba8"},
        {LI_GRAY16, 1, 2, false, true, "gray16"},
        {LI_GRAYA16, 2, 4, true, true, "graya16"},
        {LI_RGB16, 3, 6, false, false, "rgb16"},
        {LI_RGBA16, 4, 8, true, false, "rgba16"},
        {LI_CMYK8, 4, 4, false, false, "cmyk8"},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        CHECK_EQ(li_pixel_channels(all[i].pixel), all[i].channels);
        CHECK_EQ(li_pixel_bytes(all[i].pixel), all[i].bytes);
        CHECK_EQ(li_pixel_has_alpha(all[i].pixel), all[i].alpha);
        CHECK_EQ(li_pixel_is_gray(all[i].pixel), all[i].gray);
        CHECK_TEXT(li_pixel_name(all[i].pixel), all[i].name);
    }
    li_info large = {2000000000, 2000000000, LI_RGBA16};
    CHECK(li_row_bytes(large) == 16000000000);
    CHECK(li_image_bytes(large) == UINT64_MAX);
}

int
main(void)
{
    RUN(a_pushed_stage_owns_the_one_below);
    RUN(a_popped_stage_gives_the_one_below_back);
    RUN(a_push_without_memory_leaves_the_chain);
    RUN(rows_come_in_order_and_y_counts_them);
    RUN(the_innermost_stage_names_the_step);
    RUN(after_an_error_every_call_answers_with_it);
    RUN(skip_uses_the_stages_own_way_or_pulls);
    RUN(a_skip_that_pulls_can_be_cancelled);
    RUN(layouts_have_their_channels_bytes_and_names);
    return test_end();
}
