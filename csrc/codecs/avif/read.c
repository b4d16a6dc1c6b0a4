/* read.c: a frame by libavif and dav1d on this thread, then its planes as rows of
 * pixels or as they are. Layer 2.
 *
 * The frame is decoded when the stream is opened, in one call that nothing can
 * interrupt: a cancelled job ends behind it, or behind a grid's cell. */
#include "codecs/avif/convert.h"

#include <string.h>

/* --- the frame -------------------------------------------------------------------- */

typedef struct avif_frame {
    li_ctx *ctx;          /* borrowed */
    avifDecoder *decoder; /* owned: the planes are its */
    uint64_t charged;
    bool cut; /* the file ends in a box */
} avif_frame;

static void
frame_close(avif_frame *frame)
{
    if (frame->decoder)
        avifDecoderDestroy(frame->decoder);
    frame->decoder = NULL;
    li_uncharge(frame->ctx, frame->charged);
    frame->charged = 0;
}

/* libavif before 1.1 aborts where malloc fails: see first that there is as much. */
static li_status
frame_reserve(avif_frame *frame, const li_header *header)
{
    uint64_t bytes = li_sat_add(header->held_bytes, header->work_bytes);
    void *probe = NULL;
    LI_TRY(li_alloc(frame->ctx, bytes, 1, &probe));
    li_free(frame->ctx, &probe);
    LI_TRY(li_charge(frame->ctx, bytes));
    frame->charged = bytes;
    return LI_OK;
}

static uint32_t
limit_of(uint64_t limit, uint32_t most)
{
    return limit == 0 || limit > most ? most : (uint32_t)limit;
}

/* The engine has checked the header against the limits; this is the second belt. */
void
li_avif_configure(avifDecoder *decoder, const li_limits *limits)
{
    bool dav1d = avifCodecName(AVIF_CODEC_CHOICE_DAV1D, AVIF_CODEC_FLAG_CAN_DECODE);
    decoder->codecChoice = dav1d ? AVIF_CODEC_CHOICE_DAV1D : AVIF_CODEC_CHOICE_AUTO;
    decoder->maxThreads = 1;
    decoder->ignoreExif = AVIF_TRUE;
    decoder->ignoreXMP = AVIF_TRUE;
    decoder->imageSizeLimit =
        limit_of(limits->max_pixels, AVIF_DEFAULT_IMAGE_SIZE_LIMIT);
    decoder->imageDimensionLimit = limit_of(limits->max_side, UINT32_MAX);
    decoder->imageCountLimit = LI_AVIF_FRAMES;
    /* Old encoders leave pixi or the alpha's ispe out; clap is not applied. */
    decoder->strictFlags = AVIF_STRICT_DISABLED;
}

/* What an older libavif cannot parse may be valid; in a file that is cut it is that. */
static li_status
frame_fail(const avif_frame *frame, avifResult result)
{
    if (frame->cut && result == AVIF_RESULT_BMFF_PARSE_FAILED)
        result = AVIF_RESULT_TRUNCATED_DATA;
    return li_avif_fail(frame->ctx, result, &frame->decoder->diag, LI_E130_CORRUPT);
}

static li_status
frame_parse(avif_frame *frame, li_source *in)
{
    avifDecoder *decoder = frame->decoder;
    const uint8_t *data;
    LI_TRY(li_source_all(in, &data));
    avifResult result = avifDecoderSetIOMemory(decoder, data, (size_t)in->size);
    if (result == AVIF_RESULT_OK)
        result = avifDecoderParse(decoder);
    if (result != AVIF_RESULT_OK)
        return frame_fail(frame, result);
    return LI_OK;
}

/* The header was read by our own scan: what is decoded must be what it says. */
static li_status
frame_match(avif_frame *frame, const li_header *header)
{
    const avifImage *image = frame->decoder->image;
    bool gray = image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400;
    if (image->width == header->width && image->height == header->height &&
        gray == li_pixel_is_gray(header->pixel) && image->yuvPlanes[0] &&
        image->depth == header->bit_depth)
        return LI_OK;
    return li_fail(frame->ctx, LI_E130_CORRUPT,
                   "avif: the header says %ux%u %s of %d bits, the frame is %ux%u %s "
                   "of %u bits",
                   header->width, header->height, li_pixel_name(header->pixel),
                   header->bit_depth, image->width, image->height,
                   avifPixelFormatToString(image->yuvFormat), image->depth);
}

