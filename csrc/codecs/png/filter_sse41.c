/* filter_sse41.c: the filters for SSE4.1, 16 bytes at a time. Layer 2. */
#include "codecs/png/filter_tables.h"

#ifdef LI_FILTERS_X86

#include <immintrin.h>

#define LI_TARGET __attribute__((target("sse4.1")))

typedef __m128i vec;
typedef __m128i vec_sum; /* 2 sums of 64 bits */

static inline LI_TARGET vec
vec_load(const uint8_t *from)
{
    return _mm_loadu_si128((const __m128i *)(const void *)from);
}

static inline LI_TARGET void
vec_store(uint8_t *to, vec a)
{
    _mm_storeu_si128((__m128i *)(void *)to, a);
}

static inline LI_TARGET vec
vec_splat(uint8_t byte)
{
    return _mm_set1_epi8((char)byte);
}

/* Sixteen entries. */
static inline LI_TARGET vec
vec_table(const uint8_t table[16])
{
    return _mm_loadu_si128((const __m128i *)(const void *)table);
}

static inline LI_TARGET vec
vec_add_saturated(vec a, vec b)
{
    return _mm_adds_epu8(a, b);
}

static inline LI_TARGET vec
vec_sub(vec a, vec b)
{
    return _mm_sub_epi8(a, b);
}

static inline LI_TARGET vec
vec_min(vec a, vec b)
{
    return _mm_min_epu8(a, b);
}

static inline LI_TARGET vec
vec_max(vec a, vec b)
{
    return _mm_max_epu8(a, b);
}

static inline LI_TARGET vec
vec_and(vec a, vec b)
{
    return _mm_and_si128(a, b);
}

static inline LI_TARGET vec
vec_or(vec a, vec b)
{
    return _mm_or_si128(a, b);
}

static inline LI_TARGET vec
vec_xor(vec a, vec b)
{
    return _mm_xor_si128(a, b);
}

static inline LI_TARGET vec
vec_equal(vec a, vec b)
{
    return _mm_cmpeq_epi8(a, b);
}

static inline LI_TARGET vec
vec_average_up(vec a, vec b)
{
    return _mm_avg_epu8(a, b);
}

/* table[low nibble of b], 0 where bit 7 of b is set. */
static inline LI_TARGET vec
vec_lookup(vec a, vec b)
{
    return _mm_shuffle_epi8(a, b);
}

/* a where the mask is set, else b. */
static inline LI_TARGET vec
vec_select(vec mask, vec a, vec b)
{
    return _mm_blendv_epi8(b, a, mask);
}

static inline LI_TARGET vec
vec_shift_4(vec a)
{
    return vec_and(_mm_srli_epi16(a, 4), vec_splat(15));
}

static inline LI_TARGET vec_sum
vec_sum_zero(void)
{
    return _mm_setzero_si128();
}

static inline LI_TARGET vec_sum
vec_sum_add(vec_sum sum, vec a)
{
    return _mm_add_epi64(sum, _mm_sad_epu8(a, _mm_setzero_si128()));
}

static inline LI_TARGET uint64_t
vec_sum_total(vec_sum sum)
{
    uint64_t lanes[2];
    _mm_storeu_si128((__m128i *)(void *)lanes, sum);
    return lanes[0] + lanes[1];
}

#define LI_FILTERS_TABLE li_filters_sse41
#define LI_FILTERS_NAME "sse41"
#include "codecs/png/filter_template.inc.h"

#else

typedef int li_filters_sse41_elsewhere; /* a file may not be empty */

#endif
