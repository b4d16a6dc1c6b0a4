/* rows.h: a picture as a stream of rows that is pulled. Layer 1.
 *
 * A row is borrowed: valid until the next call on the same stream. Exactly info.height
 * calls; one more is the caller's bug. After an error every call answers with it. */
#ifndef LI_IMAGE_ROWS_H
#define LI_IMAGE_ROWS_H

#include "image/pixel.h"

typedef struct li_rows li_rows;

typedef struct li_rows_ops {
    const char *name;
    li_status (*next)(li_rows *rows, const uint8_t **row);
    li_status (*skip)(li_rows *rows, uint32_t count); /* NULL: next, dropped */
    void (*close)(
        li_rows *rows); /* what it owns but `up`; NULL: nothing; accepts a
                           half-opened stream; li_rows_close frees the struct */
} li_rows_ops;

/* The first member of every stage's own struct. */
struct li_rows {
    const li_rows_ops *ops;
    li_ctx *ctx;  /* borrowed */
    li_rows *up;  /* owned: the stage that this one pulls from; NULL for a decoder */
    li_info info; /* fixed after open */
    uint32_t y;   /* rows handed out so far */
};

/* A zeroed stage of `size` bytes on top of *chain (NULL in *chain: a decoder): *chain
 * is the new stage, which owns the old one. On failure *chain is as it was. */
li_status li_rows_push(li_ctx *ctx, size_t size, const li_rows_ops *ops, li_info info,
                       li_rows **chain) LI_MUST_CHECK;
/* Undo a push whose stage could not be opened: *chain is the stage below again. */
void li_rows_pop(li_rows **chain);
/* Close the whole chain. Accepts NULL. */
void li_rows_close(li_rows **chain);

li_status li_rows_next(li_rows *rows, const uint8_t **row) LI_MUST_CHECK;
/* Drop the next `count` rows, as cheaply as the stage can. */
li_status li_rows_skip(li_rows *rows, uint32_t count) LI_MUST_CHECK;

#endif
