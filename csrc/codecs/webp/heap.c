/* heap.c: how much malloc has handed out, where the C library tells: glibc. Layer 2. */
#include "codecs/webp/webp.h"

#if defined(__GLIBC__)
#include <malloc.h>
#if __GLIBC_PREREQ(2, 33)
#define LI_HEAP_KNOWN 1
#endif
#endif

bool
li_webp_heap_known(void)
{
#if defined(LI_HEAP_KNOWN)
    return true;
#else
    return false;
#endif
}

uint64_t
li_webp_heap_bytes(void)
{
#if defined(LI_HEAP_KNOWN)
    struct mallinfo2 heap = mallinfo2();
    return (uint64_t)heap.uordblks + heap.hblkhd;
#else
    return 0;
#endif
}
