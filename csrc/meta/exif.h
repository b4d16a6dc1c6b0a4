/* exif.h: what we read of an EXIF block. Bytes in, values out. Layer 2. */
#ifndef LI_META_EXIF_H
#define LI_META_EXIF_H

#include "base/base.h"

/* The orientation 1..8 in a TIFF-structured block, with or without the "Exif\0\0"
 * prefix; 1 when it has none or is damaged. Reads nothing outside [data, data + size).
 */
uint8_t li_exif_orientation(const uint8_t *data, size_t size);

#endif
