/* test_avif_grid.c: large pictures as grids: what comes back, at every seam, from cells
 * of 64 pixels; the cut of any size; every failure on the way. */
#include "codecs/avif/write.h"
#include "codecs/avif_grids.h"

#include "image/frame.h"

/* --- there and back --------------------------------------------------------------- */

/* What libavif itself, which checks all that MIAF asks of a grid, says of it. */
static void
check_by_libavif(const uint8_t *data, size_t size, li_info info, uint32_t depth)
{
    avifDecoder *decoder = avifDecoderCreate();
    CHECK_EQ(avifDecoderSetIOMemory(decoder, data, size), AVIF_RESULT_OK);
    decoder->strictFlags = AVIF_STRICT_ENABLED;
    if (!CHECK_EQ(avifDecoderParse(decoder), AVIF_RESULT_OK) ||
        !CHECK_EQ(avifDecoderNextImage(decoder), AVIF_RESULT_OK))
        fprintf(stderr, "%s\n", decoder->diag.error);
    CHECK_EQ(decoder->image->width, info.width);
    CHECK_EQ(decoder->image->height, info.height);
    CHECK_EQ(decoder->image->depth, depth);
    CHECK_EQ(decoder->alphaPresent, li_pixel_has_alpha(info.pixel));
    CHECK_EQ(decoder->image->transferCharacteristics,
             decoder->image->icc.size ? 2 : 13);
    avifDecoderDestroy(decoder);
}

/* The largest difference of a sample, of 8 bits; −1: it does not come back. */
static int
round_trip(li_info info, const li_encode *encode, li_header *header)
{
    size_t samples = (size_t)info.width * info.height * li_pixel_channels(info.pixel);
    size_t size, step = li_pixel_is_deep(info.pixel) ? 2 : 1;
    uint8_t *pixels = make_picture(info), *data, *back = NULL;
    int worst = -1;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(encode_rows(&ctx, info, encode, pixels, &data, &size), LI_OK);
    CHECK_EQ(ctx.bytes, 0);
    CHECK(ctx.peak_bytes <= li_codec_avif.encode_bytes(info, encode) +
                                li_codec_avif.output_bytes(info, encode) + (64 << 10));
    CHECK(data && size <= li_codec_avif.output_bytes(info, encode));
    if (data)
        CHECK_EQ(file_decode(&ctx, data, size, header, &back), LI_OK);
    if (back) {
        check_by_libavif(data, size, info, li_avif_depth(info.pixel, encode));
        CHECK_EQ(header->pixel, li_pixel_with_depth(info.pixel, false));
        for (size_t i = 0; i < samples; i++) {
            int off = abs(back[i] - pixels[i * step]);
            worst = off > worst ? off : worst;
        }
    }
    free(back);
    free(pixels);
    li_release(data);
    return worst;
}

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
static const uint32_t sizes[][2] = {{130, 66}, {65, 64}, {64, 129}, {191, 127}};

TEST(lossless_is_exact_over_every_seam)
{
    static const uint8_t depths[] = {8, 10, 12};
    for (int i = 0; i < 4 * 4; i++) {
        li_encode how = small_cells();
        li_header header = {0};
        how.lossless = true;
        how.bit_depth = depths[(i + i / 4) % 3];
        li_info info = {sizes[i / 4][0], sizes[i / 4][1],
                        li_codec_avif.accepts(layouts[i % 4], &how)};
        CHECK_EQ(round_trip(info, &how, &header), 0);
        CHECK(strstr(header.variant, "grid of "));
        CHECK_EQ(header.bit_depth, how.bit_depth);
    }
}

TEST(every_subsampling_and_depth_is_near)
{
    static const li_subsampling samplings[] = {LI_420, LI_422, LI_444};
    for (int i = 0; i < 3 * 3; i++)
        for (int alpha = 0; alpha < 2; alpha++) {
            li_encode how = small_cells();
            li_header header = {0};
            how.quality = 98;
            how.subsampling = samplings[i % 3];
            how.bit_depth = (uint8_t)(8 + 2 * (i / 3));
            li_info info = {150, 162,
                            li_codec_avif.accepts(alpha ? LI_RGBA8 : LI_RGB8, &how)};
            int off = round_trip(info, &how, &header);
            CHECK(off >= 0 && off <= (i % 3 == 2 ? 4 : 40));
            CHECK(strstr(header.variant, "grid of 9"));
        }
}

