/* simd_pixels.inc.h: layouts, floats and colour of a row, included once per instruction
 * set behind its words. Layer 1. */
