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

enum {
    LI_RUN_CODES = 19,    /* symbols that lengths are told by */
    LI_RUN_SYMBOLS = 320, /* lengths that are told at once, at most */
};

/* Lengths in short: 0 to 15 is one, 16 the last one 3 to 6 times more, 17 three to ten
 * zeros, 18 eleven to 138. */
typedef struct li_code_runs {
    uint32_t count;
    uint8_t symbols[LI_RUN_SYMBOLS];
    uint8_t extra[LI_RUN_SYMBOLS]; /* li_run_extra[symbol] bits */
} li_code_runs;

extern const uint8_t li_run_extra[LI_RUN_CODES];

/* n ≤ LI_RUN_SYMBOLS. */
void li_code_runs_of(const uint8_t *lengths, uint32_t n, li_code_runs *runs);

#endif
