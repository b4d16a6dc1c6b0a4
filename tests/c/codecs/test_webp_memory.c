/* test_webp_memory.c: WebP's bounds against the true heap, and every allocation of
 * libwebp failing once: malloc is ours here. */
#include "codecs/webp/bits.h"
#include "codecs/heap_meter.h"
#include "codecs/webp_make.h"

#ifdef HEAP_METER

/* --- decode ----------------------------------------------------------------------- */

static li_status
decode_file(webp_bytes file, li_hint hint, int64_t left, heap_use *use)
{
    return decode_watched(&li_codec_webp, file.data, file.size, hint, left, use);
}

static const uint32_t sizes[][2] = {{1, 1}, {40, 30}, {700, 500}, {6001, 33}};

TEST(decode_bytes_bounds_the_heap)
{
    for (int i = 0; i < 4 * 3 * 6; i++) {
        webp_spec spec = {sizes[i % 4][0], sizes[i % 4][1], (webp_look)(i / 4 % 3),
                          .quality = 75, .method = 1};
        int kind = i / 12;
        spec.lossless = kind == 2 || kind == 3;
        spec.alpha = kind == 1 || kind == 3 || kind == 4;
        spec.alpha_plain = kind == 4;
        webp_bytes file = webp_file(&spec);
        li_hint hint = {.planes = kind == 5};
        heap_use use;
        CHECK_EQ(decode_file(file, hint, -1, &use), LI_OK);
        CHECK(heap_peak > 0 && (uint64_t)heap_peak <= use.bound);
        CHECK(use.ledger <= use.bound);
        /* What libwebp took is within what was charged for it. */
        uint64_t pixels = (uint64_t)spec.width * spec.height;
        uint64_t own = hint.planes ? pixels * 3 / 2 : pixels * (spec.alpha ? 4 : 3);
        if (own + 64 < 1 << 20) /* else it is not in the heap */
            own = 0;
        if (!CHECK((uint64_t)heap_peak + own / 2 <= use.bound))
            fprintf(stderr, "%d: %lld of %llu\n", i, (long long)heap_peak,
                    (unsigned long long)use.bound);
        free(file.data);
    }
}

/* A lossless file whose every tile of 4 × 4 has a group of codes of its own. */
static webp_bytes
many_groups(uint32_t side, uint32_t groups)
{
    enum { TILE = 4, ZERO = 1, ZERO_BITS = 4 }; /* a code of one symbol, 0 */
    uint32_t tiles = side / TILE * (side / TILE);
    li_out *out = NULL;
    uint8_t *body = NULL;
    webp_bytes file = {malloc(12), 12};
    size_t size;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    li_webp_bits bits = {.out = out};
    li_webp_code green = {.n = LI_WEBP_GREENS}, red = {.n = 256};
    for (uint32_t i = 0; i < tiles; i++) {
        green.counts[i % groups & 255]++;
        red.counts[i % groups >> 8]++;
    }
    li_webp_code_make(&green);
    li_webp_code_make(&red);
    li_webp_bits_put(&bits, 0x2f, 8);
    li_webp_bits_put(&bits, side - 1, 14);
    li_webp_bits_put(&bits, side - 1, 14);
    li_webp_bits_put(&bits, 0, 4 + 2); /* no alpha, version 0; no transform, no cache */
    li_webp_bits_put(&bits, 1, 1);     /* groups, */
    li_webp_bits_put(&bits, 0, 3 + 1); /* by tiles of 4 × 4; no cache */
    li_webp_bits_code(&bits, &green);
    li_webp_bits_code(&bits, &red);
    for (int i = 0; i < 3; i++)
        li_webp_bits_put(&bits, ZERO, ZERO_BITS);
    for (uint32_t i = 0; i < tiles; i++) {
        li_webp_bits_symbol(&bits, &green, i % groups & 255);
        li_webp_bits_symbol(&bits, &red, i % groups >> 8);
    }
    for (uint32_t i = 0; i < 5 * groups; i++)
        li_webp_bits_put(&bits, ZERO, ZERO_BITS);
    li_webp_bits_put(&bits, 0, 24); /* the reader looks ahead */
    CHECK_EQ(li_webp_bits_end(&bits), LI_OK);
    CHECK_EQ(li_out_detach(out, &body, &size), LI_OK);
    li_out_close(&out);
    memcpy(file.data, "RIFF----WEBP", 12);
    webp_append(&file, "VP8L", body, size);
    li_release(body);
    return file;
}

