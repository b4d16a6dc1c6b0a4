/* test_cicp.c: numbers of H.273 and PNG's, against the standards' own figures. */
#include "color/cicp.h"
#include "color/profile_check.h"
#include "color/shaper.h"
#include "color/srgb.h"

#include "test.h"

#include <math.h>

static const li_cicp none;

static bool
near(double a, double b, double most)
{
    return fabs(a - b) <= most;
}

TEST(what_is_srgb_in_other_words_does_not_differ)
{
    static const li_cicp same[] = {
        {0},
        {.primaries = 1, .transfer = 13},
        {.primaries = 1, .transfer = 1},
        {.primaries = 2, .transfer = 2},
        {.primaries = 1, .transfer = 6, .first = true},
        {.primaries = 77, .transfer = 99},
        {.gamma = 45455},
        {.gamma = 45000},
        {.places = {31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000}},
        {.places = {31269, 32899, 63999, 33001, 30000, 60000, 15000, 5999}},
        {.gamma = 45455,
         .places = {31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000}},
        {.primaries = 1, .transfer = 13, .gamma = 100000},
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        CHECK(!li_cicp_differs(&same[i]));
}

TEST(other_primaries_and_curves_differ)
{
    static const li_cicp other[] = {
        {.primaries = 12, .transfer = 13},
        {.primaries = 9, .transfer = 1},
        {.primaries = 1, .transfer = 8},
        {.primaries = 9, .transfer = LI_CICP_PQ},
        {.primaries = 2, .transfer = LI_CICP_HLG},
        {.gamma = 100000},
        {.gamma = 1},
        {.gamma = 0x7FFFFFFF},
        {.places = {31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000}},
        {.primaries = 1, .transfer = 13, .narrow = true},
    };
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        CHECK(li_cicp_differs(&other[i]));
    /* a white that is none, primaries on a line: nothing can be made of them */
    static const li_cicp bad[] = {
        {.places = {31270, 0, 64000, 33000, 30000, 60000, 15000, 6000}},
        {.places = {31270, 32900, 64000, 33000, 64000, 33000, 64000, 33000}},
        {.places = {1, 1, 1, 1, 1, 1, 1, 1}},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!li_cicp_differs(&bad[i]));
}

/* BT.2407 and BT.2087 print these. */
TEST(matrices_are_the_published_ones)
{
    static const double from_2020[3][3] = {{1.6605, -0.5876, -0.0728},
                                           {-0.1246, 1.1329, -0.0083},
                                           {-0.0182, -0.1006, 1.1187}};
    static const double from_p3[3][3] = {
        {1.2249, -0.2249, 0}, {-0.0421, 1.0421, 0}, {-0.0196, -0.0786, 1.0983}};
    static const li_cicp bt2020 = {.primaries = 9}, p3 = {.primaries = 12},
                         written = {.places = {31270, 32900, 70800, 29200, 17000, 79700,
                                               13100, 4600}};
    double matrix[3][3], again[3][3];
    CHECK(li_cicp_matrix(&bt2020, matrix) && li_cicp_matrix(&written, again));
    for (int i = 0; i < 9; i++) {
        CHECK(near(matrix[i / 3][i % 3], from_2020[i / 3][i % 3], 2e-4));
        CHECK(near(matrix[i / 3][i % 3], again[i / 3][i % 3], 1e-9));
    }
    CHECK(li_cicp_matrix(&p3, matrix));
    for (int i = 0; i < 9; i++)
        CHECK(near(matrix[i / 3][i % 3], from_p3[i / 3][i % 3], 3e-4));
    CHECK(!li_cicp_matrix(&none, matrix));
}

/* Of all primaries, with other whites too. */
TEST(white_stays_white)
{
    for (int number = 1; number <= 22; number++) {
        li_cicp cicp = {.primaries = (uint8_t)number};
        double matrix[3][3];
        if (li_cicp_matrix(&cicp, matrix))
            for (int row = 0; row < 3; row++)
                CHECK(near(matrix[row][0] + matrix[row][1] + matrix[row][2], 1, 1e-3));
        else
            CHECK((number > 12 && number < 22) || number == 2 || number == 3);
    }
}

/* BT.2408: 58 % of PQ and 75 % of HLG are SDR's white; ST 2084: 1.0 is 10,000 cd/m². */
TEST(curves_go_through_their_known_points)
{
    static const li_cicp pq = {.transfer = LI_CICP_PQ}, hlg = {.transfer = LI_CICP_HLG},
                         linear = {.transfer = 8}, gamma = {.gamma = 50000};
    CHECK(near(li_cicp_light(&pq, 0), 0, 1e-9));
    CHECK(near(203 * li_cicp_light(&pq, 0.5081), 100, 0.2));
    CHECK(near(li_cicp_light(&pq, 0.5807), 1, 0.01));
    CHECK(near(203 * li_cicp_light(&pq, 1), 10000, 0.01));
    CHECK(near(li_cicp_light(&hlg, 0.5), 1.0 / 12, 1e-6));
    CHECK(near(li_cicp_light(&hlg, 1), 1, 1e-6));
    CHECK(near(li_cicp_light(&hlg, 0.75), 0.265, 1e-3));
    CHECK(near(li_cicp_light(&linear, 0.3), 0.3, 1e-9));
    CHECK(near(li_cicp_light(&gamma, 0.5), 0.25, 1e-9));
    for (int i = 0; i <= 100; i++)
        CHECK(near(li_pq_value(li_cicp_light(&pq, i / 100.0)), i / 100.0, 1e-6));
}

/* Nothing is lost below the knee, nothing passes white, no light overtakes another. */
TEST(tones_are_mapped_without_a_fold)
{
    double peak = 1000 / 203.0, last = -1;
    for (int i = 0; i <= 4000; i++) {
        double light = peak * i / 4000, shown = li_tone_map(light, peak);
        CHECK(shown > last && shown <= light + 1e-9 && shown <= 1 + 1e-6);
        CHECK(light > 0.35 || near(shown, light, 1e-9));
        last = shown;
    }
    CHECK(near(last, 1, 1e-6));
    CHECK(near(li_tone_map(2 * peak, peak), 1, 1e-6));
    CHECK(li_tone_map(1, peak) > 0.7 && li_tone_map(1, peak) < 0.9);
}

/* --- pixels --------------------------------------------------------------------------
 */

static void
open_shaper(li_ctx *ctx, const li_cicp *cicp, li_pixel pixel, li_shaper **shaper)
{
    li_ctx_init(ctx, NULL);
    CHECK_EQ(li_shaper_open(ctx, cicp, pixel, shaper), LI_OK);
}

static void
close_shaper(li_ctx *ctx, li_shaper **shaper)
{
    li_shaper_close(shaper);
    CHECK(!*shaper);
    CHECK_EQ(ctx->bytes, 0);
}

TEST(pixels_are_shaped_as_the_formula_says)
{
    static const li_cicp wide = {.primaries = 9, .transfer = 4};
    li_ctx ctx;
    li_shaper *shaper;
    double matrix[3][3];
    CHECK(li_cicp_matrix(&wide, matrix));
    open_shaper(&ctx, &wide, LI_RGBA8, &shaper);
    for (uint32_t i = 0; i < 16 * 16 * 16; i++) {
        uint8_t in[4] = {(uint8_t)(i % 16 * 17), (uint8_t)(i / 16 % 16 * 17),
                         (uint8_t)(i / 256 * 17), (uint8_t)i};
        uint8_t out[4];
        li_shaper_apply(shaper, in, out, 1);
        for (int c = 0; c < 3; c++) {
            double sum = 0;
            for (int k = 0; k < 3; k++)
                sum += matrix[c][k] * pow(in[k] / 255.0, 2.2);
            CHECK(near(out[c], 255 * li_srgb_value(sum), 0.75));
        }
        CHECK_EQ(out[3], in[3]);
    }
    close_shaper(&ctx, &shaper);
}

TEST(sixteen_bits_are_as_fine_as_they_are)
{
    static const li_cicp linear = {.primaries = 1, .transfer = 8};
    li_ctx ctx;
    li_shaper *shaper;
    open_shaper(&ctx, &linear, LI_RGBA16, &shaper);
    for (uint32_t i = 0; i < 65536; i += 7) {
        uint16_t in[4] = {(uint16_t)i, (uint16_t)(65535 - i), 30000, (uint16_t)i},
                 out[4];
        li_shaper_apply(shaper, (uint8_t *)in, (uint8_t *)out, 1);
        CHECK(near(out[0], 65535 * li_srgb_value(i / 65535.0), 2));
        CHECK(near(out[1], 65535 * li_srgb_value(1 - i / 65535.0), 2));
        CHECK_EQ(out[3], in[3]);
    }
    close_shaper(&ctx, &shaper);
}

TEST(gray_has_a_curve_alone)
{
    static const li_cicp wide = {.primaries = 9, .transfer = 8};
    li_ctx ctx;
    li_shaper *shaper;
    open_shaper(&ctx, &wide, LI_GRAYA8, &shaper);
    for (int i = 0; i < 256; i++) {
        uint8_t pixel[2] = {(uint8_t)i, 9};
        li_shaper_apply(shaper, pixel, pixel, 1);
        CHECK(near(pixel[0], 255 * li_srgb_value(i / 255.0), 0.75));
        CHECK_EQ(pixel[1], 9);
    }
    close_shaper(&ctx, &shaper);
}

/* Grays rise from black to white, neutral, and SDR's white is light. */
TEST(light_above_white_is_brought_below_it)
{
    static const uint8_t transfers[] = {LI_CICP_PQ, LI_CICP_HLG};
    static const double whites[] = {0.5807, 0.75};
    for (int k = 0; k < 2; k++) {
        li_cicp cicp = {.primaries = 9, .transfer = transfers[k]};
        li_ctx ctx;
        li_shaper *shaper;
        uint8_t last = 0, white = (uint8_t)(255 * whites[k] + 0.5);
        open_shaper(&ctx, &cicp, LI_RGB8, &shaper);
        for (int i = 0; i < 256; i++) {
            uint8_t in[3] = {(uint8_t)i, (uint8_t)i, (uint8_t)i}, out[3];
            li_shaper_apply(shaper, in, out, 1);
            CHECK(out[0] >= last && abs(out[0] - out[1]) <= 1 &&
                  abs(out[0] - out[2]) <= 1);
            CHECK(i || out[0] == 0);
            CHECK(i < 255 || out[0] == 255);
            CHECK(i != white || (out[0] > 220 && out[0] < 245));
            last = out[0];
        }
        close_shaper(&ctx, &shaper);
    }
}

/* 16 to 235 of 8 bits, and the same places of 16. */
TEST(a_narrow_range_is_widened)
{
    static const li_cicp narrow = {.primaries = 1, .transfer = 13, .narrow = true};
    li_ctx ctx;
    li_shaper *shaper;
    open_shaper(&ctx, &narrow, LI_GRAY8, &shaper);
    for (int i = 0; i < 256; i++) {
        uint8_t level = (uint8_t)i;
        int wanted = i < 16 ? 0 : i > 235 ? 255 : (int)lround((i - 16) * 255 / 219.0);
        li_shaper_apply(shaper, &level, &level, 1);
        CHECK_EQ(level, wanted);
    }
    close_shaper(&ctx, &shaper);
}

TEST(numbers_of_nobody_are_not_known)
{
    static const uint8_t known[][2] = {{1, 13}, {9, 16}, {12, 1}, {2, 18}, {22, 2}},
                         unknown[][2] = {{0, 13}, {1, 0},   {2, 2},  {3, 13},
                                         {9, 3},  {13, 13}, {9, 19}, {255, 255}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        CHECK(li_cicp_is_known(
            &(li_cicp){.primaries = known[i][0], .transfer = known[i][1]}));
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        CHECK(!li_cicp_is_known(
            &(li_cicp){.primaries = unknown[i][0], .transfer = unknown[i][1]}));
}

/* What is told of `said`: by H.273's numbers (0: none), wholly or not; where all have a
 * place it is as it was said. */
static void
check_told(const li_cicp *said, uint8_t primaries, uint8_t transfer, bool wholly)
{
    li_cicp told;
    told_check(said);
    CHECK_EQ(li_cicp_told(said, LI_NUMBERS_H273, &told), wholly);
    CHECK_EQ(told.primaries, primaries);
    CHECK_EQ(told.transfer, transfer);
    CHECK(!told.gamma && !told.places[0] && !told.narrow);
    CHECK_EQ(li_cicp_told(said, LI_NUMBERS_NONE, &told), !li_cicp_differs(said));
    CHECK(memcmp(&told, &none, sizeof(told)) == 0);
    (void)li_cicp_told(said, LI_NUMBERS_ALL, &told);
    CHECK_EQ(told.gamma, said->gamma);
    CHECK(memcmp(told.places, said->places, sizeof(told.places)) == 0);
    CHECK_EQ(told.narrow, said->narrow);
}

TEST(numbers_of_h273_are_told_as_they_are)
{
    static const struct {
        li_cicp said;
        uint8_t primaries, transfer;
        bool wholly;
    } cases[] = {
        {{0}, 0, 0, true},
        {{.primaries = 1, .transfer = 13}, 0, 0, true},
        {{.primaries = 2, .transfer = 2}, 0, 0, true},
        {{.primaries = 77, .transfer = 99}, 0, 0, true},
        {{.primaries = 1, .transfer = 1}, 1, 1, true},
        {{.primaries = 12, .transfer = 13}, 12, 13, true},
        {{.primaries = 9, .transfer = 16}, 9, 16, true},
        {{.primaries = 9, .transfer = 18}, 9, 18, true},
        {{.primaries = 2, .transfer = 8}, 2, 8, true},
        {{.primaries = 12, .transfer = 2}, 12, 2, true},
        {{.primaries = 12, .transfer = 99}, 0, 0, false},
        {{.primaries = 12, .transfer = 13, .narrow = true}, 12, 13, false},
        {{.primaries = 1, .transfer = 13, .narrow = true}, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_told(&cases[i].said, cases[i].primaries, cases[i].transfer,
                   cases[i].wholly);
}

TEST(gamma_and_places_are_told_where_h273_has_just_them)
{
    enum { NOWHERE, SRGB, P3, BT2020, ADOBE };
    static const uint32_t places[][8] = {
        [SRGB] = {31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000},
        [P3] = {31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000},
        [BT2020] = {31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600},
        [ADOBE] = {31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000},
    };
    static const struct {
        uint32_t gamma;
        int places;
        uint8_t primaries, transfer;
        bool wholly;
    } cases[] = {
        {45455, NOWHERE, 0, 0, true},  {45000, SRGB, 0, 0, true},
        {100000, NOWHERE, 1, 8, true}, {35714, NOWHERE, 1, 5, true},
        {55556, NOWHERE, 0, 0, false}, {0, P3, 12, 13, true},
        {45455, P3, 12, 4, true},      {45000, P3, 0, 0, false},
        {45455, ADOBE, 0, 0, false},   {0, BT2020, 9, 13, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        li_cicp said = {.gamma = cases[i].gamma};
        memcpy(said.places, places[cases[i].places], sizeof(said.places));
        check_told(&said, cases[i].primaries, cases[i].transfer, cases[i].wholly);
    }
}

/* Numbers of sRGB would be wrong of its samples; others are better than none. */
TEST(what_a_profile_says_cannot_be_told_by_numbers)
{
    static const struct {
        li_cicp said;
        uint8_t primaries, transfer; /* of H.273 */
        bool all;                    /* it is told again where all have a place */
    } cases[] = {
        {{.profiled = true}, 2, 2, false},
        {{.profiled = true, .gamma = 45455}, 2, 2, false},
        {{.profiled = true, .primaries = 1, .transfer = 1}, 2, 2, false},
        {{.profiled = true, .gamma = 55556}, 2, 2, true},
        {{.profiled = true, .gamma = 100000}, 1, 8, true},
        {{.profiled = true, .primaries = 12, .transfer = 13}, 12, 13, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        li_cicp told, said = cases[i].said;
        CHECK(!li_cicp_told(&said, LI_NUMBERS_NONE, &told));
        CHECK(memcmp(&told, &none, sizeof(told)) == 0);
        CHECK(!li_cicp_told(&said, LI_NUMBERS_H273, &told));
        CHECK_EQ(told.primaries, cases[i].primaries);
        CHECK_EQ(told.transfer, cases[i].transfer);
        CHECK(!told.profiled);
        CHECK(!li_cicp_told(&said, LI_NUMBERS_ALL, &told));
        said.profiled = false;
        CHECK(memcmp(&told, cases[i].all ? &said : &none, sizeof(told)) == 0);
    }
}

/* Primaries almost on a line: light is further below black than a whole number goes. */
TEST(light_far_below_black_is_black)
{
    static const uint8_t bytes[NUMBERS_BYTES] = {
        0x00, 0x10, 0xd4, 0x2f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x76, 0x50, 0x04, 0x00, 0x40, 0x60, 0x00, 0x00, 0x00, 0x00, 0x00, 0x54, 0x6f,
        0x6f, 0x20, 0x6d, 0x75, 0x63, 0x68, 0x20, 0x69, 0x6d, 0x61, 0x67, 0x65, 0x20};
    numbers_check(bytes);
}

TEST(any_numbers_are_a_transform_or_nothing)
{
    uint32_t random = 7;
    for (int turn = 0; turn < 60; turn++) {
        uint8_t bytes[NUMBERS_BYTES];
        for (int i = 0; i < NUMBERS_BYTES; i++) {
            random = random * 1664525u + 1013904223u;
            bytes[i] = (uint8_t)(random >> 24);
        }
        if (turn % 4) /* as large as real ones are */
            for (int i = 3; i < NUMBERS_BYTES; i += 4)
                bytes[i] = 0, bytes[i + 1] &= 1;
        bytes[0] = turn % 2 ? 0 : (uint8_t)(bytes[0] % 24);
        bytes[1] = turn % 2 ? 0 : (uint8_t)(bytes[1] % 20);
        numbers_check(bytes);
    }
}

/* A mean of values is about the mean of what they become, or not; of 8 and 16 bits. */
TEST(curves_far_from_srgb_s_are_not_even)
{
    static const struct {
        li_cicp cicp;
        bool even;
    } known[] = {
        {{.primaries = 12, .transfer = 13}, true},
        {{.primaries = 9, .transfer = 4}, true},
        {{.gamma = 41667}, true},                                  /* 2.4 */
        {{.gamma = 55556}, false},                                 /* 1.8 */
        {{.gamma = 38462}, false},                                 /* 2.6 */
        {{.primaries = 1, .transfer = 13, .narrow = true}, false}, /* ends are cut */
        {{.gamma = 100000}, false},
        {{.primaries = 9, .transfer = LI_CICP_PQ}, false},
        {{.primaries = 1, .transfer = LI_CICP_HLG}, false},
    };
    static const li_pixel pixels[] = {LI_GRAY8, LI_RGB8, LI_RGBA8, LI_RGB16};
    for (size_t i = 0; i < 4 * sizeof(known) / sizeof(known[0]); i++) {
        const li_cicp *cicp = &known[i / 4].cicp;
        li_ctx ctx;
        li_icc *icc;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_icc_open_cicp(&ctx, cicp, pixels[i % 4], &icc), LI_OK);
        bool primaries_alone = i / 4 == 0 && pixels[i % 4] == LI_GRAY8;
        if (primaries_alone)
            CHECK(!icc);
        else if (CHECK(icc != NULL))
            CHECK_EQ(li_icc_is_even(icc), known[i / 4].even);
        li_icc_close(&icc);
    }
}

TEST(every_allocation_of_a_shaper_may_fail)
{
    static const li_cicp hlg = {.primaries = 9, .transfer = LI_CICP_HLG};
    static const li_pixel pixels[] = {LI_RGB8, LI_GRAY16};
    for (int i = 0; i < 2; i++) {
        bool done = false;
        for (int left = 0; !done && left < 20; left++) {
            li_ctx ctx;
            li_icc *icc;
            li_ctx_init(&ctx, NULL);
            ctx.allocs_left = left;
            li_status status = li_icc_open_cicp(&ctx, &hlg, pixels[i], &icc);
            done = status == LI_OK;
            CHECK(done ? icc != NULL : status == LI_ENOMEM && !icc);
            li_icc_close(&icc);
            CHECK_EQ(ctx.bytes, 0);
        }
        CHECK(done);
    }
}

int
main(void)
{
    RUN(what_is_srgb_in_other_words_does_not_differ);
    RUN(other_primaries_and_curves_differ);
    RUN(matrices_are_the_published_ones);
    RUN(white_stays_white);
    RUN(curves_go_through_their_known_points);
    RUN(tones_are_mapped_without_a_fold);
    RUN(pixels_are_shaped_as_the_formula_says);
    RUN(sixteen_bits_are_as_fine_as_they_are);
    RUN(gray_has_a_curve_alone);
    RUN(light_above_white_is_brought_below_it);
    RUN(a_narrow_range_is_widened);
    RUN(numbers_of_nobody_are_not_known);
    RUN(numbers_of_h273_are_told_as_they_are);
    RUN(gamma_and_places_are_told_where_h273_has_just_them);
    RUN(what_a_profile_says_cannot_be_told_by_numbers);
    RUN(light_far_below_black_is_black);
    RUN(any_numbers_are_a_transform_or_nothing);
    RUN(curves_far_from_srgb_s_are_not_even);
    RUN(every_allocation_of_a_shaper_may_fail);
    return test_end();
}
