/* test_guard.c: mapped files that are cut under the reader, and who else wants SIGBUS.
 *
 * What may end a process runs in a child of this one. */
#include "base/guard.h"
#include "base/sources.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { PAGE = 4096, SIZE = 40 * PAGE, CUT = 10 * PAGE };

static li_source *
open_map(li_ctx *ctx, const char *name)
{
    uint8_t *data = random_bytes(SIZE);
    write_file(path_of(name), data, SIZE);
    free(data);
    li_ctx_init(ctx, NULL);
    li_source *source = open_kind(ctx, 0, path_of(name), NULL, 0);
    CHECK_TEXT(source->ops->name, "map");
    return source;
}

static unsigned
touch(li_source *source, uint64_t offset)
{
    const uint8_t *data;
    size_t got;
    CHECK_EQ(li_source_at(source, offset, 1, &data, &got), LI_OK);
    return *(const volatile uint8_t *)data;
}

static void
cut(const char *name)
{
    CHECK_EQ(truncate(path_of(name), CUT), 0);
}

TEST(pages_that_are_gone_read_as_zeros_and_are_e103)
{
    li_ctx ctx;
    li_source *source = open_map(&ctx, "gone");
    uint8_t *truth = random_bytes(SIZE);
    uint64_t faults = li_guard_faults();
    cut("gone");
    CHECK_EQ(touch(source, CUT - 1), truth[CUT - 1]);
    CHECK_EQ(li_poll(&ctx), LI_OK);
    CHECK_EQ(touch(source, CUT + 5 * PAGE), 0);
    CHECK_EQ(li_guard_faults(), faults + 1);
    CHECK_EQ(touch(source, SIZE - 1), 0); /* all up to the end */
    CHECK_EQ(li_guard_faults(), faults + 1);
    CHECK_EQ(touch(source, CUT), 0); /* before it: another fault */
    CHECK_EQ(li_guard_faults(), faults + 2);
    CHECK_EQ(li_poll(&ctx), LI_E103_SOURCE_CHANGED);
    ctx.status = LI_OK;
    CHECK_EQ(li_source_verify(source), LI_E103_SOURCE_CHANGED);
    close_and_check(&ctx, source);
    free(truth);
}

TEST(damage_is_blamed_on_a_change_and_on_nothing_else)
{
    li_ctx ctx;
    li_source *source = open_map(&ctx, "blamed");
    CHECK_EQ(li_source_blame(source, LI_OK), LI_OK);
    CHECK_EQ(li_fail(&ctx, LI_E130_CORRUPT, "jpeg: bad"), LI_E130_CORRUPT);
    CHECK_EQ(li_source_blame(source, LI_E130_CORRUPT), LI_E130_CORRUPT);
    CHECK_TEXT(ctx.message, "jpeg: bad");
    cut("blamed");
    CHECK_EQ(li_source_blame(source, LI_E130_CORRUPT), LI_E103_SOURCE_CHANGED);
    CHECK_EQ(ctx.status, LI_E103_SOURCE_CHANGED);
    ctx.status = LI_E500_CANCELLED;
    CHECK_EQ(li_source_blame(source, LI_E500_CANCELLED), LI_E500_CANCELLED);
    CHECK_EQ(li_source_blame(NULL, LI_E130_CORRUPT), LI_E130_CORRUPT);
    close_and_check(&ctx, source);
}

/* --- threads ---------------------------------------------------------------------- */

/* TSan takes the handler's mmap for a write to what others read. */
__attribute__((no_sanitize_thread)) static void *
touch_all(void *arg)
{
    const volatile uint8_t *data = arg;
    unsigned sum = 0;
    for (size_t at = SIZE; at > 0; at -= PAGE)
        sum += data[at - PAGE];
    return (void *)(uintptr_t)(sum != 0);
}

