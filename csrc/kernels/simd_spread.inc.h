/* simd_spread.inc.h: samples of a row as pairs of 16 bits, included by
 * simd_resize.inc.h. Layer 1. */

/* --- spreading -------------------------------------------------------------------- */

/* 16-bit pairs of 4 pixel pairs of one channel, of rows a, b and c, d, interleaved. */
WORD void
spread_bytes(vec ab, vec cd, vec *out, const size_t step)
{
    vec low = v_low32(ab, cd), high = v_high32(ab, cd);
    v_store(out, v_low8(low, v_zero()));
    v_store(out + step, v_high8(low, v_zero()));
    v_store(out + 2 * step, v_low8(high, v_zero()));
    v_store(out + 3 * step, v_high8(high, v_zero()));
}

/* 16 pixels. */
WORD void
spread1(const uint8_t *const *rows, size_t at, vec *out)
{
    vec a = v_rows(rows, at), b = v_rows(rows + 1, at);
    vec c = v_rows(rows + 2, at), d = v_rows(rows + 3, at);
    spread_bytes(v_low16(a, b), v_low16(c, d), out, 1);
    spread_bytes(v_high16(a, b), v_high16(c, d), out + 4, 1);
}

/* 8 pixels: two samples of gray, two of alpha, … */
WORD void
spread2(const uint8_t *const *rows, size_t at, vec *out)
{
    static const uint8_t order[16] = {0, 2,  1, 3,  4,  6,  5,  7,
                                      8, 10, 9, 11, 12, 14, 13, 15};
    const vec mask = v_same(order);
    vec a = v_shuffle(v_rows(rows, at), mask),
        b = v_shuffle(v_rows(rows + 1, at), mask);
    vec c = v_shuffle(v_rows(rows + 2, at), mask);
    vec d = v_shuffle(v_rows(rows + 3, at), mask);
    vec ab = v_low32(a, b), cd = v_low32(c, d);
    v_store(out, v_low8(ab, v_zero()));
    v_store(out + 1, v_low8(cd, v_zero()));
    v_store(out + 2, v_high8(ab, v_zero()));
    v_store(out + 3, v_high8(cd, v_zero()));
    ab = v_high32(a, b), cd = v_high32(c, d);
    v_store(out + 4, v_low8(ab, v_zero()));
    v_store(out + 5, v_low8(cd, v_zero()));
    v_store(out + 6, v_high8(ab, v_zero()));
    v_store(out + 7, v_high8(cd, v_zero()));
}

/* A sample of one pixel and the same of the next, from byte n on; nothing. */
#define RGB_PAIR(n) (n), 255, (n) + 3, 255
#define NO_PAIR 255, 255, 255, 255

/* What is taken of a row for quads of (ra ga ba rb) (gb bb rc gc) (bc rd gd bd). */
#define RGB_MASKS(n)                                                                   \
    {RGB_PAIR(n), RGB_PAIR((n) + 1), RGB_PAIR((n) + 2), NO_PAIR},                      \
        {NO_PAIR, NO_PAIR, NO_PAIR, RGB_PAIR(n)},                                      \
        {RGB_PAIR((n) + 1), RGB_PAIR((n) + 2), NO_PAIR, NO_PAIR},                      \
        {NO_PAIR, NO_PAIR, RGB_PAIR(n), RGB_PAIR((n) + 1)},                            \
        {RGB_PAIR((n) + 2), NO_PAIR, NO_PAIR, NO_PAIR},                                \
    {                                                                                  \
        NO_PAIR, RGB_PAIR(n), RGB_PAIR((n) + 1), RGB_PAIR((n) + 2)                     \
    }

static const uint8_t rgb_masks[2][6][16] = {{RGB_MASKS(0)}, {RGB_MASKS(6)}};

/* 4 pixels. */
WORD void
spread3(const uint8_t *const *rows, size_t at, vec *out)
{
    vec a = v_rows(rows, at), b = v_rows(rows + 1, at);
    vec c = v_rows(rows + 2, at), d = v_rows(rows + 3, at);
    for (int pair = 0; pair < 2; pair++, out += 3) {
        const uint8_t(*masks)[16] = rgb_masks[pair];
        v_store(out,
                v_or(v_shuffle(a, v_same(masks[0])), v_shuffle(b, v_same(masks[1]))));
        v_store(out + 1,
                v_or(v_shuffle(b, v_same(masks[2])), v_shuffle(c, v_same(masks[3]))));
        v_store(out + 2,
                v_or(v_shuffle(c, v_same(masks[4])), v_shuffle(d, v_same(masks[5]))));
    }
}

#define RGBA_PAIR(n) (n), 255, (n) + 4, 255
#define RGBA_MASK(n)                                                                   \
    {                                                                                  \
        RGBA_PAIR(n), RGBA_PAIR((n) + 1), RGBA_PAIR((n) + 2), RGBA_PAIR((n) + 3)       \
    }

static const uint8_t rgba_masks[2][16] = {RGBA_MASK(0), RGBA_MASK(8)};

