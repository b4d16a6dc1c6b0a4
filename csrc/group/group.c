/* group.c: a common hint, a tree of pictures, tees where it forks, a thread for each
 * leaf. Layer 4. */
#include "group/group.h"
#include "engine/decode.h"
#include "group/tree.h"
#include "image/tee.h"

#include <string.h>

enum {
    /* Of a thread: what the deepest encoder and the chain above it use, twice over; and
     * what of it is touched. */
    STACK_BYTES = 2 << 20,
    STACK_USED = 256 << 10,
    RING_BYTES = 512 << 10, /* of a tee: half of a small L2 */
    RING_LEAST = 4,
    RING_MOST = 64,
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
    li_rows *chain; /* owned */
    li_sink *sink;  /* owned */
    int64_t decode_ns, start_ns;
    bool threaded;
    pthread_t thread;
} leaf;

struct li_group {
    li_ctx *ctx;           /* borrowed: the source's, and that of what is held here */
    const li_input *input; /* borrowed */
    li_source *source;     /* borrowed */
    li_branch *branches;   /* borrowed */
    uint32_t count;
    li_group_how how;
    li_ctx planning; /* of the plans: no limit of memory, no error of theirs is ours */
    li_plan *plans;  /* owned: all on the same decoded picture */
    li_request const **requests; /* owned array of borrowed */
    leaf *leaves;                /* owned */
    fork *forks; /* owned: by node; used where there are several users */
    li_tree tree;
    uint64_t bytes, out_bytes;
};

/* --- one decode for all ------------------------------------------------------------
 */

/* The finest that anybody wants. */
static li_shared
common_hint(const li_group *self)
{
    li_shared shared = {.shrink = 0, .rough = true};
    for (uint32_t i = 0; i < self->count; i++) {
        const li_hint *hint = &self->branches[i].plan->hint;
        uint8_t shrink = hint->shrink ? hint->shrink : 8;
        shared.shrink = shrink > shared.shrink ? shrink : shared.shrink;
        shared.rough = shared.rough && hint->rough;
    }
    return shared;
}

static void
drop_plans(li_group *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        li_plan_free(&self->planning, &self->plans[i]);
}

static bool
same_decode(const li_plan *a, const li_plan *b)
{
    return a->decoded.width == b->decoded.width &&
           a->decoded.height == b->decoded.height &&
           a->decoded.pixel == b->decoded.pixel && a->cmyk == b->cmyk &&
           memcmp(&a->hint.region, &b->hint.region, sizeof(a->hint.region)) == 0;
}

/* Plan all anew; false if one cannot be, or the decodes are not the same. */
static bool
plan_shared(li_group *self, const li_shared *shared)
{
    for (uint32_t i = 0; i < self->count; i++) {
        li_request request = *self->branches[i].request;
        request.shared = shared;
        if (li_plan_make(&self->planning, self->input, &request, &self->plans[i]) !=
                LI_OK ||
            !same_decode(&self->plans[0], &self->plans[i]))
            return false;
    }
    return true;
}

static bool
plan_together(li_group *self)
{
    li_shared shared = common_hint(self);
    self->planning = li_ctx_part(self->ctx);
    self->planning.limits.max_memory = 0;
    if (plan_shared(self, &shared))
        return true;
    drop_plans(self);
    shared.whole = true; /* by regions they were not the same */
    return self->planning.status == LI_OK && plan_shared(self, &shared);
}

/* --- the cost ----------------------------------------------------------------------
 */

static uint32_t
ring_rows(const li_group *self, li_info info)
{
    if (self->how.ring)
        return self->how.ring;
    uint64_t rows = RING_BYTES / li_row_bytes(info);
    rows = rows < RING_LEAST ? RING_LEAST : rows;
    return rows < RING_MOST ? (uint32_t)rows : RING_MOST;
}

static uint64_t
nodes_bytes(const li_group *self)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < self->tree.count; i++) {
        const li_node *node = &self->tree.nodes[i];
        const li_node *parent = &self->tree.nodes[node->parent];
        if (i > 0)
            bytes = li_sat_add(
                bytes, node->op.kind->bytes(&node->op, parent->info, node->info));
        if (node->users > 1)
            bytes =
                li_sat_add(bytes, li_tee_bytes(node->info, ring_rows(self, node->info),
                                               node->users));
    }
    return bytes;
}

/* The lists of this file, each with its block. */
static uint64_t
own_bytes(const li_group *self)
{
    uint64_t each = sizeof(li_plan) + sizeof(leaf) + sizeof(li_request *) +
                    sizeof(uint32_t) + STACK_USED;
    enum { LISTS = 7, PAGE = 4096 };
    return sizeof(li_group) + self->count * each +
           self->tree.count * (sizeof(fork) + sizeof(li_node)) +
           LISTS * (LI_BLOCK_OVERHEAD + PAGE);
}

