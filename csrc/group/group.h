/* group.h: several outputs of one source by one decode. Layer 4.
 *
 * Each output is a branch, with a context and a thread of its own; pictures that
 * several branches need (the decoded one, a resize) are tees. A branch that fails or
 * ends leaves the others alone. */
#ifndef LI_GROUP_GROUP_H
#define LI_GROUP_GROUP_H

#include "base/thread.h"
#include "engine/run.h"

typedef struct li_branch {
    li_ctx *ctx; /* borrowed; one that has failed already is left out of the run */
    const li_request *request; /* borrowed */
    li_plan *plan;             /* borrowed: as if it had the source alone */
    li_target target;          /* set before the run */
    li_status status;          /* and what came of it, */
    li_times times;            /* of its own thread; decode_ns: what it did for all, or
                                  waited for */
    int64_t total_ns, cpu_ns;
} li_branch;

typedef struct li_group_how {
    li_slots *slots; /* borrowed; may be NULL: the caller has one of them */
    uint32_t ring;   /* rows that a tee keeps; 0: by their size */
} li_group_how;

typedef struct li_group li_group;

/* Plan one decode for all branches. *group is NULL, and there is no error, if they are
 * better off alone: fewer than two, or too much memory together. ctx, the source's, is
 * borrowed, as are the branches. */
li_status li_group_plan(li_ctx *ctx, const li_input *input, li_branch *branches,
                        uint32_t count, li_group_how how,
                        li_group **group) LI_MUST_CHECK;
/* Upper bounds for all together. */
uint64_t li_group_bytes(const li_group *group);
uint64_t li_group_out_bytes(const li_group *group);
/* Threads that it starts are joined when it returns. Each branch has its status; a
 * plan's hint, steps and bytes are then those of the group, as is each peak. The caller
 * verifies the source, then lets the results out. */
void li_group_run(li_group *group, li_source *source);
void li_group_close(li_group **group); /* accepts NULL */

#endif
