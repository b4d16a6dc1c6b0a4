/* test_png_stream.c: our own reader against libpng's: every type, width and filter,
 * IDATs cut anywhere, over each inflate and each set of row filters. */
#include "codecs/png/png.h"
#include "codecs/png/unfilter.h"
#include "codecs/png_files.h"
#include "kernels/kernels.h"

static const li_png_inflate_ops *const inflates[] = {
    &li_png_inflate_zlib,
#ifdef LI_HAVE_ISAL
    &li_png_inflate_isal,
#endif
};
enum { INFLATES = sizeof(inflates) / sizeof(inflates[0]) };

/* --- files of random filters ------------------------------------------------------ */

/* Random bytes behind valid filters are a picture, too. */
static uint8_t *
filtered_make(const png_spec *spec, int filter, size_t *size)
{
    size_t stride = spec_stride(spec) + 1;
    uint32_t state = spec->seed + 1;
    uint8_t *raw = malloc(*size = stride * spec->height);
    for (size_t i = 0; i < *size; i++)
        raw[i] = (uint8_t)(test_random(&state) >> 24);
    for (uint32_t y = 0; y < spec->height; y++)
        raw[y * stride] =
            (uint8_t)(filter < 5 ? (uint32_t)filter : test_random(&state) % 5);
    return raw;
}

/* The file of this spec with these bytes as its pixels, in one IDAT. */
static png_bytes
filtered_file(png_spec spec, const uint8_t *raw, size_t raw_size)
{
    png_bytes file = file_of(spec);
    uLongf size = compressBound(raw_size);
    uint8_t *packed = malloc(size);
    compress2(packed, &size, raw, raw_size, 1 + (int)(spec.seed % 9));
    size_t at = chunk_find(file, "IDAT", 0);
    while (memcmp(file.data + at + 4, "IDAT", 4) == 0)
        chunk_remove(&file, at);
    chunk_insert(&file, at, "IDAT", packed, size);
    free(packed);
    return file;
}

static png_bytes
random_file(png_spec spec, int filter)
{
    size_t size;
    uint8_t *raw = filtered_make(&spec, filter, &size);
    png_bytes file = filtered_file(spec, raw, size);
    free(raw);
    return file;
}

/* --- decoding by one of the readers ----------------------------------------------- */

typedef struct result {
    li_status status;
    uint8_t *pixels; /* owned */
    size_t size;
    uint32_t warnings;
} result;

/* How ours reads; may be or-ed. */
enum { BY_VECTORS = 1, AHEAD = 2, DEEP = 4, WAYS = 8 };

/* reader < 0: libpng. */
static result
decode_source(li_ctx *ctx, li_source *source, int reader, int way)
{
    li_ahead_use use;
    li_hint hint = {.ahead = way & AHEAD, .deep = way & DEEP, .use = &use};
    li_header header;
    li_rows *rows = NULL;
    uint64_t before = ctx->bytes;
    result got = {.status = li_codec_png.inspect(ctx, source, &header)};
    if (got.status == LI_OK)
        got.status = reader < 0
                         ? li_png_decode_libpng(ctx, source, &header, hint, &rows)
                         : li_png_decode_stream(ctx, source, &header, hint,
                                                inflates[reader], &rows);
    if (got.status == LI_OK) {
        got.size = li_row_bytes(rows->info) * rows->info.height;
        got.status = rows_collect(rows, &got.pixels);
    }
    got.warnings = ctx->warnings.count;
    li_rows_close(&rows);
    if (got.status == LI_OK && reader >= 0 && inflates[reader] == li_png_inflate_best())
        CHECK(ctx->peak_bytes - before <= li_codec_png.decode_bytes(&header, hint));
    return got;
}

static result
decode_by(png_bytes file, int reader, int way)
{
    static const li_kernels fast = {.name = "fast"};
    li_source *source;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.kernels = way & BY_VECTORS ? &fast : NULL;
    result got = {.status = li_source_borrow(&ctx, file.data, file.size, &source)};
    if (got.status == LI_OK)
        got = decode_source(&ctx, source, reader, way);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
    CHECK_EQ(got.status == LI_OK, got.pixels != NULL);
    return got;
}

