/* test_png_write.c: PNG out: what is written decodes to the same bytes, keeps to its
 * bounds, and fails cleanly. */
#include "codecs/png_files.h"

enum { LAYOUTS = 8 };
static const li_pixel layouts[LAYOUTS] = {LI_GRAY8,  LI_GRAYA8,  LI_RGB8,  LI_RGBA8,
                                          LI_GRAY16, LI_GRAYA16, LI_RGB16, LI_RGBA16};
static const uint32_t sizes[][2] = {{1, 1}, {1, 17}, {17, 1}, {13, 11}, {200, 61}};

/* Half smooth, half noise: literals, matches and every filter. */
static uint8_t *
picture(li_info info, bool noise)
{
    size_t stride = li_row_bytes(info);
    uint8_t *pixels = malloc(stride * info.height);
    uint32_t state = 5;
    for (uint32_t y = 0; y < info.height; y++)
        for (size_t i = 0; i < stride; i++) {
            uint32_t random = test_random(&state) >> 24;
            pixels[stride * y + i] =
                (uint8_t)(noise || i * 2 > stride ? random : i + 2 * y);
        }
    return pixels;
}

/* Write the rows; the ledger must be as before. */
static li_status
encode_rows(li_ctx *ctx, li_info info, const uint8_t *pixels, int compression,
            li_out *out)
{
    li_encode encode = li_encode_default();
    li_sink *sink;
    encode.compression = (int8_t)compression;
    uint64_t before = ctx->bytes;
    ctx->peak_bytes = before;
    li_status status = li_codec_png.encode(ctx, info, &encode, out, &sink);
    uint64_t opened = ctx->bytes - before;
    for (uint32_t y = 0; status == LI_OK && y < info.height; y++)
        status = li_sink_write(sink, pixels + li_row_bytes(info) * y);
    if (status == LI_OK)
        status = li_sink_finish(sink);
    CHECK(opened <= li_codec_png.encode_bytes(info, &encode));
    li_sink_close(&sink);
    return status;
}

static png_bytes
encode_file(li_info info, const uint8_t *pixels, int compression)
{
    li_encode encode = li_encode_default();
    png_bytes file = {0};
    li_out *out;
    li_ctx ctx;
    encode.compression = (int8_t)compression;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(encode_rows(&ctx, info, pixels, compression, out), LI_OK);
    uint8_t *data;
    size_t size;
    CHECK_EQ(li_out_detach(out, &data, &size), LI_OK);
    CHECK(size <= li_codec_png.output_bytes(info, &encode));
    li_out_close(&out);
    CHECK_EQ(ctx.bytes, 0);
    CHECK_EQ(ctx.warnings.count, 0);
    file = bytes_copy(data, size);
    li_release(data);
    return file;
}

/* What was written, with the bits that it has. */
static li_status
decode_back(li_ctx *ctx, png_bytes file, li_header *header, uint8_t **pixels)
{
    li_source *source;
    li_rows *rows = NULL;
    *pixels = NULL;
    CHECK_EQ(li_source_borrow(ctx, file.data, file.size, &source), LI_OK);
    li_status status = li_codec_png.inspect(ctx, source, header);
    const li_hint hint = {.deep = header->bit_depth > 8};
    if (status == LI_OK)
        status = li_codec_png.decode(ctx, source, header, hint, &rows);
    if (status == LI_OK)
        status = rows_collect(rows, pixels);
    li_rows_close(&rows);
    li_source_close(&source);
    return status;
}

static void
check_roundtrip(li_info info, bool noise, int compression)
{
    uint8_t *pixels = picture(info, noise), *back;
    png_bytes file = encode_file(info, pixels, compression);
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(decode_back(&ctx, file, &header, &back), LI_OK);
    CHECK_EQ(header.pixel, li_pixel_with_depth(info.pixel, false));
    CHECK_EQ(header.bit_depth, li_pixel_is_deep(info.pixel) ? 16 : 8);
    CHECK_EQ(header.width, info.width);
    CHECK_EQ(header.height, info.height);
    if (CHECK(back != NULL))
        CHECK(memcmp(back, pixels, li_row_bytes(info) * info.height) == 0);
    free(back);
    free(file.data);
    free(pixels);
}

TEST(every_layout_size_and_level_comes_back_equal)
{
    for (size_t layout = 0; layout < LAYOUTS; layout++)
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            for (int compression = -1; compression <= 9; compression++)
                check_roundtrip((li_info){sizes[i][0], sizes[i][1], layouts[layout]},
                                i & 1, compression);
}

