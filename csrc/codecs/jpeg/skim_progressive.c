/* skim_progressive.c: the scans of a progressive JPEG, skimmed: a block is its four
 * lowest coefficients and a mask of those that are not 0, which is all that a scan that
 * refines them asks of the others. At 1/8 scans of AC are passed over. Layer 2. */
#include "codecs/jpeg/skim_bits.h"

static const uint8_t PLACE[] = {0, 1, 2, 0, 3}; /* of a low coefficient */

typedef struct band {
    li_skim_bits bits;
    const li_skim_symbols *code;
    uint32_t first, last; /* coefficients */
    uint32_t low;         /* bit position */
    uint32_t run;         /* blocks without anything more but corrections */
} band;

/* --- blocks ----------------------------------------------------------------------- */

/* Coefficients first to last. */
static uint64_t
bits_between(uint32_t first, uint32_t last)
{
    return last < first ? 0 : (UINT64_MAX >> (63 - last)) & (UINT64_MAX << first);
}

static uint32_t
count_bits(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
    return (uint32_t)((x * 0x0101010101010101u) >> 56);
}

/* As in libjpeg a run may lead out of the band, and out of the block to its end. */
static void
put(uint32_t k, int32_t value, li_skim_block low, uint64_t *mask)
{
    uint32_t place = k < 63 ? k : 63;
    int16_t stored = (int16_t)(uint16_t)(uint32_t)value;
    *mask = (*mask & ~((uint64_t)1 << place)) | (uint64_t)(stored != 0) << place;
    if (k <= 4 && PLACE[k])
        low[PLACE[k]] = stored;
}

/* The end of a band's blocks: this one and some more; false for any other symbol. */
static bool
read_end(band *scan, uint32_t symbol)
{
    uint32_t size = symbol >> 4;
    if ((symbol & 15) || size == 15)
        return false;
    scan->run = (1u << size) + li_skim_take(&scan->bits, size);
    return true;
}

static bool
first_block(band *scan, li_skim_block low, uint64_t *mask)
{
    for (uint32_t k = scan->first; k <= scan->last; k++) {
        uint32_t symbol;
        li_skim_refill(&scan->bits);
        if (!li_skim_symbol(&scan->bits, scan->code, &symbol))
            return false;
        if (read_end(scan, symbol)) {
            scan->run--;
            return true;
        }
        uint32_t size = symbol & 15;
        k += symbol >> 4;
        if (!size)
            continue;
        int32_t value = li_skim_value(li_skim_take(&scan->bits, size), size);
        put(k, value * (1 << scan->low), low, mask);
    }
    return true;
}

static void
correct(const band *scan, int16_t *value)
{
    int32_t bit = 1 << scan->low;
    if (!(*value & bit))
        *value =
            (int16_t)(uint16_t)(uint32_t)(*value >= 0 ? *value + bit : *value - bit);
}

/* A bit for each of these coefficients: does it grow? */
static void
read_corrections(band *scan, uint64_t set, li_skim_block low)
{
    uint32_t count = count_bits(set);
    for (uint32_t k = 1; k <= 4 && set & 0x1E; k++) {
        if (!(set >> k & 1))
            continue;
        set &= ~((uint64_t)1 << k);
        count--;
        li_skim_refill(&scan->bits);
        if (li_skim_take(&scan->bits, 1) && PLACE[k])
            correct(scan, &low[PLACE[k]]);
    }
    while (count > 0) {
        uint32_t part = count < 48 ? count : 48;
        li_skim_refill(&scan->bits);
        li_skim_drop(&scan->bits, part);
        count -= part;
    }
}

static bool
refine_block(band *scan, li_skim_block low, uint64_t *mask)
{
    uint64_t all = bits_between(scan->first, scan->last);
    uint64_t ones = *mask & all, zeros = ~*mask & all; /* those still in front */
    for (uint32_t k = scan->first; scan->run == 0 && k <= scan->last; k++) {
        uint32_t symbol;
        li_skim_refill(&scan->bits);
        if (!li_skim_symbol(&scan->bits, scan->code, &symbol))
            return false;
        if (read_end(scan, symbol))
            break;
        uint32_t size = symbol & 15;
        if (size > 1)
            return false;
        bool grows = size && li_skim_take(&scan->bits, 1);
        for (uint32_t run = symbol >> 4; run > 0 && zeros; run--)
            zeros &= zeros - 1;
        k = zeros ? (uint32_t)__builtin_ctzll(zeros) : scan->last + 1;
        uint64_t passed = ones & bits_between(0, k - 1);
        zeros &= zeros - 1;
        ones ^= passed;
        if (passed)
            read_corrections(scan, passed, low);
        if (size)
            put(k, grows ? 1 << scan->low : -(1 << scan->low), low, mask);
    }
    if (scan->run > 0) {
        if (ones)
            read_corrections(scan, ones, low);
        scan->run--;
    }
    return true;
}

