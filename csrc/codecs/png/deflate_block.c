/* deflate_block.c: codes for a block and its bits. Layer 2.
 *
 * A literal's code has at most 14 bits, so that four of them and the 7 bits that may
 * wait for a whole byte fit one 64-bit word: 4 × 14 + 7 = 63. */
#include "codecs/png/deflate_block.h"

#include <assert.h>
#include <string.h>

enum {
    END = 256,
    CODE_LIMIT = 14,
    HEADER_LIMIT = 7,
    HEADER_MOST = LI_LITERAL_CODES + LI_DISTANCE_CODES,
    PIECE = 1024, /* literals that go out between two looks at the room */
    PIECE_BYTES = PIECE * CODE_LIMIT / 8 + 8,
    HEADER_BYTES = (17 + 3 * LI_RUN_CODES + HEADER_MOST * (HEADER_LIMIT + 7)) / 8 + 8,
};

void
li_ranges_init(li_ranges *ranges)
{
    uint32_t base = LI_SHORTEST;
    for (uint32_t code = 0; code < 28; code++) {
        ranges->length_extra[code] = (uint8_t)(code < 8 ? 0 : code / 4 - 1);
        ranges->length_base[code] = (uint16_t)base;
        for (uint32_t i = 0; i < 1u << ranges->length_extra[code]; i++)
            if (base + i <= LI_LONGEST)
                ranges->length_code[base + i - LI_SHORTEST] = (uint8_t)code;
        base += 1u << ranges->length_extra[code];
    }
    /* The longest has a code of its own. */
    ranges->length_base[28] = LI_LONGEST;
    ranges->length_code[LI_LONGEST - LI_SHORTEST] = 28;
    base = 1;
    for (uint32_t code = 0; code < LI_DISTANCE_CODES; code++) {
        ranges->distance_extra[code] = (uint8_t)(code < 4 ? 0 : code / 2 - 1);
        ranges->distance_base[code] = (uint16_t)base;
        base += 1u << ranges->distance_extra[code];
    }
}

/* --- the plan --------------------------------------------------------------------- */

/* Four tables, because a count cannot be raised twice in a row at full speed. */
static void
count_literals(const uint8_t *literals, size_t n, uint32_t counts[256])
{
    uint32_t tables[4][256] = {{0}};
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        tables[0][literals[i]]++;
        tables[1][literals[i + 1]]++;
        tables[2][literals[i + 2]]++;
        tables[3][literals[i + 3]]++;
    }
    for (; i < n; i++)
        tables[0][literals[i]]++;
    for (size_t k = 0; k < 256; k++)
        counts[k] = tables[0][k] + tables[1][k] + tables[2][k] + tables[3][k];
}

static void
fixed_lengths(li_block *block)
{
    memset(block->literal_bits, 8, 144);
    memset(block->literal_bits + 144, 9, 112);
    memset(block->literal_bits + 256, 7, 24);
    memset(block->literal_bits + 280, 8, 8);
    memset(block->distance_bits, 5, sizeof(block->distance_bits));
}

/* The lengths of both codes, as deflate wants them in front of a block. */
typedef struct code_header {
    uint32_t literals, distances, codes; /* how many of each are told */
    li_code_runs runs;
    uint8_t bits[LI_RUN_CODES];
} code_header;

static const uint8_t header_order[LI_RUN_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                   11, 4,  12, 3, 13, 2, 14, 1, 15};

static uint32_t
trimmed(const uint8_t *lengths, uint32_t n, uint32_t least)
{
    while (n > least && lengths[n - 1] == 0)
        n--;
    return n;
}

/* Gives its bits. */
static uint64_t
header_make(const li_block *block, code_header *header)
{
    uint8_t lengths[HEADER_MOST];
    uint32_t counts[LI_RUN_CODES] = {0};
    header->literals = trimmed(block->literal_bits, LI_LITERAL_CODES, LI_LENGTH_CODE);
    header->distances = trimmed(block->distance_bits, LI_DISTANCE_CODES, 1);
    memcpy(lengths, block->literal_bits, header->literals);
    memcpy(lengths + header->literals, block->distance_bits, header->distances);
    uint32_t n = header->literals + header->distances;
    li_code_runs_of(lengths, n, &header->runs);
    for (uint32_t i = 0; i < header->runs.count; i++)
        counts[header->runs.symbols[i]]++;
    li_code_lengths(counts, LI_RUN_CODES, HEADER_LIMIT, header->bits);
    header->codes = LI_RUN_CODES;
    while (header->codes > 4 && header->bits[header_order[header->codes - 1]] == 0)
        header->codes--;
    uint64_t bits = 14 + 3 * header->codes;
    for (uint32_t i = 0; i < LI_RUN_CODES; i++)
        bits += (uint64_t)counts[i] * (header->bits[i] + li_run_extra[i]);
    return bits;
}

typedef struct counts {
    uint32_t literals[LI_CODE_SYMBOLS];
    uint32_t distances[LI_DISTANCE_CODES];
} counts;

