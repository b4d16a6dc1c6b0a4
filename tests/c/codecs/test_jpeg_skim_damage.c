/* test_jpeg_skim_damage.c: JPEGs that are cut, broken, hostile or merely odd, through
 * the skim decoder: what it says is what the library says. */
#include "jpeg_make.h"
#include "jpeg_oracle.h"

static const make kinds[] = {
    {.width = 45, .height = 39, .components = 3, .h = {2, 1, 1}, .v = {2, 1, 1}},
    {.width = 37, .height = 29, .components = 3, .h = {1, 1, 1}, .v = {1, 1, 1}},
    {.width = 37, .height = 29, .components = 3, .progressive = true},
    {.width = 47, .height = 29, .components = 1, .restart = 2},
    {.width = 37, .height = 49, .components = 3, .progressive = true, .restart = 1},
    {.width = 47, .height = 29, .components = 1, .progressive = true},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static size_t
find(bytes file, uint8_t marker, size_t from)
{
    for (size_t at = from; at + 1 < file.size; at++)
        if (file.data[at] == 0xFF && file.data[at + 1] == marker)
            return at;
    return 0;
}

/* Both decoders on a copy of exactly this size: a read past it is a crash under ASan.
 */
static verdict
check(bytes file, uint8_t scale)
{
    uint8_t *exact = malloc(file.size + !file.size);
    memcpy(exact, file.data, file.size);
    verdict said = verdict_of(exact, file.size, scale, UINT64_MAX);
    const char *fault = verdict_fault(&said, scale);
    if (!CHECK(fault == NULL))
        fprintf(stderr, "at %d/8: %s; %d %s, libjpeg %d\n", scale, fault, said.ours,
                said.message, said.theirs);
    free(exact);
    return said;
}

/* --- cut off ------------------------------------------------------------------------
 */

TEST(every_prefix_is_refused_unless_only_the_end_marker_is_missing)
{
    for (size_t i = 0; i < 3 * KINDS; i++) {
        uint8_t scale = (uint8_t)(1 + i / KINDS);
        bytes file = make_jpeg(&kinds[i % KINDS]);
        uint32_t accepted = 0;
        for (size_t size = 0; size < file.size; size++) {
            verdict said = check((bytes){file.data, size}, scale);
            if (!said.skims)
                continue;
            if (said.ours == LI_OK) {
                accepted++;
                CHECK(said.warnings > 0);
            } else {
                CHECK_EQ(said.ours, LI_E132_TRUNCATED);
                CHECK(strncmp(said.message, "jpeg: ", 6) == 0);
            }
        }
        CHECK(accepted <= 3); /* FFD9 gone, FF left, last padding bits gone */
        CHECK(accepted >= 1 || (scale != 2 && kinds[i % KINDS].progressive));
        free(file.data);
    }
}

/* --- broken -------------------------------------------------------------------------
 */

TEST(every_byte_changed_gets_the_verdict_of_the_library)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xFF, 0x10};
    uint32_t refused = 0;
    for (size_t i = 0; i < KINDS; i++) {
        bytes file = make_jpeg(&kinds[i]);
        for (size_t at = 2; at < file.size; at++)
            for (size_t c = 0; c < sizeof(changes); c++) {
                file.data[at] ^= changes[c];
                verdict said = check(file, (uint8_t)(1 + (at + c) % 3));
                refused += said.skims && said.ours != LI_OK;
                CHECK(said.ours != LI_E901_INTERNAL);
                CHECK((said.ours != LI_OK) == (said.message[0] != 0));
                file.data[at] ^= changes[c];
            }
        free(file.data);
    }
    CHECK(refused > 1000);
}

TEST(scrambled_scans_get_the_verdict_of_the_library)
{
    uint32_t state = 11;
    for (uint32_t n = 0; n < 3000; n++) {
        bytes file = make_jpeg(&kinds[n % KINDS]);
        size_t from = find(file, 0xDA, 0) + 14;
        for (uint32_t i = 0; i <= n % 5; i++) {
            size_t at = from + test_random(&state) % (file.size - from);
            size_t size = 1 + test_random(&state) % 6;
            for (size_t k = at; k < at + size && k < file.size; k++)
                file.data[k] = (uint8_t)test_random(&state);
        }
        (void)check(file, (uint8_t)(1 + n / KINDS % 3));
        free(file.data);
    }
}

TEST(damage_is_named)
{
    make how = {.width = 200, .height = 160, .components = 3, .restart = 4};
    bytes file = make_jpeg(&how);
    size_t restart = find(file, 0xD3, 0);
    file.data[restart + 1] = 0xD6;
    verdict said = check(file, 2);
    CHECK_EQ(said.ours, LI_E130_CORRUPT);
    CHECK_TEXT(said.message, "jpeg: found marker 0xd6 instead of RST3");
    file.data[restart + 1] = 0xD9;
    CHECK_EQ(check(file, 2).ours, LI_E130_CORRUPT);
    file.data[restart + 1] = 0xD3;
    bytes junk = bytes_insert(file, restart, "junk", 4, 1);
    said = check(junk, 2);
    CHECK_EQ(said.ours, LI_OK);
    CHECK_EQ(said.warnings, 1);
    free(junk.data);
    free(file.data);
}

