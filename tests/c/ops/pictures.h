/* pictures.h: pictures for the tests of operations, a source that catches stale and
 * over-long reads, and running one op from frame to frame. */
#ifndef LI_TESTS_OPS_PICTURES_H
#define LI_TESTS_OPS_PICTURES_H

#include "../test.h"
#include "ops/op.h"

typedef enum picture_style {
    PICTURE_NOISE,
    PICTURE_SMOOTH,
    PICTURE_EDGES, /* 0 and 255 only */
    PICTURE_FLAT,  /* one random pixel everywhere */
} picture_style;

/* malloc'd: off every ledger, so that a test of the ledger sees the op alone. */
static inline li_frame
picture_new(li_info info)
{
    size_t row = li_row_bytes(info);
    return (li_frame){info, (int64_t)row, calloc(info.height, row)};
}

static inline void
picture_free(li_frame *frame)
{
    free(frame->pixels);
    frame->pixels = NULL;
}

static inline uint8_t
picture_sample(picture_style style, uint32_t x, uint32_t y, uint32_t c, uint32_t *seed)
{
    switch (style) {
    case PICTURE_NOISE:
        return (uint8_t)(test_random(seed) >> 8);
    case PICTURE_SMOOTH:
        x = (x * (3 + c) + y * (5 - c) + x * y / 16) / 2 % 510;
        return (uint8_t)(x > 254 ? 509 - x : x);
    case PICTURE_EDGES:
        return test_random(seed) & 256 ? 255 : 0;
    case PICTURE_FLAT:
        break;
    }
    return (uint8_t)(*seed >> (8 * c));
}

/* Of 16 bits: what a byte would be, times 257, but for noise. */
static inline li_frame
picture_make_deep(li_info info, picture_style style, uint32_t *seed)
{
    li_frame frame = picture_new(info);
    uint32_t channels = li_pixel_channels(info.pixel);
    test_random(seed);
    for (uint32_t y = 0; y < info.height; y++)
        for (uint32_t x = 0; x < info.width; x++)
            for (uint32_t c = 0; c < channels; c++) {
                uint32_t byte = picture_sample(style, x, y, c, seed);
                void *row = li_frame_row(&frame, y);
                ((uint16_t *)row)[x * channels + c] =
                    (uint16_t)(style == PICTURE_NOISE ? test_random(seed) >> 8
                                                      : 257 * byte);
            }
    return frame;
}

/* Of 8 or 16 bits, as a number of levels of its depth. */
static inline uint32_t
picture_value(const li_frame *frame, uint32_t x, uint32_t y, uint32_t c)
{
    const void *row = li_frame_row(frame, y);
    size_t at = (size_t)x * li_pixel_channels(frame->info.pixel) + c;
    return li_pixel_is_deep(frame->info.pixel) ? ((const uint16_t *)row)[at]
                                               : ((const uint8_t *)row)[at];
}

static inline uint32_t
picture_white(const li_frame *frame)
{
    return li_pixel_is_deep(frame->info.pixel) ? 65535 : 255;
}

static inline li_frame
picture_make(li_info info, picture_style style, uint32_t *seed)
{
    if (li_pixel_is_deep(info.pixel))
        return picture_make_deep(info, style, seed);
    li_frame frame = picture_new(info);
    uint32_t bytes = li_pixel_bytes(info.pixel);
    test_random(seed);
    for (uint32_t y = 0; y < info.height; y++)
        for (uint32_t x = 0; x < info.width; x++)
            for (uint32_t c = 0; c < bytes; c++)
                li_frame_row(&frame, y)[x * bytes + c] =
                    picture_sample(style, x, y, c, seed);
    return frame;
}

static inline bool
picture_equal(const li_frame *a, const li_frame *b)
{
    if (a->info.width != b->info.width || a->info.height != b->info.height ||
        a->info.pixel != b->info.pixel)
        return false;
    for (uint32_t y = 0; y < a->info.height; y++)
        if (memcmp(li_frame_row(a, y), li_frame_row(b, y), li_row_bytes(a->info)) != 0)
            return false;
    return true;
}

/* Output (x, y) is input (u, v): the slow truth of the eight orientations. */
static inline li_frame
picture_turn(const li_frame *in, li_orientation orientation)
{
    li_info info = in->info;
    uint32_t w = info.width, h = info.height, bytes = li_pixel_bytes(info.pixel);
    if (orientation >= 5)
        info = (li_info){h, w, info.pixel};
    li_frame out = picture_new(info);
    for (uint32_t y = 0; y < info.height; y++)
        for (uint32_t x = 0; x < info.width; x++) {
            const uint32_t from[9][2] = {
                {0, 0},         {x, y}, {w - 1 - x, y}, {w - 1 - x, h - 1 - y},
                {x, h - 1 - y}, {y, x}, {y, h - 1 - x}, {w - 1 - y, h - 1 - x},
                {w - 1 - y, x}};
            memcpy(li_frame_row(&out, y) + x * bytes,
                   li_frame_row(in, from[orientation][1]) +
                       from[orientation][0] * bytes,
                   bytes);
        }
    return out;
}

