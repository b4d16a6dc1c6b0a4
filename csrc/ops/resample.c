/* resample.c: the weights of one axis of a resize, exact in place and symmetric in
 * value. Layer 2.
 *
 * With D = 2 × unit × count, output i has its centre at N/D, N = 2 × start × count +
 * (2i + 1) × length, and reaches S/D to each side, S = diameter × max(length, D/2). For
 * sides up to 65535, a window of a window and 1/8 scale, all are below 2^56. */
#include "ops/resample.h"

#include <assert.h>
#include <string.h>

/* --- exact places ------------------------------------------------------------------
 */

typedef struct place {
    int64_t centre;      /* N, at most inputs × D */
    int64_t denominator; /* D, even */
    int64_t reach;       /* S */
} place;

static int64_t
floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

uint32_t
li_kernel_diameter(li_kernel kernel)
{
    switch (kernel) {
    case LI_LANCZOS3:
        return 6;
    case LI_CUBIC:
    case LI_MITCHELL:
    case LI_LANCZOS2:
        return 4;
    case LI_BILINEAR:
        return 2;
    case LI_BOX:
    case LI_NEAREST:
        break;
    }
    return 1;
}

bool
li_axis_valid(const li_axis_plan *plan)
{
    const uint64_t limit = 1ull << 35; /* 65535 × 65535 × 8 */
    const li_span *span = &plan->span;
    if (!plan->count || plan->count > 65535 || !plan->inputs || plan->inputs > 65535)
        return false;
    if (!span->length || !span->unit || span->unit > limit)
        return false;
    /* Less than a pixel, or half an output, past the last one. */
    uint64_t half = span->length / plan->count / 2;
    uint64_t end = (plan->inputs + 1ull) * span->unit + half;
    return span->length < end && span->start < end - span->length &&
           span->start + span->length <= 2 * limit;
}

static place
place_of(const li_axis_plan *plan, uint32_t i)
{
    int64_t start = (int64_t)plan->span.start, length = (int64_t)plan->span.length;
    int64_t half = (int64_t)plan->span.unit * plan->count;
    int64_t centre = 2 * start * plan->count + (2 * (int64_t)i + 1) * length;
    bool past = centre / (2 * half) >= plan->inputs;
    return (place){
        .centre = past ? 2 * half * plan->inputs : centre, /* so at most 2^53, too */
        .denominator = 2 * half,
        .reach = li_kernel_diameter(plan->kernel) * (length > half ? length : half),
    };
}

bool
li_axis_identity(const li_axis_plan *plan)
{
    const li_span *span = &plan->span;
    return span->length == span->unit * plan->count && span->start % span->unit == 0 &&
           span->start / span->unit + plan->count <= plan->inputs;
}

/* Pixel x has its centre at x + 1/2. The kernel is 0 where its reach ends, so pixels
 * there are left out; but box ends with a step, and a pixel on it counts half. */
void
li_axis_reach(const li_axis_plan *plan, uint32_t i, uint32_t *first, uint32_t *taps)
{
    if (li_axis_identity(plan)) {
        *first = (uint32_t)(plan->span.start / plan->span.unit) + i;
        *taps = 1;
        return;
    }
    place at = place_of(plan, i);
    int64_t edge = plan->kernel == LI_BOX ? 1 : 0;
    int64_t left = at.centre - at.reach - at.denominator / 2;
    int64_t right = at.centre + at.reach - at.denominator / 2;
    int64_t low = floor_divide(left - edge, at.denominator) + 1;
    int64_t high = floor_divide(right - 1 + edge, at.denominator);
    if (low < 0)
        low = 0;
    if (high > (int64_t)plan->inputs - 1)
        high = (int64_t)plan->inputs - 1;
    assert(low <= high);
    *first = (uint32_t)low;
    *taps = (uint32_t)(high - low + 1);
}

uint32_t
li_axis_nearest(const li_axis_plan *plan, uint32_t i)
{
    place at = place_of(plan, i);
    uint32_t found = (uint32_t)(at.centre / at.denominator);
    return found < plan->inputs ? found : plan->inputs - 1;
}

uint32_t
li_axis_stride(const li_axis_plan *plan)
{
    if (li_axis_identity(plan))
        return 4;
    place at = place_of(plan, 0);
    /* An open interval of length n + f holds at most n + 1 pixel centres; a closed one
     * of length n, too. */
    uint64_t most = (uint64_t)(2 * at.reach / at.denominator) + 1;
    uint32_t taps = most < plan->inputs ? (uint32_t)most : plan->inputs;
    return (taps + 1 + 3) & ~3u;
}

