/* blur.c: a Gaussian blur, and sharpening by what a blur takes away. Layer 2.
 *
 * A blur is a resize to the same size whose kernel is the Gaussian: eight rows at a
 * time are filtered across into a ring of int16 rows, and each output gathers its taps
 * down. Past an edge the last column or row goes on. Colours carry their alpha
 * meanwhile. */
#include "ops/passes.h"
#include "ops/resample.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    CHUNK = 1024,       /* samples with alpha gathered at once */
    AMOUNT_BITS = 16,   /* fraction bits of the amount, at most 10: × 255 < 2^31 */
    LARGEST_SIGMA = 100 /* 601 rows are held */
};

/* Sizes that follow from the picture and the op alone. */
typedef struct layout {
    uint32_t radius, channels;
    uint32_t taps;  /* of an output, with zeros up to whole batches */
    uint32_t slots; /* rows in the ring, whole batches */
    uint32_t kept;  /* rows as they came, for sharpening */
    uint32_t stride;
    uint32_t sample; /* bytes of one */
    bool alpha;
    size_t samples;   /* of a row in the ring, in whole blocks */
    size_t batch_row; /* bytes of a row in the batch, with slack */
    size_t work;
} layout;

typedef struct blur_rows {
    li_rows base;
    layout plan;
    li_passes passes;
    int32_t amount; /* of sharpening */
    int32_t threshold;
    li_weights x;         /* owned tables */
    int16_t *down;        /* owned: the taps of every output row */
    const int16_t **rows; /* owned: where they are */
    uint8_t *batch;       /* owned: LI_BATCH input rows */
    int16_t *ring;        /* owned: input row n, blurred across, is slot n % slots */
    uint8_t *kept;        /* owned: input row n is slot n % kept */
    int32_t *sums;        /* owned: a chunk, with alpha */
    void *work;           /* owned: for `across` */
    uint8_t *out;         /* owned: the row handed out */
    uint32_t loaded;      /* input rows taken */
} blur_rows;

/* --- weights -----------------------------------------------------------------------
 */

/* Three sigmas hold 99.7 % of the bell. */
static uint32_t
radius_of(double sigma)
{
    uint32_t radius = (uint32_t)ceil(3 * sigma);
    return radius ? radius : 1;
}

/* Half of a bell that sums to 1 << LI_WEIGHT_BITS with both halves and the middle,
 * which is half[0]: each weight is rounded with what its outer neighbours lost or won.
 */
static void
fill_half(double sigma, uint32_t radius, int16_t *half)
{
    double sum = 1, lost = 0;
    int32_t rest = 1 << LI_WEIGHT_BITS;
    for (uint32_t k = 1; k <= radius; k++)
        sum += 2 * exp(-0.5 * k * k / (sigma * sigma));
    for (uint32_t k = radius; k > 0; k--) {
        double wanted =
            exp(-0.5 * k * k / (sigma * sigma)) / sum * (1 << LI_WEIGHT_BITS) + lost;
        half[k] = (int16_t)(wanted + 0.5);
        lost = wanted - half[k];
        rest -= 2 * half[k];
    }
    half[0] = (int16_t)rest;
}

/* Output i of an axis of `width`: taps beyond an end go to the pixel there. */
static void
fill_output(li_weights *table, uint32_t i, uint32_t width, uint32_t radius,
            const int16_t *half)
{
    uint32_t first = (i > radius ? i - radius : 0) & ~1u;
    uint32_t last = i + radius < width ? i + radius : width - 1;
    int16_t *weights = table->weights + (size_t)i * table->stride;
    table->first[i] = first;
    table->taps[i] = last - first + 1;
    for (uint32_t k = 0; k <= radius; k++) {
        uint32_t left = i > k ? i - k : 0, right = i + k < width ? i + k : width - 1;
        weights[left - first] = (int16_t)(weights[left - first] + half[k]);
        if (k)
            weights[right - first] = (int16_t)(weights[right - first] + half[k]);
    }
}

/* --- what it costs -----------------------------------------------------------------
 */

