/* deflate_find.c: runs of one byte by comparing words, and repeats by a table that
 * remembers one place for each hash. Layer 2.
 *
 * A match is taken if it is clearly cheaper than its bytes as literals: in filtered
 * photographs most literals are short, and a match that only just pays takes the
 * commonest literals away from the code, which makes the others longer. */
#include "codecs/png/deflate_find.h"

#include <string.h>

/* --- prices ----------------------------------------------------------------------- */

enum { UNSEEN_LITERAL = 12, UNSEEN_LENGTH = 10, UNSEEN_DISTANCE = 6 };

void
li_prices_init(const li_ranges *ranges, li_prices *prices)
{
    memset(prices->literals, 6, sizeof(prices->literals));
    for (uint32_t i = 0; i < LI_LENGTHS; i++)
        prices->lengths[i] =
            (uint8_t)(UNSEEN_LENGTH + ranges->length_extra[ranges->length_code[i]]);
    for (uint32_t i = 0; i < LI_DISTANCE_CODES; i++)
        prices->distances[i] =
            (uint8_t)((i ? UNSEEN_DISTANCE : 1) + ranges->distance_extra[i]);
}

void
li_prices_take(const li_ranges *ranges, const li_block *block, bool all,
               li_prices *prices)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint8_t bits = block->literal_bits[i];
        prices->literals[i] = bits ? bits : UNSEEN_LITERAL;
    }
    for (uint32_t i = 0; i < LI_LENGTHS; i++) {
        uint32_t code = ranges->length_code[i];
        uint32_t bits = block->literal_bits[LI_LENGTH_CODE + code];
        prices->lengths[i] =
            (uint8_t)((bits ? bits : UNSEEN_LENGTH) + ranges->length_extra[code]);
    }
    for (uint32_t i = 0; all && i < LI_DISTANCE_CODES; i++) {
        uint32_t bits = block->distance_bits[i];
        prices->distances[i] =
            (uint8_t)((bits ? bits : UNSEEN_DISTANCE) + ranges->distance_extra[i]);
    }
}

/* --- bytes ------------------------------------------------------------------------ */

static inline uint64_t
eight(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, 8);
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

/* Is a match at this price clearly cheaper than the n bytes as literals? */
static inline bool
pays(const li_prices *prices, const uint8_t *bytes, size_t n, uint32_t price)
{
    /* Four fifths, and 2 bits. */
    uint32_t least = (price + 2) * 5 / 4, sum = 0;
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

/* Of LI_SHORTEST_REPEAT bytes. */
static inline uint32_t
hash_of(const uint8_t *bytes, uint32_t head_bits)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint64_t word = __builtin_bswap64(eight(bytes));
#else
    uint64_t word = eight(bytes);
#endif
    /* The odd number next to 2^64 divided by the golden ratio spreads well. */
    return (uint32_t)((word << (64 - 8 * LI_SHORTEST_REPEAT)) * 0x9e3779b97f4a7c15u >>
                      (64 - head_bits));
}

void
li_find_learn(li_span span, uint32_t *heads, uint32_t head_bits, uint32_t base)
{
    for (size_t i = span.from; i + LI_SHORTEST_REPEAT <= span.to; i++)
        heads[hash_of(span.window + i, head_bits)] = base + (uint32_t)i;
}

void
li_find_repeats(li_span span, const li_prices *prices, uint32_t *heads,
                uint32_t head_bits, uint32_t base, li_found *found)
{
    const uint8_t *window = span.window;
    size_t at = span.from, done = span.from;
    while (at + LI_SHORTEST_REPEAT <= span.to) {
        uint32_t *head = &heads[hash_of(window + at, head_bits)];
        size_t most = span.to - at < LI_LONGEST ? span.to - at : LI_LONGEST;
        size_t back = (uint32_t)(base + (uint32_t)at - *head), n = 0;
        *head = base + (uint32_t)at;
        if (back - 1 < LI_HISTORY && back <= at - span.begin)
            n = equal_bytes(window + at, window + at - back, most);
        if (at > span.begin && window[at] == window[at - 1]) {
            size_t run = equal_bytes(window + at, window + at - 1, most);
            if (run >= LI_SHORTEST_RUN && run + 1 >= n) {
                n = run;
                back = 1;
            }
        }
        if (n < LI_SHORTEST_RUN ||
            !pays(prices, window + at, n,
                  prices->lengths[n - LI_SHORTEST] +
                      prices->distances[li_distance_code((uint32_t)back)])) {
            at++;
            continue;
        }
        add_literals(found, window + done, at - done);
        add_match(found, n, back);
        if (n > 1)
            li_find_learn((li_span){window, span.begin, at + 1, at + n}, heads,
                          head_bits, base);
        at += n;
        done = at;
    }
    add_literals(found, window + done, span.to - done);
}
