/* rotate.c: turn by any angle. The picture is held, and each output pixel looks up
 * where it comes from; what lies beyond the picture is the background. Layer 2.
 *
 * Places have 32 fraction bits, weights 14 for each axis of 256 phases. Colours carry
 * their alpha while they are mixed. */
#include "ops/op.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PHASES = 256, MOST_TAPS = 4, ONE = 1 << 14, MAX_SIDE = 65535 };

typedef struct rotate_rows {
    li_rows base;
    li_frame frame; /* owned: the input */
    uint32_t taps;  /* of each axis: 1, 2 or 4 */
    int16_t weights[PHASES][MOST_TAPS];
    uint8_t background[LI_MOST_PIXEL_BYTES];
    int64_t across_x, across_y; /* a step to the right, in the input */
    double sine, cosine;
    uint8_t *out; /* owned: the row handed out */
} rotate_rows;

/* --- weights -----------------------------------------------------------------------
 */

/* Catmull-Rom at x ≥ 0. */
static double
cubic(double x)
{
    if (x < 1)
        return (1.5 * x - 2.5) * x * x + 1;
    return ((-0.5 * x + 2.5) * x - 4) * x + 2;
}

/* The first tap lies taps/2 − 1 before the place; what rounding loses goes to the tap
 * nearest to it, so that a flat picture stays flat. */
static void
fill_phase(uint32_t taps, double fraction, int16_t weights[MOST_TAPS])
{
    int32_t rest = ONE, before = (int32_t)(taps / 2) - 1;
    uint32_t nearest = taps == 1 ? 0 : taps / 2 - (fraction < 0.5);
    for (uint32_t k = 0; k < taps; k++) {
        double apart = fabs((int32_t)k - before - fraction);
        double value = taps == 1 ? 1 : taps == 2 ? 1 - apart : cubic(apart);
        weights[k] = (int16_t)lround(value * ONE);
        rest -= weights[k];
    }
    weights[nearest] = (int16_t)(weights[nearest] + rest);
}

static uint32_t
taps_of(li_kernel kernel)
{
    return kernel == LI_NEAREST ? 1 : kernel == LI_BILINEAR ? 2 : 4;
}

/* --- pixels ------------------------------------------------------------------------
 */

static const uint8_t *
pixel_at(const rotate_rows *self, int64_t x, int64_t y)
{
    li_info in = self->frame.info;
    if (x < 0 || y < 0 || x >= in.width || y >= in.height)
        return self->background;
    return li_frame_row(&self->frame, (uint32_t)y) +
           (size_t)x * li_pixel_bytes(in.pixel);
}

