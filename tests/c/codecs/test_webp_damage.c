/* test_webp_damage.c: WebP in: what the header scan says of the container, and every
 * damage a clean error. */
#include "codecs/webp_make.h"

static const webp_spec lossy = {40, 30, WEBP_NOISE, .quality = 75, .method = 4};
static const webp_spec lossy_alpha = {40, 30, WEBP_NOISE, .alpha = true, .quality = 75};
static const webp_spec lossless = {40, 30, WEBP_SMOOTH, .lossless = true,
                                   .alpha = true};
static const webp_spec *const kinds[] = {&lossy, &lossy_alpha, &lossless};

static webp_bytes
copy_of(webp_bytes file, size_t size)
{
    webp_bytes made = {malloc(size ? size : 1), size};
    memcpy(made.data, file.data, size);
    return made;
}

static li_status
inspect(webp_bytes file, const li_limits *limits, li_header *header)
{
    li_source *source;
    li_ctx ctx;
    li_ctx_init(&ctx, limits);
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    uint64_t before = ctx.peak_bytes;
    li_status status = li_codec_webp.inspect(&ctx, source, header);
    CHECK_EQ(ctx.peak_bytes, before); /* no allocation */
    li_source_close(&source);
    return status;
}

/* --- damage ----------------------------------------------------------------------- */

TEST(every_prefix_is_truncated)
{
    for (int kind = 0; kind < 3; kind++) {
        webp_bytes file = webp_file(kinds[kind]);
        CHECK_EQ(webp_status_of(file), LI_OK);
        for (size_t size = 0; size < file.size; size++) {
            webp_bytes prefix = copy_of(file, size);
            CHECK_EQ(webp_status_of(prefix), LI_E132_TRUNCATED);
            free(prefix.data);
        }
        free(file.data);
    }
}

/* The same with sizes that say that nothing is missing: then libwebp must miss it. */
TEST(every_prefix_with_mended_sizes_is_an_error)
{
    for (int kind = 0; kind < 3; kind++) {
        webp_bytes file = webp_file(kinds[kind]);
        size_t head = (size_t)(webp_picture_of(file).data - file.data);
        size_t last = kind == 1 ? head + 8 + li_webp_le32(file.data + head + 4) : head;
        last += last & 1;
        uint32_t truncated = 0;
        for (size_t size = last + 8; size + 4 < file.size; size++) {
            webp_bytes prefix = copy_of(file, size);
            webp_put(prefix.data + last + 4, (uint32_t)(size - last - 8), 4);
            webp_mend(&prefix);
            li_status status = webp_status_of(prefix);
            CHECK(status == LI_E132_TRUNCATED || status == LI_E130_CORRUPT);
            truncated += status == LI_E132_TRUNCATED;
            free(prefix.data);
        }
        CHECK(kind == 2 || truncated > 100); /* VP8L: its tables are damaged */
        free(file.data);
    }
}

/* WebP has no checksum: a flipped bit may give another picture, but no partial one. */
TEST(every_flipped_bit_is_an_error_or_a_whole_picture)
{
    for (int kind = 0; kind < 3; kind++) {
        uint32_t errors = 0;
        webp_bytes file = webp_file(kinds[kind]);
        for (size_t bit = 0; bit < file.size * 8; bit++) {
            file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            li_status status = webp_status_of(file);
            CHECK(status == LI_OK || status == LI_E130_CORRUPT ||
                  status == LI_E132_TRUNCATED || status == LI_E131_DECODE);
            errors += status != LI_OK;
            file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        CHECK(errors > 8 * 16);
        free(file.data);
    }
}

/* --- the container ---------------------------------------------------------------- */

static const uint8_t exif[] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0,
                               3,   0,   0, 0,  1, 0, 6, 0, 0, 0, 0, 0,    0};

