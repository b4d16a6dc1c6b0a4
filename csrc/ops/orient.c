/* orient.c: the eight orientations. A mirrored picture streams; upside down is a frame
 * read backwards; a transposed one is a frame read by strips of columns. Layer 2.
 *
 * Each orientation is "swap x and y, then mirror": output (x, y) is input (u, v), where
 * (u, v) is (x, y) or, transposed, (y, x), and then u counts from the right if
 * `mirrors`, v from below if `flips`. */
#include "ops/op.h"

#include <string.h>

/* --- the group ---------------------------------------------------------------------
 */

typedef struct turn {
    bool transposes, mirrors, flips;
} turn;

static const turn turns[9] = {
    [1] = {false, false, false}, [2] = {false, true, false}, [3] = {false, true, true},
    [4] = {false, false, true},  [5] = {true, false, false}, [6] = {true, false, true},
    [7] = {true, true, true},    [8] = {true, true, false},
};

static li_orientation
orientation_of(turn wanted)
{
    li_orientation found = 1;
    while (turns[found].transposes != wanted.transposes ||
           turns[found].mirrors != wanted.mirrors || turns[found].flips != wanted.flips)
        found++;
    return found;
}

li_orientation
li_orient_then(li_orientation first, li_orientation second)
{
    turn a = turns[first], b = turns[second];
    /* b says where in the middle picture a pixel comes from; a swaps its axes. */
    bool mirrors = a.transposes ? b.flips : b.mirrors;
    bool flips = a.transposes ? b.mirrors : b.flips;
    return orientation_of(
        (turn){a.transposes != b.transposes, a.mirrors != mirrors, a.flips != flips});
}

/* Only the quarter turns are not their own inverse. */
li_orientation
li_orient_inverse(li_orientation orientation)
{
    if (orientation == 6)
        return 8;
    return orientation == 8 ? 6 : orientation;
}

li_rect
li_orient_rect(li_orientation orientation, li_info info, li_rect rect)
{
    turn by = turns[orientation];
    if (by.mirrors)
        rect.x = info.width - rect.x - rect.width;
    if (by.flips)
        rect.y = info.height - rect.y - rect.height;
    if (by.transposes)
        return (li_rect){rect.y, rect.x, rect.height, rect.width};
    return rect;
}

/* --- rows --------------------------------------------------------------------------
 */

enum { PAGE_BYTES = 4096 }; /* li_alloc rounds a large block up to pages */

enum {
    STRIP = 16
}; /* output rows gathered at once: 16 pixels of an input row are at
      most two cache lines of RGB, read once */

typedef struct orient_rows {
    li_rows base;
    turn by;
    li_frame frame; /* owned: the input; empty when it is mirrored only */
    uint8_t *out;   /* owned: the row handed out, or a strip of rows */
    uint32_t strip_begin, strip_end; /* output rows in the strip */
} orient_rows;

/* From a row of the strip to the next: an odd number of cache lines, so that the rows
 * of the strip never meet in one set of the cache. */
static size_t
strip_stride(li_info info)
{
    size_t lines = (li_row_bytes(info) + 63) / 64;
    return (lines | 1) * 64;
}

static inline __attribute__((always_inline)) void
reverse(const uint8_t *restrict row, uint8_t *restrict out, uint32_t width,
        const size_t bytes)
{
    const uint8_t *from = row + (width - 1) * bytes;
    for (uint32_t x = 0; x < width; x++, from -= bytes, out += bytes)
        memcpy(out, from, bytes);
}

/* The size is a constant in each call, so that a pixel is a move. */
static void
reverse_row(const uint8_t *row, uint8_t *out, li_info info)
{
    switch (li_pixel_bytes(info.pixel)) {
    case 1:
        reverse(row, out, info.width, 1);
        break;
    case 2:
        reverse(row, out, info.width, 2);
        break;
    case 3:
        reverse(row, out, info.width, 3);
        break;
    case 4:
        reverse(row, out, info.width, 4);
        break;
    case 6:
        reverse(row, out, info.width, 6);
        break;
    default:
        reverse(row, out, info.width, 8);
    }
}

/* Column u of the input, `count` columns on, as rows of the output: pixel by pixel of a
 * short run of each input row. `step` is −1 if the columns are read leftwards. */
static inline __attribute__((always_inline)) void
scatter(const uint8_t *from, int64_t step, uint8_t *out, size_t out_row, uint32_t count,
        const size_t bytes)
{
    for (uint32_t k = 0; k < count; k++, out += out_row, from += step * (int64_t)bytes)
        memcpy(out, from, bytes);
}

static inline __attribute__((always_inline)) void
gather_strip(orient_rows *self, uint32_t y, uint32_t count, const size_t bytes)
{
    li_info info = self->base.info, in = self->frame.info;
    size_t out_row = strip_stride(info);
    uint32_t u = self->by.mirrors ? in.width - 1 - y : y;
    int64_t step = self->by.mirrors ? -1 : 1;
    for (uint32_t x = 0; x < info.width; x++) {
        uint32_t v = self->by.flips ? in.height - 1 - x : x;
        scatter(li_frame_row(&self->frame, v) + u * bytes, step, self->out + x * bytes,
                out_row, count, bytes);
    }
}