/* --- scans ------------------------------------------------------------------------ */

/* Called in front of each MCU. */
static li_status
prepare(li_skim *skim)
{
    LI_TRY(li_skim_restart(skim));
    return li_skim_has_mcu(&skim->input) ? LI_OK : li_skim_fill(&skim->input);
}

static li_status
check_mcu(const li_skim *skim, bool good)
{
    if (li_skim_overran(&skim->input))
        return li_skim_fail(&skim->input, "premature end of data segment");
    return good ? LI_OK : li_skim_fail(&skim->input, "bad Huffman code");
}

/* What is kept in `now` for speed, put back and fetched again. */
static li_status
prepare_ac(li_skim *skim, band *now)
{
    skim->input.bits = now->bits;
    skim->scan.run = now->run;
    LI_TRY(check_mcu(skim, true));
    LI_TRY(prepare(skim));
    now->bits = skim->input.bits;
    now->run = skim->scan.run;
    return LI_OK;
}

static li_status
ac_row(li_skim *skim, li_skim_part *part, uint32_t y)
{
    li_skim_scan *scan = &skim->scan;
    const li_skim_input *input = &skim->input;
    li_skim_block *low = part->low + (size_t)y * part->stride;
    uint64_t *mask = part->mask + (size_t)y * part->stride;
    band now = {.bits = input->bits, .code = skim->ready[0], .run = scan->run};
    now.first = scan->first;
    now.last = scan->last;
    now.low = scan->low;
    bool good = true;
    LI_TRY(li_poll(skim->ctx));
    for (uint32_t x = 0; good && x < part->across; x++) {
        if (skim->interval || input->end - now.bits.next < LI_SKIM_MOST)
            LI_TRY(prepare_ac(skim, &now));
        if (scan->high)
            good = refine_block(&now, low[x], &mask[x]);
        else if (now.run > 0)
            now.run--;
        else
            good = first_block(&now, low[x], &mask[x]);
        good = good && now.bits.next <= input->end + 8; /* what refilling looks ahead */
    }
    skim->input.bits = now.bits;
    scan->run = now.run;
    return check_mcu(skim, good);
}

static bool
dc_block(li_skim *skim, uint32_t place, li_skim_block low)
{
    li_skim_part *part = &skim->parts[skim->scan.part[place]];
    li_skim_bits *bits = &skim->input.bits;
    li_skim_refill(bits);
    if (skim->scan.high) {
        if (li_skim_take(bits, 1))
            low[0] = (int16_t)(uint16_t)(uint32_t)(low[0] | 1 << skim->scan.low);
        return true;
    }
    uint32_t size;
    if (!li_skim_symbol(bits, skim->ready[place], &size))
        return false;
    part->last_dc += li_skim_value(li_skim_take(bits, size), size);
    low[0] = (int16_t)(uint16_t)((uint64_t)part->last_dc << skim->scan.low);
    return true;
}

/* A scan of one part has its blocks in rows; one of several has them in MCUs. */
static bool
dc_mcu(li_skim *skim, uint32_t x, uint32_t y)
{
    const li_skim_scan *scan = &skim->scan;
    for (uint32_t i = 0; i < scan->count; i++) {
        li_skim_part *part = &skim->parts[scan->part[i]];
        uint32_t across = scan->count > 1 ? part->h : 1;
        uint32_t down = scan->count > 1 ? part->v : 1;
        for (uint32_t v = 0; v < down; v++)
            for (uint32_t h = 0; h < across; h++) {
                size_t row = (size_t)(y * down + v) * part->stride;
                if (!dc_block(skim, i, part->low[row + x * across + h]))
                    return false;
            }
    }
    return true;
}

