/* test_source.c: three ways into the same bytes, in flat memory; what is no input. */
#include "base/sources.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/vfs.h>
#endif

/* --- the same bytes --------------------------------------------------------------- */

static uint64_t
random_offset(uint32_t *state, size_t size, uint64_t last)
{
    uint32_t kind = test_random(state) % 16;
    uint64_t any = test_random(state);
    if (kind == 0)
        return size + any % 100000;
    if (kind == 1)
        return UINT64_MAX - any % 5;
    if (kind == 2)
        return (1ull << 63) + any;
    if (kind < 6)
        return (last + any % 5000) % size;
    if (kind < 8)
        return last > 300000 ? last - any % 300000 : 0;
    if (kind == 8)
        return (any % (size / LI_WINDOW_BYTES + 1)) * LI_WINDOW_BYTES + any % 3 - 1;
    return any % size;
}

TEST(every_kind_gives_the_same_bytes)
{
    static const size_t sizes[] = {1, 1000, LI_WINDOW_BYTES, LI_WINDOW_BYTES + 1,
                                   5000001};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        uint8_t *truth = random_bytes(sizes[s]);
        write_file(path_of("same"), truth, sizes[s]);
        for (int kind = 0; kind < 3; kind++) {
            static const char *const names[] = {"map", "read", "bytes"};
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            li_source *source = open_kind(&ctx, kind, path_of("same"), truth, sizes[s]);
            CHECK_TEXT(source->ops->name, names[kind]);
            CHECK_EQ(source->size, sizes[s]);
            uint32_t state = 3;
            uint64_t last = 0;
            for (int i = 0; i < 3000; i++) {
                uint64_t offset = random_offset(&state, sizes[s], last);
                size_t want =
                    test_random(&state) % (i % 4 ? 4000 : LI_WINDOW_BYTES + 1);
                check_at(source, truth, sizes[s], offset, want);
                last = offset < sizes[s] ? offset : 0;
            }
            const uint8_t *all;
            for (int twice = 0; twice < 2; twice++) {
                CHECK_EQ(li_source_all(source, &all), LI_OK);
                CHECK(memcmp(all, truth, sizes[s]) == 0);
            }
            CHECK_EQ(li_source_verify(source), LI_OK);
            close_and_check(&ctx, source);
        }
        free(truth);
    }
}

TEST(window_borders_are_exact)
{
    enum { SIZE = 3 * LI_WINDOW_BYTES + 7 };
    uint8_t *truth = random_bytes(SIZE);
    write_file(path_of("border"), truth, SIZE);
    for (int kind = 0; kind < 3; kind++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_source *source = open_kind(&ctx, kind, path_of("border"), truth, SIZE);
        for (int64_t at = 0; at < SIZE + 2; at += LI_WINDOW_BYTES / 2)
            for (int64_t shift = -2; shift <= 2; shift++) {
                uint64_t offset = (uint64_t)(at + shift < 0 ? 0 : at + shift);
                check_at(source, truth, SIZE, offset, 0);
                check_at(source, truth, SIZE, offset, 1);
                check_at(source, truth, SIZE, offset, LI_WINDOW_BYTES - 1);
                check_at(source, truth, SIZE, offset, LI_WINDOW_BYTES);
            }
        check_at(source, truth, SIZE, SIZE - 1, 1);
        check_at(source, truth, SIZE, SIZE, 1);
        check_at(source, truth, SIZE, SIZE - 1, 100);
        close_and_check(&ctx, source);
    }
    free(truth);
}

/* --- the header alone ------------------------------------------------------------- */

/* Bytes that this process has asked read() and pread() for, and got. */
static uint64_t
bytes_read(void)
{
    FILE *io = fopen("/proc/self/io", "r");
    unsigned long long bytes = 0;
    CHECK(io && fscanf(io, "rchar: %llu", &bytes) == 1);
    fclose(io);
    return bytes;
}

