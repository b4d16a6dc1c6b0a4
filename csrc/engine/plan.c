/* plan.c: a request and a header become a list of ops with every number in it, what the
 * decoder is asked for, and what the job will cost. Layer 3. */
#include "engine/plan.h"
#include "engine/geometry.h"
#include "engine/rules.h"
#include "ops/resample.h"

#include <string.h>

/* --- the draft: what was written, in order --------------------------------------- */

static li_status
draft_resize(li_draft *draft, const li_step *step, li_info in)
{
    li_fitted fitted;
    LI_TRY(li_fit_size(draft->ctx, step, in, &fitted));
    li_op op = {.kind = &li_op_resize};
    op.u.resize = (li_resize){
        .width = fitted.width,
        .height = fitted.height,
        .kernel = step->u.resize.kernel,
        .x = li_span_whole(in.width),
        .y = li_span_whole(in.height),
    };
    LI_TRY(li_draft_add(draft, &op));
    op = (li_op){.kind = &li_op_crop, .u.crop = fitted.kept};
    return li_draft_add(draft, &op);
}

static li_status
draft_crop(li_draft *draft, const li_step *step, li_info in)
{
    int64_t x = step->u.crop.x, y = step->u.crop.y;
    int64_t width = step->u.crop.width, height = step->u.crop.height;
    if (width < 1 || height < 1)
        return li_fail(draft->ctx, LI_E201_CROP_SIZE, "crop: %lldx%lld has no pixels",
                       (long long)width, (long long)height);
    /* By subtraction, so that nothing can wrap. */
    if (x < 0 || y < 0 || width > in.width || height > in.height ||
        x > in.width - width || y > in.height - height)
        return li_fail(draft->ctx, LI_E200_CROP_BOUNDS,
                       "crop: %lldx%lld+%lld+%lld is outside %ux%u", (long long)width,
                       (long long)height, (long long)x, (long long)y, in.width,
                       in.height);
    li_op op = {.kind = &li_op_crop};
    op.u.crop = (li_rect){(uint32_t)x, (uint32_t)y, (uint32_t)width, (uint32_t)height};
    return li_draft_add(draft, &op);
}

static li_status
draft_convert(li_draft *draft, li_pixel pixel, const uint8_t *background)
{
    li_op op = {.kind = &li_op_convert, .u.convert = {.pixel = pixel}};
    if (background) {
        op.u.convert.flatten = true;
        memcpy(op.u.convert.background, background, 3);
    }
    return li_draft_add(draft, &op);
}

static li_status
draft_orient(li_draft *draft, li_orientation orientation)
{
    li_op op = {.kind = &li_op_orient, .u.orient = orientation};
    return li_draft_add(draft, &op);
}

static li_status
draft_tone(li_draft *draft, const li_step *step)
{
    li_op op = {.kind = &li_op_tone};
    if (step->type == LI_STEP_BRIGHTNESS)
        li_tone_brightness(&op.u.tone, step->u.value);
    else
        li_tone_contrast(&op.u.tone, step->u.value);
    return li_draft_add(draft, &op);
}

static li_status
draft_step(li_draft *draft, const li_step *step)
{
    li_info in = draft->count ? draft->infos[draft->count - 1] : draft->in;
    bool alpha = li_pixel_has_alpha(in.pixel);
    switch (step->type) {
    case LI_STEP_RESIZE:
        return draft_resize(draft, step, in);
    case LI_STEP_CROP:
        return draft_crop(draft, step, in);
    case LI_STEP_ORIENT:
        return draft_orient(draft, step->u.orient);
    case LI_STEP_GRAYSCALE:
        return draft_convert(draft, alpha ? LI_GRAYA8 : LI_GRAY8, NULL);
    case LI_STEP_BRIGHTNESS:
    case LI_STEP_CONTRAST:
        return draft_tone(draft, step);
    case LI_STEP_CONVERT:
        return draft_convert(draft, step->u.convert, NULL);
    }
    return li_fail(draft->ctx, LI_E901_INTERNAL, "plan: step type %d", (int)step->type);
}

static const char *
step_name(li_step_type type)
{
    static const char *const names[] = {
        [LI_STEP_RESIZE] = "resize",         [LI_STEP_CROP] = "crop",
        [LI_STEP_ORIENT] = "orient",         [LI_STEP_GRAYSCALE] = "grayscale",
        [LI_STEP_BRIGHTNESS] = "brightness", [LI_STEP_CONTRAST] = "contrast",
        [LI_STEP_CONVERT] = "convert",
    };
    return names[type];
}

