/* ycc.c: Y, Cb and Cr of equal size → RGB rows. Layer 2. */
#include "color/ycc.h"
#include "kernels/kernels.h"

#include <assert.h>
#include <string.h>

typedef struct ycc_rows {
    li_rows base;
    li_rows *planes[LI_PLANES];   /* owned */
    const li_ycc *how;            /* const table */
    uint8_t *kept[LI_PLANES - 1]; /* owned: Y and Cb, while Cr is pulled */
    uint8_t *row;                 /* owned */
} ycc_rows;

/* A port's row does not outlive the next call on another port. */
static li_status
ycc_next(li_rows *base, const uint8_t **row)
{
    ycc_rows *rows = (ycc_rows *)base;
    uint32_t width = base->info.width;
    const uint8_t *from[LI_PLANES];
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        LI_TRY(li_rows_next(rows->planes[p], &from[p]));
        if (p + 1 < LI_PLANES)
            from[p] = memcpy(rows->kept[p], from[p], width);
    }
    li_kernels_of(base->ctx)->ycc_to_rgb(rows->how, from[0], from[1], from[2],
                                         rows->row, width);
    *row = rows->row;
    return LI_OK;
}

static li_status
ycc_skip(li_rows *base, uint32_t count)
{
    ycc_rows *rows = (ycc_rows *)base;
    for (uint32_t p = 0; p < LI_PLANES; p++)
        LI_TRY(li_rows_skip(rows->planes[p], count));
    return LI_OK;
}

static void
ycc_close(li_rows *base)
{
    ycc_rows *rows = (ycc_rows *)base;
    for (uint32_t p = 0; p < LI_PLANES; p++)
        li_rows_close(&rows->planes[p]);
    for (uint32_t p = 0; p + 1 < LI_PLANES; p++)
        li_free(base->ctx, &rows->kept[p]);
    li_free(base->ctx, &rows->row);
}

static const li_rows_ops ycc_ops = {
    .name = "join",
    .next = ycc_next,
    .skip = ycc_skip,
    .close = ycc_close,
};

static li_status
open_rows(ycc_rows *rows)
{
    li_ctx *ctx = rows->base.ctx;
    li_info info = rows->base.info;
    for (uint32_t p = 0; p + 1 < LI_PLANES; p++)
        LI_TRY(li_alloc(ctx, (uint64_t)info.width + LI_ROW_SLACK, 1, &rows->kept[p]));
    return li_alloc(ctx, li_row_bytes(info) + LI_ROW_SLACK, 1, &rows->row);
}

li_status
li_ycc_join(li_rows *planes[LI_PLANES], bool studio, li_rows **chain)
{
    li_info info = planes[0]->info;
    *chain = NULL;
    for (uint32_t p = 1; p < LI_PLANES; p++)
        assert(planes[p]->info.width == info.width &&
               planes[p]->info.height == info.height);
    info.pixel = LI_RGB8;
    li_status status =
        li_rows_push(planes[0]->ctx, sizeof(ycc_rows), &ycc_ops, info, chain);
    ycc_rows *rows = (ycc_rows *)*chain;
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        if (status != LI_OK) {
            li_rows_close(&planes[p]);
            continue;
        }
        rows->planes[p] = planes[p];
        planes[p] = NULL;
    }
    if (status != LI_OK)
        return status;
    rows->how = studio ? &li_ycc_studio : &li_ycc_jfif;
    status = open_rows(rows);
    if (status != LI_OK)
        li_rows_close(chain);
    return status;
}
