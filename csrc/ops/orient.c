/* orient.c: the eight orientations. A mirrored picture streams; any other is held in a
 * frame, and goes as it is handed out. Layer 2.
 *
 * The frame has the last output row first, so that those that are done with are its
 * end, which is given back. Who filled it is closed: a decoder and what encodes the
 * turned picture need not be there at once.
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
    STRIP = 16, /* input rows turned at once: 16 pixels of an output row are at most two
                   cache lines of RGB, written once */
    FRAME_SLACK = 16, /* row kernels may read this far past the last row */
    LEAST_BACK =
        64 << 10,  /* bytes that are given back at once, at least, and of what */
    PART_BACK = 8, /* is held: where that takes a copy, there are few */
};

typedef struct orient_rows {
    li_rows base;
    turn by;
    li_info in;     /* before the turn */
    uint8_t *frame; /* owned: output row y is row height − 1 − y; NULL: mirrored only */
    size_t held;     /* bytes of it */
    uint8_t *strip;  /* owned: input rows, while a transposed frame is filled */
    uint8_t *out;    /* owned: a mirrored row */
    uint32_t filled; /* input rows in the frame or the strip */
} orient_rows;

/* From a row of the strip to the next: an odd number of cache lines, so that the rows
 * of the strip never meet in one set of the cache. */