TEST(a_second_scan_behind_a_sequential_one_is_refused)
{
    bytes file = make_jpeg(&kinds[0]);
    size_t scan = find(file, 0xDA, 0);
    bytes twice =
        bytes_insert(file, file.size - 2, file.data + scan, file.size - 2 - scan, 1);
    verdict said = check(twice, 2);
    CHECK_EQ(said.ours, LI_E130_CORRUPT);
    free(twice.data);
    free(file.data);
}

/* What a skim at 1/8 does not look at, and what it sees nevertheless. */
TEST(at_an_eighth_scans_of_ac_are_passed_over_but_walked)
{
    bytes file = make_jpeg(&kinds[2]);
    size_t last = 0;
    for (size_t at = find(file, 0xDA, 0); at; at = find(file, 0xDA, at + 1))
        last = at;
    memset(file.data + last + 10, 0xAA, file.size - 2 - last - 10);
    CHECK_EQ(check(file, 1).ours, LI_OK);
    CHECK(check(file, 2).ours != LI_OK);
    file.data[last + 9] = 0x77; /* Ah and Al: refines what was never sent */
    CHECK_EQ(check(file, 1).ours, LI_E130_CORRUPT);
    free(file.data);
}

/* --- odd ----------------------------------------------------------------------------
 */

TEST(what_is_not_plain_is_left_to_the_library)
{
    static const make others[] = {
        {.width = 40, .height = 30, .components = 3, .arithmetic = true},
        {.width = 40, .height = 30, .components = 3, .apart = true},
        {.width = 40, .height = 30, .components = 4},
        {.width = 40, .height = 30, .components = 3, .h = {4, 1, 1}, .v = {1, 1, 1}},
        {.width = 40, .height = 30, .components = 3, .h = {2, 1, 2}, .v = {2, 2, 1}},
        {.width = 40, .height = 30, .components = 3, .h = {1, 2, 1}, .v = {1, 1, 1}},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        bytes file = make_jpeg(&others[i]);
        li_ctx ctx;
        li_header header;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(inspect_bytes(&ctx, file.data, file.size, &header), LI_OK);
        CHECK_EQ(header.skims, 0);
        free(file.data);
    }
}

/* Frames of Motion JPEG have no tables: the library knows the usual ones. */
TEST(a_file_without_tables_is_left_to_the_library)
{
    bytes file = make_jpeg(&kinds[0]);
    for (size_t at; (at = find(file, 0xC4, 0));) {
        size_t size = 2 + ((size_t)file.data[at + 2] << 8 | file.data[at + 3]);
        memmove(file.data + at, file.data + at + size, file.size - at - size);
        file.size -= size;
    }
    li_ctx ctx;
    li_header header;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(inspect_bytes(&ctx, file.data, file.size, &header), LI_OK);
    CHECK_EQ(header.skims, 0);
    free(file.data);
}

/* What is told of arithmetic codes is checked where Huffman's are used. */
TEST(conditioning_gets_the_verdict_of_the_library)
{
    static const uint8_t classes[] = {0x00, 0x03, 0x0f, 0x10, 0x1f, 0x20, 0xff};
    static const uint8_t values[] = {0x00, 0x10, 0x01, 0x55, 0x45, 0xff, 0x3f};
    bytes file = make_jpeg(&kinds[0]);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < 49; i++) {
        uint8_t segment[] = {0xff, 0xcc, 0, 4, classes[i / 7], values[i % 7]};
        bytes longer = bytes_insert(file, 2, segment, sizeof(segment), 1 + i % 2);
        verdict said = verdict_of(longer.data, longer.size, 1, UINT64_MAX);
        const char *fault = verdict_fault(&said, 1);
        if (!CHECK(said.skims && fault == NULL))
            fprintf(stderr, "%02x %02x: %s\n", segment[4], segment[5], fault);
        refused += said.ours != LI_OK;
        free(longer.data);
    }
    CHECK(refused > 10 && refused < 40);
    free(file.data);
}

/* Inspected as one picture, read as another. */
TEST(a_header_that_changes_is_seen)
{
    for (size_t i = 0; i < 3; i++) {
        make now = kinds[0];
        now.width += i == 0;
        now.apart = i == 1;
        now.progressive = i == 2;
        bytes before = make_jpeg(&kinds[0]), after = make_jpeg(&now);
        li_source *source = NULL;
        li_header header;
        uint32_t wrong;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(inspect_bytes(&ctx, before.data, before.size, &header), LI_OK);
        CHECK_EQ(li_source_borrow(&ctx, after.data, after.size, &source), LI_OK);
        CHECK_EQ(oracle_skim(&ctx, source, &header, 1, NULL, &wrong),
                 LI_E103_SOURCE_CHANGED);
        li_source_close(&source);
        CHECK_EQ(ctx.bytes, 0);
        free(before.data);
        free(after.data);
    }
}

