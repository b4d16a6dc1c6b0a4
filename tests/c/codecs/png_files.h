/* png_files.h: PNG files of every type for the tests, made by libpng's writer, the
 * samples that they must decode to by a slow truth, and surgery on their chunks. */
#ifndef LI_TESTS_PNG_FILES_H
#define LI_TESTS_PNG_FILES_H

#include "codecs/codec.h"
#include "test.h"

#include <png.h>
#include <zlib.h>

typedef struct png_bytes {
    uint8_t *data; /* owned: free it */
    size_t size;
} png_bytes;

/* What to make. Samples are noise from `seed`. */
typedef struct png_spec {
    uint32_t width, height;
    int colour, depth;
    bool interlaced, transparent;
    uint32_t seed;
} png_spec;

enum { TYPES = 15 };
static const int types[TYPES][2] = {{0, 1}, {0, 2},  {0, 4},  {0, 8}, {0, 16},
                                    {2, 8}, {2, 16}, {3, 1},  {3, 2}, {3, 4},
                                    {3, 8}, {4, 8},  {4, 16}, {6, 8}, {6, 16}};

static inline uint32_t
spec_samples(const png_spec *spec) /* of a pixel in the file */
{
    return (uint32_t[]){1, 0, 3, 1, 2, 0, 4}[spec->colour];
}

static inline size_t
spec_stride(const png_spec *spec)
{
    return ((size_t)spec->width * spec_samples(spec) * (size_t)spec->depth + 7) / 8;
}

static inline png_bytes
bytes_copy(const void *data, size_t size)
{
    png_bytes copy = {malloc(size + 1), size};
    memcpy(copy.data, data, size);
    return copy;
}

/* --- chunks ----------------------------------------------------------------------- */

