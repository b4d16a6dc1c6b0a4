/* test_carry.c: which profile goes along, and that each output has what it keeps. */
#include "engine/carry.h"
#include "test.h"

enum { PROFILE_BYTES = 200 };

static uint8_t xmp[] = "<a dc:title='x'/>";

static li_input
input_with(uint8_t profile[PROFILE_BYTES], const char *space, li_pixel pixel)
{
    memset(profile, 0, PROFILE_BYTES);
    profile[3] = PROFILE_BYTES;
    memcpy(profile + 16, space, 4);
    memcpy(profile + 36, "acsp", 4);
    return (li_input){.codec = &li_codec_jpeg,
                      .header = {.width = 8, .height = 8, .pixel = pixel},
                      .metadata = {.icc = profile,
                                   .icc_size = PROFILE_BYTES,
                                   .xmp = xmp,
                                   .xmp_size = sizeof(xmp) - 1,
                                   .orientation = 6}};
}

TEST(a_profile_goes_with_its_own_kind_of_picture)
{
    static const struct {
        const char *space;
        li_pixel stored, out;
        bool kept;
    } cases[] = {
        {"RGB ", LI_RGB8, LI_RGB8, true},   {"RGB ", LI_RGB8, LI_RGBA8, true},
        {"RGB ", LI_RGB8, LI_GRAY8, false}, {"GRAY", LI_GRAY8, LI_GRAY8, true},
        {"GRAY", LI_GRAY8, LI_RGB8, false}, {"CMYK", LI_CMYK8, LI_RGB8, false},
        {"RGB ", LI_CMYK8, LI_RGB8, false}, {"GRAY", LI_GRAY8, LI_GRAYA8, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t profile[PROFILE_BYTES];
        li_input input = input_with(profile, cases[i].space, cases[i].stored);
        li_request request = {.keep = LI_KEEP_ICC, .codec = &li_codec_png};
        CHECK_EQ(li_keeps_profile(&input, &request, cases[i].out), cases[i].kept);
        request.keep = LI_KEEP_EXIF;
        CHECK(!li_keeps_profile(&input, &request, cases[i].out));
        request = (li_request){.keep = LI_KEEP_ICC, .icc_most = PROFILE_BYTES - 1};
        CHECK(!li_keeps_profile(&input, &request, cases[i].out));
    }
}

/* Its few bits are levels of gray alone; a palette, and all that WebP has, is RGB. */
TEST(a_profile_of_gray_goes_with_a_file_that_says_gray)
{
    static const struct {
        const li_codec *codec;
        uint16_t palette;
        uint8_t bit_depth;
        li_pixel out;
        bool kept;
    } cases[] = {
        {&li_codec_png, 0, 0, LI_GRAY8, true},
        {&li_codec_png, 0, 4, LI_GRAY8, true},
        {&li_codec_png, 0, 16, LI_GRAY16, true},
        {&li_codec_png, 16, 0, LI_GRAY8, false},
        {&li_codec_png, 0, 4, LI_GRAYA8, false},
        {&li_codec_jpeg, 0, 0, LI_GRAY8, true},
#ifdef LI_HAVE_WEBP
        {&li_codec_webp, 0, 0, LI_GRAY8, false},
        {&li_codec_webp, 0, 0, LI_GRAYA8, false},
#endif
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t profile[PROFILE_BYTES];
        li_input input = input_with(profile, "GRAY", LI_GRAY8);
        li_request request = {.keep = LI_KEEP_ICC, .codec = cases[i].codec};
        request.encode.palette = cases[i].palette;
        request.encode.bit_depth = cases[i].bit_depth;
        CHECK_EQ(li_keeps_profile(&input, &request, cases[i].out), cases[i].kept);
    }
}

TEST(a_profile_that_is_asked_for_and_lost_is_a_warning)
{
    static const char unfit[] =
        "metadata: the ICC profile is not for the samples that are written: left out";
    static const char large[] =
        "metadata: 200 bytes of ICC profile, over the 199 that fit: left out";
    static const struct {
        uint8_t asked, kept;
        bool converted, pixels, numbered;
        uint32_t most;
        const char *text;
    } cases[] = {
        {LI_KEEP_ICC, 0, false, false, false, 0, unfit},
        {LI_KEEP_ICC | LI_KEEP_XMP, LI_KEEP_XMP, false, false, false, 0, unfit},
        {LI_KEEP_ICC, 0, false, false, false, PROFILE_BYTES - 1, large},
        {LI_KEEP_ICC, 0, false, false, true, 0, unfit},
        {LI_KEEP_ICC, LI_KEEP_ICC, false, false, false, 0, NULL},
        {LI_KEEP_XMP, LI_KEEP_XMP, false, false, false, 0, NULL},
        {LI_KEEP_ICC, 0, true, false, false, 0, NULL},
        {LI_KEEP_ICC, 0, false, true, false, 0, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t profile[PROFILE_BYTES];
        li_input input = input_with(profile, "RGB ", LI_RGB8);
        li_ctx ctx;
        li_carried carried;
        li_plan plan = {.keep = cases[i].kept,
                        .out = {8, 8, LI_RGB8},
                        .icc = cases[i].converted ? (void *)profile : NULL};
        li_request request = {.keep = cases[i].asked,
                              .codec = &li_codec_jpeg,
                              .to_srgb = true,
                              .icc_most = cases[i].most};
        if (cases[i].pixels)
            request.output = LI_OUTPUT_PIXELS;
        if (cases[i].numbered) { /* then it was not read */
            input.header.icc_bytes = input.metadata.icc_size;
            input.header.cicp.first = true;
            input.metadata.icc = NULL;
            input.metadata.icc_size = 0;
        }
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_carry_open(&ctx, &input, &request, &plan, &carried), LI_OK);
        CHECK_EQ(ctx.warnings.count, cases[i].text ? 1 : 0);
        if (cases[i].text)
            CHECK_TEXT(ctx.warnings.text[0], cases[i].text);
        li_carry_close(&carried);
    }
}

TEST(each_output_has_what_it_keeps_on_its_own_ledger)
{
    uint8_t profile[PROFILE_BYTES];
    li_input input = input_with(profile, "RGB ", LI_RGB8);
    for (uint8_t keep = 0; keep < 8; keep++) {
        li_ctx ctx;
        li_carried carried;
        li_ctx_init(&ctx, NULL);
        li_request request = {
            .keep = keep, .codec = &li_codec_jpeg, .auto_orient = true};
        li_plan plan = {.keep = keep, .out = {8, 8, LI_RGB8}};
        CHECK_EQ(li_carry_open(&ctx, &input, &request, &plan, &carried), LI_OK);
        uint8_t there = LI_KEEP_ICC | LI_KEEP_XMP; /* there is no EXIF to keep */
        CHECK_EQ(li_metadata_kinds(&carried.metadata), keep & there);
        CHECK_EQ(carried.encode.metadata != NULL, (keep & there) != 0);
        li_carry_close(&carried);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(orientation_is_told_where_it_was_not_applied)
{
    uint8_t profile[PROFILE_BYTES];
    li_input input = input_with(profile, "RGB ", LI_RGB8);
    for (int applied = 0; applied < 2; applied++) {
        li_ctx ctx;
        li_carried carried;
        li_ctx_init(&ctx, NULL);
        li_request request = {
            .keep = LI_KEEP_EXIF, .codec = &li_codec_jpeg, .auto_orient = applied};
        li_plan plan = {.keep = LI_KEEP_EXIF, .out = {8, 8, LI_RGB8}};
        CHECK_EQ(li_carry_open(&ctx, &input, &request, &plan, &carried), LI_OK);
        CHECK_EQ(carried.metadata.orientation, applied ? 1 : 6);
        CHECK_EQ(carried.metadata.exif != NULL, !applied);
        li_carry_close(&carried);
    }
}

TEST(density_is_turned_with_the_picture)
{
    for (int turned = 0; turned < 2; turned++) {
        li_ctx ctx;
        li_carried carried;
        li_ctx_init(&ctx, NULL);
        li_input input = {.codec = &li_codec_jpeg, .metadata.density = {300, 150}};
        li_request request = {.codec = &li_codec_png};
        li_plan plan = {
            .keep = LI_KEEP_EXIF, .out = {8, 8, LI_RGB8}, .transposed = turned};
        CHECK_EQ(li_carry_open(&ctx, &input, &request, &plan, &carried), LI_OK);
        CHECK(carried.metadata.density.x == (turned ? 150 : 300));
        CHECK(carried.metadata.density.y == (turned ? 300 : 150));
        li_carry_close(&carried);
    }
}

TEST(numbers_go_with_samples_that_stay)
{
    uint8_t profile[PROFILE_BYTES];
    li_input input = input_with(profile, "RGB ", LI_RGB8);
    input.header.cicp = (li_cicp){.primaries = 12, .transfer = 13};
    const li_codec *codecs[] = {&li_codec_png, &li_codec_jpeg, NULL};
    for (int i = 0; i < 3 * 2 * 2 * 2; i++) {
        li_request request = {.codec = codecs[i % 3], .to_srgb = i / 3 % 2};
        uint8_t keep = i / 6 % 2 ? LI_KEEP_ICC : LI_KEEP_EXIF;
        request.output = i / 12 ? LI_OUTPUT_PIXELS : LI_OUTPUT_BUFFER;
        bool wanted = request.codec && !request.to_srgb && keep != LI_KEEP_ICC &&
                      request.output == LI_OUTPUT_BUFFER;
        bool place = wanted && request.codec == &li_codec_png;
        li_cicp told;
        CHECK_EQ(li_carry_numbers(&input, &request, keep, &told), place || !wanted);
        CHECK_EQ(told.primaries, place ? 12 : 0);
    }
}

TEST(what_cannot_be_told_is_a_warning)
{
    li_input input = {.codec = &li_codec_png,
                      .header.cicp = {.primaries = 12, .transfer = 13}};
    const li_codec *codecs[] = {&li_codec_png, &li_codec_jpeg};
    for (int i = 0; i < 4; i++) {
        li_ctx ctx;
        li_carried carried;
        li_plan plan = {.out = {8, 8, LI_RGB8}};
        li_request request = {.codec = codecs[i % 2], .to_srgb = i / 2};
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_carry_open(&ctx, &input, &request, &plan, &carried), LI_OK);
        CHECK_EQ(ctx.warnings.count, i == 1 ? 1 : 0);
        li_carry_close(&carried);
    }
}

TEST(samples_of_a_profile_that_stays_behind_are_a_warning)
{
    const li_codec *codecs[] = {&li_codec_png, &li_codec_jpeg};
    for (int i = 0; i < 8; i++) {
        li_ctx ctx;
        li_carried carried;
        uint8_t profile[PROFILE_BYTES];
        li_input input = input_with(profile, "RGB ", LI_RGB8);
        bool kept = i & 2;
        li_plan plan = {.out = {8, 8, LI_RGB8}, .keep = kept ? LI_KEEP_ICC : 0};
        li_request request = {.codec = codecs[i % 2], .to_srgb = i / 4};
        li_header_profiled(&input.header, profile, PROFILE_BYTES);
        CHECK(input.header.cicp.profiled);
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_carry_open(&ctx, &input, &request, &plan, &carried), LI_OK);
        CHECK_EQ(ctx.warnings.count, !kept && !request.to_srgb ? 1 : 0);
        li_carry_close(&carried);
    }
}

TEST(a_profile_that_says_nothing_of_the_samples_is_none)
{
    static const struct {
        const char *space;
        li_pixel pixel;
        bool first, profiled;
    } cases[] = {
        {"RGB ", LI_RGBA8, false, true},  {"GRAY", LI_GRAYA8, false, true},
        {"GRAY", LI_RGB8, false, false},  {"RGB ", LI_GRAY8, false, false},
        {"CMYK", LI_CMYK8, false, false}, {"RGB ", LI_RGB8, true, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t profile[PROFILE_BYTES];
        li_input input = input_with(profile, cases[i].space, cases[i].pixel);
        input.header.cicp.first = cases[i].first;
        li_header_profiled(&input.header, profile, PROFILE_BYTES);
        CHECK_EQ(input.header.cicp.profiled, cases[i].profiled);
        input.header.cicp.profiled = false;
        li_header_profiled(&input.header, NULL, 0);
        CHECK(!input.header.cicp.profiled);
    }
}

int
main(void)
{
    RUN(numbers_go_with_samples_that_stay);
    RUN(what_cannot_be_told_is_a_warning);
    RUN(samples_of_a_profile_that_stays_behind_are_a_warning);
    RUN(a_profile_that_says_nothing_of_the_samples_is_none);
    RUN(a_profile_goes_with_its_own_kind_of_picture);
    RUN(a_profile_of_gray_goes_with_a_file_that_says_gray);
    RUN(a_profile_that_is_asked_for_and_lost_is_a_warning);
    RUN(each_output_has_what_it_keeps_on_its_own_ledger);
    RUN(density_is_turned_with_the_picture);
    RUN(orientation_is_told_where_it_was_not_applied);
    return test_end();
}
