/* stream_check.h: a picture through a chain of ops that a few bytes choose: streamed,
 * with rows passed over, it equals one op after the other on whole pictures, and each
 * op equals its slow truth. Fails by CHECK. Shared by the fuzzer and by a test that
 * draws its bytes by chance. */
#ifndef LI_TESTS_OPS_STREAM_CHECK_H
#define LI_TESTS_OPS_STREAM_CHECK_H

#include "kernels/kernels.h"
#include "resize_truth.h"

enum { STREAM_HEAD = 8, STREAM_OP = 8, STREAM_OPS = 4, STREAM_SIDE = 48 };

static inline li_span
stream_span(const uint8_t bytes[2], uint32_t inputs)
{
    uint32_t unit = 1 + bytes[0] / 4 % 50;
    switch (bytes[0] % 4) {
    case 0:
        return (li_span){0, inputs, 1};
    case 1: {
        uint64_t start = bytes[1] * inputs * unit / 256;
        return (li_span){start, 1 + (inputs * unit - start) * bytes[0] / 257, unit};
    }
    case 2:
        return (li_span){0, inputs * 8u - bytes[1] % 8, 8};
    }
    return (li_span){bytes[1] % 8, inputs * 8u - 1, 8};
}

static inline li_op
stream_op(const uint8_t bytes[STREAM_OP], li_info in)
{
    static const li_op_kind *const kinds[] = {&li_op_crop, &li_op_resize, &li_op_orient,
                                              &li_op_tone, &li_op_convert};
    static const li_pixel layouts[4] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    li_op op = {.kind = kinds[bytes[0] % 5]};
    if (op.kind == &li_op_crop) {
        uint32_t x = bytes[1] % in.width, y = bytes[2] % in.height;
        op.u.crop = (li_rect){x, y, 1 + bytes[3] % (in.width - x),
                              1 + bytes[4] % (in.height - y)};
    } else if (op.kind == &li_op_resize) {
        op.u.resize = (li_resize){
            1 + bytes[1] % STREAM_SIDE,        1 + bytes[2] % STREAM_SIDE,
            (li_kernel)(bytes[3] % 5),         stream_span(bytes + 4, in.width),
            stream_span(bytes + 6, in.height), false};
    } else if (op.kind == &li_op_orient) {
        op.u.orient = (li_orientation)(1 + bytes[1] % 8);
    } else if (op.kind == &li_op_tone) {
        li_tone more;
        li_tone_brightness(&op.u.tone, bytes[1] % 201 - 100);
        li_tone_contrast(&more, bytes[2] % 201 - 100);
        li_tone_then(&op.u.tone, &more);
    } else {
        op.u.convert = (li_convert){
            layouts[bytes[1] % 4], bytes[2] & 1, {bytes[3], bytes[4], bytes[5]}};
    }
    return op;
}

/* --- the truth of one op ---------------------------------------------------------- */

static inline uint32_t
stream_luma(const uint8_t *pixel)
{
    return (uint32_t)(0.2126 * pixel[0] + 0.7152 * pixel[1] + 0.0722 * pixel[2] + 0.5);
}

/* Channel c of a pixel of `from` channels in a layout of `to`. */
static inline uint32_t
stream_converted(const li_convert *how, const uint8_t *pixel, uint32_t from,
                 uint32_t to, uint32_t c)
{
    uint32_t alpha = from % 2 ? 255 : pixel[from - 1];
    if (to % 2 == 0 && c == to - 1)
        return alpha;
    uint8_t colour[3] = {pixel[0], pixel[from > 2 ? 1 : 0], pixel[from > 2 ? 2 : 0]};
    const uint8_t *behind = how->background;
    if (how->flatten && from % 2 == 0 && to % 2)
        for (int i = 0; i < 3; i++)
            colour[i] =
                (uint8_t)((colour[i] * alpha + behind[i] * (255 - alpha) + 127) / 255);
    return to > 2 ? colour[c] : from > 2 ? stream_luma(colour) : colour[0];
}

/* Gray is rounded once more where it is flattened; a gray picture over a coloured
 * background is flattened over the background's luma. */
static inline void
stream_check_convert(const li_op *op, const li_frame *in, const li_frame *out)
{
    const li_convert *how = &op->u.convert;
    uint32_t from = li_pixel_channels(in->info.pixel), worst = 0;
    uint32_t to = li_pixel_channels(out->info.pixel);
    li_convert gray = *how;
    memset(gray.background, (int)stream_luma(how->background), 3);
    for (uint32_t y = 0; y < out->info.height; y++)
        for (uint32_t i = 0; i < out->info.width * to; i++) {
            const uint8_t *pixel = li_frame_row(in, y) + i / to * from;
            uint32_t true_value =
                stream_converted(to < 3 ? &gray : how, pixel, from, to, i % to);
            uint32_t off = (uint32_t)abs((int)true_value - li_frame_row(out, y)[i]);
            worst = off > worst ? off : worst;
        }
    CHECK(worst <= (from > 2 || how->flatten ? 2 : 0));
}

static inline void
stream_check_tone(const li_op *op, const li_frame *in, const li_frame *out)
{
    uint32_t n = li_pixel_channels(in->info.pixel), wrong = 0;
    for (uint32_t y = 0; y < in->info.height; y++)
        for (uint32_t i = 0; i < in->info.width * n; i++) {
            uint8_t was = li_frame_row(in, y)[i], is = li_frame_row(out, y)[i];
            bool alpha = n % 2 == 0 && i % n == n - 1;
            wrong += is != (alpha ? was : op->u.tone.table[was]);
        }
    CHECK_EQ(wrong, 0);
}