/* --- limits and memory --------------------------------------------------------------
 */

static li_status
skim_with(bytes file, uint8_t scale, li_ctx *ctx)
{
    li_source *source = NULL;
    li_header header;
    uint32_t wrong;
    li_status status = li_source_borrow(ctx, file.data, file.size, &source);
    if (status == LI_OK)
        status = li_codec_jpeg.inspect(ctx, source, &header);
    if (status == LI_OK)
        status = oracle_skim(ctx, source, &header, scale, NULL, &wrong);
    li_source_close(&source);
    CHECK_EQ(ctx->bytes, 0);
    return status;
}

TEST(every_allocation_fails_once)
{
    for (size_t i = 0; i < KINDS; i++) {
        bytes file = make_jpeg(&kinds[i]);
        int64_t failures = 0;
        for (bool done = false; !done; failures++) {
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            ctx.allocs_left = failures;
            li_status status = skim_with(file, 2, &ctx);
            done = status == LI_OK;
            CHECK(done || status == LI_ENOMEM);
        }
        CHECK(failures > 4);
        free(file.data);
    }
}

/* Of rows and planes with all that they own; the source's struct is on the ledger. */
TEST(streams_stay_below_their_bound)
{
    for (size_t i = 0; i < 4 * KINDS; i++) {
        make how = kinds[i % KINDS];
        how.width += 900;
        how.height += 400;
        bytes file = make_jpeg(&how);
        li_ctx ctx;
        li_header header;
        li_source *source = NULL;
        li_rows *rows = NULL;
        li_planes *planes = NULL;
        li_hint hint = {.shrink = (uint8_t)(1 + i / KINDS % 2), .skim = true};
        hint.planes = i / KINDS / 2;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
        CHECK_EQ(li_codec_jpeg.inspect(&ctx, source, &header), LI_OK);
        uint64_t before = ctx.bytes, bound = li_codec_jpeg.decode_bytes(&header, hint);
        if (hint.planes && header.chroma_x)
            CHECK_EQ(li_codec_jpeg.decode_planes(&ctx, source, &header, hint, &planes),
                     LI_OK);
        else if (!hint.planes && li_header_skims(&header, hint.shrink, false))
            CHECK_EQ(li_codec_jpeg.decode(&ctx, source, &header, hint, &rows), LI_OK);
        CHECK(ctx.peak_bytes - before <= bound);
        if (rows || planes)
            CHECK(bound < 3 * (ctx.peak_bytes - before)); /* tables alike for parts */
        li_rows_close(&rows);
        li_planes_close(&planes);
        li_source_close(&source);
        CHECK_EQ(ctx.bytes, 0);
        free(file.data);
    }
}

TEST(a_cancel_and_a_deadline_stop_it)
{
    for (size_t i = 0; i < KINDS; i++) {
        make how = kinds[i];
        how.width = how.height = 600;
        bytes file = make_jpeg(&how);
        atomic_int cancel = 1;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        ctx.cancel = &cancel;
        CHECK_EQ(skim_with(file, 2, &ctx), LI_E500_CANCELLED);
        li_ctx_init(&ctx, NULL);
        ctx.deadline_ns = li_now_ns();
        CHECK_EQ(skim_with(file, 2, &ctx), LI_E125_TIMEOUT);
        free(file.data);
    }
}

TEST(scans_are_counted)
{
    bytes file = make_jpeg(&kinds[2]);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.limits.max_scans = 9; /* libjpeg's simple progression has 10 */
    CHECK_EQ(skim_with(file, 1, &ctx), LI_E123_FIREWALL);
    CHECK_TEXT(ctx.message, "jpeg: more scans than limits(max_scans=9)");
    li_ctx_init(&ctx, NULL);
    ctx.limits.max_scans = 10;
    CHECK_EQ(skim_with(file, 1, &ctx), LI_OK);
    free(file.data);
}

int
main(void)
{
    RUN(every_prefix_is_refused_unless_only_the_end_marker_is_missing);
    RUN(every_byte_changed_gets_the_verdict_of_the_library);
    RUN(scrambled_scans_get_the_verdict_of_the_library);
    RUN(damage_is_named);
    RUN(a_second_scan_behind_a_sequential_one_is_refused);
    RUN(at_an_eighth_scans_of_ac_are_passed_over_but_walked);
    RUN(what_is_not_plain_is_left_to_the_library);
    RUN(a_file_without_tables_is_left_to_the_library);
    RUN(conditioning_gets_the_verdict_of_the_library);
    RUN(a_header_that_changes_is_seen);
    RUN(every_allocation_fails_once);
    RUN(streams_stay_below_their_bound);
    RUN(a_cancel_and_a_deadline_stop_it);
    RUN(scans_are_counted);
    return test_end();
}
