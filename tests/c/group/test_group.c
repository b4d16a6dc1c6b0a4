/* test_group.c: many outputs of one source equal those that have it alone, from one
 * decode, whatever runs at once; the plan covers what they take. */
#include "group/group.h"
#include "test.h"

#include <unistd.h>

enum { WIDTH = 640, HEIGHT = 480, BRANCHES = 10, SCHEDULES = 20, WATCHDOG_S = 300 };

/* --- a format that is a frame -------------------------------------------------------
 */

static li_frame frame;
static int decodes;

static li_info
frame_decoded(const li_header *header, li_hint hint)
{
    (void)hint;
    return (li_info){header->width, header->height, header->pixel};
}

static uint64_t
frame_decode_bytes(const li_header *header, li_hint hint)
{
    (void)header;
    (void)hint;
    return 4096;
}

static li_status
frame_decode(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
             li_rows **rows)
{
    (void)in;
    (void)header;
    (void)hint;
    decodes++;
    return li_frame_rows(ctx, &frame, rows);
}

static const li_codec frame_codec = {.name = "frame",
                                     .decoded = frame_decoded,
                                     .decode_bytes = frame_decode_bytes,
                                     .decode = frame_decode};

/* --- and one that is planes ---------------------------------------------------------
 */

enum { STRIP = 6 }; /* rows of luma; half as many of chroma */

typedef struct frame_planes {
    li_planes base;
    uint32_t y; /* rows of luma so far */
} frame_planes;

/* The frame's bytes, taken as samples. */
static li_status
planes_next(li_planes *base, li_strip *strip)
{
    frame_planes *self = (frame_planes *)base;
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        uint32_t y = p ? self->y / 2 : self->y, rows = p ? STRIP / 2 : STRIP;
        strip->data[p] = frame.pixels + y * frame.stride + p * 500;
        strip->stride[p] = frame.stride;
        strip->rows[p] = rows;
    }
    self->y += STRIP;
    return LI_OK;
}

static const li_planes_ops planes_ops = {.name = "frame", .next = planes_next};

static bool
planes_planar(const li_header *header, li_hint hint, li_planar *layout)
{
    (void)hint;
    *layout = li_planar_of(header->width, header->height, 2, 2);
    return true;
}

static li_status
planes_decode(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
              li_planes **planes)
{
    li_planar layout;
    (void)in;
    CHECK(planes_planar(header, hint, &layout));
    decodes++;
    return li_planes_new(ctx, sizeof(frame_planes), &planes_ops, &layout, planes);
}

static const li_codec planes_codec = {.name = "planes",
                                      .decoded = frame_decoded,
                                      .decode_bytes = frame_decode_bytes,
                                      .decode = frame_decode,
                                      .planar = planes_planar,
                                      .decode_planes = planes_decode};

static void
make_input(li_input *input, bool planes)
{
    static uint8_t pixels[HEIGHT][WIDTH * 3 + 16];
    uint32_t random = 7;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH * 3; x++)
            pixels[y][x] = (uint8_t)((x + y) / 4 + test_random(&random) % 32);
    frame = (li_frame){.info = {WIDTH, HEIGHT, LI_RGB8},
                       .stride = sizeof(pixels[0]),
                       .pixels = pixels[0]};
    *input = (li_input){.codec = planes ? &planes_codec : &frame_codec, .io = "bytes"};
    input->header = (li_header){.width = WIDTH,
                                .height = HEIGHT,
                                .pixel = LI_RGB8,
                                .bit_depth = 8,
                                .orientation = 1,
                                .frames = 1};
}

/* --- ten outputs --------------------------------------------------------------------
 */

typedef struct stand {
    li_ctx ctx, ctxs[BRANCHES];
    li_input input;
    li_step steps[BRANCHES][2];
    li_request requests[BRANCHES];
    li_plan plans[BRANCHES];
    li_out *outs[BRANCHES];
    li_branch branches[BRANCHES];
    uint8_t *bytes[BRANCHES];
    size_t sizes[BRANCHES];
} stand;

/* The same for planes: up to JPEG, joined for PNG; the last two are of the middle
 * alone, and one of them is turned. */
