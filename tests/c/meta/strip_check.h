/* strip_check.h: any file without its metadata: none is left, the picture is the same
 * and so is what a second pass gives; abort where not. Shared by the fuzzer and by the
 * test that runs what it once found. */
#ifndef LI_TESTS_STRIP_CHECK_H
#define LI_TESTS_STRIP_CHECK_H

#include "engine/probe_check.h"
#include "meta/strip.h"

typedef struct stripped {
    uint8_t *data; /* owned, li_release; NULL: not done */
    size_t size;
} stripped;

/* Copied as it is, below `most` bytes. */
static inline void
check_copy(const uint8_t *data, size_t size, uint64_t most)
{
    li_limits limits = check_limits();
    li_out *out = NULL;
    uint8_t *copy = NULL;
    size_t copied = 0;
    bool done = false;
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    strict_source strict = strict_source_over(&ctx, data, size);
    li_status status = li_out_to_memory(&ctx, &out);
    if (status == LI_OK)
        status = li_meta_copy(&ctx, &strict.base, most, out, &done);
    check_that(status != LI_OK || done == (size < most), "copied, or not", &ctx);
    if (status == LI_OK && done && size)
        status = li_out_detach(out, &copy, &copied);
    check_that(!copy || (copied == size && memcmp(copy, data, size) == 0), "a copy",
               &ctx);
    li_release(copy);
    strict_source_close(&strict);
    li_out_close(&out);
    check_end(&ctx, status);
}

/* From a strict source, or from all bytes at once. */
static inline stripped
strip_bytes(const uint8_t *data, size_t size, bool strictly, bool numbers)
{
    stripped made = {NULL, 0};
    li_limits limits = check_limits();
    li_source *easy = NULL;
    li_out *out = NULL;
    bool done = false;
    const li_strip_how how = {.numbers = numbers, .most = size + 100};
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    strict_source strict = strict_source_over(&ctx, data, size);
    li_status status = li_source_borrow(&ctx, data, size, &easy);
    if (status == LI_OK)
        status = li_out_to_memory(&ctx, &out);
    if (status == LI_OK)
        status = li_meta_strip(&ctx, strictly ? &strict.base : easy, &how, out, &done);
    if (status == LI_OK && done)
        status = li_out_detach(out, &made.data, &made.size);
    strict_source_close(&strict);
    li_out_close(&out);
    li_source_close(&easy);
    check_end(&ctx, status);
    return made;
}

typedef struct picture_told {
    li_status status;
    li_header header;
    uint64_t sum;  /* of all samples */
    uint32_t rows; /* that came */
} picture_told;

static inline void
told_rows(li_rows *rows, picture_told *told)
{
    size_t bytes = li_row_bytes(rows->info);
    const uint8_t *row;
    while (told->status == LI_OK && rows->y < rows->info.height) {
        told->status = li_rows_next(rows, &row);
        if (told->status != LI_OK)
            return;
        told->rows++;
        for (size_t i = 0; i < bytes; i++)
            told->sum = (told->sum ^ row[i]) * 1099511628211u;
    }
}

/* The whole picture, summed up. */
static inline picture_told
picture_of(const uint8_t *data, size_t size)
{
    picture_told told = {.sum = 14695981039346656037u};
    li_limits limits = check_limits();
    li_source *source = NULL;
    li_rows *rows = NULL;
    li_input input;
    li_ctx ctx;
    limits.max_pixels = 1 << 18;
    li_ctx_init(&ctx, &limits);
    told.status = li_source_borrow(&ctx, data, size, &source);
    if (told.status == LI_OK)
        told.status = li_input_open(&ctx, source, &input);
    if (told.status == LI_OK) {
        told.header = input.header;
        told.status =
            input.codec->decode(&ctx, source, &input.header, (li_hint){0}, &rows);
    }
    if (told.status == LI_OK)
        told_rows(rows, &told);
    li_rows_close(&rows);
    li_source_close(&source);
    check_end(&ctx, told.status);
    return told;
}

static inline void
strip_must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "without metadata: %s\n", what);
    abort();
}

/* What is refused may be refused in another way once there is less of it, or, if it was
 * its metadata, no more. */
static inline void
check_same_picture(const picture_told *before, const picture_told *after)
{
    if (before->status != LI_OK)
        return;
    strip_must(after->status == LI_OK, "the picture cannot be read any more");
    strip_must(before->rows == after->rows && before->sum == after->sum,
               "another picture");
    const li_header *header = &after->header;
    strip_must(!header->icc_bytes && !header->exif_bytes && !header->xmp_bytes,
               "metadata is left");
    strip_must(header->orientation == 1, "an orientation is left");
    strip_must(header->width == before->header.width &&
                   header->height == before->header.height &&
                   header->pixel == before->header.pixel,
               "another header");
}

/* What is bare stays as it is. Shorter than any head: it was no picture. */
static inline void
check_again(const stripped *once, bool numbers)
{
    enum { SHORTEST = 12 };
    if (once->size < SHORTEST)
        return;
    stripped twice = strip_bytes(once->data, once->size, true, numbers);
    strip_must(twice.data && twice.size == once->size &&
                   memcmp(twice.data, once->data, once->size) == 0,
               "a second pass gives other bytes");
    li_release(twice.data);
}

static inline bool
strip_check_with(const uint8_t *data, size_t size, bool numbers)
{
    stripped once = strip_bytes(data, size, false, numbers);
    stripped grudged = strip_bytes(data, size, true, numbers);
    strip_must(once.size == grudged.size && !once.data == !grudged.data,
               "of another size from a strict source");
    if (once.data) {
        strip_must(once.size <= size, "more than there was");
        strip_must(memcmp(once.data, grudged.data, once.size) == 0,
                   "other bytes from a strict source");
        check_again(&once, numbers);
        picture_told before = picture_of(data, size);
        picture_told after = picture_of(once.data, once.size);
        check_same_picture(&before, &after);
    }
    li_release(once.data);
    li_release(grudged.data);
    return once.data != NULL;
}

/* Any bytes: was there something to strip? */
static inline bool
strip_check(const uint8_t *data, size_t size)
{
    check_copy(data, size, size + 1);
    check_copy(data, size, size);
    bool bare = strip_check_with(data, size, false);
    bool told = strip_check_with(data, size, true);
    strip_must(bare == told, "done, or not, by what colours say");
    return bare;
}

#endif
