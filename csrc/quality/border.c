/* border.c: the frame of one colour around a picture. A row is looked at from its ends
 * up to what is known to be inside. Layer 2. */
#include "quality/border.h"

#include <string.h>

void
li_border_begin(li_border *border, li_info info, uint8_t threshold)
{
    *border = (li_border){.info = info, .threshold = threshold, .left = info.width};
}

static bool
is_near(int32_t a, int32_t b, int32_t by)
{
    return a - b <= by && b - a <= by;
}

/* With alpha a colour is what it adds: colours of nothing are equal. */
static bool
is_border(const li_border *border, const uint8_t *pixel)
{
    uint32_t channels = li_pixel_channels(border->info.pixel), last = channels - 1;
    const uint8_t *first = border->first;
    int32_t by = border->threshold;
    if (!li_pixel_has_alpha(border->info.pixel)) {
        for (uint32_t c = 0; c < channels; c++)
            if (!is_near(pixel[c], first[c], by))
                return false;
        return true;
    }
    for (uint32_t c = 0; c < last; c++)
        if (!is_near(pixel[c] * pixel[last], first[c] * first[last], by * 255))
            return false;
    return is_near(pixel[last], first[last], by);
}

void
li_border_row(li_border *border, const uint8_t *row)
{
    uint32_t bytes = li_pixel_bytes(border->info.pixel), width = border->info.width;
    uint32_t x = 0, y = border->y++;
    if (y == 0)
        memcpy(border->first, row, bytes);
    while (x < width && is_border(border, row + (size_t)x * bytes))
        x++;
    if (x == width)
        return;
    if (!li_border_found(border))
        border->top = y;
    border->bottom = y + 1;
    border->left = x < border->left ? x : border->left;
    for (x = width; x > border->right; x--)
        if (!is_border(border, row + (size_t)(x - 1) * bytes))
            break;
    border->right = x;
}
