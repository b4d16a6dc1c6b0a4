/* webp.c: the WebP codec's line in the table. Layer 2. */
#include "codecs/webp/webp.h"

#include <stdio.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/encode.h>

static bool
webp_probe(const uint8_t head[LI_PROBE_BYTES])
{
    return memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WEBP", 4) == 0;
}

/* libwebp's headers have no version, and the one that runs is a number. */
static const char *
webp_running(void)
{
    static const struct {
        int number;
        const char *text;
    } known[] = {
        {0x010000, "1.0.0"}, {0x010001, "1.0.1"}, {0x010002, "1.0.2"},
        {0x010003, "1.0.3"}, {0x010100, "1.1.0"}, {0x010200, "1.2.0"},
        {0x010201, "1.2.1"}, {0x010202, "1.2.2"}, {0x010203, "1.2.3"},
        {0x010204, "1.2.4"}, {0x010300, "1.3.0"}, {0x010301, "1.3.1"},
        {0x010302, "1.3.2"}, {0x010400, "1.4.0"}, {0x010500, "1.5.0"},
        {0x010600, "1.6.0"},
    };
    int number = WebPGetDecoderVersion();
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].number == number)
            return known[i].text;
    return number > 0x010600 ? "newer than 1.6.0" : "older than 1.0.0";
}

static li_pixel
webp_accepts(li_pixel pixel, const li_encode *encode)
{
    (void)encode;
    return pixel == LI_CMYK8 ? LI_RGB8 : (li_pixel)(pixel & 0x0f);
}

static bool
webp_colors_gray(li_pixel pixel, const li_encode *encode)
{
    (void)pixel, (void)encode;
    return true;
}

static void
webp_describe(li_info info, const li_encode *encode, char *text, size_t size)
{
    (void)info;
    int method = encode->method < 0 ? LI_WEBP_METHOD : encode->method;
    if (encode->near_lossless >= 0)
        snprintf(text, size, "near lossless %d, method %d", encode->near_lossless,
                 method);
    else if (encode->lossless)
        snprintf(text, size, "lossless, method %d", method);
    else
        snprintf(text, size, "quality %d, method %d%s%s",
                 encode->quality ? encode->quality : LI_WEBP_QUALITY, method,
                 encode->smart_subsample ? ", smart subsampling" : "",
                 encode->low_memory == 1 ? ", low memory" : "");
}

const li_codec li_codec_webp = {
    .name = "webp",
    .roughs = true,
    .version = LI_WEBP_VERSION,
    .running = webp_running,
    .default_quality = LI_WEBP_QUALITY,
    .places = {.dense_exif = true},
    .probe = webp_probe,
    .inspect = li_webp_inspect,
    .decoded = li_webp_decoded,
    .decode_bytes = li_webp_decode_bytes,
    .encode_bytes = li_webp_encode_bytes,
    .output_bytes = li_webp_output_bytes,
    .accepts = webp_accepts,
    .colors_gray = webp_colors_gray,
    .describe = webp_describe,
    .decode = li_webp_decode,
    .encode = li_webp_encode,
    .planar = li_webp_planar,
    .decode_planes = li_webp_decode_planes,
    .takes_planes = li_webp_takes_planes,
    .encode_planes = li_webp_encode_planes,
};
