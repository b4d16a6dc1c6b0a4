/* unfilter_vectors.c: the row filters on 128-bit vectors: SSE2 and NEON, which every
 * x86-64 and arm64 has. The same bytes as plain C. Layer 2.
 *
 * A pixel depends on the one to its left, so a row goes pixel by pixel and what counts
 * is the length of that chain. Average keeps the complement of the sample (two
 * instructions a pixel); Paeth has no absolute values (after Fabian Giesen's
 * observation; five), and two or four successive Paeth rows run together, one row a
 * lane of four samples, each a pixel behind the row above it. */
#include "codecs/png/unfilter.h"

#ifdef LI_PNG_UNFILTER_VECTORS

#include <string.h>

enum { NONE, SUB, UP, AVERAGE, PAETH };

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* --- the instructions ------------------------------------------------------------- */

#ifdef __x86_64__
#include <emmintrin.h>

typedef __m128i vector;

#define ZERO() _mm_setzero_si128()
#define LOAD(from) _mm_loadu_si128((const __m128i *)(from))
#define STORE(into, a) _mm_storeu_si128((__m128i *)(into), a)
#define FROM_64(word) _mm_cvtsi64_si128((int64_t)(word))
#define LOW_64(a) ((uint64_t)_mm_cvtsi128_si64(a))
#define HIGH_64(a) LOW_64(_mm_unpackhi_epi64(a, a))
#define WIDEN(a) _mm_unpacklo_epi8(a, ZERO()) /* 8 bytes to 16 bits each */
#define NARROW(a, b) _mm_packus_epi16(a, b)
#define LOWS(a, b) _mm_unpacklo_epi64(a, b) /* low a, low b */
#define HIGH_LOW(a, b) _mm_unpacklo_epi64(_mm_unpackhi_epi64(a, a), b)
#define ADD_8(a, b) _mm_add_epi8(a, b)
#define SUB_8(a, b) _mm_sub_epi8(a, b)
#define MEAN_8(a, b) _mm_avg_epu8(a, b) /* rounded up */
#define SUB_16(a, b) _mm_sub_epi16(a, b)
#define ADD_16(a, b) _mm_add_epi16(a, b)
#define MIN_16(a, b) _mm_min_epi16(a, b)
#define MAX_16(a, b) _mm_max_epi16(a, b)
#define GREATER_16(a, b) _mm_cmpgt_epi16(a, b)
#define OR(a, b) _mm_or_si128(a, b)
#define XOR(a, b) _mm_xor_si128(a, b)
#define AND_NOT(mask, a) _mm_andnot_si128(mask, a) /* a where the mask is 0 */
#define ONES() _mm_set1_epi8(-1)
#else
#include <arm_neon.h>

typedef uint8x16_t vector;

#define S16(a) vreinterpretq_s16_u8(a)
#define U8(a) vreinterpretq_u8_s16(a)
#define ZERO() vdupq_n_u8(0)
#define LOAD(from) vld1q_u8(from)
#define STORE(into, a) vst1q_u8(into, a)
#define FROM_64(word) vreinterpretq_u8_u64(vsetq_lane_u64(word, vdupq_n_u64(0), 0))
#define LOW_64(a) vgetq_lane_u64(vreinterpretq_u64_u8(a), 0)
#define HIGH_64(a) vgetq_lane_u64(vreinterpretq_u64_u8(a), 1)
#define WIDEN(a) vreinterpretq_u8_u16(vmovl_u8(vget_low_u8(a)))
#define NARROW(a, b) vcombine_u8(vqmovun_s16(S16(a)), vqmovun_s16(S16(b)))
#define LOWS(a, b) vcombine_u8(vget_low_u8(a), vget_low_u8(b))
#define HIGH_LOW(a, b) vextq_u8(a, b, 8)
#define ADD_8(a, b) vaddq_u8(a, b)
#define SUB_8(a, b) vsubq_u8(a, b)
#define MEAN_8(a, b) vrhaddq_u8(a, b)
#define SUB_16(a, b) U8(vsubq_s16(S16(a), S16(b)))
#define ADD_16(a, b) U8(vaddq_s16(S16(a), S16(b)))
#define MIN_16(a, b) U8(vminq_s16(S16(a), S16(b)))
#define MAX_16(a, b) U8(vmaxq_s16(S16(a), S16(b)))
#define GREATER_16(a, b) vreinterpretq_u8_u16(vcgtq_s16(S16(a), S16(b)))
#define OR(a, b) vorrq_u8(a, b)
#define XOR(a, b) veorq_u8(a, b)
#define AND_NOT(mask, a) vbicq_u8(a, mask)
#define ONES() vdupq_n_u8(255)
#endif

