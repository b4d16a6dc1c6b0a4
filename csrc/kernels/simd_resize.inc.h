/* simd_resize.inc.h: the passes of a resize, included once per instruction set behind
 * its words. Layer 1.
 *
 * Across: pixels are spread first, so that the inner loop is a load, a multiplication
 * and an addition for eight rows. A spread pair of pixels is a quad of pairs of 16 bits
 * per channel: each quad has the two pixels' samples of 4 of its 4 rows × channels, in
 * the order of rows; the second lane has rows 4 to 7. */

enum {
    AHEAD = 64,   /* pixels spread at once: what the loop costs is spread, too */
    WINDOW = 256, /* pixels of 48 bytes, which stay in the first-level cache */
    ROWS = 4 * LANES,
};

#include "kernels/simd_spread.inc.h"

/* What of a row is spread: pixels base … filled, at work. */
typedef struct window {
    vec *work;
    uint32_t base, filled;
    uint32_t room; /* pixels that fit without a slide; more do, but leave the cache */
    uint32_t inputs;
} window;

WORD vec *
window_at(const window *self, uint32_t pixel, const uint32_t channels)
{
    return self->work + (size_t)(pixel - self->base) / 2 * channels;
}

/* Pixels before `first` are not needed any more. */
static void
window_slide(window *self, uint32_t first, uint32_t channels)
{
    size_t pairs = first < self->filled ? (self->filled - first + 1) / 2 : 0;
    memmove(self->work, window_at(self, first, channels),
            pairs * channels * sizeof(vec));
    self->base = first;
}

/* Reads 16 bytes at a pixel of the row: LI_ROW_SLACK. `deep`: its samples are 16 bits.
 */
WORD void
window_fill(window *self, uint32_t first, uint32_t end, const uint8_t *const *rows,
            const uint32_t channels, const bool deep)
{
    uint32_t rest = self->inputs - end, to = end + (rest < AHEAD ? rest : AHEAD);
    if (to - self->base > self->room)
        window_slide(self, first, channels);
    while (self->filled < to) {
        size_t at = (size_t)self->filled * channels;
        vec *out = window_at(self, self->filled, channels);
        if (deep)
            deep_spread(rows, 2 * at, out, channels);
        else
            spread(rows, at, out, channels);
        self->filled += spread_pixels(channels, deep);
    }
}

/* --- across ----------------------------------------------------------------------- */

WORD vec
pair_of_weights(const int16_t *weights)
{
    int32_t both;
    memcpy(&both, weights, sizeof(both));
    return v_all32(both);
}

/* A half of what is shifted out of a sum. */
WORD vec
half_sum(const bool deep)
{
    return v_all32(
        1 << ((deep ? LI_WEIGHT_BITS + 1 : LI_WEIGHT_BITS - LI_RING_BITS) - 1));
}

WORD vec
ring_sample(vec sum, const bool deep)
{
    if (deep)
        return V_SHIFT_RIGHT32(sum, LI_WEIGHT_BITS + 1);
    return V_SHIFT_RIGHT32(sum, LI_WEIGHT_BITS - LI_RING_BITS);
}

/* Of one channel two pairs a turn: past the last tap weights are 0, up to a multiple of
 * 4, and what lies there in the window does not count. */
WORD vec
sum_gray(const int16_t *weights, const int16_t *end, const vec *at, const bool deep)
{
    vec a = half_sum(deep), b = v_zero();
    for (; weights < end; weights += 4, at += 2) {
        a = v_add32(a, v_pairs(v_load(at), pair_of_weights(weights)));
        b = v_add32(b, v_pairs(v_load(at + 1), pair_of_weights(weights + 2)));
    }
    return ring_sample(v_add32(a, b), deep);
}

