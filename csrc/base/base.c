/* base.c: status, counted memory, time and polling of one job. Layer 0. */
#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

const li_limits li_limits_default = {
    .max_input_bytes = 1ull << 30,
    .max_pixels = 268402689, /* 16383²: what sharp and libvips allow */
    .max_side = 65535,
    .max_scans = 100, /* real progressive files have at most 18 */
    .max_segments = 4096,
    .max_items = 1024,
    .max_metadata = 10u << 20,
    .max_output_pixels = 268402689,
};

void
li_ctx_init(li_ctx *ctx, const li_limits *limits)
{
    memset(ctx, 0, sizeof(*ctx));
    ctx->limits = limits ? *limits : li_limits_default;
    ctx->allocs_left = -1;
}

/* --- errors ---------------------------------------------------------------------- */

li_status
li_fail(li_ctx *ctx, li_status status, const char *format, ...)
{
    if (ctx->status != LI_OK)
        return ctx->status;
    ctx->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ctx->message, sizeof(ctx->message), format, arguments);
    va_end(arguments);
    return status;
}

li_status
li_fail_errno(li_ctx *ctx, li_status status, int sys_errno, const char *format, ...)
{
    if (ctx->status != LI_OK)
        return ctx->status;
    char text[LI_MESSAGE_BYTES], words[96];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    ctx->sys_errno = sys_errno;
    return li_fail(ctx, status, "%s: %s", text,
                   strerror_r(sys_errno, words, sizeof(words)));
}

li_status
li_fail_open(li_ctx *ctx, const char *what, const char *path, int sys_errno)
{
    enum { SHOWN = 160 }; /* bytes, so that there is room for the reason */
    bool missing = sys_errno == ENOENT || sys_errno == ENOTDIR;
    size_t size = strlen(path);
    bool cut = size > SHOWN;
    return li_fail_errno(ctx, missing ? LI_E100_SOURCE_NOT_FOUND : LI_E101_READ,
                         sys_errno, "%s: cannot open %s%s", what, cut ? "..." : "",
                         cut ? path + size - SHOWN : path);
}