static void
fill_strip(orient_rows *self, uint32_t y, uint32_t count)
{
    switch (li_pixel_bytes(self->base.info.pixel)) {
    case 1:
        gather_strip(self, y, count, 1);
        break;
    case 2:
        gather_strip(self, y, count, 2);
        break;
    case 3:
        gather_strip(self, y, count, 3);
        break;
    case 4:
        gather_strip(self, y, count, 4);
        break;
    case 6:
        gather_strip(self, y, count, 6);
        break;
    default:
        gather_strip(self, y, count, 8);
    }
}

static li_status
fill_frame(orient_rows *self)
{
    li_rows *up = self->base.up;
    return up->y ? LI_OK : li_frame_fill(&self->frame, up);
}

static li_status
mirrored_next(li_rows *rows, const uint8_t **row)
{
    orient_rows *self = (orient_rows *)rows;
    const uint8_t *found;
    LI_TRY(li_rows_next(rows->up, &found));
    reverse_row(found, self->out, rows->info);
    *row = self->out;
    return LI_OK;
}

static li_status
mirrored_skip(li_rows *rows, uint32_t count)
{
    return li_rows_skip(rows->up, count);
}

static li_status
flipped_next(li_rows *rows, const uint8_t **row)
{
    orient_rows *self = (orient_rows *)rows;
    LI_TRY(fill_frame(self));
    const uint8_t *found = li_frame_row(&self->frame, rows->info.height - 1 - rows->y);
    if (self->by.mirrors)
        reverse_row(found, self->out, rows->info);
    *row = self->by.mirrors ? self->out : found;
    return LI_OK;
}

static li_status
transposed_next(li_rows *rows, const uint8_t **row)
{
    orient_rows *self = (orient_rows *)rows;
    LI_TRY(fill_frame(self));
    if (rows->y >= self->strip_end) {
        uint32_t left = rows->info.height - rows->y;
        self->strip_begin = rows->y;
        self->strip_end = rows->y + (left < STRIP ? left : STRIP);
        fill_strip(self, rows->y, self->strip_end - rows->y);
    }
    *row = self->out + (rows->y - self->strip_begin) * strip_stride(rows->info);
    return LI_OK;
}

/* With the picture in a frame, any row can be the next. */
static li_status
framed_skip(li_rows *rows, uint32_t count)
{
    (void)rows;
    (void)count;
    return LI_OK;
}

static void
orient_close(li_rows *rows)
{
    orient_rows *self = (orient_rows *)rows;
    li_frame_free(rows->ctx, &self->frame);
    li_free(rows->ctx, &self->out);
}

static const li_rows_ops mirrored_ops = {
    .name = "orient",
    .next = mirrored_next,
    .skip = mirrored_skip,
    .close = orient_close,
};

static const li_rows_ops flipped_ops = {
    .name = "orient",
    .next = flipped_next,
    .skip = framed_skip,
    .close = orient_close,
};

static const li_rows_ops transposed_ops = {
    .name = "orient",
    .next = transposed_next,
    .skip = framed_skip,
    .close = orient_close,
};

/* --- the op ------------------------------------------------------------------------
 */

static const li_rows_ops *
ops_of(turn by)
{
    if (by.transposes)
        return &transposed_ops;
    return by.flips ? &flipped_ops : &mirrored_ops;
}

static bool
holds_frame(turn by)
{
    return by.transposes || by.flips;
}

/* Bytes of `out`: a strip, a mirrored row, or none. */
static uint64_t
out_bytes(turn by, li_info info)
{
    if (by.transposes)
        return (uint64_t)STRIP * strip_stride(info);
    return by.mirrors ? li_row_bytes(info) : 0;
}

static li_status
orient_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    li_orientation orientation = op->u.orient;
    if (orientation < 1 || orientation > 8)
        return li_fail(ctx, LI_E901_INTERNAL, "orient: %u is not 1..8", orientation);
    *out = in;
    if (li_orient_transposes(orientation))
        *out = (li_info){in.height, in.width, in.pixel};
    return LI_OK;
}

static uint64_t
orient_bytes(const li_op *op, li_info in, li_info out)
{
    turn by = turns[op->u.orient];
    if (op->u.orient == 1)
        return 0;
    uint64_t bytes = sizeof(orient_rows) + LI_BLOCK_OVERHEAD;
    if (holds_frame(by))
        bytes = li_sat_add(bytes, li_frame_bytes(in));
    if (out_bytes(by, out))
        bytes = li_sat_add(bytes, out_bytes(by, out) + LI_BLOCK_OVERHEAD + PAGE_BYTES);
    return bytes;
}

static li_status
orient_allocate(orient_rows *self, li_info in)
{
    li_ctx *ctx = self->base.ctx;
    if (holds_frame(self->by))
        LI_TRY(li_frame_alloc(ctx, in, &self->frame));
    uint64_t bytes = out_bytes(self->by, self->base.info);
    return bytes ? li_alloc(ctx, bytes, 1, &self->out) : LI_OK;
}

static li_status
orient_open(const li_op *op, li_info out, li_rows **chain)
{
    li_info in = (*chain)->info;
    turn by = turns[op->u.orient];
    if (op->u.orient == 1)
        return LI_OK;
    LI_TRY(li_rows_push((*chain)->ctx, sizeof(orient_rows), ops_of(by), out, chain));
    orient_rows *self = (orient_rows *)*chain;
    self->by = by;
    li_status status = orient_allocate(self, in);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

const li_op_kind li_op_orient = {
    .name = "orient",
    .shape = orient_shape,
    .bytes = orient_bytes,
    .open = orient_open,
    .deep = true,
};
