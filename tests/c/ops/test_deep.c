/* test_deep.c: every op over samples of 16 bits: a resize against a long-double truth;
 * the others against what the same op does with 8 bits, once in the high byte, times
 * 257, and once in the low one, on top of a base. */
#include "resize_truth.h"

static const li_pixel layouts[] = {LI_GRAY16, LI_GRAYA16, LI_RGB16, LI_RGBA16};

enum { BASE = 25600, FILL = 100 }; /* FILL × 257 is BASE + FILL */

static uint32_t
random_below(uint32_t *seed, uint32_t bound)
{
    return (test_random(seed) >> 8) % bound;
}

/* --- resize ------------------------------------------------------------------------
 */

static li_op
resize_op(li_kernel kernel, uint32_t width, uint32_t height, li_info in)
{
    return (li_op){
        .kind = &li_op_resize,
        .u.resize = {
            width, height, kernel, {0, in.width, 1}, {0, in.height, 1}, false}};
}

static void
matches_truth(li_kernel kernel)
{
    uint32_t seed = 77 + kernel;
    difference plain = {0, 0, 0}, alpha = {0, 0, 0};
    for (int round = 0; round < 160; round++) {
        li_info info = {1 + random_below(&seed, 50), 1 + random_below(&seed, 50),
                        layouts[round % 4]};
        li_frame in = picture_make(info, (picture_style)(round / 4 % 3), &seed);
        uint32_t width = 1 + random_below(&seed, 60),
                 height = 1 + random_below(&seed, 60);
        /* An axis that stays is a copy, which Mitchell's kernel is not. */
        li_op op = resize_op(kernel, width + (width == info.width),
                             height + (height == info.height), info);
        li_frame out = picture_run(&op, &in, NULL);
        compare(&op.u.resize, &in, &out,
                li_pixel_has_alpha(info.pixel) ? &alpha : &plain);
        picture_free(&in);
        picture_free(&out);
    }
    printf("  %-8s worst %.2Lf mean %.2Lf; with alpha, seen: worst %.2Lf mean %.2Lf\n",
           li_kernel_name(kernel), plain.worst, plain.sum / plain.samples, alpha.worst,
           alpha.sum / alpha.samples);
    /* A weight of 14 bits is up to 2 of 65535 off for each tap. */
    CHECK(plain.worst <= (kernel == LI_NEAREST ? 0 : 20));
    CHECK(plain.sum / plain.samples <= 1.5L);
    CHECK(alpha.worst <= 24);
    CHECK(alpha.sum / alpha.samples <= 1.5L);
}

TEST(every_kernel_matches_a_long_double_truth)
{
    for (int kernel = LI_LANCZOS3; kernel <= LI_LANCZOS2; kernel++)
        matches_truth((li_kernel)kernel);
}

TEST(black_white_and_flat_stay)
{
    for (uint32_t level = 0; level < 65536; level += level < 60000 ? 1111 : 1) {
        li_frame in = picture_new((li_info){9, 9, layouts[level % 4]});
        uint16_t *words = (uint16_t *)(void *)in.pixels;
        uint32_t channels = li_pixel_channels(in.info.pixel);
        for (uint32_t n = 0; n < 81 * channels; n++)
            words[n] = n % channels == channels - 1 && channels % 2 == 0
                           ? 65535
                           : (uint16_t)level;
        li_op op = resize_op(LI_LANCZOS3, 4, 13, in.info);
        li_frame out = picture_run(&op, &in, NULL);
        for (uint32_t n = 0; n < 52 * channels; n++) {
            uint32_t wanted = words[n % channels];
            uint32_t found =
                picture_value(&out, n / channels % 4, n / channels / 4, n % channels);
            CHECK(found == wanted || (wanted % 2 && found - wanted == 1));
        }
        picture_free(&in);
        picture_free(&out);
    }
}

static double
light_of(double level)
{
    double at = level / 65535;
    return at <= 0.04045 ? at / 12.92 : pow((at + 0.055) / 1.055, 2.4);
}

/* Two levels side by side become the level of their mean light; a level stays. */
static void
check_light(li_pixel pixel, uint16_t one, uint16_t other)
{
    li_frame in = picture_new((li_info){2, 1, pixel});
    uint32_t channels = li_pixel_channels(pixel);
    uint16_t *words = (uint16_t *)(void *)in.pixels;
    for (uint32_t n = 0; n < 2 * channels; n++)
        words[n] = n < channels ? one : other;
    if (channels % 2 == 0)
        words[channels - 1] = words[2 * channels - 1] = 40000;
    li_op op = resize_op(LI_BOX, 1, 1, in.info);
    op.u.resize.linear = true;
    li_frame out = picture_run(&op, &in, NULL);
    double wanted = (light_of(one) + light_of(other)) / 2;
    double found = light_of(picture_value(&out, 0, 0, 0));
    double bound = channels % 2 ? 3 : 5; /* alpha is 0.6: what is lost counts more */
    if (!CHECK(fabs(found - wanted) * 65535 <= bound))
        printf("%u channels: %f\n", channels, fabs(found - wanted) * 65535);
    if (channels % 2 == 0)
        CHECK(abs((int)picture_value(&out, 0, 0, channels - 1) - 40000) <= 1);
    picture_free(&in);
    picture_free(&out);
}