TEST(groups_of_codes_are_counted)
{
    static const uint32_t counts[] = {1, 2, 300, 2601, 9000, 16384};
    for (int i = 0; i < 6; i++) {
        webp_bytes file = many_groups(512, counts[i]);
        heap_use use;
        li_source *source;
        li_webp_scan scan;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
        CHECK_EQ(li_webp_walk(&ctx, source, &scan), LI_OK);
        CHECK_EQ(li_webp_count_groups(&ctx, source, &scan.frame), LI_OK);
        CHECK_EQ(scan.frame.groups, counts[i]);
        li_source_close(&source);
        CHECK_EQ(decode_file(file, (li_hint){0}, -1, &use), LI_OK);
        CHECK((uint64_t)heap_peak <= use.bound);
        CHECK((uint64_t)heap_peak > counts[i] * UINT64_C(10000)); /* they do cost it */
        for (size_t cut = 40; cut < file.size; cut += file.size / 50) {
            webp_put(file.data + 16, (uint32_t)cut - 20, 4); /* damage is no crash */
            webp_put(file.data + 4, (uint32_t)cut - 8, 4);
            CHECK(webp_status_of((webp_bytes){file.data, cut}) != LI_OK);
        }
        free(file.data);
    }
}

/* 16.8 million tiles that take no bits: 40 bytes must not keep a header waiting. */
TEST(tiles_without_bits_are_counted_at_once)
{
    enum { SIDE = 16383, BODY = 16 };
    uint8_t data[20 + BODY] = "RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f";
    /* no transform, no cache; groups, by tiles of 4 × 4; no cache; codes of one 0 */
    uint64_t word = (SIDE - 1) | (uint64_t)(SIDE - 1) << 14 | UINT64_C(1) << 34;
    for (int i = 0; i < 5; i++)
        word |= UINT64_C(1) << (39 + 4 * i);
    webp_put(data + 4, sizeof(data) - 8, 4);
    webp_put(data + 16, BODY, 4);
    for (int i = 0; i < 8; i++)
        data[21 + i] = (uint8_t)(word >> 8 * i);
    li_source *source;
    li_webp_scan scan;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, data, sizeof(data), &source), LI_OK);
    CHECK_EQ(li_webp_walk(&ctx, source, &scan), LI_OK);
    CHECK_EQ(scan.width, SIDE);
    uint32_t polls = ctx.polls;
    CHECK_EQ(li_webp_count_groups(&ctx, source, &scan.frame), LI_OK);
    CHECK_EQ(scan.frame.groups, 1);
    CHECK_EQ(ctx.polls, polls); /* one poll is 4,096 samples */
    li_source_close(&source);
}

/* A header over the limits is refused before its tiles are gone over. */
TEST(limits_come_before_the_counting)
{
    webp_bytes file = many_groups(512, 300);
    li_limits limits = {.max_pixels = 512 * 512 - 1};
    li_source *source;
    li_header header;
    li_ctx ctx;
    for (int allowed = 0; allowed < 2; allowed++) {
        limits.max_pixels += (uint64_t)allowed;
        li_ctx_init(&ctx, &limits);
        CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
        li_status status = li_codec_webp.inspect(&ctx, source, &header);
        CHECK_EQ(status, allowed ? LI_OK : LI_E122_PIXEL_LIMIT);
        CHECK_EQ(header.work_bytes > 0, allowed);
        li_source_close(&source);
    }
    free(file.data);
}

