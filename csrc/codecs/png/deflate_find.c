/* deflate_find.c: runs of one byte by comparing words, and repeats by a table that
 * remembers one place for each hash. Layer 2.
 *
 * A match is taken if it is clearly cheaper than its bytes as literals: in filtered
 * photographs most literals are short, and a match that only just pays takes the
 * commonest literals away from the code, which makes the others longer. */
#include "codecs/png/deflate_find.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* --- prices ----------------------------------------------------------------------- */

enum { UNSEEN_LITERAL = 12, UNSEEN_LENGTH = 7, UNSEEN_DISTANCE = 5 };

void
li_prices_init(const li_ranges *ranges, li_prices *prices)
{
    const li_block none = {.bits = 0};
    li_prices_take(ranges, &none, prices);
}

void
li_prices_literals(const li_block *block, li_prices *prices)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint8_t bits = block->literal_bits[i];
        prices->literals[i] = bits ? bits : UNSEEN_LITERAL;
    }
}

void
li_prices_take(const li_ranges *ranges, const li_block *block, li_prices *prices)
{
    li_prices_literals(block, prices);
    for (uint32_t i = 0; i < LI_LENGTHS; i++) {
        uint32_t code = ranges->length_code[i];
        uint32_t bits = block->literal_bits[LI_LENGTH_CODE + code];
        prices->lengths[i] =
            (uint8_t)((bits ? bits : UNSEEN_LENGTH) + ranges->length_extra[code]);
    }
    for (uint32_t i = 0; i < LI_DISTANCE_CODES; i++) {
        uint32_t bits = block->distance_bits[i];
        prices->distances[i] =
            (uint8_t)((bits ? bits : UNSEEN_DISTANCE) + ranges->distance_extra[i]);
    }
    if (block->distance_bits[0] == 0)
        prices->distances[0] = 1;
}

/* --- bytes ------------------------------------------------------------------------ */

static inline uint64_t
eight(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, 8);
    return word;
}

static inline uint32_t
four(const uint8_t *from)
{
    uint32_t word;
    memcpy(&word, from, 4);
    return word;
}

/* How many of eight bytes, from the first on, are 0; there is one that is not. */
static inline size_t
zero_bytes(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (size_t)__builtin_clzll(word) / 8;
#else
    return (size_t)__builtin_ctzll(word) / 8;
#endif
}

/* How many bytes are equal, up to `most`; LI_FINDER_SLACK bytes more may be read. */
static inline size_t
equal_bytes(const uint8_t *a, const uint8_t *b, size_t most)
{
    for (size_t n = 0; n < most; n += 8) {
        uint64_t differ = eight(a + n) ^ eight(b + n);
        if (differ) {
            n += zero_bytes(differ);
            return n < most ? n : most;
        }
    }
    return most;
}

/* Is there a place among the 8, or with vectors the 29, from `at` on where this byte
 * and the next three are equal to their predecessors? */
#if defined(__SSE2__) && !defined(LI_PLAIN)
enum { RUN_PLACES = 29 }; /* of 32 bits, those with three behind them */

static inline uint32_t
equal_mask(const uint8_t *bytes)
{
    __m128i here = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    __m128i before = _mm_loadu_si128((const __m128i *)(const void *)(bytes - 1));
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(here, before));
}

static inline bool
has_run(const uint8_t *bytes)
{
    uint32_t equal = equal_mask(bytes) | equal_mask(bytes + 16) << 16;
    equal &= equal >> 1;
    return equal & equal >> 2;
}
#else
enum { RUN_PLACES = 8 };

/* A byte of `differ` is 0 where there is such a place, and the usual test for a zero
 * byte in a word is exact as to whether there is one. */
static inline bool
has_run(const uint8_t *bytes)
{
    const uint64_t ones = 0x0101010101010101u, tops = ones << 7;
    uint64_t before = eight(bytes - 1), here = eight(bytes);
    uint64_t second = eight(bytes + 1), third = eight(bytes + 2);
    uint64_t differ = (before ^ here) | (here ^ second) | (second ^ third) |
                      (third ^ eight(bytes + 3));
    return (differ - ones) & ~differ & tops;
}
#endif

/* The first place from `at` on that begins LI_SHORTEST_RUN bytes equal to the one in
 * front of it, or `to`. */
static size_t
next_run(const uint8_t *window, size_t at, size_t to)
{
    while (at + LI_SHORTEST_RUN <= to && !has_run(window + at))
        at += RUN_PLACES;
    for (; at + LI_SHORTEST_RUN <= to; at++) {
        const uint8_t *bytes = window + at;
        if (four(bytes) == four(bytes - 1))
            return at;
    }
    return to;
}

/* --- tokens ----------------------------------------------------------------------- */

static inline void
add_literals(li_found *found, const uint8_t *bytes, size_t n)
{
    memcpy(found->literals + found->literal_count, bytes, n);
    found->literal_count += n;
    found->pending += n;
}

