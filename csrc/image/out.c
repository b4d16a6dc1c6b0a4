/* out.c: encoded bytes into memory that grows without a copy, or into a file. Layer 1.
 */
#include "image/out.h"

#include <string.h>

enum { FIRST_BYTES = 4096 };

typedef struct memory_out {
    li_out base;
    uint8_t *data; /* owned, counted */
    uint64_t room;
    uint64_t bound; /* never more room than this unless it is needed */
} memory_out;

typedef struct file_out {
    li_out base;
    li_file *file; /* borrowed */
} file_out;

static li_status
out_new(li_ctx *ctx, size_t size, const li_out_ops *ops, li_out **out)
{
    LI_TRY(li_alloc(ctx, 1, size, out));
    (*out)->ops = ops;
    (*out)->ctx = ctx;
    return LI_OK;
}

/* By half each time: large blocks are moved by remapping, so growth is cheap and what
 * has not been written yet costs no memory. */
static li_status
memory_grow(memory_out *memory, uint64_t need)
{
    uint64_t room = memory->room + memory->room / 2;
    if (room > memory->bound)
        room = memory->bound;
    if (room < need)
        room = need;
    LI_TRY(li_resize_alloc(memory->base.ctx, room, &memory->data));
    memory->room = room;
    return LI_OK;
}

static li_status
memory_write(li_out *out, const void *data, size_t size)
{
    memory_out *memory = (memory_out *)out;
    if (size > memory->room - out->size)
        LI_TRY(memory_grow(memory, out->size + size));
    memcpy(memory->data + out->size, data, size);
    return LI_OK;
}

static li_status
memory_patch(li_out *out, uint64_t at, const void *data, size_t size)
{
    memcpy(((memory_out *)out)->data + at, data, size);
    return LI_OK;
}

static void
memory_close(li_out *out)
{
    li_free(out->ctx, &((memory_out *)out)->data);
}

static const li_out_ops memory_ops = {
    .name = "memory",
    .write = memory_write,
    .patch = memory_patch,
    .close = memory_close,
};

li_status
li_out_to_memory(li_ctx *ctx, li_out **out)
{
    LI_TRY(out_new(ctx, sizeof(memory_out), &memory_ops, out));
    memory_out *memory = (memory_out *)*out;
    memory->room = FIRST_BYTES;
    memory->bound = UINT64_MAX;
    li_status status = li_alloc(ctx, FIRST_BYTES, 1, &memory->data);
    if (status != LI_OK)
        li_out_close(out);
    return status;
}

static li_status
file_write(li_out *out, const void *data, size_t size)
{
    return li_file_write(((file_out *)out)->file, data, size);
}

static li_status
file_patch(li_out *out, uint64_t at, const void *data, size_t size)
{
    return li_file_patch(((file_out *)out)->file, at, data, size);
}

static const li_out_ops pipe_ops = {.name = "pipe", .write = file_write};
static const li_out_ops file_ops = {
    .name = "file",
    .write = file_write,
    .patch = file_patch,
};

li_status
li_out_to_file(li_ctx *ctx, li_file *file, li_out **out)
{
    LI_TRY(out_new(ctx, sizeof(file_out), li_file_patches(file) ? &file_ops : &pipe_ops,
                   out));
    ((file_out *)*out)->file = file;
    return LI_OK;
}

void
li_out_expect(li_out *out, uint64_t bound)
{
    if (out->ops == &memory_ops)
        ((memory_out *)out)->bound = bound;
}

li_status
li_out_detach(li_out *out, uint8_t **data, size_t *size)
{
    memory_out *memory = (memory_out *)out;
    LI_TRY(li_resize_alloc(out->ctx, out->size ? out->size : 1, &memory->data));
    li_disown(out->ctx, memory->data);
    *data = memory->data;
    *size = (size_t)out->size;
    memory->data = NULL;
    memory->room = 0;
    return LI_OK;
}

void
li_out_close(li_out **out)
{
    li_out *old = *out;
    *out = NULL;
    if (!old)
        return;
    li_ctx *ctx = old->ctx;
    if (old->ops->close)
        old->ops->close(old);
    li_free(ctx, &old);
}