/* --- the kernels -------------------------------------------------------------------
 */

/* sin(x)/x of x², for |x| up to π, to 1e-12: Taylor's series to x^22/23!. Not libm's,
 * so that weights are the same on every system. */
static double
sine_ratio(double square)
{
    static const double steps[] = {
        1.0 / 506, 1.0 / 420, 1.0 / 342, 1.0 / 272, 1.0 / 210, 1.0 / 156,
        1.0 / 110, 1.0 / 72,  1.0 / 42,  1.0 / 20,  1.0 / 6,
    };
    double sum = 1;
    for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++)
        sum = 1 - sum * square * steps[k];
    return sum;
}

/* sinc(x) sinc(x/3) by sin 3t = 3 sin t − 4 sin³ t. */
static double
lanczos3(double x)
{
    const double pi = 3.14159265358979323846;
    double square = pi / 3 * x * (pi / 3 * x);
    if (x >= 3)
        return 0;
    double ratio = sine_ratio(square);
    double squared_ratio = ratio * ratio;
    return squared_ratio * (1 - 4.0 / 3 * squared_ratio * square);
}

/* sinc(x) sinc(x/2) by sin 2t = 2 sin t cos t and cos t = 1 − 2 sin² t/2. */
static double
lanczos2(double x)
{
    const double pi = 3.14159265358979323846;
    double square = pi / 2 * x * (pi / 2 * x);
    if (x >= 2)
        return 0;
    double ratio = sine_ratio(square), half = sine_ratio(square / 4);
    return ratio * ratio * (1 - square / 2 * half * half);
}

static double
mitchell(double x)
{
    if (x < 1)
        return (7 * x - 12) * x * x + 16.0 / 3;
    return x < 2 ? ((-7.0 / 3 * x + 12) * x - 20) * x + 32.0 / 3 : 0;
}

