/* test_webp_read.c: WebP in: the samples are those of libwebp's own decoder, whatever
 * the picture is made of and however its bytes come. */
#include "codecs/webp_make.h"

#include <unistd.h>

static const webp_spec specs[] = {
    {1, 1, WEBP_SMOOTH, .quality = 75, .method = 4},
    {2, 3, WEBP_SMOOTH, .quality = 75, .method = 4},
    {17, 33, WEBP_NOISE, .quality = 30, .method = 0},
    {301, 203, WEBP_NOISE, .quality = 90, .method = 4},
    {301, 203, WEBP_SMOOTH, .quality = 5, .method = 4, .partitions = 3},
    {640, 481, WEBP_NOISE, .quality = 60, .method = 2, .partitions = 2},
    {1501, 1100, WEBP_FLAT, .quality = 75, .method = 4},
    {1400, 900, WEBP_NOISE, .quality = 85, .method = 0},
    {16383, 3, WEBP_SMOOTH, .quality = 75, .method = 0},
    {3, 16383, WEBP_SMOOTH, .quality = 75, .method = 0},
    {1, 1, WEBP_SMOOTH, .lossless = true, .quality = 75, .method = 4},
    {301, 203, WEBP_NOISE, .lossless = true, .quality = 75, .method = 4},
    {301, 203, WEBP_FLAT, .lossless = true, .quality = 75, .method = 4},
    {640, 481, WEBP_NOISE, .lossless = true, .alpha = true, .quality = 20, .method = 0},
    {640, 481, WEBP_SMOOTH, .lossless = true, .alpha = true, .quality = 75,
     .method = 4},
    {301, 203, WEBP_NOISE, .alpha = true, .quality = 75, .method = 4},
    {301, 203, WEBP_SMOOTH, .alpha = true, .quality = 75, .alpha_filter = 2},
    {301, 203, WEBP_SMOOTH, .alpha = true, .quality = 75, .alpha_filter = 1},
    {301, 203, WEBP_SMOOTH, .alpha = true, .quality = 75, .alpha_plain = true},
    {33, 17, WEBP_NOISE, .alpha = true, .quality = 75, .alpha_plain = true,
     .alpha_filter = 2},
    {640, 481, WEBP_NOISE, .alpha = true, .quality = 40, .partitions = 1},
};
enum { SPECS = sizeof(specs) / sizeof(specs[0]) };

static void
config_of(const li_header *header, li_hint hint, WEBP_CSP_MODE mode,
          WebPDecoderConfig *config)
{
    CHECK(WebPInitDecoderConfig(config));
    config->options.bypass_filtering = config->options.no_fancy_upsampling = hint.rough;
    config->output.colorspace = mode;
    (void)header;
}

/* The picture by libwebp in one call. */
static void
check_rows(const webp_spec *spec, webp_bytes file, const li_header *header,
           li_hint hint, const uint8_t *pixels)
{
    WebPDecoderConfig config;
    size_t channels = spec->alpha ? 4 : 3, row = spec->width * channels;
    config_of(header, hint, spec->alpha ? MODE_RGBA : MODE_RGB, &config);
    CHECK_EQ(header->pixel, spec->alpha ? LI_RGBA8 : LI_RGB8);
    CHECK_EQ(WebPDecode(file.data, file.size, &config), VP8_STATUS_OK);
    for (size_t y = 0; y < spec->height; y++)
        if (!CHECK(memcmp(pixels + y * row,
                          config.output.u.RGBA.rgba +
                              y * (size_t)config.output.u.RGBA.stride,
                          row) == 0))
            break;
    WebPFreeDecBuffer(&config.output);
}

TEST(rows_equal_those_of_libwebp)
{
    for (int i = 0; i < SPECS * 2; i++) {
        const webp_spec *spec = &specs[i / 2];
        webp_bytes file = webp_file(spec);
        li_hint hint = {.rough = i % 2 != 0};
        uint8_t *pixels;
        li_header header;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(webp_decode_bytes(&ctx, file, hint, &header, &pixels), LI_OK);
        CHECK(ctx.peak_bytes <= li_codec_webp.decode_bytes(&header, hint) + 256);
        if (pixels)
            check_rows(spec, file, &header, hint, pixels);
        free(pixels);
        free(file.data);
    }
}

/* --- planes ----------------------------------------------------------------------- */