static inline void
stream_check_crop(const li_rect *rect, const li_frame *in, const li_frame *out)
{
    size_t pixel = li_pixel_bytes(in->info.pixel), row = li_row_bytes(out->info);
    for (uint32_t y = 0; y < rect->height; y++)
        CHECK(memcmp(li_frame_row(out, y),
                     li_frame_row(in, rect->y + y) + rect->x * pixel, row) == 0);
}

static inline void
stream_check_op(const li_op *op, const li_frame *in, const li_frame *out)
{
    if (op->kind == &li_op_crop) {
        stream_check_crop(&op->u.crop, in, out);
    } else if (op->kind == &li_op_orient) {
        li_frame turned = picture_turn(in, op->u.orient);
        CHECK(picture_equal(&turned, out));
        picture_free(&turned);
    } else if (op->kind == &li_op_tone) {
        stream_check_tone(op, in, out);
    } else if (op->kind == &li_op_convert) {
        stream_check_convert(op, in, out);
    } else {
        difference seen = {0, 0, 0};
        bool weighed = li_pixel_has_alpha(in->info.pixel);
        compare(&op->u.resize, in, out, &seen);
        CHECK(seen.worst <= (op->u.resize.kernel == LI_NEAREST ? 0
                             : weighed                         ? 1.6L
                                                               : 0.6L));
    }
}

/* --- the chain -------------------------------------------------------------------- */

typedef struct stream_chain {
    li_op ops[STREAM_OPS];
    li_info infos[STREAM_OPS + 1];
    uint32_t count;
} stream_chain;

static inline stream_chain
stream_chain_of(const uint8_t *data, size_t size, li_info first)
{
    stream_chain chain = {.infos = {first}};
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    for (; size >= STREAM_OP && chain.count < STREAM_OPS;
         data += STREAM_OP, size -= STREAM_OP) {
        li_op op = stream_op(data, chain.infos[chain.count]);
        li_info *out = &chain.infos[chain.count + 1];
        if (op.kind->shape(&ctx, &op, chain.infos[chain.count], out) == LI_OK)
            chain.ops[chain.count++] = op;
        else
            li_ctx_init(&ctx, NULL);
    }
    return chain;
}

/* Pulled row by row; where a bit of `skips` is set, some are passed over. */
static inline void
stream_pull(li_rows *rows, const li_frame *truth, uint32_t skips)
{
    size_t bytes = li_row_bytes(rows->info);
    while (rows->y < rows->info.height) {
        uint32_t left = rows->info.height - rows->y, at = rows->y;
        uint32_t run = skips >> (at / 2 % 32) & 1 ? 1 + at % 3 : 0;
        const uint8_t *row = NULL;
        if (run && CHECK_EQ(li_rows_skip(rows, run < left ? run : left), LI_OK))
            continue;
        if (!CHECK_EQ(li_rows_next(rows, &row), LI_OK))
            return;
        if (!CHECK(memcmp(row, li_frame_row(truth, at), bytes) == 0))
            return;
    }
}

static inline void
stream_run(const stream_chain *chain, const li_frame *first, const li_frame *last,
           const char *kernels, uint32_t skips)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.kernels = li_kernels_named(kernels);
    li_rows *rows = strict_open(&ctx, first, NULL);
    uint64_t bound = ctx.bytes;
    for (uint32_t i = 0; i < chain->count; i++) {
        const li_op *op = &chain->ops[i];
        bound += op->kind->bytes(op, chain->infos[i], chain->infos[i + 1]);
        CHECK_EQ(op->kind->open(op, chain->infos[i + 1], &rows), LI_OK);
    }
    stream_pull(rows, last, skips);
    CHECK(ctx.peak_bytes <= bound);
    CHECK_EQ(ctx.status, LI_OK);
    li_rows_close(&rows);
    CHECK_EQ(ctx.bytes, 0);
}

/* Eight bytes of a picture, then eight an op. */
static inline void
stream_check(const uint8_t *data, size_t size)
{
    static const li_pixel layouts[4] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    static const char *const tables[3] = {"scalar", "sse41", "avx2"};
    if (size < STREAM_HEAD)
        return;
    li_info info = {1 + data[0] % STREAM_SIDE, 1 + data[1] % STREAM_SIDE,
                    layouts[data[2] % 4]};
    uint32_t skips = (uint32_t)data[3] * 0x01010101u ^ data[4], seed = 1 + data[5];
    const char *table = tables[data[2] / 4 % 3];
    stream_chain chain = stream_chain_of(data + STREAM_HEAD, size - STREAM_HEAD, info);
    li_frame first = picture_make(info, (picture_style)(data[6] % 4), &seed);
    li_frame now = first;
    for (uint32_t i = 0; i < chain.count; i++) {
        li_frame next = picture_run(&chain.ops[i], &now, NULL);
        stream_check_op(&chain.ops[i], &now, &next);
        if (i > 0)
            picture_free(&now);
        now = next;
    }
    stream_run(&chain, &first, &now, "scalar", 0);
    stream_run(&chain, &first, &now, li_kernels_named(table) ? table : "scalar",
               data[3] ? skips : 0);
    if (chain.count > 0)
        picture_free(&now);
    picture_free(&first);
}

#endif
