/* box.h: walking the boxes of an ISO base media file, bounded: no allocation, no
 * recursion (a container is a function that knows its children), every list at most
 * limits.max_items long. Layer 2. */
#ifndef LI_CODECS_AVIF_BOX_H
#define LI_CODECS_AVIF_BOX_H

#include "codecs/codec.h"

/* A type as a number: BOX('m', 'e', 't', 'a'). */
#define BOX(a, b, c, d)                                                                \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* The body of a box, header not included. */
typedef struct avif_box {
    uint32_t type;
    uint64_t at, end;
} avif_box;

/* A part of the file that is read from its start to its end. */
typedef struct avif_span {
    li_ctx *ctx;   /* borrowed */
    li_source *in; /* borrowed */
    uint64_t at, end;
    uint64_t count;  /* boxes or entries so far */
    uint8_t version; /* of a full box */
    uint32_t flags;
} avif_span;

avif_span li_avif_span(li_ctx *ctx, li_source *in, avif_box box);
/* The same of a full box: version and flags are read. */
li_status li_avif_full(li_ctx *ctx, li_source *in, avif_box box,
                       avif_span *span) LI_MUST_CHECK;

/* Exactly `size` (at most LI_WINDOW_BYTES) bytes, borrowed until the next read; E130
 * past the span's end, E132 past the file's. */
li_status li_avif_bytes(avif_span *span, size_t size,
                        const uint8_t **data) LI_MUST_CHECK;
/* A big-endian number of 0 to 8 bytes. */
li_status li_avif_number(avif_span *span, size_t bytes, uint64_t *value) LI_MUST_CHECK;
li_status li_avif_skip(avif_span *span, uint64_t bytes) LI_MUST_CHECK;

/* The next box; the span goes on behind it. */
li_status li_avif_next(avif_span *span, avif_box *box) LI_MUST_CHECK;
/* Show each box from the span's start to its end to `visit`, until it fails. Counted:
 * at most limits.max_items of them. */
typedef li_status avif_visit(void *self, avif_box box);
li_status li_avif_each(avif_span span, avif_visit *visit, void *self) LI_MUST_CHECK;
/* Count `entries` more; E123 past limits.max_items times `scale`. */
li_status li_avif_count(avif_span *span, uint64_t entries, uint32_t scale,
                        const char *what) LI_MUST_CHECK;

li_status li_avif_corrupt(li_ctx *ctx, const char *what) LI_MUST_CHECK;

#endif
