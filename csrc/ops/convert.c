/* convert.c: between gray and RGB, with and without alpha, 8 and 16 bits a sample.
 * Layer 2.
 *
 * Channels are converted with the bits that came, so that a sample is rounded to 8 bits
 * last, and once. */
#include "kernels/deep.h"
#include "ops/op.h"

typedef struct convert_rows {
    li_rows base;
    li_convert to;
    const li_kernels *kernels;
    void *channels; /* owned: converted but for the depth; where both change */
    void *out;      /* owned: the row handed out */
} convert_rows;

static void
convert_bytes(const convert_rows *self, const uint8_t *row, bool flatten, uint8_t *out)
{
    uint32_t channels = li_pixel_channels(self->base.up->info.pixel);
    uint32_t wanted = li_pixel_channels(self->base.info.pixel);
    if (flatten)
        self->kernels->flatten(row, channels, self->to.background, out, wanted,
                               self->base.info.width);
    else
        self->kernels->convert(row, channels, out, wanted, self->base.info.width);
}

static void
convert_words(const convert_rows *self, const uint16_t *row, bool flatten,
              uint16_t *out)
{
    uint32_t channels = li_pixel_channels(self->base.up->info.pixel);
    uint32_t wanted = li_pixel_channels(self->base.info.pixel);
    uint16_t background[3];
    li_deep_from_bytes(self->to.background, background, 3);
    if (flatten)
        li_deep_flatten(row, channels, background, out, wanted, self->base.info.width);
    else
        li_deep_convert(row, channels, out, wanted, self->base.info.width);
}

/* To the depth of the rows below; `row` has their channels. */
static void
convert_depth(const convert_rows *self, const void *row, bool from_deep)
{
    li_info info = self->base.info;
    size_t samples = (size_t)info.width * li_pixel_channels(info.pixel);
    if (from_deep)
        li_deep_to_bytes(row, self->out, samples);
    else
        li_deep_from_bytes(row, self->out, samples);
}

static li_status
convert_next(li_rows *rows, const uint8_t **row)
{
    convert_rows *self = (convert_rows *)rows;
    li_pixel from = rows->up->info.pixel, to = rows->info.pixel;
    bool deep = li_pixel_is_deep(from), depth = deep != li_pixel_is_deep(to);
    bool flatten =
        self->to.flatten && li_pixel_has_alpha(from) && !li_pixel_has_alpha(to);
    void *out = self->channels ? self->channels : self->out;
    const uint8_t *found;
    LI_TRY(li_rows_next(rows->up, &found));
    *row = self->out;
    if (depth && !self->channels)
        convert_depth(self, found, deep);
    else if (deep)
        convert_words(self, (const uint16_t *)(const void *)found, flatten, out);
    else
        convert_bytes(self, found, flatten, out);
    if (self->channels)
        convert_depth(self, out, deep);
    return LI_OK;
}

static li_status
convert_skip(li_rows *rows, uint32_t count)
{
    return li_rows_skip(rows->up, count);
}

static void
convert_close(li_rows *rows)
{
    convert_rows *self = (convert_rows *)rows;
    li_free(rows->ctx, &self->channels);
    li_free(rows->ctx, &self->out);
}

static const li_rows_ops convert_ops = {
    .name = "convert",
    .next = convert_next,
    .skip = convert_skip,
    .close = convert_close,
};

li_pixel
li_convert_onto(li_pixel in, li_pixel wanted, const uint8_t background[3])
{
    bool gray = background[0] == background[1] && background[1] == background[2];
    if (gray || !li_pixel_has_alpha(in) || li_pixel_has_alpha(wanted) ||
        !li_pixel_is_gray(wanted))
        return wanted;
    return li_pixel_with_depth(LI_RGB8, li_pixel_is_deep(wanted));
}

/* Without alpha; over a background that has a hue, with one. */
static li_pixel
flat_pixel(li_pixel in, const uint8_t background[3])
{
    li_pixel bare = li_pixel_is_gray(in) ? LI_GRAY8 : LI_RGB8;
    return li_convert_onto(in, li_pixel_with_depth(bare, li_pixel_is_deep(in)),
                           background);
}

static li_status
convert_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    li_pixel to = op->u.convert.pixel;
    if (!to)
        to = flat_pixel(in.pixel, op->u.convert.background);
    if (in.pixel == LI_CMYK8 || to == LI_CMYK8)
        return li_fail(ctx, LI_E210_COLOR_SPACE, "convert: cannot turn %s into %s",
                       li_pixel_name(in.pixel), li_pixel_name(to));
    *out = (li_info){in.width, in.height, to};
    return LI_OK;
}

/* Bytes of the row between channels and depth; 0: only one of them changes. */
static size_t
middle_bytes(li_pixel from, li_info out)
{
    bool deep = li_pixel_is_deep(from);
    li_info middle = {out.width, 1, li_pixel_with_depth(out.pixel, deep)};
    bool both = deep != li_pixel_is_deep(out.pixel) &&
                li_pixel_channels(from) != li_pixel_channels(out.pixel);
    return both ? li_row_bytes(middle) : 0;
}

static uint64_t
convert_memory(const li_op *op, li_info in, li_info out)
{
    (void)op;
    if (in.pixel == out.pixel)
        return 0;
    return sizeof(convert_rows) + li_row_bytes(out) + middle_bytes(in.pixel, out) +
           3 * LI_BLOCK_OVERHEAD;
}

static li_status
convert_open(const li_op *op, li_info out, li_rows **chain)
{
    li_pixel from = (*chain)->info.pixel;
    if (from == out.pixel)
        return LI_OK;
    li_ctx *ctx = (*chain)->ctx;
    size_t middle = middle_bytes(from, out);
    LI_TRY(li_rows_push(ctx, sizeof(convert_rows), &convert_ops, out, chain));
    convert_rows *self = (convert_rows *)*chain;
    self->to = op->u.convert;
    self->kernels = li_kernels_of(ctx);
    li_status status = li_alloc(ctx, li_row_bytes(out), 1, &self->out);
    if (status == LI_OK && middle)
        status = li_alloc(ctx, middle, 1, &self->channels);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

static bool
convert_adds_srgb(const li_op *op, li_pixel in)
{
    return op->u.convert.flatten && li_pixel_has_alpha(in) &&
           !li_color_is_neutral(op->u.convert.background);
}

const li_op_kind li_op_convert = {
    .name = "convert",
    .shape = convert_shape,
    .bytes = convert_memory,
    .open = convert_open,
    .adds_srgb = convert_adds_srgb,
    .per_pixel = true,
};
