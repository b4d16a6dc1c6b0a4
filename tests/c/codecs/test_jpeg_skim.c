/* test_jpeg_skim.c: the skim decoder's coefficients are libjpeg's, its samples those of
 * a truncated inverse DCT, whatever the file and however it comes. */
#include "files.h"
#include "jpeg_make.h"
#include "jpeg_oracle.h"

#include <math.h>

/* --- coefficients ----------------------------------------------------------------- */

static void
check_file(bytes file, const char *name)
{
    for (uint8_t way = 1; way < ORACLE_WAYS; way++) {
        verdict said = verdict_of(file.data, file.size, way, UINT64_MAX);
        const char *fault = verdict_fault(&said, way);
        if (!CHECK(fault == NULL))
            fprintf(stderr, "%s by way %d: %s; %d %s, libjpeg %d\n", name, way, fault,
                    said.ours, said.message, said.theirs);
    }
}

static void
check_good(bytes file)
{
    for (uint8_t way = 1; way < ORACLE_WAYS; way++) {
        verdict said = verdict_of(file.data, file.size, way, UINT64_MAX);
        CHECK(said.skims);
        CHECK_EQ(said.ours, LI_OK);
        CHECK_EQ(said.wrong, 0);
        CHECK_EQ(said.warnings, 0);
        CHECK(verdict_fault(&said, way) == NULL);
    }
}

static const uint8_t factors[][2] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}};

TEST(coefficients_are_those_of_the_library)
{
    for (uint32_t i = 0; i < 640; i++) {
        make how = {.width = 1 + i % 40, .height = 1 + i / 16, .components = 3};
        how.components = i % 5 ? 3 : 1;
        how.h[0] = factors[i % 4][0];
        how.v[0] = factors[i % 4][1];
        how.h[1] = how.v[1] = how.h[2] = how.v[2] = 1;
        how.quality = (int[]){100, 90, 50, 10, 98}[i % 5];
        how.progressive = i / 4 % 2;
        how.tables = i / 8 % 2 && !how.progressive;
        how.restart = i % 7 ? 0 : (int)(1 + i % 3);
        bytes file = make_jpeg(&how);
        check_good(file);
        free(file.data);
    }
}

/* Luma in bands of these, each sent down to a bit and then refined bit by bit. */
static bytes
make_scripted(uint32_t seed)
{
    static const uint8_t ends[][4] = {{63}, {1, 63}, {2, 5, 63}, {1, 2, 4, 63}};
    const uint8_t *band = ends[seed % 4];
    jpeg_scan_info scans[80];
    int count = 0, depth = (int)(seed / 4 % 4);
    for (int low = depth; low >= 0; low--) {
        int high = low == depth ? 0 : low + 1;
        if (seed % 3)
            scans[count++] = (jpeg_scan_info){3, {0, 1, 2}, 0, 0, high, low};
        for (int c = 0; c < 3 && seed % 3 == 0; c++)
            scans[count++] = (jpeg_scan_info){1, {c}, 0, 0, high, low};
        for (int c = 2; c >= 0; c--)
            for (int i = 0, first = 1; first < 64; first = band[i++] + 1)
                scans[count++] = (jpeg_scan_info){1, {c}, first, band[i], high, low};
    }
    make how = {.width = 70 + seed, .height = 90 - seed, .components = 3};
    how.h[0] = factors[seed / 5 % 4][0];
    how.v[0] = factors[seed / 5 % 4][1];
    how.h[1] = how.v[1] = how.h[2] = how.v[2] = 1;
    how.quality = seed % 2 ? 97 : 60;
    how.restart = seed % 6 ? 0 : 5;
    how.scans = scans;
    how.scan_count = count;
    return make_jpeg(&how);
}

TEST(scans_by_hand_give_the_same)
{
    for (uint32_t seed = 0; seed < 64; seed++) {
        bytes file = make_scripted(seed);
        check_good(file);
        free(file.data);
    }
}

TEST(an_incomplete_progression_is_accepted_with_a_warning)
{
    make how = {.width = 90, .height = 70, .components = 3, .progressive = true};
    how.dc_only = true;
    bytes file = make_jpeg(&how);
    for (uint8_t way = 1; way < ORACLE_WAYS; way++) {
        verdict said = verdict_of(file.data, file.size, way, UINT64_MAX);
        CHECK_EQ(said.ours, LI_OK);
        CHECK_EQ(said.theirs, LI_OK);
        CHECK_EQ(said.wrong, 0);
        CHECK_EQ(said.warnings, 1);
    }
    free(file.data);
}

