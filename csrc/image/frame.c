/* frame.c: a whole picture in counted memory, filled from rows and read as rows.
 * Layer 1. */
#include "image/frame.h"

#include <string.h>

enum { ROW_SLACK = 16 }; /* row kernels may read this far past the last row */

uint64_t
li_frame_bytes(li_info info)
{
    /* The page rounding of a large block is under 4096. */
    return li_sat_add(li_image_bytes(info), ROW_SLACK + LI_BLOCK_OVERHEAD + 4096);
}

li_status
li_frame_alloc(li_ctx *ctx, li_info info, li_frame *frame)
{
    *frame = (li_frame){.info = info, .stride = (int64_t)li_row_bytes(info)};
    return li_alloc(ctx, li_sat_add(li_image_bytes(info), ROW_SLACK), 1,
                    &frame->pixels);
}

void
li_frame_free(li_ctx *ctx, li_frame *frame)
{
    li_free(ctx, &frame->pixels);
}

li_status
li_frame_fill(li_frame *frame, li_rows *rows)
{
    size_t bytes = li_row_bytes(frame->info);
    for (uint32_t y = 0; y < frame->info.height; y++) {
        const uint8_t *row;
        LI_TRY(li_poll(rows->ctx));
        LI_TRY(li_rows_next(rows, &row));
        memcpy(li_frame_row(frame, y), row, bytes);
    }
    return LI_OK;
}

typedef struct frame_rows {
    li_rows base;
    li_frame frame; /* its pixels are borrowed */
} frame_rows;

static li_status
frame_next(li_rows *rows, const uint8_t **row)
{
    *row = li_frame_row(&((frame_rows *)rows)->frame, rows->y);
    return LI_OK;
}

static li_status
frame_skip(li_rows *rows, uint32_t count)
{
    (void)rows;
    (void)count;
    return LI_OK;
}

static const li_rows_ops frame_ops = {
    .name = "pixels",
    .next = frame_next,
    .skip = frame_skip,
};

li_status
li_frame_rows(li_ctx *ctx, const li_frame *frame, li_rows **rows)
{
    *rows = NULL;
    LI_TRY(li_rows_push(ctx, sizeof(frame_rows), &frame_ops, frame->info, rows));
    ((frame_rows *)*rows)->frame = *frame;
    return LI_OK;
}
