/* tone.c: one table for every channel but alpha, and how tables are made and merged.
 * Layer 2. */
#include "ops/op.h"

#include <math.h>
#include <string.h>

typedef struct tone_rows {
    li_rows base;
    uint8_t table[256];
    uint8_t *out; /* owned: the row handed out */
} tone_rows;

static void
map_samples(const uint8_t *table, const uint8_t *restrict row, uint8_t *restrict out,
            size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = table[row[i]];
}

static void
map_colours(const uint8_t *table, const uint8_t *restrict row, uint8_t *restrict out,
            uint32_t width, uint32_t channels)
{
    for (uint32_t x = 0; x < width; x++, row += channels, out += channels) {
        map_samples(table, row, out, channels - 1);
        out[channels - 1] = row[channels - 1];
    }
}

static li_status
tone_next(li_rows *rows, const uint8_t **row)
{
    tone_rows *self = (tone_rows *)rows;
    li_info info = rows->info;
    const uint8_t *from;
    LI_TRY(li_rows_next(rows->up, &from));
    if (info.pixel == LI_GRAYA8)
        map_colours(self->table, from, self->out, info.width, 2);
    else if (info.pixel == LI_RGBA8)
        map_colours(self->table, from, self->out, info.width, 4);
    else
        map_samples(self->table, from, self->out, li_row_bytes(info));
    *row = self->out;
    return LI_OK;
}

static li_status
tone_skip(li_rows *rows, uint32_t count)
{
    return li_rows_skip(rows->up, count);
}

static void
tone_close(li_rows *rows)
{
    li_free(rows->ctx, &((tone_rows *)rows)->out);
}

static const li_rows_ops tone_ops = {
    .name = "tone",
    .next = tone_next,
    .skip = tone_skip,
    .close = tone_close,
};

static li_status
tone_shape(li_ctx *ctx, const li_op *op, li_info in, li_info *out)
{
    (void)op;
    if (in.pixel > LI_RGBA8)
        return li_fail(ctx, LI_E210_COLOR_SPACE, "tone: cannot take %s pixels",
                       li_pixel_name(in.pixel));
    *out = in;
    return LI_OK;
}

static uint64_t
tone_bytes(const li_op *op, li_info in, li_info out)
{
    (void)op;
    (void)in;
    return sizeof(tone_rows) + li_row_bytes(out) + 2 * LI_BLOCK_OVERHEAD;
}

static li_status
tone_open(const li_op *op, li_info out, li_rows **chain)
{
    li_ctx *ctx = (*chain)->ctx;
    LI_TRY(li_rows_push(ctx, sizeof(tone_rows), &tone_ops, out, chain));
    tone_rows *self = (tone_rows *)*chain;
    memcpy(self->table, op->u.tone.table, sizeof(self->table));
    li_status status = li_alloc(ctx, li_row_bytes(out), 1, &self->out);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

const li_op_kind li_op_tone = {
    .name = "tone",
    .shape = tone_shape,
    .bytes = tone_bytes,
    .open = tone_open,
    .per_pixel = true,
};

/* --- tables ------------------------------------------------------------------------
 */

/* Half away from zero; what is below 0 is clamped anyway. The formulas below divide
 * last: a half is exact for every whole value. */
static uint8_t
round_sample(double value)
{
    if (!(value > 0))
        return 0;
    return (uint8_t)(value >= 255 ? 255 : value + 0.5);
}

void
li_tone_brightness(li_tone *tone, double value)
{
    for (int i = 0; i < 256; i++)
        tone->table[i] = round_sample(i + 255 * value / 100);
}

void
li_tone_contrast(li_tone *tone, double value)
{
    double factor = (100 + value) * (100 + value);
    for (int i = 0; i < 256; i++)
        tone->table[i] = round_sample((i - 127.5) * factor / 10000 + 127.5);
}

void
li_tone_gamma(li_tone *tone, double value)
{
    for (int i = 0; i < 256; i++)
        tone->table[i] = round_sample(255 * pow(i / 255.0, 1 / value));
}

void
li_tone_then(li_tone *first, const li_tone *second)
{
    for (int i = 0; i < 256; i++)
        first->table[i] = second->table[first->table[i]];
}
