/* test_png_blocks.c: EXIF, XMP and profiles of a PNG, in front of the pixels and behind
 * them, and how little of the file is looked at for them. */
#include "codecs/png_inspect.h"

/* Little-endian TIFF with one entry: orientation. */
static const uint8_t exif[26] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3,
                                 0,   1,   0,  0, 0, 6, 0, 0, 0, 0, 0,    0, 0};

/* --- in front of the pixels ------------------------------------------------------- */

TEST(the_first_whole_exif_gives_the_orientation)
{
    png_bytes file = file_of(small);
    uint8_t other[sizeof(exif)];
    li_header header;
    memcpy(other, exif, sizeof(exif));
    other[18] = 3;
    chunk_insert(&file, 33, "eXIf", other, sizeof(other));
    chunk_insert(&file, 33, "eXIf", exif, sizeof(exif));
    CHECK_EQ(inspect(file, &header), LI_OK);
    CHECK_EQ(header.orientation, 6);
    CHECK_EQ(header.exif_bytes, sizeof(exif));
    file.data[33 + 8 + sizeof(exif)] ^= 1; /* its CRC: now the second one counts */
    CHECK_EQ(inspect(file, &header), LI_OK);
    CHECK_EQ(header.orientation, 3);
    free(file.data);
}

TEST(metadata_is_measured)
{
    static const char xmp[] = "XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>";
    static const uint8_t actl[8] = {0, 0, 0, 20, 0, 0, 0, 0};
    png_bytes file = file_of(small);
    li_header header;
    chunk_insert(&file, 33, "iTXt", xmp, sizeof(xmp) - 1);
    chunk_insert(&file, 33, "iTXt", "Title\0\0\0\0\0a title that is no XMP", 32);
    chunk_insert(&file, 33, "iCCP", "name\0\0 not looked at", 20);
    chunk_insert(&file, 33, "acTL", actl, sizeof(actl));
    CHECK_EQ(inspect(file, &header), LI_OK);
    CHECK_EQ(header.xmp_bytes, strlen("<x:xmpmeta/>"));
    CHECK_EQ(header.icc_bytes, 20);
    CHECK_EQ(header.frames, 20);
    CHECK_EQ(header.exif_bytes, 0);
    free(file.data);
}

