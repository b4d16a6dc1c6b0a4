/* layer.c: the second picture of an overlay: a source, steps and a plan of its own,
 * whose rows can be had from the beginning as often as is wanted. Layer 4. */
#include "group/look.h"
#include "engine/carry.h"
#include "engine/run.h"

/* Rows that own what they are read from. */
typedef struct layer_rows {
    li_rows base;
    const li_layer *layer; /* borrowed */
    li_rows *chain;        /* owned */
    li_source *source;     /* owned; NULL: pixels */
} layer_rows;

/* --- limits ------------------------------------------------------------------------
 */

static uint64_t
tighter(uint64_t a, uint64_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* Of both; where no format is left, bit 63 stands for none. */
static li_limits
both_limits(const li_limits *a, const li_limits *b)
{
    li_limits both = *a;
    both.max_input_bytes = tighter(a->max_input_bytes, b->max_input_bytes);
    both.max_pixels = tighter(a->max_pixels, b->max_pixels);
    both.max_side = tighter(a->max_side, b->max_side);
    both.max_pixels_per_byte = tighter(a->max_pixels_per_byte, b->max_pixels_per_byte);
    both.max_scans = tighter(a->max_scans, b->max_scans);
    both.max_segments = tighter(a->max_segments, b->max_segments);
    both.max_items = tighter(a->max_items, b->max_items);
    both.max_metadata = tighter(a->max_metadata, b->max_metadata);
    both.icc_room = tighter(a->icc_room, b->icc_room);
    both.max_output_pixels = tighter(a->max_output_pixels, b->max_output_pixels);
    both.formats =
        a->formats && b->formats ? a->formats & b->formats : a->formats | b->formats;
    if (a->formats && b->formats && !both.formats)
        both.formats = 1ull << 63;
    return both;
}

/* --- salvage -----------------------------------------------------------------------
 */

/* What of a context is about the picture below. */
typedef struct below {
    bool salvage, salvaged;
    uint32_t rows_real;
} below;

/* Until leave_layer() the context is that of the layer. */
static below
enter_layer(const li_layer *layer, li_ctx *ctx)
{
    below own = {ctx->salvage, ctx->salvaged, ctx->rows_real};
    ctx->salvage = layer->salvage;
    ctx->salvaged = false;
    return own;
}

static void
leave_layer(li_ctx *ctx, below own)
{
    ctx->salvage = own.salvage;
    ctx->salvaged = own.salvaged;
    ctx->rows_real = own.rows_real;
}

/* --- rows --------------------------------------------------------------------------
 */

/* Whatever stage it was in: what fails here is not the picture below. */
static li_status
name_step(li_ctx *ctx, li_status status)
{
    if (status != LI_OK)
        ctx->step = "overlay";
    return status;
}

static li_status
layer_next(li_rows *rows, const uint8_t **row)
{
    layer_rows *self = (layer_rows *)rows;
    below own = enter_layer(self->layer, rows->ctx);
    li_status status = li_rows_next(self->chain, row);
    leave_layer(rows->ctx, own);
    return name_step(rows->ctx, status);
}

static li_status
layer_skip(li_rows *rows, uint32_t count)
{
    layer_rows *self = (layer_rows *)rows;
    below own = enter_layer(self->layer, rows->ctx);
    li_status status = li_rows_skip(self->chain, count);
    leave_layer(rows->ctx, own);
    return name_step(rows->ctx, status);
}

static void
layer_close(li_rows *rows)
{
    layer_rows *self = (layer_rows *)rows;
    li_rows_close(&self->chain);
    li_source_close(&self->source);
}

static const li_rows_ops layer_ops = {
    .name = "overlay",
    .next = layer_next,
    .skip = layer_skip,
    .close = layer_close,
};

static bool
is_same(const li_input *a, const li_input *b)
{
    return a->codec == b->codec && a->header.width == b->header.width &&
           a->header.height == b->header.height && a->header.pixel == b->header.pixel;
}

static li_status
open_chain(const li_layer *layer, layer_rows *self)
{
    li_ctx *ctx = self->base.ctx;
    const li_plan *plan = &layer->plan;
    li_input input;
    LI_TRY(layer->open_input(layer, ctx, &self->source, &input));
    if (!is_same(&input, &layer->input))
        return li_fail(ctx, LI_E103_SOURCE_CHANGED, "overlay: its source has changed");
    LI_TRY(li_decoder_open(ctx, self->source, &input, plan, &self->chain));
    for (size_t i = 0; i < plan->count; i++)
        LI_TRY(plan->ops[i].kind->open(&plan->ops[i], plan->infos[i], &self->chain));
    return LI_OK;
}

static li_status
layer_open(const li_picture *picture, li_ctx *ctx, li_rows **rows)
{
    const li_layer *layer = (const li_layer *)picture;
    li_limits own = ctx->limits;
    *rows = NULL;
    LI_TRY(li_rows_push(ctx, sizeof(layer_rows), &layer_ops, picture->info, rows));
    ((layer_rows *)*rows)->layer = layer;
    ctx->limits = both_limits(&own, &layer->limits);
    below kept = enter_layer(layer, ctx);
    li_status status = open_chain(layer, (layer_rows *)*rows);
    leave_layer(ctx, kept);
    ctx->limits = own;
    if (status != LI_OK)
        li_rows_close(rows);
    return name_step(ctx, status);
}

/* --- before the plan ---------------------------------------------------------------
 */

/* In sRGB, in whatever layout it comes. */
static li_request
request_of(const li_layer *layer)
{
    li_request request = layer->request;
    request.mode = 0;
    request.keep = 0;
    request.to_srgb = true;
    return request;
}

/* Once to see whether it is gray and deep, then with alpha. Its rows are not kept: it
 * costs what a file does. */
static li_status
plan_layer(li_ctx *ctx, const li_input *input, li_layer *layer)
{
    li_request request = request_of(layer);
    request.steps = layer->known;
    request.rules_off |= LI_NO_PLANES;
    request.threads = LI_THREADS_ONE;
    request.output = LI_OUTPUT_FILE;
    LI_TRY(li_plan_make(ctx, input, &request, &layer->plan));
    li_pixel is = layer->plan.out.pixel;
    li_plan_free(ctx, &layer->plan);
    request.mode = li_pixel_with_depth(li_pixel_is_gray(is) ? LI_GRAYA8 : LI_RGBA8,
                                       li_pixel_is_deep(is));
    return li_plan_make(ctx, input, &request, &layer->plan);
}

static li_status
prepare(li_ctx *ctx, li_layer *layer, const li_usher *usher, li_source **source)
{
    li_look look = {.usher = usher};
    li_request request = request_of(layer);
    LI_TRY(layer->open_input(layer, ctx, source, &layer->input));
    LI_TRY(li_input_colour(ctx, *source, true, &layer->input));
    LI_TRY(li_look_at(ctx, *source, &layer->input, &request, layer->known, &look));
    LI_TRY(plan_layer(ctx, &layer->input, layer));
    layer->base.info = layer->plan.out;
    layer->base.bytes =
        li_sat_add(layer->plan.bytes, sizeof(layer_rows) + LI_BLOCK_OVERHEAD);
    if (look.bytes > layer->base.bytes)
        layer->base.bytes = look.bytes;
    return LI_OK;
}

li_status
li_layer_prepare(li_ctx *ctx, li_layer *layer, const li_usher *usher)
{
    li_limits own = ctx->limits;
    li_source *source = NULL;
    li_layer_free(layer);
    layer->ctx = ctx;
    layer->base.open = layer_open;
    ctx->limits = both_limits(&own, &layer->limits);
    below kept = enter_layer(layer, ctx);
    li_status status = prepare(ctx, layer, usher, &source);
    leave_layer(ctx, kept);
    ctx->limits = own;
    status = li_source_blame(source, status);
    li_source_close(&source);
    return name_step(ctx, status);
}

void
li_layer_free(li_layer *layer)
{
    if (layer->ctx) {
        li_plan_free(layer->ctx, &layer->plan);
        li_input_close(&layer->input);
    }
    layer->ctx = NULL;
}