TEST(a_header_is_read_a_page_at_a_time)
{
    enum { SIZE = 5000001, PAGE = 4096, OWN = 200 /* of /proc/self/io itself */ };
    uint8_t *truth = random_bytes(SIZE);
    li_source *source;
    uint32_t state = 5;
    li_ctx ctx;
    write_file(path_of("head"), truth, SIZE);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_open(&ctx, path_of("head"), LI_IO_HEAD, &source), LI_OK);
    CHECK_TEXT(source->ops->name, "read");
    uint64_t before = bytes_read();
    for (uint64_t at = 0; at + 8 <= PAGE; at += 8)
        check_at(source, truth, SIZE, at, 8);
    CHECK(bytes_read() - before <= PAGE + OWN);
    CHECK(ctx.peak_bytes < 2 * PAGE);
    before = bytes_read();
    check_at(source, truth, SIZE, 4000000, 1);
    check_at(source, truth, SIZE, 4000000, 20000); /* more than the window has */
    check_at(source, truth, SIZE, 4019999, 1);
    CHECK(bytes_read() - before <= PAGE + 20000 + OWN);
    before = bytes_read();
    source->leaps = true;
    for (uint64_t at = 10000; at < 1000000; at += 10000)
        check_at(source, truth, SIZE, at, 8);
    source->leaps = false;
    CHECK(bytes_read() - before <= 100 * 8 + OWN);
    for (int i = 0; i < 3000; i++) {
        uint64_t offset = random_offset(&state, SIZE, 0);
        check_at(source, truth, SIZE, offset,
                 test_random(&state) % (LI_WINDOW_BYTES + 1));
    }
    CHECK(ctx.peak_bytes < 2 * LI_WINDOW_BYTES);
    CHECK_EQ(truncate(path_of("head"), 100), 0);
    CHECK_EQ(li_source_verify(source), LI_E103_SOURCE_CHANGED);
    close_and_check(&ctx, source);
    free(truth);
}

TEST(a_header_read_of_a_file_that_shrinks_is_e103)
{
    uint8_t *truth = random_bytes(50000);
    const uint8_t *data;
    size_t got;
    li_source *source;
    li_ctx ctx;
    write_file(path_of("shrink"), truth, 50000);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_open(&ctx, path_of("shrink"), LI_IO_HEAD, &source), LI_OK);
    check_at(source, truth, 50000, 0, 100);
    CHECK_EQ(truncate(path_of("shrink"), 20000), 0);
    CHECK_EQ(li_source_at(source, 19000, 2000, &data, &got), LI_E103_SOURCE_CHANGED);
    ctx.status = LI_OK;
    close_and_check(&ctx, source);
    free(truth);
}

/* --- flat memory ------------------------------------------------------------------ */

/* Resident kB of the mapping that holds this address. */
static long
resident_kb(const void *address)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool inside = false;
    long kb = -1;
    while (maps && fgets(line, sizeof(line), maps)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = (unsigned long)address >= from && (unsigned long)address < to;
        else if (inside && sscanf(line, "Rss: %ld kB", &kb) == 1)
            break;
    }
    if (maps)
        fclose(maps);
    return kb;
}

static void
check_flat_pass(li_source *source, const uint8_t *map, long *most)
{
    uint32_t sum = 0; /* of every page */
    for (uint64_t offset = 0; offset < source->size;) {
        const uint8_t *data;
        size_t got;
        CHECK_EQ(li_source_at(source, offset, 4096, &data, &got), LI_OK);
        for (size_t i = 0; i < got; i += 512)
            sum += data[i];
        offset += got;
        if (offset % (4 << 20) == 0) {
            long kb = resident_kb(map);
            *most = kb > *most ? kb : *most;
        }
    }
    CHECK(sum > 0);
}

TEST(a_mapped_file_stays_out_of_memory_behind_the_head)
{
    enum { MEGABYTES = 64 };
    char *block = calloc(1, 1 << 20);
    FILE *file = fopen(path_of("large"), "wb");
    for (int i = 0; i < MEGABYTES; i++) {
        memset(block, i + 1, 1 << 20);
        CHECK_EQ(fwrite(block, 1, 1 << 20, file), 1 << 20);
    }
    fclose(file);
    free(block);
    make_old(path_of("large"));
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_source *source = open_kind(&ctx, 0, path_of("large"), NULL, 0);
    const uint8_t *map;
    CHECK_EQ(li_source_all(source, &map), LI_OK);
    long most = 0;
    check_flat_pass(source, map, &most);
    check_flat_pass(source, map, &most); /* the reader goes back to the start */
    CHECK(most > 0);
    if (!CHECK(most <= 4096))
        fprintf(stderr, "%ld kB were resident\n", most);
    close_and_check(&ctx, source);
    unlink(path_of("large"));
}

/* --- which way in ----------------------------------------------------------------- */

static const char *
auto_name(const char *path)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_source *source = NULL;
    const char *name = "";
    CHECK_EQ(li_source_open(&ctx, path, LI_IO_AUTO, &source), LI_OK);
    if (source)
        name = source->ops->name;
    close_and_check(&ctx, source);
    return name;
}

