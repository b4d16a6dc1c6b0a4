/* test_jpeg_damage.c: JPEGs that are cut, broken, hostile or merely odd. */
#include "jpeg_make.h"

static size_t
find(bytes file, uint8_t marker)
{
    for (size_t at = 0; at + 1 < file.size; at++)
        if (file.data[at] == 0xFF && file.data[at + 1] == marker)
            return at;
    return 0;
}

static li_status
status_of(bytes file, li_ctx *ctx)
{
    li_info info;
    li_ctx_init(ctx, NULL);
    uint8_t *all = decode_bytes(ctx, file.data, file.size, (li_hint){0}, &info);
    CHECK_EQ(all != NULL, ctx->status == LI_OK);
    CHECK_EQ(ctx->bytes, 0);
    free(all);
    return ctx->status;
}

/* --- cut off
 * --------------------------------------------------------------------------- */

static const make cuts[] = {
    {.width = 37, .height = 29, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
    {.width = 37, .height = 29, .components = 3, .progressive = true},
    {.width = 37, .height = 29, .components = 3, .apart = true},
    {.width = 37, .height = 29, .components = 3, .arithmetic = true},
    {.width = 37,
     .height = 29,
     .components = 3,
     .arithmetic = true,
     .progressive = true},
    {.width = 37, .height = 29, .components = 1, .restart = 2},
    {.width = 37, .height = 29, .components = 4},
};

/* Complete or an error, nothing between: what is accepted equals the whole. */
static uint32_t
check_prefixes(bytes file)
{
    li_ctx ctx;
    li_info info = {0}, cut = {0};
    uint32_t accepted = 0;
    li_ctx_init(&ctx, NULL);
    uint8_t *whole = decode_bytes(&ctx, file.data, file.size, (li_hint){0}, &info);
    for (size_t size = 1; CHECK(whole) && size < file.size; size++) {
        uint8_t *exact = malloc(size); /* a read past the end is a crash under ASan */
        memcpy(exact, file.data, size);
        li_ctx_init(&ctx, NULL);
        uint8_t *found = decode_bytes(&ctx, exact, size, (li_hint){0}, &cut);
        CHECK_EQ(ctx.bytes, 0);
        if (found) {
            accepted++;
            CHECK(memcmp(found, whole, li_image_bytes(info)) == 0);
            CHECK(ctx.warnings.count > 0);
        } else {
            CHECK_EQ(ctx.status, LI_E132_TRUNCATED);
            CHECK(strncmp(ctx.message, "jpeg: ", 6) == 0);
        }
        free(found);
        free(exact);
    }
    free(whole);
    return accepted;
}

TEST(every_prefix_is_refused_unless_only_the_end_marker_is_missing)
{
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        bytes file = make_jpeg(&cuts[i]);
        uint32_t accepted = check_prefixes(file);
        CHECK(accepted <= 3); /* FFD9 gone, FF left, last padding bits gone */
        CHECK(cuts[i].arithmetic || accepted >= 1);
        free(file.data);
    }
}

TEST(a_component_without_a_scan_is_refused)
{
    make how = cuts[2];
    bytes file = make_jpeg(&how);
    li_ctx ctx;
    CHECK_EQ(status_of(file, &ctx), LI_OK);
    size_t first = find(file, 0xDA);
    bytes rest = {file.data + first + 2, file.size - first - 2};
    size_t second = first + 2 + find(rest, 0xDA);
    memcpy(file.data + second, "\xFF\xD9", 2);
    file.size = second + 2;
    CHECK_EQ(status_of(file, &ctx), LI_E130_CORRUPT);
    CHECK_TEXT(ctx.message, "jpeg: a component has no scan");
    free(file.data);
}

/* --- broken
 * ----------------------------------------------------------------------------- */

TEST(flipped_bytes_never_crash_and_say_why)
{
    uint32_t state = 5;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        bytes file = make_jpeg(&cuts[i]);
        for (int n = 0; n < 300; n++) {
            uint8_t *byte = file.data + test_random(&state) % file.size, was = *byte;
            *byte = (uint8_t)test_random(&state);
            li_ctx ctx;
            if (status_of(file, &ctx) != LI_OK) {
                CHECK(ctx.status != LI_E901_INTERNAL && ctx.status != LI_E112_CODEC);
                CHECK(ctx.message[0] != 0);
            }
            *byte = was;
        }
        free(file.data);
    }
}

