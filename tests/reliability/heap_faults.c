/* heap_faults.c: see heap_faults.h. Linked into a test, or LD_PRELOADed. glibc only. */
#include "heap_faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))
#define CALLER ((uintptr_t)__builtin_return_address(0))

/* glibc's own entries: no dlsym, which would itself allocate. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

enum { RANGES = 64, PLACES = 1 << 20 };

static struct {
    uintptr_t low, high;
} ranges[RANGES];
static int range_count;

/* What is held: open addressing, 0 is free. */
static struct {
    uintptr_t start, caller;
    size_t size;
    long long moment;
} held[PLACES];
static atomic_flag busy = ATOMIC_FLAG_INIT;
static long long live, moment;

static atomic_llong left = -1;
static atomic_int fired;

/* The stack of who was refused. */
enum { FRAMES = 48 };
static void *stack[FRAMES];
static int stack_size;
static bool primed; /* backtrace() has what it needs */
static char *story; /* of the end; NULL: to standard error */
static size_t story_size;

PUBLIC void
heap_faults_arm(long long count)
{
    stack_size = 0;
    atomic_store(&fired, 0);
    atomic_store(&left, count);
}

PUBLIC int
heap_faults_disarm(void)
{
    atomic_store(&left, -1);
    return atomic_load(&fired);
}

PUBLIC long long
heap_faults_live(void)
{
    return live;
}

PUBLIC void
heap_faults_count(uintptr_t low, uintptr_t high)
{
    if (range_count < RANGES) {
        ranges[range_count].low = low;
        ranges[range_count++].high = high;
    }
}

/* From the caller on; frames of this file are above it. */
static void
keep_stack(uintptr_t caller)
{
    int count = primed ? backtrace(stack, FRAMES) : 0, first = 0;
    while (first < count && (uintptr_t)stack[first] != caller)
        first++;
    stack_size = count - first;
    memmove(stack, stack + first, (size_t)stack_size * sizeof(stack[0]));
    if (stack_size == 0)
        stack[stack_size++] = (void *)caller;
    if (story) /* should nothing more be said */
        snprintf(story, story_size, "refused %s;", heap_faults_refused());
}

static bool
refuses(uintptr_t caller)
{
    if (atomic_load_explicit(&left, memory_order_relaxed) < 0)
        return false;
    if (atomic_fetch_sub(&left, 1) != 0) /* below 0 by another thread: it is over */
        return false;
    atomic_store(&fired, 1);
    keep_stack(caller);
    return true;
}

/* --- what is held ------------------------------------------------------------------
 */

static bool
counts(uintptr_t caller)
{
    for (int i = 0; i < range_count; i++)
        if (caller >= ranges[i].low && caller < ranges[i].high)
            return true;
    return range_count == 0;
}

static size_t
place_of(uintptr_t start)
{
    return (size_t)((start >> 4) * 0x9e3779b97f4a7c15u >> 44) % PLACES;
}

static void
enter(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        continue;
}

