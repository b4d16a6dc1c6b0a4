/* metadata.c: metadata that come from a file, or with pixels from Python, and go with
 * pixels to Python. Layer 5. */
#include "python/py.h"

#include <string.h>

/* --- call: no PyObject from here to the next heading ----------------------------- */

li_status
py_input_metadata(const py_job *job, li_ctx *ctx, li_source *source, uint8_t keep,
                  li_input *input)
{
    if (job->source->kind == PY_PIXELS) {
        input->metadata = job->source->metadata;
        input->header.cicp = job->source->numbers;
    }
    return li_input_metadata(ctx, source, keep, input);
}

li_status
py_input_extras(const py_job *job, li_ctx *ctx, li_source *source,
                const li_request *request, li_input *input)
{
    LI_TRY(py_input_metadata(job, ctx, source, request->keep, input));
    if (!request->to_srgb && !request->codec) /* nobody asks what the samples mean */
        return LI_OK;
    return li_input_colour(ctx, source, request->to_srgb, input);
}

li_status
py_hand_metadata(py_job *job)
{
    const li_metadata *from = &job->input.metadata;
    if (!job->request.keep || !li_metadata_any(from))
        return LI_OK;
    li_metadata with = *from; /* borrowed */
    if (job->plan.icc)        /* the samples are not in its colours any more */
        with.icc = NULL, with.icc_size = 0;
    with.stale |= job->plan.stale;
    LI_TRY(li_metadata_copy(&job->ctx, &with, &job->handed));
    if (job->request.auto_orient && job->input.codec)
        job->handed.orientation = 1;
    if (job->plan.transposed)
        li_metadata_transpose(&job->handed);
    return LI_OK;
}

/* --- wrap and parse -------------------------------------------------------------- */

static PyObject *
bytes_of(const uint8_t *data, size_t size)
{
    if (!data)
        return Py_NewRef(Py_None);
    return PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
}

PyObject *
py_wrap_metadata(const li_metadata *metadata)
{
    if (!li_metadata_any(metadata))
        return Py_NewRef(Py_None);
    return Py_BuildValue(
        "(NNNddiinn)", bytes_of(metadata->icc, metadata->icc_size),
        bytes_of(metadata->exif, metadata->exif_size),
        bytes_of(metadata->xmp, metadata->xmp_size), metadata->density.x,
        metadata->density.y, (int)metadata->orientation, (int)metadata->stale,
        (Py_ssize_t)metadata->xmp_more_at, (Py_ssize_t)metadata->xmp_more_size);
}

static int
borrow(PyObject *bytes, uint8_t **data, size_t *size)
{
    if (bytes == Py_None)
        return 0;
    if (!PyBytes_Check(bytes)) {
        PyErr_SetString(PyExc_TypeError, "metadata must be bytes or None");
        return -1;
    }
    *data = (uint8_t *)PyBytes_AS_STRING(bytes); /* is only read */
    *size = (size_t)PyBytes_GET_SIZE(bytes);
    return 0;
}

int
py_metadata_parse(PyObject *given, py_source *source)
{
    PyObject *icc, *exif, *xmp;
    li_metadata *to = &source->metadata;
    int orientation, stale;
    Py_ssize_t more_at, more_size;
    if (given == Py_None)
        return 0;
    if (!PyTuple_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "metadata must be a tuple or None");
        return -1;
    }
    if (!PyArg_ParseTuple(given, "OOOddiinn", &icc, &exif, &xmp, &to->density.x,
                          &to->density.y, &orientation, &stale, &more_at, &more_size) ||
        borrow(icc, &to->icc, &to->icc_size) < 0 ||
        borrow(exif, &to->exif, &to->exif_size) < 0 ||
        borrow(xmp, &to->xmp, &to->xmp_size) < 0)
        return -1;
    to->orientation = orientation >= 1 && orientation <= 8 ? (uint8_t)orientation : 1;
    to->stale = (uint8_t)(stale & (LI_STALE_TURN | LI_STALE_COLOURS | LI_STALE_SIZE));
    if (more_at < 0 || more_size < 0 || (size_t)more_at > to->xmp_size ||
        (size_t)more_size > to->xmp_size - (size_t)more_at) {
        PyErr_SetString(PyExc_ValueError, "a part of XMP that is not in it");
        return -1;
    }
    to->xmp_more_at = (size_t)more_at;
    to->xmp_more_size = (size_t)more_size;
    source->given = Py_NewRef(given);
    return 0;
}

PyObject *
py_wrap_numbers(const py_job *job)
{
    static const li_cicp none;
    const li_cicp *said = &job->input.header.cicp;
    if (job->request.output != LI_OUTPUT_PIXELS || job->request.to_srgb ||
        memcmp(said, &none, sizeof(none)) == 0)
        return Py_NewRef(Py_None);
    return PyBytes_FromStringAndSize((const char *)said, sizeof(*said));
}

int
py_numbers_parse(PyObject *given, py_source *source)
{
    if (given == Py_None)
        return 0;
    if (!PyBytes_Check(given) || PyBytes_GET_SIZE(given) != sizeof(source->numbers)) {
        PyErr_SetString(PyExc_TypeError, "numbers must be those of a job, or None");
        return -1;
    }
    memcpy(&source->numbers, PyBytes_AS_STRING(given), sizeof(source->numbers));
    return 0;
}
