/* compare.c: hold a picture against pixels that are there: a job whose encoder compares
 * rows instead of writing them, so one of the two pictures is never held. Layer 5. */
#include "python/fields.h"
#include "quality/compare.h"

/* --- call: no PyObject from here to the next heading ----------------------------- */

/* What the rows are held against, and what comes of it: the job's output. */
typedef struct py_likeness {
    li_out base;
    Py_buffer view;     /* held */
    li_frame reference; /* its pixels are the view's */
    bool structure;
    li_likeness result;
} py_likeness;

typedef struct compare_sink {
    li_sink base;
    py_likeness *out;    /* borrowed */
    li_compare *compare; /* owned */
} compare_sink;

static li_status
compare_write(li_sink *sink, const uint8_t *row)
{
    compare_sink *self = (compare_sink *)sink;
    li_compare_row(self->compare, li_frame_row(&self->out->reference, sink->y), row);
    return LI_OK;
}

static li_status
compare_finish(li_sink *sink)
{
    compare_sink *self = (compare_sink *)sink;
    self->out->result = li_compare_result(self->compare);
    return LI_OK;
}

static void
compare_close(li_sink *sink)
{
    li_compare_close(&((compare_sink *)sink)->compare);
}

static const li_sink_ops compare_sink_ops = {
    .name = "compare",
    .write = compare_write,
    .finish = compare_finish,
    .close = compare_close,
};

static li_status
compare_open(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
             li_sink **sink)
{
    (void)encode;
    py_likeness *to = (py_likeness *)out;
    li_info wanted = to->reference.info;
    if (info.width != wanted.width || info.height != wanted.height ||
        info.pixel != wanted.pixel)
        return li_fail(ctx, LI_E400_ARGUMENT,
                       "compare: the pictures are of different sizes: %ux%u, %ux%u",
                       wanted.width, wanted.height, info.width, info.height);
    LI_TRY(li_sink_new(ctx, sizeof(compare_sink), &compare_sink_ops, info, sink));
    ((compare_sink *)*sink)->out = to;
    return li_compare_open(ctx, info, to->structure, &((compare_sink *)*sink)->compare);
}

static uint64_t
compare_bytes(li_info info, const li_encode *encode)
{
    (void)encode;
    return li_compare_bytes(info) + sizeof(compare_sink) + LI_BLOCK_OVERHEAD;
}

static uint64_t
compare_output_bytes(li_info info, const li_encode *encode)
{
    (void)info;
    (void)encode;
    return 0;
}

static li_pixel
compare_accepts(li_pixel pixel, const li_encode *encode)
{
    (void)encode;
    return pixel == LI_CMYK8 ? pixel : li_pixel_with_depth(pixel, false);
}

static const li_codec compare_codec = {
    .name = "compare",
    .encode_bytes = compare_bytes,
    .output_bytes = compare_output_bytes,
    .accepts = compare_accepts,
    .encode = compare_open,
};

li_out *
py_likeness_out(py_job *job)
{
    job->likeness->base.ctx = &job->ctx;
    return &job->likeness->base;
}

/* --- parse and wrap -------------------------------------------------------------- */

static int
parse_reference(py_likeness *likeness)
{
    static const li_pixel pixels[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    const Py_buffer *view = &likeness->view;
    bool packed = view->ndim == 3 && view->itemsize == 1 && view->shape[2] >= 1 &&
                  view->shape[2] <= 4 && view->strides[2] == 1 &&
                  view->strides[1] == view->shape[2] && view->shape[0] <= UINT32_MAX &&
                  view->shape[1] <= UINT32_MAX;
    if (!packed) {
        PyErr_SetString(PyExc_TypeError, "the reference must be packed (H, W, 1 to 4)");
        return -1;
    }
    likeness->reference.info = (li_info){
        (uint32_t)view->shape[1], (uint32_t)view->shape[0], pixels[view->shape[2] - 1]};
    likeness->reference.stride = view->strides[0];
    likeness->reference.pixels = view->buf;
    return 0;
}

static int
take_reference(PyObject *reference, bool structure, py_job *job)
{
    py_likeness *likeness = PyMem_Calloc(1, sizeof(*likeness));
    job->likeness = likeness;
    if (!likeness) {
        PyErr_NoMemory();
        return -1;
    }
    likeness->structure = structure;
    job->request.output = LI_OUTPUT_BUFFER;
    job->request.codec = &compare_codec;
    job->request.mode = 0;
    if (PyObject_GetBuffer(reference, &likeness->view, PyBUF_RECORDS_RO) < 0)
        return -1;
    return parse_reference(likeness);
}

int
py_likeness_parse(PyObject *request, py_job *job)
{
    bool structure = true;
    PyObject *reference = py_field(request, "reference");
    if (!reference)
        return 0;
    if (py_field_bool(request, "structure", &structure) < 0)
        return -1;
    return take_reference(reference, structure, job);
}

void
py_likeness_clear(py_job *job)
{
    if (job->likeness && job->likeness->view.obj)
        PyBuffer_Release(&job->likeness->view);
    PyMem_Free(job->likeness);
    job->likeness = NULL;
}

PyObject *
py_wrap_likeness(const py_job *job)
{
    const li_likeness *result = &job->likeness->result;
    return Py_BuildValue("(ddK)", result->ssim, result->mean_squared,
                         (unsigned long long)job->ctx.peak_bytes);
}

PyObject *
py_compare(PyObject *module, PyObject *args)
{
    PyObject *source, *request, *reference, *answer = NULL;
    int structure;
    py_job job;
    if (!PyArg_ParseTuple(args, "OOOp", &source, &request, &reference, &structure))
        return NULL;
    if (py_job_parse(module, source, request, PY_WHOLE, &job) == 0 &&
        take_reference(reference, structure, &job) == 0 &&
        py_job_call(module, &job, py_job_run, PY_WHOLE))
        answer = py_wrap_likeness(&job);
    py_job_clear(&job);
    return answer;
}
