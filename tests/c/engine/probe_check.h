/* probe_check.h: the header scan of any bytes, by whichever parser knows them: the same
 * answer however little a source gives at once, from few bytes; abort where it is not.
 * Shared by the fuzzer and by the test that runs what it once found. */
#ifndef LI_TESTS_PROBE_CHECK_H
#define LI_TESTS_PROBE_CHECK_H

#include "base/strict_source.h"
#include "engine/pipeline_check.h"

typedef struct probed {
    li_status status;
    char message[LI_MESSAGE_BYTES];
    li_input input;
} probed;

static inline probed
probe_source(li_ctx *ctx, li_source *source)
{
    probed answer = {.status = LI_OK};
    ctx->further = check_further;
    ctx->deadline_ns = li_now_ns() + 4000000000;
    answer.status = li_input_open(ctx, source, &answer.input);
    memcpy(answer.message, ctx->message, sizeof(answer.message));
    return answer;
}

static inline bool
same_header(const li_header *a, const li_header *b)
{
    return a->width == b->width && a->height == b->height && a->pixel == b->pixel &&
           a->bit_depth == b->bit_depth && a->orientation == b->orientation &&
           a->frames == b->frames && a->progressive == b->progressive &&
           a->inverted == b->inverted && a->palette == b->palette &&
           a->lossless == b->lossless && a->chroma_x == b->chroma_x &&
           a->chroma_y == b->chroma_y && a->studio == b->studio &&
           a->skims == b->skims && a->icc_bytes == b->icc_bytes &&
           a->icc_at == b->icc_at && a->exif_bytes == b->exif_bytes &&
           a->xmp_bytes == b->xmp_bytes && a->held_bytes == b->held_bytes &&
           a->work_bytes == b->work_bytes && strcmp(a->variant, b->variant) == 0;
}

/* What every header keeps to, whatever the file says. */
static inline void
check_header(const li_ctx *ctx, const li_header *header)
{
    check_that(header->width && header->height, "a picture without a side", ctx);
    check_that(header->orientation >= 1 && header->orientation <= 8, "orientation",
               ctx);
    check_that(header->frames >= 1, "no frame", ctx);
    check_that(header->bit_depth >= 1 && header->bit_depth <= 16, "depth", ctx);
    check_that(header->variant[0] &&
                   memchr(header->variant, 0, LI_VARIANT_BYTES) != NULL,
               "the variant in words", ctx);
    li_header twin = *header;
    check_that(li_header_check((li_ctx *)ctx, &twin, UINT64_MAX) == LI_OK,
               "a header over its limits", ctx);
}

/* How often and how much of a file a scan may ask for: for each segment its head, its
 * body and a look at what it says, and as often again for tables. */
static inline void
check_thrift(const li_ctx *ctx, const strict_source *source)
{
    uint64_t most = 64 * source->base.size + 4096;
    check_that(source->bytes <= most, "read too much", ctx);
    check_that(source->calls <= most, "read too often", ctx);
}

/* Is it its picture and nothing else? Then its header says that there is nothing. */
static inline bool
bare_of(const li_limits *limits, const probed *probe, const uint8_t *data, size_t size,
        bool strictly)
{
    li_source *easy = NULL;
    bool good = false;
    li_ctx ctx;
    li_ctx_init(&ctx, limits);
    strict_source strict = strict_source_over(&ctx, data, size);
    li_status status = li_source_borrow(&ctx, data, size, &easy);
    if (status == LI_OK)
        status = probe->input.codec->bare(&ctx, strictly ? &strict.base : easy, &good);
    const li_header *header = &probe->input.header;
    uint64_t bytes = header->icc_bytes + header->exif_bytes + header->xmp_bytes;
    check_that(!good || bytes == 0, "bare, and with metadata", &ctx);
    check_that(!good || header->frames == 1, "bare, and with more frames", &ctx);
    if (strictly)
        check_thrift(&ctx, &strict);
    strict_source_close(&strict);
    li_source_close(&easy);
    check_end(&ctx, status);
    return good;
}

static inline void
check_bare(const li_limits *limits, const probed *probe, const uint8_t *data,
           size_t size)
{
    li_ctx ctx;
    li_ctx_init(&ctx, limits);
    if (probe->input.codec && probe->input.codec->bare)
        check_that(bare_of(limits, probe, data, size, true) ==
                       bare_of(limits, probe, data, size, false),
                   "bare from one source only", &ctx);
}

static inline li_status
probe_under(const li_limits *limits, const uint8_t *data, size_t size)
{
    li_source *source = NULL;
    li_ctx ctx, grudged;
    li_ctx_init(&ctx, limits);
    li_ctx_init(&grudged, limits);
    strict_source strict = strict_source_over(&grudged, data, size);
    li_status status = li_source_borrow(&ctx, data, size, &source);
    if (status == LI_OK) {
        probed easy = probe_source(&ctx, source);
        probed hard = probe_source(&grudged, &strict.base);
        check_thrift(&grudged, &strict);
        check_end(&grudged, hard.status);
        check_that(easy.status == hard.status, "another answer", &grudged);
        check_that(strcmp(easy.message, hard.message) == 0, "other words", &grudged);
        status = easy.status;
        if (status == LI_OK) {
            check_that(easy.input.codec == hard.input.codec, "another codec", &ctx);
            check_that(same_header(&easy.input.header, &hard.input.header),
                       "another header", &ctx);
            check_header(&ctx, &easy.input.header);
            check_bare(limits, &easy, data, size);
        }
    }
    strict_source_close(&strict);
    li_source_close(&source);
    check_end(&ctx, status);
    return status;
}

/* Any bytes, under the default limits and under none and under narrow ones. */
static inline li_status
probe_check(const uint8_t *data, size_t size)
{
    const li_limits none = {0};
    const li_limits narrow = {.max_input_bytes = 12000,
                              .max_pixels = 5000,
                              .max_side = 300,
                              .max_pixels_per_byte = 2,
                              .max_scans = 2,
                              .max_segments = 6,
                              .max_items = 5,
                              .max_metadata = 100,
                              .max_memory = 256 << 20,
                              .max_output_pixels = 5000};
    li_status open = probe_under(&none, data, size);
    li_status strict = probe_under(&narrow, data, size);
    if (open != LI_OK && strict == LI_OK) {
        fprintf(stderr, "narrow limits let in what none refuse: %d\n", (int)open);
        abort();
    }
    return probe_under(&li_limits_default, data, size);
}

#endif