/* Chroma of half the size asks for an even one: then it is in full, where that is as we
 * like, and the picture is one where it is not. */
TEST(odd_sizes_are_whole_or_fine)
{
    static const uint32_t odd[][2] = {{131, 130}, {130, 131}, {131, 131}};
    li_encode how = small_cells();
    li_header header = {0};
    for (int i = 0; i < 3; i++) {
        li_info info = {odd[i][0], odd[i][1], LI_RGB8};
        how.subsampling = LI_SUBSAMPLING_AUTO;
        (void)round_trip(info, &how, &header);
        CHECK_TEXT(header.variant, "8 bit 4:4:4 grid of 9");
        how.subsampling = LI_420;
        (void)round_trip(info, &how, &header);
        CHECK_TEXT(header.variant, "8 bit 4:2:0");
        how.subsampling = LI_422;
        (void)round_trip(info, &how, &header);
        CHECK_TEXT(header.variant, i == 1 ? "8 bit 4:2:2 grid of 9" : "8 bit 4:2:2");
    }
    (void)round_trip((li_info){130, 130, LI_RGB8}, &how, &header);
    how.subsampling = LI_SUBSAMPLING_AUTO;
    (void)round_trip((li_info){63, 64, LI_RGB8}, &how, &header);
    CHECK_TEXT(header.variant, "8 bit 4:2:0"); /* not a large one */
}

/* --- planes ----------------------------------------------------------------------- */

static void
check_planes(const uint8_t *data, size_t size, const li_planar *layout)
{
    avifDecoder *decoder = avifDecoderCreate();
    avifImage *image = avifImageCreateEmpty();
    CHECK_EQ(avifDecoderReadMemory(decoder, image, data, size), AVIF_RESULT_OK);
    for (uint32_t p = 0; p < LI_PLANES && image->yuvPlanes[0]; p++)
        for (uint32_t y = 0; y < layout->plane[p].height; y++)
            for (uint32_t x = 0; x < layout->plane[p].width; x++)
                CHECK_EQ(image->yuvPlanes[p][y * image->yuvRowBytes[p] + x],
                         (uint8_t)(x * 3 + y * 5 + p * 70));
    avifImageDestroy(image);
    avifDecoderDestroy(decoder);
}

TEST(planes_are_written_as_they_are)
{
    static const li_subsampling samplings[] = {LI_420, LI_422, LI_444};
    for (int i = 0; i < 3; i++) {
        li_info info = {150, 130, LI_RGB8};
        li_encode how = small_cells();
        li_planar layout;
        li_out *out;
        li_plane_sink *sink;
        li_frame frames[LI_PLANES];
        li_rows *rows[LI_PLANES];
        li_pump_times times = {0};
        uint8_t *data;
        size_t size;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        how.quality = 100; /* quantizer 0: nothing is lost of planes */
        how.subsampling = samplings[i];
        CHECK(li_codec_avif.takes_planes(info, &how, &layout));
        for (uint32_t p = 0; p < LI_PLANES; p++) {
            uint32_t width = layout.plane[p].width, height = layout.plane[p].height;
            frames[p] = (li_frame){{width, height, LI_GRAY8},
                                   (int64_t)width,
                                   malloc((size_t)width * height + LI_ROW_SLACK)};
            for (uint32_t j = 0; j < width * height; j++)
                frames[p].pixels[j] = (uint8_t)(j % width * 3 + j / width * 5 + p * 70);
            CHECK_EQ(li_frame_rows(&ctx, &frames[p], &rows[p]), LI_OK);
        }
        CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
        CHECK_EQ(li_codec_avif.encode_planes(&ctx, info, &how, out, &sink), LI_OK);
        CHECK_EQ(li_planes_pump(rows, sink, &times), LI_OK);
        li_plane_sink_close(&sink);
        for (uint32_t p = 0; p < LI_PLANES; p++) {
            li_rows_close(&rows[p]);
            free(frames[p].pixels);
        }
        CHECK_EQ(li_out_detach(out, &data, &size), LI_OK);
        li_out_close(&out);
        check_planes(data, size, &layout);
        li_release(data);
        CHECK_EQ(ctx.bytes, 0);
    }
}

/* --- what goes with it ------------------------------------------------------------ */

