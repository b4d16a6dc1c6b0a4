/* guard.c: the handler of SIGBUS and the table of what it covers. Layer 0.
 *
 * Never a longjmp: it would leave a codec, or a thread of a codec, in the middle. The
 * rest of the mapping becomes zeros instead, which is a damaged file, and damaged files
 * are survived anyway. The handler allocates nothing and takes no lock. */
#include "base/guard.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLOTS = 512, PREVIOUS = 16 };
enum { SLOT_FREE, SLOT_CLAIMED, SLOT_LIVE };

typedef struct guard_slot {
    atomic_int state;
    atomic_int handlers; /* that look at it now */
    atomic_uintptr_t low, high;
    _Atomic(atomic_int *) poisoned; /* borrowed from the guard */
} guard_slot;

static guard_slot guard_slots[SLOTS];
static _Atomic(uint64_t) guard_fault_count;
/* Who handled SIGBUS before us: entries are written once, then told by the count. */
static struct sigaction guard_previous[PREVIOUS];
static atomic_int guard_previous_count;
static atomic_int guard_previous_last;  /* 1 + index of the one to go to */
static atomic_int guard_previous_lock;  /* among those who install */
static atomic_uintptr_t guard_chaining; /* the thread that is in it */

/* --- the handler ------------------------------------------------------------------ */

static bool
slot_covers(guard_slot *slot, uintptr_t address)
{
    return atomic_load(&slot->state) == SLOT_LIVE &&
           address >= atomic_load(&slot->low) && address < atomic_load(&slot->high);
}

/* From the page of `address` on the mapping becomes zeros. */
static bool
slot_replace(guard_slot *slot, uintptr_t address)
{
    uintptr_t page = address & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
    size_t size = (size_t)(atomic_load(&slot->high) - page);
    atomic_store(atomic_load(&slot->poisoned), 1);
    void *zeros = mmap((void *)page, size, PROT_READ,
                       MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (zeros == MAP_FAILED)
        return false;
    atomic_fetch_add(&guard_fault_count, 1);
    return true;
}

/* False: not ours. */
static bool
slots_replace(uintptr_t address)
{
    for (size_t i = 0; i < SLOTS; i++) {
        guard_slot *slot = &guard_slots[i];
        if (!slot_covers(slot, address))
            continue;
        atomic_fetch_add(&slot->handlers, 1); /* from here on it stays what it is */
        bool done = slot_covers(slot, address) && slot_replace(slot, address);
        atomic_fetch_sub(&slot->handlers, 1);
        if (done)
            return true;
    }
    return false;
}

/* As if we were not there: the fault, or the signal that somebody sent, comes again. */
static void
die_of(int number, const siginfo_t *info)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(number, &plain, NULL);
    if (info->si_code <= 0) /* sent: it does not come again by itself */
        raise(number);
}

/* The mask that its own sigaction asked for holds while it runs. */
static void
call_previous(const struct sigaction *to, int number, siginfo_t *info, void *context)
{
    sigset_t mask = to->sa_mask, before;
    if (!(to->sa_flags & SA_NODEFER))
        sigaddset(&mask, number);
    pthread_sigmask(SIG_BLOCK, &mask, &before);
    if (to->sa_flags & SA_SIGINFO)
        to->sa_sigaction(number, info, context);
    else
        to->sa_handler(number);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
leave_chain(uintptr_t self)
{
    atomic_compare_exchange_strong(&guard_chaining, &self, 0);
}

static void
go_to_previous(int number, siginfo_t *info, void *context)
{
    int last = atomic_load(&guard_previous_last);
    const struct sigaction *to = last ? &guard_previous[last - 1] : NULL;
    bool sent = info->si_code <= 0;
    uintptr_t self = (uintptr_t)&errno; /* tells threads apart, and needs no call */
    if (to && to->sa_handler == SIG_IGN && sent)
        return;
    bool back = sent && atomic_load(&guard_chaining) == self; /* it sent it to us */
    if (!to || to->sa_handler == SIG_DFL || to->sa_handler == SIG_IGN || back) {
        die_of(number, info);
        return;
    }
    atomic_store(&guard_chaining, self);
    call_previous(to, number, info, context);
    leave_chain(self);
}

static void
on_sigbus(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code <= 0 || !slots_replace((uintptr_t)info->si_addr))
        go_to_previous(number, info, context);
    errno = saved;
}

