/* xmp.h: an XMP packet written anew, and two made one: bytes in, bytes out. Layer 2. */
#ifndef LI_META_XMP_H
#define LI_META_XMP_H

#include "base/base.h"

typedef struct li_xmp_edit {
    bool drop_gps;   /* properties that name a place in degrees */
    bool upright;    /* what says how it is turned: it is not any more */
    bool resized;    /* what says its width and height */
    bool recoloured; /* what says of which colours its samples were */
} li_xmp_edit;

/* Copy the packet without the properties that must go, comments and padding. `to` has
 * room for `size` bytes, and may be `data`. Returns its size; 0: it is not the UTF-8
 * and the XML that such packets are made of, so that it cannot be told what is in it.
 */
size_t li_xmp_rewrite(const uint8_t *data, size_t size, const li_xmp_edit *edit,
                      uint8_t *to);

/* --- xmp_join.c --------------------------------------------------------------------
 */

enum { LI_XMP_DIGEST_BYTES = 32 };

/* The digest of what extends this packet, as HasExtendedXMP has it; false: it does not
 * say so. */
bool li_xmp_extension(const uint8_t *data, size_t size,
                      uint8_t digest[LI_XMP_DIGEST_BYTES]);
/* A packet of `size` bytes and behind it an extension of `more` become one packet.
 * Returns its size, and in *at where the descriptions of the extension begin, which are
 * all that was added; 0: they are none that could be joined, and nothing is changed. */
size_t li_xmp_join(uint8_t *data, size_t size, size_t more, size_t *at);

#endif
