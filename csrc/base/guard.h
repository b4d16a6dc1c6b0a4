/* guard.h: a mapped file that shrinks under us is an error, not a SIGBUS. Layer 0.
 *
 * A guard covers one mapping. What touches a page that has gone sets `poisoned`;
 * li_poll looks at it between rows and li_source_verify before any result leaves. */
#ifndef LI_BASE_GUARD_H
#define LI_BASE_GUARD_H

#include "base/base.h"

typedef struct li_guard {
    const void *address; /* borrowed: the mapping */
    size_t size;
    atomic_int poisoned;
} li_guard;

/* Cover [address, address + size). The guard must stay where it is until removed. */
void li_guard_add(li_guard *guard, const void *address, size_t size);
/* Stop covering; after this the mapping may be unmapped. Accepts a zeroed guard. */
void li_guard_remove(li_guard *guard);

#endif
