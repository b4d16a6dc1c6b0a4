/* walk.c: chunk after chunk, borrowed pieces of their bodies, their CRCs. Layer 2. */
#include "codecs/png/walk.h"
#include "codecs/png/png.h"

#include <string.h>

enum {
    PIECE_BYTES = 64 << 10, /* summed, then inflated: both from the same L2 */
    WANT_BYTES = 4 << 10,   /* asked of a source for a body; most give more */
};

static uint32_t
read_be32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 |
           data[3];
}

li_status
li_png_walk_fail(li_png_walk *walk, li_status status, const char *text)
{
    /* A file that shrank reads as zeros: then that is the error. */
    LI_TRY(li_poll(walk->ctx));
    if (walk->type[0])
        return li_fail(walk->ctx, status, "png: %s: %s", walk->type, text);
    return li_fail(walk->ctx, status, "png: %s", text);
}

bool
li_png_walk_is_cut(const li_png_walk *walk)
{
    enum { CRC_BYTES = 4 };
    uint64_t end = walk->offset - walk->window_left + walk->left + CRC_BYTES;
    return end > walk->in->size;
}

static li_status
walk_refill(li_png_walk *walk, size_t want)
{
    LI_TRY(li_poll(walk->ctx));
    LI_TRY(
        li_source_at(walk->in, walk->offset, want, &walk->window, &walk->window_left));
    walk->offset += walk->window_left;
    if (walk->window_left > 0)
        return LI_OK;
    return li_fail(walk->ctx, LI_E132_TRUNCATED,
                   "png: the file ends too early, after %llu bytes",
                   (unsigned long long)walk->in->size);
}

static li_status
walk_read(li_png_walk *walk, uint8_t *into, size_t size)
{
    while (size > 0) {
        if (walk->window_left == 0)
            LI_TRY(walk_refill(walk, size));
        size_t part = size < walk->window_left ? size : walk->window_left;
        memcpy(into, walk->window, part);
        walk->window += part;
        walk->window_left -= part;
        into += part;
        size -= part;
    }
    return LI_OK;
}

li_status
li_png_walk_take(li_png_walk *walk, const uint8_t **data, size_t *size)
{
    size_t want = walk->left < WANT_BYTES ? walk->left : WANT_BYTES;
    if (walk->window_left == 0)
        LI_TRY(walk_refill(walk, want));
    size_t part = walk->window_left < PIECE_BYTES ? walk->window_left : PIECE_BYTES;
    if (part > walk->left)
        part = walk->left;
    walk->crc = walk->crc32(walk->crc, walk->window, part);
    *data = walk->window;
    *size = part;
    walk->window += part;
    walk->window_left -= part;
    walk->left -= (uint32_t)part;
    return LI_OK;
}

li_status
li_png_walk_end(li_png_walk *walk)
{
    const uint8_t *data;
    uint8_t crc[4];
    size_t size;
    while (walk->left > 0)
        LI_TRY(li_png_walk_take(walk, &data, &size));
    LI_TRY(walk_read(walk, crc, sizeof(crc)));
    if (read_be32(crc) == walk->crc)
        return LI_OK;
    if ((walk->type[0] & 0x20) == 0)
        return li_png_walk_fail(walk, LI_E130_CORRUPT, "CRC error");
    li_warn(walk->ctx, "png: %s: CRC error", walk->type);
    return LI_OK;
}

li_status
li_png_walk_next(li_png_walk *walk)
{
    uint8_t head[8];
    walk->type[0] = 0;
    LI_TRY(walk_read(walk, head, sizeof(head)));
    walk->left = walk->length = read_be32(head);
    if (walk->length > LI_PNG_MAX_INT)
        return li_png_walk_fail(walk, LI_E130_CORRUPT,
                                "a chunk is longer than a chunk can be");
    for (int i = 4; i < 8; i++)
        if ((head[i] | 0x20) < 'a' || (head[i] | 0x20) > 'z')
            return li_png_walk_fail(walk, LI_E130_CORRUPT, "invalid chunk type");
    memcpy(walk->type, head + 4, 4);
    walk->crc = walk->crc32(0, head + 4, 4);
    return LI_OK;
}
