/* wrap.c: what a job has, as Python objects. Layer 5. */
#include "python/py.h"

/* --- errors ---------------------------------------------------------------------- */

static PyObject *
raise_status(const li_ctx *ctx, PyObject *filename)
{
    PyObject *message =
        PyUnicode_DecodeUTF8(ctx->message, (Py_ssize_t)strlen(ctx->message), "replace");
    PyObject *errors = message ? PyImport_ImportModule("lazyimage.errors") : NULL;
    PyObject *error = NULL;
    if (errors)
        error = PyObject_CallMethod(errors, "make_error", "iOziO", (int)ctx->status,
                                    message, ctx->step, ctx->sys_errno,
                                    filename ? filename : Py_None);
    Py_XDECREF(errors);
    Py_XDECREF(message);
    if (error) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return NULL;
}

PyObject *
py_raise_ctx(li_ctx *ctx, PyObject *filename)
{
    if (ctx->status == LI_ENOMEM)
        return PyErr_NoMemory();
    return raise_status(ctx, filename);
}

PyObject *
py_raise(py_job *job)
{
    bool writing = job->ctx.status == LI_E301_WRITE;
    bool second = job->ctx.step && strcmp(job->ctx.step, "overlay") == 0;
    PyObject *path = second ? NULL : job->source->path; /* its message names it */
    return py_raise_ctx(&job->ctx, writing ? job->path : path);
}

/* --- dicts ----------------------------------------------------------------------- */

/* Put a new reference into the dict; false if either failed. */
static bool
put(PyObject *dict, const char *key, PyObject *value)
{
    bool done = value && PyDict_SetItemString(dict, key, value) == 0;
    Py_XDECREF(value);
    return done;
}

static bool
put_int(PyObject *dict, const char *key, uint64_t value)
{
    return put(dict, key, PyLong_FromUnsignedLongLong(value));
}

static bool
put_text(PyObject *dict, const char *key, const char *text)
{
    if (text)
        return put(dict, key, PyUnicode_FromString(text));
    return put(dict, key, Py_NewRef(Py_None));
}

static bool
put_bool(PyObject *dict, const char *key, bool value)
{
    return put(dict, key, PyBool_FromLong(value));
}

static const char *
format_in(const py_job *job)
{
    return job->input.codec ? job->input.codec->name : NULL;
}

/* (x, y) in pixels per inch, or None. */
static PyObject *
wrap_density(li_density density)
{
    if (!li_density_known(density))
        return Py_NewRef(Py_None);
    return Py_BuildValue("(dd)", density.x, density.y);
}

/* Pixels have no header, but what decoded() carries along. They are as they are:
 * nothing turns them, and their density is that of their columns and rows. */
static li_header
told_header(const py_job *job)
{
    const li_metadata *with = &job->source->metadata;
    li_header header = job->input.header;
    if (job->source->kind != PY_PIXELS)
        return header;
    header.icc_bytes = with->icc_size;
    header.exif_bytes = with->exif_size;
    header.xmp_bytes = with->xmp_size;
    header.density = with->density;
    header.orientation = with->orientation ? with->orientation : 1;
    return header;
}

static bool
put_header(PyObject *dict, const py_job *job)
{
    const li_header told = told_header(job), *header = &told;
    bool turned = job->input.codec && li_orient_transposes(header->orientation);
    return put_text(dict, "format", format_in(job)) &&
           put_int(dict, "width", turned ? header->height : header->width) &&
           put_int(dict, "height", turned ? header->width : header->height) &&
           put_int(dict, "stored_width", header->width) &&
           put_int(dict, "stored_height", header->height) &&
           put_int(dict, "orientation", header->orientation) &&
           put_text(dict, "mode", py_mode_name(header->pixel)) &&
           put_int(dict, "bit_depth", header->bit_depth) &&
           put_bool(dict, "has_alpha", li_pixel_has_alpha(header->pixel)) &&
           put_bool(dict, "palette", header->palette) &&
           put_bool(dict, "progressive", header->progressive) &&
           put_int(dict, "frames", header->frames) &&
           put_int(dict, "icc_bytes", header->icc_bytes) &&
           put_int(dict, "exif_bytes", header->exif_bytes) &&
           put_int(dict, "xmp_bytes", header->xmp_bytes) &&
           put(dict, "density",
               wrap_density(li_density_turned(header->density, turned))) &&
           put_text(dict, "variant", header->variant) &&
           put_int(dict, "bytes", job->input.bytes) &&
           put_text(dict, "io", job->input.io);
}

