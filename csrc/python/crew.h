/* crew.h: the threads of one run_many(): units in, units out. Layer 5.
 *
 * A unit is a source with the jobs on it. The calling thread puts units in and takes
 * done ones out; the crew never touches a PyObject. */
#ifndef LI_PYTHON_CREW_H
#define LI_PYTHON_CREW_H

#include "python/py.h"

#include "group/budget.h"

typedef struct py_unit {
    struct py_unit *next;
    PyObject *token; /* owned: what feed() called it */
    uint32_t count;
    py_job *jobs; /* owned, PyMem */
    bool loaded;  /* tried again with the codec that is loaded on first use */
} py_unit;

/* First in, first out. */
typedef struct py_queue {
    py_unit *first, *last;
    uint32_t count;
} py_queue;

enum { PY_MOST_WORKERS = 256 };

typedef struct py_crew {
    uint32_t workers, started, followers;
    pthread_t threads[PY_MOST_WORKERS];
    /* Those who run covered units only: they need no bytes, and what they do gives back
     * the bytes for which all others may be waiting. */
    pthread_t following[PY_MOST_WORKERS];
    const atomic_int *cancel; /* borrowed */
    li_slots slots;           /* of those who run */
    li_budget budget;
    li_pledge pledge;   /* of the encoders that run */
    int64_t trimmed_ns; /* the calling thread's */
    li_monitor monitor; /* of all below */
    py_queue waiting, covered, done;
    bool closed; /* no more units will come */
} py_crew;

/* False: the system refused. */
bool py_crew_open(py_crew *crew, uint32_t workers, uint64_t bytes, bool alone);
/* Waits until every unit is done; then `done` has those that nobody took. */
void py_crew_close(py_crew *crew);
/* Starts a thread more if there may be one. */
void py_crew_put(py_crew *crew, py_unit *unit);
/* The next one that is done, or NULL: then after `wait_ns` at most. Without the GIL. */
py_unit *py_crew_take(py_crew *crew, int64_t wait_ns);

#endif
