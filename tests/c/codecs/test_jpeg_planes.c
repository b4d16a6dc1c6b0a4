/* test_jpeg_planes.c: Y, Cb and Cr out of JPEGs of every sampling, and into them. */
#include "codecs/jpeg/effort.h"
#include "jpeg_make.h"
#include "kernels/kernels.h"

#include <math.h>

static const make kinds[] = {
    {.width = 149, .height = 131, .components = 3, .h = {1, 1, 1}, .v = {1, 1, 1}},
    {.width = 150, .height = 133, .components = 3, .h = {2, 1, 1}, .v = {1, 1, 1}},
    {.width = 151, .height = 134, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
    {.width = 147, .height = 135, .components = 3, .h = {1, 1, 1}, .v = {2, 1, 1}},
    {.width = 16, .height = 16, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
    {.width = 1, .height = 1, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
    {.width = 33, .height = 300, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
    {.width = 300, .height = 9, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const uint8_t shrinks[] = {0, 1, 2, 3, 4};

/* Three whole planes, packed; NULL after an error, which is in ctx. */
typedef struct planes3 {
    li_planar layout;
    uint8_t *data[LI_PLANES]; /* owned */
} planes3;

static void
planes_free(planes3 *planes)
{
    for (uint32_t p = 0; p < LI_PLANES; p++)
        free(planes->data[p]);
}

static li_status
pull(li_planes *stream, planes3 *planes)
{
    uint32_t y[LI_PLANES] = {0};
    while (y[0] < planes->layout.plane[0].height ||
           y[1] < planes->layout.plane[1].height ||
           y[2] < planes->layout.plane[2].height) {
        li_strip strip = {0};
        LI_TRY(stream->ops->next(stream, &strip));
        for (uint32_t p = 0; p < LI_PLANES; p++)
            for (uint32_t r = 0; r < strip.rows[p]; r++, y[p]++)
                memcpy(planes->data[p] + (size_t)y[p] * planes->layout.plane[p].width,
                       strip.data[p] + r * strip.stride[p],
                       planes->layout.plane[p].width);
    }
    for (uint32_t p = 0; p < LI_PLANES; p++)
        CHECK_EQ(y[p], planes->layout.plane[p].height);
    return LI_OK;
}

static li_status
decode_planes(li_ctx *ctx, bytes file, uint8_t shrink, planes3 *planes)
{
    li_source *source = NULL;
    li_planes *stream = NULL;
    li_header header;
    li_hint hint = {.shrink = shrink, .planes = true};
    memset(planes, 0, sizeof(*planes));
    LI_TRY(li_source_borrow(ctx, file.data, file.size, &source));
    li_status status = li_codec_jpeg.inspect(ctx, source, &header);
    if (status == LI_OK && CHECK(li_codec_jpeg.planar(&header, hint, &planes->layout)))
        status = li_codec_jpeg.decode_planes(ctx, source, &header, hint, &stream);
    for (uint32_t p = 0; p < LI_PLANES; p++)
        planes->data[p] = calloc((size_t)planes->layout.plane[p].width + 1,
                                 planes->layout.plane[p].height + 1);
    if (status == LI_OK)
        status = pull(stream, planes);
    if (status == LI_OK)
        CHECK(ctx->peak_bytes <= li_codec_jpeg.decode_bytes(&header, hint) + 4096);
    li_planes_close(&stream);
    li_source_close(&source);
    return status;
}

/* The library's own Y, Cb, Cr, each chroma sample repeated over what it stands for. */
static uint8_t *
truth(bytes file, uint8_t shrink, uint32_t *width, uint32_t *height)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, file.data, file.size);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.dct_method = JDCT_ISLOW;
    jpeg.do_fancy_upsampling = FALSE;
    jpeg.out_color_space = JCS_YCbCr;
    jpeg.scale_num = shrink ? shrink : 8;
    jpeg.scale_denom = 8;
    jpeg_start_decompress(&jpeg);
    *width = jpeg.output_width;
    *height = jpeg.output_height;
    uint8_t *all = malloc((size_t)*width * 3 * *height);
    for (uint32_t y = 0; y < *height; y++) {
        JSAMPROW row = all + (size_t)y * *width * 3;
        jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    return all;
}

static void
check_plane(const planes3 *planes, uint32_t p, const uint8_t *all, uint32_t width)
{
    const li_plane *luma = &planes->layout.plane[0], *plane = &planes->layout.plane[p];
    uint32_t across = luma->x_num * plane->x_den / (luma->x_den * plane->x_num);
    uint32_t down = luma->y_num * plane->y_den / (luma->y_den * plane->y_num);
    uint32_t wrong = 0;
    for (uint32_t y = 0; y < plane->height; y++)
        for (uint32_t x = 0; x < plane->width; x++)
            wrong += planes->data[p][(size_t)y * plane->width + x] !=
                     all[((size_t)y * down * width + x * across) * 3 + p];
    CHECK_EQ(wrong, 0);
}

TEST(every_kind_at_every_shrink_equals_the_library)
{
    for (uint32_t i = 0; i < KINDS * 3; i++)
        for (size_t s = 0; s < sizeof(shrinks); s++) {
            make how = kinds[i % KINDS];
            how.progressive = i / KINDS == 1;
            how.apart = i / KINDS == 2;
            bytes file = make_jpeg(&how);
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            planes3 planes;
            uint32_t width, height;
            uint8_t *all = truth(file, shrinks[s], &width, &height);
            CHECK_EQ(decode_planes(&ctx, file, shrinks[s], &planes), LI_OK);
            CHECK_EQ(planes.layout.plane[0].width, width);
            CHECK_EQ(planes.layout.plane[0].height, height);
            CHECK(!planes.layout.studio);
            for (uint32_t p = 0; p < LI_PLANES; p++)
                check_plane(&planes, p, all, width);
            CHECK_EQ(ctx.bytes, 0);
            planes_free(&planes);
            free(all);
            free(file.data);
        }
}

TEST(other_kinds_have_no_planes)
{
    static const make others[] = {
        {.width = 40, .height = 30, .components = 1},
        {.width = 40, .height = 30, .components = 3, .h = {4, 1, 1}, .v = {1, 1, 1}},
        {.width = 40, .height = 30, .components = 3, .h = {2, 1, 2}, .v = {2, 2, 1}},
        {.width = 40, .height = 30, .components = 3, .h = {1, 2, 1}, .v = {1, 1, 1}},
        {.width = 40, .height = 30, .components = 4},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        bytes file = make_jpeg(&others[i]);
        li_ctx ctx;
        li_header header;
        li_planar layout;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(inspect_bytes(&ctx, file.data, file.size, &header), LI_OK);
        CHECK(!li_codec_jpeg.planar(&header, (li_hint){0}, &layout));
        free(file.data);
    }
}

TEST(every_prefix_is_a_clean_error)
{
    make how = kinds[4];
    bytes file = make_jpeg(&how);
    for (size_t size = 0; size + 2 < file.size; size++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        planes3 planes;
        CHECK(decode_planes(&ctx, (bytes){file.data, size}, 0, &planes) != LI_OK);
        CHECK_EQ(ctx.bytes, 0);
        planes_free(&planes);
    }
    free(file.data);
}

/* --- into a file --------------------------------------------------------------------
 */

static li_status
encode_planes(li_ctx *ctx, li_info info, const li_encode *how, const planes3 *from,
              bytes *file)
{
    li_out *out = NULL;
    li_plane_sink *sink = NULL;
    li_status status = li_out_to_memory(ctx, &out);
    if (status == LI_OK)
        status = li_codec_jpeg.encode_planes(ctx, info, how, out, &sink);
    for (uint32_t y = 0; status == LI_OK && y < info.height; y++)
        for (uint32_t p = 0; status == LI_OK && p < LI_PLANES; p++) {
            const li_plane *plane = &from->layout.plane[p];
            if (y % plane->y_den > 0)
                continue;
            status = sink->ops->write(
                sink, p, from->data[p] + (size_t)(y / plane->y_den) * plane->width);
        }
    if (status == LI_OK)
        status = sink->ops->finish(sink);
    if (status == LI_OK)
        status = li_out_detach(out, &file->data, &file->size);
    li_plane_sink_close(&sink);
    li_out_close(&out);
    return status;
}

static planes3
made_planes(const li_planar *layout)
{
    planes3 planes = {.layout = *layout};
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        uint32_t width = layout->plane[p].width, height = layout->plane[p].height;
        planes.data[p] = malloc((size_t)width * height);
        for (uint32_t y = 0; y < height; y++)
            for (uint32_t x = 0; x < width; x++)
                planes.data[p][(size_t)y * width + x] =
                    (uint8_t)(128 + 100 * sin(x * 0.11 + p) * cos(y * 0.07 + p));
    }
    return planes;
}

static void
check_round_trip(li_info info, li_encode how)
{
    li_ctx ctx;
    li_planar layout;
    li_ctx_init(&ctx, NULL);
    CHECK(li_codec_jpeg.takes_planes(info, &how, &layout));
    planes3 from = made_planes(&layout), back;
    bytes file = {0};
    CHECK_EQ(encode_planes(&ctx, info, &how, &from, &file), LI_OK);
    /* The output grows in memory, copied once. */
    CHECK(ctx.peak_bytes <= li_codec_jpeg.encode_bytes(info, &how) +
                                2 * li_codec_jpeg.output_bytes(info, &how) + 4096);
    CHECK(file.size <= li_codec_jpeg.output_bytes(info, &how));
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(decode_planes(&ctx, file, 0, &back), LI_OK);
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        size_t samples = (size_t)layout.plane[p].width * layout.plane[p].height;
        int worst = 0;
        CHECK_EQ(back.layout.plane[p].width, layout.plane[p].width);
        CHECK_EQ(back.layout.plane[p].height, layout.plane[p].height);
        for (size_t i = 0; i < samples; i++) {
            int apart = abs(from.data[p][i] - back.data[p][i]);
            worst = apart > worst ? apart : worst;
        }
        CHECK(worst <=
              (how.effort < LI_EFFORT_TRELLIS
                   ? 3
                   : 8)); /* quality 100 rounds coefficients to whole numbers */
    }
    planes_free(&from);
    planes_free(&back);
    li_release(file.data);
}

TEST(planes_come_back)
{
    static const li_subsampling samplings[] = {LI_420, LI_422, LI_444};
    for (uint32_t width = 1; width < 70; width += 3)
        for (size_t s = 0; s < 3; s++) {
            li_encode how = li_encode_default();
            how.quality = 100;
            how.subsampling = samplings[s];
            how.progressive = (int8_t)(width % 2);
            check_round_trip((li_info){width, 71 - width, LI_RGB8}, how);
            how.effort = (int8_t)(width % 10);
            check_round_trip((li_info){width, 71 - width, LI_RGB8}, how);
        }
}

TEST(gray_comes_as_rows)
{
    li_encode how = li_encode_default();
    li_planar layout;
    CHECK(!li_codec_jpeg.takes_planes((li_info){9, 9, LI_GRAY8}, &how, &layout));
}

static void
check_allocations(int8_t effort)
{
    make make_how = kinds[2];
    bytes file = make_jpeg(&make_how), again = {0};
    li_info info = {40, 40, LI_RGB8};
    li_encode how = li_encode_default();
    li_planar layout;
    how.effort = effort;
    li_codec_jpeg.takes_planes(info, &how, &layout);
    planes3 from = made_planes(&layout);
    int64_t failures = 0;
    for (bool done = false; !done; failures++) {
        li_ctx ctx;
        planes3 planes;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = failures;
        li_status status = decode_planes(&ctx, file, 2, &planes);
        if (status == LI_OK)
            status = encode_planes(&ctx, info, &how, &from, &again);
        done = status == LI_OK;
        CHECK(done || status == LI_ENOMEM);
        CHECK(done || ctx.bytes == 0);
        planes_free(&planes);
    }
    CHECK(failures > 8);
    planes_free(&from);
    li_release(again.data);
    free(file.data);
}

TEST(every_allocation_fails_once)
{
    check_allocations(-1);
    check_allocations(LI_EFFORT_MOST);
}

int
main(void)
{
    RUN(every_kind_at_every_shrink_equals_the_library);
    RUN(other_kinds_have_no_planes);
    RUN(every_prefix_is_a_clean_error);
    RUN(planes_come_back);
    RUN(gray_comes_as_rows);
    RUN(every_allocation_fails_once);
    return test_end();
}