/* --- real files --------------------------------------------------------------------
 */

static void
check_real_file(const test_file *file, void *arg)
{
    (void)arg;
    if (!strstr(file->note, "bomb"))
        check_file((bytes){file->data, file->size}, file->name);
}

TEST(shipped_files_have_the_same_coefficients_and_verdict)
{
    CHECK(test_each_file("tests/data/jpeg", check_real_file, NULL) > 30);
}

TEST(the_corpus_has_the_same_coefficients_and_verdict)
{
    uint32_t count = test_each_corpus_file("jpeg", check_real_file, NULL);
    CHECK(count > 100 || !getenv("LAZYIMAGE_CORPUS"));
}

/* --- bytes that come in small pieces ------------------------------------------------
 */

/* Gives exactly what is asked for, in a block that dies at the next call. */
typedef struct stingy {
    li_source base;
    const uint8_t *data;
    uint8_t *piece; /* owned */
} stingy;

static li_status
stingy_at(li_source *base, uint64_t offset, size_t want, const uint8_t **data,
          size_t *got)
{
    stingy *source = (stingy *)base;
    uint64_t left = offset < base->size ? base->size - offset : 0;
    free(source->piece);
    *got = want < left ? want : (size_t)left;
    *got = *got > 700 ? 700 + *got % 7 : *got;
    if (want <= 0xFFFF && want < left)
        *got = want;
    source->piece = malloc(*got + 1);
    memcpy(source->piece, source->data + (*got ? offset : 0), *got);
    *data = source->piece;
    return LI_OK;
}

TEST(any_window_will_do)
{
    static const li_source_ops ops = {.name = "stingy", .at = stingy_at};
    for (uint32_t seed = 0; seed < 12; seed++) {
        make how = {.width = 500, .height = 300, .components = 3, .quality = 100};
        how.restart = seed % 3 ? 0 : 7;
        bytes file = seed < 6 ? make_scripted(seed) : make_jpeg(&how);
        oracle truth;
        li_ctx ctx;
        li_header header;
        uint32_t wrong;
        li_ctx_init(&ctx, NULL);
        stingy source = {.base = {.ops = &ops, .ctx = &ctx, .size = file.size}};
        source.data = file.data;
        oracle_open(&truth, file.data, file.size);
        CHECK_EQ(li_codec_jpeg.inspect(&ctx, &source.base, &header), LI_OK);
        CHECK_EQ(oracle_skim(&ctx, &source.base, &header, 1 + seed % 3, &truth, &wrong),
                 LI_OK);
        CHECK_EQ(wrong, 0);
        CHECK_EQ(ctx.bytes, 0);
        oracle_close(&truth);
        free(source.piece);
        free(file.data);
    }
}

/* --- samples ------------------------------------------------------------------------
 */

/* Of the orthonormal inverse DCT of 2 × 2 of a block scaled by 2/8, in floating point.
 */
static double
true_sample(const double value[4], uint32_t x, uint32_t y)
{
    double across = x ? -1 : 1, down = y ? -1 : 1;
    double half = sqrt(0.5) * sqrt(0.5);
    return 128 + 2.0 / 8 * half *
                     (value[0] + across * value[1] + down * value[2] +
                      across * down * value[3]);
}

TEST(samples_are_those_of_the_inverse_dct)
{
    static const uint16_t quant[2][4] = {{3, 5, 7, 11}, {1, 1, 1, 65535}};
    uint32_t state = 7;
    for (uint32_t n = 0; n < 20000; n++) {
        li_skim_block block;
        const uint16_t *q = quant[n % 2];
        double value[4];
        for (uint32_t i = 0; i < 4; i++) {
            block[i] = (int16_t)((int32_t)(test_random(&state) % 500) - 250);
            if (n % 10 == 0)
                block[i] = (int16_t)test_random(&state);
            if (i == 3 && n % 2)
                block[i] = 0;
            value[i] = (double)block[i] * q[i];
        }
        uint8_t out[2][2], *rows[2] = {out[0], out[1]};
        li_skim_samples((const li_skim_block *)&block, 1, q, 2, rows);
        for (uint32_t i = 0; i < 4; i++) {
            double exact = true_sample(value, i & 1, i >> 1);
            exact = exact < 0 ? 0 : exact > 255 ? 255 : exact;
            CHECK(fabs(out[i >> 1][i & 1] - exact) <= 0.5 + 1e-9);
        }
        li_skim_samples((const li_skim_block *)&block, 1, q, 1, rows);
        double mean = 128 + value[0] / 8;
        mean = mean < 0 ? 0 : mean > 255 ? 255 : mean;
        CHECK(fabs(out[0][0] - mean) <= 0.5);
    }
}

