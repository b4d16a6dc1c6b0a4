/* inflate_zlib.c: deflate by zlib: where ISA-L is not, and to compare it with.
 * Layer 2. */
#include "codecs/png/inflate.h"

#include <limits.h>
#include <zlib.h>

enum {
    /* The state is 7 KB (zlib-ng: 15 KB with its padding), the window 32 KB. */
    STATE_BYTES = 48 << 10,
    BLOCKS = 3,
    RAW_WINDOW_BITS = -15, /* no header, no check, the largest window */
};

static uint64_t
zlib_bytes(void)
{
    return sizeof(z_stream) + STATE_BYTES + BLOCKS * LI_BLOCK_OVERHEAD;
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

static li_status
zlib_open(li_png_inflate *self)
{
    LI_TRY(li_alloc(self->ctx, 1, sizeof(z_stream), &self->state));
    z_stream *stream = self->state;
    stream->zalloc = zlib_alloc;
    stream->zfree = zlib_free;
    stream->opaque = self->ctx;
    if (inflateInit2(stream, RAW_WINDOW_BITS) == Z_OK)
        return LI_OK;
    return li_fail(self->ctx, LI_E901_INTERNAL, "png: zlib cannot start");
}

static uInt
at_most(size_t size)
{
    return size < UINT_MAX ? (uInt)size : UINT_MAX;
}

static li_png_inflated
zlib_run(li_png_inflate *self)
{
    z_stream *stream = self->state;
    uInt in = at_most(self->in_left), out = at_most(self->out_left);
    stream->next_in = (z_const Bytef *)(uintptr_t)self->in; /* zlib only reads it */
    stream->avail_in = in;
    stream->next_out = self->out;
    stream->avail_out = out;
    int result = inflate(stream, Z_NO_FLUSH);
    self->in = stream->next_in; /* there may have been none yet */
    self->in_left -= in - stream->avail_in;
    self->out += out - stream->avail_out;
    self->out_left -= out - stream->avail_out;
    if (result == Z_STREAM_END)
        return LI_PNG_INFLATE_END;
    if (result == Z_OK || result == Z_BUF_ERROR)
        return LI_PNG_INFLATE_MORE;
    self->bad = stream->msg ? stream->msg : "damaged LZ stream";
    return LI_PNG_INFLATE_BAD;
}

static void
zlib_close(li_png_inflate *self)
{
    if (self->state)
        inflateEnd(self->state);
    li_free(self->ctx, &self->state);
}

static uint32_t
zlib_crc32(uint32_t crc, const uint8_t *data, size_t size)
{
    return (uint32_t)crc32_z(crc, data, size);
}

static uint32_t
zlib_adler32(uint32_t adler, const uint8_t *data, size_t size)
{
    return (uint32_t)adler32_z(adler, data, size);
}

const li_png_inflate_ops li_png_inflate_zlib = {
    .name = "zlib",
    .bytes = zlib_bytes,
    .open = zlib_open,
    .run = zlib_run,
    .close = zlib_close,
    .crc32 = zlib_crc32,
    .adler32 = zlib_adler32,
};
