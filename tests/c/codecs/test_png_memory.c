/* test_png_memory.c: PNG's bounds against the true heap: malloc is ours here, so that
 * what libpng and zlib take behind the ledger's back would be seen, and each can fail.
 */
#include "codecs/png_files.h"

#if defined(__has_feature)
#define LI_HAS(feature) __has_feature(feature)
#else
#define LI_HAS(feature) 0
#endif
/* A sanitizer has its own malloc, and only glibc has the one below. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) &&                            \
    !defined(__SANITIZE_THREAD__) && !LI_HAS(address_sanitizer) &&                     \
    !LI_HAS(thread_sanitizer) && !LI_HAS(memory_sanitizer)

#include <malloc.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

enum { HEAD_BYTES = 16 }; /* malloc's own, in front of a block */

/* Volatile: a compiler that knows malloc knows that it reads none of these. */
static volatile bool watching;
static volatile int64_t heap_now, heap_peak, mallocs_left;

static bool
heap_refuses(void)
{
    if (!watching || mallocs_left < 0)
        return false;
    mallocs_left--;
    return mallocs_left < 0;
}

static void *
heap_add(void *block)
{
    if (watching && block) {
        heap_now = heap_now + (int64_t)malloc_usable_size(block) + HEAD_BYTES;
        if (heap_now > heap_peak)
            heap_peak = heap_now;
    }
    return block;
}

static void
heap_remove(void *block)
{
    if (watching && block)
        heap_now = heap_now - (int64_t)malloc_usable_size(block) - HEAD_BYTES;
}

void *
malloc(size_t size)
{
    return heap_refuses() ? NULL : heap_add(__libc_malloc(size));
}

void *
calloc(size_t count, size_t size)
{
    return heap_refuses() ? NULL : heap_add(__libc_calloc(count, size));
}

void *
realloc(void *block, size_t size)
{
    if (heap_refuses())
        return NULL;
    heap_remove(block);
    void *moved = __libc_realloc(block, size);
    return heap_add(moved ? moved : block) ? moved : NULL;
}

void
free(void *block)
{
    heap_remove(block);
    __libc_free(block);
}

static void
watch(int64_t left)
{
    heap_now = 0;
    heap_peak = 0;
    mallocs_left = left;
    watching = true;
}

/* Not under valgrind, which puts its own in place of this one. */
static bool
malloc_is_ours(void)
{
    watch(0);
    void *volatile block = malloc(1);
    watching = false;
    free(block);
    return block == NULL;
}

/* --- decode ----------------------------------------------------------------------- */

static li_status
rows_drop(li_rows *rows)
{
    const uint8_t *row;
    li_status status = LI_OK;
    for (uint32_t y = 0; status == LI_OK && y < rows->info.height; y++)
        status = li_rows_next(rows, &row);
    return status;
}

/* Decode under watch; the bound and the ledger's peak for it. */
static li_status
decode_watched(png_bytes file, int64_t left, uint64_t *bound, uint64_t *ledger)
{
    li_source *source;
    li_rows *rows = NULL;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    CHECK_EQ(li_codec_png.inspect(&ctx, source, &header), LI_OK);
    uint64_t before = ctx.bytes;
    watch(left);
    li_status status = li_codec_png.decode(&ctx, source, &header, (li_hint){0}, &rows);
    if (status == LI_OK)
        status = rows_drop(rows);
    li_rows_close(&rows);
    watching = false;
    *bound = li_codec_png.decode_bytes(&header, (li_hint){0});
    *ledger = ctx.peak_bytes - before;
    CHECK_EQ(ctx.bytes, before);
    CHECK_EQ(heap_now, 0);
    li_source_close(&source);
    return status;
}

static void
check_decode(png_spec spec)
{
    enum { SLACK = 64 << 10 };
    png_bytes file = file_of(spec);
    uint64_t bound, ledger;
    CHECK_EQ(decode_watched(file, -1, &bound, &ledger), LI_OK);
    CHECK(heap_peak > 0 && (uint64_t)heap_peak <= bound);
    CHECK(ledger <= bound);
    /* What the ledger has in pages of its own is not in the heap. */
    CHECK(bound <= ledger + SLACK);
    free(file.data);
}

