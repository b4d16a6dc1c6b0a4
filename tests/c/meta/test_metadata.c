/* test_metadata.c: what is kept is made fit, what does not fit is left out with a word,
 * and whatever fails leaves nothing behind. */
#include "meta/metadata.h"
#include "meta/exif.h"
#include "test.h"

static uint8_t exif[] = "MM\0*\0\0\0\10\0\2"
                        "\1\17\0\2\0\0\0\5\0\0\0\x26"
                        "\1\22\0\3\0\0\0\1\0\6\0\0"
                        "\0\0\0\0Nick\0";
static uint8_t xmp[] = "<a exif:GPSLatitude='1' dc:title='x'/>";

/* A profile's header, of this space. */
static void
profile_put(uint8_t profile[132], const char *space)
{
    memset(profile, 0, 132);
    profile[3] = 132;
    memcpy(profile + 16, space, 4);
    memcpy(profile + 36, "acsp", 4);
}

static li_metadata
all(uint8_t profile[132])
{
    profile_put(profile, "RGB ");
    return (li_metadata){.icc = profile,
                         .icc_size = 132,
                         .exif = exif,
                         .exif_size = sizeof(exif) - 1,
                         .xmp = xmp,
                         .xmp_size = sizeof(xmp) - 1,
                         .density = {300, 300},
                         .orientation = 6};
}

enum { EVERYTHING = LI_KEEP_ICC | LI_KEEP_EXIF | LI_KEEP_XMP };

TEST(each_kind_is_kept_where_it_is_asked_for)
{
    uint8_t profile[132];
    li_metadata from = all(profile), to;
    for (uint8_t keep = 0; keep < 8; keep++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_edit edit = {.keep = keep, .orientation = 1, .width = 3, .height = 4};
        CHECK_EQ(li_metadata_edit(&ctx, &from, &edit, &to), LI_OK);
        CHECK_EQ(to.icc != NULL, keep & LI_KEEP_ICC);
        CHECK_EQ(to.exif != NULL, (keep & LI_KEEP_EXIF) != 0);
        CHECK_EQ(to.xmp != NULL, (keep & LI_KEEP_XMP) != 0);
        CHECK_EQ(li_density_known(to.density), (keep & LI_KEEP_EXIF) != 0);
        CHECK_EQ(li_metadata_any(&to), keep != 0);
        CHECK(ctx.bytes <= li_metadata_edit_bytes(&from));
        li_metadata_free(&to);
        CHECK_EQ(ctx.bytes, 0);
        CHECK_EQ(ctx.warnings.count, 0);
    }
}

TEST(what_does_not_fit_is_left_out_with_a_word)
{
    uint8_t profile[132];
    li_metadata from = all(profile), to;
    const li_places small[3] = {{.icc_most = 131}, {.exif_most = 10}, {.xmp_most = 10}};
    for (int i = 0; i < 3; i++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_edit edit = {.keep = EVERYTHING, .orientation = 1, .places = small[i]};
        CHECK_EQ(li_metadata_edit(&ctx, &from, &edit, &to), LI_OK);
        CHECK_EQ(to.icc == NULL, i == 0);
        CHECK_EQ(to.exif == NULL && to.exif_size == 0, i == 1);
        CHECK_EQ(to.xmp == NULL && to.xmp_size == 0, i == 2);
        CHECK_EQ(ctx.warnings.count, 1);
        li_metadata_free(&to);
        CHECK_EQ(ctx.bytes, 0);
    }
}

/* The picture is turned as the block said, whatever else had no place. */
TEST(orientation_stays_where_its_block_does_not_fit)
{
    uint8_t profile[132];
    li_metadata from = all(profile), to;
    for (int turned = 0; turned < 2; turned++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_edit edit = {.keep = LI_KEEP_EXIF,
                        .orientation = turned ? 6 : 1,
                        .places = {.exif_most = from.exif_size - 1}};
        CHECK_EQ(li_metadata_edit(&ctx, &from, &edit, &to), LI_OK);
        CHECK_EQ(to.exif != NULL, turned);
        CHECK(!turned || li_exif_orientation(to.exif, to.exif_size) == 6);
        CHECK_EQ(ctx.warnings.count, 1);
        li_metadata_free(&to);
        CHECK_EQ(ctx.bytes, 0);
    }
}

static bool
says(const li_metadata *metadata, const char *what)
{
    for (size_t at = 0; at + strlen(what) <= metadata->xmp_size; at++)
        if (memcmp(metadata->xmp + at, what, strlen(what)) == 0)
            return true;
    return false;
}

