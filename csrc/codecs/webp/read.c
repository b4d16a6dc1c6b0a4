/* read.c: rows or planes from libwebp's incremental decoder. Layer 2.
 *
 * libwebp is fed a step of the file at a time and writes into one reservation that has
 * room for the whole picture, because a single step may bring all of it (a skipped
 * block takes no byte). Between two steps the buffer's pointers are moved so that the
 * next row lands at the reservation's beginning again: what is touched is what one step
 * brought, some hundred KB, and stays in the cache. */
#include "codecs/webp/webp.h"

#include <string.h>
#include <webp/decode.h>

/* One step: libwebp works 4 to 13 ms on 16 KiB of a photograph. If that makes more rows
 * than a few, the next step is smaller. */
enum {
    STEP_BYTES = 16 << 10,
    LEAST_STEP_BYTES = 1 << 10,
    MANY_ROWS = 64,
    FEW_ROWS = 16
};

/* --- the feed --------------------------------------------------------------------- */

typedef struct webp_feed {
    li_ctx *ctx; /* borrowed, like the next two */
    li_source *in;
    const uint8_t *data; /* the frame */
    li_webp_frame frame;
    WebPDecoderConfig config; /* libwebp keeps a pointer to it */
    WebPIDecoder *decoder;    /* owned */
    uint64_t charged;         /* owned: to be given back */
    uint8_t *block;           /* owned: the reservation */
    uint64_t fed;
    uint64_t step;
    uint32_t rows;  /* that libwebp has written */
    uint32_t first; /* the row at the reservation's beginning */
} webp_feed;

static li_status
feed_fail(webp_feed *feed, VP8StatusCode code)
{
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return li_fail(feed->ctx, LI_ENOMEM, "memory: libwebp could not allocate");
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return li_fail(feed->ctx, LI_E132_TRUNCATED,
                       "webp: the picture's %llu bytes end after row %u of %u",
                       (unsigned long long)feed->frame.size, feed->rows,
                       feed->frame.height);
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return li_fail(feed->ctx, LI_E131_DECODE,
                       "webp: libwebp does not know a feature");
    default:
        return li_fail(feed->ctx, LI_E130_CORRUPT,
                       "webp: the picture is damaged, after row %u of %u", feed->rows,
                       feed->frame.height);
    }
}

/* libwebp begins a lossless picture's tables anew until all of them are there: there
 * the steps grow with what was given in vain. */
static uint64_t
feed_step_bytes(const webp_feed *feed, uint32_t made)
{
    if (feed->rows == 0)
        return feed->frame.lossless && feed->fed / 2 > STEP_BYTES ? feed->fed / 2
                                                                  : STEP_BYTES;
    if (feed->step > STEP_BYTES)
        return STEP_BYTES;
    if (made > MANY_ROWS && feed->step > LEAST_STEP_BYTES)
        return feed->step / 2;
    return made < FEW_ROWS && feed->step < STEP_BYTES ? feed->step * 2 : feed->step;
}

/* Give libwebp one step more. */
static li_status
feed_step(webp_feed *feed)
{
    uint64_t left = feed->frame.size - feed->fed;
    if (left == 0)
        return feed_fail(feed, VP8_STATUS_SUSPENDED);
    LI_TRY(li_poll(feed->ctx));
    LI_TRY(li_poll_clock(feed->ctx));
    feed->fed += left < feed->step ? left : feed->step;
    VP8StatusCode code = WebPIUpdate(feed->decoder, feed->data, (size_t)feed->fed);
    if (code != VP8_STATUS_OK && code != VP8_STATUS_SUSPENDED)
        return feed_fail(feed, code);
    int rows = 0;
    if (!WebPIDecodedArea(feed->decoder, NULL, NULL, NULL, &rows))
        rows = 0;
    uint32_t made = (uint32_t)rows - feed->rows;
    feed->rows = (uint32_t)rows;
    feed->step = feed_step_bytes(feed, made);
    li_source_passed(feed->in, feed->frame.at + feed->fed);
    return LI_OK;
}

static void
feed_close(webp_feed *feed)
{
    if (!feed->ctx)
        return;
    if (feed->decoder)
        WebPIDelete(feed->decoder);
    feed->decoder = NULL;
    li_free(feed->ctx, &feed->block);
    li_uncharge(feed->ctx, feed->charged);
    feed->charged = 0;
}

/* The walk of the same source that inspect did, and a reservation of `bytes`. The
 * output buffer of the config is the caller's to fill; then feed_start. */