TEST(decode_bytes_bounds_the_heap_and_is_tight)
{
    for (int type = 0; type < TYPES; type++)
        for (int flags = 0; flags < 4; flags++) {
            bool transparent = (flags & 2) && (types[type][0] & 4) == 0;
            png_spec spec = {1,           1, types[type][0], types[type][1], flags & 1,
                             transparent, 3};
            check_decode(spec);
            spec.width = 301;
            spec.height = 203;
            check_decode(spec);
            spec.width = 20001;
            spec.height = 8;
            check_decode(spec);
        }
}

TEST(every_malloc_of_a_decode_fails_once)
{
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        png_bytes file = file_of((png_spec){30, 20, 3, 8, interlaced, true, 3});
        uint64_t bound, ledger;
        int64_t n = 0;
        while (decode_watched(file, n, &bound, &ledger) == LI_ENOMEM)
            n++;
        CHECK(n > (interlaced ? 10 : 3));
        CHECK_EQ(decode_watched(file, n, &bound, &ledger), LI_OK);
        free(file.data);
    }
}

/* --- encode ----------------------------------------------------------------------- */

static li_status
count_write(li_out *out, const void *data, size_t size)
{
    (void)out, (void)data, (void)size;
    return LI_OK;
}

static const li_out_ops count_ops = {.name = "count", .write = count_write};

static li_status
encode_watched(li_info info, int level, const uint8_t *pixels, int64_t left,
               uint64_t *bound, uint64_t *ledger)
{
    li_encode encode = li_encode_default();
    li_sink *sink = NULL;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    encode.compression = (int8_t)level;
    li_out out = {.ops = &count_ops, .ctx = &ctx};
    watch(left);
    li_status status = li_codec_png.encode(&ctx, info, &encode, &out, &sink);
    for (uint32_t y = 0; status == LI_OK && y < info.height; y++)
        status = li_sink_write(sink, pixels + li_row_bytes(info) * y);
    if (status == LI_OK)
        status = li_sink_finish(sink);
    li_sink_close(&sink);
    watching = false;
    *bound = li_codec_png.encode_bytes(info, &encode);
    *ledger = ctx.peak_bytes;
    CHECK_EQ(ctx.bytes, 0);
    CHECK_EQ(heap_now, 0);
    return status;
}

TEST(encode_bytes_bounds_the_heap_and_is_tight)
{
    static const uint32_t sizes[][2] = {{1, 1}, {301, 203}, {9001, 7}, {90001, 3}};
    static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    for (int level = 0; level <= 6; level += 2)
        for (int i = 0; i < 16; i++) {
            li_info info = {sizes[i / 4][0], sizes[i / 4][1], layouts[i % 4]};
            size_t row = li_row_bytes(info);
            uint8_t *pixels = malloc(row * info.height);
            uint64_t bound, ledger;
            uint32_t state = 9;
            for (size_t n = 0; n < row * info.height; n++)
                pixels[n] = (uint8_t)(test_random(&state) >> 24);
            CHECK_EQ(encode_watched(info, level, pixels, -1, &bound, &ledger), LI_OK);
            CHECK(heap_peak > 0 && (uint64_t)heap_peak <= bound);
            CHECK(ledger <= bound);
            if (level > 0 && i >= 4) /* stored rows need no filters, 1x1 no window */
                CHECK(bound <= ledger + (32 << 10));
            free(pixels);
        }
}

TEST(every_malloc_of_an_encode_fails_once)
{
    static const uint8_t pixels[64 * 16 * 4];
    li_info info = {64, 16, LI_RGBA8};
    uint64_t bound, ledger;
    int64_t n;
    for (int level = 0; level <= 6; level += 2) {
        for (n = 0;
             encode_watched(info, level, pixels, n, &bound, &ledger) == LI_ENOMEM;)
            n++;
        CHECK(n > 4);
        CHECK_EQ(encode_watched(info, level, pixels, n, &bound, &ledger), LI_OK);
    }
}

int
main(void)
{
    if (!malloc_is_ours()) {
        printf("0 passed: malloc is not ours\n");
        return 0;
    }
    RUN(decode_bytes_bounds_the_heap_and_is_tight);
    RUN(every_malloc_of_a_decode_fails_once);
    RUN(encode_bytes_bounds_the_heap_and_is_tight);
    RUN(every_malloc_of_an_encode_fails_once);
    return test_end();
}

#else

int
main(void)
{
    printf("0 passed: malloc belongs to the sanitizer\n");
    return 0;
}

#endif
