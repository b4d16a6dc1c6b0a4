/* convert.c: between gray and RGB, with and without alpha, 8 bits a sample. Layer 2.
 *
 * Every pair of layouts is one always-inlined loop whose layouts are constants. */
#include "ops/op.h"

typedef struct convert_rows {
    li_rows base;
    li_convert to;
    uint8_t *out; /* owned: the row handed out */
} convert_rows;

typedef struct colour {
    uint32_t red, green, blue, alpha;
} colour;

/* Rec. 709: 0.2126, 0.7152 and 0.0722 of 2^16, which add up to it: gray stays gray. */
static inline uint32_t
luma(colour from)
{
    return (13933 * from.red + 46871 * from.green + 4732 * from.blue + 32768) >> 16;
}

/* (p + p/256)/256 with p = value + 128 is value/255 rounded, up to 255². */
static inline uint32_t
mix(uint32_t sample, uint32_t under, uint32_t alpha)
{
    uint32_t product = sample * alpha + under * (255 - alpha) + 128;
    return (product + (product >> 8)) >> 8;
}

static inline __attribute__((always_inline)) colour
load(const uint8_t *from, const uint32_t channels)
{
    colour found = {.alpha = channels % 2 ? 255 : from[channels - 1]};
    found.red = from[0];
    found.green = channels > 2 ? from[1] : from[0];
    found.blue = channels > 2 ? from[2] : from[0];
    return found;
}

static inline __attribute__((always_inline)) void
save(colour from, const uint32_t source, uint8_t *to, const uint32_t channels)
{
    if (channels > 2) {
        to[0] = (uint8_t)from.red;
        to[1] = (uint8_t)from.green;
        to[2] = (uint8_t)from.blue;
    } else {
        to[0] = (uint8_t)(source > 2 ? luma(from) : from.red);
    }
    if (channels % 2 == 0)
        to[channels - 1] = (uint8_t)from.alpha;
}

static inline __attribute__((always_inline)) void
convert_pixels(const uint8_t *restrict row, const uint32_t source,
               uint8_t *restrict out, const uint32_t target, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++, row += source, out += target)
        save(load(row, source), source, out, target);
}

/* Alpha goes. Over a coloured background gray becomes a colour, so gray is luma again
 * of what the three channels are. */
static inline __attribute__((always_inline)) void
flatten_pixels(const uint8_t *restrict row, const uint32_t source,
               uint8_t *restrict out, const uint32_t target, uint32_t width,
               const uint8_t background[3])
{
    const uint32_t red = background[0], green = background[1], blue = background[2];
    for (uint32_t x = 0; x < width; x++, row += source, out += target) {
        colour from = load(row, source);
        from.red = mix(from.red, red, from.alpha);
        from.green = mix(from.green, green, from.alpha);
        from.blue = mix(from.blue, blue, from.alpha);
        save(from, 4, out, target);
    }
}

enum { PAIR = 8 }; /* source × PAIR + target, as channels */

static void
flatten_row(const convert_rows *self, const uint8_t *row, uint32_t source)
{
    uint32_t width = self->base.info.width;
    uint8_t *out = self->out;
    const uint8_t *background = self->to.background;
    switch (source * PAIR + li_pixel_channels(self->base.info.pixel)) {
    case 2 * PAIR + 1:
        flatten_pixels(row, 2, out, 1, width, background);
        break;
    case 2 * PAIR + 3:
        flatten_pixels(row, 2, out, 3, width, background);
        break;
    case 4 * PAIR + 1:
        flatten_pixels(row, 4, out, 1, width, background);
        break;
    default:
        flatten_pixels(row, 4, out, 3, width, background);
    }
}

static void
convert_colour(const convert_rows *self, const uint8_t *row, uint32_t source)
{
    uint32_t width = self->base.info.width;
    uint8_t *out = self->out;
    switch (source * PAIR + li_pixel_channels(self->base.info.pixel)) {
    case 3 * PAIR + 1:
        convert_pixels(row, 3, out, 1, width);
        break;
    case 3 * PAIR + 2:
        convert_pixels(row, 3, out, 2, width);
        break;
    case 3 * PAIR + 4:
        convert_pixels(row, 3, out, 4, width);
        break;
    case 4 * PAIR + 1:
        convert_pixels(row, 4, out, 1, width);
        break;
    case 4 * PAIR + 2:
        convert_pixels(row, 4, out, 2, width);
        break;
    default:
        convert_pixels(row, 4, out, 3, width);
    }
}

static void
convert_gray(const convert_rows *self, const uint8_t *row, uint32_t source)
{
    uint32_t width = self->base.info.width;
    uint8_t *out = self->out;
    switch (source * PAIR + li_pixel_channels(self->base.info.pixel)) {
    case 1 * PAIR + 2:
        convert_pixels(row, 1, out, 2, width);
        break;
    case 1 * PAIR + 3:
        convert_pixels(row, 1, out, 3, width);
        break;
    case 1 * PAIR + 4:
        convert_pixels(row, 1, out, 4, width);
        break;
    case 2 * PAIR + 1:
        convert_pixels(row, 2, out, 1, width);
        break;
    case 2 * PAIR + 3:
        convert_pixels(row, 2, out, 3, width);
        break;
    default:
        convert_pixels(row, 2, out, 4, width);
    }
}

static li_status
convert_next(li_rows *rows, const uint8_t **row)
{
    convert_rows *self = (convert_rows *)rows;
    li_pixel from = rows->up->info.pixel;
    const uint8_t *found;
    LI_TRY(li_rows_next(rows->up, &found));
    bool drops = li_pixel_has_alpha(from) && !li_pixel_has_alpha(rows->info.pixel);
    if (drops && self->to.flatten)
        flatten_row(self, found, li_pixel_channels(from));
    else if (li_pixel_is_gray(from))
        convert_gray(self, found, li_pixel_channels(from));
    else
        convert_colour(self, found, li_pixel_channels(from));
    *row = self->out;
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
    li_free(rows->ctx, &((convert_rows *)rows)->out);
}

static const li_rows_ops convert_ops = {
    .name = "convert",
    .next = convert_next,
    .skip = convert_skip,
    .close = convert_close,
};

static li_status
convert_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    li_pixel to = op->u.convert.pixel;
    if (in.pixel > LI_RGBA8 || to > LI_RGBA8)
        return li_fail(ctx, LI_E210_COLOR_SPACE, "convert: cannot turn %s into %s",
                       li_pixel_name(in.pixel), li_pixel_name(to));
    *out = (li_info){in.width, in.height, to};
    return LI_OK;
}

static uint64_t
convert_bytes(const li_op *op, li_info in, li_info out)
{
    (void)op;
    if (in.pixel == out.pixel)
        return 0;
    return sizeof(convert_rows) + li_row_bytes(out) + 2 * LI_BLOCK_OVERHEAD;
}

static li_status
convert_open(const li_op *op, li_info out, li_rows **chain)
{
    if ((*chain)->info.pixel == out.pixel)
        return LI_OK;
    li_ctx *ctx = (*chain)->ctx;
    LI_TRY(li_rows_push(ctx, sizeof(convert_rows), &convert_ops, out, chain));
    convert_rows *self = (convert_rows *)*chain;
    self->to = op->u.convert;
    li_status status = li_alloc(ctx, li_row_bytes(out), 1, &self->out);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

const li_op_kind li_op_convert = {
    .name = "convert",
    .shape = convert_shape,
    .bytes = convert_bytes,
    .open = convert_open,
};
