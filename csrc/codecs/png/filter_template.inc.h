/* filter_template.inc.h: the filters over vectors of bytes. Included once per
 * instruction set by a file that defines `vec`, its operations vec_…, LI_TARGET, and
 * LI_FILTERS_TABLE and LI_FILTERS_NAME. Layer 2. */

/* Floor of the average; the instruction rounds up. */
static inline LI_TARGET vec
average(vec left, vec above)
{
    return vec_sub(vec_average_up(left, above),
                   vec_and(vec_xor(left, above), vec_splat(1)));
}

static inline LI_TARGET vec
distance(vec a, vec b)
{
    return vec_sub(vec_max(a, b), vec_min(a, b));
}

static inline LI_TARGET vec
not_above(vec a, vec b)
{
    return vec_equal(vec_min(a, b), a);
}

/* In bytes: where the corner is not strictly between the two, left + above − corner
 * lies beyond the one that is further from it, so that the corner is never the nearest;
 * where it is, its distance is the difference of the two others. */
static inline LI_TARGET vec
paeth(vec left, vec above, vec corner)
{
    vec low = vec_min(left, above), high = vec_max(left, above);
    vec to_left = distance(above, corner), to_above = distance(left, corner);
    vec outside = vec_or(not_above(high, corner), not_above(corner, low));
    vec to_corner = vec_or(distance(to_left, to_above), outside);
    vec rest = vec_min(to_above, to_corner);
    vec other = vec_select(not_above(to_above, to_corner), above, corner);
    return vec_select(not_above(to_left, rest), left, other);
}

/* Of |r| + 112, saturated, lookup sees the low nibble if |r| < 16 and gives 0 above:
 * then bit 7 is set. */
static inline LI_TARGET vec
cost(vec residual, vec small, vec large)
{
    vec size = vec_min(residual, vec_sub(vec_splat(0), residual));
    return vec_or(vec_lookup(small, vec_add_saturated(size, vec_splat(112))),
                  vec_lookup(large, vec_shift_4(size)));
}

static LI_TARGET void
filter_costs(const uint8_t *row, const uint8_t *above, size_t n, uint32_t step,
             uint64_t costs[LI_FILTERS])
{
    vec small = vec_table(li_filter_small), large = vec_table(li_filter_large);
    vec_sum none = vec_sum_zero(), sub = none, up = none, mean = none, nearest = none;
    size_t i = 0;
    for (; i + sizeof(vec) <= n; i += sizeof(vec)) {
        vec x = vec_load(row + i), left = vec_load(row + i - step);
        vec over = vec_load(above + i), corner = vec_load(above + i - step);
        none = vec_sum_add(none, cost(x, small, large));
        sub = vec_sum_add(sub, cost(vec_sub(x, left), small, large));
        up = vec_sum_add(up, cost(vec_sub(x, over), small, large));
        mean = vec_sum_add(mean, cost(vec_sub(x, average(left, over)), small, large));
        nearest = vec_sum_add(
            nearest, cost(vec_sub(x, paeth(left, over, corner)), small, large));
    }
    costs[LI_FILTER_NONE] += vec_sum_total(none);
    costs[LI_FILTER_SUB] += vec_sum_total(sub);
    costs[LI_FILTER_UP] += vec_sum_total(up);
    costs[LI_FILTER_AVERAGE] += vec_sum_total(mean);
    costs[LI_FILTER_PAETH] += vec_sum_total(nearest);
    li_filter_costs_scalar(row + i, above + i, n - i, step, costs);
}

static inline LI_TARGET __attribute__((always_inline)) size_t
apply_one(const int filter, const uint8_t *row, const uint8_t *above, size_t n,
          uint32_t step, uint8_t *out)
{
    size_t i = 0;
    for (; i + sizeof(vec) <= n; i += sizeof(vec)) {
        vec x = vec_load(row + i), left = vec_load(row + i - step);
        vec over = vec_load(above + i), corner = vec_load(above + i - step);
        vec guess = filter == LI_FILTER_SUB       ? left
                    : filter == LI_FILTER_UP      ? over
                    : filter == LI_FILTER_AVERAGE ? average(left, over)
                                                  : paeth(left, over, corner);
        vec_store(out + i, vec_sub(x, guess));
    }
    return i;
}

static LI_TARGET void
filter_apply(int filter, const uint8_t *row, const uint8_t *above, size_t n,
             uint32_t step, uint8_t *out)
{
    size_t done = 0;
    switch (filter) {
    case LI_FILTER_SUB:
        done = apply_one(LI_FILTER_SUB, row, above, n, step, out);
        break;
    case LI_FILTER_UP:
        done = apply_one(LI_FILTER_UP, row, above, n, step, out);
        break;
    case LI_FILTER_AVERAGE:
        done = apply_one(LI_FILTER_AVERAGE, row, above, n, step, out);
        break;
    case LI_FILTER_PAETH:
        done = apply_one(LI_FILTER_PAETH, row, above, n, step, out);
        break;
    default: /* none: copied by plain C */
        break;
    }
    li_filter_apply_scalar(filter, row + done, above + done, n - done, step,
                           out + done);
}

const li_filters LI_FILTERS_TABLE = {
    .name = LI_FILTERS_NAME,
    .costs = filter_costs,
    .apply = filter_apply,
};
