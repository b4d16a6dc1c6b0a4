/* stream.c: PNG rows by ourselves, for every file that is not interlaced. Layer 2.
 *
 * The pixels' bytes are inflated into a batch of whole rows that stays in the L2 cache,
 * unfiltered there in place, and handed out from there. In front of the batch is the
 * row above it. */
#include "codecs/png/expand.h"
#include "codecs/png/idat.h"
#include "codecs/png/unfilter.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
    BATCH_BYTES = 176 << 10, /* with ISA-L's 64 KB of history below 256 KB of L2 */
    SLACK_BYTES = 64,        /* of the next row's kernels, and of ours */
    SCRATCH_BYTES = 4 << 10, /* at least, for rows that are too many */
};

typedef struct png_stream {
    li_rows base;
    li_png_begin begin;
    li_png_idat idat;
    li_png_expand expand;
    li_png_unfilter *unfilter;
    uint32_t step;  /* bytes of a pixel, for the filters */
    size_t stride;  /* bytes of a row in the batch: its filter, then its samples */
    uint32_t most;  /* rows of a full batch */
    uint32_t count; /* rows that are in it; one more in front */
    uint32_t at;    /* the next of them to hand out */
    uint8_t *batch; /* owned: (most + 1) × stride, slack */
    uint8_t *row;   /* owned: where samples are not handed out as they are */
} png_stream;

static size_t
stride_of(const li_png_begin *begin, uint32_t width)
{
    return li_png_file_row_bytes(begin, width) + 1;
}

static uint32_t
batch_rows(size_t stride, uint32_t height)
{
    size_t rows = BATCH_BYTES / stride;
    if (rows == 0)
        rows = 1;
    return rows < height ? (uint32_t)rows : height;
}

static size_t
batch_bytes(size_t stride, uint32_t height)
{
    size_t bytes = ((size_t)batch_rows(stride, height) + 1) * stride + SLACK_BYTES;
    return bytes > SCRATCH_BYTES ? bytes : SCRATCH_BYTES;
}

uint64_t
li_png_stream_bytes(li_info info, const li_png_begin *begin,
                    const li_png_inflate_ops *inflate)
{
    size_t stride = stride_of(begin, info.width);
    uint64_t row = li_png_expander(begin, info)
                       ? li_png_block_bytes(li_row_bytes(info) + LI_ROW_SLACK)
                       : 0;
    return inflate->bytes() + li_png_block_bytes(sizeof(png_stream)) +
           li_png_block_bytes(batch_bytes(stride, info.height)) + row;
}

/* --- the batch -------------------------------------------------------------------- */

static uint8_t *
batch_row(const png_stream *stream, uint32_t i)
{
    return stream->batch + (i + 1) * stream->stride;
}

/* The next rows, as many as there are: `y` are behind us. */
static li_status
fill(png_stream *stream, uint32_t y)
{
    uint32_t left = stream->base.info.height - y;
    if (stream->count > 0)
        memcpy(stream->batch, batch_row(stream, stream->count - 1), stream->stride);
    stream->at = 0;
    stream->count = left < stream->most ? left : stream->most;
    uint8_t *first = batch_row(stream, 0);
    LI_TRY(li_png_idat_read(&stream->idat, first, stream->count * stream->stride));
    if (stream->unfilter(first, stream->count, stream->stride, stream->step))
        return LI_OK;
    return li_png_walk_fail(&stream->idat.walk, LI_E130_CORRUPT,
                            "bad adaptive filter value");
}

/* The last row waits in front of the batch, so that the rest of it is free. */
static li_status
finish(png_stream *stream)
{
    uint8_t *last = batch_row(stream, stream->at);
    if (!stream->expand.row)
        memmove(stream->batch, last, stream->stride);
    return li_png_idat_finish(&stream->idat, batch_row(stream, 0),
                              batch_bytes(stream->stride, stream->base.info.height) -
                                  stream->stride - LI_ROW_SLACK);
}

static li_status
stream_next(li_rows *rows, const uint8_t **row)
{
    png_stream *stream = (png_stream *)rows;
    if (stream->at == stream->count)
        LI_TRY(fill(stream, rows->y));
    const uint8_t *samples = batch_row(stream, stream->at) + 1;
    bool last = rows->y + 1 == rows->info.height;
    if (stream->expand.row)
        stream->expand.row(&stream->expand, samples, stream->row);
    if (last)
        LI_TRY(finish(stream));
    stream->at++;
    if (stream->expand.row)
        *row = stream->row;
    else
        *row = last ? stream->batch + 1 : samples;
    return LI_OK;
}

static li_status
stream_skip(li_rows *rows, uint32_t count)
{
    png_stream *stream = (png_stream *)rows;
    uint32_t y = rows->y;
    while (count > 0) {
        if (stream->at == stream->count)
            LI_TRY(fill(stream, y));
        uint32_t some = stream->count - stream->at;
        if (some > count)
            some = count;
        stream->at += some;
        count -= some;
        y += some;
    }
    if (y < rows->info.height)
        return LI_OK;
    stream->at--;
    LI_TRY(finish(stream));
    stream->at++;
    return LI_OK;
}

static void
stream_close(li_rows *rows)
{
    png_stream *stream = (png_stream *)rows;
    li_png_idat_close(&stream->idat);
    li_free(rows->ctx, &stream->batch);
    li_free(rows->ctx, &stream->row);
}

static const li_rows_ops stream_ops = {
    .name = "png",
    .next = stream_next,
    .skip = stream_skip,
    .close = stream_close,
};

static li_status
stream_open(png_stream *stream, li_source *in, const li_header *header,
            const li_png_inflate_ops *inflate)
{
    li_ctx *ctx = stream->base.ctx;
    li_info info = stream->base.info;
    LI_TRY(li_png_scan_again(ctx, in, header, &stream->begin));
    li_png_expand_init(&stream->expand, &stream->begin, info);
    stream->unfilter = li_png_unfilter_of(ctx);
    stream->step = li_png_file_step(&stream->begin);
    stream->stride = stride_of(&stream->begin, info.width);
    stream->most = batch_rows(stream->stride, info.height);
    LI_TRY(li_alloc(ctx, batch_bytes(stream->stride, info.height), 1, &stream->batch));
    if (stream->expand.row)
        LI_TRY(li_alloc(ctx, li_row_bytes(info) + LI_ROW_SLACK, 1, &stream->row));
    return li_png_idat_open(&stream->idat, ctx, in, inflate);
}

li_status
li_png_decode_stream(li_ctx *ctx, li_source *in, const li_header *header,
                     const li_png_inflate_ops *inflate, li_rows **rows)
{
    li_info info = {header->width, header->height, header->pixel};
    *rows = NULL;
    LI_TRY(li_rows_push(ctx, sizeof(png_stream), &stream_ops, info, rows));
    li_status status = stream_open((png_stream *)*rows, in, header, inflate);
    if (status != LI_OK)
        li_rows_pop(rows);
    return status;
}
