/* span.c: windows, mirrors and shrinks of an axis; every span is an exact fraction.
 * Layer 2. */
#include "ops/span.h"

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
