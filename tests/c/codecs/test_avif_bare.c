/* test_avif_bare.c: a file that is its picture and nothing else, and all that makes it
 * one that is more. */
#include "codecs/avif_make.h"

static const avif_spec plain = {.width = 48,
                                .height = 32,
                                .depth = 8,
                                .format = AVIF_PIXEL_FORMAT_YUV420,
                                .range = AVIF_RANGE_FULL,
                                .matrix = 6};

static bool
is_bare(const void *data, size_t size)
{
    bool good = false;
    li_source *source;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, data, size, &source), LI_OK);
    CHECK_EQ(li_codec_avif.bare(&ctx, source, &good), LI_OK);
    CHECK_EQ(ctx.status, LI_OK);
    CHECK_EQ(ctx.message[0], 0);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
    return good;
}

/* --- a file that is changed --------------------------------------------------------
 */

typedef struct changed {
    uint8_t *data; /* owned */
    size_t size;
} changed;

static changed
copy_of(const avifRWData *file, size_t more)
{
    changed made = {malloc(file->size + more), file->size};
    memcpy(made.data, file->data, file->size);
    return made;
}

static size_t
find(const changed *file, const void *what, size_t size)
{
    for (size_t at = 0; at + size <= file->size; at++)
        if (memcmp(file->data + at, what, size) == 0)
            return at;
    abort();
}

static void
add_to_number(uint8_t *at, uint32_t more)
{
    uint32_t value =
        (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)((value + more) >> 8 * (3 - i));
}

static void
append(changed *file, const void *what, size_t size)
{
    memcpy(file->data + file->size, what, size);
    file->size += size;
}

static bool
is_bare_with(const avifRWData *file, const void *what, size_t size)
{
    changed more = copy_of(file, size);
    append(&more, what, size);
    bool good = is_bare(more.data, more.size);
    free(more.data);
    return good;
}

/* The first `from` becomes `to`. */
static bool
is_bare_as(const avifRWData *file, const char *from, const char *to, size_t size)
{
    changed other = copy_of(file, 0);
    memcpy(other.data + find(&other, from, size), to, size);
    bool good = is_bare(other.data, other.size);
    free(other.data);
    return good;
}

/* mdat and the file, longer by these bytes. */
static bool
is_bare_longer(const avifRWData *file, const void *what, size_t size)
{
    changed more = copy_of(file, size);
    append(&more, what, size);
    add_to_number(more.data + find(&more, "mdat", 4) - 4, (uint32_t)size);
    bool good = is_bare(more.data, more.size);
    free(more.data);
    return good;
}

/* --- tests -------------------------------------------------------------------------
 */

TEST(pictures_alone_are_bare)
{
    for (int i = 0; i < 8; i++) {
        avif_spec spec = plain;
        spec.alpha = i & 1;
        spec.depth = i & 2 ? 10 : 8;
        if (i & 4)
            spec = (avif_spec){.width = 64,
                               .height = 64,
                               .depth = spec.depth,
                               .format = spec.format,
                               .range = spec.range,
                               .matrix = spec.matrix,
                               .alpha = spec.alpha,
                               .columns = 2,
                               .rows = 2};
        avifRWData file = file_make(spec);
        CHECK(is_bare(file.data, file.size));
        avifRWDataFree(&file);
    }
}

TEST(a_box_or_a_byte_behind_makes_it_more)
{
    avifRWData file = file_make(plain);
    CHECK(!is_bare_with(&file, "\0\0\0\xcuuidtext", 12));
    CHECK(!is_bare_with(&file,
                        "\0\0\0\xc"
                        "freetext",
                        12));
    CHECK(!is_bare_with(&file, "\0\0\0\x8mdat", 8));
    CHECK(!is_bare_with(&file,
                        "\0\0\0\x8"
                        "free",
                        8));
    CHECK(!is_bare_with(&file, "x", 1));
    avifRWDataFree(&file);
}

