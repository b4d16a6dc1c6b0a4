/* pixel.h: how a row of samples is laid out. Layer 1. */
#ifndef LI_IMAGE_PIXEL_H
#define LI_IMAGE_PIXEL_H

#include "base/base.h"

/* Low nibble: channels; 0x10: two bytes a sample, native order; 0x20: CMYK, which only
 * decoders give and color/cmyk.h takes. Alpha is the last channel, not premultiplied.
 */
typedef enum li_pixel {
    LI_GRAY8 = 0x01,
    LI_GRAYA8 = 0x02,
    LI_RGB8 = 0x03,
    LI_RGBA8 = 0x04,
    LI_GRAY16 = 0x11,
    LI_GRAYA16 = 0x12,
    LI_RGB16 = 0x13,
    LI_RGBA16 = 0x14,
    LI_CMYK8 = 0x24,
} li_pixel;

typedef struct li_info {
    uint32_t width, height;
    li_pixel pixel;
} li_info;

static inline uint32_t
li_pixel_channels(li_pixel pixel)
{
    return pixel & 0x0f;
}

static inline uint32_t
li_pixel_bytes(li_pixel pixel)
{
    return (pixel & 0x0f) << (pixel >> 4 & 1);
}

static inline bool
li_pixel_has_alpha(li_pixel pixel)
{
    return pixel != LI_CMYK8 && (pixel & 1) == 0;
}

static inline bool
li_pixel_is_gray(li_pixel pixel)
{
    return (pixel & 0x0f) <= 2;
}

static inline bool
li_pixel_is_deep(li_pixel pixel)
{
    return (pixel & 0x10) != 0;
}

/* The same channels with 8 bits a sample, or with 16; CMYK as it is. */
static inline li_pixel
li_pixel_with_depth(li_pixel pixel, bool deep)
{
    if (pixel == LI_CMYK8)
        return pixel;
    return (li_pixel)((pixel & 0x0f) | (deep ? 0x10 : 0));
}

/* Bytes of one row; width < 2^31, so this cannot wrap. */
static inline size_t
li_row_bytes(li_info info)
{
    return (size_t)info.width * li_pixel_bytes(info.pixel);
}

static inline uint64_t
li_image_bytes(li_info info)
{
    return li_sat_mul(li_row_bytes(info), info.height);
}

/* "gray8", "rgba8", "cmyk8", …: static strings. */
const char *li_pixel_name(li_pixel pixel);

#endif
