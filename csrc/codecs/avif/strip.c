/* strip.c: rows of RGB by libavif's own conversion, for matrices that only it knows: a
 * strip of the planes at a time. Layer 2. */
#include "codecs/avif/convert.h"

enum { STRIP_ROWS = 32 }; /* even */

static size_t
row_bytes(uint32_t width, bool deep)
{
    return (size_t)width * 3 * (deep ? sizeof(uint16_t) : 1);
}

uint64_t
li_avif_strips_bytes(uint32_t width, bool deep)
{
    return STRIP_ROWS * (uint64_t)row_bytes(width, deep) + LI_ROW_SLACK +
           LI_BLOCK_OVERHEAD + 4096;
}

li_status
li_avif_strips_open(li_ctx *ctx, const avifImage *image, bool deep, avif_strips *strips)
{
    *strips = (avif_strips){.ctx = ctx, .image = image, .deep = deep};
    return li_alloc(ctx, STRIP_ROWS * row_bytes(image->width, deep) + LI_ROW_SLACK, 1,
                    &strips->pixels);
}

static avifResult
convert(const avif_strips *strips, avifImage *view, const avifCropRect *part)
{
    avifRGBImage rgb;
    avifResult result = avifImageSetViewRect(view, strips->image, part);
    view->alphaPlane = NULL; /* or libavif multiplies the colours by it */
    avifRGBImageSetDefaults(&rgb, view);
    rgb.depth = strips->deep ? 16 : 8;
    rgb.format = AVIF_RGB_FORMAT_RGB;
    rgb.ignoreAlpha = AVIF_TRUE;
    rgb.chromaUpsampling = AVIF_CHROMA_UPSAMPLING_BILINEAR;
    rgb.avoidLibYUV = AVIF_TRUE;
    rgb.pixels = strips->pixels;
    rgb.rowBytes = (uint32_t)row_bytes(strips->image->width, strips->deep);
    return result == AVIF_RESULT_OK ? avifImageYUVToRGB(view, &rgb) : result;
}

/* Rows that no chroma interpolation at the strip's edges touches are kept: two more on
 * each side are converted. */
static li_status
fill_strip(avif_strips *strips, uint32_t y)
{
    const avifImage *image = strips->image;
    uint32_t first = y > 2 ? (y - 2) & ~1u : 0;
    uint32_t left = image->height - first;
    uint32_t rows = left < STRIP_ROWS ? left : STRIP_ROWS;
    avifCropRect part = {0, first, image->width, rows};
    avifImage *view = avifImageCreateEmpty();
    if (!view)
        return li_fail(strips->ctx, LI_ENOMEM, "avif: no memory for a view");
    avifResult result = convert(strips, view, &part);
    avifImageDestroy(view);
    if (result != AVIF_RESULT_OK)
        return li_fail(strips->ctx, LI_E131_DECODE, "avif: matrix coefficients %d: %s",
                       (int)image->matrixCoefficients, avifResultToString(result));
    strips->first = first;
    strips->rows = rows;
    return LI_OK;
}

li_status
li_avif_strip_row(avif_strips *strips, uint32_t y, const uint8_t **row)
{
    uint32_t end = strips->first + strips->rows;
    bool last = end == strips->image->height;
    if (strips->rows == 0 || y < strips->first || y + (last ? 0 : 2) >= end)
        LI_TRY(fill_strip(strips, y));
    *row = strips->pixels +
           (size_t)(y - strips->first) * row_bytes(strips->image->width, strips->deep);
    return LI_OK;
}

void
li_avif_strips_close(avif_strips *strips)
{
    if (strips->ctx)
        li_free(strips->ctx, &strips->pixels);
}
