/* avif.c: the AVIF codec's line in the table, its bounds and libavif's errors. Layer 2.
 */
#include "codecs/avif/convert.h"

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

/* Bytes of the samples of so many pixels, chroma included. */
static uint64_t
sample_bytes(const avif_properties *tile, uint64_t pixels)
{
    uint64_t bytes = li_sat_mul(pixels, tile->depth > 8 ? 2 : 1);
    if (tile->monochrome)
        return bytes;
    uint64_t chroma = 2 * bytes / ((uint64_t)tile->chroma_x * tile->chroma_y);
    return li_sat_add(bytes, chroma);
}

/* What dav1d holds: frames of whole blocks of 128 × 128, two of them where film grain
 * is laid over one, three more where a sequence's first frame needs others; a byte a
 * pixel for modes, motion and filters. */
static uint64_t
dav1d_bytes(const avif_found *found, uint64_t pixels, uint64_t samples)
{
    uint64_t frames = found->sequence ? 5 : 2;
    return li_sat_add(li_sat_mul(frames, samples), pixels);
}

/* Of frames of so many tiles as large as this one. */
static uint64_t
tile_bytes(const avif_found *found, const avif_properties *tile, uint64_t tiles)
{
    uint64_t width = tile->width ? tile->width : found->picture.width;
    uint64_t height = tile->height ? tile->height : found->picture.height;
    width = (width + 127) & ~127ull;
    height = (height + 127) & ~127ull;
    uint64_t pixels = li_sat_mul(li_sat_mul(width, height), tiles);
    return dav1d_bytes(found, pixels, sample_bytes(tile, pixels));
}

uint64_t
li_avif_canvas_bytes(const avif_found *found)
{
    const avif_properties *tile = &found->tile;
    avif_properties gray = {.monochrome = true, .depth = tile->depth};
    uint64_t shown = (uint64_t)found->picture.width * found->picture.height;
    uint64_t bytes = sample_bytes(tile, shown);
    return found->alpha ? li_sat_add(bytes, sample_bytes(&gray, shown)) : bytes;
}

/* One tile of colour or of alpha at a time. */
static uint64_t
largest_tile_bytes(const avif_found *found)
{
    uint64_t bytes = tile_bytes(found, &found->tile, 1);
    uint64_t alpha = found->alpha ? tile_bytes(found, &found->alpha_tile, 1) : 0;
    return alpha > bytes ? alpha : bytes;
}

static uint64_t
all_tiles_bytes(const avif_found *found)
{
    const avif_properties *tile = &found->tile;
    avif_properties gray = {.monochrome = true,
                            .depth = tile->depth,
                            .width = tile->width,
                            .height = tile->height};
    uint64_t bytes = tile_bytes(found, tile, found->tiles);
    if (!found->alpha)
        return bytes;
    return li_sat_add(bytes, tile_bytes(found, &gray, found->tiles));
}

/* Measured on dav1d 1.0: 0.6 MB a decoder. Each tile has one, as has its alpha, where
 * libavif decodes a grid; else there is that of the file and one of a cell. */
void
li_avif_cost(const avif_found *found, li_header *header)
{
    enum { FIXED_BYTES = 3 << 19, DECODER_BYTES = 3 << 18 };
    uint64_t bytes =
        found->by_cells ? largest_tile_bytes(found) : all_tiles_bytes(found);
    if (found->grid) /* is put together in planes */
        bytes = li_sat_add(bytes, li_avif_canvas_bytes(found));
    header->held_bytes = bytes;
    uint64_t decoders =
        found->by_cells ? 2 : (uint64_t)found->tiles * (found->alpha ? 2 : 1);
    header->work_bytes = li_sat_add(FIXED_BYTES, li_sat_mul(DECODER_BYTES, decoders));
    header->work_bytes = li_sat_add(header->work_bytes,
                                    li_sat_add(found->copied_bytes, header->icc_bytes));
    if (found->by_cells)
        header->work_bytes = li_sat_add(header->work_bytes, found->meta_bytes);
}

static uint64_t
avif_decode_bytes(const li_header *header, li_hint hint)
{
    li_info info = li_avif_info(header, hint); /* planes are held either way */
    uint64_t bytes = li_sat_add(header->held_bytes, header->work_bytes);
    return li_sat_add(bytes, header->bit_depth > 8 ? li_avif_deep_bytes(info)
                                                   : li_avif_convert_bytes(info));
}

/* Neither shrinks nor regions. */
li_info
li_avif_info(const li_header *header, li_hint hint)
{
    bool deep = hint.deep && header->bit_depth > 8;
    return (li_info){header->width, header->height,
                     li_pixel_with_depth(header->pixel, deep)};
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
    .deep = true,
    .default_quality = 60,
    .places = {.dense_exif = true},
    .numbers = LI_NUMBERS_H273,
    .inspect = li_avif_inspect,
    .bare = li_avif_bare,
    .decoded = li_avif_info,
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
