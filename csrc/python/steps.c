/* steps.c: tuples of the request → steps of the plan. Layer 5. */
#include "python/fields.h"

#include <string.h>

static const word fits[] = {
    {"inside", LI_FIT_INSIDE},   {"cover", LI_FIT_COVER},     {"fill", LI_FIT_FILL},
    {"outside", LI_FIT_OUTSIDE}, {"contain", LI_FIT_CONTAIN}, {NULL, 0},
};

/* Row by row, so that value / 3 and value % 3 are 0, 1 and 2 from the upper left. */
static const word positions[] = {
    {"top-left", 0},     {"top", 1},   {"top-right", 2},   {"left", 3},
    {"center", 4},       {"right", 5}, {"bottom-left", 6}, {"bottom", 7},
    {"bottom-right", 8}, {NULL, 0},
};

static int
hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* "#rrggbb" or "#rrggbbaa". */
static int
parse_color(const char *text, li_color *color)
{
    size_t length = strlen(text);
    color->channel[3] = 255;
    if (text[0] != '#' || (length != 7 && length != 9))
        length = 0;
    for (size_t i = 0; 2 * i + 2 < length; i++) {
        int high = hex_digit(text[2 * i + 1]), low = hex_digit(text[2 * i + 2]);
        if (high < 0 || low < 0)
            length = 0;
        color->channel[i] = (uint8_t)(high * 16 + low);
    }
    if (length)
        return 0;
    PyErr_Format(PyExc_ValueError, "'%s' is no colour", text);
    return -1;
}

int
py_parse_position(const char *position, li_at *at_x, li_at *at_y)
{
    int found = position ? py_word_value(positions, position, "position") : -1;
    if (found < 0)
        return -1;
    *at_x = LI_AT_END * (found % 3 - 1);
    *at_y = LI_AT_END * (found / 3 - 1);
    return 0;
}

/* The words of a resize. */
static int
parse_choices(const char *fit, const char *kernel, const char *position,
              const char *background, li_step *step)
{
    int found;
    if ((found = py_word_value(fits, fit, "fit")) < 0)
        return -1;
    step->u.resize.fit = (li_fit)found;
    if (strcmp(position, "attention") == 0)
        step->u.resize.at_x = step->u.resize.at_y = LI_AT_ATTENTION;
    else if (py_parse_position(position, &step->u.resize.at_x, &step->u.resize.at_y) <
             0)
        return -1;
    if ((found = li_kernel_named(kernel)) < 0) {
        PyErr_Format(PyExc_ValueError, "unknown kernel '%s'", kernel);
        return -1;
    }
    step->u.resize.kernel = (li_kernel)found;
    return parse_color(background, &step->u.resize.background);
}

