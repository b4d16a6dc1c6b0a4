/* shaper.c: light by a table of all levels, a matrix, and levels by straight pieces of
 * sRGB's curve, of even widths on a scale of light's logarithm. Light above white is
 * brought below it by the largest of the three, so that hues stay. Where no colour
 * looks at another, the whole is one table of levels. Layer 2. */
#include "color/shaper.h"
#include "color/srgb.h"

#include <math.h>
#include <string.h>

/* The curve is straight up to a light of 0.0031, that is, in the first piece, which is
 * of all light below 1/512 and a 256th more. Behind it a piece spans 1/256 of an octave
 * of light: off by 0.03 of 65535 at most, and a quarter of one where the knee lies in
 * it. */
enum {
    OCTAVES = 9, /* from 1/512 to 1 */
    PIECE_BITS = 8,
    PIECE_SHIFT = 23 - PIECE_BITS, /* in the bits of a float */
    PIECES = OCTAVES << PIECE_BITS,
    GAINS = 4096,
};

#define LOWEST_BITS 0x3b000000 /* of 1/512 as a float */
#define PEAK (1000 / 203.0)    /* of PQ as most is mastered, and of HLG's screen */
#define HLG_POWER 0.2          /* of its luminance: BT.2100's gamma of 1.2, less 1 */

/* A level is base + slope × light. */
typedef struct piece {
    float base, slope;
} piece;

