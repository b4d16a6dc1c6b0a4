/* write_whole.c: the packer that holds every filtered row and hands them to libdeflate,
 * which is smaller and faster than zlib but cannot stream. Layer 2.
 *
 * On some photographs matches cost more than they say: our own packer runs first, and
 * counts; libdeflate must be shorter than that, or ours is written.
 *
 * libdeflate cannot be interrupted, so it gets pieces: between two of them the job
 * looks whether it shall end. */
#include "codecs/png/write.h"

#ifdef LI_HAVE_DEFLATE

#include <libdeflate.h>
#include <string.h>

typedef struct whole_packer {
    li_packer base;
    uint64_t total;
    int level;
    uint8_t *rows;                            /* owned */
    uint8_t *packed;                          /* owned */
    struct libdeflate_compressor *compressor; /* owned */
    uint64_t charged;
} whole_packer;

/* What libdeflate takes for itself up to its level 9, which is ours: 0.7 MB of tables
 * and tokens; and a join, 50 KB. */
enum { COMPRESSOR_BYTES = 1 << 20 };

/* What is longer than our own is not kept. */
static uint64_t
whole_bound(li_packing packing)
{
    return li_packer_runs.bound(packing);
}

static uint64_t
whole_memory(li_packing packing)
{
    return li_png_block_bytes(sizeof(whole_packer)) +
           li_png_block_bytes(packing.total) +
           li_png_block_bytes(whole_bound(packing)) + COMPRESSOR_BYTES +
           li_packer_runs.memory(packing) +
           li_idat_memory(li_packer_runs.bound(packing));
}

/* --- our own packer --------------------------------------------------------------- */

static li_status
own_rows(const whole_packer *self, li_packer *own)
{
    for (uint64_t at = 0; at < self->total;) {
        uint64_t left = self->total - at;
        size_t part = left < own->room ? (size_t)left : own->room;
        LI_TRY(li_poll(own->ctx));
        memcpy(own->next, self->rows + at, part);
        LI_TRY(li_packer_advance(own, part));
        at += part;
    }
    LI_TRY(own->ops->finish(own));
    return li_idat_flush(own->idat);
}

static li_status
own_pack(const whole_packer *self, li_idat *idat)
{
    li_packing packing = {self->total, self->level};
    li_packer *own;
    LI_TRY(li_packer_runs.open(self->base.ctx, idat, packing, &own));
    li_status status = own_rows(self, own);
    li_packer_close(&own);
    return status;
}

static li_status
own_size(const whole_packer *self, uint64_t *size)
{
    li_packing packing = {self->total, self->level};
    li_idat counted;
    LI_TRY(li_idat_open(self->base.ctx, NULL, li_packer_runs.bound(packing), &counted));
    li_status status = own_pack(self, &counted);
    *size = counted.sent;
    li_idat_close(&counted);
    return status;
}

/* --- libdeflate ------------------------------------------------------------------- */

/* Bytes of a call, so that one takes 0.1 s at most (docs/notes/png.md). How long the
 * search is hangs on the level and on what our own packer made of the bytes: of 100, up
 * to 3 where nearly all is long repeats, and 3 to 30 where short ones are everywhere.
 */
static size_t
piece_bytes(const whole_packer *self, uint64_t own)
{
    enum { FLAT = 4096, DEEP_LEVEL = 8 };
    size_t kilobytes = self->level < 7                ? 2048
                       : self->level < DEEP_LEVEL     ? 1024
                       : own * 100 < self->total * 30 ? 256
                                                      : 400;
    return (own * 100 < self->total * 3 ? FLAT : kilobytes) << 10;
}

/* zlib's frame: a window of 32 KiB, and about the level; it must divide by 31. */
enum { HEAD_BYTES = 2, ADLER_BYTES = 4 };

static void
put_head(uint8_t *to, int level)
{
    static const uint8_t flags[] = {0x01, 0x01, 0x5e, 0x5e, 0x5e,
                                    0x5e, 0x9c, 0x9c, 0xda, 0xda};
    to[0] = 0x78;
    to[1] = flags[level];
}

