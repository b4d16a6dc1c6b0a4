/* test_avif_scan.c: the header's scan: what it finds in files of libavif, how it bounds
 * lists, and that no byte of a file can upset it. */
#include "codecs/avif_make.h"

static const avif_spec plain = {.width = 48,
                                .height = 32,
                                .depth = 8,
                                .format = AVIF_PIXEL_FORMAT_YUV420,
                                .range = AVIF_RANGE_FULL,
                                .matrix = 6};

static li_status
inspect(li_ctx *ctx, const void *data, size_t size, li_header *header)
{
    li_source *source;
    li_status status = li_source_borrow(ctx, data, size, &source);
    if (status == LI_OK)
        status = li_codec_avif.inspect(ctx, source, header);
    li_source_close(&source);
    CHECK_EQ(ctx->bytes, 0);
    return status;
}

static li_header
header_of(avif_spec spec)
{
    avifRWData file = file_make(spec);
    li_header header = {0};
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(inspect(&ctx, file.data, file.size, &header), LI_OK);
    avifRWDataFree(&file);
    return header;
}

TEST(the_header_says_what_the_file_is)
{
    li_header header = header_of(plain);
    CHECK_EQ(header.width, 48);
    CHECK_EQ(header.height, 32);
    CHECK_EQ(header.pixel, LI_RGB8);
    CHECK_EQ(header.bit_depth, 8);
    CHECK_EQ(header.frames, 1);
    CHECK_EQ(header.chroma_x, 2);
    CHECK_EQ(header.chroma_y, 2);
    CHECK(!header.studio);
    CHECK_TEXT(header.variant, "8 bit 4:2:0");
    avif_spec spec = plain;
    spec.format = AVIF_PIXEL_FORMAT_YUV400;
    spec.depth = 12;
    spec.alpha = true;
    CHECK_TEXT(header_of(spec).variant, "12 bit 4:0:0 alpha");
    CHECK_EQ(header_of(spec).pixel, LI_GRAYA8);
    spec = plain;
    spec.width = spec.height = 64;
    spec.columns = 2;
    spec.rows = 1;
    spec.format = AVIF_PIXEL_FORMAT_YUV422;
    header = header_of(spec);
    CHECK_TEXT(header.variant, "8 bit 4:2:2 grid of 2");
    CHECK_EQ(header.width, 128);
    spec = plain;
    spec.frames = 3;
    spec.depth = 10;
    header = header_of(spec);
    CHECK_TEXT(header.variant, "10 bit 4:2:0 sequence");
    CHECK_EQ(header.frames, 3);
}

/* --- damage ----------------------------------------------------------------------- */

/* Where this type stands in the file; the box begins 4 bytes before. */
static size_t
find_type(const avifRWData *file, const char *type)
{
    for (size_t at = 4; at + 4 <= file->size; at++)
        if (memcmp(file->data + at, type, 4) == 0)
            return at;
    fprintf(stderr, "no %s in the file\n", type);
    abort();
}

static bool
is_refusal(li_status status)
{
    return status == LI_E111_FORMAT || status == LI_E123_FIREWALL ||
           status == LI_E130_CORRUPT || status == LI_E131_DECODE ||
           status == LI_E132_TRUNCATED;
}

TEST(every_prefix_is_a_clean_error)
{
    avif_spec spec = plain;
    for (int alpha = 0; alpha < 2; alpha++) {
        spec.alpha = alpha;
        avifRWData file = file_make(spec);
        size_t meta = find_type(&file, "meta") + 4;
        for (size_t size = 1; size < file.size; size++) {
            uint8_t *copy = malloc(size); /* so that a sanitizer sees its end */
            memcpy(copy, file.data, size);
            li_status status = status_of_bytes(copy, size);
            CHECK(is_refusal(status));
            if (size >= meta)
                CHECK_EQ(status, LI_E132_TRUNCATED);
            free(copy);
        }
        CHECK_EQ(status_of_bytes(file.data, file.size), LI_OK);
        avifRWDataFree(&file);
    }
}

/* The scan alone over files with one byte changed: an error or not, never worse. */
TEST(no_byte_of_the_boxes_upsets_the_scan)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    avif_spec spec = plain;
    spec.columns = spec.rows = 2;
    spec.width = spec.height = 64;
    spec.alpha = true;
    for (int kind = 0; kind < 2; kind++) {
        avifRWData file = file_make(spec);
        size_t end = find_type(&file, "mdat");
        for (size_t at = 0; at < end; at++)
            for (size_t i = 0; i < sizeof(values); i++) {
                uint8_t old = file.data[at];
                li_header header;
                li_ctx ctx;
                li_ctx_init(&ctx, NULL);
                file.data[at] = values[i];
                li_status status = inspect(&ctx, file.data, file.size, &header);
                CHECK(status == LI_OK || is_refusal(status));
                file.data[at] = old;
            }
        avifRWDataFree(&file);
        spec = plain;
        spec.frames = 2;
    }
}