PyObject *
py_wrap_header(const py_job *job)
{
    PyObject *dict = PyDict_New();
    if (dict && !put_header(dict, job))
        Py_CLEAR(dict);
    return dict;
}

static PyObject *
wrap_warnings(const li_warnings *warnings)
{
    uint32_t kept = warnings->count < LI_WARNINGS ? warnings->count : LI_WARNINGS;
    PyObject *tuple = PyTuple_New((Py_ssize_t)kept);
    for (uint32_t i = 0; tuple && i < kept; i++) {
        const char *text = warnings->text[i];
        PyObject *item =
            PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
        if (item)
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, item);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *
wrap_steps(const li_plan *plan)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)plan->count);
    for (size_t i = 0; tuple && i < plan->count; i++) {
        PyObject *item = PyUnicode_FromString(plan->ops[i].kind->name);
        if (item)
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, item);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

/* Of a source that salvages: how many rows are the file's. */
static PyObject *
wrap_rows_real(const py_job *job)
{
    if (!job->ctx.salvage || !job->input.codec)
        return Py_NewRef(Py_None);
    return PyLong_FromUnsignedLong(job->ctx.salvaged ? job->ctx.rows_real
                                                     : job->input.header.height);
}

static PyObject *
wrap_quality(const li_request *request)
{
    const li_codec *codec = request->codec;
    const li_encode *encode = &request->encode;
    bool lossless = encode->lossless || encode->near_lossless >= 0;
    if (!codec || !codec->default_quality || lossless)
        return Py_NewRef(Py_None);
    uint8_t given = encode->quality;
    return PyLong_FromLong(given ? given : codec->default_quality);
}

static bool
put_times(PyObject *dict, const py_job *job)
{
    return put_int(dict, "decode_ns",
                   (uint64_t)(job->times.decode_ns + job->look.spent_ns)) &&
           put_int(dict, "ops_ns", (uint64_t)job->times.ops_ns) &&
           put_int(dict, "encode_ns", (uint64_t)job->times.encode_ns) &&
           put_int(dict, "total_ns", (uint64_t)job->total_ns) &&
           put_int(dict, "cpu_ns", (uint64_t)job->cpu_ns) &&
           put_int(dict, "threads",
                   job->threads + (job->times.ahead.ran ? 2 : !job->threads));
}

static bool
put_sizes(PyObject *dict, const py_job *job, uint64_t bytes_out)
{
    const li_header *header = &job->input.header;
    const li_plan *plan = &job->plan;
    bool turned = job->request.auto_orient && li_orient_transposes(header->orientation);
    return put_int(dict, "bytes_in", job->input.bytes) &&
           put_int(dict, "bytes_out", bytes_out) &&
           put_int(dict, "width_in", turned ? header->height : header->width) &&
           put_int(dict, "height_in", turned ? header->width : header->height) &&
           put_int(dict, "width_out", plan->out.width) &&
           put_int(dict, "height_out", plan->out.height) &&
           put_int(dict, "peak_bytes", job->ctx.peak_bytes) &&
           put_int(dict, "decoded_bytes", plan->decoded_bytes) &&
           put_int(dict, "planned_bytes", plan->bytes) &&
           put_int(dict, "planned_out_bytes", plan->out_bytes) &&
           put_int(dict, "kept", job->kept);
}

