/* group.c: a tree of pictures, tees where it forks, a thread for each leaf. Layer 4. */
#include "group/group.h"
#include "color/ycc.h"
#include "engine/carry.h"
#include "group/share.h"
#include "group/tee.h"

#include <string.h>

enum {
    /* Of a thread: what the deepest encoder and the chain above it use, twice over; and
     * what of it is touched. */
    STACK_BYTES = 2 << 20,
    STACK_USED = 256 << 10,
};

/* A picture that several read. */
typedef struct fork {
    li_ctx own;
    li_ctx *ctx; /* own; of the root the source's */
    li_tee *tee; /* owned */
} fork;

/* A branch while it runs. */
typedef struct leaf {
    li_group *group;   /* borrowed */
    li_branch *branch; /* borrowed */
    const li_plan *plan;
    li_streams chain;          /* owned */
    li_carried carried;        /* owned */
    li_sink *sink;             /* owned: of one stream, */
    li_plane_sink *plane_sink; /* owned: or of three */
    int64_t decode_ns, start_ns;
    bool threaded;
    pthread_t thread;
} leaf;

struct li_group {
    li_share share;      /* its ctx is the source's, and that of what is held here */
    li_source *source;   /* borrowed, like the next two */
    li_branch *branches; /* those of the share */
    li_slots *slots;     /* may be NULL */
    leaf *leaves;        /* owned */
    fork *forks;         /* owned: by node; used where there are several users */
};

/* --- plan --------------------------------------------------------------------------
 */

/* The lists of this file, each with its block. */
static uint64_t
own_bytes(const li_group *self)
{
    const li_share *share = &self->share;
    enum { LISTS = 3, PAGE = 4096 };
    return sizeof(li_group) + share->count * (sizeof(leaf) + STACK_USED) +
           share->tree.count * sizeof(fork) + LISTS * (LI_BLOCK_OVERHEAD + PAGE);
}

/* More than the limit of one job allows: then no group. */
static bool
is_small(li_group *self)
{
    li_share *share = &self->share;
    uint64_t limit = share->ctx->limits.max_memory;
    share->bytes = li_sat_add(share->bytes, own_bytes(self));
    return !limit || li_sat_add(share->bytes, share->held_bytes) <= limit;
}

static li_status
fill_group(li_group *self, bool *good)
{
    li_share *share = &self->share;
    li_ctx *ctx = share->ctx;
    LI_TRY(li_alloc(ctx, share->count, sizeof(self->leaves[0]), &self->leaves));
    LI_TRY(li_share_plan(share, good));
    if (!*good)
        return LI_OK;
    *good = false;
    LI_TRY(li_alloc(ctx, share->tree.count, sizeof(self->forks[0]), &self->forks));
    *good = is_small(self);
    return LI_OK;
}

li_status
li_group_plan(li_ctx *ctx, const li_input *input, li_branch *branches, uint32_t count,
              li_group_how how, li_group **group)
{
    bool good = false;
    *group = NULL;
    if (count < 2)
        return LI_OK;
    LI_TRY(li_alloc(ctx, 1, sizeof(**group), group));
    li_group *self = *group;
    self->share = (li_share){.ctx = ctx,
                             .input = input,
                             .branches = branches,
                             .count = count,
                             .ring = how.ring};
    self->branches = branches;
    self->slots = how.slots;
    li_status status = fill_group(self, &good);
    if (!good)
        li_group_close(group);
    return status;
}

void
li_group_close(li_group **group)
{
    li_group *self = *group;
    if (!self)
        return;
    li_ctx *ctx = self->share.ctx;
    li_share_close(&self->share);
    li_free(ctx, &self->forks);
    li_free(ctx, &self->leaves);
    li_free(ctx, group);
}

uint64_t
li_group_bytes(const li_group *group)
{
    return group->share.bytes;
}

uint64_t
li_group_out_bytes(const li_group *group)
{
    return group->share.out_bytes;
}

/* --- open --------------------------------------------------------------------------
 */

static li_status open_node(li_group *self, uint32_t number, li_ctx *ctx,
                           li_streams *chain);

static li_status
open_root(li_group *self, li_ctx *ctx, li_streams *chain)
{
    const li_plan *plan = &self->share.plans[0];
    chain->count = self->share.tree.nodes[0].streams;
    if (chain->count > 1)
        return li_planes_open(ctx, self->source, self->share.input, plan, chain->rows);
    return li_decoder_open(ctx, self->source, self->share.input, plan, &chain->rows[0]);
}

