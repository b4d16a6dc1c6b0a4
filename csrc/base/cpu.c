/* cpu.c: ask the machine once which instruction sets it runs, and each time how busy it
 * is. Layer 0. */
#include "base/cpu.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

enum { KNOWN = 1 << 30 };

/* 0 until somebody asked; every thread finds the same. */
static atomic_uint cpu_flags;

static unsigned
find_flags(void)
{
    unsigned flags = 0;
#if defined(LI_CPU_X86)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3"))
        flags |= LI_CPU_SSE41;
    if (__builtin_cpu_supports("avx2"))
        flags |= LI_CPU_AVX2;
    if (flags && __builtin_cpu_supports("pclmul"))
        flags |= LI_CPU_CLMUL;
#elif defined(LI_CPU_ARM64)
    flags = LI_CPU_NEON; /* part of the architecture */
#endif
    return flags;
}

unsigned
li_cpu(void)
{
    unsigned flags = atomic_load_explicit(&cpu_flags, memory_order_relaxed);
    if (!flags) {
        flags = find_flags() | KNOWN;
        atomic_store_explicit(&cpu_flags, flags, memory_order_relaxed);
    }
    return flags & ~(unsigned)KNOWN;
}

#if defined(__linux__)

/* Threads that run or want to, in all the system, this one among them; 0: unknown. */
static int
count_runnable(void)
{
    char text[128];
    int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[got > 0 ? got : 0] = 0;
    int runnable = 0; /* "0.20 0.18 0.12 1/80 11206": the fourth */
    return sscanf(text, "%*s %*s %*s %d/", &runnable) == 1 ? runnable : 0;
}

int
li_idle_cpus(void)
{
    cpu_set_t usable;
    int runnable = count_runnable();
    if (runnable < 1 || sched_getaffinity(0, sizeof(usable), &usable) != 0)
        return 0;
    int idle = CPU_COUNT(&usable) - runnable;
    return idle > 0 ? idle : 0;
}

#else

int
li_idle_cpus(void)
{
    return 0;
}

#endif
