/* pipeline_check.h: one input through a whole job that 16 bytes choose, under small
 * limits; abort where a contract of plan.h is broken. Shared by the fuzzer and by the
 * test that runs what it once found. */
#ifndef LI_TESTS_PIPELINE_CHECK_H
#define LI_TESTS_PIPELINE_CHECK_H

#include "../second.h"
#include "codecs/decode_check.h"
#include "engine/carry.h"
#include "group/look.h"

enum { JOB_BYTES = 16, JOB_STEPS = 2, JOB_SIDE = 96, JOB_DECODE_SECONDS = 4 };

static const li_codec *const check_further[] = {
#if defined(LI_HAVE_AVIF)
    &li_codec_avif,
#endif
    NULL,
};

static inline li_step
job_overlay(const uint8_t bytes[5])
{
    li_step step = {LI_STEP_OP, {.op = {.kind = &li_op_overlay}}};
    step.u.op.u.overlay = (li_overlay){.picture = &second_picture,
                                       .placed = true,
                                       .x = bytes[1] % 64 - 8,
                                       .y = bytes[2] % 64 - 8,
                                       .opacity = (uint32_t)bytes[3] << 8,
                                       .tile = bytes[4] & 1};
    return step;
}

static inline li_step
job_step(const uint8_t bytes[5])
{
    static const li_step_type types[] = {
        LI_STEP_RESIZE,    LI_STEP_CROP,       LI_STEP_ORIENT,
        LI_STEP_GRAYSCALE, LI_STEP_BRIGHTNESS, LI_STEP_CONTRAST,
        LI_STEP_CONVERT,   LI_STEP_TRIM,       LI_STEP_OP,
    };
    li_step step = {.type = types[bytes[0] % 9]};
    switch (step.type) {
    case LI_STEP_RESIZE:
        step.u.resize.width = bytes[1] % JOB_SIDE;
        step.u.resize.height = bytes[2] % JOB_SIDE;
        step.u.resize.fit = (li_fit)(bytes[3] % 3);
        step.u.resize.kernel = (li_kernel)(bytes[4] % 5);
        step.u.resize.enlarge = bytes[4] & 128;
        step.u.resize.at_x = bytes[3] & 16 ? LI_AT_ATTENTION : 0;
        break;
    case LI_STEP_TRIM:
        step.u.trim = bytes[1];
        break;
    case LI_STEP_OP:
        return job_overlay(bytes);
    case LI_STEP_CROP:
        step.u.crop.x = bytes[1] / 4;
        step.u.crop.y = bytes[2] / 4;
        step.u.crop.width = bytes[3] % JOB_SIDE;
        step.u.crop.height = bytes[4] % JOB_SIDE;
        break;
    case LI_STEP_ORIENT:
        step.u.orient = (li_orientation)(1 + bytes[1] % 8);
        break;
    case LI_STEP_BRIGHTNESS:
    case LI_STEP_CONTRAST:
        step.u.value = bytes[1] % 201 - 100;
        break;
    case LI_STEP_CONVERT:
        step.u.convert =
            (li_pixel[]){LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8}[bytes[1] % 4];
        break;
    default:
        break;
    }
    return step;
}

static inline const li_codec *
job_codec(uint8_t byte)
{
    int count = 0;
    while (li_codecs[count])
        count++;
    if (byte % 16 == 15 && check_further[0]) /* seldom: it takes longest */
        return check_further[0];
    return li_codecs[byte % count];
}

static inline li_encode
job_encode(const uint8_t bytes[4])
{
    li_encode encode = li_encode_default();
    encode.quality = (uint8_t)(1 + bytes[0] % 100);
    encode.progressive = (int8_t)(bytes[1] % 3 - 1);
    encode.optimize = (int8_t)(bytes[1] / 3 % 3 - 1);
    encode.subsampling = (li_subsampling)(bytes[1] / 9 % 4);
    encode.effort = (int8_t)(bytes[3] / 16 - 6); /* negative: not given */
    encode.quant_table = (int8_t)(bytes[0] / 100 - 1);
    encode.compression = (int8_t)(bytes[2] % 11 - 1);
    encode.lossless = bytes[3] % 8 == 0;
    encode.method = (int8_t)(bytes[2] % 8 - 1);
    encode.interlace = bytes[3] % 4 == 1;
    encode.palette = bytes[3] % 5 == 1 ? (uint16_t)(2 + bytes[2] % 255) : 0;
    encode.bit_depth = (uint8_t[]){0, 8, 16, 10, 12, 0}[bytes[3] % 6];
    if (bytes[3] % 12 == 1)
        encode.bit_depth = (uint8_t)(1u << bytes[2] % 3);
    encode.low_memory = (int8_t)(bytes[3] % 3 - 1);
    encode.smart_subsample = bytes[3] % 16 == 9;
    encode.speed = 10;
    return encode;
}

