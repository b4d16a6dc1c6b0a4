/* test_ahead.c: work on a thread of its own gives the same rows, the same error and the
 * same warnings at any pace, and nothing of it is left. */
#include "image/ahead.h"
#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

enum { WORK_BYTES = 1 << 16, SLACK = 16 };

/* --- work whose bytes say where they are, at a pace of its own -------------------- */

typedef struct made {
    li_batches batches;
    uint32_t fails_at; /* batch; their count: at the finish; UINT32_MAX: never */
    bool warns;        /* at open, and at the finish */
    bool stalls;       /* never comes back but by its poll */
    uint32_t pace;     /* of random sleeps, 0: none */
    bool refused;      /* the opening fails */

    li_ctx *ctx; /* borrowed: the work's */
    uint8_t *block;
    uint64_t at; /* bytes made */
    uint32_t batch, random;
    int closes;
} made;

static uint8_t
sample(uint64_t at)
{
    return (uint8_t)(at * 7 + (at >> 9));
}

static void
dawdle(uint32_t *random, uint32_t pace)
{
    if (!pace || test_random(random) % pace)
        return;
    struct timespec while_ns = {0, test_random(random) % 200000};
    nanosleep(&while_ns, NULL);
}

static li_status
made_open(void *arg, li_ctx *ctx)
{
    made *self = arg;
    self->ctx = ctx;
    if (self->warns)
        li_warn(ctx, "in front");
    LI_TRY(li_alloc(ctx, 1000, 1, &self->block));
    return self->refused ? li_fail(ctx, LI_E130_CORRUPT, "refused") : LI_OK;
}

static li_status
made_check(made *self)
{
    dawdle(&self->random, self->pace);
    while (self->stalls)
        LI_TRY(li_poll(self->ctx));
    if (self->batch == self->fails_at) {
        self->ctx->step = "made";
        return li_fail_errno(self->ctx, LI_E130_CORRUPT, 5, "batch %u", self->batch);
    }
    self->batch++;
    return LI_OK;
}

static li_status
made_fill(void *arg, uint8_t *to, size_t size)
{
    made *self = arg;
    LI_TRY(made_check(self));
    for (size_t i = 0; i < size; i++)
        to[i] = sample(self->at++);
    memset(to + size, 0xee, SLACK);
    return LI_OK;
}

static li_status
made_finish(void *arg, uint8_t *scratch, size_t size)
{
    made *self = arg;
    LI_TRY(made_check(self));
    memset(scratch, 0xee, size);
    if (self->warns)
        li_warn(self->ctx, "behind");
    return LI_OK;
}

static void
made_close(void *arg)
{
    made *self = arg;
    if (self->ctx)
        li_free(self->ctx, &self->block);
    self->closes++;
}

static li_ahead_use used;

static li_status
open_made(li_ctx *ctx, made *how, li_ahead **ahead)
{
    li_ahead_work work = {.arg = how,
                          .open = made_open,
                          .fill = made_fill,
                          .finish = made_finish,
                          .close = made_close,
                          .bytes = WORK_BYTES};
    how->random = 77;
    return li_ahead_open(ctx, &work, how->batches, &used, ahead);
}

static uint32_t
batches_in(const made *how)
{
    return (how->batches.rows + how->batches.most - 1) / how->batches.most;
}

/* Is it the batch that begins at `at`, behind the last row as we left it? */
static bool
same_batch(const made *how, const uint8_t *batch, uint32_t rows, uint64_t at)
{
    size_t stride = how->batches.stride;
    for (size_t i = 0; i < rows * stride; i++)
        if (batch[i] != sample(at + i))
            return false;
    for (size_t i = 1; i <= stride; i++) {
        uint8_t above = at ? (uint8_t)~sample(at - i) : 0;
        if (batch[-(ptrdiff_t)i] != above)
            return false;
    }
    return true;
}

/* Take `count` batches and change every byte of them; false if one is wrong. */
static bool
take(li_ahead *ahead, const made *how, uint32_t count, uint32_t pace)
{
    uint32_t random = 5, rows;
    uint64_t at = 0;
    uint8_t *batch;
    for (; count > 0; count--) {
        dawdle(&random, pace);
        if (li_ahead_next(ahead, &batch, &rows) != LI_OK ||
            !same_batch(how, batch, rows, at))
            return false;
        for (size_t i = 0; i < rows * how->batches.stride; i++)
            batch[i] = (uint8_t)~batch[i];
        at += rows * how->batches.stride;
    }
    return true;
}

static void
check_given_back(li_ctx *ctx, const made *how, li_ahead **ahead)
{
    li_ahead_close(ahead);
    CHECK(!*ahead);
    CHECK_EQ(how->closes, 1);
    CHECK(!how->block);
    CHECK_EQ(ctx->bytes, 0);
}

/* --- rows --------------------------------------------------------------------------
 */

/* Many full batches and a rest; whole batches alone; fewer than the ring; one row. */
static const li_batches shapes[] = {
    {200, 3, 6000, SLACK}, {40, 1, 30000, SLACK}, {10, 5, 48, SLACK}, {1, 1, 1, SLACK}};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

