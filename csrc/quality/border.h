/* border.h: the frame of one colour around a picture, found row by row. Layer 2. */
#ifndef LI_QUALITY_BORDER_H
#define LI_QUALITY_BORDER_H

#include "image/pixel.h"

/* What is not border so far: [left, right) × [top, bottom). No memory of its own. */
typedef struct li_border {
    li_info info;
    uint8_t threshold;
    uint16_t first[4]; /* samples of the upper left pixel: the colour of the border */
    uint32_t left, top, right, bottom;
    uint32_t y; /* rows taken */
} li_border;

/* Pixels whose every channel is within `threshold` levels of the upper left one are
 * border; colours count by their alpha. A level is 257 of a sample of 16 bits. */
void li_border_begin(li_border *border, li_info info, uint8_t threshold);
/* Take the next row; info.height times. */
void li_border_row(li_border *border, const uint8_t *row);
/* After the last row: is there anything but border? */
static inline bool
li_border_found(const li_border *border)
{
    return border->bottom > 0;
}

#endif
