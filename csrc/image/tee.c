/* tee.c: a ring of rows, its readers, and the one of them who makes the next rows.
 * Layer 1.
 *
 * Rows are made by the batch, as many as there is room for, and waiting readers are
 * woken once a batch or once half of the ring is free, not once a row. */
#include "image/tee.h"
#include "kernels/kernels.h"

#include <assert.h>
#include <string.h>

enum {
    ALIGNMENT = 64,             /* of each row of the ring: a cache line */
    WAKE_NS = 50 * 1000 * 1000, /* who waits looks for a cancel so often */
};

/* Where a reader is; it outlives the port. */
typedef struct place {
    uint32_t at; /* rows that it is done with */
    bool open;
} place;

typedef struct tee_port {
    li_rows base;
    li_tee *tee;  /* borrowed */
    place *place; /* borrowed of it */
    bool holds;   /* the row at place->at is out */
} tee_port;

struct li_tee {
    li_ctx *ctx;   /* borrowed: the chain's, of whoever is making rows */
    li_rows *rows; /* owned */
    li_info info;
    li_slots *slots; /* borrowed; may be NULL */
    uint8_t *ring;   /* owned */
    size_t stride;
    uint32_t ring_rows, port_count;
    li_monitor monitor; /* of all below, and of the places */
    uint32_t made;      /* rows */
    bool busy;          /* somebody makes rows */
    uint32_t opened;    /* ports, so far */
    uint32_t readers;   /* ports that are open */
    place *places;      /* owned: of the ports */
};