TEST(batches_are_the_same_at_any_pace)
{
    static const uint32_t paces[][2] = {{0, 0}, {3, 0}, {0, 3}, {2, 2}, {40, 40}};
    for (size_t s = 0; s < SHAPES; s++)
        for (size_t p = 0; p < 5; p++) {
            li_ctx ctx;
            li_ahead *ahead;
            made how = {.batches = shapes[s], .fails_at = UINT32_MAX};
            how.pace = paces[p][0];
            li_ctx_init(&ctx, NULL);
            CHECK_EQ(open_made(&ctx, &how, &ahead), LI_OK);
            CHECK(used.ran);
            CHECK(take(ahead, &how, batches_in(&how), paces[p][1]));
            CHECK_EQ(li_ahead_finish(ahead), LI_OK);
            CHECK(ctx.peak_bytes <= WORK_BYTES + li_ahead_bytes(shapes[s]));
            check_given_back(&ctx, &how, &ahead);
            CHECK(used.cpu_ns > 0);
            CHECK_EQ(ctx.status, LI_OK);
        }
}

TEST(it_ends_wherever_the_reader_stops)
{
    made how = {.batches = shapes[0]};
    for (uint32_t n = 0; n <= batches_in(&how); n++) {
        li_ctx ctx;
        li_ahead *ahead;
        how = (made){.batches = shapes[0], .fails_at = UINT32_MAX, .warns = true};
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(open_made(&ctx, &how, &ahead), LI_OK);
        CHECK(take(ahead, &how, n, 0));
        check_given_back(&ctx, &how, &ahead);
        CHECK_EQ(ctx.status, LI_OK);
        CHECK_EQ(ctx.warnings.count, 1); /* what is behind was not asked for */
    }
}

/* --- what it says ------------------------------------------------------------------
 */

static void
check_failed(li_ctx *ctx, uint32_t n)
{
    char text[LI_MESSAGE_BYTES];
    snprintf(text, sizeof(text), "batch %u: %s", n, strerror(5));
    CHECK_EQ(ctx->status, LI_E130_CORRUPT);
    CHECK_EQ(ctx->sys_errno, 5);
    CHECK_TEXT(ctx->step, "made");
    CHECK_TEXT(ctx->message, text);
}

TEST(an_error_comes_with_its_batch)
{
    made how = {.batches = shapes[0]};
    uint32_t last = batches_in(&how);
    for (uint32_t n = 0; n <= last; n++) {
        li_ctx ctx;
        li_ahead *ahead;
        uint8_t *batch;
        uint32_t rows;
        how = (made){.batches = shapes[0], .fails_at = n};
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(open_made(&ctx, &how, &ahead), LI_OK);
        CHECK(take(ahead, &how, n, 0));
        CHECK_EQ(ctx.status, LI_OK);
        CHECK_EQ(n < last ? li_ahead_next(ahead, &batch, &rows)
                          : li_ahead_finish(ahead),
                 LI_E130_CORRUPT);
        check_failed(&ctx, n);
        check_given_back(&ctx, &how, &ahead);
    }
}

TEST(an_opening_that_fails_leaves_nothing)
{
    li_ctx ctx;
    li_ahead *ahead;
    made how = {.batches = shapes[0], .refused = true, .warns = true};
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(open_made(&ctx, &how, &ahead), LI_E130_CORRUPT);
    CHECK_TEXT(ctx.message, "refused");
    CHECK_EQ(ctx.warnings.count, 1);
    check_given_back(&ctx, &how, &ahead);
}

TEST(warnings_follow_those_of_the_job)
{
    li_ctx ctx;
    li_ahead *ahead;
    made how = {.batches = shapes[2], .fails_at = UINT32_MAX, .warns = true};
    li_ctx_init(&ctx, NULL);
    for (int i = 0; i < LI_WARNINGS - 1; i++)
        li_warn(&ctx, "job %d", i);
    CHECK_EQ(open_made(&ctx, &how, &ahead), LI_OK);
    CHECK_TEXT(ctx.warnings.text[LI_WARNINGS - 1], "in front");
    CHECK(take(ahead, &how, batches_in(&how), 0));
    CHECK_EQ(li_ahead_finish(ahead), LI_OK);
    CHECK_EQ(ctx.warnings.count, LI_WARNINGS + 1);
    check_given_back(&ctx, &how, &ahead);
}

TEST(every_allocation_fails_once)
{
    int64_t n = 0;
    for (;; n++) {
        li_ctx ctx;
        li_ahead *ahead;
        made how = {.batches = shapes[2], .fails_at = UINT32_MAX};
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = n;
        if (open_made(&ctx, &how, &ahead) == LI_OK) {
            check_given_back(&ctx, &how, &ahead);
            break;
        }
        CHECK_EQ(ctx.status, LI_ENOMEM);
        CHECK(!ahead);
        CHECK_EQ(ctx.bytes, 0);
    }
    CHECK_EQ(n, 3); /* itself, the work's block, the ring */
}