static void
describe_planes(stand *self, uint32_t i)
{
    static const uint32_t widths[] = {20, 90, 161, 161, 301};
    li_request *request = &self->requests[i];
    self->steps[i][0] = (li_step){.type = LI_STEP_RESIZE};
    self->steps[i][0].u.resize.width = widths[i / 2];
    self->steps[i][1] = (li_step){.type = LI_STEP_ORIENT, .u.orient = 5};
    if (i >= BRANCHES - 2) {
        self->steps[i][0].u.resize.height = 60;
        self->steps[i][0].u.resize.fit = LI_FIT_COVER;
    }
    *request = (li_request){.steps = self->steps[i],
                            .step_count = i == BRANCHES - 1 ? 2 : 1,
                            .codec = i % 2 ? &li_codec_png : &li_codec_jpeg,
                            .encode = li_encode_default()};
    if (i == BRANCHES - 1)
        request->codec = &li_codec_jpeg;
}

/* Five widths, twice each: PNG, and PNG in gray; the last are cropped. */
static void
describe(stand *self, uint32_t i)
{
    static const uint32_t widths[] = {20, 90, 160, 300, 640};
    li_request *request = &self->requests[i];
    self->steps[i][0] = (li_step){.type = LI_STEP_RESIZE};
    self->steps[i][0].u.resize.width = widths[i / 2];
    self->steps[i][0].u.resize.enlarge = true;
    self->steps[i][1] = (li_step){.type = LI_STEP_GRAYSCALE};
    if (i >= BRANCHES - 2) {
        self->steps[i][0] = (li_step){.type = LI_STEP_CROP};
        self->steps[i][0].u.crop.x = 7;
        self->steps[i][0].u.crop.y = 9;
        self->steps[i][0].u.crop.width = 100;
        self->steps[i][0].u.crop.height = 80;
    }
    *request = (li_request){.steps = self->steps[i],
                            .step_count = 1 + i % 2,
                            .codec = &li_codec_png,
                            .encode = li_encode_default()};
}

static void
open_stand(stand *self, bool planes)
{
    memset(self, 0, sizeof(*self));
    make_input(&self->input, planes);
    li_ctx_init(&self->ctx, NULL);
    for (uint32_t i = 0; i < BRANCHES; i++) {
        li_ctx *ctx = &self->ctxs[i];
        planes ? describe_planes(self, i) : describe(self, i);
        li_ctx_init(ctx, NULL);
        CHECK_EQ(li_plan_make(ctx, &self->input, &self->requests[i], &self->plans[i]),
                 LI_OK);
        CHECK_EQ(li_out_to_memory(ctx, &self->outs[i]), LI_OK);
        self->branches[i] = (li_branch){.ctx = ctx,
                                        .request = &self->requests[i],
                                        .plan = &self->plans[i],
                                        .target = {.out = self->outs[i]}};
    }
}

static void
take_bytes(stand *self)
{
    for (uint32_t i = 0; i < BRANCHES; i++)
        if (self->branches[i].status == LI_OK)
            CHECK_EQ(li_out_detach(self->outs[i], &self->bytes[i], &self->sizes[i]),
                     LI_OK);
}

static void
close_stand(stand *self)
{
    for (uint32_t i = 0; i < BRANCHES; i++) {
        li_out_close(&self->outs[i]);
        li_plan_free(&self->ctxs[i], &self->plans[i]);
        li_release(self->bytes[i]);
        CHECK_EQ(self->ctxs[i].bytes, 0);
    }
    CHECK_EQ(self->ctx.bytes, 0);
}

static void
run_alone(stand *self, bool planes)
{
    open_stand(self, planes);
    for (uint32_t i = 0; i < BRANCHES; i++) {
        li_branch *it = &self->branches[i];
        it->status = li_plan_run(it->ctx, NULL, &self->input, it->request, it->plan,
                                 it->target, &it->times);
        CHECK_EQ(it->status, LI_OK);
    }
    take_bytes(self);
}

static void
run_grouped(stand *self, uint32_t workers, uint32_t ring)
{
    li_slots slots;
    li_group *group;
    CHECK(li_slots_open(&slots, workers ? workers : 1));
    li_group_how how = {.slots = workers ? &slots : NULL, .ring = ring};
    CHECK_EQ(
        li_group_plan(&self->ctx, &self->input, self->branches, BRANCHES, how, &group),
        LI_OK);
    CHECK(group);
    uint64_t bytes = li_group_bytes(group) + li_group_out_bytes(group);
    if (workers)
        li_slots_take(&slots);
    decodes = 0;
    li_group_run(group, NULL);
    if (workers)
        li_slots_give(&slots);
    CHECK_EQ(slots.free, workers ? workers : 1);
    CHECK_EQ(decodes, 1);
    CHECK(self->ctxs[0].peak_bytes <= bytes);
    li_group_close(&group);
    li_slots_close(&slots);
    take_bytes(self);
}

