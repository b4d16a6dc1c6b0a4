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

typedef struct row_sums {
    vec_sum none, sub, up, mean, nearest;
} row_sums;

/* What a vector of the row costs under each filter, where the mask is set. */
static inline LI_TARGET __attribute__((always_inline)) void
add_costs(row_sums *sums, const uint8_t *row, const uint8_t *above, uint32_t step,
          vec mask)
{
    vec small = vec_table(li_filter_small), large = vec_table(li_filter_large);
    vec x = vec_load(row), left = vec_load(row - step);
    vec over = vec_load(above), corner = vec_load(above - step);
    vec guess = paeth(left, over, corner), middle = average(left, over);
    vec none = cost(x, small, large), sub = cost(vec_sub(x, left), small, large);
    vec up = cost(vec_sub(x, over), small, large);
    vec mean = cost(vec_sub(x, middle), small, large);
    vec nearest = cost(vec_sub(x, guess), small, large);
    sums->none = vec_sum_add(sums->none, vec_and(none, mask));
    sums->sub = vec_sum_add(sums->sub, vec_and(sub, mask));
    sums->up = vec_sum_add(sums->up, vec_and(up, mask));
    sums->mean = vec_sum_add(sums->mean, vec_and(mean, mask));
    sums->nearest = vec_sum_add(sums->nearest, vec_and(nearest, mask));
}

static LI_TARGET void
filter_costs(const uint8_t *row, const uint8_t *above, size_t n, uint32_t step,
             uint64_t costs[LI_FILTERS])
{
    vec_sum zero = vec_sum_zero();
    row_sums sums = {zero, zero, zero, zero, zero};
    size_t i = 0;
    for (; i + sizeof(vec) <= n; i += sizeof(vec))
        add_costs(&sums, row + i, above + i, step, vec_splat(255));
    if (i > 0 && i < n) { /* the last vector again, without what has been counted */
        uint8_t mask[2 * sizeof(vec)] = {0};
        memset(mask + sizeof(vec), 255, sizeof(vec));
        add_costs(&sums, row + n - sizeof(vec), above + n - sizeof(vec), step,
                  vec_load(mask + (n - i)));
        i = n;
    }
    costs[LI_FILTER_NONE] += vec_sum_total(sums.none);
    costs[LI_FILTER_SUB] += vec_sum_total(sums.sub);
    costs[LI_FILTER_UP] += vec_sum_total(sums.up);
    costs[LI_FILTER_AVERAGE] += vec_sum_total(sums.mean);
    costs[LI_FILTER_PAETH] += vec_sum_total(sums.nearest);
    li_filter_costs_scalar(row + i, above + i, n - i, step, costs);
}

static inline LI_TARGET __attribute__((always_inline)) void
apply_at(const int filter, const uint8_t *row, const uint8_t *above, uint32_t step,
         uint8_t *out)
{
    vec left = vec_load(row - step), over = vec_load(above);
    vec guess = filter == LI_FILTER_SUB  ? left
                : filter == LI_FILTER_UP ? over
                : filter == LI_FILTER_AVERAGE
                    ? average(left, over)
                    : paeth(left, over, vec_load(above - step));
    vec_store(out, vec_sub(vec_load(row), guess));
}

/* The last vector may do again what the one before has done. */
static inline LI_TARGET __attribute__((always_inline)) size_t
apply_one(const int filter, const uint8_t *row, const uint8_t *above, size_t n,
          uint32_t step, uint8_t *out)
{
    size_t i = 0;
    for (; i + sizeof(vec) <= n; i += sizeof(vec))
        apply_at(filter, row + i, above + i, step, out + i);
    if (i == 0 || i == n)
        return i;
    i = n - sizeof(vec);
    apply_at(filter, row + i, above + i, step, out + i);
    return n;
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
