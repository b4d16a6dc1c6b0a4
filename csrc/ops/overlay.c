/* overlay.c: lay a second picture over the first. It is a stream as well: its rows are
 * pulled as they are needed, so neither picture is ever held. Tiles begin the stream
 * anew, or come from a frame where they are small. Both are mixed as deep as the first.
 * Layer 2. */
#include "kernels/deep.h"
#include "ops/op.h"

#include <stdio.h>
#include <string.h>

enum {
    OPAQUE = 1 << 16,
    FULL = 255 * OPAQUE, /* alpha times opacity; 255 times that fits 32 bits */
    MOST = 65535,        /* of a deep sample */
    HELD_MOST = 4 << 20, /* bytes of a tile that is not read anew */
};

typedef struct overlay_rows {
    li_rows base;
    li_overlay by;
    int64_t x, y;  /* of the first copy that shows, left and top; may be below 0 */
    int64_t end;   /* of the rows that it covers */
    li_rows *over; /* owned: the second picture, from wherever it is */
    li_frame held; /* owned: or all of it */
    uint8_t *out;  /* owned: the row handed out */
    void *other;   /* owned: a row of `over` as deep as `out`; NULL: it is */
} overlay_rows;

/* Alpha of 65535 times opacity; 65535² times that fits 64 bits. */
static const uint64_t DEEP_FULL = (uint64_t)MOST * OPAQUE;

/* --- where -------------------------------------------------------------------------
 */

/* The first place not above 0 from which steps of `size` lead to `place`. */
static int64_t
first_tile(int64_t place, int64_t size)
{
    int64_t rest = place % size;
    return rest > 0 ? rest - size : rest;
}

static void
find_place(const li_overlay *by, li_info under, int64_t place[2])
{
    li_info over = by->picture->info;
    place[0] = by->x;
    place[1] = by->y;
    if (!by->placed) {
        place[0] = li_at_before((int64_t)under.width - over.width, by->at_x);
        place[1] = li_at_before((int64_t)under.height - over.height, by->at_y);
    }
    if (by->tile) {
        place[0] = first_tile(place[0], over.width);
        place[1] = first_tile(place[1], over.height);
    }
}

static bool
shows(const li_overlay *by, li_info under)
{
    int64_t place[2];
    find_place(by, under, place);
    return by->opacity > 0 && place[0] < under.width && place[1] < under.height &&
           place[0] + by->picture->info.width > 0 &&
           place[1] + by->picture->info.height > 0;
}

/* Rows of it come more than once, and it is small. */
static bool
is_held(const li_overlay *by, li_info under)
{
    int64_t place[2];
    find_place(by, under, place);
    return by->tile && place[1] + by->picture->info.height < under.height &&
           li_image_bytes(by->picture->info) <= HELD_MOST;
}

/* --- pixels ------------------------------------------------------------------------
 */

/* "Over" in encoded values, rounded once; `cover` is of FULL. */
static inline uint8_t
mixed(uint8_t over, uint8_t under, uint32_t cover)
{
    return (uint8_t)((over * cover + under * (FULL - cover) + FULL / 2) / FULL);
}

static void
lay_on_opaque(const li_overlay *by, uint32_t colours, const uint8_t *over, uint8_t *out,
              uint32_t count)
{
    uint32_t last = li_pixel_channels(by->picture->info.pixel) - 1;
    uint32_t step = last > 1; /* gray over RGB: the same for all three */
    for (; count > 0; count--, over += last + 1, out += colours) {
        uint32_t cover = over[last] * by->opacity;
        if (!cover)
            continue;
        for (uint32_t c = 0; c < colours; c++)
            out[c] = mixed(over[c * step], out[c], cover);
    }
}

static void
lay_on_alpha(const li_overlay *by, uint32_t colours, const uint8_t *over, uint8_t *out,
             uint32_t count)
{
    uint32_t last = li_pixel_channels(by->picture->info.pixel) - 1;
    uint32_t step = last > 1;
    for (; count > 0; count--, over += last + 1, out += colours + 1) {
        uint64_t cover = (uint64_t)over[last] * by->opacity;
        uint64_t mine = cover * 255, theirs = out[colours] * (FULL - cover);
        uint64_t alpha = mine + theirs; /* of 255 · FULL */
        if (!cover)
            continue;
        for (uint32_t c = 0; c < colours; c++)
            out[c] = (uint8_t)((over[c * step] * mine + out[c] * theirs + alpha / 2) /
                               alpha);
        out[colours] = (uint8_t)((alpha + FULL / 2) / FULL);
    }
}

