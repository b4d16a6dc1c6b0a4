/* tree.c: common beginnings of plans, and short cuts from a large resize to a smaller.
 * Layer 4. */
#include "group/tree.h"
#include "engine/decode.h"
#include "engine/geometry.h"
#include "ops/resample.h"

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
    return a->kernel == b->kernel && a->linear == b->linear && same_span(a->x, b->x) &&
           same_span(a->y, b->y);
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
same_tone(const li_tone *a, const li_tone *b)
{
    return memcmp(a->table, b->table, sizeof(a->table)) == 0 && a->curve == b->curve &&
           a->value == b->value;
}

static bool
same_op(const li_op *a, const li_op *b)
{
    if (a->kind != b->kind)
        return false;
    if (!a->kind)
        return true;
    if (a->kind == &li_op_resize)
        return a->u.resize.width == b->u.resize.width &&
               a->u.resize.height == b->u.resize.height &&
               same_part(&a->u.resize, &b->u.resize);
    if (a->kind == &li_op_crop)
        return same_rect(&a->u.crop, &b->u.crop);
    if (a->kind == &li_op_orient)
        return a->u.orient == b->u.orient;
    if (a->kind == &li_op_tone)
        return same_tone(&a->u.tone, &b->u.tone);
    if (a->kind == &li_op_color)
        return a->u.icc == b->u.icc;
    return a->kind == &li_op_convert && same_convert(&a->u.convert, &b->u.convert);
}

/* --- common beginnings ------------------------------------------------------------ */

static bool
same_ops(const li_node *a, const li_node *b)
{
    if (a->streams != b->streams)
        return false;
    for (uint32_t s = 0; s < a->streams; s++)
        if (!same_op(&a->ops[s], &b->ops[s]))
            return false;
    return true;
}

/* The child of wanted->parent that does the same: an old one, or this. */
static uint32_t
child_of(li_tree *tree, const li_node *wanted)
{
    for (uint32_t i = 1; i < tree->count; i++)
        if (tree->nodes[i].parent == wanted->parent &&
            same_ops(&tree->nodes[i], wanted)) {
            tree->nodes[i].fine |= wanted->fine;
            return i;
        }
    tree->nodes[wanted->parent].users++;
    tree->nodes[tree->count] = *wanted;
    return tree->count++;
}

static uint32_t
add_planes(li_tree *tree, const li_plan *plan, bool fine)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < plan->planes[0].count; i++) {
        li_node node = {.streams = LI_PLANES, .parent = at, .fine = fine};
        for (uint32_t p = 0; p < LI_PLANES; p++) {
            const li_plane_plan *plane = &plan->planes[p];
            node.ops[p] = plane->ops[i];
            node.infos[p] = plane->infos[i];
            node.x_den[p] = plane->x_den;
            node.y_den[p] = plane->y_den;
        }
        at = child_of(tree, &node);
    }
    if (plan->way == LI_WAY_PLANES)
        return at;
    li_node joint = {
        .streams = 1, .infos = {plan->decoded}, .parent = at, .fine = fine};
    return child_of(tree, &joint);
}

static uint32_t
add_plan(li_tree *tree, const li_plan *plan, bool fine)
{
    uint32_t at = plan->way == LI_WAY_ROWS ? 0 : add_planes(tree, plan, fine);
    for (size_t i = 0; i < plan->count; i++) {
        li_node node = {.streams = 1,
                        .ops = {plan->ops[i]},
                        .infos = {plan->infos[i]},
                        .parent = at,
                        .fine = fine};
        at = child_of(tree, &node);
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
    const li_op *op = &node->ops[0];
    return op->kind == &li_op_resize && node->parent == 0 &&
           (op->u.resize.kernel == LI_LANCZOS3 || op->u.resize.kernel == LI_CUBIC) &&
           node->infos[0].width <= tree->nodes[0].infos[0].width &&
           node->infos[0].height <= tree->nodes[0].infos[0].height;
}

/* With the chroma that the other has. */
static bool
same_chroma(const li_node *a, const li_node *b)
{
    return a->streams == b->streams &&
           memcmp(a->x_den, b->x_den, sizeof(a->x_den)) == 0 &&
           memcmp(a->y_den, b->y_den, sizeof(a->y_den)) == 0;
}

/* Half as large again, both ways: what the first filter weakens is then above what the
 * second lets through. Sides are rounded. Measured: docs/notes/tee.md. */
static bool
may_feed(const li_node *large, const li_node *small)
{
    const li_info *from = &large->infos[0], *to = &small->infos[0];
    return (uint64_t)from->width * 2 + 2 >= (uint64_t)to->width * 3 &&
           (uint64_t)from->height * 2 + 2 >= (uint64_t)to->height * 3 &&
           same_chroma(large, small) &&
           same_part(&large->ops[0].u.resize, &small->ops[0].u.resize);
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
            (!best || node->infos[0].width < tree->nodes[best].infos[0].width))
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
        uint64_t pixels = (uint64_t)node->infos[0].width * node->infos[0].height;
        if (is_downscale(tree, node) && pixels < below && pixels > most) {
            found = i;
            most = pixels;
        }
    }
    return found;
}

