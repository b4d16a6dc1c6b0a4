/* test_file.c: an output file is whole or not there. */
#include "base/file.h"
#include "outputs.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Create, write and commit as far as it goes; nothing is left on the ledger. */
static li_status
write_whole(li_ctx *ctx, const char *path, const char *text, bool durable)
{
    li_file *file = (li_file *)ctx;
    li_ctx_init(ctx, NULL);
    li_status status = li_file_create(ctx, path, durable, &file);
    if (status == LI_OK)
        status = li_file_write(file, text, strlen(text));
    if (status == LI_OK)
        status = li_file_commit(file);
    li_file_close(&file);
    CHECK(!file);
    CHECK_EQ(ctx->bytes, 0);
    CHECK_EQ(count_temps(folder), 0);
    return status;
}

static void
check_fails(const char *path, int sys_errno)
{
    for (int durable = 0; durable < 2; durable++) {
        li_ctx ctx;
        CHECK_EQ(write_whole(&ctx, path, "new", durable), LI_E301_WRITE);
        CHECK_EQ(ctx.sys_errno, sys_errno);
    }
}

/* --- what gets there -------------------------------------------------------------- */

TEST(a_file_appears_when_it_is_committed_and_not_before)
{
    for (int durable = 0; durable < 2; durable++) {
        li_ctx ctx;
        li_file *file;
        li_ctx_init(&ctx, NULL);
        const char *path = path_of(durable ? "durable" : "quick");
        CHECK_EQ(li_file_create(&ctx, path, durable, &file), LI_OK);
        CHECK_EQ(li_file_write(file, "hello", 5), LI_OK);
        CHECK(access(path, F_OK) != 0);
        CHECK_EQ(count_temps(folder), has_nameless() ? 0 : 1);
        CHECK_EQ(li_file_commit(file), LI_OK);
        CHECK(holds(path, "hello"));
        CHECK_EQ(count_temps(folder), 0);
        li_file_close(&file);
        CHECK(holds(path, "hello"));
        CHECK_EQ(ctx.bytes, 0);
    }
}

TEST(without_a_commit_nothing_is_left)
{
    put(path_of("kept"), "old");
    for (int existing = 0; existing < 2; existing++) {
        li_ctx ctx;
        li_file *file;
        li_ctx_init(&ctx, NULL);
        CHECK_EQ(
            li_file_create(&ctx, path_of(existing ? "kept" : "never"), true, &file),
            LI_OK);
        CHECK_EQ(li_file_write(file, "hello", 5), LI_OK);
        li_file_close(&file);
        li_file_close(&file);
        CHECK_EQ(ctx.bytes, 0);
        CHECK_EQ(count_temps(folder), 0);
    }
    CHECK(access(path_of("never"), F_OK) != 0);
    CHECK(holds(path_of("kept"), "old"));
}

TEST(pieces_of_any_size_arrive_in_order)
{
    enum { SIZE = 700000 };
    uint8_t *truth = malloc(SIZE), *found = malloc(SIZE + 1);
    uint32_t state = 6;
    for (size_t i = 0; i < SIZE; i++)
        truth[i] = (uint8_t)test_random(&state);
    li_ctx ctx;
    li_file *file;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_file_create(&ctx, path_of("pieces"), false, &file), LI_OK);
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 3, 65533, 131072, 100};
    size_t done = 0;
    for (int i = 0; done < SIZE; i++) {
        size_t size = sizes[(size_t)i % (sizeof(sizes) / sizeof(sizes[0]))];
        size = size < SIZE - done ? size : SIZE - done;
        CHECK_EQ(li_file_write(file, truth + done, size), LI_OK);
        done += size;
    }
    CHECK_EQ(li_file_commit(file), LI_OK);
    li_file_close(&file);
    FILE *back = fopen(path_of("pieces"), "rb");
    CHECK_EQ(fread(found, 1, SIZE + 1, back), SIZE);
    CHECK(memcmp(found, truth, SIZE) == 0);
    fclose(back);
    free(truth);
    free(found);
}

