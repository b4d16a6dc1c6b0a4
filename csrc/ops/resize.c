/* resize.c: scale a picture while its rows stream: across first, then down. Layer 2.
 *
 * Eight input rows at a time are resized across into a ring of int16 rows. Down, a
 * strong shrink adds each of them into the few outputs that it is part of (forward), so
 * memory does not grow with the ratio; any other scale gathers an output from the ring,
 * so it does not grow with the enlargement. Both add up the same exact integers. */
#include "ops/passes.h"
#include "ops/resample.h"

#include <assert.h>
#include <string.h>

enum {
    /* Up to this ratio a ring of all taps takes no more memory than wide sums do:
     * (2 × diameter + 3) × 2 bytes a sample against (diameter + 2) × 4. */
    GATHER_RATIO = 2,
    GATHER_TAPS = 16, /* of that: 6 × 2 + 1, one in front, and whole fours */
    MOST_SUMS = 10,   /* diameter 6, 7/ratio below 4, 1: see layout_of */
    CHUNK = 1024, /* samples gathered at once: sums and a slice of each row stay in L1;
                     whole pixels of 2 and 4 channels */
};

/* Sizes that follow from the picture and the op alone: what bytes() counts and open
 * allocates. */
typedef struct layout {
    li_axis_plan x, y;
    bool forward, alpha, deep, linear;
    uint32_t channels, sample; /* bytes of one */
    uint32_t columns;          /* input columns that any output needs */
    uint32_t slots;            /* rows in the ring, a multiple of LI_BATCH */
    uint32_t sums;             /* rows of wide sums; 0: one chunk */
    size_t samples;   /* of an output row, with LI_OUT_SLACK, in whole blocks */
    size_t batch_row; /* bytes of an input row in the batch, with slack */
    size_t work;
} layout;

typedef struct resize_rows {
    li_rows base;
    layout plan;
    li_passes passes;
    li_axis x, y;    /* owned tables */
    uint8_t *batch;  /* owned: LI_BATCH input rows, only the needed columns */
    int16_t *ring;   /* owned: input row n, resized across, is slot n % slots */
    void *linear;    /* owned: tables, in linear light */
    int32_t *sums;   /* owned: forward: output n is row n % sums */
    void *work;      /* owned: for making weights, then for `across` */
    uint8_t *out;    /* owned: the row handed out */
    uint32_t loaded; /* input rows in the ring or gone, from y.start on */
} resize_rows;

/* --- what it costs -----------------------------------------------------------------
 */

