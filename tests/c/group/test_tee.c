/* test_tee.c: every reader of a tee gets every row of a picture or of its planes, at
 * any pace, with any ring and any number of slots; one that fails, ends early or is
 * cancelled holds up nobody. */
#include "group/tee.h"
#include "engine/decode.h"
#include "test.h"

#include <time.h>
#include <unistd.h>

enum { WIDTH = 37, HEIGHT = 61, READERS = 10, SCHEDULES = 1000, WATCHDOG_S = 300 };

/* Odd sizes: the last line of planes has one row of luma. */
static const li_info pictures[LI_PLANES] = {
    {WIDTH, HEIGHT, LI_GRAY8},
    {WIDTH / 2 + 1, HEIGHT / 2 + 1, LI_GRAY8},
    {WIDTH / 2 + 1, HEIGHT / 2 + 1, LI_GRAY8},
};

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
    uint32_t fails_at, random, pace, stream;
    int *rows, *closes; /* borrowed: how many of each there were */
    uint8_t row[WIDTH];
} made_rows;

static uint8_t
sample(uint32_t x, uint32_t y, uint32_t stream)
{
    return (uint8_t)(x * 3 + y * 7 + (x * y >> 4) + stream * 50);
}

static li_status
made_next(li_rows *rows, const uint8_t **row)
{
    made_rows *self = (made_rows *)rows;
    dawdle(&self->random, self->pace);
    if (rows->y == self->fails_at)
        return li_fail(rows->ctx, LI_E130_CORRUPT, "row %u", rows->y);
    for (uint32_t x = 0; x < rows->info.width; x++)
        self->row[x] = sample(x, rows->y, self->stream);
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

/* `count` streams; the first fails at a row. */
static li_streams
made_open(li_ctx *ctx, uint32_t count, uint32_t fails_at, uint32_t pace, int counts[2])
{
    li_streams made = {.count = count};
    for (uint32_t s = 0; s < count; s++) {
        li_rows **rows = &made.rows[s];
        CHECK_EQ(li_rows_push(ctx, sizeof(made_rows), &made_ops, pictures[s], rows),
                 LI_OK);
        made_rows *self = (made_rows *)*rows;
        self->fails_at = s ? UINT32_MAX : fails_at;
        self->pace = pace;
        self->stream = s;
        self->random = 99 + s;
        self->rows = &counts[0];
        self->closes = &counts[1];
    }
    return made;
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
    for (uint32_t x = 0; x < rows->info.width; x++)
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
    li_streams port;
    li_slots *slots;
    habit does;
    bool inverted;
    uint32_t until, pace, random;
    uint32_t reach; /* rows of chroma that it reads before they are due, */
    uint32_t late;  /* or after that */
    uint32_t good;  /* rows of the first stream that were right */
    bool wrong;
    li_status status;
    pthread_t thread;
} reader;

static bool
right_row(const reader *self, const uint8_t *row, uint32_t y, uint32_t stream)
{
    for (uint32_t x = 0; x < pictures[stream].width; x++) {
        uint8_t wanted = sample(x, y, stream);
        if (row[x] != (self->inverted ? (uint8_t)~wanted : wanted))
            return false;
    }
    return true;
}

static li_status
read_row(reader *self, uint32_t stream)
{
    const uint8_t *row;
    li_rows *rows = self->port.rows[stream];
    uint32_t y = rows->y;
    LI_TRY(li_rows_next(rows, &row));
    dawdle(&self->random, self->pace);
    self->wrong |= !right_row(self, row, y, stream); /* it is still there */
    self->good += stream == 0;
    return LI_OK;
}

/* Chroma that a filter reads with row y of luma: about y / 2, sooner or later. */
static li_status
read_chroma(reader *self, uint32_t y)
{
    for (uint32_t s = 1; s < self->port.count; s++) {
        uint32_t due = (y + 1) / 2 + self->reach, end = pictures[s].height;
        due = due > self->late ? due - self->late : 0;
        if (y + 1 == HEIGHT || due > end)
            due = end;
        while (self->port.rows[s]->y < due)
            LI_TRY(read_row(self, s));
    }
    return LI_OK;
}

static li_status
read_rows(reader *self)
{
    uint32_t end = self->does == READS_ALL ? HEIGHT : self->until;
    for (uint32_t y = 0; y < end; y++) {
        LI_TRY(li_poll(&self->ctx));
        LI_TRY(read_row(self, 0));
        LI_TRY(read_chroma(self, y));
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
    li_streams_close(&self->port);
    dawdle(&self->random, self->pace); /* an encoder that has all of its rows */
    li_slots_give(self->slots);
    return NULL;
}

/* --- one schedule -------------------------------------------------------------------
 */

typedef struct schedule {
    bool planes;
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
    li_streams made = made_open(&self->ctx, how->planes ? LI_PLANES : 1, how->fails_at,
                                how->pace, self->counts);
    uint32_t ports = how->readers - above + (above > 0);
    CHECK_EQ(li_tee_open(&made, how->ring, ports, slots, &self->tee), LI_OK);
    CHECK(!made.rows[0]);
    if (!above)
        return;
    CHECK_EQ(li_tee_port(&self->upper_ctx, self->tee, &made), LI_OK);
    for (uint32_t s = 0; s < made.count; s++)
        CHECK_EQ(li_rows_push(&self->upper_ctx, sizeof(late_rows), &late_ops,
                              pictures[s], &made.rows[s]),
                 LI_OK);
    CHECK_EQ(li_tee_open(&made, how->ring, above, slots, &self->upper), LI_OK);
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
    it->reach = test_random(random) % 3 ? 0 : test_random(random) % 30;
    it->late = test_random(random) % 3 ? 0 : test_random(random) % 30;
    uint32_t mood = test_random(random) % 12;
    it->does = how->moody && mood < 5 ? (habit)mood : READS_ALL;
    CHECK_EQ(li_tee_port(&it->ctx, above ? self->upper : self->tee, &it->port), LI_OK);
}

static void
check_reader(const stand *self, const schedule *how, uint32_t i)
{
    const reader *it = &self->readers[i];
    uint32_t there = how->fails_at < HEIGHT ? how->fails_at : HEIGHT;
    if (how->planes && there < HEIGHT)
        there = there / 2 * 2; /* whole lines come out */
    uint32_t wanted = it->does == READS_ALL ? HEIGHT : it->until;
    CHECK(!it->wrong);
    if (it->does == NEVER_BEGINS)
        return;
    if (it->does == CANCELLED) {
        CHECK_EQ(it->good, 0);
        CHECK(it->status == LI_E500_CANCELLED || wanted == 0);
        return;
    }
    li_status ends = it->does == FAILS ? LI_E301_WRITE : LI_OK;
    if (how->planes && it->reach && it->status == LI_E130_CORRUPT) {
        CHECK(there < HEIGHT && it->good <= there); /* it came upon it by chroma */
        CHECK(it->good + 2 * it->reach + 2 >= there || it->good == wanted);
        return;
    }
    CHECK_EQ(it->good, wanted < there ? wanted : there);
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
    CHECK(self.counts[0] <= (how->planes ? 2 * HEIGHT + 1 : HEIGHT)); /* each once */
    CHECK_EQ(self.counts[1], how->planes ? LI_PLANES : 1);
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
            for (int kind = 0; kind < 4; kind++)
                run_schedule(&(schedule){.planes = kind / 2,
                                         .readers = READERS,
                                         .ring = rings[r],
                                         .slots = slots[s],
                                         .fails_at = UINT32_MAX,
                                         .tree = kind % 2,
                                         .seed = 5});
}

TEST(an_error_is_everybodys_behind_the_rows_before_it)
{
    static const uint32_t places[] = {0, 1, 30, HEIGHT - 1};
    for (int p = 0; p < 4; p++)
        for (uint32_t slots = 0; slots < 3; slots++)
            for (int kind = 0; kind < 4; kind++)
                run_schedule(&(schedule){.planes = kind / 2,
                                         .readers = READERS,
                                         .ring = 8,
                                         .slots = slots,
                                         .fails_at = places[p],
                                         .tree = kind % 2,
                                         .seed = 6});
}

TEST(no_schedule_stands_still)
{
    uint32_t random = 4711;
    for (uint32_t i = 0; i < SCHEDULES && !test_bad; i++) {
        schedule how = {.planes = test_random(&random) % 2,
                        .readers = 1 + test_random(&random) % READERS,
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
    li_streams fast, slow;
    const uint8_t *row;
    int counts[2] = {0};
    li_ctx_init(&ctx, NULL);
    li_ctx_init(&fast_ctx, NULL);
    li_ctx_init(&slow_ctx, NULL);
    li_streams made = made_open(&ctx, 1, UINT32_MAX, 0, counts);
    CHECK_EQ(li_tee_open(&made, 4, 2, NULL, &tee), LI_OK);
    CHECK_EQ(li_tee_port(&fast_ctx, tee, &fast), LI_OK);
    CHECK_EQ(li_tee_port(&slow_ctx, tee, &slow), LI_OK);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(li_rows_next(fast.rows[0], &row), LI_OK);
    fast_ctx.deadline_ns = li_now_ns() + 20000000;
    int64_t start = li_now_ns();
    CHECK_EQ(li_rows_next(fast.rows[0], &row),
             LI_E125_TIMEOUT); /* nobody reads the other */
    CHECK(li_now_ns() - start < 150000000);
    li_streams_close(&fast);
    for (uint32_t y = 0; y < HEIGHT; y++) {
        CHECK_EQ(li_rows_next(slow.rows[0], &row), LI_OK);
        CHECK_EQ(row[5], sample(5, y, 0));
    }
    li_streams_close(&slow);
    CHECK_EQ(counts[1], 1);
    li_tee_close(&tee);
    CHECK_EQ(ctx.bytes, 0);
}

/* Two ports of planes are opened, too, and what they keep is within what is said. */
TEST(every_allocation_fails_once)
{
    for (int n = 0;; n++) {
        li_ctx ctx;
        li_tee *tee;
        li_streams ports[2] = {0};
        const li_op *const none[LI_PLANES] = {0};
        int counts[2] = {0};
        li_ctx_init(&ctx, NULL);
        li_streams made = made_open(&ctx, LI_PLANES, UINT32_MAX, 0, counts);
        uint64_t before = ctx.bytes;
        ctx.allocs_left = n;
        li_status status = li_tee_open(&made, 16, 2, NULL, &tee);
        CHECK_EQ(!made.rows[0], status == LI_OK);
        for (int p = 0; p < 2 && status == LI_OK; p++)
            status = li_tee_port(&ctx, tee, &ports[p]);
        CHECK(ctx.bytes - before <=
              li_tee_bytes(pictures, LI_PLANES, 16, 2) +
                  2 * li_plane_ports_bytes(pictures, none, HEIGHT));
        for (int p = 0; p < 2; p++)
            li_streams_close(&ports[p]);
        li_tee_close(&tee);
        li_streams_close(&made);
        CHECK_EQ(ctx.bytes, 0);
        CHECK_EQ(counts[1], LI_PLANES);
        if (status == LI_OK)
            break;
        CHECK_EQ(status, LI_ENOMEM);
        CHECK(n < 20);
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
