/* test_webp_alpha.c: the ALPH chunk that we code: what libwebp's decoder makes of it is
 * what was put in, for every shape and content. */
#include "codecs/webp/alpha.h"
#include "codecs/webp_make.h"

/* Ways to draw a plane. */
typedef enum content {
    CONSTANT,
    CLEAR,
    BINARY,
    FEW, /* levels: bundled by two */
    DISC,
    RAMP,
    GRADIENTS,
    SPECKLED,
    BLOCKS,
    RANDOM,
    CONTENTS,
} content;

static uint8_t
drawn(content what, uint32_t x, uint32_t y, const webp_spec *spec, uint32_t random)
{
    int64_t u = (int64_t)x * 2 - spec->width, v = (int64_t)y * 2 - spec->height;
    int64_t far = spec->width * (int64_t)spec->width - u * u - v * v;
    switch (what) {
    case CLEAR:
        return 0;
    case BINARY:
        return (x / 7 + y / 5) % 3 ? 255 : 0;
    case FEW:
        return (uint8_t)(17 * ((x / 3 ^ y / 9) % 13));
    case DISC:
        return (uint8_t)(far < 0 ? 0 : far > 1020 ? 255 : far / 4);
    case RAMP:
        return (uint8_t)(x * 255 / spec->width);
    case GRADIENTS:
        return (uint8_t)(x * x / 50 + y * 3);
    case SPECKLED:
        return (uint8_t)(random % 61 ? 255 : random >> 8);
    case BLOCKS:
        return (uint8_t)((x / 16 * 7 + y / 16 * 13) * 31);
    case RANDOM:
        return (uint8_t)(random >> 4);
    default:
        return 77;
    }
}

static uint8_t *
draw(content what, const webp_spec *spec)
{
    uint8_t *pixels = webp_pixels(spec);
    uint32_t state = 5 + what;
    for (uint32_t y = 0; y < spec->height; y++)
        for (uint32_t x = 0; x < spec->width; x++)
            pixels[((size_t)y * spec->width + x) * 4 + 3] =
                drawn(what, x, y, spec, test_random(&state) >> 4);
    return pixels;
}

static webp_bytes
encoded(li_info info, const li_encode *how, const uint8_t *pixels)
{
    webp_bytes file = {NULL, 0};
    li_out *out = NULL;
    li_sink *sink = NULL;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(li_codec_webp.encode(&ctx, info, how, out, &sink), LI_OK);
    for (uint32_t y = 0; y < info.height; y++)
        CHECK_EQ(li_sink_write(sink, pixels + y * li_row_bytes(info)), LI_OK);
    CHECK_EQ(li_sink_finish(sink), LI_OK);
    li_sink_close(&sink);
    CHECK_EQ(li_out_detach(out, &file.data, &file.size), LI_OK);
    li_out_close(&out);
    CHECK_EQ(ctx.bytes, 0);
    CHECK(ctx.peak_bytes <= li_codec_webp.encode_bytes(info, how) + 2 * file.size);
    CHECK(file.size <= li_codec_webp.output_bytes(info, how));
    return file;
}

/* Coded by ourselves, whatever the size. */
static li_encode
own(void)
{
    li_encode how = li_encode_default();
    how.low_memory = 1;
    how.method = 0;
    how.quality = 10;
    return how;
}

static void
check_exact(content what, uint32_t width, uint32_t height)
{
    webp_spec spec = {width, height, WEBP_FLAT, .alpha = true};
    li_info info = {width, height, LI_RGBA8};
    li_encode how = own();
    uint8_t *pixels = draw(what, &spec);
    CHECK(li_webp_codes_alpha(info, &how));
    webp_bytes file = encoded(info, &how, pixels);
    int w = 0, h = 0;
    uint8_t *back = WebPDecodeRGBA(file.data, file.size, &w, &h);
    if (!CHECK(back && w == (int)width && h == (int)height))
        return;
    size_t wrong = 0;
    for (size_t i = 0; i < (size_t)width * height; i++)
        wrong += back[4 * i + 3] != pixels[4 * i + 3];
    if (!CHECK_EQ(wrong, 0))
        fprintf(stderr, "content %d, %ux%u\n", (int)what, width, height);
    WebPFree(back);
    free(pixels);
    li_release(file.data);
}

TEST(every_plane_comes_back_as_it_was)
{
    static const uint32_t shapes[][2] = {
        {1, 1}, {1, 70},  {2, 3},   {3, 200},   {7, 9},     {64, 1},   {65, 64},
        {8, 8}, {97, 61}, {300, 5}, {16383, 2}, {5, 16383}, {513, 300}};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        for (content what = CONSTANT; what < CONTENTS; what++)
            check_exact(what, shapes[i][0], shapes[i][1]);
}

TEST(random_shapes_come_back_as_they_were)
{
    uint32_t state = 77;
    for (int i = 0; i < 150; i++)
        check_exact((content)(test_random(&state) % CONTENTS),
                    1 + (test_random(&state) >> 8) % 140,
                    1 + (test_random(&state) >> 8) % 140);
}

