/* test_avif_write.c: what rows and planes become, and every failure on the way. */
#include "codecs/avif_make.h"

#include "image/out.h"

static void
fill_picture(uint8_t *pixels, li_info info)
{
    uint32_t channels = li_pixel_channels(info.pixel);
    for (uint32_t y = 0; y < info.height; y++)
        for (uint32_t x = 0; x < info.width; x++)
            for (uint32_t c = 0; c < channels; c++)
                *pixels++ = (uint8_t)(x * (2 + c) + y * (3 - c % 3) + 40 * c);
}

static li_status
encode_rows(li_ctx *ctx, li_info info, const li_encode *encode, const uint8_t *pixels,
            uint8_t **data, size_t *size)
{
    li_out *out = NULL;
    li_sink *sink = NULL;
    *data = NULL;
    LI_TRY(li_out_to_memory(ctx, &out));
    li_status status = li_codec_avif.encode(ctx, info, encode, out, &sink);
    for (uint32_t y = 0; status == LI_OK && y < info.height; y++)
        status = li_sink_write(sink, pixels + y * li_row_bytes(info));
    if (status == LI_OK)
        status = li_sink_finish(sink);
    li_sink_close(&sink);
    if (status == LI_OK)
        status = li_out_detach(out, data, size);
    li_out_close(&out);
    return status;
}

/* Mean of |ours − theirs| over all samples; negative if it does not come back. */
static double
round_trip(li_info info, const li_encode *encode, li_header *header)
{
    size_t bytes = li_row_bytes(info) * info.height, size;
    uint8_t *pixels = malloc(bytes), *data, *back = NULL;
    double sum = -1;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    fill_picture(pixels, info);
    CHECK_EQ(encode_rows(&ctx, info, encode, pixels, &data, &size), LI_OK);
    CHECK_EQ(ctx.bytes, 0);
    CHECK(ctx.peak_bytes <= li_codec_avif.encode_bytes(info, encode) +
                                li_codec_avif.output_bytes(info, encode) + (64 << 10));
    CHECK(size <= li_codec_avif.output_bytes(info, encode));
    if (data)
        CHECK_EQ(file_decode(&ctx, data, size, header, &back), LI_OK);
    if (back && CHECK_EQ(header->pixel, info.pixel)) {
        sum = 0;
        for (size_t i = 0; i < bytes; i++)
            sum += back[i] > pixels[i] ? back[i] - pixels[i] : pixels[i] - back[i];
    }
    free(back);
    free(pixels);
    li_release(data);
    return sum < 0 ? sum : sum / (double)bytes;
}

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};

TEST(lossless_is_exact_at_every_layout_and_odd_size)
{
    li_encode encode = li_encode_default();
    encode.lossless = true;
    encode.speed = 9;
    for (int i = 0; i < 4; i++)
        for (uint32_t side = 1; side < 40; side += 19) {
            li_header header;
            li_info info = {side, side + 2, layouts[i]};
            CHECK(round_trip(info, &encode, &header) == 0);
        }
}

TEST(every_subsampling_is_written_and_is_close)
{
    static const li_subsampling samplings[] = {LI_420, LI_422, LI_444};
    static const uint8_t chroma[][2] = {{2, 2}, {2, 1}, {1, 1}};
    for (int i = 0; i < 3; i++)
        for (uint32_t width = 63; width < 66; width++) {
            li_encode encode = li_encode_default();
            li_header header = {0};
            encode.quality = 98;
            encode.speed = 9;
            encode.subsampling = samplings[i];
            CHECK(round_trip((li_info){width, 33, LI_RGB8}, &encode, &header) < 3);
            CHECK_EQ(header.chroma_x, chroma[i][0]);
            CHECK_EQ(header.chroma_y, chroma[i][1]);
            CHECK(!header.studio);
        }
}

TEST(auto_subsampling_is_fine_from_quality_90_on)
{
    li_encode encode = li_encode_default();
    li_header header;
    encode.speed = 9;
    encode.quality = 89;
    (void)round_trip((li_info){32, 32, LI_RGB8}, &encode, &header);
    CHECK_EQ(header.chroma_x, 2);
    encode.quality = 90;
    (void)round_trip((li_info){32, 32, LI_RGB8}, &encode, &header);
    CHECK_EQ(header.chroma_x, 1);
}

