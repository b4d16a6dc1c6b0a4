/* test_jpeg_read.c: rows out of JPEGs of every sampling, whole, shrunk and in part. */
#include "jpeg_make.h"

static const make kinds[] = {
    {.width = 151, .height = 133, .components = 1},
    {.width = 151, .height = 133, .components = 1, .h = {2}, .v = {2}},
    {.width = 149, .height = 131, .components = 3, .h = {1, 1, 1}, .v = {1, 1, 1}},
    {.width = 150, .height = 133, .components = 3, .h = {2, 1, 1}, .v = {1, 1, 1}},
    {.width = 151, .height = 134, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
    {.width = 147, .height = 135, .components = 3, .h = {1, 1, 1}, .v = {2, 1, 1}},
    {.width = 157, .height = 111, .components = 3, .h = {4, 1, 1}, .v = {1, 1, 1}},
    {.width = 161, .height = 113, .components = 3, .h = {4, 1, 1}, .v = {2, 1, 1}},
    {.width = 161, .height = 113, .components = 3, .h = {1, 1, 1}, .v = {4, 1, 1}},
    {.width = 163, .height = 127, .components = 3, .h = {2, 1, 2}, .v = {2, 2, 1}},
    {.width = 163, .height = 127, .components = 3, .h = {3, 1, 1}, .v = {1, 1, 1}},
    {.width = 133, .height = 127, .components = 3, .h = {1, 1, 1}, .v = {3, 1, 1}},
    {.width = 133, .height = 127, .components = 3, .h = {1, 2, 1}, .v = {1, 2, 1}},
    {.width = 97, .height = 61, .components = 4},
    {.width = 97, .height = 61, .components = 4, .h = {2, 1, 1, 2}, .v = {2, 1, 1, 2}},
    {.width = 33, .height = 300, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
    {.width = 300, .height = 9, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), WAYS = 5 };

/* The same picture in another way of writing it down. */
static make
kind_in_way(uint32_t kind, uint32_t way)
{
    make how = kinds[kind];
    how.progressive = way == 1 || way == 4;
    how.apart = way == 2;
    how.arithmetic = way == 3;
    how.dc_only = way == 4;
    how.restart = kind % 3 == 0 ? 3 : 0;
    return how;
}

static const uint8_t shrinks[] = {0, 1, 2, 3, 4};

TEST(header_says_what_the_file_is)
{
    make how = kind_in_way(4, 0);
    bytes file = make_jpeg(&how);
    li_ctx ctx;
    li_header header;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(inspect_bytes(&ctx, file.data, file.size, &header), LI_OK);
    CHECK_EQ(header.width, 151);
    CHECK_EQ(header.height, 134);
    CHECK_EQ(header.pixel, LI_RGB8);
    CHECK_EQ(header.orientation, 1);
    CHECK_EQ(header.frames, 1);
    CHECK_EQ(header.bit_depth, 8);
    CHECK_EQ(header.held_bytes, 0);
    CHECK(!header.progressive && !header.inverted);
    CHECK_TEXT(header.variant, "baseline 4:2:0");
    free(file.data);
}

TEST(variants_are_named)
{
    static const struct {
        uint32_t kind, way;
        const char *name;
    } cases[] = {{0, 0, "baseline gray"},           {2, 1, "progressive 4:4:4"},
                 {3, 2, "baseline in scans 4:2:2"}, {4, 3, "arithmetic 4:2:0"},
                 {5, 0, "baseline 4:4:0"},          {6, 0, "baseline 4:1:1"},
                 {7, 0, "baseline 4:1:0"},          {9, 0, "baseline 2x2.1x2.2x1"},
                 {13, 0, "baseline CMYK"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        make how = kind_in_way(cases[i].kind, cases[i].way);
        bytes file = make_jpeg(&how);
        li_ctx ctx;
        li_header header;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(inspect_bytes(&ctx, file.data, file.size, &header), LI_OK);
        CHECK_TEXT(header.variant, cases[i].name);
        CHECK_EQ(header.held_bytes > 0, cases[i].way == 1 || cases[i].way == 2);
        free(file.data);
    }
}

/* libjpeg's own whole decode, the slow truth. */
static uint8_t *
library_decode(bytes file, uint8_t shrink, size_t *size)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, file.data, file.size);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.scale_num = shrink ? shrink : 8;
    jpeg.scale_denom = 8;
    jpeg_start_decompress(&jpeg);
    size_t stride = (size_t)jpeg.output_width * (size_t)jpeg.output_components;
    *size = stride * jpeg.output_height;
    uint8_t *all = malloc(*size);
    while (jpeg.output_scanline < jpeg.output_height) {
        uint8_t *row = all + stride * jpeg.output_scanline;
        jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    return all;
}

TEST(every_kind_at_every_shrink_equals_the_library)
{
    for (uint32_t kind = 0; kind < KINDS; kind++)
        for (uint32_t way = 0; way < WAYS; way++) {
            make how = kind_in_way(kind, way);
            bytes file = make_jpeg(&how);
            for (size_t i = 0; i < sizeof(shrinks); i++) {
                uint32_t scale = shrinks[i] ? shrinks[i] : 8;
                size_t size;
                uint8_t *truth = library_decode(file, shrinks[i], &size);
                li_ctx ctx;
                li_info info = {0};
                li_ctx_init(&ctx, NULL);
                uint8_t *ours = decode_bytes(&ctx, file.data, file.size,
                                             (li_hint){.shrink = shrinks[i]}, &info);
                CHECK_EQ(info.width, (how.width * scale + 7) / 8);
                CHECK_EQ(info.height, (how.height * scale + 7) / 8);
                CHECK_EQ(li_image_bytes(info), size);
                CHECK(ours && memcmp(ours, truth, size) == 0);
                CHECK_EQ(ctx.bytes, 0);
                CHECK_EQ(ctx.warnings.count, how.dc_only && way == 4 ? 1 : 0);
                free(ours);
                free(truth);
            }
            free(file.data);
        }
}

static void
check_region(bytes file, const uint8_t *whole, li_info info, li_hint hint)
{
    li_ctx ctx;
    li_info part = {0};
    li_ctx_init(&ctx, NULL);
    uint8_t *found = decode_bytes(&ctx, file.data, file.size, hint, &part);
    size_t bytes_of_pixel = li_pixel_bytes(info.pixel);
    if (!CHECK(found) || !CHECK_EQ(part.width, hint.region.width) ||
        !CHECK_EQ(part.height, hint.region.height))
        return;
    for (uint32_t y = 0; y < part.height; y++) {
        const uint8_t *row = whole + (hint.region.y + y) * li_row_bytes(info) +
                             hint.region.x * bytes_of_pixel;
        if (!CHECK(memcmp(found + y * li_row_bytes(part), row, li_row_bytes(part)) ==
                   0)) {
            fprintf(stderr, "row %u of %ux%u+%u+%u, shrink %u, of %ux%u\n", y,
                    part.width, part.height, hint.region.x, hint.region.y, hint.shrink,
                    info.width, info.height);
            break;
        }
    }
    free(found);
}

static uint32_t
random_below(uint32_t *state, uint32_t limit)
{
    return test_random(state) % limit;
}

static li_hint
random_region(uint32_t *state, li_info info, uint8_t shrink)
{
    li_hint hint = {.shrink = shrink};
    uint32_t widest = random_below(state, 3) ? info.width : (info.width + 7) / 8;
    hint.region.width = 1 + random_below(state, widest);
    hint.region.height = 1 + random_below(state, info.height);
    hint.region.x = random_below(state, info.width - hint.region.width + 1);
    hint.region.y = random_below(state, info.height - hint.region.height + 1);
    return hint;
}

TEST(a_region_equals_the_crop_of_the_whole)
{
    uint32_t state = 1;
    for (uint32_t kind = 0; kind < KINDS; kind++)
        for (uint32_t way = 0; way < WAYS; way++) {
            make how = kind_in_way(kind, way);
            bytes file = make_jpeg(&how);
            for (size_t i = 0; i < sizeof(shrinks); i++) {
                li_ctx ctx;
                li_info info = {0};
                li_ctx_init(&ctx, NULL);
                uint8_t *whole = decode_bytes(&ctx, file.data, file.size,
                                              (li_hint){.shrink = shrinks[i]}, &info);
                for (int n = 0; CHECK(whole) && n < 12; n++)
                    check_region(file, whole, info,
                                 random_region(&state, info, shrinks[i]));
                free(whole);
            }
            free(file.data);
        }
}

TEST(every_single_pixel_of_a_small_picture_can_be_read_alone)
{
    for (uint32_t kind = 2; kind < 8; kind++) {
        make how = kind_in_way(kind, 0);
        how.width = 41;
        how.height = 19;
        bytes file = make_jpeg(&how);
        li_ctx ctx;
        li_info info = {0};
        li_ctx_init(&ctx, NULL);
        uint8_t *whole = decode_bytes(&ctx, file.data, file.size, (li_hint){0}, &info);
        for (uint32_t y = 0; CHECK(whole) && y < how.height; y++)
            for (uint32_t x = 0; x < how.width; x++)
                check_region(file, whole, info, (li_hint){.region = {x, y, 1, 1}});
        free(whole);
        free(file.data);
    }
}

TEST(a_region_that_ends_early_does_not_read_the_rest)
{
    make how = {.width = 800, .height = 600, .components = 3};
    bytes file = make_jpeg(&how);
    li_ctx ctx;
    li_info info = {0};
    li_ctx_init(&ctx, NULL);
    uint8_t *top = decode_bytes(&ctx, file.data, file.size / 2,
                                (li_hint){.region = {100, 50, 200, 100}}, &info);
    CHECK(top != NULL);
    CHECK_EQ(ctx.status, LI_OK);
    free(top);
    free(file.data);
}

TEST(rows_can_be_skipped)
{
    make how = kind_in_way(4, 0);
    bytes file = make_jpeg(&how);
    li_ctx ctx;
    li_info info = {0};
    li_source *source;
    li_header header;
    li_rows *rows = NULL;
    const uint8_t *row;
    li_ctx_init(&ctx, NULL);
    uint8_t *whole = decode_bytes(&ctx, file.data, file.size, (li_hint){0}, &info);
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    CHECK_EQ(li_codec_jpeg.inspect(&ctx, source, &header), LI_OK);
    CHECK_EQ(li_codec_jpeg.decode(&ctx, source, &header, (li_hint){0}, &rows), LI_OK);
    for (uint32_t y = 7; y < how.height; y += 8) {
        CHECK_EQ(li_rows_skip(rows, 7), LI_OK);
        CHECK_EQ(li_rows_next(rows, &row), LI_OK);
        CHECK(memcmp(row, whole + y * li_row_bytes(info), li_row_bytes(info)) == 0);
    }
    li_rows_close(&rows);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
    free(whole);
    free(file.data);
}

TEST(a_cmyk_is_inverted_with_and_without_an_adobe_marker)
{
    make how = kind_in_way(13, 1);
    bytes file = make_jpeg(&how);
    static const uint8_t adobe[] = {0xFF, 0xEE, 0,   14, 'A', 'd', 'o', 'b',
                                    'e',  0,    100, 0,  0,   0,   0,   0};
    li_ctx ctx;
    li_header header;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(inspect_bytes(&ctx, file.data, file.size, &header), LI_OK);
    CHECK_EQ(header.pixel, LI_CMYK8);
    CHECK(header.inverted); /* libjpeg writes an Adobe marker itself */
    bytes twice = bytes_insert(file, 2, adobe, sizeof(adobe), 1);
    CHECK_EQ(inspect_bytes(&ctx, twice.data, twice.size, &header), LI_OK);
    CHECK(header.inverted && header.progressive);
    uint8_t *found = NULL;
    for (size_t at = 0; at + 5 < file.size && !found; at++)
        if (memcmp(file.data + at, "Adobe", 5) == 0)
            found = file.data + at;
    CHECK(found != NULL);
    memcpy(found, "Other", 5);
    CHECK_EQ(inspect_bytes(&ctx, file.data, file.size, &header), LI_OK);
    CHECK(header.inverted);
    free(twice.data);
    free(file.data);
}

int
main(void)
{
    RUN(header_says_what_the_file_is);
    RUN(variants_are_named);
    RUN(every_kind_at_every_shrink_equals_the_library);
    RUN(a_region_equals_the_crop_of_the_whole);
    RUN(every_single_pixel_of_a_small_picture_can_be_read_alone);
    RUN(a_region_that_ends_early_does_not_read_the_rest);
    RUN(rows_can_be_skipped);
    RUN(a_cmyk_is_inverted_with_and_without_an_adobe_marker);
    return test_end();
}
