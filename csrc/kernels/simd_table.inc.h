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
    .deep_center = deep_center,
    .deep_premultiply = deep_premultiply,
    .deep_across = deep_across,
    .deep_widen = li_plain_deep_widen,
    .deep_gather = deep_gather,
    .deep_store = deep_store,
    .deep_store_alpha = deep_store_alpha,
    .convert = convert,
    .flatten = flatten,
    .split = split,
    .floats = to_floats,
    .ycc_to_rgb = ycc_to_rgb,
};
