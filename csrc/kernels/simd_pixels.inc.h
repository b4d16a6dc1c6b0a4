/* simd_pixels.inc.h: layouts, floats and colour of a row, included once per instruction
 * set behind its words. Layer 1.
 *
 * Nothing past a row is read or written: a loop ends while its widest access fits, and
 * plain C does the rest. */

enum {
    PIXELS = 16, /* a lane of bytes: what most loops take at once */
    HALVES = PIXELS / STEP,
};

/* --- three channels --------------------------------------------------------------- */

#define WITHIN(n) ((n) >= 0 && (n) < 16 ? (n) : 255)
#define THIRDS(n)                                                                      \
    {                                                                                  \
        WITHIN(n), WITHIN((n) + 3), WITHIN((n) + 6), WITHIN((n) + 9),                  \
            WITHIN((n) + 12), WITHIN((n) + 15), WITHIN((n) + 18), WITHIN((n) + 21),    \
            WITHIN((n) + 24), WITHIN((n) + 27), WITHIN((n) + 30), WITHIN((n) + 33),    \
            WITHIN((n) + 36), WITHIN((n) + 39), WITHIN((n) + 42), WITHIN((n) + 45)     \
    }

/* [c][k]: the bytes of channel c in the k-th 16 of 48. */
static const uint8_t split_masks[3][3][16] = {
    {THIRDS(0), THIRDS(-16), THIRDS(-32)},
    {THIRDS(1), THIRDS(-15), THIRDS(-31)},
    {THIRDS(2), THIRDS(-14), THIRDS(-30)},
};

#define MERGED(p, c) ((p) % 3 == (c) ? (p) / 3 : 255)
#define MERGE(p, c)                                                                    \
    {                                                                                  \
        MERGED(p, c), MERGED((p) + 1, c), MERGED((p) + 2, c), MERGED((p) + 3, c),      \
            MERGED((p) + 4, c), MERGED((p) + 5, c), MERGED((p) + 6, c),                \
            MERGED((p) + 7, c), MERGED((p) + 8, c), MERGED((p) + 9, c),                \
            MERGED((p) + 10, c), MERGED((p) + 11, c), MERGED((p) + 12, c),             \
            MERGED((p) + 13, c), MERGED((p) + 14, c), MERGED((p) + 15, c)              \
    }

/* [k][c]: where the k-th 16 bytes of 16 RGB pixels have channel c. */
static const uint8_t merge_masks[3][3][16] = {
    {MERGE(0, 0), MERGE(0, 1), MERGE(0, 2)},
    {MERGE(16, 0), MERGE(16, 1), MERGE(16, 2)},
    {MERGE(32, 0), MERGE(32, 1), MERGE(32, 2)},
};

WORD lane
pick3(lane a, lane b, lane c, const uint8_t masks[3][16])
{
    lane found = l_or(l_shuffle(a, l_load(masks[0])), l_shuffle(b, l_load(masks[1])));
    return l_or(found, l_shuffle(c, l_load(masks[2])));
}

WORD void
split3(const uint8_t *from, lane channels[4])
{
    lane a = l_load(from), b = l_load(from + 16), c = l_load(from + 32);
    for (int k = 0; k < 3; k++)
        channels[k] = pick3(a, b, c, split_masks[k]);
}

WORD void
merge3(const lane channels[3], uint8_t *to)
{
    for (int k = 0; k < 3; k++)
        l_store(to + (size_t)16 * k,
                pick3(channels[0], channels[1], channels[2], merge_masks[k]));
}

/* --- two and four ----------------------------------------------------------------- */

WORD void
split2(const uint8_t *from, lane channels[4])
{
    static const uint8_t apart[16] = {0, 2, 4, 6, 8, 10, 12, 14,
                                      1, 3, 5, 7, 9, 11, 13, 15};
    lane a = l_shuffle(l_load(from), l_load(apart));
    lane b = l_shuffle(l_load(from + 16), l_load(apart));
    channels[0] = l_low64(a, b);
    channels[1] = l_high64(a, b);
}

