/* tensor.c: rows into somebody's array, as bytes, words or floats, by pixel or by
 * plane. Layer 1. */
#include "image/tensor.h"

#include "kernels/deep.h"

#include <string.h>

enum { CHUNK = 8 * LI_FLOAT_PERIOD }; /* pixels taken apart at once, on the stack */

/* Factors as a kernel wants them. */
typedef struct factors {
    float scale[LI_FLOAT_PERIOD], bias[LI_FLOAT_PERIOD];
} factors;

typedef struct tensor_sink {
    li_sink base;
    li_tensor tensor;   /* its data is borrowed */
    factors pixels;     /* of the samples of a row, channel after channel */
    factors channel[4]; /* of one channel alone */
} tensor_sink;

static char *
tensor_row(const tensor_sink *sink, uint32_t channel)
{
    return (char *)sink->tensor.data + (int64_t)sink->base.y * sink->tensor.row_stride +
           channel * sink->tensor.channel_stride;
}

static bool
is_packed(const tensor_sink *sink, int64_t size)
{
    return sink->tensor.channel_stride == size &&
           sink->tensor.column_stride ==
               size * li_pixel_channels(sink->base.info.pixel);
}

static li_status
write_bytes(li_sink *base, const uint8_t *row)
{
    tensor_sink *sink = (tensor_sink *)base;
    uint32_t channels = li_pixel_channels(base->info.pixel), width = base->info.width;
    uint8_t *planes[4] = {NULL};
    if (is_packed(sink, 1)) {
        memcpy(tensor_row(sink, 0), row, li_row_bytes(base->info));
        return LI_OK;
    }
    for (uint32_t c = 0; c < channels; c++)
        planes[c] = (uint8_t *)tensor_row(sink, c);
    if (sink->tensor.column_stride == 1) {
        li_kernels_of(base->ctx)->split(row, channels, planes, width);
        return LI_OK;
    }
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t x = 0; x < width; x++)
            planes[c][x * sink->tensor.column_stride] = row[x * channels + c];
    return LI_OK;
}

/* Each channel's floats lie side by side. */
static void
write_planes(tensor_sink *sink, const uint8_t *row, uint32_t channels)
{
    const li_kernels *kernels = li_kernels_of(sink->base.ctx);
    uint32_t width = sink->base.info.width;
    uint8_t bytes[4][CHUNK];
    uint8_t *const planes[4] = {bytes[0], bytes[1], bytes[2], bytes[3]};
    for (uint32_t x = 0; x < width; x += CHUNK) {
        uint32_t some = width - x < CHUNK ? width - x : CHUNK;
        kernels->split(row + (size_t)x * channels, channels, planes, some);
        for (uint32_t c = 0; c < channels; c++)
            kernels->floats(planes[c], some, sink->channel[c].scale,
                            sink->channel[c].bias,
                            tensor_row(sink, c) + (size_t)x * sizeof(float));
    }
}

static li_status
write_floats(li_sink *base, const uint8_t *row)
{
    tensor_sink *sink = (tensor_sink *)base;
    uint32_t channels = li_pixel_channels(base->info.pixel), width = base->info.width;
    if (is_packed(sink, sizeof(float))) {
        li_kernels_of(base->ctx)->floats(row, (size_t)width * channels,
                                         sink->pixels.scale, sink->pixels.bias,
                                         tensor_row(sink, 0));
        return LI_OK;
    }
    if (sink->tensor.column_stride == sizeof(float)) {
        write_planes(sink, row, channels);
        return LI_OK;
    }
    for (uint32_t c = 0; c < channels; c++) {
        char *to = tensor_row(sink, c);
        /* Through memcpy: a caller's array may lie at any address. */
        for (uint32_t x = 0; x < width; x++) {
            float value = (float)row[x * channels + c] * sink->tensor.scale[c];
            value += sink->tensor.bias[c];
            memcpy(to + x * sink->tensor.column_stride, &value, sizeof(value));
        }
    }
    return LI_OK;
}

/* Of 16 bits: as words, or as floats. */
static li_status
write_deep(li_sink *base, const uint8_t *row)
{
    tensor_sink *sink = (tensor_sink *)base;
    const li_tensor *tensor = &sink->tensor;
    const uint16_t *words = (const uint16_t *)(const void *)row;
    uint32_t channels = li_pixel_channels(base->info.pixel), width = base->info.width;
    bool floats = tensor->dtype == LI_FLOAT32;
    size_t size = floats ? sizeof(float) : sizeof(uint16_t);
    if (is_packed(sink, (int64_t)size)) {
        if (floats)
            li_deep_floats(words, (size_t)width * channels, sink->pixels.scale,
                           sink->pixels.bias, LI_FLOAT_PERIOD, tensor_row(sink, 0));
        else
            memcpy(tensor_row(sink, 0), row, li_row_bytes(base->info));
        return LI_OK;
    }
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t x = 0; x < width; x++) {
            const uint16_t *word = words + (size_t)x * channels + c;
            float value;
            li_deep_floats(word, 1, sink->channel[c].scale, sink->channel[c].bias, 1,
                           &value);
            memcpy(tensor_row(sink, c) + x * tensor->column_stride,
                   floats ? (const void *)&value : word, size);
        }
    return LI_OK;
}

static const li_sink_ops deep_ops = {
    .name = "pixels",
    .write = write_deep,
};

static const li_sink_ops bytes_ops = {
    .name = "pixels",
    .write = write_bytes,
};

static const li_sink_ops floats_ops = {
    .name = "pixels",
    .write = write_floats,
};

static void
fill_factors(tensor_sink *sink, uint32_t channels)
{
    const li_tensor *tensor = &sink->tensor;
    float unit = li_pixel_is_deep(sink->base.info.pixel) ? 257 : 1;
    for (uint32_t i = 0; i < LI_FLOAT_PERIOD; i++) {
        sink->pixels.scale[i] = tensor->scale[i % channels] / unit;
        sink->pixels.bias[i] = tensor->bias[i % channels];
        for (uint32_t c = 0; c < channels; c++) {
            sink->channel[c].scale[i] = tensor->scale[c] / unit;
            sink->channel[c].bias[i] = tensor->bias[c];
        }
    }
}

li_status
li_tensor_sink(li_ctx *ctx, li_info info, const li_tensor *tensor, li_sink **out)
{
    const li_sink_ops *ops = tensor->dtype == LI_FLOAT32 ? &floats_ops : &bytes_ops;
    if (li_pixel_is_deep(info.pixel))
        ops = &deep_ops;
    LI_TRY(li_sink_new(ctx, sizeof(tensor_sink), ops, info, out));
    tensor_sink *sink = (tensor_sink *)*out;
    sink->tensor = *tensor;
    fill_factors(sink, li_pixel_channels(info.pixel));
    return LI_OK;
}
