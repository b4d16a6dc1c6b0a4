/* border.c: the frame of one colour around a picture. A row is looked at from its ends
 * up to what is known to be inside. Layer 2. */
#include "quality/border.h"

void
li_border_begin(li_border *border, li_info info, uint8_t threshold)
{
    *border = (li_border){.info = info, .threshold = threshold, .left = info.width};
}

static bool
is_near(int64_t a, int64_t b, int64_t by)
{
    return a - b <= by && b - a <= by;
}

static uint16_t
sample_of(const li_border *border, const uint8_t *pixel, uint32_t channel)
{
    if (!li_pixel_is_deep(border->info.pixel))
        return pixel[channel];
    return ((const uint16_t *)(const void *)pixel)[channel];
}

/* With alpha a colour is what it adds: colours of nothing are equal. */
static bool
is_border(const li_border *border, const uint8_t *pixel)
{
    uint32_t channels = li_pixel_channels(border->info.pixel), last = channels - 1;
    const uint16_t *first = border->first;
    bool deep = li_pixel_is_deep(border->info.pixel);
    int64_t by = border->threshold * (deep ? 257 : 1), full = deep ? 65535 : 255;
    if (!li_pixel_has_alpha(border->info.pixel)) {
        for (uint32_t c = 0; c < channels; c++)
            if (!is_near(sample_of(border, pixel, c), first[c], by))
                return false;
        return true;
    }
    int64_t alpha = sample_of(border, pixel, last);
    for (uint32_t c = 0; c < last; c++)
        if (!is_near(sample_of(border, pixel, c) * alpha,
                     (int64_t)first[c] * first[last], by * full))
            return false;
    return is_near(alpha, first[last], by);
}

static void
take_first(li_border *border, const uint8_t *row)
{
    for (uint32_t c = 0; c < li_pixel_channels(border->info.pixel); c++)
        border->first[c] = sample_of(border, row, c);
}

void
li_border_row(li_border *border, const uint8_t *row)
{
    uint32_t bytes = li_pixel_bytes(border->info.pixel), width = border->info.width;
    uint32_t x = 0, y = border->y++;
    if (y == 0)
        take_first(border, row);
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
