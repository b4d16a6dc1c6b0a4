/* run.c: parse, call without the GIL, wrap: the four verbs of the module. Layer 5. */
#include "python/py.h"

#include <string.h>

/* --- call: no PyObject from here to the next heading ----------------------------- */

li_status
py_source_open(const py_job *job, li_ctx *ctx, li_source **source)
{
    const py_source *from = job->source;
    li_io io = job->glance && from->io == LI_IO_AUTO ? LI_IO_HEAD : from->io;
    if (from->kind == PY_BYTES)
        return li_source_borrow(ctx, from->view.buf, from->size, source);
    if (job->fd >= 0)
        return li_source_open_fd(ctx, job->fd, io, &job->stamp, source);
    /* The bytes object is immutable and the job holds the source that holds it. */
    const char *path = ((PyBytesObject *)from->path)->ob_sval;
    return li_source_open(ctx, path, io, source);
}

li_status
py_input_open(const py_job *job, li_ctx *ctx, li_source **source, li_input *input)
{
    *source = NULL;
    if (job->source->kind == PY_PIXELS)
        return li_input_frame(ctx, &job->source->frame, input);
    LI_TRY(py_source_open(job, ctx, source));
    return li_input_open(ctx, *source, input);
}

static li_status
verify(li_source *source)
{
    return source ? li_source_verify(source) : LI_OK;
}

li_status
py_job_run(py_job *job, li_source *source)
{
    li_target target;
    li_status status = py_target_open(job, &target);
    if (status == LI_OK)
        status = li_plan_run(&job->ctx, source, &job->input, &job->request, &job->plan,
                             target, &job->times);
    if (status == LI_OK)
        status = verify(source);
    if (status == LI_OK)
        status = py_layers_verify(job);
    if (status == LI_OK)
        status = py_target_finish(job);
    py_target_close(job);
    return status;
}

static li_status
job_verify(py_job *job, li_source *source)
{
    (void)job;
    return verify(source);
}

/* Open, plan if anything is asked for, do. */
static li_status
job_call(py_job *job, py_verb *verb, py_depth depth)
{
    li_source *source;
    int64_t start = li_now_ns(), cpu = li_cpu_ns();
    li_status status = py_input_open(job, &job->ctx, &source, &job->input);
    if (status == LI_OK && depth == PY_WHOLE)
        status = py_input_extras(job, &job->ctx, source, &job->request, &job->input);
    if (status == LI_OK && depth == PY_WHOLE)
        status = py_job_look(job, source);
    if (status == LI_OK && depth == PY_WHOLE)
        status = py_job_plan(job);
    if (status == LI_OK)
        status = verb(job, source);
    status = py_layers_blame(job, li_source_blame(source, status));
    li_icc_close(&job->input.icc);
    li_source_close(&source);
    job->total_ns = li_now_ns() - start;
    job->cpu_ns = li_cpu_ns() - cpu + job->times.ahead.cpu_ns;
    return status;
}

/* --- the GIL --------------------------------------------------------------------- */

typedef struct released {
    PyThreadState *thread;
} released;

/* Every 50 ms: take the GIL back, look for Ctrl-C, let go again. */
static li_status
check_signals(void *arg)
{
    released *gil = arg;
    PyEval_RestoreThread(gil->thread);
    int failed = PyErr_CheckSignals();
    gil->thread = PyEval_SaveThread();
    return failed ? LI_EINTERRUPTED : LI_OK;
}

static li_status
call_released(py_job *job, py_verb *verb, py_depth depth)
{
    released gil;
    if (li_is_main_thread()) {
        job->ctx.tick = check_signals;
        job->ctx.tick_arg = &gil;
    }
    gil.thread = PyEval_SaveThread();
    li_status status = job_call(job, verb, depth);
    PyEval_RestoreThread(gil.thread);
    /* A signal wins over the result: one that came after the last tick, or whose tick a
     * library's last call-back passed over. */
    bool interrupted = PyErr_Occurred() || (job->ctx.tick && PyErr_CheckSignals() < 0);
    return status == LI_OK && interrupted ? LI_EINTERRUPTED : status;
}

/* --- the verbs ------------------------------------------------------------------- */

/* A source turned out to need the codec that is loaded on first use: load it and begin
 * again. Nothing has been made yet. */
static li_status
call_further(PyObject *module, py_job *job, py_verb *verb, py_depth depth)
{
    if (py_further_load(module) < 0)
        return LI_E112_CODEC;
    job->further[0] = py_state_of(module)->further;
    job->ctx.status = LI_OK;
    job->ctx.message[0] = 0;
    return call_released(job, verb, depth);
}

bool
py_job_call(PyObject *module, py_job *job, py_verb *verb, py_depth depth)
{
    li_status status = call_released(job, verb, depth);
    if (status == LI_E112_CODEC && !job->further[0])
        status = call_further(module, job, verb, depth);
    if (status == LI_OK)
        return true;
    if (!PyErr_Occurred())
        py_raise(job);
    return false;
}

/* Parse and call; false with an exception set. The job is to be cleared either way. */
static bool
perform(PyObject *module, PyObject *args, py_job *job, py_verb *verb, py_depth depth)
{
    PyObject *source, *request;
    memset(job, 0, sizeof(*job));
    job->fd = -1;
    if (!PyArg_ParseTuple(args, "OO", &source, &request) ||
        py_job_parse(module, source, request, depth, job) < 0)
        return false;
    job->glance = depth == PY_HEADER;
    return py_job_call(module, job, verb, depth);
}

PyObject *
py_run(PyObject *module, PyObject *args)
{
    py_job job;
    PyObject *answer = NULL;
    if (perform(module, args, &job, py_job_run, PY_WHOLE)) {
        PyObject *metrics = py_wrap_metrics(&job, job.size);
        PyObject *result = metrics ? py_wrap_result(&job) : NULL;
        answer = result ? PyTuple_Pack(2, result, metrics) : NULL;
        Py_XDECREF(metrics);
        Py_XDECREF(result);
    }
    py_job_clear(&job);
    return answer;
}

PyObject *
py_inspect(PyObject *module, PyObject *args)
{
    py_job job;
    PyObject *answer = NULL;
    if (perform(module, args, &job, job_verify, PY_HEADER))
        answer = py_wrap_header(&job);
    py_job_clear(&job);
    return answer;
}

PyObject *
py_estimate(PyObject *module, PyObject *args)
{
    py_job job;
    PyObject *answer = NULL;
    if (perform(module, args, &job, job_verify, PY_WHOLE))
        answer = Py_BuildValue("(KKK)", (unsigned long long)job.plan.bytes,
                               (unsigned long long)job.plan.out_bytes,
                               (unsigned long long)job.plan.decoded_bytes);
    py_job_clear(&job);
    return answer;
}

PyObject *
py_explain(PyObject *module, PyObject *args)
{
    py_job job;
    PyObject *answer = NULL;
    if (perform(module, args, &job, job_verify, PY_WHOLE)) {
        size_t size = li_plan_explain(&job.plan, &job.input, &job.request, NULL, 0);
        char *text = PyMem_Malloc(size);
        if (text) {
            li_plan_explain(&job.plan, &job.input, &job.request, text, size);
            answer = PyUnicode_FromString(text);
        } else {
            PyErr_NoMemory();
        }
        PyMem_Free(text);
    }
    py_job_clear(&job);
    return answer;
}