static uint8_t
clip(int64_t value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Sums of weight × sample × alpha, and of weight × 255 × alpha in the last. */
static void
save_pixel(const int64_t sums[4], uint8_t *out, uint32_t channels)
{
    const int64_t whole = (int64_t)ONE * ONE * 255;
    int64_t alpha = sums[channels - 1];
    if (channels % 2) {
        for (uint32_t c = 0; c < channels; c++)
            out[c] = clip((sums[c] + whole / 2) / whole);
        return;
    }
    out[channels - 1] = clip((alpha + whole / 2) / whole);
    for (uint32_t c = 0; c + 1 < channels; c++)
        out[c] = out[channels - 1] == 0
                     ? 0
                     : clip(sums[c] <= 0 ? 0 : (sums[c] * 255 + alpha / 2) / alpha);
}

/* What the weights of an output pixel are laid on: taps × taps pixels from here on. */
typedef struct patch {
    int64_t left, top;
    const int16_t *by_x, *by_y;
} patch;

static void
mix_bytes(const rotate_rows *self, const patch *at, uint8_t *out)
{
    uint32_t channels = li_pixel_channels(self->base.info.pixel), taps = self->taps;
    bool has_alpha = channels % 2 == 0;
    int64_t sums[4] = {0};
    for (uint32_t r = 0; r < taps; r++)
        for (uint32_t k = 0; k < taps; k++) {
            const uint8_t *from = pixel_at(self, at->left + k, at->top + r);
            int64_t alpha = has_alpha ? from[channels - 1] : 255;
            int64_t weight = (int64_t)at->by_x[k] * at->by_y[r] * alpha;
            for (uint32_t c = 0; c < channels; c++)
                sums[c] += weight * (has_alpha && c == channels - 1 ? 255 : from[c]);
        }
    save_pixel(sums, out, channels);
}

static uint16_t
rounded_word(int64_t sum, int64_t whole)
{
    int64_t value = sum <= 0 ? 0 : (sum + whole / 2) / whole;
    return (uint16_t)(value > 65535 ? 65535 : value);
}

/* Sums of weight × sample × alpha, and of weight × alpha in the last: below 2^62, as
 * |weights| of cubic add up to less than 1.6 for each axis. */
static void
mix_words(const rotate_rows *self, const patch *at, uint16_t *out)
{
    uint32_t channels = li_pixel_channels(self->base.info.pixel), taps = self->taps;
    uint32_t colours = channels % 2 ? channels : channels - 1;
    int64_t sums[4] = {0}, alphas = 0;
    for (uint32_t r = 0; r < taps; r++)
        for (uint32_t k = 0; k < taps; k++) {
            const void *found = pixel_at(self, at->left + k, at->top + r);
            const uint16_t *from = found;
            int64_t weight = (int64_t)at->by_x[k] * at->by_y[r];
            weight *= colours < channels ? from[colours] : 1;
            alphas += weight;
            for (uint32_t c = 0; c < colours; c++)
                sums[c] += weight * from[c];
        }
    uint16_t alpha = rounded_word(alphas, (int64_t)ONE * ONE);
    for (uint32_t c = 0; c < colours; c++)
        out[c] = alpha ? rounded_word(sums[c], alphas) : 0;
    if (colours < channels)
        out[colours] = alpha;
}

/* (x, y): the centre of an output pixel as an index of the input, 32 fraction bits. */
static void
mix_pixel(const rotate_rows *self, int64_t x, int64_t y, uint8_t *out)
{
    li_pixel pixel = self->base.info.pixel;
    uint32_t taps = self->taps;
    int64_t half = taps == 1 ? 1LL << 31 : 0;
    x += taps > 1 ? 1LL << 23 : 0; /* to the nearest phase */
    y += taps > 1 ? 1LL << 23 : 0;
    patch at = {.left = ((x + half) >> 32) - (taps > 1 ? taps / 2 - 1 : 0),
                .top = ((y + half) >> 32) - (taps > 1 ? taps / 2 - 1 : 0),
                .by_x = self->weights[x >> 24 & 255],
                .by_y = self->weights[y >> 24 & 255]};
    if (taps == 1)
        memcpy(out, pixel_at(self, at.left, at.top), li_pixel_bytes(pixel));
    else if (li_pixel_is_deep(pixel))
        mix_words(self, &at, (uint16_t *)(void *)out);
    else
        mix_bytes(self, &at, out);
}

static int64_t
fixed(double value)
{
    return (int64_t)llround(value * 4294967296.0);
}

static li_status
rotate_next(li_rows *rows, const uint8_t **row)
{
    rotate_rows *self = (rotate_rows *)rows;
    li_info in = self->frame.info, info = rows->info;
    if (!rows->up->y)
        LI_TRY(li_frame_fill(&self->frame, rows->up));
    double down = rows->y + 0.5 - info.height / 2.0, right = 0.5 - info.width / 2.0;
    int64_t x = fixed(right * self->cosine + down * self->sine + in.width / 2.0 - 0.5);
    int64_t y = fixed(down * self->cosine - right * self->sine + in.height / 2.0 - 0.5);
    uint32_t bytes = li_pixel_bytes(info.pixel);
    for (uint32_t i = 0; i < info.width; i++) {
        mix_pixel(self, x, y, self->out + (size_t)i * bytes);
        x += self->across_x;
        y += self->across_y;
    }
    *row = self->out;
    return LI_OK;
}

/* With the picture in a frame, any row can be the next. */
static li_status
rotate_skip(li_rows *rows, uint32_t count)
{
    (void)rows;
    (void)count;
    return LI_OK;
}

static void
rotate_close(li_rows *rows)
{
    rotate_rows *self = (rotate_rows *)rows;
    li_frame_free(rows->ctx, &self->frame);
    li_free(rows->ctx, &self->out);
}

static const li_rows_ops rotate_ops = {
    .name = "rotate",
    .next = rotate_next,
    .skip = rotate_skip,
    .close = rotate_close,
};

/* --- the op ------------------------------------------------------------------------
 */

/* The box that holds the turned picture, but for what rounding errors add. */
static uint32_t
box_side(double side)
{
    double whole = ceil(side - 1e-6);
    return whole < 1 ? 1 : (uint32_t)whole;
}

static li_status
rotate_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    double angle = op->u.rotate.degrees * (3.14159265358979323846 / 180);
    double sine = fabs(sin(angle)), cosine = fabs(cos(angle));
    if (in.pixel == LI_CMYK8)
        return li_fail(ctx, LI_E210_COLOR_SPACE, "rotate: cannot take %s pixels",
                       li_pixel_name(in.pixel));
    uint32_t width = box_side(in.width * cosine + in.height * sine);
    uint32_t height = box_side(in.width * sine + in.height * cosine);
    if (width > MAX_SIDE || height > MAX_SIDE)
        return li_fail(ctx, LI_E400_ARGUMENT,
                       "rotate: %ux%u would be %ux%u, a side over %d", in.width,
                       in.height, width, height, MAX_SIDE);
    *out = (li_info){width, height, in.pixel};
    return LI_OK;
}

