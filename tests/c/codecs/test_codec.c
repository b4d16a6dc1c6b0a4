/* test_codec.c: the table of formats, and the limits that a header must pass. */
#include "codecs/codec.h"
#include "test.h"

TEST(each_codec_is_found_by_its_name)
{
    int count = 0;
    for (; li_codecs[count]; count++) {
        const li_codec *codec = li_codecs[count];
        CHECK(li_codec_named(codec->name) == codec);
        CHECK(codec->version && *codec->version);
        CHECK(codec->probe && codec->inspect && codec->decoded && codec->decode_bytes);
        CHECK(codec->encode_bytes && codec->output_bytes && codec->accepts);
        CHECK(codec->describe && codec->decode && codec->encode);
    }
#if defined(LI_HAVE_WEBP)
    CHECK(li_codec_named("webp") == &li_codec_webp);
    count--;
#endif
    CHECK_EQ(count, 2);
    CHECK(li_codec_named("jpeg") == &li_codec_jpeg);
    CHECK(li_codec_named("png") == &li_codec_png);
    CHECK(!li_codec_named("jpg"));
    CHECK(!li_codec_named(""));
}

TEST(each_format_is_known_by_its_first_bytes)
{
    static const uint8_t jpeg[LI_PROBE_BYTES] = {0xff, 0xd8, 0xff, 0xe0};
    static const uint8_t png[LI_PROBE_BYTES] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10};
    static const uint8_t webp[LI_PROBE_BYTES] = "RIFF\x10\0\0\0WEBPVP8";
    static const uint8_t gif[LI_PROBE_BYTES] = "GIF89a";
    static const uint8_t none[LI_PROBE_BYTES] = {0};
    CHECK(li_codec_probe(jpeg) == &li_codec_jpeg);
    CHECK(li_codec_probe(png) == &li_codec_png);
    CHECK(li_codec_probe(webp) == li_codec_named("webp")); /* NULL where it is off */
    CHECK(!li_codec_probe(gif));
    CHECK(!li_codec_probe(none));
    for (int i = 0; i < 8; i++) { /* every byte of the signature counts */
        uint8_t damaged[LI_PROBE_BYTES];
        memcpy(damaged, png, sizeof(damaged));
        damaged[i] ^= 1;
        CHECK(!li_codec_probe(damaged));
    }
}

typedef struct border {
    li_limits limits; /* the header is just inside */
    li_limits tighter;
    li_status wanted;
    const char *message;
} border;

static const li_header header = {.width = 5000,
                                 .height = 1000,
                                 .pixel = LI_RGB8,
                                 .icc_bytes = 300,
                                 .exif_bytes = 200,
                                 .xmp_bytes = 100};
enum { FILE_BYTES = 1000 };

static const border borders[] = {
    {{.max_side = 5000},
     {.max_side = 4999},
     LI_E121_SIDE_LIMIT,
     "header: 5000x1000 has a side over limits(max_side=4999)"},
    {{.max_pixels = 5000000},
     {.max_pixels = 4999999},
     LI_E122_PIXEL_LIMIT,
     "header: 5000x1000, 5000000 pixels, is over limits(max_pixels=4999999)"},
    {{.max_pixels_per_byte = 5000},
     {.max_pixels_per_byte = 4999},
     LI_E123_FIREWALL,
     "header: 5000000 pixels from 1000 bytes are more than "
     "limits(max_pixels_per_byte=4999)"},
    {{.icc_room = 301},
     {.icc_room = 300},
     LI_E123_FIREWALL,
     "header: 300 bytes of ICC profile are more than the 299 that this sanitize() "
     "allows; sanitize(\"public-upload\") strips it"},
    {{.max_metadata = 300},
     {.max_metadata = 299},
     LI_E123_FIREWALL,
     "header: 300 bytes of ICC profile are more than limits(max_metadata=299)"},
};

TEST(each_limit_lets_its_own_value_pass_and_no_more)
{
    for (size_t i = 0; i < sizeof(borders) / sizeof(borders[0]); i++) {
        li_ctx ctx;
        li_ctx_init(&ctx, &borders[i].limits);
        CHECK_EQ(li_header_check(&ctx, &header, FILE_BYTES), LI_OK);
        li_ctx_init(&ctx, &borders[i].tighter);
        CHECK_EQ(li_header_check(&ctx, &header, FILE_BYTES), borders[i].wanted);
        CHECK_TEXT(ctx.message, borders[i].message);
    }
}

TEST(a_limit_of_zero_is_off)
{
    static const li_limits off;
    static const li_header huge = {.width = UINT32_MAX,
                                   .height = UINT32_MAX,
                                   .icc_bytes = UINT64_MAX,
                                   .exif_bytes = UINT64_MAX,
                                   .xmp_bytes = UINT64_MAX};
    li_ctx ctx;
    li_ctx_init(&ctx, &off);
    CHECK_EQ(li_header_check(&ctx, &huge, 1), LI_OK);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_header_check(&ctx, &huge, 1), LI_E121_SIDE_LIMIT);
}

TEST(the_higher_side_counts_and_each_kind_of_metadata)
{
    static const li_header tall = {.width = 1, .height = 70000};
    static const li_header exif = {.width = 1, .height = 1, .exif_bytes = 11u << 20};
    static const li_header xmp = {.width = 1, .height = 1, .xmp_bytes = 11u << 20};
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_header_check(&ctx, &tall, 1), LI_E121_SIDE_LIMIT);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_header_check(&ctx, &exif, 1), LI_E123_FIREWALL);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_header_check(&ctx, &xmp, 1), LI_E123_FIREWALL);
}

TEST(the_bomb_ratio_spares_small_pictures)
{
    static const li_limits limits = {.max_pixels_per_byte = 1};
    static const li_header small = {.width = 2000, .height = 2000};
    static const li_header larger = {.width = 2001, .height = 2000};
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    CHECK_EQ(li_header_check(&ctx, &small, 10), LI_OK);
    CHECK_EQ(li_header_check(&ctx, &larger, 4002000), LI_OK);
    CHECK_EQ(li_header_check(&ctx, &larger, 4001999), LI_E123_FIREWALL);
}

int
main(void)
{
    RUN(each_codec_is_found_by_its_name);
    RUN(each_format_is_known_by_its_first_bytes);
    RUN(each_limit_lets_its_own_value_pass_and_no_more);
    RUN(a_limit_of_zero_is_off);
    RUN(the_higher_side_counts_and_each_kind_of_metadata);
    RUN(the_bomb_ratio_spares_small_pictures);
    return test_end();
}
