/* filter.h: PNG's five filters, the other way: what a row costs under each, and the
 * row that is left of it. Layer 2. */
#ifndef LI_CODECS_PNG_FILTER_H
#define LI_CODECS_PNG_FILTER_H

#include "base/base.h"

/* The numbers that stand in front of a filtered row. */
enum {
    LI_FILTER_NONE,
    LI_FILTER_SUB,
    LI_FILTER_UP,
    LI_FILTER_AVERAGE,
    LI_FILTER_PAETH
};
enum { LI_FILTERS = 5 };

/* One const table per instruction set; all give the same numbers and bytes. `step` is
 * the bytes of a pixel, 1 to 4. `row` and `above` point behind the first pixel: the
 * step bytes in front of both are there too. */
typedef struct li_filters {
    const char *name;
    /* costs[f] += what n bytes cost under each filter, see li_filter_cost. */
    void (*costs)(const uint8_t *row, const uint8_t *above, size_t n, uint32_t step,
                  uint64_t costs[LI_FILTERS]);
    /* n bytes of the row, filtered. */
    void (*apply)(int filter, const uint8_t *row, const uint8_t *above, size_t n,
                  uint32_t step, uint8_t *out);
} li_filters;

extern const li_filters li_filters_scalar;

/* The table that goes with ctx's kernels. */
const li_filters *li_filters_of(const li_ctx *ctx);

/* The cheapest filter for a row of n bytes; of equal ones the first in the order up,
 * sub, paeth, average, none. `above` is zeros for the first row. */
int li_filter_choose(const li_filters *filters, const uint8_t *row,
                     const uint8_t *above, size_t n, uint32_t step);
/* Bytes from..from + n of a row, filtered. */
void li_filter_row(const li_filters *filters, int filter, const uint8_t *row,
                   const uint8_t *above, size_t from, size_t n, uint32_t step,
                   uint8_t *out);

/* What a filtered byte costs: 16 log2(1 + |r|), the bits that a code for residuals of
 * many sizes gives it (a plain sum of |r| makes PNGs 0.5 % larger). Two lookups of 16
 * entries, which is one instruction each where there are vectors: |r| below 16, and
 * |r| / 16, at the middle of its sixteen. */
extern const uint8_t li_filter_small[16], li_filter_large[16];

#endif
