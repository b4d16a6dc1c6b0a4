/* thread.c: what we need of pthreads. Layer 0. */
#include "base/thread.h"

#include <signal.h>
#include <time.h>

/* Where a condition cannot be told its clock, a wait may last longer when somebody sets
 * the time back: it ends when it is woken. */
#if defined(__APPLE__)
enum { WAIT_CLOCK = CLOCK_REALTIME };
#else
enum { WAIT_CLOCK = CLOCK_MONOTONIC };
#endif

static int
open_condition(pthread_cond_t *condition)
{
    pthread_condattr_t how;
    int error = pthread_condattr_init(&how);
    if (error)
        return error;
#if !defined(__APPLE__)
    error = pthread_condattr_setclock(&how, WAIT_CLOCK);
#endif
    if (!error)
        error = pthread_cond_init(condition, &how);
    pthread_condattr_destroy(&how);
    return error;
}

bool
li_monitor_open(li_monitor *monitor)
{
    if (pthread_mutex_init(&monitor->lock, NULL))
        return false;
    if (!open_condition(&monitor->changed))
        return true;
    pthread_mutex_destroy(&monitor->lock);
    return false;
}

void
li_monitor_close(li_monitor *monitor)
{
    pthread_cond_destroy(&monitor->changed);
    pthread_mutex_destroy(&monitor->lock);
}

void
li_monitor_enter(li_monitor *monitor)
{
    pthread_mutex_lock(&monitor->lock);
}

void
li_monitor_leave(li_monitor *monitor)
{
    pthread_mutex_unlock(&monitor->lock);
}

void
li_monitor_wait(li_monitor *monitor)
{
    pthread_cond_wait(&monitor->changed, &monitor->lock);
}

bool
li_monitor_wait_ns(li_monitor *monitor, int64_t ns)
{
    enum { SECOND = 1000000000 };
    struct timespec until;
    clock_gettime(WAIT_CLOCK, &until);
    ns += until.tv_nsec;
    until.tv_sec += (time_t)(ns / SECOND);
    until.tv_nsec = (long)(ns % SECOND);
    return pthread_cond_timedwait(&monitor->changed, &monitor->lock, &until) == 0;
}

void
li_monitor_wake(li_monitor *monitor)
{
    pthread_cond_signal(&monitor->changed);
}

void
li_monitor_wake_all(li_monitor *monitor)
{
    pthread_cond_broadcast(&monitor->changed);
}

bool
li_slots_open(li_slots *slots, uint32_t count)
{
    slots->free = count;
    return li_monitor_open(&slots->monitor);
}

void
li_slots_close(li_slots *slots)
{
    li_monitor_close(&slots->monitor);
}

void
li_slots_take(li_slots *slots)
{
    if (!slots)
        return;
    li_monitor_enter(&slots->monitor);
    while (slots->free == 0)
        li_monitor_wait(&slots->monitor);
    slots->free--;
    li_monitor_leave(&slots->monitor);
}

void
li_slots_give(li_slots *slots)
{
    if (!slots)
        return;
    li_monitor_enter(&slots->monitor);
    slots->free++;
    li_monitor_wake(&slots->monitor);
    li_monitor_leave(&slots->monitor);
}

bool
li_thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *), void *arg)
{
    static const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL};
    pthread_attr_t how;
    if (pthread_attr_init(&how))
        return false;
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(&blocked, faults[i]);
    int error = pthread_attr_setstacksize(&how, stack_bytes);
    if (!error) /* a thread inherits the mask of the one that starts it */
        error = pthread_sigmask(SIG_SETMASK, &blocked, &before);
    if (!error) {
        error = pthread_create(thread, &how, run, arg);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&how);
    return !error;
}

void
li_thread_join(pthread_t thread)
{
    pthread_join(thread, NULL);
}
