/* test_icc.c: profiles that lcms2 itself makes; what they ask for is known. */
#include "color/cmyk.h"
#include "color/icc.h"
#include "color/lcms.h"
#include "image/frame.h"

#include "test.h"

#include <math.h>

#ifdef LI_HAVE_LCMS2
#include "profile_save.h"

/* Adobe RGB (1998): other primaries, a plain gamma. */
static bytes
wide(void)
{
    static const cmsCIExyY white = {0.3127, 0.3290, 1};
    static const cmsCIExyYTRIPLE primaries = {
        {0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}};
    cmsToneCurve *gamma = cmsBuildGamma(NULL, 2.19921875);
    cmsToneCurve *const curves[3] = {gamma, gamma, gamma};
    bytes made = bytes_of(cmsCreateRGBProfile(&white, &primaries, curves));
    cmsFreeToneCurve(gamma);
    return made;
}

static bytes
gray(double exponent)
{
    cmsToneCurve *gamma = cmsBuildGamma(NULL, exponent);
    bytes made = bytes_of(cmsCreateGrayProfile(cmsD50_xyY(), gamma));
    cmsFreeToneCurve(gamma);
    return made;
}

/* Lightness is what black and half of the other inks leave; no ink has a colour. */
static cmsInt32Number
ink_to_lab(const cmsUInt16Number in[], cmsUInt16Number out[], void *unused)
{
    (void)unused;
    double left = 1 - in[3] / 65535.0, inks = (in[0] + in[1] + in[2]) / 3 / 65535.0;
    cmsCIELab lab = {100 * left * (1 - inks / 2), 0, 0};
    cmsFloat2LabEncodedV2(out, &lab);
    return 1;
}

static bytes
inks(void)
{
    cmsHPROFILE profile = cmsCreateProfilePlaceholder(NULL);
    cmsSetProfileVersion(profile, 2.4);
    cmsSetDeviceClass(profile, cmsSigOutputClass);
    cmsSetColorSpace(profile, cmsSigCmykData);
    cmsSetPCS(profile, cmsSigLabData);
    cmsPipeline *pipeline = cmsPipelineAlloc(NULL, 4, 3);
    cmsStage *table = cmsStageAllocCLut16bit(NULL, 9, 4, 3, NULL);
    CHECK(cmsStageSampleCLut16bit(table, ink_to_lab, NULL, 0));
    CHECK(cmsPipelineInsertStage(pipeline, cmsAT_BEGIN, table));
    CHECK(cmsWriteTag(profile, cmsSigAToB0Tag, pipeline));
    cmsPipelineFree(pipeline);
    return bytes_of(profile);
}