TEST(a_number_of_frames_that_cannot_be_is_not_believed)
{
    static const struct {
        uint8_t body[8];
        uint32_t frames;
    } cases[] = {{{0, 0, 0, 0, 0, 0, 0, 0}, 1},
                 {{0x7f, 255, 255, 255, 0, 0, 0, 0}, 0x7fffffff},
                 {{0x80, 0, 0, 0, 0, 0, 0, 0}, 1},
                 {{0x80, 0, 0, 1, 0, 0, 0, 0}, 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        png_bytes file = file_of(small);
        li_header header;
        chunk_insert(&file, 33, "acTL", cases[i].body, sizeof(cases[i].body));
        CHECK_EQ(inspect(file, &header), LI_OK);
        CHECK_EQ(header.frames, cases[i].frames);
        free(file.data);
    }
}

/* --- behind the pixels ------------------------------------------------------------ */

static const char xmp_text[] = "XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>";
enum { END_BYTES = 12, EXIF_CHUNK = sizeof(exif) + 12 };

TEST(metadata_behind_the_pixels_is_found)
{
    png_bytes file = file_of(small);
    li_header header;
    size_t at = file.size - END_BYTES;
    chunk_insert(&file, at, "iTXt", xmp_text, sizeof(xmp_text) - 1);
    chunk_insert(&file, at, "eXIf", exif, sizeof(exif));
    chunk_insert(&file, at, "tEXt", "Title\0a title", 13);
    CHECK_EQ(inspect(file, &header), LI_OK);
    CHECK_EQ(header.orientation, 6);
    CHECK_EQ(header.exif_bytes, sizeof(exif));
    CHECK_EQ(header.exif_at, at + 25 + 8);
    CHECK(memcmp(file.data + header.exif_at, exif, sizeof(exif)) == 0);
    CHECK_EQ(header.xmp_size, strlen("<x:xmpmeta/>"));
    CHECK(memcmp(file.data + header.xmp_at, "<x:xmpmeta/>", header.xmp_size) == 0);
    CHECK_EQ(status_of(file), LI_OK);
    free(file.data);
}

TEST(the_first_whole_block_counts_wherever_it_is)
{
    png_bytes file = file_of(small);
    uint8_t other[sizeof(exif)];
    li_header header;
    memcpy(other, exif, sizeof(exif));
    other[18] = 3;
    chunk_insert(&file, file.size - END_BYTES, "eXIf", exif, sizeof(exif));
    chunk_insert(&file, file.size - END_BYTES, "eXIf", other, sizeof(other));
    CHECK_EQ(inspect(file, &header), LI_OK);
    CHECK_EQ(header.orientation, 6);
    file.data[file.size - END_BYTES - EXIF_CHUNK - 1] ^= 1; /* the first one's CRC */
    CHECK_EQ(inspect(file, &header), LI_OK);
    CHECK_EQ(header.orientation, 3);
    other[18] = 8;
    chunk_insert(&file, 33, "eXIf", other, sizeof(other));
    CHECK_EQ(inspect(file, &header), LI_OK);
    CHECK_EQ(header.orientation, 8);
    chunk_insert(&file, file.size, "eXIf", exif, sizeof(exif)); /* behind IEND */
    chunk_remove(&file, 33);
    chunk_remove(&file, file.size - END_BYTES - 3 * (size_t)EXIF_CHUNK);
    chunk_remove(&file, file.size - END_BYTES - 2 * (size_t)EXIF_CHUNK);
    CHECK_EQ(inspect(file, &header), LI_OK);
    CHECK_EQ(header.orientation, 1);
    free(file.data);
}

/* What is wrong behind the first IDAT's head is no matter of the header. */
TEST(damage_behind_the_pixels_leaves_the_header_as_it_is)
{
    png_bytes file = file_of(small);
    size_t pixels = 33 + 8, end = file.size - END_BYTES;
    li_header header;
    chunk_insert(&file, end, "eXIf", exif, sizeof(exif));
    for (size_t size = pixels; size < file.size; size++) {
        CHECK_EQ(inspect((png_bytes){file.data, size}, &header), LI_OK);
        CHECK_EQ(header.orientation, size < end + EXIF_CHUNK ? 1 : 6);
    }
    chunk_insert(&file, end, "te?t", NULL, 0);
    CHECK_EQ(inspect(file, &header), LI_OK);
    CHECK_EQ(header.orientation, 1);
    CHECK_EQ(status_of(file), LI_E130_CORRUPT);
    put_be32(file.data + end, 0x80000000);
    memcpy(file.data + end + 4, "tEXt", 4);
    CHECK_EQ(inspect(file, &header), LI_OK);
    CHECK_EQ(header.orientation, 1);
    free(file.data);
}

/* `count` empty chunks in front of IEND, and EXIF behind them. */
static png_bytes
with_chunks(const char *type, size_t count)
{
    png_bytes file = file_of(small);
    uint8_t *rest = calloc(count, 12);
    size_t at = file.size - END_BYTES;
    for (size_t i = 0; i < count; i++) {
        memcpy(rest + 12 * i + 4, type, 4);
        put_be32(rest + 12 * i + 8, (uint32_t)crc32(0, (const Bytef *)type, 4));
    }
    chunk_insert(&file, at, "eXIf", exif, sizeof(exif));
    uint8_t *all = malloc(file.size + 12 * count);
    memcpy(all, file.data, at);
    memcpy(all + at, rest, 12 * count);
    memcpy(all + at + 12 * count, file.data + at, file.size - at);
    size_t size = file.size + 12 * count;
    free(file.data);
    free(rest);
    return (png_bytes){all, size};
}

static uint32_t
orientation_behind(const char *type, size_t count, uint64_t max_segments)
{
    png_bytes file = with_chunks(type, count);
    li_limits limits = li_limits_default;
    li_header header;
    limits.max_segments = max_segments;
    CHECK_EQ(inspect_with(file, &limits, &header, NULL), LI_OK);
    free(file.data);
    return header.orientation;
}

TEST(the_walk_behind_the_pixels_is_bounded)
{
    CHECK_EQ(orientation_behind("tEXt", 9, 10), 6);
    CHECK_EQ(orientation_behind("tEXt", 10, 10), 1);
    CHECK_EQ(orientation_behind("tEXt", 5000, 0), 6);
    CHECK_EQ(orientation_behind("IDAT", 5000, 2), 6);
    CHECK_EQ(orientation_behind("fdAT", 5000, 2), 6);
    CHECK_EQ(orientation_behind("IDAT", (1 << 20) - 1, 2), 6);
    CHECK_EQ(orientation_behind("IDAT", 1 << 20, 2), 1);
}

/* --- packed ----------------------------------------------------------------------- */

/* A chunk of this head and of `size` zeros, deflated. */
static void
insert_deflated(png_bytes *file, const char *type, const char *head, size_t head_size,
                size_t size)
{
    uLongf room = compressBound(size);
    uint8_t *body = malloc(head_size + room), *zeros = calloc(size, 1);
    memcpy(body, head, head_size);
    CHECK_EQ(compress2(body + head_size, &room, zeros, size, 9), Z_OK);
    chunk_insert(file, 33, type, body, (uint32_t)(head_size + room));
    free(zeros);
    free(body);
}

/* What inspect and li_header_check say of a profile, or of XMP, of `size` bytes. */
static li_status
status_of_deflated(bool profile, size_t size, uint64_t limit, uint64_t room)
{
    static const char xmp[] = "XML:com.adobe.xmp\0\1\0\0";
    png_bytes file = file_of(small);
    li_limits limits = {.max_metadata = limit, .icc_room = room};
    li_source *source;
    li_header header;
    li_ctx ctx;
    if (profile)
        insert_deflated(&file, "iCCP", "name\0", 6, size);
    else
        insert_deflated(&file, "iTXt", xmp, sizeof(xmp), size);
    li_ctx_init(&ctx, &limits);
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    uint64_t before = ctx.bytes;
    CHECK_EQ(li_codec_png.inspect(&ctx, source, &header), LI_OK);
    CHECK_EQ(ctx.bytes, before);
    CHECK(ctx.peak_bytes - before < 512 << 10);
    uint64_t counted = profile ? header.icc_inflated : header.xmp_inflated;
    CHECK(counted <= (limit ? limit : size) + 4096); /* and no further */
    li_status status = li_header_check(&ctx, &header, file.size);
    li_source_close(&source);
    free(file.data);
    return status;
}

TEST(deflated_metadata_is_counted_where_it_may_be_too_much)
{
    enum { SIZE = 3 << 20 };
    for (int profile = 0; profile < 2; profile++) {
        CHECK_EQ(status_of_deflated(profile, SIZE, SIZE, 0), LI_OK);
        CHECK_EQ(status_of_deflated(profile, SIZE, SIZE - 1, 0), LI_E123_FIREWALL);
        CHECK_EQ(status_of_deflated(profile, SIZE, 5000, 0), LI_E123_FIREWALL);
        CHECK_EQ(status_of_deflated(profile, SIZE, 0, 0), LI_OK);
    }
    CHECK_EQ(status_of_deflated(true, SIZE, 0, SIZE + 1), LI_OK);
    CHECK_EQ(status_of_deflated(true, SIZE, 0, SIZE), LI_E123_FIREWALL);
    CHECK_EQ(status_of_deflated(true, SIZE, SIZE - 1, SIZE + 1), LI_E123_FIREWALL);
    CHECK_EQ(status_of_deflated(false, SIZE, 0, 1), LI_OK); /* XMP is no profile */
}

TEST(a_profile_that_cannot_be_inflated_is_no_error)
{
    static const uint32_t sizes[] = {0, 1, 5, 6, 7, 8, 80, 20000};
    uint8_t body[20000];
    li_limits limits = {.max_metadata = 30000};
    for (int noise = 0; noise < 3; noise++)
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            png_bytes file = file_of(small);
            li_source *source;
            li_header header;
            li_ctx ctx;
            for (uint32_t at = 0; at < sizes[i]; at++)
                body[at] = (uint8_t)(noise == 2 ? 'a' : noise * (at * at * 7 + 3));
            if (noise && sizes[i] > 4)
                body[4] = 0;
            chunk_insert(&file, 33, "iCCP", body, sizes[i]);
            li_ctx_init(&ctx, &limits);
            CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
            CHECK_EQ(li_codec_png.inspect(&ctx, source, &header), LI_OK);
            CHECK_EQ(header.icc_bytes, sizes[i]);
            li_source_close(&source);
            free(file.data);
        }
}