static double
cubic(double x)
{
    if (x < 1)
        return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/* The kernel at x ≥ 0, up to a factor. */
static double
kernel_at(li_kernel kernel, double x)
{
    switch (kernel) {
    case LI_LANCZOS3:
        return lanczos3(x);
    case LI_CUBIC:
        return cubic(x);
    case LI_MITCHELL:
        return mitchell(x);
    case LI_LANCZOS2:
        return lanczos2(x);
    case LI_BILINEAR:
        return x < 1 ? 1 - x : 0;
    case LI_BOX:
    case LI_NEAREST:
        break;
    }
    return 1;
}

static void
halve_steps(const place *at, uint32_t first, uint32_t taps, double *values)
{
    int64_t left = at->centre - at->reach - at->denominator / 2;
    int64_t right = at->centre + at->reach - at->denominator / 2;
    int64_t low = (int64_t)first, high = low + taps - 1;
    if (left % at->denominator == 0 && left / at->denominator == low)
        values[0] /= 2;
    if (right % at->denominator == 0 && right / at->denominator == high)
        values[taps - 1] /= 2;
}

/* The kernel at each tap. The offset is a whole number plus an exact fraction, so the
 * mirror image of a tap has the same distance to the last bit. */
static void
sample_kernel(const li_axis_plan *plan, const place *at, uint32_t first, uint32_t taps,
              double *values)
{
    int64_t whole = at->centre / at->denominator;
    int64_t rest = at->centre % at->denominator, half = at->denominator / 2;
    double denominator = (double)at->denominator;
    double fraction = (double)(half - rest) / denominator;
    double diameter = li_kernel_diameter(plan->kernel);
    double shrink = diameter * (denominator / 2) / (double)at->reach;
    for (uint32_t k = 0; k < taps; k++) {
        double offset = (double)((int64_t)first + k - whole) + fraction;
        values[k] = kernel_at(plan->kernel, (offset < 0 ? -offset : offset) * shrink);
    }
    if (plan->kernel == LI_BOX)
        halve_steps(at, first, taps, values);
}

/* --- weights -----------------------------------------------------------------------
 */

static int32_t
round_weight(double value)
{
    return (int32_t)(value + 32768.5) - 32768;
}

/* From both ends to the middle, so that the mirror image adds up to the same bits. */
static double
sum_inwards(const double *values, uint32_t taps)
{
    double sum = 0;
    for (uint32_t k = 0; k < taps / 2; k++)
        sum += values[k] + values[taps - 1 - k];
    return taps % 2 ? sum + values[taps / 2] : sum;
}

/* Share `rest` between the two taps in the middle that want `left` and `right`. A tie
 * goes to the one nearer the middle of the input. */
static void
share_middle(int32_t rest, double left, double right, bool tie_left, int16_t *pair)
{
    double want = rest * 0.5 + (left - right) * 0.5;
    int32_t low = round_weight(want - 0.5); /* floor, but for a tie */
    double above = want - low;
    if (above > 1 - 1e-9)
        low++, above -= 1;
    bool tie = above > 0.5 - 1e-9 && above < 0.5 + 1e-9;
    bool up = tie ? tie_left : above > 0.5;
    pair[0] = (int16_t)(low + up);
    pair[1] = (int16_t)(rest - pair[0]);
}

/* Weights that sum to 1 << 14, each rounded with what its outer neighbours lost or won,
 * so that any run from an end has the right total: with 15,000 taps a weight is about
 * one unit, and rounding each alone would bend the kernel. */
static void
quantise(const double *values, uint32_t taps, bool tie_left, int16_t *weights)
{
    double scale = (1 << LI_WEIGHT_BITS) / sum_inwards(values, taps);
    double left = 0, right = 0;
    int32_t rest = 1 << LI_WEIGHT_BITS;
    uint32_t low = 0, high = taps - 1;
    for (; high - low >= 2; low++, high--) {
        left += values[low] * scale;
        right += values[high] * scale;
        weights[low] = (int16_t)round_weight(left);
        weights[high] = (int16_t)round_weight(right);
        left -= weights[low];
        right -= weights[high];
        rest -= weights[low] + weights[high];
    }
    if (low == high)
        weights[low] = (int16_t)rest;
    else
        share_middle(rest, left + values[low] * scale, right + values[high] * scale,
                     tie_left, weights + low);
}

static void
fill_output(const li_axis_plan *plan, uint32_t i, double *work, li_axis *axis)
{
    li_weights *table = &axis->weights;
    uint32_t first, taps;
    li_axis_reach(plan, i, &first, &taps);
    place at = place_of(plan, i);
    int64_t half = at.denominator / 2, doubled = at.centre / half;
    bool right_half =
        doubled > plan->inputs || (doubled == plan->inputs && at.centre % half > 0);
    sample_kernel(plan, &at, first, taps, work);
    uint32_t before = (first - axis->start) % 2;
    quantise(work, taps, right_half,
             table->weights + (size_t)i * table->stride + before);
    table->first[i] = first - axis->start - before;
    table->taps[i] = taps + before;
}

uint64_t
li_block_bytes(uint64_t bytes)
{
    uint64_t whole = li_sat_add(bytes, LI_BLOCK_OVERHEAD);
    return whole < 1 << 20 ? whole : li_sat_add(whole, 4096);
}

uint64_t
li_axis_bytes(const li_axis_plan *plan)
{
    uint64_t count = plan->count;
    return 2 * li_block_bytes(count * sizeof(uint32_t)) +
           li_block_bytes(count * li_axis_stride(plan) * sizeof(int16_t));
}

li_status
li_axis_make(li_ctx *ctx, const li_axis_plan *plan, double *work, li_axis *axis)
{
    li_weights *table = &axis->weights;
    uint32_t first, taps;
    *axis = (li_axis){.weights = {.count = plan->count}};
    table->stride = li_axis_stride(plan);
    li_axis_reach(plan, 0, &axis->start, &taps);
    li_axis_reach(plan, plan->count - 1, &first, &taps);
    table->inputs = first + taps - axis->start;
    LI_TRY(li_alloc(ctx, plan->count, sizeof(uint32_t), &table->first));
    LI_TRY(li_alloc(ctx, plan->count, sizeof(uint32_t), &table->taps));
    LI_TRY(li_alloc(ctx, (uint64_t)plan->count * table->stride, sizeof(int16_t),
                    &table->weights));
    for (uint32_t i = 0; i < plan->count; i++)
        fill_output(plan, i, work, axis);
    return LI_OK;
}

void
li_axis_free(li_ctx *ctx, li_axis *axis)
{
    li_free(ctx, &axis->weights.first);
    li_free(ctx, &axis->weights.taps);
    li_free(ctx, &axis->weights.weights);
}