/* --- one pixel -------------------------------------------------------------------- */

/* May read up to 3 bytes behind the pixel: the slack, or the next row, whose samples
 * end in lanes that nobody stores. */
static ALWAYS_INLINE uint64_t
load_pixel(const uint8_t *from, const uint32_t step)
{
    uint64_t word = 0;
    if (step == 1)
        return from[0];
    memcpy(&word, from, step == 2 ? 2 : step <= 4 ? 4 : 8);
    return word;
}

/* Exactly the pixel: what is behind it has not been read yet. */
static ALWAYS_INLINE void
store_pixel(uint8_t *into, uint64_t word, const uint32_t step)
{
    memcpy(into, &word, step == 3 ? 2 : step == 6 ? 4 : step);
    if (step == 3)
        into[2] = (uint8_t)(word >> 16);
    if (step == 6) {
        uint16_t last = (uint16_t)(word >> 32);
        memcpy(into + 4, &last, sizeof(last));
    }
}

/* --- the filters ------------------------------------------------------------------ */

static void
undo_up(uint8_t *row, const uint8_t *above, size_t size)
{
    size_t i = 0;
    for (; i + 16 <= size; i += 16)
        STORE(row + i, ADD_8(LOAD(row + i), LOAD(above + i)));
    for (; i < size; i++)
        row[i] = (uint8_t)(row[i] + above[i]);
}

static ALWAYS_INLINE void
undo_sub(uint8_t *row, size_t size, const uint32_t step)
{
    vector left = ZERO();
    for (size_t i = 0; i < size; i += step) {
        left = ADD_8(left, FROM_64(load_pixel(row + i, step)));
        store_pixel(row + i, LOW_64(left), step);
    }
}

/* With complements, left' = 255 − left and so on, the rounded-up mean of left' and up'
 * is the complement of the rounded-down mean, and (sample + mean)' = mean' − sample. */
static ALWAYS_INLINE void
undo_average(uint8_t *row, const uint8_t *above, size_t size, const uint32_t step)
{
    vector left = ONES();
    for (size_t i = 0; i < size; i += step) {
        vector up = XOR(FROM_64(load_pixel(above + i, step)), ONES());
        left = SUB_8(MEAN_8(left, up), FROM_64(load_pixel(row + i, step)));
        store_pixel(row + i, ~LOW_64(left), step);
    }
}

/* Samples in 16-bit lanes. With t = 3 × corner − left − up and low, high = left and up
 * in order: the prediction is low where high <= t, high where t <= low, else corner;
 * where both hold all three are equal. Bytes are added without a carry, so the high
 * half of each lane stays 0. */
static ALWAYS_INLINE vector
paeth(vector raw, vector left, vector up, vector corner)
{
    vector low = MIN_16(left, up), high = MAX_16(left, up);
    vector rest = SUB_16(ADD_16(ADD_16(corner, corner), corner), up);
    vector t = SUB_16(rest, left);
    vector to_low = AND_NOT(GREATER_16(high, t), SUB_8(low, corner));
    vector to_high = AND_NOT(GREATER_16(t, low), SUB_8(high, corner));
    return ADD_8(ADD_8(raw, corner), OR(to_low, to_high));
}

static ALWAYS_INLINE void
undo_paeth(uint8_t *row, const uint8_t *above, size_t size, const uint32_t step)
{
    vector left = ZERO(), corner = ZERO();
    for (size_t i = 0; i < size; i += step) {
        vector up = WIDEN(FROM_64(load_pixel(above + i, step)));
        vector raw = WIDEN(FROM_64(load_pixel(row + i, step)));
        left = paeth(raw, left, up, corner);
        corner = up;
        store_pixel(row + i, LOW_64(NARROW(left, left)), step);
    }
}

/* --- Paeth, several rows at once: pixels of up to 4 bytes ------------------------- */

/* In each vector two rows, the second a pixel behind; `late` is two pixels behind
 * `early`. What a lane makes is its row's left pixel in the next step and the upper one
 * of the row below; what was the upper one is the corner. */
typedef struct wave {
    vector early, late;
    vector early_up, late_up;
} wave;

/* Before its first pixel a row has zeros to its left; behind its last it may be
 * anything, since no row below takes it. */
static ALWAYS_INLINE uint64_t
load_inside(const uint8_t *row, size_t at, size_t size, const uint32_t step,
            const bool inside)
{
    return inside || at < size ? load_pixel(row + at, step) & 0xffffffff : 0;
}

static ALWAYS_INLINE void
store_inside(uint8_t *row, size_t at, size_t size, uint64_t word, const uint32_t step,
             const bool inside)
{
    if (inside || at < size)
        store_pixel(row + at, word, step);
}

