/* share.c: a common hint, plans for it, and what they cost together. Layer 4. */
#include "group/share.h"
#include "engine/decode.h"
#include "group/tee.h"

#include <string.h>

enum {
    RING_BYTES = 512 << 10, /* of a tee: half of a small L2 */
    RING_LEAST = 4,
    RING_MOST = 64,
};

/* --- one decode for all ------------------------------------------------------------
 */

/* The finest that anybody wants. */
static li_shared
common_hint(const li_share *self)
{
    li_shared shared = {.shrink = 0, .rough = true, .planes = true};
    for (uint32_t i = 0; i < self->count; i++) {
        const li_plan *plan = self->branches[i].plan;
        uint8_t shrink = plan->hint.shrink ? plan->hint.shrink : 8;
        shared.shrink = shrink > shared.shrink ? shrink : shared.shrink;
        shared.rough = shared.rough && plan->hint.rough;
        shared.deep = shared.deep || plan->hint.deep;
    }
    return shared;
}

static void
drop_plans(li_share *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        li_plan_free(&self->planning, &self->plans[i]);
}

static bool
same_planes(const li_plan *a, const li_plan *b)
{
    if (a->way == LI_WAY_ROWS || b->way == LI_WAY_ROWS || a->hint.skim != b->hint.skim)
        return false;
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        const li_info *one = &a->planes[p].decoded, *other = &b->planes[p].decoded;
        if (one->width != other->width || one->height != other->height)
            return false;
    }
    return true;
}

static bool
same_decode(const li_plan *a, const li_plan *b)
{
    return a->decoded.width == b->decoded.width &&
           a->decoded.height == b->decoded.height &&
           a->decoded.pixel == b->decoded.pixel && a->cmyk == b->cmyk &&
           (!a->cmyk || a->icc == b->icc) &&
           memcmp(&a->hint.region, &b->hint.region, sizeof(a->hint.region)) == 0;
}

/* Plan all anew; false if one cannot be, or the decodes are not the same. */
static bool
plan_shared(li_share *self, const li_shared *shared)
{
    for (uint32_t i = 0; i < self->count; i++) {
        li_request request = *self->branches[i].request;
        request.shared = shared;
        if (li_plan_make(&self->planning, self->input, &request, &self->plans[i]) !=
                LI_OK ||
            !(shared->planes ? same_planes : same_decode)(&self->plans[0],
                                                          &self->plans[i]))
            return false;
    }
    return true;
}

/* Does nobody want more than a part of the picture? */
static bool
all_want_regions(const li_share *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        if (self->branches[i].plan->hint.region.width == 0)
            return false;
    return true;
}

/* In the cheapest way that all can go: as rows of a region, if it is the same for all;
 * as planes, with skimmed chroma or without; as rows. */
static bool
plan_together(li_share *self)
{
    enum { REGION, SKIMMED, PLANES, ROWS, WAYS };
    li_shared shared = common_hint(self), ways[WAYS] = {shared, shared, shared, shared};
    ways[REGION].planes = ways[ROWS].planes = false;
    ways[PLANES].no_skim = true;
    ways[ROWS].whole = true;
    self->planning = li_ctx_part(self->ctx);
    self->planning.limits.max_memory = 0;
    for (int way = all_want_regions(self) ? REGION : SKIMMED; way < WAYS; way++) {
        if (plan_shared(self, &ways[way]))
            return true;
        drop_plans(self);
        if (self->planning.status != LI_OK)
            return false;
    }
    return false;
}

/* --- the cost ----------------------------------------------------------------------
 */

uint32_t
li_share_ring(const li_share *self, const li_node *node)
{
    if (self->ring)
        return self->ring;
    uint64_t lines = RING_BYTES / li_tee_line_bytes(node->infos, node->streams);
    lines = lines < RING_LEAST ? RING_LEAST : lines;
    return lines < RING_MOST ? (uint32_t)lines : RING_MOST;
}

/* What one reader of these planes keeps of them; its ops, or none: row by row. */
static uint64_t
ports_bytes(const li_share *self, const li_node *planes, const li_node *reader)
{
    const li_op *ops[LI_PLANES] = {0};
    if (planes->streams == 1)
        return 0;
    for (uint32_t p = 0; reader && reader->streams > 1 && p < LI_PLANES; p++)
        ops[p] = &reader->ops[p];
    return li_plane_ports_bytes(planes->infos, ops, self->plans[0].stored.height);
}

static uint64_t
op_bytes(const li_node *parent, const li_node *node)
{
    uint64_t bytes = 0;
    if (parent->streams > node->streams)
        return li_join_bytes(node->infos[0]);
    for (uint32_t s = 0; s < node->streams; s++) {
        const li_op *op = &node->ops[s];
        bytes =
            li_sat_add(bytes, op->kind->bytes(op, parent->infos[s], node->infos[s]));
    }
    return bytes;
}

/* The tee of a node, if it has one, and what reads the node: its ports, or those of the
 * decoder. */
static uint64_t
node_bytes(const li_share *self, uint32_t number)
{
    const li_node *nodes = self->tree.nodes, *node = &nodes[number];
    uint64_t bytes =
        number ? op_bytes(&nodes[node->parent], node) : ports_bytes(self, node, NULL);
    if (node->users > 1)
        bytes = li_sat_add(bytes, li_tee_bytes(node->infos, node->streams,
                                               li_share_ring(self, node), node->users));
    for (uint32_t i = 1; i < self->tree.count; i++)
        if (nodes[i].parent == number)
            bytes = li_sat_add(bytes, ports_bytes(self, node, &nodes[i]));
    for (uint32_t i = 0; i < self->count; i++)
        if (self->tree.ends[i] == number)
            bytes = li_sat_add(bytes, ports_bytes(self, node, NULL));
    return bytes;
}

/* The plans, their requests and the tree, each with its block. */
static uint64_t
list_bytes(const li_share *self)
{
    uint64_t each = sizeof(li_plan) + sizeof(li_request *) + sizeof(uint32_t);
    enum { LISTS = 4, PAGE = 4096 };
    return self->count * each + self->tree.room * sizeof(li_node) +
           LISTS * (LI_BLOCK_OVERHEAD + PAGE);
}

static void
add_up(li_share *self)
{
    uint64_t bytes = list_bytes(self), out = 0, held = 0;
    for (uint32_t i = 0; i < self->tree.count; i++)
        bytes = li_sat_add(bytes, node_bytes(self, i));
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
    self->held_bytes = held;
}

/* --- plan --------------------------------------------------------------------------
 */

static li_status
plan_tree(li_share *self)
{
    li_status status =
        li_alloc(self->ctx, self->count, sizeof(void *), &self->requests);
    if (status != LI_OK)
        return status;
    for (uint32_t i = 0; i < self->count; i++)
        self->requests[i] = self->branches[i].request;
    return li_tree_make(self->ctx, self->input, self->plans, self->requests,
                        self->count, &self->tree);
}

li_status
li_share_plan(li_share *self, bool *good)
{
    LI_TRY(li_alloc(self->ctx, self->count, sizeof(self->plans[0]), &self->plans));
    *good = plan_together(self);
    if (!*good)
        return LI_OK;
    LI_TRY(plan_tree(self));
    add_up(self);
    return LI_OK;
}

void
li_share_close(li_share *self)
{
    li_ctx *ctx = self->ctx;
    if (self->plans)
        drop_plans(self);
    li_tree_free(ctx, &self->tree);
    li_free(ctx, &self->requests);
    li_free(ctx, &self->plans);
}
