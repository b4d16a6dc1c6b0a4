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
    .convert = li_plain_convert,
    .flatten = li_plain_flatten,
    .split = li_plain_split,
    .floats = li_plain_floats,
    .ycc_to_rgb = li_plain_ycc_to_rgb,
};
