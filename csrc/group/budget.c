/* budget.c: a line of those who want bytes: first come, first served. Layer 4. */
#include "group/budget.h"

enum { WAKE_NS = 50 * 1000 * 1000 }; /* who waits looks for a cancel so often */

bool
li_budget_open(li_budget *budget, uint64_t total, bool alone)
{
    *budget = (li_budget){.total = total, .left = total, .alone = alone};
    return li_monitor_open(&budget->monitor);
}

void
li_budget_close(li_budget *budget)
{
    li_monitor_close(&budget->monitor);
}

typedef struct li_waiter {
    struct li_waiter *next;
} li_waiter;

static void
join_line(li_budget *budget, li_waiter *me)
{
    li_waiter **end = &budget->first;
    while (*end)
        end = &(*end)->next;
    me->next = NULL;
    *end = me;
}

static void
leave_line(li_budget *budget, const li_waiter *me)
{
    li_waiter **at = &budget->first;
    while (*at != me)
        at = &(*at)->next;
    *at = me->next;
    li_monitor_wake_all(&budget->monitor);
}

/* Until this one is first and there is enough. */
static li_status
wait_in_line(li_budget *budget, li_ctx *ctx, const li_waiter *me, uint64_t bytes)
{
    while (budget->first != me || budget->left < bytes) {
        if (li_monitor_wait_ns(&budget->monitor, WAKE_NS))
            continue;
        LI_TRY(li_poll(ctx));
        LI_TRY(li_poll_clock(ctx));
    }
    budget->left -= bytes;
    return LI_OK;
}

li_status
li_budget_take(li_budget *budget, li_ctx *ctx, uint64_t bytes, uint64_t *taken)
{
    *taken = 0;
    if (!budget->total)
        return LI_OK;
    if (bytes > budget->total && !budget->alone)
        return li_fail(ctx, LI_E124_MEMORY_BUDGET,
                       "budget: the job may need %llu bytes, run(max_memory=%llu)",
                       (unsigned long long)bytes, (unsigned long long)budget->total);
    bytes = bytes < budget->total ? bytes : budget->total;
    li_monitor_enter(&budget->monitor);
    li_waiter me;
    join_line(budget, &me);
    li_status status = wait_in_line(budget, ctx, &me, bytes);
    leave_line(budget, &me);
    li_monitor_leave(&budget->monitor);
    *taken = status == LI_OK ? bytes : 0;
    return status;
}

void
li_budget_give(li_budget *budget, uint64_t taken)
{
    if (!taken)
        return;
    li_monitor_enter(&budget->monitor);
    budget->left += taken;
    li_monitor_wake_all(&budget->monitor);
    li_monitor_leave(&budget->monitor);
}