/* More than the limit of one job allows: then no group. */
static bool
add_up(li_group *self)
{
    uint64_t bytes = li_sat_add(own_bytes(self), nodes_bytes(self)), out = 0, held = 0;
    bytes = li_sat_add(bytes, li_plan_reading_bytes(self->input, &self->plans[0]));
    for (uint32_t i = 0; i < self->count; i++) {
        const li_request *request = self->branches[i].request;
        bytes = li_sat_add(bytes, li_plan_writing_bytes(request, &self->plans[i]));
        out = li_sat_add(out, self->plans[i].out_bytes);
        if (request->output != LI_OUTPUT_FILE)
            held = li_sat_add(held, self->plans[i].out_bytes);
    }
    self->bytes = bytes;
    self->out_bytes = out;
    uint64_t limit = self->ctx->limits.max_memory;
    return !limit || li_sat_add(bytes, held) <= limit;
}

uint64_t
li_group_bytes(const li_group *group)
{
    return group->bytes;
}

uint64_t
li_group_out_bytes(const li_group *group)
{
    return group->out_bytes;
}

/* --- plan --------------------------------------------------------------------------
 */

static li_status
plan_tree(li_group *self)
{
    li_ctx *ctx = self->ctx;
    LI_TRY(li_tree_make(ctx, self->input, self->plans, self->requests, self->count,
                        &self->tree));
    return li_alloc(ctx, self->tree.count, sizeof(self->forks[0]), &self->forks);
}

static li_status
fill_group(li_group *self, bool *good)
{
    li_ctx *ctx = self->ctx;
    LI_TRY(li_alloc(ctx, self->count, sizeof(self->plans[0]), &self->plans));
    LI_TRY(li_alloc(ctx, self->count, sizeof(self->leaves[0]), &self->leaves));
    LI_TRY(li_alloc(ctx, self->count, sizeof(void *), &self->requests));
    for (uint32_t i = 0; i < self->count; i++)
        self->requests[i] = self->branches[i].request;
    *good = plan_together(self);
    if (!*good)
        return LI_OK;
    LI_TRY(plan_tree(self));
    *good = add_up(self);
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
    self->ctx = ctx;
    self->input = input;
    self->branches = branches;
    self->count = count;
    self->how = how;
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
    li_ctx *ctx = self->ctx;
    if (self->plans)
        drop_plans(self);
    li_tree_free(ctx, &self->tree);
    li_free(ctx, &self->forks);
    li_free(ctx, &self->requests);
    li_free(ctx, &self->leaves);
    li_free(ctx, &self->plans);
    li_free(ctx, group);
}

/* --- open --------------------------------------------------------------------------
 */

static li_status open_node(li_group *self, uint32_t number, li_ctx *ctx,
                           li_rows **chain);

/* The rows of a node, made here: on ctx. */
static li_status
make_node(li_group *self, uint32_t number, li_ctx *ctx, li_rows **chain)
{
    const li_node *node = &self->tree.nodes[number];
    if (number == 0)
        return li_decoder_open(ctx, self->source, self->input, &self->plans[0], chain);
    LI_TRY(open_node(self, node->parent, ctx, chain));
    li_status status = node->op.kind->open(&node->op, node->info, chain);
    if (status != LI_OK && !ctx->step)
        ctx->step = node->op.kind->name;
    return status;
}

static li_status
open_tee(li_group *self, uint32_t number, fork *at)
{
    const li_node *node = &self->tree.nodes[number];
    li_rows *rows = NULL;
    at->own = li_ctx_part(self->ctx);
    at->ctx = number ? &at->own : self->ctx;
    li_status status = make_node(self, number, at->ctx, &rows);
    if (status == LI_OK)
        status = li_tee_open(&rows, ring_rows(self, node->info), node->users,
                             self->how.slots, &at->tee);
    li_rows_close(&rows);
    return status;
}

/* The same, or those of a tee; through the tree once, as deep as a plan has ops. */
static li_status
open_node(li_group *self, uint32_t number, li_ctx *ctx, li_rows **chain)
{
    fork *at = &self->forks[number];
    if (self->tree.nodes[number].users < 2)
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
    *it = (leaf){.group = self, .branch = &self->branches[i], .plan = &self->plans[i]};
    it->start_ns = li_now_ns();
    LI_TRY(open_node(self, self->tree.ends[i], it->branch->ctx, &it->chain));
    return li_meter_push(it->branch->ctx, &it->decode_ns, &it->chain);
}

/* --- run ---------------------------------------------------------------------------
 */

