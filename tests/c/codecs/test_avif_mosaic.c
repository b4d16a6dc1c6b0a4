/* test_avif_mosaic.c: grids that are read cell by cell: the planes are those that
 * libavif puts together, in the memory of one cell; every failure on the way. */
#include "codecs/avif/write.h"
#include "codecs/avif_grids.h"

/* --- the planes ------------------------------------------------------------------- */

static void
check_plane(const avifImage *ours, const avifImage *theirs, int plane)
{
    avifPixelFormatInfo format;
    avifGetPixelFormatInfo(ours->yuvFormat, &format);
    bool alpha = plane == 3, chroma = plane == 1 || plane == 2;
    uint32_t right = chroma ? (uint32_t)format.chromaShiftX : 0;
    uint32_t down = chroma ? (uint32_t)format.chromaShiftY : 0;
    const uint8_t *a = alpha ? ours->alphaPlane : ours->yuvPlanes[plane];
    const uint8_t *b = alpha ? theirs->alphaPlane : theirs->yuvPlanes[plane];
    size_t a_row = alpha ? ours->alphaRowBytes : ours->yuvRowBytes[plane];
    size_t b_row = alpha ? theirs->alphaRowBytes : theirs->yuvRowBytes[plane];
    size_t bytes = (size_t)((ours->width + right) >> right) << (ours->depth > 8);
    CHECK_EQ(a != NULL, b != NULL);
    for (uint32_t y = 0; a && b && y < (ours->height + down) >> down; y++)
        if (!CHECK(memcmp(a + y * a_row, b + y * b_row, bytes) == 0))
            return;
}

/* Planes put together cell by cell against those that libavif puts together. */
static void
check_cells(const uint8_t *data, size_t size, const avifImage *theirs)
{
    li_source *source = NULL;
    li_rows *rows = NULL;
    li_header header;
    avif_found found = {0};
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, data, size, &source), LI_OK);
    CHECK_EQ(li_avif_scan(&ctx, source, &found), LI_OK);
    CHECK_EQ(found.by_cells, found.grid);
    CHECK_EQ(li_codec_avif.inspect(&ctx, source, &header), LI_OK);
    CHECK_EQ(li_codec_avif.decode(&ctx, source, &header, (li_hint){0}, &rows), LI_OK);
    const avifImage *ours = rows ? li_avif_decoder(rows)->image : NULL;
    if (ours) {
        CHECK(ours->width == theirs->width && ours->height == theirs->height);
        CHECK(ours->depth == theirs->depth && ours->yuvFormat == theirs->yuvFormat);
        CHECK(ours->yuvRange == theirs->yuvRange);
        CHECK_EQ(ours->matrixCoefficients, theirs->matrixCoefficients);
        for (int plane = 0; plane < 4; plane++)
            check_plane(ours, theirs, plane);
    }
    li_rows_close(&rows);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
}

static void
check_grid(li_info info, const li_encode *how)
{
    uint8_t *pixels = make_picture(info), *data;
    size_t size;
    avifDecoder *decoder = avifDecoderCreate();
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(encode_rows(&ctx, info, how, pixels, &data, &size), LI_OK);
    CHECK_EQ(avifDecoderSetIOMemory(decoder, data, size), AVIF_RESULT_OK);
    CHECK_EQ(avifDecoderParse(decoder), AVIF_RESULT_OK);
    CHECK_EQ(avifDecoderNextImage(decoder), AVIF_RESULT_OK);
    check_cells(data, size, decoder->image);
    avifDecoderDestroy(decoder);
    free(pixels);
    li_release(data);
}

TEST(cells_are_put_together_as_libavif_does)
{
    static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    static const uint32_t sizes[][2] = {{130, 66}, {65, 64}, {64, 129}, {191, 127}};
    static const li_subsampling samplings[] = {LI_420, LI_422, LI_444};
    static const uint8_t depths[] = {8, 10, 12};
    for (int i = 0; i < 4 * 4 * 3; i++) {
        li_encode how = small_cells();
        how.subsampling = samplings[i / 16];
        how.bit_depth = depths[(i + i / 4) % 3];
        check_grid((li_info){sizes[i / 4 % 4][0], sizes[i / 4 % 4][1],
                             li_codec_avif.accepts(layouts[i % 4], &how)},
                   &how);
    }
}

/* --- memory and failures ---------------------------------------------------------- */

static uint8_t *
make_grid(li_info info, size_t *size)
{
    li_encode how = small_cells();
    uint8_t *pixels = make_picture(info), *data;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(encode_rows(&ctx, info, &how, pixels, &data, size), LI_OK);
    free(pixels);
    return data;
}

