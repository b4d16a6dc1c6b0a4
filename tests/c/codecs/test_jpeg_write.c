/* test_jpeg_write.c: rows into JPEGs, read back by libjpeg and by us. */
#include "jpeg_make.h"

typedef struct picture {
    li_info info;
    uint8_t *data; /* owned */
} picture;

static picture
picture_make(uint32_t width, uint32_t height, li_pixel pixel)
{
    picture made = {.info = {width, height, pixel}};
    uint32_t channels = li_pixel_channels(pixel);
    made.data = malloc((size_t)width * height * channels);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            for (uint32_t c = 0; c < channels; c++)
                made.data[(y * width + x) * channels + c] =
                    (uint8_t)(128 +
                              100 * ((x + c * 40) / 40 % 2 ? 1 : -1) * (int)y /
                                  (int)height +
                              (int)(x % 23));
    return made;
}

static bytes
encode(li_ctx *ctx, const picture *from, const li_encode *how)
{
    li_out *out = NULL;
    li_sink *sink = NULL;
    bytes file = {0};
    if (li_out_to_memory(ctx, &out) == LI_OK &&
        li_codec_jpeg.encode(ctx, from->info, how, out, &sink) == LI_OK) {
        size_t stride = li_row_bytes(from->info);
        li_status status = LI_OK;
        for (uint32_t y = 0; status == LI_OK && y < from->info.height; y++)
            status = li_sink_write(sink, from->data + y * stride);
        if (status == LI_OK)
            status = li_sink_finish(sink);
        if (status == LI_OK)
            (void)!li_out_detach(out, &file.data, &file.size);
    }
    li_sink_close(&sink);
    li_out_close(&out);
    return file;
}

static double
mean_difference(const picture *from, const uint8_t *found)
{
    uint64_t sum = 0, size = li_image_bytes(from->info);
    for (uint64_t i = 0; i < size; i++)
        sum += (uint64_t)abs(from->data[i] - found[i]);
    return (double)sum / (double)size;
}

/* Of a sample, in the mean; an effort may leave out what is not seen. */
static double
most_difference(const li_encode *how)
{
    return how->quality >= 90 ? 3 : 9;
}

static void
check_roundtrip(const picture *from, const li_encode *how)
{
    li_ctx ctx;
    li_info info = {0};
    li_header header;
    li_ctx_init(&ctx, NULL);
    bytes file = encode(&ctx, from, how);
    if (!CHECK_EQ(ctx.status, LI_OK))
        return;
    CHECK_EQ(ctx.bytes, 0);
    CHECK(file.size <= li_codec_jpeg.output_bytes(from->info, how));
    CHECK(ctx.peak_bytes >= 64 << 10);
    CHECK_EQ(inspect_bytes(&ctx, file.data, file.size, &header), LI_OK);
    uint8_t *found = decode_bytes(&ctx, file.data, file.size, (li_hint){0}, &info);
    CHECK_EQ(ctx.warnings.count, 0);
    CHECK_EQ(info.width, from->info.width);
    CHECK_EQ(info.height, from->info.height);
    CHECK_EQ(info.pixel, from->info.pixel);
    CHECK(found && mean_difference(from, found) < most_difference(how));
    free(found);
    li_release(file.data);
}

TEST(every_option_comes_back)
{
    static const uint8_t qualities[] = {0, 50, 90, 100};
    picture pictures[] = {picture_make(65, 50, LI_RGB8), picture_make(65, 50, LI_GRAY8),
                          picture_make(1, 1, LI_RGB8), picture_make(1, 33, LI_GRAY8)};
    for (size_t p = 0; p < 4; p++)
        for (size_t q = 0; q < sizeof(qualities); q++)
            for (int way = 0; way < 4 * 9; way++) {
                li_encode how = li_encode_default();
                how.quality = qualities[q];
                how.subsampling = (li_subsampling)(way % 4);
                how.progressive = (int8_t)(way / 4 % 3 - 1);
                how.optimize = (int8_t)(way / 12 - 1);
                check_roundtrip(&pictures[p], &how);
            }
    for (size_t p = 0; p < 4; p++)
        free(pictures[p].data);
}

static void
check_choice(li_info info, li_encode how, const char *variant, const char *words)
{
    char text[64];
    li_codec_jpeg.describe(info, &how, text, sizeof(text));
    CHECK_TEXT(text, words);
    picture from = picture_make(info.width, info.height, info.pixel);
    li_ctx ctx;
    li_header header = {0};
    li_ctx_init(&ctx, NULL);
    bytes file = encode(&ctx, &from, &how);
    CHECK_EQ(inspect_bytes(&ctx, file.data, file.size, &header), LI_OK);
    CHECK_TEXT(header.variant, variant);
    li_release(file.data);
    free(from.data);
}

