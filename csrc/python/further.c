/* further.c: the codec that is an extension of its own: imported when a job first needs
 * it, because its library costs 4 ms and 3.5 MB. Layer 5. */
#include "python/py.h"
#include "color/lcms.h"

#include <string.h>

/* The Python half says what is missing, and what to install. */
static PyObject *
ask_for_plug(const char *name)
{
    PyObject *formats = PyImport_ImportModule("lazyimage.formats");
    if (!formats)
        return NULL;
    PyObject *capsule = PyObject_CallMethod(formats, "load_codec", "s", name);
    Py_DECREF(formats);
    return capsule;
}

static const li_codec *
codec_of(PyObject *capsule)
{
    const li_plug *plug = PyCapsule_GetPointer(capsule, "lazyimage._avif.codec");
    if (!plug)
        return NULL;
    if (li_plug_fits(plug))
        return plug->codec;
    PyErr_SetString(PyExc_ImportError,
                    "lazyimage._avif and lazyimage._core are of different builds");
    return NULL;
}

int
py_further_load(PyObject *module)
{
    py_state *state = py_state_of(module);
    if (state->further)
        return 0;
    PyObject *capsule = ask_for_plug(li_further_formats[0].name);
    const li_codec *codec = capsule ? codec_of(capsule) : NULL;
    if (!codec) {
        Py_XDECREF(capsule);
        return -1;
    }
    Py_BEGIN_CRITICAL_SECTION(module);
    if (!state->plug)
        state->plug = Py_NewRef(capsule);
    state->further = codec;
    Py_END_CRITICAL_SECTION();
    Py_DECREF(capsule);
    return 0;
}

bool
py_codec_there(PyObject *module, const char *name)
{
    if (li_codec_named(name))
        return true;
    if (strcmp(li_further_formats[0].name, name) != 0)
        return false;
    if (py_further_load(module) == 0)
        return true;
    PyErr_Clear();
    return false;
}

PyObject *
py_has_codec(PyObject *module, PyObject *args)
{
    const char *name;
    if (!PyArg_ParseTuple(args, "s", &name))
        return NULL;
    return PyBool_FromLong(py_codec_there(module, name));
}

static int
add_versions(PyObject *dict, const li_codec *codec)
{
    const char *running = codec->running ? codec->running() : codec->version;
    PyObject *versions = Py_BuildValue("(ss)", codec->version, running);
    int failed = versions ? PyDict_SetItemString(dict, codec->name, versions) : -1;
    Py_XDECREF(versions);
    return failed;
}

static int
add_lcms2(PyObject *dict)
{
    int built = li_lcms_built(), running = li_lcms_running();
    if (!built)
        return 0;
    PyObject *built_text =
        PyUnicode_FromFormat("%d.%d", built / 1000, built % 1000 / 10);
    PyObject *text = PyUnicode_FromFormat("%d.%d", running / 1000, running % 1000 / 10);
    PyObject *pair = built_text && text ? PyTuple_Pack(2, built_text, text) : NULL;
    int failed = pair ? PyDict_SetItemString(dict, "lcms2", pair) : -1;
    Py_XDECREF(pair);
    Py_XDECREF(text);
    Py_XDECREF(built_text);
    return failed;
}

/* name → (header version, run-time version) */
PyObject *
py_features(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    PyObject *dict = PyDict_New();
    for (int i = 0; dict && li_codecs[i]; i++)
        if (add_versions(dict, li_codecs[i]) < 0)
            Py_CLEAR(dict);
    if (dict && py_codec_there(module, li_further_formats[0].name) &&
        add_versions(dict, py_state_of(module)->further) < 0)
        Py_CLEAR(dict);
    if (dict && add_lcms2(dict) < 0)
        Py_CLEAR(dict);
    return dict;
}