/* Of the packet, by what is so no more; of it and of the block, who has the word. */
TEST(what_is_stale_goes_and_nothing_else)
{
    static uint8_t packet[] =
        "<a o:Orientation='3' p:ImageWidth='9' c:ColorSpace='2'/>";
    for (int i = 0; i < 8 * 8; i++) {
        li_metadata from = {.xmp = packet, .xmp_size = sizeof(packet) - 1}, to;
        from.stale = (uint8_t)(i / 8);
        li_edit edit = {
            .keep = LI_KEEP_XMP, .orientation = 1, .stale = (uint8_t)(i % 8)};
        uint8_t stale = (uint8_t)(i / 8 | i % 8);
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_metadata_edit(&ctx, &from, &edit, &to), LI_OK);
        CHECK_EQ(says(&to, "Orientation"), !(stale & LI_STALE_TURN));
        CHECK_EQ(says(&to, "ColorSpace"), !(stale & LI_STALE_COLOURS));
        CHECK_EQ(says(&to, "ImageWidth"), !(stale & LI_STALE_SIZE));
        li_metadata_free(&to);
        from.exif = exif;
        from.exif_size = sizeof(exif) - 1; /* of orientation 6, which is overruled */
        CHECK_EQ(li_metadata_edit(&ctx, &from, &edit, &to), LI_OK);
        CHECK(!says(&to, "Orientation"));
        li_metadata_free(&to);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(a_profile_suits_its_own_pixels_only)
{
    uint8_t profile[132];
    profile_put(profile, "RGB ");
    CHECK(li_icc_suits(profile, 132, false) && !li_icc_suits(profile, 132, true));
    profile_put(profile, "GRAY");
    CHECK(!li_icc_suits(profile, 132, false) && li_icc_suits(profile, 132, true));
    profile_put(profile, "CMYK");
    CHECK(!li_icc_suits(profile, 132, false) && !li_icc_suits(profile, 132, true));
    profile_put(profile, "RGB ");
    CHECK(!li_icc_suits(profile, 131, false)); /* cut off */
    profile[36] = 'b';
    CHECK(!li_icc_suits(profile, 132, false));
    CHECK(!li_icc_suits(NULL, 0, false));
}

TEST(density_is_whole_or_is_not)
{
    uint32_t x = 0, y = 0;
    CHECK(li_density_whole((li_density){299.9994, 72.4}, 1, 65535, &x, &y));
    CHECK(x == 300 && y == 72);
    CHECK(li_density_whole((li_density){300, 72}, 1 / 0.0254, 65535, &x, &y));
    CHECK(x == 11811 && y == 2835);
    CHECK(!li_density_whole((li_density){65536, 72}, 1, 65535, &x, &y));
    CHECK(!li_density_whole((li_density){0.4, 72}, 1, 65535, &x, &y));
    CHECK(!li_density_whole((li_density){0, 0}, 1, 65535, &x, &y));
}

/* --- writers -----------------------------------------------------------------------
 */

typedef li_status write_file(const li_metadata *metadata, li_ctx *ctx, li_out *out);

static li_status
write_jpeg(const li_metadata *metadata, li_ctx *ctx, li_out *out)
{
    (void)ctx;
    return li_metadata_jpeg(metadata, out);
}

static li_status
write_webp(const li_metadata *metadata, li_ctx *ctx, li_out *out)
{
    (void)ctx;
    const li_canvas canvas = {.width = 3, .height = 5};
    LI_TRY(li_metadata_webp_head(metadata, &canvas, out));
    return li_metadata_webp_tail(metadata, out);
}

static write_file *const writers[] = {write_jpeg, li_metadata_png, write_webp};

TEST(no_writer_writes_more_than_is_said)
{
    static uint8_t noise[300000];
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)test_random(&state);
    for (int w = 0; w < 3; w++)
        for (size_t size = 1; size < sizeof(noise); size = size * 3 + 7) {
            li_ctx ctx;
            li_out *out;
            li_ctx_init(&ctx, NULL);
            li_metadata metadata = {.icc = noise, .icc_size = size};
            metadata.exif = metadata.xmp = noise;
            metadata.exif_size = metadata.xmp_size = size < 65000 ? size : 65000;
            metadata.density = (li_density){72, 72};
            CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
            CHECK_EQ(writers[w](&metadata, &ctx, out), LI_OK);
            CHECK(out->size <= li_metadata_out_bytes(&metadata));
            CHECK(ctx.peak_bytes <=
                  li_metadata_edit_bytes(&metadata) + 2 * out->size + (64 << 10));
            li_out_close(&out);
            CHECK_EQ(ctx.bytes, 0);
        }
}

static li_status
edit_and_write(li_ctx *ctx, int which)
{
    uint8_t profile[132];
    li_metadata from = all(profile), copy = {0}, to = {0};
    li_edit edit = {.keep = EVERYTHING, .orientation = 8};
    li_out *out = NULL;
    li_status status = li_metadata_copy(ctx, &from, &copy);
    if (status == LI_OK)
        status = li_metadata_edit(ctx, &copy, &edit, &to);
    if (status == LI_OK)
        status = li_out_to_memory(ctx, &out);
    if (status == LI_OK)
        status = writers[which](&to, ctx, out);
    li_out_close(&out);
    li_metadata_free(&to);
    li_metadata_free(&copy);
    return status;
}

TEST(every_allocation_may_fail)
{
    for (int w = 0; w < 3; w++) {
        bool done = false;
        for (int left = 0; !done && left < 100; left++) {
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            ctx.allocs_left = left;
            li_status status = edit_and_write(&ctx, w);
            done = status == LI_OK;
            CHECK(done || status == LI_ENOMEM);
            CHECK_EQ(ctx.bytes, 0);
        }
        CHECK(done);
    }
}

int
main(void)
{
    RUN(each_kind_is_kept_where_it_is_asked_for);
    RUN(what_does_not_fit_is_left_out_with_a_word);
    RUN(orientation_stays_where_its_block_does_not_fit);
    RUN(what_is_stale_goes_and_nothing_else);
    RUN(a_profile_suits_its_own_pixels_only);
    RUN(density_is_whole_or_is_not);
    RUN(no_writer_writes_more_than_is_said);
    RUN(every_allocation_may_fail);
    return test_end();
}
