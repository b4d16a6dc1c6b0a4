/* write_chunk.c: chunks out, and their checksums. A chunk leaves in one write. Layer 2.
 */
#include "codecs/png/write.h"

#include <string.h>

#ifdef LI_HAVE_DEFLATE
#include <libdeflate.h>
#else
#include <zlib.h>
#endif

#ifdef LI_HAVE_DEFLATE
uint32_t
li_png_crc(uint32_t crc, const uint8_t *data, size_t size)
{
    return libdeflate_crc32(crc, data, size);
}

uint32_t
li_png_adler(uint32_t adler, const uint8_t *data, size_t size)
{
    return libdeflate_adler32(adler, data, size);
}
#else
uint32_t
li_png_crc(uint32_t crc, const uint8_t *data, size_t size)
{
    return (uint32_t)crc32_z(crc, data, size);
}

uint32_t
li_png_adler(uint32_t adler, const uint8_t *data, size_t size)
{
    return (uint32_t)adler32_z(adler, data, size);
}
#endif

/* Length, type and CRC around a body that is in its place. */
static void
chunk_frame(uint8_t *chunk, const char type[4], size_t size)
{
    li_put_be32(chunk, (uint32_t)size);
    memcpy(chunk + 4, type, 4);
    li_put_be32(chunk + LI_IDAT_HEAD + size, li_png_crc(0, chunk + 4, size + 4));
}

li_status
li_chunk_write(li_out *out, const char type[4], const uint8_t *body, size_t size)
{
    uint8_t chunk[32 + LI_PNG_CHUNK_BYTES];
    if (size)
        memcpy(chunk + LI_IDAT_HEAD, body, size);
    chunk_frame(chunk, type, size);
    return li_out_write(out, chunk, size + LI_PNG_CHUNK_BYTES);
}

li_status
li_chunk_long(li_out *out, const char type[4], const uint8_t *body, size_t size)
{
    uint8_t head[LI_IDAT_HEAD], tail[4];
    li_put_be32(head, (uint32_t)size);
    memcpy(head + 4, type, 4);
    li_put_be32(tail, li_png_crc(li_png_crc(0, head + 4, 4), body, size));
    LI_TRY(li_out_write(out, head, sizeof(head)));
    LI_TRY(li_out_write(out, body, size));
    return li_out_write(out, tail, sizeof(tail));
}

/* --- IDAT ------------------------------------------------------------------------- */

static size_t
idat_room(uint64_t bound)
{
    uint64_t room = li_sat_add(bound, LI_IDAT_SPARE);
    return room < LI_IDAT_BYTES ? (size_t)room : LI_IDAT_BYTES;
}

uint64_t
li_idat_memory(uint64_t bound)
{
    return li_png_block_bytes(idat_room(bound) + LI_PNG_CHUNK_BYTES + LI_IDAT_SLACK);
}

li_status
li_idat_open(li_ctx *ctx, li_out *out, uint64_t bound, li_idat *idat)
{
    *idat = (li_idat){.ctx = ctx, .out = out, .room = idat_room(bound)};
    return li_alloc(ctx, idat->room + LI_PNG_CHUNK_BYTES + LI_IDAT_SLACK, 1,
                    &idat->chunk);
}

void
li_idat_close(li_idat *idat)
{
    if (idat->ctx)
        li_free(idat->ctx, &idat->chunk);
}

li_status
li_idat_flush(li_idat *idat)
{
    size_t size = idat->fill;
    idat->fill = 0;
    idat->sent += size;
    if (size == 0 || !idat->out)
        return LI_OK;
    chunk_frame(idat->chunk, "IDAT", size);
    return li_out_write(idat->out, idat->chunk, size + LI_PNG_CHUNK_BYTES);
}

li_status
li_idat_write(li_idat *idat, const uint8_t *data, size_t size)
{
    while (size) {
        if (idat->fill == idat->room)
            LI_TRY(li_idat_flush(idat));
        size_t room = idat->room - idat->fill;
        size_t part = size < room ? size : room;
        memcpy(idat->chunk + LI_IDAT_HEAD + idat->fill, data, part);
        idat->fill += part;
        data += part;
        size -= part;
    }
    return LI_OK;
}

/* --- packers ---------------------------------------------------------------------- */

li_status
li_packer_advance(li_packer *packer, size_t size)
{
    packer->next += size;
    packer->room -= size;
    return packer->room ? LI_OK : packer->ops->full(packer);
}

void
li_packer_close(li_packer **packer)
{
    if (!*packer)
        return;
    (*packer)->ops->close(*packer);
    li_free((*packer)->ctx, packer);
}
