/* test_png_scan.c: what inspect says of a PNG, what it refuses, and how little of the
 * file it looks at. */
#include "codecs/png_files.h"

static li_status
inspect_with(png_bytes file, const li_limits *limits, li_header *header, char *message)
{
    li_source *source;
    li_ctx ctx;
    li_ctx_init(&ctx, limits);
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    uint64_t before = ctx.bytes;
    ctx.allocs_left = 0; /* inspect must not need one */
    li_status status = li_codec_png.inspect(&ctx, source, header);
    CHECK_EQ(ctx.peak_bytes, before);
    li_source_close(&source);
    if (message)
        memcpy(message, ctx.message, sizeof(ctx.message));
    return status;
}

static li_status
inspect(png_bytes file, li_header *header)
{
    return inspect_with(file, NULL, header, NULL);
}

static const png_spec small = {10, 6, 2, 8, false, false, 1};

TEST(every_type_is_described)
{
    static const char *const names[TYPES] = {
        "gray1",    "gray2",  "gray4",    "gray8",    "gray16",
        "rgb8",     "rgb16",  "palette1", "palette2", "palette4",
        "palette8", "graya8", "graya16",  "rgba8",    "rgba16",
    };
    for (int type = 0; type < TYPES; type++)
        for (int flags = 0; flags < 4; flags++) {
            png_spec spec = {7,
                             5,
                             types[type][0],
                             types[type][1],
                             flags & 1,
                             (flags & 2) && (types[type][0] & 4) == 0,
                             1};
            png_bytes file = file_of(spec);
            char text[64];
            li_header header;
            CHECK_EQ(inspect(file, &header), LI_OK);
            CHECK_EQ(header.width, 7);
            CHECK_EQ(header.height, 5);
            CHECK_EQ(header.pixel, truth_pixel(&spec));
            CHECK_EQ(header.bit_depth, spec.depth);
            CHECK_EQ(header.palette, spec.colour == 3);
            CHECK_EQ(header.progressive, spec.interlaced);
            CHECK_EQ(header.held_bytes > 0, spec.interlaced);
            CHECK_EQ(header.orientation, 1);
            CHECK_EQ(header.frames, 1);
            snprintf(text, sizeof(text), "%s%s%s", names[type],
                     spec.transparent ? " trns" : "",
                     spec.interlaced ? " interlaced" : "");
            CHECK_TEXT(header.variant, text);
            free(file.data);
        }
}

TEST(the_codec_knows_its_signature)
{
    png_bytes file = file_of(small);
    CHECK(li_codec_png.probe(file.data));
    file.data[3] ^= 0x20;
    CHECK(!li_codec_png.probe(file.data));
    li_header header;
    CHECK_EQ(inspect(file, &header), LI_E130_CORRUPT);
    free(file.data);
}

/* --- metadata --------------------------------------------------------------------- */

/* Little-endian TIFF with one entry: orientation. */
static const uint8_t exif[26] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3,
                                 0,   1,   0,  0, 0, 6, 0, 0, 0, 0, 0,    0, 0};

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

/* --- refusals --------------------------------------------------------------------- */

static li_status
status_of_ihdr(int offset, uint32_t value, int size)
{
    png_bytes file = file_of(small);
    li_header header;
    if (size == 4)
        put_be32(file.data + 16 + offset, value);
    else
        file.data[16 + offset] = (uint8_t)value;
    chunk_mend(file, 8);
    li_status status = inspect(file, &header);
    free(file.data);
    return status;
}

TEST(a_wrong_ihdr_is_refused)
{
    CHECK_EQ(status_of_ihdr(0, 0x7fffffff, 4), LI_OK);
    CHECK_EQ(status_of_ihdr(0, 0x80000000, 4), LI_E130_CORRUPT);
    CHECK_EQ(status_of_ihdr(0, 0, 4), LI_E130_CORRUPT);
    CHECK_EQ(status_of_ihdr(4, 0, 4), LI_E130_CORRUPT);
    CHECK_EQ(status_of_ihdr(4, 0xffffffff, 4), LI_E130_CORRUPT);
    CHECK_EQ(status_of_ihdr(10, 1, 1), LI_E131_DECODE);
    CHECK_EQ(status_of_ihdr(11, 1, 1), LI_E131_DECODE);
    CHECK_EQ(status_of_ihdr(12, 2, 1), LI_E131_DECODE);
}