/* --- a source that hands out each row in a block of its own size, freed with the next
 * call: a sanitizer sees who reads past it or keeps it. ------------------------------
 */

typedef struct strict_rows {
    li_rows base;
    li_frame frame;           /* borrowed pixels */
    uint8_t *row;             /* owned, malloc'd */
    uint32_t pulled, skipped; /* rows so far */
    uint32_t *pulled_to;      /* borrowed: told the count of rows taken; may be NULL */
} strict_rows;

static uint32_t strict_skipped; /* rows of the source that was opened last */

static inline void
strict_tell(strict_rows *self)
{
    if (self->pulled_to)
        *self->pulled_to = self->pulled + self->skipped;
}

static inline li_status
strict_next(li_rows *rows, const uint8_t **row)
{
    strict_rows *self = (strict_rows *)rows;
    size_t bytes = li_row_bytes(rows->info);
    free(self->row);
    self->row = malloc(bytes);
    memcpy(self->row, li_frame_row(&self->frame, rows->y), bytes);
    self->pulled++;
    strict_tell(self);
    *row = self->row;
    return LI_OK;
}

static inline li_status
strict_skip(li_rows *rows, uint32_t count)
{
    strict_rows *self = (strict_rows *)rows;
    free(self->row);
    self->row = NULL;
    self->skipped += count;
    strict_skipped += count;
    strict_tell(self);
    return LI_OK;
}

static inline void
strict_close(li_rows *rows)
{
    free(((strict_rows *)rows)->row);
}

static const li_rows_ops strict_ops = {
    .name = "strict",
    .next = strict_next,
    .skip = strict_skip,
    .close = strict_close,
};

static inline li_rows *
strict_open(li_ctx *ctx, const li_frame *frame, uint32_t *pulled_to)
{
    li_rows *rows = NULL;
    strict_skipped = 0;
    if (li_rows_push(ctx, sizeof(strict_rows), &strict_ops, frame->info, &rows) !=
        LI_OK)
        return NULL;
    ((strict_rows *)rows)->frame = *frame;
    ((strict_rows *)rows)->pulled_to = pulled_to;
    return rows;
}

/* in → op → a new picture; the rows taken from the input in *taken (NULL: don't care).
 * Checks bytes() against the ledger on the way. */
static inline li_frame
picture_run(const li_op *op, const li_frame *in, uint32_t *taken)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_info info = in->info;
    CHECK_EQ(op->kind->shape(&ctx, op, in->info, &info), LI_OK);
    li_frame out = picture_new(info);
    li_rows *rows = strict_open(&ctx, in, taken);
    uint64_t before = ctx.bytes, bound = op->kind->bytes(op, in->info, info);
    CHECK_EQ(op->kind->open(op, info, &rows), LI_OK);
    uint64_t grown = ctx.peak_bytes - before;
    CHECK(grown <= bound);
    CHECK(bound <= grown + 65536);
    CHECK_EQ(li_frame_fill(&out, rows), LI_OK);
    CHECK_EQ(ctx.peak_bytes - before, grown); /* nothing is allocated per row */
    li_rows_close(&rows);
    CHECK_EQ(ctx.bytes, 0);
    return out;
}

/* Every allocation of open fails once: LI_ENOMEM, the chain and ledger as they were. */
static inline void
picture_starve(const li_op *op, const li_frame *in)
{
    for (int64_t allowed = 0;; allowed++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_info info = in->info;
        CHECK_EQ(op->kind->shape(&ctx, op, in->info, &info), LI_OK);
        li_rows *rows = strict_open(&ctx, in, NULL), *source = rows;
        uint64_t before = ctx.bytes;
        ctx.allocs_left = allowed;
        li_status status = op->kind->open(op, info, &rows);
        if (status == LI_OK) {
            li_rows_close(&rows);
            CHECK_EQ(ctx.bytes, 0);
            return;
        }
        CHECK_EQ(status, LI_ENOMEM);
        CHECK(rows == source);
        CHECK_EQ(ctx.bytes, before);
        li_rows_close(&rows);
        CHECK_EQ(ctx.bytes, 0);
        CHECK(allowed < 64);
    }
}

#endif
