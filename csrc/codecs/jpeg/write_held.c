/* write_held.c: rows and planes into the strips of held.h. Colours are converted and
 * chroma is averaged in floating point, so nothing is rounded before the transform.
 * Layer 2. */
#include "codecs/jpeg/effort.h"

#include <assert.h>
#include <string.h>

enum { CHANNELS = 3 };

/* --- rows ------------------------------------------------------------------------ */

typedef struct jpeg_held_sink {
    li_sink base;
    li_jpeg_held held;
    float *row[CHANNELS]; /* owned: the last row as Y, Cb, Cr at full size */
    uint32_t rows;        /* in the strip */
} jpeg_held_sink;

/* JFIF: Y, and Cb and Cr around 0. */
static void
convert_rgb(const uint8_t *from, uint32_t width, float *y, float *cb, float *cr)
{
    for (uint32_t x = 0; x < width; x++) {
        float r = from[3 * x], g = from[3 * x + 1], b = from[3 * x + 2];
        float luma = (0.299f * r + 0.587f * g) + 0.114f * b;
        y[x] = luma - 128;
        cb[x] = (b - luma) * 0.564334086f; /* 0.5 / (1 − 0.114) */
        cr[x] = (r - luma) * 0.713266762f; /* 0.5 / (1 − 0.299) */
    }
}

static void
convert_gray(const uint8_t *from, uint32_t width, float *y)
{
    for (uint32_t x = 0; x < width; x++)
        y[x] = (float)from[x] - 128;
}

/* The last sample goes on to the end of the blocks. */
static void
extend_row(float *row, uint32_t width, size_t stride)
{
    for (size_t x = width; x < stride; x++)
        row[x] = row[width - 1];
}

/* A chroma row's part of the means of h × v. */
static void
gather_chroma(const float *from, float *to, size_t stride, uint32_t h, float share,
              bool first)
{
    for (size_t x = 0; x < stride; x++) {
        float sum = h == 1 ? from[x] : from[2 * x] + from[2 * x + 1];
        to[x] = first ? sum * share : to[x] + sum * share;
    }
}

static li_status
append_row(jpeg_held_sink *sink)
{
    li_jpeg_held *held = &sink->held;
    const li_jpeg_frame *frame = &held->writer.choice.frame;
    uint32_t h = frame->max_h, v = frame->max_v;
    memcpy(held->strip[0] + sink->rows * held->stride[0], sink->row[0],
           held->stride[0] * sizeof(float));
    for (uint32_t p = 1; p < frame->count; p++)
        gather_chroma(sink->row[p], held->strip[p] + sink->rows / v * held->stride[p],
                      held->stride[p], h, 1.0f / (float)(h * v), sink->rows % v == 0);
    if (++sink->rows < v * DCTSIZE)
        return LI_OK;
    sink->rows = 0;
    return li_jpeg_held_strip(held);
}

static li_status
held_write(li_sink *base, const uint8_t *row)
{
    jpeg_held_sink *sink = (jpeg_held_sink *)base;
    uint32_t width = base->info.width;
    if (sink->held.writer.choice.frame.count == 1)
        convert_gray(row, width, sink->row[0]);
    else
        convert_rgb(row, width, sink->row[0], sink->row[1], sink->row[2]);
    for (uint32_t p = 0; p < sink->held.writer.choice.frame.count; p++)
        extend_row(sink->row[p], width, sink->held.stride[0]);
    return append_row(sink);
}

/* The last row goes on to the end of the blocks. */
static li_status
held_finish(li_sink *base)
{
    jpeg_held_sink *sink = (jpeg_held_sink *)base;
    while (sink->rows)
        LI_TRY(append_row(sink));
    return li_jpeg_held_finish(&sink->held);
}

static void
held_close(li_sink *base)
{
    jpeg_held_sink *sink = (jpeg_held_sink *)base;
    li_jpeg_held_close(&sink->held);
    for (uint32_t p = 0; p < CHANNELS; p++)
        li_free(base->ctx, &sink->row[p]);
}

static const li_sink_ops held_ops = {
    .name = "encode",
    .write = held_write,
    .finish = held_finish,
    .close = held_close,
};

static li_status
open_rows(jpeg_held_sink *sink)
{
    for (uint32_t p = 0; p < sink->held.writer.choice.frame.count; p++)
        LI_TRY(li_alloc(sink->base.ctx, sink->held.stride[0], sizeof(float),
                        &sink->row[p]));
    return LI_OK;
}

