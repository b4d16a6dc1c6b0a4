/* cpu.h: which instruction sets this machine runs, and whether a CPU is free. Layer 0.
 */
#ifndef LI_BASE_CPU_H
#define LI_BASE_CPU_H

/* What a build can hold at all; files of other machines are empty. */
#if defined(__x86_64__) || defined(__i386__)
#define LI_CPU_X86 1
#elif defined(__aarch64__)
#define LI_CPU_ARM64 1
#endif

enum {
    LI_CPU_SSE41 = 1, /* and SSSE3 */
    LI_CPU_AVX2 = 2,  /* the system saves its registers, too */
    LI_CPU_NEON = 4,
    LI_CPU_CLMUL = 8, /* carry-less multiplication, and SSE4.1 */
};

/* The sets that there are, or-ed; asked of the machine once a process. */
unsigned li_cpu(void);

/* CPUs that this process may use and that nothing runs on now; 0 where the system does
 * not say. A guess: one moment's count of what wants to run, on any CPU. */
int li_idle_cpus(void);

#endif