/* The far end of the distances: what is the same lies more than 2^20 symbols back. */
TEST(a_plane_that_repeats_far_away_comes_back)
{
    li_info info = {1500, 1500, LI_RGBA8};
    li_encode how = own();
    webp_spec spec = {1500, 1500, WEBP_FLAT, .alpha = true};
    uint8_t *pixels = draw(RANDOM, &spec);
    for (size_t i = 0; i < 1500 * 700; i++)
        pixels[(i + 1500 * 750) * 4 + 3] = pixels[i * 4 + 3];
    webp_bytes file = encoded(info, &how, pixels);
    int w, h;
    uint8_t *back = WebPDecodeRGBA(file.data, file.size, &w, &h);
    size_t wrong = back == NULL;
    for (size_t i = 0; back && i < 1500 * 1500; i++)
        wrong += back[4 * i + 3] != pixels[4 * i + 3];
    CHECK_EQ(wrong, 0);
    WebPFree(back);
    free(pixels);
    li_release(file.data);
}

TEST(an_opaque_plane_costs_nothing)
{
    li_info with = {90, 60, LI_RGBA8}, without = {90, 60, LI_RGB8};
    li_encode how = own();
    webp_spec spec = {90, 60, WEBP_SMOOTH, .alpha = false};
    uint8_t *pixels = webp_pixels(&spec), *packed = malloc(90 * 60 * 3);
    for (size_t i = 0; i < 90 * 60; i++)
        memcpy(packed + 3 * i, pixels + 4 * i, 3);
    webp_bytes file = encoded(with, &how, pixels);
    webp_bytes plain = encoded(without, &how, packed);
    CHECK(file.size == plain.size && memcmp(file.data, plain.data, file.size) == 0);
    CHECK(memcmp(file.data + 12, "VP8 ", 4) == 0);
    free(pixels);
    free(packed);
    li_release(file.data);
    li_release(plain.data);
}

/* Of a photograph's luma as alpha, and with smart subsampling, which converts late. */
TEST(fewer_levels_are_near_and_keep_the_ends)
{
    static const struct {
        int8_t quality;
        int most, off;
    } cases[] = {{0, 2, 128}, {50, 12, 30}, {70, 16, 24}, {90, 176, 3}, {100, 256, 0}};
    webp_spec spec = {260, 180, WEBP_FLAT, .alpha = true};
    li_info info = {260, 180, LI_RGBA8};
    uint8_t *pixels = draw(GRADIENTS, &spec);
    for (int i = 0; i < 10; i++) {
        li_encode how = own();
        how.alpha_quality = cases[i / 2].quality;
        how.smart_subsample = i % 2;
        webp_bytes file = encoded(info, &how, pixels);
        int w, h, levels = 0, most = 0;
        bool seen[256] = {false};
        uint8_t *back = WebPDecodeRGBA(file.data, file.size, &w, &h);
        CHECK(back != NULL);
        for (size_t k = 0; back && k < 260 * 180; k++) {
            int off = abs(back[4 * k + 3] - pixels[4 * k + 3]);
            most = off > most ? off : most;
            levels += !seen[back[4 * k + 3]];
            seen[back[4 * k + 3]] = true;
        }
        CHECK(levels > 1 && levels <= cases[i / 2].most && most <= cases[i / 2].off);
        CHECK(seen[0] && seen[255]);
        WebPFree(back);
        li_release(file.data);
    }
    free(pixels);
}

/* Smooth and plain planes must not cost more than twice what libwebp makes of them. */
TEST(planes_are_packed)
{
    for (content what = CONSTANT; what < RANDOM; what++) {
        webp_spec spec = {400, 300, WEBP_FLAT, .alpha = true};
        li_info info = {400, 300, LI_RGBA8};
        li_encode ours = own(), theirs = own();
        uint8_t *pixels = draw(what, &spec);
        theirs.low_memory = 0;
        CHECK(!li_webp_codes_alpha(info, &theirs));
        webp_bytes a = encoded(info, &ours, pixels), b = encoded(info, &theirs, pixels);
        if (!CHECK(a.size <= 2 * b.size + 200))
            fprintf(stderr, "content %d: %zu, libwebp %zu\n", (int)what, a.size,
                    b.size);
        free(pixels);
        li_release(a.data);
        li_release(b.data);
    }
}

TEST(the_smallest_pictures_are_left_to_libwebp)
{
    li_encode how = li_encode_default();
    CHECK(!li_webp_codes_alpha((li_info){400, 300, LI_RGBA8}, &how));
    CHECK(li_webp_codes_alpha((li_info){800, 600, LI_RGBA8}, &how));
    CHECK(!li_webp_codes_alpha((li_info){800, 600, LI_RGB8}, &how));
    how.lossless = true;
    CHECK(!li_webp_codes_alpha((li_info){800, 600, LI_RGBA8}, &how));
}

int
main(void)
{
    RUN(every_plane_comes_back_as_it_was);
    RUN(random_shapes_come_back_as_they_were);
    RUN(a_plane_that_repeats_far_away_comes_back);
    RUN(an_opaque_plane_costs_nothing);
    RUN(fewer_levels_are_near_and_keep_the_ends);
    RUN(planes_are_packed);
    RUN(the_smallest_pictures_are_left_to_libwebp);
    return test_end();
}
