/* rows.c: opening, pulling and closing a chain of stages. Layer 1. */
#include "image/rows.h"

#include <assert.h>

li_status
li_rows_push(li_ctx *ctx, size_t size, const li_rows_ops *ops, li_info info,
             li_rows **chain)
{
    li_rows *rows;
    assert(size >= sizeof(*rows));
    LI_TRY(li_alloc(ctx, 1, size, &rows));
    rows->ops = ops;
    rows->ctx = ctx;
    rows->up = *chain;
    rows->info = info;
    *chain = rows;
    return LI_OK;
}

void
li_rows_pop(li_rows **chain)
{
    li_rows *rows = *chain;
    *chain = rows->up;
    if (rows->ops->close)
        rows->ops->close(rows);
    li_free(rows->ctx, &rows);
}

void
li_rows_close(li_rows **chain)
{
    while (*chain)
        li_rows_pop(chain);
}

/* The innermost stage that fails is asked first on the way out: it names the step. */
static li_status
name_step(li_rows *rows, li_status status)
{
    if (status != LI_OK && !rows->ctx->step)
        rows->ctx->step = rows->ops->name;
    return status;
}

li_status
li_rows_next(li_rows *rows, const uint8_t **row)
{
    assert(rows->y < rows->info.height);
    if (rows->ctx->status != LI_OK)
        return rows->ctx->status;
    LI_TRY(name_step(rows, rows->ops->next(rows, row)));
    rows->y++;
    return LI_OK;
}

li_status
li_rows_skip(li_rows *rows, uint32_t count)
{
    assert(count <= rows->info.height - rows->y);
    if (rows->ctx->status != LI_OK)
        return rows->ctx->status;
    if (count > 0 && rows->ops->skip) {
        LI_TRY(name_step(rows, rows->ops->skip(rows, count)));
        rows->y += count;
        return LI_OK;
    }
    const uint8_t *dropped;
    for (; count > 0; count--) {
        LI_TRY(li_poll(rows->ctx));
        LI_TRY(li_rows_next(rows, &dropped));
    }
    return LI_OK;
}
