/* metadata.c: how large a deflated profile or text is, without keeping it: a chunk of
 * 8 KB may stand for 8 MB. Layer 2. */
#include "codecs/png/metadata.h"

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
