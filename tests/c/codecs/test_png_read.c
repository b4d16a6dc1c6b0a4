/* test_png_read.c: PNG in: every type equals the slow truth, and every damage is a
 * clean error or harmless. */
#include "codecs/png_files.h"

static const uint32_t sizes[][2] = {{1, 1}, {1, 9}, {9, 1}, {3, 2}, {13, 11}, {33, 17}};

static void
check_decodes(const png_spec *spec)
{
    uint8_t *raw = raw_make(spec), *truth = truth_make(spec, raw), *pixels;
    png_bytes file = file_make(spec, raw);
    li_ctx ctx;
    li_header header;
    li_limits limits = li_limits_default;
    limits.max_side = 0;
    li_ctx_init(&ctx, &limits);
    CHECK_EQ(file_decode(&ctx, file, &header, &pixels), LI_OK);
    CHECK_EQ(header.pixel, truth_pixel(spec));
    if (CHECK(pixels != NULL))
        CHECK(memcmp(pixels, truth,
                     (size_t)spec->width * spec->height *
                         li_pixel_bytes(header.pixel)) == 0);
    CHECK_EQ(ctx.bytes, 0);
    CHECK_EQ(ctx.warnings.count, 0);
    free(pixels);
    free(truth);
    free(raw);
    free(file.data);
}

static void
check_type(int type, bool transparent)
{
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (int interlaced = 0; interlaced < 2; interlaced++) {
            png_spec spec = {sizes[i][0],    sizes[i][1],     types[type][0],
                             types[type][1], interlaced != 0, transparent,
                             (uint32_t)i};
            check_decodes(&spec);
        }
}

TEST(every_type_equals_the_truth)
{
    for (int type = 0; type < TYPES; type++)
        check_type(type, false);
}

TEST(every_transparent_type_equals_the_truth)
{
    for (int type = 0; type < TYPES; type++)
        if ((types[type][0] & 4) == 0)
            check_type(type, true);
}

/* A source that gives exactly what is asked for, each time from another block. */

typedef struct stingy {
    li_source base;
    png_bytes file; /* borrowed */
    uint8_t *given; /* owned */
} stingy;

static li_status
stingy_at(li_source *source, uint64_t offset, size_t want, const uint8_t **data,
          size_t *got)
{
    stingy *self = (stingy *)source;
    uint64_t left = offset < source->size ? source->size - offset : 0;
    *got = want < left ? want : (size_t)left;
    free(self->given);
    self->given = malloc(*got);
    if (*got)
        memcpy(self->given, self->file.data + offset, *got);
    *data = self->given;
    return LI_OK;
}

static const li_source_ops stingy_ops = {.name = "stingy", .at = stingy_at};

TEST(no_pointer_into_the_source_outlives_its_window)
{
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        png_spec spec = {40, 30, 3, 8, interlaced != 0, true, 5};
        uint8_t *raw = raw_make(&spec), *truth = truth_make(&spec, raw), *pixels;
        png_bytes file = file_make(&spec, raw);
        li_ctx ctx;
        li_header header;
        li_ctx_init(&ctx, NULL);
        stingy source = {{&stingy_ops, &ctx, file.size, false}, file, NULL};
        CHECK_EQ(source_decode(&ctx, &source.base, &header, &pixels), LI_OK);
        CHECK(pixels && memcmp(pixels, truth, (size_t)40 * 30 * 4) == 0);
        free(source.given);
        free(pixels);
        free(truth);
        free(raw);
        free(file.data);
    }
}

/* --- resources -------------------------------------------------------------------- */

TEST(every_allocation_fails_once)
{
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        png_bytes file = file_of((png_spec){40, 30, 3, 8, interlaced != 0, true, 3});
        int64_t n = 0;
        for (li_status status = LI_ENOMEM; status != LI_OK; n++) {
            uint8_t *pixels;
            li_header header;
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            ctx.allocs_left = n;
            status = file_decode(&ctx, file, &header, &pixels);
            if (status != LI_OK)
                CHECK_EQ(status, LI_ENOMEM);
            CHECK_EQ(ctx.bytes, 0);
            free(pixels);
        }
        CHECK(n > (interlaced ? 10 : 4));
        free(file.data);
    }
}

TEST(a_budget_that_is_too_small_is_named)
{
    png_bytes file = file_of((png_spec){40, 30, 6, 8, true, false, 3});
    li_limits limits = li_limits_default;
    limits.max_memory = 20000;
    uint8_t *pixels;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    CHECK_EQ(file_decode(&ctx, file, &header, &pixels), LI_E124_MEMORY_BUDGET);
    CHECK_EQ(ctx.bytes, 0);
    free(pixels);
    free(file.data);
}

