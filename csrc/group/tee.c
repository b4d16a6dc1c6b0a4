/* tee.c: a ring of lines, its readers, and the one of them who makes the next lines.
 * Layer 4.
 *
 * Lines are made by the batch, as many as there is room for, and waiting readers are
 * woken once a batch or once half of the ring is free, not once a line. */
#include "group/tee.h"

#include <assert.h>
#include <string.h>

enum {
    ALIGNMENT = 64,             /* of each row of the ring: a cache line */
    WAKE_NS = 50 * 1000 * 1000, /* who waits looks for a cancel so often */
};

/* Where a reader is; it outlives the port. */
typedef struct place {
    uint32_t at; /* lines that it is done with */
    bool open;
} place;

/* What a reader has of a tee, inside its port. */
typedef struct tap {
    li_tee *tee;    /* borrowed */
    place *place;   /* borrowed of it */
    uint32_t holds; /* lines from place->at on that are out */
} tap;

typedef struct tee_port {
    li_rows base;
    tap tap;
} tee_port;

typedef struct tee_planes {
    li_planes base;
    tap tap;
} tee_planes;

/* One of the streams, and its part of the ring. */
typedef struct lane {
    li_info info;
    uint32_t rows; /* of a line; the last lines may have fewer, or none */
    size_t stride;
    uint8_t *ring; /* borrowed of li_tee.ring */
} lane;

struct li_tee {
    li_ctx *ctx;        /* borrowed: the chains', of whoever is making lines */
    li_streams streams; /* owned */
    lane lanes[LI_PLANES];
    uint32_t lines;  /* of the whole picture */
    li_slots *slots; /* borrowed; may be NULL */
    uint8_t *ring;   /* owned */
    uint32_t ring_lines, port_count;
    li_monitor monitor; /* of all below, and of the places */
    uint32_t made;      /* lines */
    bool busy;          /* somebody makes lines */
    uint32_t opened;    /* ports, so far */
    uint32_t readers;   /* ports that are open */
    place *places;      /* owned: of the ports */
};

void
li_streams_close(li_streams *streams)
{
    for (uint32_t s = 0; s < LI_PLANES; s++)
        li_rows_close(&streams->rows[s]);
}

/* --- lines -------------------------------------------------------------------------
 */

