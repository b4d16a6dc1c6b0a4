/* write.c: rows, or planes as they are, to an AVIF by libavif and libaom on this
 * thread. Layer 2.
 *
 * The planes are filled as rows come. The encoding is one call at the end; of a large
 * picture it is one for each cell of a grid, as soon as its rows are there. Nothing can
 * interrupt such a call. Colours are BT.709 primaries and the sRGB curve (CICP 1/13) if
 * nothing else is said, and the BT.601 matrix (6) over the full range, or no matrix
 * where nothing may be lost. */
#include "codecs/avif/write.h"

#include <string.h>

/* --- the encoder ------------------------------------------------------------------ */

typedef struct avif_writer {
    li_ctx *ctx;      /* borrowed */
    li_out *out;      /* borrowed */
    avifImage *image; /* owned: the picture, or the band of its rows in work */
    avif_grid *grid;  /* owned; NULL: the picture is encoded as one */
    uint32_t first;   /* row of the picture that is the image's first */
    li_encode encode;
    uint64_t charged;
} avif_writer;

static void
writer_close(avif_writer *writer)
{
    li_avif_grid_close(&writer->grid);
    if (writer->image)
        avifImageDestroy(writer->image);
    writer->image = NULL;
    li_uncharge(writer->ctx, writer->charged);
    writer->charged = 0;
}

/* A grid's cells are charged one by one. */
static li_status
writer_reserve(avif_writer *writer, li_info info, avif_cells cells)
{
    const li_encode *encode = &writer->encode;
    uint64_t bytes = cells.columns ? 0 : li_avif_still_bytes(info, encode, cells);
    uint64_t copies = cells.columns ? 1 : 3; /* its own, and those in its file */
    if (encode->metadata)
        bytes = li_sat_add(bytes, copies * li_metadata_total(encode->metadata));
    return bytes ? li_avif_reserve(writer->ctx, bytes, &writer->charged) : LI_OK;
}

/* A profile says all: numbers beside it would say something else. */
static void
set_colours(avifImage *image, const li_encode *encode, bool plain)
{
    static const li_cicp srgb = {.primaries = 1, .transfer = 13},
                         unspecified = {.primaries = 2, .transfer = 2};
    const li_cicp *cicp = encode->cicp.primaries ? &encode->cicp : &srgb;
    if (encode->metadata && encode->metadata->icc)
        cicp = &unspecified;
    image->yuvRange = AVIF_RANGE_FULL;
    image->colorPrimaries = (avifColorPrimaries)cicp->primaries;
    image->transferCharacteristics = (avifTransferCharacteristics)cicp->transfer;
    image->matrixCoefficients =
        plain ? AVIF_MATRIX_COEFFICIENTS_IDENTITY : AVIF_MATRIX_COEFFICIENTS_BT601;
}

static li_status
add_planes(avif_writer *writer, li_info info, avif_cells cells)
{
    if (cells.columns)
        return li_avif_grid_open(writer->ctx, info, &writer->encode, writer->image,
                                 writer->out, &writer->grid);
    bool alpha = li_pixel_has_alpha(info.pixel);
    avifResult result = avifImageAllocatePlanes(writer->image, alpha ? AVIF_PLANES_ALL
                                                                     : AVIF_PLANES_YUV);
    return result == AVIF_RESULT_OK
               ? LI_OK
               : li_avif_fail(writer->ctx, result, NULL, LI_E299_ENCODE_INTERNAL);
}

/* What libavif reads unless it is told otherwise, and so browsers do. */
static li_status
check_size(li_ctx *ctx, li_info info)
{
    if (info.width > LI_AVIF_SIDE || info.height > LI_AVIF_SIDE)
        return li_fail(ctx, LI_E300_ENCODE,
                       "avif: %ux%u has a side over the %d that readers take",
                       info.width, info.height, LI_AVIF_SIDE);
    if ((uint64_t)info.width * info.height > LI_AVIF_PIXELS)
        return li_fail(ctx, LI_E300_ENCODE,
                       "avif: %ux%u is over the %d pixels that readers take",
                       info.width, info.height, LI_AVIF_PIXELS);
    return LI_OK;
}

static li_status
writer_open(avif_writer *writer, li_ctx *ctx, li_info info, const li_encode *encode,
            li_out *out)
{
    avif_cells cells = li_avif_cells(info, encode);
    writer->ctx = ctx;
    writer->out = out;
    writer->encode = *encode;
    LI_TRY(check_size(ctx, info));
    LI_TRY(writer_reserve(writer, info, cells));
    writer->image =
        avifImageCreate(info.width, info.height, li_avif_depth(info.pixel, encode),
                        li_avif_format(info, encode));
    if (!writer->image)
        return li_fail(ctx, LI_ENOMEM, "avif: no memory for a picture");
    set_colours(writer->image, encode,
                encode->lossless && !li_pixel_is_gray(info.pixel));
    LI_TRY(li_avif_set_metadata(ctx, writer->image, encode->metadata));
    return add_planes(writer, info, cells);
}

/* The image's planes are full. */
static li_status
writer_turn(avif_writer *writer)
{
    uint32_t rows = writer->image->height;
    if (!writer->grid)
        return LI_OK;
    LI_TRY(li_avif_grid_band(writer->grid));
    writer->first += rows;
    return LI_OK;
}

