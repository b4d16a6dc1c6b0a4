/* guard.h: a mapped file that shrinks under us is an error, not a SIGBUS. Layer 0.
 *
 * A guard covers one mapping, for whatever thread reads it. What touches a page that
 * has gone reads zeros from there to the end of the mapping and sets `poisoned`;
 * li_poll looks at it between rows and li_source_verify before any result leaves. Every
 * other SIGBUS goes to whoever handled it before. */
#ifndef LI_BASE_GUARD_H
#define LI_BASE_GUARD_H

#include "base/base.h"

typedef struct li_guard {
    atomic_int poisoned;
    int slot;     /* 1 + index of the process's table; 0: covers nothing */
    bool blocked; /* SIGBUS was, on the thread that added it */
} li_guard;

/* Cover whole pages at [address, address + size). The guard must stay where it is until
 * it is removed, by the same thread. False: too many are covered, or the system lets
 * nobody handle SIGBUS; then nothing is. */
bool li_guard_add(li_guard *guard, void *address, size_t size) LI_MUST_CHECK;
/* Stop covering; only then, and if true, may the mapping be unmapped. Accepts a zeroed
 * guard. */
bool li_guard_remove(li_guard *guard) LI_MUST_CHECK;
/* Go before a handler that was installed since a guard was added: li_poll_clock does,
 * so that one that comes in the middle of a job is not asked first for long. */
void li_guard_renew(void);
/* Pages that had gone, in this process so far. */
uint64_t li_guard_faults(void);

#endif
