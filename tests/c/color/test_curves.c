/* test_curves.c: profiles of curves and a matrix go through the shaper, and come out as
 * lcms2 has them without its optimisations. */
#include "color/icc.h"

#include "profile_save.h"

#include <math.h>

enum { PIXELS = 4096, KEPT_BY_SHAPER = 900 << 10, KEPT_BY_LCMS2 = 1 << 20 };

static const cmsCIExyYTRIPLE p3 = {{0.68, 0.32, 1}, {0.265, 0.69, 1}, {0.15, 0.06, 1}};
static const cmsCIExyYTRIPLE prophoto = {
    {0.7347, 0.2653, 1}, {0.1596, 0.8404, 1}, {0.0366, 0.0001, 1}};

/* Takes the curves; of gray, without places, the first. */
static bytes
made_of(const cmsCIExyYTRIPLE *places, cmsToneCurve *curves[3])
{
    static const cmsCIExyY white = {0.3127, 0.3290, 1};
    bytes made = bytes_of(places ? cmsCreateRGBProfile(&white, places, curves)
                                 : cmsCreateGrayProfile(cmsD50_xyY(), curves[0]));
    for (int c = 0; c < 3; c++)
        if (c == 0 || curves[c] != curves[c - 1])
            cmsFreeToneCurve(curves[c]);
    return made;
}

static bytes
one_curve(const cmsCIExyYTRIPLE *places, cmsToneCurve *curve)
{
    return made_of(places, (cmsToneCurve *[3]){curve, curve, curve});
}

/* All three colours are one: no matrix turns back from there. */
static bytes
without_colour(cmsToneCurve *curve)
{
    static const cmsCIExyY white = {0.3127, 0.3290, 1};
    static const cmsCIEXYZ place = {0.3, -0.3, 1.9};
    cmsHPROFILE profile =
        cmsCreateRGBProfile(&white, &p3, (cmsToneCurve *[3]){curve, curve, curve});
    CHECK(cmsWriteTag(profile, cmsSigRedColorantTag, &place));
    CHECK(cmsWriteTag(profile, cmsSigGreenColorantTag, &place));
    CHECK(cmsWriteTag(profile, cmsSigBlueColorantTag, &place));
    cmsFreeToneCurve(curve);
    return bytes_of(profile);
}

static cmsToneCurve *
table(uint32_t count, double (*light)(double))
{
    uint16_t samples[1024];
    for (uint32_t i = 0; i < count; i++)
        samples[i] = (uint16_t)lround(65535 * light(i / (count - 1.0)));
    return cmsBuildTabulatedToneCurve16(NULL, count, samples);
}

static double
raised(double x) /* its black is no black: lcms2 compensates that */
{
    return 0.02 + 0.98 * x * x;
}

static double
folded(double x)
{
    return (sin(9 * x) + 1) / 2;
}

static double
falling(double x)
{
    return 1 - x;
}

static cmsToneCurve *
parametric(int type, double a, double b, double c, double d, double e)
{
    return cmsBuildParametricToneCurve(NULL, type, (double[]){a, b, c, d, e, 0, 0});
}

/* Half of them of any colour, the others grays and dark. */
static void
fill(uint16_t *samples, uint32_t channels)
{
    uint32_t seed = 5;
    for (uint32_t i = 0; i < PIXELS; i++)
        for (uint32_t c = 0; c < channels; c++) {
            uint32_t any = test_random(&seed) >> 3 & 65535;
            samples[i * channels + c] = (uint16_t)(i % 4 == 0   ? i * 16
                                                   : i % 4 == 1 ? any >> (i >> 2) % 8
                                                                : any);
        }
}

/* What lcms2 makes of them, 16 bits, unoptimised. */
static void
convert(bytes profile, const uint16_t *in, uint16_t *out, bool gray)
{
    cmsUInt32Number type = gray ? TYPE_GRAY_16 : TYPE_RGB_16;
    cmsToneCurve *srgb =
        parametric(4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045);
    cmsHPROFILE from = cmsOpenProfileFromMem(profile.data, profile.size);
    cmsHPROFILE to =
        gray ? cmsCreateGrayProfile(cmsD50_xyY(), srgb) : cmsCreate_sRGBProfile();
    cmsHTRANSFORM transform =
        cmsCreateTransform(from, type, to, type, INTENT_PERCEPTUAL,
                           cmsFLAGS_NOOPTIMIZE | cmsFLAGS_NOCACHE);
    if (CHECK(transform != NULL))
        cmsDoTransform(transform, in, out, PIXELS);
    cmsDeleteTransform(transform);
    cmsCloseProfile(to);
    cmsCloseProfile(from);
    cmsFreeToneCurve(srgb);
}

/* `most`: of 65535, besides what 8 bits round. Gives what the transform holds. */
static uint64_t
hold_to_lcms2(bytes profile, bool gray, bool deep, double most)
{
    static const li_pixel layouts[2][2] = {{LI_RGB8, LI_RGB16}, {LI_GRAY8, LI_GRAY16}};
    static uint16_t in[PIXELS * 3], ours[PIXELS * 3], theirs[PIXELS * 3];
    static uint8_t shallow[PIXELS * 3];
    li_ctx ctx;
    li_icc *icc;
    uint32_t channels = gray ? 1 : 3;
    fill(in, channels);
    for (uint32_t i = 0; !deep && i < PIXELS * channels; i++) {
        shallow[i] = (uint8_t)(in[i] >> 8);
        in[i] = (uint16_t)(shallow[i] * 257);
    }
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(
        li_icc_open(&ctx, profile.data, profile.size, layouts[gray][deep], false, &icc),
        LI_OK);
    if (!CHECK(icc != NULL))
        return 0;
    uint64_t kept = ctx.bytes;
    uint8_t *row = deep ? (uint8_t *)in : shallow;
    convert(profile, in, theirs, gray);
    li_icc_apply(icc, row, deep ? (uint8_t *)ours : shallow, PIXELS);
    for (uint32_t i = 0; i < PIXELS * channels; i++) {
        double found = deep ? ours[i] : shallow[i] * 257.0;
        CHECK(fabs(found - theirs[i]) <= most + (deep ? 0 : 128.5));
    }
    li_icc_close(&icc);
    CHECK_EQ(ctx.bytes, 0);
    return kept;
}