TEST(a_new_file_has_the_umasks_mode_and_an_old_one_keeps_its_own)
{
    li_ctx ctx;
    mode_t old = umask(027);
    CHECK_EQ(write_whole(&ctx, path_of("fresh"), "x", false), LI_OK);
    CHECK_EQ(mode_of(path_of("fresh")), 0640);
    static const mode_t modes[] = {0600, 0666, 0444, 0751, 0400};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        CHECK_EQ(chmod(path_of("fresh"), modes[i]), 0);
        CHECK_EQ(write_whole(&ctx, path_of("fresh"), "y", false), LI_OK);
        CHECK_EQ(mode_of(path_of("fresh")), modes[i]);
    }
    umask(old);
}

TEST(nobody_can_read_a_private_file_while_it_is_replaced)
{
    mode_t old = umask(0);
    put(path_of("private"), "old");
    CHECK_EQ(chmod(path_of("private"), 0600), 0);
    li_ctx ctx;
    li_file *file;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_file_create(&ctx, path_of("private"), false, &file), LI_OK);
    DIR *all = opendir(folder);
    int seen = 0;
    for (struct dirent *entry; (entry = readdir(all));)
        if (strncmp(entry->d_name, ".lazyimage-", 11) == 0 && ++seen)
            CHECK_EQ(mode_of(path_of(entry->d_name)) & 077, 0);
    CHECK_EQ(seen, has_nameless() ? 0 : 1);
    closedir(all);
    li_file_close(&file);
    umask(old);
}

TEST(a_name_of_250_letters_works)
{
    char name[251];
    memset(name, 'n', 250);
    name[250] = '\0';
    li_ctx ctx;
    CHECK_EQ(write_whole(&ctx, path_of(name), "long", true), LI_OK);
    CHECK(holds(path_of(name), "long"));
}

TEST(a_relative_path_is_of_the_working_directory)
{
    char here[512];
    li_ctx ctx;
    CHECK(getcwd(here, sizeof(here)) != NULL);
    CHECK_EQ(chdir(folder), 0);
    CHECK_EQ(write_whole(&ctx, "bare", "bare", true), LI_OK);
    CHECK(holds("bare", "bare"));
    CHECK_EQ(chdir(here), 0);
}

/* --- links and devices ------------------------------------------------------------ */

TEST(a_symbolic_link_is_followed_and_stays_a_link)
{
    static const char *const targets[] = {"there", "absent", "middle", "sub/deep"};
    CHECK_EQ(mkdir(path_of("sub"), 0777), 0);
    put(path_of("there"), "old");
    CHECK_EQ(symlink("sub/../last", path_of("middle")), 0);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        for (int absolute = 0; absolute < 2; absolute++) {
            struct stat link;
            li_ctx ctx;
            unlink(path_of("link"));
            CHECK_EQ(
                symlink(absolute ? path_of(targets[i]) : targets[i], path_of("link")),
                0);
            CHECK_EQ(write_whole(&ctx, path_of("link"), targets[i], true), LI_OK);
            CHECK_EQ(lstat(path_of("link"), &link), 0);
            CHECK(S_ISLNK(link.st_mode));
            CHECK(holds(path_of(targets[i]), targets[i]));
        }
    CHECK(holds(path_of("last"), "middle"));
    struct stat middle;
    CHECK_EQ(lstat(path_of("middle"), &middle), 0);
    CHECK(S_ISLNK(middle.st_mode));
}

TEST(a_link_in_the_directory_part_is_followed)
{
    li_ctx ctx;
    CHECK_EQ(symlink("sub", path_of("sublink")), 0);
    CHECK_EQ(symlink("../over", path_of("sub/up")), 0);
    CHECK_EQ(write_whole(&ctx, path_of("sublink/up"), "over", true), LI_OK);
    CHECK(holds(path_of("over"), "over"));
}

TEST(a_ring_of_links_is_an_error)
{
    CHECK_EQ(symlink("ring-b", path_of("ring-a")), 0);
    CHECK_EQ(symlink("ring-a", path_of("ring-b")), 0);
    check_fails(path_of("ring-a"), ELOOP);
}

TEST(a_device_is_written_directly)
{
    li_ctx ctx;
    struct stat before, after;
    CHECK_EQ(stat("/dev/null", &before), 0);
    CHECK_EQ(write_whole(&ctx, "/dev/null", "gone", true), LI_OK);
    CHECK_EQ(stat("/dev/null", &after), 0);
    CHECK(before.st_ino == after.st_ino && before.st_mode == after.st_mode);
}

