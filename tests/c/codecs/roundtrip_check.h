/* roundtrip_check.h: a picture and options that a few bytes choose, through an encoder
 * and its decoder: equal where nothing may be lost, near where something may, within
 * the bounds that the codec told; abort where not. Shared by the fuzzer and by the
 * test that draws its bytes by chance. */
#ifndef LI_TESTS_ROUNDTRIP_CHECK_H
#define LI_TESTS_ROUNDTRIP_CHECK_H

#include "codecs/decode_check.h"
#include "image/frame.h"

enum { ROUND_BYTES = 16, ROUND_SIDE = 70 };

typedef enum round_style { ROUND_FLAT, ROUND_SMOOTH, ROUND_NOISE } round_style;

typedef struct round_trip {
    const li_codec *codec;
    li_info info;
    li_encode how;
    round_style style;
    bool planes; /* from planes, where the codec takes them */
    uint8_t *samples;
    uint8_t *file; /* li_release */
    size_t size;
} round_trip;

static inline const li_codec *
round_codec(uint8_t byte)
{
    static const li_codec *const codecs[] = {
        &li_codec_jpeg,
        &li_codec_jpeg,
        &li_codec_png,
        &li_codec_png,
#if defined(LI_HAVE_WEBP)
        &li_codec_webp,
        &li_codec_webp,
#endif
#if defined(LI_HAVE_AVIF)
        &li_codec_avif,
#endif
    };
    return codecs[byte % (sizeof(codecs) / sizeof(codecs[0]))];
}

/* Every option at any of its values. */
static inline li_encode
round_options(const uint8_t bytes[8])
{
    li_encode how = li_encode_default();
    how.quality = bytes[0] % 101;
    how.progressive = (int8_t)(bytes[1] % 3 - 1);
    how.optimize = (int8_t)(bytes[1] / 3 % 3 - 1);
    how.subsampling = (li_subsampling)(bytes[1] / 9 % 4);
    how.compression = (int8_t)(bytes[2] % 11 - 1);
    how.lossless = bytes[3] % 4 == 0;
    how.near_lossless = (int8_t)(bytes[3] % 4 == 1 ? bytes[4] % 101 : -1);
    how.method = (int8_t)(bytes[5] % 8 - 1);
    how.smart_subsample = bytes[5] & 8;
    how.alpha_quality = (int8_t)(bytes[6] & 1 ? bytes[6] / 2 % 101 : -1);
    how.low_memory = (int8_t)(bytes[5] / 16 % 3 - 1);
    how.speed = (int8_t)(bytes[7] % 16 < 14 ? 10 - bytes[7] % 5 : -1);
    how.interlace = bytes[6] & 128;
    how.palette = bytes[7] & 32 ? (uint16_t)(2 + bytes[0] % 255) : 0;
    how.bit_depth = (uint8_t)(bytes[7] & 64 ? 1u << bytes[4] % 4 : 0);
    how.dither = bytes[1] & 128 ? 0 : -1;
    how.cell_side = bytes[7] & 128 ? 64 : 0;
    if (bytes[6] & 64)
        how.cicp = (li_cicp){.primaries = bytes[2] & 16 ? 12 : 9,
                             .transfer = bytes[2] & 32 ? 13 : 16};
    return how;
}

/* Samples of a style; a picture of a few colours once in four, for palettes. */
static inline void
round_paint(round_trip *trip, uint32_t seed)
{
    uint32_t n = li_pixel_channels(trip->info.pixel), few = seed >> 8 & 3;
    uint32_t slope = 1 + seed % 3;
    uint32_t flat = seed * 2654435761u;
    uint8_t *to = trip->samples;
    for (uint32_t y = 0; y < trip->info.height; y++)
        for (uint32_t x = 0; x < trip->info.width; x++)
            for (uint32_t c = 0; c < n; c++, to++) {
                uint32_t wave = (x * slope + y + c * 9) % 510;
                seed = seed * 1664525u + 1013904223u;
                *to = (uint8_t)(trip->style == ROUND_FLAT ? flat >> 8 * c
                                : trip->style == ROUND_SMOOTH
                                    ? (wave > 255 ? 510 - wave : wave)
                                : few == 0 ? seed >> 30 << 6
                                           : seed >> 24);
            }
}

