/* bits.c: bits and Huffman codes of lossless WebP (RFC 9649, 3.7). Layer 2. */
#include "codecs/webp/bits.h"

#include <string.h>

enum {
    HEADER_LIMIT = 7,
    CODE_LIMIT = 15,
    MOST_COUNTS = 1 << 22, /* what li_code_lengths takes, with room for rounding up */
};

/* --- bits ------------------------------------------------------------------------- */

static void
bits_flush(li_webp_bits *bits)
{
    if (bits->status == LI_OK)
        bits->status = li_out_write(bits->out, bits->buffer, bits->used);
    bits->used = 0;
}

void
li_webp_bits_put(li_webp_bits *bits, uint32_t value, uint32_t count)
{
    bits->total += count;
    if (!bits->out)
        return;
    bits->word |= (uint64_t)value << bits->held;
    bits->held += count;
    while (bits->held >= 8) {
        bits->buffer[bits->used++] = (uint8_t)bits->word;
        bits->word >>= 8;
        bits->held -= 8;
        if (bits->used == sizeof(bits->buffer))
            bits_flush(bits);
    }
}

li_status
li_webp_bits_end(li_webp_bits *bits)
{
    if (!bits->out)
        return LI_OK;
    li_webp_bits_put(bits, 0, (8 - bits->held) % 8);
    bits_flush(bits);
    return bits->status;
}

/* --- codes ------------------------------------------------------------------------ */

void
li_webp_code_make(li_webp_code *code)
{
    uint32_t counts[LI_WEBP_GREENS];
    uint64_t sum = 0;
    code->used = 0;
    for (uint32_t i = 0; i < code->n; i++) {
        sum += code->counts[i];
        code->used += code->counts[i] > 0;
    }
    for (uint32_t i = 0; i < code->n; i++) {
        counts[i] = code->counts[i];
        if (sum > MOST_COUNTS)
            counts[i] = (uint32_t)((counts[i] * (uint64_t)MOST_COUNTS + sum - 1) / sum);
    }
    li_code_lengths(counts, code->n, CODE_LIMIT, code->lengths);
    li_code_words(code->lengths, code->n, code->words);
}

uint64_t
li_webp_code_total(const li_webp_code *code)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < code->n && code->used > 1; i++)
        total += (uint64_t)code->counts[i] * code->lengths[i];
    return total;
}

/* One or two symbols below 256, told by themselves. */
static bool
put_simple(li_webp_bits *bits, const li_webp_code *code)
{
    uint32_t symbols[2] = {0, 0}, used = 0;
    if (code->used > 2)
        return false;
    for (uint32_t i = 0; i < code->n; i++)
        if (code->lengths[i])
            symbols[used++] = i;
    if (symbols[0] > 255 || symbols[1] > 255)
        return false;
    bool wide = symbols[0] > 1;
    li_webp_bits_put(bits, 1, 1);
    li_webp_bits_put(bits, used == 2, 1);
    li_webp_bits_put(bits, wide, 1);
    li_webp_bits_put(bits, symbols[0], wide ? 8 : 1);
    if (used == 2)
        li_webp_bits_put(bits, symbols[1], 8);
    return true;
}

static const uint8_t header_order[LI_RUN_CODES] = {17, 18, 0, 1,  2,  3,  4,  5,  16, 6,
                                                   7,  8,  9, 10, 11, 12, 13, 14, 15};

/* How many lengths follow: at least 2. */
static void
put_count(li_webp_bits *bits, uint32_t count)
{
    uint32_t wide = 0;
    while ((count - 2) >> (2 + 2 * wide))
        wide++;
    li_webp_bits_put(bits, 1, 1);
    li_webp_bits_put(bits, wide, 3);
    li_webp_bits_put(bits, count - 2, 2 + 2 * wide);
}

void
li_webp_bits_code(li_webp_bits *bits, const li_webp_code *code)
{
    li_code_runs runs;
    uint32_t n = code->n;
    li_webp_code lengths = {.n = LI_RUN_CODES};
    if (put_simple(bits, code))
        return;
    while (n > 0 && code->lengths[n - 1] == 0)
        n--;
    li_code_runs_of(code->lengths, n, &runs);
    for (uint32_t i = 0; i < runs.count; i++)
        lengths.counts[runs.symbols[i]]++;
    li_webp_code_make(&lengths);
    li_code_lengths(lengths.counts, LI_RUN_CODES, HEADER_LIMIT, lengths.lengths);
    li_code_words(lengths.lengths, LI_RUN_CODES, lengths.words);
    uint32_t told = LI_RUN_CODES;
    while (told > 4 && lengths.lengths[header_order[told - 1]] == 0)
        told--;
    li_webp_bits_put(bits, 0, 1);
    li_webp_bits_put(bits, told - 4, 4);
    for (uint32_t i = 0; i < told; i++)
        li_webp_bits_put(bits, lengths.lengths[header_order[i]], 3);
    put_count(bits, runs.count);
    for (uint32_t i = 0; i < runs.count; i++) {
        li_webp_bits_symbol(bits, &lengths, runs.symbols[i]);
        li_webp_bits_put(bits, runs.extra[i], li_run_extra[runs.symbols[i]]);
    }
}
