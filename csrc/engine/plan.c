/* plan.c: a request and a header become a list of ops with every number in it, what the
 * decoder is asked for, and what the job will cost. Layer 3. */
#include "engine/plan.h"
#include "engine/carry.h"
#include "engine/decode.h"
#include "engine/geometry.h"
#include "ops/salvage.h"

#include <string.h>

/* --- the draft: what was written, in order --------------------------------------- */

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

static li_info
info_now(const li_draft *draft)
{
    return draft->count ? draft->infos[draft->count - 1] : draft->in;
}

/* An op that cannot do with the layout that there is gets another. */
static li_status
draft_op(li_draft *draft, const li_op *op)
{
    li_pixel is = info_now(draft).pixel;
    li_pixel wanted = op->kind->wants ? op->kind->wants(op, is) : is;
    if (wanted != is)
        LI_TRY(draft_convert(draft, wanted, NULL));
    return li_draft_add(draft, op);
}

static li_status
draft_resize(li_draft *draft, const li_step *step, li_info in)
{
    li_fitted fitted;
    LI_TRY(li_fit_size(draft->ctx, step, in, &fitted));
    bool filters = step->u.resize.kernel != LI_NEAREST &&
                   (fitted.width != in.width || fitted.height != in.height);
    li_span x = li_span_whole(in.width), y = li_span_whole(in.height);
    if (fitted.width > in.width || fitted.height > in.height)
        li_fit_cut(in, &fitted, &x, &y);
    li_op op = {.kind = &li_op_resize};
    op.u.resize = (li_resize){
        .width = fitted.width,
        .height = fitted.height,
        .kernel = step->u.resize.kernel,
        .x = x,
        .y = y,
        .linear = step->u.resize.linear && filters,
    };
    LI_TRY(li_draft_add(draft, &op));
    op = (li_op){.kind = &li_op_crop, .u.crop = fitted.kept};
    LI_TRY(li_draft_add(draft, &op));
    op = (li_op){.kind = &li_op_pad, .u.pad = fitted.pad};
    return step->u.resize.fit == LI_FIT_CONTAIN ? draft_op(draft, &op) : LI_OK;
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
draft_orient(li_draft *draft, li_orientation orientation)
{
    li_op op = {.kind = &li_op_orient, .u.orient = orientation};
    draft->transposed ^= li_orient_transposes(orientation);
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
    li_info in = info_now(draft);
    bool alpha = li_pixel_has_alpha(in.pixel), deep = li_pixel_is_deep(in.pixel);
    switch (step->type) {
    case LI_STEP_RESIZE:
        return draft_resize(draft, step, in);
    case LI_STEP_CROP:
        return draft_crop(draft, step, in);
    case LI_STEP_ORIENT:
        return draft_orient(draft, step->u.orient);
    case LI_STEP_GRAYSCALE:
        return draft_convert(
            draft, li_pixel_with_depth(alpha ? LI_GRAYA8 : LI_GRAY8, deep), NULL);
    case LI_STEP_BRIGHTNESS:
    case LI_STEP_CONTRAST:
        return draft_tone(draft, step);
    case LI_STEP_CONVERT:
        return draft_convert(draft, li_pixel_with_depth(step->u.convert, deep), NULL);
    case LI_STEP_OP:
        return draft_op(draft, &step->u.op);
    case LI_STEP_TRIM:
        break;
    }
    return li_fail(draft->ctx, LI_E901_INTERNAL, "plan: step type %d", (int)step->type);
}

static const char *
step_name(const li_step *step)
{
    static const char *const names[] = {
        [LI_STEP_RESIZE] = "resize",         [LI_STEP_CROP] = "crop",
        [LI_STEP_ORIENT] = "orient",         [LI_STEP_GRAYSCALE] = "grayscale",
        [LI_STEP_BRIGHTNESS] = "brightness", [LI_STEP_CONTRAST] = "contrast",
        [LI_STEP_CONVERT] = "convert",       [LI_STEP_TRIM] = "trim",
    };
    return step->type == LI_STEP_OP ? step->u.op.kind->name : names[step->type];
}

/* The layout that the output gets, if the last op hands out `last`. */
static li_pixel
output_pixel(const li_request *request, li_pixel last)
{
    li_pixel wanted = request->mode ? request->mode : last;
    bool pixels = request->output == LI_OUTPUT_PIXELS;
    if (request->codec)
        wanted = li_convert_onto(last, request->codec->accepts(last, &request->encode),
                                 request->background);
    if (!pixels || wanted == LI_CMYK8)
        return wanted;
    /* Floats are as deep as what they are made from. */
    bool deep = request->sample_bytes == sizeof(uint16_t) ||
                (request->sample_bytes == sizeof(float) && li_pixel_is_deep(last));
    return li_pixel_with_depth(wanted, deep);
}

/* To the depth and the layout that the output gets. */
static li_status
draft_output(li_draft *draft, const li_request *request)
{
    li_pixel last = info_now(draft).pixel, wanted = output_pixel(request, last);
    if (li_pixel_is_deep(last) && !li_pixel_is_deep(wanted)) {
        last = li_pixel_with_depth(last, false);
        LI_TRY(draft_convert(draft, last, NULL));
    }
    const uint8_t *background = request->codec ? request->background : NULL;
    return wanted == last ? LI_OK : draft_convert(draft, wanted, background);
}

static li_status
draft_all(li_draft *draft, const li_input *input, const li_request *request)
{
    li_op colours = {.kind = &li_op_color, .u.icc = draft->icc};
    draft->transposed = false;
    /* Colours and tones have all bits that there are, and are rounded last. */
    if (!draft->icc && li_pixel_is_deep(draft->in.pixel) &&
        !li_stretches_levels(request) &&
        !li_pixel_is_deep(output_pixel(request, draft->in.pixel)))
        LI_TRY(draft_convert(draft, li_pixel_with_depth(draft->in.pixel, false), NULL));
    if (draft->icc && input->header.pixel != LI_CMYK8)
        LI_TRY(draft_op(draft, &colours));
    if (request->auto_orient && input->codec && input->header.orientation > 1)
        LI_TRY(draft_orient(draft, input->header.orientation));
    for (size_t i = 0; i < request->step_count; i++) {
        li_status status = draft_step(draft, &request->steps[i]);
        if (status != LI_OK && !draft->ctx->step)
            draft->ctx->step = step_name(&request->steps[i]);
        LI_TRY(status);
    }
    return draft_output(draft, request);
}

/* --- the cost -------------------------------------------------------------------- */

/* Structs, the file buffer (64 KiB), the read window (256 KiB) and their block headers.
 */
enum { FIXED_BYTES = 16 << 10, FILE_BYTES = 66 << 10, WINDOW_BYTES = 257 << 10 };

static uint64_t
output_bytes(const li_input *input, const li_plan *plan, const li_request *request)
{
    if (request->codec && request->output != LI_OUTPUT_PIXELS)
        return li_sat_add(request->codec->output_bytes(plan->out, &plan->encode),
                          plan->keep ? li_metadata_out_bytes(&input->metadata) : 0);
    uint64_t pixels = (uint64_t)plan->out.width * plan->out.height;
    return li_sat_mul(pixels,
                      li_pixel_channels(plan->out.pixel) * request->sample_bytes);
}

/* A resize may bring its own crop, layout and padding; colours, with a depth that they
 * cannot do with, orientation, and the depth and layout of the output are six more. */
static size_t
most_ops(const li_request *request)
{
    return 4 * request->step_count + 6;
}

/* The plan's own two lists; a large block is rounded up to pages of 4096. */
static uint64_t
list_bytes(const li_request *request)
{
    return most_ops(request) * (sizeof(li_op) + sizeof(li_info)) +
           2 * (LI_BLOCK_OVERHEAD + 4096);
}

uint64_t
li_plan_reading_bytes(const li_input *input, const li_plan *plan)
{
    enum { BLOCKS = 3, PAGE = 4096 };
    uint64_t bytes = li_sat_add(FIXED_BYTES + WINDOW_BYTES, input->icc_bytes);
    if (li_metadata_any(&input->metadata))
        bytes = li_sat_add(bytes, li_metadata_total(&input->metadata) +
                                      BLOCKS * (LI_BLOCK_OVERHEAD + PAGE));
    if (input->codec)
        bytes =
            li_sat_add(bytes, input->codec->decode_bytes(&input->header, plan->hint));
    if (plan->salvages)
        bytes = li_sat_add(bytes, li_salvage_bytes(plan->decoded));
    return plan->cmyk ? li_sat_add(bytes, li_row_bytes(plan->decoded) + 4096) : bytes;
}

uint64_t
li_plan_writing_bytes(const li_request *request, const li_plan *plan)
{
    uint64_t bytes = li_sat_add(list_bytes(request), plan->carried_bytes);
    if (request->codec)
        bytes =
            li_sat_add(bytes, request->codec->encode_bytes(plan->out, &plan->encode));
    if (request->output == LI_OUTPUT_FILE)
        return li_sat_add(bytes, FILE_BYTES);
    /* below 1 MiB growing memory is copied: two blocks for a moment */
    return li_sat_add(bytes, plan->out_bytes < 1 << 20 ? plan->out_bytes : 1 << 20);
}

static void
plan_cost(const li_input *input, const li_request *request, li_plan *plan)
{
    plan->out_bytes = output_bytes(input, plan, request);
    uint64_t bytes = li_sat_add(li_plan_reading_bytes(input, plan),
                                li_plan_writing_bytes(request, plan));
    bytes = li_sat_add(bytes, li_planes_bytes(plan));
    li_info in = plan->decoded;
    for (size_t i = 0; i < plan->count; i++) {
        const li_op *op = &plan->ops[i];
        bytes = li_sat_add(bytes, op->kind->bytes(op, in, plan->infos[i]));
        in = plan->infos[i];
    }
    plan->bytes = bytes;
}

static uint64_t
needed_bytes(const li_plan *plan, const li_request *request)
{
    uint64_t held = request->output == LI_OUTPUT_FILE ? 0 : plan->out_bytes;
    return li_sat_add(plan->bytes, held);
}

/* The same as if the output were held, so that a file takes no other way than a buffer,
 * whose bound estimate() tells. */
static uint64_t
held_bytes(const li_plan *plan, const li_request *request)
{
    uint64_t bytes = plan->bytes, most = 1 << 20;
    if (request->output == LI_OUTPUT_FILE)
        bytes += (plan->out_bytes < most ? plan->out_bytes : most) - FILE_BYTES;
    return li_sat_add(bytes, plan->out_bytes);
}

/* An encoder that can do with less memory does, if the job does not fit its limit or
 * what is promised for 2000 × 2000: decoded bytes + 24 MB, of which the process
 * takes 16. */
static void
plan_memory(const li_ctx *ctx, const li_input *input, const li_request *request,
            li_plan *plan)
{
    bool small = (uint64_t)plan->stored.width * plan->stored.height < 4000000;
    uint64_t promised = li_sat_add(plan->decoded_bytes, small ? 24000000 : 8000000);
    uint64_t limit = ctx->limits.max_memory;
    if ((uint64_t)plan->out.width * plan->out.height > 2000 * 2000)
        promised = UINT64_MAX;
    limit = limit && limit < promised ? limit : promised;
    plan->encode = request->encode;
    (void)li_carry_numbers(input, request, plan->keep, &plan->encode.cicp);
    if (!plan->encode.bit_depth && li_pixel_is_deep(plan->out.pixel))
        plan->encode.bit_depth = input->header.bit_depth;
    plan_cost(input, request, plan);
    if (plan->encode.low_memory >= 0 || held_bytes(plan, request) <= limit)
        return;
    plan->encode.low_memory = 1;
    plan_cost(input, request, plan);
}

/* Large, streamed, and something is left to do meanwhile. */
static bool
pays_ahead(const li_input *input, const li_request *request, const li_plan *plan)
{
    enum { LEAST_PIXELS = 4000000 }; /* 30 ms of a PNG */
    return input->codec && input->codec->ahead && plan->way == LI_WAY_ROWS &&
           !input->header.held_bytes && request->threads != LI_THREADS_ONE &&
           !request->shared &&
           (uint64_t)plan->decoded.width * plan->decoded.height >= LEAST_PIXELS &&
           (request->codec || plan->count > 0);
}

/* The thread is left out where the memory limit has no room for it. */
static void
plan_ahead(const li_ctx *ctx, const li_input *input, const li_request *request,
           li_plan *plan)
{
    if (!pays_ahead(input, request, plan))
        return;
    uint64_t limit = ctx->limits.max_memory, alone = plan->bytes;
    plan->hint.ahead = true;
    plan_cost(input, request, plan);
    if (!limit || needed_bytes(plan, request) <= limit)
        return;
    plan->hint.ahead = false;
    plan->bytes = alone;
}

static li_status
check_budget(li_ctx *ctx, const li_plan *plan, const li_request *request)
{
    uint64_t limit = ctx->limits.max_memory, need = needed_bytes(plan, request);
    if (!limit || need <= limit)
        return LI_OK;
    return li_fail(ctx, LI_E124_MEMORY_BUDGET,
                   "plan: the job may need %llu bytes, limits(max_memory=%llu)",
                   (unsigned long long)need, (unsigned long long)limit);
}

/* --- the plan -------------------------------------------------------------------- */

/* A profile that goes with the samples is left to who shows them. */
bool
li_converts_first(const li_input *input, const li_request *request)
{
    return input->icc && request->to_srgb && request->mode != LI_CMYK8 &&
           (input->header.pixel == LI_CMYK8 ||
            !(request->keep & LI_KEEP_ICC && input->metadata.icc));
}

/* A picture with more than 8 bits that the output will keep, or that a step needs. */
static bool
decodes_deep(const li_input *input, const li_request *request)
{
    li_pixel pixel = input->header.pixel;
    if (!input->codec || !input->codec->deep || input->header.bit_depth <= 8)
        return false;
    if (request->shared)
        return request->shared->deep;
    return li_converts_first(input, request) || li_stretches_levels(request) ||
           li_pixel_is_deep(output_pixel(request, li_pixel_with_depth(pixel, true)));
}

static void
plan_start(const li_input *input, const li_request *request, li_plan *plan)
{
    memset(plan, 0, sizeof(*plan));
    plan->stored = input->frame.info;
    if (input->codec)
        plan->stored =
            (li_info){input->header.width, input->header.height, input->header.pixel};
    if (decodes_deep(input, request))
        plan->stored.pixel = li_pixel_with_depth(plan->stored.pixel, true);
    plan->decoded = plan->stored;
    plan->cmyk = plan->stored.pixel == LI_CMYK8;
    if (plan->cmyk && request->mode != LI_CMYK8)
        plan->decoded.pixel = LI_RGB8;
    plan->decoded_bytes = li_image_bytes(plan->stored);
    if (!request->keep || !li_metadata_any(&input->metadata))
        return;
    plan->carried_bytes = li_metadata_edit_bytes(&input->metadata);
    if (request->codec && request->output != LI_OUTPUT_PIXELS)
        plan->keep = request->keep;
}

static bool
adds_srgb(const li_draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        const li_op *op = &draft->ops[i];
        li_pixel in = i ? draft->infos[i - 1].pixel : draft->in.pixel;
        if (op->kind->adds_srgb && !li_draft_idle(draft, i) &&
            op->kind->adds_srgb(op, in))
            return true;
    }
    return false;
}

