/* sse41.c: the words of the kernel templates in SSE4.1: a vector is one lane. Layer 1.
 */
#include "base/cpu.h"
#include "kernels/plain.h"

#if defined(LI_CPU_X86)
#include <immintrin.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("sse4.1"))), apply_to = function)
#else
#pragma GCC target("sse4.1")
#endif

#define WORD static inline __attribute__((always_inline, unused))
#include "kernels/x86.inc.h"

enum { LANES = 1, VBYTES = 16 };
typedef __m128i vec;

#define v_shuffle l_shuffle
#define v_or l_or
#define v_xor l_xor
#define v_low32 l_low32
#define v_high32 l_high32
#define v_low64 l_low64
#define v_high64 l_high64
#define v_pack32 l_pack32
#define v_pack16 l_pack16
#define v_add32 l_add32
#define v_load l_load
#define v_same l_load
#define v_store l_store
#define v_all32 l_all32

LANE_WORD(v_low8, _mm_unpacklo_epi8)
LANE_WORD(v_high8, _mm_unpackhi_epi8)
LANE_WORD(v_low16, _mm_unpacklo_epi16)
LANE_WORD(v_high16, _mm_unpackhi_epi16)
LANE_WORD(v_add16, _mm_add_epi16)
LANE_WORD(v_sub16, _mm_sub_epi16)
LANE_WORD(v_multiply16, _mm_mullo_epi16)
LANE_WORD(v_multiply_high16, _mm_mulhi_epu16)
LANE_WORD(v_pairs, _mm_madd_epi16)

WORD vec
v_zero(void)
{
    return _mm_setzero_si128();
}

WORD vec
v_all16(int16_t value)
{
    return _mm_set1_epi16(value);
}

WORD lane
v_lane(vec v, int which)
{
    (void)which;
    return v;
}

WORD vec
v_rows(const uint8_t *const *rows, size_t at)
{
    return l_load(rows[0] + at);
}

WORD void
v_put_rows(vec v, int16_t *const *rows, size_t at)
{
    l_put64(rows[0] + at, rows[1] + at, v);
}

WORD vec
v_widen(const uint8_t *from)
{
    return _mm_cvtepu8_epi16(_mm_loadl_epi64((const lane *)from));
}

WORD vec
v_bytes(lane v, int half)
{
    return half ? _mm_unpackhi_epi8(v, v_zero()) : _mm_cvtepu8_epi16(v);
}

WORD vec
v_deal(vec v)
{
    return v;
}

WORD lane
v_narrow(const vec v[2 / LANES])
{
    return l_pack16(v[0], v[1]);
}

WORD vec
v_last12(vec low, vec high)
{
    return _mm_alignr_epi8(high, low, 12);
}

#define V_SHIFT_RIGHT32(v, bits) _mm_srai_epi32(v, bits)
#define V_LOGICAL_RIGHT32(v, bits) _mm_srli_epi32(v, bits)
#define V_SHIFT_RIGHT16(v, bits) _mm_srli_epi16(v, bits)
#define V_SHIFT_LEFT16(v, bits) _mm_slli_epi16(v, bits)

/* Of each 32 bits, bit n of `which`: b's, else a's. */
#define HALVES_OF(which, n) (((which) >> (n)&1) * 3 << 2 * (n))
#define V_BLEND32(a, b, which)                                                         \
    _mm_blend_epi16(a, b,                                                              \
                    HALVES_OF(which, 0) | HALVES_OF(which, 1) | HALVES_OF(which, 2) |  \
                        HALVES_OF(which, 3))

WORD lane
divide_two(lane colour, lane alpha, const double one)
{
    __m128d product = _mm_mul_pd(_mm_cvtepi32_pd(colour), _mm_set1_pd(one));
    __m128d ratio = _mm_div_pd(product, _mm_cvtepi32_pd(alpha));
    return _mm_cvttpd_epi32(_mm_add_pd(ratio, _mm_set1_pd(0.5)));
}

WORD lane
l_divide(lane colour, lane alpha, const double one)
{
    return l_low64(divide_two(colour, alpha, one),
                   divide_two(l_high64(colour, colour), l_high64(alpha, alpha), one));
}

typedef __m128 floats;

WORD floats
f_load(const float *from)
{
    return _mm_loadu_ps(from);
}

WORD floats
f_of_bytes(const uint8_t *from)
{
    int32_t four;
    memcpy(&four, from, sizeof(four));
    return _mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four)));
}

/* Two roundings, as plain C. */
WORD void
f_put(void *to, floats value, floats scale, floats bias)
{
    _mm_storeu_ps(to, _mm_add_ps(_mm_mul_ps(value, scale), bias));
}

#define TABLE li_kernels_sse41
#define TABLE_NAME "sse41"
#include "kernels/simd_resize.inc.h"
#include "kernels/simd_deep.inc.h"
#include "kernels/simd_pixels.inc.h"
#include "kernels/simd_table.inc.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
