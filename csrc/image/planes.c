/* planes.c: ports over a decoder of planes, and the pump that feeds an encoder of them.
 * Layer 1. */
#include "image/planes.h"

#include <assert.h>
#include <string.h>

li_planar
li_planar_of(uint32_t width, uint32_t height, uint8_t x, uint8_t y)
{
    li_planar layout = {0};
    layout.plane[0] = (li_plane){width, height, 1, 1, 1, 1};
    for (uint32_t p = 1; p < LI_PLANES; p++)
        layout.plane[p] = (li_plane){
            width / x + (width % x > 0), height / y + (height % y > 0), 1, x, 1, y};
    return layout;
}

/* --- the decoder ------------------------------------------------------------------ */

li_status
li_planes_new(li_ctx *ctx, size_t size, const li_planes_ops *ops,
              const li_planar *layout, li_planes **planes)
{
    LI_TRY(li_alloc(ctx, 1, size, planes));
    (*planes)->ops = ops;
    (*planes)->ctx = ctx;
    (*planes)->layout = *layout;
    return LI_OK;
}

void
li_planes_close(li_planes **out)
{
    li_planes *planes = *out;
    *out = NULL;
    if (!planes)
        return;
    if (planes->ops->close)
        planes->ops->close(planes);
    li_free(planes->ctx, &planes);
}

/* --- the ports -------------------------------------------------------------------- */

/* What a plane's reader has not read yet: first the rows kept of earlier strips, then
 * those of the strip that is valid now. */
typedef struct backlog {
    uint8_t *kept; /* owned: `kept_rows` packed rows from `kept_first` on */
    uint32_t kept_first, kept_rows, room;
    const uint8_t *strip; /* borrowed */
    uint32_t strip_rows;
    size_t stride;
    bool open; /* the port is: rows of a closed one are not kept */
} backlog;

typedef struct hub {
    li_ctx *ctx;       /* borrowed */
    li_planes *planes; /* owned */
    backlog plane[LI_PLANES];
    uint32_t ports; /* open */
} hub;

typedef struct port_rows {
    li_rows base;
    hub *shared; /* owned together */
    uint32_t plane;
} port_rows;

static size_t
kept_stride(const hub *shared, uint32_t plane)
{
    return (size_t)shared->planes->layout.plane[plane].width + LI_ROW_SLACK;
}

/* Put the rest of a strip that is about to go behind what is kept already. */
static li_status
keep_rest(hub *shared, uint32_t plane)
{
    backlog *rest = &shared->plane[plane];
    size_t stride = kept_stride(shared, plane);
    if (rest->strip_rows == 0 || !rest->open)
        return LI_OK;
    if (rest->kept_first > 0)
        memmove(rest->kept, rest->kept + rest->kept_first * stride,
                rest->kept_rows * stride);
    rest->kept_first = 0;
    uint32_t rows = rest->kept_rows + rest->strip_rows;
    if (!rest->kept)
        LI_TRY(li_alloc(shared->ctx, rows, stride, &rest->kept));
    else if (rows > rest->room)
        LI_TRY(li_resize_alloc(shared->ctx, (uint64_t)rows * stride, &rest->kept));
    rest->room = rows > rest->room ? rows : rest->room;
    for (; rest->strip_rows > 0; rest->strip_rows--, rest->kept_rows++) {
        memcpy(rest->kept + rest->kept_rows * stride, rest->strip,
               stride - LI_ROW_SLACK);
        rest->strip += rest->stride;
    }
    return LI_OK;
}

static li_status
next_strip(hub *shared)
{
    li_strip strip = {0};
    for (uint32_t p = 0; p < LI_PLANES; p++)
        LI_TRY(keep_rest(shared, p));
    LI_TRY(li_poll(shared->ctx));
    LI_TRY(shared->planes->ops->next(shared->planes, &strip));
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        shared->plane[p].strip = strip.data[p];
        shared->plane[p].strip_rows = strip.rows[p];
        shared->plane[p].stride = strip.stride[p];
    }
    return LI_OK;
}

static li_status
port_next(li_rows *rows, const uint8_t **row)
{
    port_rows *port = (port_rows *)rows;
    backlog *rest = &port->shared->plane[port->plane];
    while (rest->kept_rows == 0 && rest->strip_rows == 0)
        LI_TRY(next_strip(port->shared));
    if (rest->kept_rows > 0) {
        *row = rest->kept + rest->kept_first * kept_stride(port->shared, port->plane);
        rest->kept_first++;
        rest->kept_rows--;
        return LI_OK;
    }
    *row = rest->strip;
    rest->strip += rest->stride;
    rest->strip_rows--;
    return LI_OK;
}