/* Whether a profile may go with the samples is known when it is known what layout the
 * steps come to: if not, once more, with colours converted first. */
static li_status
draft_colours(li_draft *draft, const li_input *input, const li_request *request,
              li_plan *plan)
{
    bool converts = request->to_srgb && request->mode != LI_CMYK8;
    draft->icc = li_converts_first(input, request) ? input->icc : NULL;
    LI_TRY(draft_all(draft, input, request));
    if ((converts && input->icc && adds_srgb(draft)) ||
        !li_keeps_profile(input, request, info_now(draft).pixel)) {
        plan->keep &= (uint8_t)~LI_KEEP_ICC;
        if (converts && input->icc && !draft->icc) {
            draft->count = 0;
            draft->icc = input->icc;
            LI_TRY(draft_all(draft, input, request));
        }
    }
    plan->icc = draft->icc;
    plan->transposed = draft->transposed;
    return LI_OK;
}

static li_status
plan_fill(li_ctx *ctx, const li_input *input, const li_request *request, li_plan *plan)
{
    li_draft draft = {
        .ctx = ctx, .in = plan->decoded, .ops = plan->ops, .infos = plan->infos};
    draft.room = most_ops(request);
    draft.fast = request->shrink == LI_SHRINK_FAST;
    LI_TRY(draft_colours(&draft, input, request, plan));
    LI_TRY(li_draft_rewrite(&draft, request->rules_off));
    bool rows = request->shared && !request->shared->planes;
    if (rows || !li_plan_planes(input, request, &draft, plan))
        LI_TRY(li_plan_decoder(ctx, input, request, &draft, plan));
    plan->count = draft.count;
    plan->out = info_now(&draft);
    plan->stale = li_stale_of(request->auto_orient && input->codec &&
                                  input->metadata.orientation > 1,
                              plan->icc || plan->cmyk,
                              plan->out.width != plan->stored.width ||
                                  plan->out.height != plan->stored.height);
    LI_TRY(li_check_output(ctx, "output", plan->out));
    plan_memory(ctx, input, request, plan);
    plan_ahead(ctx, input, request, plan);
    return check_budget(ctx, plan, request);
}

li_status
li_plan_make(li_ctx *ctx, const li_input *input, const li_request *request,
             li_plan *plan)
{
    li_request own = *request;
    plan_start(input, request, plan);
    plan->salvages = ctx->salvage && input->codec;
    if (plan->salvages) { /* row after row, from the first */
        own.rules_off |= LI_NO_PLANES | LI_NO_REGION | LI_NO_SKIM;
        own.threads = LI_THREADS_ONE;
    }
    size_t room = most_ops(request);
    LI_TRY(li_alloc(ctx, room, sizeof(plan->ops[0]), &plan->ops));
    li_status status = li_alloc(ctx, room, sizeof(plan->infos[0]), &plan->infos);
    if (status == LI_OK)
        status = plan_fill(ctx, input, &own, plan);
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
