/* test_strip.c: what is kept, what goes, and what the walk gives up on. */
#include "meta/strip.h"
#include "test.h"

typedef struct result {
    li_status status;
    bool done;
    uint8_t *data; /* owned; li_release */
    size_t size;
} result;

static result
strip_as(const void *bytes, size_t size, li_strip_how how, int64_t allocs)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.allocs_left = allocs;
    li_source *source = NULL;
    li_out *out = NULL;
    result found = {0};
    found.status = li_source_borrow(&ctx, bytes, size, &source);
    if (found.status == LI_OK)
        found.status = li_out_to_memory(&ctx, &out);
    if (found.status == LI_OK)
        found.status = li_meta_strip(&ctx, source, &how, out, &found.done);
    if (found.status == LI_OK && found.done)
        found.status = li_out_detach(out, &found.data, &found.size);
    li_out_close(&out);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
    return found;
}

static result
strip(const void *bytes, size_t size, uint64_t most, int64_t allocs)
{
    return strip_as(bytes, size, (li_strip_how){.most = most}, allocs);
}

#define JPEG_START "\xff\xd8"
#define JFIF "\xff\xe0\0\x10JFIF\0\1\2\1\0\7\0\7\0\0"
#define JFIF_THUMB "\xff\xe0\0\x13JFIF\0\1\2\1\0\7\0\7\1\1abc"
#define EXIF                                                                           \
    "\xff\xe1\0\xa"                                                                    \
    "Exif\0\0xx"
#define ADOBE                                                                          \
    "\xff\xee\0\xe"                                                                    \
    "Adobe\0\x64\0\0\0\0\1"
#define COMMENT "\xff\xfe\0\5abc"
#define TABLE "\xff\xdb\0\4qq"
#define SCAN "\xff\xda\0\3sda\xff\0ta\xff\xd0more"
#define END "\xff\xd9"

static const char jpeg[] = JPEG_START JFIF_THUMB EXIF ADOBE COMMENT TABLE SCAN
    "\xff\xff\xff"
    "\xfe\0\3x" TABLE SCAN END "trailer";
static const char bare_jpeg[] = JPEG_START JFIF ADOBE TABLE SCAN TABLE SCAN END;

#define PNG_START "\x89PNG\r\n\x1a\n"
static const char png[] = PNG_START "\0\0\0\2IHDRabcccc"
                                    "\0\0\0\3tEXtabccccc"
                                    "\0\0\0\1tRNSacccc"
                                    "\0\0\0\1eXIfacccc"
                                    "\0\0\0\2IDATabcccc"
                                    "\0\0\0\3eXIfabccccc"
                                    "\0\0\0\1iTXtacccc"
                                    "\0\0\0\0IENDcccc"
                                    "rest";
static const char bare_png[] = PNG_START "\0\0\0\2IHDRabcccc"
                                         "\0\0\0\1tRNSacccc"
                                         "\0\0\0\2IDATabcccc"
                                         "\0\0\0\0IENDcccc";

static const char webp[] = "RIFF\x36\0\0\0WEBP"
                           "VP8X\xa\0\0\0\x3c\0\0\0\0\0\0\0\0\0"
                           "ICCP\1\0\0\0a\0"
                           "VP8 \3\0\0\0abc\0"
                           "EXIF\2\0\0\0ab"
                           "behind";
static const char bare_webp[] = "RIFF\x22\0\0\0WEBP"
                                "VP8X\xa\0\0\0\x10\0\0\0\0\0\0\0\0\0"
                                "VP8 \3\0\0\0abc\0";

#define SIZE(text) (sizeof(text) - 1)

static void
check_kept(const char *from, size_t size, const char *wanted, size_t wanted_size)
{
    result found = strip(from, size, UINT64_MAX, -1);
    CHECK_EQ(found.status, LI_OK);
    CHECK(found.done);
    CHECK_EQ(found.size, wanted_size);
    CHECK(found.size == wanted_size && memcmp(found.data, wanted, wanted_size) == 0);
    li_release(found.data);
}

TEST(only_the_picture_is_kept)
{
    check_kept(jpeg, SIZE(jpeg), bare_jpeg, SIZE(bare_jpeg));
    check_kept(png, SIZE(png), bare_png, SIZE(bare_png));
    check_kept(webp, SIZE(webp), bare_webp, SIZE(bare_webp));
}

TEST(what_is_bare_comes_back_as_it_is)
{
    check_kept(bare_jpeg, SIZE(bare_jpeg), bare_jpeg, SIZE(bare_jpeg));
    check_kept(bare_png, SIZE(bare_png), bare_png, SIZE(bare_png));
    check_kept(bare_webp, SIZE(bare_webp), bare_webp, SIZE(bare_webp));
}

