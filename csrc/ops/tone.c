/* tone.c: one table for every channel but alpha, and how tables are made and merged.
 * Samples of 16 bits have a table of their own, made from the curve when the rows are
 * opened. Layer 2. */
#include "ops/op.h"

#include <math.h>
#include <string.h>

typedef struct tone_rows {
    li_rows base;
    uint8_t table[256];
    uint16_t *words; /* owned: the table of 16 bits */
    uint8_t *out;    /* owned: the row handed out */
} tone_rows;

enum { WORDS = 65536 };

/* --- curves ------------------------------------------------------------------------
 */

/* Half away from zero; what is below 0 is clamped anyway. The formulas below divide
 * last: a half is exact for every whole value. */
static double
round_sample(double value, double white)
{
    if (!(value > 0))
        return 0;
    return value >= white ? white : floor(value + 0.5);
}

static double
curve_at(const li_tone *tone, double sample, double white)
{
    double value = tone->value, factor = (100 + value) * (100 + value);
    switch (tone->curve) {
    case LI_TONE_BRIGHTNESS:
        return round_sample(sample + white * value / 100, white);
    case LI_TONE_CONTRAST:
        return round_sample((sample - white / 2) * factor / 10000 + white / 2, white);
    case LI_TONE_GAMMA:
        return round_sample(white * pow(sample / white, 1 / value), white);
    case LI_TONE_TABLE:
        break;
    }
    return sample;
}

/* --- rows --------------------------------------------------------------------------
 */

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

static void
map_words(const uint16_t *table, const uint16_t *restrict row, uint16_t *restrict out,
          li_info info)
{
    uint32_t channels = li_pixel_channels(info.pixel);
    uint32_t alpha = li_pixel_has_alpha(info.pixel) ? channels - 1 : channels;
    for (uint32_t x = 0; x < info.width; x++, row += channels, out += channels)
        for (uint32_t c = 0; c < channels; c++)
            out[c] = c == alpha ? row[c] : table[row[c]];
}

static li_status
tone_next(li_rows *rows, const uint8_t **row)
{
    tone_rows *self = (tone_rows *)rows;
    li_info info = rows->info;
    const uint8_t *from;
    LI_TRY(li_rows_next(rows->up, &from));
    if (self->words)
        map_words(self->words, (const uint16_t *)(const void *)from,
                  (uint16_t *)(void *)self->out, info);
    else if (info.pixel == LI_GRAYA8)
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
    li_free(rows->ctx, &((tone_rows *)rows)->words);
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
    bool deep = li_pixel_is_deep(in.pixel);
    if (in.pixel == LI_CMYK8 || (deep && op->u.tone.curve == LI_TONE_TABLE))
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
    size_t table = li_pixel_is_deep(out.pixel) ? WORDS * sizeof(uint16_t) : 0;
    return sizeof(tone_rows) + li_row_bytes(out) + table + 3 * LI_BLOCK_OVERHEAD;
}

static li_status
make_words(li_ctx *ctx, const li_tone *tone, uint16_t **words)
{
    LI_TRY(li_alloc(ctx, WORDS, sizeof(uint16_t), words));
    for (uint32_t i = 0; i < WORDS; i++)
        (*words)[i] = (uint16_t)curve_at(tone, i, 65535);
    return LI_OK;
}

static li_status
tone_open(const li_op *op, li_info out, li_rows **chain)
{
    li_ctx *ctx = (*chain)->ctx;
    LI_TRY(li_rows_push(ctx, sizeof(tone_rows), &tone_ops, out, chain));
    tone_rows *self = (tone_rows *)*chain;
    memcpy(self->table, op->u.tone.table, sizeof(self->table));
    li_status status = li_alloc(ctx, li_row_bytes(out), 1, &self->out);
    if (status == LI_OK && li_pixel_is_deep(out.pixel))
        status = make_words(ctx, &op->u.tone, &self->words);
    if (status != LI_OK)
        li_rows_pop(chain);
    return status;
}

static bool
tone_stretches(const li_op *op)
{
    return !li_tone_idle(&op->u.tone, true);
}

/* Are levels set apart, seen over an eighth of all, by a tenth or more? A gamma does so
 * in the darkest only, where nothing shows. */
static bool
tone_brings_out(const li_op *op)
{
    enum { EIGHTH = 32 };
    const li_tone *tone = &op->u.tone;
    for (int i = 0; i + EIGHTH < 256 && tone->curve != LI_TONE_GAMMA; i++)
        if (10 * (tone->table[i + EIGHTH] - tone->table[i]) > 11 * EIGHTH)
            return true;
    return false;
}

const li_op_kind li_op_tone = {
    .name = "tone",
    .shape = tone_shape,
    .bytes = tone_bytes,
    .open = tone_open,
    .stretches = tone_stretches,
    .brings_out = tone_brings_out,
    .per_pixel = true,
};

/* --- tables ------------------------------------------------------------------------
 */

static void
fill_table(li_tone *tone, li_tone_curve curve, double value)
{
    tone->curve = curve;
    tone->value = value;
    for (uint32_t i = 0; i < 256; i++)
        tone->table[i] = (uint8_t)curve_at(tone, i, 255);
}

void
li_tone_brightness(li_tone *tone, double value)
{
    fill_table(tone, LI_TONE_BRIGHTNESS, value);
}

void
li_tone_contrast(li_tone *tone, double value)
{
    fill_table(tone, LI_TONE_CONTRAST, value);
}

void
li_tone_gamma(li_tone *tone, double value)
{
    fill_table(tone, LI_TONE_GAMMA, value);
}

void
li_tone_then(li_tone *first, const li_tone *second)
{
    first->curve = LI_TONE_TABLE;
    for (int i = 0; i < 256; i++)
        first->table[i] = second->table[first->table[i]];
}

bool
li_tone_idle(const li_tone *tone, bool deep)
{
    if (deep)
        return tone->value == (tone->curve == LI_TONE_GAMMA ? 1 : 0);
    for (int i = 0; i < 256; i++)
        if (tone->table[i] != i)
            return false;
    return true;
}
