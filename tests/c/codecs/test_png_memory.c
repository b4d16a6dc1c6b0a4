/* test_png_memory.c: PNG's bounds against the true heap: malloc is ours here, so that
 * what libpng and zlib take behind the ledger's back would be seen, and each can fail.
 */
#include "codecs/heap_meter.h"
#include "codecs/png_files.h"

#ifdef HEAP_METER

/* --- decode ----------------------------------------------------------------------- */

static li_status
decode_file(png_bytes file, int64_t left, heap_use *use)
{
    return decode_watched(&li_codec_png, file.data, file.size, (li_hint){0}, left, use);
}

static void
check_decode(png_spec spec)
{
    enum { SLACK = 64 << 10 };
    png_bytes file = file_of(spec);
    heap_use use;
    CHECK_EQ(decode_file(file, -1, &use), LI_OK);
    CHECK(heap_peak > 0 && (uint64_t)heap_peak <= use.bound);
    CHECK(use.ledger <= use.bound);
    /* What the ledger has in pages of its own is not in the heap. */
    CHECK(use.bound <= use.ledger + SLACK);
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
        heap_use use;
        int64_t n = 0;
        while (decode_file(file, n, &use) == LI_ENOMEM)
            n++;
        CHECK(n > (interlaced ? 10 : 3));
        CHECK_EQ(decode_file(file, n, &use), LI_OK);
        free(file.data);
    }
}

/* --- encode ----------------------------------------------------------------------- */

static li_status
encode_level(li_info info, int level, const uint8_t *pixels, int64_t left,
             heap_use *use)
{
    li_encode encode = li_encode_default();
    encode.compression = (int8_t)level;
    return encode_watched(&li_codec_png, info, &encode, pixels, left, use);
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
            heap_use use;
            uint32_t state = 9;
            for (size_t n = 0; n < row * info.height; n++)
                pixels[n] = (uint8_t)(test_random(&state) >> 24);
            CHECK_EQ(encode_level(info, level, pixels, -1, &use), LI_OK);
            CHECK(heap_peak > 0 && (uint64_t)heap_peak <= use.bound);
            CHECK(use.ledger <= use.bound);
            if (level > 0 && i >= 4) /* stored rows need no filters, 1x1 no window */
                CHECK(use.bound <= use.ledger + (32 << 10));
            free(pixels);
        }
}

TEST(every_malloc_of_an_encode_fails_once)
{
    static const uint8_t pixels[64 * 16 * 4];
    li_info info = {64, 16, LI_RGBA8};
    heap_use use;
    int64_t n;
    for (int level = 0; level <= 6; level += 2) {
        for (n = 0; encode_level(info, level, pixels, n, &use) == LI_ENOMEM;)
            n++;
        CHECK(n > 4);
        CHECK_EQ(encode_level(info, level, pixels, n, &use), LI_OK);
    }
}

int
main(void)
{
    if (!heap_is_ours())
        return heap_is_not_ours();
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
    return heap_is_not_ours();
}

#endif
