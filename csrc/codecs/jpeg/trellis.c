/* trellis.c: which coefficients to write so that bits and error together are least: a
 * shortest path, exact over its candidates. Layer 2.
 *
 * A path's state is "k is the last coefficient kept". From a kept i to the next kept k
 * it pays for the zeros between them, the symbol (k − i − 1 zeros, size) and the error
 * at k. With the errors of zeros summed up beforehand, cost(i) less that sum is a
 * number that does not depend on k; and as no symbol gets cheaper by a longer run, an i
 * whose number is not below that of a later one can never be the better way. What is
 * left are numbers that fall towards the front: a stack, of hardly more than one entry.
 */
#include "codecs/jpeg/effort.h"

#include <stdlib.h>
#include <string.h>

enum { AC_MOST = 1023, DC_LEAST = -1024, DC_MOST = 1023 };
enum { SLOPES = 2 }; /* of the first coefficients */
/* Bits; how much more a slope is worth in a smooth block; the energy of one that is so
 * by half. */
static const float WEIGHT = 18.5f, STEEPER = 3, SMOOTH = 8;

typedef struct ac_path {
    const li_jpeg_rates *rates;
    int count;               /* of the stack */
    uint8_t at[DCTSIZE2];    /* its coefficients; 0: none was kept yet */
    float less[DCTSIZE2];    /* their costs, less the zeros up to them */
    uint8_t from[DCTSIZE2];  /* of a kept coefficient: the one kept before it */
    uint16_t kept[DCTSIZE2]; /* and what it is */
} ac_path;

li_jpeg_weight
li_jpeg_weigh(float energy, float busy)
{
    float rest = WEIGHT * busy / (busy + energy);
    return (li_jpeg_weight){rest * (1 + STEEPER * SMOOTH / (SMOOTH + energy)), rest};
}

static float
squared(float a)
{
    return a * a;
}

/* The cheapest way to `value` at k: its cost less that of all zeros before k. */
static float
step_to(const ac_path *path, int k, uint32_t value, uint8_t *from)
{
    const float *rates = path->rates->ac[li_jpeg_size(value)];
    int i = path->count - 1;
    float best = path->less[i] + rates[k - path->at[i] - 1];
    *from = path->at[i];
    while (i-- > 0) {
        float cost = path->less[i] + rates[k - path->at[i] - 1];
        if (cost < best) {
            best = cost;
            *from = path->at[i];
        }
    }
    return best;
}

/* Keep `k`: `cost` is without the zeros before it, `zero` what it would cost as one. */
static void
push(ac_path *path, int k, float cost, float zero)
{
    float less = cost - zero;
    while (path->count && path->less[path->count - 1] >= less)
        path->count--;
    path->at[path->count] = (uint8_t)k;
    path->less[path->count++] = less;
}

static void
visit(ac_path *path, int k, float level, float weight, uint32_t value)
{
    uint8_t from, lower_from;
    float cost =
        step_to(path, k, value, &from) + weight * squared(level - (float)value);
    uint32_t lower = (1u << li_jpeg_size(value) >> 1) - 1; /* value is not 0 */
    if (lower) {
        float other = step_to(path, k, lower, &lower_from) +
                      weight * squared(level - (float)lower);
        if (other < cost) {
            cost = other;
            value = lower;
            from = lower_from;
        }
    }
    path->from[k] = from;
    path->kept[k] = (uint16_t)value;
    push(path, k, cost, weight * squared(level));
}

/* Where the block ends: after one of the stack, or after one that was on it. */
typedef struct ac_end {
    float cost; /* less all zeros */
    uint8_t last;
} ac_end;

static void
end_after(ac_end *ending, const ac_path *path, int k)
{
    float less = path->less[path->count - 1]; /* of k, which was pushed last */
    float cost = less + (k < DCTSIZE2 - 1 ? path->rates->end : 0);
    if (cost < ending->cost)
        *ending = (ac_end){cost, (uint8_t)k};
}

float
li_jpeg_trellis(const li_jpeg_rates *rates, const float level[DCTSIZE2],
                li_jpeg_weight weight, uint16_t chosen[DCTSIZE2])
{
    ac_path path;
    path.rates = rates;
    path.count = 1;
    path.at[0] = 0;
    path.less[0] = 0;
    ac_end ending = {rates->end, 0};
    float zeros = 0;
    for (int k = 1; k < DCTSIZE2; k++) {
        float worth = k <= SLOPES ? weight.slope : weight.rest;
        zeros += worth * squared(level[k]);
        if (level[k] < 0.5f)
            continue;
        uint32_t value = (uint32_t)(level[k] + 0.5f);
        visit(&path, k, level[k], worth, value < AC_MOST ? value : AC_MOST);
        end_after(&ending, &path, k);
    }
    memset(chosen + 1, 0, (DCTSIZE2 - 1) * sizeof(chosen[0]));
    for (int k = ending.last; k; k = path.from[k])
        chosen[k] = path.kept[k];
    return ending.cost + zeros;
}

/* --- DC ------------------------------------------------------------------------- */

static int16_t
dc_value(float dc, int way)
{
    int value = (int)(dc + (dc < 0 ? -0.5f : 0.5f)) + way - 1;
    return (int16_t)(value < DC_LEAST ? DC_LEAST : value > DC_MOST ? DC_MOST : value);
}

/* From each of `count` values with their costs to the cheapest. */
static float
dc_step(const li_jpeg_rates *rates, const int16_t *values, const float *costs,
        int count, int to, uint8_t *from)
{
    float best = 0;
    for (int i = 0; i < count; i++) {
        float cost = costs[i] + rates->dc[li_jpeg_size((uint32_t)abs(to - values[i]))];
        if (i == 0 || cost < best) {
            best = cost;
            *from = (uint8_t)i;
        }
    }
    return best;
}

void
li_jpeg_dc_trellis(const li_jpeg_rates *rates, float *dc, const float *weight,
                   uint32_t count, int last, li_jpeg_way *ways)
{
    int16_t start = (int16_t)last;
    float costs[3] = {0, 0, 0};
    for (uint32_t x = 0; x < count; x++) {
        const int16_t *values = x ? ways[x - 1].value : &start;
        float next[3];
        for (int way = 0; way < 3; way++) {
            int16_t value = ways[x].value[way] = dc_value(dc[x], way);
            next[way] =
                dc_step(rates, values, costs, x ? 3 : 1, value, &ways[x].from[way]) +
                weight[x] * squared(dc[x] - (float)value);
        }
        memcpy(costs, next, sizeof(costs));
    }
    int way = costs[1] <= costs[0] ? (costs[1] <= costs[2] ? 1 : 2)
                                   : (costs[0] <= costs[2] ? 0 : 2);
    for (uint32_t x = count; x-- > 0; way = ways[x].from[way])
        dc[x] = ways[x].value[way];
}