TEST(damaged_entropy_data_is_an_error)
{
    make how = {.width = 200, .height = 160, .components = 3, .restart = 4};
    bytes file = make_jpeg(&how);
    li_ctx ctx;
    size_t restart = find(file, 0xD3);
    file.data[restart + 1] = 0xD6;
    CHECK_EQ(status_of(file, &ctx), LI_E130_CORRUPT);
    CHECK(strstr(ctx.message, "instead of RST3") != NULL);
    file.data[restart + 1] = 0xD9; /* an end marker in the middle */
    CHECK_EQ(status_of(file, &ctx), LI_E130_CORRUPT);
    free(file.data);
}

TEST(junk_between_segments_is_a_warning)
{
    make how = {.width = 20, .height = 16, .components = 3};
    bytes file = make_jpeg(&how);
    li_ctx ctx;
    bytes junk = bytes_insert(file, find(file, 0xDB), "junk", 4, 1);
    CHECK_EQ(status_of(junk, &ctx), LI_OK);
    CHECK_EQ(ctx.warnings.count, 1);
    CHECK_TEXT(ctx.warnings.text[0],
               "jpeg: Corrupt JPEG data: 4 extraneous bytes before marker 0xdb");
    bytes padded = bytes_insert(file, find(file, 0xDB), "\xFF", 1, 1000);
    CHECK_EQ(status_of(padded, &ctx), LI_OK);
    CHECK_EQ(ctx.warnings.count, 0);
    bytes flooded = bytes_insert(file, find(file, 0xDB), "junk", 4, 50000);
    CHECK_EQ(status_of(flooded, &ctx), LI_E130_CORRUPT);
    free(junk.data);
    free(padded.data);
    free(flooded.data);
    free(file.data);
}

static void
check_header(bytes file, size_t at, uint8_t value, li_status status, const char *words)
{
    li_ctx ctx;
    uint8_t was = file.data[at];
    file.data[at] = value;
    CHECK_EQ(status_of(file, &ctx), status);
    if (!CHECK(strstr(ctx.message, words) != NULL))
        fprintf(stderr, "got: %s\n", ctx.message);
    file.data[at] = was;
}

TEST(what_is_not_supported_is_named)
{
    make how = {.width = 20, .height = 16, .components = 3};
    bytes file = make_jpeg(&how);
    size_t sof = find(file, 0xC0);
    check_header(file, sof + 1, 0xC3, LI_E131_DECODE, "lossless and hierarchical");
    check_header(file, sof + 1, 0xC5, LI_E131_DECODE, "SOF5");
    check_header(file, sof + 4, 12, LI_E131_DECODE, "12 bits a sample");
    check_header(file, sof + 6, 0, LI_E131_DECODE, "DNL");
    check_header(file, sof + 8, 0, LI_E130_CORRUPT, "0 pixels wide");
    check_header(file, sof + 9, 2, LI_E131_DECODE, "2 components");
    check_header(file, sof + 11, 0x51, LI_E130_CORRUPT, "sampling factor");
    check_header(file, sof + 14, 0x31, LI_E131_DECODE, "sampling 2x2 beside 3x2");
    check_header(file, sof + 3, 9, LI_E130_CORRUPT, "wrong length");
    check_header(file, 1, 0xD7, LI_E130_CORRUPT, "starts with 0xffd7");
    check_header(file, find(file, 0xC4) + 1, 0xD9, LI_E130_CORRUPT, "first scan");
    check_header(file, find(file, 0xC4) + 1, 0xD8, LI_E130_CORRUPT, "second start");
    check_header(file, find(file, 0xC4) + 1, 0x7F, LI_E131_DECODE, "marker 0x7f");
    file.data[sof + 5] = file.data[sof + 6] = 0xFF; /* 65535 rows */
    li_ctx ctx;
    CHECK_EQ(status_of(file, &ctx), LI_E131_DECODE);
    CHECK(strstr(ctx.message, "20x65535") != NULL);
    free(file.data);
}

