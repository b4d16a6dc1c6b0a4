/* passes.c: each step of the passes goes to the kernel of its depth. Layer 2. */
#include "ops/passes.h"

#include <string.h>

/* A deep row lies at an even address: see image/rows.h. */
static const uint16_t *
words(const uint8_t *row)
{
    return (const uint16_t *)(const void *)row;
}

static void
take_deep(const li_passes *self, const uint16_t *row, int16_t *out, uint32_t width)
{
    if (self->deep_linear)
        li_deep_linear_take(self->deep_linear, row, out, width, self->channels);
    else if (self->alpha)
        self->kernels->deep_premultiply(row, out, width, self->channels);
    else
        self->kernels->deep_center(row, out, (size_t)width * self->channels);
}

void
li_passes_take(const li_passes *self, const uint8_t *row, uint8_t *out, uint32_t width)
{
    if (self->deep)
        take_deep(self, words(row), (int16_t *)(void *)out, width);
    else if (self->alpha && !self->linear)
        self->kernels->premultiply(row, out, width, self->channels);
    else
        memcpy(out, row, (size_t)width * self->channels);
}

void
li_passes_across(const li_passes *self, const li_weights *weights,
                 const uint8_t *const rows[LI_BATCH], int16_t *const out[LI_BATCH],
                 void *work)
{
    const int16_t *deep[LI_BATCH];
    if (!self->deep) {
        self->kernels->across(weights, self->channels, rows, out, work);
        return;
    }
    for (int r = 0; r < LI_BATCH; r++)
        deep[r] = (const int16_t *)(const void *)rows[r];
    self->kernels->deep_across(weights, self->channels, deep, out, work);
}

void
li_passes_stay(const li_passes *self, const uint8_t *row, int16_t *out, uint32_t width)
{
    size_t n = (size_t)width * self->channels;
    if (self->deep)
        self->kernels->deep_widen((const int16_t *)(const void *)row, out, n);
    else
        self->kernels->widen(row, out, n);
}

static void
store_deep(const li_passes *self, int32_t *sums, uint16_t *out, size_t n)
{
    uint32_t channels = self->channels, width = (uint32_t)(n / channels);
    if (self->deep_linear)
        li_deep_linear_store(self->deep_linear, sums, out, width, channels);
    else if (self->alpha)
        self->kernels->deep_store_alpha(sums, out, width, channels);
    else
        self->kernels->deep_store(sums, out, n);
}

void
li_passes_store(const li_passes *self, int32_t *sums, uint8_t *out, size_t n)
{
    uint32_t channels = self->channels;
    if (self->deep)
        store_deep(self, sums, (uint16_t *)(void *)out, n);
    else if (self->linear)
        li_linear_store(self->linear, sums, out, n, channels);
    else if (self->alpha)
        self->kernels->store_alpha(sums, out, (uint32_t)(n / channels), channels);
    else
        self->kernels->store(sums, out, n);
}

void
li_passes_gather(const li_passes *self, const int16_t *const *rows,
                 const int16_t *weights, uint32_t taps, uint8_t *out, size_t n)
{
    if (self->deep)
        self->kernels->deep_gather(rows, weights, taps, (uint16_t *)(void *)out, n);
    else
        self->kernels->gather(rows, weights, taps, out, n);
}
