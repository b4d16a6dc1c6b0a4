/* test_sink.c: sinks and the pump. */
#include "image/streams.h"

static int sink_rows, sink_finishes, sink_closes;

typedef struct counting_sink {
    li_sink base;
    uint32_t fails_at; /* row; height: in finish */
    bool in_order;
} counting_sink;

static li_status
counting_write(li_sink *sink, const uint8_t *row)
{
    counting_sink *self = (counting_sink *)sink;
    sink_rows++;
    self->in_order = self->in_order && row[0] == (uint8_t)sink->y;
    if (sink->y == self->fails_at)
        return li_fail(sink->ctx, LI_E300_ENCODE, "sink: row %u", sink->y);
    return LI_OK;
}

static li_status
counting_finish(li_sink *sink)
{
    sink_finishes++;
    if (((counting_sink *)sink)->fails_at == sink->info.height)
        return li_fail(sink->ctx, LI_E300_ENCODE, "sink: finish");
    return LI_OK;
}

static void
sink_close(li_sink *sink)
{
    (void)sink;
    sink_closes++;
}

static const li_sink_ops counting_sink_ops = {.name = "sink",
                                              .write = counting_write,
                                              .finish = counting_finish,
                                              .close = sink_close};
static const li_sink_ops bare_ops = {.name = "bare", .write = counting_write};

static li_sink *
make_sink(li_ctx *ctx, const li_sink_ops *ops, uint32_t fails_at)
{
    li_sink *sink = NULL;
    li_info info = {16, 40, LI_RGB8};
    sink_rows = sink_finishes = sink_closes = 0;
    if (li_sink_new(ctx, sizeof(counting_sink), ops, info, &sink) != LI_OK)
        exit(1);
    ((counting_sink *)sink)->fails_at = fails_at;
    ((counting_sink *)sink)->in_order = true;
    return sink;
}

TEST(the_pump_moves_every_row_then_finishes)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *chain = NULL;
    push_counting(&ctx, &decoder_ops, 1, UINT32_MAX, &chain);
    li_sink *sink = make_sink(&ctx, &counting_sink_ops, UINT32_MAX);
    li_pump_times times = {0};
    CHECK_EQ(li_pump(chain, sink, &times), LI_OK);
    CHECK_EQ(sink_rows, 40);
    CHECK_EQ(sink_finishes, 1);
    CHECK(((counting_sink *)sink)->in_order);
    CHECK(times.rows_ns > 0 && times.sink_ns > 0);
    li_sink_close(&sink);
    CHECK(!sink);
    CHECK_EQ(sink_closes, 1);
    li_sink_close(&sink);
    li_rows_close(&chain);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(a_sink_needs_neither_finish_nor_close)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *chain = NULL;
    push_counting(&ctx, &decoder_ops, 1, UINT32_MAX, &chain);
    li_sink *sink = make_sink(&ctx, &bare_ops, UINT32_MAX);
    li_pump_times times = {0};
    CHECK_EQ(li_pump(chain, sink, &times), LI_OK);
    li_sink_close(&sink);
    li_rows_close(&chain);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(a_sink_that_fails_stops_the_pump_and_names_the_step)
{
    static const uint32_t places[] = {0, 17, 39, 40};
    for (int i = 0; i < 4; i++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_rows *chain = NULL;
        const uint8_t row[64] = {0};
        push_counting(&ctx, &decoder_ops, 1, UINT32_MAX, &chain);
        li_sink *sink = make_sink(&ctx, &counting_sink_ops, places[i]);
        li_pump_times times = {0};
        CHECK_EQ(li_pump(chain, sink, &times), LI_E300_ENCODE);
        CHECK_TEXT(ctx.step, "sink");
        CHECK_EQ(sink_finishes, places[i] == 40);
        int rows = sink_rows;
        CHECK_EQ(rows, places[i] == 40 ? 40 : places[i] + 1);
        if (places[i] < 40)
            CHECK_EQ(li_sink_write(sink, row), LI_E300_ENCODE);
        else
            CHECK_EQ(li_sink_finish(sink), LI_E300_ENCODE);
        CHECK_EQ(sink_rows, rows);
        li_sink_close(&sink);
        li_rows_close(&chain);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(a_stream_that_fails_is_never_finished)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *chain = NULL;
    push_counting(&ctx, &decoder_ops, 1, 39, &chain);
    li_sink *sink = make_sink(&ctx, &counting_sink_ops, UINT32_MAX);
    li_pump_times times = {0};
    CHECK_EQ(li_pump(chain, sink, &times), LI_E130_CORRUPT);
    CHECK_TEXT(ctx.step, "decoder");
    CHECK_EQ(sink_rows, 39);
    CHECK_EQ(sink_finishes, 0);
    li_sink_close(&sink);
    CHECK_EQ(sink_closes, 1);
    li_rows_close(&chain);
}

TEST(the_pump_can_be_cancelled_and_timed_out)
{
    for (int timeout = 0; timeout < 2; timeout++) {
        atomic_int cancel = 1;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        if (timeout)
            ctx.deadline_ns = 1;
        else
            ctx.cancel = &cancel;
        li_rows *chain = NULL;
        push_counting(&ctx, &decoder_ops, 1, UINT32_MAX, &chain);
        li_sink *sink = make_sink(&ctx, &counting_sink_ops, UINT32_MAX);
        li_pump_times times = {0};
        CHECK_EQ(li_pump(chain, sink, &times),
                 timeout ? LI_E125_TIMEOUT : LI_E500_CANCELLED);
        CHECK(sink_rows < 16);
        CHECK_EQ(sink_finishes, 0);
        li_sink_close(&sink);
        li_rows_close(&chain);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(a_sink_without_memory_is_not_made)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.allocs_left = 0;
    li_sink *sink = NULL;
    CHECK_EQ(li_sink_new(&ctx, sizeof(counting_sink), &bare_ops,
                         (li_info){1, 1, LI_GRAY8}, &sink),
             LI_ENOMEM);
    CHECK(!sink);
    CHECK_EQ(ctx.bytes, 0);
}

int
main(void)
{
    RUN(the_pump_moves_every_row_then_finishes);
    RUN(a_sink_needs_neither_finish_nor_close);
    RUN(a_sink_that_fails_stops_the_pump_and_names_the_step);
    RUN(a_stream_that_fails_is_never_finished);
    RUN(the_pump_can_be_cancelled_and_timed_out);
    RUN(a_sink_without_memory_is_not_made);
    return test_end();
}
