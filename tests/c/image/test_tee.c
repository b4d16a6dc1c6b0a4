/* test_tee.c: every reader of a tee gets every row, at any pace, with any ring and any
 * number of slots; one that fails, ends early or is cancelled holds up nobody. */
#include "image/tee.h"
#include "test.h"

#include <time.h>
#include <unistd.h>

enum { WIDTH = 37, HEIGHT = 61, READERS = 10, SCHEDULES = 1000, WATCHDOG_S = 300 };

static const li_info picture = {WIDTH, HEIGHT, LI_GRAY8};

static void
dawdle(uint32_t *random, uint32_t pace)
{
    if (!pace || test_random(random) % pace)
        return;
    struct timespec while_ns = {0, test_random(random) % 50000};
    nanosleep(&while_ns, NULL);
}

/* --- rows that say where they are --------------------------------------------------
 */

typedef struct made_rows {
    li_rows base;
    uint32_t fails_at, random, pace;
    int *rows, *closes; /* borrowed: how many of each there were */
    uint8_t row[WIDTH];
} made_rows;

static uint8_t
sample(uint32_t x, uint32_t y)
{
    return (uint8_t)(x * 3 + y * 7 + (x * y >> 4));
}

static li_status
made_next(li_rows *rows, const uint8_t **row)
{
    made_rows *self = (made_rows *)rows;
    dawdle(&self->random, self->pace);
    if (rows->y == self->fails_at)
        return li_fail(rows->ctx, LI_E130_CORRUPT, "row %u", rows->y);
    for (uint32_t x = 0; x < WIDTH; x++)
        self->row[x] = sample(x, rows->y);
    ++*self->rows;
    *row = self->row;
    return LI_OK;
}

static void
made_close(li_rows *rows)
{
    ++*((made_rows *)rows)->closes;
}

static const li_rows_ops made_ops = {
    .name = "made", .next = made_next, .close = made_close};

static li_rows *
made_open(li_ctx *ctx, uint32_t fails_at, uint32_t pace, int counts[2])
{
    li_rows *rows = NULL;
    CHECK_EQ(li_rows_push(ctx, sizeof(made_rows), &made_ops, picture, &rows), LI_OK);
    made_rows *self = (made_rows *)rows;
    self->fails_at = fails_at;
    self->pace = pace;
    self->random = 99;
    self->rows = &counts[0];
    self->closes = &counts[1];
    return rows;
}

/* --- a stage that keeps a row, as a filter does -------------------------------------
 */

typedef struct late_rows {
    li_rows base;
    uint8_t row[WIDTH];
} late_rows;

/* 255 − the row. */
static li_status
late_next(li_rows *rows, const uint8_t **row)
{
    late_rows *self = (late_rows *)rows;
    const uint8_t *from;
    LI_TRY(li_rows_next(rows->up, &from));
    for (uint32_t x = 0; x < WIDTH; x++)
        self->row[x] = (uint8_t)~from[x];
    *row = self->row;
    return LI_OK;
}

static const li_rows_ops late_ops = {.name = "late", .next = late_next};

/* --- readers ------------------------------------------------------------------------
 */

typedef enum habit { READS_ALL, STOPS, FAILS, CANCELLED, NEVER_BEGINS } habit;

typedef struct reader {
    li_ctx ctx;
    atomic_int cancel;
    li_rows *port;
    li_slots *slots;
    habit does;
    bool inverted;
    uint32_t until, pace, random;
    uint32_t good; /* rows that were right */
    bool wrong;
    li_status status;
    pthread_t thread;
} reader;

static bool
right_row(const reader *self, const uint8_t *row, uint32_t y)
{
    for (uint32_t x = 0; x < WIDTH; x++) {
        uint8_t wanted = sample(x, y);
        if (row[x] != (self->inverted ? (uint8_t)~wanted : wanted))
            return false;
    }
    return true;
}

static li_status
read_rows(reader *self)
{
    uint32_t end = self->does == READS_ALL ? HEIGHT : self->until;
    for (uint32_t y = 0; y < end; y++) {
        const uint8_t *row;
        LI_TRY(li_poll(&self->ctx));
        LI_TRY(li_rows_next(self->port, &row));
        dawdle(&self->random, self->pace);
        self->wrong |= !right_row(self, row, y); /* it is still there */
        self->good++;
    }
    if (self->does == FAILS)
        return li_fail(&self->ctx, LI_E301_WRITE, "no room");
    return LI_OK;
}

