/* cmyk.c: CMYK rows → RGB rows by the standard formula, or the right way up. What an
 * ink profile would do better is color/icc.c's; this is what every viewer shows without
 * one. Layer 2. */
#include "color/cmyk.h"
#include "kernels/kernels.h"

#include <assert.h>

typedef struct cmyk_stage {
    li_rows rows;
    bool inverted; /* in the input 0 is full ink, so a sample is the paper left white */
    const li_icc *icc; /* borrowed; NULL: the formula */
    uint8_t *row;      /* owned */
} cmyk_stage;

/* a·b/255 rounded to nearest: exact for a, b ≤ 255. */
static uint8_t
product(uint32_t a, uint32_t b)
{
    uint32_t x = a * b + 128;
    return (uint8_t)((x + (x >> 8)) >> 8);
}

static void
row_to_rgb(const uint8_t *cmyk, uint8_t *rgb, uint32_t width, uint8_t flip)
{
    for (uint32_t x = 0; x < width; x++, cmyk += 4, rgb += 3) {
        uint32_t light = cmyk[3] ^ flip;
        rgb[0] = product(cmyk[0] ^ flip, light);
        rgb[1] = product(cmyk[1] ^ flip, light);
        rgb[2] = product(cmyk[2] ^ flip, light);
    }
}

static li_status
cmyk_next(li_rows *rows, const uint8_t **row)
{
    cmyk_stage *stage = (cmyk_stage *)rows;
    const uint8_t *from;
    LI_TRY(li_rows_next(rows->up, &from));
    if (stage->icc) {
        li_icc_apply(stage->icc, from, stage->row, rows->info.width);
    } else if (rows->info.pixel == LI_RGB8) {
        row_to_rgb(from, stage->row, rows->info.width, stage->inverted ? 0 : 255);
    } else {
        size_t size = li_row_bytes(rows->info);
        for (size_t i = 0; i < size; i++)
            stage->row[i] = (uint8_t)~from[i];
    }
    *row = stage->row;
    return LI_OK;
}

static li_status
cmyk_skip(li_rows *rows, uint32_t count)
{
    return li_rows_skip(rows->up, count);
}

static void
cmyk_close(li_rows *rows)
{
    li_free(rows->ctx, &((cmyk_stage *)rows)->row);
}

static const li_rows_ops cmyk_ops = {
    .name = "cmyk",
    .next = cmyk_next,
    .skip = cmyk_skip,
    .close = cmyk_close,
};

li_status
li_cmyk_push(li_rows **chain, bool inverted, const li_icc *icc, li_pixel to)
{
    li_ctx *ctx = (*chain)->ctx;
    li_info info = (*chain)->info;
    assert(info.pixel == LI_CMYK8 && (to == LI_RGB8 || to == LI_CMYK8));
    if (to == LI_CMYK8 && !inverted)
        return LI_OK;
    info.pixel = to;
    LI_TRY(li_rows_push(ctx, sizeof(cmyk_stage), &cmyk_ops, info, chain));
    cmyk_stage *stage = (cmyk_stage *)*chain;
    stage->inverted = inverted;
    stage->icc = to == LI_RGB8 ? icc : NULL;
    li_status status = li_alloc(ctx, li_row_bytes(info) + LI_ROW_SLACK, 1, &stage->row);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}
