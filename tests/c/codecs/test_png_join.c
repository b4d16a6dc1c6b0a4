/* test_png_join.c: a deflate stream that another may follow: whatever the bit that it
 * ends at, however many blocks it has, whoever made it. */
#include "codecs/png/write.h"
#include "codecs/png_pack.h"

enum { ROOM = 1 << 20 };

/* Bytes with runs, repeats and noise. */
static void
fill(uint8_t *bytes, size_t count, uint32_t *state)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t random = test_random(state) >> 8;
        bytes[i] = random % 5 && i > 40 ? bytes[i - 1 - random % 40] : (uint8_t)random;
    }
}

/* By zlib, as a raw stream. */
static size_t
deflated(const uint8_t *bytes, size_t count, int level, int strategy, uint8_t *to)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)count};
    stream.next_out = to;
    stream.avail_out = ROOM;
    CHECK_EQ(deflateInit2(&stream, level, Z_DEFLATED, -15, 8, strategy), Z_OK);
    CHECK_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    CHECK_EQ(deflateEnd(&stream), Z_OK);
    return stream.total_out;
}

/* Do the joined streams give these bytes? */
static bool
inflates_to(uint8_t *packed, size_t size, const uint8_t *bytes, size_t count)
{
    uint8_t *got = malloc(count + 1);
    z_stream stream = {.next_in = packed, .avail_in = (uInt)size};
    stream.next_out = got;
    stream.avail_out = (uInt)count + 1;
    CHECK_EQ(inflateInit2(&stream, -15), Z_OK);
    bool ended = inflate(&stream, Z_FINISH) == Z_STREAM_END;
    bool same = ended && stream.total_out == count && stream.avail_in == 0 &&
                memcmp(got, bytes, count) == 0;
    CHECK_EQ(inflateEnd(&stream), Z_OK);
    free(got);
    return same;
}

/* Cut in two, packed apart, joined. */
static void
check_join(uint8_t *bytes, size_t first, size_t second, int level, int strategy)
{
    static uint8_t packed[2 * ROOM + LI_JOIN_BYTES];
    uint8_t *copy = malloc(first);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    memcpy(copy, bytes, first);
    size_t size = deflated(bytes, first, level, strategy, packed), before = size;
    CHECK_EQ(li_deflate_go_on(&ctx, packed, &size, bytes, first), LI_OK);
    CHECK(size - before <= LI_JOIN_BYTES);
    CHECK(memcmp(copy, bytes, first) == 0);
    CHECK_EQ(ctx.bytes, 0);
    CHECK(ctx.peak_bytes <= li_deflate_join_memory());
    size +=
        deflated(bytes + first, second, 9 - level, Z_DEFAULT_STRATEGY, packed + size);
    CHECK(inflates_to(packed, size, bytes, first + second));
    free(copy);
}

TEST(streams_of_every_kind_and_length_go_on)
{
    static const int strategies[] = {Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_FIXED,
                                     Z_RLE};
    enum { MOST = 90000 };
    uint8_t *bytes = malloc(MOST + 100);
    uint32_t state = 5;
    fill(bytes, MOST + 100, &state);
    for (size_t first = 1; first < 300; first++)
        for (int i = 0; i < 4; i++)
            check_join(bytes, first, 100, (int)(first % 10), strategies[i]);
    for (int i = 0; i < 40; i++)
        check_join(bytes, 30000 + test_random(&state) % 60000, 100, i % 10,
                   strategies[i % 4]);
    free(bytes);
}

TEST(what_is_no_stream_of_these_bytes_is_an_error)
{
    uint8_t bytes[600], packed[2000];
    uint32_t state = 7;
    for (int i = 0; i < 4; i++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        fill(bytes, sizeof(bytes), &state);
        size_t size = deflated(bytes, sizeof(bytes), 6, Z_DEFAULT_STRATEGY, packed);
        size_t count = sizeof(bytes);
        if (i == 0)
            size--; /* cut */
        if (i == 1)
            packed[0] = 7; /* the third type of block but one is none */
        if (i == 2)
            count--; /* it holds more */
        if (i == 3)
            packed[size++] = 0; /* something behind it */
        CHECK_EQ(li_deflate_go_on(&ctx, packed, &size, bytes, count), LI_E901_INTERNAL);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(every_allocation_of_a_join_fails_once)
{
    static uint8_t bytes[50000], packed[ROOM];
    uint32_t state = 9;
    int failed = 0;
    fill(bytes, sizeof(bytes), &state);
    for (int n = 0;; n++) {
        size_t size = deflated(bytes, sizeof(bytes), 9, Z_DEFAULT_STRATEGY, packed);
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = n;
        li_status status = li_deflate_go_on(&ctx, packed, &size, bytes, sizeof(bytes));
        CHECK_EQ(ctx.bytes, 0);
        if (status == LI_OK)
            break;
        CHECK_EQ(status, LI_ENOMEM);
        failed++;
    }
    CHECK(failed >= 1);
}

/* More than one piece, whatever the level. */
TEST(pictures_of_several_pieces_come_back)
{
    li_info info = {1200, 700, LI_RGB8}, large = {1500, 1600, LI_RGB8};
    for (int kind = 0; kind < KINDS; kind++)
        for (int level = 7; level <= 9; level++) {
            uint8_t *pixels = kind_picture(info, kind, 3);
            png_bytes file = pack_file(info, pixels, level, "scalar");
            check_by_zlib(info, file, pixels);
            check_by_libpng(info, file, pixels);
            free(file.data);
            free(pixels);
        }
    for (int level = 5; level <= 6; level++) {
        uint8_t *pixels = kind_picture(large, KIND_PHOTO, 3);
        png_bytes file = pack_file(large, pixels, level, "scalar");
        check_by_zlib(large, file, pixels);
        free(file.data);
        free(pixels);
    }
}

int
main(void)
{
    RUN(streams_of_every_kind_and_length_go_on);
    RUN(what_is_no_stream_of_these_bytes_is_an_error);
    RUN(every_allocation_of_a_join_fails_once);
    RUN(pictures_of_several_pieces_come_back);
    return test_end();
}
