/* decode.c: the decoder's share of the work: a region, a shrink, and again the region
 * that is left to read. Layer 3. */
#include "engine/decode.h"
#include "engine/geometry.h"
#include "ops/resample.h"

const li_op *
li_first_op(const li_draft *draft, const li_op_kind *kind)
{
    return draft->count && draft->ops[0].kind == kind ? &draft->ops[0] : NULL;
}

/* Light does, too: it has its dark levels between those of 8 bits. */
bool
li_stretches_levels(const li_request *request)
{
    for (size_t i = 0; i < request->step_count; i++) {
        const li_step *step = &request->steps[i];
        bool tone = step->type == LI_STEP_BRIGHTNESS || step->type == LI_STEP_CONTRAST;
        const li_op *op = step->type == LI_STEP_OP ? &step->u.op : NULL;
        bool light = step->type == LI_STEP_RESIZE && step->u.resize.linear &&
                     step->u.resize.kernel != LI_NEAREST;
        if (light || (tone && step->u.value != 0) ||
            (op && op->kind->stretches && op->kind->stretches(op)))
            return true;
    }
    return false;
}

/* A leading crop is the decoder's region, if it knows regions. Exact: it decodes a
 * margin and drops it. */
static bool
take_region(li_draft *draft, li_rect *region)
{
    const li_op *crop = li_first_op(draft, &li_op_crop);
    if (!crop)
        return false;
    *region = crop->u.crop;
    li_draft_drop_first(draft);
    return true;
}

/* Does the encoder lose more than a safe shrink does? From quality 90 on, and where
 * nothing is lost, a shrink would show (SSIMULACRA2 99 becomes 94 at 2/8). */
bool
li_hides_shrink(const li_request *request)
{
    enum { FINE_QUALITY = 90 };
    if (!request->codec || !request->codec->default_quality)
        return false;
    if (request->encode.lossless || request->encode.near_lossless >= 0)
        return false;
    uint8_t quality = request->encode.quality;
    return (quality ? quality : request->codec->default_quality) < FINE_QUALITY;
}

/* How many decoded pixels, in eighths, must stay for each output pixel; 0: never
 * shrink. `fast` is what sharp does: any shrink that does not enlarge. `safe` keeps
 * within one SSIMULACRA2 point of `exact`; at 1/8 libjpeg only takes block means, so
 * that needs more, as where it is brought out. Measured: docs/notes/plan.md. */
static uint32_t
residual_of(const li_draft *draft, const li_request *request, uint32_t shrink)
{
    enum { USUAL = 14, MORE = 24 };
    if (request->shrink == LI_SHRINK_FAST)
        return 8;
    if (request->shrink == LI_SHRINK_EXACT || !li_hides_shrink(request))
        return 0;
    if (li_ops_bring_out(draft->ops, draft->count))
        return shrink == 1 ? 0 : MORE;
    return shrink == 1 ? MORE : USUAL;
}

/* M of M/8. A leading downscale lets the decoder leave high frequencies out. 5/8 to 7/8
 * cost more than full size (no SIMD in libjpeg-turbo). Measured, not exact. */
static uint8_t
choose_shrink(const li_codec *codec, const li_draft *draft, const li_request *request)
{
    const li_resize *resize = &draft->ops[0].u.resize;
    for (uint32_t shrink = 1; codec->shrinks && shrink <= 4; shrink++) {
        uint32_t residual = residual_of(draft, request, shrink);
        if (residual && li_span_allows(resize->x, resize->width, shrink, residual) &&
            li_span_allows(resize->y, resize->height, shrink, residual))
            return (uint8_t)shrink;
    }
    return 8;
}

/* Two decoded pixels for each output pixel average away what a loop filter and smooth
 * chroma do at the edges of blocks. Measured, not exact: docs/notes/plan.md. */
static bool
allows_rough(const li_input *input, const li_draft *draft, const li_request *request)
{
    enum { LEFT = 2 * 8 };
    const li_resize *resize = &draft->ops[0].u.resize;
    if (!input->codec->roughs || input->header.lossless ||
        request->shrink == LI_SHRINK_EXACT ||
        (request->shrink == LI_SHRINK_SAFE &&
         (!li_hides_shrink(request) || li_ops_bring_out(draft->ops, draft->count))))
        return false;
    return li_span_allows(resize->x, resize->width, 8, LEFT) &&
           li_span_allows(resize->y, resize->height, 8, LEFT);
}

static li_hint
own_hint(const li_input *input, const li_draft *draft, const li_request *request,
         bool planes)
{
    li_hint hint = {.shrink = 8, .planes = planes};
    const li_op *op = li_first_op(draft, &li_op_resize);
    if (!op || op->u.resize.kernel == LI_NEAREST || op->u.resize.linear ||
        (request->rules_off & LI_NO_SHRINK))
        return hint;
    hint.shrink = choose_shrink(input->codec, draft, request);
    hint.rough = allows_rough(input, draft, request);
    return hint;
}

/* With several outputs: what all can do with, instead of what this one likes. */
/* A decoder that shrinks does not average light: linear takes all of the picture. */
li_hint
li_hint_of(const li_input *input, const li_draft *draft, const li_request *request,
           bool planes)
{
    li_hint hint = own_hint(input, draft, request, planes);
    hint.deep = li_pixel_is_deep(draft->in.pixel);
    const li_shared *shared = request->shared;
    if (shared) {
        hint.shrink = shared->shrink;
        hint.rough = shared->rough;
    }
    hint.skim = !(request->rules_off & LI_NO_SKIM) && !(shared && shared->no_skim) &&
                li_header_skims(&input->header, hint.shrink, planes);
    return hint;
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
    const li_op *op = li_first_op(draft, &li_op_resize);
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
li_status
li_plan_decoder(li_ctx *ctx, const li_input *input, const li_request *request,
                li_draft *draft, li_plan *plan)
{
    const li_codec *codec = input->codec;
    if (!codec)
        return LI_OK;
    li_rect rect = {0, 0, plan->stored.width, plan->stored.height};
    const li_shared *shared = request->shared;
    bool regions = codec->regions && !(request->rules_off & LI_NO_REGION) &&
                   !(shared && shared->whole);
    bool cropped = regions && take_region(draft, &rect);
    plan->hint = li_hint_of(input, draft, request, false);
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
