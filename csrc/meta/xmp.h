/* xmp.h: an XMP packet written anew: bytes in, bytes out. Layer 2. */
#ifndef LI_META_XMP_H
#define LI_META_XMP_H

#include "base/base.h"

typedef struct li_xmp_edit {
    bool drop_gps; /* properties that name a place in degrees */
    bool upright;  /* what says how it is turned: it is not any more */
} li_xmp_edit;

/* Copy the packet without the properties that must go, comments and padding. `to` has
 * room for `size` bytes. Returns its size; 0: it is not the UTF-8 and the XML that such
 * packets are made of, so that it cannot be told what is in it. */
size_t li_xmp_rewrite(const uint8_t *data, size_t size, const li_xmp_edit *edit,
                      uint8_t *to);

#endif
