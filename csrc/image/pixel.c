/* pixel.c: names of the layouts. Layer 1. */
#include "image/pixel.h"

const char *
li_pixel_name(li_pixel pixel)
{
    switch (pixel) {
    case LI_GRAY8:
        return "gray8";
    case LI_GRAYA8:
        return "graya8";
    case LI_RGB8:
        return "rgb8";
    case LI_RGBA8:
        return "rgba8";
    case LI_GRAY16:
        return "gray16";
    case LI_GRAYA16:
        return "graya16";
    case LI_RGB16:
        return "rgb16";
    case LI_RGBA16:
        return "rgba16";
    case LI_CMYK8:
        return "cmyk8";
    }
    return "unknown";
}