/* Gray in all three channels has chroma 128 and luma as it is: exact factors. */
TEST(gray_stays_gray)
{
    li_encode encode = li_encode_default();
    li_ctx ctx;
    uint8_t pixels[64 * 4 * 3], *data, *back;
    size_t size;
    li_header header;
    encode.quality = 95;
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)(i / 3 % 64 * 4);
    li_ctx_init(&ctx, NULL);
    li_info info = {64, 4, LI_RGB8};
    CHECK_EQ(encode_rows(&ctx, info, &encode, pixels, &data, &size), LI_OK);
    CHECK_EQ(file_decode(&ctx, data, size, &header, &back), LI_OK);
    for (size_t i = 0; back && i < sizeof(pixels); i += 3)
        CHECK(back[i] == back[i + 1] && back[i] == back[i + 2]);
    free(back);
    li_release(data);
}

/* --- planes ----------------------------------------------------------------------- */

TEST(planes_are_written_as_they_are)
{
    li_encode encode = li_encode_default();
    li_info info = {37, 21, LI_RGB8};
    li_planar layout;
    li_out *out;
    li_plane_sink *sink;
    uint8_t *data, row[40];
    size_t size;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    encode.quality = 100; /* quantizer 0: nothing is lost of planes */
    encode.subsampling = LI_420;
    CHECK(li_codec_avif.takes_planes(info, &encode, &layout));
    CHECK(!layout.studio && layout.plane[1].width == 19);
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(li_codec_avif.encode_planes(&ctx, info, &encode, out, &sink), LI_OK);
    for (uint32_t p = 0; p < LI_PLANES; p++)
        for (uint32_t y = 0; y < layout.plane[p].height; y++, sink->y[p]++) {
            for (uint32_t x = 0; x < sizeof(row); x++)
                row[x] = (uint8_t)(x * 3 + y * 5 + p * 70);
            CHECK_EQ(sink->ops->write(sink, p, row), LI_OK);
        }
    CHECK_EQ(sink->ops->finish(sink), LI_OK);
    li_plane_sink_close(&sink);
    CHECK_EQ(li_out_detach(out, &data, &size), LI_OK);
    li_out_close(&out);
    avifDecoder *decoder = avifDecoderCreate();
    avifImage *image = avifImageCreateEmpty();
    CHECK_EQ(avifDecoderReadMemory(decoder, image, data, size), AVIF_RESULT_OK);
    for (uint32_t p = 0; p < LI_PLANES; p++)
        for (uint32_t y = 0; y < layout.plane[p].height; y++)
            for (uint32_t x = 0; x < layout.plane[p].width; x++)
                CHECK_EQ(image->yuvPlanes[p][y * image->yuvRowBytes[p] + x],
                         (uint8_t)(x * 3 + y * 5 + p * 70));
    CHECK_EQ(image->matrixCoefficients, 6);
    CHECK_EQ(image->transferCharacteristics, 13);
    CHECK_EQ(image->yuvRange, AVIF_RANGE_FULL);
    avifImageDestroy(image);
    avifDecoderDestroy(decoder);
    li_release(data);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(planes_are_not_taken_where_they_would_be_converted)
{
    li_encode encode = li_encode_default();
    li_planar layout;
    CHECK(!li_codec_avif.takes_planes((li_info){8, 8, LI_RGBA8}, &encode, &layout));
    CHECK(!li_codec_avif.takes_planes((li_info){8, 8, LI_GRAY8}, &encode, &layout));
    encode.lossless = true;
    CHECK(!li_codec_avif.takes_planes((li_info){8, 8, LI_RGB8}, &encode, &layout));
}

/* --- failures --------------------------------------------------------------------- */

TEST(every_allocation_fails_once)
{
    li_info info = {20, 10, LI_RGBA8};
    li_encode encode = li_encode_default();
    uint8_t pixels[20 * 10 * 4] = {0}, *data;
    size_t size;
    for (int64_t n = 0;; n++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = n;
        li_status status = encode_rows(&ctx, info, &encode, pixels, &data, &size);
        CHECK_EQ(ctx.bytes, 0);
        if (status == LI_OK) {
            CHECK(n > 3);
            li_release(data);
            break;
        }
        if (!CHECK_EQ(status, LI_ENOMEM))
            break;
    }
}

TEST(every_allocation_of_a_decode_fails_once)
{
    avifRWData file = file_make((avif_spec){.width = 20,
                                            .height = 10,
                                            .depth = 8,
                                            .format = AVIF_PIXEL_FORMAT_YUV420,
                                            .range = AVIF_RANGE_FULL,
                                            .matrix = 6,
                                            .alpha = true});
    for (int64_t n = 0;; n++) {
        uint8_t *pixels;
        li_header header;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = n;
        li_status status = file_decode(&ctx, file.data, file.size, &header, &pixels);
        CHECK_EQ(ctx.bytes, 0);
        free(pixels);
        if (status == LI_OK) {
            CHECK(n > 3);
            break;
        }
        if (!CHECK_EQ(status, LI_ENOMEM))
            break;
    }
    avifRWDataFree(&file);
}

TEST(a_budget_below_the_bound_is_refused_before_libavif_begins)
{
    li_info info = {64, 64, LI_RGB8};
    li_encode encode = li_encode_default();
    uint8_t *pixels = calloc(64 * 64, 3), *data;
    size_t size;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.limits.max_memory = li_codec_avif.encode_bytes(info, &encode) / 2;
    CHECK_EQ(encode_rows(&ctx, info, &encode, pixels, &data, &size),
             LI_E124_MEMORY_BUDGET);
    CHECK_EQ(ctx.bytes, 0);
    free(pixels);
}

TEST(what_cannot_be_written_is_said)
{
    li_encode encode = li_encode_default();
    li_sink *sink;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(
        li_codec_avif.encode(&ctx, (li_info){32769, 1, LI_GRAY8}, &encode, NULL, &sink),
        LI_E300_ENCODE);
    CHECK_TEXT(ctx.message,
               "avif: 32769x1 has a side over the 32768 that readers take");
    CHECK(!sink);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_codec_avif.encode(&ctx, (li_info){16384, 16385, LI_GRAY8}, &encode,
                                  NULL, &sink),
             LI_E300_ENCODE);
    CHECK_TEXT(ctx.message,
               "avif: 16384x16385 is over the 268435456 pixels that readers take");
    CHECK(!sink);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(
        li_codec_avif.encode(&ctx, (li_info){8, 8, LI_CMYK8}, &encode, NULL, &sink),
        LI_E300_ENCODE);
    CHECK_EQ(li_codec_avif.accepts(LI_CMYK8, &encode), LI_RGB8);
    CHECK_EQ(li_codec_avif.accepts(LI_GRAYA16, &encode), LI_GRAYA16);
    encode.bit_depth = 8;
    CHECK_EQ(li_codec_avif.accepts(LI_GRAYA16, &encode), LI_GRAYA8);
    encode.bit_depth = 12;
    CHECK_EQ(li_codec_avif.accepts(LI_RGB8, &encode), LI_RGB16);
}

