/* codes.h: Huffman codes as deflate and lossless WebP want them. Layer 1. */
#ifndef LI_KERNELS_CODES_H
#define LI_KERNELS_CODES_H

#include "base/base.h"

enum {
    LI_CODE_SYMBOLS =
        288,           /* at most: literals, the end, lengths, two that never occur */
    LI_CODE_BITS = 15, /* of deflate's longest code */
};

/* lengths[i] ≤ limit bits for a symbol that occurs counts[i] times, 0 for one that does
 * not; their cost is the least possible, or next to it where the limit bites. A single
 * symbol gets one bit. Counts add up to less than 2^23; 2^limit ≥ n; n ≤
 * LI_CODE_SYMBOLS. */
void li_code_lengths(const uint32_t *counts, uint32_t n, uint32_t limit,
                     uint8_t *lengths);
/* The canonical code of these lengths, each with its first bit lowest. */
void li_code_words(const uint8_t *lengths, uint32_t n, uint16_t *words);

#endif