#define CHUNK_CICP "\0\0\0\4cICP\x9\x10\0\1cccc"
#define CHUNK_GAMA "\0\0\0\4gAMA\0\1\x86\xa0xxxx"
#define PLACES "0123456789abcdef0123456789abcdef"
#define CHUNK_CHRM "\0\0\0\40cHRM" PLACES "yyyy"
#define HEAD_CHUNK "\0\0\0\2IHDRabcccc"
#define DATA_CHUNK "\0\0\0\2IDATabcccc"
#define END_CHUNK "\0\0\0\0IENDcccc"

/* Once each, of their own sizes, in front of the pixels. */
TEST(what_colours_are_told_by_stays_where_samples_do)
{
    static const char told[] = PNG_START HEAD_CHUNK CHUNK_GAMA CHUNK_GAMA
        "\0\0\0\1sRGB\0cccc" CHUNK_CHRM CHUNK_CICP CHUNK_CHRM DATA_CHUNK CHUNK_CICP
            END_CHUNK;
    static const char numbers[] =
        PNG_START HEAD_CHUNK CHUNK_GAMA CHUNK_CHRM CHUNK_CICP DATA_CHUNK END_CHUNK;
    static const char odd[] =
        PNG_START HEAD_CHUNK "\0\0\0\5gAMAabcdecccc" CHUNK_GAMA DATA_CHUNK END_CHUNK;
    static const char none[] = PNG_START HEAD_CHUNK DATA_CHUNK END_CHUNK;
    const li_strip_how how = {.numbers = true, .most = UINT64_MAX};
    check_kept(told, SIZE(told), none, SIZE(none));
    result found = strip_as(told, SIZE(told), how, -1);
    CHECK(found.done && found.size == SIZE(numbers));
    CHECK(memcmp(found.data, numbers, found.size) == 0);
    li_release(found.data);
    found = strip_as(odd, SIZE(odd), how, -1);
    CHECK(found.done && found.size == SIZE(none));
    li_release(found.data);
}

TEST(the_walk_gives_up_at_every_cut)
{
    const struct {
        const char *bytes;
        size_t size;
    } files[] = {{bare_jpeg, SIZE(bare_jpeg)},
                 {bare_png, SIZE(bare_png)},
                 {bare_webp, SIZE(bare_webp)}};
    for (size_t f = 0; f < 3; f++)
        for (size_t cut = 1; cut < files[f].size; cut++) {
            result found = strip(files[f].bytes, cut, UINT64_MAX, -1);
            CHECK_EQ(found.status, LI_OK);
            CHECK(!found.done);
        }
}

TEST(it_stops_below_the_bytes_that_it_may_take)
{
    result found = strip(jpeg, SIZE(jpeg), SIZE(bare_jpeg) + 1, -1);
    CHECK(found.done);
    li_release(found.data);
    for (uint64_t most = 0; most <= SIZE(bare_jpeg); most++)
        CHECK(!strip(jpeg, SIZE(jpeg), most, -1).done);
}

TEST(other_containers_and_animations_are_left_alone)
{
    char moving[SIZE(webp)];
    memcpy(moving, webp, sizeof(moving));
    moving[20] |= 2;
    CHECK(!strip(moving, sizeof(moving), UINT64_MAX, -1).done);
    CHECK(!strip("GIF89a and so on", 16, UINT64_MAX, -1).done);
    CHECK(!strip("\0\0\0\x1c"
                 "ftypavif",
                 12, UINT64_MAX, -1)
               .done);
}

TEST(wrong_bytes_never_lead_astray)
{
    uint32_t state = 3;
    uint8_t bytes[SIZE(jpeg) + SIZE(png) + SIZE(webp)];
    const char *const from[] = {jpeg, png, webp};
    const size_t sizes[] = {SIZE(jpeg), SIZE(png), SIZE(webp)};
    for (int i = 0; i < 30000; i++) {
        size_t size = sizes[i % 3];
        memcpy(bytes, from[i % 3], size);
        for (int change = 0; change < 3; change++)
            bytes[test_random(&state) % size] = (uint8_t)test_random(&state);
        result found = strip(bytes, size, UINT64_MAX, -1);
        CHECK_EQ(found.status, LI_OK);
        CHECK(found.size <= size);
        li_release(found.data);
    }
}

TEST(every_allocation_fails_once)
{
    for (int64_t allocs = 0; allocs < 3; allocs++)
        CHECK_EQ(strip(jpeg, SIZE(jpeg), UINT64_MAX, allocs).status, LI_ENOMEM);
}

int
main(void)
{
    RUN(only_the_picture_is_kept);
    RUN(what_is_bare_comes_back_as_it_is);
    RUN(what_colours_are_told_by_stays_where_samples_do);
    RUN(the_walk_gives_up_at_every_cut);
    RUN(it_stops_below_the_bytes_that_it_may_take);
    RUN(other_containers_and_animations_are_left_alone);
    RUN(wrong_bytes_never_lead_astray);
    RUN(every_allocation_fails_once);
    return test_end();
}