#if defined(__linux__)
static long pretended_type; /* of the file system; 0: the true one */

/* Stands before the system's. */
int
fstatfs(int fd, struct statfs *where)
{
    if (!pretended_type)
        return (int)syscall(SYS_fstatfs, fd, where);
    memset(where, 0, sizeof(*where));
    where->f_type = pretended_type;
    return 0;
}

TEST(files_of_a_network_are_read_unless_a_map_was_asked_for)
{
    static const long remote[] = {0x6969,     0xff534d42, 0xfe534d42, 0x517b,
                                  0x01021997, 0x65735546, 0x00c36400};
    static const long local[] = {0xef53, 0x01021994, 0x794c7630, 0x9123683e};
    write_file(path_of("net"), "0123456789", 10);
    make_old(path_of("net"));
    for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
        pretended_type = remote[i];
        CHECK_TEXT(auto_name(path_of("net")), "read");
    }
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        pretended_type = local[i];
        CHECK_TEXT(auto_name(path_of("net")), "map");
    }
    pretended_type = remote[0];
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_source *source = open_kind(&ctx, 0, path_of("net"), NULL, 0);
    CHECK_TEXT(source->ops->name, "map");
    close_and_check(&ctx, source);
    pretended_type = 0;
}
#endif

TEST(an_old_file_is_mapped_and_a_young_one_read)
{
    write_file(path_of("age"), "0123456789", 10);
    CHECK_TEXT(auto_name(path_of("age")), "map");
    CHECK_EQ(utimensat(AT_FDCWD, path_of("age"), NULL, 0), 0);
    CHECK_TEXT(auto_name(path_of("age")), "read");
}

/* In a child, whose address space is nearly full. */
static int
auto_without_room(void)
{
    struct rlimit limit = {.rlim_cur = 192 << 20, .rlim_max = 192 << 20};
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_source *source = NULL;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 1;
    if (li_source_open(&ctx, path_of("huge"), LI_IO_AUTO, &source) != LI_OK)
        return 2;
    if (strcmp(source->ops->name, "read") != 0)
        return 3;
    li_source_close(&source);
    if (li_source_open(&ctx, path_of("huge"), LI_IO_MAP, &source) != LI_E102_MAP ||
        source)
        return 4;
    return ctx.bytes || ctx.sys_errno != ENOMEM ? 5 : 0;
}

TEST(what_cannot_be_mapped_is_read_unless_a_map_was_asked_for)
{
#if defined(__SANITIZE_ADDRESS__)
    return; /* its shadow is larger than any limit */
#endif
    write_file(path_of("huge"), "x", 1);
    CHECK_EQ(truncate(path_of("huge"), 1 << 29), 0);
    make_old(path_of("huge"));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(auto_without_room());
    int answer = -1;
    CHECK(waitpid(child, &answer, 0) == child);
    CHECK_EQ(answer, 0);
    unlink(path_of("huge"));
}

/* --- what cannot be opened -------------------------------------------------------- */

