/* fields.h: reading a request's dict. Each returns 0, or −1 with an exception set; an
 * absent field or None leaves the value as it is. Layer 5. */
#ifndef LI_PYTHON_FIELDS_H
#define LI_PYTHON_FIELDS_H

#include "python/py.h"

typedef struct word {
    const char *name; /* NULL: the end of the table */
    int value;
} word;

extern const word py_modes[];

/* The value of a word, or −1 and an exception that says what it should have been. */
int py_word_value(const word *words, const char *name, const char *what);

/* Borrowed; NULL: it is not there. Cannot fail. */
PyObject *py_item(PyObject *dict, const char *name);
/* The same; NULL for None, too. */
PyObject *py_field(PyObject *request, const char *name);
int py_field_word(PyObject *request, const char *name, const word *words, int *value);
int py_field_int(PyObject *request, const char *name, long low, long high, long *value);
int py_field_bool(PyObject *request, const char *name, bool *value);
/* true, false, or −1 left there for None: as the codec likes. */
int py_field_choice(PyObject *request, const char *name, int8_t *value);
int py_field_floats(PyObject *request, const char *name, float values[4]);

/* steps.c */
int py_parse_steps(PyObject *module, PyObject *request, py_job *job);
/* "top-left", …, "bottom-right". */
int py_parse_position(const char *position, li_at *at_x, li_at *at_y);

#endif
