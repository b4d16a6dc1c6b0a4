/* test_base.c: status, the ledger, the budget, the poll. */
#include "test.h"

#include <stdatomic.h>

static bool
is_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i])
            return false;
    return true;
}

static void
fill(uint8_t *data, size_t size, uint32_t seed)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)test_random(&seed);
}

static bool
is_filled(const uint8_t *data, size_t size, uint32_t seed)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] != (uint8_t)test_random(&seed))
            return false;
    return true;
}

/* --- sums and products ------------------------------------------------------------ */

TEST(sums_and_products_stick_at_the_top)
{
    CHECK(li_sat_add(1, 2) == 3);
    CHECK(li_sat_add(UINT64_MAX, 0) == UINT64_MAX);
    CHECK(li_sat_add(UINT64_MAX - 1, 1) == UINT64_MAX);
    CHECK(li_sat_add(UINT64_MAX, 1) == UINT64_MAX);
    CHECK(li_sat_add(1ull << 63, 1ull << 63) == UINT64_MAX);
    CHECK(li_sat_mul(0, UINT64_MAX) == 0);
    CHECK(li_sat_mul(UINT64_MAX, 0) == 0);
    CHECK(li_sat_mul(3, 5) == 15);
    CHECK(li_sat_mul(1ull << 32, 1ull << 32) == UINT64_MAX);
    CHECK(li_sat_mul((1ull << 32) - 1, (1ull << 32) + 1) == UINT64_MAX);
    CHECK(li_sat_mul(1ull << 32, (1ull << 32) - 1) == 0xffffffff00000000ull);
}

/* --- errors ----------------------------------------------------------------------- */

TEST(the_first_error_wins)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_fail(&ctx, LI_E200_CROP_BOUNDS, "crop: %d", 7), LI_E200_CROP_BOUNDS);
    CHECK_EQ(li_fail(&ctx, LI_E130_CORRUPT, "later"), LI_E200_CROP_BOUNDS);
    CHECK_EQ(li_fail_errno(&ctx, LI_E301_WRITE, 28, "later"), LI_E200_CROP_BOUNDS);
    CHECK_EQ(ctx.sys_errno, 0);
    CHECK_TEXT(ctx.message, "crop: 7");
}

TEST(the_systems_text_follows_the_message)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_fail_errno(&ctx, LI_E301_WRITE, 28, "output: %s", "x"), LI_E301_WRITE);
    CHECK_EQ(ctx.sys_errno, 28);
    CHECK_TEXT(ctx.message, "output: x: No space left on device");
}

TEST(a_message_is_cut_where_its_room_ends)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    char text[2 * LI_MESSAGE_BYTES];
    memset(text, 'm', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    CHECK_EQ(li_fail_errno(&ctx, LI_E301_WRITE, 28, "%s", text), LI_E301_WRITE);
    CHECK_EQ(strlen(ctx.message), LI_MESSAGE_BYTES - 1);
}

TEST(warnings_beyond_the_room_are_counted)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    for (int i = 0; i < LI_WARNINGS + 3; i++)
        li_warn(&ctx, "number %d", i);
    CHECK_EQ(ctx.warnings.count, LI_WARNINGS + 3);
    CHECK_TEXT(ctx.warnings.text[LI_WARNINGS - 1], "number 7");
    CHECK_EQ(ctx.status, LI_OK);
}

/* --- memory ----------------------------------------------------------------------- */

TEST(a_warning_is_noted_once)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    for (int i = 0; i < 3 * LI_WARNINGS; i++)
        li_warn(&ctx, "%0*d", 2 * LI_WARNING_BYTES, i % 3 ? 7 : 0); /* both are cut */
    CHECK_EQ(ctx.warnings.count, 1);
    li_warn(&ctx, "another");
    CHECK_EQ(ctx.warnings.count, 2);
    CHECK_TEXT(ctx.warnings.text[1], "another");
}