static inline void
add_match(li_found *found, size_t length, size_t distance)
{
    found->matches[found->match_count++] =
        (li_match){(uint32_t)found->pending, (uint16_t)length, (uint16_t)distance};
    found->pending = 0;
}

enum { SURPLUS = 2 };

/* Is a match at this price clearly cheaper than the n bytes as literals? */
static inline bool
pays(const li_prices *prices, const uint8_t *bytes, size_t n, uint32_t price)
{
    uint32_t least = price + SURPLUS, sum = 0;
    for (size_t i = 0; i < n && sum <= least; i++)
        sum += prices->literals[bytes[i]];
    return sum > least;
}

void
li_find_runs(li_span span, const li_prices *prices, li_found *found)
{
    const uint8_t *window = span.window;
    size_t at = span.from, done = span.from;
    if (at == span.begin && at < span.to)
        at++; /* the stream's first byte has none in front */
    while ((at = next_run(window, at, span.to)) < span.to) {
        size_t most = span.to - at < LI_LONGEST ? span.to - at : LI_LONGEST;
        size_t n = equal_bytes(window + at, window + at - 1, most);
        uint32_t price = prices->lengths[n - LI_SHORTEST] + prices->distances[0];
        if (prices->literals[window[at]] * n > price) {
            add_literals(found, window + done, at - done);
            add_match(found, n, 1);
            done = at + n;
        }
        at += n;
    }
    add_literals(found, window + done, span.to - done);
}

/* --- repeats ---------------------------------------------------------------------- */

/* The first LI_SHORTEST_REPEAT of eight bytes, as the highest of a word. */
static inline uint64_t
first_bytes(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word << (64 - 8 * LI_SHORTEST_REPEAT);
}

/* The odd number next to 2^64 divided by the golden ratio spreads well. */
static inline uint32_t
hash_of(uint64_t bytes, uint32_t head_bits)
{
    return (uint32_t)(bytes * 0x9e3779b97f4a7c15u >> (64 - head_bits));
}

void
li_find_learn(li_span span, uint32_t *heads, uint32_t head_bits, uint32_t base)
{
    for (size_t i = span.from; i + LI_SHORTEST_REPEAT <= span.to; i++)
        heads[hash_of(first_bytes(eight(span.window + i)), head_bits)] =
            base + (uint32_t)i;
}

/* How far back the last bytes of this hash are, if they are these; else 0. */
static inline size_t
find_head(li_span span, size_t at, uint32_t *heads, uint32_t head_bits, uint32_t base)
{
    uint64_t bytes = first_bytes(eight(span.window + at));
    uint32_t *head = &heads[hash_of(bytes, head_bits)];
    uint32_t place = base + (uint32_t)at, back = place - *head;
    size_t most = at - span.begin < LI_HISTORY ? at - span.begin : LI_HISTORY;
    *head = place;
    /* One branch: whether a place is too old cannot be foretold, and hits are rare. */
    bool near = back - 1 < most;
    uint64_t then = first_bytes(eight(span.window + at - (near ? back : 0)));
    return (near & (then == bytes)) ? back : 0;
}

/* The longer of the run and the repeat at this place; of two that are nearly equal the
 * run, whose distance costs least. Gives its length, 0 without either. */
static inline size_t
find_longest(li_span span, size_t at, size_t *back)
{
    const uint8_t *here = span.window + at;
    size_t most = span.to - at < LI_LONGEST ? span.to - at : LI_LONGEST, run = 0, n = 0;
    if (at > span.begin && here[0] == here[-1])
        run = equal_bytes(here, here - 1, most);
    if (*back)
        n = equal_bytes(here, here - *back, most);
    if (run < LI_SHORTEST_RUN || run + 1 < n)
        return n;
    *back = 1;
    return run;
}

void
li_find_repeats(li_span span, const li_prices *prices, uint32_t *heads,
                uint32_t head_bits, uint32_t base, li_found *found)
{
    const uint8_t *window = span.window;
    size_t at = span.from, done = span.from;
    while (at + LI_SHORTEST_REPEAT <= span.to) {
        size_t back = find_head(span, at, heads, head_bits, base), n = 0;
        if (back || four(window + at) == four(window + at - (at > span.begin)))
            n = find_longest(span, at, &back);
        if (n < LI_SHORTEST_RUN ||
            !pays(prices, window + at, n,
                  prices->lengths[n - LI_SHORTEST] +
                      prices->distances[li_distance_code((uint32_t)back)])) {
            at++;
            continue;
        }
        add_literals(found, window + done, at - done);
        add_match(found, n, back);
        li_find_learn((li_span){window, span.begin, at + 1, at + n}, heads, head_bits,
                      base);
        at += n;
        done = at;
    }
    add_literals(found, window + done, span.to - done);
}
