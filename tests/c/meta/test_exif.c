/* test_exif.c: the orientation is found where it is, and nothing is read elsewhere. */
#include "meta/exif_check.h"
#include "test.h"

#include <math.h>

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

/* --- written anew ----------------------------------------------------------------- */

/* A camera's block: IFD0 with a maker's name, orientation, resolution; Exif with sizes,
 * a maker note and interoperability; GPS with a place; IFD1 with a thumbnail; and one
 * more copy of the place that nothing points to. */
typedef struct camera {
    uint8_t data[1024];
    size_t size;
    bool big;
} camera;

static const uint32_t place[6] = {48, 1, 51, 1, 298765, 10000};
static const char maker_note[] = "a note of the maker, 0123456789";

static void
camera_put(camera *out, uint32_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out->data[out->size++] = (uint8_t)(value >> 8 * (out->big ? size - 1 - i : i));
}

static void
camera_entry(camera *out, uint32_t tag, uint32_t type, uint32_t count, uint32_t value)
{
    camera_put(out, tag, 2);
    camera_put(out, type, 2);
    camera_put(out, count, 4);
    camera_put(out, value, type == 3 && count == 1 ? 2 : 4);
    if (type == 3 && count == 1)
        camera_put(out, 0, 2);
}

static void
camera_seek(camera *out, size_t at)
{
    out->size = at;
}

enum { EXIF = 200, INTEROP = 300, GPS = 350, THUMBNAIL = 400, VALUES = 500 };

static void
camera_values(camera *out)
{
    memcpy(out->data + VALUES, "Somebody", 9);
    camera_seek(out, VALUES + 16);
    for (int i = 0; i < 2; i++) {
        camera_put(out, 3001, 4);
        camera_put(out, 10, 4);
    }
    memcpy(out->data + VALUES + 32, maker_note, sizeof(maker_note));
    for (size_t copy = VALUES + 100; copy <= VALUES + 200; copy += 100) {
        camera_seek(out, copy);
        for (int i = 0; i < 6; i++)
            camera_put(out, place[i], 4);
    }
}

static camera
camera_block(bool big)
{
    camera out = {.big = big};
    memcpy(out.data, big ? "MM\0*" : "II*\0", 4);
    camera_seek(&out, 4);
    camera_put(&out, 8, 4);
    camera_put(&out, 7, 2);
    camera_entry(&out, 0x010f, 2, 9, VALUES); /* "Somebody" */
    camera_entry(&out, 0x0112, 3, 1, 6);
    camera_entry(&out, 0x011a, 5, 1, VALUES + 16);
    camera_entry(&out, 0x011b, 5, 1, VALUES + 24);
    camera_entry(&out, 0x0128, 3, 1, 2);
    camera_entry(&out, 0x8769, 4, 1, EXIF);
    camera_entry(&out, 0x8825, 4, 1, GPS);
    camera_put(&out, THUMBNAIL, 4);
    camera_seek(&out, EXIF);
    camera_put(&out, 4, 2);
    camera_entry(&out, 0x927c, 7, sizeof(maker_note), VALUES + 32);
    camera_entry(&out, 0xa002, 3, 1, 4000);
    camera_entry(&out, 0xa003, 3, 1, 3000);
    camera_entry(&out, 0xa005, 4, 1, INTEROP);
    camera_put(&out, 0, 4);
    camera_seek(&out, INTEROP);
    camera_put(&out, 1, 2);
    camera_entry(&out, 1, 2, 4, big ? 0x52393800 : 0x00383952); /* "R98" */
    camera_put(&out, 0, 4);
    camera_seek(&out, GPS);
    camera_put(&out, 2, 2);
    camera_entry(&out, 1, 2, 2, big ? 0x4e000000 : 0x4e); /* "N" */
    camera_entry(&out, 2, 5, 3, VALUES + 100);
    camera_put(&out, 0, 4);
    camera_seek(&out, THUMBNAIL);
    camera_put(&out, 2, 2);
    camera_entry(&out, 0x0201, 4, 1, VALUES + 32);
    camera_entry(&out, 0x0202, 4, 1, sizeof(maker_note));
    camera_put(&out, 0, 4);
    camera_values(&out);
    return out;
}

static bool
has_bytes(const uint8_t *data, size_t size, const void *what, size_t length)
{
    for (size_t at = 0; at + length <= size; at++)
        if (memcmp(data + at, what, length) == 0)
            return true;
    return false;
}

