/* planes.c: may the picture leave the decoder as Y, Cb and Cr, and how far does it get
 * so? Layer 3.
 *
 * A resize does not care which colours it mixes, so a picture that is made smaller
 * first need not be RGB before: chroma is neither blown up nor converted at full size.
 * An encoder that takes planes spares the way back, too. Measured, not exact. */
#include "engine/decode.h"
#include "engine/geometry.h"
#include "ops/resample.h"

/* --- one plane -------------------------------------------------------------------- */

li_span
li_plane_span(li_span span, uint32_t resized, uint32_t count, uint32_t den,
              const uint8_t from[2])
{
    if ((uint64_t)count * den != resized) {
        span.start *= resized;
        span.length *= (uint64_t)count * den;
        span.unit *= resized;
    }
    return li_span_scale(span, from[0], from[1]);
}

static bool
add_op(li_ctx *ctx, li_plane_plan *plan, const li_op *op)
{
    li_info in = plan->count ? plan->infos[plan->count - 1] : plan->decoded;
    if (op->kind->shape(ctx, op, in, &plan->infos[plan->count]) != LI_OK)
        return false;
    plan->ops[plan->count++] = *op;
    return true;
}

static bool
add_resize(li_ctx *ctx, const li_resize *resize, const li_plane *from,
           const li_plane *to, li_plane_plan *plan)
{
    li_op op = {.kind = &li_op_resize};
    op.u.resize = (li_resize){
        .width = to->width,
        .height = to->height,
        .kernel = resize->kernel,
        .x = li_plane_span(resize->x, resize->width, to->width, to->x_den,
                           (const uint8_t[2]){from->x_num, from->x_den}),
        .y = li_plane_span(resize->y, resize->height, to->height, to->y_den,
                           (const uint8_t[2]){from->y_num, from->y_den}),
    };
    li_axis_plan x = {resize->kernel, op.u.resize.x, to->width, from->width};
    li_axis_plan y = {resize->kernel, op.u.resize.y, to->height, from->height};
    return li_axis_valid(&x) && li_axis_valid(&y) && add_op(ctx, plan, &op);
}

/* BT.601: studio range gives Y 219 levels from 16 on, Cb and Cr 224 around 128. */
static bool
add_range(li_ctx *ctx, bool chroma, bool to_studio, li_plane_plan *plan)
{
    li_op op = {.kind = &li_op_tone};
    int levels = chroma ? 224 : 219, base = chroma ? 128 : 0;
    int lowest = chroma ? 128 : 16;
    for (int i = 0; i < 256; i++) {
        int twice = to_studio ? 2 * (i - base) * levels : 2 * (i - lowest) * 255;
        int unit = to_studio ? 255 : levels;
        int value = twice + unit + 512 * unit; /* above 0, so that / is floor */
        value = value / (2 * unit) - 256 + (to_studio ? lowest : base);
        op.u.tone.table[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
    return add_op(ctx, plan, &op);
}

/* --- all three -------------------------------------------------------------------- */

typedef struct route {
    li_planar from, to;
    const li_resize *resize; /* NULL: each as it is */
    li_orientation orient;   /* 1: none */
    bool joined;
} route;

static bool
plan_three(li_ctx *ctx, const route *way, li_plan *plan)
{
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        const li_plane *from = &way->from.plane[p];
        li_plane to = way->to.plane[p];
        li_plane_plan *plane = &plan->planes[p];
        *plane = (li_plane_plan){.decoded = {from->width, from->height, LI_GRAY8}};
        if (li_orient_transposes(way->orient)) {
            const li_plane *turned = &way->to.plane[p];
            to = (li_plane){turned->height, turned->width, turned->y_num,
                            turned->y_den,  turned->x_num, turned->x_den};
        }
        plane->x_den = to.x_den;
        plane->y_den = to.y_den;
        if (way->resize && !add_resize(ctx, way->resize, from, &to, plane))
            return false;
        if (!way->joined && way->from.studio != way->to.studio &&
            !add_range(ctx, p > 0, way->to.studio, plane))
            return false;
        li_op turn = {.kind = &li_op_orient, .u.orient = way->orient};
        if (way->orient != 1 && !add_op(ctx, plane, &turn))
            return false;
    }
    return true;
}

static bool
same_layout(const li_planar *a, const li_planar *b)
{
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        const li_plane *x = &a->plane[p], *y = &b->plane[p];
        if (x->width != y->width || x->height != y->height ||
            x->x_num * y->x_den != y->x_num * x->x_den ||
            x->y_num * y->y_den != y->y_num * x->y_den)
            return false;
    }
    return true;
}

/* --- may it? ---------------------------------------------------------------------- */

static bool
is_downscale(const li_op *op, li_info in)
{
    const li_resize *resize = &op->u.resize;
    return op->kind == &li_op_resize && resize->kernel != LI_NEAREST &&
           !resize->linear && resize->width <= in.width && resize->height <= in.height;
}

/* Planes know no regions: what a window leaves out would be decoded in vain, but for
 * others that share the decode. */
static bool
wants_region(const li_resize *resize, li_info in)
{
    uint64_t part = resize->x.length / resize->x.unit;
    part *= resize->y.length / resize->y.unit;
    return part < (uint64_t)in.width * in.height / 4 * 3;
}

/* A chroma sample of an odd last column stands for one pixel; mirrored it would have to
 * be the first. */
static bool
can_turn(li_orientation orient, const li_planar *to)
{
    bool odd_x = to->plane[0].width % to->plane[1].x_den != 0;
    bool odd_y = to->plane[0].height % to->plane[1].y_den != 0;
    return orient == 1 || orient == 5 || (!odd_x && !odd_y);
}

