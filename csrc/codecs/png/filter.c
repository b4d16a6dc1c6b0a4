/* filter.c: PNG's filters in plain C, which is the oracle of the vector tables, and the
 * choice between them. Layer 2. */
#include "codecs/png/filter_tables.h"

#include "kernels/kernels.h"

#include <string.h>

const uint8_t li_filter_small[16] = {0,  16, 25, 32, 37, 41, 45, 48,
                                     51, 53, 55, 57, 59, 61, 63, 64};
const uint8_t li_filter_large[16] = {0, 74, 86, 93, 99, 104, 107, 111, 114};

static inline uint8_t
paeth(uint8_t left, uint8_t above, uint8_t corner)
{
    int to_left = above - corner, to_above = left - corner;
    int to_corner = to_left + to_above;
    to_left = to_left < 0 ? -to_left : to_left;
    to_above = to_above < 0 ? -to_above : to_above;
    to_corner = to_corner < 0 ? -to_corner : to_corner;
    if (to_left <= to_above && to_left <= to_corner)
        return left;
    return to_above <= to_corner ? above : corner;
}

static inline uint8_t
predict(int filter, uint8_t left, uint8_t above, uint8_t corner)
{
    switch (filter) {
    case LI_FILTER_SUB:
        return left;
    case LI_FILTER_UP:
        return above;
    case LI_FILTER_AVERAGE:
        return (uint8_t)((left + above) / 2);
    case LI_FILTER_PAETH:
        return paeth(left, above, corner);
    default:
        return 0;
    }
}

static inline uint32_t
byte_cost(uint8_t residual)
{
    uint32_t size = residual < 128 ? residual : 256u - residual;
    return size < 16 ? li_filter_small[size] : li_filter_large[size >> 4];
}

void
li_filter_costs_scalar(const uint8_t *row, const uint8_t *above, size_t n,
                       uint32_t step, uint64_t costs[LI_FILTERS])
{
    const uint8_t *left = row - step, *corner = above - step;
    for (int filter = 0; filter < LI_FILTERS; filter++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += byte_cost(
                (uint8_t)(row[i] - predict(filter, left[i], above[i], corner[i])));
        costs[filter] += sum;
    }
}

void
li_filter_apply_scalar(int filter, const uint8_t *row, const uint8_t *above, size_t n,
                       uint32_t step, uint8_t *out)
{
    const uint8_t *left = row - step, *corner = above - step;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(row[i] - predict(filter, left[i], above[i], corner[i]));
}

const li_filters li_filters_scalar = {
    .name = "scalar",
    .costs = li_filter_costs_scalar,
    .apply = li_filter_apply_scalar,
};

/* --- the table -------------------------------------------------------------------- */

static const li_filters *const tables[] = {
    &li_filters_scalar,
#ifdef LI_FILTERS_X86
    &li_filters_sse41,
    &li_filters_avx2,
#endif
#ifdef LI_FILTERS_NEON
    &li_filters_neon,
#endif
};

const li_filters *
li_filters_of(const li_ctx *ctx)
{
    const char *name = li_kernels_of(ctx)->name;
    for (size_t i = 1; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (strcmp(name, tables[i]->name) == 0)
            return tables[i];
    return tables[0];
}

/* --- rows ------------------------------------------------------------------------- */

/* Left of the first pixel, and above it there, everything is 0. */
static inline uint8_t
first_residual(int filter, const uint8_t *row, const uint8_t *above, size_t i)
{
    return (uint8_t)(row[i] - predict(filter, 0, above[i], 0));
}

int
li_filter_choose(const li_filters *filters, const uint8_t *row, const uint8_t *above,
                 size_t n, uint32_t step)
{
    static const uint8_t order[LI_FILTERS] = {LI_FILTER_UP, LI_FILTER_SUB,
                                              LI_FILTER_PAETH, LI_FILTER_AVERAGE,
                                              LI_FILTER_NONE};
    uint64_t costs[LI_FILTERS] = {0};
    int best = order[0];
    for (size_t i = 0; i < step; i++)
        for (int filter = 0; filter < LI_FILTERS; filter++)
            costs[filter] += byte_cost(first_residual(filter, row, above, i));
    filters->costs(row + step, above + step, n - step, step, costs);
    for (size_t i = 1; i < LI_FILTERS; i++)
        if (costs[order[i]] < costs[best])
            best = order[i];
    return best;
}

void
li_filter_row(const li_filters *filters, int filter, const uint8_t *row,
              const uint8_t *above, size_t from, size_t n, uint32_t step, uint8_t *out)
{
    for (; n && from < step; from++, n--)
        *out++ = first_residual(filter, row, above, from);
    if (n && filter == LI_FILTER_NONE)
        memcpy(out, row + from, n);
    else if (n)
        filters->apply(filter, row + from, above + from, n, step, out);
}
