/* test_avif_sequence.c: the colours in AV1's sequence header: of any header that the
 * specification allows, and of files without nclx as libavif has them. */
#include "codecs/avif_make.h"

/* --- headers of every kind ----------------------------------------------------------
 */

typedef struct bit_writer {
    uint8_t data[512];
    size_t at; /* bits */
} bit_writer;

static void
put_bits(bit_writer *to, uint32_t value, uint32_t count)
{
    for (; count > 0; count--, to->at++)
        if (value >> (count - 1) & 1)
            to->data[to->at / 8] |= (uint8_t)(0x80 >> to->at % 8);
}

/* The same by chance, and what was written. */
static uint32_t
put_any(bit_writer *to, uint32_t count, uint32_t *random)
{
    uint32_t value = test_random(random) >> (32 - count);
    put_bits(to, value, count);
    return value;
}

/* 5.5.3 to 5.5.5: returns the bits of a delay. */
static uint32_t
put_timing(bit_writer *to, uint32_t *random)
{
    if (!put_any(to, 1, random))
        return 0;
    put_any(to, 32, random);
    put_any(to, 32, random);
    if (put_any(to, 1, random)) {
        uint32_t zeros = test_random(random) % 20;
        put_bits(to, 0, zeros);
        put_bits(to, 1, 1);
        for (uint32_t i = 0; i < zeros; i++)
            put_any(to, 1, random);
    }
    if (!put_any(to, 1, random))
        return 0;
    uint32_t delay = put_any(to, 5, random) + 1;
    put_any(to, 32, random);
    put_any(to, 10, random);
    return delay;
}

static void
put_points(bit_writer *to, uint32_t *random)
{
    uint32_t delay = put_timing(to, random), display = put_any(to, 1, random);
    uint32_t points = put_any(to, 5, random);
    for (uint32_t i = 0; i <= points; i++) {
        put_any(to, 12, random);
        if (put_any(to, 5, random) > 7)
            put_any(to, 1, random);
        if (delay && put_any(to, 1, random)) {
            put_any(to, delay, random);
            put_any(to, delay, random);
            put_any(to, 1, random);
        }
        if (display && put_any(to, 1, random))
            put_any(to, 4, random);
    }
}

static void
put_inter_tools(bit_writer *to, uint32_t *random)
{
    put_any(to, 4, random);
    uint32_t ordered = put_any(to, 1, random);
    if (ordered)
        put_any(to, 2, random);
    uint32_t choose = put_any(to, 1, random);
    uint32_t force = choose ? 2 : put_any(to, 1, random);
    if (force > 0 && put_any(to, 1, random) == 0)
        put_any(to, 1, random);
    if (ordered)
        put_any(to, 3, random);
}

/* sequence_header_obu() of 5.5.1 up to matrix_coefficients. */
static void
put_header(bit_writer *to, uint32_t profile, const li_cicp *said, uint32_t *random)
{
    put_bits(to, profile, 3);
    put_bits(to, 1, 1);
    bool reduced = put_any(to, 1, random);
    if (reduced)
        put_any(to, 5, random);
    else
        put_points(to, random);
    uint32_t width = put_any(to, 4, random), height = put_any(to, 4, random);
    put_any(to, width + 1, random);
    put_any(to, height + 1, random);
    if (!reduced && put_any(to, 1, random))
        put_any(to, 7, random);
    put_any(to, 3, random);
    if (!reduced)
        put_inter_tools(to, random);
    put_any(to, 3, random);
    if (put_any(to, 1, random) && profile == 2)
        put_any(to, 1, random);
    if (profile != 1)
        put_any(to, 1, random);
    put_bits(to, said != NULL, 1);
    if (said) {
        put_bits(to, said->primaries, 8);
        put_bits(to, said->transfer, 8);
        put_any(to, 8, random);
    }
}

/* An OBU of this type around whole bytes; returns how many it has. */
static size_t
put_unit(uint8_t *to, uint32_t type, const bit_writer *body, uint32_t *random)
{
    size_t size = (body->at + 7) / 8, at = 0;
    bool extended = test_random(random) >> 31;
    to[at++] = (uint8_t)(type << 3 | (extended ? 4 : 0) | 2);
    if (extended)
        to[at++] = 0x48;
    to[at++] = (uint8_t)(size & 127) | 128; /* leb128, longer than it must be */
    to[at++] = (uint8_t)(size >> 7) | 128;
    to[at++] = 0;
    memcpy(to + at, body->data, size);
    return at + size;
}

/* From a block of its own size, so that a sanitizer sees who reads behind. */
static li_cicp
read_back(const uint8_t *data, size_t size)
{
    uint8_t *own = malloc(size ? size : 1);
    memcpy(own, data, size);
    li_cicp said = li_avif_sequence_cicp(own, size);
    free(own);
    return said;
}

