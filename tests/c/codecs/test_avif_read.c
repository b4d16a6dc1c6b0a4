/* test_avif_read.c: decoded rows against libavif's own conversion of the whole picture,
 * and the planes against its planes. */
#include "codecs/avif_make.h"

#include "image/planes.h"

static const avifPixelFormat formats[] = {
    AVIF_PIXEL_FORMAT_YUV444, AVIF_PIXEL_FORMAT_YUV422, AVIF_PIXEL_FORMAT_YUV420,
    AVIF_PIXEL_FORMAT_YUV400};

/* --- the slow truth --------------------------------------------------------------- */

/* RGBA of 8 bits, not premultiplied, by libavif's exact path. The caller's, free. */
static uint8_t *
truth_make(const avifRWData *file, avifImage *image)
{
    avifDecoder *decoder = avifDecoderCreate();
    decoder->maxThreads = 1;
    CHECK_EQ(avifDecoderReadMemory(decoder, image, file->data, file->size),
             AVIF_RESULT_OK);
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, image);
    rgb.depth = 8;
    rgb.format = AVIF_RGB_FORMAT_RGBA;
    rgb.chromaUpsampling = AVIF_CHROMA_UPSAMPLING_BILINEAR;
    rgb.avoidLibYUV = AVIF_TRUE;
    rgb.rowBytes = image->width * 4;
    rgb.pixels = malloc((size_t)rgb.rowBytes * image->height);
    CHECK_EQ(avifImageYUVToRGB(image, &rgb), AVIF_RESULT_OK);
    avifDecoderDestroy(decoder);
    return rgb.pixels;
}

static int
distance(uint8_t a, uint8_t b)
{
    return a > b ? a - b : b - a;
}

/* The largest difference; where nearly nothing is left of an un-premultiplied colour
 * its rounding is blown up, so colours below alpha 64 are not compared then. */
static int
worst_difference(const uint8_t *pixels, const li_header *header, const uint8_t *truth,
                 bool premultiplied)
{
    uint32_t channels = li_pixel_channels(header->pixel);
    bool gray = li_pixel_is_gray(header->pixel);
    bool alpha = li_pixel_has_alpha(header->pixel);
    int worst = 0;
    for (size_t i = 0; i < (size_t)header->width * header->height; i++) {
        const uint8_t *ours = pixels + i * channels, *theirs = truth + i * 4;
        if (alpha && distance(ours[channels - 1], theirs[3]) > worst)
            worst = distance(ours[channels - 1], theirs[3]);
        if (premultiplied && theirs[3] < 64)
            continue;
        for (uint32_t c = 0; c < (gray ? 1u : 3u); c++)
            if (distance(ours[c], theirs[c]) > worst)
                worst = distance(ours[c], theirs[c]);
    }
    return worst;
}

static void
check_against_libavif(avif_spec spec, int most)
{
    avifRWData file = file_make(spec);
    avifImage *image = avifImageCreateEmpty();
    uint8_t *truth = truth_make(&file, image), *pixels;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    if (CHECK_EQ(file_decode(&ctx, file.data, file.size, &header, &pixels), LI_OK)) {
        bool gray = spec.format == AVIF_PIXEL_FORMAT_YUV400;
        CHECK_EQ(header.width, image->width);
        CHECK_EQ(header.height, image->height);
        CHECK_EQ(header.bit_depth, spec.depth);
        CHECK_EQ(header.pixel, gray ? (spec.alpha ? LI_GRAYA8 : LI_GRAY8)
                                    : (spec.alpha ? LI_RGBA8 : LI_RGB8));
        int worst = worst_difference(pixels, &header, truth, spec.premultiplied);
        if (!CHECK(worst <= most))
            fprintf(stderr, "%ux%u depth %u format %d range %d matrix %d: off by %d\n",
                    spec.width, spec.height, spec.depth, (int)spec.format,
                    (int)spec.range, spec.matrix, worst);
    } else {
        fprintf(stderr, "%s\n", ctx.message);
    }
    free(pixels);
    free(truth);
    avifImageDestroy(image);
    avifRWDataFree(&file);
}

TEST(eight_bits_are_within_two_levels)
{
    for (int format = 0; format < 4; format++)
        for (int range = 0; range < 2; range++)
            for (int alpha = 0; alpha < 2; alpha++)
                check_against_libavif((avif_spec){.width = 67,
                                                  .height = 53,
                                                  .depth = 8,
                                                  .format = formats[format],
                                                  .range = (avifRange)range,
                                                  .matrix = 6,
                                                  .alpha = alpha},
                                      2);
}