TEST(colours_are_what_they_are_said_to_be)
{
    static const struct {
        li_cicp said;
        bool profile;
        uint8_t primaries, transfer;
    } cases[] = {
        {{0}, false, 1, 13},
        {{.primaries = 12, .transfer = 13}, false, 12, 13},
        {{.primaries = 9, .transfer = 16}, false, 9, 16},
        {{0}, true, 2, 2},
        {{.primaries = 12, .transfer = 13}, true, 2, 2},
    };
    static uint8_t icc[] = "a profile of any bytes";
    li_metadata with = {.icc = icc, .icc_size = sizeof(icc)};
    for (size_t i = 0; i < 3 * sizeof(cases) / sizeof(cases[0]); i++) {
        li_encode encode = li_encode_default();
        li_header header = {0};
        encode.speed = 10;
        encode.lossless = i % 3 == 1;
        encode.cell_side = i % 3 == 2 ? 64 : 0;
        encode.cicp = cases[i / 3].said;
        encode.metadata = cases[i / 3].profile ? &with : NULL;
        li_info info = {70, 66, i % 2 ? LI_RGBA8 : LI_RGB8};
        CHECK(round_trip(info, &encode, &header) <= (encode.lossless ? 0 : 8));
        CHECK_EQ(header.cicp.primaries, cases[i / 3].primaries);
        CHECK_EQ(header.cicp.transfer, cases[i / 3].transfer);
        CHECK_EQ(header.icc_bytes != 0, cases[i / 3].profile);
    }
}

int
main(void)
{
    RUN(colours_are_what_they_are_said_to_be);
    RUN(lossless_is_exact_at_every_layout_and_odd_size);
    RUN(every_subsampling_is_written_and_is_close);
    RUN(auto_subsampling_is_fine_from_quality_90_on);
    RUN(gray_stays_gray);
    RUN(planes_are_written_as_they_are);
    RUN(planes_are_not_taken_where_they_would_be_converted);
    RUN(every_allocation_fails_once);
    RUN(every_allocation_of_a_decode_fails_once);
    RUN(a_budget_below_the_bound_is_refused_before_libavif_begins);
    RUN(what_cannot_be_written_is_said);
    return test_end();
}
