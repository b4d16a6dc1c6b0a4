/* guard.c: what is known of each guarded mapping. Layer 0.
 *
 * Nothing sets `poisoned` yet but a test: the SIGBUS handler that does is the next
 * step, and everything above already asks. */
#include "base/guard.h"

void
li_guard_add(li_guard *guard, const void *address, size_t size)
{
    guard->address = address;
    guard->size = size;
    atomic_store(&guard->poisoned, 0);
}

void
li_guard_remove(li_guard *guard)
{
    guard->address = NULL;
    guard->size = 0;
}
