/* test_webp_write.c: WebP out: what libwebp's own decoder makes of what was written,
 * for every layout and option, from rows and from planes. */
#include "codecs/webp/yuv.h"
#include "codecs/webp_make.h"

#include <math.h>

/* RGBA samples → the layout, row by row into the sink. */
static void
pack_row(const uint8_t *rgba, li_info info, uint8_t *row)
{
    uint32_t channels = li_pixel_channels(info.pixel);
    for (uint32_t x = 0; x < info.width; x++, rgba += 4, row += channels) {
        memcpy(row, rgba, channels >= 3 ? channels : 1);
        if (channels == 2)
            row[1] = rgba[3];
    }
}

static li_status
encode(li_ctx *ctx, li_info info, const li_encode *how, const uint8_t *rgba,
       webp_bytes *file)
{
    li_out *out = NULL;
    li_sink *sink = NULL;
    uint8_t *row = malloc(li_row_bytes(info));
    *file = (webp_bytes){NULL, 0};
    li_status status = li_out_to_memory(ctx, &out);
    if (status == LI_OK)
        status = li_codec_webp.encode(ctx, info, how, out, &sink);
    for (uint32_t y = 0; status == LI_OK && y < info.height; y++) {
        pack_row(rgba + (size_t)y * info.width * 4, info, row);
        status = li_sink_write(sink, row);
    }
    if (status == LI_OK)
        status = li_sink_finish(sink);
    li_sink_close(&sink);
    if (status == LI_OK)
        status = li_out_detach(out, &file->data, &file->size);
    li_out_close(&out);
    CHECK_EQ(ctx->bytes, 0);
    free(row);
    return status;
}

static webp_bytes
encoded(li_info info, const li_encode *how, const uint8_t *rgba)
{
    webp_bytes file;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(encode(&ctx, info, how, rgba, &file), LI_OK);
    CHECK(file.size <= li_codec_webp.output_bytes(info, how));
    return file;
}

/* Decoded by libwebp: RGBA, of libwebp's malloc. */
static uint8_t *
decoded(webp_bytes file, li_info info)
{
    int width = 0, height = 0;
    uint8_t *pixels = WebPDecodeRGBA(file.data, file.size, &width, &height);
    CHECK_EQ(width, info.width);
    CHECK_EQ(height, info.height);
    return pixels;
}

static double
psnr(const uint8_t *a, const uint8_t *b, size_t pixels)
{
    double sum = 0;
    for (size_t i = 0; i < pixels * 4; i++)
        if (i % 4 != 3)
            sum += (a[i] - b[i]) * (double)(a[i] - b[i]);
    return sum > 0 ? 10 * log10(255.0 * 255 * 3 * (double)pixels / sum) : 99;
}

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
static const uint32_t sizes[][2] = {{1, 1}, {2, 1}, {1, 2}, {17, 33}, {160, 119}};

/* What the layout keeps of the samples. */
static void
keep_layout(uint8_t *rgba, li_info info)
{
    for (size_t i = 0; i < (size_t)info.width * info.height; i++, rgba += 4) {
        if (li_pixel_is_gray(info.pixel))
            rgba[1] = rgba[2] = rgba[0];
        if (!li_pixel_has_alpha(info.pixel))
            rgba[3] = 255;
    }
}

TEST(lossless_gives_the_same_samples)
{
    for (int i = 0; i < 20; i++) {
        webp_spec spec = {sizes[i / 4][0], sizes[i / 4][1], WEBP_NOISE, .alpha = true};
        li_info info = {spec.width, spec.height, layouts[i % 4]};
        uint8_t *rgba = webp_pixels(&spec);
        li_encode how = li_encode_default();
        how.lossless = true;
        keep_layout(rgba, info);
        webp_bytes file = encoded(info, &how, rgba);
        uint8_t *back = decoded(file, info);
        for (size_t n = 0; n < (size_t)info.width * info.height; n++)
            if (rgba[n * 4 + 3]) /* what cannot be seen may have any colour */
                CHECK(memcmp(back + n * 4, rgba + n * 4, 4) == 0);
            else
                CHECK_EQ(back[n * 4 + 3], 0);
        WebPFree(back);
        li_release(file.data);
        free(rgba);
    }
}