static uint64_t
symbol_bits(const li_block *block, const counts *of)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < LI_LITERAL_CODES; i++)
        bits += (uint64_t)of->literals[i] * block->literal_bits[i];
    for (uint32_t i = 0; i < LI_DISTANCE_CODES; i++)
        bits += (uint64_t)of->distances[i] * block->distance_bits[i];
    return bits;
}

void
li_block_plan(const li_ranges *ranges, const li_tokens *tokens, li_block *block)
{
    li_block fixed = {.fixed = true, .bits = 3};
    code_header header;
    counts of = {{0}, {0}};
    uint64_t extra = 0;
    count_literals(tokens->literals, tokens->literal_count, of.literals);
    for (size_t i = 0; i < tokens->match_count; i++) {
        li_match match = tokens->matches[i];
        uint32_t length = ranges->length_code[match.length - LI_SHORTEST];
        uint32_t distance = li_distance_code(match.distance);
        of.literals[LI_LENGTH_CODE + length]++;
        of.distances[distance]++;
        extra += ranges->length_extra[length] + ranges->distance_extra[distance];
    }
    of.literals[END] = 1;
    *block = (li_block){.fixed = false};
    li_code_lengths(of.literals, LI_LITERAL_CODES, CODE_LIMIT, block->literal_bits);
    li_code_lengths(of.distances, LI_DISTANCE_CODES, CODE_LIMIT, block->distance_bits);
    /* A code of none is allowed, but old readers want one. */
    if (tokens->match_count == 0)
        block->distance_bits[0] = 1;
    block->bits = 3 + header_make(block, &header) + symbol_bits(block, &of) + extra;
    fixed_lengths(&fixed);
    fixed.bits += symbol_bits(&fixed, &of) + extra;
    if (fixed.bits <= block->bits)
        *block = fixed;
}

/* --- bits out --------------------------------------------------------------------- */

/* Writes straight into the chunk. */
typedef struct emitter {
    li_idat *idat;
    uint64_t bits;
    uint32_t count;
    uint8_t *at;
} emitter;

_Static_assert((int)PIECE_BYTES <= (int)LI_IDAT_SPARE &&
                   (int)HEADER_BYTES <= (int)LI_IDAT_SPARE,
               "what is reserved fits any chunk");

static emitter
emitter_begin(li_idat *idat, const li_bits *bits)
{
    return (emitter){idat, bits->bits, bits->count,
                     idat->chunk + LI_IDAT_HEAD + idat->fill};
}

static void
emitter_end(emitter *self, li_bits *bits)
{
    self->idat->fill = (size_t)(self->at - (self->idat->chunk + LI_IDAT_HEAD));
    assert(self->idat->fill <= self->idat->room);
    *bits = (li_bits){self->bits, self->count};
}

/* Room for this many bytes more, LI_IDAT_SPARE at most. */
static li_status
emitter_reserve(emitter *self, size_t size)
{
    li_idat *idat = self->idat;
    size_t fill = (size_t)(self->at - (idat->chunk + LI_IDAT_HEAD));
    if (idat->room - fill >= size)
        return LI_OK;
    idat->fill = fill;
    self->at = idat->chunk + LI_IDAT_HEAD;
    return li_idat_flush(idat);
}

static inline void
put(emitter *self, uint32_t word, uint32_t count)
{
    self->bits |= (uint64_t)word << self->count;
    self->count += count;
}

/* Whole bytes out. Eight are written, of which those past the last are overwritten. */
static inline void
spill(emitter *self)
{
    uint64_t bits = self->bits;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bits = __builtin_bswap64(bits);
#endif
    memcpy(self->at, &bits, 8);
    self->at += self->count / 8;
    self->bits >>= self->count & 56;
    self->count &= 7;
}

static li_status
emit_header(emitter *self, const li_block *block)
{
    code_header header;
    uint16_t words[LI_RUN_CODES];
    (void)header_make(block, &header);
    LI_TRY(emitter_reserve(self, HEADER_BYTES));
    put(self, header.literals - LI_LENGTH_CODE, 5);
    put(self, header.distances - 1, 5);
    put(self, header.codes - 4, 4);
    spill(self);
    for (uint32_t i = 0; i < header.codes; i++) {
        put(self, header.bits[header_order[i]], 3);
        spill(self);
    }
    li_code_words(header.bits, LI_RUN_CODES, words);
    for (uint32_t i = 0; i < header.runs.count; i++) {
        uint32_t symbol = header.runs.symbols[i];
        put(self, words[symbol], header.bits[symbol]);
        put(self, header.runs.extra[i], li_run_extra[symbol]);
        spill(self);
    }
    return LI_OK;
}

/* A code word with its extra bits, in the way of `put`: word << 8 | bits. A literal's
 * bits, and those of two, are below 64, and a shift needs no more of them. */
typedef struct code_words {
    uint32_t literals[LI_LITERAL_CODES];
    uint32_t lengths[LI_LENGTHS];
    uint32_t distances[LI_DISTANCE_CODES];
} code_words;