struct li_shaper {
    li_ctx *ctx; /* borrowed */
    li_pixel pixel;
    void *levels;  /* owned, 8 or 16 bits: of each level, and there is nothing else */
    piece *pieces; /* owned; or NULL */
    float matrix[3][3], black[3];
    float *lights;         /* owned: a table or three, of each level */
    const float *light[3]; /* borrowed: each colour's of those */
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

static uint32_t
most_of(const li_shaper *self)
{
    return is_deep(self->pixel) ? 65535 : 255;
}

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
alloc_levels(li_shaper *self)
{
    return li_alloc(self->ctx, (size_t)most_of(self) + 1, is_deep(self->pixel) ? 2 : 1,
                    &self->levels);
}

static li_status
fill_single(li_shaper *self, const li_cicp *cicp)
{
    LI_TRY(alloc_levels(self));
    for (uint32_t i = 0; i <= most_of(self); i++)
        set_level(self, i, shown_light(cicp, (double)i / most_of(self)));
    return LI_OK;
}

/* Light at the lower end of a piece. */
static double
piece_start(uint32_t i)
{
    return i ? ldexp(1 + (double)(i % (1 << PIECE_BITS)) / (1 << PIECE_BITS),
                     (int)(i >> PIECE_BITS) - OCTAVES)
             : 0;
}

static li_status
fill_pieces(li_shaper *self)
{
    uint32_t most = most_of(self);
    LI_TRY(li_alloc(self->ctx, PIECES + 1, sizeof(piece), &self->pieces));
    double from = 0, level = 0;
    for (uint32_t i = 0; i < PIECES; i++) {
        double to = piece_start(i + 1), next = most * li_srgb_value(to);
        double slope = (next - level) / (to - from);
        self->pieces[i] = (piece){(float)(level - slope * from), (float)slope};
        from = to, level = next;
    }
    self->pieces[PIECES] = (piece){(float)most, 0};
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
alloc_lights(li_shaper *self, uint32_t tables)
{
    size_t count = tables * ((size_t)most_of(self) + 1);
    return li_alloc(self->ctx, count, sizeof(float), &self->lights);
}

static li_status
fill_light(li_shaper *self, const li_cicp *cicp)
{
    LI_TRY(fill_pieces(self));
    LI_TRY(alloc_lights(self, 1));
    for (uint32_t i = 0; i <= most_of(self); i++)
        self->lights[i] = (float)li_cicp_light(cicp, (double)i / most_of(self));
    for (int c = 0; c < 3; c++)
        self->light[c] = self->lights;
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

/* --- open by curves ----------------------------------------------------------------
 */

static li_status
fill_gray(li_shaper *self, const li_curves *curves)
{
    double scale = curves->matrix[0][0], black = curves->black[0];
    LI_TRY(alloc_levels(self));
    for (uint32_t i = 0; i <= most_of(self); i++) {
        double value = (double)i / most_of(self);
        set_level(self, i, scale * curves->light(curves->curve[0], value) + black);
    }
    return LI_OK;
}

static void
fill_table(float *light, uint32_t levels, const li_curves *curves, const void *curve)
{
    for (uint32_t i = 0; i < levels; i++)
        light[i] = (float)curves->light(curve, i / (levels - 1.0));
}

/* Each curve that is another than those before it has a table. */
static li_status
fill_lights(li_shaper *self, const li_curves *curves)
{
    uint32_t table[3], tables = 0, levels = most_of(self) + 1;
    const void *of[3];
    for (uint32_t c = 0; c < 3; c++) {
        table[c] = 0;
        while (table[c] < tables && of[table[c]] != curves->curve[c])
            table[c]++;
        if (table[c] == tables)
            of[tables++] = curves->curve[c];
    }
    LI_TRY(alloc_lights(self, tables));
    for (uint32_t i = 0; i < tables; i++)
        fill_table(self->lights + (size_t)i * levels, levels, curves, of[i]);
    for (uint32_t c = 0; c < 3; c++)
        self->light[c] = self->lights + (size_t)table[c] * levels;
    return LI_OK;
}

static li_status
fill_curves(li_shaper *self, const li_curves *curves)
{
    if (is_gray(self->pixel))
        return fill_gray(self, curves);
    for (int c = 0; c < 3; c++) {
        self->black[c] = (float)curves->black[c];
        for (int k = 0; k < 3; k++)
            self->matrix[c][k] = (float)curves->matrix[c][k];
    }
    LI_TRY(fill_lights(self, curves));
    return fill_pieces(self);
}

li_status
li_shaper_open_curves(li_ctx *ctx, const li_curves *curves, li_pixel from,
                      li_shaper **shaper)
{
    LI_TRY(li_alloc(ctx, 1, sizeof(**shaper), shaper));
    (*shaper)->ctx = ctx;
    (*shaper)->pixel = from;
    li_status status = fill_curves(*shaper, curves);
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
    li_free(self->ctx, &self->pieces);
    li_free(self->ctx, &self->lights);
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

/* To light of sRGB's primaries. */
static inline void
shape(const li_shaper *self, float light[3])
{
    float sums[3];
    if (self->gains)
        bring_down(self, light);
    for (int c = 0; c < 3; c++) {
        const float *row = self->matrix[c];
        sums[c] =
            row[0] * light[0] + row[1] * light[1] + row[2] * light[2] + self->black[c];
    }
    memcpy(light, sums, sizeof(sums));
}

/* In whole numbers, so that no branch is guessed wrong: a negative float is a negative
 * number of the same bits, and a piece is its upper ones. */
static inline int32_t
level_of(const piece *pieces, float light)
{
    int32_t bits;
    memcpy(&bits, &light, sizeof(bits));
    bits = bits > LOWEST_BITS ? bits - LOWEST_BITS : 0;
    bits >>= PIECE_SHIFT;
    const piece *found = &pieces[bits < PIECES ? bits : PIECES];
    float level = found->base + found->slope * light + 0.5f;
    return (int32_t)(level > 0 ? level : 0); /* no whole number holds any light below */
}

#define SAMPLE uint8_t
#define NAME(word) word##_8
#include "color/shape.inc.h"
#undef NAME
#undef SAMPLE

#define SAMPLE uint16_t
#define NAME(word) word##_16
#include "color/shape.inc.h"

void
li_shaper_apply(const li_shaper *shaper, const uint8_t *in, uint8_t *out,
                uint32_t pixels)
{
    if (!is_deep(shaper->pixel))
        (shaper->levels ? look_up_8 : shape_8)(shaper, in, out, pixels);
    else
        (shaper->levels ? look_up_16 : shape_16)(shaper, in, out, pixels);
}
