/* tree.c: common beginnings of plans, and short cuts from a large resize to a smaller.
 * Layer 4. */
#include "group/tree.h"
#include "engine/decode.h"
#include "engine/geometry.h"

#include <string.h>

/* --- equal ops -------------------------------------------------------------------- */

static bool
same_span(li_span a, li_span b)
{
    return a.start == b.start && a.length == b.length && a.unit == b.unit;
}

/* The same part of the picture, by the same kernel. */
static bool
same_part(const li_resize *a, const li_resize *b)
{
    return a->kernel == b->kernel && same_span(a->x, b->x) && same_span(a->y, b->y);
}

static bool
same_rect(const li_rect *a, const li_rect *b)
{
    return a->x == b->x && a->y == b->y && a->width == b->width &&
           a->height == b->height;
}

static bool
same_convert(const li_convert *a, const li_convert *b)
{
    return a->pixel == b->pixel && a->flatten == b->flatten &&
           (!a->flatten || memcmp(a->background, b->background, 3) == 0);
}

static bool
same_op(const li_op *a, const li_op *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == &li_op_resize)
        return a->u.resize.width == b->u.resize.width &&
               a->u.resize.height == b->u.resize.height &&
               same_part(&a->u.resize, &b->u.resize);
    if (a->kind == &li_op_crop)
        return same_rect(&a->u.crop, &b->u.crop);
    if (a->kind == &li_op_orient)
        return a->u.orient == b->u.orient;
    if (a->kind == &li_op_tone)
        return memcmp(&a->u.tone, &b->u.tone, sizeof(a->u.tone)) == 0;
    return a->kind == &li_op_convert && same_convert(&a->u.convert, &b->u.convert);
}

/* --- common beginnings ------------------------------------------------------------ */

static uint32_t
child_of(li_tree *tree, uint32_t parent, const li_op *op, li_info info)
{
    for (uint32_t i = 1; i < tree->count; i++)
        if (tree->nodes[i].parent == parent && same_op(&tree->nodes[i].op, op))
            return i;
    tree->nodes[parent].users++;
    tree->nodes[tree->count] = (li_node){.op = *op, .info = info, .parent = parent};
    return tree->count++;
}

static uint32_t
add_plan(li_tree *tree, const li_plan *plan, bool fine)
{
    uint32_t at = 0;
    for (size_t i = 0; i < plan->count; i++) {
        at = child_of(tree, at, &plan->ops[i], plan->infos[i]);
        tree->nodes[at].fine |= fine;
    }
    tree->nodes[at].users++;
    return at;
}

/* --- short cuts ------------------------------------------------------------------- */

/* A resize of the root that makes it smaller, by a kernel that is flat below its edge:
 * what box and bilinear take away twice is seen. */
static bool
is_downscale(const li_tree *tree, const li_node *node)
{
    return node->op.kind == &li_op_resize && node->parent == 0 &&
           (node->op.u.resize.kernel == LI_LANCZOS3 ||
            node->op.u.resize.kernel == LI_CUBIC) &&
           node->info.width <= tree->nodes[0].info.width &&
           node->info.height <= tree->nodes[0].info.height;
}

/* Half as large again, both ways: what the first filter weakens is then above what the
 * second lets through. Sides are rounded. Measured: docs/notes/tee.md. */
static bool
may_feed(const li_node *large, const li_node *small)
{
    return (uint64_t)large->info.width * 2 + 2 >= (uint64_t)small->info.width * 3 &&
           (uint64_t)large->info.height * 2 + 2 >= (uint64_t)small->info.height * 3 &&
           same_part(&large->op.u.resize, &small->op.u.resize);
}

/* The smallest that may feed it. All that may read the root, and go on to: larger ones
 * have been looked at before. 0: none. */
static uint32_t
best_feeder(const li_tree *tree, const li_node *small)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < tree->count; i++) {
        const li_node *node = &tree->nodes[i];
        if (is_downscale(tree, node) && may_feed(node, small) &&
            (!best || node->info.width < tree->nodes[best].info.width))
            best = i;
    }
    return best;
}

/* The largest resize of the root that is smaller than `below`, or 0. */
static uint32_t
next_smaller(const li_tree *tree, uint64_t below)
{
    uint32_t found = 0;
    uint64_t most = 0;
    for (uint32_t i = 1; i < tree->count; i++) {
        const li_node *node = &tree->nodes[i];
        uint64_t pixels = (uint64_t)node->info.width * node->info.height;
        if (is_downscale(tree, node) && pixels < below && pixels > most) {
            found = i;
            most = pixels;
        }
    }
    return found;
}

static void
feed(li_tree *tree, uint32_t small, uint32_t large)
{
    li_node *node = &tree->nodes[small];
    tree->nodes[0].users--;
    tree->nodes[large].users++;
    node->parent = large;
    node->op.u.resize.x = li_span_whole(tree->nodes[large].info.width);
    node->op.u.resize.y = li_span_whole(tree->nodes[large].info.height);
}

/* From the largest on. Of several of one size the first alone is looked at: they differ
 * in kernel or part. */
static void
cut_short(li_tree *tree)
{
    uint64_t below = UINT64_MAX;
    for (uint32_t i; (i = next_smaller(tree, below)) != 0;) {
        const li_node *node = &tree->nodes[i];
        below = (uint64_t)node->info.width * node->info.height;
        uint32_t feeder = node->fine ? 0 : best_feeder(tree, node);
        if (feeder)
            feed(tree, i, feeder);
    }
}

/* --- the tree --------------------------------------------------------------------- */

/* A drawing shows it (SSIMULACRA2 84 becomes 80), and comes from a format that loses
 * nothing. */
static bool
is_fine(const li_input *input, const li_request *request)
{
    return !input->codec || !input->codec->default_quality || input->header.lossless ||
           request->shrink == LI_SHRINK_EXACT || (request->rules_off & LI_NO_SHRINK) ||
           (request->shrink == LI_SHRINK_SAFE && !li_hides_shrink(request));
}

li_status
li_tree_make(li_ctx *ctx, const li_input *input, const li_plan *plans,
             li_request const *const *requests, uint32_t count, li_tree *tree)
{
    uint64_t room = 1;
    for (uint32_t i = 0; i < count; i++)
        room += plans[i].count;
    *tree = (li_tree){0};
    LI_TRY(li_alloc(ctx, room, sizeof(tree->nodes[0]), &tree->nodes));
    li_status status = li_alloc(ctx, count, sizeof(tree->ends[0]), &tree->ends);
    if (status != LI_OK) {
        li_tree_free(ctx, tree);
        return status;
    }
    tree->nodes[0].info = plans[0].decoded;
    tree->count = 1;
    for (uint32_t i = 0; i < count; i++)
        tree->ends[i] = add_plan(tree, &plans[i], is_fine(input, requests[i]));
    cut_short(tree);
    return LI_OK;
}

void
li_tree_free(li_ctx *ctx, li_tree *tree)
{
    li_free(ctx, &tree->nodes);
    li_free(ctx, &tree->ends);
    *tree = (li_tree){0};
}
