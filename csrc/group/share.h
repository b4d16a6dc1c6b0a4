/* share.h: how several outputs share a source: the decode that all can do with, their
 * plans behind it as a tree, and the cost. Layer 4. */
#ifndef LI_GROUP_SHARE_H
#define LI_GROUP_SHARE_H

#include "group/group.h"
#include "group/tree.h"

typedef struct li_share {
    li_ctx *ctx;               /* borrowed, like the next two: of what is held here */
    const li_input *input;     /* of the source */
    const li_branch *branches; /* their requests, and plans as if each were alone */
    uint32_t count;
    uint32_t ring;   /* lines of a tee; 0: by their size */
    li_ctx planning; /* of the plans: no limit of memory, no error of theirs is ours */
    li_plan *plans;  /* owned: all on the same decoded picture */
    li_request const **requests; /* owned array of borrowed */
    li_tree tree;
    uint64_t bytes, out_bytes; /* upper bounds for all together, */
    uint64_t held_bytes;       /* and of the outputs, what stays in memory */
} li_share;

/* The first five are set. *good: they can share; else there is nothing but to close. */
li_status li_share_plan(li_share *self, bool *good) LI_MUST_CHECK;
/* Lines that the tee of a node keeps. */
uint32_t li_share_ring(const li_share *self, const li_node *node);
void li_share_close(li_share *self); /* accepts a zeroed one */

#endif
