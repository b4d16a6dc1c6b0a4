/* tee.h: one stream of rows, or the three of a picture's planes, that several read,
 * each at its own pace, each on its own thread. Layer 4.
 *
 * Nobody drives it: whoever needs a row that is not there makes the next ones, on the
 * tee's context, while the others wait. What is made and kept is a line: a row, or the
 * rows of three planes that belong together, so that no plane can run away from the
 * others. A line lives until the slowest port is past it. It cannot stand still if
 * every port is read by a thread that runs, or is closed: who needs no more rows closes
 * its port at once. Tees make trees: the streams of one may begin with a port of
 * another. */
#ifndef LI_GROUP_TEE_H
#define LI_GROUP_TEE_H

#include "base/thread.h"
#include "image/planes.h"

typedef struct li_tee li_tee;

/* A picture on its way: one stream of rows, or three of planes. */
typedef struct li_streams {
    li_rows *rows[LI_PLANES]; /* owned; past `count` NULL */
    uint32_t count;           /* 1 or LI_PLANES */
} li_streams;

void li_streams_close(li_streams *streams); /* accepts zeroed, half-open, closed */

/* Takes the streams, chains on one context, on success; they are closed with the last
 * port. `ring` lines are kept, 2 or more. `slots`, borrowed, may be NULL: a reader that
 * waits gives its one back meanwhile. All `ports` must be opened before the first row
 * is read, and closed before the tee. */
li_status li_tee_open(li_streams *streams, uint32_t ring, uint32_t ports,
                      li_slots *slots, li_tee **tee) LI_MUST_CHECK;
/* The same streams on the reader's context, like a decoder's. */
li_status li_tee_port(li_ctx *ctx, li_tee *tee, li_streams *port) LI_MUST_CHECK;
/* Close the streams, which may begin with a port of another tee, before that one is
 * closed: for a run that did not come to pass, else the last port does it. Accepts
 * NULL. */
void li_tee_end(li_tee *tee);
/* What was opened is closed first; accepts NULL. */
void li_tee_close(li_tee **tee);

/* Bytes of a line of `count` streams. */
uint64_t li_tee_line_bytes(const li_info *infos, uint32_t count);
/* Upper bound of what the tee and its ports take, besides the chains, and besides what
 * ports of planes keep: see li_plane_ports_bytes. */
uint64_t li_tee_bytes(const li_info *infos, uint32_t count, uint32_t ring,
                      uint32_t ports);

#endif
