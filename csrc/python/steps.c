/* steps.c: tuples of the request → steps of the plan. Layer 5. */
#include "python/fields.h"

#include <string.h>

static const word fits[] = {{"inside", LI_FIT_INSIDE},
                            {"cover", LI_FIT_COVER},
                            {"fill", LI_FIT_FILL},
                            {NULL, 0}};

static int
parse_resize(PyObject *tuple, li_step *step)
{
    const char *name, *fit, *kernel;
    long width, height;
    int enlarge, found;
    step->type = LI_STEP_RESIZE;
    if (!PyArg_ParseTuple(tuple, "sllssp", &name, &width, &height, &fit, &kernel,
                          &enlarge))
        return -1;
    if (width < 0 || width > UINT16_MAX || height < 0 || height > UINT16_MAX ||
        width + height == 0) {
        PyErr_Format(PyExc_ValueError, "cannot resize to %ldx%ld", width, height);
        return -1;
    }
    step->u.resize.width = (uint32_t)width;
    step->u.resize.height = (uint32_t)height;
    step->u.resize.enlarge = enlarge;
    if ((found = py_word_value(fits, fit, "fit")) < 0)
        return -1;
    step->u.resize.fit = (li_fit)found;
    if ((found = li_kernel_named(kernel)) < 0) {
        PyErr_Format(PyExc_ValueError, "unknown kernel '%s'", kernel);
        return -1;
    }
    step->u.resize.kernel = (li_kernel)found;
    return 0;
}

static int
parse_crop(PyObject *tuple, li_step *step)
{
    const char *name;
    long long x, y, width, height;
    step->type = LI_STEP_CROP;
    if (!PyArg_ParseTuple(tuple, "sLLLL", &name, &x, &y, &width, &height))
        return -1;
    step->u.crop.x = x;
    step->u.crop.y = y;
    step->u.crop.width = width;
    step->u.crop.height = height;
    return 0;
}

static int
parse_rotate(PyObject *tuple, li_step *step)
{
    static const li_orientation quarter_turns[] = {1, 6, 3, 8};
    const char *name;
    int degrees;
    step->type = LI_STEP_ORIENT;
    if (!PyArg_ParseTuple(tuple, "si", &name, &degrees))
        return -1;
    if (degrees % 90 != 0) {
        PyErr_Format(PyExc_ValueError, "cannot rotate by %d degrees", degrees);
        return -1;
    }
    step->u.orient = quarter_turns[(degrees / 90 % 4 + 4) % 4];
    return 0;
}

static int
parse_flip(PyObject *tuple, li_step *step)
{
    const char *name;
    step->type = LI_STEP_ORIENT;
    if (!PyArg_ParseTuple(tuple, "s", &name))
        return -1;
    step->u.orient = strcmp(name, "flip_h") == 0 ? 2 : 4;
    return 0;
}

static int
parse_grayscale(PyObject *tuple, li_step *step)
{
    const char *name;
    step->type = LI_STEP_GRAYSCALE;
    return PyArg_ParseTuple(tuple, "s", &name) ? 0 : -1;
}

static int
parse_tone(PyObject *tuple, li_step *step)
{
    const char *name;
    if (!PyArg_ParseTuple(tuple, "sd", &name, &step->u.value))
        return -1;
    step->type =
        strcmp(name, "brightness") == 0 ? LI_STEP_BRIGHTNESS : LI_STEP_CONTRAST;
    return 0;
}

static int
parse_convert(PyObject *tuple, li_step *step)
{
    const char *name, *mode;
    step->type = LI_STEP_CONVERT;
    if (!PyArg_ParseTuple(tuple, "ss", &name, &mode))
        return -1;
    step->u.convert = py_mode_named(mode);
    return step->u.convert ? 0 : -1;
}

static int
parse_step(PyObject *tuple, li_step *step)
{
    static const struct {
        const char *name;
        int (*parse)(PyObject *, li_step *);
    } parsers[] = {
        {"resize", parse_resize},   {"crop", parse_crop},
        {"rotate", parse_rotate},   {"flip_h", parse_flip},
        {"flip_v", parse_flip},     {"grayscale", parse_grayscale},
        {"brightness", parse_tone}, {"contrast", parse_tone},
        {"convert", parse_convert},
    };
    bool shaped = PyTuple_Check(tuple) && PyTuple_GET_SIZE(tuple) > 0;
    const char *name = shaped ? PyUnicode_AsUTF8(PyTuple_GET_ITEM(tuple, 0)) : NULL;
    for (size_t i = 0; name && i < sizeof(parsers) / sizeof(parsers[0]); i++)
        if (strcmp(name, parsers[i].name) == 0)
            return parsers[i].parse(tuple, step);
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_ValueError, "unknown step %R", tuple);
    return -1;
}

int
py_parse_steps(PyObject *request, py_job *job)
{
    PyObject *steps = py_field(request, "steps");
    if (!steps)
        return 0;
    if (!PyTuple_Check(steps)) {
        PyErr_SetString(PyExc_TypeError, "steps must be a tuple");
        return -1;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(steps);
    job->steps = PyMem_Calloc((size_t)count + 1, sizeof(li_step));
    if (!job->steps) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (parse_step(PyTuple_GET_ITEM(steps, i), &job->steps[i]) < 0)
            return -1;
    job->request.steps = job->steps;
    job->request.step_count = (size_t)count;
    return 0;
}