static li_status
feed_open(webp_feed *feed, li_ctx *ctx, li_source *in, const li_header *header,
          li_hint hint, uint64_t bytes)
{
    li_webp_scan scan;
    const uint8_t *all;
    feed->ctx = ctx;
    feed->in = in;
    LI_TRY(li_webp_walk(ctx, in, &scan));
    if (scan.width != header->width || scan.height != header->height ||
        scan.frame.lossless != header->lossless)
        return li_fail(ctx, LI_E103_SOURCE_CHANGED,
                       "webp: the file changed since its header was read");
    LI_TRY(li_webp_count_groups(ctx, in, &scan.frame));
    feed->frame = scan.frame;
    LI_TRY(li_source_all(in, &all));
    feed->data = all + scan.frame.at;
    feed->step = STEP_BYTES;
    uint64_t charge = li_webp_decoder_bytes(&scan);
    LI_TRY(li_charge(ctx, charge));
    feed->charged = charge;
    LI_TRY(li_alloc(ctx, bytes, 1, &feed->block));
    if (!WebPInitDecoderConfig(&feed->config))
        return li_fail(ctx, LI_E901_INTERNAL, "webp: libwebp is of another version");
    feed->config.options.bypass_filtering = hint.rough;
    feed->config.options.no_fancy_upsampling = hint.rough;
    feed->config.output.is_external_memory = 1;
    return LI_OK;
}

static li_status
feed_start(webp_feed *feed)
{
    feed->decoder = WebPIDecode(NULL, 0, &feed->config);
    return feed->decoder ? LI_OK : feed_fail(feed, VP8_STATUS_OUT_OF_MEMORY);
}

/* Where libwebp must think that row 0 is, for row `first` to be at `base`. */
static uint8_t *
row_zero(uint8_t *base, uint32_t first, size_t stride)
{
    return (uint8_t *)((uintptr_t)base - (uintptr_t)first * stride);
}

/* --- rows ------------------------------------------------------------------------- */

typedef struct webp_rows {
    li_rows base;
    webp_feed feed;
    size_t stride;   /* of a decoded row */
    uint32_t shown;  /* decoded rows handed out */
    uint8_t *canvas; /* owned: one row, if the frame does not fill the canvas */
} webp_rows;

static uint32_t
frame_channels(const li_webp_frame *frame)
{
    return frame->alpha ? 4 : 3;
}

/* The next row of the frame. */
static li_status
decoded_next(webp_rows *reader, const uint8_t **row)
{
    webp_feed *feed = &reader->feed;
    if (reader->shown == feed->rows) {
        feed->first = reader->shown;
        feed->config.output.u.RGBA.rgba =
            row_zero(feed->block, feed->first, reader->stride);
    }
    while (reader->shown == feed->rows)
        LI_TRY(feed_step(feed));
    *row = feed->block + (reader->shown - feed->first) * reader->stride;
    reader->shown++;
    return LI_OK;
}

static li_status
whole_next(li_rows *rows, const uint8_t **row)
{
    return decoded_next((webp_rows *)rows, row);
}

/* The canvas is transparent where the frame is not. */
static li_status
placed_next(li_rows *rows, const uint8_t **row)
{
    webp_rows *reader = (webp_rows *)rows;
    const li_webp_frame *frame = &reader->feed.frame;
    const uint8_t *from = NULL;
    size_t width = frame->width;
    uint8_t *to = reader->canvas + (size_t)frame->x * 4;
    *row = reader->canvas;
    if (rows->y < frame->y || rows->y - frame->y >= frame->height) {
        memset(to, 0, width * 4);
        return LI_OK;
    }
    LI_TRY(decoded_next(reader, &from));
    if (frame->alpha) {
        memcpy(to, from, width * 4);
        return LI_OK;
    }
    for (size_t x = 0; x < width; x++) {
        memcpy(to + x * 4, from + x * 3, 3);
        to[x * 4 + 3] = 255;
    }
    return LI_OK;
}

static void
rows_close(li_rows *rows)
{
    webp_rows *reader = (webp_rows *)rows;
    feed_close(&reader->feed);
    li_free(rows->ctx, &reader->canvas);
}

static const li_rows_ops whole_ops = {
    .name = "decode", .next = whole_next, .close = rows_close};
static const li_rows_ops placed_ops = {
    .name = "decode", .next = placed_next, .close = rows_close};

static li_status
rows_open(webp_rows *reader, li_source *in, const li_header *header, li_hint hint)
{
    webp_feed *feed = &reader->feed;
    li_ctx *ctx = reader->base.ctx;
    li_info info = reader->base.info;
    uint64_t bytes = li_image_bytes(info) + LI_ROW_SLACK;
    LI_TRY(feed_open(feed, ctx, in, header, hint, bytes));
    const li_webp_frame *frame = &feed->frame;
    if (frame->width != info.width || frame->height != info.height) {
        reader->base.ops = &placed_ops;
        LI_TRY(li_alloc(ctx, li_row_bytes(info) + LI_ROW_SLACK, 1, &reader->canvas));
    }
    reader->stride = (size_t)frame->width * frame_channels(frame);
    WebPDecBuffer *output = &feed->config.output;
    output->colorspace = frame->alpha ? MODE_RGBA : MODE_RGB;
    output->u.RGBA.rgba = feed->block;
    output->u.RGBA.stride = (int)reader->stride;
    output->u.RGBA.size = reader->stride * frame->height;
    return feed_start(feed);
}

