/* test_png_scan.c: what inspect says of a PNG, and what it refuses. */
#include "codecs/png_inspect.h"

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

int
main(void)
{
    RUN(every_type_is_described);
    RUN(the_codec_knows_its_signature);
    RUN(a_wrong_ihdr_is_refused);
    RUN(exactly_fifteen_types_are_known);
    RUN(chunks_out_of_order_are_refused);
    RUN(damaged_chunks_are_refused);
    RUN(max_segments_is_exact_and_named);
    return test_end();
}
