/* scan.c: what a PNG says of itself before its pixels: our own walk over the chunks up
 * to the first IDAT, bounded; nothing is allocated but, where a profile or XMP may be a
 * bomb, what inflating them takes (metadata.c). blocks.c goes on behind the pixels.
 * Layer 2.
 *
 * libpng sees the same chunks later, so every rule here that decides the layout of the
 * rows (which tRNS counts, which palette is refused) is libpng's. */
#include "codecs/png/scan.h"
#include "image/frame.h"

#include <stdio.h>
#include <string.h>

enum {
    IHDR_BYTES = 13,
    PALETTE_BYTES = 3 * 256,
};

enum { GRAY = 0, RGB = 2, PALETTE = 3, GRAY_ALPHA = 4, RGB_ALPHA = 6 };

static uint32_t
read_be32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 |
           data[3];
}

/* --- bytes ------------------------------------------------------------------------ */

li_status
li_png_scan_read(png_scan *scan, uint64_t offset, size_t size, const uint8_t **data)
{
    size_t got;
    LI_TRY(li_source_at(scan->in, offset, size, data, &got));
    if (got >= size)
        return LI_OK;
    return li_fail(scan->ctx, LI_E132_TRUNCATED,
                   "png: the file ends too early, after %llu bytes",
                   (unsigned long long)scan->in->size);
}

/* The body of a chunk, and whether its CRC is right. */
li_status
li_png_chunk_body(png_scan *scan, const png_chunk *chunk, const uint8_t **body,
                  bool *intact)
{
    /* The CRC covers the type, which is in front of the body, and stands behind it. */
    size_t covered = (size_t)chunk->length + 4;
    LI_TRY(li_png_scan_read(scan, chunk->at - 4, covered + 4, body));
    *intact =
        li_png_inflate_best()->crc32(0, *body, covered) == read_be32(*body + covered);
    *body += 4;
    return LI_OK;
}

static li_status
fail_crc(png_scan *scan, const png_chunk *chunk)
{
    return li_fail(scan->ctx, LI_E130_CORRUPT, "png: %s at byte %llu: CRC error",
                   chunk->type, (unsigned long long)(chunk->at - 8));
}

bool
li_png_chunk_head(const uint8_t head[8], uint64_t offset, png_chunk *chunk)
{
    *chunk = (png_chunk){.at = offset + 8, .length = read_be32(head)};
    memcpy(chunk->type, head + 4, 4);
    for (int i = 4; i < 8; i++)
        if ((head[i] | 0x20) < 'a' || (head[i] | 0x20) > 'z')
            return false;
    return true;
}

static li_status
chunk_next(png_scan *scan, uint64_t offset, png_chunk *chunk)
{
    const uint8_t *head;
    LI_TRY(li_png_scan_read(scan, offset, 8, &head));
    if (!li_png_chunk_head(head, offset, chunk))
        return li_fail(scan->ctx, LI_E130_CORRUPT,
                       "png: chunk at byte %llu: %02x%02x%02x%02x is no chunk type",
                       (unsigned long long)offset, head[4], head[5], head[6], head[7]);
    if (chunk->length > LI_PNG_MAX_INT)
        return li_fail(scan->ctx, LI_E130_CORRUPT,
                       "png: %s at byte %llu: %u bytes are more than a chunk can have",
                       chunk->type, (unsigned long long)offset, chunk->length);
    return LI_OK;
}

/* --- IHDR ------------------------------------------------------------------------- */

/* The spec's table 11.1. */
static bool
is_depth_allowed(uint8_t colour, uint8_t depth)
{
    switch (colour) {
    case GRAY:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case PALETTE:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case RGB:
    case GRAY_ALPHA:
    case RGB_ALPHA:
        return depth == 8 || depth == 16;
    }
    return false;
}

static li_status
visit_ihdr(png_scan *scan, const png_chunk *chunk)
{
    li_header *header = scan->header;
    const uint8_t *body;
    bool intact;
    if (chunk->length != IHDR_BYTES)
        return li_fail(scan->ctx, LI_E130_CORRUPT, "png: IHDR has %u bytes, not 13",
                       chunk->length);
    LI_TRY(li_png_chunk_body(scan, chunk, &body, &intact));
    if (!intact)
        return fail_crc(scan, chunk);
    header->width = read_be32(body);
    header->height = read_be32(body + 4);
    header->bit_depth = body[8];
    scan->colour = body[9];
    if (header->width - 1 >= LI_PNG_MAX_INT || header->height - 1 >= LI_PNG_MAX_INT)
        return li_fail(scan->ctx, LI_E130_CORRUPT,
                       "png: IHDR: %ux%u has a side outside 1..2147483647",
                       header->width, header->height);
    if (!is_depth_allowed(scan->colour, header->bit_depth))
        return li_fail(scan->ctx, LI_E130_CORRUPT,
                       "png: IHDR: there is no colour type %u of %u bits", body[9],
                       body[8]);
    if (body[10] != 0 || body[11] != 0 || body[12] > 1)
        return li_fail(scan->ctx, LI_E131_DECODE,
                       "png: IHDR: unknown compression %u, filter %u or interlace %u",
                       body[10], body[11], body[12]);
    scan->interlaced = body[12] == 1;
    return LI_OK;
}

