/* write_zlib.c: the packer that streams through zlib, for pictures too large to be held
 * and for builds without libdeflate. Layer 2. */
#include "codecs/png/write.h"

#include <zlib.h>

enum {
    /* zlib's state 6 KB, window, chains, heads 64 KB each, symbols 64 KB (80 KB from
     * 1.3.1 on). */
    DEFLATE_BYTES = 288 << 10,
    DEFLATE_BLOCKS = 8,
    INPUT_BYTES = 64 << 10,
    WINDOW_BITS = 15,
    MEMORY_LEVEL = 8,
};

typedef struct zlib_packer {
    li_packer base;
    uint64_t left;  /* bytes that have no room yet */
    uint8_t *input; /* owned */
    size_t size;    /* of the input */
    bool started;   /* zlib has memory of its own */
    z_stream stream;
} zlib_packer;

static size_t
input_size(uint64_t total)
{
    return total < INPUT_BYTES ? (size_t)total : INPUT_BYTES;
}

static uint64_t
zlib_memory(li_packing packing)
{
    return DEFLATE_BYTES + DEFLATE_BLOCKS * LI_BLOCK_OVERHEAD +
           li_png_block_bytes(sizeof(zlib_packer)) +
           li_png_block_bytes(input_size(packing.total));
}

/* Deflate's worst case stores the bytes as they are: 5 bytes a block, and a block holds
 * at least 16,383 bytes but for the last (its symbol buffer); a thousandth is three
 * times that. 64: the zlib frame and the first and last block. */
static uint64_t
zlib_bound(li_packing packing)
{
    return li_sat_add(packing.total, packing.total / 1024 + 64);
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

static void
zlib_next(zlib_packer *self)
{
    self->size = input_size(self->left);
    self->left -= self->size;
    self->base.next = self->input;
    self->base.room = self->size;
}

/* Everything that is put in, and with Z_FINISH the end. */
static li_status
zlib_run(zlib_packer *self, int flush)
{
    li_idat *idat = self->base.idat;
    int answer = Z_OK;
    do {
        if (idat->fill == idat->room)
            LI_TRY(li_idat_flush(idat));
        LI_TRY(li_poll(self->base.ctx));
        self->stream.next_out = idat->chunk + LI_IDAT_HEAD + idat->fill;
        self->stream.avail_out = (uInt)(idat->room - idat->fill);
        answer = deflate(&self->stream, flush);
        idat->fill = idat->room - self->stream.avail_out;
        if (answer == Z_STREAM_ERROR)
            return li_fail(self->base.ctx, LI_E901_INTERNAL, "png: zlib's state");
    } while (self->stream.avail_out == 0 && answer != Z_STREAM_END);
    return LI_OK;
}

static li_status
zlib_full(li_packer *packer)
{
    zlib_packer *self = (zlib_packer *)packer;
    self->stream.next_in = self->input;
    self->stream.avail_in = (uInt)self->size;
    LI_TRY(zlib_run(self, self->left ? Z_NO_FLUSH : Z_FINISH));
    zlib_next(self);
    return LI_OK;
}

static li_status
zlib_finish(li_packer *packer)
{
    (void)packer; /* the last input was the end */
    return LI_OK;
}

static void
zlib_close(li_packer *packer)
{
    zlib_packer *self = (zlib_packer *)packer;
    if (self->started)
        (void)deflateEnd(&self->stream);
    li_free(packer->ctx, &self->input);
}

static const li_packer_ops zlib_ops = {
    .name = "zlib",
    .full = zlib_full,
    .finish = zlib_finish,
    .close = zlib_close,
};

static li_status
zlib_start(zlib_packer *self, li_packing packing)
{
    li_ctx *ctx = self->base.ctx;
    LI_TRY(li_alloc(ctx, input_size(packing.total), 1, &self->input));
    self->left = packing.total;
    zlib_next(self);
    self->stream.zalloc = zlib_alloc;
    self->stream.zfree = zlib_free;
    self->stream.opaque = ctx;
    int answer = deflateInit2(&self->stream, packing.level, Z_DEFLATED, WINDOW_BITS,
                              MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    self->started = answer == Z_OK;
    if (answer == Z_OK)
        return LI_OK;
    return li_fail(ctx, LI_E901_INTERNAL, "png: zlib cannot start: %d", answer);
}

static li_status
zlib_open(li_ctx *ctx, li_idat *idat, li_packing packing, li_packer **packer)
{
    *packer = NULL;
    LI_TRY(li_alloc(ctx, 1, sizeof(zlib_packer), packer));
    **packer = (li_packer){.ops = &zlib_ops, .ctx = ctx, .idat = idat};
    li_status status = zlib_start((zlib_packer *)*packer, packing);
    if (status != LI_OK)
        li_packer_close(packer);
    return status;
}

const li_packer_kind li_packer_zlib = {
    .name = "zlib",
    .memory = zlib_memory,
    .bound = zlib_bound,
    .open = zlib_open,
};
