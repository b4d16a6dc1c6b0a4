/* profile.c: a PNG's ICC profile, inflated from iCCP. Layer 2. */
#include "codecs/png/inflate.h"
#include "codecs/png/png.h"

#include <string.h>

enum {
    KEYWORD_BYTES = 80,  /* the name and its 0 */
    ZLIB_HEAD_BYTES = 2, /* the ends of zlib and of the chunk are not looked at here */
    SIZE_BYTES = 4,      /* a profile begins with its own size */
    LEAST_BYTES = 128,   /* of a profile: its header */
    PIECE_BYTES = 4 << 10,
    MOST_INFLATED = 1032, /* bytes of one */
};

typedef struct unpacker {
    li_png_inflate inflate;
    li_source *in;     /* borrowed */
    uint64_t at, left; /* of the chunk's body */
    uint8_t head[SIZE_BYTES];
} unpacker;

static li_status
read_body(unpacker *self, size_t want, const uint8_t **data, size_t *got)
{
    want = want < self->left ? want : (size_t)self->left;
    *got = 0;
    if (want == 0)
        return LI_OK;
    LI_TRY(li_source_at(self->in, self->at, want, data, got));
    *got = *got < want ? *got : want;
    self->at += *got;
    self->left -= *got;
    return LI_OK;
}

/* Exactly `size` bytes more; *good is false where the data ends or is damaged. */
static li_status
unpack(unpacker *self, uint8_t *into, size_t size, bool *good)
{
    li_png_inflate *inflate = &self->inflate;
    inflate->out = into;
    inflate->out_left = size;
    *good = true;
    while (inflate->out_left > 0 && *good) {
        LI_TRY(li_poll(inflate->ctx));
        size_t room = inflate->out_left, had = inflate->in_left;
        li_png_inflated state = inflate->ops->run(inflate);
        *good = state == LI_PNG_INFLATE_MORE || inflate->out_left == 0;
        if (!*good || inflate->out_left < room || inflate->in_left < had)
            continue;
        LI_TRY(read_body(self, PIECE_BYTES, &inflate->in, &inflate->in_left));
        *good = inflate->in_left > 0;
    }
    return inflate->ctx->status;
}

/* Past the name, the method and zlib's header. */
static li_status
open_body(unpacker *self, bool *good)
{
    const uint8_t *data, *end;
    size_t got;
    uint64_t at = self->at, left = self->left;
    LI_TRY(read_body(self, KEYWORD_BYTES + 1 + ZLIB_HEAD_BYTES, &data, &got));
    end = got ? memchr(data, 0, got < KEYWORD_BYTES ? got : KEYWORD_BYTES) : NULL;
    size_t head = end ? (size_t)(end - data) + 2 + ZLIB_HEAD_BYTES : 0;
    *good = head && head < got && end[1] == 0;
    if (!*good)
        return LI_OK;
    self->at = at + head;
    self->left = left - head;
    return self->inflate.ops->open(&self->inflate);
}

static li_status
unpack_all(unpacker *self, uint8_t **data, size_t *size, bool *good)
{
    li_ctx *ctx = self->inflate.ctx;
    const uint8_t *head = self->head;
    uint64_t limit = ctx->limits.max_metadata, body = self->left;
    LI_TRY(open_body(self, good));
    if (*good)
        LI_TRY(unpack(self, self->head, SIZE_BYTES, good));
    if (!*good)
        return LI_OK;
    *size =
        (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    *good = *size >= LEAST_BYTES && (!limit || *size <= limit) &&
            *size / MOST_INFLATED <= body;
    if (!*good)
        return LI_OK;
    LI_TRY(li_alloc(ctx, *size, 1, data));
    memcpy(*data, head, SIZE_BYTES);
    return unpack(self, *data + SIZE_BYTES, *size - SIZE_BYTES, good);
}

li_status
li_png_profile(li_ctx *ctx, li_source *in, const li_header *header, uint8_t **data,
               size_t *size)
{
    unpacker self = {.inflate = {.ops = &li_png_inflate_zlib, .ctx = ctx}, .in = in};
    const uint8_t *length;
    size_t got;
    bool good = false;
    *data = NULL;
    self.at = header->icc_at;
    LI_TRY(li_source_at(in, header->icc_at - 8, 4, &length, &got));
    if (got >= 4)
        self.left = (uint64_t)length[0] << 24 | (uint64_t)length[1] << 16 |
                    (uint64_t)length[2] << 8 | length[3];
    li_status status = unpack_all(&self, data, size, &good);
    self.inflate.ops->close(&self.inflate);
    if (status == LI_OK && good)
        return LI_OK;
    li_free(ctx, data);
    if (status == LI_OK)
        li_warn(ctx, "png: iCCP is damaged, and not used");
    return status;
}
