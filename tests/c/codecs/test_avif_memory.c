/* test_avif_memory.c: what encoding takes of the true heap, and a libaom that does not
 * know an option: malloc and libavif's setter are ours here. */
#include "codecs/avif_make.h"

#include "image/out.h"

#if defined(__has_feature)
#define LI_HAS(feature) __has_feature(feature)
#else
#define LI_HAS(feature) 0
#endif
/* A sanitizer has its own malloc, and only glibc has the one below. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) &&                            \
    !defined(__SANITIZE_THREAD__) && !LI_HAS(address_sanitizer) &&                     \
    !LI_HAS(thread_sanitizer) && !LI_HAS(memory_sanitizer)

#include <dlfcn.h>
#include <malloc.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

/* Volatile: a compiler that knows malloc knows that it reads none of these. */
static volatile bool watching;
static volatile int64_t heap_now, heap_peak;

static void *
heap_add(void *block)
{
    if (watching && block) {
        heap_now = heap_now + (int64_t)malloc_usable_size(block) + 16;
        if (heap_now > heap_peak)
            heap_peak = heap_now;
    }
    return block;
}

static void
heap_remove(void *block)
{
    if (watching && block)
        heap_now = heap_now - (int64_t)malloc_usable_size(block) - 16;
}

void *
malloc(size_t size)
{
    return heap_add(__libc_malloc(size));
}

void *
calloc(size_t count, size_t size)
{
    return heap_add(__libc_calloc(count, size));
}

void *
realloc(void *block, size_t size)
{
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
watch(void)
{
    heap_now = 0;
    heap_peak = 0;
    watching = true;
}

/* Not under valgrind, which puts its own in place of this one. */
static bool
malloc_is_ours(void)
{
    watch();
    void *volatile block = malloc(1);
    watching = false;
    free(block);
    return heap_peak > 0;
}

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
    watch();
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
    watching = false;
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
    if (!malloc_is_ours()) {
        printf("0 passed: malloc is not ours\n");
        return 0;
    }
    RUN(noise_takes_no_more_than_is_promised);
    RUN(encode_bytes_bounds_the_heap_at_every_speed);
    RUN(only_speeds_4_to_8_with_loss_are_tuned);
    RUN(an_option_that_libaom_does_not_know_fails_no_job);
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
