/* avif_module.c: lazyimage._avif: nothing but the AVIF codec in a capsule, for _core.
 * An extension of its own, because libavif costs 4 ms of import. Layer 5. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "codecs/codec.h"

static const char capsule_name[] = "lazyimage._avif.codec";

static void
capsule_free(PyObject *capsule)
{
    PyMem_Free(PyCapsule_GetPointer(capsule, capsule_name));
}

static int
module_exec(PyObject *module)
{
    li_plug *plug = PyMem_Malloc(sizeof(*plug));
    if (!plug) {
        PyErr_NoMemory();
        return -1;
    }
    *plug = li_plug_of(&li_codec_avif);
    PyObject *capsule = PyCapsule_New(plug, capsule_name, capsule_free);
    if (!capsule)
        PyMem_Free(plug);
    int failed = capsule ? PyModule_AddObjectRef(module, "codec", capsule) : -1;
    Py_XDECREF(capsule);
    return failed;
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
    .m_name = "lazyimage._avif",
    .m_doc = "The AVIF codec, for lazyimage._core.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__avif(void)
{
    return PyModuleDef_Init(&module_def);
}
