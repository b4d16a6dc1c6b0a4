/* run.h: from a source to a result: open, plan, one loop. Layer 3. */
#ifndef LI_ENGINE_RUN_H
#define LI_ENGINE_RUN_H

#include "engine/plan.h"
#include "image/tensor.h"

typedef struct li_times {
    int64_t decode_ns, ops_ns, encode_ns;
    li_ahead_use ahead; /* its time is in no other */
    uint8_t kept;       /* LI_KEEP_… of what the output has got */
} li_times;

/* Where the picture goes: exactly one of the two. */
typedef struct li_target {
    li_out *out;
    const li_tensor *tensor;
} li_target;

/* Find the codec, read the header, check it against the limits. */
li_status li_input_open(li_ctx *ctx, li_source *source, li_input *input) LI_MUST_CHECK;
/* Open what its ICC profile asks for, a frame's that of its metadata: input->icc, on
 * ctx; li_input_close ends that. !converts: only look what it says. */
li_status li_input_colour(li_ctx *ctx, li_source *source, bool converts,
                          li_input *input) LI_MUST_CHECK;
/* A picture in memory as the input; its pixels are borrowed. */
li_status li_input_frame(li_ctx *ctx, const li_frame *frame,
                         li_input *input) LI_MUST_CHECK;

/* The decoded rows of a plan that goes by rows, on ctx. */
li_status li_decoder_open(li_ctx *ctx, li_source *source, const li_input *input,
                          const li_plan *plan, li_rows **rows) LI_MUST_CHECK;
/* The decoded planes of a plan that goes by planes. */
li_status li_planes_open(li_ctx *ctx, li_source *source, const li_input *input,
                         const li_plan *plan, li_rows *ports[LI_PLANES]) LI_MUST_CHECK;
/* A stage that adds what the one below takes to *spent_ns, which is borrowed. */
li_status li_meter_push(li_ctx *ctx, int64_t *spent_ns, li_rows **chain) LI_MUST_CHECK;

/* Run the plan. Returns before the source is verified: the caller asks
 * li_source_verify, then lets the result out. */
li_status li_plan_run(li_ctx *ctx, li_source *source, const li_input *input,
                      const li_request *request, const li_plan *plan, li_target target,
                      li_times *times) LI_MUST_CHECK;

#endif
