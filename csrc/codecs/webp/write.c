/* write.c: rows or planes into libwebp's picture, and that encoded when it is whole:
 * libwebp does not stream. Layer 2.
 *
 * Lossy pictures are kept as the planes that libwebp wants, 1.5 bytes a pixel; lossless
 * and smart subsampling want ARGB, 4 bytes. Of a lossy picture with alpha libwebp makes
 * the rest: the container and the ALPH chunk before its own come from here. */
#include "codecs/webp/alpha.h"
#include "codecs/webp/webp.h"
#include "codecs/webp/yuv.h"

#include <string.h>
#include <webp/encode.h>

enum { RIFF_BYTES = 12, CHUNK_BYTES = 8, CANVAS_BYTES = 10 };

/* What both sinks share. */
typedef struct webp_job {
    li_ctx *ctx; /* borrowed, like the next */
    li_out *out;
    WebPConfig config;
    WebPPicture picture;         /* its samples are `block` */
    uint8_t *block;              /* owned */
    uint64_t charged;            /* owned: to be given back */
    li_webp_alpha *alpha;        /* owned; NULL: none, or libwebp's business */
    const li_metadata *metadata; /* borrowed; NULL: none */
    size_t head_size; /* of libwebp's first bytes, which are kept back for either */
    uint8_t head[RIFF_BYTES + CHUNK_BYTES + CANVAS_BYTES];
    bool codes_alpha; /* by ourselves */
    bool watched;     /* the rest: see li_webp_watches */
    bool heavy;       /* it was told to begin again */
    uint64_t step;
    li_webp_heap heap;
} webp_job;

typedef struct webp_sink {
    li_sink base;
    webp_job job;
    uint8_t *above; /* owned: the first row of a pair */
    void *work;     /* owned: of the converter */
} webp_sink;

typedef struct webp_plane_sink {
    li_plane_sink base;
    webp_job job;
} webp_plane_sink;

/* --- the job ---------------------------------------------------------------------- */

