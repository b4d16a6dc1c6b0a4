/* expand.h: a row of a PNG's samples as gray, gray+alpha, RGB or RGBA, of 8 or 16 bits.
 * Layer 2. */
#ifndef LI_CODECS_PNG_EXPAND_H
#define LI_CODECS_PNG_EXPAND_H

#include "codecs/png/png.h"

typedef struct li_png_expand li_png_expand;
typedef void li_png_expand_row(const li_png_expand *self, const uint8_t *in,
                               uint8_t *out);

struct li_png_expand {
    li_png_expand_row *row;
    uint32_t width;
    bool deep;             /* 16 bits stay */
    uint8_t depth;         /* of the file's samples */
    uint8_t channels;      /* of the file's pixels, and */
    uint8_t out_channels;  /* of those that come out */
    uint16_t key[3];       /* the transparent colour */
    uint8_t table[256][4]; /* what an index or a gray of up to 8 bits becomes */
};

/* NULL: the samples are handed out as they are in the file. */
li_png_expand_row *li_png_expander(const li_png_begin *begin, li_info info);
void li_png_expand_init(li_png_expand *self, const li_png_begin *begin, li_info info);
/* Bytes of a row in the file, and of a pixel as the filters count it. */
size_t li_png_file_row_bytes(const li_png_begin *begin, uint32_t width);
uint32_t li_png_file_step(const li_png_begin *begin);

#endif
