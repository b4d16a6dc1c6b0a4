/* exif.h: what we read of an EXIF block, and how it is written anew. Bytes in, bytes
 * out. Layer 2. */
#ifndef LI_META_EXIF_H
#define LI_META_EXIF_H

#include "meta/metadata.h"

/* The orientation 1..8 in a TIFF-structured block, with or without the "Exif\0\0"
 * prefix; 1 when it has none or is damaged. Reads nothing outside [data, data + size).
 */
uint8_t li_exif_orientation(const uint8_t *data, size_t size);
/* What its resolution says; 0 by 0 when it says nothing or is damaged. */
li_density li_exif_density(const uint8_t *data, size_t size);

/* Its picture was turned by a quarter: resolutions across and down change places. */
void li_exif_transpose(uint8_t *data, size_t size);

enum { LI_EXIF_ROOM = 128 }; /* what a new block may have more than the old one */

typedef struct li_exif_edit {
    uint8_t orientation;    /* what its tag shall say; 1 is not added */
    bool drop_gps;          /* with all that may hold a place: see exif_write.c */
    bool recoloured;        /* the samples are sRGB's: what said otherwise goes */
    uint32_t width, height; /* what tags that are there say from now on; 0: nothing */
    li_density density;     /* added where the block has none */
} li_exif_edit;

/* A new block from the directories of the old one, of what is known to be safe to move;
 * nothing that they do not point to is copied. Returns its size, 0 if the old one is
 * damaged, has nothing to keep, or comes to more than `room` (size + LI_EXIF_ROOM is
 * enough for all that is not). Of size 0, a block is made if the edit wants anything
 * said. */
size_t li_exif_rewrite(const uint8_t *data, size_t size, const li_exif_edit *edit,
                       uint8_t *to, size_t room);

#endif
