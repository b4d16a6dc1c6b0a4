/* tee.h: one stream of rows that several read, each at its own pace, each on its own
 * thread. Layer 1.
 *
 * Nobody drives it: whoever needs a row that is not there makes the next ones, on the
 * tee's context, while the others wait. A row lives until the slowest port is past it.
 * It cannot stand still if every port is read by a thread that runs, or is closed:
 * who needs no more rows closes its port at once. Tees make trees: the stream of one
 * may begin with a port of another. */
#ifndef LI_IMAGE_TEE_H
#define LI_IMAGE_TEE_H

#include "base/thread.h"
#include "image/rows.h"

typedef struct li_tee li_tee;

/* Takes *rows, a chain on its own context, on success; it is closed with the last
 * port. `ring` rows are kept, 2 or more. `slots`, borrowed, may be NULL: a reader that
 * waits gives its one back meanwhile. All `ports` must be opened before the first row
 * is read, and closed before the tee. */
li_status li_tee_open(li_rows **rows, uint32_t ring, uint32_t ports, li_slots *slots,
                      li_tee **tee) LI_MUST_CHECK;
/* A stream of the same rows on the reader's context, like a decoder's. */
li_status li_tee_port(li_ctx *ctx, li_tee *tee, li_rows **port) LI_MUST_CHECK;
/* What was opened is closed first; accepts NULL. */
void li_tee_close(li_tee **tee);
/* Upper bound of what the tee and its ports take, besides the chain. */
uint64_t li_tee_bytes(li_info info, uint32_t ring, uint32_t ports);

#endif