/* --- rows ----------------------------------------------------------------------------
 */

static const make plain[] = {
    {.width = 301, .height = 203, .components = 1},
    {.width = 301, .height = 203, .components = 1, .h = {2}, .v = {2}},
    {.width = 299, .height = 205, .components = 3, .h = {1, 1, 1}, .v = {1, 1, 1}},
    {.width = 299,
     .height = 205,
     .components = 3,
     .h = {1, 1, 1},
     .v = {1, 1, 1},
     .progressive = true},
    {.width = 299, .height = 205, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
    {.width = 299,
     .height = 205,
     .components = 3,
     .h = {2, 1, 1},
     .v = {2, 1, 1},
     .progressive = true},
};

TEST(at_an_eighth_rows_are_those_of_the_library)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        bytes file = make_jpeg(&plain[i]);
        li_ctx ctx;
        li_info info = {0}, same = {0};
        li_hint hint = {.shrink = 1};
        li_ctx_init(&ctx, NULL);
        uint8_t *theirs = decode_bytes(&ctx, file.data, file.size, hint, &info);
        hint.skim = true;
        uint8_t *ours = decode_bytes(&ctx, file.data, file.size, hint, &same);
        CHECK(ours && theirs && info.width == same.width && info.height == same.height);
        int worst = 0;
        double sum = 0;
        for (size_t n = 0; n < li_image_bytes(info);
             sum += abs(ours[n] - theirs[n]), n++)
            worst = abs(ours[n] - theirs[n]) > worst ? abs(ours[n] - theirs[n]) : worst;
        if (plain[i].h[0] == 2 && plain[i].components == 3) /* chroma is 2 × 2 */
            CHECK(sum / (double)li_image_bytes(info) < 3);
        else
            CHECK(worst <=
                  (plain[i].components == 1 ? 0 : 1)); /* colours are rounded */
        free(theirs);
        free(ours);
        free(file.data);
    }
}

TEST(a_region_is_a_part_of_the_whole)
{
    uint32_t state = 3;
    for (size_t n = 0; n < 200; n++) {
        bytes file = make_jpeg(&plain[n % 6]);
        li_ctx ctx;
        li_info info = {0}, part = {0};
        li_hint hint = {.shrink = (uint8_t)(1 + n / 6 % 2), .skim = true};
        li_ctx_init(&ctx, NULL);
        uint8_t *whole = decode_bytes(&ctx, file.data, file.size, hint, &info);
        hint.region.x = test_random(&state) % info.width;
        hint.region.y = test_random(&state) % info.height;
        hint.region.width = 1 + test_random(&state) % (info.width - hint.region.x);
        hint.region.height = 1 + test_random(&state) % (info.height - hint.region.y);
        uint8_t *cut = decode_bytes(&ctx, file.data, file.size, hint, &part);
        uint32_t bytes_of = li_pixel_bytes(info.pixel);
        CHECK(cut && part.width == hint.region.width);
        for (uint32_t y = 0; cut && y < part.height; y++)
            CHECK(memcmp(cut + y * li_row_bytes(part),
                         whole + (hint.region.y + y) * li_row_bytes(info) +
                             hint.region.x * bytes_of,
                         li_row_bytes(part)) == 0);
        CHECK_EQ(ctx.bytes, 0);
        free(whole);
        free(cut);
        free(file.data);
    }
}

int
main(void)
{
    RUN(coefficients_are_those_of_the_library);
    RUN(scans_by_hand_give_the_same);
    RUN(an_incomplete_progression_is_accepted_with_a_warning);
    RUN(shipped_files_have_the_same_coefficients_and_verdict);
    RUN(the_corpus_has_the_same_coefficients_and_verdict);
    RUN(any_window_will_do);
    RUN(samples_are_those_of_the_inverse_dct);
    RUN(at_an_eighth_rows_are_those_of_the_library);
    RUN(a_region_is_a_part_of_the_whole);
    return test_end();
}
