/* streams.h: a decoder and a stage that tests can make fail, and that count what is
 * done to them. */
#ifndef LI_TESTS_STREAMS_H
#define LI_TESTS_STREAMS_H

#include "image/rows.h"
#include "image/sink.h"
#include "test.h"

/* What happened to the streams of a test, in order. */
static int stream_nexts, stream_skips, stream_skipped, stream_closes, stream_order[8];

typedef struct counting_rows {
    li_rows base;
    uint8_t row[64];
    int number; /* told apart by stream_order */
    uint32_t fails_at;
} counting_rows;

static inline void
streams_reset(void)
{
    stream_nexts = stream_skips = stream_skipped = stream_closes = 0;
}

static inline li_status
counting_next(li_rows *rows, const uint8_t **row)
{
    counting_rows *self = (counting_rows *)rows;
    stream_nexts++;
    if (rows->y == self->fails_at)
        return li_fail(rows->ctx, LI_E130_CORRUPT, "row %u", rows->y);
    if (rows->up)
        return li_rows_next(rows->up, row);
    memset(self->row, (int)rows->y, sizeof(self->row));
    *row = self->row;
    return LI_OK;
}

static inline li_status
counting_skip(li_rows *rows, uint32_t count)
{
    stream_skips++;
    stream_skipped += (int)count;
    return rows->up ? li_rows_skip(rows->up, count) : LI_OK;
}

static inline void
counting_close(li_rows *rows)
{
    stream_order[stream_closes++ % 8] = ((counting_rows *)rows)->number;
}

static const li_rows_ops decoder_ops = {
    .name = "decoder", .next = counting_next, .close = counting_close};
static const li_rows_ops skipping_ops = {.name = "skipping",
                                         .next = counting_next,
                                         .skip = counting_skip,
                                         .close = counting_close};
static const li_rows_ops stage_ops = {
    .name = "stage", .next = counting_next, .close = counting_close};

/* Push one; it fails at row `fails_at`, UINT32_MAX: never. */
static inline void
push_counting(li_ctx *ctx, const li_rows_ops *ops, int number, uint32_t fails_at,
              li_rows **chain)
{
    li_info info = {16, 40, LI_RGB8};
    if (li_rows_push(ctx, sizeof(counting_rows), ops, info, chain) != LI_OK)
        exit(1);
    ((counting_rows *)*chain)->number = number;
    ((counting_rows *)*chain)->fails_at = fails_at;
}

#endif
