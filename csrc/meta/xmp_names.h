/* xmp_names.h: which properties of an XMP packet must go, by their names. Private to
 * this folder. Layer 2. */
#ifndef LI_META_XMP_NAMES_H
#define LI_META_XMP_NAMES_H

#include "meta/xmp.h"

/* A part of a packet, borrowed. */
typedef struct xmp_span {
    const uint8_t *at;
    size_t size;
} xmp_span;

enum { XMP_SPACES = 8, XMP_PREFIX_BYTES = 32 };

/* The prefixes of vocabularies of places, wherever in the packet they are declared. */
typedef struct xmp_spaces {
    struct {
        uint8_t text[XMP_PREFIX_BYTES]; /* a copy: a packet is written over itself */
        size_t size;                    /* 0: names of elements without a prefix */
    } prefixes[XMP_SPACES];
    uint32_t count;
} xmp_spaces;

/* Note an attribute that declares such a vocabulary; false: there is no room for it. */
bool li_xmp_note_space(xmp_spaces *spaces, xmp_span name, xmp_span value);
/* Of an element or an attribute. */
bool li_xmp_must_go(const li_xmp_edit *edit, const xmp_spaces *spaces, xmp_span name,
                    bool element);

#endif
