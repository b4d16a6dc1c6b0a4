/* batch.c: run_many(): the calling thread parses units for the crew, wraps what is
 * done, and looks after signals, while the crew works. Layer 5.
 *
 * At most two units a worker are parsed and not settled: a list of any length costs no
 * more. Everything that Python has to do happens here, on the thread that called. */
#include "python/crew.h"

#include <string.h>

enum {
    SLICE_NS = 20 * 1000 * 1000,  /* between two looks at signals */
    TRIM_NS = 1000 * 1000 * 1000, /* between two trims of the heap */
    TRIM_BYTES = 32 << 20,        /* a job that took less leaves little behind */
};

typedef struct batch {
    PyObject *module, *feed, *settle, *tick; /* borrowed */
    py_cancel *cancel;                       /* borrowed */
    py_crew crew;
    uint32_t open;   /* units that are parsed and not settled */
    bool fed;        /* feed() has no more, or will not be asked */
    PyObject *error; /* owned: the first exception of a call into Python */
} batch;

/* The pending exception ends the batch: what runs is cancelled, the rest not begun. */
static void
stop(batch *self)
{
    PyObject *error = PyErr_GetRaisedException();
    atomic_store(&self->cancel->flag, 1);
    self->fed = true;
    if (self->error)
        Py_XDECREF(error);
    else
        self->error = error;
}

/* --- units ----------------------------------------------------------------------- */

static void
unit_free(py_unit *unit)
{
    for (uint32_t i = 0; i < unit->count; i++)
        py_job_clear(&unit->jobs[i]);
    PyMem_Free(unit->jobs);
    Py_CLEAR(unit->token);
    PyMem_Free(unit);
}

static int
parse_jobs(batch *self, PyObject *source, PyObject *requests, py_unit *unit)
{
    Py_ssize_t count = PyTuple_GET_SIZE(requests);
    unit->jobs = PyMem_Calloc(count ? (size_t)count : 1, sizeof(*unit->jobs));
    if (!unit->jobs) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        py_job *job = &unit->jobs[i];
        PyObject *request = PyTuple_GET_ITEM(requests, i);
        unit->count++;
        if (py_job_parse(self->module, source, request, PY_WHOLE, job) < 0)
            return -1;
        job->ctx.cancel = &self->cancel->flag;
    }
    return 0;
}

static py_unit *
unit_parse(batch *self, PyObject *fed)
{
    PyObject *token, *source, *requests;
    if (!PyArg_ParseTuple(fed, "OOO!", &token, &source, &PyTuple_Type, &requests))
        return NULL;
    py_unit *unit = PyMem_Calloc(1, sizeof(*unit));
    if (!unit) {
        PyErr_NoMemory();
        return NULL;
    }
    unit->token = Py_NewRef(token);
    if (parse_jobs(self, source, requests, unit) == 0)
        return unit;
    unit_free(unit);
    return NULL;
}

/* One more unit for the crew, if there is one. */
static void
feed_one(batch *self)
{
    PyObject *fed = PyObject_CallNoArgs(self->feed);
    if (fed == Py_None) {
        Py_DECREF(fed);
        self->fed = true;
        return;
    }
    py_unit *unit = NULL;
    if (fed && !PyTuple_Check(fed))
        PyErr_SetString(PyExc_TypeError, "feed() must give a tuple or None");
    else if (fed)
        unit = unit_parse(self, fed);
    Py_XDECREF(fed);
    if (!unit) {
        stop(self);
        return;
    }
    self->open++;
    py_crew_put(&self->crew, unit);
}

/* --- results --------------------------------------------------------------------- */

/* (result, metrics), (exception, None) or, if it is to be fed again, (None, None); new
 * references, NULL and an exception if even that fails. */
static PyObject *
wrap_job(py_job *job, PyObject **metrics)
{
    if (job->later) {
        *metrics = Py_NewRef(Py_None);
        return Py_NewRef(Py_None);
    }
    if (!job->failed) {
        *metrics = py_wrap_metrics(job, job->size);
        PyObject *result = *metrics ? py_wrap_result(job) : NULL;
        if (!result)
            Py_CLEAR(*metrics);
        return result;
    }
    py_raise(job);
    *metrics = Py_NewRef(Py_None);
    return PyErr_GetRaisedException();
}

