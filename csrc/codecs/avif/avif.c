/* avif.c: the AVIF codec's line in the table, its bounds and libavif's errors. Layer 2.
 */
#include "codecs/avif/avif.h"

/* --- errors ----------------------------------------------------------------------- */

static li_status
status_of(avifResult result, li_status otherwise)
{
    switch (result) {
    case AVIF_RESULT_TRUNCATED_DATA:
    case AVIF_RESULT_IO_ERROR: /* an item lies behind the file's end */
        return LI_E132_TRUNCATED;
    case AVIF_RESULT_OUT_OF_MEMORY:
        return LI_ENOMEM;
    case AVIF_RESULT_NO_CODEC_AVAILABLE:
        return LI_E112_CODEC;
    /* Much that an older libavif cannot parse is valid. */
    case AVIF_RESULT_BMFF_PARSE_FAILED:
    case AVIF_RESULT_UNSUPPORTED_DEPTH:
    case AVIF_RESULT_NOT_IMPLEMENTED:
    case AVIF_RESULT_REFORMAT_FAILED:
    case AVIF_RESULT_NO_AV1_ITEMS_FOUND:
        return LI_E131_DECODE;
    default:
        return otherwise;
    }
}

li_status
li_avif_fail(li_ctx *ctx, avifResult result, const avifDiagnostics *words,
             li_status otherwise)
{
    /* A file that shrank reads as zeros: then that is the error, not what libavif says
     * of them. */
    LI_TRY(li_poll(ctx));
    const char *more = words ? words->error : "";
    return li_fail(ctx, status_of(result, otherwise), "avif: %s%s%s",
                   avifResultToString(result), *more ? ": " : "", more);
}

/* --- bounds ----------------------------------------------------------------------- */

static uint64_t
plane_bytes(const avif_properties *tile, uint64_t width, uint64_t height)
{
    uint64_t samples = 1;
    if (!tile->monochrome)
        samples = 3; /* 4:4:4; in 4:2:0 two planes are a quarter each */
    uint64_t bytes = li_sat_mul(li_sat_mul(width, height), tile->depth > 8 ? 2 : 1);
    return li_sat_mul(bytes, samples);
}

void
li_avif_cost(const avif_found *found, li_header *header)
{
    header->held_bytes =
        li_sat_mul(4, plane_bytes(&found->tile, header->width, header->height));
    header->work_bytes = li_sat_add(4 << 20, found->copied_bytes);
}

static uint64_t
avif_decode_bytes(const li_header *header, li_hint hint)
{
    li_info info = {header->width, header->height, header->pixel};
    (void)hint; /* planes are held either way */
    uint64_t bytes = li_sat_add(header->held_bytes, header->work_bytes);
    return li_sat_add(bytes, li_avif_convert_bytes(info));
}

static li_info
avif_decoded(const li_header *header, li_hint hint)
{
    (void)hint; /* neither shrinks nor regions */
    return (li_info){header->width, header->height, header->pixel};
}

bool
li_avif_planar(const li_header *header, li_hint hint, li_planar *layout)
{
    (void)hint;
    if (!header->chroma_x)
        return false;
    *layout =
        li_planar_of(header->width, header->height, header->chroma_x, header->chroma_y);
    layout->studio = header->studio;
    return true;
}

/* The header's version as text: "0.11.1". */
#define TEXT_OF(value) #value
#define DOTTED(a, b, c) TEXT_OF(a) "." TEXT_OF(b) "." TEXT_OF(c)
#define AVIF_HEADER_VERSION                                                            \
    DOTTED(AVIF_VERSION_MAJOR, AVIF_VERSION_MINOR, AVIF_VERSION_PATCH)

const li_codec li_codec_avif = {
    .name = "avif",
    .version = AVIF_HEADER_VERSION,
    .running = avifVersion,
    .default_quality = 60,
    .inspect = li_avif_inspect,
    .decoded = avif_decoded,
    .decode_bytes = avif_decode_bytes,
    .encode_bytes = li_avif_encode_bytes,
    .output_bytes = li_avif_output_bytes,
    .accepts = li_avif_accepts,
    .describe = li_avif_describe,
    .decode = li_avif_decode,
    .encode = li_avif_encode,
    .planar = li_avif_planar,
    .decode_planes = li_avif_decode_planes,
    .takes_planes = li_avif_takes_planes,
    .encode_planes = li_avif_encode_planes,
};
