/* geometry.c: fits and windows in whole numbers; every span is an exact fraction.
 * Layer 3. */
#include "engine/geometry.h"

/* --- fits ------------------------------------------------------------------------ */

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

static li_rect
keep_middle(const uint64_t size[2], uint32_t width, uint32_t height)
{
    li_rect kept = {.width = smaller(width, size[0]),
                    .height = smaller(height, size[1])};
    kept.x = (uint32_t)((size[0] - kept.width) / 2);
    kept.y = (uint32_t)((size[1] - kept.height) / 2);
    return kept;
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

li_status
li_fit_size(li_ctx *ctx, const li_step *step, li_info in, li_fitted *fitted)
{
    enum { MAX_SIDE = 65535 };
    uint32_t width = step->u.resize.width, height = step->u.resize.height;
    bool both = width && height;
    li_fit fit = both ? step->u.resize.fit : LI_FIT_INSIDE;
    uint64_t size[2] = {width, height};
    if (fit == LI_FIT_INSIDE)
        fit_inside(width, height, in, size);
    else if (fit == LI_FIT_COVER)
        fit_cover(width, height, in, size);
    if (!step->u.resize.enlarge)
        forbid_enlarging(fit, in, size);
    if (size[0] > MAX_SIDE || size[1] > MAX_SIDE)
        return li_fail(ctx, LI_E203_RESIZE_SIZE,
                       "resize: %ux%u to %ux%u would be %llux%llu, a side over %d",
                       in.width, in.height, width, height, (unsigned long long)size[0],
                       (unsigned long long)size[1], MAX_SIDE);
    fitted->width = (uint32_t)size[0];
    fitted->height = (uint32_t)size[1];
    fitted->kept = (li_rect){0, 0, fitted->width, fitted->height};
    if (fit == LI_FIT_COVER)
        fitted->kept = keep_middle(size, width, height);
    return LI_OK;
}

/* --- spans ----------------------------------------------------------------------- */

static uint64_t
common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static li_span
reduced(li_span span)
{
    uint64_t divisor =
        common_divisor(common_divisor(span.start, span.length), span.unit);
    return (li_span){span.start / divisor, span.length / divisor, span.unit / divisor};
}

li_span
li_span_whole(uint32_t pixels)
{
    return (li_span){0, pixels, 1};
}

li_span
li_span_window(li_span span, uint32_t count, uint32_t first, uint32_t kept)
{
    /* A second window has unit = 1 again unless a shrink came between, which is last;
     * so every factor here is below 2^16 × 2^16 and no product wraps. */
    return reduced((li_span){
        .start = span.start * count + span.length * first,
        .length = span.length * kept,
        .unit = span.unit * count,
    });
}

li_span
li_span_mirror(li_span span, uint32_t pixels)
{
    span.start = (uint64_t)pixels * span.unit - span.start - span.length;
    return span;
}

li_span
li_span_shrink(li_span span, uint32_t offset, uint32_t shrink, uint32_t first)
{
    return reduced((li_span){
        .start = (offset * span.unit + span.start) * shrink -
                 (uint64_t)first * 8 * span.unit,
        .length = span.length * shrink,
        .unit = span.unit * 8,
    });
}

li_span
li_span_scale(li_span span, uint32_t num, uint32_t den)
{
    return reduced((li_span){span.start * num, span.length * num, span.unit * den});
}

bool
li_span_allows(li_span span, uint32_t count, uint32_t shrink, uint32_t residual)
{
    return li_sat_mul(span.length, shrink) >=
           li_sat_mul(li_sat_mul(span.unit, count), residual);
}

/* --- orientation ----------------------------------------------------------------- */

static bool
mirrors_input_x(li_orientation orientation)
{
    return orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
}

static bool
mirrors_input_y(li_orientation orientation)
{
    return orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
}

li_resize
li_resize_before(const li_resize *resize, li_orientation orientation, li_info in)
{
    li_resize before = *resize;
    if (li_orient_transposes(orientation)) {
        before.width = resize->height;
        before.height = resize->width;
        before.x = resize->y;
        before.y = resize->x;
    }
    if (mirrors_input_x(orientation))
        before.x = li_span_mirror(before.x, in.width);
    if (mirrors_input_y(orientation))
        before.y = li_span_mirror(before.y, in.height);
    return before;
}