static inline round_trip
round_of(const uint8_t bytes[ROUND_BYTES])
{
    static const li_pixel layouts[4] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    round_trip trip = {.codec = round_codec(bytes[0]),
                       .style = (round_style)(bytes[1] / 8 % 3),
                       .planes = bytes[1] & 4};
    trip.how = round_options(bytes + 4);
    trip.info = (li_info){1 + bytes[2] % ROUND_SIDE, 1 + bytes[3] % ROUND_SIDE,
                          trip.codec->accepts(layouts[bytes[1] % 4], &trip.how)};
    trip.samples = malloc((size_t)li_image_bytes(trip.info));
    round_paint(&trip, (uint32_t)bytes[12] | (uint32_t)bytes[13] << 8 |
                           (uint32_t)bytes[14] << 16 | (uint32_t)bytes[15] << 24);
    return trip;
}

static inline void
round_must(bool good, const round_trip *trip, const char *what, double value)
{
    const li_encode *how = &trip->how;
    if (good)
        return;
    fprintf(stderr,
            "%s %ux%u %s style %d: %s (%.3f): quality %u, progressive %d, optimize %d, "
            "subsampling %d, compression %d, lossless %d, near %d, method %d, smart "
            "%d, alpha %d, low %d, speed %d, planes %d, palette %u, bits %u, "
            "interlace %d, cells %u\n",
            trip->codec->name, trip->info.width, trip->info.height,
            li_pixel_name(trip->info.pixel), (int)trip->style, what, value,
            how->quality, how->progressive, how->optimize, (int)how->subsampling,
            how->compression, how->lossless, how->near_lossless, how->method,
            how->smart_subsample, how->alpha_quality, how->low_memory, how->speed,
            trip->planes, how->palette, how->bit_depth, how->interlace, how->cell_side);
    abort();
}

/* --- there ------------------------------------------------------------------------ */

/* Each row from a block of its own size, so that a sanitizer sees who reads behind. */
static inline li_status
round_rows(const round_trip *trip, li_sink *sink)
{
    size_t bytes = li_row_bytes(trip->info);
    li_status status = LI_OK;
    for (uint32_t y = 0; status == LI_OK && y < trip->info.height; y++) {
        uint8_t *row = malloc(bytes);
        memcpy(row, trip->samples + y * bytes, bytes);
        status = li_sink_write(sink, row);
        free(row);
    }
    return status == LI_OK ? li_sink_finish(sink) : status;
}

/* Rows of the picture as planes: sample (x, y) of each is that of the first channel. */
static inline li_status
round_planes(li_ctx *ctx, round_trip *trip, const li_planar *layout,
             li_plane_sink *sink)
{
    li_frame frames[LI_PLANES] = {{{0, 0, 0}, 0, NULL}};
    li_rows *rows[LI_PLANES] = {NULL};
    li_pump_times times;
    li_status status = LI_OK;
    uint32_t n = li_pixel_channels(trip->info.pixel);
    for (int p = 0; p < LI_PLANES && status == LI_OK; p++) {
        li_info info = {layout->plane[p].width, layout->plane[p].height, LI_GRAY8};
        frames[p] = (li_frame){info, (int64_t)info.width,
                               malloc((size_t)info.width * info.height + LI_ROW_SLACK)};
        for (uint32_t i = 0; i < info.width * info.height; i++)
            frames[p].pixels[i] = trip->samples[i * n];
        status = li_frame_rows(ctx, &frames[p], &rows[p]);
    }
    if (status == LI_OK)
        status = li_planes_pump(rows, sink, &times);
    for (int p = 0; p < LI_PLANES; p++) {
        li_rows_close(&rows[p]);
        free(frames[p].pixels);
    }
    return status;
}