/* 4 pixels; a quad is a row. */
WORD void
spread4(const uint8_t *const *rows, size_t at, vec *out)
{
    for (int r = 0; r < 4; r++) {
        vec row = v_rows(rows + r, at);
        v_store(out + r, v_shuffle(row, v_same(rgba_masks[0])));
        v_store(out + 4 + r, v_shuffle(row, v_same(rgba_masks[1])));
    }
}

/* Pixels that these take at once. */
WORD uint32_t
spread_pixels(const uint32_t channels, const bool deep)
{
    if (deep)
        return 8 / channels;
    return channels < 3 ? 16 / channels : 4;
}

/* Reads 16 bytes from byte `at` on. */
WORD void
spread(const uint8_t *const *rows, size_t at, vec *out, const uint32_t channels)
{
    if (channels == 1)
        spread1(rows, at, out);
    else if (channels == 2)
        spread2(rows, at, out);
    else if (channels == 3)
        spread3(rows, at, out);
    else
        spread4(rows, at, out);
}

/* --- of centred samples of 16 bits, which are halves of pairs already --------------
 */

/* 8 pixels. */
WORD void
deep_spread1(const uint8_t *const *rows, size_t at, vec *out)
{
    vec a = v_rows(rows, at), b = v_rows(rows + 1, at);
    vec c = v_rows(rows + 2, at), d = v_rows(rows + 3, at);
    vec ab = v_low32(a, b), cd = v_low32(c, d);
    v_store(out, v_low64(ab, cd));
    v_store(out + 1, v_high64(ab, cd));
    ab = v_high32(a, b), cd = v_high32(c, d);
    v_store(out + 2, v_low64(ab, cd));
    v_store(out + 3, v_high64(ab, cd));
}

#define SAMPLE(n) 2 * (n), 2 * (n) + 1
/* A sample of one pixel and the same of the next, from sample n on. */
#define DEEP_PAIR(n, channels) SAMPLE(n), SAMPLE((n) + (channels))

/* 4 pixels. */
WORD void
deep_spread2(const uint8_t *const *rows, size_t at, vec *out)
{
    static const uint8_t order[16] = {DEEP_PAIR(0, 2), DEEP_PAIR(1, 2), DEEP_PAIR(4, 2),
                                      DEEP_PAIR(5, 2)};
    const vec mask = v_same(order);
    vec a = v_shuffle(v_rows(rows, at), mask),
        b = v_shuffle(v_rows(rows + 1, at), mask);
    vec c = v_shuffle(v_rows(rows + 2, at), mask),
        d = v_shuffle(v_rows(rows + 3, at), mask);
    v_store(out, v_low64(a, b));
    v_store(out + 1, v_low64(c, d));
    v_store(out + 2, v_high64(a, b));
    v_store(out + 3, v_high64(c, d));
}

/* Where a row lies in the quads (ra ga ba rb) (gb bb rc gc) (bc rd gd bd). */
static const uint8_t deep_rgb_masks[4][16] = {
    {DEEP_PAIR(0, 3), DEEP_PAIR(1, 3), DEEP_PAIR(2, 3), NO_PAIR},
    {DEEP_PAIR(1, 3), DEEP_PAIR(2, 3), NO_PAIR, DEEP_PAIR(0, 3)},
    {DEEP_PAIR(2, 3), NO_PAIR, DEEP_PAIR(0, 3), DEEP_PAIR(1, 3)},
    {NO_PAIR, DEEP_PAIR(0, 3), DEEP_PAIR(1, 3), DEEP_PAIR(2, 3)},
};

/* 2 pixels. */
WORD void
deep_spread3(const uint8_t *const *rows, size_t at, vec *out)
{
    vec a = v_shuffle(v_rows(rows, at), v_same(deep_rgb_masks[0]));
    vec b = v_shuffle(v_rows(rows + 1, at), v_same(deep_rgb_masks[1]));
    vec c = v_shuffle(v_rows(rows + 2, at), v_same(deep_rgb_masks[2]));
    vec d = v_shuffle(v_rows(rows + 3, at), v_same(deep_rgb_masks[3]));
    v_store(out, V_BLEND32(a, b, 8));
    v_store(out + 1, V_BLEND32(b, c, 12));
    v_store(out + 2, V_BLEND32(c, d, 14));
}

/* 2 pixels; a quad is a row. */
WORD void
deep_spread4(const uint8_t *const *rows, size_t at, vec *out)
{
    static const uint8_t order[16] = {DEEP_PAIR(0, 4), DEEP_PAIR(1, 4), DEEP_PAIR(2, 4),
                                      DEEP_PAIR(3, 4)};
    for (int r = 0; r < 4; r++)
        v_store(out + r, v_shuffle(v_rows(rows + r, at), v_same(order)));
}

WORD void
deep_spread(const uint8_t *const *rows, size_t at, vec *out, const uint32_t channels)
{
    if (channels == 1)
        deep_spread1(rows, at, out);
    else if (channels == 2)
        deep_spread2(rows, at, out);
    else if (channels == 3)
        deep_spread3(rows, at, out);
    else
        deep_spread4(rows, at, out);
}
