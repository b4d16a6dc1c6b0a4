/* test_srgb.c: the spellings of sRGB, and what is none. */
#include "color/icc.h"
#include "color/srgb.h"

#include "color/profile_make.h"
#include "test.h"

static const double usual[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0, 0};

static double
plain_gamma(double value)
{
    return pow(value, 2.2);
}

/* With one curve and these primaries. */
static bool
is(const char *space, const double primaries[3][3], const uint8_t *curve, size_t size)
{
    profile_bytes profile = make_profile(space, primaries, curve, size);
    bool answer = li_srgb_is(profile.data, profile.size);
    free(profile.data);
    return answer;
}

TEST(value_and_light_are_inverse)
{
    for (int i = 0; i <= 1000; i++)
        CHECK(fabs(li_srgb_value(li_srgb_light(i / 1000.0)) - i / 1000.0) < 1e-6);
    CHECK(li_srgb_value(-1) == 0 && fabs(li_srgb_value(2) - 1) < 1e-9);
}

TEST(srgb_is_known_in_every_spelling)
{
    static const uint32_t sizes[] = {256, 1024, 4096};
    uint8_t curve[12 + 2 * 4096];
    for (size_t i = 0; i < 3; i++) {
        size_t size = put_table(curve, sizes[i], li_srgb_light);
        CHECK(is("RGB ", srgb_primaries, curve, size));
        CHECK(is("GRAY", srgb_primaries, curve, size));
    }
    CHECK(is("RGB ", srgb_primaries, curve, put_parameters(curve, 3, usual, 5)));
    CHECK(is("RGB ", srgb_primaries, curve, put_parameters(curve, 4, usual, 7)));
}

TEST(another_curve_or_other_primaries_are_not_srgb)
{
    static const double shifted[] = {2.4,     1 / 1.055, 0.055 / 1.055, 1 / 12.92,
                                     0.04045, 0.01,      0.01};
    static const double gamma = 2.2;
    uint8_t curve[12 + 2 * 4096];
    CHECK(!is("RGB ", p3_primaries, curve, put_table(curve, 1024, li_srgb_light)));
    CHECK(!is("RGB ", srgb_primaries, curve, put_table(curve, 1024, plain_gamma)));
    CHECK(!is("GRAY", srgb_primaries, curve, put_table(curve, 1024, plain_gamma)));
    CHECK(!is("RGB ", srgb_primaries, curve, put_parameters(curve, 0, &gamma, 1)));
    CHECK(!is("RGB ", srgb_primaries, curve, put_parameters(curve, 4, shifted, 7)));
    CHECK(!is("CMYK", srgb_primaries, curve, put_parameters(curve, 3, usual, 5)));
}

/* Each primary by itself, both ways: four parts in a thousand are seen. */
TEST(primaries_are_looked_at_one_by_one)
{
    uint8_t curve[64];
    size_t size = put_parameters(curve, 3, usual, 5);
    for (int i = 0; i < 9; i++)
        for (int sign = -1; sign < 2; sign += 2) {
            double moved[3][3];
            memcpy(moved, srgb_primaries, sizeof(moved));
            moved[i / 3][i % 3] += sign * 0.004;
            CHECK(!is("RGB ", moved, curve, size));
        }
}

TEST(a_table_of_colours_is_left_to_lcms2)
{
    uint8_t curve[64];
    profile_bytes profile =
        make_profile("RGB ", srgb_primaries, curve, put_parameters(curve, 3, usual, 5));
    CHECK(li_srgb_is(profile.data, profile.size));
    memcpy(profile.data + 132, "A2B0", 4); /* in the place of wtpt */
    CHECK(!li_srgb_is(profile.data, profile.size));
    free(profile.data);
}

/* Each beginning, in a block of its own size for the sanitizer; each 32-bit number of
 * the head and the tags at its extremes. */
TEST(damage_is_survived)
{
    uint8_t curve[12 + 2 * 256];
    profile_bytes profile = make_profile("RGB ", srgb_primaries, curve,
                                         put_table(curve, 256, li_srgb_light));
    for (size_t size = 0; size < profile.size; size++) {
        uint8_t *cut = malloc(size + !size);
        memcpy(cut, profile.data, size);
        CHECK(!li_srgb_is(cut, size));
        free(cut);
    }
    for (size_t at = 0; at + 4 <= profile.size; at++) {
        static const uint32_t extremes[] = {0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
        uint8_t kept[4];
        memcpy(kept, profile.data + at, 4);
        for (int i = 0; i < 5; i++) {
            put_be32(profile.data + at, extremes[i]);
            (void)li_srgb_is(profile.data, profile.size);
        }
        memcpy(profile.data + at, kept, 4);
    }
    CHECK(li_srgb_is(profile.data, profile.size));
    free(profile.data);
}

/* Also by a build without lcms2, and of a picture in gray. */
TEST(srgb_asks_for_nothing_and_warns_of_nothing)
{
    static const li_pixel pixels[] = {LI_GRAY8, LI_RGB8, LI_RGBA8, LI_RGB16};
    uint8_t curve[64];
    profile_bytes profile =
        make_profile("RGB ", srgb_primaries, curve, put_parameters(curve, 3, usual, 5));
    for (int i = 0; i < 4; i++) {
        li_ctx ctx;
        li_icc *icc;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = 0;
        CHECK_EQ(li_icc_open(&ctx, profile.data, profile.size, pixels[i], false, &icc),
                 LI_OK);
        CHECK(!icc && ctx.warnings.count == 0);
    }
    free(profile.data);
}

int
main(void)
{
    RUN(value_and_light_are_inverse);
    RUN(srgb_is_known_in_every_spelling);
    RUN(another_curve_or_other_primaries_are_not_srgb);
    RUN(primaries_are_looked_at_one_by_one);
    RUN(a_table_of_colours_is_left_to_lcms2);
    RUN(damage_is_survived);
    RUN(srgb_asks_for_nothing_and_warns_of_nothing);
    return test_end();
}
