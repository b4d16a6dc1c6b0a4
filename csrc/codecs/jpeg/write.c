/* write.c: rows into a JPEG by libjpeg. Layer 2. */
#include "codecs/jpeg/writer.h"

#include <assert.h>

typedef struct jpeg_sink {
    li_sink base;
    li_jpeg_writer writer;
    const uint8_t *row; /* borrowed: the one being written */
} jpeg_sink;

/* May jump. */
static void
step_row(li_jpeg_writer *writer)
{
    /* The library has no const, but only reads. */
    JSAMPROW row = (JSAMPROW)(uintptr_t)((jpeg_sink *)writer->owner)->row;
    jpeg_write_scanlines(&writer->jpeg, &row, 1);
}

static li_status
jpeg_write(li_sink *base, const uint8_t *row)
{
    jpeg_sink *sink = (jpeg_sink *)base;
    sink->row = row;
    return li_jpeg_writer_try(&sink->writer, step_row);
}

static li_status
jpeg_finish(li_sink *base)
{
    return li_jpeg_writer_finish(&((jpeg_sink *)base)->writer);
}

static void
jpeg_close(li_sink *base)
{
    li_jpeg_writer_close(&((jpeg_sink *)base)->writer);
}

static const li_sink_ops jpeg_ops = {
    .name = "encode",
    .write = jpeg_write,
    .finish = jpeg_finish,
    .close = jpeg_close,
};

uint64_t
li_jpeg_writer_bytes(void)
{
    return sizeof(jpeg_sink) + LI_OUT_BYTES + 2 * LI_BLOCK_OVERHEAD;
}

li_status
li_jpeg_encode(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
               li_sink **sink)
{
    assert(info.pixel == LI_GRAY8 || info.pixel == LI_RGB8);
    if (li_jpeg_choose(info, encode).trellis)
        return li_jpeg_encode_held(ctx, info, encode, out, sink);
    *sink = NULL;
    LI_TRY(li_sink_new(ctx, sizeof(jpeg_sink), &jpeg_ops, info, sink));
    jpeg_sink *self = (jpeg_sink *)*sink;
    self->writer.ctx = ctx;
    self->writer.owner = self;
    li_status status = li_jpeg_writer_open(&self->writer, ctx, info, encode, out);
    if (status != LI_OK)
        li_sink_close(sink);
    return status;
}
