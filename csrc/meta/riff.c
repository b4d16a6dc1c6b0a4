/* riff.c: metadata as a WebP has them: an extended file around its picture. Layer 2. */
#include "meta/metadata.h"

#include <string.h>

enum { CHUNK_BYTES = 8, RIFF_BYTES = 12, CANVAS_BYTES = 10 };
enum { FLAG_XMP = 0x04, FLAG_EXIF = 0x08, FLAG_ALPHA = 0x10, FLAG_ICC = 0x20 };

static void
put_number(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t
chunk_bytes(const uint8_t *data, size_t size)
{
    return data ? CHUNK_BYTES + (((uint64_t)size + 1) & ~1ull) : 0;
}

static li_status
write_chunk(li_out *out, const char type[4], const uint8_t *data, size_t size)
{
    static const uint8_t zero = 0;
    uint8_t head[CHUNK_BYTES];
    if (!data)
        return LI_OK;
    memcpy(head, type, 4);
    put_number(head + 4, size, 4);
    LI_TRY(li_out_write(out, head, sizeof(head)));
    for (size_t at = 0; at < size; at += LI_OUT_BYTES)
        LI_TRY(li_out_write(out, data + at,
                            size - at < LI_OUT_BYTES ? size - at : LI_OUT_BYTES));
    return size & 1 ? li_out_write(out, &zero, 1) : LI_OK;
}

li_status
li_metadata_webp_head(const li_metadata *metadata, const li_canvas *canvas, li_out *out)
{
    uint8_t head[] = "RIFF----WEBPVP8X----f---WWWHHH";
    uint64_t size = 4 + CHUNK_BYTES + CANVAS_BYTES + canvas->picture;
    size += chunk_bytes(metadata->icc, metadata->icc_size);
    size += chunk_bytes(metadata->exif, metadata->exif_size);
    size += chunk_bytes(metadata->xmp, metadata->xmp_size);
    if (size > UINT32_MAX - 1)
        return li_fail(out->ctx, LI_E300_ENCODE,
                       "webp: picture and metadata need %llu bytes",
                       (unsigned long long)size);
    uint32_t flags = canvas->alpha ? FLAG_ALPHA : 0;
    flags |= metadata->icc ? FLAG_ICC : 0;
    flags |= metadata->exif ? FLAG_EXIF : 0;
    flags |= metadata->xmp ? FLAG_XMP : 0;
    put_number(head + 4, size, 4);
    put_number(head + 16, CANVAS_BYTES, 4);
    put_number(head + 20, flags, 4);
    put_number(head + 24, canvas->width - 1, 3);
    put_number(head + 27, canvas->height - 1, 3);
    LI_TRY(li_out_write(out, head, sizeof(head) - 1));
    return write_chunk(out, "ICCP", metadata->icc, metadata->icc_size);
}

li_status
li_metadata_webp_tail(const li_metadata *metadata, li_out *out)
{
    LI_TRY(write_chunk(out, "EXIF", metadata->exif, metadata->exif_size));
    return write_chunk(out, "XMP ", metadata->xmp, metadata->xmp_size);
}