TEST(any_thread_may_read)
{
    enum { THREADS = 8, ROUNDS = 50 };
    for (int round = 0; round < ROUNDS; round++) {
        li_ctx ctx, other;
        li_source *source = open_map(&ctx, "threads");
        li_source *witness = open_map(&other, "witness");
        const uint8_t *data;
        pthread_t thread[THREADS];
        CHECK_EQ(li_source_all(source, &data), LI_OK);
        cut("threads");
        for (int i = 0; i < THREADS; i++)
            CHECK_EQ(pthread_create(&thread[i], NULL, touch_all, (void *)data), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(thread[i], NULL);
        CHECK_EQ(li_poll(&ctx), LI_E103_SOURCE_CHANGED);
        CHECK_EQ(li_poll(&other), LI_OK);
        CHECK_EQ(li_source_verify(witness), LI_OK);
        close_and_check(&ctx, source);
        close_and_check(&other, witness);
    }
}

TEST(a_thread_that_blocks_the_signal_survives_and_blocks_it_again)
{
    sigset_t mask, now;
    sigemptyset(&mask);
    sigaddset(&mask, SIGBUS);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &mask, NULL), 0);
    li_ctx ctx;
    li_source *source = open_map(&ctx, "blocked");
    cut("blocked");
    CHECK_EQ(touch(source, SIZE - 1), 0);
    close_and_check(&ctx, source);
    CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &mask, &now), 0);
    CHECK_EQ(sigismember(&now, SIGBUS), 1);
}

/* --- the table -------------------------------------------------------------------- */

TEST(a_full_table_is_read_through_a_window)
{
    enum { SLOTS = 512 };
    static li_guard guards[SLOTS];
    void *map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int count = 0;
    while (count < SLOTS && li_guard_add(&guards[count], map, PAGE))
        count++;
    CHECK_EQ(count, SLOTS);
    write_file(path_of("full"), "0123456789", 10);
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_source *source = open_kind(&ctx, 0, path_of("full"), NULL, 0);
    CHECK_TEXT(source->ops->name, "read");
    check_at(source, (const uint8_t *)"0123456789", 10, 3, 7);
    close_and_check(&ctx, source);
    for (int i = 0; i < count; i++)
        CHECK(li_guard_remove(&guards[i]));
    source = open_kind(&ctx, 0, path_of("full"), NULL, 0);
    CHECK_TEXT(source->ops->name, "map");
    close_and_check(&ctx, source);
    munmap(map, PAGE);
}

/* --- other handlers --------------------------------------------------------------- */

/* A mapping of somebody else, whose pages are gone. */
static const volatile uint8_t *
foreign_map(void)
{
    int fd = open(path_of("foreign"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    const volatile uint8_t *data = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    return data;
}

static volatile sig_atomic_t foreign_count, foreign_blocked;
static sigjmp_buf foreign_jump;

static void
on_foreign(int number)
{
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    foreign_blocked = sigismember(&now, number);
    foreign_count++;
    siglongjmp(foreign_jump, 1);
}

static void
on_foreign_info(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_addr)
        on_foreign(number);
}

/* What faulthandler does: say so, then let it happen again to whoever comes next. */
static void
on_raising(int number)
{
    foreign_count++;
    raise(number);
}

/* Does the job survive a cut, with this handler there before, and after it? */
static void
survive_cut(void)
{
    li_ctx ctx;
    li_source *source = open_map(&ctx, "mixed");
    cut("mixed");
    if (touch(source, SIZE - 1) != 0 || li_poll(&ctx) != LI_E103_SOURCE_CHANGED)
        _exit(3);
    li_source_close(&source);
}

static void
foreign_fault(void)
{
    if (sigsetjmp(foreign_jump, 1) == 0)
        (void)foreign_map()[0];
}

static void
child_with_plain_handler(void)
{
    struct sigaction action = {.sa_handler = on_foreign};
    for (int i = 0; i < 3; i++) { /* before, and again after */
        sigaction(SIGBUS, &action, NULL);
        survive_cut();
        foreign_fault();
        foreign_fault();
        if (foreign_count != 2 * i + 2 || !foreign_blocked)
            _exit(4);
    }
}

static void
child_with_info_handler(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER};
    action.sa_sigaction = on_foreign_info;
    sigaction(SIGBUS, &action, NULL);
    survive_cut();
    foreign_fault();
    if (foreign_count != 1 || foreign_blocked)
        _exit(4);
}

