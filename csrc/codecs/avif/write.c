/* write.c: rows, or planes as they are, to an AVIF by libavif and libaom on this
 * thread. Layer 2.
 *
 * The planes are filled as rows come, the encoding is one call at the end, which
 * nothing can interrupt. Colours are BT.709 primaries, the sRGB curve and the BT.601
 * matrix over the full range (CICP 1/13/6), or no matrix where nothing may be lost. */
#include "codecs/avif/write.h"
#include "codecs/avif/compat.h"

#include <stdio.h>
#include <string.h>

enum {
    DEFAULT_QUALITY = 60,
    DEFAULT_SPEED = 6,
    LOSSLESS_QUALITY = 100, /* quantizer 0 */
    MAX_SIDE = 65536,       /* of AV1 */
};

/* --- settings --------------------------------------------------------------------- */

static int
quality_of(const li_encode *encode)
{
    if (encode->lossless)
        return LOSSLESS_QUALITY;
    return encode->quality ? encode->quality : DEFAULT_QUALITY;
}

static int
speed_of(const li_encode *encode)
{
    return encode->speed < 0 ? DEFAULT_SPEED : encode->speed;
}

/* 10 bits go through every browser and more than 8 need: those of 12 are kept, no
 * others made. */
static uint32_t
depth_of(li_pixel pixel, const li_encode *encode)
{
    if (!li_pixel_is_deep(pixel))
        return 8;
    return encode->bit_depth == 12 ? 12 : 10;
}

static avifPixelFormat
format_of(li_pixel pixel, const li_encode *encode)
{
    enum { FINE_QUALITY = 90 };
    if (li_pixel_is_gray(pixel))
        return AVIF_PIXEL_FORMAT_YUV400;
    if (encode->lossless || encode->subsampling == LI_444)
        return AVIF_PIXEL_FORMAT_YUV444;
    if (encode->subsampling == LI_422)
        return AVIF_PIXEL_FORMAT_YUV422;
    if (encode->subsampling == LI_420 || quality_of(encode) < FINE_QUALITY)
        return AVIF_PIXEL_FORMAT_YUV420;
    return AVIF_PIXEL_FORMAT_YUV444;
}

void
li_avif_describe(li_info info, const li_encode *encode, char *text, size_t size)
{
    static const char *const names[] = {
        [AVIF_PIXEL_FORMAT_YUV444] = "4:4:4",
        [AVIF_PIXEL_FORMAT_YUV422] = "4:2:2",
        [AVIF_PIXEL_FORMAT_YUV420] = "4:2:0",
        [AVIF_PIXEL_FORMAT_YUV400] = "4:0:0",
    };
    char quality[16] = "lossless";
    if (!encode->lossless)
        snprintf(quality, sizeof(quality), "quality %d", quality_of(encode));
    snprintf(text, size, "%s, %s, speed %d%s", quality,
             names[format_of(info.pixel, encode)], speed_of(encode),
             depth_of(info.pixel, encode) == 8    ? ""
             : depth_of(info.pixel, encode) == 10 ? ", 10 bit"
                                                  : ", 12 bit");
}

/* --- bounds ----------------------------------------------------------------------- */

/* In blocks of 64 × 64. */
static uint64_t
padded_pixels(li_info info)
{
    uint64_t width = ((uint64_t)info.width + 63) & ~63ull;
    uint64_t height = ((uint64_t)info.height + 63) & ~63ull;
    return li_sat_mul(width, height);
}

/* Noise takes 1.42 bytes a sample where nothing may be lost; 8 KiB are the boxes. */
uint64_t
li_avif_output_bytes(li_info info, const li_encode *encode)
{
    static const uint8_t halves[] = {
        [AVIF_PIXEL_FORMAT_YUV444] = 6,
        [AVIF_PIXEL_FORMAT_YUV422] = 4,
        [AVIF_PIXEL_FORMAT_YUV420] = 3,
        [AVIF_PIXEL_FORMAT_YUV400] = 2,
    };
    uint64_t samples = halves[format_of(info.pixel, encode)];
    samples += li_pixel_has_alpha(info.pixel) ? 2 : 0;
    samples *= li_pixel_is_deep(info.pixel) ? 2 : 1;
    return li_sat_add(li_sat_mul(padded_pixels(info), samples), 8 << 10);
}