static void
hub_close(hub *shared)
{
    li_ctx *ctx = shared->ctx;
    for (uint32_t p = 0; p < LI_PLANES; p++)
        li_free(ctx, &shared->plane[p].kept);
    li_planes_close(&shared->planes);
    li_free(ctx, &shared);
}

static void
port_close(li_rows *rows)
{
    port_rows *port = (port_rows *)rows;
    if (!port->shared)
        return;
    port->shared->plane[port->plane].open = false;
    if (--port->shared->ports == 0)
        hub_close(port->shared);
    port->shared = NULL;
}

static const li_rows_ops port_ops = {
    .name = "decode",
    .next = port_next,
    .close = port_close,
};

static li_status
open_port(hub *shared, uint32_t plane, li_rows **port)
{
    const li_plane *size = &shared->planes->layout.plane[plane];
    li_info info = {size->width, size->height, LI_GRAY8};
    LI_TRY(li_rows_push(shared->ctx, sizeof(port_rows), &port_ops, info, port));
    ((port_rows *)*port)->shared = shared;
    ((port_rows *)*port)->plane = plane;
    shared->plane[plane].open = true;
    shared->ports++;
    return LI_OK;
}

li_status
li_planes_ports(li_planes **planes, li_rows *ports[LI_PLANES])
{
    li_ctx *ctx = (*planes)->ctx;
    hub *shared = NULL;
    for (uint32_t p = 0; p < LI_PLANES; p++)
        ports[p] = NULL;
    li_status status = li_alloc(ctx, 1, sizeof(*shared), &shared);
    if (status != LI_OK) {
        li_planes_close(planes);
        return status;
    }
    shared->ctx = ctx;
    shared->planes = *planes;
    *planes = NULL;
    for (uint32_t p = 0; p < LI_PLANES && status == LI_OK; p++)
        status = open_port(shared, p, &ports[p]);
    if (status == LI_OK)
        return LI_OK;
    if (shared->ports == 0)
        hub_close(shared);
    for (uint32_t p = 0; p < LI_PLANES; p++)
        li_rows_close(&ports[p]);
    return status;
}

/* --- the sink --------------------------------------------------------------------- */

li_status
li_plane_sink_new(li_ctx *ctx, size_t size, const li_plane_sink_ops *ops,
                  const li_planar *layout, li_plane_sink **sink)
{
    LI_TRY(li_alloc(ctx, 1, size, sink));
    (*sink)->ops = ops;
    (*sink)->ctx = ctx;
    (*sink)->layout = *layout;
    return LI_OK;
}

void
li_plane_sink_close(li_plane_sink **out)
{
    li_plane_sink *sink = *out;
    *out = NULL;
    if (!sink)
        return;
    if (sink->ops->close)
        sink->ops->close(sink);
    li_free(sink->ctx, &sink);
}

static li_status
name_step(li_plane_sink *sink, li_status status)
{
    if (status != LI_OK && !sink->ctx->step)
        sink->ctx->step = sink->ops->name;
    return status;
}

/* One row of a plane from its stream into the sink. */
static li_status
move_row(li_rows *rows, li_plane_sink *sink, uint32_t plane, li_pump_times *times)
{
    const uint8_t *row;
    int64_t start = li_now_ns();
    LI_TRY(li_rows_next(rows, &row));
    int64_t pulled = li_now_ns();
    times->rows_ns += pulled - start;
    LI_TRY(name_step(sink, sink->ops->write(sink, plane, row)));
    sink->y[plane]++;
    times->sink_ns += li_now_ns() - pulled;
    return LI_OK;
}

li_status
li_planes_pump_rows(li_rows *const planes[LI_PLANES], li_plane_sink *sink,
                    li_pump_times *times)
{
    const li_planar *layout = &sink->layout;
    for (uint32_t y = 0; y < layout->plane[0].height; y++) {
        LI_TRY(li_poll(sink->ctx));
        LI_TRY(move_row(planes[0], sink, 0, times));
        for (uint32_t p = 1; p < LI_PLANES; p++)
            if (y % layout->plane[p].y_den == 0)
                LI_TRY(move_row(planes[p], sink, p, times));
    }
    assert(sink->y[1] == layout->plane[1].height);
    return LI_OK;
}

li_status
li_plane_sink_finish(li_plane_sink *sink, li_pump_times *times)
{
    int64_t start = li_now_ns();
    li_status status =
        sink->ops->finish ? name_step(sink, sink->ops->finish(sink)) : LI_OK;
    times->sink_ns += li_now_ns() - start;
    return status;
}

li_status
li_planes_pump(li_rows *const planes[LI_PLANES], li_plane_sink *sink,
               li_pump_times *times)
{
    LI_TRY(li_planes_pump_rows(planes, sink, times));
    return li_plane_sink_finish(sink, times);
}
