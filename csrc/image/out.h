/* out.h: where encoded bytes go: growing memory or a file. Layer 1. */
#ifndef LI_IMAGE_OUT_H
#define LI_IMAGE_OUT_H

#include "base/file.h"

typedef struct li_out li_out;

typedef struct li_out_ops {
    const char *name;
    li_status (*write)(li_out *out, const void *data, size_t size);
    /* Over bytes that were written. NULL: they are gone, as through a pipe. */
    li_status (*patch)(li_out *out, uint64_t at, const void *data, size_t size);
    void (*close)(li_out *out);
} li_out_ops;

struct li_out {
    const li_out_ops *ops;
    li_ctx *ctx;   /* borrowed */
    uint64_t size; /* bytes written so far */
};

enum { LI_OUT_BYTES = 64 << 10 }; /* a codec hands on at most this much at a time */

li_status li_out_to_memory(li_ctx *ctx, li_out **out) LI_MUST_CHECK;
/* The file stays the caller's, who commits or drops it. */
li_status li_out_to_file(li_ctx *ctx, li_file *file, li_out **out) LI_MUST_CHECK;
/* Memory only: more than this is never needed, so growth stops there. */
void li_out_expect(li_out *out, uint64_t bound);
static inline LI_MUST_CHECK li_status
li_out_write(li_out *out, const void *data, size_t size)
{
    LI_TRY(out->ops->write(out, data, size));
    out->size += size;
    return LI_OK;
}
/* Memory only: the bytes, shrunk to fit and disowned; free them by li_release. */
li_status li_out_detach(li_out *out, uint8_t **data, size_t *size) LI_MUST_CHECK;
void li_out_close(li_out **out); /* accepts NULL */

#endif
