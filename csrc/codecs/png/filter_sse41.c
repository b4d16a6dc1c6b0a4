/* filter_sse41.c: the filters for SSE4.1, 16 bytes at a time. Layer 2. */
#include "codecs/png/filter_tables.h"

#ifdef LI_FILTERS_X86

#include <immintrin.h>

#define LI_TARGET __attribute__((target("sse4.1")))
#define MM(word) _mm_##word
#define MM_WHOLE(word) _mm_##word##_si128

typedef __m128i vec;

/* Sixteen entries. */
static inline LI_TARGET vec
vec_table(const uint8_t table[16])
{
    return _mm_loadu_si128((const __m128i *)(const void *)table);
}

#define LI_FILTERS_TABLE li_filters_sse41
#define LI_FILTERS_NAME "sse41"
#include "codecs/png/filter_x86.inc.h"
#include "codecs/png/filter_template.inc.h"

#else

typedef int li_filters_sse41_elsewhere; /* a file may not be empty */

#endif