/* Inflated, the texts and the profile are 20 MB; libpng must not look at them. */
TEST(chunks_that_are_not_pixels_cost_nothing)
{
    enum { INFLATED = 1 << 20 };
    uint8_t *zeros = calloc(INFLATED, 1), *pixels;
    uLongf size = compressBound(INFLATED);
    uint8_t *body = malloc(size + 3);
    memcpy(body, "k\0", 3);
    compress(body + 3, &size, zeros, INFLATED);
    png_bytes file = file_of((png_spec){8, 8, 2, 8, false, false, 3});
    for (int i = 0; i < 20; i++)
        chunk_insert(&file, 33, i == 0 ? "iCCP" : "zTXt", body, size + 3);
    chunk_insert(&file, chunk_find(file, "IEND", 0), "zTXt", body, size + 3);
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(file_decode(&ctx, file, &header, &pixels), LI_OK);
    CHECK(ctx.peak_bytes < 100000);
    CHECK_EQ(ctx.warnings.count, 0);
    free(pixels);
    free(file.data);
    free(body);
    free(zeros);
}

TEST(a_large_private_chunk_is_passed_over)
{
    enum { LARGE = 9 << 20 };
    uint8_t *body = calloc(LARGE, 1);
    png_bytes file = file_of((png_spec){8, 8, 2, 8, false, false, 3});
    chunk_insert(&file, 33, "prVt", body, LARGE);
    chunk_insert(&file, chunk_find(file, "IEND", 0), "prVt", body, LARGE);
    uint8_t *pixels;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(file_decode(&ctx, file, &header, &pixels), LI_OK);
    CHECK(ctx.peak_bytes < 100000);
    CHECK_EQ(ctx.warnings.count, 0);
    if (ctx.warnings.count)
        puts(ctx.warnings.text[0]);
    free(pixels);
    free(file.data);
    free(body);
}

TEST(a_side_over_a_million_is_read_where_the_limits_allow_it)
{
    png_spec spec = {1000003, 2, 0, 1, false, false, 3};
    check_decodes(&spec);
}

/* --- the rows --------------------------------------------------------------------- */

static void
check_skip(bool interlaced)
{
    enum { SIDE = 20 };
    png_bytes file = file_of((png_spec){SIDE, SIDE, 6, 8, interlaced, false, 4});
    uint8_t *whole;
    const uint8_t *row;
    li_source *source;
    li_rows *rows;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(file_decode(&ctx, file, &header, &whole), LI_OK);
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    CHECK_EQ(li_codec_png.decode(&ctx, source, &header, (li_hint){0}, &rows), LI_OK);
    CHECK_EQ(li_rows_skip(rows, 7), LI_OK);
    CHECK_EQ(li_rows_next(rows, &row), LI_OK);
    CHECK(memcmp(row, whole + 7 * SIDE * 4, SIDE * 4) == 0);
    CHECK_EQ(li_rows_skip(rows, SIDE - 8), LI_OK);
    li_rows_close(&rows);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
    free(whole);
    free(file.data);
}

TEST(skipped_rows_are_those_that_next_would_give)
{
    check_skip(false);
    check_skip(true);
}

TEST(skip_finds_damage_too)
{
    png_bytes file = file_of((png_spec){20, 20, 6, 8, false, false, 4});
    size_t at = chunk_find(file, "IDAT", 0);
    file.data[at + 8 + get_be32(file.data + at)] ^= 1;
    li_source *source;
    li_rows *rows;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    CHECK_EQ(li_codec_png.inspect(&ctx, source, &header), LI_OK);
    CHECK_EQ(li_codec_png.decode(&ctx, source, &header, (li_hint){0}, &rows), LI_OK);
    CHECK_EQ(li_rows_skip(rows, 20), LI_E130_CORRUPT);
    li_rows_close(&rows);
    li_source_close(&source);
    free(file.data);
}

TEST(an_interlaced_picture_can_be_cancelled)
{
    png_bytes file = file_of((png_spec){40, 40, 6, 8, true, false, 4});
    atomic_int cancel = 0;
    const uint8_t *row;
    li_source *source;
    li_rows *rows;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.cancel = &cancel;
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    CHECK_EQ(li_codec_png.inspect(&ctx, source, &header), LI_OK);
    CHECK_EQ(li_codec_png.decode(&ctx, source, &header, (li_hint){0}, &rows), LI_OK);
    atomic_store(&cancel, 1);
    CHECK_EQ(li_rows_next(rows, &row), LI_E500_CANCELLED);
    CHECK_EQ(li_rows_next(rows, &row), LI_E500_CANCELLED);
    li_rows_close(&rows);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
    free(file.data);
}

int
main(void)
{
    RUN(every_type_equals_the_truth);
    RUN(every_transparent_type_equals_the_truth);
    RUN(no_pointer_into_the_source_outlives_its_window);
    RUN(every_allocation_fails_once);
    RUN(a_budget_that_is_too_small_is_named);
    RUN(chunks_that_are_not_pixels_cost_nothing);
    RUN(a_large_private_chunk_is_passed_over);
    RUN(a_side_over_a_million_is_read_where_the_limits_allow_it);
    RUN(skipped_rows_are_those_that_next_would_give);
    RUN(skip_finds_damage_too);
    RUN(an_interlaced_picture_can_be_cancelled);
    return test_end();
}
