/* stream.c: PNG rows by ourselves, for every file that is not interlaced. Layer 2.
 *
 * The pixels' bytes are inflated into a batch of whole rows that stays in the L2 cache,
 * unfiltered there in place, and handed out from there. In front of the batch is the
 * row above it. With a thread of its own for the inflation the batches come from there.
 */
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
    li_source *in;                     /* borrowed */
    const li_png_inflate_ops *inflate; /* borrowed */
    li_png_begin begin;
    li_png_idat idat; /* with `ahead`: the thread's */
    li_png_expand expand;
    li_png_unfilter *unfilter;
    uint32_t step;   /* bytes of a pixel, for the filters */
    size_t stride;   /* bytes of a row in the batch: its filter, then its samples */
    uint32_t most;   /* rows of a full batch */
    uint32_t count;  /* rows that are in it; one more in front */
    uint32_t at;     /* the next of them to hand out */
    uint8_t *batch;  /* (most + 1) × stride, slack; owned if there is no `ahead` */
    li_ahead *ahead; /* owned; NULL: all on one thread */
    uint8_t *row;    /* owned: where samples are not handed out as they are */
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
    return li_png_idat_read(&stream->idat, batch_row(stream, 0),
                            stream->count * stream->stride);
}

/* The same from the thread, which puts the row above in front, too. */
static li_status
take(png_stream *stream)
{
    uint8_t *first;
    LI_TRY(li_ahead_next(stream->ahead, &first, &stream->count));
    stream->batch = first - stream->stride;
    stream->at = 0;
    return LI_OK;
}

static li_status
next_batch(png_stream *stream, uint32_t y)
{
    LI_TRY(stream->ahead ? take(stream) : fill(stream, y));
    if (stream->unfilter(batch_row(stream, 0), stream->count, stream->stride,
                         stream->step))
        return LI_OK;
    /* A file that shrank reads as zeros: then that is the error. */
    LI_TRY(li_poll(stream->base.ctx));
    return li_fail(stream->base.ctx, LI_E130_CORRUPT,
                   "png: IDAT: bad adaptive filter value");
}

/* The last row waits in front of the batch, so that the rest of it is free. Every row
 * is there: to whom salvages, what is damaged behind them is no loss. */
static li_status
finish(png_stream *stream)
{
    uint32_t height = stream->base.info.height;
    uint8_t *last = batch_row(stream, stream->at);
    if (stream->ahead)
        return li_ahead_finish(stream->ahead);
    if (!stream->expand.row)
        memmove(stream->batch, last, stream->stride);
    li_status status = li_png_idat_finish(&stream->idat, batch_row(stream, 0),
                                          batch_bytes(stream->stride, height) -
                                              stream->stride - LI_ROW_SLACK);
    if (!stream->base.ctx->salvage || !li_is_damage(status))
        return status;
    LI_TRY(li_codec_forgive(stream->base.ctx, stream->in));
    li_codec_note_salvaged(stream->base.ctx, height, "");
    return LI_OK;
}

static li_status
stream_next(li_rows *rows, const uint8_t **row)
{
    png_stream *stream = (png_stream *)rows;
    if (stream->at == stream->count)
        LI_TRY(next_batch(stream, rows->y));
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
        *row = last && !stream->ahead ? stream->batch + 1 : samples;
    return LI_OK;
}

static li_status
stream_skip(li_rows *rows, uint32_t count)
{
    png_stream *stream = (png_stream *)rows;
    uint32_t y = rows->y;
    while (count > 0) {
        if (stream->at == stream->count)
            LI_TRY(next_batch(stream, y));
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
    if (stream->ahead) {
        li_ahead_close(&stream->ahead);
    } else {
        li_png_idat_close(&stream->idat);
        li_free(rows->ctx, &stream->batch);
    }
    li_free(rows->ctx, &stream->row);
}

static const li_rows_ops stream_ops = {
    .name = "png",
    .next = stream_next,
    .skip = stream_skip,
    .close = stream_close,
};

/* --- inflation on a thread of its own ----------------------------------------------
 */

static li_status
ahead_open(void *arg, li_ctx *ctx)
{
    png_stream *stream = arg;
    return li_png_idat_open(&stream->idat, ctx, stream->in, stream->inflate);
}

static li_status
ahead_fill(void *arg, uint8_t *to, size_t size)
{
    return li_png_idat_read(&((png_stream *)arg)->idat, to, size);
}

static li_status
ahead_finish(void *arg, uint8_t *scratch, size_t size)
{
    return li_png_idat_finish(&((png_stream *)arg)->idat, scratch, size);
}

static void
ahead_close(void *arg)
{
    li_png_idat_close(&((png_stream *)arg)->idat);
}

static li_status
open_ahead(png_stream *stream, li_ahead_use *use)
{
    li_batches batches = {.rows = stream->base.info.height,
                          .most = stream->most,
                          .stride = stream->stride,
                          .slack = SLACK_BYTES};
    li_ahead_work work = {.arg = stream,
                          .open = ahead_open,
                          .fill = ahead_fill,
                          .finish = ahead_finish,
                          .close = ahead_close,
                          .source = stream->in,
                          .bytes = stream->inflate->bytes()};
    return li_ahead_open(stream->base.ctx, &work, batches, use, &stream->ahead);
}

uint64_t
li_png_ahead_bytes(const li_header *header)
{
    /* As wide as the file's at least: transparency and palettes add channels. */
    uint64_t bits = (uint64_t)li_pixel_channels(header->pixel) * header->bit_depth;
    size_t stride = (size_t)((header->width * bits + 7) / 8 + 1);
    /* A batch and the row above it are BATCH_BYTES and a row at most, or two rows. */
    size_t half = (BATCH_BYTES + stride + 1) / 2;
    return li_ahead_bytes((li_batches){.rows = 1,
                                       .most = 1,
                                       .stride = half > stride ? half : stride,
                                       .slack = SLACK_BYTES});
}

/* --- open ------------------------------------------------------------------------- */

static li_status
stream_open(png_stream *stream, const li_header *header, li_hint hint)
{
    li_ctx *ctx = stream->base.ctx;
    li_info info = stream->base.info;
    LI_TRY(li_png_scan_again(ctx, stream->in, header, &stream->begin));
    li_png_expand_init(&stream->expand, &stream->begin, info);
    stream->unfilter = li_png_unfilter_of(ctx);
    stream->step = li_png_file_step(&stream->begin);
    stream->stride = stride_of(&stream->begin, info.width);
    stream->most = ctx->salvage ? 1 : batch_rows(stream->stride, info.height);
    if (stream->expand.row)
        LI_TRY(li_alloc(ctx, li_row_bytes(info) + LI_ROW_SLACK, 1, &stream->row));
    if (hint.ahead)
        return open_ahead(stream, hint.use);
    LI_TRY(li_alloc(ctx, batch_bytes(stream->stride, info.height), 1, &stream->batch));
    return li_png_idat_open(&stream->idat, ctx, stream->in, stream->inflate);
}

li_status
li_png_decode_stream(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
                     const li_png_inflate_ops *inflate, li_rows **rows)
{
    li_info info = li_png_info(header, hint);
    *rows = NULL;
    LI_TRY(li_rows_push(ctx, sizeof(png_stream), &stream_ops, info, rows));
    png_stream *stream = (png_stream *)*rows;
    stream->in = in;
    stream->inflate = inflate;
    li_status status = stream_open(stream, header, hint);
    if (status != LI_OK)
        li_rows_pop(rows);
    return status;
}
