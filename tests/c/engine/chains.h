/* chains.h: random pictures, random chains of steps, and whole jobs over them. */
#ifndef LI_TESTS_CHAINS_H
#define LI_TESTS_CHAINS_H

#include "engine/plans.h"
#include "engine/run.h"

enum { MOST_STEPS = 6, EVERY_RULE = 63 };

typedef struct picture {
    li_info info;
    uint8_t *samples; /* malloc */
} picture;

/* Smooth with noise, so that filters have something to do; alpha from `alpha` up. */
static inline picture
random_picture(uint32_t *state, uint32_t most_side, uint8_t alpha)
{
    static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    picture made = {.info = {1 + test_random(state) % most_side,
                             1 + test_random(state) % most_side,
                             layouts[test_random(state) % 4]}};
    uint32_t channels = li_pixel_channels(made.info.pixel);
    made.samples = malloc((size_t)li_image_bytes(made.info) + 1);
    uint8_t *to = made.samples;
    for (uint32_t y = 0; y < made.info.height; y++)
        for (uint32_t x = 0; x < made.info.width; x++)
            for (uint32_t c = 0; c < channels; c++) {
                uint32_t noise = test_random(state);
                bool is_alpha =
                    li_pixel_has_alpha(made.info.pixel) && c == channels - 1;
                *to++ = is_alpha ? (uint8_t)(alpha + noise % (256u - alpha))
                                 : (uint8_t)((x * 3 + y * (5 + c) + noise % 64) & 255);
            }
    return made;
}

static inline li_frame
frame_of(const picture *from)
{
    return (li_frame){from->info, (int64_t)li_row_bytes(from->info), from->samples};
}

/* What a chain of steps is allowed to hold. */
typedef struct chain_kind {
    bool turns; /* orientations that transpose */
    bool tones;
    uint32_t resizes; /* at most */
} chain_kind;

static inline li_step
random_resize(uint32_t *state, li_info in)
{
    uint32_t bits = test_random(state), n = test_random(state);
    li_step step = {LI_STEP_RESIZE,
                    {.resize = {1 + n % (in.width + 20),
                                1 + (n >> 12) % (in.height + 20),
                                (li_fit)(bits % 5),
                                (li_kernel)((bits >> 4) % 7),
                                bits >> 8 & 1,
                                (int8_t)(n % 3) - 1,
                                (int8_t)(bits % 3) - 1,
                                {{9, 9, 9, (uint8_t)n}},
                                false}}};
    if ((bits >> 9) % 4 == 0)
        step.u.resize.width = 0;
    else if ((bits >> 9) % 4 == 1)
        step.u.resize.height = 0;
    return step;
}

static inline li_step
random_step(uint32_t *state, li_info in, const chain_kind *kind, uint32_t *resizes)
{
    static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    uint32_t n = test_random(state), x = n % in.width, y = (n >> 8) % in.height;
    switch (test_random(state) % 8) {
    case 0:
    case 1:
        if ((*resizes)++ < kind->resizes)
            return random_resize(state, in);
        break;
    case 2:
        return step_orient((li_orientation)(1 + n % (kind->turns ? 8 : 4)));
    case 3:
        if (kind->tones)
            return step_value(n & 1 ? LI_STEP_BRIGHTNESS : LI_STEP_CONTRAST,
                              (int)(n % 201) - 100);
        break;
    case 4:
        return (li_step){.type = LI_STEP_GRAYSCALE};
    case 5:
        return step_convert(layouts[n % 4]);
    }
    return step_crop(x, y, 1 + (n >> 16) % (in.width - x),
                     1 + (n >> 20) % (in.height - y));
}

static inline li_request
pixel_request(const li_step *steps, size_t count, uint32_t rules_off)
{
    li_request request = fake_request(steps, count, rules_off);
    request.codec = NULL;
    request.output = LI_OUTPUT_PIXELS;
    return request;
}

/* As many steps as can be planned, one after the other. */
static inline size_t
random_chain(uint32_t *state, const li_input *input, const chain_kind *kind,
             li_step steps[MOST_STEPS])
{
    size_t wanted = 1 + test_random(state) % MOST_STEPS, count = 0;
    uint32_t resizes = 0;
    li_info now = input->frame.info;
    for (size_t i = 0; i < wanted; i++) {
        steps[count] = random_step(state, now, kind, &resizes);
        li_request request = pixel_request(steps, count + 1, EVERY_RULE);
        li_ctx ctx;
        li_plan plan;
        li_ctx_init(&ctx, NULL);
        ctx.limits.max_output_pixels = 40000; /* grown beyond: dropped */
        if (li_plan_make(&ctx, input, &request, &plan) == LI_OK) {
            now = plan.out;
            count++;
        }
        li_plan_free(&ctx, &plan);
    }
    return count;
}

/* The samples of a job (malloc), or NULL; ctx tells its peak and its error. */
static inline uint8_t *
run_pixels(li_ctx *ctx, li_source *source, const li_input *input,
           const li_request *request, li_plan *plan)
{
    li_times times;
    if (li_plan_make(ctx, input, request, plan) != LI_OK)
        return NULL;
    int64_t pixel = li_pixel_bytes(plan->out.pixel);
    uint8_t *samples = malloc((size_t)li_image_bytes(plan->out) + 1);
    li_tensor tensor = {.data = samples,
                        .row_stride = (int64_t)li_row_bytes(plan->out),
                        .column_stride = pixel,
                        .channel_stride = 1};
    li_target target = {.tensor = &tensor};
    if (li_plan_run(ctx, source, input, request, plan, target, &times) == LI_OK) {
        CHECK(times.decode_ns >= 0 && times.ops_ns >= 0 && times.encode_ns >= 0);
        return samples;
    }
    free(samples);
    return NULL;
}

/* The encoded bytes of a job, to be released; NULL and ctx->status if it failed. */
static inline uint8_t *
run_encoded(li_ctx *ctx, li_source *source, const li_input *input,
            const li_request *request, size_t *size)
{
    li_plan plan;
    li_out *out = NULL;
    li_times times;
    uint8_t *data = NULL;
    li_status status = li_plan_make(ctx, input, request, &plan);
    if (status == LI_OK)
        status = li_out_to_memory(ctx, &out);
    if (status == LI_OK) {
        li_out_expect(out, plan.out_bytes);
        status = li_plan_run(ctx, source, input, request, &plan,
                             (li_target){.out = out}, &times);
    }
    if (status == LI_OK)
        status = li_out_detach(out, &data, size);
    if (status == LI_OK) {
        CHECK(ctx->peak_bytes <= plan.bytes + plan.out_bytes);
        CHECK(*size <= plan.out_bytes);
    }
    li_out_close(&out);
    li_plan_free(ctx, &plan);
    return data;
}

#endif
