/* test_span.c: spans against fractions computed slowly. */
#include "ops/span.h"
#include "../test.h"

typedef __int128 wide;

static uint32_t
random_side(uint32_t *state)
{
    uint32_t kind = test_random(state) % 8, n = test_random(state);
    if (kind == 0)
        return 1;
    if (kind == 1)
        return 65535 - n % 3;
    return 1 + n % (kind < 5 ? 40 : 9000);
}

/* Where output i of `count` begins, as numerator over *unit × count. */
static wide
begin_of(li_span span, uint32_t count, uint32_t i)
{
    return (wide)span.start * count + (wide)span.length * i;
}

static bool
same_place(li_span a, uint32_t a_count, uint32_t i, li_span b, uint32_t b_count,
           uint32_t k)
{
    return begin_of(a, a_count, i) * b.unit * b_count ==
           begin_of(b, b_count, k) * a.unit * a_count;
}

TEST(a_window_of_a_window_is_where_it_was_and_stays_small)
{
    uint32_t state = 17;
    for (int i = 0; i < 3000; i++) {
        uint32_t pixels = random_side(&state), count = random_side(&state);
        li_span whole = li_span_whole(pixels), span = whole;
        uint32_t first = 0, kept = count;
        for (int k = 0; k < 6; k++) {
            uint32_t skip = test_random(&state) % kept;
            uint32_t keep = 1 + test_random(&state) % (kept - skip);
            span = li_span_window(span, kept, skip, keep);
            first += skip;
            kept = keep;
            CHECK(same_place(span, kept, 0, whole, count, first));
            CHECK(same_place(span, kept, kept, whole, count, first + kept));
            CHECK(span.unit <= 65535 && span.length <= 65535ull * 65535);
        }
    }
}

TEST(a_whole_window_is_the_whole_again)
{
    li_span span = li_span_window(li_span_whole(800), 300, 0, 300);
    CHECK(span.start == 0 && span.length == 800 && span.unit == 1);
    span = li_span_window(li_span_whole(900), 300, 100, 100);
    CHECK(span.start == 300 && span.length == 300 && span.unit == 1);
    span = li_span_window(li_span_whole(10), 4, 1, 2);
    CHECK(span.start == 5 && span.length == 10 && span.unit == 2);
}

TEST(a_mirrored_span_lies_at_the_other_end)
{
    uint32_t state = 23;
    for (int i = 0; i < 3000; i++) {
        uint32_t pixels = random_side(&state), count = random_side(&state);
        uint32_t first = test_random(&state) % count;
        uint32_t kept = 1 + test_random(&state) % (count - first);
        li_span span = li_span_window(li_span_whole(pixels), count, first, kept);
        li_span back =
            li_span_window(li_span_whole(pixels), count, count - first - kept, kept);
        li_span mirrored = li_span_mirror(span, pixels),
                twice = li_span_mirror(mirrored, pixels);
        CHECK(same_place(mirrored, kept, 0, back, kept, 0));
        CHECK(same_place(mirrored, kept, kept, back, kept, kept));
        CHECK(twice.start == span.start && twice.length == span.length);
    }
}

TEST(a_shrunk_span_is_the_same_part_of_the_picture)
{
    uint32_t state = 31;
    for (int i = 0; i < 5000; i++) {
        uint32_t pixels = 8 + random_side(&state),
                 offset = test_random(&state) % pixels;
        uint32_t length = 1 + test_random(&state) % (pixels - offset);
        uint32_t count = random_side(&state), first = test_random(&state) % count;
        uint32_t kept = 1 + test_random(&state) % (count - first);
        uint32_t shrink = 1 + test_random(&state) % 8;
        uint32_t from = (uint32_t)((uint64_t)offset * shrink / 8);
        li_span span = li_span_window(li_span_whole(length), count, first, kept);
        li_span shrunk = li_span_shrink(span, offset, shrink, from);
        /* (place + from) × 8 / shrink − offset is where it was. */
        for (uint32_t k = 0; k <= kept; k += kept) {
            wide place = begin_of(shrunk, kept, k), unit = (wide)shrunk.unit * kept;
            wide back = (place + from * unit) * 8 - offset * unit * shrink;
            CHECK(back * span.unit * kept == begin_of(span, kept, k) * unit * shrink);
        }
    }
}

