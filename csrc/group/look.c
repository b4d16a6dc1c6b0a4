/* look.c: steps whose numbers are in the pixels become steps with numbers. Layer 4. */
#include "group/look.h"
#include "engine/geometry.h"
#include "kernels/deep.h"
#include "quality/border.h"
#include "quality/salient.h"

#include <string.h>

/* What a look ends in: an output that keeps what was seen. */
typedef struct look_out {
    li_out base;
    uint8_t threshold;
    li_border border;
    li_salient salient;
} look_out;

typedef struct look_sink {
    li_sink base;
    look_out *out;                       /* borrowed */
    uint8_t narrow[LI_SALIENT_SIDE * 4]; /* a deep row in 8 bits */
} look_sink;

/* --- codecs that only look ---------------------------------------------------------
 */

static li_status
border_write(li_sink *sink, const uint8_t *row)
{
    li_border_row(&((look_sink *)sink)->out->border, row);
    return LI_OK;
}

static const li_sink_ops border_sink = {.name = "look", .write = border_write};

static li_status
border_open(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
            li_sink **sink)
{
    (void)encode;
    look_out *to = (look_out *)out;
    LI_TRY(li_sink_new(ctx, sizeof(look_sink), &border_sink, info, sink));
    ((look_sink *)*sink)->out = to;
    li_border_begin(&to->border, info, to->threshold);
    return LI_OK;
}

static li_status
salient_write(li_sink *sink, const uint8_t *row)
{
    look_sink *self = (look_sink *)sink;
    if (li_pixel_is_deep(sink->info.pixel)) {
        li_deep_to_bytes((const uint16_t *)(const void *)row, self->narrow,
                         (size_t)sink->info.width * 4);
        row = self->narrow;
    }
    li_salient_row(&self->out->salient, row);
    return LI_OK;
}

static const li_sink_ops salient_sink = {.name = "look", .write = salient_write};

static li_status
salient_open(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
             li_sink **sink)
{
    (void)encode;
    look_out *to = (look_out *)out;
    LI_TRY(li_sink_new(ctx, sizeof(look_sink), &salient_sink, info, sink));
    ((look_sink *)*sink)->out = to;
    info.pixel = LI_RGBA8;
    li_salient_begin(&to->salient, info);
    return LI_OK;
}

static uint64_t
look_bytes(li_info info, const li_encode *encode)
{
    (void)info;
    (void)encode;
    return sizeof(look_sink) + LI_BLOCK_OVERHEAD;
}

static uint64_t
look_output_bytes(li_info info, const li_encode *encode)
{
    (void)info;
    (void)encode;
    return 0;
}

/* As deep as it comes: a step before the trim is done with the bits that it would have
 * alone. */
static li_pixel
same_pixel(li_pixel pixel, const li_encode *encode)
{
    (void)encode;
    return pixel == LI_CMYK8 ? LI_RGB8 : pixel;
}

static li_pixel
rgba_pixel(li_pixel pixel, const li_encode *encode)
{
    (void)encode;
    return li_pixel_with_depth(LI_RGBA8, li_pixel_is_deep(pixel));
}

static const li_codec border_codec = {
    .name = "trim",
    .encode_bytes = look_bytes,
    .output_bytes = look_output_bytes,
    .accepts = same_pixel,
    .encode = border_open,
};

static const li_codec salient_codec = {
    .name = "attention",
    .encode_bytes = look_bytes,
    .output_bytes = look_output_bytes,
    .accepts = rgba_pixel,
    .encode = salient_open,
};

/* --- a run -------------------------------------------------------------------------
 */

typedef struct looker {
    li_ctx *ctx; /* borrowed, like all below */
    li_source *source;
    const li_input *input; /* without the colours that the job does not convert */
    const li_request *request;
    li_look *look;
    bool converts; /* the job does, before the first step */
} looker;

