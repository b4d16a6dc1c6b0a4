/* run.c: open the input, build the chain that the plan says, pump it. Layer 3. */
#include "engine/run.h"
#include "base/cpu.h"
#include "color/cmyk.h"
#include "color/ycc.h"
#include "engine/carry.h"
#include "ops/salvage.h"

#include <string.h>

/* --- the input ------------------------------------------------------------------- */

static li_status
find_codec(li_ctx *ctx, li_source *source, const li_codec **codec)
{
    uint8_t head[LI_PROBE_BYTES] = {0};
    const uint8_t *data;
    size_t got;
    LI_TRY(li_source_at(source, 0, LI_PROBE_BYTES, &data, &got));
    memcpy(head, data, got < LI_PROBE_BYTES ? got : LI_PROBE_BYTES);
    return li_codec_find(ctx, head, codec);
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
    input->header.bit_depth = li_pixel_is_deep(frame->info.pixel) ? 16 : 8;
    input->header.orientation = 1;
    input->header.frames = 1;
    return li_header_check(ctx, &input->header, input->bytes);
}

li_status
li_input_colour(li_ctx *ctx, li_source *source, bool converts, li_input *input)
{
    const li_metadata *with = &input->metadata;
    if (!input->codec)
        li_header_profiled(&input->header, with->icc, with->icc_size);
    if (!input->codec && (!with->icc || !converts))
        return LI_OK;
    uint64_t before = ctx->bytes, peak = ctx->peak_bytes;
    ctx->peak_bytes = before;
    li_status status = input->codec
                           ? li_codec_colour(input->codec, ctx, source, &input->header,
                                             converts, &input->icc)
                           : li_icc_open(ctx, with->icc, with->icc_size,
                                         input->header.pixel, false, &input->icc);
    input->icc_bytes = ctx->peak_bytes - before;
    ctx->peak_bytes = peak > ctx->peak_bytes ? peak : ctx->peak_bytes;
    return status;
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

li_status
li_meter_push(li_ctx *ctx, int64_t *spent_ns, li_rows **chain)
{
    LI_TRY(li_rows_push(ctx, sizeof(meter_rows), &meter_ops, (*chain)->info, chain));
    ((meter_rows *)*chain)->spent_ns = spent_ns;
    return LI_OK;
}

/* Inks become colours first: gray is what is lost of the picture, not of its inks. */
static li_status
push_repairs(li_source *source, const li_input *input, const li_plan *plan,
             li_rows **rows)
{
    if (plan->cmyk)
        LI_TRY(
            li_cmyk_push(rows, input->header.inverted, plan->icc, plan->decoded.pixel));
    return plan->salvages ? li_salvage_push(source, input->header.height, rows) : LI_OK;
}

li_status
li_decoder_open(li_ctx *ctx, li_source *source, const li_input *input,
                const li_plan *plan, li_rows **rows)
{
    li_status status = input->codec ? input->codec->decode(ctx, source, &input->header,
                                                           plan->hint, rows)
                                    : li_frame_rows(ctx, &input->frame, rows);
    if (status == LI_OK)
        status = push_repairs(source, input, plan, rows);
    if (status != LI_OK && !ctx->step)
        ctx->step = "decode";
    return status;
}

li_status
li_planes_open(li_ctx *ctx, li_source *source, const li_input *input,
               const li_plan *plan, li_rows *ports[LI_PLANES])
{
    li_planes *planes = NULL;
    li_status status =
        input->codec->decode_planes(ctx, source, &input->header, plan->hint, &planes);
    if (status == LI_OK)
        status = li_planes_ports(&planes, ports);
    if (status != LI_OK && !ctx->step)
        ctx->step = "decode";
    return status;
}

/* One job while it runs; whatever is open is closed by run_close. */
typedef struct job {
    li_ctx *ctx; /* borrowed, as all but what is said to be owned */
    li_source *source;
    const li_input *input;
    const li_request *request;
    const li_plan *plan;
    li_target target;
    li_carried carried;         /* owned */
    li_rows *chain;             /* owned; not for LI_WAY_PLANES */
    li_rows *planes[LI_PLANES]; /* owned until they are joined */
    li_sink *sink;              /* owned; one of the two */
    li_plane_sink *plane_sink;  /* owned */
    int64_t decode_ns;          /* spent in the decoder's rows */
} job;

static li_status
open_rows(job *run, li_ahead_use *use)
{
    const li_input *input = run->input;
    li_hint hint = run->plan->hint;
    if (run->request->threads == LI_THREADS_IDLE)
        hint.ahead = hint.ahead && li_idle_cpus() > 0;
    hint.use = use;
    return input->codec->decode(run->ctx, run->source, &input->header, hint,
                                &run->chain);
}

static li_status
open_decoder(job *run, li_ahead_use *use)
{
    const li_input *input = run->input;
    if (!input->codec)
        return li_frame_rows(run->ctx, &input->frame, &run->chain);
    if (run->plan->way == LI_WAY_ROWS)
        return open_rows(run, use);
    return li_planes_open(run->ctx, run->source, input, run->plan, run->planes);
}

static li_status
push_ops(li_ctx *ctx, const li_op *ops, const li_info *infos, size_t count,
         li_rows **chain)
{
    for (size_t i = 0; i < count; i++) {
        li_status status = ops[i].kind->open(&ops[i], infos[i], chain);
        if (status != LI_OK && !ctx->step)
            ctx->step = ops[i].kind->name;
        LI_TRY(status);
    }
    return LI_OK;
}

static li_status
push_planes(job *run)
{
    const li_plan *plan = run->plan;
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        const li_plane_plan *plane = &plan->planes[p];
        LI_TRY(li_meter_push(run->ctx, &run->decode_ns, &run->planes[p]));
        LI_TRY(push_ops(run->ctx, plane->ops, plane->infos, plane->count,
                        &run->planes[p]));
    }
    if (plan->way == LI_WAY_PLANES)
        return LI_OK;
    LI_TRY(li_ycc_join(run->planes, plan->studio, &run->chain));
    return push_ops(run->ctx, plan->ops, plan->infos, plan->count, &run->chain);
}