static int
parse_resize(PyObject *tuple, li_step *step)
{
    const char *name, *fit, *kernel, *position = "center", *background = "#ffffff";
    int linear = 0;
    long width, height;
    int enlarge;
    step->type = LI_STEP_RESIZE;
    if (!PyArg_ParseTuple(tuple, "sllssp|ssp", &name, &width, &height, &fit, &kernel,
                          &enlarge, &position, &background, &linear))
        return -1;
    if (width < 0 || width > UINT16_MAX || height < 0 || height > UINT16_MAX ||
        width + height == 0) {
        PyErr_Format(PyExc_ValueError, "cannot resize to %ldx%ld", width, height);
        return -1;
    }
    step->u.resize.width = (uint32_t)width;
    step->u.resize.height = (uint32_t)height;
    step->u.resize.enlarge = enlarge;
    step->u.resize.linear = linear;
    return parse_choices(fit, kernel, position, background, step);
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

/* What is no quarter turn. */
static int
parse_turn(double degrees, const char *background, const char *kernel, li_step *step)
{
    *step = (li_step){LI_STEP_OP, {.op = {.kind = &li_op_rotate}}};
    li_rotate *rotate = &step->u.op.u.rotate;
    int found = li_kernel_named(kernel);
    if (!(degrees > -360 && degrees < 360) ||
        (found != LI_NEAREST && found != LI_BILINEAR && found != LI_CUBIC)) {
        PyErr_Format(PyExc_ValueError, "cannot rotate so by '%s'", kernel);
        return -1;
    }
    rotate->degrees = degrees;
    rotate->kernel = (li_kernel)found;
    return parse_color(background, &rotate->color);
}

static int
parse_rotate(PyObject *tuple, li_step *step)
{
    static const li_orientation quarter_turns[] = {1, 6, 3, 8};
    const char *name, *background = "#ffffff", *kernel = "cubic";
    double degrees;
    step->type = LI_STEP_ORIENT;
    if (!PyArg_ParseTuple(tuple, "sd|ss", &name, &degrees, &background, &kernel))
        return -1;
    for (int quarter = 0; quarter < 4; quarter++)
        if (degrees == quarter * 90) {
            step->u.orient = quarter_turns[quarter];
            return 0;
        }
    return parse_turn(degrees, background, kernel, step);
}

static int
parse_flip(PyObject *tuple, li_step *step)
{
    const char *name;
    step->type = LI_STEP_ORIENT;
    if (!PyArg_ParseTuple(tuple, "s", &name))
        return -1;
    step->u.orient = strcmp(name, "flip_h") == 0   ? 2
                     : strcmp(name, "flip_v") == 0 ? 4
                                                   : 5;
    return 0;
}

static int
parse_trim(PyObject *tuple, li_step *step)
{
    const char *name;
    step->type = LI_STEP_TRIM;
    return PyArg_ParseTuple(tuple, "sb", &name, &step->u.trim) ? 0 : -1;
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

/* --- ops as they are ------------------------------------------------------------- */

static int
parse_gamma(PyObject *tuple, li_step *step)
{
    const char *name;
    double value;
    *step = (li_step){LI_STEP_OP, {.op = {.kind = &li_op_tone}}};
    if (!PyArg_ParseTuple(tuple, "sd", &name, &value))
        return -1;
    if (!(value > 0)) {
        PyErr_SetString(PyExc_ValueError, "gamma must be above 0");
        return -1;
    }
    li_tone_gamma(&step->u.op.u.tone, value);
    return 0;
}

static int
parse_saturation(PyObject *tuple, li_step *step)
{
    const char *name;
    double value;
    *step = (li_step){LI_STEP_OP, {.op = {.kind = &li_op_saturation}}};
    if (!PyArg_ParseTuple(tuple, "sd", &name, &value))
        return -1;
    if (!(value >= -100 && value <= 100)) {
        PyErr_SetString(PyExc_ValueError, "saturation must be -100 to 100");
        return -1;
    }
    li_saturation_of(&step->u.op.u.saturation, value);
    return 0;
}

static int
parse_blur(PyObject *tuple, li_step *step)
{
    const char *name;
    *step = (li_step){LI_STEP_OP, {.op = {.kind = &li_op_blur}}};
    return PyArg_ParseTuple(tuple, "sd", &name, &step->u.op.u.blur.sigma) ? 0 : -1;
}

static int
parse_sharpen(PyObject *tuple, li_step *step)
{
    const char *name;
    *step = (li_step){LI_STEP_OP, {.op = {.kind = &li_op_sharpen}}};
    li_blur *blur = &step->u.op.u.blur;
    return PyArg_ParseTuple(tuple, "sddb", &name, &blur->amount, &blur->sigma,
                            &blur->threshold)
               ? 0
               : -1;
}

static int
parse_flatten(PyObject *tuple, li_step *step)
{
    const char *name, *background;
    li_color color;
    *step = (li_step){LI_STEP_OP, {.op = {.kind = &li_op_convert}}};
    if (!PyArg_ParseTuple(tuple, "ss", &name, &background) ||
        parse_color(background, &color) < 0)
        return -1;
    step->u.op.u.convert.flatten = true;
    memcpy(step->u.op.u.convert.background, color.channel, 3);
    return 0;
}

static int
parse_pad(PyObject *tuple, li_step *step)
{
    const char *name, *background;
    long sides[4];
    *step = (li_step){LI_STEP_OP, {.op = {.kind = &li_op_pad}}};
    li_pad *pad = &step->u.op.u.pad;
    if (!PyArg_ParseTuple(tuple, "slllls", &name, &sides[0], &sides[1], &sides[2],
                          &sides[3], &background) ||
        parse_color(background, &pad->color) < 0)
        return -1;
    for (int i = 0; i < 4; i++)
        if (sides[i] < 0 || sides[i] > UINT16_MAX) {
            PyErr_Format(PyExc_ValueError, "cannot pad by %ld", sides[i]);
            return -1;
        }
    pad->left = (uint32_t)sides[0];
    pad->top = (uint32_t)sides[1];
    pad->right = (uint32_t)sides[2];
    pad->bottom = (uint32_t)sides[3];
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
parse_step(PyObject *module, PyObject *tuple, py_job *job, li_step *step)
{
    static const struct {
        const char *name;
        int (*parse)(PyObject *, li_step *);
    } parsers[] = {
        {"resize", parse_resize},       {"crop", parse_crop},
        {"rotate", parse_rotate},       {"flip_h", parse_flip},
        {"flip_v", parse_flip},         {"transpose", parse_flip},
        {"grayscale", parse_grayscale}, {"brightness", parse_tone},
        {"contrast", parse_tone},       {"saturation", parse_saturation},
        {"gamma", parse_gamma},         {"convert", parse_convert},
        {"flatten", parse_flatten},     {"pad", parse_pad},
        {"blur", parse_blur},           {"sharpen", parse_sharpen},
        {"trim", parse_trim},
    };
    bool shaped = PyTuple_Check(tuple) && PyTuple_GET_SIZE(tuple) > 0;
    const char *name = shaped ? PyUnicode_AsUTF8(PyTuple_GET_ITEM(tuple, 0)) : NULL;
    if (name && strcmp(name, "overlay") == 0)
        return py_layer_parse(module, tuple, job, step);
    for (size_t i = 0; name && i < sizeof(parsers) / sizeof(parsers[0]); i++)
        if (strcmp(name, parsers[i].name) == 0)
            return parsers[i].parse(tuple, step);
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_ValueError, "unknown step %R", tuple);
    return -1;
}

int
py_parse_steps(PyObject *module, PyObject *request, py_job *job)
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
    job->known = PyMem_Calloc((size_t)count + 1, sizeof(li_step));
    if (!job->steps || !job->known) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (parse_step(module, PyTuple_GET_ITEM(steps, i), job, &job->steps[i]) < 0)
            return -1;
    job->request.steps = job->steps;
    job->request.step_count = (size_t)count;
    return 0;
}
