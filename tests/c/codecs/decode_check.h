/* decode_check.h: one input through one codec under small limits, with a hint drawn
 * from eight bytes; abort where a contract of codec.h is broken. Shared by the fuzzers
 * and by the test that runs what they once found. */
#ifndef LI_TESTS_DECODE_CHECK_H
#define LI_TESTS_DECODE_CHECK_H

#include "base/strict_source.h"
#include "codecs/codec.h"
#include "image/planes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HINT_BYTES = 8 };

/* Sums what it is given, so that a sanitizer sees each byte read. */
static volatile uint8_t decode_check_seen;

static inline void
check_touch(const uint8_t *data, size_t size)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum ^= data[i];
    decode_check_seen = sum;
}

static inline void
check_that(bool good, const char *what, const li_ctx *ctx)
{
    if (good)
        return;
    fprintf(stderr, "%s: status %d, %llu bytes, peak %llu, message \"%s\"\n", what,
            (int)ctx->status, (unsigned long long)ctx->bytes,
            (unsigned long long)ctx->peak_bytes, ctx->message);
    abort();
}

static inline li_limits
check_limits(void)
{
    li_limits limits = li_limits_default;
    limits.max_pixels = 1 << 20;
    limits.max_output_pixels = 1 << 20;
    limits.max_memory = 256 << 20;
    return limits;
}

/* A status that the world's faults may end in, with its message; nothing kept. */
static inline void
check_end(const li_ctx *ctx, li_status status)
{
    check_that(status == ctx->status, "a status that is not the context's", ctx);
    check_that((status == LI_OK) == (ctx->message[0] == 0), "message", ctx);
    check_that(status != LI_E901_INTERNAL && status != LI_EINTERRUPTED &&
                   status != LI_ENOMEM && status != LI_E500_CANCELLED,
               "no fault of the input's", ctx);
    check_that(ctx->bytes == 0, "memory kept", ctx);
}

static inline li_hint
hint_of(const li_codec *codec, const li_header *header, const uint8_t bytes[HINT_BYTES])
{
    static const uint8_t shrinks[8] = {0, 0, 1, 2, 3, 4, 8, 0};
    li_hint hint = {0};
    li_planar layout;
    hint.shrink = codec->shrinks ? shrinks[bytes[0] % 8] : 0;
    hint.rough = codec->roughs && (bytes[1] & 1);
    hint.ahead = codec->ahead && (bytes[1] & 2);
    hint.deep = codec->deep && (bytes[1] & 32);
    li_info all = codec->decoded(header, hint);
    if (codec->regions && (bytes[1] & 4)) {
        hint.region.x = bytes[2] * all.width / 256;
        hint.region.y = bytes[3] * all.height / 256;
        hint.region.width = 1 + bytes[4] * (all.width - hint.region.x - 1) / 255;
        hint.region.height = 1 + bytes[5] * (all.height - hint.region.y - 1) / 255;
    } else if ((bytes[1] & 8) && codec->planar) {
        hint.planes = true;
        hint.planes = codec->planar(header, hint, &layout);
    }
    hint.skim = (bytes[1] & 16) && li_header_skims(header, hint.shrink, hint.planes);
    return hint;
}

/* Every row, or each as the bits of `skips` say: 1 is passed over. */
static inline li_status
check_rows(li_rows *rows, uint8_t skips)
{
    size_t size = li_row_bytes(rows->info);
    for (uint32_t y = 0; y < rows->info.height;) {
        uint32_t run = skips >> (y / 3 % 8) & 1 ? 1 + y % 5 : 0;
        run = run < rows->info.height - y ? run : rows->info.height - y;
        const uint8_t *row;
        if (run == 0) {
            LI_TRY(li_rows_next(rows, &row));
            check_touch(row, size);
            y++;
        } else {
            LI_TRY(li_rows_skip(rows, run));
            y += run;
        }
        LI_TRY(li_poll(rows->ctx));
    }
    return LI_OK;
}

