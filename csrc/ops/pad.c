/* pad.c: put rows and columns of one colour around a picture. Layer 2. */
#include "ops/op.h"

#include <stdio.h>
#include <string.h>

enum { MAX_SIDE = 65535 };

typedef struct pad_rows {
    li_rows base;
    li_pad by;
    uint8_t *blank; /* owned: a row of the colour */
    uint8_t *out;   /* owned: a row with its ends in the colour */
} pad_rows;

static bool
is_inside(const pad_rows *self, uint32_t y)
{
    return y >= self->by.top && y - self->by.top < self->base.up->info.height;
}

static li_status
pad_next(li_rows *rows, const uint8_t **row)
{
    pad_rows *self = (pad_rows *)rows;
    const uint8_t *from;
    *row = self->blank;
    if (!is_inside(self, rows->y))
        return LI_OK;
    LI_TRY(li_rows_next(rows->up, &from));
    memcpy(self->out + (size_t)self->by.left * li_pixel_bytes(rows->info.pixel), from,
           li_row_bytes(rows->up->info));
    *row = self->out;
    return LI_OK;
}

/* Of the rows that are skipped, those that the picture has. */
static li_status
pad_skip(li_rows *rows, uint32_t count)
{
    const pad_rows *self = (const pad_rows *)rows;
    uint32_t inside = 0;
    for (uint32_t k = 0; k < count; k++)
        inside += is_inside(self, rows->y + k);
    return inside ? li_rows_skip(rows->up, inside) : LI_OK;
}

static void
pad_close(li_rows *rows)
{
    pad_rows *self = (pad_rows *)rows;
    li_free(rows->ctx, &self->blank);
    li_free(rows->ctx, &self->out);
}

static const li_rows_ops pad_ops = {
    .name = "pad",
    .next = pad_next,
    .skip = pad_skip,
    .close = pad_close,
};

/* --- the op ------------------------------------------------------------------------
 */

static li_status
pad_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    const li_pad *by = &op->u.pad;
    uint64_t width = (uint64_t)in.width + by->left + by->right;
    uint64_t height = (uint64_t)in.height + by->top + by->bottom;
    if (in.pixel == LI_CMYK8)
        return li_fail(ctx, LI_E210_COLOR_SPACE, "pad: cannot take %s pixels",
                       li_pixel_name(in.pixel));
    if (width > MAX_SIDE || height > MAX_SIDE)
        return li_fail(ctx, LI_E400_ARGUMENT,
                       "pad: %ux%u would be %llux%llu, a side over %d", in.width,
                       in.height, (unsigned long long)width, (unsigned long long)height,
                       MAX_SIDE);
    *out = (li_info){(uint32_t)width, (uint32_t)height, in.pixel};
    return LI_OK;
}

static uint64_t
pad_bytes(const li_op *op, li_info in, li_info out)
{
    (void)op;
    (void)in;
    return sizeof(pad_rows) + LI_BLOCK_OVERHEAD +
           2 * (li_row_bytes(out) + LI_BLOCK_OVERHEAD);
}

static void
fill_row(uint8_t *to, li_info info, const li_color *color)
{
    uint8_t pixel[LI_MOST_PIXEL_BYTES];
    uint32_t bytes = li_pixel_bytes(info.pixel);
    li_pixel_fill(info.pixel, color, pixel);
    for (uint32_t x = 0; x < info.width; x++)
        memcpy(to + (size_t)x * bytes, pixel, bytes);
}

static li_status
pad_open(const li_op *op, li_info out, li_rows **chain)
{
    li_ctx *ctx = (*chain)->ctx;
    LI_TRY(li_rows_push(ctx, sizeof(pad_rows), &pad_ops, out, chain));
    pad_rows *self = (pad_rows *)*chain;
    self->by = op->u.pad;
    li_status status = li_alloc(ctx, li_row_bytes(out), 1, &self->blank);
    if (status == LI_OK)
        status = li_alloc(ctx, li_row_bytes(out), 1, &self->out);
    if (status != LI_OK) {
        li_rows_pop(chain);
        return status;
    }
    fill_row(self->blank, out, &self->by.color);
    memcpy(self->out, self->blank, li_row_bytes(out));
    return LI_OK;
}

static li_pixel
pad_wants(const li_op *op, li_pixel in)
{
    const li_pad *by = &op->u.pad;
    bool any = by->left || by->top || by->right || by->bottom;
    return any ? li_pixel_holding(in, &by->color) : in;
}

static bool
pad_idle(const li_op *op, li_info in, li_info out)
{
    (void)op;
    return in.width == out.width && in.height == out.height;
}

static void
pad_say(const li_op *op, char *text, size_t size)
{
    const li_pad *by = &op->u.pad;
    char color[10];
    li_color_text(&by->color, color);
    snprintf(text, size, "%s left %u, top %u, right %u, bottom %u", color, by->left,
             by->top, by->right, by->bottom);
}

static bool
pad_adds_srgb(const li_op *op, li_pixel in)
{
    (void)in;
    return op->u.pad.color.channel[3] && !li_color_is_neutral(op->u.pad.color.channel);
}

const li_op_kind li_op_pad = {
    .name = "pad",
    .shape = pad_shape,
    .bytes = pad_bytes,
    .open = pad_open,
    .wants = pad_wants,
    .idle = pad_idle,
    .say = pad_say,
    .adds_srgb = pad_adds_srgb,
};

/* --- colours -----------------------------------------------------------------------
 */

static bool
is_gray(const li_color *color)
{
    const uint8_t *channel = color->channel;
    return channel[0] == channel[1] && channel[1] == channel[2];
}

li_pixel
li_pixel_holding(li_pixel in, const li_color *color)
{
    uint32_t pixel = in;
    if (li_pixel_is_gray(in) && color->channel[3] && !is_gray(color))
        pixel += LI_RGB8 - LI_GRAY8;
    if (!li_pixel_has_alpha(in) && color->channel[3] != 255)
        pixel += LI_GRAYA8 - LI_GRAY8;
    return (li_pixel)pixel;
}

void
li_pixel_fill(li_pixel pixel, const li_color *color, uint8_t bytes[LI_MOST_PIXEL_BYTES])
{
    uint32_t last = (li_pixel_channels(pixel) - 1) & 3;
    bool unseen = color->channel[3] == 0; /* has no colour, as after a resize */
    memset(bytes, 0, LI_MOST_PIXEL_BYTES);
    if (!unseen)
        memcpy(bytes, color->channel, 3);
    if (li_pixel_has_alpha(pixel))
        bytes[last] = color->channel[3];
    /* 257 × a byte is that byte twice, in any order of bytes. */
    for (uint32_t c = 4; li_pixel_is_deep(pixel) && c-- > 0;)
        bytes[2 * c] = bytes[2 * c + 1] = bytes[c];
}

bool
li_color_is_neutral(const uint8_t *rgb)
{
    return rgb[0] == rgb[1] && rgb[1] == rgb[2] && (rgb[0] == 0 || rgb[0] == 255);
}

void
li_color_text(const li_color *color, char text[10])
{
    const uint8_t *channel = color->channel;
    if (channel[3] == 255)
        snprintf(text, 10, "#%02x%02x%02x", channel[0], channel[1], channel[2]);
    else
        snprintf(text, 10, "#%02x%02x%02x%02x", channel[0], channel[1], channel[2],
                 channel[3]);
}