static uint32_t
round_up(uint32_t n, uint32_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

static size_t
work_bytes(const layout *plan)
{
    size_t across =
        li_axis_identity(&plan->x) && (!plan->linear || plan->deep)
            ? 0
            : ((size_t)plan->columns + LI_ACROSS_PAD) * plan->channels * LI_ACROSS_WORK;
    uint32_t x = li_axis_stride(&plan->x), y = li_axis_stride(&plan->y);
    size_t weights = (x > y ? x : y) * sizeof(double);
    return across > weights ? across : weights;
}

static layout
layout_of(const li_resize *resize, li_info in, li_info out)
{
    layout plan = {
        .x = {resize->kernel, resize->x, out.width, in.width},
        .y = {resize->kernel, resize->y, out.height, in.height},
        .alpha = li_pixel_has_alpha(in.pixel),
        .deep = li_pixel_is_deep(in.pixel),
        .linear = resize->linear,
        .channels = li_pixel_channels(in.pixel),
    };
    plan.sample = plan.deep ? sizeof(uint16_t) : 1;
    uint32_t first, last, taps;
    li_axis_reach(&plan.x, 0, &first, &taps);
    li_axis_reach(&plan.x, out.width - 1, &last, &taps);
    plan.columns = last + taps - first;
    plan.samples = round_up(out.width * plan.channels + LI_OUT_SLACK, LI_BLOCK);
    plan.batch_row =
        round_up(plan.columns * plan.channels * plan.sample, 16) + LI_ROW_SLACK;
    const li_span *span = &plan.y.span;
    plan.forward = span->length > GATHER_RATIO * span->unit * out.height;
    if (plan.forward) {
        /* Outputs whose reach, diameter × ratio rows, meets a batch of 8 rows: at most
         * diameter + 7/ratio + 1. */
        uint64_t more = (LI_BATCH - 1) * span->unit * out.height / span->length;
        plan.sums = li_kernel_diameter(resize->kernel) + (uint32_t)more + 1;
        plan.slots = LI_BATCH;
    } else {
        /* The taps of one output, wherever in a batch they begin. */
        plan.slots = round_up(li_axis_stride(&plan.y) + LI_BATCH - 1, LI_BATCH);
    }
    plan.work = work_bytes(&plan);
    return plan;
}

static uint64_t
ring_samples(const layout *plan)
{
    return (uint64_t)plan->slots * plan->samples;
}

static uint64_t
sum_samples(const layout *plan)
{
    if (plan->sums)
        return (uint64_t)plan->sums * plan->samples;
    return plan->alpha || plan->linear ? CHUNK : 0;
}

static size_t
linear_bytes(const layout *plan)
{
    return plan->deep ? sizeof(li_deep_linear) : sizeof(li_linear);
}

static size_t
out_bytes(const layout *plan, li_info out)
{
    return li_row_bytes(out) + LI_ROW_SLACK * plan->sample;
}

static bool
is_copy(const li_resize *resize, li_info in, li_info out)
{
    li_axis_plan x = {resize->kernel, resize->x, out.width, in.width};
    li_axis_plan y = {resize->kernel, resize->y, out.height, in.height};
    return in.width == out.width && in.height == out.height && li_axis_identity(&x) &&
           li_axis_identity(&y);
}

static uint64_t
resize_bytes(const li_op *op, li_info in, li_info out)
{
    const li_resize *resize = &op->u.resize;
    if (is_copy(resize, in, out))
        return 0;
    if (resize->kernel == LI_NEAREST)
        return li_nearest_bytes(resize, in, out);
    layout plan = layout_of(resize, in, out);
    uint64_t bytes = li_block_bytes(sizeof(resize_rows));
    bytes = li_sat_add(bytes, li_axis_bytes(&plan.x));
    bytes = li_sat_add(bytes, li_axis_bytes(&plan.y));
    bytes = li_sat_add(bytes, li_block_bytes(LI_BATCH * plan.batch_row));
    bytes = li_sat_add(bytes, li_block_bytes(ring_samples(&plan) * sizeof(int16_t)));
    bytes = li_sat_add(bytes, li_block_bytes(sum_samples(&plan) * sizeof(int32_t)));
    bytes = li_sat_add(bytes, li_block_bytes(plan.work));
    if (plan.linear)
        bytes = li_sat_add(bytes, li_block_bytes(linear_bytes(&plan)));
    return li_sat_add(bytes, li_block_bytes(out_bytes(&plan, out)));
}

/* --- across ------------------------------------------------------------------------
 */

static int16_t *
ring_row(const resize_rows *self, uint32_t row)
{
    return self->ring + (size_t)(row % self->plan.slots) * self->plan.samples;
}

static int32_t *
sums_row(const resize_rows *self, uint32_t output)
{
    return self->sums + (size_t)(output % self->plan.sums) * self->plan.samples;
}

static size_t
row_samples(const resize_rows *self)
{
    return (size_t)self->base.info.width * self->plan.channels;
}

static void
copy_columns(resize_rows *self, const uint8_t *row, uint8_t *out)
{
    const layout *plan = &self->plan;
    row += (size_t)self->x.start * plan->channels * plan->sample;
    li_passes_take(&self->passes, row, out, plan->columns);
}

/* Of 8 bits: `work` holds a row of light. */
static void
linear_across(resize_rows *self, const uint8_t *row, int16_t *out)
{
    const layout *plan = &self->plan;
    bool stays = li_axis_identity(&plan->x);
    int16_t *light = stays ? out : self->work;
    li_linear_decode(self->linear, row, light, plan->columns, plan->channels);
    if (!stays)
        li_linear_across(&self->x.weights, plan->channels, light, out);
}

/* A batch that is not full resizes what its other rows held before: their slots are not
 * read. */
static void
resize_across(resize_rows *self, uint32_t count)
{
    const layout *plan = &self->plan;
    const uint8_t *rows[LI_BATCH];
    int16_t *out[LI_BATCH];
    for (uint32_t r = 0; r < LI_BATCH; r++) {
        rows[r] = self->batch + r * plan->batch_row;
        out[r] = ring_row(self, self->loaded + r);
    }
    if (plan->linear && !plan->deep) {
        for (uint32_t r = 0; r < count; r++)
            linear_across(self, rows[r], out[r]);
        return;
    }
    if (!li_axis_identity(&plan->x)) {
        li_passes_across(&self->passes, &self->x.weights, rows, out, self->work);
        return;
    }
    for (uint32_t r = 0; r < count; r++)
        li_passes_stay(&self->passes, rows[r], out[r], plan->columns);
}

/* The next LI_BATCH input rows, or what is left of those that any output needs. */
static li_status
load_batch(resize_rows *self)
{
    li_rows *up = self->base.up;
    uint32_t left = self->y.weights.inputs - self->loaded;
    uint32_t count = left < LI_BATCH ? left : LI_BATCH;
    LI_TRY(li_poll(self->base.ctx));
    if (self->loaded == 0)
        LI_TRY(li_rows_skip(up, self->y.start));
    for (uint32_t r = 0; r < count; r++) {
        const uint8_t *row;
        LI_TRY(li_rows_next(up, &row));
        copy_columns(self, row, self->batch + r * self->plan.batch_row);
    }
    resize_across(self, count);
    self->loaded += count;
    return LI_OK;
}

/* --- down --------------------------------------------------------------------------
 */

/* Add the batch that was loaded last, `count` rows, into every output from `i` on that
 * reads one of them. */
static void
add_batch(resize_rows *self, uint32_t i, uint32_t count)
{
    const li_weights *table = &self->y.weights;
    uint32_t begin = self->loaded - count, outputs = 0;
    const int16_t *rows[LI_BATCH];
    int16_t weights[MOST_SUMS][LI_BATCH] = {{0}};
    int32_t *sums[MOST_SUMS];
    for (uint32_t r = 0; r < LI_BATCH; r++)
        rows[r] = ring_row(self, begin + r);
    for (uint32_t n = i; n < table->count && table->first[n] < self->loaded; n++) {
        const int16_t *all = table->weights + (size_t)n * table->stride;
        assert(outputs < self->plan.sums);
        for (uint32_t r = 0; r < count; r++) {
            uint32_t row = begin + r;
            if (row >= table->first[n] && row - table->first[n] < table->taps[n])
                weights[outputs][r] = all[row - table->first[n]];
        }
        sums[outputs++] = sums_row(self, n);
    }
    self->passes.kernels->accumulate(sums, (const int16_t(*)[LI_BATCH])weights, outputs,
                                     rows, row_samples(self));
}

static li_status
resize_forward(resize_rows *self, uint32_t i, uint32_t end)
{
    while (self->loaded < end) {
        uint32_t before = self->loaded;
        LI_TRY(load_batch(self));
        add_batch(self, i, self->loaded - before);
    }
    li_passes_store(&self->passes, sums_row(self, i), self->out, row_samples(self));
    return LI_OK;
}

/* Past the last tap weights are 0 and the slots hold some other row. */
static void
gather_sums(resize_rows *self, const int16_t *const rows[GATHER_TAPS],
            const int16_t *weights, uint32_t taps)
{
    size_t samples = row_samples(self);
    for (size_t at = 0; at < samples; at += CHUNK) {
        size_t some = samples - at < CHUNK ? samples - at : CHUNK;
        for (uint32_t k = 0; k < taps; k += LI_BATCH) {
            const int16_t *batch[LI_BATCH];
            int16_t those[1][LI_BATCH] = {{0}};
            for (uint32_t r = 0; r < LI_BATCH; r++) {
                batch[r] = rows[k + r] + at;
                those[0][r] = k + r < taps ? weights[k + r] : 0;
            }
            self->passes.kernels->accumulate(
                &self->sums, (const int16_t(*)[LI_BATCH])those, 1, batch, some);
        }
        li_passes_store(&self->passes, self->sums, self->out + at * self->plan.sample,
                        some);
    }
}

static li_status
resize_gather(resize_rows *self, uint32_t i, uint32_t end)
{
    const li_weights *table = &self->y.weights;
    const int16_t *weights = table->weights + (size_t)i * table->stride;
    const int16_t *rows[GATHER_TAPS];
    assert(table->stride <= GATHER_TAPS);
    while (self->loaded < end)
        LI_TRY(load_batch(self));
    for (uint32_t r = 0; r < GATHER_TAPS; r++)
        rows[r] = ring_row(self, table->first[i] + r);
    if (li_passes_needs_sums(&self->passes))
        gather_sums(self, rows, weights, table->taps[i]);
    else
        li_passes_gather(&self->passes, rows, weights, table->taps[i], self->out,
                         row_samples(self));
    return LI_OK;
}

static li_status
resize_next(li_rows *rows, const uint8_t **row)
{
    resize_rows *self = (resize_rows *)rows;
    uint32_t i = rows->y, end = self->y.weights.first[i] + self->y.weights.taps[i];
    if (self->plan.forward)
        LI_TRY(resize_forward(self, i, end));
    else
        LI_TRY(resize_gather(self, i, end));
    *row = self->out;
    return LI_OK;
}

static void
resize_close(li_rows *rows)
{
    resize_rows *self = (resize_rows *)rows;
    li_axis_free(rows->ctx, &self->x);
    li_axis_free(rows->ctx, &self->y);
    li_free(rows->ctx, &self->batch);
    li_free(rows->ctx, &self->ring);
    li_free(rows->ctx, &self->sums);
    li_free(rows->ctx, &self->linear);
    li_free(rows->ctx, &self->work);
    li_free(rows->ctx, &self->out);
}

static const li_rows_ops resize_ops = {
    .name = "resize",
    .next = resize_next,
    .close = resize_close,
};

/* --- the op ------------------------------------------------------------------------
 */

static li_status
check_axis(li_ctx *ctx, const char *name, const li_axis_plan *axis)
{
    if (li_axis_valid(axis))
        return LI_OK;
    return li_fail(ctx, LI_E901_INTERNAL,
                   "resize: %s span %llu+%llu / %llu does not lie on %u pixels", name,
                   (unsigned long long)axis->span.start,
                   (unsigned long long)axis->span.length,
                   (unsigned long long)axis->span.unit, axis->inputs);
}

static li_status
resize_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    const li_resize *resize = &op->u.resize;
    if (in.pixel == LI_CMYK8)
        return li_fail(ctx, LI_E210_COLOR_SPACE, "resize: cannot take %s pixels",
                       li_pixel_name(in.pixel));
    if (resize->width - 1u > 65534u || resize->height - 1u > 65534u)
        return li_fail(ctx, LI_E203_RESIZE_SIZE,
                       "resize: %ux%u has a side outside 1..65535", resize->width,
                       resize->height);
    li_axis_plan x = {resize->kernel, resize->x, resize->width, in.width};
    li_axis_plan y = {resize->kernel, resize->y, resize->height, in.height};
    LI_TRY(check_axis(ctx, "x", &x));
    LI_TRY(check_axis(ctx, "y", &y));
    *out = (li_info){resize->width, resize->height, in.pixel};
    return LI_OK;
}