/* A cell's share of what is charged is charged again with each cell. */
static li_status
frame_decode(avif_frame *frame, li_source *in, const avif_found *found)
{
    if (found->by_cells) {
        uint64_t canvas = li_avif_canvas_bytes(found);
        uint64_t cell = frame->charged > canvas ? frame->charged - canvas : 0;
        li_uncharge(frame->ctx, cell);
        frame->charged -= cell;
        return li_avif_put_together(frame->ctx, in, found, frame->decoder->image, cell);
    }
    avifResult result = avifDecoderNextImage(frame->decoder);
    if (result != AVIF_RESULT_OK)
        return frame_fail(frame, result);
    return LI_OK;
}

/* The boxes as inspect saw them. A file that does not have all of the picture is
 * looked at, but not decoded. */
static li_status
frame_scan(avif_frame *frame, li_source *in, avif_found *found)
{
    LI_TRY(li_avif_scan(frame->ctx, in, found));
    frame->cut = found->cut;
    if (found->picture_end <= in->size)
        return LI_OK;
    return li_fail(frame->ctx, LI_E132_TRUNCATED,
                   "avif: the file ends at byte %llu, its picture at byte %llu",
                   (unsigned long long)in->size,
                   (unsigned long long)found->picture_end);
}

static li_status
frame_open(avif_frame *frame, li_source *in, const li_header *header)
{
    avif_found found = {0};
    LI_TRY(frame_scan(frame, in, &found));
    LI_TRY(frame_reserve(frame, header));
    frame->decoder = avifDecoderCreate();
    if (!frame->decoder)
        return li_fail(frame->ctx, LI_ENOMEM, "avif: no memory for a decoder");
    li_avif_configure(frame->decoder, &frame->ctx->limits);
    LI_TRY(frame_parse(frame, in));
    LI_TRY(li_poll(frame->ctx));
    LI_TRY(frame_decode(frame, in, &found));
    return frame_match(frame, header);
}

/* --- rows ------------------------------------------------------------------------- */

typedef struct avif_rows {
    li_rows base;
    avif_frame frame;
    avif_converter *converter; /* owned: one of the two */
    avif_deep *deep;
} avif_rows;

static li_status
avif_next(li_rows *rows, const uint8_t **row)
{
    avif_rows *reader = (avif_rows *)rows;
    if (reader->deep)
        return li_avif_deep_row(reader->deep, rows->y, row);
    return li_avif_convert(reader->converter, rows->y, row);
}

static li_status
avif_skip(li_rows *rows, uint32_t count)
{
    (void)rows; /* the frame is there already */
    (void)count;
    return LI_OK;
}

static void
avif_close(li_rows *rows)
{
    avif_rows *reader = (avif_rows *)rows;
    li_avif_converter_close(&reader->converter);
    li_avif_deep_close(&reader->deep);
    frame_close(&reader->frame);
}

static const li_rows_ops rows_ops = {
    .name = "avif",
    .next = avif_next,
    .skip = avif_skip,
    .close = avif_close,
};

li_status
li_avif_decode(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
               li_rows **rows)
{
    li_info info = li_avif_info(header, hint);
    *rows = NULL;
    LI_TRY(li_rows_push(ctx, sizeof(avif_rows), &rows_ops, info, rows));
    avif_rows *reader = (avif_rows *)*rows;
    reader->frame.ctx = ctx;
    li_status status = frame_open(&reader->frame, in, header);
    const avifImage *image = status == LI_OK ? reader->frame.decoder->image : NULL;
    if (image && image->depth > 8)
        status = li_avif_deep_open(ctx, image, info, &reader->deep);
    else if (image)
        status = li_avif_converter(ctx, image, info, &reader->converter);
    if (status != LI_OK)
        li_rows_pop(rows);
    return status;
}

avifDecoder *
li_avif_decoder(const li_rows *rows)
{
    return ((const avif_rows *)rows)->frame.decoder;
}

/* --- planes ----------------------------------------------------------------------- */

/* Two strips: all but the last rows, which lie in the frame, and a copy of those, as
 * nothing need lie behind them there. */
