/* nearest.c: resize by picking the pixel that holds an output's centre. Nothing is
 * computed; a row that is wanted twice is built once. Layer 2. */
#include "ops/resample.h"

#include <string.h>

typedef struct nearest_rows {
    li_rows base;
    li_axis_plan y;
    uint32_t *columns; /* owned: the input column of each output column */
    uint8_t *out;      /* owned: the row handed out */
    uint32_t pulled;   /* input rows taken so far; out holds the last of them */
} nearest_rows;

static void
pick(const uint8_t *restrict row, const uint32_t *columns, uint8_t *restrict out,
     uint32_t width, const size_t bytes)
{
    for (uint32_t x = 0; x < width; x++)
        memcpy(out + x * bytes, row + columns[x] * bytes, bytes);
}

/* The size is a constant in each call, so that a pixel is a move. */
static void
pick_pixels(const nearest_rows *self, const uint8_t *row)
{
    uint32_t width = self->base.info.width;
    switch (li_pixel_bytes(self->base.info.pixel)) {
    case 1:
        pick(row, self->columns, self->out, width, 1);
        break;
    case 2:
        pick(row, self->columns, self->out, width, 2);
        break;
    case 3:
        pick(row, self->columns, self->out, width, 3);
        break;
    case 4:
        pick(row, self->columns, self->out, width, 4);
        break;
    case 6:
        pick(row, self->columns, self->out, width, 6);
        break;
    default:
        pick(row, self->columns, self->out, width, 8);
    }
}

static li_status
nearest_next(li_rows *rows, const uint8_t **row)
{
    nearest_rows *self = (nearest_rows *)rows;
    uint32_t wanted = li_axis_nearest(&self->y, rows->y);
    if (wanted >= self->pulled) {
        const uint8_t *found;
        LI_TRY(li_rows_skip(rows->up, wanted - self->pulled));
        LI_TRY(li_rows_next(rows->up, &found));
        self->pulled = wanted + 1;
        pick_pixels(self, found);
    }
    *row = self->out;
    return LI_OK;
}

/* What is skipped is not built: the next row skips its inputs. */
static li_status
nearest_skip(li_rows *rows, uint32_t count)
{
    (void)rows;
    (void)count;
    return LI_OK;
}

static void
nearest_close(li_rows *rows)
{
    nearest_rows *self = (nearest_rows *)rows;
    li_free(rows->ctx, &self->columns);
    li_free(rows->ctx, &self->out);
}

static const li_rows_ops nearest_ops = {
    .name = "resize",
    .next = nearest_next,
    .skip = nearest_skip,
    .close = nearest_close,
};

uint64_t
li_nearest_bytes(const li_resize *resize, li_info in, li_info out)
{
    (void)resize;
    (void)in;
    return li_block_bytes(sizeof(nearest_rows)) +
           li_block_bytes(out.width * sizeof(uint32_t)) +
           li_block_bytes(li_row_bytes(out) + LI_ROW_SLACK);
}

static li_status
nearest_allocate(nearest_rows *self, const li_axis_plan *x)
{
    li_ctx *ctx = self->base.ctx;
    LI_TRY(li_alloc(ctx, x->count, sizeof(uint32_t), &self->columns));
    LI_TRY(li_alloc(ctx, li_row_bytes(self->base.info) + LI_ROW_SLACK, 1, &self->out));
    for (uint32_t i = 0; i < x->count; i++)
        self->columns[i] = li_axis_nearest(x, i);
    return LI_OK;
}

li_status
li_nearest_open(const li_resize *resize, li_info out, li_rows **chain)
{
    li_info in = (*chain)->info;
    li_axis_plan x = {LI_NEAREST, resize->x, out.width, in.width};
    LI_TRY(li_rows_push((*chain)->ctx, sizeof(nearest_rows), &nearest_ops, out, chain));
    nearest_rows *self = (nearest_rows *)*chain;
    self->y = (li_axis_plan){LI_NEAREST, resize->y, out.height, in.height};
    li_status status = nearest_allocate(self, &x);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}