TEST(lossy_is_as_near_as_libwebps_own_import)
{
    for (int i = 0; i < 4; i++) {
        webp_spec spec = {301,           203,        WEBP_SMOOTH, .alpha = i % 2 == 1,
                          .quality = 80, .method = 4};
        li_info info = {spec.width, spec.height, layouts[i]};
        uint8_t *rgba = webp_pixels(&spec);
        keep_layout(rgba, info);
        li_encode how = li_encode_default();
        webp_bytes file = encoded(info, &how, rgba), theirs = webp_file_of(&spec, rgba);
        uint8_t *back = decoded(file, info), *other = decoded(theirs, info);
        size_t pixels = (size_t)info.width * info.height;
        CHECK(psnr(back, rgba, pixels) > psnr(other, rgba, pixels) - 0.3);
        CHECK(file.size < theirs.size * 21 / 20 + 64);
        for (size_t n = 3; n < pixels * 4; n += 4) /* alpha_quality 100 */
            CHECK_EQ(back[n], rgba[n]);
        WebPFree(back);
        WebPFree(other);
        li_release(file.data);
        free(theirs.data);
        free(rgba);
    }
}

/* --- the converter ---------------------------------------------------------------- */

/* The same by floating point: BT.601, chroma of the mean of four weighed by alpha. */
static void
check_pair(const uint8_t *rows[2], li_pixel pixel, uint32_t width,
           const li_webp_pair *pair)
{
    uint32_t channels = li_pixel_channels(pixel);
    bool gray = channels <= 2, alpha = li_pixel_has_alpha(pixel);
    for (uint32_t x = 0; x < width; x += 2) {
        double sum[3] = {0}, plain[3] = {0}, total = 0;
        for (uint32_t n = 0; n < 4; n++) {
            uint32_t column = x + n % 2 < width ? x + n % 2 : x;
            const uint8_t *at = rows[n / 2] + (size_t)column * channels;
            double weight = alpha ? at[channels - 1] : 255;
            double rgb[3] = {at[0], at[gray ? 0 : 1], at[gray ? 0 : 2]};
            for (int c = 0; c < 3; c++) {
                sum[c] += weight * rgb[c];
                plain[c] += rgb[c] / 4;
            }
            total += weight;
            double luma =
                16 + (65.481 * rgb[0] + 128.553 * rgb[1] + 24.966 * rgb[2]) / 255;
            CHECK(fabs(pair->luma[n / 2 * pair->stride + column] - luma) < 0.65);
            if (alpha)
                CHECK_EQ(pair->alpha[n / 2 * pair->stride + column], at[channels - 1]);
        }
        for (int c = 0; c < 3; c++)
            sum[c] = total > 0 ? sum[c] / total : plain[c];
        double cb = 128 + (-37.797 * sum[0] - 74.203 * sum[1] + 112 * sum[2]) / 255;
        double cr = 128 + (112 * sum[0] - 93.786 * sum[1] - 18.214 * sum[2]) / 255;
        CHECK(fabs(pair->cb[x / 2] - cb) < 0.75);
        CHECK(fabs(pair->cr[x / 2] - cr) < 0.75);
    }
}

TEST(pairs_are_what_floating_point_says)
{
    uint32_t state = 5;
    for (int round = 0; round < 400; round++) {
        uint32_t width = 1 + test_random(&state) % 40;
        uint8_t picture[2][160], luma[2][48], alpha[2][48], cb[24], cr[24];
        for (size_t i = 0; i < sizeof(picture); i++) {
            uint32_t value = test_random(&state) >> 8;
            picture[i / 160][i % 160] =
                (uint8_t)(value % 3 ? value >> 8 : value % 2 * 255);
        }
        li_pixel pixel = layouts[round % 4];
        const uint8_t *rows[2] = {picture[0], picture[round / 4 % 2]};
        bool has = li_pixel_has_alpha(pixel);
        li_webp_pair pair = {luma[0], cb, cr, has ? alpha[0] : NULL, 48};
        void *work = malloc(li_webp_pair_work(width));
        memset(luma, 7, sizeof(luma));
        li_webp_convert_pair(rows, pixel, width, &pair, work);
        if (rows[0] == rows[1]) { /* one row is written */
            CHECK_EQ(luma[1][0], 7);
            memcpy(luma[1], luma[0], 48);
            memcpy(alpha[1], alpha[0], 48);
        }
        check_pair(rows, pixel, width, &pair);
        free(work);
    }
}

