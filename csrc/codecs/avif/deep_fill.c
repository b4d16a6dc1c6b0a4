/* deep_fill.c: planes of 10 or 12 bits from rows of 16 bits a sample, as write.c fills
 * those of 8. Layer 2.
 *
 * Floats, rounded once: BT.601 over the full range, or no matrix where nothing may be
 * lost; gray has Cb and Cr in the middle exactly. */
#include "codecs/avif/write.h"

static uint16_t *
plane_at(const avifImage *image, int plane, uint32_t y)
{
    void *row = image->yuvPlanes[plane] + (size_t)y * image->yuvRowBytes[plane];
    return row;
}

/* What a sample of 65535 is in the planes, over 65535. */
static float
scale_of(const avifImage *image)
{
    return (float)((1 << image->depth) - 1) / 65535.0f;
}

static void
put_channel(const avifImage *image, uint16_t *to, const uint16_t *row,
            uint32_t channels)
{
    const float scale = scale_of(image);
    for (uint32_t x = 0; x < image->width; x++)
        to[x] = (uint16_t)((float)row[(size_t)x * channels] * scale + 0.5f);
}

static void
put_luma(const avifImage *image, uint32_t y, const uint16_t *row, uint32_t channels)
{
    const float scale = scale_of(image);
    uint16_t *to = plane_at(image, 0, y);
    for (uint32_t x = 0; x < image->width; x++, row += channels) {
        uint32_t sum = 19595u * row[0] + 38470u * row[1] + 7471u * row[2];
        to[x] = (uint16_t)((float)sum * (scale / 65536) + 0.5f);
    }
}

static uint16_t
chroma_of(float value, float middle)
{
    float sum = value + middle + 0.5f, most = 2 * middle - 1;
    return (uint16_t)(sum < 0 ? 0 : sum > most ? most : sum);
}

/* Cb and Cr of the mean of four pixels, as write_chroma in write.c. */
static void
put_chroma(const avifImage *image, uint32_t y, const uint16_t *above,
           const uint16_t *below, uint32_t channels, uint32_t step)
{
    const float scale = scale_of(image) / (4 * 65536.0f);
    const float middle = (float)(1 << (image->depth - 1));
    uint16_t *blue = plane_at(image, 1, y), *red = plane_at(image, 2, y);
    uint32_t count = (image->width + step - 1) / step;
    for (uint32_t x = 0; x < count; x++) {
        uint32_t right = x * step + step - 1;
        size_t first = (size_t)x * step * channels;
        size_t second =
            (size_t)(right < image->width ? right : image->width - 1) * channels;
        int64_t sum[3];
        for (size_t c = 0; c < 3; c++)
            sum[c] = above[first + c] + above[second + c] + below[first + c] +
                     below[second + c];
        int64_t to_blue = 32768 * sum[2] - 11059 * sum[0] - 21709 * sum[1];
        int64_t to_red = 32768 * sum[0] - 27439 * sum[1] - 5329 * sum[2];
        blue[x] = chroma_of((float)to_blue * scale, middle);
        red[x] = chroma_of((float)to_red * scale, middle);
    }
}

/* A row of 4:2:0 chroma is made of two rows, or of the last twice. */
static void
put_420(const avifImage *image, uint32_t y, const uint16_t *row, uint16_t *held,
        uint32_t channels)
{
    if (y % 2)
        put_chroma(image, y / 2, held, row, channels, 2);
    else if (y + 1 == image->height)
        put_chroma(image, y / 2, row, row, channels, 2);
    else
        for (size_t i = 0; i < (size_t)image->width * channels; i++)
            held[i] = row[i];
}

static void
put_colours(const avifImage *image, uint32_t y, const uint16_t *row, uint16_t *held,
            uint32_t channels)
{
    if (image->matrixCoefficients == AVIF_MATRIX_COEFFICIENTS_IDENTITY) {
        put_channel(image, plane_at(image, 0, y), row + 1, channels);
        put_channel(image, plane_at(image, 1, y), row + 2, channels);
        put_channel(image, plane_at(image, 2, y), row, channels);
        return;
    }
    put_luma(image, y, row, channels);
    if (image->yuvFormat == AVIF_PIXEL_FORMAT_YUV420)
        put_420(image, y, row, held, channels);
    else if (image->yuvFormat == AVIF_PIXEL_FORMAT_YUV422)
        put_chroma(image, y, row, row, channels, 2);
    else
        put_chroma(image, y, row, row, channels, 1);
}

void
li_avif_deep_fill(avifImage *image, uint32_t y, const uint16_t *row, uint16_t *held,
                  uint32_t channels)
{
    if (image->alphaPlane) {
        void *alpha = image->alphaPlane + (size_t)y * image->alphaRowBytes;
        put_channel(image, alpha, row + channels - 1, channels);
    }
    if (image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400)
        put_channel(image, plane_at(image, 0, y), row, channels);
    else
        put_colours(image, y, row, held, channels);
}
