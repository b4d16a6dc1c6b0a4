/* salvage.c: gray rows for those that a damaged file does not have. Layer 2. */
#include "ops/salvage.h"
#include "kernels/kernels.h"

#include <string.h>

typedef struct salvage_rows {
    li_rows base;
    li_source *source; /* borrowed */
    uint32_t height;   /* of the picture as stored */
    bool lost;
    uint8_t *gray; /* owned: one row */
} salvage_rows;

/* The job goes on: what the decoder said becomes a warning. */
static li_status
forgive(salvage_rows *self, li_status status)
{
    li_ctx *ctx = self->base.ctx;
    if (!li_is_damage(status) || self->base.y == 0)
        return status;
    ctx->status = LI_OK;
    li_status changed = li_source_verify(self->source);
    if (changed != LI_OK)
        return changed;
    uint32_t real =
        (uint32_t)((uint64_t)self->base.y * self->height / self->base.info.height);
    if (!ctx->salvaged || real < ctx->rows_real)
        ctx->rows_real = real;
    ctx->salvaged = self->lost = true;
    ctx->step = NULL;
    ctx->sys_errno = 0;
    li_warn(ctx, "salvage: %u of %u rows; %s", ctx->rows_real, self->height,
            ctx->message);
    ctx->message[0] = 0;
    return LI_OK;
}

static li_status
salvage_next(li_rows *rows, const uint8_t **row)
{
    salvage_rows *self = (salvage_rows *)rows;
    if (!self->lost) {
        li_status status = li_rows_next(rows->up, row);
        if (status == LI_OK)
            return LI_OK;
        LI_TRY(forgive(self, status));
    }
    *row = self->gray;
    return LI_OK;
}

static void
salvage_close(li_rows *rows)
{
    li_free(rows->ctx, &((salvage_rows *)rows)->gray);
}

static const li_rows_ops salvage_ops = {
    .name = "decode",
    .next = salvage_next,
    .close = salvage_close,
};

/* Of inks, 255 is full, black alone. */
static void
make_gray(uint8_t *row, li_info info)
{
    enum { MIDDLE = 128, BLACK = 3, INKS = 4 };
    size_t pixel = li_pixel_bytes(info.pixel);
    size_t alpha =
        li_pixel_has_alpha(info.pixel) ? pixel / li_pixel_channels(info.pixel) : 0;
    bool inks = info.pixel == LI_CMYK8;
    memset(row, inks ? 0 : MIDDLE, li_row_bytes(info));
    for (size_t x = 0; inks && x < info.width; x++)
        row[x * INKS + BLACK] = 255 - MIDDLE;
    for (size_t x = 1; alpha && x <= info.width; x++)
        memset(row + x * pixel - alpha, 0, alpha);
}

uint64_t
li_salvage_bytes(li_info info)
{
    enum { BLOCKS = 2, PAGE = 4096 };
    return sizeof(salvage_rows) + li_row_bytes(info) + LI_ROW_SLACK +
           BLOCKS * (LI_BLOCK_OVERHEAD + PAGE);
}

li_status
li_salvage_push(li_source *source, uint32_t height, li_rows **chain)
{
    li_ctx *ctx = (*chain)->ctx;
    li_info info = (*chain)->info;
    LI_TRY(li_rows_push(ctx, sizeof(salvage_rows), &salvage_ops, info, chain));
    salvage_rows *self = (salvage_rows *)*chain;
    self->source = source;
    self->height = height;
    LI_TRY(li_alloc(ctx, li_row_bytes(info) + LI_ROW_SLACK, 1, &self->gray));
    make_gray(self->gray, info);
    return LI_OK;
}
