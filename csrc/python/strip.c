/* strip.c: the source's own bytes as a result, without its metadata. Layer 4. */
#include "python/fields.h"
#include "meta/strip.h"

#include <string.h>

/* --- call: no PyObject from here to the next heading ----------------------------- */

/* AVIF's metadata are items that others count bytes past: it is whole or not at all. */
static li_status
strip_into(py_job *job, li_source *source, uint64_t most, li_out *out, bool *done)
{
    const li_header *header = &job->input.header;
    bool bare = header->icc_bytes + header->exif_bytes + header->xmp_bytes == 0;
    if (strcmp(job->input.codec->name, "avif") != 0)
        return li_meta_strip(&job->ctx, source, most, out, done);
    return bare ? li_meta_copy(&job->ctx, source, most, out, done) : LI_OK;
}

static li_status
run_strip(py_job *job, li_source *source)
{
    uint64_t most = *(const uint64_t *)job->verb_data;
    bool done = false;
    li_out *out;
    if (!job->input.codec)
        return LI_OK; /* pixels have no bytes of a file */
    LI_TRY(li_out_to_memory(&job->ctx, &out));
    li_out_expect(out, most);
    li_status status = strip_into(job, source, most, out, &done);
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
parse_strip(PyObject *module, PyObject *request, py_job *job, uint64_t *most)
{
    PyObject *type = py_item(request, "type");
    PyObject *bytes = py_item(request, "most");
    PyTypeObject *base = py_state_of(module)->encoded_type;
    if (!type || !PyType_Check(type) || !PyType_IsSubtype((PyTypeObject *)type, base) ||
        !bytes) {
        PyErr_Format(PyExc_TypeError, "strip needs a subclass of %s, and most",
                     base->tp_name);
        return -1;
    }
    *most = PyLong_AsUnsignedLongLong(bytes);
    job->type = (PyTypeObject *)Py_NewRef(type);
    return PyErr_Occurred() ? -1 : 0;
}

PyObject *
py_strip(PyObject *module, PyObject *args)
{
    PyObject *source, *request, *answer = NULL;
    uint64_t most;
    py_job job;
    if (!PyArg_ParseTuple(args, "OO", &source, &request))
        return NULL;
    if (py_job_parse(module, source, request, PY_HEADER, &job) == 0 &&
        parse_strip(module, request, &job, &most) == 0) {
        job.verb_data = &most;
        if (py_job_call(module, &job, run_strip, PY_HEADER))
            answer = job.data ? py_wrap_result(&job) : Py_NewRef(Py_None);
    }
    py_job_clear(&job);
    return answer;
}
