/* codes.c: lengths of Huffman codes in place, canonical words, and
 * lengths in short. Layer 1.
 *
 * The lengths come by the in-place method of A. Moffat and J. Katajainen ("In-place
 * calculation of minimum-redundancy codes", 1995): one array holds, in turn, weights,
 * parents and depths. */
#include "kernels/codes.h"

#include <assert.h>
#include <string.h>

enum {
    SYMBOL_BITS = 9, /* a key is the count above the symbol */
    RADIX = 256,
    DEPTHS = 64, /* counts below 2^23 go no deeper than Fibonacci's allow: 33 */
};

/* Sort by the byte of a key that begins at `shift`; stable. */
static void
sort_round(const uint32_t *keys, uint32_t n, uint32_t shift, uint32_t *sorted)
{
    uint32_t starts[RADIX] = {0};
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        starts[keys[i] >> shift & (RADIX - 1)]++;
    for (uint32_t i = 0; i < RADIX; i++) {
        uint32_t count = starts[i];
        starts[i] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < n; i++)
        sorted[starts[keys[i] >> shift & (RADIX - 1)]++] = keys[i];
}

/* The symbols that occur, rarest first; gives how many. */
static uint32_t
sort_symbols(const uint32_t *counts, uint32_t n, uint32_t *sorted)
{
    uint32_t keys[LI_CODE_SYMBOLS] = {0}, other[LI_CODE_SYMBOLS];
    uint32_t used = 0;
    for (uint32_t i = 0; i < n; i++)
        if (counts[i])
            keys[used++] = counts[i] << SYMBOL_BITS | i;
    sort_round(keys, used, SYMBOL_BITS, other);
    sort_round(other, used, SYMBOL_BITS + 8, keys);
    sort_round(keys, used, SYMBOL_BITS + 16, sorted);
    return used;
}

/* The lighter of the next leaf and the next inner node, which becomes a child. */
static inline uint32_t
take_lighter(uint32_t *nodes, uint32_t n, uint32_t next, uint32_t *leaf, uint32_t *root)
{
    if (*leaf >= n || (*root < next && nodes[*root] < nodes[*leaf])) {
        uint32_t weight = nodes[*root];
        nodes[(*root)++] = next;
        return weight;
    }
    return nodes[(*leaf)++];
}

/* Weights of n ≥ 2 leaves, ascending → how many leaves each depth has. */
static void
count_depths(uint32_t *nodes, uint32_t n, uint32_t at_depth[DEPTHS])
{
    uint32_t leaf = 0, root = 0, open = 1;
    for (uint32_t next = 0; next < n - 1; next++) {
        uint32_t first = take_lighter(nodes, n, next, &leaf, &root);
        nodes[next] = first + take_lighter(nodes, n, next, &leaf, &root);
    }
    nodes[n - 2] = 0; /* the root's depth; the others': one more than their parent's */
    for (uint32_t i = n - 2; i-- > 0;)
        nodes[i] = nodes[nodes[i]] + 1;
    /* Of the nodes at a depth, those that are not inner ones are leaves. */
    uint32_t inner = n - 1;
    for (uint32_t depth = 0; open; depth++) {
        uint32_t here = 0;
        assert(depth < DEPTHS);
        while (inner && nodes[inner - 1] == depth) {
            inner--;
            here++;
        }
        at_depth[depth] = open - here;
        open = 2 * here;
    }
}

/* Bring leaves below `limit` up to it, then lengthen the codes of others until they all
 * fit: in units of 2^-limit, each step takes one of the limit's leaves off and hangs it
 * beside the deepest leaf above, which costs 1 less. */
static void
limit_depths(uint32_t at_depth[DEPTHS], uint32_t limit)
{
    uint32_t total = 0;
    for (uint32_t depth = limit + 1; depth < DEPTHS; depth++)
        at_depth[limit] += at_depth[depth];
    for (uint32_t depth = 1; depth <= limit; depth++)
        total += at_depth[depth] << (limit - depth);
    for (; total > 1u << limit; total--) {
        uint32_t depth = limit - 1;
        while (at_depth[depth] == 0)
            depth--;
        at_depth[depth]--;
        at_depth[depth + 1] += 2;
        at_depth[limit]--;
    }
}

void
li_code_lengths(const uint32_t *counts, uint32_t n, uint32_t limit, uint8_t *lengths)
{
    uint32_t sorted[LI_CODE_SYMBOLS], nodes[LI_CODE_SYMBOLS];
    uint32_t at_depth[DEPTHS] = {0};
    uint32_t used = sort_symbols(counts, n, sorted);
    memset(lengths, 0, n);
    if (used < 2) {
        if (used)
            lengths[sorted[0] & ((1 << SYMBOL_BITS) - 1)] = 1;
        return;
    }
    for (uint32_t i = 0; i < used; i++)
        nodes[i] = sorted[i] >> SYMBOL_BITS;
    count_depths(nodes, used, at_depth);
    limit_depths(at_depth, limit);
    uint32_t i = 0;
    for (uint32_t depth = limit; depth > 0; depth--)
        for (uint32_t k = at_depth[depth]; k > 0; k--)
            lengths[sorted[i++] & ((1 << SYMBOL_BITS) - 1)] = (uint8_t)depth;
}

static uint16_t
reverse_bits(uint32_t word, uint32_t bits)
{
    uint32_t reversed = 0;
    for (uint32_t i = 0; i < bits; i++)
        reversed |= (word >> i & 1) << (bits - 1 - i);
    return (uint16_t)reversed;
}

void
li_code_words(const uint8_t *lengths, uint32_t n, uint16_t *words)
{
    uint32_t of_length[LI_CODE_BITS + 1] = {0}, next[LI_CODE_BITS + 1] = {0};
    for (uint32_t i = 0; i < n; i++)
        of_length[lengths[i]]++;
    of_length[0] = 0;
    for (uint32_t bits = 1; bits <= LI_CODE_BITS; bits++)
        next[bits] = (next[bits - 1] + of_length[bits - 1]) << 1;
    for (uint32_t i = 0; i < n; i++)
        words[i] = lengths[i] ? reverse_bits(next[lengths[i]]++, lengths[i]) : 0;
}

/* --- lengths in short ------------------------------------------------------------- */

const uint8_t li_run_extra[LI_RUN_CODES] = {[16] = 2, [17] = 3, [18] = 7};

static void
runs_add(li_code_runs *runs, uint32_t symbol, uint32_t extra)
{
    runs->symbols[runs->count] = (uint8_t)symbol;
    runs->extra[runs->count++] = (uint8_t)extra;
}

/* `run` times the same length. */
static void
runs_run(li_code_runs *runs, uint32_t length, uint32_t run)
{
    while (length == 0 && run >= 3) {
        uint32_t part = run < 138 ? run : 138;
        runs_add(runs, part < 11 ? 17 : 18, part - (part < 11 ? 3 : 11));
        run -= part;
    }
    if (run) {
        runs_add(runs, length, 0);
        run--;
    }
    while (run >= 3) {
        uint32_t part = run < 6 ? run : 6;
        runs_add(runs, 16, part - 3);
        run -= part;
    }
    for (; run; run--)
        runs_add(runs, length, 0);
}

void
li_code_runs_of(const uint8_t *lengths, uint32_t n, li_code_runs *runs)
{
    assert(n <= LI_RUN_SYMBOLS);
    runs->count = 0;
    for (uint32_t from = 0, to = 0; from < n; from = to) {
        while (to < n && lengths[to] == lengths[from])
            to++;
        runs_run(runs, lengths[from], to - from);
    }
}
