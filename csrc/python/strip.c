/* strip.c: the source's own bytes as a result, without its metadata. Layer 4. */
#include "python/fields.h"
#include "meta/strip.h"

/* --- call: no PyObject from here to the next heading ----------------------------- */

typedef struct stripping {
    uint64_t most;
    uint8_t keep;
} stripping;

/* Where metadata cannot be taken out the file is whole or not at all. */
static li_status
copy_bare(py_job *job, li_source *source, uint64_t most, li_out *out, bool *done)
{
    bool good;
    LI_TRY(job->input.codec->bare(&job->ctx, source, &good));
    return good ? li_meta_copy(&job->ctx, source, most, out, done) : LI_OK;
}

/* A profile that goes along says of the colours what is to be said; else numbers do,
 * if the samples have stayed theirs. */
static li_status
write_stripped(py_job *job, li_source *source, uint64_t most, const li_metadata *with,
               li_out *out, bool *done)
{
    const li_cicp *said = &job->input.header.cicp;
    li_cicp told = {0};
    if (!job->request.to_srgb && !with->icc)
        (void)li_cicp_told(said, job->input.codec->numbers, &told);
    li_strip_how how = {.with = li_metadata_any(with) ? with : NULL,
                        .numbers = told.primaries || told.gamma || told.places[0],
                        .most = most};
    return li_meta_strip(&job->ctx, source, &how, out, done);
}

static li_status
strip_with(py_job *job, li_source *source, const stripping *how, li_out *out,
           bool *done)
{
    li_metadata with = {0};
    const li_header *header = &job->input.header;
    li_edit edit = {.keep = how->keep,
                    .orientation = header->orientation,
                    .gray = li_pixel_is_gray(header->pixel),
                    .width = header->width,
                    .height = header->height,
                    .places = job->input.codec->places};
    li_status status =
        py_input_metadata(job, &job->ctx, source, how->keep, &job->input);
    if (status == LI_OK)
        status = li_metadata_edit(&job->ctx, &job->input.metadata, &edit, &with);
    if (status == LI_OK)
        status = write_stripped(job, source, how->most, &with, out, done);
    li_metadata_free(&with);
    return status;
}

static li_status
strip_into(py_job *job, li_source *source, const stripping *how, li_out *out,
           bool *done)
{
    if (job->input.codec->bare)
        return copy_bare(job, source, how->most, out, done);
    return strip_with(job, source, how, out, done);
}

static li_status
run_strip(py_job *job, li_source *source)
{
    const stripping *how = job->verb_data;
    bool done = false;
    li_out *out;
    if (!job->input.codec)
        return LI_OK; /* pixels have no bytes of a file */
    LI_TRY(li_out_to_memory(&job->ctx, &out));
    li_out_expect(out, how->most);
    li_status status = strip_into(job, source, how, out, &done);
    if (status == LI_OK)
        status = li_source_verify(source);
    if (status == LI_OK && done)
        status = li_out_detach(out, &job->data, &job->size);
    li_out_close(&out);
    return status;
}

/* --- parse and wrap -------------------------------------------------------------- */

/* The result's class and the bytes that it must stay below. */
static int
parse_strip(PyObject *module, PyObject *request, py_job *job, stripping *how)
{
    long keep = 0;
    PyObject *type = py_item(request, "type");
    PyObject *bytes = py_item(request, "most");
    PyTypeObject *base = py_state_of(module)->encoded_type;
    if (!type || !PyType_Check(type) || !PyType_IsSubtype((PyTypeObject *)type, base) ||
        !bytes) {
        PyErr_Format(PyExc_TypeError, "strip needs a subclass of %s, and most",
                     base->tp_name);
        return -1;
    }
    how->most = PyLong_AsUnsignedLongLong(bytes);
    if (PyErr_Occurred() || py_field_int(request, "keep", 0, 15, &keep) < 0)
        return -1;
    how->keep = (uint8_t)keep;
    job->type = (PyTypeObject *)Py_NewRef(type);
    return 0;
}

PyObject *
py_strip(PyObject *module, PyObject *args)
{
    PyObject *source, *request, *answer = NULL;
    stripping how;
    py_job job;
    if (!PyArg_ParseTuple(args, "OO", &source, &request))
        return NULL;
    if (py_job_parse(module, source, request, PY_HEADER, &job) == 0 &&
        parse_strip(module, request, &job, &how) == 0) {
        job.verb_data = &how;
        if (py_job_call(module, &job, run_strip, PY_HEADER))
            answer = job.data ? py_wrap_result(&job) : Py_NewRef(Py_None);
    }
    py_job_clear(&job);
    return answer;
}
