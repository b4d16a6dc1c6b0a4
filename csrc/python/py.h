/* py.h: what the files of this folder share. Layer 5: the only one that knows Python.
 *
 * Three kinds of function: parse (Python → plain structs), call (without the GIL, no
 * PyObject in sight), wrap (plain structs → Python). */
#ifndef LI_PYTHON_PY_H
#define LI_PYTHON_PY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "engine/carry.h"
#include "group/look.h"

/* One per module object, so one per interpreter. */
typedef struct py_state {
    PyTypeObject *source_type;
    PyTypeObject *encoded_type;
    PyTypeObject *pixels_type;
    PyTypeObject *cancel_type;
    bool traced;    /* LAZYIMAGE_TRACEMALLOC=1: results are told to tracemalloc */
    PyObject *plug; /* owned: the capsule behind `further` */
    _Atomic(const li_codec *) further; /* borrowed of it; NULL: not loaded yet */
    char simd[16]; /* LAZYIMAGE_SIMD, cut to fit; "": the best that there is */
    const struct li_kernels
        *kernels; /* const table; NULL: there is none of that name */
} py_state;

py_state *py_state_of(PyObject *module);

/* tracemalloc's domain for results, kept apart from the Python heap's 0. */
enum { PY_TRACE_DOMAIN = 0x4c49 };

#if PY_VERSION_HEX < 0x030d0000 /* before free threading the GIL is the lock */
#define Py_BEGIN_CRITICAL_SECTION(object) {
#define Py_END_CRITICAL_SECTION() }
#endif

#if PY_VERSION_HEX < 0x030c0000 /* the exception as one object came with 3.12 */
static inline PyObject *
PyErr_GetRaisedException(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value && traceback)
        PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

static inline void
PyErr_SetRaisedException(PyObject *error)
{
    PyErr_Restore(Py_NewRef(Py_TYPE(error)), error, PyException_GetTraceback(error));
}
#endif

/* --- further.c ------------------------------------------------------------------- */

/* Load the codec that is an extension of its own, if it is not yet: −1 and an exception
 * if it cannot be had. */
int py_further_load(PyObject *module);
/* Is there a codec of this name, loading it if need be? No exception. */
bool py_codec_there(PyObject *module, const char *name);
PyObject *py_features(PyObject *module, PyObject *ignored);
PyObject *py_source_faults(PyObject *module, PyObject *ignored);
PyObject *py_has_codec(PyObject *module, PyObject *args);

/* --- source.c -------------------------------------------------------------------- */

typedef enum py_source_kind { PY_PATH, PY_FILE, PY_BYTES, PY_PIXELS } py_source_kind;

typedef struct py_source {
    PyObject_HEAD py_source_kind kind;
    li_io io;
    PyObject *path; /* bytes object; PY_PATH */
    Py_buffer view; /* held while view.obj: what is borrowed */
    uint8_t *copy;  /* owned instead of borrowed; freed by li_release */
    size_t size;
    li_frame frame; /* PY_PIXELS; its pixels are view's or copy's */
    size_t copied;
    int fd;         /* PY_FILE, or a held path: open; else −1 */
    li_stamp stamp; /* of fd */
    uint32_t holds;
    bool salvage;
    PyObject *given;      /* owned: a tuple of bytes that metadata borrow; PY_PIXELS */
    li_metadata metadata; /* what goes with the pixels */
    li_cicp numbers;      /* and what their colours are; all 0: sRGB's */
} py_source;

extern PyType_Spec py_source_spec;

/* --- encoded.c, pixels.c, cancel.c ----------------------------------------------- */

typedef struct py_encoded {
    PyObject_HEAD uint8_t
        *data; /* owned; li_release; NULL in an object that run() did not make */
    Py_ssize_t size;
    bool traced;
} py_encoded;

typedef struct py_pixels {
    PyObject_HEAD uint8_t *data; /* owned; NULL: `out` holds the samples */
    Py_buffer out;               /* held while out.obj: the caller's array */
    Py_ssize_t shape[3], strides[3];
    Py_ssize_t sample_bytes;
    void *first; /* data or out.buf */
    bool traced;
} py_pixels;

