/* box.c: reading boxes, numbers and lists within their bounds. Layer 2. */
#include "codecs/avif/box.h"

li_status
li_avif_corrupt(li_ctx *ctx, const char *what)
{
    (void)li_fail(ctx, LI_E130_CORRUPT, "avif: %s", what);
    return LI_E130_CORRUPT; /* as plain as an analyzer wants it */
}

avif_span
li_avif_span(li_ctx *ctx, li_source *in, avif_box box)
{
    return (avif_span){.ctx = ctx, .in = in, .at = box.at, .end = box.end};
}

li_status
li_avif_full(li_ctx *ctx, li_source *in, avif_box box, avif_span *span)
{
    uint64_t head;
    *span = li_avif_span(ctx, in, box);
    LI_TRY(li_avif_number(span, 4, &head));
    span->version = (uint8_t)(head >> 24);
    span->flags = (uint32_t)head & 0xffffff;
    return LI_OK;
}

static li_status
fail_short(const avif_span *span)
{
    (void)li_fail(span->ctx, LI_E132_TRUNCATED,
                  "avif: the file ends at byte %llu, within a box",
                  (unsigned long long)span->in->size);
    return LI_E132_TRUNCATED;
}

/* A box that the file's end cuts ends with the file. */
static li_status
check_left(const avif_span *span, uint64_t size)
{
    if (size <= span->end - span->at)
        return LI_OK;
    if (span->end >= span->in->size)
        return fail_short(span);
    return li_avif_corrupt(span->ctx, "a box ends within a field");
}

li_status
li_avif_bytes(avif_span *span, size_t size, const uint8_t **data)
{
    size_t got;
    LI_TRY(check_left(span, size));
    LI_TRY(li_source_at(span->in, span->at, size, data, &got));
    if (got < size)
        return fail_short(span);
    span->at += size;
    return LI_OK;
}

li_status
li_avif_number(avif_span *span, size_t bytes, uint64_t *value)
{
    const uint8_t *data;
    *value = 0;
    if (bytes == 0)
        return LI_OK;
    LI_TRY(li_avif_bytes(span, bytes, &data));
    for (size_t i = 0; i < bytes; i++)
        *value = *value << 8 | data[i];
    return LI_OK;
}

li_status
li_avif_skip(avif_span *span, uint64_t bytes)
{
    LI_TRY(check_left(span, bytes));
    span->at += bytes;
    return LI_OK;
}

li_status
li_avif_count(avif_span *span, uint64_t entries, uint32_t scale, const char *what)
{
    uint64_t limit = li_sat_mul(span->ctx->limits.max_items, scale);
    span->count = li_sat_add(span->count, entries);
    if (limit == 0 || span->count <= limit)
        return LI_OK;
    return li_fail(span->ctx, LI_E123_FIREWALL,
                   "avif: %llu %s are more than limits(max_items=%llu) allows",
                   (unsigned long long)span->count, what,
                   (unsigned long long)span->ctx->limits.max_items);
}

/* The size field counts from the box's start: 1 puts it in 64 bits behind the type, 0
 * means up to the end of the file. */
li_status
li_avif_next(avif_span *span, avif_box *box)
{
    uint64_t start = span->at, size, type, head = 8;
    LI_TRY(li_poll(span->ctx));
    LI_TRY(li_avif_count(span, 1, 1, "boxes in one"));
    LI_TRY(li_avif_number(span, 4, &size));
    LI_TRY(li_avif_number(span, 4, &type));
    if (size == 1) {
        LI_TRY(li_avif_number(span, 8, &size));
        head = 16;
    } else if (size == 0) {
        size = span->end - start;
    }
    if (size < head)
        return li_avif_corrupt(span->ctx, "a box is smaller than its header");
    if (size > span->end - start) {
        if (span->end < span->in->size)
            return li_avif_corrupt(span->ctx,
                                   "a box reaches over the end of its parent");
        size = span->end - start; /* cut: whoever reads to its end will notice */
    }
    *box = (avif_box){(uint32_t)type, start + head, start + size};
    span->at = start + size;
    return LI_OK;
}

li_status
li_avif_each(avif_span span, avif_visit *visit, void *self)
{
    avif_box box;
    while (span.at < span.end) {
        LI_TRY(li_avif_next(&span, &box));
        LI_TRY(visit(self, box));
    }
    return LI_OK;
}