WORD void
split4(const uint8_t *from, lane channels[4])
{
    static const uint8_t apart[16] = {0, 4, 8,  12, 1, 5, 9,  13,
                                      2, 6, 10, 14, 3, 7, 11, 15};
    const lane mask = l_load(apart);
    lane a = l_shuffle(l_load(from), mask), b = l_shuffle(l_load(from + 16), mask);
    lane c = l_shuffle(l_load(from + 32), mask), d = l_shuffle(l_load(from + 48), mask);
    lane first = l_low32(a, b), second = l_low32(c, d);
    channels[0] = l_low64(first, second);
    channels[1] = l_high64(first, second);
    first = l_high32(a, b), second = l_high32(c, d);
    channels[2] = l_low64(first, second);
    channels[3] = l_high64(first, second);
}

WORD void
split_some(const uint8_t *from, const uint32_t channels, lane found[4])
{
    if (channels == 2)
        split2(from, found);
    else if (channels == 3)
        split3(from, found);
    else
        split4(from, found);
}

WORD uint32_t
split_channels(const uint8_t *row, const uint32_t channels, uint8_t *const *planes,
               uint32_t width)
{
    uint32_t x = 0;
    for (; x + PIXELS <= width; x += PIXELS) {
        lane found[4];
        split_some(row + (size_t)x * channels, channels, found);
        for (uint32_t c = 0; c < channels; c++)
            l_store(planes[c] + x, found[c]);
    }
    return x;
}

static void
split(const uint8_t *row, uint32_t channels, uint8_t *const *planes, uint32_t width)
{
    uint32_t x = 0;
    uint8_t *rest[4];
    if (channels == 2)
        x = split_channels(row, 2, planes, width);
    else if (channels == 3)
        x = split_channels(row, 3, planes, width);
    else if (channels == 4)
        x = split_channels(row, 4, planes, width);
    for (uint32_t c = 0; c < channels; c++)
        rest[c] = planes[c] + x;
    li_plain_split(row + (size_t)x * channels, channels, rest, width - x);
}

/* --- convert ---------------------------------------------------------------------- */

static const uint8_t three_of_four[16] = {0,  1,  2,  4,  5,   6,   8,   9,
                                          10, 12, 13, 14, 255, 255, 255, 255};

/* 4 pixels at once; 16 bytes of RGB are 5 1/3. */
WORD uint32_t
rgb_to_rgba(const uint8_t *row, uint8_t *out, uint32_t width)
{
    static const uint8_t spaced[16] = {0, 1, 2, 255, 3, 4,  5,  255,
                                       6, 7, 8, 255, 9, 10, 11, 255};
    const lane mask = l_load(spaced), opaque = l_all32((int32_t)0xff000000);
    uint32_t x = 0;
    for (; x + 6 <= width; x += 4) {
        lane pixels = l_shuffle(l_load(row + (size_t)3 * x), mask);
        l_store(out + (size_t)4 * x, l_or(pixels, opaque));
    }
    return x;
}

WORD uint32_t
rgba_to_rgb(const uint8_t *row, uint8_t *out, uint32_t width)
{
    const lane mask = l_load(three_of_four);
    uint32_t x = 0;
    for (; x + 6 <= width; x += 4)
        l_store(out + (size_t)3 * x, l_shuffle(l_load(row + (size_t)4 * x), mask));
    return x;
}

WORD uint32_t
gray_to_rgb(const uint8_t *row, uint8_t *out, uint32_t width)
{
    uint32_t x = 0;
    for (; x + PIXELS <= width; x += PIXELS) {
        lane gray = l_load(row + x);
        const lane all[3] = {gray, gray, gray};
        merge3(all, out + (size_t)3 * x);
    }
    return x;
}

WORD vec
pair16(int32_t first, int32_t second)
{
    return v_all32((int32_t)((uint32_t)first | (uint32_t)second << 16));
}