static double
srgb_light(double value)
{
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static double
srgb_value(double light)
{
    light = light < 0 ? 0 : light > 1 ? 1 : light;
    return light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055;
}

static void
start(li_ctx *ctx, bytes profile, li_pixel from, bool inverted, li_icc **icc)
{
    li_ctx_init(ctx, NULL);
    CHECK_EQ(li_icc_open(ctx, profile.data, profile.size, from, inverted, icc), LI_OK);
}

static void
stop(li_ctx *ctx, bytes profile, li_icc **icc)
{
    li_icc_close(icc);
    CHECK(!*icc);
    CHECK_EQ(ctx->bytes, 0);
    free(profile.data);
}

TEST(srgb_itself_asks_for_nothing)
{
    li_ctx ctx;
    li_icc *icc;
    bytes profile = bytes_of(cmsCreate_sRGBProfile());
    start(&ctx, profile, LI_RGB8, false, &icc);
    CHECK(!icc);
    CHECK_EQ(ctx.warnings.count, 0);
    stop(&ctx, profile, &icc);
}

/* By the matrix of Adobe RGB to sRGB, both of D65. */
TEST(a_wide_gamut_is_narrowed_as_its_matrix_says)
{
    static const double matrix[3][3] = {
        {1.39836, -0.39836, 0}, {0, 1, 0}, {0, -0.04293, 1.04293}};
    li_ctx ctx;
    li_icc *icc;
    bytes profile = wide();
    start(&ctx, profile, LI_RGBA8, false, &icc);
    CHECK(icc && li_icc_is_even(icc));
    if (CHECK(icc != NULL))
        for (uint32_t i = 0; i < 6 * 6 * 6; i++) {
            uint8_t in[4] = {(uint8_t)(i % 6 * 51), (uint8_t)(i / 6 % 6 * 51),
                             (uint8_t)(i / 36 * 51), (uint8_t)i};
            uint8_t out[4];
            double light[3];
            for (int c = 0; c < 3; c++)
                light[c] = pow(in[c] / 255.0, 2.19921875);
            li_icc_apply(icc, in, out, 1);
            for (int c = 0; c < 3; c++) {
                double sum = 0;
                for (int k = 0; k < 3; k++)
                    sum += matrix[c][k] * light[k];
                CHECK(fabs(out[c] - 255 * srgb_value(sum)) < 2.5);
            }
            CHECK_EQ(out[3], in[3]);
        }
    stop(&ctx, profile, &icc);
}

TEST(gray_keeps_its_light)
{
    for (int alpha = 0; alpha < 2; alpha++) {
        li_ctx ctx;
        li_icc *icc;
        bytes profile = gray(1.8);
        start(&ctx, profile, alpha ? LI_GRAYA8 : LI_GRAY8, false, &icc);
        CHECK(icc && !li_icc_is_even(icc));
        for (int i = 0; i < 256 && CHECK(icc != NULL); i++) {
            uint8_t in[2] = {(uint8_t)i, 77}, out[2] = {0, 77};
            li_icc_apply(icc, in, out, 1);
            CHECK(fabs(srgb_light(out[0] / 255.0) - pow(i / 255.0, 1.8)) < 0.006);
            CHECK_EQ(out[1], 77);
        }
        stop(&ctx, profile, &icc);
    }
}

/* Lab's L of a gray: the cube root of its light. */
static double
level_of_lightness(double lightness)
{
    double f = (lightness + 16) / 116;
    return 255 * srgb_value(f > 6.0 / 29 ? f * f * f : (f - 4.0 / 29) * 108 / 841);
}

TEST(inks_become_rgb_whichever_way_up_they_are)
{
    for (int inverted = 0; inverted < 2; inverted++) {
        li_ctx ctx;
        li_icc *icc;
        li_frame frame;
        li_rows *rows = NULL;
        const uint8_t *row;
        bytes profile = inks();
        start(&ctx, profile, LI_CMYK8, inverted, &icc);
        CHECK_EQ(li_frame_alloc(&ctx, (li_info){256, 1, LI_CMYK8}, &frame), LI_OK);
        for (uint32_t x = 0; x < 256; x++) {
            uint8_t full[4] = {(uint8_t)x, (uint8_t)x, (uint8_t)x, (uint8_t)(x / 2)};
            for (int c = 0; c < 4; c++)
                li_frame_row(&frame, 0)[4 * x + c] = inverted ? ~full[c] : full[c];
        }
        CHECK_EQ(li_frame_rows(&ctx, &frame, &rows), LI_OK);
        CHECK_EQ(li_cmyk_push(&rows, inverted, icc, LI_RGB8), LI_OK);
        CHECK_EQ(li_rows_next(rows, &row), LI_OK);
        for (uint32_t x = 0; x < 256 && icc; x++) {
            double lightness = 100 * (1 - x / 2 / 255.0) * (1 - x / 510.0);
            for (int c = 0; c < 3; c++)
                CHECK(fabs(row[3 * x + c] - level_of_lightness(lightness)) < 3);
        }
        li_rows_close(&rows);
        li_frame_free(&ctx, &frame);
        CHECK(icc != NULL);
        stop(&ctx, profile, &icc);
    }
}

TEST(a_profile_that_cannot_be_used_is_a_warning)
{
    li_ctx ctx;
    li_icc *icc;
    bytes profile = wide();
    start(&ctx, profile, LI_GRAY8, false, &icc); /* of RGB */
    CHECK(!icc && ctx.warnings.count == 1);
    CHECK_TEXT(ctx.warnings.text[0],
               "the ICC profile is not used: it is of another kind of pixels");
    li_icc_close(&icc);
    for (uint32_t cut = 0; cut < profile.size; cut += 7) {
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_icc_open(&ctx, profile.data, cut, LI_RGB8, false, &icc), LI_OK);
        li_icc_close(&icc);
        CHECK_EQ(ctx.bytes, 0);
    }
    stop(&ctx, profile, &icc);
}

