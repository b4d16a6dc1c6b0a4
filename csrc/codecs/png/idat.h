/* idat.h: the pixels' bytes, inflated: IDAT after IDAT, zlib's frame around the deflate
 * data, and the end of the file behind it. Layer 2. */
#ifndef LI_CODECS_PNG_IDAT_H
#define LI_CODECS_PNG_IDAT_H

#include "codecs/png/inflate.h"
#include "codecs/png/walk.h"

typedef struct li_png_idat {
    li_png_walk walk; /* in an IDAT from open on */
    li_png_inflate inflate;
    uint32_t adler;
    uint32_t seen; /* by li_png_check_place */
    bool started;  /* the header of the stream has been read */
    bool ended;    /* and its deflate data to its end */
} li_png_idat;

/* Go to the first IDAT, looking at every chunk in front of it, and start to inflate. */
li_status li_png_idat_open(li_png_idat *idat, li_ctx *ctx, li_source *in,
                           const li_png_inflate_ops *ops) LI_MUST_CHECK;
void li_png_idat_close(li_png_idat *idat);
/* Exactly `size` bytes; E132 if there are fewer. */
li_status li_png_idat_read(li_png_idat *idat, uint8_t *into, size_t size) LI_MUST_CHECK;
/* After the last row: the stream's end and its check, and the chunks up to IEND.
 * `scratch` (not empty) takes rows that are too many. */
li_status li_png_idat_finish(li_png_idat *idat, uint8_t *scratch,
                             size_t size) LI_MUST_CHECK;

#endif
