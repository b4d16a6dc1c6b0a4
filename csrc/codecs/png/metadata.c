/* metadata.c: how large a deflated profile or text is, without keeping it: a chunk of
 * 8 KB may stand for 8 MB; and a text inflated, kept. Layer 2. */
#include "codecs/png/metadata.h"
#include "codecs/png/png.h"

#include <string.h>

enum {
    ZLIB_HEAD_BYTES = 2,
    PIECE_BYTES = 4 << 10, /* asked of the source, and inflated into, at a time */
    /* 258 bytes of a match for two bits, and no more, are all that deflate can do. */
    LARGEST_RATIO = 1032,
};

typedef struct counter {
    li_source *in;
    uint64_t at, left; /* of the deflated bytes */
    uint64_t most, total;
} counter;

/* More input; false: there is none. */
static bool
counter_feed(counter *self, li_png_inflate *inflate)
{
    size_t want = self->left < PIECE_BYTES ? (size_t)self->left : PIECE_BYTES, got = 0;
    if (want == 0 ||
        li_source_at(self->in, self->at, want, &inflate->in, &got) != LI_OK)
        return false;
    inflate->in_left = got < want ? got : want;
    self->at += inflate->in_left;
    self->left -= inflate->in_left;
    return inflate->in_left > 0;
}

/* Damage ends it: what cannot be inflated has no more bytes than it gave. */
static li_status
counter_run(counter *self, li_png_inflate *inflate)
{
    uint8_t nothing[PIECE_BYTES];
    li_png_inflated state = LI_PNG_INFLATE_MORE;
    while (state == LI_PNG_INFLATE_MORE && self->total <= self->most) {
        size_t before = inflate->in_left;
        inflate->out = nothing;
        inflate->out_left = sizeof(nothing);
        state = inflate->ops->run(inflate);
        self->total += sizeof(nothing) - inflate->out_left;
        LI_TRY(li_poll(inflate->ctx));
        bool idle = inflate->out_left == sizeof(nothing) && inflate->in_left == before;
        if (idle && !counter_feed(self, inflate))
            break;
    }
    return inflate->ctx->status;
}

li_status
li_png_inflated_bytes(li_ctx *ctx, li_source *in, uint64_t at, uint64_t size,
                      uint64_t most, uint64_t *bytes)
{
    counter self = {.in = in, .at = at, .left = size, .most = most};
    li_png_inflate inflate = {.ops = li_png_inflate_best(), .ctx = ctx};
    *bytes = size;
    if (most == UINT64_MAX || size <= most / LARGEST_RATIO || size < ZLIB_HEAD_BYTES)
        return LI_OK;
    self.at += ZLIB_HEAD_BYTES;
    self.left -= ZLIB_HEAD_BYTES;
    li_status status = inflate.ops->open(&inflate);
    if (status == LI_OK && counter_feed(&self, &inflate))
        status = counter_run(&self, &inflate);
    inflate.ops->close(&inflate);
    *bytes = self.total;
    return status == LI_OK ? ctx->status : status;
}

/* --- kept ------------------------------------------------------------------------- */

typedef struct keeper {
    counter from;
    li_png_inflate inflate;
    uint8_t *data; /* owned */
    size_t room, size;
} keeper;

static li_status
keeper_grow(keeper *self)
{
    enum { FIRST_BYTES = 16 << 10 };
    uint64_t room = self->room ? (uint64_t)self->room * 2 : FIRST_BYTES;
    room = room < self->from.most ? room : self->from.most;
    if (room <= self->size) /* more than the limits allow: damaged, by now */
        return LI_OK;
    LI_TRY(self->data ? li_resize_alloc(self->inflate.ctx, room, &self->data)
                      : li_alloc(self->inflate.ctx, room, 1, &self->data));
    self->room = (size_t)room;
    return LI_OK;
}

/* *whole: the data ended as they should. */
static li_status
keeper_run(keeper *self, bool *whole)
{
    li_png_inflate *inflate = &self->inflate;
    li_png_inflated state = LI_PNG_INFLATE_MORE;
    while (state == LI_PNG_INFLATE_MORE) {
        if (self->size == self->room)
            LI_TRY(keeper_grow(self));
        if (self->size == self->room)
            break;
        size_t before = inflate->in_left;
        inflate->out = self->data + self->size;
        inflate->out_left = self->room - self->size;
        state = inflate->ops->run(inflate);
        bool idle =
            inflate->out_left == self->room - self->size && inflate->in_left == before;
        self->size = self->room - inflate->out_left;
        LI_TRY(li_poll(inflate->ctx));
        if (state == LI_PNG_INFLATE_MORE && idle && !counter_feed(&self->from, inflate))
            break;
    }
    *whole = state == LI_PNG_INFLATE_END;
    return inflate->ctx->status;
}

li_status
li_png_unpack_xmp(li_ctx *ctx, li_source *in, const li_header *header, li_metadata *to)
{
    keeper self = {.inflate = {.ops = li_png_inflate_best(), .ctx = ctx}};
    bool whole = false;
    if (header->xmp_size < ZLIB_HEAD_BYTES)
        return LI_OK;
    self.from = (counter){.in = in,
                          .at = header->xmp_at + ZLIB_HEAD_BYTES,
                          .left = header->xmp_size - ZLIB_HEAD_BYTES,
                          .most = li_header_xmp_most(ctx)};
    li_status status = self.inflate.ops->open(&self.inflate);
    if (status == LI_OK && counter_feed(&self.from, &self.inflate))
        status = keeper_run(&self, &whole);
    self.inflate.ops->close(&self.inflate);
    if (status != LI_OK || !whole) {
        li_free(ctx, &self.data);
        return status == LI_OK ? ctx->status : status;
    }
    to->xmp = self.data;
    to->xmp_size = self.size;
    return LI_OK;
}