TEST(metadata_is_read_back)
{
    static uint8_t icc[] = "a profile of any bytes", xmp[] = "<x:xmpmeta/>";
    static uint8_t exif[] = {'I', 'I', 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    for (uint8_t orientation = 1; orientation <= 8; orientation++) {
        li_metadata with = {.icc = icc,
                            .icc_size = sizeof(icc),
                            .exif = exif,
                            .exif_size = sizeof(exif),
                            .xmp = xmp,
                            .xmp_size = sizeof(xmp),
                            .orientation = orientation};
        li_encode how = small_cells();
        li_info info = {70, 66, orientation % 2 ? LI_RGB8 : LI_RGBA8};
        uint8_t *pixels = make_picture(info), *data, *back;
        li_header header;
        li_ctx ctx;
        size_t size;
        how.metadata = &with;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(encode_rows(&ctx, info, &how, pixels, &data, &size), LI_OK);
        CHECK_EQ(file_decode(&ctx, data, size, &header, &back), LI_OK);
        CHECK_EQ(header.orientation, orientation);
        CHECK_EQ(header.icc_bytes, sizeof(icc));
        CHECK(memcmp(data + header.icc_at, icc, sizeof(icc)) == 0);
        CHECK_EQ(header.exif_size, sizeof(exif));
        CHECK(memcmp(data + header.exif_at, exif, sizeof(exif)) == 0);
        CHECK_EQ(header.xmp_size, sizeof(xmp));
        CHECK(memcmp(data + header.xmp_at, xmp, sizeof(xmp)) == 0);
        check_by_libavif(data, size, info, 8);
        free(back);
        free(pixels);
        li_release(data);
    }
}

/* --- the cut ---------------------------------------------------------------------- */

static void
check_cut(li_info info, const li_encode *how)
{
    uint64_t pixels = (uint64_t)info.width * info.height;
    avif_cells cells = li_avif_cells(info, how);
    uint64_t cell = (uint64_t)cells.width * cells.height;
    if (pixels <= 4000000) {
        CHECK_EQ(cells.columns, 0);
        return;
    }
    CHECK(cells.columns >= 1 && cells.rows >= 1);
    CHECK(cells.columns * cells.rows <= LI_AVIF_TILES);
    CHECK(cells.width % 64 == 0 && cells.height % 64 == 0 && cell > 0);
    CHECK((uint64_t)(cells.columns - 1) * cells.width < info.width &&
          info.width <= (uint64_t)cells.columns * cells.width);
    CHECK((uint64_t)(cells.rows - 1) * cells.height < info.height &&
          info.height <= (uint64_t)cells.rows * cells.height);
    if (pixels < 200000000)
        CHECK(cell <= 2000000);
    if (pixels < 100000000 && !li_pixel_is_deep(info.pixel)) {
        if (!CHECK(li_codec_avif.encode_bytes(info, how) < 48000000))
            fprintf(stderr, "%ux%u: cells of %ux%u, %llu\n", info.width, info.height,
                    cells.width, cells.height,
                    (unsigned long long)li_codec_avif.encode_bytes(info, how));
    }
}

TEST(any_size_is_cut_into_few_small_cells)
{
    static const uint32_t large[][2] = {
        {2000, 2000},  {2002, 2000},   {2000, 2002},  {6000, 4000}, {4000, 6000},
        {12000, 8332}, {16384, 16384}, {65536, 64},   {64, 65536},  {65536, 1000},
        {1000, 65536}, {65536, 65536}, {65536, 62},   {62, 65536},  {30000, 30000},
        {9000, 9000},  {4608, 3456},   {20000, 1000}, {2304, 1800}};
    static const li_pixel all[] = {LI_GRAY8, LI_RGB8, LI_RGBA8, LI_RGB16, LI_RGBA16};
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
        for (int j = 0; j < 5 * 2; j++) {
            li_encode how = li_encode_default();
            how.lossless = j % 2;
            check_cut((li_info){large[i][0], large[i][1], all[j / 2]}, &how);
        }
}

TEST(the_largest_is_cut_at_once)
{
    li_encode how = li_encode_default();
    int64_t start = li_cpu_ns();
    for (int i = 0; i < 10; i++)
        CHECK(li_avif_cells((li_info){65536, 65536, LI_RGBA16}, &how).columns > 0);
    CHECK(li_cpu_ns() - start < 100000000);
}

/* --- failures --------------------------------------------------------------------- */

TEST(every_allocation_fails_once)
{
    static uint8_t exif[] = {'I', 'I', 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    li_metadata with = {.exif = exif, .exif_size = sizeof(exif)};
    li_info info = {70, 66, LI_RGBA8};
    li_encode how = small_cells();
    uint8_t *pixels = make_picture(info), *data;
    size_t size;
    how.metadata = &with;
    for (int64_t n = 0;; n++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = n;
        li_status status = encode_rows(&ctx, info, &how, pixels, &data, &size);
        CHECK_EQ(ctx.bytes, 0);
        if (status == LI_OK) {
            CHECK(n > 12); /* a probe for each cell is one */
            li_release(data);
            break;
        }
        if (!CHECK_EQ(status, LI_ENOMEM))
            break;
    }
    free(pixels);
}

/* A pipe, that refuses the n-th piece. */
typedef struct narrow_out {
    li_out base;
    uint8_t *data;
    int left;
} narrow_out;

static li_status
narrow_write(li_out *out, const void *data, size_t size)
{
    narrow_out *narrow = (narrow_out *)out;
    if (narrow->left-- == 0)
        return li_fail(out->ctx, LI_E301_WRITE, "full");
    memcpy(narrow->data + out->size, data, size);
    return LI_OK;
}

static li_status
narrow_patch(li_out *out, uint64_t at, const void *data, size_t size)
{
    narrow_out *narrow = (narrow_out *)out;
    if (narrow->left-- == 0)
        return li_fail(out->ctx, LI_E301_WRITE, "full");
    CHECK(at + size <= out->size);
    memcpy(narrow->data + at, data, size);
    return LI_OK;
}

TEST(a_pipe_gets_the_same_bytes_and_every_write_can_fail)
{
    static const li_out_ops ways[] = {
        {.name = "pipe", .write = narrow_write},
        {.name = "file", .write = narrow_write, .patch = narrow_patch}};
    li_info info = {130, 66, LI_RGBA8};
    li_encode how = small_cells();
    uint8_t *pixels = make_picture(info), *truth;
    size_t size;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(encode_rows(&ctx, info, &how, pixels, &truth, &size), LI_OK);
    narrow_out out = {.data = malloc(li_codec_avif.output_bytes(info, &how))};
    for (int way = 0; way < 2; way++)
        for (int n = 0; n < 30; n++) {
            li_ctx_init(&ctx, NULL);
            out.base = (li_out){.ops = &ways[way], .ctx = &ctx};
            out.left = n;
            li_status status = encode_to(&ctx, info, &how, pixels, &out.base);
            CHECK_EQ(ctx.bytes, 0);
            if (status == LI_OK) {
                CHECK(n >= (way ? 2 + 12 : 1)); /* room, 12 cells, the head */
                CHECK_EQ(out.base.size, size);
                CHECK(memcmp(out.data, truth, size) == 0);
                break;
            }
            CHECK_EQ(status, LI_E301_WRITE);
        }
    free(out.data);
    free(pixels);
    li_release(truth);
}

/* Between cells, that is. */
TEST(a_cancelled_job_ends_behind_the_cell_in_work)
{
    li_info info = {128, 128, LI_RGB8};
    li_encode how = small_cells();
    uint8_t *pixels = make_picture(info);
    atomic_int cancel = 0;
    li_out *out;
    li_sink *sink;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.cancel = &cancel;
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(li_codec_avif.encode(&ctx, info, &how, out, &sink), LI_OK);
    for (uint32_t y = 0; y < 63; y++)
        CHECK_EQ(li_sink_write(sink, pixels + y * li_row_bytes(info)), LI_OK);
    CHECK_EQ(out->size, 0);
    atomic_store(&cancel, 1);
    CHECK(li_sink_write(sink, pixels) != LI_OK);
    CHECK(out->size < li_avif_head_bytes(li_avif_cells(info, &how), false));
    li_sink_close(&sink);
    li_out_close(&out);
    CHECK_EQ(ctx.bytes, 0);
    free(pixels);
}

int
main(void)
{
    RUN(lossless_is_exact_over_every_seam);
    RUN(every_subsampling_and_depth_is_near);
    RUN(odd_sizes_are_whole_or_fine);
    RUN(planes_are_written_as_they_are);
    RUN(metadata_is_read_back);
    RUN(any_size_is_cut_into_few_small_cells);
    RUN(the_largest_is_cut_at_once);
    RUN(every_allocation_fails_once);
    RUN(a_pipe_gets_the_same_bytes_and_every_write_can_fail);
    RUN(a_cancelled_job_ends_behind_the_cell_in_work);
    return test_end();
}