static void *
run_reader(void *arg)
{
    reader *self = arg;
    li_slots_take(self->slots);
    if (self->does == CANCELLED)
        atomic_store(&self->cancel, 1);
    self->status = self->does == NEVER_BEGINS ? LI_OK : read_rows(self);
    li_rows_close(&self->port);
    dawdle(&self->random, self->pace); /* an encoder that has all of its rows */
    li_slots_give(self->slots);
    return NULL;
}

/* --- one schedule -------------------------------------------------------------------
 */

typedef struct schedule {
    uint32_t readers, ring, slots /* 0: none */, fails_at, pace;
    bool tree; /* the upper half reads a second tee, behind a stage */
    uint32_t seed;
    bool moody; /* readers do as they like */
} schedule;

typedef struct stand {
    li_ctx ctx, upper_ctx;
    li_slots slots;
    li_tee *tee, *upper;
    reader readers[READERS];
    int counts[2];
} stand;

static void
open_tees(stand *self, const schedule *how)
{
    li_slots *slots = how->slots ? &self->slots : NULL;
    uint32_t above = how->tree ? how->readers / 2 : 0;
    li_rows *rows = made_open(&self->ctx, how->fails_at, how->pace, self->counts);
    uint32_t ports = how->readers - above + (above > 0);
    CHECK_EQ(li_tee_open(&rows, how->ring, ports, slots, &self->tee), LI_OK);
    CHECK(!rows);
    if (!above)
        return;
    CHECK_EQ(li_tee_port(&self->upper_ctx, self->tee, &rows), LI_OK);
    CHECK_EQ(
        li_rows_push(&self->upper_ctx, sizeof(late_rows), &late_ops, picture, &rows),
        LI_OK);
    CHECK_EQ(li_tee_open(&rows, how->ring, above, slots, &self->upper), LI_OK);
}

static void
open_reader(stand *self, const schedule *how, uint32_t i, uint32_t *random)
{
    reader *it = &self->readers[i];
    bool above = how->tree && i < how->readers / 2;
    *it = (reader){.slots = how->slots ? &self->slots : NULL, .inverted = above};
    li_ctx_init(&it->ctx, NULL);
    it->ctx.cancel = &it->cancel;
    it->random = test_random(random);
    it->pace = how->pace ? 1 + test_random(random) % 40 : 0;
    it->until = test_random(random) % HEIGHT;
    uint32_t mood = test_random(random) % 12;
    it->does = how->moody && mood < 5 ? (habit)mood : READS_ALL;
    CHECK_EQ(li_tee_port(&it->ctx, above ? self->upper : self->tee, &it->port), LI_OK);
}

static void
check_reader(const stand *self, const schedule *how, uint32_t i)
{
    const reader *it = &self->readers[i];
    uint32_t there = how->fails_at < HEIGHT ? how->fails_at : HEIGHT;
    uint32_t wanted = it->does == READS_ALL ? HEIGHT : it->until;
    CHECK(!it->wrong);
    if (it->does == NEVER_BEGINS)
        return;
    if (it->does == CANCELLED) {
        CHECK_EQ(it->good, 0);
        CHECK(it->status == LI_E500_CANCELLED || wanted == 0);
        return;
    }
    CHECK_EQ(it->good, wanted < there ? wanted : there);
    li_status ends = it->does == FAILS ? LI_E301_WRITE : LI_OK;
    CHECK_EQ(it->status, wanted > there ? LI_E130_CORRUPT : ends);
}

static void
run_schedule(const schedule *how)
{
    static stand self; /* one at a time */
    uint32_t random = how->seed;
    memset(&self, 0, sizeof(self));
    li_ctx_init(&self.ctx, NULL);
    li_ctx_init(&self.upper_ctx, NULL);
    if (how->slots)
        CHECK(li_slots_open(&self.slots, how->slots));
    open_tees(&self, how);
    for (uint32_t i = 0; i < how->readers; i++)
        open_reader(&self, how, i, &random);
    for (uint32_t i = 0; i < how->readers; i++)
        CHECK(li_thread_start(&self.readers[i].thread, 1 << 18, run_reader,
                              &self.readers[i]));
    for (uint32_t i = 0; i < how->readers; i++)
        li_thread_join(self.readers[i].thread);
    for (uint32_t i = 0; i < how->readers; i++) {
        check_reader(&self, how, i);
        CHECK_EQ(self.readers[i].ctx.bytes, 0);
    }
    CHECK(self.counts[0] <= HEIGHT); /* no row was made twice */
    CHECK_EQ(self.counts[1], 1);
    li_tee_close(&self.upper);
    li_tee_close(&self.tee);
    CHECK_EQ(self.ctx.bytes, 0);
    CHECK_EQ(self.upper_ctx.bytes, 0);
    if (how->slots) {
        CHECK_EQ(self.slots.free, how->slots);
        li_slots_close(&self.slots);
    }
}

