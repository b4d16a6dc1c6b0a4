/* module.c: lazyimage._core: multi-phase, no global state, any interpreter. Layer 5. */
#include "python/py.h"
#include "kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

py_state *
py_state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

static PyMethodDef module_methods[] = {
    {"run", py_run, METH_VARARGS, "Run one job."},
    {"run_many", py_run_many, METH_VARARGS, "Run many jobs on some threads."},
    {"inspect", py_inspect, METH_VARARGS, "Read the header."},
    {"explain", py_explain, METH_VARARGS, "The plan in words."},
    {"estimate", py_estimate, METH_VARARGS, "What a job costs at most."},
    {"compare", py_compare, METH_VARARGS, "How alike two pictures are."},
    {"strip", py_strip, METH_VARARGS, "The source's own bytes without metadata."},
    {"features", py_features, METH_NOARGS, "The codecs and their versions."},
    {"source_faults", py_source_faults, METH_NOARGS, "Pages of maps that had gone."},
    {"has_codec", py_has_codec, METH_VARARGS, "Is there a codec of this name?"},
    {0},
};

static int
add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *type ? PyModule_AddType(module, *type) : -1;
}

/* The kernels of all jobs, once: a job that finds none fails, an import does not. */
static int
choose_kernels(PyObject *module, py_state *state)
{
    const char *asked = getenv("LAZYIMAGE_SIMD");
    if (asked)
        strncpy(state->simd, asked, sizeof(state->simd) - 1);
    state->kernels = li_kernels_named(state->simd[0] ? state->simd : NULL);
    return PyModule_AddStringConstant(module, "kernels",
                                      state->kernels ? state->kernels->name : "none");
}

static int
module_exec(PyObject *module)
{
    py_state *state = py_state_of(module);
    if (add_type(module, &py_source_spec, &state->source_type) < 0 ||
        add_type(module, &py_encoded_spec, &state->encoded_type) < 0 ||
        add_type(module, &py_pixels_spec, &state->pixels_type) < 0 ||
        add_type(module, &py_cancel_spec, &state->cancel_type) < 0)
        return -1;
    const char *traced = getenv("LAZYIMAGE_TRACEMALLOC");
    state->traced = traced && strcmp(traced, "1") == 0;
    if (choose_kernels(module, state) < 0)
        return -1;
    if (PyModule_AddIntConstant(module, "tracemalloc_domain", PY_TRACE_DOMAIN) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "version", LI_VERSION);
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    py_state *state = py_state_of(module);
    Py_VISIT(state->source_type);
    Py_VISIT(state->encoded_type);
    Py_VISIT(state->pixels_type);
    Py_VISIT(state->cancel_type);
    Py_VISIT(state->plug);
    return 0;
}

static int
module_clear(PyObject *module)
{
    py_state *state = py_state_of(module);
    Py_CLEAR(state->source_type);
    Py_CLEAR(state->encoded_type);
    Py_CLEAR(state->pixels_type);
    Py_CLEAR(state->cancel_type);
    state->further = NULL;
    Py_CLEAR(state->plug);
    return 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030c0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030d0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "lazyimage._core",
    .m_doc = "The native core of lazyimage: bytes and pixels.",
    .m_size = sizeof(py_state),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
};

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModuleDef_Init(&module_def);
}
