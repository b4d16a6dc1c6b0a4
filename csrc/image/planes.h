/* planes.h: a picture as Y, Cb and Cr, each a stream of gray rows at its own size.
 * Layer 1.
 *
 * A decoder hands out strips: the rows of each plane that came out together. Ports make
 * of them three ordinary row streams that may be read at different paces: what one
 * has not read when the next strip is due is kept for it. An encoder that takes planes
 * gets each chroma row right behind the first luma row that it stands for. */
#ifndef LI_IMAGE_PLANES_H
#define LI_IMAGE_PLANES_H

#include "image/sink.h"
#include "kernels/kernels.h"

enum { LI_PLANES = 3 }; /* Y, Cb, Cr */

/* A plane stands for exactly picture width × x_num / x_den columns and picture height ×
 * y_num / y_den rows; it has as many samples, rounded up. */
typedef struct li_plane {
    uint32_t width, height; /* samples */
    uint8_t x_num, x_den, y_num, y_den;
} li_plane;

/* BT.601 always. Chroma lies in the middle of the pixels that it stands for. */
typedef struct li_planar {
    li_plane plane[LI_PLANES];
    bool studio; /* Y is 16..235, Cb and Cr are 16..240; else all are 0..255 */
} li_planar;

/* The planes of a picture of this size whose chroma is x × y times smaller. */
li_planar li_planar_of(uint32_t width, uint32_t height, uint8_t x, uint8_t y);

/* --- from a decoder --------------------------------------------------------------- */

/* The next rows of each plane, none of some. Rows have LI_ROW_SLACK readable bytes
 * behind them. */
typedef struct li_strip {
    const uint8_t *data[LI_PLANES];
    size_t stride[LI_PLANES];
    uint32_t rows[LI_PLANES];
} li_strip;

typedef struct li_planes li_planes;

typedef struct li_planes_ops {
    const char *name;
    /* At least one row of a plane that has rows left; valid until the next call. */
    li_status (*next)(li_planes *planes, li_strip *strip);
    void (*close)(li_planes *planes); /* what it owns; accepts half-open */
} li_planes_ops;

/* The first member of every plane decoder's own struct. */
struct li_planes {
    const li_planes_ops *ops;
    li_ctx *ctx; /* borrowed */
    li_planar layout;
};

/* A zeroed decoder of `size` bytes. */
li_status li_planes_new(li_ctx *ctx, size_t size, const li_planes_ops *ops,
                        const li_planar *layout, li_planes **planes) LI_MUST_CHECK;
void li_planes_close(li_planes **planes); /* accepts NULL */

/* Three decoders of gray rows over *planes, which they take (also on failure) and close
 * with the last of them. A row is valid until the next call on any of the three. */
li_status li_planes_ports(li_planes **planes, li_rows *ports[LI_PLANES]) LI_MUST_CHECK;

/* --- to an encoder ---------------------------------------------------------------- */

typedef struct li_plane_sink li_plane_sink;

typedef struct li_plane_sink_ops {
    const char *name;
    li_status (*write)(li_plane_sink *sink, uint32_t plane, const uint8_t *row);
    li_status (*finish)(li_plane_sink *sink); /* after the last row of each plane */
    void (*close)(li_plane_sink *sink);       /* what it owns; accepts half-open */
} li_plane_sink_ops;

/* The first member of every plane sink's own struct. */
struct li_plane_sink {
    const li_plane_sink_ops *ops;
    li_ctx *ctx;           /* borrowed */
    li_planar layout;      /* what the rows must be */
    uint32_t y[LI_PLANES]; /* rows taken so far */
};

/* A zeroed sink of `size` bytes. */
li_status li_plane_sink_new(li_ctx *ctx, size_t size, const li_plane_sink_ops *ops,
                            const li_planar *layout,
                            li_plane_sink **sink) LI_MUST_CHECK;
void li_plane_sink_close(li_plane_sink **sink); /* accepts NULL */

/* Move every row of the three streams into the sink, luma row by luma row. */
li_status li_planes_pump_rows(li_rows *const planes[LI_PLANES], li_plane_sink *sink,
                              li_pump_times *times) LI_MUST_CHECK;
li_status li_plane_sink_finish(li_plane_sink *sink, li_pump_times *times) LI_MUST_CHECK;
/* The one, then the other. */
li_status li_planes_pump(li_rows *const planes[LI_PLANES], li_plane_sink *sink,
                         li_pump_times *times) LI_MUST_CHECK;

#endif