li_status
li_jpeg_encode_held(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
                    li_sink **sink)
{
    assert(info.pixel == LI_GRAY8 || info.pixel == LI_RGB8);
    *sink = NULL;
    LI_TRY(li_sink_new(ctx, sizeof(jpeg_held_sink), &held_ops, info, sink));
    jpeg_held_sink *self = (jpeg_held_sink *)*sink;
    self->held.writer.ctx = ctx;
    self->held.writer.owner = &self->held;
    li_status status = li_jpeg_held_open(&self->held, ctx, info, encode, out);
    if (status == LI_OK)
        status = open_rows(self);
    if (status != LI_OK)
        li_sink_close(sink);
    return status;
}

/* --- planes ---------------------------------------------------------------------- */

typedef struct jpeg_held_plane_sink {
    li_plane_sink base;
    li_jpeg_held held;
    uint32_t rows[LI_PLANES]; /* in the strips */
} jpeg_held_plane_sink;

static uint32_t
strip_rows(const jpeg_held_plane_sink *sink, uint32_t plane)
{
    return sink->held.writer.choice.frame.parts[plane].v * (uint32_t)DCTSIZE;
}

/* Fill the strips up below with their last rows. */
static li_status
flush_strips(jpeg_held_plane_sink *sink)
{
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        size_t stride = sink->held.stride[p];
        float *strip = sink->held.strip[p];
        uint32_t rows = sink->rows[p];
        for (uint32_t r = rows; r > 0 && r < strip_rows(sink, p); r++)
            memcpy(strip + r * stride, strip + (rows - 1) * stride,
                   stride * sizeof(float));
        sink->rows[p] = 0;
    }
    return li_jpeg_held_strip(&sink->held);
}

/* Chroma rows come right behind the first luma row that they stand for, so when the
 * next strip begins the last one is complete. */
static li_status
held_plane_write(li_plane_sink *base, uint32_t plane, const uint8_t *row)
{
    jpeg_held_plane_sink *sink = (jpeg_held_plane_sink *)base;
    if (plane == 0 && sink->rows[0] == strip_rows(sink, 0))
        LI_TRY(flush_strips(sink));
    uint32_t width = base->layout.plane[plane].width;
    size_t stride = sink->held.stride[plane];
    float *to = sink->held.strip[plane] + sink->rows[plane]++ * stride;
    convert_gray(row, width, to);
    extend_row(to, width, stride);
    return LI_OK;
}

static li_status
held_plane_finish(li_plane_sink *base)
{
    jpeg_held_plane_sink *sink = (jpeg_held_plane_sink *)base;
    LI_TRY(flush_strips(sink));
    return li_jpeg_held_finish(&sink->held);
}

static void
held_plane_close(li_plane_sink *base)
{
    li_jpeg_held_close(&((jpeg_held_plane_sink *)base)->held);
}

static const li_plane_sink_ops held_plane_ops = {
    .name = "encode",
    .write = held_plane_write,
    .finish = held_plane_finish,
    .close = held_plane_close,
};

li_status
li_jpeg_encode_held_planes(li_ctx *ctx, li_info info, const li_encode *encode,
                           li_out *out, li_plane_sink **sink)
{
    li_planar layout;
    *sink = NULL;
    if (!li_jpeg_takes_planes(info, encode, &layout))
        return li_fail(ctx, LI_E901_INTERNAL, "jpeg: does not take planes");
    LI_TRY(li_plane_sink_new(ctx, sizeof(jpeg_held_plane_sink), &held_plane_ops,
                             &layout, sink));
    jpeg_held_plane_sink *self = (jpeg_held_plane_sink *)*sink;
    self->held.writer.ctx = ctx;
    self->held.writer.owner = &self->held;
    self->held.writer.planes = true;
    li_status status = li_jpeg_held_open(&self->held, ctx, info, encode, out);
    if (status != LI_OK)
        li_plane_sink_close(sink);
    return status;
}

uint64_t
li_jpeg_held_writer_bytes(void)
{
    uint64_t rows = sizeof(jpeg_held_sink), planes = sizeof(jpeg_held_plane_sink);
    return LI_OUT_BYTES + 2 * LI_BLOCK_OVERHEAD + (rows > planes ? rows : planes);
}
