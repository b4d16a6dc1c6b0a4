/* curves.c: most profiles are a curve of each colour and a matrix. The curves are
 * read; the matrix is seen, with the black that is compensated, in what lcms2 makes of
 * black and of each full colour, and is good if other colours come out as it says.
 * Layer 2. */
#ifdef LI_HAVE_LCMS2

#include "color/curves.h"
#include "color/srgb.h"

#include <math.h>
#include <string.h>

/* To light of sRGB's primaries, by lcms2 with floats. */
typedef struct trial {
    cmsHTRANSFORM transform;
    uint32_t colours; /* 1 or 3 */
} trial;

enum { SIDE = 4, GRAYS = 16, LOOK = 257 /* each level of 8 bits */ };

#define MOST_LIGHT 4.0   /* of a curve: real ones end at 1 */
#define MOST_FACTOR 64.0 /* of a matrix and its black: ProPhoto's largest is 2.1 */
#define LEVEL (1 / 65535.0)

/* --- lcms2's own conversion --------------------------------------------------------
 */

static cmsHPROFILE
make_light(cmsContext library, uint32_t colours)
{
    static const cmsCIExyY white = {0.3127, 0.3290, 1};
    static const cmsCIExyYTRIPLE primaries = {
        {0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}};
    cmsToneCurve *straight = cmsBuildGamma(library, 1);
    cmsToneCurve *const all[3] = {straight, straight, straight};
    cmsHPROFILE made = NULL;
    if (straight && colours == 1)
        made = cmsCreateGrayProfileTHR(library, cmsD50_xyY(), straight);
    else if (straight)
        made = cmsCreateRGBProfileTHR(library, &white, &primaries, all);
    if (straight)
        cmsFreeToneCurve(straight);
    return made;
}

static bool
open_trial(cmsContext library, cmsHPROFILE profile, trial *self)
{
    cmsUInt32Number type = self->colours == 1 ? TYPE_GRAY_FLT : TYPE_RGB_FLT;
    cmsHPROFILE light = make_light(library, self->colours);
    if (!light)
        return false;
    self->transform =
        cmsCreateTransformTHR(library, profile, type, light, type, INTENT_PERCEPTUAL,
                              cmsFLAGS_NOCACHE | cmsFLAGS_NOOPTIMIZE);
    cmsCloseProfile(light);
    return self->transform != NULL;
}

static void
show(const trial *self, const float values[3], double light[3])
{
    float out[3] = {0};
    cmsDoTransform(self->transform, values, out, 1);
    for (uint32_t c = 0; c < self->colours; c++)
        light[c] = out[c];
}

/* --- curves and matrix -------------------------------------------------------------
 */

/* Never beyond MOST_LIGHT, and a number. */
static double
light_of(const void *curve, double value)
{
    double light = cmsEvalToneCurveFloat(curve, (float)value);
    return light > -MOST_LIGHT ? fmin(light, MOST_LIGHT) : -MOST_LIGHT;
}

/* Many profiles hold one curve three times. */
static bool
are_same(const cmsToneCurve *one, const cmsToneCurve *other)
{
    cmsUInt32Number count = cmsGetToneCurveEstimatedTableEntries(one);
    if (cmsGetToneCurveEstimatedTableEntries(other) != count ||
        memcmp(cmsGetToneCurveEstimatedTable(one), cmsGetToneCurveEstimatedTable(other),
               count * sizeof(cmsUInt16Number)) != 0)
        return false;
    for (uint32_t i = 0; i <= 65535; i += LOOK)
        if (light_of(one, i / 65535.0) != light_of(other, i / 65535.0))
            return false;
    return true;
}

