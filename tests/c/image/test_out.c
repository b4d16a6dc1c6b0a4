/* test_out.c: encoded bytes into growing memory or into a file. */
#include "image/out.h"
#include "test.h"

#include <unistd.h>

static uint8_t *
random_bytes(size_t size)
{
    uint32_t state = 12;
    uint8_t *data = malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)test_random(&state);
    return data;
}

/* Hand `data` over in pieces of up to LI_OUT_BYTES. */
static li_status
write_pieces(li_out *out, const uint8_t *data, size_t size)
{
    uint32_t state = 8;
    for (size_t done = 0; done < size;) {
        size_t piece = test_random(&state) % (LI_OUT_BYTES + 1);
        piece = piece < size - done ? piece : size - done;
        LI_TRY(li_out_write(out, data + done, piece));
        done += piece;
    }
    return LI_OK;
}

TEST(memory_gives_back_what_was_written)
{
    static const size_t sizes[] = {0,     1,       4095,    4096,   4097,
                                   70000, 1048560, 1048577, 5000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (int expected = 0; expected < 3; expected++) {
            li_ctx ctx;
            li_out *out;
            uint8_t *truth = random_bytes(sizes[i]), *data = NULL;
            size_t size = 99;
            li_ctx_init(&ctx, NULL);
            CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
            if (expected) /* a bound that is too small is only a hint */
                li_out_expect(out, expected == 1 ? sizes[i] : sizes[i] / 2);
            CHECK_EQ(write_pieces(out, truth, sizes[i]), LI_OK);
            CHECK_EQ(out->size, sizes[i]);
            CHECK_EQ(li_out_detach(out, &data, &size), LI_OK);
            li_out_close(&out);
            CHECK(!out);
            CHECK_EQ(ctx.bytes, 0);
            CHECK_EQ(size, sizes[i]);
            CHECK(data && memcmp(data, truth, size) == 0);
            li_release(data);
            free(truth);
        }
}

TEST(memory_that_is_not_detached_is_freed)
{
    li_ctx ctx;
    li_out *out;
    uint8_t *truth = random_bytes(200000);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(write_pieces(out, truth, 200000), LI_OK);
    CHECK(ctx.bytes >= 200000);
    li_out_close(&out);
    li_out_close(&out);
    CHECK_EQ(ctx.bytes, 0);
    free(truth);
}

/* The plan charges out_bytes and, below 1 MiB, a second block of it. */
TEST(growth_stays_below_what_is_expected)
{
    static const size_t sizes[] = {100000, 900000, 3000000, 20000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        li_ctx ctx;
        li_out *out;
        uint8_t *truth = random_bytes(sizes[i]);
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
        li_out_expect(out, sizes[i]);
        CHECK_EQ(write_pieces(out, truth, sizes[i]), LI_OK);
        uint64_t second = sizes[i] < 1 << 20 ? sizes[i] : 1 << 20;
        CHECK(ctx.peak_bytes <= sizes[i] + second + 8192);
        li_out_close(&out);
        free(truth);
    }
}

TEST(a_job_at_its_budget_can_take_its_result)
{
    li_ctx ctx;
    li_out *out;
    uint8_t *truth = random_bytes(50000), *data = NULL;
    size_t size = 0;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(write_pieces(out, truth, 50000), LI_OK);
    ctx.limits.max_memory = ctx.bytes;
    CHECK_EQ(li_out_detach(out, &data, &size), LI_OK);
    li_out_close(&out);
    li_release(data);
    free(truth);
}

TEST(memory_stops_at_the_budget)
{
    li_limits limits = {.max_memory = 100000};
    li_ctx ctx;
    li_out *out;
    uint8_t *truth = random_bytes(200000);
    li_ctx_init(&ctx, &limits);
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(write_pieces(out, truth, 200000), LI_E124_MEMORY_BUDGET);
    CHECK(ctx.peak_bytes <= 100000);
    li_out_close(&out);
    CHECK_EQ(ctx.bytes, 0);
    free(truth);
}

TEST(every_allocation_can_fail)
{
    uint8_t *truth = random_bytes(300000);
    for (int n = 0;; n++) {
        li_ctx ctx;
        li_out *out = NULL;
        uint8_t *data = NULL;
        size_t size;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = n;
        li_status status = li_out_to_memory(&ctx, &out);
        if (status == LI_OK)
            status = write_pieces(out, truth, 300000);
        if (status == LI_OK)
            status = li_out_detach(out, &data, &size);
        li_out_close(&out);
        li_release(data);
        CHECK_EQ(ctx.bytes, 0);
        if (status == LI_OK)
            break;
        CHECK_EQ(status, LI_ENOMEM);
        CHECK(!data);
        CHECK(n < 50);
    }
    free(truth);
}

TEST(a_file_gets_the_same_bytes)
{
    enum { SIZE = 300000 };
    char path[] = "/tmp/li-out-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    uint8_t *truth = random_bytes(SIZE), *found = malloc(SIZE + 4);
    li_ctx ctx;
    li_file *file;
    li_out *out;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_file_create(&ctx, path, false, &file), LI_OK);
    CHECK_EQ(li_out_to_file(&ctx, file, &out), LI_OK);
    li_out_expect(out, 10); /* nothing to a file */
    CHECK_EQ(write_pieces(out, truth, SIZE), LI_OK);
    CHECK_EQ(out->size, SIZE);
    for (size_t at = 0; at < SIZE - 9; at += 99991) { /* on the disk, in the buffer */
        memcpy(truth + at, "patched", 7);
        CHECK_EQ(out->ops->patch(out, at, "patched", 7), LI_OK);
    }
    CHECK_EQ(li_out_write(out, "end", 3), LI_OK);
    li_out_close(&out);
    CHECK_EQ(li_file_commit(file), LI_OK);
    li_file_close(&file);
    FILE *back = fopen(path, "rb");
    CHECK_EQ(fread(found, 1, SIZE + 4, back), SIZE + 3);
    CHECK(memcmp(found, truth, SIZE) == 0 && memcmp(found + SIZE, "end", 3) == 0);
    fclose(back);
    close(fd);
    unlink(path);
    CHECK_EQ(ctx.bytes, 0);
    free(truth);
    free(found);
}

TEST(memory_can_be_written_over_and_a_device_cannot)
{
    li_ctx ctx;
    li_file *file;
    li_out *out;
    uint8_t *data;
    size_t size;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_out_to_memory(&ctx, &out), LI_OK);
    CHECK_EQ(li_out_write(out, "a long text", 11), LI_OK);
    CHECK_EQ(out->ops->patch(out, 2, "wide", 4), LI_OK);
    CHECK_EQ(li_out_detach(out, &data, &size), LI_OK);
    CHECK(size == 11 && memcmp(data, "a wide text", 11) == 0);
    li_release(data);
    li_out_close(&out);
    CHECK_EQ(li_file_create(&ctx, "/dev/null", false, &file), LI_OK);
    CHECK_EQ(li_out_to_file(&ctx, file, &out), LI_OK);
    CHECK(!out->ops->patch);
    li_out_close(&out);
    li_file_close(&file);
    CHECK_EQ(ctx.bytes, 0);
}

int
main(void)
{
    RUN(memory_gives_back_what_was_written);
    RUN(memory_that_is_not_detached_is_freed);
    RUN(growth_stays_below_what_is_expected);
    RUN(a_job_at_its_budget_can_take_its_result);
    RUN(memory_stops_at_the_budget);
    RUN(every_allocation_can_fail);
    RUN(a_file_gets_the_same_bytes);
    RUN(memory_can_be_written_over_and_a_device_cannot);
    return test_end();
}
