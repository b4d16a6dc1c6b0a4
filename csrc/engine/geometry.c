/* geometry.c: fits in whole numbers. Layer 3. */
#include "engine/geometry.h"

#include <stdio.h>

enum { MAX_SIDE = 65535 };

/* side × numerator / denominator, half away from zero, at least 1. */
static uint64_t
scale_round(uint32_t side, uint32_t numerator, uint32_t denominator)
{
    uint64_t scaled =
        (2 * (uint64_t)side * numerator + denominator) / (2 * (uint64_t)denominator);
    return scaled ? scaled : 1;
}

static uint64_t
scale_ceil(uint32_t side, uint32_t numerator, uint32_t denominator)
{
    return ((uint64_t)side * numerator + denominator - 1) / denominator;
}

/* Does the width bind: is width/in.width ≤ height/in.height? */
static bool
width_is_tighter(uint32_t width, uint32_t height, li_info in)
{
    return (uint64_t)width * in.height <= (uint64_t)height * in.width;
}

static void
fit_inside(uint32_t width, uint32_t height, li_info in, uint64_t size[2])
{
    bool by_width = !height || (width && width_is_tighter(width, height, in));
    size[0] = by_width ? width : scale_round(in.width, height, in.height);
    size[1] = by_width ? scale_round(in.height, width, in.width) : height;
}

static void
fit_outside(uint32_t width, uint32_t height, li_info in, uint64_t size[2])
{
    bool by_height = width_is_tighter(width, height, in);
    size[0] = by_height ? scale_round(in.width, height, in.height) : width;
    size[1] = by_height ? height : scale_round(in.height, width, in.width);
}

static void
fit_cover(uint32_t width, uint32_t height, li_info in, uint64_t size[2])
{
    bool by_height = width_is_tighter(width, height, in);
    size[0] = by_height ? scale_ceil(in.width, height, in.height) : width;
    size[1] = by_height ? height : scale_ceil(in.height, width, in.width);
}

static uint32_t
smaller(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

static uint32_t
spare_before(uint64_t spare, li_at at)
{
    return (uint32_t)li_at_before((int64_t)spare, at);
}

static li_rect
keep_part(const uint64_t size[2], const li_step *step)
{
    li_rect kept = {.width = smaller(step->u.resize.width, size[0]),
                    .height = smaller(step->u.resize.height, size[1])};
    kept.x = spare_before(size[0] - kept.width, step->u.resize.at_x);
    kept.y = spare_before(size[1] - kept.height, step->u.resize.at_y);
    return kept;
}

static li_pad
pad_around(const uint64_t size[2], const li_step *step)
{
    uint32_t across = (uint32_t)(step->u.resize.width - size[0]);
    uint32_t down = (uint32_t)(step->u.resize.height - size[1]);
    li_pad pad = {.left = spare_before(across, step->u.resize.at_x),
                  .top = spare_before(down, step->u.resize.at_y),
                  .color = step->u.resize.background};
    pad.right = across - pad.left;
    pad.bottom = down - pad.top;
    return pad;
}

static void
fit_sides(li_fit fit, uint32_t width, uint32_t height, li_info in, uint64_t size[2])
{
    if (fit == LI_FIT_INSIDE || fit == LI_FIT_CONTAIN)
        fit_inside(width, height, in, size);
    else if (fit == LI_FIT_OUTSIDE)
        fit_outside(width, height, in, size);
    else if (fit == LI_FIT_COVER)
        fit_cover(width, height, in, size);
}

/* The scaled size without enlarging: a picture that would grow stays as it is. */
static void
forbid_enlarging(li_fit fit, li_info in, uint64_t size[2])
{
    bool wider = size[0] > in.width, higher = size[1] > in.height;
    if (fit == LI_FIT_FILL ? wider : wider || higher)
        size[0] = in.width;
    if (fit == LI_FIT_FILL ? higher : wider || higher)
        size[1] = in.height;
}

typedef char side_text[12];

static const char *
side_name(uint32_t side, side_text text)
{
    snprintf(text, sizeof(side_text), "%u", side);
    return side ? text : "auto";
}

static li_status
fail_side(li_ctx *ctx, const li_step *step, li_info in, const uint64_t size[2])
{
    side_text width, height;
    return li_fail(ctx, LI_E203_RESIZE_SIZE,
                   "resize: %ux%u to %sx%s would be %llux%llu, a side over %d",
                   in.width, in.height, side_name(step->u.resize.width, width),
                   side_name(step->u.resize.height, height),
                   (unsigned long long)size[0], (unsigned long long)size[1], MAX_SIDE);
}

li_status
li_fit_size(li_ctx *ctx, const li_step *step, li_info in, li_fitted *fitted)
{
    uint32_t width = step->u.resize.width, height = step->u.resize.height;
    bool both = width && height;
    li_fit fit = both ? step->u.resize.fit : LI_FIT_INSIDE;
    uint64_t size[2] = {width, height};
    fit_sides(fit, width, height, in, size);
    if (!step->u.resize.enlarge)
        forbid_enlarging(fit, in, size);
    /* Of cover the box is made, and nothing else. */
    uint64_t most = fit == LI_FIT_COVER ? UINT32_MAX : MAX_SIDE;
    if (size[0] > most || size[1] > most)
        return fail_side(ctx, step, in, size);
    *fitted = (li_fitted){(uint32_t)size[0], (uint32_t)size[1], {0}, {0}};
    fitted->kept = (li_rect){0, 0, fitted->width, fitted->height};
    if (fit == LI_FIT_COVER)
        fitted->kept = keep_part(size, step);
    if (fit == LI_FIT_CONTAIN)
        fitted->pad = pad_around(size, step);
    return LI_OK;
}

/* By the scale of the other side, where this one is too long to count with. */
static li_span
kept_span(uint32_t side, uint32_t scaled, uint32_t other, uint32_t other_scaled,
          uint32_t first, uint32_t kept)
{
    if (scaled <= MAX_SIDE)
        return li_span_window(li_span_whole(side), scaled, first, kept);
    return (li_span){(uint64_t)first * other, (uint64_t)kept * other, other_scaled};
}

void
li_fit_cut(li_info in, li_fitted *fitted, li_span *x, li_span *y)
{
    uint32_t width = fitted->width, height = fitted->height;
    li_rect kept = fitted->kept;
    *x = kept_span(in.width, width, in.height, height, kept.x, kept.width);
    *y = kept_span(in.height, height, in.width, width, kept.y, kept.height);
    fitted->width = kept.width;
    fitted->height = kept.height;
    fitted->kept.x = fitted->kept.y = 0;
}