/* Whatever libwebp's encoder makes is understood. */
TEST(groups_of_libwebps_files_are_counted)
{
    for (int i = 0; i < 36; i++) {
        webp_spec spec = {sizes[i % 4][0], sizes[i % 4][1], (webp_look)(i / 4 % 3),
                          .quality = 75, .method = i / 12 * 3};
        spec.alpha = i % 2;
        spec.lossless = i % 3 > 0 || !spec.alpha;
        webp_bytes file = webp_file(&spec);
        li_source *source;
        li_webp_scan scan;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
        CHECK_EQ(li_webp_walk(&ctx, source, &scan), LI_OK);
        CHECK_EQ(li_webp_count_groups(&ctx, source, &scan.frame), LI_OK);
        CHECK(scan.frame.groups > 0 && scan.frame.groups <= 2600);
        li_source_close(&source);
        free(file.data);
    }
}

TEST(every_malloc_of_a_decode_fails_once)
{
    static const webp_spec specs[] = {
        {40, 30, WEBP_NOISE, .quality = 75},
        {40, 30, WEBP_NOISE, .alpha = true, .quality = 75},
        {40, 30, WEBP_NOISE, .lossless = true, .alpha = true, .quality = 75},
        {40, 30, WEBP_NOISE, .quality = 75, .partitions = 3},
    };
    /* Before 1.4.0 libwebp crashes when a lossless picture's code tables cannot be had
     * (github.com/webmproject/libwebp/pull/12). */
    bool mended = WebPGetDecoderVersion() >= 0x010400;
    for (int i = 0; i < 8; i++) {
        if (i % 4 % 3 != 0 && !mended)
            continue;
        webp_bytes file = webp_file(&specs[i % 4]);
        li_hint hint = {.planes = i >= 4 && i % 4 % 3 == 0};
        heap_use use;
        uint32_t told = 0;
        li_status status = LI_ENOMEM;
        int64_t n = 0;
        for (; status != LI_OK && n < 1000; n++) {
            status = decode_file(file, hint, n, &use);
            CHECK(status == LI_OK || status == LI_ENOMEM || status == LI_E130_CORRUPT);
            told += status == LI_ENOMEM;
        }
        CHECK(n > 4 && n < 1000 && told > 2); /* libwebp calls some a damaged file */
        free(file.data);
    }
}

/* --- encode ----------------------------------------------------------------------- */

static void
check_encode(li_info info, const li_encode *how, const uint8_t *pixels)
{
    heap_use use;
    CHECK_EQ(encode_watched(&li_codec_webp, info, how, pixels, -1, &use), LI_OK);
    uint64_t own = how->lossless || how->smart_subsample ? 4 : 1;
    own *= (uint64_t)info.width * info.height;
    if (own < 1 << 20)
        own = 0; /* in the heap */
    CHECK(use.ledger <= use.bound);
    if (!CHECK(heap_peak > 0 && (uint64_t)heap_peak + own <= use.bound))
        fprintf(stderr, "%ux%u %s q%d m%d low %d: %lld of %llu\n", info.width,
                info.height, li_pixel_name(info.pixel), how->quality, how->method,
                how->low_memory, (long long)heap_peak, (unsigned long long)use.bound);
}

TEST(encode_bytes_bounds_the_heap_for_the_worst_pictures)
{
    static const uint32_t shapes[][2] = {{1, 1}, {16, 16}, {301, 203}, {3000, 21}};
    static const uint8_t qualities[] = {1, 20, 80, 95, 100};
    for (int i = 0; i < 4 * 5 * 2; i++) {
        li_info info = {shapes[i % 4][0], shapes[i % 4][1],
                        i / 20 ? LI_RGBA8 : LI_RGB8};
        size_t size = li_row_bytes(info) * info.height;
        uint8_t *pixels = malloc(size);
        for (int way = 0; way < 6; way++) {
            li_encode how = li_encode_default();
            how.quality = qualities[i / 4 % 5];
            how.method = (int8_t)(way == 0 ? 0 : way == 1 ? 6 : 4);
            how.low_memory = way == 2;
            how.lossless = way == 3 && i / 4 % 5 == 0;
            how.smart_subsample = way == 4 && i / 4 % 5 < 2;
            fill_noise(pixels, size, way % 2 == 0);
            check_encode(info, &how, pixels);
        }
        free(pixels);
    }
}