static li_status
draft_all(li_draft *draft, const li_input *input, const li_request *request)
{
    if (request->auto_orient && input->codec && input->header.orientation > 1)
        LI_TRY(draft_orient(draft, input->header.orientation));
    for (size_t i = 0; i < request->step_count; i++) {
        li_status status = draft_step(draft, &request->steps[i]);
        if (status != LI_OK && !draft->ctx->step)
            draft->ctx->step = step_name(request->steps[i].type);
        LI_TRY(status);
    }
    li_pixel last =
        draft->count ? draft->infos[draft->count - 1].pixel : draft->in.pixel;
    li_pixel wanted = request->mode ? request->mode : last;
    if (request->codec)
        wanted = request->codec->accepts(last);
    if (wanted == last)
        return LI_OK;
    return draft_convert(draft, wanted, request->codec ? request->background : NULL);
}

/* --- the decoder's share --------------------------------------------------------- */

static const li_op *
first_op(const li_draft *draft, const li_op_kind *kind)
{
    return draft->count && draft->ops[0].kind == kind ? &draft->ops[0] : NULL;
}

/* A leading crop is the decoder's region, if it knows regions. Exact: it decodes a
 * margin and drops it. */
static bool
take_region(li_draft *draft, li_rect *region)
{
    const li_op *crop = first_op(draft, &li_op_crop);
    if (!crop)
        return false;
    *region = crop->u.crop;
    li_draft_drop_first(draft);
    return true;
}

/* Does the encoder lose more than a safe shrink does? From quality 90 on, and where
 * nothing is lost, a shrink would show (SSIMULACRA2 99 becomes 94 at 2/8). */
static bool
hides_shrink(const li_request *request)
{
    enum { FINE_QUALITY = 90 };
    if (!request->codec || !request->codec->default_quality)
        return false;
    uint8_t quality = request->encode.quality;
    return (quality ? quality : request->codec->default_quality) < FINE_QUALITY;
}

/* How many decoded pixels, in eighths, must stay for each output pixel; 0: never
 * shrink. `fast` is what sharp does: any shrink that does not enlarge. `safe` keeps
 * within one SSIMULACRA2 point of `exact`; at 1/8 libjpeg only takes block means, so
 * that needs more. Measured: docs/notes/plan.md. */
static uint32_t
residual_of(const li_request *request, uint32_t shrink)
{
    if (request->shrink == LI_SHRINK_FAST)
        return 8;
    if (request->shrink == LI_SHRINK_EXACT || !hides_shrink(request))
        return 0;
    return shrink == 1 ? 24 : 14;
}

/* A leading downscale lets the decoder leave high frequencies out. 5/8 to 7/8 cost more
 * than full size (no SIMD in libjpeg-turbo). Measured, not exact. */
static uint8_t
choose_shrink(const li_draft *draft, const li_request *request)
{
    const li_op *op = first_op(draft, &li_op_resize);
    if (!op || op->u.resize.kernel == LI_NEAREST)
        return 8;
    const li_resize *resize = &op->u.resize;
    for (uint32_t shrink = 1; shrink <= 4; shrink++) {
        uint32_t residual = residual_of(request, shrink);
        if (residual && li_span_allows(resize->x, resize->width, shrink, residual) &&
            li_span_allows(resize->y, resize->height, shrink, residual))
            return (uint8_t)shrink;
    }
    return 8;
}

/* The region in shrunk pixels that holds every pixel which stands for a part of `rect`.
 */
static void
shrink_region(const li_rect *rect, uint32_t shrink, li_info whole, li_hint *hint)
{
    uint64_t left = (uint64_t)rect->x * shrink / 8,
             top = (uint64_t)rect->y * shrink / 8;
    uint64_t right = ((uint64_t)(rect->x + (uint64_t)rect->width) * shrink + 7) / 8;
    uint64_t bottom = ((uint64_t)(rect->y + (uint64_t)rect->height) * shrink + 7) / 8;
    right = right < whole.width ? right : whole.width;
    bottom = bottom < whole.height ? bottom : whole.height;
    hint->region.x = (uint32_t)left;
    hint->region.y = (uint32_t)top;
    hint->region.width = (uint32_t)(right - left);
    hint->region.height = (uint32_t)(bottom - top);
}

