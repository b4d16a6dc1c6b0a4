/* frame.h: a whole picture in memory, for what truly needs one. Layer 1. */
#ifndef LI_IMAGE_FRAME_H
#define LI_IMAGE_FRAME_H

#include "image/rows.h"

typedef struct li_frame {
    li_info info;
    int64_t stride;  /* bytes from a row to the next; negative for a flipped view */
    uint8_t *pixels; /* owned if from li_frame_alloc, else borrowed: the first row */
} li_frame;

li_status li_frame_alloc(li_ctx *ctx, li_info info, li_frame *frame) LI_MUST_CHECK;
void li_frame_free(li_ctx *ctx, li_frame *frame); /* accepts a zeroed frame */
uint64_t li_frame_bytes(li_info info);            /* what li_frame_alloc will take */

/* Pull every row of `rows` into the frame, polling between rows. */
li_status li_frame_fill(li_frame *frame, li_rows *rows) LI_MUST_CHECK;
/* A decoder over a frame, which is borrowed; rows are pointers into it. */
li_status li_frame_rows(li_ctx *ctx, const li_frame *frame,
                        li_rows **rows) LI_MUST_CHECK;

static inline uint8_t *
li_frame_row(const li_frame *frame, uint32_t y)
{
    return frame->pixels + (int64_t)y * frame->stride;
}

#endif