static inline li_status
round_encode(li_ctx *ctx, round_trip *trip, li_out *out)
{
    li_planar layout;
    const li_codec *codec = trip->codec;
    trip->planes = trip->planes && codec->takes_planes &&
                   codec->takes_planes(trip->info, &trip->how, &layout);
    li_status status;
    if (trip->planes) {
        li_plane_sink *sink = NULL;
        status = codec->encode_planes(ctx, trip->info, &trip->how, out, &sink);
        if (status == LI_OK)
            status = round_planes(ctx, trip, &layout, sink);
        li_plane_sink_close(&sink);
    } else {
        li_sink *sink = NULL;
        status = codec->encode(ctx, trip->info, &trip->how, out, &sink);
        if (status == LI_OK)
            status = round_rows(trip, sink);
        li_sink_close(&sink);
    }
    return status;
}

static inline void
round_there(round_trip *trip)
{
    li_limits limits = check_limits();
    li_out *out = NULL;
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    uint64_t most = trip->codec->output_bytes(trip->info, &trip->how);
    uint64_t bound = trip->codec->encode_bytes(trip->info, &trip->how);
    li_status status = li_out_to_memory(&ctx, &out);
    if (status == LI_OK)
        li_out_expect(out, most);
    if (status == LI_OK)
        status = round_encode(&ctx, trip, out);
    if (status == LI_OK)
        status = li_out_detach(out, &trip->file, &trip->size);
    li_out_close(&out);
    round_must(status == LI_OK, trip, ctx.message, status);
    round_must(trip->size <= most, trip, "more bytes than told", (double)trip->size);
    round_must(ctx.peak_bytes <= bound + most + 65536, trip, "more memory than told",
               (double)ctx.peak_bytes);
    check_end(&ctx, status);
}

/* --- and back --------------------------------------------------------------------- */

/* The decoded samples as RGBA of the picture that was, malloc'd. */
static inline uint8_t *
round_back(const round_trip *trip, li_header *header)
{
    li_limits limits = check_limits();
    li_source *source = NULL;
    li_rows *rows = NULL;
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    uint32_t width = trip->info.width, height = trip->info.height;
    uint8_t *to = malloc((size_t)width * height * 4), *made = to;
    li_status status = li_source_borrow(&ctx, trip->file, trip->size, &source);
    if (status == LI_OK)
        status = trip->codec->inspect(&ctx, source, header);
    if (status == LI_OK)
        status = trip->codec->decode(&ctx, source, header, (li_hint){0}, &rows);
    round_must(status == LI_OK, trip, ctx.message, status);
    bool tells = trip->codec->numbers != LI_NUMBERS_NONE && trip->how.cicp.primaries;
    round_must(!tells || (header->cicp.primaries == trip->how.cicp.primaries &&
                          header->cicp.transfer == trip->how.cicp.transfer),
               trip, "other colours", header->cicp.primaries);
    round_must(rows->info.width == width && rows->info.height == height, trip,
               "another size", rows->info.width);
    uint32_t n = li_pixel_channels(rows->info.pixel);
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *row;
        status = li_rows_next(rows, &row);
        round_must(status == LI_OK, trip, ctx.message, status);
        for (uint32_t x = 0; x < width; x++, row += n, to += 4) {
            to[0] = row[0];
            to[1] = row[n > 2 ? 1 : 0];
            to[2] = row[n > 2 ? 2 : 0];
            to[3] = n % 2 ? 255 : row[n - 1];
        }
    }
    li_rows_close(&rows);
    li_source_close(&source);
    check_end(&ctx, LI_OK);
    return made;
}