static li_status
make_linear(resize_rows *self)
{
    LI_TRY(li_alloc(self->base.ctx, 1, linear_bytes(&self->plan), &self->linear));
    if (self->plan.deep) {
        li_deep_linear_make(self->linear);
        self->passes.deep_linear = self->linear;
    } else {
        li_linear_make(self->linear);
        self->passes.linear = self->linear;
    }
    return LI_OK;
}

static li_status
resize_allocate(resize_rows *self)
{
    const layout *plan = &self->plan;
    li_ctx *ctx = self->base.ctx;
    LI_TRY(li_alloc(ctx, plan->work, 1, &self->work));
    if (plan->linear)
        LI_TRY(make_linear(self));
    LI_TRY(li_axis_make(ctx, &plan->x, self->work, &self->x));
    LI_TRY(li_axis_make(ctx, &plan->y, self->work, &self->y));
    LI_TRY(li_alloc(ctx, LI_BATCH, plan->batch_row, &self->batch));
    LI_TRY(li_alloc(ctx, ring_samples(plan), sizeof(int16_t), &self->ring));
    LI_TRY(li_alloc(ctx, sum_samples(plan), sizeof(int32_t), &self->sums));
    return li_alloc(ctx, out_bytes(plan, self->base.info), 1, &self->out);
}

