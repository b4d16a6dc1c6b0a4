/* fields.c: plain values out of a dict, words out of strings. Layer 5. */
#include "python/fields.h"

#include <string.h>

const word py_modes[] = {{"L", LI_GRAY8},    {"LA", LI_GRAYA8},  {"RGB", LI_RGB8},
                         {"RGBA", LI_RGBA8}, {"CMYK", LI_CMYK8}, {NULL, 0}};

/* The value of a word, or −1 and an exception. */
int
py_word_value(const word *words, const char *name, const char *what)
{
    for (; words->name; words++)
        if (strcmp(words->name, name) == 0)
            return words->value;
    PyErr_Format(PyExc_ValueError, "unknown %s '%s'", what, name);
    return -1;
}

const char *
py_mode_name(li_pixel pixel)
{
    for (const word *mode = py_modes; mode->name; mode++)
        if (mode->value == (int)li_pixel_with_depth(pixel, false))
            return mode->name;
    PyErr_Format(PyExc_SystemError, "no mode for %s", li_pixel_name(pixel));
    return NULL;
}

li_pixel
py_mode_named(const char *mode)
{
    int value = py_word_value(py_modes, mode, "mode");
    return value < 0 ? 0 : (li_pixel)value;
}

/* --- fields of the dict ---------------------------------------------------------- */

/* Makes no key: a field for whose key there is no memory would pass for one that nobody
 * gave. */
PyObject *
py_item(PyObject *dict, const char *name)
{
    PyObject *key, *value;
    Py_ssize_t at = 0, length = (Py_ssize_t)strlen(name);
    while (PyDict_Next(dict, &at, &key, &value))
        if (PyUnicode_Check(key) && PyUnicode_GET_LENGTH(key) == length &&
            PyUnicode_CompareWithASCIIString(key, name) == 0)
            return value;
    return NULL;
}

PyObject *
py_field(PyObject *request, const char *name)
{
    PyObject *value = py_item(request, name);
    return value == Py_None ? NULL : value;
}

int
py_field_word(PyObject *request, const char *name, const word *words, int *value)
{
    PyObject *given = py_field(request, name);
    if (!given)
        return 0;
    const char *text = PyUnicode_AsUTF8(given);
    int found = text ? py_word_value(words, text, name) : -1;
    if (found < 0)
        return -1;
    *value = found;
    return 0;
}

int
py_field_int(PyObject *request, const char *name, long low, long high, long *value)
{
    PyObject *given = py_field(request, name);
    if (!given)
        return 0;
    long number = PyLong_AsLong(given);
    if (number == -1 && PyErr_Occurred())
        return -1;
    if (number < low || number > high) {
        PyErr_Format(PyExc_ValueError, "%s must be %ld..%ld, not %ld", name, low, high,
                     number);
        return -1;
    }
    *value = number;
    return 0;
}

int
py_field_bool(PyObject *request, const char *name, bool *value)
{
    PyObject *given = py_field(request, name);
    int truth = given ? PyObject_IsTrue(given) : *value;
    if (truth < 0)
        return -1;
    *value = truth;
    return 0;
}

/* None stays −1: as the codec likes. */
int
py_field_choice(PyObject *request, const char *name, int8_t *value)
{
    PyObject *given = py_field(request, name);
    int truth = given ? PyObject_IsTrue(given) : *value;
    if (given && truth < 0)
        return -1;
    *value = (int8_t)truth;
    return 0;
}

int
py_field_floats(PyObject *request, const char *name, float values[4])
{
    PyObject *given = py_field(request, name);
    double v[4];
    if (!given)
        return 0;
    if (!PyTuple_Check(given)) {
        PyErr_Format(PyExc_TypeError, "%s must be a tuple", name);
        return -1;
    }
    if (!PyArg_ParseTuple(given, "dddd", &v[0], &v[1], &v[2], &v[3]))
        return -1;
    for (int i = 0; i < 4; i++)
        values[i] = (float)v[i];
    return 0;
}