static uint32_t
round_up(uint32_t n, uint32_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

static layout
layout_of(const li_op *op, li_info in)
{
    layout plan = {.radius = radius_of(op->u.blur.sigma),
                   .channels = li_pixel_channels(in.pixel),
                   .sample = li_pixel_is_deep(in.pixel) ? sizeof(uint16_t) : 1,
                   .alpha = li_pixel_has_alpha(in.pixel)};
    uint32_t taps = 2 * plan.radius + 1;
    uint32_t across = taps < in.width ? taps : in.width;
    uint32_t slots = round_up(taps + LI_BATCH - 1, LI_BATCH);
    uint32_t height = round_up(in.height, LI_BATCH);
    plan.taps = round_up(taps, LI_BATCH);
    plan.slots = slots < height ? slots : height;
    plan.kept = op->kind == &li_op_sharpen ? plan.radius + LI_BATCH : 0;
    plan.stride = round_up(across + 1, 4);
    plan.samples = round_up(in.width * plan.channels + LI_OUT_SLACK, LI_BLOCK);
    plan.batch_row =
        round_up(in.width * plan.channels * plan.sample, 16) + LI_ROW_SLACK;
    plan.work = ((size_t)in.width + LI_ACROSS_PAD) * plan.channels * LI_ACROSS_WORK;
    return plan;
}

static uint64_t
blur_bytes(const li_op *op, li_info in, li_info out)
{
    layout plan = layout_of(op, in);
    uint64_t bytes = li_block_bytes(sizeof(blur_rows)), width = out.width;
    const uint64_t blocks[] = {
        width * sizeof(uint32_t),
        width * sizeof(uint32_t),
        width * plan.stride * sizeof(int16_t),
        plan.taps * sizeof(int16_t),
        plan.taps * sizeof(const int16_t *),
        LI_BATCH * plan.batch_row,
        (uint64_t)plan.slots * plan.samples * sizeof(int16_t),
        plan.kept * li_row_bytes(in),
        plan.alpha ? CHUNK * sizeof(int32_t) : 0,
        plan.work,
        plan.samples * plan.sample,
    };
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        bytes = li_sat_add(bytes, li_block_bytes(blocks[i]));
    return bytes;
}

/* --- rows --------------------------------------------------------------------------
 */

static int16_t *
ring_row(const blur_rows *self, uint32_t row)
{
    return self->ring + (size_t)(row % self->plan.slots) * self->plan.samples;
}

static uint8_t *
kept_row(const blur_rows *self, uint32_t row)
{
    return self->kept + (size_t)(row % self->plan.kept) * li_row_bytes(self->base.info);
}

static void
take_row(blur_rows *self, const uint8_t *row, uint32_t slot)
{
    const layout *plan = &self->plan;
    uint8_t *to = self->batch + slot * plan->batch_row;
    if (plan->kept)
        memcpy(kept_row(self, self->loaded + slot), row, li_row_bytes(self->base.info));
    li_passes_take(&self->passes, row, to, self->base.info.width);
}

/* The next LI_BATCH rows, or what is left of the picture. */
static li_status
load_batch(blur_rows *self)
{
    uint32_t left = self->base.info.height - self->loaded;
    uint32_t count = left < LI_BATCH ? left : LI_BATCH;
    const uint8_t *rows[LI_BATCH];
    int16_t *out[LI_BATCH];
    LI_TRY(li_poll(self->base.ctx));
    for (uint32_t r = 0; r < count; r++) {
        const uint8_t *row;
        LI_TRY(li_rows_next(self->base.up, &row));
        take_row(self, row, r);
    }
    for (uint32_t r = 0; r < LI_BATCH; r++) { /* what is not there is the last again */
        uint32_t slot = r < count ? r : count - 1;
        rows[r] = self->batch + slot * self->plan.batch_row;
        out[r] = ring_row(self, self->loaded + r);
    }
    li_passes_across(&self->passes, &self->x, rows, out, self->work);
    self->loaded += count;
    return LI_OK;
}

/* Where the taps of row y are; above and below the picture its first and last row. */
static void
find_rows(blur_rows *self, uint32_t y)
{
    uint32_t radius = self->plan.radius, last = self->base.info.height - 1;
    for (uint32_t k = 0; k < self->plan.taps; k++) {
        uint32_t row = y + k > radius ? y + k - radius : 0;
        self->rows[k] = ring_row(self, row < last ? row : last);
    }
}

static void
gather_alpha(blur_rows *self)
{
    uint32_t channels = self->plan.channels;
    size_t samples = (size_t)self->base.info.width * channels;
    samples = (samples + LI_BLOCK - 1) / LI_BLOCK * LI_BLOCK;
    for (size_t at = 0; at < samples; at += CHUNK) {
        size_t some = samples - at < CHUNK ? samples - at : CHUNK;
        for (uint32_t k = 0; k < self->plan.taps; k += LI_BATCH) {
            const int16_t *batch[LI_BATCH];
            int16_t weights[1][LI_BATCH];
            for (uint32_t r = 0; r < LI_BATCH; r++)
                batch[r] = self->rows[k + r] + at;
            memcpy(weights[0], self->down + k, sizeof(weights[0]));
            self->passes.kernels->accumulate(
                &self->sums, (const int16_t(*)[LI_BATCH])weights, 1, batch, some);
        }
        li_passes_store(&self->passes, self->sums, self->out + at * self->plan.sample,
                        some);
    }
}

/* The blurred row y, in self->out. */
static li_status
blur_row(blur_rows *self, uint32_t y)
{
    const layout *plan = &self->plan;
    uint32_t height = self->base.info.height;
    uint32_t end = height - y > plan->radius ? y + plan->radius + 1 : height;
    while (self->loaded < end)
        LI_TRY(load_batch(self));
    find_rows(self, y);
    size_t samples = (size_t)self->base.info.width * plan->channels;
    if (plan->alpha)
        gather_alpha(self);
    else
        li_passes_gather(&self->passes, self->rows, self->down, 2 * plan->radius + 1,
                         self->out, (samples + LI_BLOCK - 1) / LI_BLOCK * LI_BLOCK);
    return LI_OK;
}

static li_status
blur_next(li_rows *rows, const uint8_t **row)
{
    blur_rows *self = (blur_rows *)rows;
    LI_TRY(blur_row(self, rows->y));
    *row = self->out;
    return LI_OK;
}

/* --- sharpening --------------------------------------------------------------------
 */

static inline uint8_t
sharpened(const blur_rows *self, int32_t was, int32_t blurred)
{
    int32_t less = was - blurred, size = less < 0 ? -less : less;
    int32_t more = (less * self->amount + (1 << (AMOUNT_BITS - 1))) >> AMOUNT_BITS;
    int32_t value = size > self->threshold ? was + more : was;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* The threshold counts in levels of 8 bits. */
static inline uint16_t
sharpened_word(const blur_rows *self, int32_t was, int32_t blurred)
{
    int32_t less = was - blurred, size = less < 0 ? -less : less;
    int64_t more = (int64_t)less * self->amount + (1 << (AMOUNT_BITS - 1));
    int64_t value = size > self->threshold * 257 ? was + (more >> AMOUNT_BITS) : was;
    return (uint16_t)(value < 0 ? 0 : value > 65535 ? 65535 : value);
}

static void
sharpen_samples(const blur_rows *self, const uint8_t *restrict was,
                uint8_t *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = sharpened(self, was[i], out[i]);
}

/* Alpha stays. Where the blur has none left it has no colour to compare with. */
static void
sharpen_colours(const blur_rows *self, const uint8_t *was, uint8_t *out)
{
    uint32_t channels = self->plan.channels, last = channels - 1;
    for (uint32_t x = 0; x < self->base.info.width; x++) {
        for (uint32_t c = 0; c < last; c++)
            out[c] = out[last] ? sharpened(self, was[c], out[c]) : was[c];
        out[last] = was[last];
        was += channels;
        out += channels;
    }
}

/* Both of the above, of 16 bits. */
static void
sharpen_words(const blur_rows *self, const uint16_t *was, uint16_t *out)
{
    uint32_t channels = self->plan.channels;
    uint32_t colours = self->plan.alpha ? channels - 1 : channels;
    for (uint32_t x = 0; x < self->base.info.width; x++) {
        bool seen = !self->plan.alpha || out[colours];
        for (uint32_t c = 0; c < channels; c++)
            out[c] =
                seen && c < colours ? sharpened_word(self, was[c], out[c]) : was[c];
        was += channels;
        out += channels;
    }
}

static li_status
sharpen_next(li_rows *rows, const uint8_t **row)
{
    blur_rows *self = (blur_rows *)rows;
    LI_TRY(blur_row(self, rows->y));
    const uint8_t *was = kept_row(self, rows->y);
    if (self->passes.deep)
        sharpen_words(self, (const uint16_t *)(const void *)was,
                      (uint16_t *)(void *)self->out);
    else if (self->plan.alpha)
        sharpen_colours(self, was, self->out);
    else
        sharpen_samples(self, was, self->out, li_row_bytes(rows->info));
    *row = self->out;
    return LI_OK;
}

static void
blur_close(li_rows *rows)
{
    blur_rows *self = (blur_rows *)rows;
    li_ctx *ctx = rows->ctx;
    li_free(ctx, &self->x.first);
    li_free(ctx, &self->x.taps);
    li_free(ctx, &self->x.weights);
    li_free(ctx, &self->down);
    li_free(ctx, &self->rows);
    li_free(ctx, &self->batch);
    li_free(ctx, &self->ring);
    li_free(ctx, &self->kept);
    li_free(ctx, &self->sums);
    li_free(ctx, &self->work);
    li_free(ctx, &self->out);
}

static const li_rows_ops blur_ops = {
    .name = "blur",
    .next = blur_next,
    .close = blur_close,
};

static const li_rows_ops sharpen_ops = {
    .name = "sharpen",
    .next = sharpen_next,
    .close = blur_close,
};

/* --- the ops -----------------------------------------------------------------------
 */

static li_status
blur_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    const li_blur *blur = &op->u.blur;
    if (in.pixel == LI_CMYK8)
        return li_fail(ctx, LI_E210_COLOR_SPACE, "%s: cannot take %s pixels",
                       op->kind->name, li_pixel_name(in.pixel));
    if (!(blur->sigma > 0 && blur->sigma <= LARGEST_SIGMA && blur->amount >= 0 &&
          blur->amount <= 10))
        return li_fail(ctx, LI_E400_ARGUMENT,
                       "%s: sigma %g or amount %g is outside 0..%d or 0..10",
                       op->kind->name, blur->sigma, blur->amount, LARGEST_SIGMA);
    *out = in;
    return LI_OK;
}

static li_status
blur_allocate(blur_rows *self)
{
    const layout *plan = &self->plan;
    li_ctx *ctx = self->base.ctx;
    uint32_t width = self->base.info.width;
    self->x = (li_weights){.count = width, .inputs = width, .stride = plan->stride};
    LI_TRY(li_alloc(ctx, width, sizeof(uint32_t), &self->x.first));
    LI_TRY(li_alloc(ctx, width, sizeof(uint32_t), &self->x.taps));
    LI_TRY(li_alloc(ctx, (uint64_t)width * plan->stride, sizeof(int16_t),
                    &self->x.weights));
    LI_TRY(li_alloc(ctx, plan->taps, sizeof(int16_t), &self->down));
    LI_TRY(li_alloc(ctx, plan->taps, sizeof(const int16_t *), &self->rows));
    LI_TRY(li_alloc(ctx, LI_BATCH, plan->batch_row, &self->batch));
    LI_TRY(li_alloc(ctx, (uint64_t)plan->slots * plan->samples, sizeof(int16_t),
                    &self->ring));
    if (plan->kept)
        LI_TRY(li_alloc(ctx, plan->kept, li_row_bytes(self->base.info), &self->kept));
    if (plan->alpha)
        LI_TRY(li_alloc(ctx, CHUNK, sizeof(int32_t), &self->sums));
    LI_TRY(li_alloc(ctx, plan->work, 1, &self->work));
    return li_alloc(ctx, plan->samples, plan->sample, &self->out);
}

/* `down` holds the half while the other weights are made from it. */
static void
fill_weights(blur_rows *self, double sigma)
{
    uint32_t radius = self->plan.radius, width = self->base.info.width;
    int16_t *half = self->down;
    fill_half(sigma, radius, half);
    for (uint32_t i = 0; i < width; i++)
        fill_output(&self->x, i, width, radius, half);
    memmove(half + radius, half, (radius + 1) * sizeof(*half));
    for (uint32_t k = 0; k < radius; k++)
        half[k] = half[2 * radius - k];
}

static li_status
blur_open(const li_op *op, li_info out, li_rows **chain)
{
    li_ctx *ctx = (*chain)->ctx;
    bool sharpens = op->kind == &li_op_sharpen;
    LI_TRY(li_rows_push(ctx, sizeof(blur_rows), sharpens ? &sharpen_ops : &blur_ops,
                        out, chain));
    blur_rows *self = (blur_rows *)*chain;
    self->plan = layout_of(op, out);
    self->passes = li_passes_of(ctx, out.pixel);
    self->amount = (int32_t)(op->u.blur.amount * (1 << AMOUNT_BITS) + 0.5);
    self->threshold = op->u.blur.threshold;
    li_status status = blur_allocate(self);
    if (status == LI_OK)
        fill_weights(self, op->u.blur.sigma);
    else
        li_rows_pop(chain);
    return status;
}

static void
blur_say(const li_op *op, char *text, size_t size)
{
    snprintf(text, size, "sigma %g", op->u.blur.sigma);
}

static bool
sharpen_idle(const li_op *op, li_info in, li_info out)
{
    (void)in;
    (void)out;
    return op->u.blur.amount == 0;
}

static bool
sharpen_stretches(const li_op *op)
{
    return op->u.blur.amount != 0;
}

static bool
sharpen_brings_out(const li_op *op)
{
    return op->u.blur.amount > 0;
}

static void
sharpen_say(const li_op *op, char *text, size_t size)
{
    const li_blur *blur = &op->u.blur;
    snprintf(text, size, "by %g, radius %g, threshold %u", blur->amount, blur->sigma,
             blur->threshold);
}

const li_op_kind li_op_blur = {
    .name = "blur",
    .shape = blur_shape,
    .bytes = blur_bytes,
    .open = blur_open,
    .say = blur_say,
};

const li_op_kind li_op_sharpen = {
    .name = "sharpen",
    .shape = blur_shape,
    .bytes = blur_bytes,
    .open = blur_open,
    .idle = sharpen_idle,
    .say = sharpen_say,
    .stretches = sharpen_stretches,
    .brings_out = sharpen_brings_out,
};