TEST(what_describe_says_is_what_is_written)
{
    li_encode plain = li_encode_default(), fine = plain, set = plain;
    fine.quality = 90;
    set.subsampling = LI_422;
    set.progressive = 0;
    set.optimize = 0;
    li_info small = {64, 64, LI_RGB8}, large = {2100, 1400, LI_RGB8};
    li_info gray = {64, 64, LI_GRAY8};
    check_choice(small, plain, "progressive 4:2:0",
                 "quality 85, 4:2:0, progressive, effort 5");
    check_choice(small, fine, "progressive 4:4:4",
                 "quality 90, 4:4:4, progressive, effort 5");
    check_choice(small, set, "baseline 4:2:2", "quality 85, 4:2:2, baseline, effort 0");
    set.effort = 9;
    check_choice(small, set, "baseline 4:2:2", "quality 85, 4:2:2, baseline, effort 9");
    set.progressive = -1;
    check_choice(small, set, "baseline 4:2:2", "quality 85, 4:2:2, baseline, effort 9");
    set.progressive = 0;
    set.effort = -1;
    check_choice(gray, plain, "progressive gray",
                 "quality 85, gray, progressive, effort 5");
    check_choice(large, plain, "baseline 4:2:0",
                 "quality 85, 4:2:0, baseline, effort 0");
    set.optimize = 1;
    check_choice(large, set, "baseline 4:2:2",
                 "quality 85, 4:2:2, baseline, optimized, effort 0");
    set.progressive = 1;
    check_choice(large, set, "progressive 4:2:2",
                 "quality 85, 4:2:2, progressive, effort 0");
}

TEST(coefficients_up_to_8_mb_are_held)
{
    /* 2048 × 1296 at 4:2:0: 1.5 samples of 2 bytes a pixel. */
    char text[64];
    li_encode plain = li_encode_default();
    li_codec_jpeg.describe((li_info){2048, 1296, LI_RGB8}, &plain, text, sizeof(text));
    CHECK(strstr(text, "progressive") != NULL);
    li_codec_jpeg.describe((li_info){2048, 1312, LI_RGB8}, &plain, text, sizeof(text));
    CHECK(strstr(text, "baseline") != NULL);
}

TEST(noise_and_checkers_stay_below_the_output_bound)
{
    static const uint8_t qualities[] = {1, 50, 75, 85, 90, 95, 100};
    picture from = picture_make(160, 160, LI_RGB8);
    size_t size = li_image_bytes(from.info);
    for (int kind = 0; kind < 4; kind++) {
        uint32_t state = 9;
        for (size_t i = 0; i < size; i++) {
            uint32_t noise = test_random(&state);
            uint32_t sign = kind == 2 ? (i / 3 + i / 480) % 2 : noise >> 16 & 1;
            from.data[i] = (uint8_t)(kind == 0 ? noise : sign ? 255 : 0);
            if (kind == 3 && i % 3)
                from.data[i] = from.data[i - i % 3];
        }
        for (size_t q = 0; q < sizeof(qualities); q++)
            for (int way = 0; way < 9 + 30; way++) {
                li_encode how = li_encode_default();
                how.quality = qualities[q];
                how.subsampling = way % 3 ? LI_444 : LI_420;
                how.effort = (int8_t)(way < 9 ? -1 : way / 3 - 3);
                how.progressive = (int8_t)(way < 9 ? way / 3 == 1 : -1);
                how.optimize = (int8_t)(way < 9 ? way / 3 == 2 : -1);
                li_ctx ctx;
                li_ctx_init(&ctx, NULL);
                bytes file = encode(&ctx, &from, &how);
                uint64_t bound = li_codec_jpeg.output_bytes(from.info, &how);
                CHECK(file.size > 0 && file.size <= bound);
                li_release(file.data);
            }
    }
    free(from.data);
}

TEST(sides_beyond_65500_are_refused_with_numbers)
{
    li_ctx ctx;
    li_out *out;
    li_sink *sink;
    li_encode plain = li_encode_default();
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(
        li_codec_jpeg.encode(&ctx, (li_info){65501, 10, LI_RGB8}, &plain, out, &sink),
        LI_E300_ENCODE);
    CHECK_TEXT(ctx.message,
               "jpeg: 65501x10 is beyond the format's 65500 pixels a side");
    li_sink_close(&sink);
    li_out_close(&out);
    CHECK_EQ(ctx.bytes, 0);
    picture widest = picture_make(65500, 2, LI_GRAY8);
    check_roundtrip(&widest, &plain);
    free(widest.data);
}

TEST(layouts_become_gray_or_rgb)
{
    const li_encode any = li_encode_default();
    CHECK_EQ(li_codec_jpeg.accepts(LI_GRAY8, &any), LI_GRAY8);
    CHECK_EQ(li_codec_jpeg.accepts(LI_GRAYA8, &any), LI_GRAY8);
    CHECK_EQ(li_codec_jpeg.accepts(LI_GRAY16, &any), LI_GRAY8);
    CHECK_EQ(li_codec_jpeg.accepts(LI_GRAYA16, &any), LI_GRAY8);
    CHECK_EQ(li_codec_jpeg.accepts(LI_RGB8, &any), LI_RGB8);
    CHECK_EQ(li_codec_jpeg.accepts(LI_RGBA16, &any), LI_RGB8);
    CHECK_EQ(li_codec_jpeg.accepts(LI_CMYK8, &any), LI_RGB8);
}