static li_request
request_of(const looker *self, const li_step *steps, size_t count,
           const li_codec *codec)
{
    return (li_request){.steps = steps,
                        .step_count = count,
                        .auto_orient = self->request->auto_orient,
                        .shrink = self->request->shrink,
                        .threads = self->request->threads,
                        .rules_off = self->request->rules_off,
                        .to_srgb = true,
                        .background = {255, 255, 255},
                        .output = LI_OUTPUT_BUFFER,
                        .codec = codec,
                        .encode = li_encode_default(),
                        .sample_bytes = 1};
}

static li_status
run_ushered(const looker *self, const li_request *request, const li_plan *plan,
            look_out *to)
{
    const li_usher *usher = self->look->usher;
    li_times times;
    if (usher)
        LI_TRY(usher->take(usher->arg, plan->bytes));
    int64_t start = li_now_ns();
    li_status status = li_plan_run(self->ctx, self->source, self->input, request, plan,
                                   (li_target){.out = &to->base}, &times);
    self->look->spent_ns += li_now_ns() - start;
    if (usher)
        usher->give(usher->arg);
    return status;
}

static void
take_note(li_look *look, const li_plan *plan)
{
    look->bytes = plan->bytes > look->bytes ? plan->bytes : look->bytes;
}

static li_status
run_look(const looker *self, const li_request *request, look_out *to)
{
    li_plan plan;
    li_look *look = self->look;
    LI_TRY(li_plan_make(self->ctx, self->input, request, &plan));
    li_status status = run_ushered(self, request, &plan, to);
    look->runs++;
    take_note(look, &plan);
    li_plan_free(self->ctx, &plan);
    return status;
}

/* --- trim --------------------------------------------------------------------------
 */

/* Of a picture that is nothing but border everything is kept. */
static li_step
crop_to(const li_border *border)
{
    li_step crop = {.type = LI_STEP_CROP};
    crop.u.crop.width = border->info.width;
    crop.u.crop.height = border->info.height;
    if (li_border_found(border)) {
        crop.u.crop.x = border->left;
        crop.u.crop.y = border->top;
        crop.u.crop.width = border->right - border->left;
        crop.u.crop.height = border->bottom - border->top;
    }
    return crop;
}

static li_status
look_for_border(const looker *self, li_step *steps, size_t i)
{
    look_out to = {.base = {.ctx = self->ctx}, .threshold = steps[i].u.trim};
    li_request request = request_of(self, steps, i, &border_codec);
    request.shrink = LI_SHRINK_EXACT;
    LI_TRY(run_look(self, &request, &to));
    steps[i] = crop_to(&to.border);
    return LI_OK;
}

/* --- attention ---------------------------------------------------------------------
 */

/* The picture that step i gets. */
static li_status
info_before(const looker *self, const li_step *steps, size_t i, li_info *info)
{
    li_plan plan;
    li_request request = request_of(self, steps, i, &border_codec);
    LI_TRY(li_plan_make(self->ctx, self->input, &request, &plan));
    *info = plan.out;
    take_note(self->look, &plan);
    li_plan_free(self->ctx, &plan);
    return LI_OK;
}

/* Along an axis of which `kept` of `scaled` pixels stay. */
static li_at
place_on(const uint32_t *sums, uint32_t count, uint32_t kept, uint32_t scaled)
{
    uint32_t length = (uint32_t)(((uint64_t)count * kept + scaled / 2) / scaled);
    length = length ? length : 1;
    if (length >= count)
        return 0;
    uint32_t spare = count - length, from = li_salient_window(sums, count, length);
    return (li_at)((2 * (int64_t)from - spare) * LI_AT_END / spare);
}

/* Small, and quickly: what draws the eye does so in a thumbnail, too. `steps` has room
 * for its resize at i, where the other one stands. */
static li_status
look_at_small(const looker *self, li_step *steps, size_t i, look_out *to)
{
    li_request request = request_of(self, steps, i + 1, &salient_codec);
    steps[i] = (li_step){.type = LI_STEP_RESIZE,
                         .u.resize = {.width = LI_SALIENT_SIDE,
                                      .height = LI_SALIENT_SIDE,
                                      .fit = LI_FIT_INSIDE,
                                      .kernel = LI_BOX}};
    request.shrink = LI_SHRINK_FAST;
    return run_look(self, &request, to);
}