/* See luma in plain_pixels.c; green's 46871 is too large for 16 bits, so half of it
 * goes with red and half with blue. */
WORD lane
luma16(const lane channels[4])
{
    const vec red = pair16(13933, 23436), blue = pair16(4732, 23435);
    const vec half = v_all32(32768);
    vec gray[HALVES];
    for (int h = 0; h < HALVES; h++) {
        vec r = v_bytes(channels[0], h), g = v_bytes(channels[1], h);
        vec b = v_bytes(channels[2], h);
        vec low = v_add32(v_pairs(v_low16(r, g), red), v_pairs(v_low16(b, g), blue));
        vec high = v_add32(v_pairs(v_high16(r, g), red), v_pairs(v_high16(b, g), blue));
        gray[h] = v_pack32(V_SHIFT_RIGHT32(v_add32(low, half), 16),
                           V_SHIFT_RIGHT32(v_add32(high, half), 16));
    }
    return v_narrow(gray);
}

WORD uint32_t
to_gray(const uint8_t *row, const uint32_t channels, uint8_t *out, uint32_t width)
{
    uint32_t x = 0;
    for (; x + PIXELS <= width; x += PIXELS) {
        lane found[4];
        split_some(row + (size_t)x * channels, channels, found);
        l_store(out + x, luma16(found));
    }
    return x;
}

enum { PAIR_OF = 8 }; /* channels × PAIR_OF + out_channels */

static void
convert(const uint8_t *row, uint32_t channels, uint8_t *out, uint32_t out_channels,
        uint32_t width)
{
    uint32_t x = 0;
    switch (channels * PAIR_OF + out_channels) {
    case 3 * PAIR_OF + 4:
        x = rgb_to_rgba(row, out, width);
        break;
    case 4 * PAIR_OF + 3:
        x = rgba_to_rgb(row, out, width);
        break;
    case 1 * PAIR_OF + 3:
        x = gray_to_rgb(row, out, width);
        break;
    case 3 * PAIR_OF + 1:
        x = to_gray(row, 3, out, width);
        break;
    case 4 * PAIR_OF + 1:
        x = to_gray(row, 4, out, width);
        break;
    default:
        break;
    }
    li_plain_convert(row + (size_t)x * channels, channels,
                     out + (size_t)x * out_channels, out_channels, width - x);
}

/* --- flatten ---------------------------------------------------------------------- */

/* Two RGBA pixels a lane over the background, 16 bits a channel; see mix. */
WORD vec
mixed(vec pixels, vec background)
{
    static const uint8_t alphas[16] = {6,  255, 6,  255, 6,  255, 6,  255,
                                       14, 255, 14, 255, 14, 255, 14, 255};
    vec alpha = v_shuffle(pixels, v_same(alphas));
    vec under = v_multiply16(background, v_sub16(v_all16(255), alpha));
    return divide255(v_add16(v_multiply16(pixels, alpha), under));
}

/* VBYTES / 4 pixels at once, 4 of each lane; the last store is 16 bytes of 12. */
WORD uint32_t
flatten_rgba(const uint8_t *row, const uint8_t *background, uint8_t *out,
             uint32_t width)
{
    const uint8_t under[16] = {
        [0] = background[0], [2] = background[1],  [4] = background[2],
        [8] = background[0], [10] = background[1], [12] = background[2]};
    const vec below = v_same(under), mask = v_same(three_of_four);
    uint32_t x = 0;
    for (; x + VBYTES / 4 + 2 <= width; x += VBYTES / 4) {
        vec pixels = v_load(row + (size_t)4 * x);
        vec low = mixed(v_low8(pixels, v_zero()), below);
        vec high = mixed(v_high8(pixels, v_zero()), below);
        vec three = v_shuffle(v_pack16(low, high), mask);
        for (int k = 0; k < LANES; k++)
            l_store(out + (size_t)3 * x + (size_t)12 * k, v_lane(three, k));
    }
    return x;
}

