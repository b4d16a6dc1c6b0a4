/* walk.h: a PNG's chunks from first to last through the source's window, every CRC
 * looked at. Layer 2. */
#ifndef LI_CODECS_PNG_WALK_H
#define LI_CODECS_PNG_WALK_H

#include "base/source.h"

typedef struct li_png_walk {
    li_ctx *ctx; /* borrowed, like the next */
    li_source *in;
    uint32_t (*crc32)(uint32_t crc, const uint8_t *data, size_t size);
    uint64_t offset;       /* of the window's end */
    const uint8_t *window; /* borrowed until the next li_source_at */
    size_t window_left;
    char type[5];    /* of the chunk that the walk is in; empty: in front of all */
    uint32_t left;   /* bytes of its body that are not taken yet */
    uint32_t length; /* and all of them */
    uint32_t crc;
} li_png_walk;

/* Fail, unless what looks like damage is a source that failed or shrank. */
li_status li_png_walk_fail(li_png_walk *walk, li_status status, const char *text);
/* Does the file end inside the chunk? */
bool li_png_walk_is_cut(const li_png_walk *walk);
/* The next bytes of the chunk's body, at least one of them (the body must have one
 * left), valid until the next call on the walk. */
li_status li_png_walk_take(li_png_walk *walk, const uint8_t **data,
                           size_t *size) LI_MUST_CHECK;
/* Pass over what is left of the chunk and look at its CRC: wrong is an error, or in an
 * ancillary chunk a warning. */
li_status li_png_walk_end(li_png_walk *walk) LI_MUST_CHECK;
/* Enter the next chunk; the one before must have ended. */
li_status li_png_walk_next(li_png_walk *walk) LI_MUST_CHECK;

#endif
