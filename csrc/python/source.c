/* source.c: _core.Source, where bytes or pixels come from. Layer 5. */
#include "python/py.h"
#include "base/guard.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static py_source *
source_new(PyTypeObject *type, py_source_kind kind)
{
    py_source *self = (py_source *)type->tp_alloc(type, 0);
    if (self) {
        self->kind = kind;
        self->fd = -1;
    }
    return self;
}

static void
source_dealloc(py_source *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->fd >= 0)
        close(self->fd);
    Py_CLEAR(self->path);
    if (self->view.obj)
        PyBuffer_Release(&self->view);
    li_release(self->copy);
    Py_CLEAR(self->given);
    type->tp_free(self);
    Py_DECREF(type);
}

static int
parse_io(const char *name, li_io *io)
{
    static const char *const names[] = {"auto", "map", "read"};
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0) {
            *io = (li_io)i;
            return 0;
        }
    PyErr_Format(PyExc_ValueError, "io must be auto, map or read, not '%s'", name);
    return -1;
}

static PyObject *
source_from_path(PyTypeObject *type, PyObject *args)
{
    PyObject *path;
    const char *io;
    if (!PyArg_ParseTuple(args, "Ss:from_path", &path, &io))
        return NULL;
    if (strlen(PyBytes_AS_STRING(path)) != (size_t)PyBytes_GET_SIZE(path)) {
        PyErr_SetString(PyExc_ValueError, "embedded null byte in the path");
        return NULL;
    }
    py_source *self = source_new(type, PY_PATH);
    if (!self)
        return NULL;
    self->path = Py_NewRef(path);
    if (parse_io(io, &self->io) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

/* Open descriptor `fd` becomes the source's; it is closed if that fails. */
static int
adopt_fd(py_source *self, int fd)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    if (li_stamp_of(&ctx, fd, &self->stamp) != LI_OK) {
        close(fd);
        py_raise_ctx(&ctx, self->path);
        return -1;
    }
    self->fd = fd;
    return 0;
}

static PyObject *
source_from_fd(PyTypeObject *type, PyObject *args)
{
    int fd;
    const char *io;
    if (!PyArg_ParseTuple(args, "is:from_fd", &fd, &io))
        return NULL;
    py_source *self = source_new(type, PY_FILE);
    if (!self)
        return NULL;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        PyErr_SetFromErrno(PyExc_OSError);
    if (own < 0 || adopt_fd(self, own) < 0 || parse_io(io, &self->io) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static PyObject *
source_from_buffer(PyTypeObject *type, PyObject *args)
{
    PyObject *data;
    if (!PyArg_ParseTuple(args, "O:from_buffer", &data))
        return NULL;
    py_source *self = source_new(type, PY_BYTES);
    if (!self)
        return NULL;
    if (PyObject_GetBuffer(data, &self->view, PyBUF_SIMPLE) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    self->size = (size_t)self->view.len;
    return (PyObject *)self;
}

/* --- pixels ---------------------------------------------------------------------- */

/* "B" or, in the machine's order, "H". */
static bool
is_sample(const Py_buffer *view)
{
    const char *format = view->format ? view->format : "B";
    const char *letter = format + (strchr("@=|", *format) && *format ? 1 : 0);
    bool little = *format == '<' && PY_LITTLE_ENDIAN;
    bool big = *format == '>' && PY_BIG_ENDIAN;
    if (*format == '<' || *format == '>')
        letter++;
    if (view->itemsize == 1)
        return strcmp(letter, "B") == 0 || strcmp(format, "|u1") == 0;
    return view->itemsize == 2 && strcmp(letter, "H") == 0 &&
           (letter == format || strchr("@=", *format) || little || big);
}

static int
check_samples(const Py_buffer *view)
{
    if (!is_sample(view)) {
        PyErr_Format(PyExc_TypeError, "pixels must be uint8 or uint16, not '%s'",
                     view->format ? view->format : "B");
        return -1;
    }
    if (view->ndim != 2 && view->ndim != 3) {
        PyErr_Format(
            PyExc_TypeError,
            "pixels must have the shape (H, W) or (H, W, C), not %d dimensions",
            view->ndim);
        return -1;
    }
    return 0;
}

static int
check_shape(const Py_buffer *view, const char *mode, li_info *info)
{
    static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    Py_ssize_t channels = view->ndim == 3 ? view->shape[2] : 1;
    li_pixel wanted = mode ? py_mode_named(mode) : 0;
    if (mode && !wanted)
        return -1;
    if (channels < 1 || channels > 4 || (wanted && wanted != layouts[channels - 1])) {
        PyErr_Format(PyExc_ValueError, "%zd channels do not make mode %s", channels,
                     mode ? mode : "L, LA, RGB or RGBA");
        return -1;
    }
    if (view->shape[0] < 1 || view->shape[1] < 1 || view->shape[0] > INT32_MAX ||
        view->shape[1] > INT32_MAX) {
        PyErr_Format(PyExc_ValueError, "a picture of %zdx%zd pixels cannot be",
                     view->shape[1], view->shape[0]);
        return -1;
    }
    *info = (li_info){
        (uint32_t)view->shape[1], (uint32_t)view->shape[0],
        li_pixel_with_depth(layouts[channels - 1], view->itemsize == sizeof(uint16_t))};
    return 0;
}

static bool
is_packed(const Py_buffer *view)
{
    Py_ssize_t channels = view->ndim == 3 ? view->shape[2] : 1;
    Py_ssize_t size = view->itemsize;
    /* Samples of 16 bits must lie at even addresses. */
    bool even =
        size == 1 || (((uintptr_t)view->buf | (uintptr_t)view->strides[0]) & 1) == 0;
    return even && view->strides[1] == channels * size &&
           (view->ndim == 2 || channels == 1 || view->strides[2] == size);
}

/* Native memory for a copy of what is borrowed. */
static int
source_reserve(py_source *self, size_t size)
{
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    if (li_alloc(&ctx, size ? size : 1, 1, &self->copy) != LI_OK) {
        PyErr_NoMemory();
        return -1;
    }
    li_disown(&ctx, self->copy);
    self->copied = size;
    return 0;
}

static int
pack_pixels(py_source *self)
{
    const Py_buffer *view = &self->view;
    li_info info = self->frame.info;
    uint32_t channels = li_pixel_channels(info.pixel);
    if (source_reserve(self, (size_t)li_image_bytes(info)) < 0)
        return -1;
    uint8_t *to = self->copy;
    for (uint32_t y = 0; y < info.height; y++)
        for (uint32_t x = 0; x < info.width; x++)
            for (uint32_t c = 0; c < channels; c++, to += view->itemsize)
                memcpy(to,
                       (const uint8_t *)view->buf + y * view->strides[0] +
                           x * view->strides[1] + (c ? c * view->strides[2] : 0),
                       (size_t)view->itemsize);
    self->frame.pixels = self->copy;
    self->frame.stride = (int64_t)li_row_bytes(info);
    PyBuffer_Release(&self->view);
    return 0;
}

static PyObject *
source_from_pixels(PyTypeObject *type, PyObject *args)
{
    PyObject *data, *metadata = Py_None, *numbers = Py_None;
    const char *mode;
    if (!PyArg_ParseTuple(args, "Oz|OO:from_pixels", &data, &mode, &metadata, &numbers))
        return NULL;
    py_source *self = source_new(type, PY_PIXELS);
    if (!self)
        return NULL;
    if (PyObject_GetBuffer(data, &self->view, PyBUF_RECORDS_RO) < 0 ||
        py_metadata_parse(metadata, self) < 0 || py_numbers_parse(numbers, self) < 0 ||
        check_samples(&self->view) < 0 ||
        check_shape(&self->view, mode, &self->frame.info) < 0)
        goto failed;
    self->size = (size_t)li_image_bytes(self->frame.info);
    self->frame.pixels = self->view.buf;
    self->frame.stride = self->view.strides[0];
    if (!is_packed(&self->view) && pack_pixels(self) < 0)
        goto failed;
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

/* --- holding one version of a file ----------------------------------------------- */

static int
open_held(py_source *self)
{
    /* A pipe must not wait for its writer: the job refuses it. */
    int fd = open(PyBytes_AS_STRING(self->path),
                  O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0)
        return adopt_fd(self, fd);
    int error = errno;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_fail_open(&ctx, "source", PyBytes_AS_STRING(self->path), error);
    py_raise_ctx(&ctx, self->path);
    return -1;
}

static PyObject *
source_hold(py_source *self, PyObject *Py_UNUSED(ignored))
{
    int failed = 0;
    Py_BEGIN_CRITICAL_SECTION(self);
    if (self->kind == PY_PATH && self->holds == 0)
        failed = open_held(self);
    if (!failed)
        self->holds++;
    Py_END_CRITICAL_SECTION();
    return failed ? NULL : Py_NewRef(Py_None);
}

static PyObject *
source_release(py_source *self, PyObject *Py_UNUSED(ignored))
{
    Py_BEGIN_CRITICAL_SECTION(self);
    if (self->holds > 0 && --self->holds == 0 && self->kind == PY_PATH) {
        close(self->fd);
        self->fd = -1;
    }
    Py_END_CRITICAL_SECTION();
    Py_RETURN_NONE;
}

/* Before anybody else has it. */
static PyObject *
source_salvage(py_source *self, PyObject *Py_UNUSED(ignored))
{
    self->salvage = true;
    Py_RETURN_NONE;
}

/* --- the type -------------------------------------------------------------------- */

static PyObject *
source_get_kind(py_source *self, void *Py_UNUSED(closure))
{
    static const char *const names[] = {"path", "file", "bytes", "pixels"};
    return PyUnicode_FromString(names[self->kind]);
}

static PyObject *
source_get_size(py_source *self, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(self->size);
}

static PyObject *
source_get_copied(py_source *self, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(self->copied);
}

static PyObject *
source_get_held(py_source *self, void *Py_UNUSED(closure))
{
    uint32_t holds;
    Py_BEGIN_CRITICAL_SECTION(self);
    holds = self->holds;
    Py_END_CRITICAL_SECTION();
    return PyBool_FromLong(holds > 0);
}

static PyGetSetDef source_getset[] = {
    {"held", (getter)source_get_held, NULL, NULL, NULL},
    {"kind", (getter)source_get_kind, NULL, NULL, NULL},
    {"size", (getter)source_get_size, NULL, NULL, NULL},
    {"copied", (getter)source_get_copied, NULL, NULL, NULL},
    {0},
};

static PyMethodDef source_methods[] = {
    {"from_path", (PyCFunction)source_from_path, METH_VARARGS | METH_CLASS, NULL},
    {"from_fd", (PyCFunction)source_from_fd, METH_VARARGS | METH_CLASS, NULL},
    {"from_buffer", (PyCFunction)source_from_buffer, METH_VARARGS | METH_CLASS, NULL},
    {"from_pixels", (PyCFunction)source_from_pixels, METH_VARARGS | METH_CLASS, NULL},
    {"hold", (PyCFunction)source_hold, METH_NOARGS, NULL},
    {"release", (PyCFunction)source_release, METH_NOARGS, NULL},
    {"salvage", (PyCFunction)source_salvage, METH_NOARGS, NULL},
    {0},
};

static PyType_Slot source_slots[] = {
    {Py_tp_doc, "Where bytes or pixels come from."},
    {Py_tp_dealloc, source_dealloc},
    {Py_tp_getset, source_getset},
    {Py_tp_methods, source_methods},
    {0, NULL},
};

PyType_Spec py_source_spec = {
    .name = "lazyimage._core.Source",
    .basicsize = sizeof(py_source),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = source_slots,
};

PyObject *
py_source_faults(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    (void)module;
    return PyLong_FromUnsignedLongLong(li_guard_faults());
}