/* --- how much is read ------------------------------------------------------------- */

typedef struct counted {
    li_source base;
    png_bytes file; /* borrowed */
    uint64_t asked;
} counted;

static li_status
counted_at(li_source *source, uint64_t offset, size_t want, const uint8_t **data,
           size_t *got)
{
    counted *self = (counted *)source;
    uint64_t left = offset < source->size ? source->size - offset : 0;
    self->asked += want;
    *data = self->file.data + (source->size - left);
    *got = want < left ? want : (size_t)left;
    return LI_OK;
}

static const li_source_ops counted_ops = {.name = "counted", .at = counted_at};

TEST(large_metadata_is_not_read)
{
    enum { LARGE = 3 << 20, MOST = (64 << 10) + (5 << 10) }; /* one look at zlib data */
    uint8_t *body = calloc(LARGE, 1);
    png_bytes file = file_of(small);
    li_header header;
    li_ctx ctx;
    memcpy(body, exif, sizeof(exif));
    chunk_insert(&file, 33, "iCCP", body, LARGE);
    chunk_insert(&file, 33, "iTXt", body, LARGE);
    chunk_insert(&file, 33, "eXIf", body, LARGE);
    li_ctx_init(&ctx, NULL);
    counted source = {{&counted_ops, &ctx, file.size, false}, file, 0};
    CHECK_EQ(li_codec_png.inspect(&ctx, &source.base, &header), LI_OK);
    CHECK(source.asked <= MOST);
    CHECK_EQ(header.orientation, 6);
    CHECK_EQ(header.exif_bytes, LARGE);
    free(file.data);
    free(body);
}

