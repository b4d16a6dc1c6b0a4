/* compare.c: hold a picture against pixels that are there: a job whose encoder compares
 * rows instead of writing them, so one of the two pictures is never held. Layer 5. */
#include "python/py.h"
#include "quality/compare.h"

/* --- call: no PyObject from here to the next heading ----------------------------- */

/* What the rows are held against, and what comes of it: the job's output. */
typedef struct compare_out {
    li_out base;
    li_frame reference; /* borrowed pixels */
    bool structure;
    li_likeness result;
} compare_out;

typedef struct compare_sink {
    li_sink base;
    compare_out *out;    /* borrowed */
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
    compare_out *to = (compare_out *)out;
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
compare_accepts(li_pixel pixel)
{
    return pixel;
}

static const li_codec compare_codec = {
    .name = "compare",
    .encode_bytes = compare_bytes,
    .output_bytes = compare_output_bytes,
    .accepts = compare_accepts,
    .encode = compare_open,
};

static li_status
run_compare(py_job *job, li_source *source)
{
    compare_out *out = job->verb_data;
    LI_TRY(li_plan_run(&job->ctx, source, &job->input, &job->request, &job->plan,
                       (li_target){.out = &out->base}, &job->times));
    return source ? li_source_verify(source) : LI_OK;
}

/* --- parse and wrap -------------------------------------------------------------- */

static int
parse_reference(const Py_buffer *view, compare_out *out)
{
    static const li_pixel pixels[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    bool packed = view->ndim == 3 && view->itemsize == 1 && view->shape[2] >= 1 &&
                  view->shape[2] <= 4 && view->strides[2] == 1 &&
                  view->strides[1] == view->shape[2] && view->shape[0] <= UINT32_MAX &&
                  view->shape[1] <= UINT32_MAX;
    if (!packed) {
        PyErr_SetString(PyExc_TypeError, "the reference must be packed (H, W, 1 to 4)");
        return -1;
    }
    out->reference.info = (li_info){(uint32_t)view->shape[1], (uint32_t)view->shape[0],
                                    pixels[view->shape[2] - 1]};
    out->reference.stride = view->strides[0];
    out->reference.pixels = view->buf;
    return 0;
}

/* The same with everything parsed; the job is the caller's to clear. */
static PyObject *
compare_job(PyObject *module, py_job *job, compare_out *out)
{
    job->request.output = LI_OUTPUT_BUFFER;
    job->request.codec = &compare_codec;
    job->request.mode = 0;
    job->verb_data = out;
    out->base.ctx = &job->ctx;
    if (!py_job_call(module, job, run_compare, PY_WHOLE))
        return NULL;
    return Py_BuildValue("(ddK)", out->result.ssim, out->result.mean_squared,
                         (unsigned long long)job->ctx.peak_bytes);
}

PyObject *
py_compare(PyObject *module, PyObject *args)
{
    PyObject *source, *request, *reference, *answer = NULL;
    int structure;
    Py_buffer view;
    py_job job;
    compare_out out = {0};
    if (!PyArg_ParseTuple(args, "OOOp", &source, &request, &reference, &structure) ||
        PyObject_GetBuffer(reference, &view, PyBUF_RECORDS_RO) < 0)
        return NULL;
    out.structure = structure;
    if (parse_reference(&view, &out) == 0) {
        if (py_job_parse(module, source, request, PY_WHOLE, &job) == 0)
            answer = compare_job(module, &job, &out);
        py_job_clear(&job);
    }
    PyBuffer_Release(&view);
    return answer;
}
