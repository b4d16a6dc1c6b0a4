/* write_planes.c: Y, Cb and Cr into a JPEG as libjpeg's raw data: neither converted nor
 * downsampled. Layer 2. */
#include "codecs/jpeg/writer.h"

#include <string.h>

enum { MOST_ROWS = 2 * DCTSIZE }; /* of a strip: two blocks, one above the other */

typedef struct jpeg_plane_sink {
    li_plane_sink base;
    li_jpeg_writer writer;
    uint32_t held[LI_PLANES];  /* rows in the strip */
    uint8_t *strip[LI_PLANES]; /* owned */
    JSAMPROW rows[LI_PLANES][MOST_ROWS];
} jpeg_plane_sink;

static uint32_t
strip_rows(const jpeg_plane_sink *sink, uint32_t plane)
{
    return sink->writer.choice.frame.parts[plane].v * (uint32_t)DCTSIZE;
}

/* Fill a strip up below with its last row. */
static void
pad_rows(jpeg_plane_sink *sink, uint32_t plane)
{
    size_t stride = li_jpeg_plane_stride(&sink->base.layout.plane[plane]);
    uint32_t held = sink->held[plane];
    for (uint32_t r = held; r > 0 && r < strip_rows(sink, plane); r++)
        memcpy(sink->rows[plane][r], sink->rows[plane][held - 1], stride);
    sink->held[plane] = 0;
}

/* May jump. */
static void
step_strip(li_jpeg_writer *writer)
{
    jpeg_plane_sink *sink = writer->owner;
    JSAMPARRAY data[LI_PLANES] = {sink->rows[0], sink->rows[1], sink->rows[2]};
    jpeg_write_raw_data(&writer->jpeg, data, strip_rows(sink, 0));
}

static li_status
flush_strip(jpeg_plane_sink *sink)
{
    for (uint32_t p = 0; p < LI_PLANES; p++)
        pad_rows(sink, p);
    return li_jpeg_writer_try(&sink->writer, step_strip);
}

/* Chroma rows come right behind the first luma row that they stand for, so when the
 * next strip begins the last one is complete. */
static li_status
jpeg_write(li_plane_sink *base, uint32_t plane, const uint8_t *row)
{
    jpeg_plane_sink *sink = (jpeg_plane_sink *)base;
    if (plane == 0 && sink->held[0] == strip_rows(sink, 0))
        LI_TRY(flush_strip(sink));
    uint32_t width = base->layout.plane[plane].width;
    size_t stride = li_jpeg_plane_stride(&base->layout.plane[plane]);
    uint8_t *to = sink->rows[plane][sink->held[plane]++];
    memcpy(to, row, width);
    memset(to + width, row[width - 1], stride - width);
    return LI_OK;
}

static li_status
jpeg_finish(li_plane_sink *base)
{
    jpeg_plane_sink *sink = (jpeg_plane_sink *)base;
    LI_TRY(flush_strip(sink));
    return li_jpeg_writer_finish(&sink->writer);
}

static void
jpeg_close(li_plane_sink *base)
{
    jpeg_plane_sink *sink = (jpeg_plane_sink *)base;
    li_jpeg_writer_close(&sink->writer);
    for (uint32_t p = 0; p < LI_PLANES; p++)
        li_free(base->ctx, &sink->strip[p]);
}

static const li_plane_sink_ops jpeg_ops = {
    .name = "encode",
    .write = jpeg_write,
    .finish = jpeg_finish,
    .close = jpeg_close,
};

static li_status
open_strips(jpeg_plane_sink *sink)
{
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        size_t stride = li_jpeg_plane_stride(&sink->base.layout.plane[p]);
        LI_TRY(li_alloc(sink->base.ctx, MOST_ROWS, stride, &sink->strip[p]));
        for (uint32_t r = 0; r < MOST_ROWS; r++)
            sink->rows[p][r] = sink->strip[p] + r * stride;
    }
    return LI_OK;
}

li_status
li_jpeg_encode_planes(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
                      li_plane_sink **sink)
{
    if (li_jpeg_choose(info, encode).trellis)
        return li_jpeg_encode_held_planes(ctx, info, encode, out, sink);
    li_planar layout;
    *sink = NULL;
    if (!li_jpeg_takes_planes(info, encode, &layout))
        return li_fail(ctx, LI_E901_INTERNAL, "jpeg: does not take planes");
    LI_TRY(li_plane_sink_new(ctx, sizeof(jpeg_plane_sink), &jpeg_ops, &layout, sink));
    jpeg_plane_sink *self = (jpeg_plane_sink *)*sink;
    self->writer.ctx = ctx;
    self->writer.owner = self;
    self->writer.planes = true;
    li_status status = li_jpeg_writer_open(&self->writer, ctx, info, encode, out);
    if (status == LI_OK)
        status = open_strips(self);
    if (status != LI_OK)
        li_plane_sink_close(sink);
    return status;
}
