/* saturation.c: mix each pixel with its own gray; alpha stays. Layer 2. */
#include "ops/op.h"

#include <stdio.h>

enum { FRACTION = 16 };

typedef struct saturation_rows {
    li_rows base;
    li_saturation by;
    uint8_t *out; /* owned: the row handed out */
} saturation_rows;

/* Coefficients are below 2.8 each, so that sums stay below 2^31. */
static inline uint8_t
mix(const int32_t by[3], const uint8_t *from)
{
    int32_t sum = by[0] * from[0] + by[1] * from[1] + by[2] * from[2];
    int32_t value = (sum + (1 << (FRACTION - 1))) >> FRACTION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static inline uint16_t
mix_words(const int32_t by[3], const uint16_t *from)
{
    int64_t sum = 1 << (FRACTION - 1);
    for (int c = 0; c < 3; c++)
        sum += (int64_t)by[c] * from[c];
    int64_t value = sum >> FRACTION;
    return (uint16_t)(value < 0 ? 0 : value > 65535 ? 65535 : value);
}

static void
mix_deep_pixels(const li_saturation *by, const uint16_t *restrict from,
                uint16_t *restrict to, uint32_t width, uint32_t channels)
{
    for (uint32_t x = 0; x < width; x++, from += channels, to += channels) {
        for (int c = 0; c < 3; c++)
            to[c] = mix_words(by->matrix[c], from);
        if (channels == 4)
            to[3] = from[3];
    }
}

static void
mix_pixels(const li_saturation *by, const uint8_t *restrict from, uint8_t *restrict to,
           uint32_t width, uint32_t channels)
{
    for (uint32_t x = 0; x < width; x++, from += channels, to += channels) {
        for (int c = 0; c < 3; c++)
            to[c] = mix(by->matrix[c], from);
        if (channels == 4)
            to[3] = from[3];
    }
}

static li_status
saturation_next(li_rows *rows, const uint8_t **row)
{
    saturation_rows *self = (saturation_rows *)rows;
    const uint8_t *from;
    LI_TRY(li_rows_next(rows->up, &from));
    uint32_t channels = li_pixel_channels(rows->info.pixel);
    if (li_pixel_is_deep(rows->info.pixel))
        mix_deep_pixels(&self->by, (const uint16_t *)(const void *)from,
                        (uint16_t *)(void *)self->out, rows->info.width, channels);
    else
        mix_pixels(&self->by, from, self->out, rows->info.width, channels);
    *row = self->out;
    return LI_OK;
}

static li_status
saturation_skip(li_rows *rows, uint32_t count)
{
    return li_rows_skip(rows->up, count);
}

static void
saturation_close(li_rows *rows)
{
    li_free(rows->ctx, &((saturation_rows *)rows)->out);
}

static const li_rows_ops saturation_ops = {
    .name = "saturation",
    .next = saturation_next,
    .skip = saturation_skip,
    .close = saturation_close,
};

/* --- the op ------------------------------------------------------------------------
 */

static li_status
saturation_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    (void)op;
    if (in.pixel == LI_CMYK8)
        return li_fail(ctx, LI_E210_COLOR_SPACE, "saturation: cannot take %s pixels",
                       li_pixel_name(in.pixel));
    *out = in;
    return LI_OK;
}

static uint64_t
saturation_bytes(const li_op *op, li_info in, li_info out)
{
    (void)op;
    if (li_pixel_is_gray(in.pixel))
        return 0;
    return sizeof(saturation_rows) + li_row_bytes(out) + 2 * LI_BLOCK_OVERHEAD;
}

static li_status
saturation_open(const li_op *op, li_info out, li_rows **chain)
{
    if (li_pixel_is_gray(out.pixel))
        return LI_OK;
    li_ctx *ctx = (*chain)->ctx;
    LI_TRY(li_rows_push(ctx, sizeof(saturation_rows), &saturation_ops, out, chain));
    saturation_rows *self = (saturation_rows *)*chain;
    self->by = op->u.saturation;
    li_status status = li_alloc(ctx, li_row_bytes(out), 1, &self->out);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

static bool
saturation_stretches(const li_op *op)
{
    const int32_t(*matrix)[3] = op->u.saturation.matrix;
    const int32_t one = 1 << FRACTION;
    return matrix[0][0] != one || matrix[1][1] != one || matrix[2][2] != one;
}

static bool
saturation_idle(const li_op *op, li_info in, li_info out)
{
    (void)out;
    return li_pixel_is_gray(in.pixel) || !saturation_stretches(op);
}

static bool
saturation_brings_out(const li_op *op)
{
    return op->u.saturation.matrix[1][1] > 1 << FRACTION;
}

static void
saturation_say(const li_op *op, char *text, size_t size)
{
    (void)op;
    snprintf(text, size, "by matrix");
}

const li_op_kind li_op_saturation = {
    .name = "saturation",
    .shape = saturation_shape,
    .bytes = saturation_bytes,
    .open = saturation_open,
    .idle = saturation_idle,
    .say = saturation_say,
    .stretches = saturation_stretches,
    .brings_out = saturation_brings_out,
    .per_pixel = true,
};

/* What is mixed in from another channel is rounded; the channel's own part is the rest
 * of 1, so that gray stays gray and −100 gives grayscale()'s very luma. */
void
li_saturation_of(li_saturation *saturation, double value)
{
    static const double luma[3] = {13933, 46871, 4732}; /* of 2^16, as convert has */
    for (int i = 0; i < 3; i++) {
        int32_t rest = 1 << FRACTION;
        for (int j = 0; j < 3; j++) {
            double part = -value / 100 * luma[j];
            if (j == i)
                continue;
            saturation->matrix[i][j] = (int32_t)(part < 0 ? part - 0.5 : part + 0.5);
            rest -= saturation->matrix[i][j];
        }
        saturation->matrix[i][i] = rest;
    }
}
