/* test_planes.c: three ports over one decoder of planes at any pace, and the pump. */
#include "image/planes.h"
#include "test.h"

/* --- a decoder whose samples say where they are ------------------------------------
 */

typedef struct made_planes {
    li_planes base;
    uint32_t state; /* of the strips' heights */
    uint32_t y[LI_PLANES];
    uint32_t fails_at; /* luma row */
    uint8_t *strip[LI_PLANES];
} made_planes;

enum { STRIP = 9, STRIDE = 64 + LI_ROW_SLACK };

static int made_closes;

static uint8_t
made_sample(uint32_t plane, uint32_t x, uint32_t y)
{
    return (uint8_t)(plane * 85 + x * 3 + y * 7);
}

/* Strips of 0 to 9 luma rows; chroma may run behind or ahead by a few. */
static li_status
made_next(li_planes *planes, li_strip *strip)
{
    made_planes *self = (made_planes *)planes;
    if (self->y[0] >= self->fails_at)
        return li_fail(planes->ctx, LI_E130_CORRUPT, "planes: row %u", self->y[0]);
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        const li_plane *size = &planes->layout.plane[p];
        uint32_t left = size->height - self->y[p];
        uint32_t rows = test_random(&self->state) % (STRIP + 1);
        rows = rows < left ? rows : left;
        memset(self->strip[p], 0xee, STRIP * STRIDE); /* the last strip is gone */
        for (uint32_t r = 0; r < rows; r++)
            for (uint32_t x = 0; x < size->width; x++)
                self->strip[p][r * STRIDE + x] = made_sample(p, x, self->y[p] + r);
        strip->data[p] = self->strip[p];
        strip->stride[p] = STRIDE;
        strip->rows[p] = rows;
        self->y[p] += rows;
    }
    return LI_OK;
}

static void
made_close(li_planes *planes)
{
    for (uint32_t p = 0; p < LI_PLANES; p++)
        free(((made_planes *)planes)->strip[p]);
    made_closes++;
}

static const li_planes_ops made_ops = {
    .name = "made", .next = made_next, .close = made_close};

static li_planes *
make_planes(li_ctx *ctx, const li_planar *layout, uint32_t seed, uint32_t fails_at)
{
    li_planes *planes = NULL;
    made_closes = 0;
    if (li_planes_new(ctx, sizeof(made_planes), &made_ops, layout, &planes) != LI_OK)
        return NULL;
    made_planes *self = (made_planes *)planes;
    self->state = seed;
    self->fails_at = fails_at;
    for (uint32_t p = 0; p < LI_PLANES; p++)
        self->strip[p] = malloc(STRIP * STRIDE);
    return planes;
}

/* --- ports --------------------------------------------------------------------------
 */

static bool
row_is(const li_rows *port, uint32_t plane, const uint8_t *row)
{
    for (uint32_t x = 0; x < port->info.width; x++)
        if (row[x] != made_sample(plane, x, port->y - 1))
            return false;
    return true;
}

/* Read the three in a random order, sometimes many rows of one; some are closed early.
 */
static void
read_in_any_order(li_rows *ports[LI_PLANES], uint32_t *state)
{
    for (uint32_t open = LI_PLANES; open > 0;) {
        uint32_t p = test_random(state) % LI_PLANES;
        uint32_t rows = test_random(state) % 12, row = 0;
        const uint8_t *data;
        for (; ports[p] && ports[p]->y < ports[p]->info.height && row < rows; row++) {
            CHECK_EQ(li_rows_next(ports[p], &data), LI_OK);
            CHECK(row_is(ports[p], p, data));
        }
        bool early = test_random(state) % 40 == 0;
        if (ports[p] && (early || ports[p]->y == ports[p]->info.height)) {
            li_rows_close(&ports[p]);
            open--;
        }
    }
}

