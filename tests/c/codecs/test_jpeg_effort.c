/* test_jpeg_effort.c: what the efforts of the JPEG encoder are made of: tables, the
 * transform, and the files they give. test_jpeg_trellis.c has the searches. */
#include "codecs/jpeg/effort.h"
#include "jpeg_make.h"
#include "jpeg_oracle.h"

#include <math.h>

/* --- tables and the transform ----------------------------------------------------- */

TEST(the_standard_table_is_libjpegs)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg.in_color_space = JCS_RGB;
    jpeg.input_components = 3;
    jpeg_set_defaults(&jpeg);
    for (int quality = 1; quality <= 100; quality++) {
        li_jpeg_choice choice = {.quality = quality};
        jpeg_set_quality(&jpeg, quality, TRUE);
        for (int which = 0; which < 2; which++) {
            uint16_t table[DCTSIZE2];
            li_jpeg_quantization(&choice, which, table);
            for (int i = 0; i < DCTSIZE2; i++)
                CHECK_EQ(table[i], jpeg.quant_tbl_ptrs[which]->quantval[i]);
        }
    }
    jpeg_destroy_compress(&jpeg);
}

TEST(a_higher_quality_never_has_a_coarser_step)
{
    for (int way = 0; way < 14; way++)
        for (int which = 0; which < 2; which++) {
            uint16_t last[DCTSIZE2], table[DCTSIZE2];
            for (int quality = 1; quality <= 100; quality++) {
                int effort = 3 + way / 2;
                li_jpeg_choice choice = {.quality = quality,
                                         .effort = (int8_t)effort,
                                         .tuned = way % 2,
                                         .trellis = effort >= LI_EFFORT_TRELLIS};
                choice.frame.max_h = 1;
                li_jpeg_quantization(&choice, which, table);
                for (int i = 0; i < DCTSIZE2; i++)
                    CHECK(table[i] >= 1 && table[i] <= 255 &&
                          (quality == 1 || table[i] <= last[i]));
                memcpy(last, table, sizeof(last));
            }
            CHECK_EQ(table[0], 1);
        }
}

/* Effort 9 leaves more out, which shows where the steps are coarse. */
TEST(the_most_effort_has_finer_steps_at_low_qualities_alone)
{
    for (int quality = 1; quality <= 100; quality++) {
        li_jpeg_choice choice = {
            .quality = quality, .effort = 8, .tuned = true, .trellis = true};
        uint16_t usual[DCTSIZE2], most[DCTSIZE2];
        uint32_t usual_sum = 0, most_sum = 0;
        choice.frame.max_h = choice.frame.max_v = 2;
        li_jpeg_quantization(&choice, 0, usual);
        choice.effort = LI_EFFORT_MOST;
        li_jpeg_quantization(&choice, 0, most);
        for (int i = 0; i < DCTSIZE2; i++) {
            CHECK(most[i] <= usual[i] && 100 * most[i] + 100 >= 94 * usual[i]);
            usual_sum += usual[i];
            most_sum += most[i];
        }
        CHECK(most_sum < usual_sum || quality < 5 || quality > 35);
        CHECK(most_sum == usual_sum || quality < 40);
    }
}

TEST(the_order_of_a_file_is_the_zigzag)
{
    for (uint32_t k = 0; k < DCTSIZE2; k++)
        CHECK_EQ(li_jpeg_zigzag[k], oracle_place(k));
}

static double
dct_term(const float *samples, int u, int v)
{
    const double pi = 3.14159265358979323846;
    double sum = 0;
    for (int y = 0; y < DCTSIZE; y++)
        for (int x = 0; x < DCTSIZE; x++)
            sum += samples[y * DCTSIZE + x] * cos((2 * x + 1) * u * pi / 16) *
                   cos((2 * y + 1) * v * pi / 16);
    return sum / 4 * (u ? 1 : sqrt(0.5)) * (v ? 1 : sqrt(0.5));
}

TEST(the_transform_is_the_orthonormal_dct)
{
    uint32_t state = 3;
    for (int kind = 0; kind < 200; kind++) {
        float samples[DCTSIZE2];
        li_jpeg_block block;
        for (int i = 0; i < DCTSIZE2; i++)
            samples[i] = kind == 0   ? -128
                         : kind == 1 ? ((i ^ i >> 3) & 1 ? 127 : -128)
                                     : (float)(test_random(&state) % 25600) / 100 - 128;
        li_jpeg_transform(samples, DCTSIZE, block);
        for (int k = 0; k < DCTSIZE2; k++) {
            int at = li_jpeg_zigzag[k];
            double exact = LI_DCT_SCALE * dct_term(samples, at % 8, at / 8);
            CHECK(fabs(exact - block[k]) < 0.51);
        }
    }
}