static void *
read_pipe(void *arg)
{
    static char found[16];
    int fd = open(arg, O_RDONLY);
    ssize_t size = read(fd, found, sizeof(found) - 1);
    close(fd);
    return size == 5 ? found : NULL;
}

TEST(a_pipe_is_written_directly)
{
    li_ctx ctx;
    char path[512];
    pthread_t reader;
    void *found = NULL;
    alarm(20);
    snprintf(path, sizeof(path), "%s", path_of("pipe"));
    CHECK_EQ(mkfifo(path, 0600), 0);
    CHECK_EQ(pthread_create(&reader, NULL, read_pipe, path), 0);
    CHECK_EQ(write_whole(&ctx, path, "piped", true), LI_OK);
    pthread_join(reader, &found);
    CHECK(found && strcmp(found, "piped") == 0);
    alarm(0);
}

/* --- what fails ------------------------------------------------------------------- */

TEST(a_missing_directory_is_an_error)
{
    check_fails(path_of("no/such/file"), ENOENT);
    put(path_of("plain"), "x");
    check_fails(path_of("plain/file"), ENOTDIR);
}

TEST(a_directory_as_target_is_an_error)
{
    check_fails(path_of("sub"), EISDIR);
    CHECK_EQ(symlink("sub", path_of("to-sub")), 0);
    check_fails(path_of("to-sub"), EISDIR);
    check_fails(path_of("sub/"), EISDIR);
    check_fails("/", EISDIR);
}

TEST(a_full_device_is_an_error_with_its_errno)
{
    check_fails("/dev/full", ENOSPC);
    CHECK_EQ(symlink("/dev/full", path_of("full")), 0);
    check_fails(path_of("full"), ENOSPC);
}

TEST(a_target_that_becomes_a_directory_leaves_no_temp)
{
    li_ctx ctx;
    li_file *file;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_file_create(&ctx, path_of("late"), true, &file), LI_OK);
    CHECK_EQ(li_file_write(file, "hello", 5), LI_OK);
    CHECK_EQ(mkdir(path_of("late"), 0777), 0);
    CHECK_EQ(li_file_commit(file), LI_E301_WRITE);
    CHECK_EQ(ctx.sys_errno, EISDIR);
    li_file_close(&file);
    CHECK_EQ(count_temps(folder), 0);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(a_target_that_appears_meanwhile_is_replaced)
{
    li_ctx ctx;
    li_file *file;
    li_ctx_init(&ctx, NULL);
    CHECK_EQ(li_file_create(&ctx, path_of("raced"), true, &file), LI_OK);
    CHECK_EQ(li_file_write(file, "hello", 5), LI_OK);
    put(path_of("raced"), "another's");
    CHECK_EQ(li_file_commit(file), LI_OK);
    li_file_close(&file);
    CHECK(holds(path_of("raced"), "hello"));
    CHECK_EQ(count_temps(folder), 0);
    CHECK_EQ(unlink(path_of("raced")), 0);
}

/* In a child, which is killed while it writes over the file, or beside it. */
static int
write_and_die(size_t existing)
{
    li_ctx ctx;
    li_file *file;
    li_ctx_init(&ctx, NULL);
    if (li_file_create(&ctx, path_of(existing ? "kept" : "died"), true, &file) != LI_OK)
        return 1;
    static const char block[70000];
    if (li_file_write(file, block, sizeof(block)) == LI_OK)
        raise(SIGKILL);
    return 2;
}

TEST(who_is_killed_leaves_nothing_where_files_need_no_name)
{
    put(path_of("kept"), "old");
    for (size_t existing = 0; has_nameless() && existing < 2; existing++) {
        CHECK_EQ(answer_of(write_and_die, existing), 1000 + SIGKILL);
        CHECK_EQ(count_temps(folder), 0);
        CHECK(access(path_of("died"), F_OK) != 0);
        CHECK(holds(path_of("kept"), "old"));
    }
}

/* In a child: no file may grow past 100,000 bytes. The writes are larger than that, by
 * `step` bytes each; what was there stays. */
