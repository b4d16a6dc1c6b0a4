/* avif_grids.h: grids of small cells, made by our own writer, for tests. */
#ifndef LI_TESTS_CODECS_AVIF_GRIDS_H
#define LI_TESTS_CODECS_AVIF_GRIDS_H

#include "codecs/avif_make.h"

#include "image/out.h"

static inline li_encode
small_cells(void)
{
    li_encode how = li_encode_default();
    how.cell_side = 64;
    how.speed = 10;
    return how;
}

/* Smooth, and of 16 bits where the layout is. */
static inline uint8_t *
make_picture(li_info info)
{
    uint32_t channels = li_pixel_channels(info.pixel);
    bool deep = li_pixel_is_deep(info.pixel);
    size_t size = (size_t)info.width * info.height * channels;
    uint8_t *pixels = malloc(size * 2), *to = pixels;
    for (uint32_t y = 0; y < info.height; y++)
        for (uint32_t x = 0; x < info.width; x++)
            for (uint32_t c = 0; c < channels; c++) {
                uint32_t wave = (x * (2 + c) + y * (3 - c % 3) + 40 * c) % 510;
                uint8_t value = (uint8_t)(wave > 255 ? 510 - wave : wave);
                *to++ = value;
                if (deep) /* 65535 is 255 */
                    *to++ = value;
            }
    return pixels;
}

static inline li_status
encode_to(li_ctx *ctx, li_info info, const li_encode *encode, const uint8_t *pixels,
          li_out *out)
{
    li_sink *sink = NULL;
    li_status status = li_codec_avif.encode(ctx, info, encode, out, &sink);
    for (uint32_t y = 0; status == LI_OK && y < info.height; y++)
        status = li_sink_write(sink, pixels + y * li_row_bytes(info));
    if (status == LI_OK)
        status = li_sink_finish(sink);
    li_sink_close(&sink);
    return status;
}

static inline li_status
encode_rows(li_ctx *ctx, li_info info, const li_encode *encode, const uint8_t *pixels,
            uint8_t **data, size_t *size)
{
    li_out *out = NULL;
    *data = NULL;
    LI_TRY(li_out_to_memory(ctx, &out));
    li_status status = encode_to(ctx, info, encode, pixels, out);
    if (status == LI_OK)
        status = li_out_detach(out, data, size);
    li_out_close(&out);
    return status;
}

#endif
