/* test_rules.c: each rewrite by itself, on and off. */
#include "engine/plans.h"

/* What is written, the rule, and the plan with and without it: for a picture of 800×600
 * whose decoder neither shrinks nor knows regions unless the rule is about that. */
typedef struct rewrite {
    const char *claim;
    uint32_t rule, others_off;
    li_step steps[4];
    size_t count;
    const char *with, *without;
} rewrite;

#define RESIZE(w, h)                                                                   \
    {                                                                                  \
        LI_STEP_RESIZE,                                                                \
        {                                                                              \
            .resize = { w, h, LI_FIT_FILL, LI_LANCZOS3, true, 0, 0, {{0}}, false }     \
        }                                                                              \
    }
#define NEAREST(w, h)                                                                  \
    {                                                                                  \
        LI_STEP_RESIZE,                                                                \
        {                                                                              \
            .resize = { w, h, LI_FIT_FILL, LI_NEAREST, true, 0, 0, {{0}}, false }      \
        }                                                                              \
    }
#define CROP(x, y, w, h)                                                               \
    {                                                                                  \
        LI_STEP_CROP,                                                                  \
        {                                                                              \
            .crop = { x, y, w, h }                                                     \
        }                                                                              \
    }
#define ORIENT(o)                                                                      \
    {                                                                                  \
        LI_STEP_ORIENT,                                                                \
        {                                                                              \
            .orient = o                                                                \
        }                                                                              \
    }
#define TONE(kind, v)                                                                  \
    {                                                                                  \
        LI_STEP_##kind,                                                                \
        {                                                                              \
            .value = v                                                                 \
        }                                                                              \
    }
#define GRAY                                                                           \
    {                                                                                  \
        .type = LI_STEP_GRAYSCALE                                                      \
    }
#define CONVERT(to)                                                                    \
    {                                                                                  \
        LI_STEP_CONVERT,                                                               \
        {                                                                              \
            .convert = to                                                              \
        }                                                                              \
    }