typedef struct avif_planes {
    li_planes base;
    avif_frame frame;
    uint32_t strips; /* handed out */
    uint8_t *ends;   /* owned: the last rows of each plane */
} avif_planes;

/* So many that LI_ROW_SLACK bytes lie behind the row before them. */
static uint32_t
end_rows(uint32_t stride, uint32_t height)
{
    uint32_t rows = 1 + LI_ROW_SLACK / (stride ? stride : 1);
    return rows < height ? rows : height;
}

static size_t
end_stride(const li_plane *plane)
{
    return (size_t)plane->width + LI_ROW_SLACK;
}

static void
fill_strip(avif_planes *reader, li_strip *strip)
{
    const avifImage *image = reader->frame.decoder->image;
    const uint8_t *ends = reader->ends;
    bool first = reader->strips++ == 0;
    for (int p = 0; p < LI_PLANES; p++) {
        const li_plane *plane = &reader->base.layout.plane[p];
        uint32_t last = end_rows(image->yuvRowBytes[p], plane->height);
        strip->data[p] = first ? image->yuvPlanes[p] : ends;
        strip->stride[p] = first ? image->yuvRowBytes[p] : end_stride(plane);
        strip->rows[p] = first ? plane->height - last : last;
        ends += end_stride(plane) * last;
    }
}

static li_status
planes_next(li_planes *planes, li_strip *strip)
{
    do /* all of a small picture is its end */
        fill_strip((avif_planes *)planes, strip);
    while (strip->rows[0] + strip->rows[1] + strip->rows[2] == 0);
    return LI_OK;
}

static void
planes_close(li_planes *planes)
{
    avif_planes *reader = (avif_planes *)planes;
    li_free(planes->ctx, &reader->ends);
    frame_close(&reader->frame);
}

static const li_planes_ops planes_ops = {
    .name = "avif",
    .next = planes_next,
    .close = planes_close,
};

/* What was promised is what the container says; the frame must agree. */
static li_status
planes_match(avif_planes *reader)
{
    const avifImage *image = reader->frame.decoder->image;
    const li_planar *layout = &reader->base.layout;
    avifPixelFormatInfo format;
    avifGetPixelFormatInfo(image->yuvFormat, &format);
    uint32_t x = 1u << format.chromaShiftX, y = 1u << format.chromaShiftY;
    if (image->depth == 8 && x == layout->plane[1].x_den &&
        y == layout->plane[1].y_den &&
        layout->studio == (image->yuvRange == AVIF_RANGE_LIMITED))
        return LI_OK;
    return li_fail(reader->base.ctx, LI_E130_CORRUPT,
                   "avif: the frame's planes are not those that its header says");
}

static li_status
planes_keep_ends(avif_planes *reader)
{
    const avifImage *image = reader->frame.decoder->image;
    const li_planar *layout = &reader->base.layout;
    uint64_t size = 0;
    for (int p = 0; p < LI_PLANES; p++)
        size += end_stride(&layout->plane[p]) *
                (uint64_t)end_rows(image->yuvRowBytes[p], layout->plane[p].height);
    LI_TRY(li_alloc(reader->base.ctx, size, 1, &reader->ends));
    uint8_t *to = reader->ends;
    for (int p = 0; p < LI_PLANES; p++) {
        const li_plane *plane = &layout->plane[p];
        uint32_t stride = image->yuvRowBytes[p], rows = end_rows(stride, plane->height);
        for (uint32_t y = plane->height - rows; y < plane->height; y++) {
            memcpy(to, image->yuvPlanes[p] + (size_t)y * stride, plane->width);
            to += end_stride(plane);
        }
    }
    return LI_OK;
}

li_status
li_avif_decode_planes(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
                      li_planes **planes)
{
    li_planar layout;
    *planes = NULL;
    if (!li_avif_planar(header, hint, &layout))
        return li_fail(ctx, LI_E901_INTERNAL, "avif: no planes of this picture");
    LI_TRY(li_planes_new(ctx, sizeof(avif_planes), &planes_ops, &layout, planes));
    avif_planes *reader = (avif_planes *)*planes;
    reader->frame.ctx = ctx;
    li_status status = frame_open(&reader->frame, in, header);
    if (status == LI_OK)
        status = planes_match(reader);
    if (status == LI_OK)
        status = planes_keep_ends(reader);
    if (status != LI_OK)
        li_planes_close(planes);
    return status;
}
