/* simd_deep.inc.h: the passes of a resize over samples of 16 bits, included behind
 * simd_resize.inc.h. Layer 1. */

/* Samples from centred ones, and back. */
WORD vec
turn_middle(vec samples)
{
    return v_xor(samples, v_all16(INT16_MIN));
}

static void
deep_center(const uint16_t *row, int16_t *out, size_t n)
{
    size_t i = 0;
    for (; i + STEP <= n; i += STEP)
        v_store(out + i, turn_middle(v_load(row + i)));
    li_plain_deep_center(row + i, out + i, n - i);
}

/* p/65535 of 32 bits, less the middle; see plain_deep.c. */
WORD vec
divide65535(vec products)
{
    products = v_add32(products, v_all32(32768));
    products = v_add32(products, V_LOGICAL_RIGHT32(products, 16));
    return v_add32(V_LOGICAL_RIGHT32(products, 16), v_all32(-LI_DEEP_MIDDLE));
}

/* A lane is two RGBA pixels; alpha is multiplied by 65535. */
WORD vec
deep_premultiplied(vec pixels)
{
    static const uint8_t alphas[16] = {6,  7,  6,  7,  6,  7,  255, 255,
                                       14, 15, 14, 15, 14, 15, 255, 255};
    static const uint8_t ones[16] = {[6] = 255, [7] = 255, [14] = 255, [15] = 255};
    vec by = v_or(v_shuffle(pixels, v_same(alphas)), v_same(ones));
    vec low = v_multiply16(pixels, by), high = v_multiply_high16(pixels, by);
    return v_pack32(divide65535(v_low16(low, high)), divide65535(v_high16(low, high)));
}

static void
deep_premultiply(const uint16_t *row, int16_t *out, uint32_t width, uint32_t channels)
{
    uint32_t x = 0;
    for (; channels == 4 && x + STEP / 4 <= width; x += STEP / 4)
        v_store(out + (size_t)4 * x, deep_premultiplied(v_load(row + (size_t)4 * x)));
    size_t done = (size_t)x * channels;
    li_plain_deep_premultiply(row + done, out + done, width - x, channels);
}

static void
deep_across(const li_weights *table, uint32_t channels,
            const int16_t *const rows[LI_BATCH], int16_t *const out[LI_BATCH],
            void *work)
{
    const uint8_t *bytes[LI_BATCH];
    for (int r = 0; r < LI_BATCH; r++)
        bytes[r] = (const uint8_t *)rows[r];
    across_rows(table, channels, true, bytes, out, work);
}

/* --- down ------------------------------------------------------------------------- */

enum {
    DEEP_ROUNDING = 1 << (LI_DEEP_BITS - 1),
    DEEP_MIDDLE_SUM = LI_DEEP_MIDDLE << LI_DEEP_BITS,
    DEEP_OPAQUE = 1 << 29, /* with the middle */
};

WORD vec
deep_gather_step(const int16_t *const *rows, const int16_t *weights, uint32_t taps,
                 size_t at)
{
    vec first = v_all32(DEEP_ROUNDING), second = first;
    for (uint32_t r = 0; r < taps; r += 2) {
        vec a = v_load(rows[r] + at), b = v_load(rows[r + 1] + at);
        vec both = pair_of_weights(weights + r);
        first = v_add32(first, v_pairs(v_low16(a, b), both));
        second = v_add32(second, v_pairs(v_high16(a, b), both));
    }
    return v_pack32(V_SHIFT_RIGHT32(first, LI_DEEP_BITS),
                    V_SHIFT_RIGHT32(second, LI_DEEP_BITS));
}

static void
deep_gather(const int16_t *const *rows, const int16_t *weights, uint32_t taps,
            uint16_t *out, size_t n)
{
    for (size_t i = 0; i < n; i += STEP)
        v_store(out + i, turn_middle(deep_gather_step(rows, weights, taps, i)));
}

static void
deep_store(int32_t *sums, uint16_t *out, size_t n)
{
    const vec half = v_all32(DEEP_ROUNDING);
    for (size_t i = 0; i < n; i += STEP) {
        int32_t *at = sums + i;
        vec first = V_SHIFT_RIGHT32(v_add32(v_load(at), half), LI_DEEP_BITS);
        vec second =
            V_SHIFT_RIGHT32(v_add32(v_load(at + STEP / 2), half), LI_DEEP_BITS);
        v_store(at, v_zero());
        v_store(at + STEP / 2, v_zero());
        v_store(out + i, turn_middle(v_deal(v_pack32(first, second))));
    }
}

/* One RGBA pixel, centred, as `divided` has one. */
WORD lane
deep_divided(lane sums)
{
    const lane zero = l_all32(0), one = l_all32(1), middle = l_all32(-LI_DEEP_MIDDLE);
    const lane colours = l_load((const int32_t[4]){-1, -1, -1, 0});
    lane whole = L_SHIFT_RIGHT32(l_add32(sums, l_all32(DEEP_ROUNDING)), LI_DEEP_BITS);
    sums = l_add32(sums, l_all32(DEEP_MIDDLE_SUM));
    lane alpha = l_max32(l_last32(sums), one);
    lane exact = l_divide(l_min32(l_max32(sums, zero), alpha), alpha, 65535);
    lane seen = l_max32(l_last32(whole), middle);
    exact = l_add32(l_and_not(l_equal32(seen, middle), exact), middle);
    lane opaque = l_equal32(alpha, l_all32(DEEP_OPAQUE));
    lane kept = l_or(l_and_not(colours, whole), l_and(l_and(colours, opaque), whole));
    return l_or(kept, l_and_not(opaque, l_and(colours, exact)));
}

static void
deep_store_alpha(int32_t *sums, uint16_t *out, uint32_t width, uint32_t channels)
{
    const lane middle = l_all32(INT32_MIN + LI_DEEP_MIDDLE); /* of both halves */
    uint32_t x = 0;
    for (; channels == 4 && x + 2 <= width; x += 2, sums += 8, out += 8) {
        lane both =
            l_pack32(deep_divided(l_load(sums)), deep_divided(l_load(sums + 4)));
        l_store(out, l_xor(both, middle));
        l_store(sums, l_all32(0));
        l_store(sums + 4, l_all32(0));
    }
    li_plain_deep_store_alpha(sums, out, width - x, channels);
}
