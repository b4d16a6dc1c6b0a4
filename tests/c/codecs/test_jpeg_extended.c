/* test_jpeg_extended.c: a packet of XMP in two parts, at every damage and at every
 * allocation that fails. What becomes of whole ones is tested from Python. */
#include "codecs/jpeg_make.h"

#define RDF "<r:RDF xmlns:r='r'>"
#define DIGEST "0123456789ABCDEF0123456789ABCDEF"
#define PACKET RDF "<a HasExtendedXMP='" DIGEST "'/></r:RDF>"
#define MORE RDF "<b>more</b></r:RDF>"
#define JOINED RDF "<a HasExtendedXMP='" DIGEST "'/><b>more</b></r:RDF>"

enum { PIECE = 10, SOI_BYTES = 2, ROOM = 1 << 17 };

static char text[ROOM];

/* In front of all others. */
static bytes
add_segment(bytes file, const void *name, size_t name_size, const void *body,
            size_t size)
{
    uint8_t segment[512] = {0xff, 0xe1};
    size_t length = 2 + name_size + size;
    segment[2] = (uint8_t)(length >> 8);
    segment[3] = (uint8_t)length;
    memcpy(segment + 4, name, name_size);
    memcpy(segment + 4 + name_size, body, size);
    bytes grown = bytes_insert(file, SOI_BYTES, segment, 2 + length, 1);
    free(file.data);
    return grown;
}

static bytes
two_parts(void)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/";
    static const char name[] = "http://ns.adobe.com/xmp/extension/\0" DIGEST;
    static const char more[] = MORE;
    size_t all = strlen(more);
    bytes file = make_jpeg(&(make){.width = 9, .height = 7, .components = 1});
    for (size_t at = 0; at < all; at += PIECE) {
        uint8_t body[8 + PIECE] = {[3] = (uint8_t)all, [7] = (uint8_t)at};
        size_t size = all - at < PIECE ? all - at : PIECE;
        memcpy(body + 8, &more[at], size);
        file = add_segment(file, name, sizeof(name) - 1, body, 8 + size);
    }
    return add_segment(file, xmp, sizeof(xmp), PACKET, strlen(PACKET));
}

/* Into `text`; nothing where there is none. */
static li_status
read_xmp(bytes file, int64_t allocs)
{
    li_source *source = NULL;
    li_metadata found = {0};
    li_header header;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    text[0] = 0;
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    ctx.allocs_left = allocs;
    li_status status = li_codec_jpeg.inspect(&ctx, source, &header);
    if (status == LI_OK)
        status = li_codec_metadata(&li_codec_jpeg, &ctx, source, &header, LI_KEEP_XMP,
                                   &found);
    if (status == LI_OK && found.xmp) {
        CHECK(found.xmp_size < ROOM);
        CHECK(found.xmp_more_at <= found.xmp_size - found.xmp_more_size);
        memcpy(text, found.xmp, found.xmp_size);
        text[found.xmp_size] = 0;
    }
    li_metadata_free(&found);
    li_source_close(&source);
    CHECK_EQ(ctx.bytes, 0);
    return status;
}

TEST(two_parts_become_one)
{
    bytes file = two_parts();
    CHECK_EQ(read_xmp(file, -1), LI_OK);
    CHECK_TEXT(text, JOINED);
    free(file.data);
}

TEST(every_allocation_fails_once)
{
    bytes file = two_parts();
    CHECK_EQ(read_xmp(file, 0), LI_ENOMEM);
    CHECK_EQ(read_xmp(file, 1), LI_OK);
    free(file.data);
}

/* Whatever a byte becomes: the joined packet, or the standard one, or none. */
TEST(every_byte_of_them_may_be_wrong)
{
    static const uint8_t others[] = {0, 1, 0x27, 0x3c, 0x7f, 0xe1, 0xff};
    bytes file = two_parts();
    size_t all = file.size < 800 ? file.size : 800;
    uint32_t joined = 0, alone = 0;
    for (size_t at = SOI_BYTES; at < all; at++)
        for (size_t i = 0; i < sizeof(others); i++) {
            uint8_t was = file.data[at];
            file.data[at] = others[i];
            (void)!read_xmp(file, -1);
            joined += strlen(text) == strlen(JOINED);
            alone += strlen(text) == strlen(PACKET);
            file.data[at] = was;
        }
    CHECK(joined > 100 && alone > 1000);
    free(file.data);
}

int
main(void)
{
    RUN(two_parts_become_one);
    RUN(every_allocation_fails_once);
    RUN(every_byte_of_them_may_be_wrong);
    return test_end();
}
