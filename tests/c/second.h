/* second.h: a small picture with alpha for overlays, which needs no file. */
#ifndef LI_TESTS_SECOND_H
#define LI_TESTS_SECOND_H

#include "ops/op.h"

enum { SECOND_WIDTH = 5, SECOND_HEIGHT = 4 };

static uint8_t second_samples[4 * SECOND_WIDTH * SECOND_HEIGHT] = {
    255, 0,  0,  200, 0,  255, 9,  90,  8,   9, 200, 255, 0, 0, 0,   0,   90, 90,
    90,  90, 1,  2,   3,  4,   5,  6,   7,   8, 250, 240, 3, 9, 128, 128, 0,  255,
    40,  50, 60, 70,  80, 90,  10, 110, 120, 0, 0,   255, 7, 7, 7,   77,  31, 99,
};

static inline li_status
second_open(const li_picture *picture, li_ctx *ctx, li_rows **rows)
{
    li_frame frame = {picture->info, (int64_t)li_row_bytes(picture->info),
                      second_samples};
    return li_frame_rows(ctx, &frame, rows);
}

static const li_picture second_picture = {
    .info = {SECOND_WIDTH, SECOND_HEIGHT, LI_RGBA8},
    .bytes = 1024,
    .open = second_open,
};

#endif