/* Measured on libaom 3.6 at every speed over noise, which takes the most. */
static uint64_t
library_bytes(li_info info, const li_encode *encode)
{
    enum { FIXED_BYTES = 6 << 20, ALPHA_BYTES = 12 };
    static const uint8_t pixel_bytes[] = {
        [AVIF_PIXEL_FORMAT_YUV444] = 56,
        [AVIF_PIXEL_FORMAT_YUV422] = 40,
        [AVIF_PIXEL_FORMAT_YUV420] = 34,
        [AVIF_PIXEL_FORMAT_YUV400] = 34, /* libaom has chroma in any case */
    };
    uint64_t each = pixel_bytes[format_of(info.pixel, encode)];
    each += li_pixel_has_alpha(info.pixel) ? ALPHA_BYTES : 0;
    each *= li_pixel_is_deep(info.pixel) ? 2 : 1;
    return li_sat_add(FIXED_BYTES, li_sat_mul(padded_pixels(info), each));
}

uint64_t
li_avif_encode_bytes(li_info info, const li_encode *encode)
{
    enum { OWN_BYTES = 6 << 10 }; /* the sink, whose tables take 4 KB, and a row */
    return li_sat_add(library_bytes(info, encode), li_row_bytes(info) + OWN_BYTES);
}

/* --- the encoder ------------------------------------------------------------------ */

typedef struct avif_writer {
    li_ctx *ctx;      /* borrowed */
    li_out *out;      /* borrowed */
    avifImage *image; /* owned */
    li_encode encode;
    uint64_t charged;
} avif_writer;

static void
writer_close(avif_writer *writer)
{
    if (writer->image)
        avifImageDestroy(writer->image);
    writer->image = NULL;
    li_uncharge(writer->ctx, writer->charged);
    writer->charged = 0;
}

/* libavif before 1.1 aborts where malloc fails: see first that there is as much. */
static li_status
writer_reserve(avif_writer *writer, li_info info)
{
    uint64_t bytes = library_bytes(info, &writer->encode);
    if (writer->encode.metadata) /* its copy, and those in the file that it makes */
        bytes = li_sat_add(bytes, 3 * li_metadata_total(writer->encode.metadata));
    void *probe = NULL;
    LI_TRY(li_alloc(writer->ctx, bytes, 1, &probe));
    li_free(writer->ctx, &probe);
    LI_TRY(li_charge(writer->ctx, bytes));
    writer->charged = bytes;
    return LI_OK;
}

static li_status
writer_open(avif_writer *writer, li_ctx *ctx, li_info info, const li_encode *encode,
            li_out *out)
{
    writer->ctx = ctx;
    writer->out = out;
    writer->encode = *encode;
    if (info.width > MAX_SIDE || info.height > MAX_SIDE)
        return li_fail(ctx, LI_E300_ENCODE, "avif: %ux%u has a side over %d",
                       info.width, info.height, MAX_SIDE);
    LI_TRY(writer_reserve(writer, info));
    writer->image =
        avifImageCreate(info.width, info.height, depth_of(info.pixel, encode),
                        format_of(info.pixel, encode));
    if (!writer->image)
        return li_fail(ctx, LI_ENOMEM, "avif: no memory for a picture");
    avifImage *image = writer->image;
    bool gray = li_pixel_is_gray(info.pixel);
    image->yuvRange = AVIF_RANGE_FULL;
    image->colorPrimaries = AVIF_COLOR_PRIMARIES_BT709;
    image->transferCharacteristics = AVIF_TRANSFER_CHARACTERISTICS_SRGB;
    image->matrixCoefficients = encode->lossless && !gray
                                    ? AVIF_MATRIX_COEFFICIENTS_IDENTITY
                                    : AVIF_MATRIX_COEFFICIENTS_BT601;
    bool alpha = li_pixel_has_alpha(info.pixel);
    avifResult result =
        avifImageAllocatePlanes(image, alpha ? AVIF_PLANES_ALL : AVIF_PLANES_YUV);
    if (result != AVIF_RESULT_OK)
        return li_avif_fail(ctx, result, NULL, LI_E299_ENCODE_INTERNAL);
    return li_avif_set_metadata(ctx, image, encode->metadata);
}

