/* palette.h: a held picture as indices into up to 256 colours: without loss if it has
 * no more of them, else quantised and dithered. Layer 2.
 *
 * Whole numbers, and sums of doubles in a fixed order: the same bytes on every machine.
 */
#ifndef LI_CODECS_PNG_PALETTE_H
#define LI_CODECS_PNG_PALETTE_H

#include "image/frame.h"

enum { LI_PALETTE_MOST = 256 };

/* Red, green, blue, alpha; those that are not opaque come first. */
typedef struct li_palette {
    uint32_t count, clear; /* entries, and how many of them are not opaque */
    bool exact;            /* every pixel is one of them */
    uint8_t entries[LI_PALETTE_MOST][4];
} li_palette;

/* The colours of a picture of 8 bits, `most` of them (2 to 256) at most. */
li_status li_palette_make(li_ctx *ctx, const li_frame *frame, uint32_t most,
                          li_palette *palette) LI_MUST_CHECK;
/* Put indices in the place of the frame's samples: a byte each, rows packed. dither:
 * where the palette is not exact, errors go on to the neighbours. */
li_status li_palette_map(li_ctx *ctx, li_frame *frame, const li_palette *palette,
                         bool dither) LI_MUST_CHECK;
/* Upper bound of what either takes besides the frame. Pure. */
uint64_t li_palette_bytes(li_info info);

/* --- between palette.c and palette_map.c -------------------------------------------
 */

/* Colours count by what they add: premultiplied by alpha. */
typedef struct li_nearest {
    uint32_t count;
    int32_t colors[LI_PALETTE_MOST][4]; /* premultiplied, sorted by green */
    uint8_t index[LI_PALETTE_MOST];     /* what each is in the palette */
    uint16_t start[256];                /* the first that is not below this green */
} li_nearest;

uint64_t li_palette_map_bytes(li_info info);
/* How much an error of each channel is seen. */
extern const int32_t li_palette_weights[4];

void li_nearest_make(const uint8_t (*entries)[4], uint32_t count, li_nearest *nearest);
/* The place in `colors` of the one nearest to a premultiplied colour. */
uint32_t li_nearest_find(const li_nearest *nearest, const int32_t color[4]);

/* A pixel of 1 to 4 channels as red, green, blue, alpha; what is transparent is black.
 */
static inline void
li_palette_pixel(const uint8_t *pixel, uint32_t channels, uint8_t color[4])
{
    uint32_t second = channels > 2 ? 1 : 0, third = channels > 2 ? 2 : 0;
    uint8_t alpha = channels % 2 ? 255 : pixel[channels - 1];
    color[0] = alpha ? pixel[0] : 0;
    color[1] = alpha ? pixel[second] : 0;
    color[2] = alpha ? pixel[third] : 0;
    color[3] = alpha;
}

static inline uint32_t
li_palette_key(const uint8_t color[4])
{
    return (uint32_t)color[0] << 24 | (uint32_t)color[1] << 16 |
           (uint32_t)color[2] << 8 | color[3];
}

#endif