static void
settle_job(batch *self, py_unit *unit, uint32_t i)
{
    PyObject *metrics = NULL;
    PyObject *result = wrap_job(&unit->jobs[i], &metrics);
    PyObject *said = NULL;
    if (result)
        said = PyObject_CallFunction(self->settle, "OIOO", unit->token, i, result,
                                     metrics);
    Py_XDECREF(metrics);
    Py_XDECREF(result);
    if (!said)
        stop(self);
    else if (PyLong_CheckExact(said))
        li_budget_give(&self->crew.budget, PyLong_AsUnsignedLongLong(said));
    Py_XDECREF(said);
}

/* The source needs the codec that is loaded on first use. Nothing has been made. */
static bool
try_again(batch *self, py_unit *unit)
{
    if (unit->loaded || unit->jobs[0].ctx.status != LI_E112_CODEC || self->error)
        return false;
    unit->loaded = true;
    if (py_further_load(self->module) < 0) {
        PyErr_Clear(); /* E112 says it */
        return false;
    }
    for (uint32_t i = 0; i < unit->count; i++) {
        py_job *job = &unit->jobs[i];
        job->further[0] = py_state_of(self->module)->further;
        job->settled = job->failed = false;
        job->ctx.status = LI_OK;
        job->ctx.message[0] = 0;
    }
    py_crew_put(&self->crew, unit);
    return true;
}

static void
trim(batch *self, const py_unit *unit)
{
    uint64_t peak = 0;
    for (uint32_t i = 0; i < unit->count; i++)
        peak =
            unit->jobs[i].ctx.peak_bytes > peak ? unit->jobs[i].ctx.peak_bytes : peak;
    int64_t now = li_now_ns();
    if (peak < TRIM_BYTES || now - self->crew.trimmed_ns < TRIM_NS)
        return;
    self->crew.trimmed_ns = now;
    li_trim_heap();
}

static void
settle_unit(batch *self, py_unit *unit)
{
    if (unit->count > 0 && try_again(self, unit))
        return;
    for (uint32_t i = 0; i < unit->count && !self->error; i++)
        settle_job(self, unit, i);
    trim(self, unit);
    unit_free(unit);
    self->open--;
    self->fed = self->error != NULL; /* what was settled may have made more units */
}

/* --- the loop -------------------------------------------------------------------- */

static void
look_around(batch *self)
{
    if (self->error)
        return;
    if (PyErr_CheckSignals() < 0) {
        stop(self);
        return;
    }
    PyObject *said = PyObject_CallNoArgs(self->tick);
    int cancelled = said ? PyObject_IsTrue(said) : -1;
    Py_XDECREF(said);
    if (cancelled < 0)
        stop(self);
    else if (cancelled)
        atomic_store(&self->cancel->flag, 1);
}

static void
work(batch *self)
{
    int64_t looked_ns = 0;
    while (!self->fed || self->open > 0) {
        while (!self->fed && self->open < 2 * self->crew.workers)
            feed_one(self);
        if (!self->open)
            continue;
        py_unit *unit;
        Py_BEGIN_ALLOW_THREADS unit = py_crew_take(&self->crew, SLICE_NS);
        Py_END_ALLOW_THREADS if (unit) settle_unit(self, unit);
        int64_t now = li_now_ns();
        if (now - looked_ns < SLICE_NS / 2)
            continue;
        looked_ns = now;
        look_around(self);
    }
}

static PyObject *
run_batch(batch *self, uint32_t workers, uint64_t bytes, int alone)
{
    if (!py_crew_open(&self->crew, workers, bytes, alone))
        return PyErr_NoMemory();
    self->crew.trimmed_ns = 0;
    work(self);
    Py_BEGIN_ALLOW_THREADS py_crew_close(&self->crew);
    Py_END_ALLOW_THREADS if (!self->error) Py_RETURN_NONE;
    PyErr_SetRaisedException(self->error);
    return NULL;
}

PyObject *
py_run_many(PyObject *module, PyObject *args)
{
    unsigned long long bytes;
    unsigned workers;
    int alone;
    PyObject *cancel;
    batch *self = PyMem_Calloc(1, sizeof(*self));
    if (!self)
        return PyErr_NoMemory();
    self->module = module;
    PyObject *answer = NULL;
    if (PyArg_ParseTuple(args, "OOOO!IKp", &self->feed, &self->settle, &self->tick,
                         py_state_of(module)->cancel_type, &cancel, &workers, &bytes,
                         &alone)) {
        self->cancel = (py_cancel *)cancel;
        workers = workers < 1 ? 1 : workers;
        answer = run_batch(self, workers < PY_MOST_WORKERS ? workers : PY_MOST_WORKERS,
                           bytes, alone);
    }
    PyMem_Free(self);
    return answer;
}
