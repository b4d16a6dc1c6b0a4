/* rules.c: the rewrites. Each looks at one op or at two neighbours and says whether it
 * changed something; the loop at the end runs them until none does. Layer 3. */
#include "engine/rules.h"
#include "engine/geometry.h"

#include <string.h>

static li_info
info_before(const li_draft *draft, size_t i)
{
    return i ? draft->infos[i - 1] : draft->in;
}

static li_status
reshape(li_draft *draft, size_t from)
{
    for (size_t i = from; i < draft->count; i++)
        LI_TRY(draft->ops[i].kind->shape(draft->ctx, &draft->ops[i],
                                         info_before(draft, i), &draft->infos[i]));
    return LI_OK;
}

li_status
li_check_output(li_ctx *ctx, const char *step, li_info info)
{
    uint64_t limit = ctx->limits.max_output_pixels;
    uint64_t pixels = (uint64_t)info.width * info.height;
    if (!limit || pixels <= limit)
        return LI_OK;
    return li_fail(ctx, LI_E122_PIXEL_LIMIT,
                   "%s: %ux%u, %llu pixels, is over limits(max_output_pixels=%llu)",
                   step, info.width, info.height, (unsigned long long)pixels,
                   (unsigned long long)limit);
}

li_status
li_draft_add(li_draft *draft, const li_op *op)
{
    size_t i = draft->count;
    if (i >= draft->room)
        return li_fail(draft->ctx, LI_E901_INTERNAL, "plan: more than %zu ops",
                       draft->room);
    li_status status =
        op->kind->shape(draft->ctx, op, info_before(draft, i), &draft->infos[i]);
    if (status != LI_OK && !draft->ctx->step)
        draft->ctx->step = op->kind->name;
    if (status != LI_OK)
        return status;
    draft->ops[i] = *op;
    draft->count++;
    li_info in = info_before(draft, i);
    bool grows = (uint64_t)draft->infos[i].width * draft->infos[i].height >
                 (uint64_t)in.width * in.height;
    return grows ? li_check_output(draft->ctx, op->kind->name, draft->infos[i]) : LI_OK;
}

static void
remove_op(li_draft *draft, size_t i)
{
    size_t after = draft->count - i - 1;
    memmove(&draft->ops[i], &draft->ops[i + 1], after * sizeof(draft->ops[0]));
    memmove(&draft->infos[i], &draft->infos[i + 1], after * sizeof(draft->infos[0]));
    draft->count--;
}

void
li_draft_drop_first(li_draft *draft)
{
    draft->in = draft->infos[0];
    remove_op(draft, 0);
}

/* --- rules for one op ------------------------------------------------------------ */

static bool
is_whole(li_span span, uint32_t pixels)
{
    return span.start == 0 && span.length == (uint64_t)pixels * span.unit;
}

/* Exact: an op that changes nothing goes. At equal size a resize copies: every kernel
 * but Mitchell's is 1 at its own pixel and 0 at the others. */
bool
li_draft_idle(const li_draft *draft, size_t i)
{
    const li_op *op = &draft->ops[i];
    li_info in = info_before(draft, i), out = draft->infos[i];
    if (op->kind->idle)
        return op->kind->idle(op, in, out);
    if (op->kind == &li_op_crop)
        return in.width == out.width && in.height == out.height;
    if (op->kind == &li_op_orient)
        return op->u.orient == 1;
    if (op->kind == &li_op_convert)
        return in.pixel == out.pixel;
    if (op->kind == &li_op_tone)
        return li_tone_idle(&op->u.tone, li_pixel_is_deep(in.pixel));
    return op->kind == &li_op_resize && in.width == out.width &&
           in.height == out.height && is_whole(op->u.resize.x, in.width) &&
           is_whole(op->u.resize.y, in.height);
}

/* --- rules for two neighbours ---------------------------------------------------- */

typedef bool rule(li_draft *draft, size_t i);

static bool
are(const li_draft *draft, size_t i, const li_op_kind *first, const li_op_kind *second)
{
    return draft->ops[i].kind == first && draft->ops[i + 1].kind == second;
}

/* Exact: two crops are one, so are two orientations and two tone tables of 8 bits. */
static bool
merge_equals(li_draft *draft, size_t i)
{
    li_op *first = &draft->ops[i], *second = &draft->ops[i + 1];
    if (are(draft, i, &li_op_crop, &li_op_crop)) {
        second->u.crop.x += first->u.crop.x;
        second->u.crop.y += first->u.crop.y;
        *first = *second;
    } else if (are(draft, i, &li_op_orient, &li_op_orient)) {
        first->u.orient = li_orient_then(first->u.orient, second->u.orient);
    } else if (are(draft, i, &li_op_tone, &li_op_tone) &&
               !li_pixel_is_deep(draft->infos[i].pixel)) {
        li_tone_then(&first->u.tone, &second->u.tone);
    } else {
        return false;
    }
    remove_op(draft, i + 1);
    return true;
}

/* Exact: a crop of a resize computes only what is kept; taps still reach what is not.
 */
