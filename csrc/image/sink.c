/* sink.c: pushing rows, and the pump. Layer 1. */
#include "image/sink.h"

#include <assert.h>

li_status
li_sink_new(li_ctx *ctx, size_t size, const li_sink_ops *ops, li_info info,
            li_sink **out)
{
    li_sink *sink;
    assert(size >= sizeof(*sink));
    LI_TRY(li_alloc(ctx, 1, size, &sink));
    sink->ops = ops;
    sink->ctx = ctx;
    sink->info = info;
    *out = sink;
    return LI_OK;
}

static li_status
name_step(li_sink *sink, li_status status)
{
    if (status != LI_OK && !sink->ctx->step)
        sink->ctx->step = sink->ops->name;
    return status;
}

li_status
li_sink_write(li_sink *sink, const uint8_t *row)
{
    assert(sink->y < sink->info.height);
    if (sink->ctx->status != LI_OK)
        return sink->ctx->status;
    LI_TRY(name_step(sink, sink->ops->write(sink, row)));
    sink->y++;
    return LI_OK;
}

li_status
li_sink_finish(li_sink *sink)
{
    assert(sink->y == sink->info.height);
    if (sink->ctx->status != LI_OK)
        return sink->ctx->status;
    return sink->ops->finish ? name_step(sink, sink->ops->finish(sink)) : LI_OK;
}

void
li_sink_close(li_sink **out)
{
    li_sink *sink = *out;
    *out = NULL;
    if (!sink)
        return;
    if (sink->ops->close)
        sink->ops->close(sink);
    li_free(sink->ctx, &sink);
}

li_status
li_pump_rows(li_rows *rows, li_sink *sink, li_pump_times *times)
{
    assert(rows->info.height == sink->info.height &&
           rows->info.width == sink->info.width);
    int64_t mark = li_now_ns();
    for (uint32_t y = rows->info.height; y > 0; y--) {
        const uint8_t *row;
        LI_TRY(li_poll(rows->ctx));
        LI_TRY(li_rows_next(rows, &row));
        int64_t pulled = li_now_ns();
        LI_TRY(li_sink_write(sink, row));
        int64_t pushed = li_now_ns();
        times->rows_ns += pulled - mark;
        times->sink_ns += pushed - pulled;
        mark = pushed;
    }
    return LI_OK;
}

li_status
li_pump(li_rows *rows, li_sink *sink, li_pump_times *times)
{
    LI_TRY(li_pump_rows(rows, sink, times));
    int64_t mark = li_now_ns();
    li_status status = li_sink_finish(sink);
    times->sink_ns += li_now_ns() - mark;
    return status;
}