static void
flatten(const uint8_t *row, uint32_t channels, const uint8_t *background, uint8_t *out,
        uint32_t out_channels, uint32_t width)
{
    uint32_t x = 0;
    if (channels == 4 && out_channels == 3)
        x = flatten_rgba(row, background, out, width);
    li_plain_flatten(row + (size_t)x * channels, channels, background,
                     out + (size_t)x * out_channels, out_channels, width - x);
}

/* --- floats ----------------------------------------------------------------------- */

static void
to_floats(const uint8_t *row, size_t n, const float scale[LI_FLOAT_PERIOD],
          const float bias[LI_FLOAT_PERIOD], void *out)
{
    enum { WIDE = VBYTES / sizeof(float) };
    uint8_t *to = out;
    size_t i = 0;
    for (; i + LI_FLOAT_PERIOD <= n; i += LI_FLOAT_PERIOD)
        for (size_t k = 0; k < LI_FLOAT_PERIOD; k += WIDE)
            f_put(to + (i + k) * sizeof(float), f_of_bytes(row + i + k),
                  f_load(scale + k), f_load(bias + k));
    li_plain_floats(row + i, n - i, scale, bias, to + i * sizeof(float));
}

/* --- colour ----------------------------------------------------------------------- */

/* A coefficient of 23 bits as two of 16: (c << 7) × (k >> 7) + c × (k & 127). */
WORD vec
coefficient(int32_t k)
{
    return pair16(k >> 7 & 0xffff, k & 127);
}

typedef struct ycc_part {
    vec low, high; /* 32 bits a pixel */
} ycc_part;

WORD ycc_part
times(vec samples, vec coefficient)
{
    vec shifted = V_SHIFT_LEFT16(samples, 7);
    return (ycc_part){v_pairs(v_low16(shifted, samples), coefficient),
                      v_pairs(v_high16(shifted, samples), coefficient)};
}

WORD ycc_part
add_parts(ycc_part a, ycc_part b)
{
    return (ycc_part){v_add32(a.low, b.low), v_add32(a.high, b.high)};
}

WORD vec
whole_part(ycc_part sum)
{
    return v_pack32(V_SHIFT_RIGHT32(sum.low, LI_YCC_BITS),
                    V_SHIFT_RIGHT32(sum.high, LI_YCC_BITS));
}

static void
ycc_to_rgb(const li_ycc *how, const uint8_t *y, const uint8_t *cb, const uint8_t *cr,
           uint8_t *rgb, uint32_t width)
{
    const vec luma = coefficient(how->y_scale),
              offset = v_all16((int16_t)how->y_offset);
    const vec cr_red = coefficient(how->cr_red), cb_blue = coefficient(how->cb_blue);
    const vec cr_green = coefficient(how->cr_green);
    const vec cb_green = coefficient(how->cb_green);
    const vec middle = v_all16(128), half = v_all32(1 << (LI_YCC_BITS - 1));
    uint32_t x = 0;
    for (; x + PIXELS <= width; x += PIXELS) {
        vec red[HALVES], green[HALVES], blue[HALVES];
        for (int h = 0; h < HALVES; h++) {
            vec b = v_sub16(v_bytes(l_load(cb + x), h), middle);
            vec r = v_sub16(v_bytes(l_load(cr + x), h), middle);
            ycc_part gray = times(v_sub16(v_bytes(l_load(y + x), h), offset), luma);
            gray = add_parts(gray, (ycc_part){half, half});
            red[h] = whole_part(add_parts(gray, times(r, cr_red)));
            blue[h] = whole_part(add_parts(gray, times(b, cb_blue)));
            gray = add_parts(gray, times(r, cr_green));
            green[h] = whole_part(add_parts(gray, times(b, cb_green)));
        }
        const lane all[3] = {v_narrow(red), v_narrow(green), v_narrow(blue)};
        merge3(all, rgb + (size_t)3 * x);
    }
    li_plain_ycc_to_rgb(how, y + x, cb + x, cr + x, rgb + (size_t)3 * x, width - x);
}
