/* encoded.c: _core.Encoded, encoded bytes in native memory as a read-only buffer; and
 * _core.Cancel, the flag that a job looks at. Layer 5. */
#include "python/py.h"

static void
encoded_dealloc(py_encoded *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->traced)
        PyTraceMalloc_Untrack(PY_TRACE_DOMAIN, (uintptr_t)self->data);
    li_release(self->data);
    type->tp_free(self);
    Py_DECREF(type);
}

static int
encoded_get_buffer(py_encoded *self, Py_buffer *view, int flags)
{
    void *data = self->data ? (void *)self->data : "";
    return PyBuffer_FillInfo(view, (PyObject *)self, data, self->size, 1, flags);
}

static Py_ssize_t
encoded_length(py_encoded *self)
{
    return self->size;
}

static PyType_Slot encoded_slots[] = {
    {Py_tp_doc, "Encoded bytes in native memory: a 1-D read-only buffer."},
    {Py_tp_dealloc, encoded_dealloc},
    {Py_bf_getbuffer, encoded_get_buffer},
    {Py_sq_length, encoded_length},
    {0, NULL},
};

PyType_Spec py_encoded_spec = {
    .name = "lazyimage._core.Encoded",
    .basicsize = sizeof(py_encoded),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = encoded_slots,
};

/* --- Cancel ---------------------------------------------------------------------- */

static void
cancel_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
cancel_set(py_cancel *self, PyObject *Py_UNUSED(ignored))
{
    atomic_store(&self->flag, 1);
    Py_RETURN_NONE;
}

static PyObject *
cancel_is_set(py_cancel *self, PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(atomic_load(&self->flag));
}

static PyMethodDef cancel_methods[] = {
    {"set", (PyCFunction)cancel_set, METH_NOARGS, NULL},
    {"is_set", (PyCFunction)cancel_is_set, METH_NOARGS, NULL},
    {0},
};

static PyType_Slot cancel_slots[] = {
    {Py_tp_doc, "A flag that a running job looks at between rows."},
    {Py_tp_dealloc, cancel_dealloc},
    {Py_tp_methods, cancel_methods},
    {Py_tp_new, PyType_GenericNew},
    {0, NULL},
};

PyType_Spec py_cancel_spec = {
    .name = "lazyimage._core.Cancel",
    .basicsize = sizeof(py_cancel),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = cancel_slots,
};
