/* deflate_block.h: literals and matches as blocks of a deflate stream. Layer 2. */
#ifndef LI_CODECS_PNG_DEFLATE_BLOCK_H
#define LI_CODECS_PNG_DEFLATE_BLOCK_H

#include "kernels/codes.h"
#include "codecs/png/write.h"

enum {
    LI_LITERAL_CODES = 286, /* 256 literals, the end, 29 lengths */
    LI_LENGTH_CODE = 257,   /* the first of the lengths */
    LI_DISTANCE_CODES = 30,
    LI_SHORTEST = 3, /* matches of deflate */
    LI_LONGEST = 258,
    LI_LENGTHS = LI_LONGEST - LI_SHORTEST + 1,
    LI_STORED_MOST = 65535, /* bytes of a stored block */
};

/* `literals` literals, then a match. */
typedef struct li_match {
    uint32_t literals;
    uint16_t length;
    uint16_t distance;
} li_match;

/* What a block says: all literals in order, and the matches between them. */
typedef struct li_tokens {
    const uint8_t *literals;
    const li_match *matches;
    size_t literal_count, match_count;
} li_tokens;

/* The codes of a block, and the bits that it takes with them. */
typedef struct li_block {
    uint64_t bits;
    bool fixed; /* deflate's own codes are no longer */
    uint8_t literal_bits[LI_CODE_SYMBOLS];
    uint8_t distance_bits[LI_DISTANCE_CODES + 2];
} li_block;

/* Symbol and extra bits of every length and distance. */
typedef struct li_ranges {
    uint8_t length_code[LI_LENGTHS]; /* of length 3 + i, less LI_LENGTH_CODE */
    uint8_t length_extra[29];
    uint16_t length_base[29];
    uint16_t distance_base[LI_DISTANCE_CODES];
    uint8_t distance_extra[LI_DISTANCE_CODES];
} li_ranges;

void li_ranges_init(li_ranges *ranges);

static inline uint32_t
li_distance_code(uint32_t distance)
{
    uint32_t last = distance - 1;
    if (last < 4)
        return last;
    uint32_t top = 31u - (uint32_t)__builtin_clz(last);
    return 2 * top + (last >> (top - 1) & 1);
}

/* Bits that wait for a whole byte. */
typedef struct li_bits {
    uint64_t bits;
    uint32_t count; /* below 8 between calls */
} li_bits;

/* The best codes for these tokens. */
void li_block_plan(const li_ranges *ranges, const li_tokens *tokens, li_block *block);
li_status li_block_write(li_idat *idat, li_bits *bits, const li_ranges *ranges,
                         const li_tokens *tokens, const li_block *block,
                         bool last) LI_MUST_CHECK;
/* Up to LI_STORED_MOST bytes as they are. */
li_status li_block_store(li_idat *idat, li_bits *bits, const uint8_t *data, size_t size,
                         bool last) LI_MUST_CHECK;
/* Whole bytes: zeros behind the last bit. */
li_status li_block_align(li_idat *idat, li_bits *bits) LI_MUST_CHECK;

#endif