void
li_warn(li_ctx *ctx, const char *format, ...)
{
    char text[LI_WARNING_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (uint32_t i = 0; i < ctx->warnings.count && i < LI_WARNINGS; i++)
        if (!strcmp(ctx->warnings.text[i], text))
            return;
    uint32_t slot = ctx->warnings.count++;
    if (slot < LI_WARNINGS)
        memcpy(ctx->warnings.text[slot], text, sizeof(text));
}

li_ctx
li_ctx_part(const li_ctx *ctx)
{
    li_ctx part;
    li_ctx_init(&part, &ctx->limits);
    part.kernels = ctx->kernels;
    part.further = ctx->further;
    part.cancel = ctx->cancel;
    part.deadline_ns = ctx->deadline_ns;
    part.pledge = ctx->pledge;
    part.salvage = ctx->salvage;
    return part;
}

bool
li_blames_data(li_status status)
{
    return status >= LI_E111_FORMAT && status <= LI_E132_TRUNCATED &&
           status != LI_E112_CODEC && status != LI_E124_MEMORY_BUDGET &&
           status != LI_E125_TIMEOUT;
}

bool
li_is_damage(li_status status)
{
    return status == LI_E130_CORRUPT || status == LI_E131_DECODE ||
           status == LI_E132_TRUNCATED;
}

li_status
li_pass_error(const li_ctx *from, li_ctx *to)
{
    if (from->status == LI_OK || to->status != LI_OK)
        return to->status;
    to->status = from->status;
    to->sys_errno = from->sys_errno;
    to->step = from->step;
    memcpy(to->message, from->message, sizeof(to->message));
    return to->status;
}

void
li_pass_warnings(li_ctx *from, li_ctx *to)
{
    uint32_t count = from->warnings.count;
    uint32_t kept = count < LI_WARNINGS ? count : LI_WARNINGS;
    for (uint32_t i = 0; i < kept; i++)
        li_warn(to, "%s", from->warnings.text[i]);
    to->warnings.count += count - kept;
    from->warnings.count = 0;
}

/* --- memory ---------------------------------------------------------------------- */

/* In front of each block; 16 bytes, so that what follows keeps malloc's alignment. */
typedef struct block {
    uint64_t size;  /* of the whole block, this header included */
    uint64_t paged; /* 1: from mmap, 0: from malloc */
} block;

/* From here on a block is whole pages from the system: it is zero already, grows
 * without a copy, and goes back the moment that it is freed. */
enum { PAGED_BYTES = 1 << 20, PAGE_BYTES = 4096 };

static uint64_t
block_size(uint64_t bytes)
{
    uint64_t size = li_sat_add(bytes, sizeof(block));
    return size < PAGED_BYTES
               ? size
               : li_sat_add(size, PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

static li_status
fail_no_memory(li_ctx *ctx, uint64_t bytes)
{
    return li_fail(ctx, LI_ENOMEM, "memory: the system refused %llu bytes",
                   (unsigned long long)bytes);
}

static li_status
ledger_take(li_ctx *ctx, uint64_t bytes)
{
    uint64_t total = li_sat_add(ctx->bytes, bytes);
    uint64_t limit = ctx->limits.max_memory;
    if (limit && total > limit)
        return li_fail(
            ctx, LI_E124_MEMORY_BUDGET,
            "memory: the job needs %llu bytes or more, limits(max_memory=%llu)",
            (unsigned long long)total, (unsigned long long)limit);
    if (total == UINT64_MAX) /* stuck: it could not be given back */
        return fail_no_memory(ctx, bytes);
    ctx->bytes = total;
    if (total > ctx->peak_bytes)
        ctx->peak_bytes = total;
    return LI_OK;
}

static block *
block_new(uint64_t size)
{
    if (size < sizeof(block) || size > SIZE_MAX)
        return NULL;
    if (size < PAGED_BYTES)
        return calloc(1, (size_t)size);
    block *found = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (found == MAP_FAILED)
        return NULL;
    found->paged = 1;
    return found;
}

static void
block_free(block *old)
{
    if (old->paged)
        munmap(old, (size_t)old->size);
    else
        free(old);
}

static bool
allocation_allowed(li_ctx *ctx)
{
    return ctx->allocs_left < 0 || ctx->allocs_left-- > 0;
}

li_status
li_alloc(li_ctx *ctx, uint64_t count, size_t size, void *out)
{
    uint64_t bytes = li_sat_mul(count, size);
    uint64_t whole = block_size(bytes);
    if (!allocation_allowed(ctx))
        return fail_no_memory(ctx, bytes);
    LI_TRY(ledger_take(ctx, whole));
    block *made = block_new(whole);
    if (!made) {
        ctx->bytes -= whole;
        return fail_no_memory(ctx, bytes);
    }
    made->size = whole;
    *(void **)out = made + 1;
    return LI_OK;
}

static block *
block_remap(block *old, uint64_t size)
{
#if defined(__linux__)
    if (old->paged && (size >= PAGED_BYTES || size < old->size)) {
        block *moved = mremap(old, (size_t)old->size, (size_t)size, MREMAP_MAYMOVE);
        return moved == MAP_FAILED ? NULL : moved;
    }
#endif
    if (!old->paged && size < PAGED_BYTES)
        return realloc(old, (size_t)size);
    block *made = block_new(size);
    if (made) {
        uint64_t paged = made->paged;
        memcpy(made, old, (size_t)(old->size < size ? old->size : size));
        made->paged = paged;
        block_free(old);
    }
    return made;
}

li_status
li_resize_alloc(li_ctx *ctx, uint64_t size, void *pointer)
{
    block *old = *(block **)pointer - 1;
    uint64_t before = old->size, whole = block_size(size);
    if (whole == before)
        return LI_OK;
    if (!allocation_allowed(ctx) || whole > SIZE_MAX)
        return fail_no_memory(ctx, size);
    /* Pages are moved and a block shrinks where it is; elsewhere both blocks live for a
     * moment. */
    bool alone = whole < before || (old->paged && whole >= PAGED_BYTES);
    uint64_t kept = alone ? before : 0;
    if (whole > kept)
        LI_TRY(ledger_take(ctx, whole - kept));
    block *moved = block_remap(old, whole);
    if (!moved) {
        ctx->bytes -= whole > kept ? whole - kept : 0;
        return fail_no_memory(ctx, size);
    }
    moved->size = whole;
    ctx->bytes -= whole > kept ? before - kept : before - whole;
    *(void **)pointer = moved + 1;
    return LI_OK;
}

void
li_free(li_ctx *ctx, void *pointer)
{
    void *data = *(void **)pointer;
    *(void **)pointer = NULL;
    if (!data)
        return;
    li_disown(ctx, data);
    li_release(data);
}

void
li_disown(li_ctx *ctx, void *data)
{
    ctx->bytes -= ((block *)data - 1)->size;
}

void
li_release(void *data)
{
    if (data)
        block_free((block *)data - 1);
}

li_status
li_charge(li_ctx *ctx, uint64_t bytes)
{
    return ledger_take(ctx, bytes);
}

void
li_uncharge(li_ctx *ctx, uint64_t bytes)
{
    ctx->bytes -= bytes;
}

void
li_trim_heap(void)
{
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

/* --- time and polling ------------------------------------------------------------ */

static int64_t
clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t
li_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t
li_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

bool
li_is_main_thread(void)
{
#if defined(__linux__)
    return gettid() == getpid();
#else
    return true;
#endif
}

li_status
li_poll_shared(li_ctx *ctx)
{
    if (ctx->poison && atomic_load_explicit(ctx->poison, memory_order_relaxed))
        return li_fail(ctx, LI_E103_SOURCE_CHANGED,
                       "source: the file became shorter while it was read");
    return li_fail(ctx, LI_E500_CANCELLED, "cancelled");
}

static li_status
fail_late(li_ctx *ctx, int64_t now)
{
    double most = (double)ctx->limits.timeout_ns / 1e9;
    return li_fail(ctx, LI_E125_TIMEOUT,
                   "timeout: not done after %.3g s, limits(timeout=%.9g)",
                   most + (double)(now - ctx->deadline_ns) / 1e9, most);
}

li_status
li_poll_clock(li_ctx *ctx)
{
    enum { TICK_NS = 50 * 1000 * 1000 };
    int64_t now = li_now_ns();
    if (ctx->renew)
        ctx->renew();
    if (ctx->deadline_ns && now >= ctx->deadline_ns)
        return fail_late(ctx, now);
    if (!ctx->tick)
        return LI_OK;
    if (!ctx->tick_due_ns)
        ctx->tick_due_ns = now + TICK_NS;
    if (now < ctx->tick_due_ns)
        return LI_OK;
    ctx->tick_due_ns = now + TICK_NS;
    if (ctx->tick(ctx->tick_arg) != LI_OK)
        return li_fail(ctx, LI_EINTERRUPTED, "interrupted");
    return LI_OK;
}