static size_t
ring_stride(li_info info)
{
    size_t bytes = li_row_bytes(info) + LI_ROW_SLACK;
    return (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

uint64_t
li_tee_bytes(li_info info, uint32_t ring, uint32_t ports)
{
    enum { PAGE = 4096 }; /* a large block is rounded up to it */
    uint64_t port = sizeof(tee_port) + sizeof(place) + LI_BLOCK_OVERHEAD;
    return li_sat_mul(ring_stride(info), ring) + ports * port + sizeof(li_tee) +
           3 * LI_BLOCK_OVERHEAD + PAGE;
}

/* --- inside the monitor ------------------------------------------------------------
 */

/* Rows of the ring that nobody needs any more. */
static uint32_t
free_rows(const li_tee *self)
{
    uint32_t slowest = self->made;
    for (uint32_t i = 0; i < self->opened; i++)
        if (self->places[i].open && self->places[i].at < slowest)
            slowest = self->places[i].at;
    return self->ring_rows - (self->made - slowest);
}

/* Rows that may be made now. */
static uint32_t
room(const li_tee *self)
{
    uint32_t free = free_rows(self), left = self->info.height - self->made;
    return free < left ? free : left;
}

/* Done with the row that is out. Who waits for room is told when there is enough of it
 * to be worth waking up for; the slowest gets there in the end, or closes. */
static void
release(tee_port *port)
{
    li_tee *self = port->tee;
    if (!port->holds)
        return;
    port->holds = false;
    port->place->at++;
    if (free_rows(self) == (self->ring_rows + 1) / 2)
        li_monitor_wake_all(&self->monitor);
}

/* Outside of the monitor, alone: the next `count` rows; what could be made. */
static uint32_t
make_rows(li_tee *self, uint32_t count)
{
    uint32_t first = self->made; /* which only this thread changes */
    size_t bytes = li_row_bytes(self->info);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *row;
        if (li_poll(self->ctx) != LI_OK || li_rows_next(self->rows, &row) != LI_OK)
            return i;
        memcpy(self->ring + (first + i) % self->ring_rows * self->stride, row, bytes);
    }
    return count;
}

static void
make_batch(li_tee *self, uint32_t count)
{
    self->busy = true;
    li_monitor_leave(&self->monitor);
    uint32_t made = make_rows(self, count);
    li_monitor_enter(&self->monitor);
    self->made += made;
    self->busy = false;
    li_monitor_wake_all(&self->monitor);
}

/* Until there is a row, or this port may make one, or nobody will. */
static bool
must_wait(const tee_port *port)
{
    const li_tee *self = port->tee;
    if (port->place->at < self->made)
        return false;
    return self->busy || (self->ctx->status == LI_OK && room(self) == 0);
}

static li_status
poll_all(li_ctx *ctx)
{
    LI_TRY(li_poll(ctx));
    return li_poll_clock(ctx);
}

/* Others run meanwhile. */
static li_status
wait_for_change(tee_port *port)
{
    li_tee *self = port->tee;
    li_status status = LI_OK;
    li_slots_give(self->slots);
    while (status == LI_OK && must_wait(port))
        if (!li_monitor_wait_ns(&self->monitor, WAKE_NS))
            status = poll_all(port->base.ctx);
    li_monitor_leave(&self->monitor);
    li_slots_take(self->slots); /* never with the monitor: who has one may want it */
    li_monitor_enter(&self->monitor);
    return status;
}

/* --- a port ------------------------------------------------------------------------
 */

static li_status
next_in_monitor(tee_port *port, const uint8_t **row)
{
    li_tee *self = port->tee;
    release(port);
    while (port->place->at == self->made) {
        if (must_wait(port)) {
            LI_TRY(wait_for_change(port));
        } else if (self->ctx->status != LI_OK) {
            return li_pass_error(self->ctx, port->base.ctx);
        } else {
            make_batch(self, room(self));
        }
    }
    port->holds = true;
    *row = self->ring + port->place->at % self->ring_rows * self->stride;
    return LI_OK;
}

static li_status
port_next(li_rows *rows, const uint8_t **row)
{
    tee_port *port = (tee_port *)rows;
    li_monitor_enter(&port->tee->monitor);
    li_status status = next_in_monitor(port, row);
    li_monitor_leave(&port->tee->monitor);
    return status;
}

/* The last one closes the chain, whose own port may be the last of another tee. */
static void
port_close(li_rows *rows)
{
    tee_port *port = (tee_port *)rows;
    li_tee *self = port->tee;
    if (!port->place)
        return;
    li_monitor_enter(&self->monitor);
    port->place->open = false;
    bool last = --self->readers == 0 && self->opened == self->port_count;
    li_monitor_wake_all(&self->monitor);
    li_monitor_leave(&self->monitor);
    if (last)
        li_rows_close(&self->rows);
}

static const li_rows_ops port_ops = {
    .name = "tee",
    .next = port_next,
    .close = port_close,
};

li_status
li_tee_port(li_ctx *ctx, li_tee *self, li_rows **rows)
{
    assert(self->opened < self->port_count);
    *rows = NULL;
    LI_TRY(li_rows_push(ctx, sizeof(tee_port), &port_ops, self->info, rows));
    tee_port *port = (tee_port *)*rows;
    port->tee = self;
    port->place = &self->places[self->opened++];
    port->place->open = true;
    self->readers++;
    return LI_OK;
}

/* --- open and close ----------------------------------------------------------------
 */

li_status
li_tee_open(li_rows **rows, uint32_t ring, uint32_t ports, li_slots *slots,
            li_tee **tee)
{
    li_ctx *ctx = (*rows)->ctx;
    *tee = NULL;
    assert(ring >= 2 && ports >= 1);
    LI_TRY(li_alloc(ctx, 1, sizeof(**tee), tee));
    li_tee *self = *tee;
    self->ctx = ctx;
    self->info = (*rows)->info;
    self->stride = ring_stride(self->info);
    self->ring_rows = ring;
    self->port_count = ports;
    self->slots = slots;
    li_status status = li_alloc(ctx, ring, self->stride, &self->ring);
    if (status == LI_OK)
        status = li_alloc(ctx, ports, sizeof(self->places[0]), &self->places);
    if (status == LI_OK && !li_monitor_open(&self->monitor))
        status = li_fail(ctx, LI_ENOMEM, "tee: the system refused a lock");
    if (status != LI_OK) {
        li_free(ctx, &self->places);
        li_free(ctx, &self->ring);
        li_free(ctx, tee);
        return status;
    }
    self->rows = *rows;
    *rows = NULL;
    return LI_OK;
}

void
li_tee_close(li_tee **tee)
{
    li_tee *self = *tee;
    if (!self)
        return;
    assert(self->readers == 0);
    li_rows_close(&self->rows);
    li_monitor_close(&self->monitor);
    li_free(self->ctx, &self->places);
    li_free(self->ctx, &self->ring);
    li_free(self->ctx, tee);
}
