/* filter_tables.h: which vector tables of filters this build has, and the plain C that
 * finishes their rows. Private to filter*.c. Layer 2. */
#ifndef LI_CODECS_PNG_FILTER_TABLES_H
#define LI_CODECS_PNG_FILTER_TABLES_H

#include "codecs/png/filter.h"

#include <string.h>

#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#define LI_FILTERS_X86 1
extern const li_filters li_filters_sse41, li_filters_avx2;
#endif
#if defined(__ARM_NEON) && defined(__aarch64__)
#define LI_FILTERS_NEON 1
extern const li_filters li_filters_neon;
#endif

/* A word of the filter template that is one instruction of two vectors. */
#define VEC_WORD(name, call)                                                           \
    static inline LI_TARGET vec name(vec a, vec b)                                     \
    {                                                                                  \
        return call(a, b);                                                             \
    }

void li_filter_costs_scalar(const uint8_t *row, const uint8_t *above, size_t n,
                            uint32_t step, uint64_t costs[LI_FILTERS]);
void li_filter_apply_scalar(int filter, const uint8_t *row, const uint8_t *above,
                            size_t n, uint32_t step, uint8_t *out);

#endif
