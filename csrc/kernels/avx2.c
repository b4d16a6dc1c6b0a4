/* avx2.c: the words of the kernel templates in AVX2: vectors of two 16-byte lanes.
 * Layer 1. */
#include "base/cpu.h"
#include "kernels/plain.h"

#if defined(LI_CPU_X86)
#include <immintrin.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif

#define WORD static inline __attribute__((always_inline, unused))
#include "kernels/x86.inc.h"

enum { LANES = 2, VBYTES = 32 };
typedef __m256i vec;

#define VECTOR_WORD(name, call)                                                        \
    WORD vec name(vec a, vec b)                                                        \
    {                                                                                  \
        return call(a, b);                                                             \
    }

VECTOR_WORD(v_shuffle, _mm256_shuffle_epi8)
VECTOR_WORD(v_or, _mm256_or_si256)
VECTOR_WORD(v_xor, _mm256_xor_si256)
VECTOR_WORD(v_low8, _mm256_unpacklo_epi8)
VECTOR_WORD(v_high8, _mm256_unpackhi_epi8)
VECTOR_WORD(v_low16, _mm256_unpacklo_epi16)
VECTOR_WORD(v_high16, _mm256_unpackhi_epi16)
VECTOR_WORD(v_low32, _mm256_unpacklo_epi32)
VECTOR_WORD(v_high32, _mm256_unpackhi_epi32)
VECTOR_WORD(v_low64, _mm256_unpacklo_epi64)
VECTOR_WORD(v_high64, _mm256_unpackhi_epi64)
VECTOR_WORD(v_pack32, _mm256_packs_epi32)
VECTOR_WORD(v_pack16, _mm256_packus_epi16)
VECTOR_WORD(v_add16, _mm256_add_epi16)
VECTOR_WORD(v_sub16, _mm256_sub_epi16)
VECTOR_WORD(v_add32, _mm256_add_epi32)
VECTOR_WORD(v_multiply16, _mm256_mullo_epi16)
VECTOR_WORD(v_multiply_high16, _mm256_mulhi_epu16)
VECTOR_WORD(v_pairs, _mm256_madd_epi16)

WORD vec
v_zero(void)
{
    return _mm256_setzero_si256();
}

WORD vec
v_load(const void *from)
{
    return _mm256_loadu_si256(from);
}

WORD void
v_store(void *to, vec v)
{
    _mm256_storeu_si256(to, v);
}

WORD vec
v_all16(int16_t value)
{
    return _mm256_set1_epi16(value);
}

WORD vec
v_all32(int32_t value)
{
    return _mm256_set1_epi32(value);
}

WORD vec
v_of(lane low, lane high)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

WORD lane
v_lane(vec v, const int which)
{
    return which ? _mm256_extracti128_si256(v, 1) : _mm256_castsi256_si128(v);
}

WORD vec
v_same(const void *from)
{
    return _mm256_broadcastsi128_si256(l_load(from));
}

WORD vec
v_rows(const uint8_t *const *rows, size_t at)
{
    return v_of(l_load(rows[0] + at), l_load(rows[4] + at));
}

WORD void
v_put_rows(vec v, int16_t *const *rows, size_t at)
{
    l_put64(rows[0] + at, rows[1] + at, v_lane(v, 0));
    l_put64(rows[4] + at, rows[5] + at, v_lane(v, 1));
}

WORD vec
v_widen(const uint8_t *from)
{
    return _mm256_cvtepu8_epi16(l_load(from));
}

/* All of a lane. */
WORD vec
v_bytes(lane v, int half)
{
    (void)half;
    return _mm256_cvtepu8_epi16(v);
}

WORD vec
v_deal(vec v)
{
    return _mm256_permute4x64_epi64(v, 0xd8);
}

WORD lane
v_narrow(const vec v[2 / LANES])
{
    return l_pack16(v_lane(v[0], 0), v_lane(v[0], 1));
}

WORD vec
v_last12(vec low, vec high)
{
    return _mm256_alignr_epi8(high, low, 12);
}

#define V_SHIFT_RIGHT32(v, bits) _mm256_srai_epi32(v, bits)
#define V_LOGICAL_RIGHT32(v, bits) _mm256_srli_epi32(v, bits)
#define V_SHIFT_RIGHT16(v, bits) _mm256_srli_epi16(v, bits)
#define V_SHIFT_LEFT16(v, bits) _mm256_slli_epi16(v, bits)

/* Of each 32 bits of both lanes, bit n of `which`: b's, else a's. */
#define V_BLEND32(a, b, which) _mm256_blend_epi32(a, b, (which)*0x11)

/* Four times colour × one / alpha, rounded half up. */
WORD lane
l_divide(lane colour, lane alpha, const double one)
{
    __m256d product = _mm256_mul_pd(_mm256_cvtepi32_pd(colour), _mm256_set1_pd(one));
    __m256d ratio = _mm256_div_pd(product, _mm256_cvtepi32_pd(alpha));
    return _mm256_cvttpd_epi32(_mm256_add_pd(ratio, _mm256_set1_pd(0.5)));
}

typedef __m256 floats;

WORD floats
f_load(const float *from)
{
    return _mm256_loadu_ps(from);
}

WORD floats
f_of_bytes(const uint8_t *from)
{
    return _mm256_cvtepi32_ps(
        _mm256_cvtepu8_epi32(_mm_loadl_epi64((const lane *)from)));
}

/* Two roundings, as plain C. */
WORD void
f_put(void *to, floats value, floats scale, floats bias)
{
    _mm256_storeu_ps(to, _mm256_add_ps(_mm256_mul_ps(value, scale), bias));
}

#define TABLE li_kernels_avx2
#define TABLE_NAME "avx2"
#include "kernels/simd_resize.inc.h"
#include "kernels/simd_deep.inc.h"
#include "kernels/simd_pixels.inc.h"
#include "kernels/simd_table.inc.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