static void
words_make(const li_ranges *ranges, const li_block *block, code_words *words)
{
    uint16_t literals[LI_CODE_SYMBOLS], distances[LI_DISTANCE_CODES];
    li_code_words(block->literal_bits, LI_CODE_SYMBOLS, literals);
    li_code_words(block->distance_bits, LI_DISTANCE_CODES, distances);
    for (uint32_t i = 0; i < LI_LITERAL_CODES; i++)
        words->literals[i] = (uint32_t)literals[i] << 8 | block->literal_bits[i];
    for (uint32_t i = 0; i < LI_DISTANCE_CODES; i++)
        words->distances[i] = (uint32_t)distances[i] << 8 | block->distance_bits[i];
    for (uint32_t i = 0; i < LI_LENGTHS; i++) {
        uint32_t code = ranges->length_code[i];
        uint32_t word = words->literals[LI_LENGTH_CODE + code];
        uint32_t above = LI_SHORTEST + i - ranges->length_base[code];
        words->lengths[i] = ((word >> 8 | above << (word & 255)) << 8) |
                            ((word & 255) + ranges->length_extra[code]);
    }
}

static inline void
put_word(emitter *self, uint32_t word)
{
    put(self, word >> 8, word & 255);
}

/* Up to PIECE of them, for which there is room. */
static void
emit_piece(emitter *out, const uint32_t *words, const uint8_t *literals, size_t n)
{
    emitter self = *out;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint32_t a = words[literals[i]], b = words[literals[i + 1]];
        uint32_t c = words[literals[i + 2]], d = words[literals[i + 3]];
        uint64_t first = a >> 8 | (uint64_t)(b >> 8) << (a & 63);
        uint64_t second = c >> 8 | (uint64_t)(d >> 8) << (c & 63);
        uint32_t half = a + b; /* of which the lowest byte are the bits */
        self.bits |= (first | second << (half & 63)) << self.count;
        self.count += (half + c + d) & 255;
        spill(&self);
    }
    for (; i < n; i++) {
        put_word(&self, words[literals[i]]);
        spill(&self);
    }
    *out = self;
}

static li_status
emit_literals(emitter *self, const uint32_t *words, const uint8_t *literals, size_t n)
{
    while (n) {
        size_t part = n < PIECE ? n : PIECE;
        LI_TRY(emitter_reserve(self, PIECE_BYTES));
        emit_piece(self, words, literals, part);
        literals += part;
        n -= part;
    }
    return LI_OK;
}

static li_status
emit_tokens(emitter *self, const li_ranges *ranges, const code_words *words,
            const li_tokens *tokens)
{
    const uint8_t *literals = tokens->literals;
    for (size_t i = 0; i < tokens->match_count; i++) {
        li_match match = tokens->matches[i];
        uint32_t code = li_distance_code(match.distance);
        if (match.literals)
            LI_TRY(emit_literals(self, words->literals, literals, match.literals));
        literals += match.literals;
        LI_TRY(emitter_reserve(self, 16));
        put_word(self, words->lengths[match.length - LI_SHORTEST]);
        put_word(self, words->distances[code]);
        put(self, match.distance - ranges->distance_base[code],
            ranges->distance_extra[code]);
        spill(self);
    }
    size_t rest = (size_t)(tokens->literals + tokens->literal_count - literals);
    LI_TRY(emit_literals(self, words->literals, literals, rest));
    LI_TRY(emitter_reserve(self, 16));
    put_word(self, words->literals[END]);
    spill(self);
    return LI_OK;
}

li_status
li_block_write(li_idat *idat, li_bits *bits, const li_ranges *ranges,
               const li_tokens *tokens, const li_block *block, bool last)
{
    emitter self = emitter_begin(idat, bits);
    code_words words;
    words_make(ranges, block, &words);
    LI_TRY(emitter_reserve(&self, 16));
    put(&self, (uint32_t)last | (block->fixed ? 1u : 2u) << 1, 3);
    spill(&self);
    if (!block->fixed)
        LI_TRY(emit_header(&self, block));
    LI_TRY(emit_tokens(&self, ranges, &words, tokens));
    emitter_end(&self, bits);
    return LI_OK;
}

/* --- stored ----------------------------------------------------------------------- */

static li_status
emit_aligned(li_idat *idat, li_bits *bits, uint32_t word, uint32_t count)
{
    emitter self = emitter_begin(idat, bits);
    LI_TRY(emitter_reserve(&self, 16));
    put(&self, word, count);
    self.count = (self.count + 7) & ~7u;
    spill(&self);
    emitter_end(&self, bits);
    return LI_OK;
}

li_status
li_block_align(li_idat *idat, li_bits *bits)
{
    return emit_aligned(idat, bits, 0, 0);
}

li_status
li_block_store(li_idat *idat, li_bits *bits, const uint8_t *data, size_t size,
               bool last)
{
    uint8_t head[4] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)~size,
                       (uint8_t)(~size >> 8)};
    LI_TRY(emit_aligned(idat, bits, last, 3));
    LI_TRY(li_idat_write(idat, head, sizeof(head)));
    return li_idat_write(idat, data, size);
}
