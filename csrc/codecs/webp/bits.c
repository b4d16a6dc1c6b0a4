/* bits.c: bits and Huffman codes of lossless WebP (RFC 9649, 3.7). Layer 2. */
#include "codecs/webp/bits.h"

#include <string.h>

enum {
    HEADER_CODES = 19,
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

/* The lengths of a code, packed: 16 says the last one 3 to 6 times more, 17 three to
 * ten zeros, 18 eleven to 138. */
typedef struct code_header {
    uint32_t count;
    uint8_t symbols[LI_WEBP_GREENS], extra[LI_WEBP_GREENS];
} code_header;

static const uint8_t header_order[HEADER_CODES] = {17, 18, 0, 1,  2,  3,  4,  5,  16, 6,
                                                   7,  8,  9, 10, 11, 12, 13, 14, 15};
static const uint8_t header_extra[HEADER_CODES] = {[16] = 2, [17] = 3, [18] = 7};

static void
header_add(code_header *header, uint32_t symbol, uint32_t extra)
{
    header->symbols[header->count] = (uint8_t)symbol;
    header->extra[header->count++] = (uint8_t)extra;
}

static void
header_run(code_header *header, uint32_t length, uint32_t run)
{
    while (length == 0 && run >= 3) {
        uint32_t part = run < 138 ? run : 138;
        header_add(header, part < 11 ? 17 : 18, part - (part < 11 ? 3 : 11));
        run -= part;
    }
    if (run) {
        header_add(header, length, 0);
        run--;
    }
    while (run >= 3) {
        uint32_t part = run < 6 ? run : 6;
        header_add(header, 16, part - 3);
        run -= part;
    }
    for (; run; run--)
        header_add(header, length, 0);
}

static void
header_make(code_header *header, const li_webp_code *code)
{
    uint32_t n = code->n;
    header->count = 0;
    while (n > 0 && code->lengths[n - 1] == 0)
        n--;
    for (uint32_t from = 0, to = 0; from < n; from = to) {
        while (to < n && code->lengths[to] == code->lengths[from])
            to++;
        header_run(header, code->lengths[from], to - from);
    }
}

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
    code_header header;
    li_webp_code lengths = {.n = HEADER_CODES};
    if (put_simple(bits, code))
        return;
    header_make(&header, code);
    for (uint32_t i = 0; i < header.count; i++)
        lengths.counts[header.symbols[i]]++;
    li_webp_code_make(&lengths);
    li_code_lengths(lengths.counts, HEADER_CODES, HEADER_LIMIT, lengths.lengths);
    li_code_words(lengths.lengths, HEADER_CODES, lengths.words);
    uint32_t told = HEADER_CODES;
    while (told > 4 && lengths.lengths[header_order[told - 1]] == 0)
        told--;
    li_webp_bits_put(bits, 0, 1);
    li_webp_bits_put(bits, told - 4, 4);
    for (uint32_t i = 0; i < told; i++)
        li_webp_bits_put(bits, lengths.lengths[header_order[i]], 3);
    put_count(bits, header.count);
    for (uint32_t i = 0; i < header.count; i++) {
        li_webp_bits_symbol(bits, &lengths, header.symbols[i]);
        li_webp_bits_put(bits, header.extra[i], header_extra[header.symbols[i]]);
    }
}
