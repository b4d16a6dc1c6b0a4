/* heap_meter.h: malloc that is the test's own, so that it sees what a library takes
 * behind the ledger's back, and can refuse the n-th. Included once a program;
 * HEAP_METER says whether it can be: a sanitizer has its own malloc, and only glibc the
 * one below. */
#ifndef LI_TESTS_HEAP_METER_H
#define LI_TESTS_HEAP_METER_H

#include "codecs/codec.h"
#include "image/planes.h"
#include "test.h"

#if defined(__has_feature)
#define LI_HAS(feature) __has_feature(feature)
#else
#define LI_HAS(feature) 0
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) &&                            \
    !defined(__SANITIZE_THREAD__) && !LI_HAS(address_sanitizer) &&                     \
    !LI_HAS(thread_sanitizer) && !LI_HAS(memory_sanitizer)
#define HEAP_METER 1

#include <errno.h>
#include <malloc.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

enum { HEAP_HEAD = 16 }; /* malloc's own, in front of a block */

/* Volatile: a compiler that knows malloc knows that it reads none of these. */
static volatile bool heap_watching;
static volatile int64_t heap_now, heap_peak, mallocs_left;

static bool
heap_refuses(void)
{
    if (!heap_watching || mallocs_left < 0)
        return false;
    mallocs_left--;
    return mallocs_left < 0;
}

static void *
heap_add(void *block)
{
    if (heap_watching && block) {
        heap_now = heap_now + (int64_t)malloc_usable_size(block) + HEAP_HEAD;
        if (heap_now > heap_peak)
            heap_peak = heap_now;
    }
    return block;
}

static void
heap_remove(void *block)
{
    if (heap_watching && block)
        heap_now = heap_now - (int64_t)malloc_usable_size(block) - HEAP_HEAD;
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

void *
aligned_alloc(size_t alignment, size_t size)
{
    return heap_refuses() ? NULL : heap_add(__libc_memalign(alignment, size));
}

int
posix_memalign(void **block, size_t alignment, size_t size)
{
    void *made = aligned_alloc(alignment, size);
    if (!made)
        return ENOMEM;
    *block = made;
    return 0;
}

void
free(void *block)
{
    heap_remove(block);
    __libc_free(block);
}

/* From here to heap_unwatch heap_now and heap_peak count, and `left` more allocations
 * succeed; negative: all. */
static inline void
heap_watch(int64_t left)
{
    heap_now = 0;
    heap_peak = 0;
    mallocs_left = left;
    heap_watching = true;
}

static inline void
heap_unwatch(void)
{
    heap_watching = false;
}

/* Not under valgrind, which puts its own in place of this one. */
static inline bool
heap_is_ours(void)
{
    heap_watch(0);
    void *volatile block = malloc(1);
    heap_unwatch();
    free(block);
    return block == NULL;
}

/* --- what is metered -------------------------------------------------------------- */

static inline li_status
rows_drop(li_rows *rows)
{
    const uint8_t *row;
    li_status status = LI_OK;
    for (uint32_t y = 0; status == LI_OK && y < rows->info.height; y++)
        status = li_rows_next(rows, &row);
    return status;
}

static inline li_status
planes_drop(li_planes *planes)
{
    uint32_t left = planes->layout.plane[0].height;
    li_status status = LI_OK;
    while (status == LI_OK && left > 0) {
        li_strip strip = {0};
        status = planes->ops->next(planes, &strip);
        left -= strip.rows[0];
    }
    return status;
}

/* What a job may take, and what its ledger and charges came to. */
typedef struct heap_use {
    uint64_t bound, ledger, written;
} heap_use;

/* Decode the bytes under watch: rows, or planes if the hint says so. */
static inline li_status
decode_watched(const li_codec *codec, const uint8_t *data, size_t size, li_hint hint,
               int64_t left, heap_use *use)
{
    li_source *source;
    li_rows *rows = NULL;
    li_planes *planes = NULL;
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_borrow(&ctx, data, size, &source), LI_OK);
    CHECK_EQ(codec->inspect(&ctx, source, &header), LI_OK);
    uint64_t before = ctx.bytes;
    ctx.peak_bytes = before;
    heap_watch(left);
    li_status status = hint.planes
                           ? codec->decode_planes(&ctx, source, &header, hint, &planes)
                           : codec->decode(&ctx, source, &header, hint, &rows);
    if (status == LI_OK)
        status = hint.planes ? planes_drop(planes) : rows_drop(rows);
    li_rows_close(&rows);
    li_planes_close(&planes);
    heap_unwatch();
    *use = (heap_use){codec->decode_bytes(&header, hint), ctx.peak_bytes - before, 0};
    CHECK_EQ(ctx.bytes, before);
    CHECK_EQ(heap_now, 0);
    li_source_close(&source);
    return status;
}

static inline li_status
count_write(li_out *out, const void *data, size_t size)
{
    (void)out, (void)data, (void)size;
    return LI_OK;
}

static const li_out_ops count_ops = {.name = "count", .write = count_write};

/* Encode the pixels under watch, to nowhere. */
static inline li_status
encode_watched(const li_codec *codec, li_info info, const li_encode *how,
               const uint8_t *pixels, int64_t left, heap_use *use)
{
    li_sink *sink = NULL;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_out out = {.ops = &count_ops, .ctx = &ctx};
    heap_watch(left);
    li_status status = codec->encode(&ctx, info, how, &out, &sink);
    for (uint32_t y = 0; status == LI_OK && y < info.height; y++)
        status = li_sink_write(sink, pixels + li_row_bytes(info) * y);
    if (status == LI_OK)
        status = li_sink_finish(sink);
    li_sink_close(&sink);
    heap_unwatch();
    *use = (heap_use){codec->encode_bytes(info, how), ctx.peak_bytes, out.size};
    CHECK(out.size <= codec->output_bytes(info, how));
    CHECK_EQ(ctx.bytes, 0);
    CHECK_EQ(heap_now, 0);
    return status;
}

/* The worst for an encoder: every sample is 0 or 255, or any. */
static inline void
fill_noise(uint8_t *pixels, size_t size, bool extreme)
{
    uint32_t state = 9;
    for (size_t i = 0; i < size; i++) {
        uint32_t value = test_random(&state) >> 24;
        pixels[i] = (uint8_t)(extreme ? (value & 1) * 255 : value);
    }
}

#endif

/* main of a program that cannot meter. */
static inline int
heap_is_not_ours(void)
{
    printf("0 passed: malloc is not ours\n");
    return 0;
}

#endif