TEST(ten_and_twelve_bits_are_within_one_level)
{
    for (int format = 0; format < 4; format++)
        for (int range = 0; range < 2; range++)
            for (uint32_t depth = 10; depth <= 12; depth += 2)
                check_against_libavif((avif_spec){.width = 66,
                                                  .height = 52,
                                                  .depth = depth,
                                                  .format = formats[format],
                                                  .range = (avifRange)range,
                                                  .matrix = 1,
                                                  .alpha = range},
                                      1);
}

TEST(every_matrix_is_within_one_level)
{
    static const int matrices[] = {0, 1, 2, 4, 5, 6, 7, 8, 9, 12};
    for (size_t i = 0; i < sizeof(matrices) / sizeof(matrices[0]); i++)
        for (int format = 0; format < (matrices[i] ? 3 : 1); format++)
            check_against_libavif((avif_spec){.width = 35,
                                              .height = 129,
                                              .depth = 8,
                                              .format = formats[format],
                                              .range = AVIF_RANGE_FULL,
                                              .matrix = matrices[i],
                                              .alpha = i % 2 == 0},
                                  1);
}

TEST(every_small_size_is_right)
{
    for (uint32_t width = 1; width <= 6; width++)
        for (uint32_t height = 1; height <= 5; height++)
            for (int format = 0; format < 4; format++)
                check_against_libavif((avif_spec){.width = width,
                                                  .height = height,
                                                  .depth = 8,
                                                  .format = formats[format],
                                                  .range = AVIF_RANGE_FULL,
                                                  .matrix = 6},
                                      1);
}

TEST(premultiplied_colours_are_divided)
{
    for (int format = 0; format < 3; format++)
        check_against_libavif((avif_spec){.width = 40,
                                          .height = 30,
                                          .depth = 8,
                                          .format = formats[format],
                                          .range = AVIF_RANGE_FULL,
                                          .matrix = 6,
                                          .alpha = true,
                                          .premultiplied = true},
                              4); /* a level is up to 255 / 64 of one */
}

TEST(grids_and_sequences_are_read)
{
    avif_spec grid = {.width = 64,
                      .height = 66,
                      .depth = 8,
                      .format = AVIF_PIXEL_FORMAT_YUV420,
                      .range = AVIF_RANGE_FULL,
                      .matrix = 6,
                      .columns = 3,
                      .rows = 2};
    check_against_libavif(grid, 1);
    grid.alpha = true;
    check_against_libavif(grid, 1);
    avif_spec sequence = {.width = 64,
                          .height = 48,
                          .depth = 8,
                          .format = AVIF_PIXEL_FORMAT_YUV420,
                          .range = AVIF_RANGE_FULL,
                          .matrix = 6,
                          .frames = 3};
    check_against_libavif(sequence, 1);
    sequence.alpha = true;
    check_against_libavif(sequence, 1);
}

/* --- planes ----------------------------------------------------------------------- */

static void
check_planes(avif_spec spec)
{
    avifRWData file = file_make(spec);
    avifImage *image = avifImageCreateEmpty();
    uint8_t *truth = truth_make(&file, image);
    li_source *source;
    li_header header;
    li_planar layout;
    li_planes *planes;
    li_rows *ports[LI_PLANES] = {0};
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    CHECK_EQ(li_codec_avif.inspect(&ctx, source, &header), LI_OK);
    CHECK(li_codec_avif.planar(&header, (li_hint){0}, &layout));
    CHECK_EQ(layout.studio, spec.range == AVIF_RANGE_LIMITED);
    CHECK_EQ(li_codec_avif.decode_planes(&ctx, source, &header, (li_hint){0}, &planes),
             LI_OK);
    if (ctx.status == LI_OK)
        CHECK_EQ(li_planes_ports(&planes, ports), LI_OK);
    for (int p = 0; p < LI_PLANES && ports[p]; p++)
        for (uint32_t y = 0; y < ports[p]->info.height; y++) {
            const uint8_t *row;
            CHECK_EQ(li_rows_next(ports[p], &row), LI_OK);
            CHECK(memcmp(row, image->yuvPlanes[p] + (size_t)y * image->yuvRowBytes[p],
                         ports[p]->info.width) == 0);
        }
    for (int p = 0; p < LI_PLANES; p++)
        li_rows_close(&ports[p]);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
    free(truth);
    avifImageDestroy(image);
    avifRWDataFree(&file);
}

