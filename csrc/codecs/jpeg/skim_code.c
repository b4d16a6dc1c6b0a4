/* skim_code.c: the skim decoder's tables: what the next 12 bits of a scan mean, several
 * symbols at a time. Layer 2. */
#include "codecs/jpeg/skim_bits.h"

#include <string.h>

/* --- symbol by symbol ------------------------------------------------------------- */

static li_status
fail_table(li_ctx *ctx, const char *words)
{
    return li_fail(ctx, LI_E130_CORRUPT, "jpeg: %s", words);
}

/* Every index that begins with this code. */
static void
fill_look(li_skim_symbols *out, uint32_t code, uint32_t length, uint8_t symbol)
{
    if (length > LI_SKIM_LOOK)
        return;
    uint32_t from = code << (LI_SKIM_LOOK - length);
    uint32_t until = (code + 1) << (LI_SKIM_LOOK - length);
    for (uint32_t i = from; i < until; i++)
        out->look[i] = (uint16_t)(length << 8 | symbol);
}

/* Codes of one length follow each other; the next length goes on at twice the number.
 */
li_status
li_skim_make_symbols(li_ctx *ctx, const li_skim_code *code, bool dc,
                     li_skim_symbols *out)
{
    uint32_t next = 0, place = 0;
    if (!code->seen)
        return fail_table(ctx, "a scan names a Huffman table that was not defined");
    memset(out->look, 0, sizeof(out->look));
    memcpy(out->symbols, code->symbols, sizeof(out->symbols));
    for (uint32_t length = 1; length <= 16; length++) {
        out->offset[length] = (int32_t)place - (int32_t)next;
        for (uint32_t i = 0; i < code->counts[length]; i++, next++, place++) {
            if (next + 1 >= 1u << length || place >= 256 || /* none is all ones */
                (dc && code->symbols[place] > 15))
                return fail_table(ctx, "a Huffman table is bogus");
            fill_look(out, next, length, code->symbols[place]);
        }
        out->limit[length] = next << (16 - length);
        next <<= 1;
    }
    return LI_OK;
}

/* --- DC --------------------------------------------------------------------------- */

li_status
li_skim_make_dc(li_ctx *ctx, const li_skim_code *code, li_skim_dc *out)
{
    LI_TRY(li_skim_make_symbols(ctx, code, true, &out->code));
    for (uint32_t i = 0; i < LI_SKIM_ENTRIES; i++) {
        uint32_t entry = out->code.look[i], size = entry & 255;
        uint32_t length = entry >> 8, bits = length + size;
        bool fits = entry && bits <= LI_SKIM_LOOK;
        uint32_t raw = fits ? i >> (LI_SKIM_LOOK - bits) & ((1u << size) - 1) : 0;
        out->look[i].bits = (uint8_t)(fits ? bits : 0);
        out->look[i].difference = (int16_t)(fits ? li_skim_value(raw, size) : 0);
    }
    return LI_OK;
}

/* --- AC --------------------------------------------------------------------------- */

/* A walk over the symbols that begin in the bits of an index. */
typedef struct walk {
    uint32_t index;
    uint32_t used; /* bits; more than LI_SKIM_LOOK: the last symbol reaches beyond */
    uint32_t run, size;
} walk;

/* The next symbol if its code is all there; `used` is not yet changed. */
static bool
walk_code(const walk *at, const li_skim_symbols *code, walk *behind)
{
    uint32_t mask = LI_SKIM_ENTRIES - 1;
    if (at->used >= LI_SKIM_LOOK)
        return false;
    uint32_t entry = code->look[at->index << at->used & mask];
    uint32_t length = entry >> 8;
    if (!entry || at->used + length > LI_SKIM_LOOK)
        return false;
    *behind = (walk){at->index, at->used + length, entry >> 4 & 15, entry & 15};
    return true;
}

static bool
is_end(const walk *at)
{
    return at->size == 0 && at->run < 15;
}

/* No more than 63 coefficients: what passes them may be another block's. */
static uint16_t
make_skip(const li_skim_symbols *code, uint32_t index)
{
    walk at = {.index = index}, next;
    uint32_t count = 0;
    while (walk_code(&at, code, &next)) {
        if (is_end(&next))
            return (uint16_t)((count + LI_SKIM_END) << 5 | next.used);
        if (count + next.run + 1 > 63)
            break;
        count += next.run + 1;
        next.used += next.size;
        at = next;
    }
    return (uint16_t)(at.used ? count << 5 | at.used : LI_SKIM_NONE << 5);
}

/* Values of the low ones must be there to the last bit; of the others only the code. */
static li_skim_first
make_first(const li_skim_symbols *code, uint32_t index)
{
    static const uint8_t place[] = {0, 1, 2, 0, 3}; /* in low[], plus 1 */
    li_skim_first entry = {.next = 1};
    walk at = {.index = index}, next;
    while (entry.next < 64 && walk_code(&at, code, &next)) {
        uint32_t k = entry.next + next.run, bits = next.used + next.size;
        if (is_end(&next)) {
            entry.next = 64;
        } else {
            if (next.size && k <= 4 && bits > LI_SKIM_LOOK)
                break;
            if (next.size && k <= 4 && place[k]) {
                uint32_t raw = index >> (LI_SKIM_LOOK - bits) & ((1u << next.size) - 1);
                entry.low[place[k] - 1] = (int16_t)li_skim_value(raw, next.size);
            }
            entry.next = (uint8_t)(k < 63 ? k + 1 : 64);
        }
        next.used = bits;
        at = next;
        entry.bits = (uint8_t)bits;
    }
    return entry;
}

li_status
li_skim_make_ac(li_ctx *ctx, const li_skim_code *code, li_skim_ac *out)
{
    LI_TRY(li_skim_make_symbols(ctx, code, false, &out->code));
    for (uint32_t i = 0; i < LI_SKIM_ENTRIES; i++) {
        out->skip[i] = make_skip(&out->code, i);
        out->first[i] = make_first(&out->code, i);
    }
    return LI_OK;
}
