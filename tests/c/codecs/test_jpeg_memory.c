/* test_jpeg_memory.c: the bounds against the heap, and every allocation failing once.
 *
 * malloc and its family are taken over for the whole program, libjpeg included. Where a
 * sanitizer has taken them first, only our own allocations can be counted and failed.
 */
#include "codecs/jpeg/jpeg.h"
#include "jpeg_make.h"

#include <malloc.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_HEAP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_HEAP 0
#else
#define OWN_HEAP 1
#endif
#else
#define OWN_HEAP 1
#endif

/* Allocations until all fail; negative: never. Volatile, like the two below: a compiler
 * that knows malloc knows that it reads none of these. */
static volatile int64_t heap_left = -1;
static volatile uint64_t heap_bytes, heap_peak;

#if OWN_HEAP
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static bool
heap_allows(void)
{
    return heap_left < 0 || (heap_left > 0 && heap_left--);
}

/* What the block really takes: the C library's header and rounding included. */
static void *
heap_took(void *block)
{
    heap_bytes += block ? malloc_usable_size(block) + sizeof(size_t) : 0;
    if (heap_bytes > heap_peak)
        heap_peak = heap_bytes;
    return block;
}

static void
heap_gave(void *block)
{
    heap_bytes -= block ? malloc_usable_size(block) + sizeof(size_t) : 0;
}

void *
malloc(size_t size)
{
    return heap_allows() ? heap_took(__libc_malloc(size)) : NULL;
}

void *
calloc(size_t count, size_t size)
{
    return heap_allows() ? heap_took(__libc_calloc(count, size)) : NULL;
}

void *
realloc(void *block, size_t size)
{
    if (!heap_allows())
        return NULL;
    heap_gave(block);
    return heap_took(__libc_realloc(block, size));
}

void
free(void *block)
{
    heap_gave(block);
    __libc_free(block);
}
#endif

/* --- decoding
 * ------------------------------------------------------------------------- */

/* Decode and drop the rows: nothing but the codec allocates. */
static li_status
decode_dry(li_ctx *ctx, bytes file, li_hint hint, uint64_t *bound)
{
    li_source *source = NULL;
    li_rows *rows = NULL;
    li_header header;
    const uint8_t *row;
    if (li_source_borrow(ctx, file.data, file.size, &source) == LI_OK &&
        li_codec_jpeg.inspect(ctx, source, &header) == LI_OK) {
        *bound = li_codec_jpeg.decode_bytes(&header, hint);
        heap_peak = heap_bytes;
        if (li_codec_jpeg.decode(ctx, source, &header, hint, &rows) == LI_OK)
            for (uint32_t y = 0; y < rows->info.height; y++)
                if (li_rows_next(rows, &row) != LI_OK)
                    break;
    }
    li_rows_close(&rows);
    li_source_close(&source);
    return ctx->status;
}

static void
check_decode(const make *how, uint8_t shrink, double slack)
{
    bytes file = make_jpeg(how);
    uint64_t before = heap_bytes, bound = 0;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(decode_dry(&ctx, file, (li_hint){.shrink = shrink}, &bound), LI_OK);
    uint64_t used = heap_peak - before;
    CHECK_EQ(heap_bytes, before);
    CHECK(ctx.peak_bytes <= bound + 256); /* the source's own struct */
    if (OWN_HEAP && !CHECK(used <= bound && (double)bound <= slack * (double)used))
        fprintf(stderr, "%ux%u %d parts %ux%u.%ux%u.%ux%u shrink %u: %llu of %llu\n",
                how->width, how->height, how->components, how->h[0], how->v[0],
                how->h[1], how->v[1], how->h[2], how->v[2], shrink,
                (unsigned long long)used, (unsigned long long)bound);
    free(file.data);
}

static const uint8_t shrinks[] = {0, 1, 2, 3, 4};

TEST(the_decoder_stays_below_its_bound_for_every_sampling)
{
    static const uint8_t factors[][2] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}, {4, 1},
                                         {1, 4}, {4, 2}, {2, 4}, {3, 1}, {1, 3}};
    enum { FACTORS = sizeof(factors) / sizeof(factors[0]) };
    for (uint32_t kind = 0; kind < FACTORS * 4; kind++)
        for (int way = 0; way < 3; way++) {
            const uint8_t *factor = factors[kind % FACTORS];
            make how = {.width = 1000 + kind, .height = 40, .components = 3};
            for (uint32_t part = 0; part < 3; part++) { /* who is the large one? */
                bool large = kind / FACTORS == 3 ? part != 1 : part == kind / FACTORS;
                how.h[part] = large ? factor[0] : 1;
                how.v[part] = large ? factor[1] : 1;
            }
            if (how.h[0] * how.v[0] + how.h[1] * how.v[1] + how.h[2] * how.v[2] > 10)
                continue; /* more blocks than an MCU may have */
            how.progressive = way == 1;
            how.apart = way == 2;
            for (size_t i = 0; i < sizeof(shrinks); i++)
                check_decode(&how, shrinks[i], 3);
        }
}