TEST(planes_are_the_frame_s_own)
{
    for (int format = 0; format < 3; format++)
        for (int range = 0; range < 2; range++) {
            avif_spec spec = {.width = 67,
                              .height = 53,
                              .depth = 8,
                              .format = formats[format],
                              .range = (avifRange)range,
                              .matrix = 6};
            check_planes(spec);
            spec.width = spec.height = 1 + (uint32_t)range;
            check_planes(spec);
            spec.matrix = 5;
            spec.width = spec.height = 64;
            spec.columns = spec.rows = 2;
            check_planes(spec);
        }
}

TEST(planes_are_offered_where_nothing_is_over_them)
{
    static const avif_spec specs[] = {
        {.depth = 10, .format = AVIF_PIXEL_FORMAT_YUV420, .matrix = 6},
        {.depth = 8, .format = AVIF_PIXEL_FORMAT_YUV400, .matrix = 6},
        {.depth = 8, .format = AVIF_PIXEL_FORMAT_YUV420, .matrix = 1},
        {.depth = 8, .format = AVIF_PIXEL_FORMAT_YUV420, .matrix = 6, .alpha = true},
    };
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        avif_spec spec = specs[i];
        spec.width = spec.height = 32;
        spec.range = AVIF_RANGE_FULL;
        avifRWData file = file_make(spec);
        uint8_t *pixels;
        li_header header;
        li_planar layout;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(file_decode(&ctx, file.data, file.size, &header, &pixels), LI_OK);
        CHECK(!li_codec_avif.planar(&header, (li_hint){0}, &layout));
        free(pixels);
        avifRWDataFree(&file);
    }
}

/* --- orientation ------------------------------------------------------------------ */

/* (x, y) of the stored picture after a quarter turn anticlockwise, times `rotation`,
 * then a mirror: 1 top and bottom change places, 2 left and right. */
static void
turn(int rotation, int mirror, int side, int *x, int *y)
{
    for (; rotation > 0; rotation--) {
        int old = *x;
        *x = *y;
        *y = side - 1 - old;
    }
    if (mirror == 1)
        *y = side - 1 - *y;
    if (mirror == 2)
        *x = side - 1 - *x;
}

/* The same by EXIF's number. */
static void
turn_by_exif(int number, int side, int *x, int *y)
{
    int far_x = side - 1 - *x, far_y = side - 1 - *y, old_x = *x, old_y = *y;
    const int places[9][2] = {{0, 0},         {old_x, old_y}, {far_x, old_y},
                              {far_x, far_y}, {old_x, far_y}, {old_y, old_x},
                              {far_y, old_x}, {far_y, far_x}, {old_y, far_x}};
    *x = places[number][0];
    *y = places[number][1];
}

TEST(turns_and_mirrors_become_one_orientation)
{
    for (int rotation = 0; rotation < 4; rotation++)
        for (int mirror = 0; mirror < 3; mirror++) {
            avifRWData file = file_make((avif_spec){.width = 16,
                                                    .height = 16,
                                                    .depth = 8,
                                                    .format = AVIF_PIXEL_FORMAT_YUV420,
                                                    .range = AVIF_RANGE_FULL,
                                                    .matrix = 6,
                                                    .rotation = rotation,
                                                    .mirror = mirror});
            uint8_t *pixels;
            li_header header;
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            CHECK_EQ(file_decode(&ctx, file.data, file.size, &header, &pixels), LI_OK);
            int x = 3, y = 1, their_x = 3, their_y = 1;
            turn(rotation, mirror, 16, &x, &y);
            turn_by_exif(header.orientation, 16, &their_x, &their_y);
            CHECK_EQ(x, their_x);
            CHECK_EQ(y, their_y);
            free(pixels);
            avifRWDataFree(&file);
        }
}

int
main(void)
{
    RUN(eight_bits_are_within_two_levels);
    RUN(ten_and_twelve_bits_are_within_one_level);
    RUN(every_matrix_is_within_one_level);
    RUN(every_small_size_is_right);
    RUN(premultiplied_colours_are_divided);
    RUN(grids_and_sequences_are_read);
    RUN(planes_are_the_frame_s_own);
    RUN(planes_are_offered_where_nothing_is_over_them);
    RUN(turns_and_mirrors_become_one_orientation);
    return test_end();
}