/* --- the tests ----------------------------------------------------------------------
 */

TEST(ten_readers_get_every_row)
{
    static const uint32_t slots[] = {1, 2, 4, 0}, rings[] = {2, 3, 16, 100};
    for (int s = 0; s < 4; s++)
        for (int r = 0; r < 4; r++)
            for (int tree = 0; tree < 2; tree++)
                run_schedule(&(schedule){.readers = READERS,
                                         .ring = rings[r],
                                         .slots = slots[s],
                                         .fails_at = UINT32_MAX,
                                         .tree = tree,
                                         .seed = 5});
}

TEST(an_error_is_everybodys_behind_the_rows_before_it)
{
    static const uint32_t places[] = {0, 1, 30, HEIGHT - 1};
    for (int p = 0; p < 4; p++)
        for (uint32_t slots = 0; slots < 3; slots++)
            for (int tree = 0; tree < 2; tree++)
                run_schedule(&(schedule){.readers = READERS,
                                         .ring = 8,
                                         .slots = slots,
                                         .fails_at = places[p],
                                         .tree = tree,
                                         .seed = 6});
}

TEST(no_schedule_stands_still)
{
    uint32_t random = 4711;
    for (uint32_t i = 0; i < SCHEDULES && !test_bad; i++) {
        schedule how = {.readers = 1 + test_random(&random) % READERS,
                        .ring = 2 + test_random(&random) % 15,
                        .slots = test_random(&random) % 5,
                        .fails_at = UINT32_MAX,
                        .pace = test_random(&random) % 2 ? 20 : 0,
                        .tree = test_random(&random) % 2,
                        .moody = true};
        if (test_random(&random) % 8 == 0)
            how.fails_at = test_random(&random) % HEIGHT;
        how.seed = test_random(&random);
        run_schedule(&how);
    }
}

TEST(who_waits_in_vain_can_be_cancelled)
{
    li_ctx ctx, fast_ctx, slow_ctx;
    li_tee *tee;
    li_rows *fast, *slow;
    const uint8_t *row;
    int counts[2] = {0};
    li_ctx_init(&ctx, NULL);
    li_ctx_init(&fast_ctx, NULL);
    li_ctx_init(&slow_ctx, NULL);
    li_rows *rows = made_open(&ctx, UINT32_MAX, 0, counts);
    CHECK_EQ(li_tee_open(&rows, 4, 2, NULL, &tee), LI_OK);
    CHECK_EQ(li_tee_port(&fast_ctx, tee, &fast), LI_OK);
    CHECK_EQ(li_tee_port(&slow_ctx, tee, &slow), LI_OK);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(li_rows_next(fast, &row), LI_OK);
    fast_ctx.deadline_ns = li_now_ns() + 20000000;
    int64_t start = li_now_ns();
    CHECK_EQ(li_rows_next(fast, &row), LI_E125_TIMEOUT); /* nobody reads the other */
    CHECK(li_now_ns() - start < 150000000);
    li_rows_close(&fast);
    for (uint32_t y = 0; y < HEIGHT; y++) {
        CHECK_EQ(li_rows_next(slow, &row), LI_OK);
        CHECK_EQ(row[5], sample(5, y));
    }
    li_rows_close(&slow);
    CHECK_EQ(counts[1], 1);
    li_tee_close(&tee);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(every_allocation_fails_once)
{
    for (int n = 0;; n++) {
        li_ctx ctx;
        li_tee *tee;
        int counts[2] = {0};
        li_ctx_init(&ctx, NULL);
        li_rows *rows = made_open(&ctx, UINT32_MAX, 0, counts);
        uint64_t before = ctx.bytes;
        ctx.allocs_left = n;
        li_status status = li_tee_open(&rows, 16, 3, NULL, &tee);
        CHECK(ctx.bytes - before <= li_tee_bytes(picture, 16, 3));
        CHECK_EQ(!rows, status == LI_OK);
        li_tee_close(&tee);
        li_rows_close(&rows);
        CHECK_EQ(ctx.bytes, 0);
        CHECK_EQ(counts[1], 1);
        if (status == LI_OK)
            break;
        CHECK_EQ(status, LI_ENOMEM);
        CHECK(n < 3);
    }
}

int
main(void)
{
    alarm(WATCHDOG_S); /* a deadlock ends the program */
    RUN(ten_readers_get_every_row);
    RUN(an_error_is_everybodys_behind_the_rows_before_it);
    RUN(no_schedule_stands_still);
    RUN(who_waits_in_vain_can_be_cancelled);
    RUN(every_allocation_fails_once);
    return test_end();
}
