/* exif.c: the orientation and the density in an EXIF block. A bounded look at IFD0,
 * nothing else: no recursion, no allocation, and damage means "upright", and a density
 * that is not known. Layer 2. */
#include "meta/exif.h"
#include "meta/tiff.h"

/* The first entry of this tag in IFD0, 0: there is none. */
static size_t
find_entry(const tiff *block, uint32_t tag)
{
    size_t directory = tiff_long(block, 4), count = tiff_entries(block, directory);
    for (size_t i = 0; i < count; i++) {
        size_t entry = directory + 2 + i * IFD_ENTRY_BYTES;
        if (tiff_short(block, entry) == tag)
            return entry;
    }
    return 0;
}

uint8_t
li_exif_orientation(const uint8_t *data, size_t size)
{
    tiff block;
    if (!tiff_open(&block, data, size))
        return 1;
    size_t entry = find_entry(&block, TAG_ORIENTATION);
    uint32_t value = entry ? tiff_value(&block, entry) : 1;
    return value >= 1 && value <= 8 ? (uint8_t)value : 1;
}

static double
rational_of(const tiff *block, uint32_t tag)
{
    enum { BYTES = 8 };
    size_t entry = find_entry(block, tag);
    if (!entry || tiff_short(block, entry + 2) != TYPE_RATIONAL)
        return 0;
    size_t at = tiff_long(block, entry + 8);
    if (block->size < BYTES || at > block->size - BYTES)
        return 0;
    uint32_t under = tiff_long(block, at + 4);
    return under ? (double)tiff_long(block, at) / under : 0;
}

li_density
li_exif_density(const uint8_t *data, size_t size)
{
    enum { INCH = 2, CENTIMETRE = 3 };
    static const li_density unknown = {0, 0};
    tiff block;
    if (!tiff_open(&block, data, size))
        return unknown;
    size_t entry = find_entry(&block, TAG_RESOLUTION_UNIT);
    uint32_t unit = entry ? tiff_value(&block, entry) : INCH;
    if (unit != INCH && unit != CENTIMETRE)
        return unknown;
    double scale = unit == INCH ? 1 : 2.54;
    return (li_density){scale * rational_of(&block, TAG_X_RESOLUTION),
                        scale * rational_of(&block, TAG_Y_RESOLUTION)};
}

/* The tags are next to each other, so that one alone stays in its order. */
void
li_exif_transpose(uint8_t *data, size_t size)
{
    enum { TYPE_COUNT_VALUE = IFD_ENTRY_BYTES - 2 };
    uint8_t kept[TYPE_COUNT_VALUE];
    tiff block;
    if (!tiff_open(&block, data, size))
        return;
    size_t prefix = (size_t)(block.data - data);
    size_t across = find_entry(&block, TAG_X_RESOLUTION);
    size_t down = find_entry(&block, TAG_Y_RESOLUTION);
    if (across && down) {
        uint8_t *x = data + prefix + across + 2, *y = data + prefix + down + 2;
        memcpy(kept, x, sizeof(kept));
        memcpy(x, y, sizeof(kept));
        memcpy(y, kept, sizeof(kept));
    } else if (across || down) {
        uint8_t low = (across ? TAG_Y_RESOLUTION : TAG_X_RESOLUTION) & 0xff;
        data[prefix + across + down + (block.big_endian ? 1 : 0)] = low;
    }
}