static void
check_same(const stand *a, const stand *b, uint32_t i)
{
    CHECK_EQ(a->sizes[i], b->sizes[i]);
    CHECK(a->sizes[i] == b->sizes[i] && a->bytes[i] && b->bytes[i] &&
          memcmp(a->bytes[i], b->bytes[i], a->sizes[i]) == 0);
}

/* --- the tests ----------------------------------------------------------------------
 */

static stand alone, together;

static void
check_all_ways(bool planes)
{
    static const uint32_t workers[] = {1, 2, 4, 0}, rings[] = {2, 16, 0};
    run_alone(&alone, planes);
    for (uint32_t i = 0; i < BRANCHES; i++)
        CHECK_EQ(alone.plans[i].way != LI_WAY_ROWS, planes);
    for (int w = 0; w < 4; w++)
        for (int r = 0; r < 3; r++) {
            open_stand(&together, planes);
            run_grouped(&together, workers[w], rings[r]);
            for (uint32_t i = 0; i < BRANCHES; i++) {
                CHECK_EQ(together.branches[i].status, LI_OK);
                check_same(&alone, &together, i);
            }
            close_stand(&together);
        }
    close_stand(&alone);
}

TEST(ten_outputs_of_one_decode_are_the_same_as_ten_alone)
{
    check_all_ways(false);
}

TEST(ten_outputs_of_one_decode_of_planes_are_the_same_as_ten_alone)
{
    check_all_ways(true);
}

static li_status
refuse(li_out *out, const void *data, size_t size)
{
    (void)data;
    (void)size;
    return li_fail(out->ctx, LI_E301_WRITE, "full");
}

/* What becomes of a branch: nothing, an error before it begins, a cancel, no room. */
typedef enum fate { ENDS, FAILED, CANCELLED, FULL } fate;

typedef struct trial {
    bool planes;
    uint32_t workers, ring;
    fate fates[BRANCHES];
} trial;

static void
check_fate(uint32_t i, fate what)
{
    li_status status = together.branches[i].status;
    if (what == ENDS) {
        CHECK_EQ(status, LI_OK);
        check_same(&alone, &together, i);
    } else {
        CHECK_EQ(status, what == CANCELLED ? LI_E500_CANCELLED : LI_E301_WRITE);
    }
}

/* `alone` has been run. */
static void
run_trial(const trial *how)
{
    atomic_int cancel = 1;
    li_out_ops full = {.name = "full", .write = refuse};
    li_out nowhere[BRANCHES];
    open_stand(&together, how->planes);
    for (uint32_t i = 0; i < BRANCHES; i++) {
        li_ctx *ctx = &together.ctxs[i];
        nowhere[i] = (li_out){.ops = &full, .ctx = ctx};
        if (how->fates[i] == FAILED)
            CHECK(li_fail(ctx, LI_E301_WRITE, "no") == LI_E301_WRITE);
        else if (how->fates[i] == CANCELLED)
            ctx->cancel = &cancel;
        else if (how->fates[i] == FULL)
            together.branches[i].target.out = &nowhere[i];
    }
    run_grouped(&together, how->workers, how->ring);
    for (uint32_t i = 0; i < BRANCHES; i++)
        check_fate(i, how->fates[i]);
    close_stand(&together);
}

/* One had failed before, one is cancelled, one finds no room, in turn. */
TEST(a_branch_that_fails_leaves_the_others_alone)
{
    for (int planes = 0; planes < 2; planes++) {
        run_alone(&alone, planes);
        for (uint32_t first = 0; first < BRANCHES; first++) {
            trial how = {.planes = planes, .workers = 1 + first % 3, .ring = 4};
            how.fates[first] = FAILED;
            how.fates[(first + 3) % BRANCHES] = CANCELLED;
            how.fates[(first + 6) % BRANCHES] = FULL;
            run_trial(&how);
        }
        close_stand(&alone);
    }
}

/* Anything may become of anybody; some end long before others by themselves: what is
 * cropped. */
