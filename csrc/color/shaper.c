/* shaper.c: light by a table of all levels, a matrix, and levels by a table over the
 * square root of light: there the steps of sRGB's curve are even enough. Light above
 * white is brought below it by the largest of the three, so that hues stay. Where no
 * colour looks at another, the whole is one table of levels. Layer 2. */
#include "color/shaper.h"
#include "color/srgb.h"

#include <math.h>
#include <string.h>

/* A step of the root is at most 1.45 of a value's: 4096 are 0.09 levels of 8 bits. */
enum { ROOTS = 4096, DEEP_ROOTS = 65535, GAINS = 4096 };

#define PEAK (1000 / 203.0) /* of PQ as most is mastered, and of HLG's screen */
#define HLG_POWER 0.2       /* of its luminance: BT.2100's gamma of 1.2, less 1 */

struct li_shaper {
    li_ctx *ctx; /* borrowed */
    li_pixel pixel;
    bool single;  /* `levels` are of each level, and there is nothing else */
    void *levels; /* owned, 8 or 16 bits: of each root of light */
    float matrix[3][3];
    float *light; /* owned: of each level */
    float *gains; /* owned: of each root of light in peaks; NULL: none is above white */
    float *screen; /* owned: HLG's, of each root of the scene's luminance; or NULL */
};

static bool
is_deep(li_pixel pixel)
{
    return li_pixel_bytes(pixel) > li_pixel_channels(pixel);
}

static bool
is_gray(li_pixel pixel)
{
    return li_pixel_channels(pixel) < 3;
}

static bool
is_above_white(const li_cicp *cicp)
{
    return cicp->transfer == LI_CICP_PQ || cicp->transfer == LI_CICP_HLG;
}

/* --- open --------------------------------------------------------------------------
 */

static void
set_level(li_shaper *self, uint32_t i, double light)
{
    if (is_deep(self->pixel))
        ((uint16_t *)self->levels)[i] = (uint16_t)lround(li_srgb_value(light) * 65535);
    else
        ((uint8_t *)self->levels)[i] = (uint8_t)lround(li_srgb_value(light) * 255);
}

/* Of a gray. */
static double
shown_light(const li_cicp *cicp, double value)
{
    double light = li_cicp_light(cicp, value);
    if (cicp->transfer == LI_CICP_HLG)
        light = PEAK * pow(light, 1 + HLG_POWER);
    return is_above_white(cicp) ? li_tone_map(light, PEAK) : light;
}

static li_status
fill_single(li_shaper *self, const li_cicp *cicp)
{
    bool deep = is_deep(self->pixel);
    uint32_t count = deep ? 65536 : 256;
    self->single = true;
    LI_TRY(li_alloc(self->ctx, count, deep ? 2 : 1, &self->levels));
    for (uint32_t i = 0; i < count; i++)
        set_level(self, i, shown_light(cicp, i / (count - 1.0)));
    return LI_OK;
}

static li_status
fill_gains(li_shaper *self, bool hlg)
{
    LI_TRY(li_alloc(self->ctx, GAINS + 1, sizeof(float), &self->gains));
    self->gains[0] = 1;
    for (uint32_t i = 1; i <= GAINS; i++) {
        double root = (double)i / GAINS, light = root * root * PEAK;
        self->gains[i] = (float)(li_tone_map(light, PEAK) / light);
    }
    if (!hlg)
        return LI_OK;
    LI_TRY(li_alloc(self->ctx, GAINS + 1, sizeof(float), &self->screen));
    for (uint32_t i = 0; i <= GAINS; i++)
        self->screen[i] = (float)(PEAK * pow((double)i / GAINS, 2 * HLG_POWER));
    return LI_OK;
}

static li_status
fill_light(li_shaper *self, const li_cicp *cicp)
{
    bool deep = is_deep(self->pixel);
    uint32_t count = deep ? 65536 : 256, roots = deep ? DEEP_ROOTS : ROOTS;
    LI_TRY(li_alloc(self->ctx, count, sizeof(float), &self->light));
    LI_TRY(li_alloc(self->ctx, roots + 1, deep ? 2 : 1, &self->levels));
    for (uint32_t i = 0; i < count; i++)
        self->light[i] = (float)li_cicp_light(cicp, i / (count - 1.0));
    for (uint32_t i = 0; i <= roots; i++)
        set_level(self, i, (double)i / roots * i / roots);
    return is_above_white(cicp) ? fill_gains(self, cicp->transfer == LI_CICP_HLG)
                                : LI_OK;
}

