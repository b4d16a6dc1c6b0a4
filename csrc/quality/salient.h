/* salient.h: which part of a small picture draws the eye: a weight for every column and
 * every row. Layer 2.
 *
 * Whole numbers throughout: the same on every machine. */
#ifndef LI_QUALITY_SALIENT_H
#define LI_QUALITY_SALIENT_H

#include "image/pixel.h"

enum { LI_SALIENT_SIDE = 96 }; /* of a picture that is looked at, at most */

typedef struct li_salient {
    li_info info;                         /* RGBA, sides up to LI_SALIENT_SIDE */
    uint32_t y;                           /* rows taken */
    uint8_t rows[3][LI_SALIENT_SIDE * 4]; /* the last ones, premultiplied */
    uint8_t luma[3][LI_SALIENT_SIDE];     /* and their luma */
    uint32_t columns[LI_SALIENT_SIDE];    /* sums over the picture's pixels */
    uint32_t lines[LI_SALIENT_SIDE];
} li_salient;

void li_salient_begin(li_salient *salient, li_info info);
/* Take the next row; info.height times. */
void li_salient_row(li_salient *salient, const uint8_t *row);
/* After the last row, of an axis with `sums`: where a window of `length` of its `count`
 * pixels should begin, 0..count − length. What is in the window's middle counts twice
 * what is at its ends, so that it ends up there; of equals the most central one. */
uint32_t li_salient_window(const uint32_t *sums, uint32_t count, uint32_t length);

#endif
