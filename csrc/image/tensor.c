/* tensor.c: rows into somebody's array, as bytes or floats, by pixel or by plane.
 * Layer 1. */
#include "image/tensor.h"

#include <string.h>

typedef struct tensor_sink {
    li_sink base;
    li_tensor tensor;     /* its data is borrowed */
    float (*values)[256]; /* owned: sample → float, one table a channel */
} tensor_sink;

static char *
tensor_row(const tensor_sink *sink, uint32_t channel)
{
    return (char *)sink->tensor.data + (int64_t)sink->base.y * sink->tensor.row_stride +
           channel * sink->tensor.channel_stride;
}

static bool
is_packed(const tensor_sink *sink)
{
    return sink->tensor.channel_stride == 1 &&
           sink->tensor.column_stride == li_pixel_bytes(sink->base.info.pixel);
}

static li_status
write_bytes(li_sink *base, const uint8_t *row)
{
    tensor_sink *sink = (tensor_sink *)base;
    uint32_t channels = li_pixel_channels(base->info.pixel);
    if (is_packed(sink)) {
        memcpy(tensor_row(sink, 0), row, li_row_bytes(base->info));
        return LI_OK;
    }
    for (uint32_t c = 0; c < channels; c++) {
        uint8_t *to = (uint8_t *)tensor_row(sink, c);
        const uint8_t *from = row + c;
        for (uint32_t x = 0; x < base->info.width; x++, from += channels)
            to[x * sink->tensor.column_stride] = *from;
    }
    return LI_OK;
}

static li_status
write_floats(li_sink *base, const uint8_t *row)
{
    tensor_sink *sink = (tensor_sink *)base;
    uint32_t channels = li_pixel_channels(base->info.pixel);
    for (uint32_t c = 0; c < channels; c++) {
        char *to = tensor_row(sink, c);
        const uint8_t *from = row + c;
        /* Through memcpy: a caller's array may lie at any address. */
        for (uint32_t x = 0; x < base->info.width; x++, from += channels)
            memcpy(to + x * sink->tensor.column_stride, &sink->values[c][*from],
                   sizeof(float));
    }
    return LI_OK;
}

static void
tensor_close(li_sink *base)
{
    li_free(base->ctx, &((tensor_sink *)base)->values);
}

static const li_sink_ops bytes_ops = {
    .name = "pixels",
    .write = write_bytes,
    .close = tensor_close,
};

static const li_sink_ops floats_ops = {
    .name = "pixels",
    .write = write_floats,
    .close = tensor_close,
};

static void
fill_values(tensor_sink *sink)
{
    for (int c = 0; c < 4; c++)
        for (int v = 0; v < 256; v++)
            sink->values[c][v] =
                (float)v * sink->tensor.scale[c] + sink->tensor.bias[c];
}

li_status
li_tensor_sink(li_ctx *ctx, li_info info, const li_tensor *tensor, li_sink **out)
{
    bool floats = tensor->dtype == LI_FLOAT32;
    LI_TRY(li_sink_new(ctx, sizeof(tensor_sink), floats ? &floats_ops : &bytes_ops,
                       info, out));
    tensor_sink *sink = (tensor_sink *)*out;
    sink->tensor = *tensor;
    if (!floats)
        return LI_OK;
    li_status status = li_alloc(ctx, 4, sizeof(sink->values[0]), &sink->values);
    if (status != LI_OK) {
        li_sink_close(out);
        return status;
    }
    fill_values(sink);
    return LI_OK;
}