TEST(no_trial_stands_still)
{
    static const uint32_t workers[] = {1, 2, 4, 0}, rings[] = {2, 3, 16, 0};
    uint32_t random = 1234;
    for (int planes = 0; planes < 2; planes++) {
        run_alone(&alone, planes);
        for (int n = 0; n < SCHEDULES / 2 && !test_bad; n++) {
            trial how = {.planes = planes};
            how.workers = workers[test_random(&random) % 4];
            how.ring = rings[test_random(&random) % 4];
            for (uint32_t i = 0; i < BRANCHES; i++) {
                uint32_t throw = test_random(&random) % 9;
                how.fates[i] = throw < 4 ? (fate) throw : ENDS;
            }
            run_trial(&how);
        }
        close_stand(&alone);
    }
}

TEST(all_are_cancelled_by_the_flag_of_the_source)
{
    atomic_int cancel = 1;
    open_stand(&together, true);
    together.ctx.cancel = &cancel;
    run_grouped(&together, 2, 0);
    for (uint32_t i = 0; i < BRANCHES; i++)
        CHECK_EQ(together.branches[i].status, LI_E500_CANCELLED);
    close_stand(&together);
}

TEST(one_output_or_too_little_memory_makes_no_group)
{
    li_group *group;
    open_stand(&together, false);
    CHECK_EQ(li_group_plan(&together.ctx, &together.input, together.branches, 1,
                           (li_group_how){0}, &group),
             LI_OK);
    CHECK(!group);
    together.ctx.limits.max_memory = 300000;
    CHECK_EQ(li_group_plan(&together.ctx, &together.input, together.branches, BRANCHES,
                           (li_group_how){0}, &group),
             LI_OK);
    CHECK(!group);
    close_stand(&together);
}

/* Of one group, the n-th allocation of the source's context. False: there is none. */
static bool
fail_allocation(int n, bool planes)
{
    li_group *group;
    open_stand(&together, planes);
    together.ctx.allocs_left = n;
    li_status status = li_group_plan(&together.ctx, &together.input, together.branches,
                                     BRANCHES, (li_group_how){0}, &group);
    bool done = status == LI_OK;
    if (done) {
        CHECK(group);
        li_group_run(group, NULL);
    }
    for (uint32_t i = 0; done && i < BRANCHES; i++)
        done = together.branches[i].status == LI_OK;
    CHECK(done || together.ctx.status == LI_ENOMEM);
    li_group_close(&group);
    close_stand(&together);
    return !done;
}

TEST(every_allocation_fails_once)
{
    for (int planes = 0; planes < 2; planes++) {
        int n = 0;
        while (fail_allocation(n, planes))
            CHECK(++n < 60);
        CHECK(n > 5);
    }
}

/* The n-th allocation of one branch, which opens tees on its way. False: there is none.
 */
static bool
fail_branch(uint32_t branch, int n, bool planes)
{
    li_group *group;
    open_stand(&together, planes);
    CHECK_EQ(li_group_plan(&together.ctx, &together.input, together.branches, BRANCHES,
                           (li_group_how){0}, &group),
             LI_OK);
    together.ctxs[branch].allocs_left = n;
    li_group_run(group, NULL);
    li_status status = together.branches[branch].status;
    CHECK(status == LI_OK || status == LI_ENOMEM);
    li_group_close(&group);
    close_stand(&together);
    return status != LI_OK;
}

TEST(every_allocation_of_a_branch_fails_once)
{
    for (uint32_t i = 0; i < 2 * BRANCHES; i++) {
        int n = 0;
        while (fail_branch(i / 2, n, i % 2))
            CHECK(++n < 200);
        CHECK(n > 1);
    }
}

int
main(void)
{
    alarm(WATCHDOG_S);
    RUN(ten_outputs_of_one_decode_are_the_same_as_ten_alone);
    RUN(ten_outputs_of_one_decode_of_planes_are_the_same_as_ten_alone);
    RUN(a_branch_that_fails_leaves_the_others_alone);
    RUN(no_trial_stands_still);
    RUN(all_are_cancelled_by_the_flag_of_the_source);
    RUN(one_output_or_too_little_memory_makes_no_group);
    RUN(every_allocation_fails_once);
    RUN(every_allocation_of_a_branch_fails_once);
    return test_end();
}