TEST(a_shrink_is_allowed_while_enough_pixels_stay)
{
    CHECK(li_span_allows(li_span_whole(800), 100, 1, 8));
    CHECK(!li_span_allows(li_span_whole(799), 100, 1, 8));
    CHECK(li_span_allows(li_span_whole(1200), 100, 1, 12));
    CHECK(!li_span_allows(li_span_whole(1199), 100, 1, 12));
    CHECK(li_span_allows(li_span_whole(400), 100, 4, 12) == (400 * 4 >= 100 * 12));
    CHECK(!li_span_allows((li_span){0, 1, UINT64_MAX}, 2, 8, 12));
}

/* --- orientation ------------------------------------------------------------------ */

/* Where output pixel (x, y) of a resize comes from, for each way, as the rectangle of
 * the picture before both: they must be the same rectangle. */
TEST(a_resize_before_an_orientation_reads_the_same_pixels)
{
    uint32_t state = 41;
    for (int i = 0; i < 4000; i++) {
        li_orientation orientation = (li_orientation)(1 + i % 8);
        li_info in = {random_side(&state), random_side(&state), LI_RGB8};
        bool turned = li_orient_transposes(orientation);
        uint32_t w = turned ? in.height : in.width, h = turned ? in.width : in.height;
        li_resize after = {.width = random_side(&state), .height = random_side(&state)};
        uint32_t kept = 1 + test_random(&state) % after.width;
        after.x =
            li_span_window(li_span_whole(w), after.width, after.width - kept, kept);
        after.width = kept;
        after.y = li_span_whole(h);
        li_resize before = li_resize_before(&after, orientation, in);
        li_info middle = {before.width, before.height, LI_RGB8};
        uint32_t x = test_random(&state) % after.width,
                 y = test_random(&state) % after.height;
        li_rect at = li_orient_rect(li_orient_inverse(orientation),
                                    (li_info){after.width, after.height, LI_RGB8},
                                    (li_rect){x, y, 1, 1});
        CHECK(at.x < middle.width && at.y < middle.height);
        /* The output pixel as a part of the turned picture, turned back, is the part
         * that `before` reads for it: compare on a grid fine enough for both. */
        li_span px = li_span_window(after.x, after.width, x, 1);
        li_span py = li_span_window(after.y, after.height, y, 1);
        li_span qx = turned ? py : px, qy = turned ? px : py;
        static const bool mirrors[9] = {[2] = 1, [3] = 1, [7] = 1, [8] = 1};
        static const bool flips[9] = {[3] = 1, [4] = 1, [6] = 1, [7] = 1};
        qx = mirrors[orientation] ? li_span_mirror(qx, in.width) : qx;
        qy = flips[orientation] ? li_span_mirror(qy, in.height) : qy;
        li_span bx = li_span_window(before.x, before.width, at.x, 1);
        li_span by = li_span_window(before.y, before.height, at.y, 1);
        CHECK(same_place(bx, 1, 0, qx, 1, 0) && same_place(bx, 1, 1, qx, 1, 1));
        CHECK(same_place(by, 1, 0, qy, 1, 0) && same_place(by, 1, 1, qy, 1, 1));
    }
}

int
main(void)
{
    RUN(a_window_of_a_window_is_where_it_was_and_stays_small);
    RUN(a_whole_window_is_the_whole_again);
    RUN(a_mirrored_span_lies_at_the_other_end);
    RUN(a_shrunk_span_is_the_same_part_of_the_picture);
    RUN(a_shrink_is_allowed_while_enough_pixels_stay);
    RUN(a_resize_before_an_orientation_reads_the_same_pixels);
    return test_end();
}
