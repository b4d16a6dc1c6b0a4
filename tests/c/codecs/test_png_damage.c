/* test_png_damage.c: PNG in: every damage is a clean error or harmless, and the header
 * that inspect reads fits what libpng makes of the same chunks. */
#include "codecs/png_files.h"

TEST(every_prefix_is_a_clean_error)
{
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        png_bytes file = file_of((png_spec){13, 11, 3, 4, interlaced != 0, true, 7});
        CHECK_EQ(status_of(file), LI_OK);
        for (size_t size = 0; size < file.size; size++) {
            png_bytes prefix = bytes_copy(file.data, size);
            CHECK_EQ(status_of(prefix), LI_E132_TRUNCATED);
            free(prefix.data);
        }
        free(file.data);
    }
}

/* A damaged byte is found, or it is in a chunk that does not matter. */
TEST(every_flipped_bit_is_an_error_or_harmless)
{
    uint32_t errors = 0, warned = 0;
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        png_bytes file = file_of((png_spec){9, 7, 2, 8, interlaced != 0, false, 9});
        chunk_insert(&file, 33, "tEXt", "Title\0a text", 12);
        uint8_t *whole, *pixels;
        li_header header;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(file_decode(&ctx, file, &header, &whole), LI_OK);
        for (size_t bit = 0; bit < file.size * 8; bit++) {
            file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            li_ctx_init(&ctx, NULL);
            if (file_decode(&ctx, file, &header, &pixels) == LI_OK)
                CHECK(memcmp(pixels, whole, 9 * 7 * 3) == 0);
            else
                errors++;
            CHECK_EQ(ctx.bytes, 0);
            warned += ctx.warnings.count > 0;
            free(pixels);
            file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free(whole);
        free(file.data);
    }
    CHECK(errors > 2 * 8 * 150);
    CHECK(warned > 2 * 8 * 12); /* at least every bit of the text */
}

/* What libpng calls harmless though pixels are wrong: the stream's own check. */
TEST(a_wrong_check_of_the_stream_is_corrupt)
{
    png_bytes file = file_of((png_spec){9, 7, 2, 8, false, false, 9});
    size_t at = chunk_find(file, "IDAT", 0);
    uint32_t length = get_be32(file.data + at);
    file.data[at + 8 + length - 1] ^= 1;
    chunk_mend(file, at);
    CHECK_EQ(status_of(file), LI_E130_CORRUPT);
    free(file.data);
}

/* Its four bytes may be in an IDAT of their own, behind the last row's. */
TEST(the_check_of_the_stream_is_found_wherever_it_is)
{
    for (uint32_t cut = 0; cut <= 5; cut++)
        for (int wrong = 0; wrong < 2; wrong++) {
            png_bytes file = file_of((png_spec){9, 7, 2, 8, false, false, 9});
            size_t at = chunk_find(file, "IDAT", 0);
            uint32_t size = get_be32(file.data + at);
            png_bytes stream = bytes_copy(file.data + at + 8, size);
            stream.data[size - 1] ^= (uint8_t)wrong;
            chunk_remove(&file, at);
            chunk_insert(&file, at, "IDAT", stream.data + size - cut, cut);
            chunk_insert(&file, at, "IDAT", stream.data, size - cut);
            CHECK_EQ(status_of(file), wrong ? LI_E130_CORRUPT : LI_OK);
            free(stream.data);
            free(file.data);
        }
}

TEST(a_bad_filter_is_corrupt)
{
    static const uint8_t raw[] = {9, 0, 0, 0};
    uint8_t packed[64];
    uLongf size = sizeof(packed);
    png_bytes file = file_of((png_spec){1, 1, 2, 8, false, false, 1});
    size_t at = chunk_find(file, "IDAT", 0);
    chunk_remove(&file, at);
    compress(packed, &size, raw, sizeof(raw));
    chunk_insert(&file, at, "IDAT", packed, size);
    CHECK_EQ(status_of(file), LI_E130_CORRUPT);
    free(file.data);
}

static png_bytes
with_pixels(png_spec spec, size_t raw_size)
{
    png_bytes file = file_of(spec);
    size_t at = chunk_find(file, "IDAT", 0);
    uint8_t *raw = calloc(raw_size, 1);
    uLongf size = compressBound(raw_size);
    uint8_t *packed = malloc(size);
    compress(packed, &size, raw, raw_size);
    chunk_remove(&file, at);
    chunk_insert(&file, at, "IDAT", packed, size);
    free(packed);
    free(raw);
    return file;
}

TEST(missing_rows_are_truncated_and_surplus_ones_a_warning)
{
    png_spec spec = {10, 10, 0, 8, false, false, 1};
    png_bytes right = with_pixels(spec, 110), less = with_pixels(spec, 109);
    png_bytes more = with_pixels(spec, 500);
    uint8_t *pixels;
    li_header header;
    li_ctx ctx;
    CHECK_EQ(status_of(right), LI_OK);
    CHECK_EQ(status_of(less), LI_E132_TRUNCATED);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(file_decode(&ctx, more, &header, &pixels), LI_OK);
    CHECK_EQ(ctx.warnings.count, 1);
    CHECK(strstr(ctx.warnings.text[0], "Too much image data") != NULL);
    free(pixels);
    free(right.data);
    free(less.data);
    free(more.data);
}