TEST(a_profile_of_no_use_leaves_the_word_to_numbers)
{
    static const li_cicp linear = {.gamma = 100000};
    bytes profile = wide();
    for (int useful = 0; useful < 2; useful++) {
        li_ctx ctx;
        li_icc *icc;
        uint8_t samples[3] = {128, 128, 128};
        li_ctx_init(&ctx, NULL);
        uint32_t size = useful ? profile.size : 150;
        CHECK_EQ(
            li_icc_open_either(&ctx, profile.data, size, &linear, LI_RGB8, false, &icc),
            LI_OK);
        CHECK(icc != NULL);
        CHECK_EQ(ctx.warnings.count, !useful);
        li_icc_apply(icc, samples, samples, 1);
        CHECK(useful ? samples[1] < 140 : samples[1] == 188);
        li_icc_close(&icc);
        CHECK_EQ(ctx.bytes, 0);
    }
    free(profile.data);
}

TEST(damage_of_any_byte_is_survived)
{
    bytes profile = inks();
    uint32_t seed = 1;
    for (int i = 0; i < 300; i++) {
        li_ctx ctx;
        li_icc *icc;
        bytes bad = {malloc(profile.size), profile.size};
        memcpy(bad.data, profile.data, profile.size);
        for (uint32_t k = test_random(&seed) % 4; k < 5; k++) {
            uint32_t most = i % 2 ? profile.size : 256;
            bad.data[test_random(&seed) % most] = (uint8_t)test_random(&seed);
        }
        start(&ctx, bad, LI_CMYK8, false, &icc);
        stop(&ctx, bad, &icc);
    }
    free(profile.data);
}

TEST(every_allocation_may_fail)
{
    bytes profiles[] = {wide(), gray(1.8), inks(), wide()};
    static const li_pixel pixels[] = {LI_RGB8, LI_GRAY8, LI_CMYK8, LI_RGB8};
    static const li_cicp linear = {.gamma = 100000};
    profiles[3].size = 150; /* of no use, which is not want of memory */
    for (int i = 0; i < 4; i++) {
        bool done = false;
        for (int left = 0; !done && left < 2000; left++) {
            li_ctx ctx;
            li_icc *icc;
            li_ctx_init(&ctx, NULL);
            ctx.allocs_left = left;
            li_status status =
                li_icc_open_either(&ctx, profiles[i].data, profiles[i].size, &linear,
                                   pixels[i], false, &icc);
            done = status == LI_OK;
            CHECK(done ? icc != NULL : status == LI_ENOMEM && !icc);
            CHECK(!done || ctx.warnings.count == (i == 3));
            li_icc_close(&icc);
            CHECK_EQ(ctx.bytes, 0);
        }
        CHECK(done);
        free(profiles[i].data);
    }
}

int
main(void)
{
    RUN(srgb_itself_asks_for_nothing);
    RUN(a_wide_gamut_is_narrowed_as_its_matrix_says);
    RUN(gray_keeps_its_light);
    RUN(inks_become_rgb_whichever_way_up_they_are);
    RUN(a_profile_that_cannot_be_used_is_a_warning);
    RUN(a_profile_of_no_use_leaves_the_word_to_numbers);
    RUN(damage_of_any_byte_is_survived);
    RUN(every_allocation_may_fail);
    return test_end();
}

#else

TEST(without_lcms2_a_profile_is_a_warning)
{
    li_ctx ctx;
    li_icc *icc;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_icc_open(&ctx, (const uint8_t *)"", 1, LI_RGB8, false, &icc), LI_OK);
    CHECK(!icc && ctx.warnings.count == 1);
    static const li_cicp linear = {.gamma = 100000};
    CHECK_EQ(
        li_icc_open_either(&ctx, (const uint8_t *)"", 1, &linear, LI_RGB8, false, &icc),
        LI_OK);
    CHECK(icc != NULL); /* by the numbers beside it */
    li_icc_close(&icc);
    CHECK_EQ(li_lcms_built(), 0);
}

int
main(void)
{
    RUN(without_lcms2_a_profile_is_a_warning);
    return test_end();
}

#endif