/* What of an axis the resize reads at all, or stands for: box leaves out a pixel whose
 * centre is outside the span that begins in it. *span is told from there on. */
static void
narrow_axis(li_kernel kernel, uint32_t outputs, uint32_t inputs, li_span *span,
            uint32_t *first, uint32_t *count)
{
    li_axis_plan axis = {kernel, *span, outputs, inputs};
    uint32_t low, last, taps;
    li_axis_reach(&axis, outputs - 1, &last, &taps);
    uint64_t end = (span->start + span->length + span->unit - 1) / span->unit;
    end = end > last + (uint64_t)taps ? end : last + (uint64_t)taps;
    li_axis_reach(&axis, 0, &low, &taps);
    uint64_t begin = span->start / span->unit;
    *first = begin < low ? (uint32_t)begin : low;
    *count = (uint32_t)(end < inputs ? end : inputs) - *first;
    span->start -= *first * span->unit;
}

/* A leading resize that shows a part needs no more than that part and the filter's
 * reach around it. Exact: every tap is there. */
static void
narrow_region(li_draft *draft, li_plan *plan)
{
    const li_op *op = first_op(draft, &li_op_resize);
    if (!op || op->u.resize.kernel == LI_NEAREST)
        return;
    li_resize *resize = &draft->ops[0].u.resize;
    li_rect part;
    narrow_axis(resize->kernel, resize->width, draft->in.width, &resize->x, &part.x,
                &part.width);
    narrow_axis(resize->kernel, resize->height, draft->in.height, &resize->y, &part.y,
                &part.height);
    if (part.width == draft->in.width && part.height == draft->in.height)
        return;
    plan->hint.region.x += part.x;
    plan->hint.region.y += part.y;
    plan->hint.region.width = part.width;
    plan->hint.region.height = part.height;
    draft->in.width = part.width;
    draft->in.height = part.height;
}

static void
plan_shrink(li_draft *draft, const li_rect *rect, li_plan *plan)
{
    uint32_t shrink = plan->hint.shrink;
    li_resize *resize = &draft->ops[0].u.resize;
    resize->x = li_span_shrink(resize->x, rect->x, shrink, plan->hint.region.x);
    resize->y = li_span_shrink(resize->y, rect->y, shrink, plan->hint.region.y);
}

/* Region, shrink, and again the region that is left to read. */
static li_status
plan_decoder(li_ctx *ctx, const li_input *input, const li_request *request,
             li_draft *draft, li_plan *plan)
{
    const li_codec *codec = input->codec;
    if (!codec)
        return LI_OK;
    li_rect rect = {0, 0, plan->stored.width, plan->stored.height};
    bool regions = codec->regions && !(request->rules_off & LI_NO_REGION);
    bool cropped = regions && take_region(draft, &rect);
    bool shrinks = codec->shrinks && !(request->rules_off & LI_NO_SHRINK);
    plan->hint.shrink = shrinks ? choose_shrink(draft, request) : 8;
    li_pixel pixel = plan->decoded.pixel;
    plan->decoded = codec->decoded(&input->header, plan->hint);
    plan->decoded.pixel = pixel;
    draft->in = plan->decoded;
    if (cropped) {
        shrink_region(&rect, plan->hint.shrink, plan->decoded, &plan->hint);
        draft->in.width = plan->hint.region.width;
        draft->in.height = plan->hint.region.height;
    }
    if (plan->hint.shrink != 8)
        plan_shrink(draft, &rect, plan);
    if (regions)
        narrow_region(draft, plan);
    plan->decoded = draft->in;
    if (!draft->count)
        return LI_OK;
    return draft->ops[0].kind->shape(ctx, &draft->ops[0], draft->in, &draft->infos[0]);
}

/* --- the cost -------------------------------------------------------------------- */

/* Structs, the file buffer (64 KiB), the read window (256 KiB) and their block headers.
 */
enum { FIXED_BYTES = 16 << 10, FILE_BYTES = 66 << 10, WINDOW_BYTES = 257 << 10 };

static uint64_t
output_bytes(const li_plan *plan, const li_request *request)
{
    if (request->codec)
        return request->codec->output_bytes(plan->out, &request->encode);
    return li_sat_mul(li_image_bytes(plan->out), request->sample_bytes);
}

/* A resize may bring its own crop; orientation and the output's layout are two more. */
static size_t
most_ops(const li_request *request)
{
    return 2 * request->step_count + 2;
}