TEST(bytes_behind_the_stream_are_a_warning)
{
    png_bytes file = file_of((png_spec){10, 10, 0, 8, false, false, 1});
    uint8_t *pixels;
    li_header header;
    li_ctx ctx;
    size_t at = chunk_find(file, "IDAT", 0), size = get_be32(file.data + at);
    uint8_t *longer = malloc(size + 5);
    memcpy(longer, file.data + at + 8, size);
    memset(longer + size, 7, 5);
    chunk_remove(&file, at);
    chunk_insert(&file, at, "IDAT", longer, size + 5);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(file_decode(&ctx, file, &header, &pixels), LI_OK);
    CHECK_EQ(ctx.warnings.count, 1);
    free(pixels);
    free(longer);
    free(file.data);
}

TEST(what_follows_the_pixels_does_not_matter_but_must_be_there)
{
    png_bytes file = file_of((png_spec){10, 10, 6, 8, false, false, 1});
    size_t end = chunk_find(file, "IEND", 0);
    chunk_insert(&file, end, "tEXt", "Comment\0behind", 14);
    chunk_insert(&file, end, "prVt", NULL, 0);
    CHECK_EQ(status_of(file), LI_OK);
    png_bytes garbage = bytes_copy(file.data, file.size);
    garbage.data = realloc(garbage.data, file.size + 100);
    memset(garbage.data + file.size, 0x5a, 100);
    garbage.size += 100;
    CHECK_EQ(status_of(garbage), LI_OK);
    chunk_remove(&file, chunk_find(file, "IEND", 0));
    CHECK_EQ(status_of(file), LI_E132_TRUNCATED);
    free(file.data);
    free(garbage.data);
}

/* --- layout: what inspect says is what decode gives ------------------------------- */

static void
insert_random(png_bytes *file, uint32_t *state)
{
    static const char *const kinds[] = {"PLTE", "tRNS", "tRNS", "bKGD", "gAMA", "sBIT"};
    static const size_t lengths[] = {0, 1, 2, 3, 4, 6, 12, 48, 257, 768, 771};
    uint8_t body[1024];
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)(test_random(state) >> 24);
    const char *kind = kinds[test_random(state) % 6];
    size_t length = lengths[test_random(state) % 11];
    size_t at = 33; /* behind IHDR, or in front of the pixels */
    if (test_random(state) & 1)
        at = chunk_find(*file, "IDAT", 0);
    chunk_insert(file, at, kind, body, length);
    if (test_random(state) % 4 == 0)
        file->data[at + 8 + length] ^= 1; /* its CRC */
}

TEST(inspect_and_libpng_agree_on_the_layout)
{
    uint32_t state = 77, good = 0, alpha = 0;
    for (uint32_t round = 0; round < 4000; round++) {
        const int *type = types[round % TYPES];
        bool transparent = (type[0] & 4) == 0 && round % 2;
        png_bytes file =
            file_of((png_spec){5, 4, type[0], type[1], false, transparent, round});
        for (uint32_t n = 1 + round % 4; n > 0; n--)
            insert_random(&file, &state);
        uint8_t *pixels;
        li_header header;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_status status = file_decode(&ctx, file, &header, &pixels);
        CHECK(status == LI_OK || status == LI_E130_CORRUPT);
        good += status == LI_OK;
        alpha += status == LI_OK && (type[0] & 4) == 0 && !transparent &&
                 li_pixel_has_alpha(header.pixel);
        free(pixels);
        free(file.data);
    }
    CHECK(good > 1000 && good < 4000);
    CHECK(alpha > 20);
}

TEST(a_file_that_changed_since_inspect_is_refused)
{
    png_bytes first = file_of((png_spec){10, 10, 0, 8, false, false, 1});
    png_bytes second = file_of((png_spec){10, 10, 2, 8, false, false, 1});
    li_source *source;
    li_rows *rows;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, first.data, first.size, &source), LI_OK);
    CHECK_EQ(li_codec_png.inspect(&ctx, source, &header), LI_OK);
    li_source_close(&source);
    CHECK_EQ(li_source_borrow(&ctx, second.data, second.size, &source), LI_OK);
    CHECK_EQ(li_codec_png.decode(&ctx, source, &header, (li_hint){0}, &rows),
             LI_E103_SOURCE_CHANGED);
    CHECK(rows == NULL);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
    free(first.data);
    free(second.data);
}

int
main(void)
{
    RUN(every_prefix_is_a_clean_error);
    RUN(every_flipped_bit_is_an_error_or_harmless);
    RUN(a_wrong_check_of_the_stream_is_corrupt);
    RUN(the_check_of_the_stream_is_found_wherever_it_is);
    RUN(a_bad_filter_is_corrupt);
    RUN(missing_rows_are_truncated_and_surplus_ones_a_warning);
    RUN(bytes_behind_the_stream_are_a_warning);
    RUN(what_follows_the_pixels_does_not_matter_but_must_be_there);
    RUN(inspect_and_libpng_agree_on_the_layout);
    RUN(a_file_that_changed_since_inspect_is_refused);
    return test_end();
}
