/* png.c: the PNG codec's line in the table, and libpng's memory. Layer 2. */
#include "codecs/png/png.h"

#include <stdio.h>
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
    (void)hint;
    return li_sat_add(header->held_bytes, header->work_bytes);
}

li_status
li_png_decode(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
              li_rows **rows)
{
    (void)hint; /* neither shrinks nor regions */
    if (header->progressive)
        return li_png_decode_libpng(ctx, in, header, rows);
    return li_png_decode_stream(ctx, in, header, li_png_inflate_best(), rows);
}

static uint64_t
png_encode_bytes(li_info info, const li_encode *encode)
{
    (void)encode; /* every level takes the same */
    return li_png_write_bytes(info);
}

/* Deflate's worst case stores the rows as they are: 5 bytes a block, and a block holds
 * at least 16,383 bytes but for the last (its symbol buffer); a thousandth is three
 * times that. 64: the zlib frame and the first and last block. */
static uint64_t
png_output_bytes(li_info info, const li_encode *encode)
{
    (void)encode;
    uint64_t raw = li_sat_mul(li_row_bytes(info) + 1, info.height);
    uint64_t deflated = li_sat_add(raw, raw / 1024 + 64);
    uint64_t chunks = deflated / LI_OUT_BYTES + 1 + 2; /* IDAT of 64 KiB, IHDR, IEND */
    uint64_t frame = LI_PNG_SIGNATURE_BYTES + 13;      /* and IHDR's body */
    return li_sat_add(deflated, chunks * LI_PNG_CHUNK_BYTES + frame);
}

static li_pixel
png_accepts(li_pixel pixel)
{
    return pixel == LI_CMYK8 ? LI_RGB8 : (li_pixel)(pixel & 0x0f);
}

static void
png_describe(li_info info, const li_encode *encode, char *text, size_t size)
{
    (void)info;
    snprintf(text, size, "compression %d", li_png_level(encode));
}

const li_codec li_codec_png = {
    .name = "png",
    .version = PNG_LIBPNG_VER_STRING,
    .probe = png_probe,
    .inspect = li_png_inspect,
    .decoded = png_decoded,
    .decode_bytes = png_decode_bytes,
    .encode_bytes = png_encode_bytes,
    .output_bytes = png_output_bytes,
    .accepts = png_accepts,
    .describe = png_describe,
    .decode = li_png_decode,
    .encode = li_png_encode,
};