TEST(the_memory_limit_holds_for_both)
{
    uint64_t need = WORK_BYTES + li_ahead_bytes(shapes[0]);
    for (uint64_t limit = 1; limit < need + 4000; limit += 4000) {
        li_ctx ctx;
        li_ahead *ahead;
        made how = {.batches = shapes[0], .fails_at = UINT32_MAX};
        li_ctx_init(&ctx, NULL);
        ctx.limits.max_memory = limit < need ? limit : need;
        li_status status = open_made(&ctx, &how, &ahead);
        CHECK(status == (ctx.peak_bytes && ahead ? LI_OK : LI_E124_MEMORY_BUDGET));
        CHECK(status == LI_OK || limit < need);
        CHECK(ctx.peak_bytes <= limit);
        li_ahead_close(&ahead);
        CHECK_EQ(ctx.bytes, 0);
    }
}

/* --- stopping ----------------------------------------------------------------------
 */

/* Stalled work never ends of itself; a busy machine and valgrind are slow. */
enum { SOON_NS = 1000 * 1000 * 1000 };

static li_status
next_of_stalled(li_ctx *ctx, int64_t *taken_ns)
{
    li_ahead *ahead;
    uint8_t *batch;
    uint32_t rows;
    made how = {.batches = shapes[0], .fails_at = UINT32_MAX, .stalls = true};
    CHECK_EQ(open_made(ctx, &how, &ahead), LI_OK);
    int64_t start = li_now_ns();
    li_status status = li_ahead_next(ahead, &batch, &rows);
    *taken_ns = li_now_ns() - start;
    check_given_back(ctx, &how, &ahead);
    return status;
}

TEST(stalled_work_is_cancelled)
{
    li_ctx ctx;
    int64_t taken_ns;
    atomic_int cancel = 1;
    li_ctx_init(&ctx, NULL);
    ctx.cancel = &cancel;
    CHECK_EQ(next_of_stalled(&ctx, &taken_ns), LI_E500_CANCELLED);
}

TEST(stalled_work_meets_its_deadline)
{
    li_ctx ctx;
    int64_t taken_ns;
    li_ctx_init(&ctx, NULL);
    ctx.deadline_ns = li_now_ns() + 20000000;
    CHECK_EQ(next_of_stalled(&ctx, &taken_ns), LI_E125_TIMEOUT);
    CHECK(taken_ns < SOON_NS);
}

static li_status
tick(void *arg)
{
    *(pthread_t *)arg = pthread_self();
    return LI_EINTERRUPTED;
}

TEST(a_tick_interrupts_the_thread_that_waits)
{
    li_ctx ctx;
    int64_t taken_ns;
    pthread_t ticked;
    li_ctx_init(&ctx, NULL);
    ctx.tick = tick;
    ctx.tick_arg = &ticked;
    CHECK_EQ(next_of_stalled(&ctx, &taken_ns), LI_EINTERRUPTED);
    CHECK(taken_ns < SOON_NS);
    CHECK(pthread_equal(ticked, pthread_self()));
}

/* --- no thread to be had -----------------------------------------------------------
 */

/* A sanitizer puts its own pthread_create there. */
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)

static bool refuse_threads;

/* In front of the C library's. */
int
pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *),
               void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return refuse_threads ? EAGAIN : real(thread, how, run, arg);
}

static void
take_alone(uint32_t fails_at, uint32_t good)
{
    li_ctx ctx;
    li_ahead *ahead;
    uint8_t *batch;
    uint32_t rows;
    made how = {.batches = shapes[0], .fails_at = fails_at, .warns = true};
    li_ctx_init(&ctx, NULL);
    refuse_threads = true;
    CHECK_EQ(open_made(&ctx, &how, &ahead), LI_OK);
    refuse_threads = false;
    CHECK(!used.ran);
    CHECK(take(ahead, &how, good, 0));
    if (good < batches_in(&how)) {
        CHECK_EQ(li_ahead_next(ahead, &batch, &rows), LI_E130_CORRUPT);
        check_failed(&ctx, fails_at);
    } else {
        CHECK_EQ(li_ahead_finish(ahead), LI_OK);
        CHECK_EQ(ctx.warnings.count, 2);
    }
    check_given_back(&ctx, &how, &ahead);
    CHECK_EQ(used.cpu_ns, 0);
}

TEST(without_a_thread_it_is_the_same)
{
    take_alone(UINT32_MAX, 67);
    take_alone(17, 17);
}

#endif

int
main(void)
{
    RUN(batches_are_the_same_at_any_pace);
    RUN(it_ends_wherever_the_reader_stops);
    RUN(an_error_comes_with_its_batch);
    RUN(an_opening_that_fails_leaves_nothing);
    RUN(warnings_follow_those_of_the_job);
    RUN(every_allocation_fails_once);
    RUN(the_memory_limit_holds_for_both);
    RUN(stalled_work_is_cancelled);
    RUN(stalled_work_meets_its_deadline);
    RUN(a_tick_interrupts_the_thread_that_waits);
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
    RUN(without_a_thread_it_is_the_same);
#endif
    return test_end();
}