TEST(other_brands_are_no_avif)
{
    avifRWData file = file_make(plain);
    size_t at = find_type(&file, "ftyp") + 4;
    for (size_t i = at; i + 4 <= find_type(&file, "meta") - 4; i += 4)
        if (memcmp(file.data + i, "avif", 4) == 0)
            memcpy(file.data + i, "heic", 4);
    CHECK_EQ(status_of_bytes(file.data, file.size), LI_E111_FORMAT);
    memcpy(file.data + at, "mif1", 4); /* still none in the list */
    CHECK_EQ(status_of_bytes(file.data, file.size), LI_E111_FORMAT);
    memcpy(file.data + at + 8, "avif", 4);
    CHECK_EQ(status_of_bytes(file.data, file.size), LI_OK);
    avifRWDataFree(&file);
}

/* --- bombs ------------------------------------------------------------------------ */

static size_t
put_number(uint8_t *to, size_t bytes, uint64_t value)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    return bytes;
}

static size_t
put_box(uint8_t *to, const char *type, size_t body)
{
    put_number(to, 4, body + 8);
    memcpy(to + 4, type, 4);
    return 8;
}

/* ftyp and meta with `count` items in iinf. */
static size_t
make_items(uint8_t *to, uint32_t count)
{
    enum { ENTRY = 21 };
    size_t list = 8 + (size_t)count * ENTRY, at = 0;
    at += put_box(to, "ftyp", 12);
    memcpy(to + at, "avif\0\0\0\0avif", 12);
    at += 12;
    at += put_box(to + at, "meta", 4 + 8 + list);
    at += put_number(to + at, 4, 0);
    at += put_box(to + at, "iinf", list);
    at += put_number(to + at, 4, 1 << 24);
    at += put_number(to + at, 4, count);
    for (uint32_t i = 0; i < count; i++) {
        at += put_box(to + at, "infe", ENTRY - 8);
        at += put_number(to + at, 4, 3 << 24);
        at += put_number(to + at, 4, i + 1);
        at += put_number(to + at, 1, 0);
        memcpy(to + at, "av01", 4);
        at += 4;
    }
    return at;
}

TEST(max_items_is_exact_and_named)
{
    enum { MANY = 200000 };
    uint8_t *file = malloc(MANY * 21 + 100);
    li_header header;
    li_ctx ctx;
    size_t size = make_items(file, 1024);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(inspect(&ctx, file, size, &header), LI_E130_CORRUPT); /* no picture */
    size = make_items(file, 1025);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(inspect(&ctx, file, size, &header), LI_E123_FIREWALL);
    CHECK_TEXT(ctx.message, "avif: 1025 items are more than limits(max_items=1024) "
                            "allows");
    ctx = (li_ctx){0};
    li_ctx_init(&ctx, NULL);
    ctx.limits.max_items = 0;
    CHECK_EQ(inspect(&ctx, file, size, &header), LI_E130_CORRUPT);
    size = make_items(file, MANY);
    li_ctx_init(&ctx, NULL);
    int64_t start = li_cpu_ns();
    CHECK_EQ(inspect(&ctx, file, size, &header), LI_E123_FIREWALL);
    CHECK(li_cpu_ns() - start < 5 * 1000 * 1000);
    free(file);
}

/* What is no box, or one that is there already, ends the walk behind a picture; in
 * front of it, it is damage. */
TEST(what_is_no_box_ends_the_walk)
{
    static const char *const rests[] = {"\0",
                                        "abcdefg",
                                        "\0\0\0\7free\0\0",
                                        "\0\0\0\x10\0\0\0\0\0\0",
                                        "\0\0\1\0free\0\0",
                                        "\0\0\0\1free\0\0",
                                        "\0\0\0\x0aftyp\0\0"};
    static const size_t sizes[] = {1, 7, 10, 10, 10, 10, 10};
    for (int kind = 0; kind < 2; kind++) {
        avif_spec spec = plain;
        spec.frames = kind ? 3 : 0;
        avifRWData file = file_make(spec);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            char words[80];
            uint8_t *longer = malloc(file.size + sizes[i]);
            li_header header;
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            memcpy(longer, file.data, file.size);
            memcpy(longer + file.size, rests[i], sizes[i]);
            CHECK_EQ(inspect(&ctx, longer, file.size + sizes[i], &header), LI_OK);
            CHECK_EQ(ctx.warnings.count, 1);
            snprintf(words, sizeof(words),
                     "avif: %zu extraneous bytes behind the last box", sizes[i]);
            CHECK_TEXT(ctx.warnings.text[0], words);
            memcpy(longer + 4, "free", 4); /* no ftyp */
            li_ctx_init(&ctx, NULL);
            CHECK(inspect(&ctx, longer, file.size + sizes[i], &header) != LI_OK);
            CHECK_EQ(ctx.warnings.count, 0);
            free(longer);
        }
        avifRWDataFree(&file);
    }
}

