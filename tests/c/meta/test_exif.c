/* test_exif.c: the orientation is found where it is, and nothing is read elsewhere. */
#include "meta/exif_check.h"
#include "test.h"

enum { BLOCK_BYTES = 64, ENTRIES_END = 8 + 2 + 2 * 12 };

typedef struct writer {
    uint8_t data[BLOCK_BYTES];
    size_t size;
    bool big;
} writer;

static void
put(writer *out, uint32_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out->data[out->size++] = (uint8_t)(value >> 8 * (out->big ? size - 1 - i : i));
}

/* IFD0 with another entry in front of the orientation. */
static writer
block(bool big, bool prefix, uint32_t type, uint32_t count, uint32_t value)
{
    writer out = {.big = big};
    if (prefix) {
        memcpy(out.data, "Exif\0\0", 6);
        out.size = 6;
    }
    memcpy(out.data + out.size, big ? "MM" : "II", 2);
    out.size += 2;
    put(&out, 42, 2);
    put(&out, 8, 4);
    put(&out, 2, 2);
    put(&out, 0x0100, 2);
    put(&out, 4, 2);
    put(&out, 1, 4);
    put(&out, 640, 4);
    put(&out, 0x0112, 2);
    put(&out, type, 2);
    put(&out, count, 4);
    put(&out, value, type == 1 ? 1 : type == 3 ? 2 : 4);
    while (out.size < 38u + (prefix ? 6 : 0))
        put(&out, 0, 1);
    return out;
}

/* In memory of exactly that size, so that ASan sees a read outside. */
static uint8_t
read_exact(const writer *from, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, from->data, size);
    uint8_t found = li_exif_orientation(exact, size);
    free(exact);
    return found;
}

TEST(all_orientations_in_both_orders_with_and_without_prefix)
{
    for (int way = 0; way < 4; way++)
        for (uint32_t type = 1; type <= 4; type++)
            for (uint32_t value = 0; value <= 9; value++) {
                writer out = block(way & 1, way & 2, type, 1, value);
                bool sane = value >= 1 && value <= 8 && type != 2;
                CHECK_EQ(read_exact(&out, out.size), sane ? value : 1);
            }
}

TEST(every_prefix_is_safe_and_upright_or_right)
{
    for (int way = 0; way < 4; way++) {
        size_t prefix = way & 2 ? 6 : 0;
        writer out = block(way & 1, way & 2, 3, 1, 6);
        for (size_t size = 0; size < out.size; size++)
            CHECK_EQ(read_exact(&out, size), size >= ENTRIES_END + prefix ? 6 : 1);
        CHECK_EQ(read_exact(&out, out.size), 6);
    }
}

TEST(hostile_offsets_and_counts_are_upright)
{
    static const uint32_t offsets[] = {
        0, 1, 38, 63, 64, 0x7FFFFFFF, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        writer out = block(true, false, 3, 1, 6);
        out.size = 4;
        put(&out, offsets[i], 4);
        out.size = 38;
        CHECK_EQ(read_exact(&out, out.size), 1);
    }
    writer out = block(false, false, 3, 1, 6);
    out.data[8] = out.data[9] = 0xFF; /* 65535 entries: those that are there count */
    CHECK_EQ(read_exact(&out, out.size), 6);
    out = block(false, false, 3, 0, 6); /* no value */
    CHECK_EQ(read_exact(&out, out.size), 1);
}

TEST(noise_is_safe)
{
    uint32_t state = 3;
    for (int n = 0; n < 20000; n++) {
        writer out = block(n & 1, n & 2, 3, 1, 6);
        for (int i = 0; i < 3; i++)
            out.data[test_random(&state) % out.size] = (uint8_t)test_random(&state);
        uint8_t found = read_exact(&out, test_random(&state) % (out.size + 1));
        CHECK(found >= 1 && found <= 8);
    }
}

/* exif_check aborts where a slow reader says something else. */
TEST(damaged_blocks_say_what_a_slow_reader_says)
{
    uint32_t state = 4, turned = 0;
    for (int i = 0; i < 4000; i++) {
        uint32_t any = test_random(&state);
        writer made =
            block(any & 1, any & 2, 1 + any / 4 % 4, any / 16 % 3, any / 64 % 10);
        for (uint32_t n = any >> 30; n > 0; n--)
            made.data[test_random(&state) % made.size] =
                (uint8_t)(test_random(&state) % 20);
        turned += exif_check(made.data, made.size - any / 512 % 3) > 1;
    }
    CHECK(turned > 400);
}

int
main(void)
{
    RUN(all_orientations_in_both_orders_with_and_without_prefix);
    RUN(every_prefix_is_safe_and_upright_or_right);
    RUN(hostile_offsets_and_counts_are_upright);
    RUN(noise_is_safe);
    RUN(damaged_blocks_say_what_a_slow_reader_says);
    return test_end();
}