TEST(no_pixel_is_read_for_what_stands_behind)
{
    enum { LARGE = 3 << 20, MOST = 1 << 10 };
    uint8_t *body = calloc(LARGE, 1);
    png_bytes file = file_of(small);
    li_header header;
    li_ctx ctx;
    chunk_insert(&file, file.size - END_BYTES, "IDAT", body, LARGE);
    chunk_insert(&file, file.size - END_BYTES, "eXIf", exif, sizeof(exif));
    li_ctx_init(&ctx, NULL);
    counted source = {{&counted_ops, &ctx, file.size, false}, file, 0};
    CHECK_EQ(li_codec_png.inspect(&ctx, &source.base, &header), LI_OK);
    CHECK(source.asked <= MOST);
    CHECK_EQ(header.orientation, 6);
    free(file.data);
    free(body);
}

int
main(void)
{
    RUN(the_first_whole_exif_gives_the_orientation);
    RUN(metadata_is_measured);
    RUN(a_number_of_frames_that_cannot_be_is_not_believed);
    RUN(metadata_behind_the_pixels_is_found);
    RUN(the_first_whole_block_counts_wherever_it_is);
    RUN(damage_behind_the_pixels_leaves_the_header_as_it_is);
    RUN(the_walk_behind_the_pixels_is_bounded);
    RUN(deflated_metadata_is_counted_where_it_may_be_too_much);
    RUN(a_profile_that_cannot_be_inflated_is_no_error);
    RUN(large_metadata_is_not_read);
    RUN(no_pixel_is_read_for_what_stands_behind);
    return test_end();
}