typedef struct py_cancel {
    PyObject_HEAD atomic_int flag;
} py_cancel;

extern PyType_Spec py_encoded_spec;
extern PyType_Spec py_pixels_spec;
extern PyType_Spec py_cancel_spec;

/* --- args.c: a request parsed ---------------------------------------------------- */

/* One job, as plain data; PyObjects here are touched with the GIL only. */
typedef struct py_job {
    li_ctx ctx;
    const li_codec *further[2]; /* what ctx.further points to: one at most */
    py_source *source;          /* owned reference */
    int fd;                     /* own duplicate of a held file; −1: open by path */
    li_stamp stamp;             /* of fd */
    li_step *steps;             /* owned, PyMem: as they were written, */
    li_step *known;             /* owned, PyMem: and as the pixels make them */
    struct py_layer *layers;    /* owned: second pictures of overlays */
    li_look look;               /* what it took to know them */
    li_request request;
    PyTypeObject *type; /* owned reference: the class of the result; may be NULL */
    PyObject *path;     /* owned bytes: the output file */
    bool durable;
    bool glance;       /* at the header, no more: a mapping is not worth it */
    py_cancel *cancel; /* owned reference or NULL */
    bool planar;       /* CHW */
    li_tensor tensor;
    Py_buffer out; /* held while out.obj */

    li_input input;
    uint8_t denied;     /* LI_KEEP_… that a policy does not let through */
    li_metadata handed; /* owned: of pixels, where the request keeps any */
    li_plan plan;
    li_times times;
    void *verb_data;    /* borrowed: what a verb of its own needs */
    li_out *to;         /* owned while the target is open; and these two: */
    li_file *to_file;   /* of a file */
    uint8_t *samples;   /* of pixels, but into `out` */
    bool traced;        /* as the module's state says */
    bool settled;       /* of a batch: done with, */
    bool failed;        /* and ctx says why */
    bool later;         /* of a batch: not run, another of its unit keeps bytes */
    bool covered;       /* of a batch: what it takes is in another's `hold` */
    uint32_t threads;   /* that worked for it; 0: its own, and the one ahead */
    int64_t timeout_ns; /* 0: none */
    uint64_t hold;      /* of a batch: bytes that go on being taken after it, ... */
    uint64_t kept;      /* ... and were; settle() says when they are given back */
    struct py_likeness *likeness; /* owned: compares instead of encoding; or NULL */
    int64_t total_ns, cpu_ns;
    uint8_t *data; /* owned until wrapped: the bytes or samples; li_release */
    size_t size;
} py_job;

/* How much of a request is looked at. */
typedef enum py_depth { PY_HEADER, PY_WHOLE } py_depth;

/* 0, or −1 with an exception set. The job must be cleared in both cases. */
int py_job_parse(PyObject *module, PyObject *source, PyObject *request, py_depth depth,
                 py_job *job);
void py_job_clear(py_job *job);
/* "L", "RGB", …; NULL and an exception, or 0 and an exception, if there is none. */
const char *py_mode_name(li_pixel pixel);
li_pixel py_mode_named(const char *mode);

/* --- run.c ----------------------------------------------------------------------- */

/* What is done with an open source and, but for PY_HEADER, a plan; without the GIL. */
typedef li_status py_verb(py_job *job, li_source *source);

/* Do it with a parsed job; false with an exception set. */
bool py_job_call(PyObject *module, py_job *job, py_verb *verb, py_depth depth);

PyObject *py_run(PyObject *module, PyObject *args);
PyObject *py_inspect(PyObject *module, PyObject *args);
PyObject *py_explain(PyObject *module, PyObject *args);
PyObject *py_estimate(PyObject *module, PyObject *args);

/* --- compare.c, strip.c ----------------------------------------------------------- */

