/* group_check.h: several jobs on one file that a few bytes choose, together by one
 * decode and each alone: the same bytes, memory within the group's bound; abort where
 * not. Shared by the fuzzer and by test_crashers.c. */
#ifndef LI_TESTS_GROUP_CHECK_H
#define LI_TESTS_GROUP_CHECK_H

#include "engine/carry.h"
#include "engine/pipeline_check.h"
#include "group/group.h"

enum { GROUP_MOST = 3, GROUP_BYTES = GROUP_MOST * 10 + 2 };

typedef struct group_stand {
    li_ctx ctx, ctxs[GROUP_MOST];
    li_source *source;
    li_input input;
    li_step steps[GROUP_MOST][JOB_STEPS];
    li_request requests[GROUP_MOST];
    li_plan plans[GROUP_MOST];
    li_out *outs[GROUP_MOST];
    li_branch branches[GROUP_MOST];
    uint8_t *bytes[GROUP_MOST]; /* li_release */
    size_t sizes[GROUP_MOST];
} group_stand;

static inline li_ctx
group_ctx(void)
{
    li_limits limits = check_limits();
    li_ctx ctx;
    limits.max_pixels = limits.max_output_pixels = 1 << 16;
    li_ctx_init(&ctx, &limits);
    ctx.further = check_further;
    ctx.deadline_ns = li_now_ns() + JOB_DECODE_SECONDS * 1000000000ll;
    return ctx;
}

/* To PNG, so that every sample is seen; without what a group may do otherwise. */
static inline void
group_request(group_stand *self, uint32_t i, const uint8_t bytes[10])
{
    for (int s = 0; s < JOB_STEPS; s++)
        self->steps[i][s] = job_step(bytes + s * 5);
    self->requests[i] = (li_request){.steps = self->steps[i],
                                     .step_count = bytes[4] % (JOB_STEPS + 1),
                                     .auto_orient = bytes[9] & 1,
                                     .shrink = LI_SHRINK_EXACT,
                                     .to_srgb = bytes[9] & 2,
                                     .threads = LI_THREADS_ONE,
                                     .codec = &li_codec_png,
                                     .encode = li_encode_default(),
                                     .sample_bytes = 1};
    self->requests[i].encode.compression = 1;
}

/* False: the file or a job is refused before it begins. */
static inline bool
group_open(group_stand *self, const uint8_t *data, size_t size, const uint8_t *bytes,
           uint32_t count)
{
    bool good = true;
    memset(self, 0, sizeof(*self));
    self->ctx = group_ctx();
    if (li_source_borrow(&self->ctx, data, size, &self->source) != LI_OK ||
        li_input_open(&self->ctx, self->source, &self->input) != LI_OK ||
        li_input_colour(&self->ctx, self->source, true, &self->input) != LI_OK)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        li_ctx *ctx = &self->ctxs[i];
        *ctx = group_ctx();
        group_request(self, i, bytes + i * 10);
        self->branches[i] = (li_branch){
            .ctx = ctx, .request = &self->requests[i], .plan = &self->plans[i]};
        good = li_plan_make(ctx, &self->input, &self->requests[i], &self->plans[i]) ==
                   LI_OK &&
               li_out_to_memory(ctx, &self->outs[i]) == LI_OK && good;
        self->branches[i].target.out = self->outs[i];
    }
    return good;
}

static inline void
group_close(group_stand *self, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        li_out_close(&self->outs[i]);
        li_plan_free(&self->ctxs[i], &self->plans[i]);
        li_release(self->bytes[i]);
        check_that(self->ctxs[i].bytes == 0, "memory kept by a branch", &self->ctxs[i]);
    }
    li_input_close(&self->input);
    li_source_close(&self->source);
    check_that(self->ctx.bytes == 0, "memory kept by the group", &self->ctx);
}

/* The same job with the file to itself: its bytes, li_release; NULL: it failed. */
static inline uint8_t *
group_alone(const uint8_t *data, size_t size, const li_request *request, size_t *count)
{
    li_source *source = NULL;
    li_input input = {0};
    li_plan plan = {0};
    li_out *out = NULL;
    li_times times;
    uint8_t *bytes = NULL;
    li_ctx ctx = group_ctx();
    li_status status = li_source_borrow(&ctx, data, size, &source);
    if (status == LI_OK)
        status = li_input_open(&ctx, source, &input);
    if (status == LI_OK)
        status = li_input_colour(&ctx, source, request->to_srgb, &input);
    if (status == LI_OK)
        status = li_plan_make(&ctx, &input, request, &plan);
    if (status == LI_OK)
        status = li_out_to_memory(&ctx, &out);
    if (status == LI_OK)
        status = li_plan_run(&ctx, source, &input, request, &plan,
                             (li_target){.out = out}, &times);
    if (status == LI_OK)
        status = li_out_detach(out, &bytes, count);
    li_out_close(&out);
    li_plan_free(&ctx, &plan);
    li_input_close(&input);
    li_source_close(&source);
    check_end(&ctx, status);
    return bytes;
}

/* A damaged file may fail a branch that shares its decode, and not one that reads less
 * of it; where both end well they say the same. */
static inline void
group_compare(group_stand *self, uint32_t i, const uint8_t *data, size_t size)
{
    size_t count = 0;
    const li_ctx *ctx = &self->ctxs[i];
    if (self->branches[i].status != LI_OK)
        return;
    li_status status = li_out_detach(self->outs[i], &self->bytes[i], &self->sizes[i]);
    uint8_t *alone = group_alone(data, size, &self->requests[i], &count);
    check_that(status == LI_OK && alone, "alone it fails", ctx);
    check_that(count == self->sizes[i] && memcmp(alone, self->bytes[i], count) == 0,
               "alone it gives other bytes", ctx);
    li_release(alone);
}

static inline void
group_run(group_stand *self, uint32_t count, const uint8_t *data, size_t size,
          uint8_t how)
{
    li_group *group = NULL;
    li_slots slots;
    if (!li_slots_open(&slots, 1 + how % 3))
        abort();
    li_status status =
        li_group_plan(&self->ctx, &self->input, self->branches, count,
                      (li_group_how){.slots = &slots, .ring = how / 4 % 4 * 2}, &group);
    if (group) {
        uint64_t bound = li_group_bytes(group) + li_group_out_bytes(group);
        li_slots_take(&slots);
        li_group_run(group, self->source);
        li_slots_give(&slots);
        check_that(slots.free == 1u + how % 3, "a slot was kept", &self->ctx);
        check_that(self->ctxs[0].peak_bytes <= bound, "more memory than planned",
                   &self->ctxs[0]);
        for (uint32_t i = 0; i < count; i++)
            group_compare(self, i, data, size);
    }
    check_that(group || status == self->ctx.status, "no group", &self->ctx);
    li_group_close(&group);
    li_slots_close(&slots);
}

/* Any file; was there a group? The last byte: how many jobs, slots, rows of a ring. */
static inline bool
group_check(const uint8_t *data, size_t size, const uint8_t bytes[GROUP_BYTES])
{
    group_stand *self = malloc(sizeof(*self));
    uint8_t how = bytes[GROUP_BYTES - 1];
    uint32_t count = 2 + how / 64 % (GROUP_MOST - 1);
    bool good = group_open(self, data, size, bytes, count);
    if (good)
        group_run(self, count, data, size, how);
    group_close(self, count);
    free(self);
    return good;
}

#endif
