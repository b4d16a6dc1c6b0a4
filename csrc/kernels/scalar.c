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
    .convert = li_plain_convert,
    .flatten = li_plain_flatten,
    .split = li_plain_split,
    .floats = li_plain_floats,
    .ycc_to_rgb = li_plain_ycc_to_rgb,
};
