/* fill.c: planes of 8 bits from rows of pixels. Layer 2. */
#include "codecs/avif/write.h"

#include <string.h>

static uint8_t *
plane_at(const avifImage *image, int plane, uint32_t y)
{
    return image->yuvPlanes[plane] + (size_t)y * image->yuvRowBytes[plane];
}

static void
split_channel(uint8_t *restrict to, const uint8_t *restrict row, uint32_t width,
              uint32_t channels)
{
    for (uint32_t x = 0; x < width; x++)
        to[x] = row[(size_t)x * channels];
}

/* 16 fraction bits; the factors sum to 1 exactly. */
static void
write_luma(uint8_t *restrict to, const uint8_t *restrict row, uint32_t width,
           uint32_t channels)
{
    for (uint32_t x = 0; x < width; x++, row += channels) {
        uint32_t sum = 19595u * row[0] + 38470u * row[1] + 7471u * row[2];
        to[x] = (uint8_t)((sum + 32768) >> 16);
    }
}

static uint8_t
chroma_of(int32_t sum)
{
    enum { BITS = 18, MIDDLE = (128 << BITS) + (1 << (BITS - 1)) };
    int32_t value = (sum + MIDDLE) >> BITS;
    return (uint8_t)(value > 255 ? 255 : value);
}

/* Cb and Cr of the mean of four pixels, two of each row; in 4:4:4 they are one. The
 * factors sum to 0, so that gray is 128. */
static void
write_chroma(const avifImage *image, uint32_t y, const uint8_t *above,
             const uint8_t *below, uint32_t channels, uint32_t step)
{
    uint8_t *blue = plane_at(image, 1, y), *red = plane_at(image, 2, y);
    uint32_t count = (image->width + step - 1) / step;
    for (uint32_t x = 0; x < count; x++) {
        uint32_t right = x * step + step - 1;
        size_t first = (size_t)x * step * channels;
        size_t second =
            (size_t)(right < image->width ? right : image->width - 1) * channels;
        int32_t sum[3];
        for (size_t c = 0; c < 3; c++)
            sum[c] = above[first + c] + above[second + c] + below[first + c] +
                     below[second + c];
        blue[x] = chroma_of(32768 * sum[2] - 11059 * sum[0] - 21709 * sum[1]);
        red[x] = chroma_of(32768 * sum[0] - 27439 * sum[1] - 5329 * sum[2]);
    }
}

/* No matrix: G, B, R. */
static void
write_identity(const avifImage *image, uint32_t y, const uint8_t *row,
               uint32_t channels)
{
    split_channel(plane_at(image, 0, y), row + 1, image->width, channels);
    split_channel(plane_at(image, 1, y), row + 2, image->width, channels);
    split_channel(plane_at(image, 2, y), row, image->width, channels);
}

/* A row of 4:2:0 chroma is written behind the second of its rows, or the last. */
static void
write_420(const avifImage *image, uint32_t y, const uint8_t *row, uint8_t *held,
          uint32_t channels)
{
    if (y % 2)
        write_chroma(image, y / 2, held, row, channels, 2);
    else if (y + 1 == image->height)
        write_chroma(image, y / 2, row, row, channels, 2);
    else
        memcpy(held, row, (size_t)image->width * channels);
}

static void
write_colours(const avifImage *image, uint32_t y, const uint8_t *row, uint8_t *held,
              uint32_t channels)
{
    if (image->matrixCoefficients == AVIF_MATRIX_COEFFICIENTS_IDENTITY) {
        write_identity(image, y, row, channels);
        return;
    }
    write_luma(plane_at(image, 0, y), row, image->width, channels);
    if (image->yuvFormat == AVIF_PIXEL_FORMAT_YUV420)
        write_420(image, y, row, held, channels);
    else if (image->yuvFormat == AVIF_PIXEL_FORMAT_YUV422)
        write_chroma(image, y, row, row, channels, 2);
    else
        write_chroma(image, y, row, row, channels, 1);
}

void
li_avif_fill(avifImage *image, uint32_t y, const uint8_t *row, uint8_t *held,
             uint32_t channels)
{
    if (image->alphaPlane)
        split_channel(image->alphaPlane + (size_t)y * image->alphaRowBytes,
                      row + channels - 1, image->width, channels);
    if (image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400)
        split_channel(plane_at(image, 0, y), row, image->width, channels);
    else
        write_colours(image, y, row, held, channels);
}
