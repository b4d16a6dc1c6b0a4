/* test_codes.c: Huffman codes against slow truths: the cost of a tree built
 * the textbook's way, and the best that a limit allows, by package-merge. */
#include "kernels/codes.h"
#include "test.h"

enum { MOST = LI_CODE_SYMBOLS };

/* Merge the two lightest until one is left: the sum of all merges is the cost.
 */
static uint64_t
truth_cost(const uint32_t *counts, uint32_t n)
{
    uint64_t weights[MOST], cost = 0;
    uint32_t used = 0;
    for (uint32_t i = 0; i < n; i++)
        if (counts[i])
            weights[used++] = counts[i];
    if (used == 1)
        return weights[0];
    for (; used > 1; used--) {
        for (uint32_t k = 0; k < 2; k++) { /* the lightest two to the end */
            uint32_t lightest = 0, last = used - 1 - k;
            for (uint32_t i = 1; i <= last; i++)
                if (weights[i] < weights[lightest])
                    lightest = i;
            uint64_t weight = weights[lightest];
            weights[lightest] = weights[last];
            weights[last] = weight;
        }
        weights[used - 2] += weights[used - 1];
        cost += weights[used - 2];
    }
    return cost;
}

static int
by_weight(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Package-merge: pairs of each level are merged with the leaves, `limit` times;
 * the cheapest 2(n − 1) of the last level are the code, and their sum its cost.
 */
static uint64_t
truth_limited(const uint32_t *counts, uint32_t n, uint32_t limit)
{
    uint64_t leaves[MOST], level[2 * MOST];
    uint32_t used = 0, size = 0;
    for (uint32_t i = 0; i < n; i++)
        if (counts[i])
            leaves[used++] = counts[i];
    for (uint32_t k = 0; k < limit; k++) {
        uint32_t pairs = size / 2;
        for (uint32_t i = 0; i < pairs; i++)
            level[i] = level[2 * i] + level[2 * i + 1];
        memcpy(level + pairs, leaves, used * sizeof(*leaves));
        size = pairs + used;
        qsort(level, size, sizeof(*level), by_weight);
    }
    uint64_t cost = 0;
    for (uint32_t i = 0; i < 2 * (used - 1); i++)
        cost += level[i];
    return cost;
}

static uint64_t
cost_of(const uint32_t *counts, const uint8_t *lengths, uint32_t n)
{
    uint64_t cost = 0;
    for (uint32_t i = 0; i < n; i++)
        cost += (uint64_t)counts[i] * lengths[i];
    return cost;
}

/* Every symbol that occurs has a code, no other has, and the code is full. */
static uint64_t
check_full(const uint32_t *counts, const uint8_t *lengths, uint32_t n, uint32_t limit)
{
    uint64_t space = 0;
    uint32_t used = 0;
    for (uint32_t i = 0; i < n; i++) {
        CHECK_EQ(lengths[i] > 0, counts[i] > 0);
        CHECK(lengths[i] <= limit);
        used += counts[i] > 0;
        space += lengths[i] ? (uint64_t)1 << (limit - lengths[i]) : 0;
    }
    if (used > 1)
        CHECK_EQ(space, (uint64_t)1 << limit);
    return cost_of(counts, lengths, n);
}

static void
make_counts(uint32_t *counts, uint32_t n, int kind, uint32_t *state)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t random = test_random(state);
        counts[i] = kind == 0   ? random >> 20
                    : kind == 1 ? 1
                    : kind == 2 ? 1u << random % 20
                    : kind == 3 ? (random >> 8) % 3
                                : (random % 7 ? 0 : random >> 12);
    }
}

TEST(lengths_are_optimal_where_the_limit_does_not_bite)
{
    uint32_t state = 11, counts[MOST];
    uint8_t lengths[MOST];
    for (int round = 0; round < 600; round++) {
        uint32_t n = 2 + test_random(&state) % (MOST - 1);
        make_counts(counts, n, round % 5, &state);
        counts[0] |= 1;
        li_code_lengths(counts, n, LI_CODE_BITS, lengths);
        uint64_t cost = check_full(counts, lengths, n, LI_CODE_BITS);
        uint64_t best = truth_cost(counts, n);
        uint64_t limited = truth_limited(counts, n, LI_CODE_BITS);
        CHECK(best == limited ? cost == best : cost >= limited);
    }
}

TEST(a_limit_costs_little_more_than_it_must)
{
    uint32_t state = 12, counts[MOST];
    uint8_t lengths[MOST];
    for (int round = 0; round < 600; round++) {
        uint32_t limit = 7 + (uint32_t)round % 9;
        uint32_t n = 2 + test_random(&state) %
                             ((1u << limit) < MOST - 2 ? (1u << limit) - 2 : MOST - 2);
        make_counts(counts, n, round % 5, &state);
        counts[0] |= 1;
        counts[1] |= 1;
        li_code_lengths(counts, n, limit, lengths);
        uint64_t cost = check_full(counts, lengths, n, limit);
        uint64_t best = truth_limited(counts, n, limit);
        CHECK(cost >= best);
        CHECK(cost - best <= best / (limit < 10 ? 6 : 30));
    }
}

