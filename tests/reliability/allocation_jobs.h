/* allocation_jobs.h: the jobs of allocations.c: each on one picture, from the open of
 * its source to its result. */
#ifndef LI_TESTS_ALLOCATION_JOBS_H
#define LI_TESTS_ALLOCATION_JOBS_H

#include "../c/second.h"
#include "engine/carry.h"
#include "group/group.h"
#include "group/look.h"
#include "quality/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BRANCHES = 4, MOST_STEPS = 12 };

typedef struct picture {
    const char *path; /* NULL: bytes */
    const uint8_t *data;
    size_t size;
} picture;

/* What came out: FNV-1a of it, and where it is a file in memory that. */
typedef struct result {
    uint64_t digest;
    uint8_t *data; /* owned, to be released */
    size_t size;
} result;

typedef struct job_kind {
    const char *name;
    const li_step *steps;
    size_t step_count;
    const li_codec *codec; /* NULL: pixels */
    li_encode encode;
    bool to_file;
    uint8_t keep; /* LI_KEEP_… */
    bool salvage;
    bool everywhere; /* on every file; else on those with a + */
    li_threads threads;
    li_io io;
    li_status (*run)(li_ctx *ctx, li_source *source, const struct job_kind *job,
                     result *got);
} job_kind;

static uint64_t
digest_of(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

/* --- jobs --------------------------------------------------------------------------
 */

static const li_codec *const further[] = {
#if defined(LI_HAVE_AVIF)
    &li_codec_avif,
#endif
    NULL,
};

static li_request
request_of(const job_kind *job)
{
    return (li_request){.steps = job->steps,
                        .step_count = job->step_count,
                        .auto_orient = true,
                        .threads = job->threads,
                        .keep = job->keep,
                        .to_srgb = true,
                        .background = {255, 255, 255},
                        .output = !job->codec    ? LI_OUTPUT_PIXELS
                                  : job->to_file ? LI_OUTPUT_FILE
                                                 : LI_OUTPUT_BUFFER,
                        .codec = job->codec,
                        .encode = job->encode,
                        .sample_bytes = 1};
}

static li_status
run_to_pixels(li_ctx *ctx, li_source *source, const li_input *input,
              const li_request *request, const li_plan *plan, result *got)
{
    uint8_t *samples = NULL;
    li_times times;
    size_t size = (size_t)li_image_bytes(plan->out);
    li_status status = li_alloc(ctx, size, 1, &samples);
    li_tensor tensor = {.data = samples,
                        .row_stride = (int64_t)li_row_bytes(plan->out),
                        .column_stride = (int64_t)li_pixel_bytes(plan->out.pixel),
                        .channel_stride = 1};
    if (status == LI_OK)
        status = li_plan_run(ctx, source, input, request, plan,
                             (li_target){.tensor = &tensor}, &times);
    if (status == LI_OK)
        got->digest = digest_of(samples, size);
    li_free(ctx, &samples);
    return status;
}

static li_status
run_to_memory(li_ctx *ctx, li_source *source, const li_input *input,
              const li_request *request, const li_plan *plan, result *got)
{
    li_out *out = NULL;
    li_times times;
    li_status status = li_out_to_memory(ctx, &out);
    if (status == LI_OK) {
        li_out_expect(out, plan->out_bytes);
        status = li_plan_run(ctx, source, input, request, plan, (li_target){.out = out},
                             &times);
    }
    if (status == LI_OK)
        status = li_out_detach(out, &got->data, &got->size);
    li_out_close(&out);
    got->digest = digest_of(got->data, got->size);
    return status;
}

static char folder[] = "/tmp/lazyimage-allocations-XXXXXX";

static li_status
run_to_file(li_ctx *ctx, li_source *source, const li_input *input,
            const li_request *request, const li_plan *plan, result *got)
{
    char path[64];
    li_file *file = NULL;
    li_out *out = NULL;
    li_times times;
    snprintf(path, sizeof(path), "%s/out", folder);
    li_status status = li_file_create(ctx, path, false, &file);
    if (status == LI_OK)
        status = li_out_to_file(ctx, file, &out);
    if (status == LI_OK)
        status = li_plan_run(ctx, source, input, request, plan, (li_target){.out = out},
                             &times);
    got->digest = out ? out->size : 0;
    li_out_close(&out);
    if (status == LI_OK)
        status = li_file_commit(file);
    li_file_close(&file);
    unlink(path);
    return status;
}

static li_status
run_plan(li_ctx *ctx, li_source *source, const job_kind *job, result *got)
{
    li_input input;
    li_plan plan = {0};
    li_request request = request_of(job);
    li_look look = {0};
    li_step known[MOST_STEPS];
    ctx->salvage = job->salvage;
    LI_TRY(li_input_open(ctx, source, &input));
    LI_TRY(li_look_at(ctx, source, &input, &request, known, &look));
    request.steps = known;
    li_status status = li_input_metadata(ctx, source, job->keep, &input);
    if (status == LI_OK)
        status = li_input_colour(ctx, source, true, &input);
    if (status == LI_OK)
        status = li_plan_make(ctx, &input, &request, &plan);
    if (status == LI_OK)
        status =
            (!job->codec    ? run_to_pixels
             : job->to_file ? run_to_file
                            : run_to_memory)(ctx, source, &input, &request, &plan, got);
    li_plan_free(ctx, &plan);
    li_input_close(&input);
    return status;
}

/* The picture against itself, as `min_ssim` does it. */
static li_status
run_compare(li_ctx *ctx, li_source *source, const job_kind *job, result *got)
{
    (void)job;
    li_input input;
    li_rows *rows = NULL;
    li_compare *compare = NULL;
    const uint8_t *row;
    LI_TRY(li_input_open(ctx, source, &input));
    li_status status =
        input.codec->decode(ctx, source, &input.header, (li_hint){0}, &rows);
    if (status == LI_OK)
        status = li_compare_open(ctx, rows->info, true, &compare);
    for (uint32_t y = 0; status == LI_OK && y < rows->info.height; y++) {
        status = li_rows_next(rows, &row);
        if (status == LI_OK)
            li_compare_row(compare, row, row);
    }
    if (status == LI_OK)
        got->digest = (uint64_t)(li_compare_result(compare).ssim * 1000);
    li_compare_close(&compare);
    li_rows_close(&rows);
    return status;
}

/* --- a group -----------------------------------------------------------------------
 */

typedef struct party {
    li_ctx ctxs[BRANCHES];
    li_step steps[BRANCHES];
    li_request requests[BRANCHES];
    li_plan plans[BRANCHES];
    li_out *outs[BRANCHES];
    li_branch branches[BRANCHES];
} party;

static li_status
open_branch(party *self, const li_ctx *ctx, const li_input *input, uint32_t i)
{
    static const uint32_t widths[BRANCHES] = {20, 60, 60, 90};
    li_ctx *own = &self->ctxs[i];
    self->steps[i].type = LI_STEP_RESIZE;
    self->steps[i].u.resize.width = widths[i];
    self->steps[i].u.resize.enlarge = true;
    /* Exact: who finds no thread and runs alone takes no short cut over another's. */
    self->requests[i] = (li_request){.steps = &self->steps[i],
                                     .step_count = 1,
                                     .shrink = LI_SHRINK_EXACT,
                                     .keep = i % 2 ? LI_KEEP_EXIF : LI_KEEP_XMP,
                                     .to_srgb = true,
                                     .background = {255, 255, 255},
                                     .codec = li_codecs[i % 2],
                                     .encode = li_encode_default()};
    self->branches[i] =
        (li_branch){.ctx = own, .request = &self->requests[i], .plan = &self->plans[i]};
    *own = li_ctx_part(ctx);
    LI_TRY(li_plan_make(own, input, &self->requests[i], &self->plans[i]));
    LI_TRY(li_out_to_memory(own, &self->outs[i]));
    self->branches[i].target.out = self->outs[i];
    return LI_OK;
}

/* The digests of all, in their order; the first error. */
static li_status
close_party(party *self, li_ctx *ctx, result *got)
{
    li_status status = ctx->status;
    for (uint32_t i = 0; i < BRANCHES; i++) {
        uint8_t *data = NULL;
        size_t size = 0;
        if (self->outs[i] && self->ctxs[i].status == LI_OK)
            (void)!li_out_detach(self->outs[i], &data, &size);
        if (status == LI_OK)
            status = self->ctxs[i].status;
        got->digest = got->digest * 31 + digest_of(data, size);
        li_release(data);
        li_out_close(&self->outs[i]);
        li_plan_free(&self->ctxs[i], &self->plans[i]);
        if (self->ctxs[i].bytes && status == LI_OK)
            status = LI_E901_INTERNAL;
    }
    return status;
}

static li_status
run_party(li_ctx *ctx, li_source *source, const li_input *input, result *got)
{
    party self;
    li_slots slots;
    li_group *group = NULL;
    memset(&self, 0, sizeof(self));
    if (!li_slots_open(&slots, 2))
        return li_fail(ctx, LI_ENOMEM, "slots");
    for (uint32_t i = 0; i < BRANCHES; i++)
        (void)!open_branch(&self, ctx, input, i);
    li_group_how how = {.slots = &slots};
    li_status status = li_group_plan(ctx, input, self.branches, BRANCHES, how, &group);
    li_slots_take(&slots);
    if (status == LI_OK && group)
        li_group_run(group, source);
    else if (status == LI_OK) /* so few are left that each has the source alone */
        (void)!li_fail(ctx, LI_ENOMEM, "no group");
    li_slots_give(&slots);
    li_group_close(&group);
    li_slots_close(&slots);
    return close_party(&self, ctx, got);
}

static li_status
run_group(li_ctx *ctx, li_source *source, const job_kind *job, result *got)
{
    (void)job;
    li_input input;
    LI_TRY(li_input_open(ctx, source, &input));
    uint8_t keep = LI_KEEP_EXIF | LI_KEEP_XMP;
    li_status status = li_input_metadata(ctx, source, keep, &input);
    if (status == LI_OK)
        status = li_input_colour(ctx, source, true, &input);
    if (status == LI_OK)
        status = run_party(ctx, source, &input, got);
    li_input_close(&input);
    return status;
}

/* --- the list of jobs ---------------------------------------------------------------
 */

#define RESIZE(wide, how)                                                              \
    {                                                                                  \
        LI_STEP_RESIZE,                                                                \
        {                                                                              \
            .resize = { wide, 0, LI_FIT_INSIDE, how, true, 0, 0, {{0}}, false }        \
        }                                                                              \
    }

static const li_step small[] = {RESIZE(40, LI_LANCZOS3)};
static const li_step grown[] = {RESIZE(70, LI_BILINEAR)};
static const li_step long_chain[] = {
    {LI_STEP_CROP, {.crop = {1, 1, 20, 10}}},
    {LI_STEP_ORIENT, {.orient = (li_orientation)6}},
    RESIZE(33, LI_BILINEAR),
    {LI_STEP_BRIGHTNESS, {.value = 7}},
    {LI_STEP_CONTRAST, {.value = 9}},
    RESIZE(24, LI_NEAREST),
    {LI_STEP_GRAYSCALE, {.value = 0}},
    {LI_STEP_CONVERT, {.convert = LI_RGBA8}},
};
static const li_step turned[] = {{LI_STEP_ORIENT, {.orient = (li_orientation)8}}};

static const li_step seen[] = {
    {LI_STEP_TRIM, {.trim = 10}},
    {LI_STEP_RESIZE,
     {.resize =
          {30, 50, LI_FIT_COVER, LI_BOX, true, LI_AT_ATTENTION, 0, {{0}}, false}}},
};
static const li_step laid_over[] = {
    {LI_STEP_OP,
     {.op = {.kind = &li_op_overlay,
             .u.overlay = {&second_picture, true, 3, 2, 0, 0, 40000, false}}}},
    {LI_STEP_OP,
     {.op = {.kind = &li_op_overlay,
             .u.overlay = {&second_picture, false, 0, 0, 0, 0, 20000, true}}}},
};

enum { OPS = 8 };
static li_step every_op[OPS];

/* Resize in light, and each op that is of no other chain. */
static void
list_ops(void)
{
    static const li_color red = {{200, 30, 20, 255}};
    li_op blur = {.kind = &li_op_blur, .u.blur = {.sigma = 1.5}};
    li_op sharpen = {.kind = &li_op_sharpen, .u.blur = {.sigma = 1, .amount = 2}};
    li_op saturation = {.kind = &li_op_saturation};
    li_op tone = {.kind = &li_op_tone};
    li_op pad = {.kind = &li_op_pad, .u.pad = {1, 2, 3, 4, red}};
    li_op rotate = {.kind = &li_op_rotate, .u.rotate = {33, LI_CUBIC, red}};
    li_op flatten = {.kind = &li_op_convert,
                     .u.convert = {.flatten = true, .background = {9, 80, 200}}};
    li_saturation_of(&saturation.u.saturation, 40);
    li_tone_gamma(&tone.u.tone, 1.8);
    const li_op ops[] = {blur, sharpen, saturation, tone, pad, rotate, flatten};
    every_op[0] = (li_step)RESIZE(40, LI_LANCZOS3);
    every_op[0].u.resize.linear = true;
    for (int i = 1; i < OPS; i++)
        every_op[i] = (li_step){LI_STEP_OP, {.op = ops[i - 1]}};
}

static job_kind jobs[56];
static size_t job_count;

static job_kind *
add(const char *name, const li_step *steps, size_t count, const li_codec *codec)
{
    job_kind *added = &jobs[job_count++];
    *added = (job_kind){.name = name,
                        .steps = steps,
                        .step_count = count,
                        .codec = codec,
                        .encode = li_encode_default(),
                        .keep = LI_KEEP_ICC | LI_KEEP_EXIF | LI_KEEP_XMP,
                        .run = run_plan};
    added->encode.speed = 10;
    return added;
}

/* On every file: decode, resize, and encode in each format. */
static void
list_common_jobs(void)
{
    add("decode", NULL, 0, NULL)->everywhere = true;
    add("resize", small, 1, NULL)->everywhere = true;
    for (int i = 0; li_codecs[i]; i++)
        add(li_codecs[i]->name, small, 1, li_codecs[i])->everywhere = true;
    if (further[0])
        add(further[0]->name, small, 1, further[0])->everywhere = true;
}

static void
list_further_jobs(void)
{
    const li_codec *jpeg = &li_codec_jpeg, *png = &li_codec_png;
    list_ops();
    add("chain", long_chain, 8, png);
    add("ops", every_op, OPS, png);
    add("deep", long_chain, 8, png)->encode.bit_depth = 16;
    add("turned", turned, 1, jpeg)->encode.progressive = 1;
    add("optimized", small, 1, jpeg)->encode.optimize = 1;
    add("effort-2", small, 1, jpeg)->encode.effort = 2;
    add("effort-3", small, 1, jpeg)->encode.effort = 3;
    add("effort-5", small, 1, jpeg)->encode.effort = 5;
    add("effort-9", small, 1, jpeg)->encode.effort = 9;
    add("png-9", small, 1, png)->encode.compression = 9;
    add("png-1", small, 1, png)->encode.compression = 1;
    add("looks", seen, 2, png);
    add("overlay", laid_over, 2, png);
    add("overlay-deep", laid_over, 2, png)->encode.bit_depth = 16;
    add("png-palette", NULL, 0, png)->encode.palette = 16;
    add("png-interlaced", NULL, 0, png)->encode.interlace = true;
    li_encode *passes = &add("deep-interlaced", small, 1, png)->encode;
    passes->interlace = true;
    passes->bit_depth = 16;
    add("png-gray-2", long_chain + 6, 1, png)->encode.bit_depth = 2;
    add("file", small, 1, png)->to_file = true;
    add("read", small, 1, NULL)->io = LI_IO_READ;
    add("ahead", small, 1, png)->threads = LI_THREADS_TWO;
    add("salvage", small, 1, png)->salvage = true;
    add("compare", NULL, 0, NULL)->run = run_compare;
    add("group", NULL, 0, NULL)->run = run_group;
#if defined(LI_HAVE_WEBP)
    const li_codec *webp = &li_codec_webp;
    add("webp-lossless", small, 1, webp)->encode.lossless = true;
    add("webp-near", small, 1, webp)->encode.near_lossless = 60;
    add("webp-low", small, 1, webp)->encode.low_memory = 1;
    add("webp-smart", small, 1, webp)->encode.smart_subsample = true;
    add("webp-alpha", long_chain + 7, 1, webp)->encode.alpha_quality = 40;
#endif
    if (further[0]) {
        add("avif-lossless", small, 1, further[0])->encode.lossless = true;
        add("avif-grid", grown, 1, further[0])->encode.cell_side = 64;
        add("avif-deep", small, 1, further[0])->encode.bit_depth = 10;
        add("avif-alpha", long_chain + 7, 1, further[0])->encode.subsampling = LI_444;
    }
}

#endif