TEST(ports_give_every_row_at_any_pace)
{
    uint32_t state = 7;
    for (uint32_t i = 0; i < 300; i++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_rows *ports[LI_PLANES];
        li_planar layout = li_planar_of(1 + i % 61, 1 + test_random(&state) % 200,
                                        (uint8_t)(1 + i % 2), (uint8_t)(1 + i / 2 % 2));
        li_planes *planes = make_planes(&ctx, &layout, i + 1, UINT32_MAX);
        CHECK_EQ(li_planes_ports(&planes, ports), LI_OK);
        CHECK(planes == NULL);
        CHECK_EQ(ports[1]->info.width, layout.plane[1].width);
        read_in_any_order(ports, &state);
        CHECK_EQ(made_closes, 1);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(an_error_of_the_decoder_is_every_ports_error)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *ports[LI_PLANES];
    const uint8_t *row;
    li_planar layout = li_planar_of(20, 100, 2, 2);
    li_planes *planes = make_planes(&ctx, &layout, 3, 30);
    CHECK_EQ(li_planes_ports(&planes, ports), LI_OK);
    li_status status = LI_OK;
    while (status == LI_OK)
        status = li_rows_next(ports[2], &row);
    CHECK_EQ(status, LI_E130_CORRUPT);
    CHECK_EQ(li_rows_next(ports[0], &row), LI_E130_CORRUPT);
    CHECK_TEXT(ctx.step, "decode");
    for (uint32_t p = 0; p < LI_PLANES; p++)
        li_rows_close(&ports[p]);
    CHECK_EQ(made_closes, 1);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(every_allocation_of_the_ports_fails_once)
{
    int64_t failures = 0;
    for (bool done = false; !done; failures++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_rows *ports[LI_PLANES] = {0};
        li_planar layout = li_planar_of(40, 80, 2, 2);
        li_planes *planes = make_planes(&ctx, &layout, 5, UINT32_MAX);
        ctx.allocs_left = failures;
        const uint8_t *row;
        li_status status = li_planes_ports(&planes, ports);
        while (status == LI_OK && ports[1]->y < ports[1]->info.height)
            status = li_rows_next(ports[1], &row);
        done = status == LI_OK;
        CHECK(done || status == LI_ENOMEM);
        for (uint32_t p = 0; p < LI_PLANES; p++)
            li_rows_close(&ports[p]);
        CHECK_EQ(made_closes, 1);
        CHECK_EQ(ctx.bytes, 0);
    }
    CHECK(failures >= 6);
}

/* --- the pump -----------------------------------------------------------------------
 */

typedef struct checking_sink {
    li_plane_sink base;
    uint32_t fails_at; /* luma row */
    bool right, finished;
} checking_sink;

static li_status
checking_write(li_plane_sink *sink, uint32_t plane, const uint8_t *row)
{
    checking_sink *self = (checking_sink *)sink;
    uint32_t y = sink->y[plane];
    if (plane == 0 && y == self->fails_at)
        return li_fail(sink->ctx, LI_E300_ENCODE, "sink: row %u", y);
    for (uint32_t x = 0; x < sink->layout.plane[plane].width; x++)
        self->right &= row[x] == made_sample(plane, x, y);
    /* Right behind the first luma row that it stands for. */
    self->right &= plane == 0 || sink->y[0] == y * sink->layout.plane[plane].y_den + 1;
    return LI_OK;
}

static li_status
checking_finish(li_plane_sink *sink)
{
    for (uint32_t p = 0; p < LI_PLANES; p++)
        CHECK_EQ(sink->y[p], sink->layout.plane[p].height);
    ((checking_sink *)sink)->finished = true;
    return LI_OK;
}

static const li_plane_sink_ops checking_ops = {
    .name = "sink", .write = checking_write, .finish = checking_finish};

static void
pump(uint32_t width, uint32_t height, uint8_t x, uint8_t y, uint32_t fails_at)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_rows *ports[LI_PLANES];
    li_plane_sink *sink;
    li_pump_times times = {0};
    li_planar layout = li_planar_of(width, height, x, y);
    li_planes *planes = make_planes(&ctx, &layout, width * height, UINT32_MAX);
    CHECK_EQ(li_planes_ports(&planes, ports), LI_OK);
    CHECK_EQ(
        li_plane_sink_new(&ctx, sizeof(checking_sink), &checking_ops, &layout, &sink),
        LI_OK);
    checking_sink *self = (checking_sink *)sink;
    self->right = true;
    self->fails_at = fails_at;
    li_status status = li_planes_pump(ports, sink, &times);
    CHECK_EQ(status, fails_at < height ? LI_E300_ENCODE : LI_OK);
    CHECK_EQ(self->finished, fails_at >= height);
    CHECK(self->right);
    li_plane_sink_close(&sink);
    li_plane_sink_close(&sink);
    for (uint32_t p = 0; p < LI_PLANES; p++)
        li_rows_close(&ports[p]);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(the_pump_feeds_chroma_behind_its_luma)
{
    for (uint32_t height = 1; height < 40; height++)
        for (uint8_t x = 1; x <= 2; x++)
            for (uint8_t y = 1; y <= 2; y++)
                pump(1 + height % 13, height, x, y, UINT32_MAX);
    pump(31, 30, 2, 2, 0);
    pump(31, 30, 2, 2, 29);
}

int
main(void)
{
    RUN(ports_give_every_row_at_any_pace);
    RUN(an_error_of_the_decoder_is_every_ports_error);
    RUN(every_allocation_of_the_ports_fails_once);
    RUN(the_pump_feeds_chroma_behind_its_luma);
    return test_end();
}
