/* skim_sequential.c: the one scan of a baseline or extended JPEG, skimmed: of each
 * block the lowest coefficients, as many symbols at a time as a table knows. Layer 2.
 */
#include "codecs/jpeg/skim_bits.h"

#include <string.h>

static inline bool
read_dc(li_skim_bits *bits, const li_skim_dc *table, int64_t *last)
{
    uint32_t index = li_skim_look(bits), size;
    if (table->look[index].bits) {
        li_skim_drop(bits, table->look[index].bits);
        *last += table->look[index].difference;
        return true;
    }
    if (!li_skim_symbol(bits, &table->code, &size))
        return false;
    *last += li_skim_value(li_skim_take(bits, size), size);
    return true;
}

/* One symbol at coefficient *k; 64: the block is over. As in libjpeg a run may lead out
 * of the block, which ends it. */
static inline bool
read_one(li_skim_bits *bits, const li_skim_ac *table, uint32_t *k, li_skim_block low)
{
    static const uint8_t place[] = {0, 1, 2, 0, 3};
    uint32_t symbol;
    li_skim_refill(bits);
    if (!li_skim_symbol(bits, &table->code, &symbol))
        return false;
    uint32_t run = symbol >> 4, size = symbol & 15;
    if (!size && run < 15) {
        *k = 64;
        return true;
    }
    *k += run;
    int32_t value = li_skim_value(li_skim_take(bits, size), size);
    if (size && *k <= 4 && place[*k])
        low[place[*k]] = (int16_t)value;
    *k = *k < 63 ? *k + 1 : 64;
    return true;
}

/* Read over the block's coefficients from k on. */
static inline bool
skip_rest(li_skim_bits *bits, const li_skim_ac *table, uint32_t k)
{
    li_skim_block none;
    while (k < 64) {
        li_skim_refill(bits);
        uint32_t entry = table->skip[li_skim_look(bits)], next = k + (entry >> 5);
        if (next < 64) { /* at most 27 bits: two of them fit one refill */
            li_skim_drop(bits, entry & 31);
            k = next;
            entry = table->skip[li_skim_look(bits)];
            next = k + (entry >> 5);
        }
        if (next <= 64 || (next >= LI_SKIM_END && next < LI_SKIM_END + 64)) {
            li_skim_drop(bits, entry & 31);
            k = next;
        } else if (!read_one(bits, table, &k, none)) {
            return false;
        }
    }
    return true;
}

static inline bool
read_low(li_skim_bits *bits, const li_skim_ac *table, li_skim_block low)
{
    li_skim_refill(bits);
    const li_skim_first *first = &table->first[li_skim_look(bits)];
    uint32_t k = first->next;
    li_skim_drop(bits, first->bits);
    memcpy(low + 1, first->low, sizeof(first->low));
    while (k <= 4)
        if (!read_one(bits, table, &k, low))
            return false;
    return skip_rest(bits, table, k);
}

static inline bool
read_block(li_skim *skim, li_skim_part *part, li_skim_bits *bits, li_skim_block low)
{
    const li_skim_ac *ac = skim->ac_ready[part->ac_table];
    li_skim_refill(bits);
    if (!read_dc(bits, skim->dc_ready[part->dc_table], &part->last_dc))
        return false;
    low[0] = (int16_t)part->last_dc;
    return part->scale == 1 ? skip_rest(bits, ac, 1) : read_low(bits, ac, low);
}

static bool
read_mcu(li_skim *skim, uint32_t x)
{
    li_skim_bits bits = skim->input.bits;
    bool good = true;
    for (uint32_t i = 0; i < skim->scan.count; i++) {
        li_skim_part *part = &skim->parts[skim->scan.part[i]];
        for (uint32_t v = 0; v < part->v; v++)
            for (uint32_t h = 0; good && h < part->h; h++)
                good = read_block(skim, part, &bits,
                                  part->low[v * part->stride + x * part->h + h]);
    }
    skim->input.bits = bits;
    return good;
}

li_status
li_skim_sequential_row(li_skim *skim)
{
    li_skim_input *input = &skim->input;
    LI_TRY(li_poll(skim->ctx));
    for (uint32_t x = 0; x < skim->mcus; x++) {
        LI_TRY(li_skim_restart(skim));
        if (!li_skim_has_mcu(input))
            LI_TRY(li_skim_fill(input));
        bool good = read_mcu(skim, x);
        if (li_skim_overran(input))
            return li_skim_fail(input, "premature end of data segment");
        if (!good)
            return li_skim_fail(input, "bad Huffman code");
    }
    return li_skim_dc_is_sane(skim) ? LI_OK : li_skim_fail(input, "DC out of range");
}

li_status
li_skim_sequential_start(li_skim *skim)
{
    for (uint32_t p = 0; p < skim->count; p++) {
        const li_skim_part *part = &skim->parts[p];
        li_skim_dc **dc = &skim->dc_ready[part->dc_table];
        li_skim_ac **ac = &skim->ac_ready[part->ac_table];
        if (!*dc) {
            LI_TRY(li_alloc(skim->ctx, 1, sizeof(**dc), dc));
            LI_TRY(li_skim_make_dc(skim->ctx, &skim->dc[part->dc_table], *dc));
        }
        if (!*ac) {
            LI_TRY(li_alloc(skim->ctx, 1, sizeof(**ac), ac));
            LI_TRY(li_skim_make_ac(skim->ctx, &skim->ac[part->ac_table], *ac));
        }
    }
    return LI_OK;
}
