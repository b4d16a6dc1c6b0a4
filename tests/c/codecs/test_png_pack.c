/* test_png_pack.c: what the PNG writer packs, zlib and libpng unpack to the
 * same samples: every layout, every small width, every kind of data, and every
 * seam between blocks. */
#include "codecs/png_pack.h"

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};

static size_t
check_picture(li_info info, const uint8_t *pixels, int level)
{
    png_bytes file = pack_file(info, pixels, level, "scalar");
    check_by_zlib(info, file, pixels);
    check_by_libpng(info, file, pixels);
    size_t size = file.size;
    free(file.data);
    return size;
}

static size_t
check_kind(li_info info, int kind, int level)
{
    uint8_t *pixels = kind_picture(info, kind, 5 + info.width);
    size_t size = check_picture(info, pixels, level);
    free(pixels);
    return size;
}

TEST(every_layout_width_and_kind_comes_back)
{
    for (int layout = 0; layout < 4; layout++)
        for (uint32_t width = 1; width <= 70; width++)
            for (int kind = 0; kind < KINDS; kind++)
                check_kind((li_info){width, 1 + width % 9, layouts[layout]}, kind, 2);
}

TEST(every_level_and_kind_comes_back)
{
    for (int level = -1; level <= 9; level++)
        for (int kind = 0; kind < KINDS; kind++) {
            check_kind((li_info){301, 211, layouts[kind % 4]}, kind, level);
            check_kind((li_info){1, 1, layouts[kind % 4]}, kind, level);
        }
}

/* The packer's chunks hold 65,535 bytes, LI_OUT_BYTES and zlib's input 65,536,
 * and the row that crosses a seam is filtered in two parts. */
TEST(streams_that_end_at_or_beside_a_seam_come_back)
{
    for (int level = 0; level <= 6; level += 2)
        for (uint32_t chunks = 1; chunks <= 3; chunks++)
            for (uint32_t beside = 0; beside < 6; beside++)
                for (int kind = 0; kind < KINDS; kind += 1 + (level > 2)) {
                    uint32_t total = chunks * 65535 + beside - 3;
                    check_kind((li_info){total - 1, 1, LI_GRAY8}, kind, level);
                }
}

TEST(one_column_and_one_row_come_back)
{
    for (int level = 0; level <= 6; level += 2)
        for (int kind = 0; kind < KINDS; kind++) {
            check_kind((li_info){1, 40000, LI_GRAY8}, kind, level);
            check_kind((li_info){1, 40000, LI_RGBA8}, kind, level);
            check_kind((li_info){70001, 1, LI_RGB8}, kind, level);
            check_kind((li_info){65535, 3, LI_GRAYA8}, kind, level);
        }
}

/* More than one block's most bytes, though it says nearly nothing. */
TEST(large_flat_pictures_take_few_bytes)
{
    li_info info = {3000, 3200, LI_GRAY8};
    CHECK(check_kind(info, KIND_FLAT, 2) < 16000);
    CHECK(check_kind(info, KIND_SPARSE, 2) < 230000);
}

/* Blocks that go on over several chunks, ended by one that cannot be packed. */
TEST(noise_behind_flat_keeps_to_the_bound)
{
    li_info info = {1000, 400, LI_GRAY8};
    for (uint32_t flat = 0; flat < 200; flat += 7) {
        uint8_t *pixels = kind_picture(info, KIND_NOISE, flat + 1);
        for (uint32_t y = 0; y < flat; y++) /* 1 in 4 bytes is a literal of its own */
            for (uint32_t x = 0; x < 1000; x++)
                if (x % 24 > 5 + y % 3)
                    pixels[1000 * y + x] = 3;
        check_picture(info, pixels, 2);
        free(pixels);
    }
}