/* --- options ---------------------------------------------------------------------- */

static size_t
size_with(li_encode how, bool alpha, double *quality)
{
    webp_spec spec = {200, 150, WEBP_NOISE, .alpha = alpha};
    li_info info = {200, 150, alpha ? LI_RGBA8 : LI_RGB8};
    uint8_t *rgba = webp_pixels(&spec);
    for (size_t i = 0; !alpha && i < (size_t)200 * 150; i++) /* luma alone */
        rgba[i * 4 + 1] = rgba[i * 4 + 2] = rgba[i * 4];
    webp_bytes file = encoded(info, &how, rgba);
    uint8_t *back = decoded(file, info);
    *quality = psnr(back, rgba, (size_t)200 * 150);
    size_t size = file.size;
    WebPFree(back);
    li_release(file.data);
    free(rgba);
    return size;
}

TEST(every_option_reaches_libwebp)
{
    double base, other;
    li_encode how = li_encode_default();
    size_t plain = size_with(how, false, &base);
    how.quality = 80;
    CHECK_EQ(size_with(how, false, &other), plain);
    how.quality = 20;
    CHECK(size_with(how, false, &other) < plain / 2 && other < base - 2);
    how.quality = 100;
    CHECK(size_with(how, false, &other) > plain * 3 / 2 && other > base + 2);
    how = li_encode_default();
    how.method = 0;
    CHECK(size_with(how, false, &other) != plain);
    how.method = 4;
    CHECK_EQ(size_with(how, false, &other), plain);
    how = li_encode_default();
    how.low_memory = 1;
    size_with(how, false, &other);
    CHECK(fabs(other - base) < 0.2);
    how = li_encode_default();
    how.near_lossless = 20;
    size_t near = size_with(how, false, &other);
    how.near_lossless = 100;
    CHECK(size_with(how, false, &base) > near);
    CHECK(base == 99 && other < 60 && other > 30);
    how = li_encode_default();
    plain = size_with(how, true, &other);
    how.alpha_quality = 100;
    CHECK_EQ(size_with(how, true, &other), plain);
    how.alpha_quality = 10;
    CHECK(size_with(how, true, &other) < plain * 4 / 5);
    how = li_encode_default();
    how.smart_subsample = true;
    CHECK(size_with(how, true, &base) != plain && base > 15);
}

TEST(describe_says_what_is_done)
{
    char text[80];
    li_info info = {10, 10, LI_RGB8};
    li_encode how = li_encode_default();
    li_codec_webp.describe(info, &how, text, sizeof(text));
    CHECK_TEXT(text, "quality 80, method 4");
    how.quality = 55;
    how.method = 6;
    how.smart_subsample = true;
    how.low_memory = 1;
    li_codec_webp.describe(info, &how, text, sizeof(text));
    CHECK_TEXT(text, "quality 55, method 6, smart subsampling, low memory");
    how.lossless = true;
    li_codec_webp.describe(info, &how, text, sizeof(text));
    CHECK_TEXT(text, "lossless, method 6");
    how.near_lossless = 60;
    li_codec_webp.describe(info, &how, text, sizeof(text));
    CHECK_TEXT(text, "near lossless 60, method 6");
}

/* --- planes ----------------------------------------------------------------------- */

static void
feed_planes(li_plane_sink *sink, const WebPPicture *picture)
{
    const uint8_t *const from[3] = {picture->y, picture->u, picture->v};
    const int strides[3] = {picture->y_stride, picture->uv_stride, picture->uv_stride};
    for (uint32_t y = 0; y < sink->layout.plane[0].height; y++)
        for (uint32_t p = 0; p < LI_PLANES; p++)
            if (y % sink->layout.plane[p].y_den == 0) {
                const uint8_t *row = from[p] + sink->y[p] * (size_t)strides[p];
                CHECK_EQ(sink->ops->write(sink, p, row), LI_OK);
                sink->y[p]++;
            }
}