static li_status
push_op(const li_node *node, li_streams *chain)
{
    for (uint32_t s = 0; s < node->streams; s++) {
        const li_op *op = &node->ops[s];
        li_ctx *ctx = chain->rows[s]->ctx;
        li_status status = op->kind->open(op, node->infos[s], &chain->rows[s]);
        if (status != LI_OK && !ctx->step)
            ctx->step = op->kind->name;
        LI_TRY(status);
    }
    return LI_OK;
}

/* The streams of a node, made here: on ctx. What is open is the caller's, also on
 * failure. */
static li_status
make_node(li_group *self, uint32_t number, li_ctx *ctx, li_streams *chain)
{
    const li_node *node = &self->share.tree.nodes[number];
    if (number == 0)
        return open_root(self, ctx, chain);
    LI_TRY(open_node(self, node->parent, ctx, chain));
    if (chain->count == node->streams)
        return push_op(node, chain);
    li_rows *joint;
    LI_TRY(li_ycc_join(chain->rows, self->share.plans[0].studio, &joint));
    *chain = (li_streams){.rows = {joint}, .count = 1};
    return LI_OK;
}

static li_status
open_tee(li_group *self, uint32_t number, fork *at)
{
    const li_node *node = &self->share.tree.nodes[number];
    li_streams chain = {0};
    at->own = li_ctx_part(self->share.ctx);
    at->ctx = number ? &at->own : self->share.ctx;
    li_status status = make_node(self, number, at->ctx, &chain);
    if (status == LI_OK)
        status = li_tee_open(&chain, li_share_ring(&self->share, node), node->users,
                             self->slots, &at->tee);
    li_streams_close(&chain);
    return status;
}

/* The same, or those of a tee; through the tree once, as deep as a plan has ops. */
static li_status
open_node(li_group *self, uint32_t number, li_ctx *ctx, li_streams *chain)
{
    fork *at = &self->forks[number];
    if (self->share.tree.nodes[number].users < 2)
        return make_node(self, number, ctx, chain);
    if (!at->tee) {
        li_status status = open_tee(self, number, at);
        if (status != LI_OK)
            return li_pass_error(at->ctx, ctx);
    }
    return li_tee_port(ctx, at->tee, chain);
}

static li_status
open_leaf(li_group *self, uint32_t i)
{
    leaf *it = &self->leaves[i];
    *it = (leaf){
        .group = self, .branch = &self->branches[i], .plan = &self->share.plans[i]};
    it->start_ns = li_now_ns();
    LI_TRY(open_node(self, self->share.tree.ends[i], it->branch->ctx, &it->chain));
    for (uint32_t s = 0; s < it->chain.count; s++)
        LI_TRY(li_meter_push(it->branch->ctx, &it->decode_ns, &it->chain.rows[s]));
    return LI_OK;
}

/* --- run ---------------------------------------------------------------------------
 */

static li_status
open_sink(leaf *it)
{
    const li_branch *branch = it->branch;
    const li_codec *codec = branch->request->codec;
    const li_encode *encode = &it->carried.encode;
    li_ctx *ctx = branch->ctx;
    li_out *out = branch->target.out;
    if (branch->target.tensor)
        return li_tensor_sink(ctx, it->plan->out, branch->target.tensor, &it->sink);
    li_status status =
        it->chain.count > 1
            ? codec->encode_planes(ctx, it->plan->out, encode, out, &it->plane_sink)
            : codec->encode(ctx, it->plan->out, encode, out, &it->sink);
    if (status != LI_OK && !ctx->step)
        ctx->step = "encode";
    return status;
}

static li_status
finish_sink(leaf *it, li_pump_times *spent)
{
    if (it->plane_sink)
        return li_plane_sink_finish(it->plane_sink, spent);
    int64_t start = li_now_ns();
    li_status status = li_sink_finish(it->sink);
    spent->sink_ns += li_now_ns() - start;
    return status;
}

/* The chain is closed as soon as its last row is written: others may wait for it. */
static li_status
pump_leaf(leaf *it, li_pump_times *spent)
{
    LI_TRY(li_carry_open(it->branch->ctx, it->group->share.input, it->branch->request,
                         it->plan, &it->carried));
    it->branch->times.kept = li_metadata_kinds(&it->carried.metadata);
    LI_TRY(li_orient_settle(it->chain.rows, it->chain.count, &spent->rows_ns));
    LI_TRY(open_sink(it));
    LI_TRY(it->plane_sink ? li_planes_pump_rows(it->chain.rows, it->plane_sink, spent)
                          : li_pump_rows(it->chain.rows[0], it->sink, spent));
    li_streams_close(&it->chain);
    return finish_sink(it, spent);
}