/* Tables of colours count before curves. */
static bool
read_curves(cmsHPROFILE profile, uint32_t colours, li_curves *curves)
{
    static const cmsTagSignature tags[] = {cmsSigRedTRCTag, cmsSigGreenTRCTag,
                                           cmsSigBlueTRCTag};
    curves->light = light_of;
    if (cmsIsTag(profile, cmsSigAToB0Tag) || cmsIsTag(profile, cmsSigDToB0Tag))
        return false;
    for (uint32_t c = 0; c < colours; c++) {
        cmsTagSignature tag = colours == 1 ? cmsSigGrayTRCTag : tags[c];
        curves->curve[c] = cmsIsTag(profile, tag) ? cmsReadTag(profile, tag) : NULL;
        if (!curves->curve[c])
            return false;
        if (c > 0 && are_same(curves->curve[0], curves->curve[c]))
            curves->curve[c] = curves->curve[0];
    }
    return true;
}

/* Do the curves end at about 1, as far as one looks? */
static bool
are_sane(const li_curves *curves, uint32_t colours)
{
    for (uint32_t c = 0; c < colours; c++) {
        if (c > 0 && curves->curve[c] == curves->curve[0])
            continue;
        for (uint32_t i = 0; i <= 65535; i += LOOK)
            if (!(fabs(light_of(curves->curve[c], i / 65535.0)) < MOST_LIGHT))
                return false;
    }
    return true;
}

static bool
find_matrix(const trial *self, li_curves *curves)
{
    double black[3], full[3], low[3];
    show(self, (float[3]){0}, black);
    for (uint32_t k = 0; k < self->colours; k++) {
        float values[3] = {0};
        values[k] = 1;
        show(self, values, full);
        low[k] = light_of(curves->curve[k], 0);
        double rise = light_of(curves->curve[k], 1) - low[k];
        for (uint32_t c = 0; c < self->colours; c++) {
            curves->matrix[c][k] = (full[c] - black[c]) / rise;
            if (!(fabs(curves->matrix[c][k]) <= MOST_FACTOR))
                return false;
        }
    }
    for (uint32_t c = 0; c < self->colours; c++) {
        curves->black[c] = black[c];
        for (uint32_t k = 0; k < self->colours; k++)
            curves->black[c] -= curves->matrix[c][k] * low[k];
        if (!(fabs(curves->black[c]) <= MOST_FACTOR))
            return false;
    }
    return true;
}

/* --- are they what lcms2 makes of it? ----------------------------------------------
 */

static bool
agrees(const trial *self, const li_curves *curves, const float values[3])
{
    double wanted[3], light[3];
    show(self, values, wanted);
    for (uint32_t k = 0; k < self->colours; k++)
        light[k] = light_of(curves->curve[k], values[k]);
    for (uint32_t c = 0; c < self->colours; c++) {
        double sum = curves->black[c];
        for (uint32_t k = 0; k < self->colours; k++)
            sum += curves->matrix[c][k] * light[k];
        if (!(fabs(li_srgb_value(sum) - li_srgb_value(wanted[c])) <= LEVEL))
            return false;
    }
    return true;
}

/* Grays, and a cube that is not even. */
static bool
agrees_everywhere(const trial *self, const li_curves *curves)
{
    static const float steps[SIDE] = {0.02f, 0.2f, 0.55f, 0.97f};
    for (int i = 0; i <= GRAYS; i++) {
        float gray = (float)i / GRAYS;
        if (!agrees(self, curves, (float[3]){gray, gray, gray}))
            return false;
    }
    for (int i = 0; self->colours == 3 && i < SIDE * SIDE * SIDE; i++)
        if (!agrees(self, curves,
                    (float[3]){steps[i % SIDE], steps[i / SIDE % SIDE],
                               steps[i / SIDE / SIDE]}))
            return false;
    return true;
}

bool
li_profile_curves(cmsContext library, cmsHPROFILE profile, li_curves *curves)
{
    trial self = {.colours = cmsGetColorSpace(profile) == cmsSigGrayData ? 1 : 3};
    *curves = (li_curves){0};
    if (!read_curves(profile, self.colours, curves) ||
        !are_sane(curves, self.colours) || !open_trial(library, profile, &self))
        return false;
    bool good = find_matrix(&self, curves) && agrees_everywhere(&self, curves);
    cmsDeleteTransform(self.transform);
    return good;
}

#else

typedef int li_no_curves; /* a file is not empty */

#endif