static void
child_with_many_handlers(void)
{
    for (int i = 0; i < 100; i++) {
        struct sigaction action = {.sa_handler = i % 2 ? on_foreign : SIG_DFL};
        sigaction(SIGBUS, &action, NULL);
        survive_cut();
    }
    foreign_fault(); /* the last one is the one that is asked */
    if (foreign_count != 1)
        _exit(4);
}

/* One that comes while a job runs is asked second from the next look at the clock on.
 */
static void
child_whose_handler_comes_late(void)
{
    struct sigaction action = {.sa_handler = on_foreign};
    li_ctx ctx;
    li_source *source = open_map(&ctx, "late");
    sigaction(SIGBUS, &action, NULL);
    for (int i = 0; i < 16; i++)
        if (li_poll(&ctx) != LI_OK)
            _exit(3);
    cut("late");
    if (touch(source, SIZE - 1) != 0 || foreign_count)
        _exit(4);
    foreign_fault();
    if (foreign_count != 1)
        _exit(5);
    li_source_close(&source);
    if (ctx.renew)
        _exit(6);
}

static void
child_that_faults(void)
{
    survive_cut();
    (void)foreign_map()[0];
}

static void
child_that_ignores_and_faults(void)
{
    signal(SIGBUS, SIG_IGN);
    survive_cut();
    raise(SIGBUS); /* sent: ignored */
    (void)foreign_map()[0];
}

static void
child_that_is_sent_one(void)
{
    survive_cut();
    raise(SIGBUS);
}

static void
child_whose_handler_raises(void)
{
    signal(SIGBUS, on_raising);
    survive_cut();
    (void)foreign_map()[0];
}

static void
child_of_a_fork(void)
{
    survive_cut();
    pid_t pid = fork();
    if (pid == 0) {
        survive_cut();
        _exit(7);
    }
    int how = 0;
    if (waitpid(pid, &how, 0) != pid || !WIFEXITED(how) || WEXITSTATUS(how) != 7)
        _exit(4);
    survive_cut();
}

static const struct {
    void (*run)(void);
    int signal; /* that it ends by; 0: by itself */
} children[] = {
    {child_with_plain_handler, 0},           {child_with_info_handler, 0},
    {child_with_many_handlers, 0},           {child_that_faults, SIGBUS},
    {child_that_ignores_and_faults, SIGBUS}, {child_that_is_sent_one, SIGBUS},
    {child_whose_handler_raises, SIGBUS},    {child_of_a_fork, 0},
    {child_whose_handler_comes_late, 0},
};

static void
check_child(size_t i)
{
    int how = 0;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(30);
        signal(SIGBUS, SIG_DFL); /* whatever a sanitizer or the tests before left */
        children[i].run();
        _exit(0);
    }
    CHECK_EQ(waitpid(pid, &how, 0), pid);
    int by = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
    int status = WIFEXITED(how) ? WEXITSTATUS(how) : 0;
    if (!CHECK_EQ(by, children[i].signal) || !CHECK_EQ(status, 0))
        fprintf(stderr, "child %zu\n", i);
}

TEST(other_handlers_get_what_is_not_ours)
{
    for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++)
        check_child(i);
}

int
main(void)
{
    if (!make_folder())
        return 1;
    RUN(pages_that_are_gone_read_as_zeros_and_are_e103);
    RUN(damage_is_blamed_on_a_change_and_on_nothing_else);
    RUN(any_thread_may_read);
    RUN(a_thread_that_blocks_the_signal_survives_and_blocks_it_again);
    RUN(a_full_table_is_read_through_a_window);
#if !defined(__SANITIZE_THREAD__) /* it puts off signals that are sent */
    RUN(other_handlers_get_what_is_not_ours);
#else
    (void)other_handlers_get_what_is_not_ours;
#endif
    return end_in_folder();
}
