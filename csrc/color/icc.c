/* icc.c: is there something to be done about a file's colours, and who does it.
 * Layer 2. */
#include "color/icc.h"
#include "color/lcms.h"
#include "color/shaper.h"
#include "color/srgb.h"

#include <stdlib.h>
#include <string.h>

struct li_icc {
    li_ctx *ctx; /* borrowed */
    li_pixel pixel;
    bool even;
    li_lcms *lcms; /* owned; or */
    li_shaper *shaper;
};

enum {
    GRAYS = 256,
    SIDE = 6,
    COLOURS = GRAYS + SIDE * SIDE * SIDE,
    DEEPER = 257, /* levels of 16 bits for one of 8 */
};

/* 256 grays and a cube of 6 × 6 × 6 colours, or all levels of gray, opaque. */
static uint32_t
list_colours(uint32_t channels, uint8_t colours[4 * COLOURS])
{
    uint32_t count = GRAYS;
    memset(colours, 255, (size_t)4 * COLOURS);
    for (uint32_t i = 0; i < GRAYS; i++)
        memset(&colours[i * channels], (int)i, channels < 3 ? 1 : 3);
    for (uint32_t i = 0; channels >= 3 && i < COLOURS - GRAYS; i++, count++) {
        colours[count * channels] = (uint8_t)(i % SIDE * 51);
        colours[count * channels + 1] = (uint8_t)(i / SIDE % SIDE * 51);
        colours[count * channels + 2] = (uint8_t)(i / SIDE / SIDE * 51);
    }
    return count;
}

/* What they become, in 16 bits. */
static void
try_colours(const li_icc *self, const uint8_t colours[4 * COLOURS], uint32_t count,
            uint16_t changed[4 * COLOURS])
{
    uint32_t channels = li_pixel_channels(self->pixel), samples = count * channels;
    uint8_t narrow[4 * COLOURS];
    bool is_deep = li_pixel_bytes(self->pixel) > channels;
    if (!is_deep)
        li_icc_apply(self, colours, narrow, count);
    for (uint32_t i = 0; i < samples; i++)
        changed[i] = (uint16_t)((is_deep ? colours[i] : narrow[i]) * DEEPER);
    if (is_deep)
        li_icc_apply(self, (const uint8_t *)changed, (uint8_t *)changed, count);
}

/* Each of those to within a level of 8 bits. */
static bool
changes_nothing(const uint8_t *colours, const uint16_t *changed, uint32_t samples)
{
    for (uint32_t i = 0; i < samples; i++)
        if (abs(colours[i] * DEEPER - changed[i]) > DEEPER)
            return false;
    return true;
}

/* Sixteen grays, each with each; `grays` are all of them as they become. */
static bool
is_even(const uint16_t *grays, uint32_t channels)
{
    enum { STEP = 17, MOST = 8 * DEEPER };
    for (uint32_t low = 0; low < GRAYS; low += STEP)
        for (uint32_t high = low; high < GRAYS; high += STEP)
            for (uint32_t c = 0; c < (channels < 3 ? 1 : 3); c++) {
                int mean = grays[low * channels + c] + grays[high * channels + c];
                int among = grays[(low + high) / 2 * channels + c];
                if (abs(2 * among - mean) > 2 * MOST)
                    return false;
            }
    return true;
}

/* Is there something to be done, and when may it be? */
static bool
judge(li_icc *self)
{
    uint32_t channels = li_pixel_channels(self->pixel);
    uint8_t colours[4 * COLOURS];
    uint16_t changed[4 * COLOURS] = {0};
    if (self->pixel == LI_CMYK8)
        return true;
    uint32_t count = list_colours(channels, colours);
    try_colours(self, colours, count, changed);
    self->even = is_even(changed, channels);
    return !changes_nothing(colours, changed, count * channels);
}

/* *used: it says what its colours are; false: as if it were not there. */
static li_status
open_profile(li_ctx *ctx, const uint8_t *profile, size_t size, li_pixel from,
             bool inverted, bool *used, li_icc **icc)
{
    li_icc *self;
    *icc = NULL;
    *used = true;
    if (from != LI_CMYK8 && li_srgb_is(profile, size))
        return LI_OK;
    LI_TRY(li_alloc(ctx, 1, sizeof(*self), &self));
    self->ctx = ctx;
    self->pixel = from;
    li_status status =
        li_lcms_open(ctx, profile, size, from, inverted, &self->lcms, &self->shaper);
    *used = self->lcms || self->shaper;
    if (*used && judge(self))
        *icc = self;
    else
        li_icc_close(&self);
    return status;
}

li_status
li_icc_open_cicp(li_ctx *ctx, const li_cicp *cicp, li_pixel from, li_icc **icc)
{
    li_icc *self;
    *icc = NULL;
    if (from == LI_CMYK8 || !li_cicp_differs(cicp))
        return LI_OK;
    LI_TRY(li_alloc(ctx, 1, sizeof(*self), &self));
    self->ctx = ctx;
    self->pixel = from;
    li_status status = li_shaper_open(ctx, cicp, from, &self->shaper);
    if (status == LI_OK && judge(self))
        *icc = self;
    else
        li_icc_close(&self);
    return status;
}

li_status
li_icc_open(li_ctx *ctx, const uint8_t *profile, size_t size, li_pixel from,
            bool inverted, li_icc **icc)
{
    bool used;
    return open_profile(ctx, profile, size, from, inverted, &used, icc);
}

li_status
li_icc_open_either(li_ctx *ctx, const uint8_t *profile, size_t size,
                   const li_cicp *cicp, li_pixel from, bool inverted, li_icc **icc)
{
    bool used;
    LI_TRY(open_profile(ctx, profile, size, from, inverted, &used, icc));
    return used ? LI_OK : li_icc_open_cicp(ctx, cicp, from, icc);
}

bool
li_icc_is_even(const li_icc *icc)
{
    return icc->even;
}

li_pixel
li_icc_pixel(const li_icc *icc)
{
    return icc->pixel;
}

void
li_icc_apply(const li_icc *icc, const uint8_t *in, uint8_t *out, uint32_t pixels)
{
    if (icc->shaper)
        li_shaper_apply(icc->shaper, in, out, pixels);
    else
        li_lcms_apply(icc->lcms, in, out, pixels);
}

void
li_icc_close(li_icc **icc)
{
    li_icc *self = *icc;
    *icc = NULL;
    if (!self)
        return;
    li_lcms_close(&self->lcms);
    li_shaper_close(&self->shaper);
    li_free(self->ctx, &self);
}