/* bytes: 5 a step, the output's format, 4 of its options, and 1 of the plan's. */
static inline li_request
job_request(const uint8_t bytes[JOB_BYTES], li_step steps[JOB_STEPS])
{
    for (int i = 0; i < JOB_STEPS; i++)
        steps[i] = job_step(bytes + i * 5);
    uint8_t how = bytes[15];
    return (li_request){
        .steps = steps,
        .step_count = how % (JOB_STEPS + 1),
        .auto_orient = how & 16,
        .shrink = (li_shrink_policy)(how / 32 % 3),
        .threads = how & 8 ? LI_THREADS_TWO : LI_THREADS_ONE,
        .to_srgb = how & 4,
        .background = {bytes[11], 255, bytes[12]},
        .keep = bytes[12] % 16,
        .output = LI_OUTPUT_BUFFER,
        .codec = job_codec(bytes[10]),
        .encode = job_encode(bytes + 11),
        .sample_bytes = 1,
    };
}

/* What was written must open, at the size that was planned. */
static inline void
check_written(const uint8_t *data, size_t size, const li_codec *codec, li_info out)
{
    li_limits limits = check_limits();
    li_source *source = NULL;
    li_input input;
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    ctx.further = check_further;
    li_status status = li_source_borrow(&ctx, data, size, &source);
    if (status == LI_OK)
        status = li_input_open(&ctx, source, &input);
    check_that(status == LI_OK && input.codec == codec, "what was written", &ctx);
    check_that(input.header.width == out.width && input.header.height == out.height,
               "the size of what was written", &ctx);
    li_rows *rows = NULL;
    status = codec->decode(&ctx, source, &input.header, (li_hint){0}, &rows);
    if (status == LI_OK)
        status = check_rows(rows, 0);
    check_that(status == LI_OK, "the pixels that were written", &ctx);
    li_rows_close(&rows);
    li_source_close(&source);
}

/* first: the ledger before the input's extras were read. */
static inline li_status
check_plan(li_ctx *ctx, li_source *source, const li_input *input, const li_look *look,
           uint64_t first, const li_request *request, li_plan *plan)
{
    li_out *out = NULL;
    li_times times;
    uint8_t *data = NULL;
    size_t size = 0;
    char words[4096];
    LI_TRY(li_plan_make(ctx, input, request, plan));
    li_look_note(look, plan);
    size_t need = li_plan_explain(plan, input, request, words, sizeof(words));
    check_that(need <= sizeof(words), "the plan in words", ctx);
    ctx->peak_bytes = ctx->bytes;
    LI_TRY(li_out_to_memory(ctx, &out));
    li_out_expect(out, plan->out_bytes);
    li_status status =
        li_plan_run(ctx, source, input, request, plan, (li_target){.out = out}, &times);
    if (status == LI_OK)
        status = li_out_detach(out, &data, &size);
    li_out_close(&out);
    check_that(ctx->peak_bytes <= li_sat_add(plan->bytes, plan->out_bytes) + first,
               "more memory than planned", ctx);
    check_that(size <= plan->out_bytes, "more bytes than planned", ctx);
    if (status == LI_OK)
        check_written(data, size, request->codec, plan->out);
    li_release(data);
    return status;
}

static inline li_status
check_job(li_ctx *ctx, li_source *source, li_request *request, li_plan *plan)
{
    li_input input = {0};
    li_look look = {0};
    li_step known[JOB_STEPS];
    LI_TRY(li_input_open(ctx, source, &input));
    uint64_t first = ctx->peak_bytes = ctx->bytes;
    LI_TRY(li_look_at(ctx, source, &input, request, known, &look));
    check_that(ctx->peak_bytes <= first + look.bytes, "a look's memory", ctx);
    request->steps = known;
    li_status status = li_input_metadata(ctx, source, request->keep, &input);
    if (status == LI_OK)
        status = li_input_colour(ctx, source, request->to_srgb, &input);
    if (status == LI_OK)
        status = check_plan(ctx, source, &input, &look, first, request, plan);
    li_input_close(&input);
    return status;
}

/* Any bytes: an error or a picture. */
static inline li_status
pipeline_check(const uint8_t *data, size_t size, const uint8_t bytes[JOB_BYTES])
{
    li_limits limits = check_limits();
    limits.max_pixels = limits.max_output_pixels = 1 << 17;
    li_step steps[JOB_STEPS];
    li_request request = job_request(bytes, steps);
    li_source *source = NULL;
    li_plan plan = {0};
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    ctx.further = check_further;
    ctx.salvage = bytes[12] & 16;
    ctx.deadline_ns = li_now_ns() + JOB_DECODE_SECONDS * 1000000000ll;
    li_status status = li_source_borrow(&ctx, data, size, &source);
    if (status == LI_OK)
        status = check_job(&ctx, source, &request, &plan);
    li_plan_free(&ctx, &plan);
    li_source_close(&source);
    check_end(&ctx, status);
    return status;
}

#endif
