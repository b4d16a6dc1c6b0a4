/* convert.c: between gray and RGB, with and without alpha, 8 bits a sample. Layer 2. */
#include "kernels/kernels.h"
#include "ops/op.h"

typedef struct convert_rows {
    li_rows base;
    li_convert to;
    const li_kernels *kernels;
    uint8_t *out; /* owned: the row handed out */
} convert_rows;

static li_status
convert_next(li_rows *rows, const uint8_t **row)
{
    convert_rows *self = (convert_rows *)rows;
    const li_kernels *kernels = self->kernels;
    li_pixel from = rows->up->info.pixel, to = rows->info.pixel;
    uint32_t channels = li_pixel_channels(from), wanted = li_pixel_channels(to);
    const uint8_t *found;
    LI_TRY(li_rows_next(rows->up, &found));
    if (self->to.flatten && li_pixel_has_alpha(from) && !li_pixel_has_alpha(to))
        kernels->flatten(found, channels, self->to.background, self->out, wanted,
                         rows->info.width);
    else
        kernels->convert(found, channels, self->out, wanted, rows->info.width);
    *row = self->out;
    return LI_OK;
}

static li_status
convert_skip(li_rows *rows, uint32_t count)
{
    return li_rows_skip(rows->up, count);
}

static void
convert_close(li_rows *rows)
{
    li_free(rows->ctx, &((convert_rows *)rows)->out);
}

static const li_rows_ops convert_ops = {
    .name = "convert",
    .next = convert_next,
    .skip = convert_skip,
    .close = convert_close,
};

/* Without alpha; over a background that has a hue, with one. */
static li_pixel
flat_pixel(li_pixel in, const uint8_t background[3])
{
    bool gray = background[0] == background[1] && background[1] == background[2];
    if (!li_pixel_has_alpha(in))
        return in;
    return in == LI_GRAYA8 && gray ? LI_GRAY8 : LI_RGB8;
}

static li_status
convert_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    li_pixel to = op->u.convert.pixel;
    if (!to)
        to = flat_pixel(in.pixel, op->u.convert.background);
    if (in.pixel > LI_RGBA8 || to > LI_RGBA8)
        return li_fail(ctx, LI_E210_COLOR_SPACE, "convert: cannot turn %s into %s",
                       li_pixel_name(in.pixel), li_pixel_name(to));
    *out = (li_info){in.width, in.height, to};
    return LI_OK;
}

static uint64_t
convert_bytes(const li_op *op, li_info in, li_info out)
{
    (void)op;
    if (in.pixel == out.pixel)
        return 0;
    return sizeof(convert_rows) + li_row_bytes(out) + 2 * LI_BLOCK_OVERHEAD;
}

static li_status
convert_open(const li_op *op, li_info out, li_rows **chain)
{
    if ((*chain)->info.pixel == out.pixel)
        return LI_OK;
    li_ctx *ctx = (*chain)->ctx;
    LI_TRY(li_rows_push(ctx, sizeof(convert_rows), &convert_ops, out, chain));
    convert_rows *self = (convert_rows *)*chain;
    self->to = op->u.convert;
    self->kernels = li_kernels_of(ctx);
    li_status status = li_alloc(ctx, li_row_bytes(out), 1, &self->out);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

const li_op_kind li_op_convert = {
    .name = "convert",
    .shape = convert_shape,
    .bytes = convert_bytes,
    .open = convert_open,
    .per_pixel = true,
};
