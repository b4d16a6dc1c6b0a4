/* sink.h: where rows are pushed, and the one loop that does it. Layer 1. */
#ifndef LI_IMAGE_SINK_H
#define LI_IMAGE_SINK_H

#include "image/rows.h"

typedef struct li_sink li_sink;

typedef struct li_sink_ops {
    const char *name;
    li_status (*write)(li_sink *sink, const uint8_t *row);
    li_status (*finish)(li_sink *sink); /* after the last row; NULL: nothing to do */
    void (*close)(li_sink *sink); /* what it owns; NULL: nothing; accepts half-open */
} li_sink_ops;

/* The first member of every sink's own struct. */
struct li_sink {
    const li_sink_ops *ops;
    li_ctx *ctx;  /* borrowed */
    li_info info; /* what the rows must be */
    uint32_t y;   /* rows taken so far */
};

/* A zeroed sink of `size` bytes. */
li_status li_sink_new(li_ctx *ctx, size_t size, const li_sink_ops *ops, li_info info,
                      li_sink **sink) LI_MUST_CHECK;
li_status li_sink_write(li_sink *sink, const uint8_t *row) LI_MUST_CHECK;
li_status li_sink_finish(li_sink *sink) LI_MUST_CHECK;
void li_sink_close(li_sink **sink); /* accepts NULL */

/* Nanoseconds in which the pump waited for rows and fed the sink. */
typedef struct li_pump_times {
    int64_t rows_ns, sink_ns;
} li_pump_times;

/* Move every row of `rows` into `sink`, polling between rows. */
li_status li_pump_rows(li_rows *rows, li_sink *sink,
                       li_pump_times *times) LI_MUST_CHECK;
/* The same, then finish the sink. */
li_status li_pump(li_rows *rows, li_sink *sink, li_pump_times *times) LI_MUST_CHECK;

#endif