static void
check_same(result a, result b)
{
    CHECK_EQ(a.status, b.status);
    CHECK_EQ(a.size, b.size);
    if (a.pixels && b.pixels)
        CHECK(memcmp(a.pixels, b.pixels, a.size) == 0);
    if (a.status == LI_OK)
        CHECK_EQ(a.warnings, b.warnings);
}

/* Every way that we have gives what libpng gives. */
static li_status
check_file(png_bytes file)
{
    li_status status = LI_OK;
    for (int depth = 0; depth <= DEEP; depth += DEEP) {
        result truth = decode_by(file, -1, depth);
        for (int reader = 0; reader < INFLATES; reader++)
            for (int way = depth; way < depth + DEEP; way++) {
                result ours = decode_by(file, reader, way);
                check_same(truth, ours);
                free(ours.pixels);
            }
        free(truth.pixels);
        status = truth.status;
    }
    return status;
}

TEST(every_type_width_and_filter_equals_libpng)
{
    enum { WIDTHS = 70, HEIGHT = 9 };
    for (int type = 0; type < TYPES; type++)
        for (uint32_t width = 1; width <= WIDTHS; width++) {
            int filter = (int)((width + (uint32_t)type) % 6); /* 5: any in each row */
            bool transparent = (types[type][0] & 4) == 0 && width % 2;
            png_spec spec = {width, HEIGHT,      types[type][0], types[type][1],
                             false, transparent, width * 100 + 7};
            png_bytes file = random_file(spec, filter);
            CHECK_EQ(check_file(file), LI_OK);
            free(file.data);
        }
}

TEST(batches_join_without_a_seam)
{
    static const uint32_t sizes[][2] = {{3000, 100}, {301, 900}, {60000, 4}, {1, 9000}};
    for (int i = 0; i < 4; i++)
        for (int kind = 0; kind < 4; kind++) {
            static const int kinds[4][2] = {{2, 8}, {6, 8}, {0, 8}, {3, 4}};
            png_spec spec = {sizes[i][0], sizes[i][1], kinds[kind][0], kinds[kind][1],
                             false,       false,       (uint32_t)i};
            png_bytes file = random_file(spec, 5);
            CHECK_EQ(check_file(file), LI_OK);
            free(file.data);
        }
}

/* --- the row filters -------------------------------------------------------------- */

#ifdef LI_PNG_UNFILTER_VECTORS
enum { SIDE = 80, STEPS = 6 };
static const uint32_t steps[STEPS] = {1, 2, 3, 4, 6, 8};

TEST(vectors_equal_plain_c_on_random_rows)
{
    uint32_t state = 3;
    for (uint32_t round = 0; round < 6000; round++) {
        uint32_t step = steps[round % STEPS], rows = 1 + round % 11;
        size_t stride = 1 + (size_t)step * (1 + test_random(&state) % (SIDE / 2));
        size_t size = (rows + 1) * stride;
        uint8_t plain[13 * (8 * SIDE + 1)], fast[sizeof(plain)];
        for (size_t i = 0; i < sizeof(plain); i++)
            plain[i] = (uint8_t)(test_random(&state) >> 24);
        for (uint32_t y = 1; y <= rows; y++) /* mostly Paeth, in runs */
            plain[y * stride] = round % 3 ? 4 : (uint8_t)(test_random(&state) % 5);
        memcpy(fast, plain, sizeof(plain));
        CHECK(li_png_unfilter_scalar(plain + stride, rows, stride, step));
        CHECK(li_png_unfilter_vectors(fast + stride, rows, stride, step));
        /* And nothing behind the rows was written. */
        CHECK(size < sizeof(plain) && memcmp(plain, fast, sizeof(plain)) == 0);
    }
}

/* Two pixels of four samples: the second's left, up and corner are any we like. */
TEST(every_prediction_of_paeth_is_right)
{
    uint32_t wrong = 0;
    for (uint32_t up = 0; up < 256; up++)
        for (uint32_t corner = 0; corner < 256; corner++)
            for (uint32_t left = 0; left < 256; left += 4) {
                uint8_t plain[2 * 9 + LI_PNG_UNFILTER_SLACK] = {0}, fast[sizeof(plain)];
                for (uint32_t i = 0; i < 4; i++) {
                    plain[1 + i] = (uint8_t)corner;
                    plain[5 + i] = (uint8_t)up;
                    plain[10 + i] = (uint8_t)(left + i - corner);
                }
                plain[9] = 4;
                memcpy(fast, plain, sizeof(plain));
                wrong += !li_png_unfilter_scalar(plain + 9, 1, 9, 4);
                wrong += !li_png_unfilter_vectors(fast + 9, 1, 9, 4);
                wrong += memcmp(plain, fast, sizeof(plain)) != 0;
            }
    CHECK_EQ(wrong, 0);
}