li_info
li_webp_decoded(const li_header *header, li_hint hint)
{
    (void)hint; /* neither shrinks nor regions */
    return (li_info){header->width, header->height, header->pixel};
}

li_status
li_webp_decode(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
               li_rows **rows)
{
    li_info info = li_webp_decoded(header, hint);
    *rows = NULL;
    LI_TRY(li_rows_push(ctx, sizeof(webp_rows), &whole_ops, info, rows));
    li_status status = rows_open((webp_rows *)*rows, in, header, hint);
    if (status != LI_OK)
        li_rows_close(rows);
    return status;
}

/* --- planes ----------------------------------------------------------------------- */

typedef struct webp_planes {
    li_planes base;
    webp_feed feed;
    uint8_t *plane[LI_PLANES]; /* borrowed: where each begins in the reservation */
    uint32_t shown;            /* luma rows handed out: even, until all are */
} webp_planes;

/* Luma rows that may be handed out: in pairs, so that chroma rows keep up. */
static uint32_t
planes_ready(const webp_planes *reader)
{
    uint32_t rows = reader->feed.rows;
    return rows == reader->base.layout.plane[0].height ? rows : rows & ~1u;
}

static void
planes_rewind(webp_planes *reader)
{
    WebPYUVABuffer *buffer = &reader->feed.config.output.u.YUVA;
    uint32_t first = reader->shown;
    reader->feed.first = first;
    buffer->y = row_zero(reader->plane[0], first, (size_t)buffer->y_stride);
    buffer->u = row_zero(reader->plane[1], first / 2, (size_t)buffer->u_stride);
    buffer->v = row_zero(reader->plane[2], first / 2, (size_t)buffer->v_stride);
}

static li_status
planes_next(li_planes *planes, li_strip *strip)
{
    webp_planes *reader = (webp_planes *)planes;
    webp_feed *feed = &reader->feed;
    if (reader->shown == feed->rows)
        planes_rewind(reader);
    while (planes_ready(reader) == reader->shown)
        LI_TRY(feed_step(feed));
    uint32_t from = reader->shown, to = planes_ready(reader);
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        const li_plane *plane = &planes->layout.plane[p];
        uint32_t y = plane->y_den; /* 1 or 2 */
        strip->stride[p] = plane->width;
        strip->data[p] =
            reader->plane[p] + (size_t)(from / y - feed->first / y) * plane->width;
        strip->rows[p] = (to + y - 1) / y - from / y;
    }
    reader->shown = to;
    return LI_OK;
}

static void
planes_close(li_planes *planes)
{
    feed_close(&((webp_planes *)planes)->feed);
}

static const li_planes_ops planes_ops = {
    .name = "decode", .next = planes_next, .close = planes_close};

static uint64_t
plane_bytes(const li_plane *plane)
{
    return (uint64_t)plane->width * plane->height;
}

static li_status
planes_open(webp_planes *reader, li_source *in, const li_header *header, li_hint hint)
{
    const li_plane *plane = reader->base.layout.plane;
    webp_feed *feed = &reader->feed;
    uint64_t luma = plane_bytes(&plane[0]), chroma = plane_bytes(&plane[1]);
    LI_TRY(feed_open(feed, reader->base.ctx, in, header, hint,
                     luma + 2 * chroma + LI_ROW_SLACK));
    reader->plane[0] = feed->block;
    reader->plane[1] = feed->block + luma;
    reader->plane[2] = feed->block + luma + chroma;
    WebPDecBuffer *output = &feed->config.output;
    WebPYUVABuffer *buffer = &output->u.YUVA;
    output->colorspace = MODE_YUV;
    buffer->y_stride = (int)plane[0].width;
    buffer->u_stride = buffer->v_stride = (int)plane[1].width;
    buffer->y_size = luma;
    buffer->u_size = buffer->v_size = chroma;
    planes_rewind(reader);
    return feed_start(feed);
}

bool
li_webp_planar(const li_header *header, li_hint hint, li_planar *layout)
{
    (void)hint;
    if (header->chroma_x != 2)
        return false;
    *layout = li_planar_of(header->width, header->height, 2, 2);
    layout->studio = true;
    return true;
}

li_status
li_webp_decode_planes(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
                      li_planes **planes)
{
    li_planar layout;
    *planes = NULL;
    if (!li_webp_planar(header, hint, &layout))
        return li_fail(ctx, LI_E901_INTERNAL, "webp: these planes are not to be had");
    LI_TRY(li_planes_new(ctx, sizeof(webp_planes), &planes_ops, &layout, planes));
    li_status status = planes_open((webp_planes *)*planes, in, header, hint);
    if (status != LI_OK)
        li_planes_close(planes);
    return status;
}