/* --- files ----------------------------------------------------------------------- */

static uint8_t *
picture_of(li_info info)
{
    uint32_t channels = li_pixel_channels(info.pixel);
    uint8_t *data = malloc((size_t)info.width * info.height * channels);
    for (uint32_t y = 0; y < info.height; y++)
        for (uint32_t x = 0; x < info.width; x++)
            for (uint32_t c = 0; c < channels; c++)
                data[(y * info.width + x) * channels + c] =
                    make_sample(x / 3, y / 2, c);
    return data;
}

static bytes
encode(li_ctx *ctx, li_info info, const uint8_t *data, const li_encode *how)
{
    li_out *out = NULL;
    li_sink *sink = NULL;
    bytes file = {0};
    if (li_out_to_memory(ctx, &out) == LI_OK &&
        li_codec_jpeg.encode(ctx, info, how, out, &sink) == LI_OK) {
        li_status status = LI_OK;
        for (uint32_t y = 0; status == LI_OK && y < info.height; y++)
            status = li_sink_write(sink, data + y * li_row_bytes(info));
        if (status == LI_OK && li_sink_finish(sink) == LI_OK)
            (void)!li_out_detach(out, &file.data, &file.size);
    }
    li_sink_close(&sink);
    li_out_close(&out);
    return file;
}

/* What libjpeg makes of the same rows when left to itself. */
static bytes
plain_file(li_info info, const uint8_t *data, int quality)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    unsigned char *file = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &file, &size);
    jpeg.image_width = info.width;
    jpeg.image_height = info.height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality, TRUE);
    jpeg.optimize_coding = TRUE;
    jpeg_start_compress(&jpeg, TRUE);
    for (uint32_t y = 0; y < info.height; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(data + y * li_row_bytes(info));
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (bytes){file, size};
}

TEST(without_effort_the_file_is_libjpegs_own)
{
    static const uint8_t qualities[] = {1, 37, 75, 89};
    li_info info = {123, 45, LI_RGB8};
    uint8_t *data = picture_of(info);
    for (size_t i = 0; i < sizeof(qualities); i++) {
        li_encode how = li_encode_default();
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        how.quality = qualities[i];
        how.effort = 1;
        bytes ours = encode(&ctx, info, data, &how);
        bytes plain = plain_file(info, data, qualities[i]);
        CHECK_EQ(ours.size, plain.size);
        CHECK(ours.size == plain.size &&
              memcmp(ours.data, plain.data, plain.size) == 0);
        li_release(ours.data);
        free(plain.data);
    }
    free(data);
}

/* The block at (x, y) of a gray picture whose last column and row go on. */
static void
block_of(const uint8_t *data, li_info info, uint32_t x, uint32_t y, li_jpeg_block block)
{
    float samples[DCTSIZE2];
    for (uint32_t i = 0; i < DCTSIZE2; i++) {
        uint32_t column = x * 8 + i % 8, row = y * 8 + i / 8;
        column = column < info.width ? column : info.width - 1;
        row = row < info.height ? row : info.height - 1;
        samples[i] = (float)data[row * info.width + column] - 128;
    }
    li_jpeg_transform(samples, DCTSIZE, block);
}

/* What the pieces of effort.h say a gray picture's block becomes. */
static void
expected_of(const li_jpeg_rates *rates, const li_jpeg_quantizer *quantizer,
            const li_jpeg_block block, int16_t out[DCTSIZE2])
{
    float level[DCTSIZE2];
    uint16_t chosen[DCTSIZE2];
    li_jpeg_levels(quantizer, block, level);
    li_jpeg_trellis(rates, level, li_jpeg_weigh(li_jpeg_energy(block), 1400), chosen);
    chosen[0] = (uint16_t)(level[0] + 0.5f);
    for (int k = 0; k < DCTSIZE2; k++)
        out[li_jpeg_zigzag[k]] =
            (int16_t)(block[k] < 0 ? -(int)chosen[k] : (int)chosen[k]);
}