/* Noise is the worst that deflate can meet. */
TEST(noise_keeps_to_the_output_bound)
{
    for (int compression = 0; compression <= 9; compression += 3) {
        check_roundtrip((li_info){1000, 700, LI_RGB8}, true, compression);
        check_roundtrip((li_info){1, 40000, LI_GRAY8}, true, compression);
        check_roundtrip((li_info){65535, 9, LI_GRAY8}, true, compression);
    }
}

TEST(the_output_bound_is_tight_on_what_cannot_shrink)
{
    li_info info = {1000, 700, LI_RGB8};
    li_encode encode = li_encode_default();
    uint8_t *pixels = picture(info, true);
    png_bytes file = encode_file(info, pixels, 0);
    uint64_t bound = li_codec_png.output_bytes(info, &encode);
    CHECK(bound - file.size < bound / 500);
    free(file.data);
    free(pixels);
}

TEST(higher_levels_write_less)
{
    li_info info = {400, 300, LI_RGB8};
    uint8_t *pixels = picture(info, false);
    png_bytes stored = encode_file(info, pixels, 0),
              fast = encode_file(info, pixels, 1);
    png_bytes best = encode_file(info, pixels, 9),
              usual = encode_file(info, pixels, -1);
    png_bytes two = encode_file(info, pixels, 2);
    CHECK(stored.size > fast.size);
    CHECK(fast.size > best.size);
    CHECK_EQ(usual.size, two.size);
    free(stored.data);
    free(fast.data);
    free(best.data);
    free(usual.data);
    free(two.data);
    free(pixels);
}

/* Held pictures are written by whichever of the two packers is shorter. */
TEST(higher_levels_are_never_longer_than_the_default)
{
#ifdef LI_HAVE_DEFLATE
    for (int noise = 0; noise < 2; noise++)
        for (uint32_t width = 1; width < 400; width += 57) {
            li_info info = {width, 100, layouts[width % 4]};
            uint8_t *pixels = picture(info, noise);
            png_bytes usual = encode_file(info, pixels, -1);
            for (int compression = 3; compression <= 9; compression++) {
                png_bytes held = encode_file(info, pixels, compression);
                CHECK(held.size <= usual.size);
                free(held.data);
            }
            free(usual.data);
            free(pixels);
        }
#endif
}

TEST(nothing_but_the_picture_is_written)
{
    li_info info = {700, 300, LI_RGB8};
    uint8_t *pixels = picture(info, true);
    png_bytes file = encode_file(info, pixels, 6);
    size_t at = 8;
    for (int n = 0; at < file.size; n++) {
        uint32_t length = get_be32(file.data + at);
        bool last = at + 12 + length == file.size;
        CHECK(memcmp(file.data + at + 4,
                     n == 0 ? "IHDR"
                     : last ? "IEND"
                            : "IDAT",
                     4) == 0);
        CHECK(length <= LI_OUT_BYTES);
        at += 12 + length;
    }
    CHECK_EQ(at, file.size);
    free(file.data);
    free(pixels);
}

/* --- what it says of its colours -------------------------------------------------- */

/* The chunks between IHDR and PLTE or IDAT, as they should be. */
static void
check_told(const li_encode *encode, const uint8_t *chunks, size_t size)
{
    li_info info = {8, 8, encode->palette ? LI_RGB8 : LI_GRAY8};
    uint8_t *pixels = picture(info, true), *data = NULL;
    size_t written;
    li_out *out;
    li_sink *sink;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(li_codec_png.encode(&ctx, info, encode, out, &sink), LI_OK);
    for (uint32_t y = 0; y < info.height; y++)
        CHECK_EQ(li_sink_write(sink, pixels + li_row_bytes(info) * y), LI_OK);
    CHECK_EQ(li_sink_finish(sink), LI_OK);
    li_sink_close(&sink);
    CHECK_EQ(li_out_detach(out, &data, &written), LI_OK);
    CHECK(written <= li_codec_png.output_bytes(info, encode));
    CHECK(size == 0 || memcmp(data + 33, chunks, size) == 0);
    const char *next = (const char *)data + 33 + size + 4;
    CHECK(memcmp(next, encode->palette ? "PLTE" : "IDAT", 4) == 0);
    li_release(data);
    li_out_close(&out);
    free(pixels);
}