TEST(metadata_is_found_behind_the_picture)
{
    for (int prefixed = 0; prefixed < 2; prefixed++) {
        uint8_t body[6 + sizeof(exif)] = "Exif\0";
        memcpy(body + 6, exif, sizeof(exif));
        webp_bytes made = webp_file(&lossy), file = webp_extended(40, 30, 0x2c);
        li_header header;
        webp_append(&file, "ICCP", "an ICC profile", 15);
        webp_append_raw(&file, webp_picture_of(made));
        webp_append(&file, "EXIF", body + (prefixed ? 0 : 6),
                    sizeof(exif) + (prefixed ? 6 : 0));
        webp_append(&file, "XMP ", "<x/>", 4);
        CHECK_EQ(inspect(file, NULL, &header), LI_OK);
        CHECK_EQ(header.orientation, 6);
        CHECK_EQ(header.icc_bytes, 15);
        CHECK_EQ(header.exif_bytes, sizeof(exif) + (prefixed ? 6 : 0));
        CHECK_EQ(header.xmp_bytes, 4);
        CHECK_EQ(header.frames, 1);
        CHECK_TEXT(header.variant, "lossy 4:2:0");
        CHECK_EQ(webp_status_of(file), LI_OK);
        free(made.data);
        free(file.data);
    }
}

TEST(unknown_chunks_do_not_matter)
{
    for (int kind = 0; kind < 3; kind++) {
        webp_bytes made = webp_file(kinds[kind]), file = webp_extended(40, 30, 0x10);
        webp_bytes picture = webp_picture_of(made);
        webp_append(&file, "what", "\1\2\3", 3);
        if (kind == 1) { /* between ALPH and VP8, too */
            size_t alpha = 8 + li_webp_le32(picture.data + 4);
            alpha += alpha & 1;
            webp_append_raw(&file, (webp_bytes){picture.data, alpha});
            webp_append(&file, "ever", NULL, 0);
            picture = (webp_bytes){picture.data + alpha, picture.size - alpha};
        }
        webp_append_raw(&file, picture);
        webp_append(&file, "ANMF", "no frame", 8);
        webp_append(&file, "\xff\0\x1b[", "\1", 1);
        CHECK_EQ(webp_status_of(file), LI_OK);
        free(made.data);
        free(file.data);
    }
}

TEST(bytes_behind_the_riff_do_not_matter)
{
    webp_bytes file = webp_file(&lossy);
    file.data = realloc(file.data, file.size + 1000);
    memset(file.data + file.size, 'x', 1000);
    file.size += 1000;
    CHECK_EQ(webp_status_of(file), LI_OK);
    free(file.data);
}