/* The plan's own two lists; a large block is rounded up to pages of 4096. */
static uint64_t
list_bytes(const li_request *request)
{
    return most_ops(request) * (sizeof(li_op) + sizeof(li_info)) +
           2 * (LI_BLOCK_OVERHEAD + 4096);
}

static void
plan_cost(const li_input *input, const li_request *request, li_plan *plan)
{
    uint64_t bytes = li_sat_add(FIXED_BYTES + WINDOW_BYTES, list_bytes(request));
    if (input->codec)
        bytes =
            li_sat_add(bytes, input->codec->decode_bytes(&input->header, plan->hint));
    if (plan->cmyk)
        bytes = li_sat_add(bytes, li_row_bytes(plan->decoded) + 4096);
    li_info in = plan->decoded;
    for (size_t i = 0; i < plan->count; i++) {
        const li_op *op = &plan->ops[i];
        bytes = li_sat_add(bytes, op->kind->bytes(op, in, plan->infos[i]));
        in = plan->infos[i];
    }
    if (request->codec)
        bytes = li_sat_add(bytes,
                           request->codec->encode_bytes(plan->out, &request->encode));
    plan->out_bytes = output_bytes(plan, request);
    if (request->output == LI_OUTPUT_FILE)
        bytes = li_sat_add(bytes, FILE_BYTES);
    else /* below 1 MiB growing memory is copied: two blocks for a moment */
        bytes =
            li_sat_add(bytes, plan->out_bytes < 1 << 20 ? plan->out_bytes : 1 << 20);
    plan->bytes = bytes;
}

static li_status
check_budget(li_ctx *ctx, const li_plan *plan, const li_request *request)
{
    uint64_t limit = ctx->limits.max_memory;
    uint64_t held = request->output == LI_OUTPUT_FILE ? 0 : plan->out_bytes;
    uint64_t need = li_sat_add(plan->bytes, held);
    if (!limit || need <= limit)
        return LI_OK;
    return li_fail(ctx, LI_E124_MEMORY_BUDGET,
                   "plan: the job may need %llu bytes, limits(max_memory=%llu)",
                   (unsigned long long)need, (unsigned long long)limit);
}

/* --- the plan -------------------------------------------------------------------- */

static void
plan_start(const li_input *input, const li_request *request, li_plan *plan)
{
    memset(plan, 0, sizeof(*plan));
    plan->stored = input->frame.info;
    if (input->codec)
        plan->stored =
            (li_info){input->header.width, input->header.height, input->header.pixel};
    plan->decoded = plan->stored;
    plan->cmyk = plan->stored.pixel == LI_CMYK8;
    if (plan->cmyk && request->mode != LI_CMYK8)
        plan->decoded.pixel = LI_RGB8;
    plan->decoded_bytes = li_image_bytes(plan->stored);
}

static li_status
plan_fill(li_ctx *ctx, const li_input *input, const li_request *request, li_plan *plan)
{
    li_draft draft = {
        .ctx = ctx, .in = plan->decoded, .ops = plan->ops, .infos = plan->infos};
    draft.room = most_ops(request);
    LI_TRY(draft_all(&draft, input, request));
    LI_TRY(li_draft_rewrite(&draft, request->rules_off));
    LI_TRY(plan_decoder(ctx, input, request, &draft, plan));
    plan->count = draft.count;
    plan->out = draft.count ? draft.infos[draft.count - 1] : plan->decoded;
    LI_TRY(li_check_output(ctx, "output", plan->out));
    plan_cost(input, request, plan);
    return check_budget(ctx, plan, request);
}

li_status
li_plan_make(li_ctx *ctx, const li_input *input, const li_request *request,
             li_plan *plan)
{
    plan_start(input, request, plan);
    size_t room = most_ops(request);
    LI_TRY(li_alloc(ctx, room, sizeof(plan->ops[0]), &plan->ops));
    li_status status = li_alloc(ctx, room, sizeof(plan->infos[0]), &plan->infos);
    if (status == LI_OK)
        status = plan_fill(ctx, input, request, plan);
    if (status != LI_OK)
        li_plan_free(ctx, plan);
    return status;
}

void
li_plan_free(li_ctx *ctx, li_plan *plan)
{
    li_free(ctx, &plan->ops);
    li_free(ctx, &plan->infos);
    memset(plan, 0, sizeof(*plan));
}
