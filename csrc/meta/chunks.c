/* chunks.c: metadata as a PNG has them, in chunks. Layer 2. */
#include "meta/metadata.h"

#include <string.h>
#include <zlib.h>

static void
put_be32(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * (3 - i));
}

static li_status
write_pieces(li_out *out, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at += LI_OUT_BYTES)
        LI_TRY(li_out_write(out, data + at,
                            size - at < LI_OUT_BYTES ? size - at : LI_OUT_BYTES));
    return LI_OK;
}

/* A chunk whose body is `first` and then `rest`. */
static li_status
write_chunk(li_out *out, const char type[4], const uint8_t *first, size_t first_size,
            const uint8_t *rest, size_t rest_size)
{
    enum { MOST = 0x7fffffff };
    uint8_t head[8], crc[4];
    if (rest_size > MOST - first_size)
        return li_fail(out->ctx, LI_E300_ENCODE, "png: %zu bytes are too many for %.4s",
                       rest_size, type);
    put_be32(head, first_size + rest_size);
    memcpy(head + 4, type, 4);
    uLong sum = crc32_z(0, head + 4, 4);
    sum = crc32_z(sum, first, first_size);
    put_be32(crc, rest_size ? crc32_z(sum, rest, rest_size) : sum);
    LI_TRY(li_out_write(out, head, sizeof(head)));
    LI_TRY(li_out_write(out, first, first_size));
    LI_TRY(write_pieces(out, rest, rest_size));
    return li_out_write(out, crc, sizeof(crc));
}

/* --- iCCP --------------------------------------------------------------------------
 */

static voidpf
take_memory(voidpf ctx, uInt count, uInt size)
{
    void *block = NULL;
    return li_alloc(ctx, count, size, &block) == LI_OK ? block : Z_NULL;
}

static void
give_memory(voidpf ctx, voidpf block)
{
    li_free(ctx, &block);
}

static li_status
pack(li_ctx *ctx, const uint8_t *data, size_t size, uint8_t **packed,
     size_t *packed_size)
{
    z_stream stream = {.zalloc = take_memory, .zfree = give_memory, .opaque = ctx};
    if (size > UINT32_MAX / 2)
        return li_fail(ctx, LI_E300_ENCODE, "png: a profile of %zu bytes", size);
    if (deflateInit(&stream, Z_BEST_COMPRESSION) != Z_OK)
        return li_fail(ctx, LI_ENOMEM, "png: no memory to pack a profile");
    uLong bound = deflateBound(&stream, (uLong)size);
    li_status status = li_alloc(ctx, bound, 1, packed);
    if (status == LI_OK) {
        stream.next_in = (z_const Bytef *)data;
        stream.avail_in = (uInt)size;
        stream.next_out = *packed;
        stream.avail_out = (uInt)bound;
        if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
            status =
                li_fail(ctx, LI_E901_INTERNAL, "png: a profile could not be packed");
        *packed_size = stream.total_out;
    }
    deflateEnd(&stream);
    return status;
}

static li_status
write_profile(const li_metadata *metadata, li_ctx *ctx, li_out *out)
{
    static const uint8_t name[] = "ICC profile\0"; /* and how it is packed: 0 */
    uint8_t *packed = NULL;
    size_t size = 0;
    li_status status = pack(ctx, metadata->icc, metadata->icc_size, &packed, &size);
    if (status == LI_OK)
        status = write_chunk(out, "iCCP", name, sizeof(name), packed, size);
    li_free(ctx, &packed);
    return status;
}

/* --- the others --------------------------------------------------------------------
 */

static li_status
write_density(li_density density, li_out *out)
{
    enum { METRE = 1 };
    uint8_t body[9] = {[8] = METRE};
    uint32_t x, y;
    if (!li_density_whole(density, 1 / 0.0254, 0x7fffffff, &x, &y))
        return LI_OK;
    put_be32(body, x);
    put_be32(body + 4, y);
    return write_chunk(out, "pHYs", body, sizeof(body), NULL, 0);
}

li_status
li_metadata_png(const li_metadata *metadata, li_ctx *ctx, li_out *out)
{
    /* Keyword, not packed, method 0, no language, no translated keyword. */
    static const uint8_t xmp[] = "XML:com.adobe.xmp\0\0\0\0";
    if (metadata->icc)
        LI_TRY(write_profile(metadata, ctx, out));
    LI_TRY(write_density(metadata->density, out));
    if (metadata->exif)
        LI_TRY(write_chunk(out, "eXIf", metadata->exif, 0, metadata->exif,
                           metadata->exif_size));
    if (metadata->xmp)
        LI_TRY(write_chunk(out, "iTXt", xmp, sizeof(xmp), metadata->xmp,
                           metadata->xmp_size));
    return LI_OK;
}