/* --- the chunks between IHDR and the pixels --------------------------------------- */

static li_status
visit_plte(png_scan *scan, const png_chunk *chunk)
{
    const uint8_t *body;
    bool intact;
    bool needed = scan->colour == PALETTE;
    if (scan->has_palette)
        return li_fail(scan->ctx, LI_E130_CORRUPT, "png: a second PLTE at byte %llu",
                       (unsigned long long)(chunk->at - 8));
    scan->has_palette = true;
    if (chunk->length == 0 || chunk->length > PALETTE_BYTES || chunk->length % 3 != 0) {
        if (!needed && chunk->length > 0)
            return LI_OK; /* a mere suggestion, ignored */
        return li_fail(scan->ctx, LI_E130_CORRUPT, "png: PLTE has %u bytes",
                       chunk->length);
    }
    LI_TRY(li_png_chunk_body(scan, chunk, &body, &intact));
    if (!intact)
        return fail_crc(scan, chunk);
    uint32_t most = needed ? 1u << scan->header->bit_depth : 256;
    scan->palette_size = chunk->length / 3 < most ? chunk->length / 3 : most;
    if (needed) {
        scan->begin->palette_size = scan->palette_size;
        memcpy(scan->begin->palette, body, (size_t)3 * scan->palette_size);
    }
    if ((scan->colour & 2) != 0 && scan->transparent) {
        scan->transparent = false; /* a tRNS in front of the palette does not count */
        if (scan->again)
            li_warn(scan->ctx, "png: PLTE: tRNS must be after");
    }
    return LI_OK;
}

static bool
is_transparency_sized(const png_scan *scan, uint32_t length)
{
    switch (scan->colour) {
    case GRAY:
        return length == 2;
    case RGB:
        return length == 6;
    case PALETTE:
        return length > 0 && length <= scan->palette_size;
    }
    return false; /* the colour has an alpha channel */
}

static void
keep_transparency(png_scan *scan, const uint8_t *body, uint32_t length)
{
    li_png_begin *begin = scan->begin;
    scan->saw_transparency = scan->transparent = true;
    if (scan->colour == PALETTE) {
        begin->alpha_size = length;
        memcpy(begin->alpha, body, length);
        return;
    }
    for (uint32_t c = 0; c < length / 2; c++)
        begin->key[c] = (uint16_t)(body[2 * c] << 8 | body[2 * c + 1]);
}

static li_status
visit_trns(png_scan *scan, const png_chunk *chunk)
{
    const uint8_t *body;
    bool intact, sized = is_transparency_sized(scan, chunk->length);
    if (scan->saw_transparency || !sized) {
        if (scan->again)
            li_warn(scan->ctx, "png: tRNS: %s", sized ? "duplicate" : "invalid");
        return LI_OK;
    }
    LI_TRY(li_png_chunk_body(scan, chunk, &body, &intact));
    if (intact)
        keep_transparency(scan, body, chunk->length);
    return LI_OK;
}

static li_status
visit_small(png_scan *scan, const png_chunk *chunk)
{
    const uint8_t *body;
    bool intact;
    if (chunk->length != li_png_note_bytes(chunk->type))
        return LI_OK;
    LI_TRY(li_png_chunk_body(scan, chunk, &body, &intact));
    if (intact)
        li_png_note(chunk->type, body, scan->header);
    return LI_OK;
}

static li_status
visit_actl(png_scan *scan, const png_chunk *chunk)
{
    const uint8_t *body;
    if (chunk->length != 8)
        return LI_OK;
    LI_TRY(li_png_scan_read(scan, chunk->at, 8, &body));
    uint32_t frames = read_be32(body);
    if (frames > 0 && frames <= INT32_MAX) /* numbers of PNG have 31 bits */
        scan->header->frames = frames;
    return LI_OK;
}

static const struct {
    char type[5];
    li_status (*visit)(png_scan *scan, const png_chunk *chunk);
} kinds[] = {{"PLTE", visit_plte},        {"tRNS", visit_trns},
             {"eXIf", li_png_visit_exif}, {"iTXt", li_png_visit_text},
             {"acTL", visit_actl},        {"iCCP", li_png_visit_profile}};

static li_status
visit(png_scan *scan, const png_chunk *chunk)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (png_chunk_is(chunk, kinds[i].type))
            return kinds[i].visit(scan, chunk);
    if (li_png_note_bytes(chunk->type))
        return visit_small(scan, chunk);
    if (png_chunk_is(chunk, "IHDR") || png_chunk_is(chunk, "IEND"))
        return li_fail(scan->ctx, LI_E130_CORRUPT,
                       "png: %s at byte %llu stands in front of the pixels",
                       chunk->type, (unsigned long long)(chunk->at - 8));
    if ((chunk->type[0] & 0x20) == 0)
        return li_fail(scan->ctx, LI_E131_DECODE,
                       "png: %s at byte %llu: a critical chunk that nobody knows",
                       chunk->type, (unsigned long long)(chunk->at - 8));
    return LI_OK;
}