/* --- hostile
 * ------------------------------------------------------------------------------ */

TEST(too_many_segments_are_refused_at_once)
{
    static const uint8_t kinds[][4] = {
        {0xFF, 0xE1, 0, 2}, {0xFF, 0xE2, 0, 2}, {0xFF, 0xFE, 0, 2}};
    make how = {.width = 16, .height = 16, .components = 3};
    bytes file = make_jpeg(&how);
    for (int i = 0; i < 3; i++) {
        bytes bomb = bytes_insert(file, 2, kinds[i], 4, 100000);
        li_ctx ctx;
        int64_t start = li_cpu_ns();
        CHECK_EQ(status_of(bomb, &ctx), LI_E123_FIREWALL);
        CHECK(li_cpu_ns() - start < 50000000);
        CHECK(strstr(ctx.message, "limits(max_segments=4096)") != NULL);
        free(bomb.data);
    }
    /* The limit itself passes: SOI is none, then JFIF, 2 DQT, SOF, 4 DHT, SOS. */
    li_ctx ctx;
    li_header header;
    li_ctx_init(&ctx, NULL);
    ctx.limits.max_segments = 9;
    CHECK_EQ(inspect_bytes(&ctx, file.data, file.size, &header), LI_OK);
    ctx.limits.max_segments = 8;
    CHECK_EQ(inspect_bytes(&ctx, file.data, file.size, &header), LI_E123_FIREWALL);
    free(file.data);
}

/* `count` more copies of the last scan of a progressive file, with its tables. */
static bytes
scan_bomb(uint32_t side, size_t count, const char *junk)
{
    make how = {.width = side, .height = side, .components = 1, .progressive = true};
    bytes file = make_jpeg(&how);
    size_t scan = 0, table = 0, junk_size = strlen(junk);
    for (size_t at = 0; at + 1 < file.size; at++)
        if (file.data[at] == 0xFF && file.data[at + 1] == 0xC4)
            table = at;
        else if (file.data[at] == 0xFF && file.data[at + 1] == 0xDA)
            scan = at;
    CHECK(table && scan > table);
    size_t size = file.size - 2 - table + junk_size;
    uint8_t *last = malloc(size);
    memcpy(last, junk, junk_size);
    memcpy(last + junk_size, file.data + table, size - junk_size);
    bytes bomb = bytes_insert(file, file.size - 2, last, size, count);
    free(last);
    free(file.data);
    return bomb;
}

TEST(a_scan_bomb_is_refused_before_it_is_decoded)
{
    bytes bomb = scan_bomb(600, 2000, "");
    li_ctx ctx;
    int64_t start = li_cpu_ns();
    CHECK_EQ(status_of(bomb, &ctx), LI_E123_FIREWALL);
    CHECK(li_cpu_ns() - start < 500000000);
    CHECK_TEXT(ctx.message, "jpeg: more scans than limits(max_scans=100)");
    CHECK(ctx.peak_bytes < 1 << 20);
    free(bomb.data);
}

TEST(junk_does_not_hide_scans_from_the_count)
{
    bytes bomb = scan_bomb(64, 100, "junk");
    li_ctx ctx;
    CHECK_EQ(status_of(bomb, &ctx), LI_E123_FIREWALL);
    free(bomb.data);
    bytes few = scan_bomb(64, 50, "");
    CHECK_EQ(status_of(few, &ctx), LI_E130_CORRUPT); /* scans out of order */
    free(few.data);
}

TEST(an_expired_deadline_or_a_cancel_stops_every_stage)
{
    static const make hows[] = {
        {.width = 900, .height = 900, .components = 3},
        {.width = 900, .height = 900, .components = 3, .progressive = true}};
    for (int i = 0; i < 2; i++) {
        bytes file = make_jpeg(&hows[i]);
        atomic_int cancel = 1;
        li_ctx ctx;
        li_info info;
        li_ctx_init(&ctx, NULL);
        ctx.cancel = &cancel;
        CHECK(!decode_bytes(&ctx, file.data, file.size, (li_hint){0}, &info));
        CHECK_EQ(ctx.status, LI_E500_CANCELLED);
        li_ctx_init(&ctx, NULL);
        ctx.deadline_ns = li_now_ns();
        CHECK(!decode_bytes(&ctx, file.data, file.size, (li_hint){0}, &info));
        CHECK_EQ(ctx.status, LI_E125_TIMEOUT);
        CHECK_EQ(ctx.bytes, 0);
        free(file.data);
    }
}