TEST(nonsense_is_corrupt)
{
    webp_bytes made = webp_file(&lossy), picture = webp_picture_of(made);
    struct {
        uint32_t width, height, x, y, w, h; /* of canvas and frame; w 0: a still */
        uint8_t flags;
    } cases[] = {
        {41, 30, 0, 0, 0, 0, 0}, /* not the canvas of its picture */
        {40, 31, 0, 0, 0, 0, 0},         {1 << 24, 1 << 24, 0, 0, 0, 0, 0},
        {40, 30, 0, 0, 0, 0, 2},   /* animated, without a frame */
        {40, 30, 0, 0, 41, 30, 2}, /* a frame outside */
        {50, 30, 12, 0, 40, 30, 2},      {50, 40, 0, 12, 40, 30, 2},
        {50, 40, 1 << 24, 0, 40, 30, 2}, {50, 40, 0, 0, 38, 30, 2},
        {50, 40, 0, 0, 40, 28, 2},       {30, 40, 0, 0, 40, 30, 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        webp_bytes file =
            webp_extended(cases[i].width, cases[i].height, cases[i].flags);
        li_header header;
        if (cases[i].w)
            webp_append_frame(&file, cases[i].x, cases[i].y, cases[i].w, cases[i].h,
                              picture);
        else
            webp_append_raw(&file, picture);
        CHECK_EQ(inspect(file, NULL, &header), LI_E130_CORRUPT);
        free(file.data);
    }
    webp_bytes empty = webp_extended(40, 30, 2);
    li_header header;
    webp_append_frame(&empty, 0, 0, 40, 30, (webp_bytes){NULL, 0});
    CHECK_EQ(inspect(empty, NULL, &header), LI_E130_CORRUPT);
    free(empty.data);
    free(made.data);
}

/* A byte of the head of VP8 or VP8L, and what it becomes. */
TEST(a_wrong_head_of_a_picture_is_corrupt)
{
    static const struct {
        bool lossless;
        uint8_t at, value;
    } cases[] = {
        {false, 12, 'X'}, {false, 20, 0x01}, {false, 20, 0x80 | 8}, {false, 20, 0x00},
        {false, 23, 0},   {false, 24, 0},    {false, 25, 0},        {false, 22, 0xff},
        {true, 20, 0x2e}, {true, 24, 0xff},  {true, 12, 'v'},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        webp_bytes file = webp_file(cases[i].lossless ? &lossless : &lossy);
        li_header header;
        CHECK_EQ(inspect(file, NULL, &header), LI_OK);
        file.data[cases[i].at] = cases[i].value;
        CHECK_EQ(inspect(file, NULL, &header), LI_E130_CORRUPT);
        free(file.data);
    }
}

TEST(too_many_chunks_are_refused)
{
    webp_bytes made = webp_file(&lossy), file = webp_extended(40, 30, 0);
    li_limits limits = li_limits_default;
    li_header header;
    for (int i = 0; i < 48; i++)
        webp_append(&file, "none", NULL, 0);
    webp_append_raw(&file, webp_picture_of(made));
    limits.max_segments = 50;
    CHECK_EQ(inspect(file, &limits, &header), LI_OK);
    limits.max_segments = 49;
    CHECK_EQ(inspect(file, &limits, &header), LI_E123_FIREWALL);
    limits.max_segments = 0;
    CHECK_EQ(inspect(file, &limits, &header), LI_OK);
    free(made.data);
    free(file.data);
}

TEST(a_huge_canvas_is_refused_by_its_header)
{
    webp_bytes made = webp_file(&lossy), file = webp_extended(16000, 200000, 2);
    li_header header;
    webp_append_frame(&file, 0, 0, 40, 30, webp_picture_of(made));
    CHECK_EQ(inspect(file, NULL, &header), LI_E121_SIDE_LIMIT);
    free(made.data);
    free(file.data);
}

TEST(the_probe_wants_both_words)
{
    static const char head[LI_PROBE_BYTES] = "RIFF----WEBPVP8";
    uint8_t other[LI_PROBE_BYTES];
    CHECK(li_codec_webp.probe((const uint8_t *)head));
    for (int i = 0; i < 12; i++) {
        memcpy(other, head, sizeof(other));
        other[i] ^= 1;
        CHECK_EQ(li_codec_webp.probe(other), i >= 4 && i < 8);
    }
}

TEST(every_allocation_of_ours_fails_once)
{
    for (int kind = 0; kind < 3; kind++) {
        webp_bytes file = webp_file(kinds[kind]);
        li_status status = LI_ENOMEM;
        int n = 0;
        for (; status != LI_OK && n < 100; n++) {
            uint8_t *pixels;
            li_header header;
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            ctx.allocs_left = n;
            status = webp_decode_bytes(&ctx, file, (li_hint){0}, &header, &pixels);
            CHECK(status == LI_OK || status == LI_ENOMEM);
            free(pixels);
        }
        CHECK(n > 3 && n < 100);
        free(file.data);
    }
}

int
main(void)
{
    RUN(every_prefix_is_truncated);
    RUN(every_prefix_with_mended_sizes_is_an_error);
    RUN(every_flipped_bit_is_an_error_or_a_whole_picture);
    RUN(metadata_is_found_behind_the_picture);
    RUN(unknown_chunks_do_not_matter);
    RUN(bytes_behind_the_riff_do_not_matter);
    RUN(nonsense_is_corrupt);
    RUN(a_wrong_head_of_a_picture_is_corrupt);
    RUN(too_many_chunks_are_refused);
    RUN(a_huge_canvas_is_refused_by_its_header);
    RUN(the_probe_wants_both_words);
    RUN(every_allocation_of_ours_fails_once);
    return test_end();
}