static avifResult
configure(const avif_writer *writer, avifEncoder *encoder, avif_options options)
{
    const li_encode *encode = &writer->encode;
    bool aom = avifCodecName(AVIF_CODEC_CHOICE_AOM, AVIF_CODEC_FLAG_CAN_ENCODE);
    int quality = quality_of(encode);
    encoder->codecChoice = aom ? AVIF_CODEC_CHOICE_AOM : AVIF_CODEC_CHOICE_AUTO;
    encoder->maxThreads = 1;
    encoder->speed = speed_of(encode);
    li_avif_set_quality(encoder, quality, LOSSLESS_QUALITY);
    if (!aom)
        return AVIF_RESULT_OK;
    return li_avif_tune(encoder, writer->image, speed_of(encode),
                        quality == LOSSLESS_QUALITY, options);
}

static li_status
hand_on(avif_writer *writer, const avifRWData *data)
{
    for (size_t at = 0; at < data->size; at += LI_OUT_BYTES) {
        size_t left = data->size - at;
        LI_TRY(li_poll(writer->ctx));
        LI_TRY(li_out_write(writer->out, data->data + at,
                            left < LI_OUT_BYTES ? left : LI_OUT_BYTES));
    }
    return LI_OK;
}

/* `known` is false, and the status LI_OK, if libaom does not know one of the options.
 */
static li_status
encode_image(const avif_writer *writer, avif_options options, avifRWData *data,
             bool *known)
{
    avifEncoder *encoder = avifEncoderCreate();
    if (!encoder)
        return li_fail(writer->ctx, LI_ENOMEM, "avif: no memory for an encoder");
    avifResult result = configure(writer, encoder, options);
    if (result == AVIF_RESULT_OK)
        result = avifEncoderWrite(encoder, writer->image, data);
    li_status status = LI_OK;
    *known = options == AVIF_NO_OPTIONS ||
             result != AVIF_RESULT_INVALID_CODEC_SPECIFIC_OPTION;
    if (result != AVIF_RESULT_OK && *known)
        status =
            li_avif_fail(writer->ctx, result, &encoder->diag, LI_E299_ENCODE_INTERNAL);
    avifEncoderDestroy(encoder);
    return status;
}

static li_status
writer_finish(avif_writer *writer)
{
    avifRWData data = AVIF_DATA_EMPTY;
    bool known = false;
    LI_TRY(li_poll_clock(writer->ctx));
    li_status status = encode_image(writer, AVIF_ALL_OPTIONS, &data, &known);
    if (status == LI_OK && !known)
        status = encode_image(writer, AVIF_LEAN_OPTIONS, &data, &known);
    if (status == LI_OK && !known)
        status = encode_image(writer, AVIF_NO_OPTIONS, &data, &known);
    /* The encoder's heap is gone; so are the planes before the output grows. */
    avifImageFreePlanes(writer->image, AVIF_PLANES_ALL);
    if (status == LI_OK)
        status = hand_on(writer, &data);
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
    if (li_pixel_is_deep(base->info.pixel))
        li_avif_deep_fill(image, base->y, (const uint16_t *)(const void *)row,
                          (uint16_t *)(void *)sink->held, channels);
    else
        li_avif_fill(image, base->y, row, sink->held, channels);
    return LI_OK;
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

li_pixel
li_avif_accepts(li_pixel pixel, const li_encode *encode)
{
    if (pixel == LI_CMYK8)
        return LI_RGB8;
    if (encode->bit_depth == 8)
        return li_pixel_with_depth(pixel, false);
    bool deep = encode->bit_depth == 10 || encode->bit_depth == 12;
    return deep ? li_pixel_with_depth(pixel, true) : pixel;
}

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

static li_status
planes_write(li_plane_sink *base, uint32_t plane, const uint8_t *row)
{
    const avifImage *image = ((avif_plane_sink *)base)->writer.image;
    memcpy(plane_at(image, (int)plane, base->y[plane]), row,
           base->layout.plane[plane].width);
    return LI_OK;
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
    avifGetPixelFormatInfo(format_of(info.pixel, encode), &format);
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
