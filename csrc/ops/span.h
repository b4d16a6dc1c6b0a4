/* span.h: the arithmetic of windows, free of any plan. Layer 2. */
#ifndef LI_OPS_SPAN_H
#define LI_OPS_SPAN_H

#include "ops/op.h"

/* The whole axis of `pixels`. */
li_span li_span_whole(uint32_t pixels);
/* Outputs [first, first + kept) of the `count` that span stands for. */
li_span li_span_window(li_span span, uint32_t count, uint32_t first, uint32_t kept);
/* The same part, seen from the other end of an axis of `pixels`. */
li_span li_span_mirror(li_span span, uint32_t pixels);
/* `span` of an axis that begins at pixel `offset` of a longer one, once that has been
 * decoded at shrink/8 from its pixel `first` (in shrunk pixels) on. */
li_span li_span_shrink(li_span span, uint32_t offset, uint32_t shrink, uint32_t first);

/* The same part of an axis of which a plane has num samples for every den pixels. */
li_span li_span_scale(li_span span, uint32_t num, uint32_t den);

/* Does an axis shrunk to shrink/8 keep at least residual/8 pixels for each output? */
bool li_span_allows(li_span span, uint32_t count, uint32_t shrink, uint32_t residual);

/* The resize that, done before `orientation`, gives what `resize` gives after it. `in`
 * is the picture before both. */
li_resize li_resize_before(const li_resize *resize, li_orientation orientation,
                           li_info in);

#endif