TEST(a_place_is_gone_and_what_is_told_is_told)
{
    for (int big = 0; big < 2; big++) {
        camera in = camera_block(big);
        uint8_t out[sizeof(in.data) + LI_EXIF_ROOM];
        li_exif_edit edit = {
            .orientation = 1, .drop_gps = true, .width = 800, .height = 70000};
        CHECK_EQ(li_exif_orientation(in.data, in.size), 6);
        size_t size = li_exif_rewrite(in.data, in.size, &edit, out, sizeof(out));
        CHECK(size > 0 && size < in.size);
        exif_check_edits(in.data, in.size);
        CHECK(!has_bytes(out, size, in.data + 600, 24)); /* the three */
        CHECK(!has_bytes(out, size, in.data + 616, 8));  /* the seconds */
        CHECK(!has_bytes(out, size, "a note", 6));
        CHECK(has_bytes(out, size, "Somebody", 9) && has_bytes(out, size, "R98", 4));
        CHECK_EQ(li_exif_orientation(out, size), 1);
        li_density density = li_exif_density(out, size);
        CHECK(density.x > 300.09 && density.x < 300.11 && density.y == density.x);
        camera told = {.big = big};
        camera_entry(&told, 0xa002, 4, 1, 800);
        camera_entry(&told, 0xa003, 4, 1, 70000);
        CHECK(has_bytes(out, size, told.data, told.size));
    }
}

/* Exif's first entry, which is the maker note, becomes what says Adobe RGB, IFD0's
 * resolution the white point. */
TEST(what_says_other_colours_goes_where_they_were_converted)
{
    for (int big = 0; big < 2; big++)
        for (int converted = 0; converted < 2; converted++) {
            camera in = camera_block(big), told = {.big = big};
            uint8_t out[sizeof(in.data) + LI_EXIF_ROOM];
            camera_seek(&in, EXIF + 2);
            camera_entry(&in, 0xa001, 3, 1, 0xffff);
            camera_seek(&in, 10 + 2 * 12);
            camera_entry(&in, 0x013e, 5, 2, VALUES + 16);
            in.size = sizeof(in.data);
            li_exif_edit edit = {.orientation = 1, .recoloured = converted};
            size_t size = li_exif_rewrite(in.data, in.size, &edit, out, sizeof(out));
            CHECK(size > 0);
            camera_entry(&told, 0xa001, 3, 1, converted ? 1 : 0xffff);
            CHECK(has_bytes(out, size, told.data, told.size));
            CHECK_EQ(has_bytes(out, size, "R98", 4), !converted);
            CHECK_EQ(has_bytes(out, size, in.data + VALUES + 16, 16), !converted);
            exif_check_edits(in.data, in.size);
        }
}

/* Its pointer leads to GPS, as damage or malice has it. */
TEST(a_place_is_gone_from_where_it_does_not_belong)
{
    for (int big = 0; big < 2; big++) {
        camera in = camera_block(big);
        uint8_t out[sizeof(in.data) + LI_EXIF_ROOM];
        size_t size = in.size;
        camera_seek(&in, 10 + 5 * 12);
        camera_entry(&in, 0x8769, 4, 1, GPS);
        li_exif_edit edit = {.orientation = 1, .drop_gps = true};
        size = li_exif_rewrite(in.data, size, &edit, out, sizeof(out));
        CHECK(size > 0 && !has_bytes(out, size, in.data + 600, 24));
        exif_check_edits(in.data, sizeof(in.data));
    }
}

TEST(a_place_stays_where_it_may)
{
    for (int big = 0; big < 2; big++) {
        camera in = camera_block(big);
        uint8_t out[sizeof(in.data) + LI_EXIF_ROOM];
        li_exif_edit edit = {.orientation = 3};
        size_t size = li_exif_rewrite(in.data, in.size, &edit, out, sizeof(out));
        CHECK(has_bytes(out, size, in.data + 600, 24));
        CHECK_EQ(li_exif_orientation(out, size), 3);
    }
}

