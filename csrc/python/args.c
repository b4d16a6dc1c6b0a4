/* args.c: a request, a dict of plain values, becomes a job of plain structs. The
 * package has checked types and words already; what is checked here keeps C safe.
 * Layer 5. */
#include "python/fields.h"
#include "kernels/kernels.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const word shrinks[] = {{"safe", LI_SHRINK_SAFE},
                               {"fast", LI_SHRINK_FAST},
                               {"exact", LI_SHRINK_EXACT},
                               {NULL, 0}};
static const word colors[] = {{"keep", 0}, {"srgb", 1}, {NULL, 0}};

static const word outputs[] = {{"buffer", LI_OUTPUT_BUFFER},
                               {"file", LI_OUTPUT_FILE},
                               {"pixels", LI_OUTPUT_PIXELS},
                               {NULL, 0}};

static const word quant_tables[] = {
    {"standard", LI_QUANT_STANDARD},
    {"tuned", LI_QUANT_TUNED},
    {NULL, 0},
};

static const word subsamplings[] = {{"auto", LI_SUBSAMPLING_AUTO},
                                    {"4:2:0", LI_420},
                                    {"4:2:2", LI_422},
                                    {"4:4:4", LI_444},
                                    {NULL, 0}};

static const word dtypes[] = {
    {"uint8", LI_UINT8}, {"uint16", LI_UINT16}, {"float32", LI_FLOAT32}, {NULL, 0}};

static const word layouts[] = {{"HWC", 0}, {"CHW", 1}, {NULL, 0}};

/* --- limits ---------------------------------------------------------------------- */

static int
parse_limit(PyObject *limits, const char *name, uint64_t *limit)
{
    PyObject *given = py_item(limits, name);
    if (!given)
        return 0;
    unsigned long long value = PyLong_AsUnsignedLongLong(given);
    if (value == (unsigned long long)-1 && PyErr_Occurred())
        return -1;
    *limit = value;
    return 0;
}

static int
parse_format(PyObject *formats, const char *name, int bit, li_limits *limits)
{
    PyObject *text = PyUnicode_FromString(name);
    int found = text ? PySequence_Contains(formats, text) : -1;
    Py_XDECREF(text);
    if (found < 0)
        return -1;
    limits->formats |= (uint64_t)found << bit;
    return 0;
}

static int
parse_formats(PyObject *request, li_limits *limits)
{
    PyObject *formats = py_field(request, "formats");
    if (!formats)
        return 0;
    limits->formats = 0;
    for (int i = 0; li_codecs[i]; i++)
        if (parse_format(formats, li_codecs[i]->name, i, limits) < 0)
            return -1;
    for (int i = 0; li_further_formats[i].name; i++)
        if (parse_format(formats, li_further_formats[i].name, LI_FURTHER_BIT + i,
                         limits) < 0)
            return -1;
    if (!limits->formats) /* none of ours: bit 63 stands for no codec */
        limits->formats = 1ull << 63;
    return 0;
}

static int
parse_limits(PyObject *request, py_job *job)
{
    PyObject *limits = py_field(request, "limits"),
             *timeout = py_field(request, "timeout");
    li_limits *to = &job->ctx.limits;
    if (timeout) {
        double seconds = PyFloat_AsDouble(timeout);
        if (seconds == -1.0 && PyErr_Occurred())
            return -1;
        if (seconds > 0 && seconds < 1e9) {
            job->timeout_ns = to->timeout_ns = (int64_t)(seconds * 1e9);
            job->ctx.deadline_ns = li_now_ns() + job->timeout_ns;
        }
        /* What is left of a longer one names that. */
        PyObject *whole = py_field(request, "timeout_of");
        if (whole && PyFloat_Check(whole))
            to->timeout_ns = (int64_t)(PyFloat_AS_DOUBLE(whole) * 1e9);
    }
    if (parse_formats(request, to) < 0)
        return -1;
    if (!limits)
        return 0;
    if (!PyDict_Check(limits)) {
        PyErr_SetString(PyExc_TypeError, "limits must be a dict");
        return -1;
    }
    if (parse_limit(limits, "max_input_bytes", &to->max_input_bytes) < 0 ||
        parse_limit(limits, "max_pixels", &to->max_pixels) < 0 ||
        parse_limit(limits, "max_side", &to->max_side) < 0 ||
        parse_limit(limits, "max_pixels_per_byte", &to->max_pixels_per_byte) < 0 ||
        parse_limit(limits, "max_scans", &to->max_scans) < 0 ||
        parse_limit(limits, "max_segments", &to->max_segments) < 0 ||
        parse_limit(limits, "max_items", &to->max_items) < 0 ||
        parse_limit(limits, "max_metadata", &to->max_metadata) < 0 ||
        parse_limit(limits, "icc_room", &to->icc_room) < 0 ||
        parse_limit(limits, "max_memory", &to->max_memory) < 0 ||
        parse_limit(limits, "max_output_pixels", &to->max_output_pixels) < 0)
        return -1;
    return 0;
}

