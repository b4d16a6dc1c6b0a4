/* pixels.c: _core.Pixels, samples as a 3-D writable buffer, in native memory or in an
 * array of the caller's. Layer 5. */
#include "python/py.h"

const char *
py_dtype_name(li_dtype dtype)
{
    static const char *const names[] = {
        [LI_UINT8] = "uint8", [LI_UINT16] = "uint16", [LI_FLOAT32] = "float32"};
    return names[dtype];
}

static void
pixels_dealloc(py_pixels *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->traced)
        PyTraceMalloc_Untrack(PY_TRACE_DOMAIN, (uintptr_t)self->data);
    li_release(self->data);
    if (self->out.obj)
        PyBuffer_Release(&self->out);
    type->tp_free(self);
    Py_DECREF(type);
}

static bool
is_c_contiguous(const py_pixels *self)
{
    return self->strides[2] == self->sample_bytes &&
           self->strides[1] == self->shape[2] * self->strides[2] &&
           self->strides[0] == self->shape[1] * self->strides[1];
}

static const char *
format_of(const py_pixels *self)
{
    static const char *const letters[] = {[1] = "B", [2] = "H", [4] = "f"};
    return letters[self->sample_bytes];
}

static int
pixels_get_buffer(py_pixels *self, Py_buffer *view, int flags)
{
    bool strided = (flags & PyBUF_STRIDES) == PyBUF_STRIDES;
    /* Without strides, or with a wish for any order, only the packed array will do. */
    bool packed = !strided || (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS ||
                  (flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS;
    if (!self->first || (packed && !is_c_contiguous(self)) ||
        (flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS) {
        PyErr_SetString(PyExc_BufferError, "the samples are not laid out like that");
        view->obj = NULL;
        return -1;
    }
    *view = (Py_buffer){
        .buf = self->first,
        .obj = Py_NewRef(self),
        .len = self->shape[0] * self->shape[1] * self->shape[2] * self->sample_bytes,
        .itemsize = self->sample_bytes,
        .readonly = 0,
        .ndim = 3,
        .format = flags & PyBUF_FORMAT ? (char *)format_of(self) : NULL,
        .shape = (flags & PyBUF_ND) == PyBUF_ND ? self->shape : NULL,
        .strides = strided ? self->strides : NULL,
    };
    return 0;
}

static PyObject *
pixels_get_shape(py_pixels *self, void *Py_UNUSED(closure))
{
    return Py_BuildValue("(nnn)", self->shape[0], self->shape[1], self->shape[2]);
}

static PyObject *
pixels_get_dtype(py_pixels *self, void *Py_UNUSED(closure))
{
    static const li_dtype dtypes[] = {
        [1] = LI_UINT8, [2] = LI_UINT16, [4] = LI_FLOAT32};
    return PyUnicode_FromString(py_dtype_name(dtypes[self->sample_bytes]));
}

static PyGetSetDef pixels_getset[] = {
    {"shape", (getter)pixels_get_shape, NULL, NULL, NULL},
    {"dtype", (getter)pixels_get_dtype, NULL, NULL, NULL},
    {0},
};

static PyType_Slot pixels_slots[] = {
    {Py_tp_doc, "Samples: a 3-D writable buffer of \"B\", \"H\" or \"f\"."},
    {Py_tp_dealloc, pixels_dealloc},
    {Py_tp_getset, pixels_getset},
    {Py_bf_getbuffer, pixels_get_buffer},
    {0, NULL},
};

PyType_Spec py_pixels_spec = {
    .name = "lazyimage._core.Pixels",
    .basicsize = sizeof(py_pixels),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = pixels_slots,
};