PyObject *
py_wrap_metrics(const py_job *job, uint64_t bytes_out)
{
    const li_codec *codec = job->request.codec;
    const li_header told = told_header(job), *header = &told;
    uint8_t shrink = job->plan.hint.shrink;
    PyObject *dict = PyDict_New();
    if (!dict)
        return NULL;
    if (put_times(dict, job) && put_sizes(dict, job, bytes_out) &&
        put_text(dict, "format_in", format_in(job)) &&
        put_text(dict, "format_out", codec ? codec->name : NULL) &&
        put_text(dict, "mode_out", py_mode_name(job->plan.out.pixel)) &&
        put(dict, "quality", wrap_quality(&job->request)) &&
        put_int(dict, "shrink", shrink ? shrink : 8) &&
        put_int(dict, "icc_bytes", header->icc_bytes) &&
        put_bool(dict, "icc_converted", job->plan.icc) &&
        put_int(dict, "exif_bytes", header->exif_bytes) &&
        put_int(dict, "xmp_bytes", header->xmp_bytes) &&
        put_int(dict, "kept_kinds", job->times.kept) &&
        put_int(dict, "denied_kinds", job->denied) &&
        put(dict, "rows_real", wrap_rows_real(job)) &&
        put(dict, "metadata", py_wrap_metadata(&job->handed)) &&
        put(dict, "numbers", py_wrap_numbers(job)) &&
        put_text(dict, "io", job->input.io) &&
        put(dict, "warnings", wrap_warnings(&job->ctx.warnings)) &&
        put(dict, "steps", wrap_steps(&job->plan)))
        return dict;
    Py_DECREF(dict);
    return NULL;
}

/* --- results --------------------------------------------------------------------- */

/* Tell tracemalloc of a result's memory, if it was asked for and is running. */
static bool
trace(const py_job *job, const void *data, size_t size)
{
    return job->traced && data &&
           PyTraceMalloc_Track(PY_TRACE_DOMAIN, (uintptr_t)data, size) == 0;
}

static PyObject *
wrap_encoded(py_job *job)
{
    py_encoded *self = (py_encoded *)job->type->tp_alloc(job->type, 0);
    if (!self)
        return NULL;
    self->data = job->data;
    self->size = (Py_ssize_t)job->size;
    self->traced = trace(job, job->data, job->size);
    job->data = NULL;
    return (PyObject *)self;
}

static PyObject *
wrap_pixels(py_job *job)
{
    py_pixels *self = (py_pixels *)job->type->tp_alloc(job->type, 0);
    if (!self)
        return NULL;
    const li_tensor *tensor = &job->tensor;
    li_info info = job->plan.out;
    int row = job->planar ? 1 : 0, column = job->planar ? 2 : 1,
        channel = job->planar ? 0 : 2;
    self->shape[row] = info.height;
    self->shape[column] = info.width;
    self->shape[channel] = (Py_ssize_t)li_pixel_channels(info.pixel);
    self->strides[row] = (Py_ssize_t)tensor->row_stride;
    self->strides[column] = (Py_ssize_t)tensor->column_stride;
    self->strides[channel] = (Py_ssize_t)tensor->channel_stride;
    self->sample_bytes = (Py_ssize_t)job->request.sample_bytes;
    self->first = tensor->data;
    self->data = job->data;
    self->traced = trace(job, job->data, (size_t)job->plan.out_bytes);
    self->out = job->out;
    job->data = NULL;
    job->out.obj = NULL;
    return (PyObject *)self;
}

PyObject *
py_wrap_result(py_job *job)
{
    if (job->likeness)
        return py_wrap_likeness(job);
    if (job->request.output == LI_OUTPUT_FILE)
        return PyLong_FromSize_t(job->size);
    return job->request.output == LI_OUTPUT_PIXELS ? wrap_pixels(job)
                                                   : wrap_encoded(job);
}
