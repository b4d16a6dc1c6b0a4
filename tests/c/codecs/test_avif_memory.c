/* test_avif_memory.c: AVIF's bounds and charges against the true heap, and a libaom
 * that does not know an option: malloc and libavif's setter are ours here. */
#include "codecs/avif_make.h"
#include "codecs/heap_meter.h"

#ifdef HEAP_METER

#include <dlfcn.h>

/* --- libavif's setter --------------------------------------------------------------
 */

static const char *unknown; /* the option that libaom does not know; NULL: none */
static uint32_t options_set;

#if AVIF_VERSION >= 1000000
typedef avifResult set_result;
#else
typedef void set_result;
#endif

set_result
avifEncoderSetCodecSpecificOption(avifEncoder *encoder, const char *key,
                                  const char *value)
{
    union {
        void *object;
        set_result (*call)(avifEncoder *, const char *, const char *);
    } real = {dlsym(RTLD_NEXT, "avifEncoderSetCodecSpecificOption")};
    options_set++;
    return real.call(encoder, unknown && strstr(key, unknown) ? "no-such-word" : key,
                     value);
}

/* --- decode ----------------------------------------------------------------------- */

static bool
has_planes(const avifRWData *file)
{
    li_header header;
    li_source *source;
    li_planar layout;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, file->data, file->size, &source), LI_OK);
    CHECK_EQ(li_codec_avif.inspect(&ctx, source, &header), LI_OK);
    li_source_close(&source);
    return li_codec_avif.planar(&header, (li_hint){.planes = true}, &layout);
}

static void
check_decode(avif_spec spec)
{
    avifRWData file = file_make(spec);
    int ways = has_planes(&file) ? 2 : 1;
    for (int way = 0; way < ways; way++) {
        li_hint hint = {.planes = way == 1};
        heap_use use;
        CHECK_EQ(decode_watched(&li_codec_avif, file.data, file.size, hint, -1, &use),
                 LI_OK);
        CHECK(heap_peak > 0 && use.ledger <= use.bound);
        if (!CHECK((uint64_t)heap_peak <= use.ledger))
            fprintf(stderr,
                    "%ux%u %u bit, format %d, alpha %d, %u cells: %lld of %llu\n",
                    spec.width, spec.height, spec.depth, (int)spec.format, spec.alpha,
                    spec.columns * spec.rows, (long long)heap_peak,
                    (unsigned long long)use.ledger);
    }
    avifRWDataFree(&file);
}

static const uint32_t sizes[][2] = {{1, 1}, {40, 30}, {700, 500}, {3001, 33}};

TEST(decode_charges_cover_the_heap_at_every_depth_and_subsampling)
{
    static const avifPixelFormat formats[] = {
        AVIF_PIXEL_FORMAT_YUV420, AVIF_PIXEL_FORMAT_YUV422, AVIF_PIXEL_FORMAT_YUV444,
        AVIF_PIXEL_FORMAT_YUV400};
    for (int i = 0; i < 4 * 3 * 4; i++)
        for (int alpha = 0; alpha < 2; alpha++)
            check_decode((avif_spec){.width = sizes[i % 4][0],
                                     .height = sizes[i % 4][1],
                                     .depth = 8 + 2 * (uint32_t)(i / 4 % 3),
                                     .format = formats[i / 12],
                                     .matrix = 6,
                                     .alpha = alpha});
}

TEST(decode_charges_cover_the_heap_of_grids)
{
    for (uint32_t i = 0; i < 8; i++)
        check_decode((avif_spec){.width = i & 4 ? 256 : 64,
                                 .height = 128,
                                 .depth = i & 1 ? 10 : 8,
                                 .format = i & 2 ? AVIF_PIXEL_FORMAT_YUV444
                                                 : AVIF_PIXEL_FORMAT_YUV420,
                                 .matrix = 6,
                                 .alpha = i & 1,
                                 .columns = 2,
                                 .rows = 3});
}

/* Before 1.1.0 libavif ends the process when it gets no memory. */
TEST(every_malloc_of_a_decode_fails_once)
{
    avifRWData file = file_make((avif_spec){.width = 40,
                                            .height = 30,
                                            .depth = 8,
                                            .format = AVIF_PIXEL_FORMAT_YUV420,
                                            .matrix = 6,
                                            .alpha = true});
    li_status status = AVIF_VERSION < 1010000 ? LI_OK : LI_ENOMEM;
    int64_t n = 0;
    for (; status != LI_OK && n < 2000; n++) {
        heap_use use;
        status =
            decode_watched(&li_codec_avif, file.data, file.size, (li_hint){0}, n, &use);
        CHECK(status == LI_OK || status == LI_ENOMEM || status == LI_E130_CORRUPT ||
              status == LI_E131_DECODE);
    }
    CHECK(n < 2000);
    avifRWDataFree(&file);
}

