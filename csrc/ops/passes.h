/* passes.h: what samples go through before, in and behind the two passes of a resize or
 * a blur, whatever their depth, with alpha or without, as light or as they are.
 * Layer 2.
 */
#ifndef LI_OPS_PASSES_H
#define LI_OPS_PASSES_H

#include "image/pixel.h"
#include "ops/linear.h"

typedef struct li_passes {
    const li_kernels *kernels;         /* borrowed, as the tables */
    const li_linear *linear;           /* in linear light, 8 bits; else NULL */
    const li_deep_linear *deep_linear; /* the same of 16 bits */
    uint32_t channels;
    bool alpha, deep;
} li_passes;

static inline li_passes
li_passes_of(const li_ctx *ctx, li_pixel pixel)
{
    return (li_passes){.kernels = li_kernels_of(ctx),
                       .channels = li_pixel_channels(pixel),
                       .alpha = li_pixel_has_alpha(pixel),
                       .deep = li_pixel_is_deep(pixel)};
}

/* Bytes of a sample of a row that is taken, and of one that is handed out. */
static inline size_t
li_passes_sample(const li_passes *self)
{
    return self->deep ? sizeof(uint16_t) : 1;
}

/* Of the rows that are handed out: behind them whole blocks are written. */
static inline size_t
li_passes_slack(const li_passes *self)
{
    return LI_ROW_SLACK * li_passes_sample(self);
}

/* `width` pixels as the pass across takes them, but for 8 bits in linear light. */
void li_passes_take(const li_passes *self, const uint8_t *row, uint8_t *out,
                    uint32_t width);
void li_passes_across(const li_passes *self, const li_weights *weights,
                      const uint8_t *const rows[LI_BATCH], int16_t *const out[LI_BATCH],
                      void *work);
/* The same for an axis that stays as it is. */
void li_passes_stay(const li_passes *self, const uint8_t *row, int16_t *out,
                    uint32_t width);
/* Must sums be stored, or can rows be gathered at once? */
static inline bool
li_passes_needs_sums(const li_passes *self)
{
    return self->alpha || self->linear || self->deep_linear;
}
/* n sums → samples; n samples in whole blocks, as the kernels say. */
void li_passes_store(const li_passes *self, int32_t *sums, uint8_t *out, size_t n);
void li_passes_gather(const li_passes *self, const int16_t *const *rows,
                      const int16_t *weights, uint32_t taps, uint8_t *out, size_t n);

#endif
