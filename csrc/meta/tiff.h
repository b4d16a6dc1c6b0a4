/* tiff.h: numbers and entries of a TIFF-structured block, within its bounds. Private to
 * this folder. Layer 2. */
#ifndef LI_META_TIFF_H
#define LI_META_TIFF_H

#include "base/base.h"

#include <string.h>

enum {
    TIFF_HEADER_BYTES = 8,
    IFD_ENTRY_BYTES = 12,
    TAG_ORIENTATION = 0x0112,
    TAG_X_RESOLUTION = 0x011A,
    TAG_Y_RESOLUTION = 0x011B,
    TAG_RESOLUTION_UNIT = 0x0128,
    TYPE_BYTE = 1,
    TYPE_SHORT = 3,
    TYPE_LONG = 4,
    TYPE_RATIONAL = 5,
    TYPE_IFD = 13,
};

/* A TIFF block in its own byte order; offsets count from its first byte. */
typedef struct tiff {
    const uint8_t *data; /* borrowed */
    size_t size;
    bool big_endian;
} tiff;

static inline uint32_t
tiff_short(const tiff *block, size_t at)
{
    uint32_t first = block->data[at], second = block->data[at + 1];
    return block->big_endian ? first << 8 | second : second << 8 | first;
}

static inline uint32_t
tiff_long(const tiff *block, size_t at)
{
    uint32_t first = tiff_short(block, at), second = tiff_short(block, at + 2);
    return block->big_endian ? first << 16 | second : second << 16 | first;
}

/* With or without "Exif\0\0" in front; false: it is none. */
static inline bool
tiff_open(tiff *block, const uint8_t *data, size_t size)
{
    enum { PREFIX = 6 };
    if (size >= PREFIX && memcmp(data, "Exif\0\0", PREFIX) == 0) {
        data += PREFIX;
        size -= PREFIX;
    }
    if (size < TIFF_HEADER_BYTES)
        return false;
    bool big = data[0] == 'M' && data[1] == 'M';
    bool little = data[0] == 'I' && data[1] == 'I';
    *block = (tiff){.data = data, .size = size, .big_endian = big};
    return (big || little) && tiff_short(block, 2) == 42;
}

/* How many entries of the directory at `at` are there; 0 if it is elsewhere. */
static inline size_t
tiff_entries(const tiff *block, size_t at)
{
    if (block->size < 2 || at > block->size - 2)
        return 0;
    size_t count = tiff_short(block, at);
    size_t room = (block->size - at - 2) / IFD_ENTRY_BYTES;
    return count < room ? count : room; /* cut off: those that are there */
}

/* A value that fits its entry stands in the entry itself, first byte first. Writers use
 * SHORT as the standard says, and sometimes LONG or BYTE. */
static inline uint32_t
tiff_value(const tiff *block, size_t entry)
{
    if (tiff_long(block, entry + 4) == 0)
        return 0;
    switch (tiff_short(block, entry + 2)) {
    case TYPE_BYTE:
        return block->data[entry + 8];
    case TYPE_SHORT:
        return tiff_short(block, entry + 8);
    case TYPE_LONG:
        return tiff_long(block, entry + 8);
    default:
        return 0;
    }
}

#endif
