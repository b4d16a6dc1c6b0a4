/* crop.c: keep a rectangle. Copies nothing: a row is a pointer into the row above, rows
 * above it are skipped and rows below it are never asked for. Layer 2. */
#include "ops/op.h"

typedef struct crop_rows {
    li_rows base;
    uint32_t above; /* rows of the input still to skip */
    size_t left;    /* bytes of a row before the rectangle */
} crop_rows;

static li_status
skip_above(crop_rows *self, uint32_t more)
{
    uint32_t count = self->above + more;
    self->above = 0;
    return count ? li_rows_skip(self->base.up, count) : LI_OK;
}

static li_status
crop_next(li_rows *rows, const uint8_t **row)
{
    crop_rows *self = (crop_rows *)rows;
    LI_TRY(skip_above(self, 0));
    LI_TRY(li_rows_next(rows->up, row));
    *row += self->left;
    return LI_OK;
}

static li_status
crop_skip(li_rows *rows, uint32_t count)
{
    return skip_above((crop_rows *)rows, count);
}

static const li_rows_ops crop_ops = {
    .name = "crop",
    .next = crop_next,
    .skip = crop_skip,
};

static li_status
crop_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    li_rect rect = op->u.crop;
    if (!rect.width || !rect.height)
        return li_fail(ctx, LI_E201_CROP_SIZE, "crop: %ux%u+%u+%u is empty", rect.width,
                       rect.height, rect.x, rect.y);
    if (rect.x > in.width || rect.width > in.width - rect.x || rect.y > in.height ||
        rect.height > in.height - rect.y)
        return li_fail(ctx, LI_E200_CROP_BOUNDS, "crop: %ux%u+%u+%u is outside %ux%u",
                       rect.width, rect.height, rect.x, rect.y, in.width, in.height);
    *out = (li_info){rect.width, rect.height, in.pixel};
    return LI_OK;
}

static uint64_t
crop_bytes(const li_op *op, li_info in, li_info out)
{
    (void)op;
    (void)in;
    (void)out;
    return sizeof(crop_rows) + LI_BLOCK_OVERHEAD;
}

static li_status
crop_open(const li_op *op, li_info out, li_rows **chain)
{
    LI_TRY(li_rows_push((*chain)->ctx, sizeof(crop_rows), &crop_ops, out, chain));
    crop_rows *self = (crop_rows *)*chain;
    self->above = op->u.crop.y;
    self->left = (size_t)op->u.crop.x * li_pixel_bytes(out.pixel);
    return LI_OK;
}

const li_op_kind li_op_crop = {
    .name = "crop",
    .shape = crop_shape,
    .bytes = crop_bytes,
    .open = crop_open,
};
