/* test_source_changes.c: files that change while they are open. */
#include "base/sources.h"

static void
truncate_it(const char *path)
{
    CHECK_EQ(truncate(path, 5000), 0);
}

static void
append_to_it(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND);
    CHECK_EQ(write(fd, "more", 4), 4);
    close(fd);
}

static void
overwrite_it(const char *path)
{
    int fd = open(path, O_WRONLY);
    CHECK_EQ(pwrite(fd, "other", 5, 100), 5);
    close(fd);
}

static void
unlink_it(const char *path)
{
    CHECK_EQ(unlink(path), 0);
}

static void
replace_it(const char *path)
{
    char other[160];
    snprintf(other, sizeof(other), "%s-new", path);
    write_file(other, "something else", 14);
    CHECK_EQ(rename(other, path), 0);
}

static void
chmod_it(const char *path)
{
    CHECK_EQ(chmod(path, 0640), 0);
}

static void
leave_it(const char *path)
{
    (void)path;
}

static const struct {
    void (*change)(const char *path);
    li_status wanted;
} changes[] = {
    {leave_it, LI_OK},   {truncate_it, LI_E103_SOURCE_CHANGED},
    {unlink_it, LI_OK},  {append_to_it, LI_E103_SOURCE_CHANGED},
    {replace_it, LI_OK}, {overwrite_it, LI_E103_SOURCE_CHANGED},
    {chmod_it, LI_OK},
};

TEST(verify_sees_what_changes_the_bytes_and_nothing_else)
{
    enum { SIZE = 40000 };
    uint8_t *truth = random_bytes(SIZE);
    for (int kind = 0; kind < 2; kind++)
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            write_file(path_of("changing"), truth, SIZE);
            li_source *source = open_kind(&ctx, kind, path_of("changing"), NULL, 0);
            CHECK_EQ(li_source_verify(source), LI_OK);
            changes[i].change(path_of("changing"));
            if (changes[i].wanted == LI_OK)
                check_at(source, truth, SIZE, 30000, 10000);
            CHECK_EQ(li_source_verify(source), changes[i].wanted);
            close_and_check(&ctx, source);
        }
    free(truth);
}

TEST(a_file_that_grew_shows_no_more_than_it_had)
{
    write_file(path_of("grown"), "0123456789", 10);
    for (int kind = 0; kind < 2; kind++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_source *source = open_kind(&ctx, kind, path_of("grown"), NULL, 0);
        append_to_it(path_of("grown"));
        const uint8_t *data;
        size_t got;
        CHECK_EQ(li_source_at(source, 2, 4, &data, &got), LI_OK);
        CHECK_EQ(got, source->size - 2);
        CHECK_EQ(li_source_at(source, source->size, 4, &data, &got), LI_OK);
        CHECK_EQ(got, 0);
        close_and_check(&ctx, source);
    }
}

TEST(a_window_over_a_file_that_shrank_is_e103)
{
    enum { SIZE = 900000 };
    uint8_t *truth = random_bytes(SIZE);
    for (int whole = 0; whole < 2; whole++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        write_file(path_of("shrank"), truth, SIZE);
        li_source *source = open_kind(&ctx, 1, path_of("shrank"), NULL, 0);
        check_at(source, truth, SIZE, 0, 100);
        truncate_it(path_of("shrank"));
        const uint8_t *data;
        size_t got;
        for (int twice = 0; twice < 2; twice++)
            CHECK_EQ(whole ? li_source_all(source, &data)
                           : li_source_at(source, 600000, 10, &data, &got),
                     LI_E103_SOURCE_CHANGED);
        close_and_check(&ctx, source);
    }
    free(truth);
}

TEST(poison_reaches_poll_and_verify)
{
    write_file(path_of("poison"), "0123456789", 10);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_source *source = open_kind(&ctx, 0, path_of("poison"), NULL, 0);
    CHECK(ctx.poison != NULL);
    CHECK_EQ(li_poll(&ctx), LI_OK);
    atomic_store((atomic_int *)ctx.poison, 1);
    CHECK_EQ(li_poll(&ctx), LI_E103_SOURCE_CHANGED);
    ctx.status = LI_OK;
    CHECK_EQ(li_source_verify(source), LI_E103_SOURCE_CHANGED);
    close_and_check(&ctx, source);
}

TEST(an_open_descriptor_is_duplicated_and_holds_its_stamp)
{
    write_file(path_of("held"), "0123456789", 10);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    int fd = open(path_of("held"), O_RDONLY);
    li_stamp stamp;
    CHECK_EQ(li_stamp_of(&ctx, fd, &stamp), LI_OK);
    CHECK_EQ(stamp.size, 10);
    CHECK_EQ(stamp.mtime_ns, 1500000000ll * 1000000000);
    for (int io = LI_IO_AUTO; io <= LI_IO_READ; io++) {
        li_source *source = NULL;
        CHECK_EQ(li_source_open_fd(&ctx, fd, (li_io)io, &stamp, &source), LI_OK);
        check_at(source, (const uint8_t *)"0123456789", 10, 3, 7);
        close_and_check(&ctx, source);
        CHECK(fcntl(fd, F_GETFD) >= 0); /* the caller's is still open */
    }
    overwrite_it(path_of("held"));
    li_source *source = NULL;
    CHECK_EQ(li_source_open_fd(&ctx, fd, LI_IO_MAP, &stamp, &source),
             LI_E103_SOURCE_CHANGED);
    CHECK(!source);
    CHECK_EQ(ctx.bytes, 0);
    ctx.status = LI_OK;
    CHECK_EQ(li_source_open_fd(&ctx, fd, LI_IO_MAP, NULL, &source), LI_OK);
    close_and_check(&ctx, source);
    close(fd);
}

int
main(void)
{
    if (!make_folder())
        return 1;
    RUN(verify_sees_what_changes_the_bytes_and_nothing_else);
    RUN(a_file_that_grew_shows_no_more_than_it_had);
    RUN(a_window_over_a_file_that_shrank_is_e103);
    RUN(poison_reaches_poll_and_verify);
    RUN(an_open_descriptor_is_duplicated_and_holds_its_stamp);
    return end_in_folder();
}