/* libwebp's planes through encode_planes: its own file, byte for byte. */
TEST(planes_go_in_as_they_are)
{
    for (int i = 0; i < 5; i++) {
        webp_spec spec = {sizes[i][0], sizes[i][1], WEBP_NOISE, .quality = 80,
                          .method = 4};
        li_info info = {spec.width, spec.height, LI_RGB8};
        li_encode how = li_encode_default();
        uint8_t *rgba = webp_pixels(&spec);
        webp_bytes truth = webp_file_of(&spec, rgba), file;
        WebPPicture picture;
        li_planar layout;
        li_out *out;
        li_plane_sink *sink;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        CHECK(WebPPictureInit(&picture));
        picture.width = (int)spec.width;
        picture.height = (int)spec.height;
        CHECK(WebPPictureImportRGBA(&picture, rgba, (int)spec.width * 4));
        CHECK(li_codec_webp.takes_planes(info, &how, &layout) && layout.studio);
        CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
        CHECK_EQ(li_codec_webp.encode_planes(&ctx, info, &how, out, &sink), LI_OK);
        feed_planes(sink, &picture);
        CHECK_EQ(sink->ops->finish(sink), LI_OK);
        li_plane_sink_close(&sink);
        CHECK_EQ(li_out_detach(out, &file.data, &file.size), LI_OK);
        li_out_close(&out);
        CHECK_EQ(ctx.bytes, 0);
        CHECK_EQ(file.size, truth.size);
        CHECK(memcmp(file.data, truth.data, truth.size) == 0);
        li_release(file.data);
        WebPPictureFree(&picture);
        free(truth.data);
        free(rgba);
    }
}

TEST(planes_are_taken_for_lossy_rgb_alone)
{
    li_planar layout;
    li_encode how = li_encode_default();
    CHECK(li_codec_webp.takes_planes((li_info){9, 9, LI_RGB8}, &how, &layout));
    CHECK_EQ(layout.plane[1].width, 5);
    CHECK(!li_codec_webp.takes_planes((li_info){9, 9, LI_RGBA8}, &how, &layout));
    CHECK(!li_codec_webp.takes_planes((li_info){9, 9, LI_GRAY8}, &how, &layout));
    how.smart_subsample = true;
    CHECK(!li_codec_webp.takes_planes((li_info){9, 9, LI_RGB8}, &how, &layout));
    how = li_encode_default();
    how.near_lossless = 50;
    CHECK(!li_codec_webp.takes_planes((li_info){9, 9, LI_RGB8}, &how, &layout));
}

/* --- failing ---------------------------------------------------------------------- */

static li_status
fail_write(li_out *out, const void *data, size_t size)
{
    (void)data, (void)size;
    return li_fail(out->ctx, LI_E301_WRITE, "the disk is full");
}

static const li_out_ops full_ops = {.name = "full", .write = fail_write};

static li_status
encode_noise(li_ctx *ctx, li_out *out, li_info info)
{
    li_encode how = li_encode_default();
    li_sink *sink = NULL;
    uint8_t *row = malloc(li_row_bytes(info));
    uint32_t state = 3;
    li_status status = li_codec_webp.encode(ctx, info, &how, out, &sink);
    for (uint32_t y = 0; status == LI_OK && y < info.height; y++) {
        for (size_t i = 0; i < li_row_bytes(info); i++)
            row[i] = (uint8_t)(test_random(&state) >> 24);
        status = li_sink_write(sink, row);
    }
    if (status == LI_OK)
        status = li_sink_finish(sink);
    li_sink_close(&sink);
    free(row);
    return status;
}

TEST(the_outputs_error_is_the_jobs)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_out out = {.ops = &full_ops, .ctx = &ctx};
    CHECK_EQ(encode_noise(&ctx, &out, (li_info){64, 64, LI_RGB8}), LI_E301_WRITE);
    CHECK_TEXT(ctx.message, "the disk is full");
    CHECK_EQ(ctx.bytes, 0);
}