static inline li_status
check_strips(li_planes *planes)
{
    uint32_t left[LI_PLANES];
    for (int p = 0; p < LI_PLANES; p++)
        left[p] = planes->layout.plane[p].height;
    while (left[0] || left[1] || left[2]) {
        li_strip strip = {0};
        LI_TRY(planes->ops->next(planes, &strip));
        uint32_t came = 0;
        for (int p = 0; p < LI_PLANES; p++) {
            check_that(strip.rows[p] <= left[p], "a plane is too long", planes->ctx);
            for (uint32_t y = 0; y < strip.rows[p]; y++)
                check_touch(strip.data[p] + y * strip.stride[p],
                            planes->layout.plane[p].width);
            left[p] -= strip.rows[p];
            came += strip.rows[p];
        }
        check_that(came > 0, "a strip of nothing", planes->ctx);
        LI_TRY(li_poll(planes->ctx));
    }
    return LI_OK;
}

static inline li_status
check_pixels(li_ctx *ctx, const li_codec *codec, li_source *source,
             const li_header *header, li_hint hint, uint8_t skips)
{
    li_rows *rows = NULL;
    li_planes *planes = NULL;
    li_ahead_use use;
    li_status status;
    hint.use = &use;
    if (hint.planes) {
        status = codec->decode_planes(ctx, source, header, hint, &planes);
        if (status == LI_OK)
            status = check_strips(planes);
    } else {
        status = codec->decode(ctx, source, header, hint, &rows);
        li_info said = codec->decoded(header, hint);
        if (hint.region.width)
            said = (li_info){hint.region.width, hint.region.height, said.pixel};
        if (status == LI_OK)
            check_that(memcmp(&rows->info, &said, sizeof(said)) == 0,
                       "not the size that the header told", ctx);
        if (status == LI_OK)
            status = check_rows(rows, skips);
    }
    li_rows_close(&rows);
    li_planes_close(&planes);
    return status;
}

static inline li_status
check_source(li_ctx *ctx, const li_codec *codec, li_source *source,
             const uint8_t bytes[HINT_BYTES])
{
    li_header header = {0};
    LI_TRY(codec->inspect(ctx, source, &header));
    LI_TRY(li_header_check(ctx, &header, source->size));
    li_hint hint = hint_of(codec, &header, bytes);
    uint64_t bound = codec->decode_bytes(&header, hint), before = ctx->bytes;
    if (bound > ctx->limits.max_memory) /* the planner refuses it */
        return li_fail(ctx, LI_E124_MEMORY_BUDGET, "decode: too much memory");
    ctx->peak_bytes = before;
    li_status status = check_pixels(ctx, codec, source, &header, hint, bytes[6]);
    check_that(ctx->peak_bytes - before <= bound, "more than decode_bytes", ctx);
    check_that(ctx->bytes == before, "memory kept by the decode", ctx);
    return status;
}

static inline bool
check_knows(const li_codec *codec, const uint8_t *data, size_t size)
{
    uint8_t head[LI_PROBE_BYTES] = {0};
    memcpy(head, data, size < LI_PROBE_BYTES ? size : LI_PROBE_BYTES);
    if (codec->probe)
        return codec->probe(head);
    for (const li_further_format *at = li_further_formats; at->name; at++)
        if (strcmp(at->name, codec->name) == 0)
            return at->probe(head);
    return false;
}

/* Is the input of this codec's format? Then decode it, and abort on a broken contract.
 */
static inline bool
decode_check(const li_codec *codec, const uint8_t *data, size_t size,
             const uint8_t hint[HINT_BYTES])
{
    if (!check_knows(codec, data, size))
        return false;
    li_limits limits = check_limits();
    li_source *source = NULL;
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    ctx.deadline_ns = li_now_ns() + 4000000000;
    strict_source strict = strict_source_over(&ctx, data, size);
    li_status status = li_source_borrow(&ctx, data, size, &source);
    if (status == LI_OK) /* from all bytes at once, or a few at a time */
        status = check_source(&ctx, codec, hint[7] & 1 ? &strict.base : source, hint);
    strict_source_close(&strict);
    li_source_close(&source);
    check_end(&ctx, status);
    return true;
}

#endif