/* sums[c]: quad c of output i. */
WORD void
sum_output(const li_weights *table, uint32_t i, const window *from,
           const uint32_t channels, const bool deep, vec sums[4])
{
    const int16_t *weights = table->weights + (size_t)i * table->stride;
    const int16_t *end = weights + table->taps[i];
    const vec *at = window_at(from, table->first[i], channels);
    const vec half = half_sum(deep);
    if (channels == 1) {
        sums[0] = sum_gray(weights, end, at, deep);
        return;
    }
    vec a = half, b = half, c = half, d = half;
    for (; weights < end; weights += 2, at += channels) {
        const vec both = pair_of_weights(weights);
        a = v_add32(a, v_pairs(v_load(at), both));
        b = v_add32(b, v_pairs(v_load(at + 1), both));
        if (channels > 2)
            c = v_add32(c, v_pairs(v_load(at + 2), both));
        if (channels > 3)
            d = v_add32(d, v_pairs(v_load(at + 3), both));
    }
    sums[0] = ring_sample(a, deep);
    sums[1] = ring_sample(b, deep);
    sums[2] = ring_sample(c, deep);
    sums[3] = ring_sample(d, deep);
}

/* Four outputs of one channel: a quad has one sample of each row. */
WORD void
put1(const vec sums[4][4], int16_t *const *out, size_t at)
{
    vec first = v_pack32(sums[0][0], sums[1][0]);
    vec second = v_pack32(sums[2][0], sums[3][0]);
    vec even = v_low16(first, second), odd = v_high16(first, second);
    v_put_rows(v_low16(even, odd), out, at);
    v_put_rows(v_high16(even, odd), out + 2, at);
}

WORD void
put2(const vec sums[4][4], int16_t *const *out, size_t at)
{
    vec first = v_pack32(sums[0][0], sums[0][1]);
    vec second = v_pack32(sums[1][0], sums[1][1]);
    v_put_rows(v_low32(first, second), out, at);
    v_put_rows(v_high32(first, second), out + 2, at);
}

/* The last sample of each row is the next one's first: LI_OUT_SLACK. */
WORD void
put3(const vec sums[4][4], int16_t *const *out, size_t at)
{
    static const uint8_t rows[16] = {0, 1, 2, 3, 4,  5,  6,  7,
                                     6, 7, 8, 9, 10, 11, 12, 13};
    const vec mask = v_same(rows);
    vec first = v_pack32(sums[0][0], sums[0][1]);
    vec second = v_last12(first, v_pack32(sums[0][2], sums[0][2]));
    v_put_rows(v_shuffle(first, mask), out, at);
    v_put_rows(v_shuffle(second, mask), out + 2, at);
}

WORD void
put4(const vec sums[4][4], int16_t *const *out, size_t at)
{
    v_put_rows(v_pack32(sums[0][0], sums[0][1]), out, at);
    v_put_rows(v_pack32(sums[0][2], sums[0][3]), out + 2, at);
}

/* Outputs go in groups that fill 4 samples of a row; the last one stands for those that
 * are missing in the last group. */
WORD void
across_channels(const li_weights *table, const uint32_t channels, const bool deep,
                const uint8_t *const *rows, int16_t *const *out, window *from)
{
    const uint32_t group = channels < 3 ? 4 / channels : 1, last = table->count - 1;
    for (uint32_t i = 0; i <= last; i += group) {
        uint32_t end = i + group <= last ? i + group - 1 : last;
        vec sums[4][4];
        window_fill(from, table->first[i], table->first[end] + table->taps[end], rows,
                    channels, deep);
        for (uint32_t k = 0; k < group; k++)
            sum_output(table, i + k < last ? i + k : last, from, channels, deep,
                       sums[k]);
        size_t at = (size_t)i * channels;
        if (channels == 1)
            put1(sums, out, at);
        else if (channels == 2)
            put2(sums, out, at);
        else if (channels == 3)
            put3(sums, out, at);
        else
            put4(sums, out, at);
    }
}

WORD void
across_rows(const li_weights *table, uint32_t channels, const bool deep,
            const uint8_t *const rows[LI_BATCH], int16_t *const out[LI_BATCH],
            void *work)
{
    uintptr_t misfit = (uintptr_t)work % VBYTES;
    uint8_t *aligned = (uint8_t *)work + (misfit ? VBYTES - misfit : 0);
    for (int r = 0; r < LI_BATCH; r += ROWS) {
        window from = {.work = (vec *)aligned,
                       .room = WINDOW + 8 * table->stride,
                       .inputs = table->inputs};
        if (channels == 1)
            across_channels(table, 1, deep, rows + r, out + r, &from);
        else if (channels == 2)
            across_channels(table, 2, deep, rows + r, out + r, &from);
        else if (channels == 3)
            across_channels(table, 3, deep, rows + r, out + r, &from);
        else
            across_channels(table, 4, deep, rows + r, out + r, &from);
    }
}

