/* test_budget.c: bytes are handed out in the order of asking, never more than there
 * are; who gives up holds up nobody. */
#include "group/budget.h"
#include "test.h"

#include <time.h>

enum { TOTAL = 1000, ASKERS = 12 };

static void
nap(long ms)
{
    struct timespec while_ns = {0, ms * 1000000};
    nanosleep(&while_ns, NULL);
}

typedef struct asker {
    li_budget *budget;
    uint64_t bytes, taken;
    atomic_int *turn; /* of all: counts those who were let in */
    int64_t deadline_ns;
    li_status status;
    pthread_t thread;
} asker;

static void *
ask(void *arg)
{
    asker *self = arg;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.deadline_ns = self->deadline_ns;
    self->status = li_budget_take(self->budget, &ctx, self->bytes, &self->taken);
    if (self->status == LI_OK)
        atomic_fetch_add(self->turn, 1);
    return NULL;
}

/* The first in line stands there when this returns; a later one soon. */
static bool
in_line(li_budget *budget, asker *self)
{
    bool started = li_thread_start(&self->thread, 1 << 18, ask, self), there = !started;
    while (!there) {
        li_monitor_enter(&budget->monitor);
        there = budget->first != NULL;
        li_monitor_leave(&budget->monitor);
    }
    nap(20);
    return started;
}

TEST(whoever_asks_first_is_served_first)
{
    li_budget budget;
    li_ctx ctx;
    atomic_int turn = 0;
    uint64_t taken;
    asker askers[3] = {{.bytes = 900}, {.bytes = 10}, {.bytes = 10}};
    li_ctx_init(&ctx, NULL);
    CHECK(li_budget_open(&budget, TOTAL, false));
    CHECK_EQ(li_budget_take(&budget, &ctx, 500, &taken), LI_OK);
    CHECK_EQ(taken, 500);
    for (int i = 0; i < 3; i++) {
        askers[i].budget = &budget;
        askers[i].turn = &turn;
        CHECK(in_line(&budget, &askers[i]));
    }
    CHECK_EQ(atomic_load(&turn), 0); /* the small ones wait behind the large one */
    li_budget_give(&budget, taken);
    for (int i = 0; i < 3; i++)
        li_thread_join(askers[i].thread);
    CHECK_EQ(atomic_load(&turn), 3);
    for (int i = 0; i < 3; i++)
        li_budget_give(&budget, askers[i].taken);
    CHECK_EQ(budget.left, TOTAL);
    li_budget_close(&budget);
}

TEST(who_gives_up_holds_up_nobody)
{
    li_budget budget;
    li_ctx ctx;
    atomic_int turn = 0;
    uint64_t taken;
    asker late = {.bytes = 900}, small = {.bytes = 10};
    li_ctx_init(&ctx, NULL);
    CHECK(li_budget_open(&budget, TOTAL, false));
    CHECK_EQ(li_budget_take(&budget, &ctx, 500, &taken), LI_OK);
    late.budget = small.budget = &budget;
    late.turn = small.turn = &turn;
    late.deadline_ns = li_now_ns() + 100000000;
    CHECK(in_line(&budget, &late));
    CHECK(in_line(&budget, &small));
    li_thread_join(late.thread);
    li_thread_join(small.thread);
    CHECK_EQ(late.status, LI_E125_TIMEOUT);
    CHECK_EQ(late.taken, 0);
    CHECK_EQ(small.status, LI_OK);
    li_budget_give(&budget, small.taken);
    li_budget_give(&budget, taken);
    CHECK_EQ(budget.left, TOTAL);
    li_budget_close(&budget);
}

TEST(more_than_all_is_refused_or_let_in_alone)
{
    li_budget budget;
    li_ctx ctx;
    uint64_t taken;
    li_ctx_init(&ctx, NULL);
    CHECK(li_budget_open(&budget, TOTAL, false));
    CHECK_EQ(li_budget_take(&budget, &ctx, TOTAL + 1, &taken), LI_E124_MEMORY_BUDGET);
    CHECK_TEXT(ctx.message,
               "budget: the job may need 1001 bytes, run(max_memory=1000)");
    CHECK_EQ(taken, 0);
    li_budget_close(&budget);
    li_ctx_init(&ctx, NULL);
    CHECK(li_budget_open(&budget, TOTAL, true));
    CHECK_EQ(li_budget_take(&budget, &ctx, TOTAL + 1, &taken), LI_OK);
    CHECK_EQ(taken, TOTAL);
    CHECK_EQ(budget.left, 0);
    li_budget_give(&budget, taken);
    li_budget_close(&budget);
}

/* --- at random -------------------------------------------------------------------- */

typedef struct crowd {
    li_budget budget;
    atomic_llong held, most;
} crowd;

typedef struct member {
    crowd *all;
    uint32_t random;
    bool good;
    pthread_t thread;
} member;

static void *
take_and_give(void *arg)
{
    member *self = arg;
    self->good = true;
    for (int i = 0; i < 200; i++) {
        li_ctx ctx;
        uint64_t taken, bytes = test_random(&self->random) % (TOTAL + 1);
        li_ctx_init(&ctx, NULL);
        if (li_budget_take(&self->all->budget, &ctx, bytes, &taken) != LI_OK)
            self->good = false;
        long long held =
            atomic_fetch_add(&self->all->held, (long long)taken) + (long long)taken;
        self->good = self->good && taken == bytes && held <= TOTAL;
        atomic_fetch_sub(&self->all->held, (long long)taken);
        li_budget_give(&self->all->budget, taken);
    }
    return NULL;
}

TEST(there_are_never_more_than_there_are)
{
    crowd all = {0};
    member members[ASKERS];
    CHECK(li_budget_open(&all.budget, TOTAL, false));
    for (uint32_t i = 0; i < ASKERS; i++) {
        members[i] = (member){.all = &all, .random = i + 1};
        CHECK(li_thread_start(&members[i].thread, 1 << 18, take_and_give, &members[i]));
    }
    for (int i = 0; i < ASKERS; i++) {
        li_thread_join(members[i].thread);
        CHECK(members[i].good);
    }
    CHECK_EQ(all.budget.left, TOTAL);
    CHECK(!all.budget.first);
    li_budget_close(&all.budget);
}

int
main(void)
{
    RUN(whoever_asks_first_is_served_first);
    RUN(who_gives_up_holds_up_nobody);
    RUN(more_than_all_is_refused_or_let_in_alone);
    RUN(there_are_never_more_than_there_are);
    return test_end();
}