TEST(a_block_is_zeroed_aligned_and_counted)
{
    static const size_t sizes[] = {
        0, 1, 15, 4096, (1 << 20) - 17, 1 << 20, (1 << 20) - 16, 3 << 20};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        uint8_t *data;
        CHECK_EQ(li_alloc(&ctx, sizes[i], 1, &data), LI_OK);
        CHECK(is_zero(data, sizes[i]));
        CHECK_EQ((uintptr_t)data % 16, 0);
        CHECK(ctx.bytes >= sizes[i]);
        CHECK(ctx.bytes <= sizes[i] + LI_BLOCK_OVERHEAD +
                               (sizes[i] < 1 << 20 ? 0 : 4096) +
                               (sizes[i] + 16 == 1 << 20 ? 4096 : 0));
        CHECK(ctx.peak_bytes == ctx.bytes);
        memset(data, 0xee, sizes[i]);
        li_free(&ctx, &data);
        CHECK(!data);
        CHECK_EQ(ctx.bytes, 0);
        li_free(&ctx, &data);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(resizing_across_the_page_border_keeps_contents_and_ledger)
{
    static const uint64_t sizes[] = {
        100,     5000, 1048560, 1048559, 1048561, 900000, 4 << 20,  12 << 20, 2 << 20,
        1 << 20, 17,   1 << 20, 0,       1048576, 1,      30 << 20, 1 << 16};
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    uint8_t *data;
    size_t before = 64;
    CHECK_EQ(li_alloc(&ctx, before, 1, &data), LI_OK);
    fill(data, before, 9);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t size = (size_t)sizes[i], both = before < size ? before : size;
        CHECK_EQ(li_resize_alloc(&ctx, size, &data), LI_OK);
        CHECK(is_filled(data, both, 9));
        CHECK(ctx.bytes >= size && ctx.bytes <= size + LI_BLOCK_OVERHEAD + 4096);
        CHECK_EQ((uintptr_t)data % 16, 0);
        fill(data, size, 9);
        before = size;
    }
    li_free(&ctx, &data);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(random_resizing_keeps_the_ledger_exact)
{
    enum { BLOCKS = 8 };
    uint32_t state = 77;
    uint8_t *blocks[BLOCKS] = {0};
    uint64_t alone[BLOCKS] = {0};
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    for (int i = 0; i < 4000; i++) {
        uint32_t b = test_random(&state) % BLOCKS;
        uint64_t size = test_random(&state) % (i % 3 ? 5000 : 3 << 20);
        uint64_t rest = ctx.bytes - alone[b];
        if (test_random(&state) % 4 == 0)
            li_free(&ctx, &blocks[b]);
        else if (blocks[b])
            CHECK_EQ(li_resize_alloc(&ctx, size, &blocks[b]), LI_OK);
        else
            CHECK_EQ(li_alloc(&ctx, size, 1, &blocks[b]), LI_OK);
        alone[b] = ctx.bytes - rest;
        if (!blocks[b])
            CHECK_EQ(alone[b], 0);
        else
            CHECK(alone[b] >= size || alone[b] > 0);
        CHECK(ctx.peak_bytes >= ctx.bytes);
    }
    for (int b = 0; b < BLOCKS; b++)
        li_free(&ctx, &blocks[b]);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(pages_grow_without_a_second_block)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    uint8_t *data;
    CHECK_EQ(li_alloc(&ctx, 8 << 20, 1, &data), LI_OK);
    CHECK_EQ(li_resize_alloc(&ctx, 16 << 20, &data), LI_OK);
    CHECK(ctx.peak_bytes < (16 << 20) + 8192);
    li_free(&ctx, &data);
}

/* The last thing that a job does is to cut its result to size: that must fit. */
TEST(shrinking_takes_nothing_from_the_budget)
{
    static const uint64_t sizes[] = {50000, 3 << 19, 8 << 20};
    for (int i = 0; i < 3; i++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        uint8_t *data;
        CHECK_EQ(li_alloc(&ctx, sizes[i], 1, &data), LI_OK);
        ctx.limits.max_memory = ctx.bytes;
        uint64_t peak = ctx.peak_bytes;
        CHECK_EQ(li_resize_alloc(&ctx, sizes[i] / 2, &data), LI_OK);
        CHECK_EQ(ctx.peak_bytes, peak);
        CHECK(ctx.bytes <= sizes[i] / 2 + 4096 + LI_BLOCK_OVERHEAD);
        li_free(&ctx, &data);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(past_the_budget_is_refused_with_both_numbers)
{
    li_limits limits = {.max_memory = 10000};
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    uint8_t *data = NULL, *second = NULL;
    CHECK_EQ(li_alloc(&ctx, 10000 - 16, 1, &data), LI_OK); /* equal passes */
    CHECK_EQ(ctx.bytes, 10000);
    CHECK_EQ(li_alloc(&ctx, 100, 1, &second), LI_E124_MEMORY_BUDGET);
    CHECK(!second);
    CHECK_EQ(ctx.bytes, 10000);
    CHECK_EQ(ctx.peak_bytes, 10000);
    CHECK_TEXT(ctx.message, "memory: the job needs 10116 bytes or more, "
                            "limits(max_memory=10000)");
    li_free(&ctx, &data);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(a_refused_resize_leaves_the_block)
{
    static const uint64_t sizes[] = {50000, 2 << 20};
    for (int i = 0; i < 2; i++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        uint8_t *data;
        CHECK_EQ(li_alloc(&ctx, sizes[i], 1, &data), LI_OK);
        fill(data, (size_t)sizes[i], 4);
        uint64_t bytes = ctx.bytes;
        ctx.limits.max_memory = bytes + 100;
        uint8_t *same = data;
        CHECK_EQ(li_resize_alloc(&ctx, 2 * sizes[i], &data), LI_E124_MEMORY_BUDGET);
        CHECK(data == same);
        CHECK_EQ(ctx.bytes, bytes);
        CHECK(is_filled(data, (size_t)sizes[i], 4));
        li_free(&ctx, &data);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(charges_count_like_blocks)
{
    li_limits limits = {.max_memory = 1000};
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
    CHECK_EQ(li_charge(&ctx, 900), LI_OK);
    CHECK_EQ(ctx.bytes, 900);
    CHECK_EQ(li_charge(&ctx, 101), LI_E124_MEMORY_BUDGET);
    li_uncharge(&ctx, 900);
    CHECK_EQ(ctx.bytes, 0);
    CHECK_EQ(ctx.peak_bytes, 900);
}

TEST(an_impossible_size_fails_and_leaves_the_ledger)
{
    static const struct {
        uint64_t count;
        size_t size;
    } cases[] = {{UINT64_MAX, 1},          {UINT64_MAX, 2},      {1ull << 63, 4},
                 {UINT64_MAX - 5000, 1},   {UINT64_MAX - 16, 1}, {1ull << 62, 1},
                 {UINT64_MAX / 2 + 100, 2}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        uint8_t *small, *large = NULL;
        CHECK_EQ(li_alloc(&ctx, 9000, 1, &small), LI_OK);
        uint64_t bytes = ctx.bytes;
        CHECK_EQ(li_alloc(&ctx, cases[i].count, cases[i].size, &large), LI_ENOMEM);
        CHECK(!large);
        CHECK_EQ(ctx.bytes, bytes);
        ctx.status = LI_OK;
        CHECK_EQ(li_resize_alloc(&ctx, UINT64_MAX - 17, &small), LI_ENOMEM);
        CHECK_EQ(ctx.bytes, bytes);
        li_free(&ctx, &small);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(the_nth_allocation_fails_where_a_test_says_so)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.allocs_left = 2;
    uint8_t *first, *second = NULL;
    CHECK_EQ(li_alloc(&ctx, 10, 1, &first), LI_OK);
    CHECK_EQ(li_resize_alloc(&ctx, 1000, &first), LI_OK);
    CHECK_EQ(li_alloc(&ctx, 10, 1, &second), LI_ENOMEM);
    CHECK(!second);
    ctx.status = LI_OK;
    CHECK_EQ(li_resize_alloc(&ctx, 2000, &first), LI_OK); /* one fails, no more */
    ctx.allocs_left = 0;
    CHECK_EQ(li_resize_alloc(&ctx, 3000, &first), LI_ENOMEM);
    li_free(&ctx, &first);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(a_disowned_block_is_off_the_ledger_and_lives_on)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    uint8_t *small, *large;
    CHECK_EQ(li_alloc(&ctx, 100, 1, &small), LI_OK);
    CHECK_EQ(li_alloc(&ctx, 2 << 20, 1, &large), LI_OK);
    li_disown(&ctx, small);
    li_disown(&ctx, large);
    CHECK_EQ(ctx.bytes, 0);
    memset(small, 1, 100);
    memset(large, 1, 2 << 20);
    li_release(small);
    li_release(large);
    li_release(NULL);
}

/* --- polling ---------------------------------------------------------------------- */

TEST(cancel_is_seen_at_once)
{
    atomic_int cancel = 0;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.cancel = &cancel;
    for (int i = 0; i < 100; i++)
        CHECK_EQ(li_poll(&ctx), LI_OK);
    atomic_store(&cancel, 1);
    CHECK_EQ(li_poll(&ctx), LI_E500_CANCELLED);
    CHECK_TEXT(ctx.message, "cancelled");
}

TEST(poison_is_seen_at_once_and_says_why)
{
    atomic_int cancel = 0, poison = 1;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.cancel = &cancel;
    ctx.poison = &poison;
    CHECK_EQ(li_poll(&ctx), LI_E103_SOURCE_CHANGED);
}

TEST(a_deadline_ends_the_job_within_16_polls)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.deadline_ns = li_now_ns() + 3600ll * 1000000000;
    for (int i = 0; i < 64; i++)
        CHECK_EQ(li_poll(&ctx), LI_OK);
    ctx.deadline_ns = li_now_ns() - 1;
    int polls = 1;
    while (li_poll(&ctx) == LI_OK && polls < 100)
        polls++;
    CHECK_EQ(ctx.status, LI_E125_TIMEOUT);
    CHECK(polls <= 16);
}

static li_status
count_tick(void *arg)
{
    ++*(int *)arg;
    return LI_OK;
}

static li_status
stop_tick(void *arg)
{
    (void)arg;
    return LI_E901_INTERNAL;
}

TEST(a_tick_comes_when_it_is_due_and_not_before)
{
    int ticks = 0;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.tick = count_tick;
    ctx.tick_arg = &ticks;
    for (int i = 0; i < 160; i++)
        CHECK_EQ(li_poll(&ctx), LI_OK);
    CHECK(ticks <= 1); /* 50 ms have hardly gone by */
    CHECK(ctx.tick_due_ns > li_now_ns() - 1000000000);
    ticks = 0;
    ctx.tick_due_ns = li_now_ns() - 1;
    for (int i = 0; i < 16; i++)
        CHECK_EQ(li_poll(&ctx), LI_OK);
    CHECK_EQ(ticks, 1);
    CHECK(ctx.tick_due_ns > li_now_ns());
    CHECK(ctx.tick_due_ns <= li_now_ns() + 50 * 1000000);
}

TEST(a_tick_that_says_stop_interrupts)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.tick = stop_tick;
    ctx.tick_due_ns = 1;
    CHECK_EQ(li_poll_clock(&ctx), LI_EINTERRUPTED);
}

TEST(clocks_run_and_this_is_the_main_thread)
{
    int64_t start = li_now_ns(), cpu = li_cpu_ns();
    volatile uint32_t x = 1;
    for (int i = 0; i < 2000000; i++)
        x = x * 3 + 1;
    CHECK(li_now_ns() > start);
    CHECK(li_cpu_ns() > cpu);
    CHECK(li_is_main_thread());
}

int
main(void)
{
    RUN(sums_and_products_stick_at_the_top);
    RUN(the_first_error_wins);
    RUN(the_systems_text_follows_the_message);
    RUN(a_message_is_cut_where_its_room_ends);
    RUN(warnings_beyond_the_room_are_counted);
    RUN(a_warning_is_noted_once);
    RUN(a_block_is_zeroed_aligned_and_counted);
    RUN(resizing_across_the_page_border_keeps_contents_and_ledger);
    RUN(random_resizing_keeps_the_ledger_exact);
    RUN(pages_grow_without_a_second_block);
    RUN(shrinking_takes_nothing_from_the_budget);
    RUN(past_the_budget_is_refused_with_both_numbers);
    RUN(a_refused_resize_leaves_the_block);
    RUN(charges_count_like_blocks);
    RUN(an_impossible_size_fails_and_leaves_the_ledger);
    RUN(the_nth_allocation_fails_where_a_test_says_so);
    RUN(a_disowned_block_is_off_the_ledger_and_lives_on);
    RUN(cancel_is_seen_at_once);
    RUN(poison_is_seen_at_once_and_says_why);
    RUN(a_deadline_ends_the_job_within_16_polls);
    RUN(a_tick_comes_when_it_is_due_and_not_before);
    RUN(a_tick_that_says_stop_interrupts);
    RUN(clocks_run_and_this_is_the_main_thread);
    return test_end();
}
