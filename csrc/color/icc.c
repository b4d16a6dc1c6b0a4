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
    li_lcms *lcms; /* owned; or */
    li_shaper *shaper;
};

enum { GRAYS = 256, SIDE = 6, COLOURS = GRAYS + SIDE * SIDE * SIDE };

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

/* Each of those to within a level of 8 bits. */
static bool
changes_nothing(const li_icc *self)
{
    enum { DEEPER = 257 }; /* levels of 16 bits for one of 8 */
    uint32_t channels = li_pixel_channels(self->pixel);
    uint8_t colours[4 * COLOURS], changed[4 * COLOURS];
    uint16_t deep[4 * COLOURS];
    bool is_deep = li_pixel_bytes(self->pixel) > channels;
    if (self->pixel == LI_CMYK8)
        return false;
    uint32_t count = list_colours(channels, colours), samples = count * channels;
    for (uint32_t i = 0; i < samples; i++)
        deep[i] = (uint16_t)(colours[i] * DEEPER);
    if (is_deep)
        li_icc_apply(self, (const uint8_t *)deep, (uint8_t *)deep, count);
    else
        li_icc_apply(self, colours, changed, count);
    for (uint32_t i = 0; i < samples; i++)
        if (is_deep ? abs(colours[i] * DEEPER - deep[i]) > DEEPER
                    : abs(colours[i] - changed[i]) > 1)
            return false;
    return true;
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
    if (*used && !changes_nothing(self))
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
    if (status == LI_OK && !changes_nothing(self))
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