TEST(headers_of_every_kind_are_read)
{
    uint32_t random = 11;
    for (int turn = 0; turn < 3000; turn++) {
        bit_writer nothing = {{0}, 0}, other = {{0}, 8 * (size_t)(turn % 7)},
                   header = {{0}, 0};
        uint8_t data[1100];
        li_cicp wanted = {.primaries = (uint8_t)(test_random(&random) >> 24),
                          .transfer = (uint8_t)(test_random(&random) >> 24)};
        bool described = turn % 5 != 0;
        put_header(&header, turn % 3, described ? &wanted : NULL, &random);
        size_t size = put_unit(data, 2, &nothing, &random); /* a temporal delimiter */
        size += put_unit(data + size, turn % 2 ? 5 : 15, &other, &random);
        size += put_unit(data + size, 1, &header, &random);
        li_cicp said = read_back(data, size);
        CHECK_EQ(said.primaries, described ? wanted.primaries : 0);
        CHECK_EQ(said.transfer, described ? wanted.transfer : 0);
    }
}

TEST(what_ends_early_says_nothing)
{
    uint32_t random = 5;
    for (int turn = 0; turn < 40; turn++) {
        bit_writer header = {{0}, 0};
        uint8_t data[600];
        li_cicp wanted = {.primaries = 9, .transfer = 16};
        put_header(&header, 0, &wanted, &random);
        size_t size = put_unit(data, 1, &header, &random);
        size_t needed = size - (header.at + 7) / 8 + (header.at - 8 + 7) / 8;
        for (size_t length = 0; length < needed; length++)
            CHECK_EQ(read_back(data, length).primaries, 0);
        CHECK_EQ(read_back(data, needed).transfer, 16);
        data[0] |= 0x80; /* the bit that is forbidden */
        CHECK_EQ(read_back(data, size).primaries, 0);
    }
    for (int turn = 0; turn < 20000; turn++) { /* any bytes: nothing is read behind */
        uint8_t data[64];
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = (uint8_t)(test_random(&random) >> 24);
        data[0] = turn % 2 ? 0x0a : data[0];
        (void)read_back(data, (size_t)turn % sizeof(data));
    }
}

/* --- files --------------------------------------------------------------------------
 */

static const avif_spec plain = {.width = 64,
                                .height = 64,
                                .depth = 8,
                                .format = AVIF_PIXEL_FORMAT_YUV420,
                                .range = AVIF_RANGE_FULL,
                                .matrix = 6,
                                .primaries = 9,
                                .transfer = 16};

static li_cicp
inspected(const avifRWData *file)
{
    li_header header = {0};
    li_source *source;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, file->data, file->size, &source), LI_OK);
    CHECK_EQ(li_codec_avif.inspect(&ctx, source, &header), LI_OK);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
    return header.cicp;
}

/* What libavif has of the same file. */
static void
check_as_libavif(const avifRWData *file, li_cicp said)
{
    avifDecoder *decoder = avifDecoderCreate();
    CHECK_EQ(avifDecoderSetIOMemory(decoder, file->data, file->size), AVIF_RESULT_OK);
    CHECK_EQ(avifDecoderParse(decoder), AVIF_RESULT_OK);
    CHECK_EQ(said.primaries, decoder->image->colorPrimaries);
    CHECK_EQ(said.transfer, decoder->image->transferCharacteristics);
    avifDecoderDestroy(decoder);
}

static void
rename_boxes(avifRWData *file, const char *from, const char *to)
{
    for (size_t at = 0; at + 4 <= file->size; at++)
        if (memcmp(file->data + at, from, 4) == 0)
            memcpy(file->data + at, to, 4);
}

TEST(files_without_nclx_are_as_libavif_has_them)
{
    avif_spec specs[8];
    for (int i = 0; i < 8; i++)
        specs[i] = plain;
    specs[1].format = AVIF_PIXEL_FORMAT_YUV400;
    specs[2].depth = 10;
    specs[2].transfer = 18;
    specs[3].depth = 12;
    specs[3].format = AVIF_PIXEL_FORMAT_YUV444;
    specs[3].primaries = 12;
    specs[4].alpha = true;
    specs[5].columns = 2;
    specs[5].rows = 1;
    specs[6].frames = 3;
    specs[7].matrix = 9;
    specs[7].transfer = 1;
    for (int i = 0; i < 8; i++) {
        avifRWData file = file_make(specs[i]);
        CHECK_EQ(inspected(&file).primaries, specs[i].primaries);
        check_as_libavif(&file, inspected(&file));
        rename_boxes(&file, "colr", "free");
        CHECK_EQ(inspected(&file).primaries, specs[i].primaries);
        CHECK_EQ(inspected(&file).transfer, specs[i].transfer);
        check_as_libavif(&file, inspected(&file));
        avifRWDataFree(&file);
    }
}

TEST(nclx_counts_before_the_stream)
{
    avifRWData file = file_make(plain);
    for (size_t at = 0; at + 8 <= file.size; at++)
        if (memcmp(file.data + at, "nclx", 4) == 0)
            file.data[at + 5] = 12;
    CHECK_EQ(inspected(&file).primaries, 12);
    check_as_libavif(&file, inspected(&file));
    rename_boxes(&file, "nclx", "none"); /* a kind of colr that nobody knows */
    CHECK_EQ(inspected(&file).primaries, 9);
    check_as_libavif(&file, inspected(&file));
    avifRWDataFree(&file);
}

int
main(void)
{
    RUN(headers_of_every_kind_are_read);
    RUN(what_ends_early_says_nothing);
    RUN(files_without_nclx_are_as_libavif_has_them);
    RUN(nclx_counts_before_the_stream);
    return test_end();
}