static void
run_leaf(leaf *it)
{
    li_pump_times spent = {0};
    li_branch *branch = it->branch;
    int64_t cpu = li_cpu_ns();
    branch->status = pump_leaf(it, &spent);
    li_streams_close(&it->chain);
    li_sink_close(&it->sink);
    li_plane_sink_close(&it->plane_sink);
    li_carry_close(&it->carried);
    branch->times.decode_ns = it->decode_ns;
    branch->times.ops_ns = spent.rows_ns - it->decode_ns;
    branch->times.encode_ns = spent.sink_ns;
    branch->cpu_ns = li_cpu_ns() - cpu;
    branch->total_ns = li_now_ns() - it->start_ns;
}

static void *
run_thread(void *arg)
{
    leaf *it = arg;
    li_slots_take(it->group->slots);
    run_leaf(it);
    li_slots_give(it->group->slots);
    return NULL;
}

/* Who has no thread closes its chain, so that nobody waits for it. */
static void
start_threads(li_group *self)
{
    for (uint32_t i = 0; i < self->share.count; i++) {
        leaf *it = &self->leaves[i];
        it->branch->status = it->branch->ctx->status;
        if (it->branch->status == LI_OK)
            it->threaded = li_thread_start(&it->thread, STACK_BYTES, run_thread, it);
        if (!it->threaded)
            li_streams_close(&it->chain);
    }
}

static void
run_alone(li_group *self, leaf *it)
{
    li_branch *branch = it->branch;
    int64_t cpu = li_cpu_ns();
    branch->status =
        li_plan_run(branch->ctx, self->source, self->share.input, branch->request,
                    it->plan, branch->target, &branch->times);
    branch->cpu_ns = li_cpu_ns() - cpu;
    branch->total_ns = li_now_ns() - it->start_ns;
}

static void
run_all(li_group *self)
{
    start_threads(self);
    li_slots_give(self->slots);
    for (uint32_t i = 0; i < self->share.count; i++)
        if (self->leaves[i].threaded)
            li_thread_join(self->leaves[i].thread);
    li_slots_take(self->slots);
    for (uint32_t i = 0; i < self->share.count; i++)
        if (!self->leaves[i].threaded && self->branches[i].status == LI_OK)
            run_alone(self, &self->leaves[i]); /* the system had no thread left */
}

/* Nobody has begun: all end with the same error. */
static void
fail_all(li_group *self, const li_ctx *failed)
{
    for (uint32_t i = 0; i < self->share.count; i++) {
        li_branch *branch = &self->branches[i];
        li_streams_close(&self->leaves[i].chain);
        branch->status = li_pass_error(failed, branch->ctx);
    }
}

/* What a branch says of the group that it was in. */
static void
tell(li_group *self, uint64_t peak)
{
    const li_warnings *said = &self->share.ctx->warnings;
    for (uint32_t i = 0; i < self->share.count; i++) {
        li_branch *branch = &self->branches[i];
        branch->ctx->peak_bytes = peak;
        branch->plan->hint = self->share.plans[i].hint;
        branch->plan->bytes = self->share.bytes;
        branch->ctx->salvaged |= self->share.ctx->salvaged;
        if (self->share.ctx->salvaged)
            branch->ctx->rows_real = self->share.ctx->rows_real;
        for (uint32_t n = 0; n < said->count && n < LI_WARNINGS; n++)
            li_warn(branch->ctx, "%s", said->text[n]);
    }
}

/* Children's tees are closed by their own ledgers; parents may be anywhere, so first
 * nobody reads from another. */
static uint64_t
close_tees(li_group *self)
{
    uint64_t peak = self->share.ctx->peak_bytes + self->share.planning.peak_bytes;
    for (uint32_t i = 0; i < self->share.tree.count; i++)
        li_tee_end(self->forks[i].tee);
    for (uint32_t i = 0; i < self->share.tree.count; i++) {
        fork *at = &self->forks[i];
        li_tee_close(&at->tee);
        peak += at->own.peak_bytes;
    }
    for (uint32_t i = 0; i < self->share.count; i++)
        peak += self->branches[i].ctx->peak_bytes;
    return peak;
}

void
li_group_run(li_group *self, li_source *source)
{
    self->source = source;
    li_ctx *failed = NULL;
    for (uint32_t i = 0; i < self->share.count && !failed; i++)
        if (open_leaf(self, i) != LI_OK)
            failed = self->branches[i].ctx;
    if (failed)
        fail_all(self, failed);
    else
        run_all(self);
    tell(self, close_tees(self));
}