TEST(data_that_no_item_has_make_it_more)
{
    avif_spec spec = plain;
    for (int alpha = 0; alpha < 2; alpha++) {
        spec.alpha = alpha;
        avifRWData file = file_make(spec);
        CHECK(is_bare_longer(&file, "", 0));
        CHECK(!is_bare_longer(&file, "x", 1));
        CHECK(!is_bare_longer(&file, "52.5, 13.4", 10));
        avifRWDataFree(&file);
    }
}

TEST(names_and_kinds_that_are_not_known_make_it_more)
{
    avif_spec spec = plain;
    spec.alpha = true;
    avifRWData file = file_make(spec);
    CHECK(is_bare(file.data, file.size));
    static const char *const pairs[][2] = {
        {"hdlr", "free"}, {"pict", "text"}, {"infe", "uuid"}, {"av01", "mime"},
        {"av01", "Exif"}, {"auxl", "thmb"}, {"auxl", "cdsc"}, {"ispe", "uuid"},
        {"nclx", "prof"}, {"auxC", "udes"}, {"ipma", "free"}, {"mdat", "free"},
        {":aux", ":dep"}, {"iref", "grpl"}, {"iloc", "xml "}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        CHECK(!is_bare_as(&file, pairs[i][0], pairs[i][1], 4));
    avifRWDataFree(&file);
}

/* Behind the sequence header's unit, which begins with 0x0a, is the frame's. */
TEST(units_of_metadata_make_it_more)
{
    avifRWData file = file_make(plain);
    changed other = copy_of(&file, 0);
    size_t at = find(&other, "mdat", 4) + 4;
    at += other.data[at] == 0x12 ? 2 : 0; /* a temporal delimiter */
    CHECK_EQ(other.data[at], 1 << 3 | 2);
    other.data[at] = 5 << 3 | 2;
    CHECK(!is_bare(other.data, other.size));
    other.data[at] = 15 << 3 | 2;
    CHECK(!is_bare(other.data, other.size));
    free(other.data);
    avifRWDataFree(&file);
}

TEST(metadata_that_libavif_writes_make_it_more)
{
    for (int kind = 0; kind < 3; kind++) {
        static const uint8_t block[] = "MM\0*\0\0\0\10\0\0\0\0\0\0";
        avifRWData data = AVIF_DATA_EMPTY;
        avifImage *image = picture_make(&plain, 1);
        avifEncoder *encoder = avifEncoderCreate();
        encoder->speed = 9;
        CHECK_EQ(li_avif_add_metadata(image, kind == 0 ? block : NULL, sizeof(block),
                                      kind == 1 ? block : NULL, sizeof(block),
                                      kind == 2 ? block : NULL, sizeof(block)),
                 AVIF_RESULT_OK);
        CHECK_EQ(avifEncoderWrite(encoder, image, &data), AVIF_RESULT_OK);
        CHECK(!is_bare(data.data, data.size));
        avifRWDataFree(&data);
        avifEncoderDestroy(encoder);
        avifImageDestroy(image);
    }
}

TEST(every_cut_and_any_bytes_are_survived)
{
    avif_spec spec = plain;
    spec.alpha = true;
    avifRWData file = file_make(spec);
    changed other = copy_of(&file, 0);
    size_t head = find(&other, "mdat", 4);
    for (size_t size = 1; size < file.size; size++)
        CHECK(!is_bare(file.data, size));
    uint32_t state = 5, bare = 0;
    for (int i = 0; i < 30000; i++) {
        memcpy(other.data, file.data, file.size);
        for (uint32_t n = 1 + test_random(&state) % 3; n > 0; n--)
            other.data[test_random(&state) % (head + 8)] = (uint8_t)test_random(&state);
        bare += is_bare(other.data, other.size);
    }
    CHECK(bare < 15000);
    free(other.data);
    avifRWDataFree(&file);
}

int
main(void)
{
    RUN(pictures_alone_are_bare);
    RUN(a_box_or_a_byte_behind_makes_it_more);
    RUN(data_that_no_item_has_make_it_more);
    RUN(names_and_kinds_that_are_not_known_make_it_more);
    RUN(units_of_metadata_make_it_more);
    RUN(metadata_that_libavif_writes_make_it_more);
    RUN(every_cut_and_any_bytes_are_survived);
    return test_end();
}