TEST(the_bound_is_tight_where_it_matters)
{
    for (int way = 0; way < 4; way++) {
        make how = {.width = 3000, .height = 400, .components = 3};
        how.h[0] = how.v[0] = way % 2 ? 2 : 1;
        how.h[1] = how.v[1] = how.h[2] = how.v[2] = 1;
        how.progressive = way / 2;
        check_decode(&how, 0, way / 2 ? 1.1 : 1.6);
        check_decode(&how, 1, way / 2 ? 1.1 : 3);
        check_decode(&how, 4, way / 2 ? 1.1 : 2.5);
    }
    make gray = {.width = 12, .height = 12, .components = 1};
    check_decode(&gray, 0, 2.5);
    make full = {.width = 12, .height = 12, .components = 4, .tables = true};
    for (int way = 0; way < 6; way++) {
        full.progressive = way % 3 == 1;
        full.apart = way % 3 == 2;
        full.arithmetic = way / 3;
        check_decode(&full, 0, 2.5);
    }
}

/* size.c's table: the strips of a shrunk picture as a share of those of the whole. */
TEST(a_shrink_needs_no_more_than_its_share_whatever_the_sampling)
{
    for (uint32_t code = 0; code < 65536 * 2; code++) {
        li_jpeg_frame frame = {
            .width = 16000, .height = 64, .count = code >> 16 ? 4 : 3};
        for (uint32_t i = 0; i < frame.count; i++) {
            li_jpeg_part *part = &frame.parts[i];
            part->h = (uint8_t)(1 + (code >> 4 * i & 3));
            part->v = (uint8_t)(1 + (code >> (4 * i + 2) & 3));
            frame.max_h = part->h > frame.max_h ? part->h : frame.max_h;
            frame.max_v = part->v > frame.max_v ? part->v : frame.max_v;
        }
        bool whole = true;
        for (uint32_t i = 0; i < frame.count; i++)
            whole &= frame.max_h % frame.parts[i].h == 0 &&
                     frame.max_v % frame.parts[i].v == 0;
        li_header header = {.work_bytes = whole ? li_jpeg_work_bytes(&frame) : 0};
        for (uint8_t shrink = 1; whole && shrink <= 4; shrink++) {
            uint64_t fixed =
                header.work_bytes - li_jpeg_strip_bytes(&frame, 8); /* not scaled */
            uint64_t need = fixed + li_jpeg_strip_bytes(&frame, shrink);
            uint64_t given =
                li_jpeg_decode_charge(&header, (li_hint){.shrink = shrink});
            if (!CHECK(need <= given))
                fprintf(stderr, "shrink %u, code %x: %llu of %llu\n", shrink, code,
                        (unsigned long long)need, (unsigned long long)given);
        }
    }
}

/* --- encoding
 * ------------------------------------------------------------------------- */

/* An output that forgets: nothing but the codec allocates. */
static li_status
forget(li_out *out, const void *data, size_t size)
{
    (void)out;
    (void)data;
    (void)size;
    return LI_OK;
}

static li_status
encode_dry(li_ctx *ctx, li_info info, const li_encode *how, const uint8_t *row)
{
    static const li_out_ops ops = {.name = "forget", .write = forget};
    li_out out = {&ops, ctx, 0};
    li_sink *sink = NULL;
    heap_peak = heap_bytes;
    if (li_codec_jpeg.encode(ctx, info, how, &out, &sink) == LI_OK) {
        li_status status = LI_OK;
        for (uint32_t y = 0; status == LI_OK && y < info.height; y++)
            status = li_sink_write(sink, row + y % 7);
        if (status == LI_OK)
            (void)!li_sink_finish(sink);
    }
    li_sink_close(&sink);
    return ctx->status;
}

