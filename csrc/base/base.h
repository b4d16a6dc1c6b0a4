/* base.h: what every layer stands on: status, the job's context, counted memory, the
 * poll that every long loop calls. Layer 0. */
#ifndef LI_BASE_BASE_H
#define LI_BASE_BASE_H

#include "base/status.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LI_MUST_CHECK __attribute__((warn_unused_result))
#define LI_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* For use while the function owns nothing. */
#define LI_TRY(call)                                                                   \
    do {                                                                               \
        li_status li_try_ = (call);                                                    \
        if (li_try_ != LI_OK)                                                          \
            return li_try_;                                                            \
    } while (0)

enum { LI_MESSAGE_BYTES = 256, LI_WARNINGS = 8, LI_WARNING_BYTES = 120 };

/* Every limit: 0 switches it off, a value equal to the limit passes. */
typedef struct li_limits {
    uint64_t max_input_bytes;
    uint64_t max_pixels;
    uint64_t max_side;
    uint64_t max_pixels_per_byte; /* looked at above 4 MP only */
    uint64_t max_scans;           /* of a progressive JPEG */
    uint64_t max_segments;        /* JPEG segments, PNG chunks, before the pixels */
    uint64_t max_items;           /* AVIF items, and entries of each of its tables */
    uint64_t max_metadata;        /* bytes of each of ICC, EXIF, XMP, inflated */
    uint64_t icc_room;            /* a policy's: 1 + the bytes of ICC that it lets in */
    uint64_t max_memory;          /* bytes: ledger + charges of one job */
    uint64_t max_output_pixels;
    int64_t timeout_ns; /* what a deadline came from, for its message */
    uint64_t formats;   /* bit i allows the i-th codec of the table, LI_FURTHER_BIT + i
                           the i-th of li_further_formats; 0: all */
} li_limits;

extern const li_limits li_limits_default;

typedef struct li_warnings {
    uint32_t count; /* may exceed LI_WARNINGS: those beyond are counted, not kept */
    char text[LI_WARNINGS][LI_WARNING_BYTES];
} li_warnings;

/* One job on one thread. No locks; only `cancel` and `poison` are shared. */
typedef struct li_ctx {
    li_limits limits;
    const struct li_kernels *kernels; /* borrowed const table; NULL: plain C */
    /* Borrowed, NULL at the end: codecs that are not in li_codecs. NULL: none. */
    const struct li_codec *const *further;
    const atomic_int *cancel; /* borrowed; NULL: cannot be cancelled */
    const atomic_int *poison; /* borrowed: the guard's word on the mapped source */
    void (*renew)(void);      /* with poison: the guard goes before who came since */
    int64_t deadline_ns;      /* on li_now_ns()'s clock; 0: none */
    li_status (*tick)(void *arg); /* every 50 ms of polling; NULL off the main thread */
    void *tick_arg;               /* borrowed */
    int64_t tick_due_ns;
    uint32_t polls;

    bool salvage;       /* damaged pixels are filled, not refused: ops/salvage.h */
    bool salvaged;      /* and some were: */
    uint32_t rows_real; /* so many rows are the file's */

    struct li_pledge *pledge; /* borrowed: of who shares a heap; NULL: has it alone */

    uint64_t bytes;      /* ledger + charges, now */
    uint64_t peak_bytes; /* and their highest */
    int64_t allocs_left; /* a test sets n: allocation n + 1 fails; negative: never */

    li_status status; /* the first error; everything after it answers with it */
    int sys_errno;    /* errno of the first error, 0: none */
    const char *step; /* name of the stage that failed first; static string */
    char message[LI_MESSAGE_BYTES];
    li_warnings warnings;
} li_ctx;

/* A context with these limits (NULL: the defaults), nothing else set. */
void li_ctx_init(li_ctx *ctx, const li_limits *limits);

/* Record the first error and return its code; a later one returns the first. */
li_status li_fail(li_ctx *ctx, li_status status, const char *format, ...)
    LI_PRINTF(3, 4);
