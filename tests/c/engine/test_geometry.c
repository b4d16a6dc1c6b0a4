/* test_geometry.c: fits against fractions computed slowly. */
#include "engine/geometry.h"
#include "test.h"

typedef __int128 wide;

static uint64_t
round_half_away(wide numerator, wide denominator)
{
    wide twice = 2 * numerator + denominator;
    return (uint64_t)(twice / (2 * denominator));
}

static uint64_t
at_least_one(uint64_t n)
{
    return n ? n : 1;
}

static uint64_t
ceiling(wide numerator, wide denominator)
{
    return (uint64_t)((numerator + denominator - 1) / denominator);
}

/* What API says, by the scale as a fraction: the smaller one for inside, the larger for
 * cover. A side that is not given leaves the scale to the other. */
static void
true_size(const li_step *step, li_info in, uint64_t size[2])
{
    wide w = step->u.resize.width, h = step->u.resize.height;
    bool both = w && h, by_width = w != 0;
    if (both && step->u.resize.fit == LI_FIT_FILL) {
        size[0] = (uint64_t)w;
        size[1] = (uint64_t)h;
        return;
    }
    if (both) {
        bool narrower = w * in.height < h * in.width;
        bool within =
            step->u.resize.fit == LI_FIT_INSIDE || step->u.resize.fit == LI_FIT_CONTAIN;
        by_width = within ? narrower : !narrower;
    }
    wide n = by_width ? w : h, d = by_width ? in.width : in.height;
    bool cover = both && step->u.resize.fit == LI_FIT_COVER;
    size[0] = cover ? ceiling(in.width * n, d)
                    : at_least_one(round_half_away(in.width * n, d));
    size[1] = cover ? ceiling(in.height * n, d)
                    : at_least_one(round_half_away(in.height * n, d));
}

static void
true_without_enlarging(const li_step *step, li_info in, uint64_t size[2])
{
    bool both = step->u.resize.width && step->u.resize.height;
    if (step->u.resize.enlarge)
        return;
    bool wider = size[0] > in.width, higher = size[1] > in.height;
    if (both && step->u.resize.fit == LI_FIT_FILL) {
        size[0] = wider ? in.width : size[0];
        size[1] = higher ? in.height : size[1];
    } else if (wider || higher) {
        size[0] = in.width;
        size[1] = in.height;
    }
}

/* What of a rest comes first. */
static uint64_t
share_of(uint64_t rest, li_at at)
{
    return at < 0 ? 0 : at > 0 ? rest : rest / 2;
}

static void
check_pad(const li_step *step, const li_fitted *fitted)
{
    uint32_t w = step->u.resize.width, h = step->u.resize.height;
    const li_pad *pad = &fitted->pad;
    if (!w || !h || step->u.resize.fit != LI_FIT_CONTAIN) {
        CHECK(!pad->left && !pad->top && !pad->right && !pad->bottom);
        return;
    }
    CHECK_EQ(fitted->width + pad->left + pad->right, w);
    CHECK_EQ(fitted->height + pad->top + pad->bottom, h);
    CHECK_EQ(pad->left, share_of(w - fitted->width, step->u.resize.at_x));
    CHECK_EQ(pad->top, share_of(h - fitted->height, step->u.resize.at_y));
    CHECK_EQ(pad->color.channel[1], 77);
}

static void
check_fit(const li_step *step, li_info in)
{
    li_ctx ctx;
    li_fitted fitted;
    uint64_t size[2];
    li_ctx_init(&ctx, NULL);
    true_size(step, in, size);
    true_without_enlarging(step, in, size);
    bool cut = step->u.resize.width && step->u.resize.height &&
               step->u.resize.fit == LI_FIT_COVER;
    bool large = !cut && (size[0] > 65535 || size[1] > 65535);
    li_status wanted = large ? LI_E203_RESIZE_SIZE : LI_OK;
    if (!CHECK_EQ(li_fit_size(&ctx, step, in, &fitted), wanted) || wanted)
        return;
    CHECK_EQ(fitted.width, size[0]);
    CHECK_EQ(fitted.height, size[1]);
    uint64_t kept[2] = {size[0], size[1]};
    uint32_t w = step->u.resize.width, h = step->u.resize.height;
    if (w && h && step->u.resize.fit == LI_FIT_COVER) {
        kept[0] = w < size[0] ? w : size[0];
        kept[1] = h < size[1] ? h : size[1];
    }
    CHECK_EQ(fitted.kept.width, kept[0]);
    CHECK_EQ(fitted.kept.height, kept[1]);
    CHECK_EQ(fitted.kept.x, share_of(size[0] - kept[0], step->u.resize.at_x));
    CHECK_EQ(fitted.kept.y, share_of(size[1] - kept[1], step->u.resize.at_y));
    check_pad(step, &fitted);
    if (w && h && step->u.resize.enlarge && step->u.resize.fit == LI_FIT_OUTSIDE)
        CHECK(fitted.width >= w && fitted.height >= h &&
              (fitted.width == w || fitted.height == h));
    if (step->u.resize.enlarge && w && h && step->u.resize.fit == LI_FIT_COVER)
        CHECK(kept[0] == w && kept[1] == h);
    if (w && h && step->u.resize.fit == LI_FIT_INSIDE)
        CHECK(fitted.width <= w && fitted.height <= h);
}