TEST(curves_and_a_matrix_are_shaped_as_lcms2_has_them)
{
    cmsToneCurve *three[3] = {cmsBuildGamma(NULL, 1.8), table(300, raised),
                              parametric(3, 2.2, 0.9, 0.1, 0.1, 0.05)};
    const struct {
        bytes profile;
        bool gray;
    } all[] = {
        {one_curve(&p3, cmsBuildGamma(NULL, 2.2)), false},
        {one_curve(&p3,
                   parametric(4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)),
         false},
        {one_curve(&prophoto, cmsBuildGamma(NULL, 1.8)), false},
        {one_curve(&p3, cmsBuildGamma(NULL, 1)), false},
        {one_curve(&p3, cmsBuildGamma(NULL, 200)), false},
        {one_curve(&p3, cmsBuildGamma(NULL, 0.01)), false},
        {one_curve(&p3, table(1024, raised)), false},
        {one_curve(&p3, table(64, folded)), false},
        {one_curve(&prophoto, table(33, falling)), false},
        {made_of(&p3, three), false},
        {one_curve(NULL, cmsBuildGamma(NULL, 1.8)), true},
        {one_curve(NULL, table(200, raised)), true},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (int deep = 0; deep < 2; deep++)
            CHECK(hold_to_lcms2(all[i].profile, all[i].gray, deep, 1) < KEPT_BY_SHAPER);
        free(all[i].profile.data);
    }
}

/* --- what is no such profile -------------------------------------------------------
 */

static cmsInt32Number
to_lab(const cmsUInt16Number in[], cmsUInt16Number out[], void *unused)
{
    (void)unused;
    out[0] = (cmsUInt16Number)((in[0] + in[1] + in[2]) / 3);
    out[1] = out[2] = 0x8080;
    return 1;
}

TEST(tables_of_colours_count_before_curves)
{
    static const cmsCIExyY white = {0.3127, 0.3290, 1};
    cmsToneCurve *curve = cmsBuildGamma(NULL, 1.8);
    cmsHPROFILE profile =
        cmsCreateRGBProfile(&white, &p3, (cmsToneCurve *[3]){curve, curve, curve});
    cmsPipeline *pipeline = cmsPipelineAlloc(NULL, 3, 3);
    cmsStage *stage = cmsStageAllocCLut16bit(NULL, 5, 3, 3, NULL);
    CHECK(cmsStageSampleCLut16bit(stage, to_lab, NULL, 0));
    CHECK(cmsPipelineInsertStage(pipeline, cmsAT_BEGIN, stage));
    cmsSetProfileVersion(profile, 2.4);
    cmsSetPCS(profile, cmsSigLabData);
    CHECK(cmsWriteTag(profile, cmsSigAToB0Tag, pipeline));
    cmsPipelineFree(pipeline);
    cmsFreeToneCurve(curve);
    bytes made = bytes_of(profile);
    CHECK(hold_to_lcms2(made, false, true, 0) > KEPT_BY_LCMS2);
    free(made.data);
}

/* lcms2 has them as before, or nobody. */
TEST(curves_and_matrices_of_no_sense_are_survived)
{
    cmsToneCurve *curves[] = {
        parametric(4, -5, 1, -0.5, 0, 0.1),       /* endless in the middle */
        parametric(4, 30000, 30000, 30000, 0, 0), /* and everywhere */
        parametric(3, 0.0001, -30000, 1, 0, 0),
        parametric(1, -3, 0, 0, 0, 0),
        parametric(1, 0, 0, 0, 0, 0),
    };
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        for (int k = 0; k < 6; k++) {
            static const li_pixel layouts[] = {LI_RGB8, LI_RGB16, LI_GRAY16};
            static uint16_t row[PIXELS * 3];
            li_ctx ctx;
            li_icc *icc;
            li_pixel pixel = layouts[k % 3];
            cmsToneCurve *curve = cmsDupToneCurve(curves[i]);
            bytes made = pixel == LI_GRAY16 ? one_curve(NULL, curve)
                         : k < 3            ? one_curve(&p3, curve)
                                            : without_colour(curve);
            fill(row, li_pixel_channels(pixel));
            li_ctx_init(&ctx, NULL);
            CHECK_EQ(li_icc_open(&ctx, made.data, made.size, pixel, false, &icc),
                     LI_OK);
            if (icc)
                li_icc_apply(icc, (uint8_t *)row, (uint8_t *)row, PIXELS);
            li_icc_close(&icc);
            CHECK_EQ(ctx.bytes, 0);
            free(made.data);
        }
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        cmsFreeToneCurve(curves[i]);
}

int
main(void)
{
    RUN(curves_and_a_matrix_are_shaped_as_lcms2_has_them);
    RUN(tables_of_colours_count_before_curves);
    RUN(curves_and_matrices_of_no_sense_are_survived);
    return test_end();
}