static inline void
put_be32(uint8_t *into, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        into[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline uint32_t
get_be32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 |
           from[3];
}

/* Offset of the n-th chunk of this type (its length field). */
static inline size_t
chunk_find(png_bytes file, const char *type, int n)
{
    size_t at = 8;
    while (at + 12 <= file.size) {
        if (memcmp(file.data + at + 4, type, 4) == 0 && n-- == 0)
            return at;
        at += 12 + (size_t)get_be32(file.data + at);
    }
    fprintf(stderr, "no %s in the file\n", type);
    abort();
}

static inline void
chunk_mend(png_bytes file, size_t at)
{
    uint32_t length = get_be32(file.data + at);
    uint32_t crc = (uint32_t)crc32(0, file.data + at + 4, length + 4);
    put_be32(file.data + at + 8 + length, crc);
}

/* Put a chunk with a right CRC at offset `at`. */
static inline void
chunk_insert(png_bytes *file, size_t at, const char *type, const void *body,
             size_t size)
{
    uint8_t *grown = malloc(file->size + size + 12);
    memcpy(grown, file->data, at);
    put_be32(grown + at, (uint32_t)size);
    memcpy(grown + at + 4, type, 4);
    if (size)
        memcpy(grown + at + 8, body, size);
    memcpy(grown + at + 12 + size, file->data + at, file->size - at);
    free(file->data);
    *file = (png_bytes){grown, file->size + size + 12};
    chunk_mend(*file, at);
}

static inline void
chunk_remove(png_bytes *file, size_t at)
{
    size_t size = 12 + (size_t)get_be32(file->data + at);
    memmove(file->data + at, file->data + at + size, file->size - at - size);
    file->size -= size;
}

/* --- making ----------------------------------------------------------------------- */

static inline void
file_append(png_structp png, png_bytep data, size_t size)
{
    png_bytes *file = png_get_io_ptr(png);
    file->data = realloc(file->data, file->size + size);
    memcpy(file->data + file->size, data, size);
    file->size += size;
}

static inline void
file_flush(png_structp png)
{
    (void)png;
}

enum { TRANSPARENT_ENTRIES = 2 };

static inline void
palette_entry(uint32_t i, uint8_t rgb[3])
{
    rgb[0] = (uint8_t)(i * 37 + 11);
    rgb[1] = (uint8_t)(255 - i * 5);
    rgb[2] = (uint8_t)(i * i);
}

static inline uint8_t
palette_alpha(uint32_t i)
{
    return i < TRANSPARENT_ENTRIES ? (uint8_t)(i * 100) : 255;
}

static inline uint32_t
sample_at(const png_spec *spec, const uint8_t *raw, uint32_t x, uint32_t y,
          uint32_t channel)
{
    const uint8_t *row = raw + spec_stride(spec) * y;
    size_t i = (size_t)x * spec_samples(spec) + channel;
    if (spec->depth == 16)
        return (uint32_t)row[2 * i] << 8 | row[2 * i + 1];
    size_t bit = i * (size_t)spec->depth;
    uint32_t shift = 8 - (uint32_t)spec->depth - (uint32_t)(bit % 8);
    return row[bit / 8] >> shift & ((1u << spec->depth) - 1);
}

/* The transparent colour is that of the first pixel. */
static inline void
file_tables(const png_spec *spec, const uint8_t *raw, png_structp png, png_infop info)
{
    uint8_t entry[256][3];
    png_color palette[256];
    uint8_t alpha[TRANSPARENT_ENTRIES];
    png_color_16 key = {0};
    for (uint32_t i = 0; i < 256; i++)
        palette_entry(i, entry[i]);
    for (uint32_t i = 0; i < 256; i++)
        palette[i] = (png_color){entry[i][0], entry[i][1], entry[i][2]};
    for (uint32_t i = 0; i < TRANSPARENT_ENTRIES; i++)
        alpha[i] = palette_alpha(i);
    if (spec->colour == 3)
        png_set_PLTE(png, info, palette, 1 << spec->depth);
    key.gray = (png_uint_16)sample_at(spec, raw, 0, 0, 0);
    if (spec->colour == 2) {
        key.red = key.gray;
        key.green = (png_uint_16)sample_at(spec, raw, 0, 0, 1);
        key.blue = (png_uint_16)sample_at(spec, raw, 0, 0, 2);
    }
    if (spec->transparent)
        png_set_tRNS(png, info, alpha, TRANSPARENT_ENTRIES, &key);
}

static inline uint8_t *
raw_make(const png_spec *spec)
{
    size_t size = spec_stride(spec) * spec->height;
    uint8_t *raw = malloc(size);
    uint32_t state = spec->seed + 1;
    for (size_t i = 0; i < size; i++)
        raw[i] = (uint8_t)(test_random(&state) >> 24);
    /* Some pixels equal to the first, so that a transparent colour is met. */
    size_t pixel = spec_samples(spec) * (size_t)spec->depth / 8;
    for (size_t i = 3 * pixel; pixel && i + pixel <= size; i += 7 * pixel)
        memcpy(raw + i, raw, pixel);
    return raw;
}

static inline png_bytes
file_make(const png_spec *spec, const uint8_t *raw)
{
    png_bytes file = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_bytepp rows = malloc(spec->height * sizeof(*rows));
    for (uint32_t y = 0; y < spec->height; y++)
        rows[y] = (png_bytep)(uintptr_t)(raw + spec_stride(spec) * y);
    png_set_write_fn(png, &file, file_append, file_flush);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_IHDR(png, info, spec->width, spec->height, spec->depth, spec->colour,
                 spec->interlaced, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    file_tables(spec, raw, png, info);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
    png_write_info(png, info);
    png_write_image(png, rows);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    free(rows);
    return file;
}

static inline png_bytes
file_of(png_spec spec)
{
    uint8_t *raw = raw_make(&spec);
    png_bytes file = file_make(&spec, raw);
    free(raw);
    return file;
}

/* --- the slow truth --------------------------------------------------------------- */

static inline li_pixel
truth_pixel(const png_spec *spec)
{
    bool alpha = (spec->colour & 4) || spec->transparent;
    return spec->colour & 2 ? (alpha ? LI_RGBA8 : LI_RGB8)
                            : (alpha ? LI_GRAYA8 : LI_GRAY8);
}

static inline uint8_t
truth_sample(const png_spec *spec, uint32_t sample)
{
    if (spec->depth == 16)
        return (uint8_t)((sample + 128) / 257);
    return (uint8_t)(sample * 255 / ((1u << spec->depth) - 1));
}

static inline void
truth_at(const png_spec *spec, const uint8_t *raw, uint32_t x, uint32_t y, uint8_t *out)
{
    uint32_t channels = li_pixel_channels(truth_pixel(spec));
    uint32_t samples = spec_samples(spec);
    bool keyed = true;
    if (spec->colour == 3) {
        uint8_t entry[4];
        uint32_t i = sample_at(spec, raw, x, y, 0);
        palette_entry(i, entry);
        entry[3] = palette_alpha(i);
        memcpy(out, entry, channels);
        return;
    }
    for (uint32_t c = 0; c < samples; c++) {
        uint32_t sample = sample_at(spec, raw, x, y, c);
        out[c] = truth_sample(spec, sample);
        keyed &= sample == sample_at(spec, raw, 0, 0, c);
    }
    if (channels > samples)
        out[samples] = keyed ? 0 : 255;
}

static inline uint8_t *
truth_make(const png_spec *spec, const uint8_t *raw)
{
    uint32_t bytes = li_pixel_bytes(truth_pixel(spec));
    uint8_t *truth = malloc((size_t)spec->width * spec->height * bytes);
    for (uint32_t y = 0; y < spec->height; y++)
        for (uint32_t x = 0; x < spec->width; x++)
            truth_at(spec, raw, x, y, truth + ((size_t)y * spec->width + x) * bytes);
    return truth;
}

/* --- decoding --------------------------------------------------------------------- */

/* Read everything: *pixels is the caller's, NULL unless all went well. */
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
source_decode(li_ctx *ctx, li_source *source, li_header *header, uint8_t **pixels)
{
    li_rows *rows = NULL;
    *pixels = NULL;
    li_status status = li_codec_png.inspect(ctx, source, header);
    if (status == LI_OK)
        status = li_codec_png.decode(ctx, source, header, (li_hint){0}, &rows);
    if (status == LI_OK)
        status = rows_collect(rows, pixels);
    li_rows_close(&rows);
    return status;
}

static inline li_status
file_decode(li_ctx *ctx, png_bytes file, li_header *header, uint8_t **pixels)
{
    li_source *source;
    *pixels = NULL;
    li_status status = li_source_borrow(ctx, file.data, file.size, &source);
    if (status != LI_OK)
        return status;
    status = source_decode(ctx, source, header, pixels);
    li_source_close(&source);
    return status;
}

/* What decoding ends in; the ledger and the message must fit it. */
static inline li_status
status_of(png_bytes file)
{
    uint8_t *pixels;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_status status = file_decode(&ctx, file, &header, &pixels);
    CHECK_EQ(ctx.bytes, 0);
    CHECK_EQ(status == LI_OK, ctx.message[0] == 0);
    free(pixels);
    return status;
}

#endif