static li_status
scan_chunks(png_scan *scan)
{
    uint64_t limit = scan->ctx->limits.max_segments;
    png_chunk chunk;
    LI_TRY(chunk_next(scan, LI_PNG_SIGNATURE_BYTES, &chunk));
    if (!png_chunk_is(&chunk, "IHDR"))
        return li_fail(scan->ctx, LI_E130_CORRUPT, "png: %s stands in front of IHDR",
                       chunk.type);
    LI_TRY(visit_ihdr(scan, &chunk));
    for (uint64_t count = 1;; count++) {
        if (limit && count > limit)
            return li_fail(scan->ctx, LI_E123_FIREWALL,
                           "png: %llu chunks before the pixels are more than "
                           "limits(max_segments=%llu)",
                           (unsigned long long)count, (unsigned long long)limit);
        LI_TRY(li_poll(scan->ctx));
        LI_TRY(chunk_next(scan, chunk.at + chunk.length + 4, &chunk));
        if (png_chunk_is(&chunk, "IDAT"))
            break;
        LI_TRY(visit(scan, &chunk));
    }
    if (scan->colour == PALETTE && !scan->has_palette)
        return li_fail(scan->ctx, LI_E130_CORRUPT, "png: there is no PLTE before IDAT");
    if (!scan->again) /* a reader of pixels has no use for them */
        LI_TRY(li_png_scan_behind(scan, chunk.at + chunk.length + 4));
    return LI_OK;
}

/* --- the header ------------------------------------------------------------------- */

static li_pixel
scan_pixel(const png_scan *scan)
{
    bool alpha = (scan->colour & 4) != 0 || scan->transparent;
    if ((scan->colour & 2) != 0)
        return alpha ? LI_RGBA8 : LI_RGB8;
    return alpha ? LI_GRAYA8 : LI_GRAY8;
}

static void
describe(const png_scan *scan)
{
    static const char *const names[7] = {
        [GRAY] = "gray",        [RGB] = "rgb",        [PALETTE] = "palette",
        [GRAY_ALPHA] = "graya", [RGB_ALPHA] = "rgba",
    };
    li_header *header = scan->header;
    snprintf(header->variant, sizeof(header->variant), "%s%u%s%s", names[scan->colour],
             header->bit_depth, scan->transparent ? " trns" : "",
             scan->interlaced ? " interlaced" : "");
}

static li_status
scan_file(png_scan *scan)
{
    static const uint8_t channels[7] = {
        [GRAY] = 1, [RGB] = 3, [PALETTE] = 1, [GRAY_ALPHA] = 2, [RGB_ALPHA] = 4};
    li_header *header = scan->header;
    const uint8_t *signature;
    *header = (li_header){.orientation = 1, .frames = 1};
    LI_TRY(li_png_scan_read(scan, 0, LI_PNG_SIGNATURE_BYTES, &signature));
    if (memcmp(signature, li_png_signature, LI_PNG_SIGNATURE_BYTES) != 0)
        return li_fail(scan->ctx, LI_E130_CORRUPT, "png: the signature is damaged");
    LI_TRY(scan_chunks(scan));
    scan->begin->depth = header->bit_depth;
    scan->begin->channels = channels[scan->colour];
    header->pixel = scan_pixel(scan);
    header->progressive = scan->interlaced;
    header->palette = scan->colour == PALETTE;
    li_info info = {header->width, header->height, header->pixel};
    header->held_bytes = scan->interlaced ? li_frame_bytes(info) : 0;
    header->work_bytes =
        scan->interlaced
            ? li_png_libpng_bytes(info, header->bit_depth, true)
            : li_png_stream_bytes(info, scan->begin, li_png_inflate_best());
    describe(scan);
    return LI_OK;
}

li_status
li_png_inspect(li_ctx *ctx, li_source *in, li_header *header)
{
    li_png_begin begin = {0};
    png_scan scan = {.ctx = ctx, .in = in, .header = header, .begin = &begin};
    return scan_file(&scan);
}

li_status
li_png_scan_again(li_ctx *ctx, li_source *in, const li_header *header,
                  li_png_begin *begin)
{
    li_header now;
    png_scan scan = {
        .ctx = ctx, .in = in, .header = &now, .begin = begin, .again = true};
    LI_TRY(scan_file(&scan));
    if (now.width == header->width && now.height == header->height &&
        now.pixel == header->pixel && now.bit_depth == header->bit_depth &&
        now.palette == header->palette && now.progressive == header->progressive)
        return LI_OK;
    return li_fail(ctx, LI_E103_SOURCE_CHANGED,
                   "png: the file is no longer the %ux%u %s that its header said",
                   header->width, header->height, li_pixel_name(header->pixel));
}