static li_status
resize_open(const li_op *op, li_info out, li_rows **chain)
{
    const li_resize *resize = &op->u.resize;
    li_info in = (*chain)->info;
    if (is_copy(resize, in, out))
        return LI_OK;
    if (resize->kernel == LI_NEAREST)
        return li_nearest_open(resize, out, chain);
    li_ctx *ctx = (*chain)->ctx;
    LI_TRY(li_rows_push(ctx, sizeof(resize_rows), &resize_ops, out, chain));
    resize_rows *self = (resize_rows *)*chain;
    self->plan = layout_of(resize, in, out);
    self->passes = li_passes_of(ctx, in.pixel);
    li_status status = resize_allocate(self);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

static bool
resize_adds_srgb(const li_op *op, li_pixel in)
{
    (void)in;
    return op->u.resize.linear;
}

const li_op_kind li_op_resize = {
    .name = "resize",
    .shape = resize_shape,
    .bytes = resize_bytes,
    .open = resize_open,
    .adds_srgb = resize_adds_srgb,
};

/* --- names -------------------------------------------------------------------------
 */

static const char *const kernel_names[] = {
    [LI_LANCZOS3] = "lanczos3", [LI_CUBIC] = "cubic",     [LI_BILINEAR] = "bilinear",
    [LI_BOX] = "box",           [LI_NEAREST] = "nearest", [LI_MITCHELL] = "mitchell",
    [LI_LANCZOS2] = "lanczos2",
};

const char *
li_kernel_name(li_kernel kernel)
{
    return kernel_names[kernel];
}

int
li_kernel_named(const char *name)
{
    for (int i = 0; i < (int)(sizeof(kernel_names) / sizeof(kernel_names[0])); i++)
        if (strcmp(name, kernel_names[i]) == 0)
            return i;
    return -1;
}
