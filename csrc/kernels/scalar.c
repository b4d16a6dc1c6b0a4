/* scalar.c: the table of plain C, for whatever the compiler's baseline is. Layer 1. */
#include "kernels/plain.h"

const li_kernels li_kernels_scalar = {
    .name = "scalar",
    .across = li_plain_across,
    .widen = li_plain_widen,
    .accumulate = li_plain_accumulate,
    .gather = li_plain_gather,
    .store = li_plain_store,
    .store_alpha = li_plain_store_alpha,
    .premultiply = li_plain_premultiply,
    .deep_center = li_plain_deep_center,
    .deep_premultiply = li_plain_deep_premultiply,
    .deep_across = li_plain_deep_across,
    .deep_widen = li_plain_deep_widen,
    .deep_gather = li_plain_deep_gather,
    .deep_store = li_plain_deep_store,
    .deep_store_alpha = li_plain_deep_store_alpha,
    .convert = li_plain_convert,
    .flatten = li_plain_flatten,
    .split = li_plain_split,
    .floats = li_plain_floats,
    .ycc_to_rgb = li_plain_ycc_to_rgb,
};
