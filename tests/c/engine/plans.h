/* plans.h: inputs, steps and requests for the tests of the engine; a codec that is only
 * plain data. */
#ifndef LI_TESTS_PLANS_H
#define LI_TESTS_PLANS_H

#include "engine/plan.h"
#include "test.h"

/* --- a codec that plans but cannot run -------------------------------------------- */

static inline li_info
fake_decoded(const li_header *header, li_hint hint)
{
    uint32_t m = hint.shrink ? hint.shrink : 8;
    return (li_info){(header->width * m + 7) / 8, (header->height * m + 7) / 8,
                     header->pixel};
}

static inline uint64_t
fake_decode_bytes(const li_header *header, li_hint hint)
{
    (void)hint;
    return header->held_bytes + 1000;
}

static inline uint64_t
fake_encode_bytes(li_info info, const li_encode *encode)
{
    (void)info;
    (void)encode;
    return 2000;
}

static inline uint64_t
fake_output_bytes(li_info info, const li_encode *encode)
{
    (void)encode;
    return li_image_bytes(info) / 10;
}

static inline li_pixel
fake_accepts(li_pixel pixel, const li_encode *encode)
{
    (void)encode;
    return pixel == LI_GRAYA8 ? LI_GRAY8 : pixel == LI_RGBA8 ? LI_RGB8 : pixel;
}

static inline void
fake_describe(li_info info, const li_encode *encode, char *text, size_t size)
{
    (void)info;
    snprintf(text, size, "quality %u", encode->quality);
}

/* Shrinks and knows regions, takes no alpha. */
static const li_codec fake_codec = {
    .name = "fake",
    .shrinks = true,
    .regions = true,
    .default_quality = 85,
    .decoded = fake_decoded,
    .decode_bytes = fake_decode_bytes,
    .encode_bytes = fake_encode_bytes,
    .output_bytes = fake_output_bytes,
    .accepts = fake_accepts,
    .describe = fake_describe,
};

static inline li_input
fake_input(uint32_t width, uint32_t height, li_pixel pixel)
{
    return (li_input){
        .codec = &fake_codec,
        .header = {.width = width, .height = height, .pixel = pixel, .orientation = 1},
        .io = "map",
        .bytes = 1234,
    };
}

/* --- steps ------------------------------------------------------------------------ */

static inline li_step
step_resize(uint32_t width, uint32_t height, li_fit fit)
{
    return (li_step){
        LI_STEP_RESIZE,
        {.resize = {width, height, fit, LI_LANCZOS3, true, 0, 0, {{0}}, false}}};
}

static inline li_step
step_crop(int64_t x, int64_t y, int64_t width, int64_t height)
{
    return (li_step){LI_STEP_CROP, {.crop = {x, y, width, height}}};
}

static inline li_step
step_orient(li_orientation orientation)
{
    return (li_step){LI_STEP_ORIENT, {.orient = orientation}};
}

static inline li_step
step_value(li_step_type type, double value)
{
    return (li_step){type, {.value = value}};
}

static inline li_step
step_convert(li_pixel pixel)
{
    return (li_step){LI_STEP_CONVERT, {.convert = pixel}};
}

/* --- requests --------------------------------------------------------------------- */

static inline li_request
fake_request(const li_step *steps, size_t count, uint32_t rules_off)
{
    return (li_request){
        .steps = steps,
        .step_count = count,
        .auto_orient = true,
        .shrink = LI_SHRINK_SAFE,
        .rules_off = rules_off,
        .background = {255, 255, 255},
        .codec = &fake_codec,
        .encode = {.quality = 85,
                   .progressive = -1,
                   .optimize = -1,
                   .effort = -1,
                   .quant_table = -1,
                   .compression = -1,
                   .near_lossless = -1},
        .sample_bytes = 1,
    };
}

/* The plan in words; the error's message if there is none. */
static inline const char *
explained(const li_input *input, const li_request *request)
{
    static char text[4096];
    li_ctx ctx;
    li_plan plan;
    li_ctx_init(&ctx, NULL);
    if (li_plan_make(&ctx, input, request, &plan) != LI_OK) {
        snprintf(text, sizeof(text), "%d: %s\n", (int)ctx.status, ctx.message);
    } else {
        size_t need = li_plan_explain(&plan, input, request, text, sizeof(text));
        CHECK_EQ(need, strlen(text) + 1);
        li_plan_free(&ctx, &plan);
    }
    CHECK_EQ(ctx.bytes, 0);
    return text;
}

/* Of these words the lines between the source and the encoder. */
static inline const char *
middle_of(const char *words)
{
    static char text[4096];
    const char *from = strchr(words, '\n'), *to = strstr(words, "\nencode");
    if (strncmp(words, "source", 6) != 0 || !to)
        return words;
    snprintf(text, sizeof(text), "%.*s", (int)(to - from), from + 1);
    return text;
}

#endif