static bool
crop_becomes_window(li_draft *draft, size_t i)
{
    if (!are(draft, i, &li_op_resize, &li_op_crop))
        return false;
    li_resize *resize = &draft->ops[i].u.resize;
    li_rect kept = draft->ops[i + 1].u.crop;
    resize->x = li_span_window(resize->x, resize->width, kept.x, kept.width);
    resize->y = li_span_window(resize->y, resize->height, kept.y, kept.height);
    resize->width = kept.width;
    resize->height = kept.height;
    remove_op(draft, i + 1);
    return true;
}

static void
swap_ops(li_draft *draft, size_t i)
{
    li_op first = draft->ops[i];
    draft->ops[i] = draft->ops[i + 1];
    draft->ops[i + 1] = first;
}

/* Exact: a turned picture cropped is the picture cropped elsewhere and turned. */
static bool
orient_after_crop(li_draft *draft, size_t i)
{
    if (!are(draft, i, &li_op_orient, &li_op_crop))
        return false;
    li_orientation back = li_orient_inverse(draft->ops[i].u.orient);
    li_rect rect = li_orient_rect(back, draft->infos[i], draft->ops[i + 1].u.crop);
    draft->ops[i + 1].u.crop = rect;
    swap_ops(draft, i);
    return true;
}

/* Exact: what looks at one pixel does not care where it is. */
static bool
orient_after_pixels(li_draft *draft, size_t i)
{
    if (draft->ops[i].kind != &li_op_orient || !draft->ops[i + 1].kind->per_pixel)
        return false;
    swap_ops(draft, i);
    return true;
}

/* Behind a downscale fewer pixels are turned, and fewer held. Exact for flips and the
 * half turn; for the four that transpose at most one level in 0.5 % of samples, because
 * the axes are then filtered in the other order. Nearest has ties that a flip would
 * break the other way: it stays where it was written. */
static bool
orient_after_downscale(li_draft *draft, size_t i)
{
    if (!are(draft, i, &li_op_orient, &li_op_resize))
        return false;
    li_resize *resize = &draft->ops[i + 1].u.resize;
    li_info in = info_before(draft, i);
    uint64_t pixels = (uint64_t)resize->width * resize->height;
    if (resize->kernel == LI_NEAREST || pixels > (uint64_t)in.width * in.height)
        return false;
    *resize = li_resize_before(resize, draft->ops[i].u.orient, in);
    swap_ops(draft, i);
    return true;
}

/* May colours be filtered before they are converted? Nearest makes none. Where the
 * curve is near sRGB's it is another rounding of the same means, by less than either
 * differs from filtering light (docs/notes/color.md); light itself is sRGB's. */
static bool
filters_before(const li_draft *draft, const li_resize *resize, const li_icc *icc)
{
    return resize->kernel == LI_NEAREST ||
           (!resize->linear && (draft->fast || li_icc_is_even(icc)));
}

/* Behind what leaves fewer pixels fewer are converted: exact behind a crop. */
static bool
colours_after_less(li_draft *draft, size_t i)
{
    const li_op *op = &draft->ops[i], *next = &draft->ops[i + 1];
    const li_resize *resize = &next->u.resize;
    li_info in = info_before(draft, i);
    if (op->kind != &li_op_color)
        return false;
    bool less =
        next->kind == &li_op_crop ||
        (next->kind == &li_op_resize && resize->width <= in.width &&
         resize->height <= in.height && filters_before(draft, resize, op->u.icc));
    if (less)
        swap_ops(draft, i);
    return less;
}

static const struct {
    rule *apply;
    uint32_t off;
} pair_rules[] = {
    {merge_equals, LI_NO_MERGE},
    {crop_becomes_window, LI_NO_WINDOW},
    {orient_after_crop, LI_NO_ORIENT},
    {orient_after_pixels, LI_NO_ORIENT},
    {orient_after_downscale, LI_NO_ORIENT},
    {colours_after_less, LI_NO_LATE_COLOR},
};

/* Apply the first rule that fits at i or at i and i + 1. */
static bool
rewrite_at(li_draft *draft, size_t i, uint32_t off)
{
    if (!(off & LI_NO_MERGE) && li_draft_idle(draft, i)) {
        remove_op(draft, i);
        return true;
    }
    if (i + 1 >= draft->count)
        return false;
    for (size_t r = 0; r < sizeof(pair_rules) / sizeof(pair_rules[0]); r++)
        if (!(off & pair_rules[r].off) && pair_rules[r].apply(draft, i))
            return true;
    return false;
}

li_status
li_draft_rewrite(li_draft *draft, uint32_t off)
{
    /* Ends: each rewrite removes an op or moves an orientation, or colours and what
     * may pass them, to the right. */
    for (size_t i = 0; i < draft->count;) {
        if (!rewrite_at(draft, i, off)) {
            i++;
            continue;
        }
        i = i ? i - 1 : 0;
        LI_TRY(reshape(draft, i));
    }
    return LI_OK;
}
