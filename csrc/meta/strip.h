/* strip.h: a file's own bytes without its metadata: the picture is not touched.
 * Layer 2.
 *
 * JPEG loses APPn (but Adobe's, and JFIF's without its thumbnail), comments and what
 * follows the end; PNG every chunk but the critical ones and tRNS, and what says of
 * which colours its samples are where they are kept; WebP ICCP, EXIF, XMP
 * and unknown chunks. Orientation is lost with EXIF: not for files that need it. */
#ifndef LI_META_STRIP_H
#define LI_META_STRIP_H

#include "base/source.h"
#include "meta/metadata.h"

typedef struct li_strip_how {
    const li_metadata *with; /* borrowed: what is written to the picture; NULL: none */
    bool numbers;            /* of a PNG, cICP, gAMA and cHRM stay */
    uint64_t most;           /* bytes that must not be reached */
} li_strip_how;

/* Write them to out; *done false: the container is none of these, is not well-formed,
 * is animated, or `most` bytes were reached, and out holds nothing of use. */
li_status li_meta_strip(li_ctx *ctx, li_source *source, const li_strip_how *how,
                        li_out *out, bool *done) LI_MUST_CHECK;
/* The whole file, if it is below `most` bytes. */
li_status li_meta_copy(li_ctx *ctx, li_source *source, uint64_t most, li_out *out,
                       bool *done) LI_MUST_CHECK;

#endif
