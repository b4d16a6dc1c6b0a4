/* run.c: open the input, build the chain that the plan says, pump it. Layer 3. */
#include "engine/run.h"
#include "color/cmyk.h"

#include <string.h>

/* --- the input ------------------------------------------------------------------- */

static li_status
check_format(li_ctx *ctx, const li_codec *codec)
{
    for (int i = 0; li_codecs[i]; i++)
        if (li_codecs[i] == codec && !(ctx->limits.formats >> i & 1))
            return li_fail(ctx, LI_E123_FIREWALL,
                           "source: %s is not among limits(formats=…)", codec->name);
    return LI_OK;
}

static li_status
find_codec(li_ctx *ctx, li_source *source, const li_codec **codec)
{
    uint8_t head[LI_PROBE_BYTES] = {0};
    const uint8_t *data;
    size_t got;
    LI_TRY(li_source_at(source, 0, LI_PROBE_BYTES, &data, &got));
    memcpy(head, data, got < LI_PROBE_BYTES ? got : LI_PROBE_BYTES);
    *codec = li_codec_probe(head);
    if (!*codec)
        return li_fail(
            ctx, LI_E111_FORMAT,
            "source: begins with %02x %02x %02x %02x, no format that is known here",
            head[0], head[1], head[2], head[3]);
    return ctx->limits.formats ? check_format(ctx, *codec) : LI_OK;
}

li_status
li_input_open(li_ctx *ctx, li_source *source, li_input *input)
{
    memset(input, 0, sizeof(*input));
    input->io = source->ops->name;
    input->bytes = source->size;
    const li_codec *codec;
    LI_TRY(find_codec(ctx, source, &codec));
    LI_TRY(codec->inspect(ctx, source, &input->header));
    input->codec = codec;
    return li_header_check(ctx, &input->header, source->size);
}

li_status
li_input_frame(li_ctx *ctx, const li_frame *frame, li_input *input)
{
    memset(input, 0, sizeof(*input));
    input->io = "pixels";
    input->frame = *frame;
    input->bytes = li_image_bytes(frame->info);
    input->header.width = frame->info.width;
    input->header.height = frame->info.height;
    input->header.pixel = frame->info.pixel;
    input->header.bit_depth = 8;
    input->header.orientation = 1;
    input->header.frames = 1;
    return li_header_check(ctx, &input->header, input->bytes);
}

/* --- the chain ------------------------------------------------------------------- */

/* Right above the decoder: how long it takes. */
typedef struct meter_rows {
    li_rows base;
    int64_t *spent_ns; /* borrowed */
} meter_rows;

static li_status
meter_next(li_rows *rows, const uint8_t **row)
{
    int64_t start = li_now_ns();
    li_status status = li_rows_next(rows->up, row);
    *((meter_rows *)rows)->spent_ns += li_now_ns() - start;
    return status;
}

static li_status
meter_skip(li_rows *rows, uint32_t count)
{
    int64_t start = li_now_ns();
    li_status status = li_rows_skip(rows->up, count);
    *((meter_rows *)rows)->spent_ns += li_now_ns() - start;
    return status;
}

static const li_rows_ops meter_ops = {
    .name = "decode",
    .next = meter_next,
    .skip = meter_skip,
};

static li_status
push_meter(li_ctx *ctx, int64_t *spent_ns, li_rows **chain)
{
    LI_TRY(li_rows_push(ctx, sizeof(meter_rows), &meter_ops, (*chain)->info, chain));
    ((meter_rows *)*chain)->spent_ns = spent_ns;
    return LI_OK;
}

static li_status
open_decoder(li_ctx *ctx, li_source *source, const li_input *input, const li_plan *plan,
             li_rows **chain)
{
    if (!input->codec)
        return li_frame_rows(ctx, &input->frame, chain);
    return input->codec->decode(ctx, source, &input->header, plan->hint, chain);
}

static li_status
push_stages(li_ctx *ctx, const li_input *input, const li_plan *plan, int64_t *decode_ns,
            li_rows **chain)
{
    LI_TRY(push_meter(ctx, decode_ns, chain));
    if (plan->cmyk)
        LI_TRY(li_cmyk_push(chain, input->header.inverted, plan->decoded.pixel));
    for (size_t i = 0; i < plan->count; i++) {
        const li_op *op = &plan->ops[i];
        li_status status = op->kind->open(op, plan->infos[i], chain);
        if (status != LI_OK && !ctx->step)
            ctx->step = op->kind->name;
        if (status != LI_OK)
            return status;
    }
    return LI_OK;
}

static li_status
open_sink(li_ctx *ctx, const li_request *request, const li_plan *plan, li_target target,
          li_sink **sink)
{
    if (target.tensor)
        return li_tensor_sink(ctx, plan->out, target.tensor, sink);
    return request->codec->encode(ctx, plan->out, &request->encode, target.out, sink);
}

/* For what failed before it had a stage to name it. */
static void
name_step(li_ctx *ctx, li_status status, const char *step)
{
    if (status != LI_OK && !ctx->step)
        ctx->step = step;
}

li_status
li_plan_run(li_ctx *ctx, li_source *source, const li_input *input,
            const li_request *request, const li_plan *plan, li_target target,
            li_times *times)
{
    li_rows *chain = NULL;
    li_sink *sink = NULL;
    li_pump_times pump = {0};
    memset(times, 0, sizeof(*times));
    int64_t start = li_now_ns();
    li_status status = open_decoder(ctx, source, input, plan, &chain);
    name_step(ctx, status, "decode");
    times->decode_ns = li_now_ns() - start;
    int64_t decode_rows_ns = 0;
    if (status == LI_OK)
        status = push_stages(ctx, input, plan, &decode_rows_ns, &chain);
    int64_t opened = li_now_ns();
    if (status == LI_OK)
        status = open_sink(ctx, request, plan, target, &sink);
    name_step(ctx, status, "encode");
    times->encode_ns = li_now_ns() - opened;
    if (status == LI_OK)
        status = li_pump(chain, sink, &pump);
    times->decode_ns += decode_rows_ns;
    times->ops_ns = pump.rows_ns - decode_rows_ns;
    times->encode_ns += pump.sink_ns;
    li_sink_close(&sink);
    li_rows_close(&chain);
    return status;
}