static void
leave(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

static void
keep(void *block, size_t size, uintptr_t caller)
{
    enter();
    size_t i = place_of((uintptr_t)block);
    while (held[i].start)
        i = (i + 1) % PLACES;
    held[i].start = (uintptr_t)block;
    held[i].size = size;
    held[i].caller = caller;
    held[i].moment = ++moment;
    live += (long long)size;
    leave();
}

static void
hold(void *block, size_t size, uintptr_t caller)
{
    if (block && counts(caller))
        keep(block, size, caller);
}

/* Those behind a place that is free now move up, so that each is still found. */
static void
close_gap(size_t gap)
{
    for (size_t i = (gap + 1) % PLACES; held[i].start; i = (i + 1) % PLACES) {
        size_t home = place_of(held[i].start);
        if ((i - home) % PLACES < (i - gap) % PLACES)
            continue;
        held[gap] = held[i];
        held[i].start = 0;
        gap = i;
    }
}

/* Its size; −1: it was not counted. */
static long long
release(const void *block)
{
    long long size = -1;
    if (!block)
        return size;
    enter();
    size_t i = place_of((uintptr_t)block);
    while (held[i].start && held[i].start != (uintptr_t)block)
        i = (i + 1) % PLACES;
    if (held[i].start) {
        size = (long long)held[i].size;
        live -= size;
        held[i].start = 0;
        close_gap(i);
    }
    leave();
    return size;
}

static const char *
name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

PUBLIC long long
heap_faults_now(void)
{
    return moment;
}

PUBLIC const char *
heap_faults_holder(long long since)
{
    Dl_info found;
    for (size_t i = 0; i < PLACES; i++)
        if (held[i].start && held[i].moment > since)
            return dladdr((void *)held[i].caller, &found) ? name_of(found.dli_fname)
                                                          : "?";
    return NULL;
}

static bool
begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static bool
is_ours(const char *name)
{
    return begins(name, "allocations") || begins(name, "_core") ||
           begins(name, "_avif");
}

static bool
is_interpreter(const char *name)
{
    return begins(name, "python") || begins(name, "libpython");
}

PUBLIC const char *
heap_faults_refused(void)
{
    static char text[160];
    const char *asker = "", *entry = "?", *ours = "", *second = "?";
    for (int i = 0; i < stack_size && !*ours; i++) {
        Dl_info found;
        if (!dladdr(stack[i], &found) || !found.dli_fname)
            continue;
        const char *name = name_of(found.dli_fname);
        if (begins(name, "libc.so"))
            continue;
        asker = *asker ? asker : name;
        if (i == 1 && found.dli_sname)
            second = found.dli_sname;
        if (is_ours(name))
            ours = name;
        else
            entry = found.dli_sname ? found.dli_sname : "?";
    }
    if (is_interpreter(asker))
        snprintf(text, sizeof(text), "%s for %s%s%s", asker, second,
                 *ours ? " under " : "", ours);
    else if (!*ours || is_ours(asker))
        snprintf(text, sizeof(text), "%s", asker);
    else
        snprintf(text, sizeof(text), "%s in %s", asker, entry);
    return text;
}

/* --- malloc ------------------------------------------------------------------------
 */

static void *
refused(void)
{
    errno = ENOMEM;
    return NULL;
}

static void *
taken(void *block, size_t size, uintptr_t caller)
{
    if (block)
        hold(block, size, caller);
    return block;
}

PUBLIC void *
malloc(size_t size)
{
    return refuses(CALLER) ? refused() : taken(__libc_malloc(size), size, CALLER);
}

PUBLIC void *
calloc(size_t count, size_t size)
{
    return refuses(CALLER) ? refused()
                           : taken(__libc_calloc(count, size), count * size, CALLER);
}

PUBLIC void *
memalign(size_t alignment, size_t size)
{
    return refuses(CALLER) ? refused()
                           : taken(__libc_memalign(alignment, size), size, CALLER);
}

PUBLIC void *
aligned_alloc(size_t alignment, size_t size)
{
    return refuses(CALLER) ? refused()
                           : taken(__libc_memalign(alignment, size), size, CALLER);
}

PUBLIC int
posix_memalign(void **block, size_t alignment, size_t size)
{
    void *made =
        refuses(CALLER) ? NULL : taken(__libc_memalign(alignment, size), size, CALLER);
    if (!made)
        return ENOMEM;
    *block = made;
    return 0;
}

PUBLIC void
free(void *block)
{
    release(block);
    __libc_free(block);
}

PUBLIC void *
realloc(void *block, size_t size)
{
    if (refuses(CALLER))
        return refused();
    long long old = release(block);
    void *moved = __libc_realloc(block, size);
    if (moved)
        return taken(moved, size, CALLER);
    if (old >= 0 && size)
        keep(block, (size_t)old, CALLER);
    return NULL;
}

/* --- pages and threads -------------------------------------------------------------
 */

PUBLIC void *
mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (refuses(CALLER)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    void *got = (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
    if (got != MAP_FAILED && !(flags & MAP_FIXED))
        hold(got, size, CALLER);
    return got;
}

PUBLIC void *mmap64(void *, size_t, int, int, int, off_t)
    __attribute__((alias("mmap")));

PUBLIC int
munmap(void *address, size_t size)
{
    release(address);
    return (int)syscall(SYS_munmap, address, size);
}

PUBLIC void *
mremap(void *address, size_t size, size_t new_size, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    void *wanted = flags & MREMAP_FIXED ? va_arg(rest, void *) : NULL;
    va_end(rest);
    if (refuses(CALLER)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    bool was = release(address) >= 0;
    void *got = (void *)syscall(SYS_mremap, address, size, new_size, flags, wanted);
    if (was)
        keep(got == MAP_FAILED ? address : got, got == MAP_FAILED ? size : new_size,
             CALLER);
    return got;
}

/* Its stack and what the C library keeps of a thread are memory, too. */
PUBLIC int
pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *),
               void *arg)
{
    static __typeof__(&pthread_create) next;
    if (refuses(CALLER))
        return EAGAIN;
    if (!next) {
        void *found = dlsym(RTLD_NEXT, "pthread_create");
        memcpy(&next, &found, sizeof(next));
    }
    return next(thread, how, run, arg);
}

/* --- the end -----------------------------------------------------------------------
 */

static void
say(const char *text)
{
    if (story)
        snprintf(story, story_size, "%s", text);
    else
        dprintf(STDERR_FILENO, "%s\n", text);
}

/* The modules on the stack from the top, each once, but the C library's and this. */
static void
tell(int number)
{
    void *frames[FRAMES];
    char modules[256] = "", text[512];
    Dl_info self = {0}, found;
    const char *last = "", *top = "?", *refused = heap_faults_refused();
    size_t used = 0;
    dladdr((const void *)heap_faults_live, &self);
    snprintf(text, sizeof(text), "signal %d in ?, refused %s;", number, refused);
    say(text); /* where the stack is destroyed, that is all */
    int count = backtrace(frames, FRAMES);
    for (int i = 0; i < count; i++) {
        if (!dladdr(frames[i], &found) || !found.dli_fname)
            continue;
        const char *name = name_of(found.dli_fname);
        if (begins(name, "libc.so") || strcmp(name, last) == 0 ||
            (found.dli_fbase == self.dli_fbase && i < 3))
            continue;
        top = *last ? top : name;
        last = name;
        if (used < sizeof(modules))
            used += (size_t)snprintf(modules + used, sizeof(modules) - used, " %s:%s",
                                     name, found.dli_sname ? found.dli_sname : "?");
    }
    snprintf(text, sizeof(text), "signal %d in %s, refused %s;%s", number, top, refused,
             modules);
    say(text);
}

static void
die(int number)
{
    heap_faults_disarm();
    signal(number, SIG_DFL);
    tell(number);
    raise(number);
}

PUBLIC void
heap_faults_explain(char *text, unsigned long size)
{
    static uint8_t aside[64 << 10]; /* the usual one may be destroyed */
    stack_t other = {.ss_sp = aside, .ss_size = sizeof(aside)};
    void *frames[1];
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    story = text;
    story_size = size;
    backtrace(frames, 1); /* loads what it needs */
    primed = true;
    sigaltstack(&other, NULL);
    for (int i = 0; i < 5; i++) {
        struct sigaction how = {.sa_handler = die, .sa_flags = SA_NODEFER | SA_ONSTACK};
        sigaction(deadly[i], &how, NULL);
    }
}
