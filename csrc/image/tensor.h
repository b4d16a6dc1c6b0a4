/* tensor.h: a sink that stores rows as an array that somebody else owns: bytes or
 * floats, pixel by pixel or plane by plane. Layer 1. */
#ifndef LI_IMAGE_TENSOR_H
#define LI_IMAGE_TENSOR_H

#include "image/sink.h"

typedef enum li_dtype { LI_UINT8, LI_FLOAT32 } li_dtype;

typedef struct li_tensor {
    void *data; /* borrowed: element (0, 0, 0) */
    li_dtype dtype;
    int64_t row_stride, column_stride, channel_stride; /* bytes */
    float scale[4], bias[4]; /* LI_FLOAT32: sample × scale[channel] + bias[channel] */
} li_tensor;

li_status li_tensor_sink(li_ctx *ctx, li_info info, const li_tensor *tensor,
                         li_sink **sink) LI_MUST_CHECK;

#endif
