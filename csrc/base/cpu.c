/* cpu.c: ask the machine once which instruction sets it runs. Layer 0. */
#include "base/cpu.h"

#include <stdatomic.h>

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