static li_status
look_for_place(const looker *self, li_step *steps, size_t i)
{
    look_out to = {.base = {.ctx = self->ctx}};
    li_step resize = steps[i];
    li_fitted fitted;
    li_info info;
    resize.u.resize.at_x = resize.u.resize.at_y = 0;
    LI_TRY(info_before(self, steps, i, &info));
    LI_TRY(li_fit_size(self->ctx, &resize, info, &fitted));
    bool cuts = fitted.kept.width < fitted.width || fitted.kept.height < fitted.height;
    if (cuts)
        LI_TRY(look_at_small(self, steps, i, &to));
    steps[i] = resize;
    if (!cuts)
        return LI_OK;
    steps[i].u.resize.at_x = place_on(to.salient.columns, to.salient.info.width,
                                      fitted.kept.width, fitted.width);
    steps[i].u.resize.at_y = place_on(to.salient.lines, to.salient.info.height,
                                      fitted.kept.height, fitted.height);
    return LI_OK;
}

/* --- steps -------------------------------------------------------------------------
 */

static bool
needs_look(const li_step *step)
{
    return step->type == LI_STEP_TRIM ||
           (step->type == LI_STEP_RESIZE && step->u.resize.at_x == LI_AT_ATTENTION);
}

bool
li_look_needed(const li_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (needs_look(&steps[i]))
            return true;
    return false;
}

/* The same steps up to this one, seen by another. */
static bool
was_seen(const looker *self, li_step *known, size_t i)
{
    const li_look *look = self->look;
    for (size_t s = 0; s < look->seen_count; s++) {
        const li_seen *seen = &look->seen[s];
        size_t bytes = (i + 1) * sizeof(*known);
        if (seen->count <= i || seen->auto_orient != self->request->auto_orient ||
            seen->converts != self->converts ||
            memcmp(seen->written, self->request->steps, bytes) != 0)
            continue;
        known[i] = seen->known[i];
        return true;
    }
    return false;
}

static li_status
look_at_all(const looker *self, li_step *known)
{
    const li_request *request = self->request;
    for (size_t i = 0; i < request->step_count; i++) {
        const li_step *step = &request->steps[i];
        known[i] = *step;
        if (!needs_look(step) || was_seen(self, known, i))
            continue;
        li_status status = step->type == LI_STEP_TRIM ? look_for_border(self, known, i)
                                                      : look_for_place(self, known, i);
        if (status != LI_OK && !self->ctx->step)
            self->ctx->step = step->type == LI_STEP_TRIM ? "trim" : "resize";
        LI_TRY(status);
    }
    return LI_OK;
}

/* Does the job convert, because of what its steps come to? */
static li_status
find_converted(li_ctx *ctx, const li_input *input, const li_request *request,
               const li_step *known, bool *converts)
{
    li_request whole = *request;
    li_plan plan;
    whole.steps = known;
    LI_TRY(li_plan_make(ctx, input, &whole, &plan));
    *converts = plan.icc != NULL;
    li_plan_free(ctx, &plan);
    return LI_OK;
}

li_status
li_look_at(li_ctx *ctx, li_source *source, const li_input *input,
           const li_request *request, li_step *known, li_look *look)
{
    bool needed = li_look_needed(request->steps, request->step_count);
    bool converts = li_converts_first(input, request);
    li_input plain = *input;
    plain.icc = NULL;
    looker self = {ctx, source, converts ? input : &plain, request, look, converts};
    LI_TRY(look_at_all(&self, known));
    if (needed && !self.converts && input->icc && request->to_srgb) {
        LI_TRY(find_converted(ctx, input, request, known, &self.converts));
        self.input = input;
        if (self.converts) /* it has looked at other colours than the steps will get */
            LI_TRY(look_at_all(&self, known));
    }
    look->converts = self.converts;
    return LI_OK;
}

void
li_look_note(const li_look *look, li_plan *plan)
{
    plan->looks = look->runs;
    plan->look_bytes = look->bytes;
    plan->bytes = look->bytes > plan->bytes ? look->bytes : plan->bytes;
}
