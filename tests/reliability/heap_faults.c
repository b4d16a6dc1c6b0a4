/* heap_faults.c: see heap_faults.h. Linked into a test, or LD_PRELOADed. glibc only. */
#include "heap_faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
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

PUBLIC void
heap_faults_arm(long long count)
{
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

static bool
refuses(void)
{
    if (atomic_load_explicit(&left, memory_order_relaxed) < 0)
        return false;
    if (atomic_fetch_sub(&left, 1) != 0) /* below 0 by another thread: it is over */
        return false;
    atomic_store(&fired, 1);
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

/* False: it was not counted. */
static bool
release(const void *block)
{
    bool found = false;
    if (!block)
        return false;
    enter();
    size_t i = place_of((uintptr_t)block);
    while (held[i].start && held[i].start != (uintptr_t)block)
        i = (i + 1) % PLACES;
    if (held[i].start) {
        found = true;
        live -= (long long)held[i].size;
        held[i].start = 0;
        close_gap(i);
    }
    leave();
    return found;
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

/* --- malloc ------------------------------------------------------------------------
 */

static void *
refused(void)
{
    errno = ENOMEM;
    return NULL;
}

static void *
taken(void *block, uintptr_t caller)
{
    if (block)
        hold(block, malloc_usable_size(block), caller);
    return block;
}

PUBLIC void *
malloc(size_t size)
{
    return refuses() ? refused() : taken(__libc_malloc(size), CALLER);
}

PUBLIC void *
calloc(size_t count, size_t size)
{
    return refuses() ? refused() : taken(__libc_calloc(count, size), CALLER);
}

PUBLIC void *
memalign(size_t alignment, size_t size)
{
    return refuses() ? refused() : taken(__libc_memalign(alignment, size), CALLER);
}

PUBLIC void *
aligned_alloc(size_t alignment, size_t size)
{
    return refuses() ? refused() : taken(__libc_memalign(alignment, size), CALLER);
}

PUBLIC int
posix_memalign(void **block, size_t alignment, size_t size)
{
    void *made = refuses() ? NULL : taken(__libc_memalign(alignment, size), CALLER);
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
    if (refuses())
        return refused();
    size_t old = block ? malloc_usable_size(block) : 0;
    bool was = release(block);
    void *moved = __libc_realloc(block, size);
    if (moved)
        return taken(moved, CALLER);
    if (was && size)
        keep(block, old, CALLER);
    return NULL;
}

/* --- pages and threads -------------------------------------------------------------
 */

PUBLIC void *
mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (refuses()) {
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
    if (refuses()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    bool was = release(address);
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
    if (refuses())
        return EAGAIN;
    if (!next) {
        void *found = dlsym(RTLD_NEXT, "pthread_create");
        memcpy(&next, &found, sizeof(next));
    }
    return next(thread, how, run, arg);
}

/* --- the end -----------------------------------------------------------------------
 */

static char *story;
static size_t story_size;

/* The modules on the stack from the top, each once, but the C library's and this. */
static void
tell(int number)
{
    enum { FRAMES = 48 };
    void *frames[FRAMES];
    char text[256];
    Dl_info self = {0}, found;
    const char *last = "";
    dladdr((const void *)heap_faults_live, &self);
    int used = snprintf(text, sizeof(text), "signal %d", number);
    int count = backtrace(frames, FRAMES);
    for (int i = 0; i < count; i++) {
        if (!dladdr(frames[i], &found) || !found.dli_fname)
            continue;
        const char *name = name_of(found.dli_fname);
        if (strncmp(name, "libc.so", 7) == 0 || strcmp(name, last) == 0 ||
            (found.dli_fbase == self.dli_fbase && i < 3))
            continue;
        last = name;
        if (used < (int)sizeof(text))
            used += snprintf(text + used, sizeof(text) - (size_t)used, " %s:%s", name,
                             found.dli_sname ? found.dli_sname : "?");
    }
    if (story)
        snprintf(story, story_size, "%s", text);
    else
        dprintf(STDERR_FILENO, "%s\n", text);
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
    void *frames[1];
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    story = text;
    story_size = size;
    backtrace(frames, 1); /* loads what it needs */
    for (int i = 0; i < 5; i++) {
        struct sigaction how = {.sa_handler = die, .sa_flags = SA_NODEFER};
        sigaction(deadly[i], &how, NULL);
    }
}
