/* png_differential.h: one PNG through every reader; abort if they do not agree. Shared
 * by the fuzzer and by the test that runs what it once found. */
#ifndef LI_TESTS_PNG_DIFFERENTIAL_H
#define LI_TESTS_PNG_DIFFERENTIAL_H

#include "codecs/png/png.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct decoded {
    li_status status;
    char message[LI_MESSAGE_BYTES];
    uint8_t *pixels; /* owned */
    size_t size;
    uint64_t bound, peak;
} decoded;

#ifndef DIFFERENTIAL_PIXELS /* a larger picture is refused alike */
#define DIFFERENTIAL_PIXELS (1u << 20)
#endif

static inline li_status
differential_rows(li_ctx *ctx, li_rows *rows, decoded *got)
{
    size_t row_bytes = li_row_bytes(rows->info);
    got->size = row_bytes * rows->info.height;
    got->pixels = malloc(got->size + 1);
    for (uint32_t y = 0; y < rows->info.height; y++) {
        const uint8_t *row;
        LI_TRY(li_rows_next(rows, &row));
        memcpy(got->pixels + y * row_bytes, row, row_bytes);
    }
    return ctx->status;
}

/* inflate NULL: by libpng. */
static inline li_status
differential_source(li_ctx *ctx, li_source *source, const li_png_inflate_ops *inflate,
                    decoded *got)
{
    li_header header;
    li_rows *rows = NULL;
    LI_TRY(li_codec_png.inspect(ctx, source, &header));
    if ((uint64_t)header.width * header.height > DIFFERENTIAL_PIXELS)
        return li_fail(ctx, LI_E122_PIXEL_LIMIT, "too large to fuzz");
    uint64_t before = ctx->bytes;
    ctx->peak_bytes = before;
    got->bound = inflate == li_png_inflate_best()
                     ? li_codec_png.decode_bytes(&header, (li_hint){0})
                     : UINT64_MAX;
    li_status status =
        inflate && !header.progressive
            ? li_png_decode_stream(ctx, source, &header, (li_hint){0}, inflate, &rows)
            : li_png_decode_libpng(ctx, source, &header, (li_hint){0}, &rows);
    if (status == LI_OK)
        status = differential_rows(ctx, rows, got);
    li_rows_close(&rows);
    got->peak = ctx->peak_bytes - before;
    return status;
}

static inline decoded
differential_decode(const uint8_t *data, size_t size, const li_png_inflate_ops *inflate,
                    bool vectors)
{
    static const li_kernels fast = {.name = "fast"};
    decoded got = {.bound = UINT64_MAX};
    li_source *source;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.kernels = vectors ? &fast : NULL;
    got.status = li_source_borrow(&ctx, data, size, &source);
    if (got.status == LI_OK)
        got.status = differential_source(&ctx, source, inflate, &got);
    li_source_close(&source);
    memcpy(got.message, ctx.message, sizeof(got.message));
    if (ctx.bytes != 0 || got.peak > got.bound) {
        fprintf(stderr, "memory: %llu bytes kept, peak %llu, bound %llu\n",
                (unsigned long long)ctx.bytes, (unsigned long long)got.peak,
                (unsigned long long)got.bound);
        abort();
    }
    return got;
}

/* What both readers would say of each other. */
static inline bool
differential_same(const decoded *a, const decoded *b)
{
    if ((a->status == LI_OK) != (b->status == LI_OK))
        return false;
    return a->status != LI_OK ||
           (a->size == b->size && memcmp(a->pixels, b->pixels, a->size) == 0);
}

/* Is the stream of all IDATs in a row whole? Where it is not, libpng may not look. */
static inline bool
differential_whole(const uint8_t *data, size_t size)
{
    uint8_t out[4096];
    z_stream stream = {0};
    int result = Z_OK;
    bool begun = false;
    if (inflateInit2(&stream, 15) != Z_OK)
        abort();
    for (size_t at = 8; at + 12 <= size && result == Z_OK;) {
        size_t length = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                        (size_t)data[at + 2] << 8 | data[at + 3];
        if (length > size - at - 12)
            break;
        bool idat = memcmp(data + at + 4, "IDAT", 4) == 0;
        if (begun && !idat)
            break;
        begun |= idat;
        stream.next_in = (z_const Bytef *)(uintptr_t)(data + at + 8);
        stream.avail_in = idat ? (uInt)length : 0;
        while (idat && result == Z_OK && (stream.avail_in || !stream.avail_out)) {
            stream.next_out = out;
            stream.avail_out = sizeof(out);
            result = inflate(&stream, Z_NO_FLUSH);
            if (result == Z_BUF_ERROR)
                result = Z_OK;
            if (stream.avail_in == 0 && stream.avail_out > 0)
                break;
        }
        at += length + 12;
    }
    inflateEnd(&stream);
    return result == Z_STREAM_END;
}

/* ISA-L accepts an incomplete set of codes as long as no missing one is met. */
static inline bool
differential_incomplete(const char *message)
{
    return strstr(message, "invalid code lengths set") ||
           strstr(message, "invalid literal/lengths set") ||
           strstr(message, "invalid distances set") ||
           strstr(message, "invalid distance code");
}

static inline void
differential_refuse(const char *what, const decoded *a, const decoded *b)
{
    fprintf(stderr, "%s: %d %s; %d %s\n", what, a->status, a->message, b->status,
            b->message);
    abort();
}

/* Abort if they do not agree; the status of libpng. */
static inline li_status
differential_check(const uint8_t *data, size_t size)
{
    decoded truth = differential_decode(data, size, NULL, false);
    decoded plain = differential_decode(data, size, &li_png_inflate_zlib, false);
    decoded ours = differential_decode(data, size, &li_png_inflate_zlib, true);
    if (!differential_same(&plain, &ours))
        differential_refuse("plain C, vectors", &plain, &ours);
    bool unseen = truth.status == LI_OK && ours.status != LI_OK &&
                  !differential_whole(data, size);
    if (!unseen && !differential_same(&truth, &ours))
        differential_refuse("libpng, ours", &truth, &ours);
#ifdef LI_HAVE_ISAL
    decoded isal = differential_decode(data, size, &li_png_inflate_isal, true);
    bool lax = ours.status != LI_OK && isal.status == LI_OK &&
               differential_incomplete(ours.message);
    if (!lax && !differential_same(&ours, &isal))
        differential_refuse("zlib, ISA-L", &ours, &isal);
    free(isal.pixels);
#endif
    free(truth.pixels);
    free(plain.pixels);
    free(ours.pixels);
    return truth.status;
}

#endif