/* The planes one behind the other, packed; NULL if it failed. */
static uint8_t *
planes_of(li_ctx *ctx, webp_bytes file, li_hint hint, li_header *header)
{
    li_source *source;
    li_planes *planes = NULL;
    li_planar layout;
    CHECK_EQ(li_source_borrow(ctx, file.data, file.size, &source), LI_OK);
    CHECK_EQ(li_codec_webp.inspect(ctx, source, header), LI_OK);
    CHECK(li_codec_webp.planar(header, hint, &layout) && layout.studio);
    CHECK_EQ(li_codec_webp.decode_planes(ctx, source, header, hint, &planes), LI_OK);
    uint8_t *to = malloc((size_t)header->width * header->height * 3 + 3), *at[3] = {to};
    uint32_t left[3];
    for (int p = 0; p < 3; p++) {
        left[p] = layout.plane[p].height;
        if (p < 2)
            at[p + 1] = at[p] + (size_t)layout.plane[p].width * left[p];
    }
    while (left[0] || left[1] || left[2]) {
        li_strip strip = {0};
        if (!CHECK_EQ(planes->ops->next(planes, &strip), LI_OK))
            break;
        CHECK(strip.rows[0] + strip.rows[1] + strip.rows[2] > 0);
        for (int p = 0; p < 3; p++) {
            size_t width = layout.plane[p].width;
            CHECK(strip.rows[p] <= left[p]);
            for (uint32_t y = 0; y < strip.rows[p]; y++, at[p] += width)
                memcpy(at[p], strip.data[p] + y * strip.stride[p], width);
            left[p] -= strip.rows[p];
        }
    }
    li_planes_close(&planes);
    li_source_close(&source);
    CHECK_EQ(ctx->bytes, 0);
    return to;
}

static void
check_plane(const uint8_t **ours, const uint8_t *theirs, int stride, li_plane plane)
{
    for (uint32_t y = 0; y < plane.height; y++, *ours += plane.width)
        if (!CHECK(memcmp(*ours, theirs + (size_t)y * (size_t)stride, plane.width) ==
                   0))
            return;
}

TEST(planes_equal_those_of_libwebp)
{
    for (int i = 0; i < SPECS * 2; i++) {
        const webp_spec *spec = &specs[i / 2];
        if (spec->alpha || spec->lossless)
            continue;
        webp_bytes file = webp_file(spec);
        li_hint hint = {.planes = true, .rough = i % 2 != 0};
        li_header header;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        uint8_t *planes = planes_of(&ctx, file, hint, &header);
        const uint8_t *ours = planes;
        CHECK(ctx.peak_bytes <= li_codec_webp.decode_bytes(&header, hint) + 256);
        WebPDecoderConfig config;
        config_of(&header, hint, MODE_YUV, &config);
        CHECK_EQ(WebPDecode(file.data, file.size, &config), VP8_STATUS_OK);
        li_planar layout = li_planar_of(spec->width, spec->height, 2, 2);
        const WebPYUVABuffer *theirs = &config.output.u.YUVA;
        check_plane(&ours, theirs->y, theirs->y_stride, layout.plane[0]);
        check_plane(&ours, theirs->u, theirs->u_stride, layout.plane[1]);
        check_plane(&ours, theirs->v, theirs->v_stride, layout.plane[2]);
        WebPFreeDecBuffer(&config.output);
        free(planes);
        free(file.data);
    }
}

TEST(planes_are_had_of_lossy_pictures_without_alpha_alone)
{
    for (int i = 0; i < SPECS; i++) {
        webp_bytes file = webp_file(&specs[i]);
        uint8_t *pixels;
        li_header header;
        li_planar layout;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(webp_decode_bytes(&ctx, file, (li_hint){0}, &header, &pixels), LI_OK);
        bool planar = !specs[i].alpha && !specs[i].lossless;
        CHECK_EQ(header.lossless, specs[i].lossless);
        CHECK_EQ(header.chroma_x, planar ? 2 : 0);
        CHECK_EQ(header.chroma_y, planar ? 2 : 0);
        CHECK_EQ(li_codec_webp.planar(&header, (li_hint){0}, &layout), planar);
        free(pixels);
        free(file.data);
    }
}

/* --- where the bytes come from ---------------------------------------------------- */

TEST(a_mapped_and_a_read_file_give_the_same)
{
    static const li_io ways[] = {LI_IO_MAP, LI_IO_READ};
    for (int i = 0; i < SPECS * 2; i++) {
        const webp_spec *spec = &specs[i / 2];
        webp_bytes file = webp_file(spec);
        char path[] = "/tmp/li-webp-XXXXXX";
        int fd = mkstemp(path);
        CHECK(fd >= 0 && write(fd, file.data, file.size) == (ssize_t)file.size);
        uint8_t *pixels = NULL;
        li_source *source = NULL;
        li_header header;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_source_open(&ctx, path, ways[i % 2], &source), LI_OK);
        CHECK_EQ(webp_decode_source(&ctx, source, (li_hint){0}, &header, &pixels),
                 LI_OK);
        if (pixels)
            check_rows(spec, file, &header, (li_hint){0}, pixels);
        li_source_close(&source);
        CHECK_EQ(ctx.bytes, 0);
        close(fd);
        unlink(path);
        free(pixels);
        free(file.data);
    }
}

TEST(skipped_rows_are_not_missed)
{
    webp_bytes file = webp_file(&specs[7]);
    uint8_t *pixels;
    const uint8_t *row;
    li_source *source;
    li_rows *rows;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(webp_decode_bytes(&ctx, file, (li_hint){0}, &header, &pixels), LI_OK);
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    CHECK_EQ(li_codec_webp.decode(&ctx, source, &header, (li_hint){0}, &rows), LI_OK);
    size_t stride = li_row_bytes(rows->info);
    for (uint32_t y = 0; y + 38 <= header.height; y += 38) {
        CHECK_EQ(li_rows_skip(rows, 37), LI_OK);
        CHECK_EQ(li_rows_next(rows, &row), LI_OK);
        CHECK(memcmp(row, pixels + (y + 37) * stride, stride) == 0);
    }
    li_rows_close(&rows);
    li_source_close(&source);
    free(pixels);
    free(file.data);
}

