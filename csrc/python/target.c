/* target.c: where the result of a job goes: opened once the plan is there, finished
 * once the source has been verified, closed in any case. Without the GIL. Layer 5. */
#include "python/py.h"

#include <string.h>

static void
tensor_strides(py_job *job, const Py_ssize_t strides[3])
{
    li_tensor *tensor = &job->tensor;
    tensor->row_stride = strides[job->planar ? 1 : 0];
    tensor->column_stride = strides[job->planar ? 2 : 1];
    tensor->channel_stride = strides[job->planar ? 0 : 2];
}

/* The shape that the array of this picture has, and the strides when it is packed. */
static void
tensor_shape(const py_job *job, Py_ssize_t shape[3], Py_ssize_t strides[3])
{
    li_info info = job->plan.out;
    Py_ssize_t channels = (Py_ssize_t)li_pixel_channels(info.pixel);
    shape[0] = job->planar ? channels : info.height;
    shape[1] = job->planar ? info.height : info.width;
    shape[2] = job->planar ? info.width : channels;
    strides[2] = (Py_ssize_t)job->request.sample_bytes;
    strides[1] = strides[2] * shape[2];
    strides[0] = strides[1] * shape[1];
}

static li_status
tensor_into_out(py_job *job, const Py_ssize_t shape[3], Py_ssize_t strides[3])
{
    const Py_buffer *out = &job->out;
    Py_ssize_t bytes = shape[0] * strides[0];
    bool same = out->ndim == 3 && memcmp(out->shape, shape, 3 * sizeof(shape[0])) == 0;
    bool flat = out->ndim == 1 && out->strides[0] == out->itemsize && out->len == bytes;
    if (!same && !flat)
        return li_fail(&job->ctx, LI_E400_ARGUMENT,
                       "out: %lld bytes in %d dimensions do not have the shape "
                       "(%lld, %lld, %lld)",
                       (long long)out->len, out->ndim, (long long)shape[0],
                       (long long)shape[1], (long long)shape[2]);
    if (same)
        memcpy(strides, out->strides, 3 * sizeof(strides[0]));
    job->tensor.data = out->buf;
    return LI_OK;
}

static li_status
open_pixels(py_job *job)
{
    Py_ssize_t shape[3], strides[3];
    tensor_shape(job, shape, strides);
    if (job->out.obj)
        LI_TRY(tensor_into_out(job, shape, strides));
    else
        LI_TRY(
            li_alloc(&job->ctx, (uint64_t)shape[0], (size_t)strides[0], &job->samples));
    if (job->samples)
        job->tensor.data = job->samples;
    tensor_strides(job, strides);
    return LI_OK;
}

static li_status
open_file(py_job *job)
{
    const char *path = ((PyBytesObject *)job->path)->ob_sval;
    LI_TRY(li_file_create(&job->ctx, path, job->durable, &job->to_file));
    return li_out_to_file(&job->ctx, job->to_file, &job->to);
}

li_status
py_target_open(py_job *job, li_target *target)
{
    *target = (li_target){0};
    if (job->likeness) {
        target->out = py_likeness_out(job);
        return LI_OK;
    }
    if (job->request.output == LI_OUTPUT_PIXELS) {
        target->tensor = &job->tensor;
        return open_pixels(job);
    }
    if (job->request.output == LI_OUTPUT_FILE) {
        LI_TRY(open_file(job));
    } else {
        LI_TRY(li_out_to_memory(&job->ctx, &job->to));
        li_out_expect(job->to, job->plan.out_bytes);
    }
    target->out = job->to;
    return LI_OK;
}

li_status
py_target_finish(py_job *job)
{
    if (job->likeness)
        return LI_OK;
    if (job->request.output == LI_OUTPUT_BUFFER)
        return li_out_detach(job->to, &job->data, &job->size);
    if (job->request.output == LI_OUTPUT_FILE) {
        job->size = (size_t)job->to->size;
        li_out_close(&job->to);
        return li_file_commit(job->to_file);
    }
    LI_TRY(py_hand_metadata(job));
    if (job->samples)
        li_disown(&job->ctx, job->samples);
    job->data = job->samples;
    job->samples = NULL;
    return LI_OK;
}

void
py_target_close(py_job *job)
{
    li_out_close(&job->to);
    li_file_close(&job->to_file);
    li_free(&job->ctx, &job->samples);
}