static li_status
writer_finish(avif_writer *writer)
{
    avifRWData data = AVIF_DATA_EMPTY;
    avif_effort effort = {li_avif_quality(&writer->encode),
                          li_avif_speed(&writer->encode)};
    LI_TRY(li_poll_clock(writer->ctx));
    if (writer->grid)
        return li_avif_grid_finish(writer->grid);
    li_status status = li_avif_encode_image(writer->ctx, writer->image, effort, &data);
    /* The encoder's heap is gone; so are the planes before the output grows. */
    avifImageFreePlanes(writer->image, AVIF_PLANES_ALL);
    if (status == LI_OK)
        status = li_avif_hand_on(writer->ctx, writer->out, data.data, data.size);
    avifRWDataFree(&data);
    return status;
}

/* --- rows ------------------------------------------------------------------------- */

typedef struct avif_sink {
    li_sink base;
    avif_writer writer;
    uint8_t *held; /* owned, 4:2:0: the row above this one, if y is odd */
} avif_sink;

static uint8_t *
plane_at(const avifImage *image, int plane, uint32_t y)
{
    return image->yuvPlanes[plane] + (size_t)y * image->yuvRowBytes[plane];
}

static li_status
sink_write(li_sink *base, const uint8_t *row)
{
    avif_sink *sink = (avif_sink *)base;
    avifImage *image = sink->writer.image;
    uint32_t channels = li_pixel_channels(base->info.pixel);
    uint32_t y = base->y - sink->writer.first;
    if (li_pixel_is_deep(base->info.pixel))
        li_avif_deep_fill(image, y, (const uint16_t *)(const void *)row,
                          (uint16_t *)(void *)sink->held, channels);
    else
        li_avif_fill(image, y, row, sink->held, channels);
    return y + 1 == image->height ? writer_turn(&sink->writer) : LI_OK;
}

static li_status
sink_finish(li_sink *base)
{
    return writer_finish(&((avif_sink *)base)->writer);
}

static void
sink_close(li_sink *base)
{
    avif_sink *sink = (avif_sink *)base;
    li_free(base->ctx, &sink->held);
    if (sink->writer.ctx)
        writer_close(&sink->writer);
}

static const li_sink_ops sink_ops = {
    .name = "avif",
    .write = sink_write,
    .finish = sink_finish,
    .close = sink_close,
};

li_status
li_avif_encode(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
               li_sink **sink)
{
    *sink = NULL;
    if (info.pixel == LI_CMYK8)
        return li_fail(ctx, LI_E300_ENCODE, "avif: cannot write %s",
                       li_pixel_name(info.pixel));
    LI_TRY(li_sink_new(ctx, sizeof(avif_sink), &sink_ops, info, sink));
    avif_sink *own = (avif_sink *)*sink;
    li_status status = writer_open(&own->writer, ctx, info, encode, out);
    if (status == LI_OK)
        status = li_alloc(ctx, li_row_bytes(info), 1, &own->held);
    if (status != LI_OK)
        li_sink_close(sink);
    return status;
}

/* --- planes ----------------------------------------------------------------------- */

typedef struct avif_plane_sink {
    li_plane_sink base;
    avif_writer writer;
} avif_plane_sink;

static uint32_t
first_of(const avif_plane_sink *sink, uint32_t plane)
{
    const li_plane *shape = &sink->base.layout.plane[plane];
    return (uint32_t)((uint64_t)sink->writer.first * shape->y_num / shape->y_den);
}

/* Are all rows of the image there, once one more of `plane` is? */
static bool
is_full(const avif_plane_sink *sink, uint32_t plane)
{
    uint32_t end = sink->writer.first + sink->writer.image->height;
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        const li_plane *shape = &sink->base.layout.plane[p];
        uint64_t rows = sink->base.y[p] + (p == plane ? 1 : 0);
        if (rows < shape->height && rows * shape->y_den < (uint64_t)end * shape->y_num)
            return false;
    }
    return true;
}

static li_status
planes_write(li_plane_sink *base, uint32_t plane, const uint8_t *row)
{
    avif_plane_sink *sink = (avif_plane_sink *)base;
    const avifImage *image = sink->writer.image;
    memcpy(plane_at(image, (int)plane, base->y[plane] - first_of(sink, plane)), row,
           base->layout.plane[plane].width);
    return is_full(sink, plane) ? writer_turn(&sink->writer) : LI_OK;
}

static li_status
planes_finish(li_plane_sink *base)
{
    return writer_finish(&((avif_plane_sink *)base)->writer);
}

static void
planes_close(li_plane_sink *base)
{
    avif_plane_sink *sink = (avif_plane_sink *)base;
    if (sink->writer.ctx)
        writer_close(&sink->writer);
}

static const li_plane_sink_ops plane_ops = {
    .name = "avif",
    .write = planes_write,
    .finish = planes_finish,
    .close = planes_close,
};

bool
li_avif_takes_planes(li_info info, const li_encode *encode, li_planar *layout)
{
    avifPixelFormatInfo format;
    if (info.pixel != LI_RGB8 || encode->lossless)
        return false;
    avifGetPixelFormatInfo(li_avif_format(info, encode), &format);
    *layout = li_planar_of(info.width, info.height, (uint8_t)(1 << format.chromaShiftX),
                           (uint8_t)(1 << format.chromaShiftY));
    return true;
}

li_status
li_avif_encode_planes(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
                      li_plane_sink **sink)
{
    li_planar layout;
    *sink = NULL;
    if (!li_avif_takes_planes(info, encode, &layout))
        return li_fail(ctx, LI_E901_INTERNAL, "avif: planes are not taken for this");
    LI_TRY(li_plane_sink_new(ctx, sizeof(avif_plane_sink), &plane_ops, &layout, sink));
    avif_plane_sink *own = (avif_plane_sink *)*sink;
    li_status status = writer_open(&own->writer, ctx, info, encode, out);
    if (status != LI_OK)
        li_plane_sink_close(sink);
    return status;
}