/* 5 × 4 cells of 64 pixels: planes of 84 kB, and one cell more, not 20. */
TEST(reading_takes_the_memory_of_one_cell)
{
    enum { DECODERS_BYTES = 4 << 20 };
    size_t size;
    uint8_t *data = make_grid((li_info){300, 220, LI_RGBA8}, &size), *pixels;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(file_decode(&ctx, data, size, &header, &pixels), LI_OK);
    uint64_t bound = li_codec_avif.decode_bytes(&header, (li_hint){0});
    CHECK(ctx.peak_bytes <= bound && bound < DECODERS_BYTES);
    free(pixels);
    li_release(data);
}

TEST(every_allocation_of_a_read_fails_once)
{
    size_t size;
    uint8_t *data = make_grid((li_info){130, 66, LI_RGBA8}, &size), *pixels;
    li_status status = LI_ENOMEM;
    int64_t n = 0;
    for (; status == LI_ENOMEM && n < 1000; n++) {
        li_header header;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = n;
        status = file_decode(&ctx, data, size, &header, &pixels);
        CHECK_EQ(ctx.bytes, 0);
        free(pixels);
    }
    CHECK_EQ(status, LI_OK);
    CHECK(n > 12); /* a probe for each cell is one */
    li_release(data);
}

/* Cut anywhere it is a file that ends; where a byte of AV1 data is wrong it is refused
 * as corrupt, or goes unnoticed. */
TEST(cut_and_damaged_grids_are_clean_errors)
{
    size_t size;
    uint8_t *data = make_grid((li_info){130, 66, LI_RGBA8}, &size);
    for (size_t cut = 1; cut < size; cut += 1 + size / 150) {
        li_status status = status_of_bytes(data, size - cut);
        CHECK(status != LI_OK && status != LI_ENOMEM);
    }
    CHECK_EQ(status_of_bytes(data, size - 3), LI_E132_TRUNCATED);
    for (size_t at = 0; at < size; at += 1 + size / 300) {
        data[at] ^= 0xff;
        li_status status = status_of_bytes(data, size);
        CHECK(status != LI_ENOMEM && status != LI_E901_INTERNAL);
        data[at] ^= 0xff;
    }
    CHECK_EQ(status_of_bytes(data, size), LI_OK);
    li_release(data);
}

/* --- waiting ---------------------------------------------------------------------- */

static atomic_int stop;
static int looks, last_look;

/* Looks at the clock: one before each cell. The last one cancels the job. */
static void
look(void)
{
    if (++looks == last_look)
        atomic_store(&stop, 1);
}

static void
look_until(li_ctx *ctx, int last)
{
    looks = 0;
    last_look = last;
    atomic_store(&stop, 0);
    li_ctx_init(ctx, NULL);
    ctx->cancel = &stop;
    ctx->renew = look;
}

/* 3 × 2 cells of colour and as many of alpha. */
TEST(nobody_waits_for_more_than_a_cell)
{
    enum { CELLS = 12 };
    li_info info = {130, 66, LI_RGBA8};
    li_encode how = small_cells();
    uint8_t *pixels = make_picture(info), *data, *read;
    size_t size;
    li_header header;
    li_ctx ctx;
    look_until(&ctx, 0);
    CHECK_EQ(encode_rows(&ctx, info, &how, pixels, &data, &size), LI_OK);
    CHECK(looks >= CELLS);
    look_until(&ctx, 0);
    CHECK_EQ(file_decode(&ctx, data, size, &header, &read), LI_OK);
    CHECK(looks >= CELLS);
    free(read);
    for (int last = 1; last < CELLS; last++) {
        look_until(&ctx, last);
        CHECK_EQ(file_decode(&ctx, data, size, &header, &read), LI_E500_CANCELLED);
        CHECK(looks <= last + 1 && ctx.bytes == 0);
        free(read);
    }
    li_release(data);
    for (int last = 1; last < CELLS; last++) {
        look_until(&ctx, last);
        CHECK_EQ(encode_rows(&ctx, info, &how, pixels, &data, &size),
                 LI_E500_CANCELLED);
        CHECK(looks <= last + 1 && ctx.bytes == 0);
    }
    free(pixels);
}

int
main(void)
{
    RUN(nobody_waits_for_more_than_a_cell);
    RUN(cells_are_put_together_as_libavif_does);
    RUN(reading_takes_the_memory_of_one_cell);
    RUN(every_allocation_of_a_read_fails_once);
    RUN(cut_and_damaged_grids_are_clean_errors);
    return test_end();
}
