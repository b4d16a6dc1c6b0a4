/* ahead.c: batches go through a ring of three slots: one is read, one is filled, one
 * evens out the pace. Layer 1. */
#include "image/ahead.h"
#include "base/thread.h"

#include <string.h>

enum {
    SLOTS = 3,
    STACK_BYTES = 512 << 10,    /* a decoder's deepest calls take a few KB */
    WAKE_NS = 50 * 1000 * 1000, /* who waits looks for Ctrl-C so often */
};

struct li_ahead {
    li_ctx *ctx; /* borrowed: the job's, for the reader alone */
    li_ctx own;  /* the work's */
    li_ahead_work work;
    li_batches batches;
    li_ahead_use *use; /* borrowed */
    uint64_t charged;
    uint8_t *ring; /* owned: SLOTS times a row, a batch, slack */
    bool threaded; /* the thread has been started, the monitor is open */
    pthread_t thread;
    atomic_int stop; /* own.cancel while the thread runs */
    bool holds;      /* the reader has slot number `freed` */

    uint32_t left;  /* worker: rows to fill */
    int64_t cpu_ns; /* worker's; read once it is joined */

    li_monitor monitor; /* of what both use: */
    uint32_t filled;    /* slots so far: written by the worker */
    uint32_t freed;     /* written by the reader */
    uint32_t rows[SLOTS];
    bool ended; /* the worker touches nothing any more */
};

/* --- the ring --------------------------------------------------------------------- */

/* Slack behind each slot: what one thread reads too far the other does not write. */
static size_t
slot_bytes(const li_batches *batches)
{
    return ((size_t)batches->most + 1) * batches->stride + batches->slack;
}

/* The batch of a slot: behind the row that stands in front of it. */
static uint8_t *
slot(const li_ahead *self, uint32_t number)
{
    return self->ring + number % SLOTS * slot_bytes(&self->batches) +
           self->batches.stride;
}

uint64_t
li_ahead_bytes(li_batches batches)
{
    enum { PAGE = 4096 }; /* a large block is rounded up to it */
    return sizeof(li_ahead) + SLOTS * (uint64_t)slot_bytes(&batches) + STACK_BYTES +
           2 * LI_BLOCK_OVERHEAD + PAGE;
}

/* --- the work --------------------------------------------------------------------- */

/* Room for one batch more, or the work's status. */
static li_status
wait_for_room(li_ahead *self)
{
    if (self->threaded) {
        li_monitor_enter(&self->monitor);
        while (self->filled - self->freed == SLOTS && !atomic_load(&self->stop))
            li_monitor_wait(&self->monitor);
        li_monitor_leave(&self->monitor);
    }
    return li_poll(&self->own);
}

static void
hand_over(li_ahead *self, uint32_t rows, bool ended)
{
    if (self->threaded)
        li_monitor_enter(&self->monitor);
    if (rows > 0)
        self->rows[self->filled++ % SLOTS] = rows;
    self->ended = ended;
    if (!self->threaded)
        return;
    li_monitor_wake(&self->monitor);
    li_monitor_leave(&self->monitor);
}

/* One batch, or the end of all. */
static void
work_once(li_ahead *self)
{
    const li_batches *batches = &self->batches;
    uint8_t *to = slot(self, self->filled); /* which this thread alone changes */
    uint32_t rows = self->left < batches->most ? self->left : batches->most;
    li_status status = wait_for_room(self);
    if (status == LI_OK && rows > 0)
        status = self->work.fill(self->work.arg, to, rows * batches->stride);
    else if (status == LI_OK)
        status = self->work.finish(self->work.arg, to, batches->most * batches->stride);
    self->left -= rows;
    hand_over(self, status == LI_OK ? rows : 0, status != LI_OK || rows == 0);
}

static void *
run_ahead(void *arg)
{
    li_ahead *self = arg;
    while (!self->ended) /* which this thread alone changes */
        work_once(self);
    self->cpu_ns = li_cpu_ns();
    return NULL;
}

/* --- what it says ----------------------------------------------------------------- */

/* Once the work has opened, ended or failed: tell the job. */
static li_status
pass_on(li_ahead *self)
{
    li_pass_warnings(&self->own, self->ctx);
    return self->own.status == LI_OK ? LI_OK : li_pass_error(&self->own, self->ctx);
}

/* --- the reader ------------------------------------------------------------------- */

static li_status
poll_all(li_ctx *ctx)
{
    LI_TRY(li_poll(ctx));
    return li_poll_clock(ctx);
}