/* --- outputs --------------------------------------------------------------------- */

/* Whole numbers from 0 on; what is not given stays −1. */
static int
parse_levels(PyObject *request, li_encode *encode)
{
    const struct {
        const char *name;
        long highest;
        int8_t *level;
    } levels[] = {
        {"compression", 9, &encode->compression},       {"effort", 9, &encode->effort},
        {"near_lossless", 100, &encode->near_lossless}, {"method", 6, &encode->method},
        {"alpha_quality", 100, &encode->alpha_quality}, {"speed", 10, &encode->speed},
    };
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        long value = -1;
        if (py_field_int(request, levels[i].name, 0, levels[i].highest, &value) < 0)
            return -1;
        *levels[i].level = (int8_t)value;
    }
    return 0;
}

/* The codec that a request names; NULL and an exception if there is none. */
static const li_codec *
parse_codec(PyObject *module, PyObject *request)
{
    PyObject *format = py_field(request, "format");
    const char *name = format ? PyUnicode_AsUTF8(format) : NULL;
    const li_codec *codec = name ? li_codec_named(name) : NULL;
    if (name && !codec && py_codec_there(module, name))
        codec = py_state_of(module)->further;
    if (!codec && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "no such output format");
    return codec;
}

static int
parse_png(PyObject *request, li_encode *encode)
{
    long palette = 0, bit_depth = 0;
    if (py_field_int(request, "palette", 0, 256, &palette) < 0 ||
        py_field_int(request, "bit_depth", 1, 16, &bit_depth) < 0 ||
        py_field_choice(request, "dither", &encode->dither) < 0 ||
        py_field_bool(request, "interlace", &encode->interlace) < 0)
        return -1;
    if (palette == 1) {
        PyErr_SetString(PyExc_ValueError, "a palette has 2 colours at least");
        return -1;
    }
    encode->palette = (uint16_t)palette;
    encode->bit_depth = (uint8_t)bit_depth;
    return 0;
}

static int
parse_encode(PyObject *module, PyObject *request, py_job *job)
{
    li_encode *encode = &job->request.encode;
    long quality = 0;
    int subsampling = LI_SUBSAMPLING_AUTO, quant_table = -1;
    job->request.codec = parse_codec(module, request);
    if (!job->request.codec)
        return -1;
    if (py_field_int(request, "quality", 1, 100, &quality) < 0 ||
        parse_levels(request, encode) < 0 || parse_png(request, encode) < 0 ||
        py_field_choice(request, "progressive", &encode->progressive) < 0 ||
        py_field_choice(request, "optimize", &encode->optimize) < 0 ||
        py_field_choice(request, "low_memory", &encode->low_memory) < 0 ||
        py_field_bool(request, "lossless", &encode->lossless) < 0 ||
        py_field_bool(request, "smart_subsample", &encode->smart_subsample) < 0 ||
        py_field_word(request, "subsampling", subsamplings, &subsampling) < 0 ||
        py_field_word(request, "quant_table", quant_tables, &quant_table) < 0)
        return -1;
    encode->quality = (uint8_t)quality;
    encode->subsampling = (li_subsampling)subsampling;
    encode->quant_table = (int8_t)quant_table;
    return 0;
}

static int
parse_file(PyObject *request, py_job *job)
{
    PyObject *path = py_field(request, "path");
    if (!path || !PyBytes_Check(path) ||
        strlen(PyBytes_AS_STRING(path)) != (size_t)PyBytes_GET_SIZE(path)) {
        PyErr_SetString(PyExc_ValueError, "path must be bytes without a null byte");
        return -1;
    }
    job->path = Py_NewRef(path);
    job->durable = true;
    return py_field_bool(request, "durable", &job->durable);
}

