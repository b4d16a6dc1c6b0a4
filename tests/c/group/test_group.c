/* test_group.c: many outputs of one source equal those that have it alone, from one
 * decode, whatever runs at once; the plan covers what they take. */
#include "group/group.h"
#include "test.h"

#include <unistd.h>

enum { WIDTH = 640, HEIGHT = 480, BRANCHES = 10, WATCHDOG_S = 300 };

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

static void
make_input(li_input *input)
{
    static uint8_t pixels[HEIGHT][WIDTH * 3 + 16];
    uint32_t random = 7;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH * 3; x++)
            pixels[y][x] = (uint8_t)((x + y) / 4 + test_random(&random) % 32);
    frame = (li_frame){.info = {WIDTH, HEIGHT, LI_RGB8},
                       .stride = sizeof(pixels[0]),
                       .pixels = pixels[0]};
    *input = (li_input){.codec = &frame_codec, .io = "bytes"};
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
open_stand(stand *self)
{
    memset(self, 0, sizeof(*self));
    make_input(&self->input);
    li_ctx_init(&self->ctx, NULL);
    for (uint32_t i = 0; i < BRANCHES; i++) {
        li_ctx *ctx = &self->ctxs[i];
        describe(self, i);
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
run_alone(stand *self)
{
    open_stand(self);
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

TEST(ten_outputs_of_one_decode_are_the_same_as_ten_alone)
{
    static const uint32_t workers[] = {1, 2, 4, 0}, rings[] = {2, 16, 0};
    run_alone(&alone);
    for (int w = 0; w < 4; w++)
        for (int r = 0; r < 3; r++) {
            open_stand(&together);
            run_grouped(&together, workers[w], rings[r]);
            for (uint32_t i = 0; i < BRANCHES; i++) {
                CHECK_EQ(together.branches[i].status, LI_OK);
                check_same(&alone, &together, i);
            }
            close_stand(&together);
        }
    close_stand(&alone);
}

static li_status
refuse(li_out *out, const void *data, size_t size)
{
    (void)data;
    (void)size;
    return li_fail(out->ctx, LI_E301_WRITE, "full");
}

/* One had failed before, one is cancelled, one finds no room, in turn. */
TEST(a_branch_that_fails_leaves_the_others_alone)
{
    run_alone(&alone);
    for (uint32_t first = 0; first < BRANCHES; first++) {
        atomic_int cancel = 1;
        li_out_ops full = {.name = "full", .write = refuse};
        uint32_t second = (first + 3) % BRANCHES, third = (first + 6) % BRANCHES;
        open_stand(&together);
        CHECK(li_fail(&together.ctxs[first], LI_E301_WRITE, "no") == LI_E301_WRITE);
        together.ctxs[second].cancel = &cancel;
        li_out nowhere = {.ops = &full, .ctx = &together.ctxs[third]};
        together.branches[third].target.out = &nowhere;
        run_grouped(&together, 1 + first % 3, 4);
        for (uint32_t i = 0; i < BRANCHES; i++) {
            li_status status = together.branches[i].status;
            if (i == first || i == third)
                CHECK_EQ(status, LI_E301_WRITE);
            else if (i == second)
                CHECK_EQ(status, LI_E500_CANCELLED);
            else
                check_same(&alone, &together, i);
        }
        close_stand(&together);
    }
    close_stand(&alone);
}

TEST(all_are_cancelled_by_the_flag_of_the_source)
{
    atomic_int cancel = 1;
    open_stand(&together);
    together.ctx.cancel = &cancel;
    run_grouped(&together, 2, 0);
    for (uint32_t i = 0; i < BRANCHES; i++)
        CHECK_EQ(together.branches[i].status, LI_E500_CANCELLED);
    close_stand(&together);
}

TEST(one_output_or_too_little_memory_makes_no_group)
{
    li_group *group;
    open_stand(&together);
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

TEST(every_allocation_fails_once)
{
    for (int n = 0;; n++) {
        li_group *group;
        open_stand(&together);
        together.ctx.allocs_left = n;
        li_status status =
            li_group_plan(&together.ctx, &together.input, together.branches, BRANCHES,
                          (li_group_how){0}, &group);
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
        if (done)
            break;
        CHECK(n < 40);
    }
}

int
main(void)
{
    alarm(WATCHDOG_S);
    RUN(ten_outputs_of_one_decode_are_the_same_as_ten_alone);
    RUN(a_branch_that_fails_leaves_the_others_alone);
    RUN(all_are_cancelled_by_the_flag_of_the_source);
    RUN(one_output_or_too_little_memory_makes_no_group);
    RUN(every_allocation_fails_once);
    return test_end();
}
