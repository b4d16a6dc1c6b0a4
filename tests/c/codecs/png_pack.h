/* png_pack.h: pictures for the tests of the PNG writer, and what zlib, libpng
 * and plain words make of what it wrote. */
#ifndef LI_TESTS_PNG_PACK_H
#define LI_TESTS_PNG_PACK_H

#include "codecs/png_files.h"
#include "kernels/kernels.h"

#include <math.h>
#include <zlib.h>

/* --- pictures
 * --------------------------------------------------------------------- */

enum {
    KIND_NOISE,
    KIND_FLAT,
    KIND_PHOTO,
    KIND_ALTERNATING,
    KIND_STRIPES, /* rows that come again */
    KIND_TEXT,    /* few colours, the same shapes in many places */
    KIND_SPARSE,  /* flat with single dots */
    KINDS,
};

static inline uint8_t
kind_sample(int kind, uint32_t x, uint32_t y, uint32_t c, uint32_t *state)
{
    uint32_t random = test_random(state) >> 8;
    switch (kind) {
    case KIND_NOISE:
        return (uint8_t)random;
    case KIND_FLAT:
        return (uint8_t)(40 + c);
    case KIND_PHOTO:
        return (uint8_t)(128 + 60 * sin(x / 17.0 + c) + 50 * cos(y / 23.0) +
                         random % 7);
    case KIND_ALTERNATING:
        return (uint8_t)((x + y) % 2 * 255);
    case KIND_STRIPES:
        return (uint8_t)(x * 2654435761u >> (y % 3 * 5 + 8));
    case KIND_TEXT:
        return (uint8_t)((x / 3 * 40503u ^ y / 5 * 9973u) % 11 / 8 * 200 + c);
    default:
        return (uint8_t)(random % 211 ? 9 : random);
    }
}

static inline uint8_t *
kind_picture(li_info info, int kind, uint32_t seed)
{
    uint32_t channels = li_pixel_channels(info.pixel), state = seed;
    uint8_t *pixels = malloc(li_row_bytes(info) * info.height);
    size_t i = 0;
    for (uint32_t y = 0; y < info.height; y++)
        for (uint32_t x = 0; x < info.width; x++)
            for (uint32_t c = 0; c < channels; c++)
                pixels[i++] = kind_sample(kind, x, y, c, &state);
    return pixels;
}

/* --- writing
 * ---------------------------------------------------------------------- */

/* With the kernels of this name, which need not be in this build's tables. */
static inline png_bytes
pack_file(li_info info, const uint8_t *pixels, int level, const char *kernels_name)
{
    li_kernels kernels = li_kernels_scalar;
    li_encode encode = li_encode_default();
    li_sink *sink;
    li_out *out;
    li_ctx ctx;
    uint8_t *data;
    size_t size;
    li_ctx_init(&ctx, NULL);
    kernels.name = kernels_name;
    ctx.kernels = &kernels;
    encode.compression = (int8_t)level;
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    uint64_t before = ctx.bytes;
    CHECK_EQ(li_codec_png.encode(&ctx, info, &encode, out, &sink), LI_OK);
    CHECK(ctx.bytes - before <= li_codec_png.encode_bytes(info, &encode));
    for (uint32_t y = 0; y < info.height; y++)
        CHECK_EQ(li_sink_write(sink, pixels + li_row_bytes(info) * y), LI_OK);
    CHECK_EQ(li_sink_finish(sink), LI_OK);
    li_sink_close(&sink);
    CHECK_EQ(li_out_detach(out, &data, &size), LI_OK);
    CHECK(size <= li_codec_png.output_bytes(info, &encode));
    li_out_close(&out);
    CHECK_EQ(ctx.bytes, 0);
    png_bytes file = bytes_copy(data, size);
    li_release(data);
    return file;
}

/* --- reading: chunks and zlib
 * ----------------------------------------------------- */