static int
parse_out(PyObject *request, py_job *job)
{
    PyObject *out = py_field(request, "out");
    if (!out)
        return 0;
    if (PyObject_GetBuffer(out, &job->out, PyBUF_RECORDS) < 0)
        return -1;
    static const char *const letters[] = {
        [LI_UINT8] = "B", [LI_UINT16] = "H", [LI_FLOAT32] = "f"};
    li_dtype dtype = job->tensor.dtype;
    const char *format = job->out.format ? job->out.format : "B";
    const char *letter = format + (*format == '<' || *format == '=' || *format == '@');
    bool same = strcmp(letter, letters[dtype]) == 0;
    if (same || (job->out.ndim == 1 && job->out.itemsize == 1))
        return 0;
    PyErr_Format(PyExc_TypeError, "out holds '%s', not %s", format,
                 py_dtype_name(dtype));
    return -1;
}

/* Pixels as an encoder is fed with them: its layout, alpha laid over the background,
 * decoded as for its quality. */
static int
parse_fed(PyObject *module, PyObject *request, py_job *job)
{
    long quality = 0;
    if (!py_field(request, "format"))
        return 0;
    job->request.codec = parse_codec(module, request);
    if (!job->request.codec || py_field_int(request, "quality", 1, 100, &quality) < 0)
        return -1;
    job->request.encode.quality = (uint8_t)quality;
    job->request.rules_off |= LI_NO_PLANES;
    return 0;
}

static int
parse_pixels(PyObject *module, PyObject *request, py_job *job)
{
    int dtype = LI_UINT8, planar = 0, mode = 0;
    for (int i = 0; i < 4; i++)
        job->tensor.scale[i] = 1.0f;
    if (py_field_word(request, "dtype", dtypes, &dtype) < 0 ||
        py_field_word(request, "layout", layouts, &planar) < 0 ||
        py_field_word(request, "mode", py_modes, &mode) < 0 ||
        py_field_floats(request, "scale", job->tensor.scale) < 0 ||
        py_field_floats(request, "bias", job->tensor.bias) < 0)
        return -1;
    job->tensor.dtype = (li_dtype)dtype;
    job->planar = planar;
    job->request.mode = (li_pixel)mode;
    job->request.sample_bytes = dtype == LI_FLOAT32 ? 4 : dtype == LI_UINT16 ? 2 : 1;
    if (parse_fed(module, request, job) < 0)
        return -1;
    return parse_out(request, job);
}

static int
parse_type(py_state *state, PyObject *request, py_job *job)
{
    bool pixels = job->request.output == LI_OUTPUT_PIXELS;
    PyTypeObject *base = pixels ? state->pixels_type : state->encoded_type;
    PyObject *type = py_field(request, "type");
    if (!type)
        type = (PyObject *)base;
    if (!PyType_Check(type) || !PyType_IsSubtype((PyTypeObject *)type, base)) {
        PyErr_Format(PyExc_TypeError, "type must be a subclass of %s", base->tp_name);
        return -1;
    }
    job->type = (PyTypeObject *)Py_NewRef(type);
    return 0;
}

static int
parse_output(PyObject *module, PyObject *request, py_job *job)
{
    int output = -1;
    if (py_field_word(request, "output", outputs, &output) < 0)
        return -1;
    if (output < 0) {
        PyErr_SetString(PyExc_ValueError, "a request needs an output");
        return -1;
    }
    job->request.output = (li_output_kind)output;
    job->request.encode = li_encode_default();
    if (parse_type(py_state_of(module), request, job) < 0)
        return -1;
    if (output == LI_OUTPUT_PIXELS)
        return parse_pixels(module, request, job);
    if (parse_encode(module, request, job) < 0)
        return -1;
    return output == LI_OUTPUT_FILE ? parse_file(request, job) : 0;
}

static int
parse_settings(PyObject *request, py_job *job)
{
    PyObject *background = py_field(request, "background");
    int shrink = LI_SHRINK_SAFE, color = 0;
    long rules_off = 0, threads = 0, keep = 0, denied = 0, icc_most = 0;
    job->request.auto_orient = true;
    memset(job->request.background, 255, 3);
    if (background &&
        (!PyTuple_Check(background) ||
         !PyArg_ParseTuple(background, "bbb", &job->request.background[0],
                           &job->request.background[1], &job->request.background[2]))) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "background must be a tuple");
        return -1;
    }
    if (py_field_bool(request, "auto_orient", &job->request.auto_orient) < 0 ||
        py_field_word(request, "color", colors, &color) < 0 ||
        py_field_word(request, "shrink", shrinks, &shrink) < 0 ||
        py_field_int(request, "rules_off", 0, 255, &rules_off) < 0 ||
        py_field_int(request, "keep", 0, 15, &keep) < 0 ||
        py_field_int(request, "denied", 0, 15, &denied) < 0 ||
        py_field_int(request, "icc_most", 0, INT32_MAX, &icc_most) < 0 ||
        py_field_int(request, "threads", 0, 2, &threads) < 0)
        return -1;
    job->request.keep = (uint8_t)keep;
    job->denied = (uint8_t)denied;
    job->request.icc_most = (uint32_t)icc_most;
    job->request.threads = (li_threads)threads;
    job->request.shrink = (li_shrink_policy)shrink;
    job->request.to_srgb = color != 0;
    job->request.rules_off = (uint32_t)rules_off;
    return 0;
}

