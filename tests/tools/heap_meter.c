/* heap_meter.c: count the bytes that a process holds on its heap, and their highest. A
 * test's tool: LD_PRELOADed, it stands before malloc and anonymous mmap. glibc only.
 *
 * A block counts with its usable size, the size that the allocator gave; a mapping with
 * its whole pages. Files and thread stacks are not heap. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

/* glibc's own entries: no dlsym, which would itself allocate. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

enum { MAPPINGS = 4096 };

typedef struct mapping {
    uintptr_t start;
    size_t size; /* 0: a free place */
} mapping;

static atomic_llong live, peak;
static mapping mappings[MAPPINGS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

PUBLIC long long
heap_meter_live(void)
{
    return atomic_load(&live);
}

PUBLIC long long
heap_meter_peak(void)
{
    return atomic_load(&peak);
}

/* Let the peak start again from what is held now, which is returned. */
PUBLIC long long
heap_meter_reset(void)
{
    long long now = atomic_load(&live);
    atomic_store(&peak, now);
    return now;
}

static void
count(long long change)
{
    long long now = atomic_fetch_add(&live, change) + change;
    long long highest = atomic_load(&peak);
    while (now > highest && !atomic_compare_exchange_weak(&peak, &highest, now))
        continue;
}

static void *
counted(void *block)
{
    if (block)
        count((long long)malloc_usable_size(block));
    return block;
}

PUBLIC void *
malloc(size_t size)
{
    return counted(__libc_malloc(size));
}

PUBLIC void *
calloc(size_t number, size_t size)
{
    return counted(__libc_calloc(number, size));
}

PUBLIC void *
memalign(size_t alignment, size_t size)
{
    return counted(__libc_memalign(alignment, size));
}

PUBLIC void *
aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

PUBLIC int
posix_memalign(void **block, size_t alignment, size_t size)
{
    void *got = memalign(alignment, size);
    if (!got)
        return ENOMEM;
    *block = got;
    return 0;
}

PUBLIC void
free(void *block)
{
    if (block)
        count(-(long long)malloc_usable_size(block));
    __libc_free(block);
}

PUBLIC void *
realloc(void *block, size_t size)
{
    long long old = block ? (long long)malloc_usable_size(block) : 0;
    void *grown = __libc_realloc(block, size);
    if (grown)
        count((long long)malloc_usable_size(grown) - old);
    else if (!size)
        count(-old);
    return grown;
}

static size_t
whole_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static void
remember(void *start, size_t size)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < MAPPINGS; i++)
        if (!mappings[i].size) {
            mappings[i] = (mapping){(uintptr_t)start, size};
            count((long long)size);
            break;
        }
    pthread_mutex_unlock(&lock);
}

/* Take [start, start + size) out of what is remembered; a hole leaves two mappings. */
static void
forget(void *address, size_t size)
{
    uintptr_t start = (uintptr_t)address, end = start + size;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < MAPPINGS; i++) {
        mapping whole = mappings[i];
        uintptr_t stop = whole.start + whole.size;
        if (!whole.size || end <= whole.start || stop <= start)
            continue;
        uintptr_t low = start > whole.start ? start : whole.start;
        uintptr_t high = end < stop ? end : stop;
        count(-(long long)(high - low));
        mappings[i] = (mapping){whole.start, low - whole.start};
        for (size_t j = 0; high < stop && j < MAPPINGS; j++)
            if (!mappings[j].size) {
                mappings[j] = (mapping){high, stop - high};
                break;
            }
    }
    pthread_mutex_unlock(&lock);
}

PUBLIC void *
mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    void *got = (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
    if (got == MAP_FAILED)
        return got;
    size_t whole = whole_pages(size);
    if (flags & MAP_FIXED)
        forget(got, whole);
    if (flags & MAP_ANONYMOUS)
        remember(got, whole);
    return got;
}

PUBLIC void *
mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    return mmap(address, size, protection, flags, fd, offset);
}

PUBLIC int
munmap(void *address, size_t size)
{
    int result = (int)syscall(SYS_munmap, address, size);
    if (result == 0)
        forget(address, whole_pages(size));
    return result;
}

static int
is_remembered(void *address)
{
    int found = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < MAPPINGS; i++)
        found |= mappings[i].size && mappings[i].start == (uintptr_t)address;
    pthread_mutex_unlock(&lock);
    return found;
}

PUBLIC void *
mremap(void *address, size_t size, size_t new_size, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    void *wanted = flags & MREMAP_FIXED ? va_arg(rest, void *) : NULL;
    va_end(rest);
    int ours = is_remembered(address);
    void *got = (void *)syscall(SYS_mremap, address, size, new_size, flags, wanted);
    if (got != MAP_FAILED && ours) {
        forget(address, whole_pages(size));
        remember(got, whole_pages(new_size));
    }
    return got;
}