TEST(a_turned_block_has_its_resolutions_turned)
{
    for (int big = 0; big < 2; big++)
        for (int prefix = 0; prefix < 2; prefix++) {
            camera in = camera_block(big);
            uint8_t block[sizeof(in.data) + 6] = "Exif\0\0", *data = block + 6;
            size_t size = in.size + (prefix ? 6 : 0),
                   last = VALUES + 24 + 3 * (size_t)big;
            uint8_t *from = prefix ? block : data;
            memcpy(data, in.data, in.size);
            data[last] = (uint8_t)(data[last] - 1); /* 300.0 down */
            li_exif_transpose(from, size);
            li_density turned = li_exif_density(from, size);
            CHECK(turned.x == 300 && turned.y == 300.1);
            li_exif_transpose(from, size);
            data[last] = (uint8_t)(data[last] + 1);
            CHECK(memcmp(data, in.data, in.size) == 0);
            /* Of one alone the other is made. */
            size_t down = 10 + 3 * 12;
            data[down + !big] = 0x02; /* no longer 0x011b */
            data[down + big] = 0x1c;
            li_exif_transpose(from, size);
            turned = li_exif_density(from, size);
            CHECK(turned.x == 0 && turned.y == 300.1);
        }
}

TEST(of_nothing_a_block_is_made_that_says_what_is_told)
{
    uint8_t out[LI_EXIF_ROOM];
    li_exif_edit edit = {.orientation = 1};
    CHECK_EQ(li_exif_rewrite(NULL, 0, &edit, out, sizeof(out)), 0);
    edit = (li_exif_edit){.orientation = 8, .density = {300, 72.125}};
    size_t size = li_exif_rewrite(NULL, 0, &edit, out, sizeof(out));
    CHECK(size > 0);
    exif_well_formed(out, size, &edit);
    CHECK_EQ(li_exif_orientation(out, size), 8);
    CHECK(li_exif_density(out, size).x == 300 &&
          li_exif_density(out, size).y == 72.125);
}

TEST(density_is_read_by_its_unit)
{
    camera in = camera_block(true);
    size_t unit = 10 + 4 * 12 + 8; /* the value of the fifth entry */
    in.data[unit + 1] = 3;
    CHECK(fabs(li_exif_density(in.data, in.size).x - 300.1 * 2.54) < 1e-9);
    in.data[unit + 1] = 1;
    CHECK(li_exif_density(in.data, in.size).x == 0);
    in.data[unit + 1] = 2;
    memset(in.data + 520, 0, 4); /* over 0 */
    CHECK(li_exif_density(in.data, in.size).x == 0);
}

TEST(damaged_blocks_are_written_well_or_not_at_all)
{
    uint32_t state = 5;
    for (int i = 0; i < 3000; i++) {
        camera in = camera_block(i & 1);
        for (uint32_t n = test_random(&state) % 6; n > 0; n--)
            in.data[test_random(&state) % in.size] =
                (uint8_t)(test_random(&state) >> (i & 2 ? 3 : 6));
        exif_check_edits(in.data, in.size - test_random(&state) % 3);
    }
}

/* Entries that all have the same long value: a block that would come to more than it
 * was is none. */
TEST(a_block_does_not_grow)
{
    enum { SIZE = 4096, ENTRIES = 100 };
    uint8_t in[SIZE] = "MM\0*\0\0\0\10\0\144", out[SIZE + LI_EXIF_ROOM];
    camera entry = {.big = true};
    for (uint32_t i = 0; i < ENTRIES; i++) {
        camera_seek(&entry, 0);
        camera_entry(&entry, 0x9000 + i, 7, 2000, 2000);
        memcpy(in + 10 + 12 * (size_t)i, entry.data, 12);
    }
    li_exif_edit edit = {.orientation = 1};
    CHECK_EQ(li_exif_rewrite(in, SIZE, &edit, out, sizeof(out)), 0);
}

int
main(void)
{
    RUN(all_orientations_in_both_orders_with_and_without_prefix);
    RUN(every_prefix_is_safe_and_upright_or_right);
    RUN(hostile_offsets_and_counts_are_upright);
    RUN(noise_is_safe);
    RUN(damaged_blocks_say_what_a_slow_reader_says);
    RUN(a_place_is_gone_and_what_is_told_is_told);
    RUN(what_says_other_colours_goes_where_they_were_converted);
    RUN(a_place_is_gone_from_where_it_does_not_belong);
    RUN(a_place_stays_where_it_may);
    RUN(a_turned_block_has_its_resolutions_turned);
    RUN(of_nothing_a_block_is_made_that_says_what_is_told);
    RUN(density_is_read_by_its_unit);
    RUN(damaged_blocks_are_written_well_or_not_at_all);
    RUN(a_block_does_not_grow);
    return test_end();
}
