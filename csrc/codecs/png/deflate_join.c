/* deflate_join.c: a deflate stream that has ended becomes one that others may follow:
 * the mark of its last block goes, and an empty stored block fills the last byte. Where
 * that block begins only a reader of all of it can tell: zlib. Layer 2. */
#include "codecs/png/write.h"

#include <string.h>
#include <zlib.h>

enum {
    STATE_BYTES = 48 << 10, /* zlib's inflate: 7 KB (zlib-ng: 15 KB), a window of 32 */
    STATE_BLOCKS = 2,
    RAW_WINDOW_BITS = -15,
    /* In zlib's data_type: */
    UNUSED_BITS = 7,
    LAST_BLOCK = 64,
    BETWEEN_BLOCKS = 128,
};

uint64_t
li_deflate_join_memory(void)
{
    return STATE_BYTES + STATE_BLOCKS * LI_BLOCK_OVERHEAD;
}

static voidpf
zlib_alloc(voidpf ctx, uInt count, uInt size)
{
    void *block = NULL;
    return li_alloc(ctx, count, size, &block) == LI_OK ? block : NULL;
}

static void
zlib_free(voidpf ctx, voidpf block)
{
    li_free(ctx, &block);
}

/* In bits: where the last block begins and where it ends. */
typedef struct last_block {
    uint64_t begin, end;
} last_block;

static bool
find_last(z_stream *zlib, last_block *block)
{
    int answer;
    do {
        block->begin = block->end;
        answer = inflate(zlib, Z_BLOCK);
        block->end =
            (uint64_t)zlib->total_in * 8 - (uint64_t)(zlib->data_type & UNUSED_BITS);
    } while (answer == Z_OK && !(zlib->data_type & LAST_BLOCK));
    return answer == Z_OK && (zlib->data_type & BETWEEN_BLOCKS) &&
           zlib->avail_in == 0 && zlib->avail_out == 0;
}

static void
append_empty(uint8_t *data, size_t *size, uint64_t end)
{
    static const uint8_t lengths[] = {0, 0, 0xff, 0xff};
    size_t filled = (size_t)((end + 3 + 7) / 8); /* with the block's own three bits */
    memset(data + *size, 0, filled - *size);
    memcpy(data + filled, lengths, sizeof(lengths));
    *size = filled + sizeof(lengths);
}

/* What is unpacked lands where it came from. */
li_status
li_deflate_go_on(li_ctx *ctx, uint8_t *data, size_t *size, uint8_t *from, size_t count)
{
    last_block block = {0, 0};
    z_stream zlib = {.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = ctx};
    if (inflateInit2(&zlib, RAW_WINDOW_BITS) != Z_OK)
        return ctx->status ? ctx->status
                           : li_fail(ctx, LI_E901_INTERNAL, "png: zlib cannot start");
    zlib.next_in = data;
    zlib.avail_in = (uInt)*size;
    zlib.next_out = from;
    zlib.avail_out = (uInt)count;
    bool found = find_last(&zlib, &block);
    (void)inflateEnd(&zlib);
    if (ctx->status != LI_OK)
        return ctx->status; /* zlib has a window of its own only when it needs one */
    if (!found)
        return li_fail(ctx, LI_E901_INTERNAL, "png: zlib does not read libdeflate's");
    data[block.begin / 8] &= (uint8_t) ~(1u << block.begin % 8);
    append_empty(data, size, block.end);
    return LI_OK;
}