static void
lay_deep_on_opaque(const li_overlay *by, uint32_t colours, const uint16_t *over,
                   uint16_t *out, uint32_t count)
{
    uint32_t last = li_pixel_channels(by->picture->info.pixel) - 1;
    uint32_t step = last > 1;
    for (; count > 0; count--, over += last + 1, out += colours) {
        uint64_t cover = (uint64_t)over[last] * by->opacity;
        if (!cover)
            continue;
        for (uint32_t c = 0; c < colours; c++)
            out[c] = (uint16_t)((over[c * step] * cover + out[c] * (DEEP_FULL - cover) +
                                 DEEP_FULL / 2) /
                                DEEP_FULL);
    }
}

static void
lay_deep_on_alpha(const li_overlay *by, uint32_t colours, const uint16_t *over,
                  uint16_t *out, uint32_t count)
{
    uint32_t last = li_pixel_channels(by->picture->info.pixel) - 1;
    uint32_t step = last > 1;
    for (; count > 0; count--, over += last + 1, out += colours + 1) {
        uint64_t cover = (uint64_t)over[last] * by->opacity;
        uint64_t mine = cover * MOST, theirs = out[colours] * (DEEP_FULL - cover);
        uint64_t alpha = mine + theirs; /* of MOST · DEEP_FULL */
        if (!cover)
            continue;
        for (uint32_t c = 0; c < colours; c++)
            out[c] = (uint16_t)((over[c * step] * mine + out[c] * theirs + alpha / 2) /
                                alpha);
        out[colours] = (uint16_t)((alpha + DEEP_FULL / 2) / DEEP_FULL);
    }
}

static void
lay_pixels(const overlay_rows *self, const uint8_t *over, uint8_t *out, uint32_t count)
{
    li_pixel pixel = self->base.info.pixel;
    bool alpha = li_pixel_has_alpha(pixel);
    uint32_t colours = li_pixel_channels(pixel) - alpha;
    if (li_pixel_is_deep(pixel))
        (alpha ? lay_deep_on_alpha : lay_deep_on_opaque)(
            &self->by, colours, (const uint16_t *)(const void *)over,
            (uint16_t *)(void *)out, count);
    else
        (alpha ? lay_on_alpha : lay_on_opaque)(&self->by, colours, over, out, count);
}

/* `over` is as deep as the row that it is laid on. */
static void
lay_row(const overlay_rows *self, const uint8_t *over)
{
    li_info info = self->base.info, theirs = self->by.picture->info;
    size_t bytes = li_pixel_bytes(info.pixel);
    theirs.pixel = li_pixel_with_depth(theirs.pixel, li_pixel_is_deep(info.pixel));
    for (int64_t x = self->x; x < info.width; x += theirs.width) {
        int64_t cut = x < 0 ? -x : 0, left = info.width - x;
        int64_t end = left < theirs.width ? left : theirs.width;
        if (cut < end)
            lay_pixels(self, over + (size_t)cut * li_pixel_bytes(theirs.pixel),
                       self->out + (size_t)(x + cut) * bytes, (uint32_t)(end - cut));
        if (!self->by.tile)
            break;
    }
}

/* --- rows --------------------------------------------------------------------------
 */

static li_status
begin(overlay_rows *self)
{
    li_ctx *ctx = self->base.ctx;
    li_rows_close(&self->over);
    if (self->held.pixels)
        return li_frame_rows(ctx, &self->held, &self->over);
    return self->by.picture->open(self->by.picture, ctx, &self->over);
}

/* To the depth of the first picture. */
static const uint8_t *
fit_depth(const overlay_rows *self, const uint8_t *row)
{
    li_info theirs = self->by.picture->info;
    size_t samples = (size_t)theirs.width * li_pixel_channels(theirs.pixel);
    if (!self->other)
        return row;
    if (li_pixel_is_deep(theirs.pixel))
        li_deep_to_bytes((const uint16_t *)(const void *)row, self->other, samples);
    else
        li_deep_from_bytes(row, self->other, samples);
    return self->other;
}

/* Row y of the second picture; rows are asked for from top to bottom, tile by tile. */
static li_status
over_row(overlay_rows *self, uint32_t y, const uint8_t **row)
{
    if (!self->over || y < self->over->y)
        LI_TRY(begin(self));
    LI_TRY(li_rows_skip(self->over, y - self->over->y));
    return li_rows_next(self->over, row);
}

static li_status
overlay_next(li_rows *rows, const uint8_t **row)
{
    overlay_rows *self = (overlay_rows *)rows;
    const uint8_t *over;
    LI_TRY(li_rows_next(rows->up, row));
    if (rows->y < self->y || rows->y >= self->end)
        return LI_OK;
    int64_t y = (rows->y - self->y) % self->by.picture->info.height;
    LI_TRY(over_row(self, (uint32_t)y, &over));
    memcpy(self->out, *row, li_row_bytes(rows->info));
    lay_row(self, fit_depth(self, over));
    *row = self->out;
    return LI_OK;
}