TEST(a_budget_below_the_bound_is_refused)
{
    make how = {.width = 600, .height = 600, .components = 3, .progressive = true};
    bytes file = make_jpeg(&how);
    li_ctx ctx;
    li_info info;
    li_ctx_init(&ctx, NULL);
    ctx.limits.max_memory = 1 << 20;
    CHECK(!decode_bytes(&ctx, file.data, file.size, (li_hint){0}, &info));
    CHECK_EQ(ctx.status, LI_E124_MEMORY_BUDGET);
    CHECK_EQ(ctx.bytes, 0);
    free(file.data);
}

/* --- metadata
 * ------------------------------------------------------------------------------ */

TEST(orientations_1_to_8_are_read)
{
    static const uint8_t exif[] = {0xFF, 0xE1, 0,      34,   'E', 'x', 'i', 'f', 0,
                                   0,    'M',  'M',    0,    42,  0,   0,   0,   8,
                                   0,    1,    0x01,   0x12, 0,   3,   0,   0,   0,
                                   1,    0,    0 /**/, 0,    0,   0,   0,   0,   0};
    make how = {.width = 16, .height = 16, .components = 3};
    bytes file = make_jpeg(&how);
    bytes tagged = bytes_insert(file, 2, exif, sizeof(exif), 1);
    for (uint8_t value = 0; value <= 9; value++) {
        li_ctx ctx;
        li_header header;
        li_ctx_init(&ctx, NULL);
        tagged.data[2 + 29] = value;
        CHECK_EQ(inspect_bytes(&ctx, tagged.data, tagged.size, &header), LI_OK);
        CHECK_EQ(header.orientation, value >= 1 && value <= 8 ? value : 1);
        CHECK_EQ(header.exif_bytes, 26);
        CHECK_EQ(status_of(tagged, &ctx), LI_OK);
    }
    free(tagged.data);
    free(file.data);
}

TEST(metadata_is_measured)
{
    static const char xmp[] = "\xFF\xE1\0\x28http://ns.adobe.com/xap/1.0/\0<x:xmp/>";
    static const char icc[] = "\xFF\xE2\0\x15ICC_PROFILE\0\1\2abcde";
    make how = {.width = 16, .height = 16, .components = 3};
    bytes file = make_jpeg(&how);
    bytes once = bytes_insert(file, 2, xmp, 2 + 0x28, 1);
    bytes twice = bytes_insert(once, 2, icc, 2 + 0x15, 2);
    li_ctx ctx;
    li_header header;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(inspect_bytes(&ctx, twice.data, twice.size, &header), LI_OK);
    CHECK_EQ(header.xmp_bytes, 9);
    CHECK_EQ(header.icc_bytes, 10);
    CHECK_EQ(header.exif_bytes, 0);
    free(twice.data);
    free(once.data);
    free(file.data);
}

int
main(void)
{
    RUN(every_prefix_is_refused_unless_only_the_end_marker_is_missing);
    RUN(a_component_without_a_scan_is_refused);
    RUN(flipped_bytes_never_crash_and_say_why);
    RUN(damaged_entropy_data_is_an_error);
    RUN(junk_between_segments_is_a_warning);
    RUN(what_is_not_supported_is_named);
    RUN(too_many_segments_are_refused_at_once);
    RUN(a_scan_bomb_is_refused_before_it_is_decoded);
    RUN(junk_does_not_hide_scans_from_the_count);
    RUN(an_expired_deadline_or_a_cancel_stops_every_stage);
    RUN(a_budget_below_the_bound_is_refused);
    RUN(orientations_1_to_8_are_read);
    RUN(metadata_is_measured);
    return test_end();
}
