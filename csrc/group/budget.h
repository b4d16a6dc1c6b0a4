/* budget.h: how many bytes the jobs of one call may take together. Layer 4.
 *
 * Whoever needs more than is left waits; the one who came first is served first, so
 * nobody waits for ever. */
#ifndef LI_GROUP_BUDGET_H
#define LI_GROUP_BUDGET_H

#include "base/thread.h"

typedef struct li_budget {
    li_monitor monitor;
    uint64_t total, left;    /* total 0: as much as anybody likes */
    struct li_waiter *first; /* in line; each is on its thread's stack */
    bool alone; /* what is larger than all of it is let in when nobody else is */
} li_budget;

bool li_budget_open(li_budget *budget, uint64_t total, bool alone);
void li_budget_close(li_budget *budget);
/* Wait for `bytes`; *taken is what must be given back. E124 if they are more than all;
 * cancelled or too late as ctx says. */
li_status li_budget_take(li_budget *budget, li_ctx *ctx, uint64_t bytes,
                         uint64_t *taken) LI_MUST_CHECK;
void li_budget_give(li_budget *budget, uint64_t taken);

#endif
