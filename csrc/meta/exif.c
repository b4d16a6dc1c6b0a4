/* exif.c: the orientation in an EXIF block. A bounded look at IFD0, nothing else: no
 * recursion, no allocation, and damage means "upright". Layer 2. */
#include "meta/exif.h"

#include <string.h>

enum {
    EXIF_PREFIX_BYTES = 6,
    TIFF_HEADER_BYTES = 8,
    IFD_ENTRY_BYTES = 12,
    TAG_ORIENTATION = 0x0112,
    TYPE_BYTE = 1,
    TYPE_SHORT = 3,
    TYPE_LONG = 4,
};

/* A TIFF block in its own byte order; offsets count from its first byte. */
typedef struct tiff {
    const uint8_t *data; /* borrowed */
    size_t size;
    bool big_endian;
} tiff;

static uint32_t
tiff_short(const tiff *block, size_t at)
{
    uint32_t first = block->data[at], second = block->data[at + 1];
    return block->big_endian ? first << 8 | second : second << 8 | first;
}

static uint32_t
tiff_long(const tiff *block, size_t at)
{
    uint32_t first = tiff_short(block, at), second = tiff_short(block, at + 2);
    return block->big_endian ? first << 16 | second : second << 16 | first;
}

static bool
tiff_open(tiff *block, const uint8_t *data, size_t size)
{
    if (size >= EXIF_PREFIX_BYTES && memcmp(data, "Exif\0\0", EXIF_PREFIX_BYTES) == 0) {
        data += EXIF_PREFIX_BYTES;
        size -= EXIF_PREFIX_BYTES;
    }
    if (size < TIFF_HEADER_BYTES)
        return false;
    bool big = data[0] == 'M' && data[1] == 'M';
    bool little = data[0] == 'I' && data[1] == 'I';
    *block = (tiff){.data = data, .size = size, .big_endian = big};
    return (big || little) && tiff_short(block, 2) == 42;
}

/* A value that fits its entry stands in the entry itself, first byte first. Writers use
 * SHORT as the standard says, and sometimes LONG or BYTE. */
static uint32_t
entry_value(const tiff *block, size_t entry)
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

uint8_t
li_exif_orientation(const uint8_t *data, size_t size)
{
    tiff block;
    if (!tiff_open(&block, data, size))
        return 1;
    size_t directory = tiff_long(&block, 4);
    if (directory > block.size - 2)
        return 1;
    size_t count = tiff_short(&block, directory);
    size_t room = (block.size - directory - 2) / IFD_ENTRY_BYTES;
    if (count > room)
        count = room; /* cut off: look at the entries that are there */
    for (size_t i = 0; i < count; i++) {
        size_t entry = directory + 2 + i * IFD_ENTRY_BYTES;
        if (tiff_short(&block, entry) != TAG_ORIENTATION)
            continue;
        uint32_t value = entry_value(&block, entry);
        return value >= 1 && value <= 8 ? (uint8_t)value : 1;
    }
    return 1;
}
