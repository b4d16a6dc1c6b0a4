/* avif_make.h: AVIF files of every kind for the tests, made by libavif's own encoder
 * from smooth noise, and what libavif itself makes of their pixels. */
#ifndef LI_TESTS_AVIF_MAKE_H
#define LI_TESTS_AVIF_MAKE_H

#include "codecs/avif/avif.h"
#include "codecs/avif/compat.h"
#include "test.h"

typedef struct avif_spec {
    uint32_t width, height, depth;
    avifPixelFormat format;
    avifRange range;
    int matrix;
    int primaries, transfer; /* 0: 1 and 13 */
    bool alpha, premultiplied;
    uint32_t columns, rows; /* of a grid whose cells are width × height; 0: none */
    uint32_t frames;        /* more than 1: a sequence */
    int rotation, mirror;   /* irot's angle; imir's axis + 1; 0: none */
} avif_spec;

/* A wave with noise on it, inside the range. */
static inline void
fill_plane(uint8_t *data, size_t stride, uint32_t width, uint32_t height,
           const avif_spec *spec, bool whole, uint32_t seed)
{
    uint32_t state = seed + 7;
    uint32_t low = whole || spec->range == AVIF_RANGE_FULL ? 0 : 16;
    uint32_t high = whole || spec->range == AVIF_RANGE_FULL ? 255 : 235;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            uint32_t wave = (x * 5 + y * 3 + seed * 31) % 512;
            uint32_t value = (wave < 256 ? wave : 511 - wave) + test_random(&state) % 8;
            value = low + value * (high - low) / 263;
            if (spec->depth == 8)
                data[y * stride + x] = (uint8_t)value;
            else
                ((uint16_t *)(void *)(data + y * stride))[x] =
                    (uint16_t)(value << (spec->depth - 8));
        }
}

static inline avifImage *
picture_make(const avif_spec *spec, uint32_t seed)
{
    avifImage *image =
        avifImageCreate(spec->width, spec->height, spec->depth, spec->format);
    avifPixelFormatInfo format;
    avifGetPixelFormatInfo(spec->format, &format);
    image->yuvRange = spec->range;
    image->colorPrimaries = (avifColorPrimaries)(spec->primaries ? spec->primaries : 1);
    image->transferCharacteristics =
        (avifTransferCharacteristics)(spec->transfer ? spec->transfer : 13);
    image->matrixCoefficients = (avifMatrixCoefficients)spec->matrix;
    image->alphaPremultiplied = spec->premultiplied;
    (void)avifImageAllocatePlanes(image,
                                  spec->alpha ? AVIF_PLANES_ALL : AVIF_PLANES_YUV);
    for (int p = 0; p < 3; p++) {
        if (p && format.monochrome)
            break;
        uint32_t right = p ? (uint32_t)format.chromaShiftX : 0;
        uint32_t down = p ? (uint32_t)format.chromaShiftY : 0;
        fill_plane(image->yuvPlanes[p], image->yuvRowBytes[p],
                   (spec->width + right) >> right, (spec->height + down) >> down, spec,
                   false, seed + (uint32_t)p);
    }
    if (spec->alpha)
        fill_plane(image->alphaPlane, image->alphaRowBytes, spec->width, spec->height,
                   spec, true, seed + 5);
    if (spec->rotation)
        image->transformFlags |= AVIF_TRANSFORM_IROT;
    image->irot.angle = (uint8_t)spec->rotation;
    if (spec->mirror) {
        image->transformFlags |= AVIF_TRANSFORM_IMIR;
        *li_avif_mirror(image) = (uint8_t)(spec->mirror - 1);
    }
    return image;
}

static inline avifResult
pictures_add(avifEncoder *encoder, const avif_spec *spec)
{
    avifImage *cells[16];
    uint32_t count = spec->columns ? spec->columns * spec->rows : 1;
    avifResult result = AVIF_RESULT_OK;
    for (uint32_t i = 0; i < count; i++)
        cells[i] = picture_make(spec, i);
    if (spec->columns)
        result = avifEncoderAddImageGrid(encoder, spec->columns, spec->rows,
                                         (const avifImage *const *)(void *)cells,
                                         AVIF_ADD_IMAGE_FLAG_SINGLE);
    for (uint32_t i = 0; !spec->columns && i < (spec->frames ? spec->frames : 1); i++)
        result = avifEncoderAddImage(encoder, cells[0], 1,
                                     spec->frames > 1 ? AVIF_ADD_IMAGE_FLAG_NONE
                                                      : AVIF_ADD_IMAGE_FLAG_SINGLE);
    for (uint32_t i = 0; i < count; i++)
        avifImageDestroy(cells[i]);
    return result;
}

/* The caller's: avifRWDataFree. */
static inline avifRWData
file_make(avif_spec spec)
{
    avifRWData data = AVIF_DATA_EMPTY;
    avifEncoder *encoder = avifEncoderCreate();
    encoder->maxThreads = 1;
    encoder->speed = 9;
    encoder->timescale = 10;
    encoder->codecChoice = AVIF_CODEC_CHOICE_AOM;
    li_avif_set_quality(encoder, 90, 90);
    avifResult result = pictures_add(encoder, &spec);
    if (result == AVIF_RESULT_OK)
        result = avifEncoderFinish(encoder, &data);
    if (result != AVIF_RESULT_OK) {
        fprintf(stderr, "cannot make a file: %s: %s\n", avifResultToString(result),
                encoder->diag.error);
        abort();
    }
    avifEncoderDestroy(encoder);
    return data;
}

/* --- decoding --------------------------------------------------------------------- */

/* Every row of `rows`; the caller's, free. NULL unless all went well. */
static inline li_status
rows_collect(li_rows *rows, uint8_t **pixels)
{
    size_t stride = li_row_bytes(rows->info);
    uint8_t *all = malloc(stride * rows->info.height + 1);
    for (uint32_t y = 0; y < rows->info.height; y++) {
        const uint8_t *row;
        li_status status = li_rows_next(rows, &row);
        if (status != LI_OK) {
            free(all);
            return status;
        }
        memcpy(all + stride * y, row, stride);
    }
    *pixels = all;
    return LI_OK;
}

static inline li_status
file_decode(li_ctx *ctx, const void *data, size_t size, li_header *header,
            uint8_t **pixels)
{
    li_source *source;
    li_rows *rows = NULL;
    *pixels = NULL;
    li_status status = li_source_borrow(ctx, data, size, &source);
    if (status != LI_OK)
        return status;
    status = li_codec_avif.inspect(ctx, source, header);
    if (status == LI_OK)
        status = li_codec_avif.decode(ctx, source, header, (li_hint){0}, &rows);
    if (status == LI_OK)
        status = rows_collect(rows, pixels);
    li_rows_close(&rows);
    li_source_close(&source);
    return status;
}

/* What decoding ends in; the ledger and the message must fit it. */
static inline li_status
status_of_bytes(const void *data, size_t size)
{
    uint8_t *pixels;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_status status = file_decode(&ctx, data, size, &header, &pixels);
    CHECK_EQ(ctx.bytes, 0);
    CHECK_EQ(status == LI_OK, ctx.message[0] == 0);
    free(pixels);
    return status;
}

#endif