/* Of a plane: what it stands for of the larger picture, in that one's plane. */
static bool
fed_resize(const li_node *large, const li_node *small, uint32_t s, li_resize *resize)
{
    const li_info *whole = &large->infos[0], *from = &large->infos[s];
    *resize = small->ops[s].u.resize;
    resize->x = li_span_whole(whole->width);
    resize->y = li_span_whole(whole->height);
    if (small->streams > 1) {
        const uint8_t x[2] = {1, large->x_den[s]}, y[2] = {1, large->y_den[s]};
        resize->x = li_plane_span(resize->x, small->infos[0].width, resize->width,
                                  small->x_den[s], x);
        resize->y = li_plane_span(resize->y, small->infos[0].height, resize->height,
                                  small->y_den[s], y);
    }
    li_axis_plan across = {resize->kernel, resize->x, resize->width, from->width};
    li_axis_plan down = {resize->kernel, resize->y, resize->height, from->height};
    return li_axis_valid(&across) && li_axis_valid(&down);
}

static void
feed(li_tree *tree, uint32_t small, uint32_t large)
{
    li_node *node = &tree->nodes[small];
    li_resize fed[LI_PLANES];
    for (uint32_t s = 0; s < node->streams; s++)
        if (!fed_resize(&tree->nodes[large], node, s, &fed[s]))
            return;
    for (uint32_t s = 0; s < node->streams; s++)
        node->ops[s].u.resize = fed[s];
    tree->nodes[0].users--;
    tree->nodes[large].users++;
    node->parent = large;
}

/* From the largest on. Of several of one size the first alone is looked at: they differ
 * in kernel or part. */
static void
cut_short(li_tree *tree)
{
    uint64_t below = UINT64_MAX;
    for (uint32_t i; (i = next_smaller(tree, below)) != 0;) {
        const li_node *node = &tree->nodes[i];
        below = (uint64_t)node->infos[0].width * node->infos[0].height;
        uint32_t feeder = node->fine ? 0 : best_feeder(tree, node);
        if (feeder)
            feed(tree, i, feeder);
    }
}

/* --- the tree --------------------------------------------------------------------- */

/* A drawing shows it (SSIMULACRA2 84 becomes 80), and comes from a format that loses
 * nothing. */
static bool
is_fine(const li_input *input, const li_plan *plan, const li_request *request)
{
    return !input->codec || !input->codec->default_quality || input->header.lossless ||
           request->shrink == LI_SHRINK_EXACT || (request->rules_off & LI_NO_SHRINK) ||
           (request->shrink == LI_SHRINK_SAFE &&
            (!li_hides_shrink(request) || li_ops_bring_out(plan->ops, plan->count)));
}

static li_node
root_of(const li_plan *plan)
{
    li_node root = {.streams = 1, .infos = {plan->decoded}};
    if (plan->way == LI_WAY_ROWS)
        return root;
    root.streams = LI_PLANES;
    for (uint32_t p = 0; p < LI_PLANES; p++)
        root.infos[p] = plan->planes[p].decoded;
    return root;
}

li_status
li_tree_make(li_ctx *ctx, const li_input *input, const li_plan *plans,
             li_request const *const *requests, uint32_t count, li_tree *tree)
{
    uint64_t room = 1;
    enum { JOINT = 1 };
    for (uint32_t i = 0; i < count; i++)
        room += plans[i].planes[0].count + JOINT + plans[i].count;
    *tree = (li_tree){.room = (uint32_t)room};
    LI_TRY(li_alloc(ctx, room, sizeof(tree->nodes[0]), &tree->nodes));
    li_status status = li_alloc(ctx, count, sizeof(tree->ends[0]), &tree->ends);
    if (status != LI_OK) {
        li_tree_free(ctx, tree);
        return status;
    }
    tree->nodes[0] = root_of(&plans[0]);
    tree->count = 1;
    for (uint32_t i = 0; i < count; i++)
        tree->ends[i] =
            add_plan(tree, &plans[i], is_fine(input, &plans[i], requests[i]));
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