static li_status
open_sink(leaf *it)
{
    const li_branch *branch = it->branch;
    li_ctx *ctx = branch->ctx;
    li_info out = it->plan->out;
    if (branch->target.tensor)
        return li_tensor_sink(ctx, out, branch->target.tensor, &it->sink);
    li_status status = branch->request->codec->encode(ctx, out, &it->plan->encode,
                                                      branch->target.out, &it->sink);
    if (status != LI_OK && !ctx->step)
        ctx->step = "encode";
    return status;
}

/* The chain is closed as soon as its last row is written: others may wait for it. */
static li_status
pump_leaf(leaf *it, li_pump_times *spent)
{
    LI_TRY(open_sink(it));
    LI_TRY(li_pump_rows(it->chain, it->sink, spent));
    li_rows_close(&it->chain);
    int64_t start = li_now_ns();
    li_status status = li_sink_finish(it->sink);
    spent->sink_ns += li_now_ns() - start;
    return status;
}

static void
run_leaf(leaf *it)
{
    li_pump_times spent = {0};
    li_branch *branch = it->branch;
    int64_t cpu = li_cpu_ns();
    branch->status = pump_leaf(it, &spent);
    li_rows_close(&it->chain);
    li_sink_close(&it->sink);
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
    li_slots_take(it->group->how.slots);
    run_leaf(it);
    li_slots_give(it->group->how.slots);
    return NULL;
}

/* Who has no thread closes its chain, so that nobody waits for it. */
static void
start_threads(li_group *self)
{
    for (uint32_t i = 0; i < self->count; i++) {
        leaf *it = &self->leaves[i];
        it->branch->status = it->branch->ctx->status;
        if (it->branch->status == LI_OK)
            it->threaded = li_thread_start(&it->thread, STACK_BYTES, run_thread, it);
        if (!it->threaded)
            li_rows_close(&it->chain);
    }
}

static void
run_alone(li_group *self, leaf *it)
{
    li_branch *branch = it->branch;
    int64_t cpu = li_cpu_ns();
    branch->status =
        li_plan_run(branch->ctx, self->source, self->input, branch->request, it->plan,
                    branch->target, &branch->times);
    branch->cpu_ns = li_cpu_ns() - cpu;
    branch->total_ns = li_now_ns() - it->start_ns;
}

static void
run_all(li_group *self)
{
    start_threads(self);
    li_slots_give(self->how.slots);
    for (uint32_t i = 0; i < self->count; i++)
        if (self->leaves[i].threaded)
            li_thread_join(self->leaves[i].thread);
    li_slots_take(self->how.slots);
    for (uint32_t i = 0; i < self->count; i++)
        if (!self->leaves[i].threaded && self->branches[i].status == LI_OK)
            run_alone(self, &self->leaves[i]); /* the system had no thread left */
}

/* Nobody has begun: all end with the same error. */
static void
fail_all(li_group *self, const li_ctx *failed)
{
    for (uint32_t i = 0; i < self->count; i++) {
        li_branch *branch = &self->branches[i];
        li_rows_close(&self->leaves[i].chain);
        branch->status = li_pass_error(failed, branch->ctx);
    }
}

/* What a branch says of the group that it was in. */
static void
tell(li_group *self, uint64_t peak)
{
    const li_warnings *said = &self->ctx->warnings;
    for (uint32_t i = 0; i < self->count; i++) {
        li_branch *branch = &self->branches[i];
        branch->ctx->peak_bytes = peak;
        branch->plan->hint = self->plans[i].hint;
        branch->plan->bytes = self->bytes;
        for (uint32_t n = 0; n < said->count && n < LI_WARNINGS; n++)
            li_warn(branch->ctx, "%s", said->text[n]);
    }
}

/* Children's tees are closed by their own ledgers; parents may be anywhere. */
static uint64_t
close_tees(li_group *self)
{
    uint64_t peak = self->ctx->peak_bytes + self->planning.peak_bytes;
    for (uint32_t i = 0; i < self->tree.count; i++) {
        fork *at = &self->forks[i];
        li_tee_close(&at->tee);
        peak += at->own.peak_bytes;
    }
    for (uint32_t i = 0; i < self->count; i++)
        peak += self->branches[i].ctx->peak_bytes;
    return peak;
}

void
li_group_run(li_group *self, li_source *source)
{
    self->source = source;
    li_ctx *failed = NULL;
    for (uint32_t i = 0; i < self->count && !failed; i++)
        if (open_leaf(self, i) != LI_OK)
            failed = self->branches[i].ctx;
    if (failed)
        fail_all(self, failed);
    else
        run_all(self);
    tell(self, close_tees(self));
}