/* What comes of it, counted: the size tells which way was taken. */
static uint64_t
size_of_encode(li_info info, const li_encode *how, const uint8_t *pixels)
{
    li_sink *sink = NULL;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_out out = {.ops = &count_ops, .ctx = &ctx};
    CHECK_EQ(li_codec_webp.encode(&ctx, info, how, &out, &sink), LI_OK);
    for (uint32_t y = 0; y < info.height; y++)
        CHECK_EQ(li_sink_write(sink, pixels + li_row_bytes(info) * y), LI_OK);
    CHECK_EQ(li_sink_finish(sink), LI_OK);
    li_sink_close(&sink);
    return out.size;
}

/* Noise begins again with low memory, a photograph's like does not. */
TEST(the_encoder_is_held_to_what_a_photograph_takes)
{
    li_info info = {600, 400, LI_RGB8};
    uint8_t *noise = malloc(600 * 400 * 3), *smooth = malloc(600 * 400 * 3);
    fill_noise(noise, 600 * 400 * 3, false);
    for (size_t i = 0; i < 600 * 400 * 3; i++)
        smooth[i] = (uint8_t)(i / 3 % 600 / 4 + noise[i] / 16);
    static const uint8_t qualities[] = {20, 80, 100};
    for (int i = 0; i < 3; i++) {
        li_encode ways[3];
        for (int way = 0; way < 3; way++) {
            ways[way] = li_encode_default();
            ways[way].quality = qualities[i];
            ways[way].low_memory = (int8_t)(way - 1);
            check_encode(info, &ways[way], noise);
            check_encode(info, &ways[way], smooth);
        }
        uint64_t step, most = li_webp_encoder_bytes(info, &ways[1]);
        CHECK_EQ(li_webp_watches(info, &ways[0], &step), li_webp_heap_known());
        if (!li_webp_heap_known())
            continue;
        CHECK(li_webp_encoder_bytes(info, &ways[0]) < most / 2);
        CHECK_EQ(size_of_encode(info, &ways[0], smooth),
                 size_of_encode(info, &ways[1], smooth));
        CHECK_EQ(size_of_encode(info, &ways[0], noise),
                 size_of_encode(info, &ways[2], noise));
    }
    free(noise);
    free(smooth);
}

TEST(every_malloc_of_an_encode_fails_once)
{
    static uint8_t pixels[40 * 30 * 4];
    li_info info = {40, 30, LI_RGBA8};
    fill_noise(pixels, sizeof(pixels), false);
    for (int way = 0; way < 3; way++) {
        li_encode how = li_encode_default();
        heap_use use;
        int64_t n = 0;
        how.method = 2;
        how.lossless = way == 1;
        how.smart_subsample = way == 2;
        while (encode_watched(&li_codec_webp, info, &how, pixels, n, &use) == LI_ENOMEM)
            n++;
        CHECK(n > 10);
        CHECK_EQ(encode_watched(&li_codec_webp, info, &how, pixels, n, &use), LI_OK);
    }
}

int
main(void)
{
    if (!heap_is_ours())
        return heap_is_not_ours();
    RUN(decode_bytes_bounds_the_heap);
    RUN(groups_of_codes_are_counted);
    RUN(tiles_without_bits_are_counted_at_once);
    RUN(limits_come_before_the_counting);
    RUN(groups_of_libwebps_files_are_counted);
    RUN(every_malloc_of_a_decode_fails_once);
    RUN(encode_bytes_bounds_the_heap_for_the_worst_pictures);
    RUN(the_encoder_is_held_to_what_a_photograph_takes);
    RUN(every_malloc_of_an_encode_fails_once);
    return test_end();
}

#else

int
main(void)
{
    return heap_is_not_ours();
}

#endif