static uint32_t
random_side(uint32_t *state)
{
    uint32_t kind = test_random(state) % 8, n = test_random(state);
    if (kind == 0)
        return 1;
    if (kind == 1)
        return 65535 - n % 3;
    return 1 + n % (kind < 5 ? 40 : 9000);
}

TEST(fits_equal_the_fractions)
{
    uint32_t state = 99;
    for (int i = 0; i < 200000; i++) {
        li_info in = {random_side(&state), random_side(&state), LI_RGB8};
        uint32_t kind = test_random(&state);
        li_step step = {.type = LI_STEP_RESIZE,
                        .u.resize = {random_side(&state),
                                     random_side(&state),
                                     (li_fit)(kind % 5),
                                     LI_BOX,
                                     kind >> 4 & 1,
                                     LI_AT_END * ((li_at)((kind >> 12) % 3) - 1),
                                     LI_AT_END * ((li_at)((kind >> 16) % 3) - 1),
                                     {{9, 77, 8, 1}},
                                     false}};
        if ((kind >> 8) % 5 == 0)
            step.u.resize.width = 0;
        else if ((kind >> 8) % 5 == 1)
            step.u.resize.height = 0;
        check_fit(&step, in);
    }
}

static void
check_known(li_info in, uint32_t width, uint32_t height, li_fit fit,
            const uint32_t wanted[6])
{
    li_ctx ctx;
    li_fitted fitted;
    li_ctx_init(&ctx, NULL);
    li_step step = {
        .u.resize = {width, height, fit, LI_LANCZOS3, true, 0, 0, {{0}}, false}};
    CHECK_EQ(li_fit_size(&ctx, &step, in, &fitted), LI_OK);
    const uint32_t found[6] = {fitted.width,  fitted.height,     fitted.kept.x,
                               fitted.kept.y, fitted.kept.width, fitted.kept.height};
    for (int i = 0; i < 6; i++)
        CHECK_EQ(found[i], wanted[i]);
}

TEST(known_fits_are_what_a_user_expects)
{
    li_info photo = {6000, 4000, LI_RGB8}, thin = {1000, 1, LI_RGB8},
            odd = {3, 2, LI_RGB8};
    check_known(photo, 800, 800, LI_FIT_INSIDE, (uint32_t[]){800, 533, 0, 0, 800, 533});
    check_known(photo, 800, 0, LI_FIT_COVER, (uint32_t[]){800, 533, 0, 0, 800, 533});
    check_known(photo, 0, 800, LI_FIT_FILL, (uint32_t[]){1200, 800, 0, 0, 1200, 800});
    check_known(photo, 150, 150, LI_FIT_COVER, (uint32_t[]){225, 150, 37, 0, 150, 150});
    check_known(photo, 7, 9, LI_FIT_FILL, (uint32_t[]){7, 9, 0, 0, 7, 9});
    check_known(photo, 150, 150, LI_FIT_OUTSIDE,
                (uint32_t[]){225, 150, 0, 0, 225, 150});
    check_known(photo, 150, 150, LI_FIT_CONTAIN,
                (uint32_t[]){150, 100, 0, 0, 150, 100});
    check_known(photo, 0, 100, LI_FIT_CONTAIN, (uint32_t[]){150, 100, 0, 0, 150, 100});
    check_known(thin, 10, 10, LI_FIT_INSIDE, (uint32_t[]){10, 1, 0, 0, 10, 1});
    /* 3 × 5 / 2 = 7.5: half goes away from zero, and cover up. */
    check_known(odd, 0, 5, LI_FIT_INSIDE, (uint32_t[]){8, 5, 0, 0, 8, 5});
    check_known(odd, 7, 5, LI_FIT_COVER, (uint32_t[]){8, 5, 0, 0, 7, 5});
    /* what is cut off is not made: it may have any side */
    check_known((li_info){20000, 100, LI_RGB8}, 400, 400, LI_FIT_COVER,
                (uint32_t[]){80000, 400, 39800, 0, 400, 400});
    check_known((li_info){1, 65535, LI_RGB8}, 65535, 1, LI_FIT_COVER,
                (uint32_t[]){65535, 4294836225, 0, 2147418112, 65535, 1});
}

TEST(a_side_over_65535_names_all_its_numbers)
{
    li_ctx ctx;
    li_fitted fitted;
    li_ctx_init(&ctx, NULL);
    li_step step = {
        .u.resize = {0, 60000, LI_FIT_INSIDE, LI_BOX, true, 0, 0, {{0}}, false}};
    CHECK_EQ(li_fit_size(&ctx, &step, (li_info){20, 10, LI_RGB8}, &fitted),
             LI_E203_RESIZE_SIZE);
    CHECK_TEXT(ctx.message,
               "resize: 20x10 to autox60000 would be 120000x60000, a side over 65535");
}

int
main(void)
{
    RUN(fits_equal_the_fractions);
    RUN(known_fits_are_what_a_user_expects);
    RUN(a_side_over_65535_names_all_its_numbers);
    return test_end();
}
