/* kernels.c: which kernel tables this build has and this machine runs. Layer 1. */
#include "kernels/kernels.h"

#include "base/cpu.h"

#include <string.h>

typedef struct choice {
    const li_kernels *table;
    unsigned needs; /* of cpu.h */
} choice;

/* Best first. */
static const choice choices[] = {
#if defined(LI_CPU_X86)
    {&li_kernels_avx2, LI_CPU_AVX2},
    {&li_kernels_sse41, LI_CPU_SSE41},
#elif defined(LI_CPU_ARM64)
    {&li_kernels_neon, LI_CPU_NEON},
#endif
    {&li_kernels_scalar, 0},
};

const li_kernels *
li_kernels_named(const char *name)
{
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        const choice *at = &choices[i];
        if ((li_cpu() & at->needs) != at->needs)
            continue;
        if (!name || strcmp(name, at->table->name) == 0)
            return at->table;
    }
    return NULL;
}
