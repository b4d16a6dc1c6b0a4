/* strict_source.h: bytes that a source gives as grudgingly as its contract allows: what
 * is asked for and no more, in a block of that size which is freed with the next call.
 * A sanitizer sees who reads past it or keeps it. */
#ifndef LI_TESTS_STRICT_SOURCE_H
#define LI_TESTS_STRICT_SOURCE_H

#include "base/source.h"

#include <stdlib.h>
#include <string.h>

typedef struct strict_source {
    li_source base;
    const uint8_t *file;   /* borrowed */
    uint8_t *block;        /* owned: what was given last */
    uint8_t *whole;        /* owned: for `all` */
    uint64_t calls, bytes; /* given so far */
} strict_source;

static inline li_status
strict_at(li_source *source, uint64_t offset, size_t want, const uint8_t **data,
          size_t *got)
{
    strict_source *self = (strict_source *)source;
    uint64_t left = offset < source->size ? source->size - offset : 0;
    free(self->block);
    self->block = NULL;
    *got = left < want ? (size_t)left : want;
    if (*got) {
        self->block = malloc(*got);
        memcpy(self->block, self->file + offset, *got);
    }
    *data = self->block;
    self->calls++;
    self->bytes += *got;
    return LI_OK;
}

static inline li_status
strict_all(li_source *source, const uint8_t **data)
{
    strict_source *self = (strict_source *)source;
    if (!self->whole) {
        self->whole = malloc(source->size + !source->size);
        memcpy(self->whole, self->file, source->size);
    }
    *data = self->whole;
    return LI_OK;
}

static const li_source_ops strict_source_ops = {
    .name = "strict", .at = strict_at, .all = strict_all};

/* Not for li_source_close: strict_source_close. */
static inline strict_source
strict_source_over(li_ctx *ctx, const uint8_t *file, size_t size)
{
    return (strict_source){
        .base = {.ops = &strict_source_ops, .ctx = ctx, .size = size}, .file = file};
}

static inline void
strict_source_close(strict_source *source)
{
    free(source->block);
    free(source->whole);
    source->block = source->whole = NULL;
}

#endif
