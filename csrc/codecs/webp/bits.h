/* bits.h: bits of lossless WebP, the first lowest, and its Huffman codes. Layer 2. */
#ifndef LI_CODECS_WEBP_BITS_H
#define LI_CODECS_WEBP_BITS_H

#include "image/out.h"
#include "kernels/codes.h"

enum {
    LI_WEBP_LENGTHS = 24, /* prefixes of a match's length, behind the literals */
    LI_WEBP_GREENS = 256 + LI_WEBP_LENGTHS,
    LI_WEBP_DISTANCES = 40,
};

/* Where bits go. */
typedef struct li_webp_bits {
    li_out *out; /* borrowed; NULL: they are counted only */
    li_status status;
    uint32_t held; /* bits in word */
    uint64_t word;
    uint64_t total; /* bits so far */
    size_t used;
    uint8_t buffer[4096];
} li_webp_bits;

void li_webp_bits_put(li_webp_bits *bits, uint32_t value, uint32_t count); /* ≤ 24 */
/* The last byte, too. */
li_status li_webp_bits_end(li_webp_bits *bits) LI_MUST_CHECK;

/* A code over n symbols, by how often each occurs. */
typedef struct li_webp_code {
    uint32_t n, used; /* used: symbols that occur; one alone takes no bits */
    uint32_t counts[LI_WEBP_GREENS];
    uint8_t lengths[LI_WEBP_GREENS];
    uint16_t words[LI_WEBP_GREENS];
} li_webp_code;

void li_webp_code_make(li_webp_code *code);
uint64_t
li_webp_code_total(const li_webp_code *code); /* bits of all that was counted */
void li_webp_bits_code(li_webp_bits *bits, const li_webp_code *code); /* in a header */

static inline void
li_webp_bits_symbol(li_webp_bits *bits, const li_webp_code *code, uint32_t symbol)
{
    if (code->used > 1)
        li_webp_bits_put(bits, code->words[symbol], code->lengths[symbol]);
}

#endif
