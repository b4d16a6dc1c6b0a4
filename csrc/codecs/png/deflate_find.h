/* deflate_find.h: which bytes of a chunk are said again. Layer 2. */
#ifndef LI_CODECS_PNG_DEFLATE_FIND_H
#define LI_CODECS_PNG_DEFLATE_FIND_H

#include "codecs/png/deflate_block.h"

enum {
    LI_HISTORY = 32768,     /* deflate's furthest match */
    LI_FINDER_SLACK = 32,   /* readable bytes past the end of a chunk */
    LI_SHORTEST_RUN = 4,    /* matches at distance 1 */
    LI_SHORTEST_REPEAT = 6, /* the others: what the hash sees */
};

/* What a symbol is thought to cost, in bits: from a block's codes. */
typedef struct li_prices {
    uint8_t literals[256];
    uint8_t lengths[LI_LENGTHS];          /* with their extra bits */
    uint8_t distances[LI_DISTANCE_CODES]; /* with theirs */
} li_prices;

/* Before there is a block to ask. */
void li_prices_init(const li_ranges *ranges, li_prices *prices);
/* As the block has them: literals alone, or all. */
void li_prices_literals(const li_block *block, li_prices *prices);
void li_prices_take(const li_ranges *ranges, const li_block *block, li_prices *prices);

/* Tokens that grow; the arrays are the owner's and large enough. */
typedef struct li_found {
    uint8_t *literals;
    li_match *matches;
    size_t literal_count, match_count;
    size_t pending; /* literals behind the last match */
} li_found;

/* Bytes from..to of the window: [begin, from) are history. */
typedef struct li_span {
    const uint8_t *window;
    size_t begin, from, to;
} li_span;

/* Append the span's tokens: literals, and matches at distance 1 that are worth it. */
void li_find_runs(li_span span, const li_prices *prices, li_found *found);
/* The same with matches at any distance. heads has 2^head_bits entries; the window's
 * first byte is at `base` in the stream. */
void li_find_repeats(li_span span, const li_prices *prices, uint32_t *heads,
                     uint32_t head_bits, uint32_t base, li_found *found);
/* Make a span known to li_find_repeats. */
void li_find_learn(li_span span, uint32_t *heads, uint32_t head_bits, uint32_t base);

#endif