/* Of a job of a batch: how it stands to the budget. */
static int
parse_hold(PyObject *request, py_job *job)
{
    PyObject *hold = py_field(request, "hold");
    if (hold) {
        job->hold = PyLong_AsUnsignedLongLong(hold);
        if (PyErr_Occurred())
            return -1;
    }
    return py_field_bool(request, "covered", &job->covered);
}

/* --- the job --------------------------------------------------------------------- */

static int
take_source(py_state *state, PyObject *source, py_job *job)
{
    if (!Py_IS_TYPE(source, state->source_type)) {
        PyErr_SetString(PyExc_TypeError, "a Source is needed");
        return -1;
    }
    int failed = 0;
    job->source = (py_source *)Py_NewRef(source);
    job->ctx.salvage = job->source->salvage;
    Py_BEGIN_CRITICAL_SECTION(source);
    if (job->source->fd >= 0) {
        job->fd = fcntl(job->source->fd, F_DUPFD_CLOEXEC, 0);
        job->stamp = job->source->stamp;
        failed = job->fd < 0;
    }
    Py_END_CRITICAL_SECTION();
    if (failed)
        PyErr_SetFromErrno(PyExc_OSError);
    return failed ? -1 : 0;
}

static int
take_cancel(py_state *state, PyObject *request, py_job *job)
{
    PyObject *cancel = py_field(request, "cancel");
    if (!cancel)
        return 0;
    if (!Py_IS_TYPE(cancel, state->cancel_type)) {
        PyErr_SetString(PyExc_TypeError, "cancel must be a Cancel");
        return -1;
    }
    job->cancel = (py_cancel *)Py_NewRef(cancel);
    job->ctx.cancel = &job->cancel->flag;
    return 0;
}

static int
take_kernels(const py_state *state, py_job *job)
{
    static const char *const names[] = {"avx2", "sse41", "neon", "scalar"};
    char known[40] = ""; /* all four names would fit */
    size_t used = 0;
    job->ctx.kernels = state->kernels;
    if (state->kernels)
        return 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (li_kernels_named(names[i]))
            used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
                                     used ? ", " : "", names[i]);
    li_fail(&job->ctx, LI_E400_ARGUMENT,
            "LAZYIMAGE_SIMD: this machine has no '%s' kernels; it has %s", state->simd,
            known);
    py_raise(job);
    return -1;
}

int
py_job_parse(PyObject *module, PyObject *source, PyObject *request, py_depth depth,
             py_job *job)
{
    py_state *state = py_state_of(module);
    memset(job, 0, sizeof(*job));
    job->fd = -1;
    li_ctx_init(&job->ctx, NULL);
    job->further[0] = state->further;
    job->ctx.further = job->further;
    job->traced = state->traced;
    if (!PyDict_Check(request)) {
        PyErr_SetString(PyExc_TypeError, "the request must be a dict");
        return -1;
    }
    if (take_source(state, source, job) < 0 || take_cancel(state, request, job) < 0 ||
        parse_limits(request, job) < 0)
        return -1;
    if (depth == PY_HEADER)
        return 0;
    if (take_kernels(state, job) < 0)
        return -1;
    if (py_parse_steps(module, request, job) < 0 || parse_settings(request, job) < 0 ||
        parse_hold(request, job) < 0 || parse_output(module, request, job) < 0)
        return -1;
    return py_likeness_parse(request, job);
}

void
py_job_clear(py_job *job)
{
    li_plan_free(&job->ctx, &job->plan);
    li_input_close(&job->input);
    li_metadata_free(&job->handed);
    li_release(job->data);
    py_likeness_clear(job);
    if (job->fd >= 0)
        close(job->fd);
    if (job->out.obj)
        PyBuffer_Release(&job->out);
    py_layers_clear(job);
    PyMem_Free(job->steps);
    PyMem_Free(job->known);
    Py_CLEAR(job->path);
    Py_CLEAR(job->type);
    Py_CLEAR(job->cancel);
    Py_CLEAR(job->source);
}
