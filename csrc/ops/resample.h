/* resample.h: one axis of a resize: which inputs an output reads, and with what
 * weights. Layer 2.
 *
 * Centres and reaches are exact fractions of whole numbers, and weights depend on
 * nothing but the fraction, the scale and the distance to the input's two ends: a
 * window gives the bytes of the whole, and a mirrored axis the mirrored weights. */
#ifndef LI_OPS_RESAMPLE_H
#define LI_OPS_RESAMPLE_H

#include "kernels/kernels.h"
#include "ops/op.h"

/* What is asked of one axis. */
typedef struct li_axis_plan {
    li_kernel kernel;
    li_span span;
    uint32_t count;  /* outputs, at least 1 */
    uint32_t inputs; /* pixels there are, at least 1 */
} li_axis_plan;

/* Can the arithmetic below hold this span, and does it lie on the input? */
bool li_axis_valid(const li_axis_plan *plan);
/* Does every output stand for exactly one input pixel? Then taps are 1. */
bool li_axis_identity(const li_axis_plan *plan);
/* Output `i` reads inputs *first … *first + *taps − 1; both ends grow with i. */
void li_axis_reach(const li_axis_plan *plan, uint32_t i, uint32_t *first,
                   uint32_t *taps);
/* The input pixel that the centre of output i lies in: nearest. */
uint32_t li_axis_nearest(const li_axis_plan *plan, uint32_t i);
/* Weights reserved per output: one more than any output has taps, as `first` may be one
 * less; a multiple of 4. */
uint32_t li_axis_stride(const li_axis_plan *plan);

/* Twice the kernel's radius in outputs: 6 for Lanczos3, 1 for box. */
uint32_t li_kernel_diameter(li_kernel kernel);

/* A table whose `first` counts from input `start`: inputs before it are not needed.
 * Each `first` is even: where an output begins at an odd input, a weight of 0 goes
 * before. */
typedef struct li_axis {
    li_weights weights;
    uint32_t start;
} li_axis;

/* Upper bound of what li_axis_make allocates. */
uint64_t li_axis_bytes(const li_axis_plan *plan);
/* `work`: li_axis_stride() doubles. */
li_status li_axis_make(li_ctx *ctx, const li_axis_plan *plan, double *work,
                       li_axis *axis) LI_MUST_CHECK;
void li_axis_free(li_ctx *ctx, li_axis *axis); /* accepts a zeroed or half-made one */

/* What a block of `bytes` takes from the ledger at most: its header and, where li_alloc
 * takes whole pages, the rest of the last one. */
uint64_t li_block_bytes(uint64_t bytes);

/* nearest.c: a resize that only picks pixels. */
uint64_t li_nearest_bytes(const li_resize *resize, li_info in, li_info out);
li_status li_nearest_open(const li_resize *resize, li_info out,
                          li_rows **chain) LI_MUST_CHECK;

#endif