TEST(one_symbol_and_no_distance_make_readable_codes)
{
    /* Two bytes, three, four …: literals alone, a run of the shortest length. */
    for (uint32_t width = 1; width < 600; width += width < 20 ? 1 : 17)
        for (int kind = KIND_FLAT; kind <= KIND_ALTERNATING; kind += 2)
            for (int level = 1; level <= 2; level++)
                check_kind((li_info){width, 1, LI_GRAY8}, kind, level);
}

TEST(repeats_are_found)
{
    /* Rows of noise in turn, 3 KB apart: runs alone cannot shorten them. */
    li_info info = {1000, 300, LI_RGB8};
    uint8_t *pixels = kind_picture(info, KIND_NOISE, 77);
    for (uint32_t y = 4; y < 300; y++)
        memcpy(pixels + 3000 * y, pixels + 3000 * (y - 4), 3000);
    size_t size = check_picture(info, pixels, 2);
    CHECK(size < 3000 * 300 / 10);
    CHECK(check_picture(info, pixels, 1) > size * 5);
    free(pixels);
}

TEST(every_table_of_filters_gives_the_same_file)
{
    static const char *const names[] = {"sse41", "avx2", "neon"};
    for (int kind = 0; kind < KINDS; kind++)
        for (int layout = 0; layout < 4; layout++) {
            li_info info = {97 + (uint32_t)kind * 31, 120, layouts[layout]};
            uint8_t *pixels = kind_picture(info, kind, 3);
            png_bytes plain = pack_file(info, pixels, 2, "scalar");
            for (int i = 0; i < 3; i++) {
#if defined(__x86_64__)
                if (i == 1 && !__builtin_cpu_supports("avx2"))
                    continue;
                if (i == 0 && !__builtin_cpu_supports("sse4.1"))
                    continue;
#endif
                png_bytes other = pack_file(info, pixels, 2, names[i]);
                if (CHECK_EQ(other.size, plain.size))
                    CHECK(memcmp(other.data, plain.data, plain.size) == 0);
                free(other.data);
            }
            free(plain.data);
            free(pixels);
        }
}

/* --- random pictures
 * -------------------------------------------------------------- */

/* Patches of every kind, and rows and pieces copied from where they were
 * before. */
static uint8_t *
patchwork(li_info info, uint32_t *state)
{
    size_t stride = li_row_bytes(info), size = stride * info.height;
    uint8_t *pixels = kind_picture(info, (int)(test_random(state) % KINDS), *state);
    for (uint32_t patch = test_random(state) % 12; patch > 0; patch--) {
        uint8_t *other = kind_picture(info, (int)(test_random(state) % KINDS), *state);
        size_t from = test_random(state) % size;
        size_t n = test_random(state) % (size - from) + 1;
        if (test_random(state) % 2)
            memcpy(pixels + from, other + from, n);
        else
            memmove(pixels + from, pixels + test_random(state) % (size - n + 1), n);
        free(other);
    }
    return pixels;
}

TEST(random_patchworks_come_back)
{
    uint32_t state = 20261125;
    for (int round = 0; round < 500; round++) {
        uint32_t wide = round % 10 ? 90 : 900;
        li_info info = {1 + test_random(&state) % wide, 1 + test_random(&state) % wide,
                        layouts[round % 4]};
        uint8_t *pixels = patchwork(info, &state);
        check_picture(info, pixels, round % 5 == 0 ? round / 5 % 10 : 2);
        free(pixels);
    }
}

int
main(void)
{
    RUN(every_layout_width_and_kind_comes_back);
    RUN(every_level_and_kind_comes_back);
    RUN(streams_that_end_at_or_beside_a_seam_come_back);
    RUN(one_column_and_one_row_come_back);
    RUN(large_flat_pictures_take_few_bytes);
    RUN(noise_behind_flat_keeps_to_the_bound);
    RUN(one_symbol_and_no_distance_make_readable_codes);
    RUN(repeats_are_found);
    RUN(every_table_of_filters_gives_the_same_file);
    RUN(random_patchworks_come_back);
    return test_end();
}
