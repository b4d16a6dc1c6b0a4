/* filter_avx2.c: the filters for AVX2, 32 bytes at a time. Layer 2. */
#include "codecs/png/filter_tables.h"

#ifdef LI_FILTERS_X86

#include <immintrin.h>

#define LI_TARGET __attribute__((target("avx2")))

typedef __m256i vec;
typedef __m256i vec_sum; /* 4 sums of 64 bits */

static inline LI_TARGET vec
vec_load(const uint8_t *from)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

static inline LI_TARGET void
vec_store(uint8_t *to, vec a)
{
    _mm256_storeu_si256((__m256i *)(void *)to, a);
}

static inline LI_TARGET vec
vec_splat(uint8_t byte)
{
    return _mm256_set1_epi8((char)byte);
}

/* Sixteen entries, in both halves. */
static inline LI_TARGET vec
vec_table(const uint8_t table[16])
{
    return _mm256_broadcastsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)table));
}

static inline LI_TARGET vec
vec_add_saturated(vec a, vec b)
{
    return _mm256_adds_epu8(a, b);
}

static inline LI_TARGET vec
vec_sub(vec a, vec b)
{
    return _mm256_sub_epi8(a, b);
}

static inline LI_TARGET vec
vec_min(vec a, vec b)
{
    return _mm256_min_epu8(a, b);
}

static inline LI_TARGET vec
vec_max(vec a, vec b)
{
    return _mm256_max_epu8(a, b);
}

static inline LI_TARGET vec
vec_and(vec a, vec b)
{
    return _mm256_and_si256(a, b);
}

static inline LI_TARGET vec
vec_or(vec a, vec b)
{
    return _mm256_or_si256(a, b);
}

static inline LI_TARGET vec
vec_xor(vec a, vec b)
{
    return _mm256_xor_si256(a, b);
}

static inline LI_TARGET vec
vec_equal(vec a, vec b)
{
    return _mm256_cmpeq_epi8(a, b);
}

static inline LI_TARGET vec
vec_average_up(vec a, vec b)
{
    return _mm256_avg_epu8(a, b);
}

/* table[low nibble of b], 0 where bit 7 of b is set. */
static inline LI_TARGET vec
vec_lookup(vec a, vec b)
{
    return _mm256_shuffle_epi8(a, b);
}

/* a where the mask is set, else b. */
static inline LI_TARGET vec
vec_select(vec mask, vec a, vec b)
{
    return _mm256_blendv_epi8(b, a, mask);
}

static inline LI_TARGET vec
vec_shift_4(vec a)
{
    return vec_and(_mm256_srli_epi16(a, 4), vec_splat(15));
}

static inline LI_TARGET vec_sum
vec_sum_zero(void)
{
    return _mm256_setzero_si256();
}

static inline LI_TARGET vec_sum
vec_sum_add(vec_sum sum, vec a)
{
    return _mm256_add_epi64(sum, _mm256_sad_epu8(a, _mm256_setzero_si256()));
}

static inline LI_TARGET uint64_t
vec_sum_total(vec_sum sum)
{
    uint64_t lanes[4];
    _mm256_storeu_si256((__m256i *)(void *)lanes, sum);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

#define LI_FILTERS_TABLE li_filters_avx2
#define LI_FILTERS_NAME "avx2"
#include "codecs/png/filter_template.inc.h"

#else

typedef int li_filters_avx2_elsewhere; /* a file may not be empty */

#endif
