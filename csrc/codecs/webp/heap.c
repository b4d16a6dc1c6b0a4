/* heap.c: how much malloc has handed out, where the C library tells: glibc; and is it
 * more than encoders have said that they take? Layer 2. */
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

static void
enter(const li_webp_heap *heap)
{
    if (heap->pledge != &heap->own)
        li_monitor_enter(&heap->pledge->monitor);
}

static void
leave(const li_webp_heap *heap)
{
    if (heap->pledge != &heap->own)
        li_monitor_leave(&heap->pledge->monitor);
}

void
li_webp_heap_begin(li_webp_heap *heap, li_pledge *shared, uint64_t bytes)
{
    *heap = (li_webp_heap){.pledge = shared ? shared : &heap->own, .bytes = bytes};
    li_pledge *pledge = heap->pledge;
    enter(heap);
    if (pledge->running++ == 0) {
        pledge->base = li_webp_heap_bytes();
        pledge->bytes = 0;
    }
    pledge->bytes += bytes;
    leave(heap);
}

bool
li_webp_heap_is_full(const li_webp_heap *heap, uint64_t step)
{
    enter(heap);
    bool full = li_webp_heap_bytes() + step > heap->pledge->base + heap->pledge->bytes;
    leave(heap);
    return full;
}

void
li_webp_heap_end(li_webp_heap *heap)
{
    if (!heap->pledge)
        return;
    enter(heap);
    heap->pledge->running--;
    heap->pledge->bytes -= heap->bytes;
    leave(heap);
    heap->pledge = NULL;
}