PyObject *py_strip(PyObject *module, PyObject *args);
PyObject *py_compare(PyObject *module, PyObject *args);
/* Make the job one that holds the picture against a reference, if the request has one;
 * 0, or −1 with an exception set. */
int py_likeness_parse(PyObject *request, py_job *job);
void py_likeness_clear(py_job *job);
li_out *py_likeness_out(py_job *job);
const char *py_dtype_name(li_dtype dtype); /* "uint8", … */
PyObject *py_wrap_likeness(const py_job *job);

/* Without the GIL: */

/* Open the source of a job on this context; owned by the caller. */
li_status py_source_open(const py_job *job, li_ctx *ctx, li_source **source);
/* The same, or none for pixels, and what is in it. */
li_status py_input_open(const py_job *job, li_ctx *ctx, li_source **source,
                        li_input *input);
/* metadata.c: what `keep` names of what is in it, and with it all that a request wants
 * besides pixels: how colours become sRGB. li_input_close ends both. */
li_status py_input_metadata(const py_job *job, li_ctx *ctx, li_source *source,
                            uint8_t keep, li_input *input);
li_status py_input_extras(const py_job *job, li_ctx *ctx, li_source *source,
                          const li_request *request, li_input *input);
/* What goes with pixels: job->handed. */
li_status py_hand_metadata(py_job *job);
/* With the GIL: such a tuple, or None; and one into a source of pixels. */
PyObject *py_wrap_metadata(const li_metadata *metadata);
int py_metadata_parse(PyObject *given, py_source *source);
/* What numbers say of pixels whose colours were not converted, as bytes for a source of
 * those pixels; None: nothing. */
PyObject *py_wrap_numbers(const py_job *job);
int py_numbers_parse(PyObject *given, py_source *source);
/* From the plan to the result. */
li_status py_job_run(py_job *job, li_source *source);

/* --- layers.c --------------------------------------------------------------------- */

/* An overlay's tuple: the step, and its picture into job->layers. 0, or −1 with an
 * exception set. */
int py_layer_parse(PyObject *module, PyObject *tuple, py_job *job, li_step *step);
void py_layers_clear(py_job *job);
/* Without the GIL: */

/* Second pictures are opened, and numbers that are in pixels are looked up, by
 * job->look and in job->input. source: NULL if there is nothing to be looked up. */
li_status py_job_look(py_job *job, li_source *source) LI_MUST_CHECK;
/* The plan of a job after that. */
li_status py_job_plan(py_job *job) LI_MUST_CHECK;
/* One version of the file for all jobs on it. */
li_status py_hold_file(li_ctx *ctx, py_job *jobs, uint32_t count) LI_MUST_CHECK;
/* A descriptor of the file at `path`, or, if it is one, another of `again`. */
li_status py_fd_open(li_ctx *ctx, const char *what, const char *path, int again,
                     int *fd) LI_MUST_CHECK;
/* What the job ends with: E103 where a second picture that seems damaged has changed.
 */
li_status py_layers_blame(py_job *job, li_status status) LI_MUST_CHECK;
/* E103 if a second picture is no longer what it was. */
li_status py_layers_verify(py_job *job) LI_MUST_CHECK;

/* --- batch.c --------------------------------------------------------------------- */

PyObject *py_run_many(PyObject *module, PyObject *args);

/* --- target.c: without the GIL ---------------------------------------------------- */

/* Needs the plan. It must be closed, whatever is said. */
li_status py_target_open(py_job *job, li_target *target);
/* All is written and verified: let it out. */
li_status py_target_finish(py_job *job);
void py_target_close(py_job *job);

/* --- wrap.c ---------------------------------------------------------------------- */

/* Set the exception that the job's status stands for; returns NULL. */
PyObject *py_raise(py_job *job);
/* The same for a context without a job. filename: borrowed, may be NULL. */
PyObject *py_raise_ctx(li_ctx *ctx, PyObject *filename);
PyObject *py_wrap_header(const py_job *job);
PyObject *py_wrap_metrics(const py_job *job, uint64_t bytes_out);
PyObject *py_wrap_result(py_job *job);

#endif