/* Until there are more than `number` slots, or no more will come. */
static li_status
wait_for_slot(li_ahead *self, uint32_t number, bool *there)
{
    li_status status = li_poll(self->ctx);
    while (!self->threaded && self->filled == number && !self->ended)
        work_once(self);
    if (self->threaded)
        li_monitor_enter(&self->monitor);
    while (status == LI_OK && self->filled == number && !self->ended) {
        if (li_monitor_wait_ns(&self->monitor, WAKE_NS))
            continue;
        li_monitor_leave(&self->monitor); /* a tick may wait for another lock */
        status = poll_all(self->ctx);
        li_monitor_enter(&self->monitor);
    }
    *there = self->filled != number;
    if (self->threaded)
        li_monitor_leave(&self->monitor);
    return status;
}

static void
give_back(li_ahead *self)
{
    if (self->threaded)
        li_monitor_enter(&self->monitor);
    self->freed++;
    if (!self->threaded)
        return;
    li_monitor_wake(&self->monitor);
    li_monitor_leave(&self->monitor);
}

li_status
li_ahead_next(li_ahead *self, uint8_t **batch, uint32_t *rows)
{
    bool there;
    size_t stride = self->batches.stride;
    uint32_t number = self->freed + self->holds;
    LI_TRY(wait_for_slot(self, number, &there));
    if (!there)
        return pass_on(self);
    *batch = slot(self, number);
    if (self->holds) {
        const uint8_t *before = slot(self, self->freed);
        memcpy(*batch - stride, before + (self->batches.most - 1) * stride, stride);
        give_back(self);
    }
    self->holds = true;
    *rows = self->rows[number % SLOTS];
    return LI_OK;
}

li_status
li_ahead_finish(li_ahead *self)
{
    bool there;
    LI_TRY(wait_for_slot(self, self->freed + self->holds, &there));
    return pass_on(self);
}

/* --- open and close --------------------------------------------------------------- */

static void
end_thread(li_ahead *self)
{
    li_monitor_enter(&self->monitor);
    atomic_store(&self->stop, 1);
    li_monitor_wake(&self->monitor);
    li_monitor_leave(&self->monitor);
    li_thread_join(self->thread);
    li_monitor_close(&self->monitor);
    self->use->cpu_ns = self->cpu_ns;
}

void
li_ahead_close(li_ahead **ahead)
{
    li_ahead *self = *ahead;
    if (!self)
        return;
    li_ctx *ctx = self->ctx;
    if (self->threaded)
        end_thread(self);
    self->work.close(self->work.arg);
    if (self->work.source)
        self->work.source->ctx = ctx;
    li_free(ctx, &self->ring);
    li_uncharge(ctx, self->charged);
    li_free(ctx, ahead);
}

/* As the job's, for as long as the work is done on the job's thread. */
static void
open_context(li_ahead *self)
{
    self->own = *self->ctx;
    self->own.bytes = self->own.peak_bytes = 0;
    self->own.warnings.count = 0;
    if (self->own.limits.max_memory)
        self->own.limits.max_memory = self->charged;
}

static void
start_thread(li_ahead *self)
{
    li_ctx *ctx = self->ctx, *own = &self->own;
    if (!li_monitor_open(&self->monitor))
        return;
    own->cancel = &self->stop;
    own->tick = NULL; /* what it touches belongs to the job's thread */
    self->threaded = true;
    if (li_thread_start(&self->thread, STACK_BYTES, run_ahead, self)) {
        self->use->ran = true;
        return;
    }
    self->threaded = false;
    li_monitor_close(&self->monitor);
    own->cancel = ctx->cancel;
    own->tick = ctx->tick;
}

static li_status
open_all(li_ahead *self)
{
    li_ctx *ctx = self->ctx;
    uint64_t bytes = li_sat_add(self->work.bytes, STACK_BYTES);
    LI_TRY(li_charge(ctx, bytes));
    self->charged = bytes;
    open_context(self);
    if (self->work.source)
        self->work.source->ctx = &self->own;
    li_status status = self->work.open(self->work.arg, &self->own);
    ctx->allocs_left = self->own.allocs_left;
    LI_TRY(pass_on(self));
    LI_TRY(status);
    LI_TRY(li_alloc(ctx, SLOTS, slot_bytes(&self->batches), &self->ring));
    start_thread(self);
    return LI_OK;
}

li_status
li_ahead_open(li_ctx *ctx, const li_ahead_work *work, li_batches batches,
              li_ahead_use *use, li_ahead **ahead)
{
    *ahead = NULL;
    LI_TRY(li_alloc(ctx, 1, sizeof(**ahead), ahead));
    li_ahead *self = *ahead;
    self->ctx = ctx;
    self->work = *work;
    self->batches = batches;
    self->left = batches.rows;
    self->use = use;
    *use = (li_ahead_use){0};
    li_status status = open_all(self);
    if (status != LI_OK)
        li_ahead_close(ahead);
    return status;
}
