/* jpeg.c: the codec "jpeg" over libjpeg-turbo: what it is called, takes and says. The
 * work is in scan.c, read.c and write.c. Layer 2. */
#include "codecs/jpeg/jpeg.h"

#define TEXT(x) #x
#define TEXT_OF(x) TEXT(x)

static bool
jpeg_probe(const uint8_t head[LI_PROBE_BYTES])
{
    return head[0] == 0xFF && head[1] == 0xD8; /* libjpeg skips junk behind it */
}

static li_pixel
jpeg_accepts(li_pixel pixel, const li_encode *encode)
{
    (void)encode;
    return li_pixel_is_gray(pixel) ? LI_GRAY8 : LI_RGB8;
}

static void
jpeg_describe(li_info info, const li_encode *encode, char *text, size_t size)
{
    li_jpeg_choice choice = li_jpeg_choose(info, encode);
    const li_jpeg_frame *frame = &choice.frame;
    const char *sampling = frame->count == 1   ? "gray"
                           : frame->max_v == 2 ? "4:2:0"
                           : frame->max_h == 2 ? "4:2:2"
                                               : "4:4:4";
    const char *process = choice.progressive ? "progressive"
                          : choice.optimize  ? "baseline, optimized"
                                             : "baseline";
    snprintf(text, size, "quality %d, %s, %s, effort %d", choice.quality, sampling,
             process, choice.effort);
}

const li_codec li_codec_jpeg = {
    .name = "jpeg",
#ifdef LIBJPEG_TURBO_VERSION
    .version = "libjpeg-turbo " TEXT_OF(LIBJPEG_TURBO_VERSION),
#else
    .version = "libjpeg " TEXT_OF(JPEG_LIB_VERSION),
#endif
    .shrinks = true,
    .regions = true,
    .default_quality = LI_JPEG_QUALITY,
    .places = {.icc_most = LI_JPEG_ICC_MOST,
               .exif_most = LI_JPEG_EXIF_MOST,
               .xmp_most = LI_JPEG_XMP_MOST},
    .probe = jpeg_probe,
    .inspect = li_jpeg_inspect,
    .unpack_xmp = li_jpeg_unpack_xmp,
    .profile = li_jpeg_profile,
    .decoded = li_jpeg_decoded,
    .decode_bytes = li_jpeg_decode_bytes,
    .encode_bytes = li_jpeg_encode_bytes,
    .output_bytes = li_jpeg_output_bytes,
    .accepts = jpeg_accepts,
    .describe = jpeg_describe,
    .decode = li_jpeg_decode,
    .encode = li_jpeg_encode,
    .planar = li_jpeg_planar,
    .decode_planes = li_jpeg_decode_planes,
    .takes_planes = li_jpeg_takes_planes,
    .encode_planes = li_jpeg_encode_planes,
};
