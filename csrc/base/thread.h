/* thread.h: one more thread, and a lock with a condition. Layer 0. */
#ifndef LI_BASE_THREAD_H
#define LI_BASE_THREAD_H

#include "base/base.h"

#include <pthread.h>

/* A lock, and the wait for what it guards to change. */
typedef struct li_monitor {
    pthread_mutex_t lock;
    pthread_cond_t changed;
} li_monitor;

/* False: the system refused. */
bool li_monitor_open(li_monitor *monitor);
void li_monitor_close(li_monitor *monitor);
void li_monitor_enter(li_monitor *monitor);
void li_monitor_leave(li_monitor *monitor);
/* Inside: wait until somebody wakes us, or for so long; it may wake for nothing. */
void li_monitor_wait(li_monitor *monitor);
/* False: the time is over. */
bool li_monitor_wait_ns(li_monitor *monitor, int64_t ns);
/* Inside: wake the one who waits, or all who do. */
void li_monitor_wake(li_monitor *monitor);
void li_monitor_wake_all(li_monitor *monitor);

/* Threads that may run at once: who runs has one, who waits for another gives it back.
 */
typedef struct li_slots {
    li_monitor monitor;
    uint32_t free;
} li_slots;

bool li_slots_open(li_slots *slots, uint32_t count);
void li_slots_close(li_slots *slots);
/* Both accept NULL: then as many run as like to. */
void li_slots_take(li_slots *slots);
void li_slots_give(li_slots *slots);

/* What encoders that run at once have said that they take of one heap, where only the
 * whole of it can be looked at. Zeroed and with its monitor open nobody runs. */
typedef struct li_pledge {
    li_monitor monitor;
    uint32_t running;
    uint64_t base;  /* bytes of the heap when the first of these began */
    uint64_t bytes; /* said by all of these */
} li_pledge;

/* Start run(arg) with this much stack and with every signal blocked but those of
 * faults: handlers of the process never run there. False: the system refused. */
bool li_thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *),
                     void *arg);
void li_thread_join(pthread_t thread);

#endif