static void
put_number(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

/* How much of libwebp's file is kept back: enough to know what the picture is. */
static size_t
job_head_bytes(const webp_job *job)
{
    enum { PLAIN = RIFF_BYTES + CHUNK_BYTES, LOSSLESS_BYTES = 5 };
    const uint8_t *type = job->head + RIFF_BYTES;
    if (job->head_size < PLAIN)
        return PLAIN;
    if (memcmp(type, "VP8X", 4) == 0)
        return PLAIN + CANVAS_BYTES;
    return memcmp(type, "VP8L", 4) == 0 ? PLAIN + LOSSLESS_BYTES : PLAIN;
}

/* What it is, with the chunk of alpha that comes from here. */
static li_canvas
job_canvas(const webp_job *job)
{
    enum { ALPHA_FLAG = 0x10 }; /* both of VP8X and of the fifth byte of VP8L */
    const uint8_t *type = job->head + RIFF_BYTES, *body = type + CHUNK_BYTES;
    li_canvas canvas = {.width = (uint32_t)job->picture.width,
                        .height = (uint32_t)job->picture.height,
                        .picture = (uint64_t)li_webp_le32(job->head + 4) - 4};
    if (memcmp(type, "VP8X", 4) == 0) {
        canvas.picture -= CHUNK_BYTES + CANVAS_BYTES;
        canvas.alpha = body[0] & ALPHA_FLAG;
    } else if (memcmp(type, "VP8L", 4) == 0) {
        canvas.alpha = body[4] & ALPHA_FLAG;
    }
    if (job->alpha) {
        uint64_t own = li_webp_alpha_size(job->alpha);
        canvas.picture += CHUNK_BYTES + own + (own & 1);
        canvas.alpha = true;
    }
    return canvas;
}

static li_status
job_write_alpha(webp_job *job)
{
    static const uint8_t zero = 0;
    uint64_t own = li_webp_alpha_size(job->alpha);
    uint8_t head[] = "ALPH----";
    if (memcmp(job->head + RIFF_BYTES, "VP8 ", 4) != 0)
        return li_fail(job->ctx, LI_E901_INTERNAL, "webp: libwebp's file is not plain");
    put_number(head + 4, own, 4);
    LI_TRY(li_out_write(job->out, head, CHUNK_BYTES));
    LI_TRY(li_webp_alpha_write(job->alpha, job->out));
    return own & 1 ? li_out_write(job->out, &zero, 1) : LI_OK;
}

/* The head of an extended file, our chunk of alpha, and what was kept of libwebp's
 * picture. */
static li_status
job_write_head(webp_job *job)
{
    static const li_metadata none = {0};
    li_canvas canvas = job_canvas(job);
    size_t behind = RIFF_BYTES;
    if (memcmp(job->head + RIFF_BYTES, "VP8X", 4) == 0)
        behind = job->head_size;
    LI_TRY(li_metadata_webp_head(job->metadata ? job->metadata : &none, &canvas,
                                 job->out));
    if (job->alpha)
        LI_TRY(job_write_alpha(job));
    return li_out_write(job->out, job->head + behind, job->head_size - behind);
}

/* Keep libwebp's first bytes back; gives how many it took. */
static size_t
job_take_head(webp_job *job, const uint8_t *data, size_t size)
{
    size_t taken = 0;
    for (; taken < size && job->head_size < job_head_bytes(job); taken++)
        job->head[job->head_size++] = data[taken];
    return taken;
}

static int
job_write(const uint8_t *data, size_t size, const WebPPicture *picture)
{
    webp_job *job = picture->custom_ptr;
    job->watched = false; /* it has all that it needs, and cannot begin again */
    bool extends = job->alpha || job->metadata;
    if (extends && job->head_size < job_head_bytes(job)) {
        size_t taken = job_take_head(job, data, size);
        data += taken;
        size -= taken;
        if (job->head_size == job_head_bytes(job) && job_write_head(job) != LI_OK)
            return 0;
    }
    while (size > 0) {
        size_t piece = size < LI_OUT_BYTES ? size : LI_OUT_BYTES;
        if (li_out_write(job->out, data, piece) != LI_OK)
            return 0;
        data += piece;
        size -= piece;
    }
    return 1;
}

/* May the next step take more than was charged? Blocks of other threads that are no
 * such encoders count, too, which errs on the side of care; what they free meanwhile
 * hides as much. */
static bool
job_is_heavy(webp_job *job)
{
    job->heavy = li_webp_heap_is_full(&job->heap, job->step);
    return job->heavy;
}

/* libwebp calls this about a hundred times a picture. */
static int
job_progress(int percent, const WebPPicture *picture)
{
    (void)percent;
    webp_job *job = picture->user_data;
    /* libwebp's first pass of low_memory goes on after a no: it must hear it again. */
    if (job->ctx->status != LI_OK || li_poll(job->ctx) != LI_OK ||
        li_poll_clock(job->ctx) != LI_OK)
        return 0;
    return !job->watched || !job_is_heavy(job);
}

static li_status
job_fail(webp_job *job)
{
    li_ctx *ctx = job->ctx;
    if (ctx->status != LI_OK) /* the poll's or the output's */
        return ctx->status;
    switch (job->picture.error_code) {
    case VP8_ENC_OK: /* it failed without a word */
    case VP8_ENC_ERROR_OUT_OF_MEMORY:
    case VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY:
        return li_fail(ctx, LI_ENOMEM, "memory: libwebp could not allocate");
    case VP8_ENC_ERROR_PARTITION0_OVERFLOW:
    case VP8_ENC_ERROR_PARTITION_OVERFLOW:
    case VP8_ENC_ERROR_FILE_TOO_BIG:
        return li_fail(ctx, LI_E300_ENCODE,
                       "webp: %dx%d at quality %d needs more than the 16 MiB that the "
                       "format can hold",
                       job->picture.width, job->picture.height,
                       (int)job->config.quality);
    default:
        return li_fail(ctx, LI_E300_ENCODE, "webp: libwebp's error %d",
                       (int)job->picture.error_code);
    }
}

/* Take the plane of alpha from libwebp: code it, unless it is opaque throughout. */
static li_status
job_plan_alpha(webp_job *job)
{
    WebPPicture *picture = &job->picture;
    uint32_t width = (uint32_t)picture->width, height = (uint32_t)picture->height;
    if (!job->codes_alpha)
        return LI_OK;
    if (picture->use_argb && !WebPPictureSharpARGBToYUVA(picture))
        return job_fail(job);
    uint8_t *plane = picture->a;
    if (!plane)
        return LI_OK;
    if (picture->a_stride != picture->width)
        return li_fail(job->ctx, LI_E901_INTERNAL, "webp: libwebp's plane has gaps");
    WebPCleanupTransparentArea(picture); /* what nobody sees shall cost little */
    picture->a = NULL;
    picture->a_stride = 0;
    picture->colorspace = WEBP_YUV420;
    if (!li_webp_alpha_matters(plane, (size_t)width * height))
        return LI_OK;
    return li_webp_alpha_open(job->ctx, plane, width, height, job->config.alpha_quality,
                              &job->alpha);
}

static li_status
job_finish(webp_job *job)
{
    LI_TRY(job_plan_alpha(job));
    if (job->watched)
        li_webp_heap_begin(&job->heap, job->ctx->pledge, job->charged);
    int done = WebPEncode(&job->config, &job->picture);
    if (!done && job->heavy && job->ctx->status == LI_OK) {
        job->watched = false;
        job->config.low_memory = 1;
        done = WebPEncode(&job->config, &job->picture);
    }
    li_webp_heap_end(&job->heap);
    if (!done)
        return job_fail(job);
    if (job->ctx->status == LI_OK && job->metadata)
        return li_metadata_webp_tail(job->metadata, job->out);
    return job->ctx->status; /* libwebp does not ask what its last call-back said */
}

static void
job_close(webp_job *job)
{
    if (!job->ctx)
        return;
    li_webp_alpha_close(job->ctx, &job->alpha);
    WebPPictureFree(&job->picture); /* what libwebp added to it */
    li_free(job->ctx, &job->block);
    li_uncharge(job->ctx, job->charged);
    job->charged = 0;
}

static li_status
job_configure(webp_job *job, const li_encode *encode)
{
    WebPConfig *config = &job->config;
    enum { LOSSLESS_EFFORT = 75 }; /* libwebp's default; not a quality */
    bool lossless = li_webp_is_lossless(encode);
    int quality = encode->quality ? encode->quality : LI_WEBP_QUALITY;
    if (!WebPConfigPreset(config, WEBP_PRESET_DEFAULT,
                          (float)(lossless ? LOSSLESS_EFFORT : quality)))
        return li_fail(job->ctx, LI_E901_INTERNAL,
                       "webp: libwebp is of another version");
    config->lossless = lossless;
    config->method = encode->method < 0 ? LI_WEBP_METHOD : encode->method;
    if (encode->near_lossless >= 0)
        config->near_lossless = (uint8_t)encode->near_lossless;
    config->alpha_quality = encode->alpha_quality < 0 ? 100 : encode->alpha_quality;
    config->use_sharp_yuv = encode->smart_subsample;
    config->low_memory = encode->low_memory == 1;
    return LI_OK;
}

/* The planes or the ARGB frame that the rows go to. */
static li_status
job_reserve(webp_job *job, li_info info, bool argb)
{
    WebPPicture *picture = &job->picture;
    uint64_t luma = (uint64_t)info.width * info.height;
    uint64_t half = (info.width + 1) / 2, chroma = half * ((info.height + 1) / 2);
    bool alpha = li_pixel_has_alpha(info.pixel);
    picture->width = (int)info.width;
    picture->height = (int)info.height;
    picture->use_argb = argb;
    uint64_t bytes = argb ? 4 * luma : luma + 2 * chroma + (alpha ? luma : 0);
    LI_TRY(li_alloc(job->ctx, bytes, 1, &job->block));
    if (argb) {
        picture->argb = (uint32_t *)(void *)job->block; /* aligned to 16 */
        picture->argb_stride = (int)info.width;
        return LI_OK;
    }
    picture->colorspace = alpha ? WEBP_YUV420A : WEBP_YUV420;
    picture->y = job->block;
    picture->u = job->block + luma;
    picture->v = picture->u + chroma;
    picture->y_stride = (int)info.width;
    picture->uv_stride = (int)half;
    if (alpha) {
        picture->a = picture->v + chroma;
        picture->a_stride = (int)info.width;
    }
    return LI_OK;
}

static li_status
job_open(webp_job *job, li_ctx *ctx, li_info info, const li_encode *encode, li_out *out)
{
    bool argb = li_webp_is_lossless(encode) || encode->smart_subsample;
    uint64_t charge = li_webp_encoder_bytes(info, encode);
    if (!WebPPictureInit(&job->picture))
        return li_fail(ctx, LI_E901_INTERNAL, "webp: libwebp is of another version");
    job->ctx = ctx;
    job->out = out;
    job->metadata = encode->metadata;
    job->picture.writer = job_write;
    job->picture.custom_ptr = job;
    job->picture.progress_hook = job_progress;
    job->picture.user_data = job;
    LI_TRY(job_configure(job, encode));
    LI_TRY(li_charge(ctx, charge));
    job->charged = charge;
    job->codes_alpha = li_webp_codes_alpha(info, encode);
    job->watched = li_webp_watches(info, encode, &job->step);
    return job_reserve(job, info, argb);
}

static li_status
check_info(li_ctx *ctx, li_info info)
{
    if (info.width - 1 >= LI_WEBP_MAX_SIDE || info.height - 1 >= LI_WEBP_MAX_SIDE)
        return li_fail(ctx, LI_E300_ENCODE, "webp: %ux%u has a side outside 1..%d",
                       info.width, info.height, LI_WEBP_MAX_SIDE);
    if (info.pixel > LI_RGBA8)
        return li_fail(ctx, LI_E300_ENCODE, "webp: cannot write %s",
                       li_pixel_name(info.pixel));
    return LI_OK;
}

/* --- rows ------------------------------------------------------------------------- */

static void
write_argb(const uint8_t *row, li_info info, uint32_t *to)
{
    uint32_t channels = li_pixel_channels(info.pixel);
    bool gray = channels <= 2, alpha = li_pixel_has_alpha(info.pixel);
    for (size_t x = 0; x < info.width; x++, row += channels) {
        uint32_t a = alpha ? row[channels - 1] : 255;
        uint32_t r = row[0], g = row[gray ? 0 : 1], b = row[gray ? 0 : 2];
        to[x] = a << 24 | r << 16 | g << 8 | b;
    }
}

static void
write_pair(webp_sink *sink, const uint8_t *above, const uint8_t *below, uint32_t y)
{
    const WebPPicture *picture = &sink->job.picture;
    li_info info = sink->base.info;
    size_t stride = info.width, half = (size_t)picture->uv_stride * (y / 2);
    li_webp_pair to = {
        .luma = picture->y + y * stride,
        .cb = picture->u + half,
        .cr = picture->v + half,
        .alpha = picture->a ? picture->a + y * stride : NULL,
        .stride = stride,
    };
    const uint8_t *const rows[2] = {above, below};
    li_webp_convert_pair(rows, info.pixel, info.width, &to, sink->work);
}

static li_status
sink_write(li_sink *base, const uint8_t *row)
{
    webp_sink *sink = (webp_sink *)base;
    li_info info = base->info;
    uint32_t y = base->y;
    if (sink->job.picture.use_argb)
        write_argb(row, info, sink->job.picture.argb + (size_t)y * info.width);
    else if (y % 2 == 1)
        write_pair(sink, sink->above, row, y - 1);
    else if (y + 1 == info.height)
        write_pair(sink, row, row, y);
    else
        memcpy(sink->above, row, li_row_bytes(info));
    return LI_OK;
}

static li_status
sink_finish(li_sink *base)
{
    return job_finish(&((webp_sink *)base)->job);
}

static void
sink_close(li_sink *base)
{
    webp_sink *sink = (webp_sink *)base;
    job_close(&sink->job);
    li_free(base->ctx, &sink->above);
    li_free(base->ctx, &sink->work);
}

static const li_sink_ops sink_ops = {
    .name = "webp",
    .write = sink_write,
    .finish = sink_finish,
    .close = sink_close,
};

static li_status
sink_open(webp_sink *sink, const li_encode *encode, li_out *out)
{
    li_ctx *ctx = sink->base.ctx;
    li_info info = sink->base.info;
    LI_TRY(job_open(&sink->job, ctx, info, encode, out));
    if (sink->job.picture.use_argb)
        return LI_OK;
    LI_TRY(li_alloc(ctx, li_row_bytes(info), 1, &sink->above));
    return li_alloc(ctx, li_webp_pair_work(info.width), 1, &sink->work);
}

li_status
li_webp_encode(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
               li_sink **sink)
{
    *sink = NULL;
    LI_TRY(check_info(ctx, info));
    LI_TRY(li_sink_new(ctx, sizeof(webp_sink), &sink_ops, info, sink));
    li_status status = sink_open((webp_sink *)*sink, encode, out);
    if (status != LI_OK)
        li_sink_close(sink);
    return status;
}

/* --- planes ----------------------------------------------------------------------- */

static li_status
plane_write(li_plane_sink *base, uint32_t plane, const uint8_t *row)
{
    const WebPPicture *picture = &((webp_plane_sink *)base)->job.picture;
    uint8_t *const planes[LI_PLANES] = {picture->y, picture->u, picture->v};
    size_t width = base->layout.plane[plane].width;
    memcpy(planes[plane] + base->y[plane] * width, row, width);
    return LI_OK;
}

static li_status
plane_finish(li_plane_sink *base)
{
    return job_finish(&((webp_plane_sink *)base)->job);
}

static void
plane_close(li_plane_sink *base)
{
    job_close(&((webp_plane_sink *)base)->job);
}

static const li_plane_sink_ops plane_ops = {
    .name = "webp",
    .write = plane_write,
    .finish = plane_finish,
    .close = plane_close,
};

bool
li_webp_takes_planes(li_info info, const li_encode *encode, li_planar *layout)
{
    if (info.pixel != LI_RGB8 || li_webp_is_lossless(encode) || encode->smart_subsample)
        return false;
    *layout = li_planar_of(info.width, info.height, 2, 2);
    layout->studio = true;
    return true;
}

li_status
li_webp_encode_planes(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
                      li_plane_sink **sink)
{
    li_planar layout;
    *sink = NULL;
    LI_TRY(check_info(ctx, info));
    if (!li_webp_takes_planes(info, encode, &layout))
        return li_fail(ctx, LI_E901_INTERNAL, "webp: planes are not taken");
    LI_TRY(li_plane_sink_new(ctx, sizeof(webp_plane_sink), &plane_ops, &layout, sink));
    li_status status =
        job_open(&((webp_plane_sink *)*sink)->job, ctx, info, encode, out);
    if (status != LI_OK)
        li_plane_sink_close(sink);
    return status;
}
