/* png.c: the PNG codec's line in the table, and libpng's memory. Layer 2. */
#include "codecs/png/write.h"

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

li_info
li_png_info(const li_header *header, li_hint hint)
{
    bool deep = hint.deep && header->bit_depth == 16;
    return (li_info){header->width, header->height,
                     li_pixel_with_depth(header->pixel, deep)};
}

static bool
png_probe(const uint8_t head[LI_PROBE_BYTES])
{
    return memcmp(head, li_png_signature, LI_PNG_SIGNATURE_BYTES) == 0;
}

static li_info
png_decoded(const li_header *header, li_hint hint)
{
    /* Neither shrinks nor regions. */
    return li_png_info(header, hint);
}

static uint64_t
png_decode_bytes(const li_header *header, li_hint hint)
{
    uint64_t more = hint.ahead ? li_png_ahead_bytes(header) : 0;
    li_info shallow = {header->width, header->height, header->pixel};
    if (li_pixel_is_deep(li_png_info(header, hint).pixel)) /* the row, or the frame */
        more += header->progressive ? li_image_bytes(shallow)
                                    : li_png_block_bytes(li_row_bytes(shallow));
    return li_sat_add(li_sat_add(header->held_bytes, header->work_bytes), more);
}

li_status
li_png_decode(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
              li_rows **rows)
{
    if (header->progressive)
        return li_png_decode_libpng(ctx, in, header, hint, rows);
    return li_png_decode_stream(ctx, in, header, hint, li_png_inflate_best(), rows);
}

static li_pixel
png_accepts(li_pixel pixel, const li_encode *encode)
{
    if (pixel == LI_CMYK8)
        return LI_RGB8;
    if (encode->bit_depth == 8 || li_png_indexes(encode))
        return li_pixel_with_depth(pixel, false);
    return encode->bit_depth == 16 ? li_pixel_with_depth(pixel, true) : pixel;
}

const li_codec li_codec_png = {
    .name = "png",
    .version = PNG_LIBPNG_VER_STRING,
    .ahead = true,
    .deep = true,
    .numbers = LI_NUMBERS_ALL,
    .probe = png_probe,
    .inspect = li_png_inspect,
    .unpack_xmp = li_png_unpack_xmp,
    .profile = li_png_profile,
    .decoded = png_decoded,
    .decode_bytes = png_decode_bytes,
    .encode_bytes = li_png_write_bytes,
    .output_bytes = li_png_output_bytes,
    .accepts = png_accepts,
    .colors_gray = li_png_has_palette,
    .describe = li_png_describe,
    .decode = li_png_decode,
    .encode = li_png_encode,
};