static void
check_coefficients(oracle *truth, li_info info, const uint8_t *data,
                   const li_encode *how)
{
    li_jpeg_choice choice = li_jpeg_choose(info, how);
    li_jpeg_quantizer quantizer;
    li_jpeg_counts counts = {0};
    li_jpeg_rates rates;
    uint16_t table[DCTSIZE2];
    uint32_t across = (info.width + 7) / 8, down = (info.height + 7) / 8;
    li_jpeg_quantization(&choice, 0, table);
    li_jpeg_quantizer_init(&quantizer, table);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t y = 0; y < down; y++) {
            JBLOCKARRAY rows = truth->jpeg.mem->access_virt_barray(
                (j_common_ptr)&truth->jpeg, truth->parts[0], y, 1, FALSE);
            int last_dc = 0;
            for (uint32_t x = 0; x < across; x++) {
                li_jpeg_block block;
                float level[DCTSIZE2];
                int16_t wanted[DCTSIZE2];
                block_of(data, info, x, y, block);
                li_jpeg_levels(&quantizer, block, level);
                if (pass == 0) {
                    li_jpeg_count_block(&counts, block, level, &last_dc);
                    continue;
                }
                expected_of(&rates, &quantizer, block, wanted);
                for (int i = 0; i < DCTSIZE2; i++)
                    CHECK_EQ(rows[0][x][i], wanted[i]);
            }
        }
        li_jpeg_rates_of(&rates, &counts);
    }
    for (int i = 0; i < DCTSIZE2; i++)
        CHECK_EQ(truth->jpeg.quant_tbl_ptrs[0]->quantval[i], table[i]);
}

TEST(the_file_has_the_coefficients_that_were_chosen)
{
    for (int way = 0; way < 6; way++) {
        li_info info = {way % 3 ? 97 : 64, way % 3 == 1 ? 3 : 70, LI_GRAY8};
        uint8_t *data = picture_of(info);
        li_encode how = li_encode_default();
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        how.effort = LI_EFFORT_TRELLIS;
        how.progressive = way / 3 ? 0 : -1;
        how.quality = 80;
        bytes file = encode(&ctx, info, data, &how);
        CHECK_EQ(ctx.status, LI_OK);
        oracle truth;
        oracle_open(&truth, file.data, file.size);
        if (CHECK(truth.parts != NULL))
            check_coefficients(&truth, info, data, &how);
        oracle_close(&truth);
        li_release(file.data);
        free(data);
    }
}

TEST(a_cancel_ends_every_pass)
{
    li_info info = {300, 200, LI_RGB8};
    uint8_t *data = picture_of(info);
    uint32_t stopped = 0;
    for (uint32_t polls = 0; polls < 400; polls++) {
        li_ctx ctx;
        li_out *out = NULL;
        li_sink *sink = NULL;
        li_encode how = li_encode_default();
        li_ctx_init(&ctx, NULL);
        how.effort = LI_EFFORT_MOST;
        atomic_int cancel = 0;
        ctx.cancel = &cancel;
        CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
        CHECK_EQ(li_codec_jpeg.encode(&ctx, info, &how, out, &sink), LI_OK);
        li_status status = LI_OK;
        for (uint32_t y = 0; status == LI_OK && y < info.height; y++) {
            cancel = y == polls;
            status = li_sink_write(sink, data + y * li_row_bytes(info));
        }
        cancel = polls >= info.height;
        if (status == LI_OK)
            status = li_sink_finish(sink);
        CHECK(status == LI_OK || status == LI_E500_CANCELLED);
        stopped += status != LI_OK;
        li_sink_close(&sink);
        li_out_close(&out);
        CHECK_EQ(ctx.bytes, 0);
    }
    CHECK(stopped >= 200); /* the rows that end a strip, and every finish */
    free(data);
}

int
main(void)
{
    RUN(the_standard_table_is_libjpegs);
    RUN(a_higher_quality_never_has_a_coarser_step);
    RUN(the_most_effort_has_finer_steps_at_low_qualities_alone);
    RUN(the_order_of_a_file_is_the_zigzag);
    RUN(the_transform_is_the_orthonormal_dct);
    RUN(without_effort_the_file_is_libjpegs_own);
    RUN(the_file_has_the_coefficients_that_were_chosen);
    RUN(a_cancel_ends_every_pass);
    return test_end();
}
