/* deflate_find.c: runs of one byte by comparing words, and repeats by a table that
 * remembers one place for each hash. Layer 2.
 *
 * A match is taken if it is clearly cheaper than its bytes as literals: in filtered
 * photographs most literals are short, and a match that only just pays takes the
 * commonest literals away from the code, which makes the others longer. */
#include "codecs/png/deflate_find.h"

#include <string.h>

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

/* How many bytes are equal, up to `most`; LI_FINDER_SLACK bytes more may be read. */
static inline size_t
equal_bytes(const uint8_t *a, const uint8_t *b, size_t most)
{
    size_t n = 0;
    while (n < most && eight(a + n) == eight(b + n))
        n += 8;
    if (n >= most)
        return most;
    while (n < most && a[n] == b[n])
        n++;
    return n;
}

/* The first place from `at` on that begins LI_SHORTEST_RUN bytes equal to the one in
 * front of it, or `to`. Eight places a step: a byte of `differ` is 0 where the place
 * and the next three are equal to their predecessors, and the usual test for a zero
 * byte in a word is exact as to whether there is one. */
static size_t
next_run(const uint8_t *window, size_t at, size_t to)
{
    const uint64_t ones = 0x0101010101010101u, tops = ones << 7;
    while (at + LI_SHORTEST_RUN <= to) {
        uint64_t before = eight(window + at - 1), here = eight(window + at);
        uint64_t second = eight(window + at + 1), third = eight(window + at + 2);
        uint64_t differ = (before ^ here) | (here ^ second) | (second ^ third) |
                          (third ^ eight(window + at + 3));
        if ((differ - ones) & ~differ & tops)
            break;
        at += 8;
    }
    for (; at + LI_SHORTEST_RUN <= to; at++) {
        const uint8_t *bytes = window + at;
        if (bytes[-1] == bytes[0] && bytes[0] == bytes[1] && bytes[1] == bytes[2] &&
            bytes[2] == bytes[3])
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
first_five(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word << (64 - 8 * LI_SHORTEST_REPEAT);
}

/* The odd number next to 2^64 divided by the golden ratio spreads well. */
static inline uint32_t
hash_of(uint64_t five, uint32_t head_bits)
{
    return (uint32_t)(five * 0x9e3779b97f4a7c15u >> (64 - head_bits));
}

void
li_find_learn(li_span span, uint32_t *heads, uint32_t head_bits, uint32_t base)
{
    for (size_t i = span.from; i + LI_SHORTEST_REPEAT <= span.to; i++)
        heads[hash_of(first_five(eight(span.window + i)), head_bits)] =
            base + (uint32_t)i;
}

/* How far back the last five bytes of this hash are, if they are these; else 0. */
static inline size_t
find_head(li_span span, size_t at, uint32_t *heads, uint32_t head_bits, uint32_t base)
{
    uint64_t five = first_five(eight(span.window + at));
    uint32_t *head = &heads[hash_of(five, head_bits)];
    uint32_t place = base + (uint32_t)at, back = place - *head;
    size_t most = at - span.begin < LI_HISTORY ? at - span.begin : LI_HISTORY;
    *head = place;
    if (back - 1 >= most || first_five(eight(span.window + at - back)) != five)
        return 0;
    return back;
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