static size_t
row_stride(li_info info)
{
    size_t bytes = li_row_bytes(info) + LI_ROW_SLACK;
    return (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* As many as the lowest stream has rows: chroma, of which each row has two of luma to
 * go with it, or one. */
static uint32_t
count_lines(const li_info *infos, uint32_t count)
{
    uint32_t least = infos[0].height;
    for (uint32_t s = 1; s < count; s++)
        least = infos[s].height < least ? infos[s].height : least;
    return least;
}

static uint32_t
line_rows(li_info info, uint32_t lines)
{
    return info.height / lines + (info.height % lines > 0);
}

uint64_t
li_tee_line_bytes(const li_info *infos, uint32_t count)
{
    uint64_t bytes = 0;
    uint32_t lines = count_lines(infos, count);
    for (uint32_t s = 0; s < count; s++)
        bytes += (uint64_t)line_rows(infos[s], lines) * row_stride(infos[s]);
    return bytes;
}

uint64_t
li_tee_bytes(const li_info *infos, uint32_t count, uint32_t ring, uint32_t ports)
{
    enum { PAGE = 4096 }; /* a large block is rounded up to it */
    uint64_t port =
        sizeof(tee_port) + sizeof(tee_planes) + sizeof(place) + 2 * LI_BLOCK_OVERHEAD;
    return li_sat_mul(li_tee_line_bytes(infos, count), ring) + ports * port +
           sizeof(li_tee) + 3 * LI_BLOCK_OVERHEAD + PAGE;
}

/* Rows of this lane that lines from `first` on have, `count` lines at most. */
static uint32_t
rows_of(const lane *one, uint32_t first, uint32_t count)
{
    uint64_t begin = (uint64_t)first * one->rows, rows = (uint64_t)count * one->rows;
    uint64_t left = begin < one->info.height ? one->info.height - begin : 0;
    return (uint32_t)(rows < left ? rows : left);
}

static uint8_t *
lane_row(const li_tee *self, const lane *one, uint32_t line)
{
    return one->ring + (size_t)(line % self->ring_lines) * one->rows * one->stride;
}

/* Outside of the monitor, alone. */
static li_status
make_line(li_tee *self, uint32_t line)
{
    LI_TRY(li_poll(self->ctx));
    for (uint32_t s = 0; s < self->streams.count; s++) {
        const lane *one = &self->lanes[s];
        uint8_t *to = lane_row(self, one, line);
        for (uint32_t r = rows_of(one, line, 1); r > 0; r--, to += one->stride) {
            const uint8_t *row;
            LI_TRY(li_rows_next(self->streams.rows[s], &row));
            memcpy(to, row, li_row_bytes(one->info));
        }
    }
    return LI_OK;
}

/* --- inside the monitor ------------------------------------------------------------
 */

/* Lines of the ring that nobody needs any more. */
static uint32_t
free_lines(const li_tee *self)
{
    uint32_t slowest = self->made;
    for (uint32_t i = 0; i < self->opened; i++)
        if (self->places[i].open && self->places[i].at < slowest)
            slowest = self->places[i].at;
    return self->ring_lines - (self->made - slowest);
}

/* Lines that may be made now. */
static uint32_t
room(const li_tee *self)
{
    uint32_t free = free_lines(self), left = self->lines - self->made;
    return free < left ? free : left;
}

/* Done with what is out. Who waits for room is told when there is enough of it to be
 * worth waking up for; the slowest gets there in the end, or closes. */
static void
release(tap *port)
{
    li_tee *self = port->tee;
    uint32_t half = (self->ring_lines + 1) / 2;
    if (!port->holds)
        return;
    bool narrow = free_lines(self) < half;
    port->place->at += port->holds;
    port->holds = 0;
    if (narrow && free_lines(self) >= half)
        li_monitor_wake_all(&self->monitor);
}

static void
make_batch(li_tee *self, uint32_t count)
{
    uint32_t done = 0, first = self->made; /* which only this thread changes */
    self->busy = true;
    li_monitor_leave(&self->monitor);
    while (done < count && make_line(self, first + done) == LI_OK)
        done++;
    li_monitor_enter(&self->monitor);
    self->made += done;
    self->busy = false;
    li_monitor_wake_all(&self->monitor);
}

/* Until there is a line, or this port may make one, or nobody will. */
static bool
must_wait(const tap *port)
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
wait_for_change(tap *port, li_ctx *ctx)
{
    li_tee *self = port->tee;
    li_status status = LI_OK;
    li_slots_give(self->slots);
    while (status == LI_OK && must_wait(port))
        if (!li_monitor_wait_ns(&self->monitor, WAKE_NS))
            status = poll_all(ctx);
    li_monitor_leave(&self->monitor);
    li_slots_take(self->slots); /* never with the monitor: who has one may want it */
    li_monitor_enter(&self->monitor);
    return status;
}

static li_status
take_in_monitor(tap *port, li_ctx *ctx, uint32_t most)
{
    li_tee *self = port->tee;
    release(port);
    while (port->place->at == self->made) {
        if (must_wait(port)) {
            LI_TRY(wait_for_change(port, ctx));
        } else if (self->ctx->status != LI_OK) {
            return li_pass_error(self->ctx, ctx);
        } else {
            make_batch(self, room(self));
        }
    }
    uint32_t there = self->made - port->place->at;
    port->holds = there < most ? there : most;
    return LI_OK;
}

/* --- ports -------------------------------------------------------------------------
 */

/* The next lines, `most` at most: port->holds from port->place->at on. */
static li_status
tap_take(tap *port, li_ctx *ctx, uint32_t most)
{
    li_monitor_enter(&port->tee->monitor);
    li_status status = take_in_monitor(port, ctx, most);
    li_monitor_leave(&port->tee->monitor);
    return status;
}

/* The last one closes the chains, whose own port may be the last of another tee. */
static void
tap_close(tap *port)
{
    li_tee *self = port->tee;
    if (!port->place)
        return;
    li_monitor_enter(&self->monitor);
    port->place->open = false;
    bool last = --self->readers == 0 && self->opened == self->port_count;
    li_monitor_wake_all(&self->monitor);
    li_monitor_leave(&self->monitor);
    if (last)
        li_streams_close(&self->streams);
}

static void
tap_open(li_tee *self, tap *port)
{
    port->tee = self;
    port->place = &self->places[self->opened++];
    port->place->open = true;
    self->readers++;
}

static li_status
port_next(li_rows *rows, const uint8_t **row)
{
    tap *port = &((tee_port *)rows)->tap;
    LI_TRY(tap_take(port, rows->ctx, 1));
    *row = lane_row(port->tee, &port->tee->lanes[0], port->place->at);
    return LI_OK;
}

static void
port_close(li_rows *rows)
{
    tap_close(&((tee_port *)rows)->tap);
}

static const li_rows_ops port_ops = {
    .name = "tee",
    .next = port_next,
    .close = port_close,
};

/* Some lines at once, up to the end of the ring: a quarter of it, so that what is out
 * does not stop who makes. */
static li_status
planes_next(li_planes *planes, li_strip *strip)
{
    tap *port = &((tee_planes *)planes)->tap;
    const li_tee *self = port->tee;
    uint32_t next = port->place->at + port->holds; /* which only this thread changes */
    uint32_t most = self->ring_lines / 4 ? self->ring_lines / 4 : 1;
    uint32_t to_end = self->ring_lines - next % self->ring_lines;
    LI_TRY(tap_take(port, planes->ctx, most < to_end ? most : to_end));
    for (uint32_t s = 0; s < LI_PLANES; s++) {
        const lane *one = &self->lanes[s];
        strip->data[s] = lane_row(self, one, next);
        strip->stride[s] = one->stride;
        strip->rows[s] = rows_of(one, next, port->holds);
    }
    return LI_OK;
}

static void
planes_close(li_planes *planes)
{
    tap_close(&((tee_planes *)planes)->tap);
}

static const li_planes_ops planes_ops = {
    .name = "tee",
    .next = planes_next,
    .close = planes_close,
};

static li_status
open_planes(li_ctx *ctx, li_tee *self, li_streams *port)
{
    li_planes *planes;
    li_planar layout = {0};
    for (uint32_t s = 0; s < LI_PLANES; s++) {
        layout.plane[s].width = self->lanes[s].info.width;
        layout.plane[s].height = self->lanes[s].info.height;
    }
    LI_TRY(li_planes_new(ctx, sizeof(tee_planes), &planes_ops, &layout, &planes));
    tap_open(self, &((tee_planes *)planes)->tap);
    return li_planes_ports(&planes, port->rows);
}

li_status
li_tee_port(li_ctx *ctx, li_tee *self, li_streams *port)
{
    assert(self->opened < self->port_count);
    *port = (li_streams){.count = self->streams.count};
    if (port->count > 1)
        return open_planes(ctx, self, port);
    LI_TRY(li_rows_push(ctx, sizeof(tee_port), &port_ops, self->lanes[0].info,
                        &port->rows[0]));
    tap_open(self, &((tee_port *)port->rows[0])->tap);
    return LI_OK;
}

/* --- open and close ----------------------------------------------------------------
 */

static li_status
open_ring(li_tee *self, const li_streams *streams)
{
    li_info infos[LI_PLANES] = {0};
    for (uint32_t s = 0; s < streams->count; s++)
        infos[s] = streams->rows[s]->info;
    self->lines = count_lines(infos, streams->count);
    uint64_t line = li_tee_line_bytes(infos, streams->count);
    LI_TRY(li_alloc(self->ctx, li_sat_mul(line, self->ring_lines), 1, &self->ring));
    uint8_t *from = self->ring;
    for (uint32_t s = 0; s < streams->count; s++) {
        self->lanes[s] = (lane){.info = infos[s],
                                .rows = line_rows(infos[s], self->lines),
                                .stride = row_stride(infos[s]),
                                .ring = from};
        from += self->lanes[s].stride * self->lanes[s].rows * self->ring_lines;
    }
    return LI_OK;
}

li_status
li_tee_open(li_streams *streams, uint32_t ring, uint32_t ports, li_slots *slots,
            li_tee **tee)
{
    li_ctx *ctx = streams->rows[0]->ctx;
    *tee = NULL;
    assert(ring >= 2 && ports >= 1);
    LI_TRY(li_alloc(ctx, 1, sizeof(**tee), tee));
    li_tee *self = *tee;
    self->ctx = ctx;
    self->ring_lines = ring;
    self->port_count = ports;
    self->slots = slots;
    li_status status = open_ring(self, streams);
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
    self->streams = *streams;
    *streams = (li_streams){0};
    return LI_OK;
}

void
li_tee_end(li_tee *tee)
{
    if (tee)
        li_streams_close(&tee->streams);
}

void
li_tee_close(li_tee **tee)
{
    li_tee *self = *tee;
    if (!self)
        return;
    assert(self->readers == 0);
    li_streams_close(&self->streams);
    li_monitor_close(&self->monitor);
    li_free(self->ctx, &self->places);
    li_free(self->ctx, &self->ring);
    li_free(self->ctx, tee);
}
