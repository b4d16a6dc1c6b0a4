/* filter_avx2.c: the filters for AVX2, 32 bytes at a time. Layer 2. */
#include "codecs/png/filter_tables.h"

#ifdef LI_FILTERS_X86

#include <immintrin.h>

#define LI_TARGET __attribute__((target("avx2")))
#define MM(word) _mm256_##word
#define MM_WHOLE(word) _mm256_##word##_si256

typedef __m256i vec;

/* Sixteen entries, in both halves. */
static inline LI_TARGET vec
vec_table(const uint8_t table[16])
{
    return _mm256_broadcastsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)table));
}

#define LI_FILTERS_TABLE li_filters_avx2
#define LI_FILTERS_NAME "avx2"
#include "codecs/png/filter_x86.inc.h"
#include "codecs/png/filter_template.inc.h"

#else

typedef int li_filters_avx2_elsewhere; /* a file may not be empty */

#endif