/* A sink that takes `left` bytes and then fails as a full disk does. */
typedef struct full_disk {
    li_out base;
    size_t left;
} full_disk;

static li_status
full_disk_write(li_out *out, const void *data, size_t size)
{
    full_disk *disk = (full_disk *)out;
    (void)data;
    if (size > disk->left)
        return li_fail(out->ctx, LI_E301_WRITE, "disk full");
    disk->left -= size;
    return LI_OK;
}

TEST(a_failing_output_and_a_cancel_end_the_job)
{
    static const li_out_ops ops = {.name = "full", .write = full_disk_write};
    picture from = picture_make(900, 700, LI_RGB8);
    for (int way = 0; way < 12; way++) {
        li_ctx ctx;
        li_sink *sink;
        li_encode how = li_encode_default();
        atomic_int cancel = 0;
        how.quality = 100;
        how.effort = (int8_t)(way < 6 ? -1 : 9);
        how.progressive = way % 2 == 1;
        how.optimize = 0;
        li_ctx_init(&ctx, NULL);
        ctx.cancel = &cancel;
        full_disk disk = {{&ops, &ctx, 0},
                          way % 6 < 4 ? (size_t)(way % 6 / 2) * 70000 : SIZE_MAX};
        CHECK_EQ(li_codec_jpeg.encode(&ctx, from.info, &how, &disk.base, &sink), LI_OK);
        li_status status = LI_OK;
        for (uint32_t y = 0; status == LI_OK && y < 700; y++) {
            cancel = way % 6 >= 4 && y == (way % 2 ? 699 : 351);
            status = li_sink_write(sink, from.data + y * 2700);
        }
        if (status == LI_OK)
            status = li_sink_finish(sink);
        CHECK_EQ(status, way % 6 < 4 ? LI_E301_WRITE : LI_E500_CANCELLED);
        li_sink_close(&sink);
        CHECK_EQ(ctx.bytes, 0);
    }
    free(from.data);
}

TEST(every_effort_comes_back_with_every_option)
{
    picture pictures[] = {picture_make(65, 50, LI_RGB8), picture_make(65, 50, LI_GRAY8),
                          picture_make(1, 1, LI_RGB8), picture_make(17, 9, LI_RGB8)};
    for (size_t p = 0; p < 4; p++)
        for (int way = 0; way < 10 * 4 * 9 * 3; way++) {
            li_encode how = li_encode_default();
            how.effort = (int8_t)(way % 10);
            how.subsampling = (li_subsampling)(way / 10 % 4);
            how.progressive = (int8_t)(way / 40 % 3 - 1);
            how.optimize = (int8_t)(way / 120 % 3 - 1);
            how.quant_table = (int8_t)(way / 360 - 1);
            how.quality = way % 7 ? 90 : 50;
            check_roundtrip(&pictures[p], &how);
        }
    for (size_t p = 0; p < 4; p++)
        free(pictures[p].data);
}

TEST(an_effort_says_what_is_written)
{
    static const char *const processes[] = {
        "baseline",    "baseline, optimized", "baseline, optimized", "progressive",
        "progressive", "progressive",         "progressive",         "progressive",
        "progressive", "progressive"};
    li_encode how = li_encode_default();
    li_info small = {64, 64, LI_RGB8}, large = {2100, 1400, LI_RGB8};
    for (how.effort = 0; how.effort < 10; how.effort++) {
        char words[96];
        const char *variant = how.effort < 3 ? "baseline 4:2:0" : "progressive 4:2:0";
        snprintf(words, sizeof(words), "quality 85, 4:2:0, %s, effort %d",
                 processes[how.effort], how.effort);
        check_choice(small, how, variant, words);
        check_choice(large, how, variant,
                     words); /* an effort that is asked for holds */
    }
    how.effort = 5;
    how.progressive = 0;
    check_choice(small, how, "baseline 4:2:0",
                 "quality 85, 4:2:0, baseline, optimized, effort 5");
    how.optimize = 0;
    check_choice(small, how, "baseline 4:2:0", "quality 85, 4:2:0, baseline, effort 5");
}

int
main(void)
{
    RUN(every_option_comes_back);
    RUN(what_describe_says_is_what_is_written);
    RUN(coefficients_up_to_8_mb_are_held);
    RUN(noise_and_checkers_stay_below_the_output_bound);
    RUN(every_effort_comes_back_with_every_option);
    RUN(an_effort_says_what_is_written);
    RUN(sides_beyond_65500_are_refused_with_numbers);
    RUN(layouts_become_gray_or_rgb);
    RUN(a_failing_output_and_a_cancel_end_the_job);
    return test_end();
}