static li_status
overlay_skip(li_rows *rows, uint32_t count)
{
    return li_rows_skip(rows->up, count);
}

static void
overlay_close(li_rows *rows)
{
    overlay_rows *self = (overlay_rows *)rows;
    li_rows_close(&self->over);
    li_frame_free(rows->ctx, &self->held);
    li_free(rows->ctx, &self->out);
    li_free(rows->ctx, &self->other);
}

static const li_rows_ops overlay_ops = {
    .name = "overlay",
    .next = overlay_next,
    .skip = overlay_skip,
    .close = overlay_close,
};

/* --- the op ------------------------------------------------------------------------
 */

static li_status
overlay_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    if (in.pixel == LI_CMYK8)
        return li_fail(ctx, LI_E210_COLOR_SPACE, "overlay: cannot take %s pixels",
                       li_pixel_name(in.pixel));
    if (op->u.overlay.opacity > OPAQUE)
        return li_fail(ctx, LI_E400_ARGUMENT, "overlay: opacity %u of %d",
                       op->u.overlay.opacity, OPAQUE);
    *out = in;
    return LI_OK;
}

/* Bytes of a row of the second picture at the depth of the first; 0: it has that. */
static size_t
other_bytes(const li_overlay *by, li_info under)
{
    li_info over = by->picture->info;
    bool deep = li_pixel_is_deep(under.pixel);
    if (li_pixel_is_deep(over.pixel) == deep)
        return 0;
    over.pixel = li_pixel_with_depth(over.pixel, deep);
    return li_row_bytes(over);
}

static uint64_t
overlay_bytes(const li_op *op, li_info in, li_info out)
{
    const li_overlay *by = &op->u.overlay;
    uint64_t held = is_held(by, in) ? li_frame_bytes(by->picture->info) : 0;
    uint64_t own = sizeof(overlay_rows) + li_row_bytes(out) + other_bytes(by, in) +
                   4 * LI_BLOCK_OVERHEAD;
    return li_sat_add(li_sat_add(own + 4096, held), by->picture->bytes);
}

/* The frame takes the place of the stream that fills it. */
static li_status
hold(overlay_rows *self)
{
    li_status status =
        li_frame_alloc(self->base.ctx, self->by.picture->info, &self->held);
    if (status == LI_OK)
        status = li_frame_fill(&self->held, self->over);
    li_rows_close(&self->over);
    return status;
}

static li_status
overlay_open(const li_op *op, li_info out, li_rows **chain)
{
    li_ctx *ctx = (*chain)->ctx;
    LI_TRY(li_rows_push(ctx, sizeof(overlay_rows), &overlay_ops, out, chain));
    overlay_rows *self = (overlay_rows *)*chain;
    int64_t place[2];
    self->by = op->u.overlay;
    find_place(&self->by, out, place);
    self->x = place[0];
    self->y = place[1];
    self->end = self->by.tile ? out.height : place[1] + self->by.picture->info.height;
    size_t other = other_bytes(&self->by, out);
    li_status status = li_alloc(ctx, li_row_bytes(out), 1, &self->out);
    if (status == LI_OK && other)
        status = li_alloc(ctx, other, 1, &self->other);
    if (status == LI_OK)
        status = begin(self);
    if (status == LI_OK && is_held(&self->by, out))
        status = hold(self);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

/* Colours over gray make colours. */
static li_pixel
overlay_wants(const li_op *op, li_pixel in)
{
    bool gray = li_pixel_is_gray(op->u.overlay.picture->info.pixel);
    uint32_t more = gray || !li_pixel_is_gray(in) ? 0 : LI_RGB8 - LI_GRAY8;
    return (li_pixel)(in + more);
}

static bool
overlay_idle(const li_op *op, li_info in, li_info out)
{
    (void)out;
    return !shows(&op->u.overlay, in);
}

static void
overlay_say(const li_op *op, char *text, size_t size)
{
    const li_overlay *by = &op->u.overlay;
    li_info over = by->picture->info;
    char where[48] = "";
    if (by->placed)
        snprintf(where, sizeof(where), " at %lld, %lld", (long long)by->x,
                 (long long)by->y);
    snprintf(text, size, "%s%ux%u %s%s, opacity %.4g", by->tile ? "tiles of " : "",
             over.width, over.height, li_pixel_name(over.pixel), where,
             (double)by->opacity / OPAQUE);
}

static bool
overlay_adds_srgb(const li_op *op, li_pixel in)
{
    (void)op;
    (void)in;
    return true;
}

const li_op_kind li_op_overlay = {
    .name = "overlay",
    .shape = overlay_shape,
    .bytes = overlay_bytes,
    .open = overlay_open,
    .wants = overlay_wants,
    .idle = overlay_idle,
    .say = overlay_say,
    .adds_srgb = overlay_adds_srgb,
};