TEST(an_unknown_filter_is_refused_by_both)
{
    for (int filter = 5; filter < 256; filter++) {
        uint8_t rows[3 * 4 + LI_PNG_UNFILTER_SLACK] = {0};
        rows[8] = (uint8_t)filter;
        CHECK(!li_png_unfilter_scalar(rows + 4, 2, 4, 3));
        CHECK(!li_png_unfilter_vectors(rows + 4, 2, 4, 3));
    }
}
#endif

/* --- how the bytes come ----------------------------------------------------------- */

/* Cut the n-th IDAT in two at `cut` bytes of its body. */
static void
split_idat(png_bytes *file, int n, size_t cut)
{
    size_t at = chunk_find(*file, "IDAT", n), size = get_be32(file->data + at);
    png_bytes body = bytes_copy(file->data + at + 8, size);
    chunk_remove(file, at);
    chunk_insert(file, at, "IDAT", body.data + cut, size - cut);
    chunk_insert(file, at, "IDAT", body.data, cut);
    free(body.data);
}

TEST(idats_may_be_cut_anywhere)
{
    for (uint32_t seed = 0; seed < 3; seed++) {
        png_spec spec = {9, 7, 2, 8, false, false, seed};
        png_bytes whole = random_file(spec, 5);
        size_t size = get_be32(whole.data + chunk_find(whole, "IDAT", 0));
        for (size_t cut = 0; cut <= size; cut++) {
            png_bytes file = bytes_copy(whole.data, whole.size);
            split_idat(&file, 0, cut);
            CHECK_EQ(check_file(file), LI_OK);
            split_idat(&file, 1, (size - cut) / 2);
            CHECK_EQ(check_file(file), LI_OK);
            free(file.data);
        }
        free(whole.data);
    }
}

TEST(an_idat_for_each_byte_is_read)
{
    png_bytes file = random_file((png_spec){9, 7, 2, 8, false, false, 4}, 5);
    size_t size = get_be32(file.data + chunk_find(file, "IDAT", 0));
    for (size_t i = 0; i + 1 < size; i++)
        split_idat(&file, (int)i, 1);
    CHECK_EQ(check_file(file), LI_OK);
    free(file.data);
}

/* A source that gives no more than it is asked for and at most `most`, each time from
 * another block. */
typedef struct stingy {
    li_source base;
    png_bytes file; /* borrowed */
    size_t most;
    uint8_t *given; /* owned */
} stingy;

static li_status
stingy_at(li_source *source, uint64_t offset, size_t want, const uint8_t **data,
          size_t *got)
{
    stingy *self = (stingy *)source;
    uint64_t left = offset < source->size ? source->size - offset : 0;
    *got = want > self->most ? want : self->most; /* a promise: at least `want` */
    *got = *got < left ? *got : (size_t)left;
    free(self->given);
    self->given = malloc(*got + 1);
    if (*got)
        memcpy(self->given, self->file.data + offset, *got);
    *data = self->given;
    return LI_OK;
}

static const li_source_ops stingy_ops = {.name = "stingy", .at = stingy_at};

TEST(no_pointer_into_the_source_outlives_its_window)
{
    static const size_t windows[] = {1, 2, 3, 5, 7, 11, 100, 4096, 5000};
    png_bytes small = random_file((png_spec){40, 30, 3, 8, false, true, 5}, 5);
    png_bytes large = random_file((png_spec){400, 300, 6, 8, false, false, 6}, 5);
    for (int i = 0; i < 9 * 2; i++)
        for (int reader = 0; reader < INFLATES; reader++) {
            png_bytes file = i < 9 ? small : large;
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            stingy source = {
                {&stingy_ops, &ctx, file.size, false}, file, windows[i % 9], NULL};
            result truth = decode_by(file, -1, 0);
            result ours = decode_source(&ctx, &source.base, reader, i % WAYS);
            check_same(truth, ours);
            free(source.given);
            free(truth.pixels);
            free(ours.pixels);
        }
    free(small.data);
    free(large.data);
}