/* The deepest tree there is: each count is the sum of the two before. */
TEST(fibonacci_goes_as_deep_as_the_limit)
{
    uint32_t counts[32] = {1, 1};
    uint8_t lengths[32];
    for (uint32_t i = 2; i < 32; i++)
        counts[i] = counts[i - 1] + counts[i - 2];
    for (uint32_t limit = 5; limit <= LI_CODE_BITS; limit++) {
        li_code_lengths(counts, 32, limit, lengths);
        check_full(counts, lengths, 32, limit);
        CHECK_EQ(lengths[0], limit);
        CHECK_EQ(lengths[31], limit == 5 ? 5 : 1);
    }
    li_code_lengths(counts, 15, LI_CODE_BITS, lengths);
    CHECK_EQ(lengths[0], 14);
    CHECK_EQ(check_full(counts, lengths, 15, LI_CODE_BITS), truth_cost(counts, 15));
}

TEST(one_symbol_takes_one_bit_and_none_takes_none)
{
    uint32_t counts[40] = {0};
    uint8_t lengths[40];
    li_code_lengths(counts, 40, 14, lengths);
    for (int i = 0; i < 40; i++)
        CHECK_EQ(lengths[i], 0);
    for (int k = 0; k < 40; k++) {
        counts[k] = 65535;
        li_code_lengths(counts, 40, 14, lengths);
        for (int i = 0; i < 40; i++)
            CHECK_EQ(lengths[i], i == k);
        counts[k] = 0;
    }
}

TEST(counts_up_to_the_highest_are_sorted)
{
    uint32_t counts[4] = {(1u << 23) - 4, 1, 2, 1};
    uint8_t lengths[4];
    li_code_lengths(counts, 4, 15, lengths);
    CHECK_EQ(lengths[0], 1);
    CHECK_EQ(lengths[1], 3);
    CHECK_EQ(lengths[2], 2);
    CHECK_EQ(lengths[3], 3);
}

/* Read bit by bit, as an inflater would: canonical, first bit lowest. */
TEST(words_are_canonical_and_come_first_bit_lowest)
{
    /* RFC 1951, 3.2.2: lengths (3,3,3,3,3,2,4,4) are 010 011 100 101 110 00 1110
     * 1111. */
    static const uint8_t lengths[8] = {3, 3, 3, 3, 3, 2, 4, 4};
    static const char *const words[8] = {"010", "011", "100",  "101",
                                         "110", "00",  "1110", "1111"};
    uint16_t got[8];
    li_code_words(lengths, 8, got);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < lengths[i]; k++)
            CHECK_EQ(got[i] >> k & 1, words[i][k] - '0');
}

TEST(no_word_begins_another)
{
    uint32_t state = 13, counts[MOST];
    uint8_t lengths[MOST];
    uint16_t words[MOST];
    for (int round = 0; round < 60; round++) {
        make_counts(counts, MOST, round % 5, &state);
        li_code_lengths(counts, MOST, 14, lengths);
        li_code_words(lengths, MOST, words);
        static uint8_t taken[1 << 14];
        memset(taken, 0, sizeof(taken));
        for (uint32_t i = 0; i < MOST; i++)
            for (uint32_t rest = 0; lengths[i] && rest < 1u << (14 - lengths[i]);
                 rest++)
                CHECK_EQ(taken[words[i] | rest << lengths[i]]++, 0);
    }
}

/* The slow reader of RFC 1951, 3.2.7. */
static uint32_t
read_runs(const li_code_runs *runs, uint8_t *lengths)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < runs->count; i++) {
        uint32_t symbol = runs->symbols[i], extra = runs->extra[i];
        CHECK(symbol < LI_RUN_CODES && extra < 1u << li_run_extra[symbol]);
        uint32_t times = symbol == 16   ? 3 + extra
                         : symbol == 17 ? 3 + extra
                         : symbol == 18 ? 11 + extra
                                        : 1;
        CHECK(symbol != 16 || n > 0);
        uint8_t length = (uint8_t)(symbol < 16 ? symbol : 0);
        if (symbol == 16 && n > 0)
            length = lengths[n - 1];
        for (; times > 0 && n < LI_RUN_SYMBOLS; times--)
            lengths[n++] = length;
    }
    return n;
}

TEST(lengths_in_short_are_the_lengths)
{
    uint32_t state = 12;
    for (int round = 0; round < 4000; round++) {
        uint8_t lengths[LI_RUN_SYMBOLS], back[LI_RUN_SYMBOLS];
        uint32_t n = test_random(&state) % (LI_RUN_SYMBOLS + 1);
        li_code_runs runs;
        for (uint32_t i = 0; i < n;) {
            uint32_t any = test_random(&state);
            uint32_t run = 1 + (any >> 8) % (any & 1 ? 4 : 160);
            uint8_t length = (uint8_t)(any & 2 ? 0 : (any >> 4) % 16);
            for (; run > 0 && i < n; run--)
                lengths[i++] = length;
        }
        li_code_runs_of(lengths, n, &runs);
        CHECK_EQ(read_runs(&runs, back), n);
        CHECK(memcmp(lengths, back, n) == 0);
        CHECK(runs.count <= n);
    }
}

int
main(void)
{
    RUN(lengths_in_short_are_the_lengths);
    RUN(lengths_are_optimal_where_the_limit_does_not_bite);
    RUN(a_limit_costs_little_more_than_it_must);
    RUN(fibonacci_goes_as_deep_as_the_limit);
    RUN(one_symbol_takes_one_bit_and_none_takes_none);
    RUN(counts_up_to_the_highest_are_sorted);
    RUN(words_are_canonical_and_come_first_bit_lowest);
    RUN(no_word_begins_another);
    return test_end();
}
