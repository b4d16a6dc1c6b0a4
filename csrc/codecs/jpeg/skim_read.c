/* skim_read.c: what the skim decoder keeps, as planes or as rows. Layer 2. */
#include "codecs/jpeg/skim.h"
#include "kernels/kernels.h"

/* --- a row of MCUs as samples ----------------------------------------------------- */

typedef struct strips {
    uint8_t *data[LI_SKIM_PARTS]; /* owned */
    size_t stride[LI_SKIM_PARTS];
} strips;

static li_status
open_strips(const li_skim *skim, strips *out)
{
    for (uint32_t p = 0; p < skim->count; p++) {
        const li_skim_part *part = &skim->parts[p];
        out->stride[p] = li_skim_row_stride(part->stride, part->scale);
        LI_TRY(li_alloc(skim->ctx, (uint64_t)part->v * part->scale, out->stride[p],
                        &out->data[p]));
    }
    return LI_OK;
}

static void
close_strips(li_ctx *ctx, strips *out)
{
    for (uint32_t p = 0; p < LI_SKIM_PARTS; p++)
        li_free(ctx, &out->data[p]);
}

static void
make_samples(const li_skim *skim, const strips *out)
{
    for (uint32_t p = 0; p < skim->count; p++) {
        const li_skim_part *part = &skim->parts[p];
        uint8_t *row = out->data[p];
        for (uint32_t v = 0; v < part->v; v++) {
            uint8_t *const rows[2] = {row, row + out->stride[p]};
            li_skim_samples((const li_skim_block *)part->row + (size_t)v * part->stride,
                            part->stride, part->quant, part->scale, rows);
            row += part->scale * out->stride[p];
        }
    }
}

/* --- planes ----------------------------------------------------------------------- */

typedef struct skim_planes {
    li_planes base;
    li_skim skim;
    strips samples;
    uint32_t y[LI_PLANES]; /* rows handed out */
} skim_planes;

static li_status
planes_next(li_planes *base, li_strip *strip)
{
    skim_planes *planes = (skim_planes *)base;
    LI_TRY(li_skim_next(&planes->skim));
    make_samples(&planes->skim, &planes->samples);
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        uint32_t rows = planes->skim.parts[p].v * (uint32_t)planes->skim.parts[p].scale;
        uint32_t left = base->layout.plane[p].height - planes->y[p];
        strip->data[p] = planes->samples.data[p];
        strip->stride[p] = planes->samples.stride[p];
        strip->rows[p] = rows < left ? rows : left;
        planes->y[p] += strip->rows[p];
    }
    return LI_OK;
}

static void
planes_close(li_planes *base)
{
    skim_planes *planes = (skim_planes *)base;
    close_strips(base->ctx, &planes->samples);
    li_skim_close(&planes->skim);
}

static const li_planes_ops planes_ops = {
    .name = "decode",
    .next = planes_next,
    .close = planes_close,
};

li_status
li_jpeg_skim_planes(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
                    li_planes **planes)
{
    li_planar layout;
    *planes = NULL;
    if (!li_jpeg_planar(header, hint, &layout))
        return li_fail(ctx, LI_E901_INTERNAL, "jpeg: not to be had as planes");
    LI_TRY(li_planes_new(ctx, sizeof(skim_planes), &planes_ops, &layout, planes));
    skim_planes *self = (skim_planes *)*planes;
    li_status status = li_skim_open(&self->skim, ctx, in, header, hint.shrink, false);
    if (status == LI_OK)
        status = open_strips(&self->skim, &self->samples);
    if (status != LI_OK)
        li_planes_close(planes);
    return status;
}

/* --- rows: gray, or Y, Cb and Cr of one size ---------------------------------------
 */

typedef struct skim_rows {
    li_rows base;
    li_skim skim;
    strips samples;
    uint32_t x;     /* the region's first column */
    uint32_t above; /* rows in front of the region that are still to be passed */
    uint32_t row;   /* of the strip: the next one */
    uint32_t rows;  /* of the strip: how many there are */
    uint8_t *rgb;   /* owned; NULL: gray */
} skim_rows;

static li_status
next_strip(skim_rows *rows)
{
    li_skim *skim = &rows->skim;
    rows->rows = (uint32_t)skim->parts[0].scale * skim->parts[0].v;
    LI_TRY(li_skim_next(skim));
    for (; rows->above >= rows->rows; rows->above -= rows->rows)
        LI_TRY(li_skim_next(skim));
    rows->row = rows->above;
    rows->above = 0;
    make_samples(skim, &rows->samples);
    return LI_OK;
}

static const uint8_t *
row_of(const skim_rows *rows, uint32_t p)
{
    return rows->samples.data[p] + rows->row * rows->samples.stride[p] + rows->x;
}

static li_status
rows_next(li_rows *base, const uint8_t **row)
{
    skim_rows *rows = (skim_rows *)base;
    if (rows->row == rows->rows)
        LI_TRY(next_strip(rows));
    *row = row_of(rows, 0);
    if (rows->rgb) {
        li_kernels_of(base->ctx)->ycc_to_rgb(&li_ycc_jfif, row_of(rows, 0),
                                             row_of(rows, 1), row_of(rows, 2),
                                             rows->rgb, base->info.width);
        *row = rows->rgb;
    }
    rows->row++;
    return LI_OK;
}

static void
rows_close(li_rows *base)
{
    skim_rows *rows = (skim_rows *)base;
    li_free(base->ctx, &rows->rgb);
    close_strips(base->ctx, &rows->samples);
    li_skim_close(&rows->skim);
}

static const li_rows_ops rows_ops = {
    .name = "decode",
    .next = rows_next,
    .close = rows_close,
};

static li_status
open_rows(skim_rows *rows, li_source *in, const li_header *header, li_hint hint)
{
    li_ctx *ctx = rows->base.ctx;
    rows->x = hint.region.x;
    rows->above = hint.region.y;
    LI_TRY(li_skim_open(&rows->skim, ctx, in, header, hint.shrink, true));
    LI_TRY(open_strips(&rows->skim, &rows->samples));
    if (rows->skim.count == 1)
        return LI_OK;
    return li_alloc(ctx, li_row_bytes(rows->base.info) + LI_ROW_SLACK, 1, &rows->rgb);
}

li_status
li_jpeg_skim_rows(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
                  li_rows **rows)
{
    li_info info = li_jpeg_region_info(header, hint);
    *rows = NULL;
    LI_TRY(li_rows_push(ctx, sizeof(skim_rows), &rows_ops, info, rows));
    li_status status = open_rows((skim_rows *)*rows, in, header, hint);
    if (status != LI_OK)
        li_rows_close(rows);
    return status;
}

/* --- the cost --------------------------------------------------------------------- */

uint64_t
li_jpeg_skim_reader_bytes(void)
{
    uint64_t size = sizeof(skim_rows);
    return (size > sizeof(skim_planes) ? size : sizeof(skim_planes)) +
           LI_BLOCK_OVERHEAD;
}