/* One step at byte `at` of the first row; before a row's first pixel its own place
 * wraps to a number that is not below size. */
static ALWAYS_INLINE void
wave_step(wave *now, const uint8_t *above, uint8_t *const rows[4], size_t at,
          size_t size, const uint32_t step, const uint32_t count, const bool inside)
{
    uint64_t raw = load_inside(rows[0], at, size, step, inside) |
                   load_inside(rows[1], at - step, size, step, inside) << 32;
    vector up = WIDEN(FROM_64(load_inside(above, at, size, step, inside)));
    vector early_up = LOWS(up, now->early);
    vector late_up = HIGH_LOW(now->early, now->late);
    now->early = paeth(WIDEN(FROM_64(raw)), now->early, early_up, now->early_up);
    now->early_up = early_up;
    if (count == 4) {
        raw = load_inside(rows[2], at - 2 * (size_t)step, size, step, inside) |
              load_inside(rows[3], at - 3 * (size_t)step, size, step, inside) << 32;
        now->late = paeth(WIDEN(FROM_64(raw)), now->late, late_up, now->late_up);
        now->late_up = late_up;
    }
    vector bytes = NARROW(now->early, now->late);
    uint64_t done = LOW_64(bytes);
    store_inside(rows[0], at, size, done, step, inside);
    store_inside(rows[1], at - step, size, done >> 32, step, inside);
    if (count == 4) {
        done = HIGH_64(bytes);
        store_inside(rows[2], at - 2 * (size_t)step, size, done, step, inside);
        store_inside(rows[3], at - 3 * (size_t)step, size, done >> 32, step, inside);
    }
}

static ALWAYS_INLINE void
undo_wave(uint8_t *first, size_t stride, const uint32_t step, const uint32_t count)
{
    wave now = {ZERO(), ZERO(), ZERO(), ZERO()};
    const size_t size = stride - 1, lag = (size_t)(count - 1) * step;
    const uint8_t *above = first - stride;
    uint8_t *const rows[4] = {first, first + stride, first + (count - 2) * stride,
                              first + (count - 1) * stride};
    size_t at = 0;
    for (; at < lag; at += step)
        wave_step(&now, above, rows, at, size, step, count, false);
    for (; at < size; at += step)
        wave_step(&now, above, rows, at, size, step, count, true);
    for (; at < size + lag; at += step)
        wave_step(&now, above, rows, at, size, step, count, false);
}

/* How many of the rows from here on, at most 4, are Paeth's. */
static uint32_t
count_paeth(const uint8_t *rows, uint32_t count, size_t stride)
{
    uint32_t n = 0;
    while (n < 4 && n < count && rows[n * stride] == PAETH)
        n++;
    return n;
}

/* --- the rows --------------------------------------------------------------------- */

static ALWAYS_INLINE uint32_t
undo_paeths(uint8_t *rows, uint32_t count, size_t stride, const uint32_t step)
{
    uint32_t run = count_paeth(rows, count, stride);
    if (step <= 4 && run == 4) {
        undo_wave(rows + 1, stride, step, 4);
        return 4;
    }
    if (step <= 4 && run >= 2) {
        undo_wave(rows + 1, stride, step, 2);
        return 2;
    }
    undo_paeth(rows + 1, rows + 1 - stride, stride - 1, step);
    return 1;
}

static ALWAYS_INLINE bool
undo_rows(uint8_t *rows, uint32_t count, size_t stride, const uint32_t step)
{
    const size_t size = stride - 1;
    uint32_t done;
    for (; count > 0; count -= done, rows += done * stride) {
        uint8_t *row = rows + 1;
        done = 1;
        if (rows[0] == SUB)
            undo_sub(row, size, step);
        else if (rows[0] == UP)
            undo_up(row, row - stride, size);
        else if (rows[0] == AVERAGE)
            undo_average(row, row - stride, size, step);
        else if (rows[0] == PAETH)
            done = undo_paeths(rows, count, stride, step);
        else if (rows[0] != NONE)
            return false;
    }
    return true;
}

bool
li_png_unfilter_vectors(uint8_t *rows, uint32_t count, size_t stride, uint32_t step)
{
    switch (step) {
    case 1:
        return undo_rows(rows, count, stride, 1);
    case 2:
        return undo_rows(rows, count, stride, 2);
    case 3:
        return undo_rows(rows, count, stride, 3);
    case 4:
        return undo_rows(rows, count, stride, 4);
    case 6:
        return undo_rows(rows, count, stride, 6);
    default:
        return undo_rows(rows, count, stride, 8);
    }
}

#else

/* No vectors here: an object must hold something. */
extern const int li_png_unfilter_none;
const int li_png_unfilter_none = 0;

#endif