/* Up to the encoder, if nothing but an orientation is left to do. */
static bool
reaches_encoder(const li_request *request, const li_draft *draft, size_t done,
                route *way)
{
    li_info out = draft->count ? draft->infos[draft->count - 1] : draft->in;
    const li_codec *codec = request->codec;
    way->orient = 1;
    if (!codec || !codec->takes_planes || draft->count > done + 1)
        return false;
    if (draft->count == done + 1) {
        if (draft->ops[done].kind != &li_op_orient)
            return false;
        way->orient = draft->ops[done].u.orient;
    }
    return codec->takes_planes(out, &request->encode, &way->to) &&
           can_turn(way->orient, &way->to);
}

/* Chroma as large as luma costs a resize what RGB does: nothing to gain. */
static bool
has_small_chroma(const li_planar *layout)
{
    const li_plane *luma = &layout->plane[0], *chroma = &layout->plane[1];
    return chroma->width < luma->width || chroma->height < luma->height;
}

static bool
find_route(const li_input *input, const li_request *request, const li_draft *draft,
           li_hint *hint, route *way)
{
    const li_codec *codec = input->codec;
    bool resizes = draft->count > 0 && is_downscale(&draft->ops[0], draft->in);
    enum { LEAST_PIXELS = 1 << 16 }; /* below them there is nothing to gain */
    uint64_t pixels = (uint64_t)draft->in.width * draft->in.height;
    if (pixels < LEAST_PIXELS || (request->rules_off & LI_NO_PLANES) ||
        request->shrink == LI_SHRINK_EXACT || !codec || !codec->planar)
        return false;
    *hint = li_hint_of(input, draft, request, true);
    way->resize = resizes ? &draft->ops[0].u.resize : NULL;
    if (resizes && codec->regions && !request->shared &&
        wants_region(way->resize, draft->in))
        return false;
    way->joined = !reaches_encoder(request, draft, resizes, way);
    if (way->joined && resizes) {
        way->orient = 1;
        way->to = li_planar_of(way->resize->width, way->resize->height, 1, 1);
    }
    hint->skim = hint->skim && codec->planar(&input->header, *hint, &way->from) &&
                 li_plane_covers(&way->from.plane[1], &way->to.plane[1],
                                 li_orient_transposes(way->orient));
    if (!codec->planar(&input->header, *hint, &way->from))
        return false;
    return resizes ? has_small_chroma(&way->from)
                   : !way->joined && same_layout(&way->from, &way->to);
}

bool
li_plan_planes(const li_input *input, const li_request *request, li_draft *draft,
               li_plan *plan)
{
    li_hint hint;
    route way;
    if (!find_route(input, request, draft, &hint, &way) ||
        !plan_three(draft->ctx, &way, plan))
        return false;
    plan->way = way.joined ? LI_WAY_JOINED : LI_WAY_PLANES;
    plan->hint = hint;
    plan->studio = way.from.studio;
    if (way.resize)
        li_draft_drop_first(draft);
    if (way.orient != 1)
        li_draft_drop_first(draft);
    plan->decoded = draft->in;
    return true;
}

/* --- the cost --------------------------------------------------------------------- */

/* Rows that an op reads beyond those that are due, in rows of the picture. */
static uint64_t
rows_ahead(const li_op *op, li_info in, uint32_t height)
{
    enum { LINE = 4 }; /* rows of a plane that go together, at most */
    uint64_t rows = LINE;
    if (op && op->kind == &li_op_resize) {
        const li_resize *resize = &op->u.resize;
        li_axis_plan y = {resize->kernel, resize->y, resize->height, in.height};
        rows = li_axis_stride(&y) + 2 * (uint64_t)LI_BATCH;
    }
    return rows * height / in.height + 1;
}

/* What a port keeps is what the widest filter needs more than its own; it may be copied
 * to a larger block. */
static uint64_t
port_bytes(li_info in, uint64_t ahead, uint32_t height)
{
    uint64_t rows = ahead * in.height / height + 2;
    return 2 * li_block_bytes(rows * ((uint64_t)in.width + LI_ROW_SLACK)) + 4096;
}

uint64_t
li_plane_ports_bytes(const li_info in[LI_PLANES], const li_op *const ops[LI_PLANES],
                     uint32_t height)
{
    uint64_t bytes = 0, ahead = 0;
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        uint64_t rows = rows_ahead(ops[p], in[p], height);
        ahead = rows > ahead ? rows : ahead;
    }
    for (uint32_t p = 0; p < LI_PLANES; p++)
        bytes = li_sat_add(bytes, port_bytes(in[p], ahead, height));
    return bytes;
}

uint64_t
li_join_bytes(li_info joined)
{
    return 2 * li_row_bytes(joined) + 4096; /* a row of it and two of the planes' */
}

uint64_t
li_planes_bytes(const li_plan *plan)
{
    li_info in[LI_PLANES];
    const li_op *first[LI_PLANES];
    uint64_t bytes = li_join_bytes(plan->decoded);
    if (plan->way == LI_WAY_ROWS)
        return 0;
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        const li_plane_plan *plane = &plan->planes[p];
        in[p] = plane->decoded;
        first[p] = plane->count ? &plane->ops[0] : NULL;
        li_info from = in[p];
        for (uint32_t i = 0; i < plane->count; i++) {
            const li_op *op = &plane->ops[i];
            bytes = li_sat_add(bytes, op->kind->bytes(op, from, plane->infos[i]));
            from = plane->infos[i];
        }
    }
    return li_sat_add(bytes, li_plane_ports_bytes(in, first, plan->stored.height));
}