static void
across(const li_weights *table, uint32_t channels, const uint8_t *const rows[LI_BATCH],
       int16_t *const out[LI_BATCH], void *work)
{
    across_rows(table, channels, false, rows, out, work);
}

static void
widen(const uint8_t *row, int16_t *out, size_t n)
{
    size_t i = 0;
    for (; i + VBYTES / 2 <= n; i += VBYTES / 2)
        v_store(out + i, V_SHIFT_LEFT16(v_widen(row + i), LI_RING_BITS));
    li_plain_widen(row + i, out + i, n - i);
}

/* --- down ------------------------------------------------------------------------- */

enum {
    SUM_BITS = LI_WEIGHT_BITS + LI_RING_BITS,
    ROUNDING = (1 << (SUM_BITS - 1)) + (1 << (SUM_BITS - LI_RING_BITS)),
    OPAQUE = 255 << SUM_BITS,
    STEP = VBYTES / 2, /* samples of a vector of 16 bits */
};

/* Pairs of rows, dealt so that sums come out in order. */
WORD void
load_pairs(const int16_t *const *rows, size_t at, vec *low, vec *high)
{
    vec a = v_deal(v_load(rows[0] + at)), b = v_deal(v_load(rows[1] + at));
    *low = v_low16(a, b);
    *high = v_high16(a, b);
}

static void
accumulate(int32_t *const *sums, const int16_t (*weights)[LI_BATCH], uint32_t outputs,
           const int16_t *const rows[LI_BATCH], size_t n)
{
    for (size_t i = 0; i < n; i += STEP) {
        vec low[4], high[4];
        for (int p = 0; p < 4; p++)
            load_pairs(rows + 2 * p, i, &low[p], &high[p]);
        for (uint32_t k = 0; k < outputs; k++) {
            int32_t *to = sums[k] + i;
            vec first = v_load(to), second = v_load(to + STEP / 2);
            for (int p = 0; p < 4; p++) {
                vec both = pair_of_weights(weights[k] + 2 * p);
                first = v_add32(first, v_pairs(low[p], both));
                second = v_add32(second, v_pairs(high[p], both));
            }
            v_store(to, first);
            v_store(to + STEP / 2, second);
        }
    }
}

/* Packing undoes what unpacking does: samples are in order again. */
WORD vec
gather_step(const int16_t *const *rows, const int16_t *weights, uint32_t taps,
            size_t at)
{
    vec first = v_all32(ROUNDING), second = first;
    for (uint32_t r = 0; r < taps; r += 2) {
        vec a = v_load(rows[r] + at), b = v_load(rows[r + 1] + at);
        vec both = pair_of_weights(weights + r);
        first = v_add32(first, v_pairs(v_low16(a, b), both));
        second = v_add32(second, v_pairs(v_high16(a, b), both));
    }
    return v_pack32(V_SHIFT_RIGHT32(first, SUM_BITS),
                    V_SHIFT_RIGHT32(second, SUM_BITS));
}

static void
gather(const int16_t *const *rows, const int16_t *weights, uint32_t taps, uint8_t *out,
       size_t n)
{
    for (size_t i = 0; i < n; i += LI_BLOCK) {
        vec block[LI_BLOCK / STEP];
        for (size_t k = 0; k < LI_BLOCK / STEP; k++)
            block[k] = gather_step(rows, weights, taps, i + k * STEP);
        l_store(out + i, v_narrow(block));
    }
}

WORD vec
take_sums(int32_t *sums)
{
    const vec half = v_all32(ROUNDING);
    vec first = V_SHIFT_RIGHT32(v_add32(v_load(sums), half), SUM_BITS);
    vec second = V_SHIFT_RIGHT32(v_add32(v_load(sums + STEP / 2), half), SUM_BITS);
    v_store(sums, v_zero());
    v_store(sums + STEP / 2, v_zero());
    return v_deal(v_pack32(first, second));
}