static int
write_past_limit(size_t step)
{
    struct rlimit limit = {.rlim_cur = 100000, .rlim_max = 100000};
    static const char block[70000];
    li_ctx ctx;
    li_file *file;
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    li_ctx_init(&ctx, NULL);
    if (li_file_create(&ctx, path_of("limited"), true, &file) != LI_OK)
        return 2;
    li_status status = LI_OK;
    for (size_t done = 0; status == LI_OK && done < 120000; done += step)
        status = li_file_write(file, block, step);
    if (status == LI_OK)
        status = li_file_commit(file);
    li_file_close(&file);
    if (status != LI_E301_WRITE || ctx.sys_errno != EFBIG || ctx.bytes)
        return 3;
    return holds(path_of("limited"), "old") && count_temps(folder) == 0 ? 0 : 4;
}

TEST(a_full_disk_leaves_the_old_file_and_no_temp)
{
    static const size_t steps[] = {1000, 65536, 70000, 40000};
    put(path_of("limited"), "old");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        CHECK_EQ(answer_of(write_past_limit, steps[i]), 0);
}

/* In a child that is not root. */
static int
write_without_rights(size_t mode)
{
    li_ctx ctx;
    if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0))
        return 1;
    li_status status = write_whole(&ctx, path_of("locked/file"), "new", true);
    if (mode == 0555) /* may not be written */
        return status == LI_E301_WRITE && ctx.sys_errno == EACCES ? 0 : 2;
    return status == LI_OK ? 0 : 3; /* may be written, not listed */
}

TEST(a_directorys_rights_decide)
{
    CHECK_EQ(mkdir(path_of("locked"), 0777), 0);
    CHECK_EQ(chmod(folder, 0755), 0);
    CHECK_EQ(chmod(path_of("locked"), 0555), 0);
    CHECK_EQ(answer_of(write_without_rights, 0555), 0);
    CHECK(access(path_of("locked/file"), F_OK) != 0);
    CHECK_EQ(chmod(path_of("locked"), 0333), 0);
    CHECK_EQ(answer_of(write_without_rights, 0333), 0);
    CHECK_EQ(chmod(path_of("locked"), 0777), 0);
    CHECK(holds(path_of("locked/file"), "new"));
    CHECK_EQ(count_temps(path_of("locked")), 0);
}

TEST(every_allocation_can_fail)
{
    CHECK_EQ(symlink("alloc", path_of("alloc-link")), 0);
    for (int n = 0;; n++) {
        li_ctx ctx;
        li_file *file = NULL;
        li_ctx_init(&ctx, NULL);
        ctx.allocs_left = n;
        li_status status = li_file_create(&ctx, path_of("alloc-link"), false, &file);
        li_file_close(&file);
        CHECK_EQ(ctx.bytes, 0);
        CHECK_EQ(count_temps(folder), 0);
        if (status == LI_OK)
            break;
        CHECK_EQ(status, LI_ENOMEM);
        CHECK(n < 10);
    }
}

/* In a directory of its own: in both ways that a file may come to its name. */
static int
run_all(bool named)
{
    char command[100];
    no_proc = named;
    snprintf(folder, sizeof(folder), "/tmp/li-file-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    RUN(a_file_appears_when_it_is_committed_and_not_before);
    RUN(without_a_commit_nothing_is_left);
    RUN(pieces_of_any_size_arrive_in_order);
    RUN(a_new_file_has_the_umasks_mode_and_an_old_one_keeps_its_own);
    RUN(nobody_can_read_a_private_file_while_it_is_replaced);
    RUN(a_name_of_250_letters_works);
    RUN(a_relative_path_is_of_the_working_directory);
    RUN(a_symbolic_link_is_followed_and_stays_a_link);
    RUN(a_link_in_the_directory_part_is_followed);
    RUN(a_ring_of_links_is_an_error);
    RUN(a_device_is_written_directly);
    RUN(a_pipe_is_written_directly);
    RUN(a_missing_directory_is_an_error);
    RUN(a_directory_as_target_is_an_error);
    RUN(a_full_device_is_an_error_with_its_errno);
    RUN(a_target_that_becomes_a_directory_leaves_no_temp);
    RUN(a_target_that_appears_meanwhile_is_replaced);
    RUN(who_is_killed_leaves_nothing_where_files_need_no_name);
    RUN(a_full_disk_leaves_the_old_file_and_no_temp);
    RUN(a_directorys_rights_decide);
    RUN(every_allocation_can_fail);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

int
main(void)
{
    int failed = run_all(false);
    failed += run_all(true);
    return failed != 0 || test_end();
}
