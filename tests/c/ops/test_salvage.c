/* test_salvage.c: rows in front of the damage pass, those behind it are gray. */
#include "ops/salvage.h"
#include "test.h"

enum { WIDTH = 5, HEIGHT = 8, STORED = 16 };

/* Rows of their own number, up to one that fails. */
typedef struct failing {
    li_rows base;
    uint32_t at;
    li_status status;
    uint8_t row[4 * WIDTH + 16];
} failing;

static li_status
failing_next(li_rows *rows, const uint8_t **row)
{
    failing *self = (failing *)rows;
    if (rows->y == self->at)
        return li_fail(rows->ctx, self->status, "a word");
    memset(self->row, (int)rows->y, sizeof(self->row));
    *row = self->row;
    return LI_OK;
}

static const li_rows_ops failing_ops = {.name = "failing", .next = failing_next};

typedef struct job {
    li_ctx ctx;
    li_source *source;
    li_rows *chain;
} job;

static li_status
start(job *self, li_pixel pixel, uint32_t at, li_status status, int64_t allocs)
{
    memset(self, 0, sizeof(*self));
    li_ctx_init(&self->ctx, NULL);
    self->ctx.salvage = true;
    CHECK_EQ(li_source_borrow(&self->ctx, "x", 1, &self->source), LI_OK);
    CHECK_EQ(li_rows_push(&self->ctx, sizeof(failing), &failing_ops,
                          (li_info){WIDTH, HEIGHT, pixel}, &self->chain),
             LI_OK);
    ((failing *)self->chain)->at = at;
    ((failing *)self->chain)->status = status;
    self->ctx.allocs_left = allocs;
    return li_salvage_push(self->source, STORED, &self->chain);
}

static void
stop(job *self)
{
    li_rows_close(&self->chain);
    li_source_close(&self->source);
    CHECK_EQ(self->ctx.bytes, 0);
}

TEST(lost_rows_are_gray_without_alpha)
{
    static const li_pixel pixels[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    for (int p = 0; p < 4; p++)
        for (uint32_t at = 1; at <= HEIGHT; at++) {
            job it;
            const uint8_t *row;
            uint32_t channels = li_pixel_channels(pixels[p]);
            CHECK_EQ(start(&it, pixels[p], at, LI_E132_TRUNCATED, -1), LI_OK);
            for (uint32_t y = 0; y < HEIGHT; y++) {
                CHECK_EQ(li_rows_next(it.chain, &row), LI_OK);
                for (uint32_t i = 0; i < WIDTH * channels; i++) {
                    bool alpha = p % 2 && i % channels == channels - 1;
                    CHECK_EQ(row[i], y < at ? y : alpha ? 0 : 128);
                }
            }
            CHECK_EQ(it.ctx.salvaged, at < HEIGHT);
            CHECK_EQ(it.ctx.rows_real, at < HEIGHT ? at * STORED / HEIGHT : 0);
            CHECK_EQ(it.ctx.warnings.count, at < HEIGHT);
            CHECK(it.ctx.status == LI_OK && !it.ctx.step && !it.ctx.message[0]);
            CHECK(it.ctx.peak_bytes <=
                  li_salvage_bytes(it.chain->info) + sizeof(failing) + 4096);
            stop(&it);
        }
}

TEST(lost_inks_are_black_that_is_as_gray)
{
    job it;
    const uint8_t *row;
    CHECK_EQ(start(&it, LI_CMYK8, 1, LI_E132_TRUNCATED, -1), LI_OK);
    CHECK_EQ(li_rows_next(it.chain, &row), LI_OK);
    CHECK_EQ(li_rows_next(it.chain, &row), LI_OK);
    for (uint32_t i = 0; i < 4 * WIDTH; i++)
        CHECK_EQ(row[i], i % 4 == 3 ? 127 : 0);
    stop(&it);
}

TEST(no_row_and_no_damage_are_errors_as_ever)
{
    static const li_status statuses[] = {LI_E132_TRUNCATED, LI_ENOMEM,
                                         LI_E500_CANCELLED, LI_E103_SOURCE_CHANGED};
    for (int i = 0; i < 4; i++) {
        job it;
        const uint8_t *row;
        CHECK_EQ(start(&it, LI_RGB8, i ? 2 : 0, statuses[i], -1), LI_OK);
        for (int y = 0; i && y < 2; y++)
            CHECK_EQ(li_rows_next(it.chain, &row), LI_OK);
        CHECK_EQ(li_rows_next(it.chain, &row), statuses[i]);
        CHECK(!it.ctx.salvaged);
        stop(&it);
    }
}

TEST(every_allocation_may_fail)
{
    for (int64_t left = 0; left < 2; left++) {
        job it;
        CHECK_EQ(start(&it, LI_RGB8, 2, LI_E130_CORRUPT, left), LI_ENOMEM);
        stop(&it);
    }
}

int
main(void)
{
    RUN(lost_rows_are_gray_without_alpha);
    RUN(lost_inks_are_black_that_is_as_gray);
    RUN(no_row_and_no_damage_are_errors_as_ever);
    RUN(every_allocation_may_fail);
    return test_end();
}