static li_status
fill(li_shaper *self, const li_cicp *cicp)
{
    double matrix[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    bool turns = !is_gray(self->pixel) && li_cicp_matrix(cicp, matrix);
    if (is_gray(self->pixel) || (!turns && !is_above_white(cicp)))
        return fill_single(self, cicp);
    for (int i = 0; i < 9; i++)
        self->matrix[i / 3][i % 3] = (float)matrix[i / 3][i % 3];
    return fill_light(self, cicp);
}

li_status
li_shaper_open(li_ctx *ctx, const li_cicp *cicp, li_pixel from, li_shaper **shaper)
{
    LI_TRY(li_alloc(ctx, 1, sizeof(**shaper), shaper));
    (*shaper)->ctx = ctx;
    (*shaper)->pixel = from;
    li_status status = fill(*shaper, cicp);
    if (status != LI_OK)
        li_shaper_close(shaper);
    return status;
}

void
li_shaper_close(li_shaper **shaper)
{
    li_shaper *self = *shaper;
    *shaper = NULL;
    if (!self)
        return;
    li_free(self->ctx, &self->levels);
    li_free(self->ctx, &self->light);
    li_free(self->ctx, &self->gains);
    li_free(self->ctx, &self->screen);
    li_free(self->ctx, &self);
}

/* --- a pixel of colours ------------------------------------------------------------
 */

static float
at_root(const float *table, float part)
{
    return table[(uint32_t)(sqrtf(part < 1 ? part : 1) * GAINS + 0.5f)];
}

static void
scale(float light[3], float by)
{
    for (int c = 0; c < 3; c++)
        light[c] *= by;
}

/* The scene's light to that of a screen with a peak, and below white. */
static void
bring_down(const li_shaper *self, float light[3])
{
    static const float peak = (float)PEAK;
    if (self->screen)
        scale(light, at_root(self->screen, 0.2627f * light[0] + 0.6780f * light[1] +
                                               0.0593f * light[2]));
    float most = light[0] > light[1] ? light[0] : light[1];
    most = most > light[2] ? most : light[2];
    if (most > peak)
        scale(light, peak / most);
    scale(light, at_root(self->gains, most / peak));
}

/* To the roots of sRGB's, 0..1. */
static inline void
shape(const li_shaper *self, float light[3])
{
    float sums[3];
    if (self->gains)
        bring_down(self, light);
    for (int c = 0; c < 3; c++) {
        const float *row = self->matrix[c];
        float sum = row[0] * light[0] + row[1] * light[1] + row[2] * light[2];
        sums[c] = sqrtf(sum > 0 ? sum < 1 ? sum : 1 : 0);
    }
    memcpy(light, sums, sizeof(sums));
}

static void
shape_8(const li_shaper *self, const uint8_t *in, uint8_t *out, uint32_t pixels)
{
    uint32_t channels = li_pixel_channels(self->pixel);
    const uint8_t *levels = self->levels;
    for (uint32_t x = 0; x < pixels; x++, in += channels, out += channels) {
        float light[3] = {self->light[in[0]], self->light[in[1]], self->light[in[2]]};
        shape(self, light);
        if (channels > 3)
            out[3] = in[3];
        for (int c = 0; c < 3; c++)
            out[c] = levels[(uint32_t)(light[c] * ROOTS + 0.5f)];
    }
}

static void
shape_16(const li_shaper *self, const uint16_t *in, uint16_t *out, uint32_t pixels)
{
    uint32_t channels = li_pixel_channels(self->pixel);
    const uint16_t *levels = self->levels;
    for (uint32_t x = 0; x < pixels; x++, in += channels, out += channels) {
        float light[3] = {self->light[in[0]], self->light[in[1]], self->light[in[2]]};
        shape(self, light);
        if (channels > 3)
            out[3] = in[3];
        for (int c = 0; c < 3; c++)
            out[c] = levels[(uint32_t)(light[c] * DEEP_ROOTS + 0.5f)];
    }
}

/* --- a pixel by one table ----------------------------------------------------------
 */

static void
look_up_8(const li_shaper *self, const uint8_t *in, uint8_t *out, uint32_t pixels)
{
    uint32_t channels = li_pixel_channels(self->pixel), colours = channels < 3 ? 1 : 3;
    const uint8_t *levels = self->levels;
    for (uint32_t x = 0; x < pixels; x++, in += channels, out += channels) {
        for (uint32_t c = 0; c < colours; c++)
            out[c] = levels[in[c]];
        if (colours < channels)
            out[colours] = in[colours];
    }
}

static void
look_up_16(const li_shaper *self, const uint16_t *in, uint16_t *out, uint32_t pixels)
{
    uint32_t channels = li_pixel_channels(self->pixel), colours = channels < 3 ? 1 : 3;
    const uint16_t *levels = self->levels;
    for (uint32_t x = 0; x < pixels; x++, in += channels, out += channels) {
        for (uint32_t c = 0; c < colours; c++)
            out[c] = levels[in[c]];
        if (colours < channels)
            out[colours] = in[colours];
    }
}

void
li_shaper_apply(const li_shaper *shaper, const uint8_t *in, uint8_t *out,
                uint32_t pixels)
{
    const uint16_t *deep = (const void *)in;
    if (!is_deep(shaper->pixel))
        (shaper->single ? look_up_8 : shape_8)(shaper, in, out, pixels);
    else
        (shaper->single ? look_up_16 : shape_16)(shaper, deep, (void *)out, pixels);
}