TEST(light_is_averaged)
{
    uint32_t seed = 9;
    for (int k = 0; k < 4; k++)
        for (int round = 0; round < 200; round++) {
            uint16_t one = (uint16_t)random_below(&seed, 65536);
            uint16_t other = (uint16_t)random_below(&seed, 65536);
            check_light(layouts[k], round % 3 ? one : 0, round % 3 < 2 ? other : one);
        }
    check_light(LI_GRAY16, 0, 65535); /* 187.5 of 255 */
}

/* --- the others --------------------------------------------------------------------
 */

enum { OPS = 13 };

/* An op that gives the same at both depths, but for rounding. */
static li_op
op_number(int number, li_info in)
{
    li_op op = {.kind = &li_op_crop};
    const li_color fill = {{FILL, FILL, FILL, 255}};
    /* As they are, half turned, transposed and transversed. */
    if (number == 0)
        op.u.crop = (li_rect){1, 2, in.width - 3, in.height - 2};
    else if (number < 5)
        op = (li_op){.kind = &li_op_orient,
                     .u.orient = (li_orientation)(2 * number - 1)};
    else if (number == 5)
        op = (li_op){.kind = &li_op_pad, .u.pad = {2, 1, 3, 4, fill}};
    else if (number == 6)
        op = (li_op){.kind = &li_op_blur, .u.blur = {.sigma = 1.7}};
    else if (number == 7)
        op = (li_op){.kind = &li_op_sharpen, .u.blur = {.sigma = 1, .amount = 0.5}};
    else if (number < 11)
        op = (li_op){.kind = &li_op_rotate,
                     .u.rotate = {30,
                                  number == 8   ? LI_CUBIC
                                  : number == 9 ? LI_BILINEAR
                                                : LI_NEAREST,
                                  fill}};
    else if (number == 11)
        op = resize_op(LI_LANCZOS3, 11, 40, in);
    else
        op = resize_op(LI_NEAREST, 11, 40, in);
    return op;
}

/* `low`: the bytes lie in the low half, on top of BASE; else they are times 257. */
static li_frame
deepened(const li_frame *from, bool low)
{
    li_info info = from->info;
    info.pixel = li_pixel_with_depth(info.pixel, true);
    li_frame made = picture_new(info);
    uint16_t *words = (uint16_t *)(void *)made.pixels;
    uint32_t channels = li_pixel_channels(info.pixel);
    for (size_t n = 0; n < (size_t)info.width * info.height * channels; n++) {
        bool alpha = channels % 2 == 0 && n % channels == channels - 1;
        uint32_t byte = from->pixels[n];
        words[n] = (uint16_t)(low && !alpha ? BASE + byte : 257 * byte);
    }
    return made;
}

static void
check_low_byte(const li_op *op, const li_frame *small)
{
    li_frame in = deepened(small, true);
    li_frame out = picture_run(op, &in, NULL), wanted = picture_run(op, small, NULL);
    uint32_t channels = li_pixel_channels(in.info.pixel);
    uint32_t colours = channels % 2 ? channels : channels - 1;
    CHECK_EQ(out.info.width, wanted.info.width);
    for (uint32_t y = 0; y < out.info.height; y++)
        for (uint32_t x = 0; x < out.info.width; x++)
            for (uint32_t c = 0; c < colours; c++) {
                int found = (int)picture_value(&out, x, y, c) - BASE;
                CHECK(abs(found - (int)picture_value(&wanted, x, y, c)) <= 2);
            }
    picture_free(&in);
    picture_free(&out);
    picture_free(&wanted);
}

/* Seen over black, so that what hides an error does so at both depths. */
static void
check_high_byte(const li_op *op, const li_frame *small)
{
    li_frame in = deepened(small, false);
    li_frame out = picture_run(op, &in, NULL), wanted = picture_run(op, small, NULL);
    uint32_t channels = li_pixel_channels(in.info.pixel);
    for (uint32_t y = 0; y < out.info.height; y++)
        for (uint32_t x = 0; x < out.info.width; x++)
            for (uint32_t c = 0; c < channels; c++) {
                double found = picture_value(&out, x, y, c) / 257.0;
                double known = picture_value(&wanted, x, y, c);
                if (channels % 2 == 0 && c < channels - 1) {
                    found *= picture_value(&out, x, y, channels - 1) / 65535.0;
                    known *= picture_value(&wanted, x, y, channels - 1) / 255.0;
                }
                double bound = channels % 2 ? 0.7 : 1.5;
                bound += op->kind == &li_op_sharpen; /* 8 bits round the blur, too */
                if (!CHECK(fabs(found - known) <= bound))
                    printf("%s %f %f\n", op->kind->name, found, known);
            }
    picture_free(&in);
    picture_free(&out);
    picture_free(&wanted);
}