/* Bodies as the standard has them; CRCs by Python's zlib. */
TEST(numbers_of_colours_stand_before_palette_and_picture)
{
    static const uint8_t cicp[] = {0, 0,    0, 4, 'c',  'I',  'C',  'P',
                                   9, 0x10, 0, 1, 0x4D, 0x23, 0x23, 0xFE};
    static const uint8_t narrow[] = {0, 0,  0, 4, 'c',  'I',  'C', 'P',
                                     1, 13, 0, 0, 0xEB, 0x6E, 11,  0xA4};
    static const uint8_t gama[] = {0, 0, 0,    4,    'g', 'A',  'M',  'A',
                                   0, 0, 0xB1, 0x8F, 11,  0xFC, 0x61, 5};
    static const uint8_t chrm[] = {0,    0,    0,    0x20, 'c',  'H',  'R',  'M',  0,
                                   0,    0x7A, 0x26, 0,    0,    0x80, 0x84, 0,    1,
                                   9,    0xA0, 0,    0,    0x7D, 0,    0,    0,    0x67,
                                   0x84, 0,    1,    13,   0x88, 0,    0,    0x3A, 0x98,
                                   0,    0,    0x17, 0x70, 0xF1, 0xF8, 0xCA, 0x57};
    static const uint32_t p3[8] = {31270, 32900, 68000, 32000,
                                   26500, 69000, 15000, 6000};
    for (int held = 0; held < 2; held++)
        for (int compression = 0; compression < 10; compression += 3) {
            li_encode encode = li_encode_default();
            encode.compression = (int8_t)compression;
            encode.palette = held ? 4 : 0;
            check_told(&encode, NULL, 0);
            encode.cicp = (li_cicp){.primaries = 9, .transfer = 16, .gamma = 5};
            check_told(&encode, cicp, sizeof(cicp));
            encode.cicp = (li_cicp){.primaries = 1, .transfer = 13, .narrow = true};
            check_told(&encode, narrow, sizeof(narrow));
            encode.cicp = (li_cicp){.gamma = 45455};
            check_told(&encode, gama, sizeof(gama));
            uint8_t both[sizeof(gama) + sizeof(chrm)];
            memcpy(encode.cicp.places, p3, sizeof(p3));
            memcpy(both, gama, sizeof(gama));
            memcpy(both + sizeof(gama), chrm, sizeof(chrm));
            check_told(&encode, both, sizeof(both));
            encode.cicp.gamma = 0;
            check_told(&encode, chrm, sizeof(chrm));
        }
}

/* --- an output that counts, and fails when told ----------------------------------- */

typedef struct fragile {
    li_out base;
    size_t largest;
    int writes_left;
} fragile;

static li_status
fragile_write(li_out *out, const void *data, size_t size)
{
    fragile *self = (fragile *)out;
    (void)data;
    if (size > self->largest)
        self->largest = size;
    if (self->writes_left-- > 0)
        return LI_OK;
    return li_fail(out->ctx, LI_E301_WRITE, "the disk is full");
}

static const li_out_ops fragile_ops = {.name = "fragile", .write = fragile_write};

TEST(every_write_fails_once)
{
    li_info info = {300, 300, LI_RGB8};
    uint8_t *pixels = picture(info, true);
    int n = 0;
    for (li_status status = LI_E301_WRITE; status != LI_OK; n++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        fragile out = {.base = {.ops = &fragile_ops, .ctx = &ctx}, .writes_left = n};
        status = encode_rows(&ctx, info, pixels, 1, &out.base);
        if (status != LI_OK) {
            CHECK_EQ(status, LI_E301_WRITE);
            CHECK_TEXT(ctx.message, "the disk is full");
        }
        CHECK_EQ(ctx.bytes, 0);
        CHECK(out.largest <= LI_OUT_BYTES);
    }
    CHECK(n > 7); /* the signature, IHDR, five chunks of IDAT, IEND */
    free(pixels);
}

static void
fail_each_allocation(int compression)
{
    li_info info = {30, 30, LI_RGBA8};
    uint8_t *pixels = picture(info, false);
    int64_t n = 0;
    for (li_status status = LI_ENOMEM; status != LI_OK; n++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = n;
        fragile out = {.base = {.ops = &fragile_ops, .ctx = &ctx}, .writes_left = 1000};
        status = encode_rows(&ctx, info, pixels, compression, &out.base);
        if (status != LI_OK)
            CHECK_EQ(status, LI_ENOMEM);
        CHECK_EQ(ctx.bytes, 0);
    }
    CHECK(n > 5); /* sink, row, chunk, packer and what it holds */
    free(pixels);
}