static size_t
strip_stride(li_info in)
{
    size_t lines = (li_row_bytes(in) + 63) / 64;
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

/* A column of the strip as a piece of a row. */
static inline __attribute__((always_inline)) void
gather(const uint8_t *from, int64_t step, uint8_t *out, uint32_t count,
       const size_t bytes)
{
    for (uint32_t k = 0; k < count; k++, out += bytes, from += step)
        memcpy(out, from, bytes);
}

/* The strip, whose first row is input row `first`, into every row of the frame. */
static inline __attribute__((always_inline)) void
turn_strip(orient_rows *self, uint32_t first, uint32_t count, const size_t bytes)
{
    size_t stride = li_row_bytes(self->base.info);
    int64_t step = (int64_t)strip_stride(self->in);
    const uint8_t *from = self->strip;
    uint32_t x = self->by.flips ? self->in.height - first - count : first;
    if (self->by.flips) {
        from += step * (count - 1);
        step = -step;
    }
    uint8_t *out = self->frame + x * bytes;
    uint32_t last = self->in.width - 1;
    for (uint32_t row = 0; row <= last; row++, out += stride) {
        uint32_t u = self->by.mirrors ? row : last - row;
        gather(from + u * bytes, step, out, count, bytes);
    }
}

static void
empty_strip(orient_rows *self, uint32_t first, uint32_t count)
{
    switch (li_pixel_bytes(self->in.pixel)) {
    case 1:
        turn_strip(self, first, count, 1);
        break;
    case 2:
        turn_strip(self, first, count, 2);
        break;
    case 3:
        turn_strip(self, first, count, 3);
        break;
    case 4:
        turn_strip(self, first, count, 4);
        break;
    case 6:
        turn_strip(self, first, count, 6);
        break;
    default:
        turn_strip(self, first, count, 8);
    }
}

/* One input row. What made them goes with the last. */
static li_status
fill_row(orient_rows *self)
{
    const uint8_t *row;
    uint32_t y = self->filled, in_strip = y % STRIP;
    size_t bytes = li_row_bytes(self->in);
    LI_TRY(li_poll(self->base.ctx));
    LI_TRY(li_rows_next(self->base.up, &row));
    bool last = ++self->filled == self->in.height;
    if (!self->by.transposes) {
        memcpy(self->frame + y * bytes, row, bytes);
    } else {
        memcpy(self->strip + in_strip * strip_stride(self->in), row, bytes);
        if (last || in_strip + 1 == STRIP)
            empty_strip(self, y - in_strip, in_strip + 1);
    }
    if (!last)
        return LI_OK;
    li_free(self->base.ctx, &self->strip);
    li_rows_close(&self->base.up);
    return LI_OK;
}

/* Rows up to rows->y are done with. */
static li_status
give_back(orient_rows *self)
{
    uint32_t left = self->base.info.height - self->base.y;
    size_t needed = left * li_row_bytes(self->base.info) + FRAME_SLACK;
    size_t spare = self->held - needed;
    if (spare < LEAST_BACK || spare < self->held / PART_BACK)
        return LI_OK;
    LI_TRY(li_resize_alloc(self->base.ctx, needed, &self->frame));
    self->held = needed;
    return LI_OK;
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
held_next(li_rows *rows, const uint8_t **row)
{
    orient_rows *self = (orient_rows *)rows;
    while (self->filled < self->in.height)
        LI_TRY(fill_row(self));
    LI_TRY(give_back(self));
    uint32_t at = rows->info.height - 1 - rows->y;
    const uint8_t *found = self->frame + at * li_row_bytes(rows->info);
    *row = found;
    if (self->out) {
        reverse_row(found, self->out, rows->info);
        *row = self->out;
    }
    return LI_OK;
}

/* With the picture in a frame, any row can be the next. */
static li_status
held_skip(li_rows *rows, uint32_t count)
{
    (void)rows;
    (void)count;
    return LI_OK;
}

static void
orient_close(li_rows *rows)
{
    orient_rows *self = (orient_rows *)rows;
    li_free(rows->ctx, &self->frame);
    li_free(rows->ctx, &self->strip);
    li_free(rows->ctx, &self->out);
}

static const li_rows_ops mirrored_ops = {
    .name = "orient",
    .next = mirrored_next,
    .skip = mirrored_skip,
    .close = orient_close,
};

static const li_rows_ops held_ops = {
    .name = "orient",
    .next = held_next,
    .skip = held_skip,
    .close = orient_close,
};

/* The topmost stage of a chain that holds the picture, or NULL. */
static orient_rows *
holder_of(li_rows *chain)
{
    while (chain && chain->ops != &held_ops)
        chain = chain->up;
    return (orient_rows *)chain;
}

/* Of those that are not full the one with the least of its picture, or NULL. */
static orient_rows *
emptiest_of(li_rows *const *chains, uint32_t count)
{
    orient_rows *found = NULL;
    for (uint32_t c = 0; c < count; c++) {
        orient_rows *self = holder_of(chains[c]);
        if (self && self->filled < self->in.height &&
            (!found || (uint64_t)self->filled * found->in.height <
                           (uint64_t)found->filled * self->in.height))
            found = self;
    }
    return found;
}

/* Planes in step, so that none waits in its port for another. */
li_status
li_orient_settle(li_rows *const *chains, uint32_t count, int64_t *spent_ns)
{
    int64_t start = li_now_ns();
    li_status status = LI_OK;
    orient_rows *self;
    while (status == LI_OK && (self = emptiest_of(chains, count)) != NULL)
        status = fill_row(self);
    *spent_ns += li_now_ns() - start;
    return status;
}

/* --- the op ------------------------------------------------------------------------
 */

static bool
is_held(turn by)
{
    return by.transposes || by.flips;
}

static uint64_t
frame_bytes(li_info info)
{
    return li_sat_add(li_image_bytes(info), FRAME_SLACK);
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
    if (is_held(by))
        bytes = li_sat_add(bytes, frame_bytes(out) + LI_BLOCK_OVERHEAD + PAGE_BYTES);
    if (by.transposes)
        bytes = li_sat_add(bytes, STRIP * (uint64_t)strip_stride(in) +
                                      LI_BLOCK_OVERHEAD + PAGE_BYTES);
    else if (by.mirrors)
        bytes = li_sat_add(bytes, li_row_bytes(out) + LI_BLOCK_OVERHEAD);
    return bytes;
}

static li_status
orient_allocate(orient_rows *self)
{
    li_ctx *ctx = self->base.ctx;
    li_info info = self->base.info;
    if (is_held(self->by)) {
        LI_TRY(li_alloc(ctx, frame_bytes(info), 1, &self->frame));
        self->held = (size_t)frame_bytes(info);
    }
    if (self->by.transposes)
        return li_alloc(ctx, STRIP, strip_stride(self->in), &self->strip);
    return self->by.mirrors ? li_alloc(ctx, li_row_bytes(info), 1, &self->out) : LI_OK;
}

static li_status
orient_open(const li_op *op, li_info out, li_rows **chain)
{
    li_info in = (*chain)->info;
    turn by = turns[op->u.orient];
    if (op->u.orient == 1)
        return LI_OK;
    LI_TRY(li_rows_push((*chain)->ctx, sizeof(orient_rows),
                        is_held(by) ? &held_ops : &mirrored_ops, out, chain));
    orient_rows *self = (orient_rows *)*chain;
    self->by = by;
    self->in = in;
    li_status status = orient_allocate(self);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

const li_op_kind li_op_orient = {
    .name = "orient",
    .shape = orient_shape,
    .bytes = orient_bytes,
    .open = orient_open,
};
