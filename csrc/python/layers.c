/* layers.c: the second pictures of overlays as a job holds them, and the plan of a job
 * whose steps must be looked up in pixels first. Layer 5.
 *
 * A file is opened once a job, and read through a window, never mapped: the guard
 * watches over one mapping, that of the picture below. */
#include "python/fields.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* What a request of its own is, to the job that it is laid over. */
typedef struct py_layer {
    li_layer layer;
    struct py_layer *next; /* owned */
    py_job job;            /* its source and steps; its context is not used */
} py_layer;

/* --- parse -------------------------------------------------------------------------
 */

static int
parse_place(PyObject *place, li_overlay *overlay)
{
    long long x, y;
    if (PyUnicode_Check(place))
        return py_parse_position(PyUnicode_AsUTF8(place), &overlay->at_x,
                                 &overlay->at_y);
    if (!PyTuple_Check(place) || !PyArg_ParseTuple(place, "LL", &x, &y)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "position must be a word or (x, y)");
        return -1;
    }
    if (x < INT32_MIN || x > INT32_MAX || y < INT32_MIN || y > INT32_MAX) {
        PyErr_Format(PyExc_ValueError, "cannot overlay at %lld, %lld", x, y);
        return -1;
    }
    overlay->placed = true;
    overlay->x = x;
    overlay->y = y;
    return 0;
}

static int
parse_layer(PyObject *module, PyObject *source, PyObject *request, py_layer *made)
{
    py_job *job = &made->job;
    if (py_job_parse(module, source, request, PY_WHOLE, job) < 0)
        return -1;
    made->layer.request = job->request;
    made->layer.limits = job->ctx.limits;
    made->layer.salvage = job->ctx.salvage;
    made->layer.known = job->known;
    return 0;
}

int
py_layer_parse(PyObject *module, PyObject *tuple, py_job *job, li_step *step)
{
    const char *name;
    PyObject *source, *request, *place;
    double opacity;
    int tile;
    *step = (li_step){LI_STEP_OP, {.op = {.kind = &li_op_overlay}}};
    li_overlay *overlay = &step->u.op.u.overlay;
    if (!PyArg_ParseTuple(tuple, "sOOOdp", &name, &source, &request, &place, &opacity,
                          &tile) ||
        parse_place(place, overlay) < 0)
        return -1;
    if (!(opacity >= 0 && opacity <= 1)) {
        PyErr_SetString(PyExc_ValueError, "opacity must be 0 to 1");
        return -1;
    }
    py_layer *made = PyMem_Calloc(1, sizeof(*made));
    if (!made) {
        PyErr_NoMemory();
        return -1;
    }
    made->next = job->layers;
    job->layers = made;
    overlay->picture = &made->layer.base;
    overlay->opacity = (uint32_t)(opacity * (1 << 16) + 0.5);
    overlay->tile = tile;
    return parse_layer(module, source, request, made);
}

void
py_layers_clear(py_job *job)
{
    while (job->layers) {
        py_layer *layer = job->layers;
        job->layers = layer->next;
        li_layer_free(&layer->layer);
        py_job_clear(&layer->job);
        PyMem_Free(layer);
    }
}

/* --- call: no PyObject from here on -------------------------------------------------
 */

li_status
py_fd_open(li_ctx *ctx, const char *what, const char *path, int again, int *fd)
{
    /* A pipe must not wait for its writer: it is refused. */
    *fd = again >= 0 ? fcntl(again, F_DUPFD_CLOEXEC, 0)
                     : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return *fd < 0 ? li_fail_open(ctx, what, path, errno) : LI_OK;
}

li_status
py_hold_file(li_ctx *ctx, py_job *jobs, uint32_t count)
{
    const py_source *from = jobs[0].source;
    if (from->kind != PY_PATH || jobs[0].fd >= 0)
        return LI_OK;
    const char *path = ((PyBytesObject *)from->path)->ob_sval;
    for (uint32_t i = 0; i < count; i++) {
        LI_TRY(py_fd_open(ctx, "source", path, i ? jobs[0].fd : -1, &jobs[i].fd));
        LI_TRY(li_stamp_of(ctx, jobs[0].fd, &jobs[i].stamp));
    }
    return LI_OK;
}

/* This version of the file, for as long as the job takes. */
static li_status
open_file(li_ctx *ctx, py_job *job)
{
    const char *path = ((PyBytesObject *)job->source->path)->ob_sval;
    LI_TRY(py_fd_open(ctx, "overlay", path, -1, &job->fd));
    return li_stamp_of(ctx, job->fd, &job->stamp);
}

static li_status
open_input(const li_layer *layer, li_ctx *ctx, li_source **source, li_input *input)
{
    const py_job *job = &((const py_layer *)layer)->job;
    const py_source *from = job->source;
    *source = NULL;
    if (from->kind == PY_PIXELS) {
        LI_TRY(li_input_frame(ctx, &from->frame, input));
        input->metadata = from->metadata; /* borrowed */
        return LI_OK;
    }
    if (from->kind == PY_BYTES)
        LI_TRY(li_source_borrow(ctx, from->view.buf, from->size, source));
    else
        LI_TRY(li_source_open_fd(ctx, job->fd, LI_IO_READ, &job->stamp, source));
    return li_input_open(ctx, *source, input);
}

/* The layers of a layer first. */
static li_status
prepare(li_ctx *ctx, py_layer *layers, const li_usher *usher)
{
    for (py_layer *layer = layers; layer; layer = layer->next) {
        py_job *job = &layer->job;
        LI_TRY(prepare(ctx, job->layers, usher));
        if (job->source->kind == PY_PATH && job->fd < 0)
            LI_TRY(open_file(ctx, job));
        layer->layer.open_input = open_input;
        LI_TRY(li_layer_prepare(ctx, &layer->layer, usher));
    }
    return LI_OK;
}

li_status
py_job_look(py_job *job, li_source *source)
{
    li_ctx *ctx = &job->ctx;
    li_status status = prepare(ctx, job->layers, job->look.usher);
    if (status != LI_OK && !ctx->step)
        ctx->step = "overlay";
    LI_TRY(status);
    job->look.runs = 0;
    job->look.bytes = 0;
    job->look.spent_ns = 0;
    job->request.steps = job->steps;
    LI_TRY(li_look_at(ctx, source, &job->input, &job->request, job->known, &job->look));
    job->request.steps = job->known;
    return LI_OK;
}

li_status
py_job_plan(py_job *job)
{
    LI_TRY(li_plan_make(&job->ctx, &job->input, &job->request, &job->plan));
    li_look_note(&job->look, &job->plan);
    return LI_OK;
}

static li_status
verify(li_ctx *ctx, const py_layer *layers)
{
    for (const py_layer *layer = layers; layer; layer = layer->next) {
        const py_job *job = &layer->job;
        li_source *source = NULL;
        if (job->fd >= 0)
            LI_TRY(li_source_open_fd(ctx, job->fd, LI_IO_HEAD, &job->stamp, &source));
        li_source_close(&source);
        LI_TRY(verify(ctx, job->layers));
    }
    return LI_OK;
}

li_status
py_layers_blame(py_job *job, li_status status)
{
    li_ctx found = job->ctx;
    if (!job->layers || !li_blames_data(status))
        return status;
    job->ctx.status = LI_OK;
    if (py_layers_verify(job) != LI_E103_SOURCE_CHANGED)
        job->ctx = found;
    return job->ctx.status;
}

li_status
py_layers_verify(py_job *job)
{
    return verify(&job->ctx, job->layers);
}