static void
check_refused(const char *path, li_status wanted, int sys_errno)
{
    for (int io = LI_IO_AUTO; io <= LI_IO_READ; io++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_source *source = (li_source *)&ctx;
        CHECK_EQ(li_source_open(&ctx, path, (li_io)io, &source), wanted);
        CHECK_EQ(ctx.sys_errno, sys_errno);
        CHECK(!source);
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(a_file_that_is_not_there_is_e100)
{
    check_refused(path_of("nothing"), LI_E100_SOURCE_NOT_FOUND, ENOENT);
    check_refused("", LI_E100_SOURCE_NOT_FOUND, ENOENT);
    write_file(path_of("plain"), "x", 1);
    check_refused(path_of("plain/below"), LI_E100_SOURCE_NOT_FOUND, ENOTDIR);
}

TEST(a_directory_is_e101)
{
    check_refused(folder, LI_E101_READ, EISDIR);
}

TEST(pipes_and_devices_are_e101_and_never_hang)
{
    alarm(20);
    CHECK_EQ(mkfifo(path_of("pipe"), 0600), 0);
    check_refused(path_of("pipe"), LI_E101_READ, ESPIPE);
    check_refused("/dev/null", LI_E101_READ, ESPIPE);
    check_refused("/dev/zero", LI_E101_READ, ESPIPE);
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_source *source = NULL;
    CHECK_EQ(li_source_open_fd(&ctx, ends[0], LI_IO_AUTO, NULL, &source), LI_E101_READ);
    CHECK(!source && ctx.bytes == 0);
    close(ends[0]);
    close(ends[1]);
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_source_open_fd(&ctx, 99999, LI_IO_AUTO, NULL, &source), LI_E101_READ);
    CHECK_EQ(ctx.sys_errno, EBADF);
    alarm(0);
}

TEST(a_file_without_permission_is_e101)
{
    if (geteuid() == 0)
        return; /* root may read everything */
    write_file(path_of("secret"), "x", 1);
    CHECK_EQ(chmod(path_of("secret"), 0), 0);
    check_refused(path_of("secret"), LI_E101_READ, EACCES);
}

TEST(an_empty_input_is_e132)
{
    write_file(path_of("empty"), "", 0);
    check_refused(path_of("empty"), LI_E132_TRUNCATED, 0);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_source *source = NULL;
    CHECK_EQ(li_source_borrow(&ctx, "", 0, &source), LI_E132_TRUNCATED);
    CHECK(!source);
}

TEST(an_input_over_the_limit_is_e123_and_an_equal_one_passes)
{
    write_file(path_of("sized"), "0123456789", 10);
    for (int kind = 0; kind < 3; kind++)
        for (uint64_t limit = 9; limit <= 10; limit++) {
            li_limits limits = {.max_input_bytes = limit};
            li_ctx ctx;
            li_ctx_init(&ctx, &limits);
            li_source *source = NULL;
            li_status status = kind == 2
                                   ? li_source_borrow(&ctx, "0123456789", 10, &source)
                                   : li_source_open(&ctx, path_of("sized"),
                                                    (li_io)(kind + 1), &source);
            CHECK_EQ(status, limit == 9 ? LI_E123_FIREWALL : LI_OK);
            CHECK_TEXT(ctx.message, limit == 9 ? "source: 10 bytes are more than "
                                                 "limits(max_input_bytes=9)"
                                               : "");
            li_source_close(&source);
            CHECK_EQ(ctx.bytes, 0);
        }
}

TEST(every_allocation_of_an_open_can_fail)
{
    write_file(path_of("alloc"), "0123456789", 10);
    for (int kind = 0; kind < 3; kind++)
        for (int n = 0;; n++) {
            li_ctx ctx;
            li_ctx_init(&ctx, NULL);
            ctx.allocs_left = n;
            li_source *source = NULL;
            const uint8_t *all;
            li_status status = kind == 2
                                   ? li_source_borrow(&ctx, "0123456789", 10, &source)
                                   : li_source_open(&ctx, path_of("alloc"),
                                                    (li_io)(kind + 1), &source);
            if (status == LI_OK)
                status = li_source_all(source, &all);
            li_source_close(&source);
            CHECK_EQ(ctx.bytes, 0);
            if (status == LI_OK)
                break;
            CHECK_EQ(status, LI_ENOMEM);
            CHECK(n < 5);
        }
}

TEST(no_descriptor_is_left_behind)
{
    int before = dup(0);
    close(before);
    check_refused(folder, LI_E101_READ, EISDIR);
    check_refused(path_of("empty"), LI_E132_TRUNCATED, 0);
    li_source *none = NULL;
    li_source_close(&none);
    int after = dup(0);
    close(after);
    CHECK_EQ(after, before);
}

int
main(void)
{
    if (!make_folder())
        return 1;
    RUN(every_kind_gives_the_same_bytes);
    RUN(window_borders_are_exact);
    RUN(a_header_is_read_a_page_at_a_time);
    RUN(a_header_read_of_a_file_that_shrinks_is_e103);
    RUN(a_mapped_file_stays_out_of_memory_behind_the_head);
#if defined(__linux__)
    RUN(files_of_a_network_are_read_unless_a_map_was_asked_for);
#endif
    RUN(an_old_file_is_mapped_and_a_young_one_read);
    RUN(what_cannot_be_mapped_is_read_unless_a_map_was_asked_for);
    RUN(a_file_that_is_not_there_is_e100);
    RUN(a_directory_is_e101);
    RUN(pipes_and_devices_are_e101_and_never_hang);
    RUN(a_file_without_permission_is_e101);
    RUN(an_empty_input_is_e132);
    RUN(an_input_over_the_limit_is_e123_and_an_equal_one_passes);
    RUN(every_allocation_of_an_open_can_fail);
    RUN(no_descriptor_is_left_behind);
    return end_in_folder();
}