TEST(every_allocation_fails_once)
{
    for (int compression = 0; compression <= 9; compression++)
        fail_each_allocation(compression);
}

TEST(half_a_picture_is_closed_cleanly)
{
    li_info info = {300, 300, LI_RGB8};
    li_encode encode = li_encode_default();
    uint8_t *pixels = picture(info, true);
    li_sink *sink;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    fragile out = {.base = {.ops = &fragile_ops, .ctx = &ctx}, .writes_left = 1000};
    CHECK_EQ(li_codec_png.encode(&ctx, info, &encode, &out.base, &sink), LI_OK);
    CHECK_EQ(li_sink_write(sink, pixels), LI_OK);
    li_sink_close(&sink);
    CHECK_EQ(ctx.bytes, 0);
    CHECK_EQ(ctx.status, LI_OK);
    free(pixels);
}

/* --- what it takes ---------------------------------------------------------------- */

static li_status
status_of_encode(li_info info)
{
    li_encode encode = li_encode_default();
    li_sink *sink;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    fragile out = {.base = {.ops = &fragile_ops, .ctx = &ctx}, .writes_left = 1000};
    li_status status = li_codec_png.encode(&ctx, info, &encode, &out.base, &sink);
    CHECK_EQ(sink != NULL, status == LI_OK);
    li_sink_close(&sink);
    CHECK_EQ(ctx.bytes, 0);
    return status;
}

TEST(layouts_that_png_has_not_are_refused_and_named)
{
    CHECK_EQ(status_of_encode((li_info){9, 9, LI_RGB8}), LI_OK);
    CHECK_EQ(status_of_encode((li_info){9, 9, LI_CMYK8}), LI_E300_ENCODE);
    CHECK_EQ(status_of_encode((li_info){9, 9, LI_RGB16}), LI_OK);
    CHECK_EQ(status_of_encode((li_info){0, 9, LI_RGB8}), LI_E300_ENCODE);
    CHECK_EQ(status_of_encode((li_info){9, 0x80000000, LI_RGB8}), LI_E300_ENCODE);
    CHECK_EQ(status_of_encode((li_info){9, 0x7fffffff, LI_RGB8}), LI_OK);
}

TEST(every_layout_has_a_nearest_one)
{
    li_encode encode = li_encode_default();
    CHECK_EQ(li_codec_png.accepts(LI_CMYK8, &encode), LI_RGB8);
    for (size_t i = 0; i < LAYOUTS; i++) {
        encode.bit_depth = 0;
        CHECK_EQ(li_codec_png.accepts(layouts[i], &encode), layouts[i]);
        encode.bit_depth = 8;
        CHECK_EQ(li_codec_png.accepts(layouts[i], &encode), layouts[i % 4]);
        encode.bit_depth = 16;
        CHECK_EQ(li_codec_png.accepts(layouts[i], &encode), layouts[i % 4 + 4]);
    }
}

static void
check_words(li_info info, int compression, const char *words)
{
    li_encode encode = li_encode_default();
    char text[80];
    encode.compression = (int8_t)compression;
    li_codec_png.describe(info, &encode, text, sizeof(text));
    CHECK_TEXT(text, words);
}

TEST(the_level_is_told)
{
    li_info small = {1, 1, LI_RGB8}, large = {4000, 4000, LI_RGB8};
    check_words(large, -1, "compression 2, runs and repeats");
    check_words(small, 0, "compression 0, stored");
    check_words(small, 1, "compression 1, runs");
    check_words(small, 2, "compression 2, runs and repeats");
    check_words(large, 6, "compression 6, zlib");
#ifdef LI_HAVE_DEFLATE
    check_words(small, 6, "compression 6, libdeflate");
#else
    check_words(small, 6, "compression 6, zlib");
#endif
}

int
main(void)
{
    RUN(every_layout_size_and_level_comes_back_equal);
    RUN(noise_keeps_to_the_output_bound);
    RUN(the_output_bound_is_tight_on_what_cannot_shrink);
    RUN(higher_levels_write_less);
    RUN(higher_levels_are_never_longer_than_the_default);
    RUN(nothing_but_the_picture_is_written);
    RUN(numbers_of_colours_stand_before_palette_and_picture);
    RUN(every_write_fails_once);
    RUN(every_allocation_fails_once);
    RUN(half_a_picture_is_closed_cleanly);
    RUN(layouts_that_png_has_not_are_refused_and_named);
    RUN(every_layout_has_a_nearest_one);
    RUN(the_level_is_told);
    return test_end();
}
