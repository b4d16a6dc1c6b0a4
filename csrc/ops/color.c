/* color.c: the colours of a profile become sRGB, gray stays gray, alpha is kept.
 * Layer 2. */
#include "color/icc.h"
#include "kernels/kernels.h"
#include "ops/op.h"

#include <stdio.h>

typedef struct color_rows {
    li_rows base;
    const li_icc *icc; /* borrowed */
    uint8_t *out;      /* owned: the row handed out */
} color_rows;

static li_status
color_next(li_rows *rows, const uint8_t **row)
{
    color_rows *self = (color_rows *)rows;
    const uint8_t *found;
    LI_TRY(li_rows_next(rows->up, &found));
    li_icc_apply(self->icc, found, self->out, rows->info.width);
    *row = self->out;
    return LI_OK;
}

static li_status
color_skip(li_rows *rows, uint32_t count)
{
    return li_rows_skip(rows->up, count);
}

static void
color_close(li_rows *rows)
{
    li_free(rows->ctx, &((color_rows *)rows)->out);
}

static const li_rows_ops color_ops = {
    .name = "color",
    .next = color_next,
    .skip = color_skip,
    .close = color_close,
};

static li_status
color_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    *out = in;
    if (in.pixel == li_icc_pixel(op->u.icc))
        return LI_OK;
    return li_fail(ctx, LI_E901_INTERNAL,
                   "color: the profile was opened for %s, not %s",
                   li_pixel_name(li_icc_pixel(op->u.icc)), li_pixel_name(in.pixel));
}

/* The depth that the transform was opened for. */
static li_pixel
color_wants(const li_op *op, li_pixel pixel)
{
    return li_pixel_with_depth(pixel, li_pixel_is_deep(li_icc_pixel(op->u.icc)));
}

static uint64_t
color_bytes(const li_op *op, li_info in, li_info out)
{
    (void)op, (void)in;
    return sizeof(color_rows) + li_row_bytes(out) + LI_ROW_SLACK +
           2 * LI_BLOCK_OVERHEAD;
}

static li_status
color_open(const li_op *op, li_info out, li_rows **chain)
{
    li_ctx *ctx = (*chain)->ctx;
    LI_TRY(li_rows_push(ctx, sizeof(color_rows), &color_ops, out, chain));
    color_rows *self = (color_rows *)*chain;
    self->icc = op->u.icc;
    li_status status = li_alloc(ctx, li_row_bytes(out) + LI_ROW_SLACK, 1, &self->out);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

static void
color_say(const li_op *op, char *text, size_t size)
{
    (void)op;
    snprintf(text, size, "to sRGB");
}

const li_op_kind li_op_color = {
    .name = "color",
    .shape = color_shape,
    .bytes = color_bytes,
    .open = color_open,
    .say = color_say,
    .wants = color_wants,
    .per_pixel = true,
};