#define OP(what, ...)                                                                  \
    {                                                                                  \
        LI_STEP_OP,                                                                    \
        {                                                                              \
            .op = {.kind = &li_op_##what, .u.what = {__VA_ARGS__} }                    \
        }                                                                              \
    }
#define PAD(left, ...) OP(pad, left, 0, 0, 0, {{__VA_ARGS__}})
#define SATURATION(a)                                                                  \
    OP(saturation,                                                                     \
       {{65536 - 2 * (a), a, a}, {a, 65536 - 2 * (a), a}, {a, a, 65536 - 2 * (a)}})
#define FULL "decode   full size: 800x600 rgb8\n"
enum { DECODER = LI_NO_SHRINK | LI_NO_REGION };

static const rewrite rewrites[] = {
    {"an equal size resizes nothing",
     LI_NO_MERGE,
     DECODER,
     {RESIZE(800, 600)},
     1,
     FULL,
     FULL "resize   lanczos3: 800x600 rgb8\n"},
    {"a whole crop goes",
     LI_NO_MERGE,
     DECODER,
     {CROP(0, 0, 800, 600)},
     1,
     FULL,
     FULL "crop     +0+0: 800x600 rgb8\n"},
    {"orientation 1 goes",
     LI_NO_MERGE,
     DECODER,
     {ORIENT(1)},
     1,
     FULL,
     FULL "orient   as it is: 800x600 rgb8\n"},
    {"a table that changes nothing goes",
     LI_NO_MERGE,
     DECODER,
     {TONE(BRIGHTNESS, 0)},
     1,
     FULL,
     FULL "tone     by table: 800x600 rgb8\n"},
    {"a layout that it has already goes",
     LI_NO_MERGE,
     DECODER,
     {CONVERT(LI_RGB8)},
     1,
     FULL,
     FULL "convert  layout: 800x600 rgb8\n"},
    {"two crops are one",
     LI_NO_MERGE,
     DECODER,
     {CROP(10, 20, 300, 200), CROP(5, 6, 100, 90)},
     2,
     FULL "crop     +15+26: 100x90 rgb8\n",
     FULL "crop     +10+20: 300x200 rgb8\n"
          "crop     +5+6: 100x90 rgb8\n"},
    {"two orientations are one",
     LI_NO_MERGE,
     DECODER,
     {ORIENT(6), ORIENT(2)},
     2,
     FULL "orient   transpose: 600x800 rgb8\n",
     FULL "orient   rotate 90: 600x800 rgb8\n"
          "orient   flip_h: 600x800 rgb8\n"},
    {"orientations that undo each other go",
     LI_NO_MERGE,
     DECODER,
     {ORIENT(6), ORIENT(8)},
     2,
     FULL,
     FULL "orient   rotate 90: 600x800 rgb8\n"
          "orient   rotate 270: 800x600 rgb8\n"},
    {"two tables are one",
     LI_NO_MERGE,
     DECODER,
     {TONE(BRIGHTNESS, 10), TONE(CONTRAST, 20), TONE(BRIGHTNESS, -5)},
     3,
     FULL "tone     by table: 800x600 rgb8\n",
     FULL "tone     by table: 800x600 rgb8\n"
          "tone     by table: 800x600 rgb8\n"
          "tone     by table: 800x600 rgb8\n"},
    {"a crop of a resize is a window",
     LI_NO_WINDOW,
     DECODER,
     {RESIZE(400, 200), CROP(100, 50, 30, 20)},
     2,
     FULL "resize   lanczos3, window x 200+60 y 150+60: 30x20 rgb8\n",
     FULL "resize   lanczos3: 400x200 rgb8\n"
          "crop     +100+50: 30x20 rgb8\n"},
    {"a window may be a fraction",
     LI_NO_WINDOW,
     DECODER,
     {RESIZE(300, 200), CROP(1, 0, 2, 200)},
     2,
     FULL "resize   lanczos3, window x (8+16)/3 y 0+600: 2x200 rgb8\n",
     FULL "resize   lanczos3: 300x200 rgb8\n"
          "crop     +1+0: 2x200 rgb8\n"},
    {"a window of a window is one",
     LI_NO_WINDOW,
     DECODER | LI_NO_MERGE,
     {RESIZE(400, 200), CROP(100, 50, 30, 20), CROP(10, 10, 10, 5)},
     3,
     FULL "resize   lanczos3, window x 220+20 y 180+15: 10x5 rgb8\n",
     FULL "resize   lanczos3: 400x200 rgb8\n"
          "crop     +0+0: 400x200 rgb8\n"
          "crop     +100+50: 30x20 rgb8\n"
          "crop     +10+10: 10x5 rgb8\n"},
    {"a turn goes behind a crop",
     LI_NO_ORIENT,
     DECODER,
     {ORIENT(6), CROP(10, 20, 100, 50)},
     2,
     FULL "crop     +20+490: 50x100 rgb8\n"
          "orient   rotate 90: 100x50 rgb8\n",
     FULL "orient   rotate 90: 600x800 rgb8\n"
          "crop     +10+20: 100x50 rgb8\n"},
    {"a turn goes behind a table",
     LI_NO_ORIENT,
     DECODER,
     {ORIENT(2), TONE(CONTRAST, 20)},
     2,
     FULL "tone     by table: 800x600 rgb8\n"
          "orient   flip_h: 800x600 rgb8\n",
     FULL "orient   flip_h: 800x600 rgb8\n"
          "tone     by table: 800x600 rgb8\n"},
    {"a turn goes behind a layout",
     LI_NO_ORIENT,
     DECODER,
     {ORIENT(8), GRAY},
     2,
     FULL "convert  layout: 800x600 gray8\n"
          "orient   rotate 270: 600x800 gray8\n",
     FULL "orient   rotate 270: 600x800 rgb8\n"
          "convert  layout: 600x800 gray8\n"},
    {"a turn goes behind a downscale",
     LI_NO_ORIENT,
     DECODER,
     {ORIENT(6), RESIZE(300, 200)},
     2,
     FULL "resize   lanczos3: 200x300 rgb8\n"
          "orient   rotate 90: 300x200 rgb8\n",
     FULL "orient   rotate 90: 600x800 rgb8\n"
          "resize   lanczos3: 300x200 rgb8\n"},
    {"a turn stays before an upscale",
     LI_NO_ORIENT,
     DECODER,
     {ORIENT(6), RESIZE(1200, 1600)},
     2,
     FULL "orient   rotate 90: 600x800 rgb8\n"
          "resize   lanczos3: 1200x1600 rgb8\n",
     FULL "orient   rotate 90: 600x800 rgb8\n"
          "resize   lanczos3: 1200x1600 rgb8\n"},
    {"a turn stays before nearest",
     LI_NO_ORIENT,
     DECODER,
     {ORIENT(6), NEAREST(300, 200)},
     2,
     FULL "orient   rotate 90: 600x800 rgb8\n"
          "resize   nearest: 300x200 rgb8\n",
     FULL "orient   rotate 90: 600x800 rgb8\n"
          "resize   nearest: 300x200 rgb8\n"},
    {"a turned window is mirrored",
     LI_NO_ORIENT,
     DECODER,
     {ORIENT(3), RESIZE(400, 300), CROP(0, 0, 100, 50)},
     3,
     FULL "resize   lanczos3, window x 600+200 y 500+100: 100x50 rgb8\n"
          "orient   rotate 180: 100x50 rgb8\n",
     FULL "orient   rotate 180: 800x600 rgb8\n"
          "resize   lanczos3, window x 0+200 y 0+100: 100x50 rgb8\n"},
    {"a first crop is the decoder's",
     LI_NO_REGION,
     LI_NO_SHRINK,
     {CROP(10, 20, 300, 200), GRAY},
     2,
     "decode   full size, region 300x200+10+20: 300x200 rgb8\n"
     "convert  layout: 300x200 gray8\n",
     FULL "crop     +10+20: 300x200 rgb8\n"
          "convert  layout: 300x200 gray8\n"},
    {"no padding goes",
     LI_NO_MERGE,
     DECODER,
     {PAD(0, 1, 2, 3, 4)},
     1,
     FULL,
     FULL "pad      #01020304 left 0, top 0, right 0, bottom 0: 800x600 rgb8\n"},
    {"saturation 0 goes",
     LI_NO_MERGE,
     DECODER,
     {SATURATION(0)},
     1,
     FULL,
     FULL "saturation by matrix: 800x600 rgb8\n"},
    {"saturation of gray goes",
     LI_NO_MERGE,
     DECODER,
     {GRAY, SATURATION(5)},
     2,
     FULL "convert  layout: 800x600 gray8\n",
     FULL "convert  layout: 800x600 gray8\n"
          "saturation by matrix: 800x600 gray8\n"},
    {"an orientation passes saturation",
     LI_NO_ORIENT,
     DECODER,
     {ORIENT(6), SATURATION(5)},
     2,
     FULL "saturation by matrix: 800x600 rgb8\n"
          "orient   rotate 90: 600x800 rgb8\n",
     FULL "orient   rotate 90: 600x800 rgb8\n"
          "saturation by matrix: 600x800 rgb8\n"},
    {"an orientation passes the resize and stops before the padding",
     LI_NO_ORIENT,
     DECODER,
     {ORIENT(6), RESIZE(60, 80), PAD(7, 1, 2, 3, 255), CROP(0, 0, 9, 9)},
     4,
     FULL "resize   lanczos3: 80x60 rgb8\n"
          "orient   rotate 90: 60x80 rgb8\n"
          "pad      #010203 left 7, top 0, right 0, bottom 0: 67x80 rgb8\n"
          "crop     +0+0: 9x9 rgb8\n",
     FULL "orient   rotate 90: 600x800 rgb8\n"
          "resize   lanczos3: 60x80 rgb8\n"
          "pad      #010203 left 7, top 0, right 0, bottom 0: 67x80 rgb8\n"
          "crop     +0+0: 9x9 rgb8\n"},
    {"a colour that the picture cannot hold changes its layout first",
     LI_NO_MERGE,
     DECODER,
     {GRAY, PAD(1, 9, 0, 0, 9)},
     2,
     FULL "convert  layout: 800x600 gray8\n"
          "convert  layout: 800x600 rgba8\n"
          "pad      #09000009 left 1, top 0, right 0, bottom 0: 801x600 rgba8\n"
          "convert  over the background: 801x600 rgb8\n",
     FULL "convert  layout: 800x600 gray8\n"
          "convert  layout: 800x600 rgba8\n"
          "pad      #09000009 left 1, top 0, right 0, bottom 0: 801x600 rgba8\n"
          "convert  over the background: 801x600 rgb8\n"},
    {"a first downscale is shared with the decoder",
     LI_NO_SHRINK,
     LI_NO_REGION,
     {RESIZE(100, 75)},
     1,
     "decode   at 2/8: 200x150 rgb8\n"
     "resize   lanczos3: 100x75 rgb8\n",
     FULL "resize   lanczos3: 100x75 rgb8\n"},
};

static void
check_rewrite(const rewrite *rule)
{
    li_input input = fake_input(800, 600, LI_RGB8);
    for (int off = 0; off < 2; off++) {
        li_request request = fake_request(rule->steps, rule->count,
                                          rule->others_off | (off ? rule->rule : 0));
        const char *found = middle_of(explained(&input, &request));
        if (!CHECK_TEXT(found, off ? rule->without : rule->with))
            fprintf(stderr, "claim: %s\n", rule->claim);
    }
}

TEST(each_rule_does_what_it_claims_and_can_be_switched_off)
{
    for (size_t i = 0; i < sizeof(rewrites) / sizeof(rewrites[0]); i++)
        check_rewrite(&rewrites[i]);
}

TEST(with_every_rule_off_the_plan_is_what_was_written)
{
    li_step steps[] = {
        ORIENT(1), CROP(0, 0, 800, 600), RESIZE(800, 600), CROP(1, 2, 3, 4), ORIENT(6),
        GRAY,      TONE(BRIGHTNESS, 0),  RESIZE(2, 2)};
    li_input input = fake_input(800, 600, LI_RGB8);
    li_request request = fake_request(steps, 8, 31);
    CHECK_TEXT(middle_of(explained(&input, &request)),
               FULL "orient   as it is: 800x600 rgb8\n"
                    "crop     +0+0: 800x600 rgb8\n"
                    "resize   lanczos3: 800x600 rgb8\n"
                    "crop     +0+0: 800x600 rgb8\n"
                    "crop     +1+2: 3x4 rgb8\n"
                    "orient   rotate 90: 4x3 rgb8\n"
                    "convert  layout: 4x3 gray8\n"
                    "tone     by table: 4x3 gray8\n"
                    "resize   lanczos3: 2x2 gray8\n"
                    "crop     +0+0: 2x2 gray8\n");
}

int
main(void)
{
    RUN(each_rule_does_what_it_claims_and_can_be_switched_off);
    RUN(with_every_rule_off_the_plan_is_what_was_written);
    return test_end();
}