/* The same with errno; the system's text for it is appended. */
li_status li_fail_errno(li_ctx *ctx, li_status status, int sys_errno,
                        const char *format, ...) LI_PRINTF(4, 5);
/* E100 or E101, as errno says, of a file that `what` needs; the end of a long path. */
li_status li_fail_open(li_ctx *ctx, const char *what, const char *path, int sys_errno);
/* Note something odd that is not fatal, once; it ends in metrics.warnings. */
void li_warn(li_ctx *ctx, const char *format, ...) LI_PRINTF(2, 3);

/* A context for a part of ctx's work on another thread: its limits, flags and kernels,
 * a ledger of its own, no tick, nothing said yet. */
li_ctx li_ctx_part(const li_ctx *ctx);
/* What a part says reaches who waits for it: the error, unless `to` has one; returns
 * to's status. Warnings are moved. */
li_status li_pass_error(const li_ctx *from, li_ctx *to);
/* Does it say that the data is wrong, or too much of something? */
bool li_blames_data(li_status status);
/* Does it say that pixels are lost? */
bool li_is_damage(li_status status);
void li_pass_warnings(li_ctx *from, li_ctx *to);

/* --- memory ---------------------------------------------------------------------- */

/* count × size bytes, zeroed, aligned to 16, counted; fails with LI_ENOMEM, or with
 * E124 past limits.max_memory. From 1 MiB on the pages come from, and go back to, the
 * system directly. */
li_status li_alloc(li_ctx *ctx, uint64_t count, size_t size,
                   void *out /* void ** */) LI_MUST_CHECK;
/* Grow or shrink in place where the system can; *block keeps its bytes; new bytes are
 * not zeroed. *block is unchanged when this fails. */
li_status li_resize_alloc(li_ctx *ctx, uint64_t size,
                          void *block /* void ** */) LI_MUST_CHECK;
/* Free *block, take it off the ledger and set *block NULL. Accepts NULL in *block. */
void li_free(li_ctx *ctx, void *block /* void ** */);
/* Take a block off this ledger: from here on the caller frees it by li_release. */
void li_disown(li_ctx *ctx, void *block);
/* Free a disowned block. Accepts NULL. */
void li_release(void *block);

/* Memory that a library will take by itself: said before it does, given back after. */
li_status li_charge(li_ctx *ctx, uint64_t bytes) LI_MUST_CHECK;
void li_uncharge(li_ctx *ctx, uint64_t bytes);

/* Give what the C library keeps of freed memory back to the system, if it can. */
void li_trim_heap(void);

/* What li_alloc adds to a block; a bytes() function counts it once a block. */
enum { LI_BLOCK_OVERHEAD = 64 };

/* --- time and polling ------------------------------------------------------------ */

int64_t li_now_ns(void); /* monotonic */
int64_t li_cpu_ns(void); /* CPU time of this thread */
/* Is this the process's first thread? Where the system cannot say: true. */
bool li_is_main_thread(void);
li_status li_poll_clock(li_ctx *ctx) LI_MUST_CHECK; /* the slow half of li_poll */
li_status
li_poll_shared(li_ctx *ctx) LI_MUST_CHECK; /* says why cancel or poison is set */

/* Call between rows: cancel and poison each time, the clock every 16th. */
static inline LI_MUST_CHECK li_status
li_poll(li_ctx *ctx)
{
    if (ctx->cancel && atomic_load_explicit(ctx->cancel, memory_order_relaxed))
        return li_poll_shared(ctx);
    if (ctx->poison && atomic_load_explicit(ctx->poison, memory_order_relaxed))
        return li_poll_shared(ctx);
    return ++ctx->polls % 16 ? LI_OK : li_poll_clock(ctx);
}

/* Sums and products of byte counts that stick at UINT64_MAX instead of wrapping. */
static inline uint64_t
li_sat_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static inline uint64_t
li_sat_mul(uint64_t a, uint64_t b)
{
    return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

#endif
