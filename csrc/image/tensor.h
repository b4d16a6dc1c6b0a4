/* tensor.h: a sink that stores rows as an array that somebody else owns: bytes, words
 * or floats, pixel by pixel or plane by plane. Layer 1. */
#ifndef LI_IMAGE_TENSOR_H
#define LI_IMAGE_TENSOR_H

#include "image/sink.h"

typedef enum li_dtype { LI_UINT8, LI_FLOAT32, LI_UINT16 } li_dtype;

typedef struct li_tensor {
    void *data; /* borrowed: element (0, 0, 0) */
    li_dtype dtype;
    int64_t row_stride, column_stride, channel_stride; /* bytes */
    /* LI_FLOAT32: sample × scale[channel] + bias[channel], one of 16 bits / 257. */
    float scale[4], bias[4];
} li_tensor;

/* info: 16 bits a sample for LI_UINT16, 8 for LI_UINT8, either for LI_FLOAT32. */
li_status li_tensor_sink(li_ctx *ctx, li_info info, const li_tensor *tensor,
                         li_sink **sink) LI_MUST_CHECK;

#endif