static void
store(int32_t *sums, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i += LI_BLOCK) {
        vec block[LI_BLOCK / STEP];
        for (size_t k = 0; k < LI_BLOCK / STEP; k++)
            block[k] = take_sums(sums + i + k * STEP);
        l_store(out + i, v_narrow(block));
    }
}

/* --- alpha ------------------------------------------------------------------------ */

/* One RGBA pixel in 32 bits a channel; see plain_resize.c. Colours are clamped to their
 * alpha, and an alpha that rounds to 0 takes them along. */
WORD lane
divided(lane sums)
{
    const lane zero = l_all32(0), one = l_all32(1);
    const lane colours = l_load((const int32_t[4]){-1, -1, -1, 0});
    lane whole = l_shift_sum(l_add32(sums, l_all32(ROUNDING)));
    lane alpha = l_max32(l_last32(sums), one);
    lane exact = l_divide(l_min32(l_max32(sums, zero), alpha), alpha, 255);
    lane seen = l_max32(l_last32(whole), zero);
    exact = l_and_not(l_equal32(seen, zero), exact);
    lane opaque = l_equal32(alpha, l_all32(OPAQUE));
    lane kept = l_or(l_and_not(colours, whole), l_and(l_and(colours, opaque), whole));
    return l_or(kept, l_and_not(opaque, l_and(colours, exact)));
}

WORD bool
four_opaque(const int32_t *sums)
{
    const lane opaque = l_all32(OPAQUE),
               colours = l_load((const int32_t[4]){-1, -1, -1, 0});
    lane all = l_or(l_equal32(l_load(sums), opaque), colours);
    for (int k = 4; k < 16; k += 4)
        all = l_and(all, l_or(l_equal32(l_load(sums + k), opaque), colours));
    return l_all_set(all);
}

static void
store_alpha(int32_t *sums, uint8_t *out, uint32_t width, uint32_t channels)
{
    uint32_t x = 0;
    for (; channels == 4 && x + 4 <= width; x += 4, sums += 16, out += 16) {
        if (four_opaque(sums)) {
            store(sums, out, 16);
            continue;
        }
        lane a = divided(l_load(sums)), b = divided(l_load(sums + 4));
        lane c = divided(l_load(sums + 8)), d = divided(l_load(sums + 12));
        l_store(out, l_pack16(l_pack32(a, b), l_pack32(c, d)));
        for (int k = 0; k < 16; k += STEP / 2)
            v_store(sums + k, v_zero());
    }
    li_plain_store_alpha(sums, out, width - x, channels);
}

/* (p + p/256)/256 is p/255 rounded, p with 128 added: 255 × 255 + 128 + 254 fits. */
WORD vec
divide255(vec products)
{
    products = v_add16(products, v_all16(128));
    return V_SHIFT_RIGHT16(v_add16(products, V_SHIFT_RIGHT16(products, 8)), 8);
}

/* Two RGBA pixels a lane, 16 bits a channel; alpha is multiplied by 255. */
WORD vec
premultiplied(vec pixels)
{
    static const uint8_t alphas[16] = {6,  255, 6,  255, 6,  255, 255, 255,
                                       14, 255, 14, 255, 14, 255, 255, 255};
    static const uint8_t ones[16] = {[6] = 255, [14] = 255};
    return divide255(
        v_multiply16(pixels, v_or(v_shuffle(pixels, v_same(alphas)), v_same(ones))));
}

static void
premultiply(const uint8_t *row, uint8_t *out, uint32_t width, uint32_t channels)
{
    uint32_t x = 0;
    for (; channels == 4 && x + VBYTES / 4 <= width; x += VBYTES / 4) {
        vec pixels = v_load(row + (size_t)4 * x);
        vec low = premultiplied(v_low8(pixels, v_zero()));
        vec high = premultiplied(v_high8(pixels, v_zero()));
        v_store(out + (size_t)4 * x, v_pack16(low, high));
    }
    size_t done = (size_t)x * channels;
    li_plain_premultiply(row + done, out + done, width - x, channels);
}