TEST(a_cancel_and_a_deadline_stop_the_encoder)
{
    li_ctx ctx;
    li_out *out;
    atomic_int cancel = 1;
    li_ctx_init(&ctx, NULL);
    ctx.cancel = &cancel;
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(encode_noise(&ctx, out, (li_info){640, 480, LI_RGB8}), LI_E500_CANCELLED);
    CHECK_EQ(out->size, 0);
    li_out_close(&out);
    CHECK_EQ(ctx.bytes, 0);
    li_ctx_init(&ctx, NULL);
    ctx.deadline_ns = li_now_ns() + 10 * 1000 * 1000;
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(encode_noise(&ctx, out, (li_info){1600, 1600, LI_RGB8}), LI_E125_TIMEOUT);
    li_out_close(&out);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(what_the_format_cannot_hold_is_refused)
{
    static const li_info infos[] = {{16384, 1, LI_RGB8},
                                    {1, 16384, LI_RGB8},
                                    {0, 1, LI_RGB8},
                                    {5, 5, LI_RGB16},
                                    {5, 5, LI_CMYK8}};
    li_encode how = li_encode_default();
    for (int i = 0; i < 5; i++) {
        li_sink *sink;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_codec_webp.encode(&ctx, infos[i], &how, NULL, &sink),
                 LI_E300_ENCODE);
        CHECK(sink == NULL);
        CHECK_EQ(ctx.bytes, 0);
    }
    CHECK_EQ(li_codec_webp.accepts(LI_CMYK8, &(li_encode){0}), LI_RGB8);
    CHECK_EQ(li_codec_webp.accepts(LI_RGBA16, &(li_encode){0}), LI_RGBA8);
}

TEST(every_allocation_of_ours_fails_once)
{
    webp_spec spec = {33, 21, WEBP_NOISE, .alpha = true};
    uint8_t *rgba = webp_pixels(&spec);
    for (int lossless = 0; lossless < 2; lossless++) {
        li_status status = LI_ENOMEM;
        int n = 0;
        for (; status != LI_OK && n < 100; n++) {
            webp_bytes file;
            li_encode how = li_encode_default();
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            ctx.allocs_left = n;
            how.lossless = lossless;
            status = encode(&ctx, (li_info){33, 21, LI_RGBA8}, &how, rgba, &file);
            CHECK(status == LI_OK || status == LI_ENOMEM);
            li_release(file.data);
        }
        CHECK(n > 4 && n < 100);
    }
    free(rgba);
}

/* What one has not taken the other may: together they said 20 MB. */
TEST(encoders_that_run_at_once_are_looked_at_together)
{
#if !defined(__SANITIZE_ADDRESS__) /* whose malloc tells nothing of itself */
    enum { MB = 1 << 20 };
    li_pledge pledge = {0};
    li_webp_heap first, second, third;
    if (!li_webp_heap_known())
        return;
    CHECK(li_monitor_open(&pledge.monitor));
    li_webp_heap_begin(&first, &pledge, 10 * MB);
    li_webp_heap_begin(&second, &pledge, 10 * MB);
    void *volatile some = malloc(15 * MB); /* clang leaves out what nobody looks at */
    CHECK(some && !li_webp_heap_is_full(&first, MB));
    CHECK(li_webp_heap_is_full(&second, 6 * MB));
    li_webp_heap_end(&second);
    li_webp_heap_end(&second); /* once is enough */
    CHECK(li_webp_heap_is_full(&first, MB));
    li_webp_heap_end(&first);
    CHECK_EQ(pledge.running, 0);
    li_webp_heap_begin(&third, &pledge, 2 * MB); /* from what is there now on */
    CHECK(!li_webp_heap_is_full(&third, MB));
    CHECK(li_webp_heap_is_full(&third, 3 * MB));
    li_webp_heap_end(&third);
    free(some);
    li_monitor_close(&pledge.monitor);
#endif
}

int
main(void)
{
    RUN(lossless_gives_the_same_samples);
    RUN(lossy_is_as_near_as_libwebps_own_import);
    RUN(pairs_are_what_floating_point_says);
    RUN(every_option_reaches_libwebp);
    RUN(describe_says_what_is_done);
    RUN(planes_go_in_as_they_are);
    RUN(planes_are_taken_for_lossy_rgb_alone);
    RUN(the_outputs_error_is_the_jobs);
    RUN(a_cancel_and_a_deadline_stop_the_encoder);
    RUN(what_the_format_cannot_hold_is_refused);
    RUN(every_allocation_of_ours_fails_once);
    RUN(encoders_that_run_at_once_are_looked_at_together);
    return test_end();
}