/* --- encoding ----------------------------------------------------------------------
 */

typedef struct measured {
    uint64_t heap, size; /* the highest heap; bytes of the file */
    uint64_t bound;
} measured;

/* Noise, by rows; the output grows in what is counted. */
static li_status
encode_noise(li_info info, const li_encode *how, measured *found)
{
    size_t size = 0, stride = li_row_bytes(info);
    uint32_t state = 5;
    uint8_t *data = NULL, *row = malloc(stride);
    li_sink *sink = NULL;
    li_out *out = NULL;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    heap_watch(-1);
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    li_status status = li_codec_avif.encode(&ctx, info, how, out, &sink);
    /* It is asked for and given back at once, and no page of it is touched. */
    heap_peak = heap_now;
    for (uint32_t y = 0; status == LI_OK && y < info.height; y++) {
        for (size_t i = 0; i < stride; i++)
            row[i] = (uint8_t)(test_random(&state) >> 24);
        status = li_sink_write(sink, row);
    }
    if (status == LI_OK)
        status = li_sink_finish(sink);
    li_sink_close(&sink);
    if (status == LI_OK)
        status = li_out_detach(out, &data, &size);
    li_out_close(&out);
    heap_unwatch();
    li_release(data);
    free(row);
    CHECK_EQ(ctx.bytes, 0);
    *found = (measured){(uint64_t)heap_peak, size,
                        li_codec_avif.encode_bytes(info, how) +
                            li_codec_avif.output_bytes(info, how)};
    return status;
}

static const uint32_t shapes[][2] = {{800, 600}, {2000, 1500}, {320, 240}, {1, 1}};

/* docs/zero-copy.md promises 16 MB and 32 bytes a pixel of the output, file included.
 */
TEST(noise_takes_no_more_than_is_promised)
{
    for (int i = 0; i < 4; i++) {
        li_info info = {shapes[i][0], shapes[i][1], LI_RGB8};
        li_encode how = li_encode_default();
        measured found;
        CHECK_EQ(encode_noise(info, &how, &found), LI_OK);
        uint64_t promise = 16000000 + 32ull * info.width * info.height;
        if (!CHECK(found.heap > 0 && found.heap <= promise))
            fprintf(stderr, "%ux%u: %llu of %llu\n", info.width, info.height,
                    (unsigned long long)found.heap, (unsigned long long)promise);
    }
}

TEST(encode_bytes_bounds_the_heap_at_every_speed)
{
    static const li_pixel pixels[] = {LI_RGB8, LI_RGBA8, LI_GRAY8};
    for (int8_t speed = 4; speed <= 10; speed++)
        for (int i = 0; i < 3; i++) {
            li_info info = {520, 505, pixels[i]};
            li_encode how = li_encode_default();
            measured found;
            how.speed = speed;
            how.quality = speed % 2 ? 60 : 95; /* 4:2:0, 4:4:4 */
            CHECK_EQ(encode_noise(info, &how, &found), LI_OK);
            if (!CHECK(found.heap <= found.bound))
                fprintf(stderr, "speed %d %s: %llu of %llu\n", speed,
                        li_pixel_name(info.pixel), (unsigned long long)found.heap,
                        (unsigned long long)found.bound);
        }
}

static void
check_encode(li_info info, const li_encode *how, bool extreme)
{
    size_t size = li_row_bytes(info) * info.height;
    uint8_t *pixels = malloc(size);
    heap_use use;
    fill_noise(pixels, size, extreme);
    CHECK_EQ(encode_watched(&li_codec_avif, info, how, pixels, -1, &use), LI_OK);
    CHECK(use.written > 0 && heap_peak > 0);
    /* encode_bytes leaves out the sink, whose tables take 4 KB, and a row. */
    CHECK(use.ledger <= use.bound + (6 << 10) + li_row_bytes(info));
    if (!CHECK((uint64_t)heap_peak <= use.ledger))
        fprintf(stderr, "%ux%u %s q%d speed %d subsampling %d: %lld of %llu\n",
                info.width, info.height, li_pixel_name(info.pixel), how->quality,
                how->speed, (int)how->subsampling, (long long)heap_peak,
                (unsigned long long)use.ledger);
    free(pixels);
}

