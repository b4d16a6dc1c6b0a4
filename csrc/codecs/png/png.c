/* png.c: the PNG codec's line in the table, and libpng's memory. Layer 2. */
#include "codecs/png/png.h"

#include <string.h>

const uint8_t li_png_signature[LI_PNG_SIGNATURE_BYTES] = {0x89, 'P',  'N',  'G',
                                                          '\r', '\n', 0x1a, '\n'};

png_voidp
li_png_malloc(png_structp png, png_alloc_size_t size)
{
    void *block = NULL;
    if (li_alloc(png_get_mem_ptr(png), size, 1, &block) != LI_OK)
        return NULL;
    return block;
}

void
li_png_free(png_structp png, png_voidp block)
{
    li_free(png_get_mem_ptr(png), &block);
}

uint64_t
li_png_block_bytes(uint64_t size)
{
    /* From 1 MiB on, header included, li_alloc takes whole pages of 4 KiB. */
    uint64_t rounding = size + LI_BLOCK_OVERHEAD < 1 << 20 ? 0 : 4096;
    return li_sat_add(size, LI_BLOCK_OVERHEAD + rounding);
}

static bool
png_probe(const uint8_t head[LI_PROBE_BYTES])
{
    return memcmp(head, li_png_signature, LI_PNG_SIGNATURE_BYTES) == 0;
}

static li_info
png_decoded(const li_header *header, li_hint hint)
{
    (void)hint; /* neither shrinks nor regions */
    return (li_info){header->width, header->height, header->pixel};
}

static uint64_t
png_decode_bytes(const li_header *header, li_hint hint)
{
    uint64_t ahead = hint.ahead ? li_png_ahead_bytes(header) : 0;
    return li_sat_add(li_sat_add(header->held_bytes, header->work_bytes), ahead);
}

li_status
li_png_decode(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
              li_rows **rows)
{
    if (header->progressive)
        return li_png_decode_libpng(ctx, in, header, rows);
    return li_png_decode_stream(ctx, in, header, hint, li_png_inflate_best(), rows);
}

static li_pixel
png_accepts(li_pixel pixel)
{
    return pixel == LI_CMYK8 ? LI_RGB8 : (li_pixel)(pixel & 0x0f);
}

const li_codec li_codec_png = {
    .name = "png",
    .version = PNG_LIBPNG_VER_STRING,
    .ahead = true,
    .probe = png_probe,
    .inspect = li_png_inspect,
    .unpack_xmp = li_png_unpack_xmp,
    .profile = li_png_profile,
    .decoded = png_decoded,
    .decode_bytes = png_decode_bytes,
    .encode_bytes = li_png_write_bytes,
    .output_bytes = li_png_output_bytes,
    .accepts = png_accepts,
    .describe = li_png_describe,
    .decode = li_png_decode,
    .encode = li_png_encode,
};