/* An item that ends behind the file's end is told by the scan, with both numbers. */
TEST(a_picture_behind_the_end_is_truncated)
{
    avifRWData file = file_make(plain);
    li_ctx ctx;
    li_source *source;
    li_header header;
    li_rows *rows;
    char words[LI_MESSAGE_BYTES];
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size - 1, &source), LI_OK);
    CHECK_EQ(li_codec_avif.inspect(&ctx, source, &header), LI_OK);
    CHECK_EQ(li_codec_avif.decode(&ctx, source, &header, (li_hint){0}, &rows),
             LI_E132_TRUNCATED);
    snprintf(words, sizeof(words),
             "avif: the file ends at byte %zu, its picture at byte %zu", file.size - 1,
             file.size);
    CHECK_TEXT(ctx.message, words);
    li_source_close(&source);
    avifRWDataFree(&file);
}

TEST(boxes_in_boxes_are_not_followed)
{
    enum { DEPTH = 10000 };
    uint8_t *file = malloc(20 + 12 * DEPTH);
    size_t at = put_box(file, "ftyp", 12);
    memcpy(file + at, "avif\0\0\0\0avif", 12);
    at += 12;
    for (size_t i = 0; i < DEPTH; i++) {
        at += put_box(file + at, "meta", 12 * (DEPTH - i) - 8);
        at += put_number(file + at, 4, 0);
    }
    CHECK_EQ(status_of_bytes(file, at), LI_E130_CORRUPT);
    free(file);
}

TEST(meta_may_lie_at_the_end)
{
    avifRWData file = file_make(plain);
    li_header header;
    li_ctx ctx;
    size_t meta = find_type(&file, "meta") - 4;
    size_t rest = file.size - meta, gap = 3 << 20;
    uint8_t *moved = calloc(1, file.size + gap + 8);
    memcpy(moved, file.data, meta);
    put_box(moved + meta, "free", gap);
    memcpy(moved + meta + 8 + gap, file.data + meta, rest);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(inspect(&ctx, moved, file.size + gap + 8, &header), LI_OK);
    CHECK_EQ(header.width, 48);
    free(moved);
    avifRWDataFree(&file);
}

/* A source that has become shorter than it was when it was opened. */
typedef struct shrunk {
    li_source base;
    const uint8_t *data; /* borrowed */
    uint64_t given;      /* bytes that it still has */
} shrunk;

static li_status
shrunk_at(li_source *source, uint64_t offset, size_t want, const uint8_t **data,
          size_t *got)
{
    const shrunk *self = (const shrunk *)source;
    uint64_t left = offset < self->given ? self->given - offset : 0;
    *got = left < want ? (size_t)left : want;
    *data = *got ? self->data + offset : NULL;
    return LI_OK;
}

TEST(a_source_that_shrinks_is_a_file_that_ends)
{
    static const li_source_ops ops = {.name = "shrunk", .at = shrunk_at};
    avifRWData file = file_make(plain);
    size_t whole = find_type(&file, "mdat");
    for (size_t given = 0; given < whole - 8; given++) {
        li_ctx ctx;
        li_header header;
        li_ctx_init(&ctx, NULL);
        shrunk source = {
            {.ops = &ops, .ctx = &ctx, .size = file.size}, file.data, given};
        CHECK_EQ(li_codec_avif.inspect(&ctx, &source.base, &header), LI_E132_TRUNCATED);
    }
    avifRWDataFree(&file);
}

int
main(void)
{
    RUN(a_source_that_shrinks_is_a_file_that_ends);
    RUN(the_header_says_what_the_file_is);
    RUN(every_prefix_is_a_clean_error);
    RUN(no_byte_of_the_boxes_upsets_the_scan);
    RUN(other_brands_are_no_avif);
    RUN(max_items_is_exact_and_named);
    RUN(what_is_no_box_ends_the_walk);
    RUN(a_picture_behind_the_end_is_truncated);
    RUN(boxes_in_boxes_are_not_followed);
    RUN(meta_may_lie_at_the_end);
    return test_end();
}
