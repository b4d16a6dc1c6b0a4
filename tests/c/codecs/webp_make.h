/* webp_make.h: WebP files for tests, made by libwebp's own encoder or chunk by chunk.
 */
#ifndef LI_TESTS_WEBP_MAKE_H
#define LI_TESTS_WEBP_MAKE_H

#include "codecs/webp/webp.h"
#include "test.h"

#include <webp/decode.h>
#include <webp/encode.h>

typedef struct webp_bytes {
    uint8_t *data; /* of malloc */
    size_t size;
} webp_bytes;

typedef enum webp_look { WEBP_FLAT, WEBP_SMOOTH, WEBP_NOISE } webp_look;

typedef struct webp_spec {
    uint32_t width, height;
    webp_look look;
    bool lossless, alpha;
    int quality, partitions, method;
    bool alpha_plain; /* stored, not compressed */
    int alpha_filter;
} webp_spec;

/* RGBA samples of the picture; of malloc. */
static inline uint8_t *
webp_pixels(const webp_spec *spec)
{
    uint8_t *pixels = malloc((size_t)spec->width * spec->height * 4), *to = pixels;
    uint32_t state = spec->width * 31 + spec->height;
    for (uint32_t y = 0; y < spec->height; y++)
        for (uint32_t x = 0; x < spec->width; x++, to += 4) {
            uint32_t noise =
                spec->look == WEBP_NOISE ? test_random(&state) & 0x3f3f3f3f : 0;
            bool flat = spec->look == WEBP_FLAT;
            to[0] = (uint8_t)((flat ? 90 : x * 3 / 2 + y / 3) + (noise & 63));
            to[1] = (uint8_t)((flat ? 160 : y + x / 5) + (noise >> 8 & 63));
            to[2] = (uint8_t)((flat ? 30 : 200 - x / 2) + (noise >> 16 & 63));
            to[3] = (uint8_t)(spec->alpha ? 40 + x * 2 + y + (noise >> 24) : 255);
        }
    return pixels;
}

static inline webp_bytes
webp_file_of(const webp_spec *spec, const uint8_t *pixels)
{
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter writer;
    WebPMemoryWriterInit(&writer);
    CHECK(WebPConfigInit(&config) && WebPPictureInit(&picture));
    config.lossless = spec->lossless;
    config.exact = 1;
    config.quality = (float)spec->quality;
    config.partitions = spec->partitions;
    config.low_memory = spec->partitions > 0; /* else there is only one */
    config.method = spec->method;
    config.alpha_compression = !spec->alpha_plain;
    config.alpha_filtering = spec->alpha_filter;
    picture.use_argb = spec->lossless;
    picture.width = (int)spec->width;
    picture.height = (int)spec->height;
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    CHECK(WebPPictureImportRGBA(&picture, pixels, (int)spec->width * 4));
    CHECK(WebPEncode(&config, &picture));
    WebPPictureFree(&picture);
    webp_bytes file = {malloc(writer.size), writer.size};
    memcpy(file.data, writer.mem, writer.size);
    WebPMemoryWriterClear(&writer);
    return file;
}

static inline webp_bytes
webp_file(const webp_spec *spec)
{
    uint8_t *pixels = webp_pixels(spec);
    webp_bytes file = webp_file_of(spec, pixels);
    free(pixels);
    return file;
}

/* --- chunks ----------------------------------------------------------------------- */

static inline void
webp_put(uint8_t *to, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

/* Set the size of the RIFF to that of the file. */
static inline void
webp_mend(webp_bytes *file)
{
    webp_put(file->data + 4, (uint32_t)file->size - 8, 4);
}

static inline void
webp_append(webp_bytes *file, const char *type, const void *body, size_t size)
{
    size_t padded = size + (size & 1);
    file->data = realloc(file->data, file->size + 8 + padded);
    uint8_t *to = file->data + file->size;
    memcpy(to, type, 4);
    webp_put(to + 4, (uint32_t)size, 4);
    if (size)
        memcpy(to + 8, body, size);
    if (size & 1)
        to[8 + size] = 0;
    file->size += 8 + padded;
    webp_mend(file);
}

/* "RIFF", "WEBP" and a VP8X chunk. */
static inline webp_bytes
webp_extended(uint32_t width, uint32_t height, uint8_t flags)
{
    webp_bytes file = {malloc(12), 12};
    uint8_t body[10] = {flags};
    memcpy(file.data, "RIFF----WEBP", 12);
    webp_put(body + 4, width - 1, 3);
    webp_put(body + 7, height - 1, 3);
    webp_append(&file, "VP8X", body, sizeof(body));
    return file;
}

/* The chunks of the picture in a file that libwebp wrote: behind VP8X, if it has one.
 */
static inline webp_bytes
webp_picture_of(webp_bytes file)
{
    size_t at = memcmp(file.data + 12, "VP8X", 4) == 0 ? 30 : 12;
    return (webp_bytes){file.data + at, file.size - at};
}

/* Append all chunks of `part` as they are. */
static inline void
webp_append_raw(webp_bytes *file, webp_bytes part)
{
    file->data = realloc(file->data, file->size + part.size);
    memcpy(file->data + file->size, part.data, part.size);
    file->size += part.size;
    webp_mend(file);
}

static inline void
webp_append_frame(webp_bytes *file, uint32_t x, uint32_t y, uint32_t width,
                  uint32_t height, webp_bytes picture)
{
    size_t size = 16 + picture.size;
    uint8_t *body = calloc(1, size);
    webp_put(body, x / 2, 3);
    webp_put(body + 3, y / 2, 3);
    webp_put(body + 6, width - 1, 3);
    webp_put(body + 9, height - 1, 3);
    if (picture.size > 0)
        memcpy(body + 16, picture.data, picture.size);
    webp_append(file, "ANMF", body, size);
    free(body);
}

/* --- decoding by the codec -------------------------------------------------------- */

/* All rows, packed, in *pixels (of malloc; NULL if it failed). */
static inline li_status
webp_decode_source(li_ctx *ctx, li_source *source, li_hint hint, li_header *header,
                   uint8_t **pixels)
{
    li_rows *rows = NULL;
    *pixels = NULL;
    LI_TRY(li_codec_webp.inspect(ctx, source, header));
    LI_TRY(li_codec_webp.decode(ctx, source, header, hint, &rows));
    size_t stride = li_row_bytes(rows->info);
    uint8_t *to = malloc(stride * rows->info.height);
    li_status status = LI_OK;
    for (uint32_t y = 0; status == LI_OK && y < rows->info.height; y++) {
        const uint8_t *row;
        status = li_rows_next(rows, &row);
        if (status == LI_OK)
            memcpy(to + y * stride, row, stride);
    }
    li_rows_close(&rows);
    if (status != LI_OK)
        free(to);
    else
        *pixels = to;
    return status;
}

static inline li_status
webp_decode_bytes(li_ctx *ctx, webp_bytes file, li_hint hint, li_header *header,
                  uint8_t **pixels)
{
    li_source *source = NULL;
    *pixels = NULL;
    li_status status = li_source_borrow(ctx, file.data, file.size, &source);
    if (status == LI_OK)
        status = webp_decode_source(ctx, source, hint, header, pixels);
    li_source_close(&source);
    CHECK_EQ(ctx->bytes, 0);
    return status;
}

/* What becomes of a file, decoded whole and dropped. */
static inline li_status
webp_status_of(webp_bytes file)
{
    uint8_t *pixels;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_status status = webp_decode_bytes(&ctx, file, (li_hint){0}, &header, &pixels);
    free(pixels);
    return status;
}

#endif