/* --- animations ------------------------------------------------------------------- */

static void
check_placed(const webp_spec *spec, uint32_t x0, uint32_t y0, uint32_t width,
             uint32_t height)
{
    webp_bytes first = webp_file(spec), picture = webp_picture_of(first);
    webp_bytes file = webp_extended(width, height, 0x12);
    webp_append(&file, "ANIM", "\0\0\0\0\0\0", 6);
    webp_append_frame(&file, x0, y0, spec->width, spec->height, picture);
    webp_append_frame(&file, 0, 0, spec->width, spec->height, picture);
    uint8_t *pixels;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(webp_decode_bytes(&ctx, file, (li_hint){0}, &header, &pixels), LI_OK);
    CHECK_EQ(header.frames, 2);
    CHECK(header.width == width && header.height == height);
    bool placed = width != spec->width || height != spec->height;
    CHECK_EQ(header.pixel, spec->alpha || placed ? LI_RGBA8 : LI_RGB8);
    CHECK(ctx.peak_bytes <= li_codec_webp.decode_bytes(&header, (li_hint){0}) + 256);
    int w, h;
    uint8_t *whole = WebPDecodeRGBA(first.data, first.size, &w, &h);
    size_t channels = li_pixel_channels(header.pixel);
    for (uint32_t y = 0; pixels && y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            const uint8_t *pixel = pixels + (y * (size_t)width + x) * channels;
            uint32_t dx = x - x0, dy = y - y0;
            static const uint8_t nothing[4];
            bool inside = dx < spec->width && dy < spec->height;
            const uint8_t *truth = inside ? whole + (dy * (size_t)w + dx) * 4 : nothing;
            if (!CHECK(memcmp(pixel, truth, channels) == 0))
                x = width, y = height;
        }
    WebPFree(whole);
    free(pixels);
    free(file.data);
    free(first.data);
}

TEST(the_first_frame_of_an_animation_stands_on_its_canvas)
{
    static const webp_spec frames[] = {
        {31, 20, WEBP_NOISE, .quality = 75, .method = 4},
        {31, 20, WEBP_NOISE, .alpha = true, .quality = 75, .method = 4},
        {31, 20, WEBP_NOISE, .lossless = true, .quality = 75, .method = 4},
        {31, 20, WEBP_SMOOTH, .lossless = true, .alpha = true, .quality = 75},
    };
    for (int i = 0; i < 4; i++) {
        check_placed(&frames[i], 0, 0, 31, 20);
        check_placed(&frames[i], 0, 0, 40, 30);
        check_placed(&frames[i], 8, 10, 39, 30);
        check_placed(&frames[i], 10, 4, 100, 24);
    }
}

/* --- the job around it ------------------------------------------------------------ */

TEST(a_decode_can_be_cancelled_between_steps)
{
    webp_bytes file = webp_file(&specs[7]);
    CHECK(file.size > 100 << 10);
    li_source *source;
    li_rows *rows;
    li_header header;
    const uint8_t *row;
    atomic_int cancel = 0;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.cancel = &cancel;
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    CHECK_EQ(li_codec_webp.inspect(&ctx, source, &header), LI_OK);
    CHECK_EQ(li_codec_webp.decode(&ctx, source, &header, (li_hint){0}, &rows), LI_OK);
    CHECK_EQ(li_rows_next(rows, &row), LI_OK);
    cancel = 1;
    li_status status = LI_OK;
    for (uint32_t y = 1; status == LI_OK && y < header.height; y++)
        status = li_rows_next(rows, &row);
    CHECK_EQ(status, LI_E500_CANCELLED);
    CHECK(rows->y < 300);
    li_rows_close(&rows);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
    free(file.data);
}

TEST(a_file_that_changed_since_inspect_is_refused)
{
    webp_bytes first = webp_file(&specs[3]), second = webp_file(&specs[5]);
    li_source *source;
    li_rows *rows;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, first.data, first.size, &source), LI_OK);
    CHECK_EQ(li_codec_webp.inspect(&ctx, source, &header), LI_OK);
    li_source_close(&source);
    CHECK_EQ(li_source_borrow(&ctx, second.data, second.size, &source), LI_OK);
    CHECK_EQ(li_codec_webp.decode(&ctx, source, &header, (li_hint){0}, &rows),
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
    RUN(rows_equal_those_of_libwebp);
    RUN(planes_equal_those_of_libwebp);
    RUN(planes_are_had_of_lossy_pictures_without_alpha_alone);
    RUN(a_mapped_and_a_read_file_give_the_same);
    RUN(skipped_rows_are_not_missed);
    RUN(the_first_frame_of_an_animation_stands_on_its_canvas);
    RUN(a_decode_can_be_cancelled_between_steps);
    RUN(a_file_that_changed_since_inspect_is_refused);
    return test_end();
}