TEST(exactly_fifteen_types_are_known)
{
    uint32_t known = 0;
    for (uint32_t colour = 0; colour < 256; colour++)
        for (uint32_t depth = 0; depth < 256; depth++) {
            png_bytes file = file_of(small);
            li_header header;
            chunk_insert(&file, 33, "PLTE", "abc", 3);
            file.data[24] = (uint8_t)depth;
            file.data[25] = (uint8_t)colour;
            chunk_mend(file, 8);
            li_status status = inspect(file, &header);
            CHECK(status == LI_OK || status == LI_E130_CORRUPT);
            known += status == LI_OK;
            free(file.data);
            if (colour > 8)
                depth += 6;
        }
    CHECK_EQ(known, TYPES);
}

static void
check_refused(png_bytes file, li_status status)
{
    char message[LI_MESSAGE_BYTES];
    li_header header;
    CHECK_EQ(inspect_with(file, NULL, &header, message), status);
    CHECK(strncmp(message, "png: ", 5) == 0);
    free(file.data);
}

TEST(chunks_out_of_order_are_refused)
{
    png_bytes file = file_of(small);
    chunk_insert(&file, 8, "gAMA", "\0\0\0\1", 4);
    check_refused(file, LI_E130_CORRUPT);
    file = file_of(small);
    chunk_insert(&file, 33, "IHDR", file.data + 16, 13);
    check_refused(file, LI_E130_CORRUPT);
    file = file_of(small);
    chunk_insert(&file, 33, "IEND", NULL, 0);
    check_refused(file, LI_E130_CORRUPT);
    file = file_of((png_spec){4, 4, 3, 8, false, false, 1});
    chunk_insert(&file, 33, "PLTE", "abc", 3);
    check_refused(file, LI_E130_CORRUPT);
    file = file_of((png_spec){4, 4, 3, 8, false, false, 1});
    chunk_remove(&file, 33);
    check_refused(file, LI_E130_CORRUPT);
}

TEST(damaged_chunks_are_refused)
{
    png_bytes file = file_of((png_spec){4, 4, 3, 8, false, false, 1});
    file.data[33 + 8] ^= 1; /* the palette */
    check_refused(file, LI_E130_CORRUPT);
    file = file_of(small);
    file.data[16] ^= 1;
    check_refused(file, LI_E130_CORRUPT);
    file = file_of(small);
    chunk_insert(&file, 33, "tE]t", NULL, 0);
    check_refused(file, LI_E130_CORRUPT);
    file = file_of(small);
    put_be32(file.data + 33, 0x80000000);
    check_refused(file, LI_E130_CORRUPT);
    file = file_of(small);
    put_be32(file.data + 33, 0x7fffffff);
    memcpy(file.data + 37, "prVt", 4);
    check_refused(file, LI_E132_TRUNCATED);
    file = file_of(small);
    chunk_insert(&file, 33, "CrIT", NULL, 0);
    check_refused(file, LI_E131_DECODE);
}

TEST(max_segments_is_exact_and_named)
{
    png_bytes file = file_of(small);
    li_limits limits = li_limits_default;
    char message[LI_MESSAGE_BYTES];
    li_header header;
    for (int i = 0; i < 9; i++)
        chunk_insert(&file, 33, "prVt", NULL, 0);
    limits.max_segments = 10; /* and IHDR */
    CHECK_EQ(inspect_with(file, &limits, &header, NULL), LI_OK);
    limits.max_segments = 9;
    CHECK_EQ(inspect_with(file, &limits, &header, message), LI_E123_FIREWALL);
    CHECK_TEXT(message, "png: 10 chunks before the pixels are more than "
                        "limits(max_segments=9)");
    limits.max_segments = 0;
    CHECK_EQ(inspect_with(file, &limits, &header, NULL), LI_OK);
    free(file.data);
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
    counted source = {{&counted_ops, &ctx, file.size}, file, 0};
    CHECK_EQ(li_codec_png.inspect(&ctx, &source.base, &header), LI_OK);
    CHECK(source.asked <= MOST);
    CHECK_EQ(header.orientation, 6);
    CHECK_EQ(header.exif_bytes, LARGE);
    free(file.data);
    free(body);
}

int
main(void)
{
    RUN(every_type_is_described);
    RUN(the_codec_knows_its_signature);
    RUN(the_first_whole_exif_gives_the_orientation);
    RUN(metadata_is_measured);
    RUN(deflated_metadata_is_counted_where_it_may_be_too_much);
    RUN(a_profile_that_cannot_be_inflated_is_no_error);
    RUN(a_wrong_ihdr_is_refused);
    RUN(exactly_fifteen_types_are_known);
    RUN(chunks_out_of_order_are_refused);
    RUN(damaged_chunks_are_refused);
    RUN(max_segments_is_exact_and_named);
    RUN(large_metadata_is_not_read);
    return test_end();
}
