/* ahead.h: rows that a thread of its own gets ready, some ahead of who reads them: two
 * CPUs share a job. Layer 1.
 *
 * The work has a li_ctx of its own, because one belongs to one thread. What it may take
 * is charged to the job up front; what it says (its error, its warnings) reaches the
 * job with the rows that it belongs to. The thread ends before li_ahead_close returns.
 */
#ifndef LI_IMAGE_AHEAD_H
#define LI_IMAGE_AHEAD_H

#include "base/source.h"

/* What came of it. */
typedef struct li_ahead_use {
    bool ran;       /* there was a thread */
    int64_t cpu_ns; /* that it took; known once all is closed */
} li_ahead_use;

/* Rows as bytes: batches of `most` rows, and one of what is left. */
typedef struct li_batches {
    uint32_t rows, most; /* both above 0 */
    size_t stride;
    size_t slack; /* bytes behind a batch that may be written and read */
} li_batches;

/* What is done ahead. `open` and `close` are called on the thread of the job. */
typedef struct li_ahead_work {
    void *arg;                                 /* borrowed; of all four */
    li_status (*open)(void *arg, li_ctx *ctx); /* ctx lives until after close */
    /* Put the next `size` bytes, whole rows, there. */
    li_status (*fill)(void *arg, uint8_t *to, size_t size);
    /* After the last row; the scratch is as large as a batch. */
    li_status (*finish)(void *arg, uint8_t *scratch, size_t size);
    void (*close)(void *arg); /* accepts what is half open, or not at all */
    li_source *source; /* borrowed: nobody else may use it meanwhile; NULL: none */
    uint64_t bytes;    /* bounds what `open` and the rest take */
} li_ahead_work;

typedef struct li_ahead li_ahead;

/* Without a thread, and with no error, if there is none to be had. *use is borrowed
 * until the close. On failure *ahead is NULL and nothing is open. */
li_status li_ahead_open(li_ctx *ctx, const li_ahead_work *work, li_batches batches,
                        li_ahead_use *use, li_ahead **ahead) LI_MUST_CHECK;
/* The next batch, the reader's to change until the next call. In front of it, at
 * *batch − stride, is the last row of the one before as the reader left it (zeros for
 * the first). */
li_status li_ahead_next(li_ahead *ahead, uint8_t **batch, uint32_t *rows) LI_MUST_CHECK;
/* After the last batch, which stays: what `finish` says. */
li_status li_ahead_finish(li_ahead *ahead) LI_MUST_CHECK;
/* At any time; accepts NULL. */
void li_ahead_close(li_ahead **ahead);
/* Upper bound of what it takes besides work.bytes. */
uint64_t li_ahead_bytes(li_batches batches);

#endif
