/* simd_table.inc.h: the table of one instruction set. Layer 1. */

const li_kernels TABLE = {
    .name = TABLE_NAME,
    .across = across,
    .widen = widen,
    .accumulate = accumulate,
    .gather = gather,
    .store = store,
    .store_alpha = store_alpha,
    .premultiply = premultiply,
    .convert = convert,
    .flatten = flatten,
    .split = split,
    .floats = to_floats,
    .ycc_to_rgb = ycc_to_rgb,
};