static li_status
push_stages(job *run)
{
    const li_plan *plan = run->plan;
    if (plan->way != LI_WAY_ROWS)
        return push_planes(run);
    LI_TRY(li_meter_push(run->ctx, &run->decode_ns, &run->chain));
    LI_TRY(push_repairs(run->source, run->input, plan, &run->chain));
    return push_ops(run->ctx, plan->ops, plan->infos, plan->count, &run->chain);
}

static li_status
open_sink(job *run)
{
    const li_codec *codec = run->request->codec;
    const li_encode *encode = &run->carried.encode;
    li_info out = run->plan->out;
    if (run->target.tensor)
        return li_tensor_sink(run->ctx, out, run->target.tensor, &run->sink);
    if (run->plan->way == LI_WAY_PLANES)
        return codec->encode_planes(run->ctx, out, encode, run->target.out,
                                    &run->plane_sink);
    return codec->encode(run->ctx, out, encode, run->target.out, &run->sink);
}

static li_status
pump(job *run, li_pump_times *times)
{
    if (run->plane_sink)
        return li_planes_pump(run->planes, run->plane_sink, times);
    return li_pump(run->chain, run->sink, times);
}

static void
run_close(job *run)
{
    li_sink_close(&run->sink);
    li_plane_sink_close(&run->plane_sink);
    li_carry_close(&run->carried);
    li_rows_close(&run->chain);
    for (uint32_t p = 0; p < LI_PLANES; p++)
        li_rows_close(&run->planes[p]);
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
    job run = {.ctx = ctx, .source = source, .input = input, .request = request};
    run.plan = plan;
    run.target = target;
    times->ahead = (li_ahead_use){0};
    li_pump_times spent = {0};
    int64_t start = li_now_ns();
    li_status status = open_decoder(&run, &times->ahead);
    name_step(ctx, status, "decode");
    int64_t decoding = li_now_ns();
    if (status == LI_OK)
        status = push_stages(&run);
    if (status == LI_OK)
        status = run.chain ? li_orient_settle(&run.chain, 1, &spent.rows_ns)
                           : li_orient_settle(run.planes, LI_PLANES, &spent.rows_ns);
    int64_t opened = li_now_ns();
    if (status == LI_OK)
        status = li_carry_open(ctx, input, request, plan, &run.carried);
    if (status == LI_OK)
        status = open_sink(&run);
    times->kept = li_metadata_kinds(&run.carried.metadata);
    name_step(ctx, status, "encode");
    int64_t ready = li_now_ns();
    if (status == LI_OK)
        status = pump(&run, &spent);
    times->decode_ns = decoding - start + run.decode_ns;
    times->ops_ns = spent.rows_ns - run.decode_ns;
    times->encode_ns = ready - opened + spent.sink_ns;
    run_close(&run);
    return status;
}
