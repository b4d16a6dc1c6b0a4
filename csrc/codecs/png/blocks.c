/* blocks.c: chunks that hold blocks of metadata, in front of the pixels and, EXIF and
 * XMP, behind them, where some writers put them. The first of a kind counts. Layer 2.
 */
#include "codecs/png/scan.h"
#include "meta/exif.h"

enum {
    EXIF_BYTES = 64 << 10, /* as much of an eXIf as is read */
    XMP_KEY_BYTES = 18,    /* with its final 0 */
};

li_status
li_png_visit_exif(png_scan *scan, const png_chunk *chunk)
{
    li_header *header = scan->header;
    const uint8_t *body;
    bool intact = true;
    if (header->exif_bytes)
        return LI_OK; /* the first one counts */
    if (chunk->length <= EXIF_BYTES)
        LI_TRY(li_png_chunk_body(scan, chunk, &body, &intact));
    else
        LI_TRY(li_png_scan_read(scan, chunk->at, EXIF_BYTES, &body));
    if (!intact)
        return LI_OK;
    size_t look = chunk->length < EXIF_BYTES ? chunk->length : EXIF_BYTES;
    header->exif_bytes = header->exif_size = chunk->length;
    header->exif_at = chunk->at;
    header->orientation = li_exif_orientation(body, look);
    if (!li_density_known(header->density))
        header->density = li_exif_density(body, look);
    return LI_OK;
}

/* What the chunk's zlib data inflate to, as far as li_header_check wants to know. */
static li_status
count_inflated(png_scan *scan, const png_chunk *chunk, uint32_t skip, uint64_t most,
               uint64_t *bytes)
{
    if (scan->again) /* it has been checked */
        return LI_OK;
    return li_png_inflated_bytes(scan->ctx, scan->in, chunk->at + skip,
                                 chunk->length - skip, most, bytes);
}

/* Behind the keyword and how it is packed (two bytes) two strings, mostly empty; 0:
 * they do not end here. */
static uint32_t
text_head(const uint8_t *body, uint32_t look)
{
    uint32_t at = XMP_KEY_BYTES + 2;
    for (int ends = 0; at < look; at++)
        if (body[at] == 0 && ++ends == 2)
            return at + 1;
    return 0;
}

/* What is left is XMP. */
li_status
li_png_visit_text(png_scan *scan, const png_chunk *chunk)
{
    enum { LEAST_BYTES = XMP_KEY_BYTES + 4, LOOK_BYTES = 256 };
    const uint8_t *body;
    li_header *header = scan->header;
    uint32_t look = chunk->length < LOOK_BYTES ? chunk->length : LOOK_BYTES;
    if (chunk->length <= LEAST_BYTES || header->xmp_bytes)
        return LI_OK;
    LI_TRY(li_png_scan_read(scan, chunk->at, look, &body));
    if (memcmp(body, "XML:com.adobe.xmp", XMP_KEY_BYTES) != 0)
        return LI_OK;
    uint32_t head = text_head(body, look);
    header->xmp_packed = body[XMP_KEY_BYTES];
    header->xmp_bytes = chunk->length - (head ? head : LEAST_BYTES);
    header->xmp_size = head ? chunk->length - head : 0;
    header->xmp_at = chunk->at + head;
    if (!header->xmp_packed)
        return LI_OK;
    return count_inflated(scan, chunk, head ? head : LEAST_BYTES,
                          li_header_xmp_most(scan->ctx), &header->xmp_inflated);
}

/* A name of at most 79 bytes, a 0, how it is packed, zlib data. */
li_status
li_png_visit_profile(png_scan *scan, const png_chunk *chunk)
{
    enum { NAME_BYTES = 80 };
    const uint8_t *body, *name_end;
    li_header *header = scan->header;
    if (header->icc_bytes || chunk->length == 0)
        return LI_OK; /* the first one counts */
    header->icc_at = chunk->at;
    header->icc_bytes = chunk->length;
    uint32_t look = chunk->length < NAME_BYTES ? chunk->length : NAME_BYTES;
    LI_TRY(li_png_scan_read(scan, chunk->at, look, &body));
    name_end = memchr(body, 0, look);
    if (!name_end || name_end + 2 > body + chunk->length)
        return LI_OK;
    return count_inflated(scan, chunk, (uint32_t)(name_end + 2 - body),
                          li_header_icc_most(scan->ctx), &header->icc_inflated);
}

/* --- behind the pixels ------------------------------------------------------------ */

/* IDAT, and an animation's further frames: as many as there are. */
static bool
is_pixels(const png_chunk *chunk)
{
    return png_chunk_is(chunk, "IDAT") || png_chunk_is(chunk, "fdAT") ||
           png_chunk_is(chunk, "fcTL");
}

/* *whole: there is one, and the file does not end in it. */
static li_status
peek_chunk(const png_scan *scan, uint64_t offset, png_chunk *chunk, bool *whole)
{
    enum { HEAD_BYTES = 8, CRC_BYTES = 4 };
    uint64_t size = scan->in->size;
    const uint8_t *head;
    size_t got;
    scan->in->leaps = true;
    li_status status = li_source_at(scan->in, offset, HEAD_BYTES, &head, &got);
    scan->in->leaps = false;
    LI_TRY(status);
    *whole = got >= HEAD_BYTES && li_png_chunk_head(head, offset, chunk) &&
             chunk->length <= LI_PNG_MAX_INT && chunk->at + CRC_BYTES <= size &&
             chunk->length <= size - chunk->at - CRC_BYTES;
    return LI_OK;
}

enum { MOST_CHUNKS = 1 << 20 }; /* as libpng writes 8 GB of pixels */

li_status
li_png_check_places(li_ctx *ctx, li_source *in)
{
    const png_scan scan = {.ctx = ctx, .in = in};
    uint64_t offset = LI_PNG_SIGNATURE_BYTES;
    uint32_t seen = 0;
    for (uint32_t count = 0; count < MOST_CHUNKS; count++) {
        png_chunk chunk;
        bool whole;
        LI_TRY(li_poll(ctx));
        LI_TRY(peek_chunk(&scan, offset, &chunk, &whole));
        if (!whole || png_chunk_is(&chunk, "IEND"))
            return LI_OK;
        li_png_check_place(ctx, &seen, chunk.type, chunk.length);
        offset = chunk.at + chunk.length + 4;
    }
    return LI_OK;
}

/* Only heads of chunks are read. The walk is a look for metadata and has no say: where
 * chunks are damaged or cut, or more than one would think, it just ends, and the
 * verdict is the decoder's as if there had been none. */
li_status
li_png_scan_behind(png_scan *scan, uint64_t offset)
{
    const li_header *header = scan->header;
    uint64_t others = 0, limit = scan->ctx->limits.max_segments;
    png_chunk chunk;
    bool whole;
    for (uint32_t count = 0; count < MOST_CHUNKS; count++) {
        if (header->exif_bytes && header->xmp_bytes)
            return LI_OK;
        LI_TRY(li_poll(scan->ctx));
        LI_TRY(peek_chunk(scan, offset, &chunk, &whole));
        if (!whole || png_chunk_is(&chunk, "IEND"))
            return LI_OK;
        if (!is_pixels(&chunk) && ++others > limit && limit)
            return LI_OK;
        if (png_chunk_is(&chunk, "eXIf"))
            LI_TRY(li_png_visit_exif(scan, &chunk));
        if (png_chunk_is(&chunk, "iTXt"))
            LI_TRY(li_png_visit_text(scan, &chunk));
        offset = chunk.at + chunk.length + 4;
    }
    return LI_OK;
}