/* A join's memory is charged with libdeflate's. */
static li_status
join_piece(whole_packer *self, uint8_t *packed, size_t *size, uint8_t *from,
           size_t count)
{
    li_ctx *ctx = self->base.ctx;
    uint64_t charged = self->charged;
    li_uncharge(ctx, li_deflate_join_memory());
    self->charged -= li_deflate_join_memory();
    LI_TRY(li_deflate_go_on(ctx, packed, size, from, count));
    LI_TRY(li_charge(ctx, charged - self->charged));
    self->charged = charged;
    return LI_OK;
}

/* The stream of all rows into self->packed; its size is 0 where it is not below our
 * own.
 */
static li_status
pack_pieces(whole_packer *self, uint64_t own, size_t *size)
{
    size_t total = (size_t)self->total, fill = HEAD_BYTES;
    size_t most = (size_t)own, piece = piece_bytes(self, own);
    put_head(self->packed, self->level);
    *size = 0;
    for (size_t at = 0; at < total;) {
        size_t left = total - at, part = left < piece + piece / 2 ? left : piece;
        if (fill + LI_JOIN_BYTES + ADLER_BYTES >= most)
            return LI_OK;
        size_t room = most - fill - LI_JOIN_BYTES - ADLER_BYTES;
        LI_TRY(li_poll_clock(self->base.ctx));
        LI_TRY(li_poll(self->base.ctx));
        size_t packed = libdeflate_deflate_compress(self->compressor, self->rows + at,
                                                    part, self->packed + fill, room);
        if (packed == 0)
            return LI_OK;
        if (part < left)
            LI_TRY(
                join_piece(self, self->packed + fill, &packed, self->rows + at, part));
        fill += packed;
        at += part;
    }
    li_put_be32(self->packed + fill, li_png_adler(1, self->rows, total));
    *size = fill + ADLER_BYTES;
    return LI_OK;
}

static li_status
whole_full(li_packer *packer)
{
    whole_packer *self = (whole_packer *)packer;
    uint64_t own;
    size_t size;
    LI_TRY(own_size(self, &own));
    LI_TRY(pack_pieces(self, own, &size));
    if (size == 0)
        return own_pack(self, packer->idat);
    for (size_t at = 0; at < size; at += LI_IDAT_BYTES) {
        size_t part = size - at < LI_IDAT_BYTES ? size - at : LI_IDAT_BYTES;
        LI_TRY(li_poll(packer->ctx));
        LI_TRY(li_idat_write(packer->idat, self->packed + at, part));
    }
    return LI_OK;
}

static li_status
whole_finish(li_packer *packer)
{
    (void)packer; /* the last row was the end */
    return LI_OK;
}

static void
whole_close(li_packer *packer)
{
    whole_packer *self = (whole_packer *)packer;
    libdeflate_free_compressor(self->compressor);
    li_uncharge(packer->ctx, self->charged);
    li_free(packer->ctx, &self->rows);
    li_free(packer->ctx, &self->packed);
}

static const li_packer_ops whole_ops = {
    .name = "libdeflate",
    .full = whole_full,
    .finish = whole_finish,
    .close = whole_close,
};

static li_status
whole_start(whole_packer *self, li_packing packing)
{
    li_ctx *ctx = self->base.ctx;
    self->total = packing.total;
    self->level = packing.level;
    LI_TRY(li_alloc(ctx, packing.total, 1, &self->rows));
    LI_TRY(li_alloc(ctx, whole_bound(packing), 1, &self->packed));
    LI_TRY(li_charge(ctx, COMPRESSOR_BYTES));
    self->charged = COMPRESSOR_BYTES;
    self->compressor = libdeflate_alloc_compressor(packing.level);
    if (!self->compressor)
        return li_fail(ctx, LI_ENOMEM, "png: libdeflate got no memory");
    self->base.next = self->rows;
    self->base.room = (size_t)packing.total;
    return LI_OK;
}

static li_status
whole_open(li_ctx *ctx, li_idat *idat, li_packing packing, li_packer **packer)
{
    *packer = NULL;
    LI_TRY(li_alloc(ctx, 1, sizeof(whole_packer), packer));
    **packer = (li_packer){.ops = &whole_ops, .ctx = ctx, .idat = idat};
    li_status status = whole_start((whole_packer *)*packer, packing);
    if (status != LI_OK)
        li_packer_close(packer);
    return status;
}

const li_packer_kind li_packer_whole = {
    .name = "libdeflate",
    .memory = whole_memory,
    .bound = whole_bound,
    .open = whole_open,
};

#else

typedef int li_packer_whole_elsewhere; /* a file may not be empty */

#endif