typedef struct round_error {
    double colour, alpha; /* mean distance of a sample */
    uint32_t alpha_worst;
} round_error;

/* Colour that cannot be seen may be any. */
static inline round_error
round_distance(const round_trip *trip, const uint8_t *back)
{
    uint32_t n = li_pixel_channels(trip->info.pixel);
    size_t pixels = (size_t)trip->info.width * trip->info.height;
    const uint8_t *from = trip->samples;
    round_error found = {0, 0, 0};
    for (size_t i = 0; i < pixels; i++, from += n, back += 4) {
        uint32_t alpha = n % 2 ? 255 : from[n - 1];
        uint32_t off = (uint32_t)abs((int)alpha - back[3]);
        found.alpha += off;
        found.alpha_worst = off > found.alpha_worst ? off : found.alpha_worst;
        for (uint32_t c = 0; alpha && c < 3; c++)
            found.colour += abs(from[n > 2 ? c : 0] - back[c]);
    }
    found.colour /= 3.0 * (double)pixels;
    found.alpha /= (double)pixels;
    return found;
}

/* Of a PNG by palette, or of few bits, samples may be anything; its bounds must hold.
 */
static inline bool
round_is_indexed(const round_trip *trip)
{
    const li_encode *how = &trip->how;
    return strcmp(trip->codec->name, "png") == 0 &&
           (how->palette || (how->bit_depth && how->bit_depth < 8));
}

static inline bool
round_loses_nothing(const round_trip *trip)
{
    const li_encode *how = &trip->how;
    bool webp = strcmp(trip->codec->name, "webp") == 0;
    bool avif = strcmp(trip->codec->name, "avif") == 0;
    if (strcmp(trip->codec->name, "png") == 0)
        return true;
    if (webp)
        return how->near_lossless >= 0 ? how->near_lossless == 100 : how->lossless;
    return avif && how->lossless;
}

/* How far a sample may be off in the mean. A flat picture is its DC coefficients, which
 * the coarsest step (255 / 8 of a level for JPEG) moves by half a step, through
 * 1.772 for blue; noise has no bound but that the picture must be the same one, which
 * of some pixels that share their chroma nobody can tell: green beside magenta is two
 * grays. */
static inline double
round_tolerance(const round_trip *trip)
{
    uint32_t quality = trip->how.quality ? trip->how.quality : 80;
    if (trip->style == ROUND_NOISE && trip->info.width * trip->info.height < 64)
        return 128;
    if (trip->style == ROUND_NOISE)
        return quality < 30 ? 100 : 80;
    return 4 + (100 - quality) * 0.45;
}

static inline void
round_compare(const round_trip *trip, const uint8_t *back)
{
    round_error off = round_distance(trip, back);
    if (round_is_indexed(trip))
        return;
    if (round_loses_nothing(trip)) {
        round_must(off.colour == 0 && off.alpha_worst == 0, trip, "not the same",
                   off.colour);
        return;
    }
    bool whole_alpha = trip->how.alpha_quality < 0 || trip->how.alpha_quality == 100;
    bool exact_alpha = strcmp(trip->codec->name, "webp") == 0 && whole_alpha &&
                       trip->how.near_lossless < 0;
    round_must(!exact_alpha || off.alpha_worst == 0, trip, "another alpha",
               off.alpha_worst);
    round_must(off.alpha <= (whole_alpha ? 64 : 128), trip, "alpha too far off",
               off.alpha);
    round_must(off.colour <= round_tolerance(trip), trip, "too far off", off.colour);
}

/* Any sixteen bytes. */
static inline void
roundtrip_check(const uint8_t bytes[ROUND_BYTES])
{
    round_trip trip = round_of(bytes);
    li_header header = {0};
    round_there(&trip);
    uint8_t *back = round_back(&trip, &header);
    if (!trip.planes)
        round_compare(&trip, back);
    free(back);
    free(trip.samples);
    li_release(trip.file);
}

#endif
