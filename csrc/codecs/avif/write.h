/* write.h: what the files of the AVIF writer share: settings.c says what is asked for,
 * cells.c what it takes and how it is cut, fill.c and deep_fill.c make planes of rows,
 * encode.c encodes one picture, grid.c a large one cell by cell, grid_head.c makes the
 * boxes around those, write.c is the way in. Layer 2. */
#ifndef LI_CODECS_AVIF_WRITE_H
#define LI_CODECS_AVIF_WRITE_H

#include "codecs/avif/avif.h"

enum {
    LI_AVIF_LOSSLESS = 100,   /* the quality of quantizer 0 */
    LI_AVIF_SIDE = 32768,     /* AV1 has twice as many, but libavif reads no more */
    LI_AVIF_PIXELS = 1 << 28, /* nor of these */
};

/* Row y of pixels into an image's planes. `held` is a row of the writer's own, kept
 * from row to row. fill.c: 8 bits a sample; deep_fill.c: 16 into planes of 10 or 12. */
void li_avif_fill(avifImage *image, uint32_t y, const uint8_t *row, uint8_t *held,
                  uint32_t channels);
void li_avif_deep_fill(avifImage *image, uint32_t y, const uint16_t *row,
                       uint16_t *held, uint32_t channels);

/* --- settings.c ------------------------------------------------------------------- */

int li_avif_quality(const li_encode *encode);
int li_avif_speed(const li_encode *encode);
uint32_t li_avif_depth(li_pixel pixel, const li_encode *encode);
avifPixelFormat li_avif_format(li_info info, const li_encode *encode);

/* --- cells.c ---------------------------------------------------------------------- */

/* A grid: the cells are all of one size, a multiple of 64; the last column and the last
 * row reach over the picture's edge. */
typedef struct avif_cells {
    uint32_t columns, rows; /* 0: the picture is one */
    uint32_t width, height; /* of a cell */
} avif_cells;

/* Is it so large that a grid is wanted? Pure, as all of these. */
bool li_avif_is_large(li_info info, const li_encode *encode);
/* None where it is not, or cannot be cut: chroma of half the width or height asks for
 * an even one. */
avif_cells li_avif_cells(li_info info, const li_encode *encode);
/* What libavif and libaom take for the picture, or for one cell of it. */
uint64_t li_avif_still_bytes(li_info info, const li_encode *encode, avif_cells cells);

/* --- encode.c --------------------------------------------------------------------- */

typedef struct avif_effort {
    int quality, speed;
} avif_effort;

/* An AVIF file of one item, and one for its alpha: to be freed, also on failure. */
li_status li_avif_encode_image(li_ctx *ctx, const avifImage *image, avif_effort effort,
                               avifRWData *data) LI_MUST_CHECK;
/* Charge `bytes` in place of *charged, once it is seen that there are as many. */
li_status li_avif_reserve(li_ctx *ctx, uint64_t bytes, uint64_t *charged) LI_MUST_CHECK;
li_status li_avif_hand_on(li_ctx *ctx, li_out *out, const uint8_t *data,
                          size_t size) LI_MUST_CHECK;

/* --- grid.c ----------------------------------------------------------------------- */

typedef struct avif_grid avif_grid;

/* `image` is the picture without planes, borrowed: from now on it is the first band of
 * cells. `encode` is borrowed until the grid is closed. */
li_status li_avif_grid_open(li_ctx *ctx, li_info info, const li_encode *encode,
                            avifImage *image, li_out *out,
                            avif_grid **grid) LI_MUST_CHECK;
/* The image's planes are full: they are encoded, and it is the next band. */
li_status li_avif_grid_band(avif_grid *grid) LI_MUST_CHECK;
li_status li_avif_grid_finish(avif_grid *grid) LI_MUST_CHECK; /* after the last */
void li_avif_grid_close(avif_grid **grid); /* accepts NULL, half-open */

/* --- grid_head.c ------------------------------------------------------------------ */

/* What the boxes say. All is borrowed. */
typedef struct avif_head {
    avif_cells cells;
    uint32_t width, height;
    const avifImage *image; /* its depth, format, colours, profile and transforms */
    bool alpha;
    const li_metadata *metadata; /* NULL: none */
    uint8_t config[2][4];        /* av1C of the colours' cells and of alpha's */
    const uint32_t *sizes; /* of the cells' data: colours and alpha of each in turn */
} avif_head;

/* More than the head takes without metadata. Pure. */
uint64_t li_avif_head_bytes(avif_cells cells, bool alpha);
/* All up to the first cell's data, into `to` if it is not NULL. Its size depends on no
 * number in it. */
size_t li_avif_head_write(const avif_head *head, uint8_t *to);

#endif