/* --- who is asked ----------------------------------------------------------------- */

static bool
is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_sigbus;
}

static bool
same_action(const struct sigaction *a, const struct sigaction *b)
{
    return a->sa_flags == b->sa_flags && a->sa_handler == b->sa_handler;
}

/* Handlers come and go (faulthandler does): one that was there before is found again.
 * In a list that is full the last entry stays. */
static void
remember(const struct sigaction *action)
{
    int count = atomic_load(&guard_previous_count), at = 0;
    while (at < count && !same_action(&guard_previous[at], action))
        at++;
    if (at == PREVIOUS)
        return;
    if (at == count) {
        guard_previous[at] = *action;
        atomic_store(&guard_previous_count, count + 1);
    }
    atomic_store(&guard_previous_last, at + 1);
}

/* Looked at for each mapping and while it is read, because others install theirs late.
 */
static bool
install(void)
{
    enum { PATIENCE = 1000 }; /* its holder may be a thread that a fork left behind */
    int tries = 0;
    struct sigaction now, own = {.sa_sigaction = on_sigbus};
    own.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&own.sa_mask);
    if (sigaction(SIGBUS, NULL, &now) != 0)
        return false;
    if (is_ours(&now))
        return true;
    while (atomic_exchange(&guard_previous_lock, 1) && tries++ < PATIENCE)
        sched_yield();
    bool done = sigaction(SIGBUS, NULL, &now) == 0;
    if (done && !is_ours(&now)) {
        remember(&now); /* before it can be needed */
        done = sigaction(SIGBUS, &own, NULL) == 0;
    }
    atomic_store(&guard_previous_lock, 0);
    return done;
}

/* --- mappings --------------------------------------------------------------------- */

static int
slot_claim(void)
{
    for (int i = 0; i < SLOTS; i++) {
        int expected = SLOT_FREE;
        if (atomic_load_explicit(&guard_slots[i].state, memory_order_relaxed) ==
                SLOT_FREE &&
            atomic_compare_exchange_strong(&guard_slots[i].state, &expected,
                                           SLOT_CLAIMED))
            return i + 1;
    }
    return 0;
}

/* A fault whose signal is blocked ends the process whatever its handler. */
static void
unblock(li_guard *guard)
{
    sigset_t mask, before;
    sigemptyset(&mask);
    sigaddset(&mask, SIGBUS);
    guard->blocked = pthread_sigmask(SIG_UNBLOCK, &mask, &before) == 0 &&
                     sigismember(&before, SIGBUS) == 1;
}

bool
li_guard_add(li_guard *guard, void *address, size_t size)
{
    int found = install() ? slot_claim() : 0;
    leave_chain((uintptr_t)&errno); /* if a handler left by a jump */
    atomic_store(&guard->poisoned, 0);
    guard->slot = found;
    if (!found)
        return false;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), low = (uintptr_t)address;
    guard_slot *slot = &guard_slots[found - 1];
    atomic_store(&slot->low, low);
    atomic_store(&slot->high, (low + size + page - 1) & ~(page - 1));
    atomic_store(&slot->poisoned, &guard->poisoned);
    atomic_store(&slot->state, SLOT_LIVE);
    unblock(guard);
    return true;
}

/* False: a handler is still at it. It takes microseconds; one that a fork left behind
 * in another thread never ends. */
static bool
slot_release(guard_slot *slot)
{
    enum { PATIENCE = 1 << 20 };
    int tries = 0;
    atomic_store(&slot->state, SLOT_CLAIMED);
    while (atomic_load(&slot->handlers) && tries++ < PATIENCE)
        sched_yield();
    if (atomic_load(&slot->handlers))
        return false;
    atomic_store(&slot->state, SLOT_FREE);
    return true;
}

bool
li_guard_remove(li_guard *guard)
{
    bool done = !guard->slot || slot_release(&guard_slots[guard->slot - 1]);
    if (guard->blocked) {
        sigset_t mask;
        sigemptyset(&mask);
        sigaddset(&mask, SIGBUS);
        pthread_sigmask(SIG_BLOCK, &mask, NULL);
    }
    guard->slot = 0;
    guard->blocked = false;
    return done;
}

void
li_guard_renew(void)
{
    (void)install();
}

uint64_t
li_guard_faults(void)
{
    return atomic_load(&guard_fault_count);
}