TEST(the_encoder_stays_below_its_bound)
{
    static const li_info infos[] = {{1, 1, LI_GRAY8},     {1, 1, LI_RGB8},
                                    {1001, 37, LI_RGB8},  {997, 301, LI_GRAY8},
                                    {3000, 500, LI_RGB8}, {20000, 17, LI_RGB8}};
    uint8_t *row = calloc(20000, 4);
    for (uint32_t i = 0; i < 20000 * 4; i++)
        row[i] = make_sample(i, i % 5, 0);
    for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++)
        for (int way = 0; way < 4 * 13; way++) {
            li_encode how = li_encode_default();
            how.subsampling = (li_subsampling)(way % 4);
            how.effort = (int8_t)(way < 12 ? -1 : way / 4 - 3);
            how.progressive = way / 4 == 1;
            how.optimize = way / 4 == 2;
            uint64_t before = heap_bytes;
            uint64_t bound = li_codec_jpeg.encode_bytes(infos[i], &how);
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            CHECK_EQ(encode_dry(&ctx, infos[i], &how, row), LI_OK);
            uint64_t used = heap_peak - before;
            CHECK_EQ(heap_bytes, before);
            CHECK(ctx.peak_bytes <= bound);
            if (OWN_HEAP && !CHECK(used <= bound && bound <= 2 * used))
                fprintf(stderr, "%ux%u way %d: %llu of %llu\n", infos[i].width,
                        infos[i].height, way, (unsigned long long)used,
                        (unsigned long long)bound);
        }
    free(row);
}

/* --- failing
 * ---------------------------------------------------------------------------- */

static const make failing[] = {
    {.width = 300, .height = 200, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
    {.width = 300, .height = 200, .components = 3, .progressive = true},
    {.width = 300, .height = 200, .components = 4, .apart = true},
    {.width = 300, .height = 200, .components = 1, .arithmetic = true},
};

/* Fail allocation n of ours or of the heap's, for n = 0, 1, … until all are allowed. */
static void
check_decode_failures(const make *how, bool heap)
{
    bytes file = make_jpeg(how);
    uint64_t before = heap_bytes, bound;
    li_status status = LI_ENOMEM;
    int n = 0;
    for (; status != LI_OK && n < 1000; n++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        *(heap ? &heap_left : &ctx.allocs_left) = n;
        li_hint hint = {.region = {3, 20, 50, 60}};
        status = decode_dry(&ctx, file, n % 2 ? hint : (li_hint){0}, &bound);
        heap_left = -1;
        CHECK(status == LI_OK || status == LI_ENOMEM);
        CHECK_EQ(ctx.bytes, 0);
        CHECK_EQ(heap_bytes, before);
    }
    CHECK(n > (heap ? 8 : 3) && n < 1000);
    free(file.data);
}

static void
check_encode_failures(int way, bool heap)
{
    uint8_t row[310 * 3] = {0};
    uint64_t before = heap_bytes;
    li_status status = LI_ENOMEM;
    int n = 0;
    for (; status != LI_OK && n < 1000; n++) {
        li_ctx ctx;
        li_encode how = li_encode_default();
        how.progressive = way == 0;
        how.optimize = way == 1;
        how.effort = (int8_t)(way < 3 ? -1 : 9);
        li_ctx_init(&ctx, NULL);
        *(heap ? &heap_left : &ctx.allocs_left) = n;
        status = encode_dry(&ctx, (li_info){300, 40, LI_RGB8}, &how, row);
        heap_left = -1;
        CHECK(status == LI_OK || status == LI_ENOMEM);
        CHECK_EQ(ctx.bytes, 0);
        CHECK_EQ(heap_bytes, before);
    }
    CHECK(n > (heap ? 8 : 2) && n < 1000);
}

TEST(every_allocation_of_ours_fails_once)
{
    for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++)
        check_decode_failures(&failing[i], false);
    for (int way = 0; way < 4; way++)
        check_encode_failures(way, false);
}

#if OWN_HEAP
TEST(every_allocation_of_the_library_fails_once)
{
    for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++)
        check_decode_failures(&failing[i], true);
    for (int way = 0; way < 4; way++)
        check_encode_failures(way, true);
}
#endif

int
main(void)
{
    RUN(the_decoder_stays_below_its_bound_for_every_sampling);
    RUN(the_bound_is_tight_where_it_matters);
    RUN(a_shrink_needs_no_more_than_its_share_whatever_the_sampling);
    RUN(the_encoder_stays_below_its_bound);
    RUN(every_allocation_of_ours_fails_once);
#if OWN_HEAP
    RUN(every_allocation_of_the_library_fails_once);
#endif
    return test_end();
}