/* The bodies of all IDAT, joined; every CRC is checked. */
static inline png_bytes
file_stream(png_bytes file)
{
    png_bytes stream = {malloc(file.size), 0};
    for (size_t at = 8; at + 12 <= file.size;) {
        uint32_t size = get_be32(file.data + at);
        uint8_t *type = file.data + at + 4;
        CHECK_EQ(crc32(0, type, size + 4), get_be32(type + 4 + size));
        if (memcmp(type, "IDAT", 4) == 0) {
            memcpy(stream.data + stream.size, type + 4, size);
            stream.size += size;
        }
        at += 12 + size;
    }
    return stream;
}

static inline uint8_t
truth_guess(int filter, int left, int above, int corner)
{
    int p = left + above - corner;
    int to_left = abs(p - left), to_above = abs(p - above), to_corner = abs(p - corner);
    switch (filter) {
    case 1:
        return (uint8_t)left;
    case 2:
        return (uint8_t)above;
    case 3:
        return (uint8_t)((left + above) / 2);
    case 4:
        return (uint8_t)(to_left <= to_above && to_left <= to_corner ? left
                         : to_above <= to_corner                     ? above
                                                                     : corner);
    default:
        return 0;
    }
}

/* Undo the filters by the specification's words and compare. */
static inline bool
rows_equal(li_info info, const uint8_t *rows, const uint8_t *pixels)
{
    size_t size = li_row_bytes(info), step = li_pixel_bytes(info.pixel);
    for (uint32_t y = 0; y < info.height; y++, rows += size + 1, pixels += size)
        for (size_t i = 0; i < size; i++) {
            const uint8_t *here = pixels + i;
            int left = i >= step ? *(here - step) : 0;
            int above = y ? *(here - size) : 0;
            int corner = y && i >= step ? *(here - size - step) : 0;
            uint8_t guess = truth_guess(rows[0], left, above, corner);
            if (rows[0] > 4 || (uint8_t)(rows[1 + i] + guess) != pixels[i])
                return false;
        }
    return true;
}

static inline void
check_by_zlib(li_info info, png_bytes file, const uint8_t *pixels)
{
    png_bytes stream = file_stream(file);
    uLongf size = (li_row_bytes(info) + 1) * info.height;
    uLong used = stream.size;
    uint8_t *rows = malloc(size);
    CHECK_EQ(uncompress2(rows, &size, stream.data, &used), Z_OK);
    CHECK_EQ(used, stream.size);
    if (CHECK_EQ(size, (li_row_bytes(info) + 1) * info.height))
        CHECK(rows_equal(info, rows, pixels));
    free(rows);
    free(stream.data);
}

/* --- reading: libpng
 * -------------------------------------------------------------- */

typedef struct png_cursor {
    png_bytes file;
    size_t at;
} png_cursor;

static inline void
cursor_read(png_structp png, png_bytep data, size_t size)
{
    png_cursor *cursor = png_get_io_ptr(png);
    if (size > cursor->file.size - cursor->at)
        png_error(png, "the file is too short");
    memcpy(data, cursor->file.data + cursor->at, size);
    cursor->at += size;
}

static inline void
cursor_warns(png_structp png, png_const_charp text)
{
    (void)png;
    CHECK_TEXT(text, "no warning at all");
}

/* libpng's error aborts the test, which is what an error deserves here. */
static inline void
check_by_libpng(li_info info, png_bytes file, const uint8_t *pixels)
{
    png_cursor cursor = {file, 0};
    png_structp png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, cursor_warns);
    png_infop head = png_create_info_struct(png);
    size_t size = li_row_bytes(info);
    uint8_t *row = malloc(size);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_read_fn(png, &cursor, cursor_read);
    png_read_info(png, head);
    CHECK_EQ(png_get_image_width(png, head), info.width);
    CHECK_EQ(png_get_image_height(png, head), info.height);
    CHECK_EQ(png_get_bit_depth(png, head), 8);
    CHECK_EQ(png_get_channels(png, head), li_pixel_channels(info.pixel));
    CHECK_EQ(png_get_rowbytes(png, head), size);
    bool equal = true;
    for (uint32_t y = 0; y < info.height; y++) {
        png_read_row(png, row, NULL);
        equal &= memcmp(row, pixels + size * y, size) == 0;
    }
    CHECK(equal);
    png_read_end(png, NULL);
    CHECK_EQ(cursor.at, file.size);
    png_destroy_read_struct(&png, &head, NULL);
    free(row);
}

#endif