static li_status
dc_row(li_skim *skim, uint32_t mcus, uint32_t y)
{
    LI_TRY(li_poll(skim->ctx));
    for (uint32_t x = 0; x < mcus; x++) {
        LI_TRY(prepare(skim));
        LI_TRY(check_mcu(skim, dc_mcu(skim, x, y)));
    }
    return li_skim_dc_is_sane(skim) ? LI_OK
                                    : li_skim_fail(&skim->input, "DC out of range");
}

/* --- a scan's header -------------------------------------------------------------- */

static bool
is_legal(const li_skim_scan *scan)
{
    if (scan->first == 0
            ? scan->last != 0
            : scan->first > scan->last || scan->last > 63 || scan->count != 1)
        return false;
    return scan->low <= 13 && (!scan->high || scan->low + 1 == scan->high);
}

/* Each scan must go on where those before it have ended. */
static bool
goes_on(li_skim *skim)
{
    const li_skim_scan *scan = &skim->scan;
    for (uint32_t i = 0; i < scan->count; i++) {
        int8_t *left = skim->parts[scan->part[i]].left;
        if (scan->first > 0 && left[0] < 0)
            return false;
        for (uint32_t k = scan->first; k <= scan->last; k++) {
            if (scan->high != (left[k] < 0 ? 0 : left[k]))
                return false;
            left[k] = (int8_t)scan->low;
        }
    }
    return true;
}

static li_status
make_tables(li_skim *skim)
{
    const li_skim_scan *scan = &skim->scan;
    for (uint32_t i = 0; i < scan->count; i++) {
        li_skim_part *part = &skim->parts[scan->part[i]];
        bool dc = scan->first == 0;
        const li_skim_code *code =
            dc ? &skim->dc[part->dc_table] : &skim->ac[part->ac_table];
        if (dc && scan->high)
            continue; /* single bits */
        if (!skim->ready[i])
            LI_TRY(li_alloc(skim->ctx, 1, sizeof(*skim->ready[i]), &skim->ready[i]));
        LI_TRY(li_skim_make_symbols(skim->ctx, code, dc, skim->ready[i]));
    }
    return LI_OK;
}

/* AC of a part of which only the means are wanted. */
static bool
is_passed(const li_skim *skim)
{
    return skim->scan.first > 0 && skim->parts[skim->scan.part[0]].scale == 1;
}

static li_status
read_scan(li_skim *skim)
{
    const li_skim_scan *scan = &skim->scan;
    li_skim_part *part = &skim->parts[scan->part[0]];
    if (!is_legal(scan) || !goes_on(skim))
        return li_skim_fail(&skim->input, "inconsistent progression of scans");
    LI_TRY(make_tables(skim));
    if (is_passed(skim))
        return li_skim_pass_scan(&skim->input);
    uint32_t rows = scan->count > 1 ? skim->mcu_rows : part->down;
    uint32_t mcus = scan->count > 1 ? skim->mcus : part->across;
    for (uint32_t y = 0; y < rows; y++)
        LI_TRY(scan->first > 0 ? ac_row(skim, part, y) : dc_row(skim, mcus, y));
    return LI_OK;
}

/* All scans are in: is anything missing? */
static li_status
check_complete(const li_skim *skim)
{
    bool complete = true;
    for (uint32_t p = 0; p < skim->count; p++) {
        if (!skim->parts[p].scanned)
            return li_skim_fail(&skim->input, "a component has no scan");
        for (uint32_t k = 0; k < 64; k++)
            complete = complete && skim->parts[p].left[k] == 0;
    }
    if (complete)
        return LI_OK;
    if (skim->input.ended)
        return li_skim_fail(&skim->input,
                            "the file ends before its last progressive scan");
    li_warn(skim->ctx, "jpeg: the progressive scans do not complete the picture");
    return LI_OK;
}

li_status
li_skim_progressive(li_skim *skim)
{
    uint64_t limit = skim->ctx->limits.max_scans;
    bool more = true;
    while (more) {
        if (limit && skim->scans > limit)
            return li_fail(skim->ctx, LI_E123_FIREWALL,
                           "jpeg: more scans than limits(max_scans=%llu)",
                           (unsigned long long)limit);
        LI_TRY(read_scan(skim));
        bool passed = is_passed(skim);
        LI_TRY(li_skim_scan_start(skim, &more));
        if (!more && passed && skim->input.ended)
            return li_skim_fail(&skim->input, "in a scan that is passed over");
    }
    return check_complete(skim);
}