TEST(encode_charges_cover_the_heap_for_the_worst_pictures)
{
    static const uint32_t sizes_out[][2] = {{1, 1}, {64, 64}, {320, 200}, {1500, 17}};
    static const li_pixel layouts[] = {LI_RGB8, LI_RGBA8, LI_GRAY8};
    for (int i = 0; i < 4 * 3 * 3; i++) {
        li_encode how = li_encode_default();
        how.bit_depth = (uint8_t[]){8, 10, 12}[(i + i / 4) % 3];
        li_info info = {sizes_out[i % 4][0], sizes_out[i % 4][1],
                        li_codec_avif.accepts(layouts[i / 4 % 3], &how)};
        how.quality = (uint8_t)(i / 12 == 0 ? 60 : 95);
        how.speed = (int8_t)(i / 12 == 2 ? 10 : 8);
        how.subsampling = i / 12 == 1 ? LI_444 : LI_420;
        check_encode(info, &how, i % 2);
    }
}

/* A cell, a band of them, and what is written: into memory, as the meter's own output
 * cannot be written over. */
TEST(encode_bytes_bounds_the_heap_of_a_grid)
{
    static const li_pixel pixels[] = {LI_RGB8, LI_RGBA8, LI_GRAYA8, LI_RGBA16};
    for (int i = 0; i < 4 * 2; i++) {
        li_info info = {600, 400, pixels[i / 2]};
        li_encode how = li_encode_default();
        measured found;
        how.speed = i % 2 ? 10 : 6;
        how.lossless = i % 2;
        how.cell_side = 192;
        CHECK_EQ(encode_noise(info, &how, &found), LI_OK);
        if (!CHECK(found.heap > 0 && found.heap <= found.bound))
            fprintf(stderr, "%s: %llu of %llu\n", li_pixel_name(info.pixel),
                    (unsigned long long)found.heap, (unsigned long long)found.bound);
    }
}

TEST(an_option_that_libaom_does_not_know_fails_no_job)
{
    static const char *const words[] = {"min-partition-size", "use-intra-dct-only",
                                        "sb-size", "enable-cdef", "enable-intrabc"};
    li_info info = {70, 50, LI_RGBA8};
    li_encode how = li_encode_default();
    measured found;
    options_set = 0;
    CHECK_EQ(encode_noise(info, &how, &found), LI_OK);
    CHECK_EQ(options_set, 5);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        unknown = words[i];
        options_set = 0;
        CHECK_EQ(encode_noise(info, &how, &found), LI_OK);
        unknown = NULL;
        CHECK(found.size > 0);
        CHECK_EQ(options_set, 5 + 1); /* all, then the one of memory, then none */
    }
}

TEST(only_speeds_4_to_8_with_loss_are_tuned)
{
    for (int8_t speed = 0; speed <= 10; speed++)
        for (int i = 0; i < 3; i++) {
            li_info info = {40, 30, LI_RGB8};
            li_encode how = li_encode_default();
            measured found;
            how.speed = speed;
            how.lossless = i == 1;
            how.quality = i == 2 ? 100 : 0;
            options_set = 0;
            CHECK_EQ(encode_noise(info, &how, &found), LI_OK);
            CHECK_EQ(options_set, i == 0 && speed >= 4 && speed <= 8 ? 5 : 1);
        }
}

int
main(void)
{
    if (!heap_is_ours())
        return heap_is_not_ours();
    RUN(decode_charges_cover_the_heap_at_every_depth_and_subsampling);
    RUN(decode_charges_cover_the_heap_of_grids);
    RUN(every_malloc_of_a_decode_fails_once);
    RUN(encode_charges_cover_the_heap_for_the_worst_pictures);
    RUN(noise_takes_no_more_than_is_promised);
    RUN(encode_bytes_bounds_the_heap_at_every_speed);
    RUN(encode_bytes_bounds_the_heap_of_a_grid);
    RUN(only_speeds_4_to_8_with_loss_are_tuned);
    RUN(an_option_that_libaom_does_not_know_fails_no_job);
    return test_end();
}

#else

int
main(void)
{
    return heap_is_not_ours();
}

#endif