static uint64_t
rotate_bytes(const li_op *op, li_info in, li_info out)
{
    (void)op;
    return li_sat_add(li_frame_bytes(in),
                      sizeof(rotate_rows) + li_row_bytes(out) + 2 * LI_BLOCK_OVERHEAD);
}

static li_status
rotate_open(const li_op *op, li_info out, li_rows **chain)
{
    li_ctx *ctx = (*chain)->ctx;
    li_info in = (*chain)->info;
    double angle = op->u.rotate.degrees * (3.14159265358979323846 / 180);
    LI_TRY(li_rows_push(ctx, sizeof(rotate_rows), &rotate_ops, out, chain));
    rotate_rows *self = (rotate_rows *)*chain;
    self->sine = sin(angle);
    self->cosine = cos(angle);
    self->across_x = fixed(self->cosine);
    self->across_y = fixed(-self->sine);
    self->taps = taps_of(op->u.rotate.kernel);
    for (uint32_t k = 0; k < PHASES; k++)
        fill_phase(self->taps, k / (double)PHASES, self->weights[k]);
    li_pixel_fill(out.pixel, &op->u.rotate.color, self->background);
    li_status status = li_frame_alloc(ctx, in, &self->frame);
    if (status == LI_OK)
        status = li_alloc(ctx, li_row_bytes(out), 1, &self->out);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

static li_pixel
rotate_wants(const li_op *op, li_pixel in)
{
    return li_pixel_holding(in, &op->u.rotate.color);
}

static void
rotate_say(const li_op *op, char *text, size_t size)
{
    char color[10];
    li_color_text(&op->u.rotate.color, color);
    snprintf(text, size, "%g degrees, %s, over %s", op->u.rotate.degrees,
             li_kernel_name(op->u.rotate.kernel), color);
}

static bool
rotate_adds_srgb(const li_op *op, li_pixel in)
{
    const uint8_t *color = op->u.rotate.color.channel;
    (void)in;
    return color[3] && !li_color_is_neutral(color);
}

const li_op_kind li_op_rotate = {
    .name = "rotate",
    .shape = rotate_shape,
    .bytes = rotate_bytes,
    .open = rotate_open,
    .wants = rotate_wants,
    .say = rotate_say,
    .adds_srgb = rotate_adds_srgb,
};