/* --- damage ----------------------------------------------------------------------- */

TEST(every_prefix_is_truncated)
{
    png_bytes file = random_file((png_spec){13, 11, 3, 4, false, true, 7}, 5);
    for (size_t size = 0; size < file.size; size++)
        for (int i = 0; i < INFLATES * WAYS; i++) {
            png_bytes prefix = bytes_copy(file.data, size);
            result ours = decode_by(prefix, i / WAYS, i % WAYS);
            CHECK_EQ(ours.status, LI_E132_TRUNCATED);
            free(ours.pixels);
            free(prefix.data);
        }
    free(file.data);
}

/* With its CRC mended, so that it is the stream that is damaged. */
TEST(every_flipped_bit_of_the_stream_ends_alike)
{
    uint32_t refused = 0;
    png_bytes file = random_file((png_spec){9, 7, 2, 8, false, false, 11}, 5);
    size_t at = chunk_find(file, "IDAT", 0), size = get_be32(file.data + at);
    for (size_t bit = 0; bit < size * 8; bit++) {
        file.data[at + 8 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        chunk_mend(file, at);
        refused += check_file(file) != LI_OK;
        file.data[at + 8 + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CHECK(refused > size * 8 - 20); /* three bits of the window's size are harmless */
    free(file.data);
}

TEST(surplus_rows_and_bytes_are_warned_of_alike)
{
    for (uint32_t more = 0; more < 3; more++)
        for (size_t extra = 0; extra < 20; extra++) {
            png_spec spec = {10, 10 + more * 400, 6, 8, false, false, 2};
            size_t size;
            uint8_t *raw = filtered_make(&spec, 0, &size);
            spec.height = 10;
            png_bytes file = filtered_file(spec, raw, size);
            size_t at = chunk_find(file, "IDAT", 0), was = get_be32(file.data + at);
            png_bytes body = bytes_copy(file.data + at + 8, was);
            body.data = realloc(body.data, was + extra + 1);
            memset(body.data + was, 7, extra);
            chunk_remove(&file, at);
            chunk_insert(&file, at, "IDAT", body.data, was + extra);
            CHECK_EQ(check_file(file), LI_OK);
            free(body.data);
            free(file.data);
            free(raw);
        }
}

TEST(every_allocation_fails_once)
{
    png_bytes file = random_file((png_spec){400, 300, 3, 8, false, true, 3}, 5);
    for (int i = 0; i < INFLATES * WAYS; i++) {
        li_status status = LI_ENOMEM;
        for (int64_t n = 0; status != LI_OK; n++) {
            li_source *source;
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
            ctx.allocs_left = n;
            result ours = decode_source(&ctx, source, i / WAYS, i % WAYS);
            status = ours.status;
            CHECK(status == LI_OK ? n >= 4 : status == LI_ENOMEM);
            free(ours.pixels);
            li_source_close(&source);
            CHECK_EQ(ctx.bytes, 0);
        }
    }
    free(file.data);
}

TEST(both_libraries_sum_alike)
{
    uint8_t data[3000];
    uint32_t state = 5;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(test_random(&state) >> 24);
    for (int i = 0; i < INFLATES; i++)
        for (size_t size = 0; size < sizeof(data); size += 1 + size / 8) {
            CHECK_EQ(inflates[i]->crc32(7, data, size), crc32(7, data, (uInt)size));
            CHECK_EQ(inflates[i]->adler32(1, data, size), adler32(1, data, (uInt)size));
        }
}

int
main(void)
{
    RUN(every_type_width_and_filter_equals_libpng);
    RUN(batches_join_without_a_seam);
#ifdef LI_PNG_UNFILTER_VECTORS
    RUN(vectors_equal_plain_c_on_random_rows);
    RUN(every_prediction_of_paeth_is_right);
    RUN(an_unknown_filter_is_refused_by_both);
#endif
    RUN(idats_may_be_cut_anywhere);
    RUN(an_idat_for_each_byte_is_read);
    RUN(no_pointer_into_the_source_outlives_its_window);
    RUN(every_prefix_is_truncated);
    RUN(every_flipped_bit_of_the_stream_ends_alike);
    RUN(surplus_rows_and_bytes_are_warned_of_alike);
    RUN(every_allocation_fails_once);
    RUN(both_libraries_sum_alike);
    return test_end();
}