/* Bytes that no kernel drives out of 0..255; opaque. */
static void
calm(li_frame *picture)
{
    uint32_t channels = li_pixel_channels(picture->info.pixel);
    for (size_t n = 0; n < li_image_bytes(picture->info); n++)
        picture->pixels[n] = channels % 2 == 0 && n % channels == channels - 1
                                 ? 255
                                 : (uint8_t)(64 + picture->pixels[n] / 2);
}

TEST(every_op_works_in_the_high_byte_and_in_the_low_one)
{
    uint32_t seed = 4;
    for (int number = 0; number < OPS; number++)
        for (int k = 0; k < 4; k++) {
            li_pixel shallow = li_pixel_with_depth(layouts[k], false);
            li_frame small =
                picture_make((li_info){31, 23, shallow},
                             number % 2 ? PICTURE_SMOOTH : PICTURE_NOISE, &seed);
            li_op op = op_number(number, small.info);
            check_high_byte(&op, &small);
            calm(&small);
            check_low_byte(&op, &small);
            li_frame in = deepened(&small, true);
            picture_starve(&op, &in);
            picture_free(&in);
            picture_free(&small);
        }
}

TEST(tones_and_saturation_are_their_formulas)
{
    li_op ops[] = {{.kind = &li_op_tone}, {.kind = &li_op_tone}, {.kind = &li_op_tone}};
    uint32_t seed = 5;
    li_tone_brightness(&ops[0].u.tone, 10);
    li_tone_contrast(&ops[1].u.tone, 20);
    li_tone_gamma(&ops[2].u.tone, 2.2);
    li_frame in = picture_make((li_info){300, 20, LI_RGBA16}, PICTURE_NOISE, &seed);
    for (int k = 0; k < 3; k++) {
        li_frame out = picture_run(&ops[k], &in, NULL);
        for (uint32_t n = 0; n < 6000; n++) {
            uint32_t x = n % 300, y = n / 300;
            double level = picture_value(&in, x, y, 1), wanted = level + 6553.5;
            if (k == 1)
                wanted = (level - 32767.5) * 1.44 + 32767.5;
            if (k == 2)
                wanted = 65535 * pow(level / 65535, 1 / 2.2);
            wanted = wanted < 0 ? 0 : wanted > 65535 ? 65535 : wanted;
            CHECK(fabs(picture_value(&out, x, y, 1) - wanted) <= 0.5001);
            CHECK_EQ(picture_value(&out, x, y, 3), picture_value(&in, x, y, 3));
        }
        picture_free(&out);
    }
    li_op mix = {.kind = &li_op_saturation};
    li_saturation_of(&mix.u.saturation, 50);
    li_frame out = picture_run(&mix, &in, NULL);
    for (uint32_t n = 0; n < 6000; n++) {
        uint32_t x = n % 300, y = n / 300;
        double own = picture_value(&in, x, y, 0);
        double gray = 0.2126 * own + 0.7152 * picture_value(&in, x, y, 1) +
                      0.0722 * picture_value(&in, x, y, 2);
        double wanted = own + 0.5 * (own - gray);
        wanted = wanted < 0 ? 0 : wanted > 65535 ? 65535 : wanted;
        CHECK(fabs(picture_value(&out, x, y, 0) - wanted) <= 2.5);
    }
    picture_free(&in);
    picture_free(&out);
}

TEST(depth_and_layout_change_in_one_step)
{
    uint32_t seed = 6;
    for (int from = 0; from < 8; from++)
        for (int to = 0; to < 8; to++) {
            li_pixel in_pixel = li_pixel_with_depth(layouts[from % 4], from > 3);
            li_pixel out_pixel = li_pixel_with_depth(layouts[to % 4], to > 3);
            li_op op = {.kind = &li_op_convert,
                        .u.convert = {out_pixel, true, {FILL, FILL, FILL}}};
            li_frame in =
                picture_make((li_info){40, 5, in_pixel}, PICTURE_NOISE, &seed);
            li_frame out = picture_run(&op, &in, NULL);
            op.u.convert.pixel = li_pixel_with_depth(out_pixel, from > 3);
            li_frame middle = picture_run(&op, &in, NULL);
            uint32_t channels = li_pixel_channels(out_pixel);
            for (uint32_t n = 0; n < 200 * channels; n++) {
                uint32_t x = n / channels % 40, y = n / channels / 40;
                uint32_t kept = picture_value(&middle, x, y, n % channels);
                uint32_t found = picture_value(&out, x, y, n % channels);
                if (from > 3 && to < 4)
                    CHECK_EQ(found, (kept + 128) / 257);
                else
                    CHECK_EQ(found, from < 4 && to > 3 ? 257 * kept : kept);
            }
            picture_starve(&op, &in);
            picture_free(&in);
            picture_free(&out);
            picture_free(&middle);
        }
}

int
main(void)
{
    RUN(every_kernel_matches_a_long_double_truth);
    RUN(black_white_and_flat_stay);
    RUN(light_is_averaged);
    RUN(every_op_works_in_the_high_byte_and_in_the_low_one);
    RUN(tones_and_saturation_are_their_formulas);
    RUN(depth_and_layout_change_in_one_step);
    return test_end();
}
