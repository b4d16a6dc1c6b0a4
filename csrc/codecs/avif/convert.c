/* convert.c: rows of pixels from a frame's planes of 8 bits, one at a time, so that
 * there is no RGB copy of the picture. Layer 2.
 *
 * Chroma is interpolated as libavif's best quality does: 9, 3, 3 and 1 sixteenths of
 * the four nearest samples, then rounded; the matrix is a kernel. Within 2 levels of
 * avifImageYUVToRGB. */
#include "codecs/avif/convert.h"

#include <string.h>

struct avif_converter {
    li_ctx *ctx;            /* borrowed */
    const avifImage *image; /* borrowed */
    li_info info;
    li_ycc ycc;
    bool foreign;                       /* a matrix that libavif converts, by strips */
    bool mapped;                        /* part of the range: gray by the table */
    uint8_t *block;                     /* owned: all below are parts of it */
    uint8_t *grays;                     /* a table of all samples */
    uint16_t *blend;                    /* a row of chroma, blended downwards */
    uint8_t *luma, *blue, *red, *alpha; /* lines of 8 bits */
    uint8_t *edge[3];                   /* a plane's row whose slack is not sure */
    uint8_t *rgb, *row;
    avif_strips strips; /* foreign only */
};

/* --- how -------------------------------------------------------------------------- */

bool
li_avif_matrix_weights(uint32_t matrix, double *red, double *blue)
{
    static const struct {
        uint32_t matrix;
        double red, blue;
    } known[] = {
        {1, 0.2126, 0.0722}, {2, 0.299, 0.114}, {4, 0.30, 0.11},     {5, 0.299, 0.114},
        {6, 0.299, 0.114},   {7, 0.212, 0.087}, {9, 0.2627, 0.0593},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].matrix == matrix) {
            *red = known[i].red;
            *blue = known[i].blue;
            return true;
        }
    return false;
}

static bool
is_gray(const avif_converter *converter)
{
    return converter->image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400;
}

/* A sample of part of the range as one of all of it. */
static void
fill_table(uint8_t *table)
{
    for (int32_t i = 0; i < 256; i++) {
        int32_t value = (i - 16) * 255 + 219 / 2;
        value = value < 0 ? 0 : value / 219;
        table[i] = (uint8_t)(value > 255 ? 255 : value);
    }
}

/* --- single rows ------------------------------------------------------------------ */

/* A plane need not have anything behind its last row: that one is copied. */
static const uint8_t *
plane_row(const avif_converter *converter, int plane, uint32_t y)
{
    const avifImage *image = converter->image;
    bool whole_height = plane == 0 || image->yuvFormat != AVIF_PIXEL_FORMAT_YUV420;
    uint32_t height = whole_height ? image->height : (image->height + 1) / 2;
    bool whole_width = plane == 0 || image->yuvFormat == AVIF_PIXEL_FORMAT_YUV444;
    size_t width = whole_width ? image->width : (image->width + 1) / 2;
    size_t stride = image->yuvRowBytes[plane];
    const uint8_t *row = image->yuvPlanes[plane] + y * stride;
    if ((height - 1 - y) * stride >= LI_ROW_SLACK)
        return row;
    return memcpy(converter->edge[plane], row, width);
}

static void
map_row(const avif_converter *converter, const uint8_t *from, uint8_t *to)
{
    for (uint32_t x = 0; x < converter->info.width; x++)
        to[x] = converter->grays[from[x]];
}

static inline uint8_t
clip_byte(uint32_t value)
{
    return (uint8_t)(value < 255 ? value : 255);
}

/* --- chroma ----------------------------------------------------------------------- */

/* 3 × near + far, or 4 × near: two fraction bits. */
static void
blend(const uint8_t *restrict near, const uint8_t *restrict far, uint16_t *restrict out,
      uint32_t count)
{
    for (uint32_t x = 0; x < count; x++)
        out[x] = (uint16_t)(3 * near[x] + far[x]);
}

/* Two outputs a sample; a neighbour that is not there is the sample itself. */
static void
spread(const uint16_t *restrict in, uint8_t *restrict out, uint32_t count,
       uint32_t width)
{
    const uint32_t shift = 4, half = 1u << (shift - 1);
    for (uint32_t x = 1; x + 1 < count; x++) {
        uint32_t three = 3u * in[x] + half;
        out[2 * x] = clip_byte((three + in[x - 1]) >> shift);
        out[2 * x + 1] = clip_byte((three + in[x + 1]) >> shift);
    }
    for (uint32_t x = 0; x<count; x += count> 1 ? count - 1 : 1) {
        uint32_t three = 3u * in[x] + half;
        uint32_t left = in[x > 0 ? x - 1 : x];
        uint32_t right = in[x + 1 < count ? x + 1 : x];
        out[2 * x] = clip_byte((three + left) >> shift);
        if (2 * x + 1 < width)
            out[2 * x + 1] = clip_byte((three + right) >> shift);
    }
}

static const uint8_t *
chroma_row(const avif_converter *converter, int plane, uint32_t y, uint8_t *line)
{
    const avifImage *image = converter->image;
    if (image->yuvFormat == AVIF_PIXEL_FORMAT_YUV444)
        return plane_row(converter, plane, y);
    uint32_t near = y, far = y;
    uint32_t width = converter->info.width, count = (width + 1) / 2;
    if (image->yuvFormat == AVIF_PIXEL_FORMAT_YUV420) {
        uint32_t last = (image->height + 1) / 2 - 1;
        near = far = y / 2;
        if (y % 2 && near < last)
            far = near + 1;
        if (y % 2 == 0 && near > 0)
            far = near - 1;
    }
    blend(plane_row(converter, plane, near), plane_row(converter, plane, far),
          converter->blend, count);
    spread(converter->blend, line, count, width);
    return line;
}

/* --- the row ---------------------------------------------------------------------- */

static const uint8_t *
alpha_row(const avif_converter *converter, uint32_t y)
{
    const avifImage *image = converter->image;
    if (!image->alphaPlane)
        return converter->alpha; /* opaque from the start */
    return image->alphaPlane + (size_t)y * image->alphaRowBytes;
}

static uint8_t
divided(uint32_t colour, uint32_t alpha)
{
    return alpha ? clip_byte((colour * 255 + alpha / 2) / alpha) : 0;
}

static void
join_alpha(const avif_converter *converter, const uint8_t *colours,
           const uint8_t *alpha, uint32_t channels)
{
    uint8_t *to = converter->row;
    bool divide = converter->image->alphaPremultiplied;
    for (uint32_t x = 0; x < converter->info.width; x++, colours += channels) {
        for (uint32_t c = 0; c < channels; c++)
            *to++ = divide ? divided(colours[c], alpha[x]) : colours[c];
        *to++ = alpha[x];
    }
}

static li_status
colour_row(avif_converter *converter, uint32_t y, const uint8_t **row)
{
    if (is_gray(converter)) {
        const uint8_t *gray = plane_row(converter, 0, y);
        if (converter->mapped) {
            map_row(converter, gray, converter->luma);
            gray = converter->luma;
        }
        *row = gray;
        return LI_OK;
    }
    if (converter->foreign)
        return li_avif_strip_row(&converter->strips, y, row);
    const uint8_t *luma = plane_row(converter, 0, y);
    const uint8_t *blue = chroma_row(converter, 1, y, converter->blue);
    const uint8_t *red = chroma_row(converter, 2, y, converter->red);
    li_kernels_of(converter->ctx)
        ->ycc_to_rgb(&converter->ycc, luma, blue, red, converter->rgb,
                     converter->info.width);
    *row = converter->rgb;
    return LI_OK;
}

li_status
li_avif_convert(avif_converter *converter, uint32_t y, const uint8_t **row)
{
    const uint8_t *colours;
    LI_TRY(colour_row(converter, y, &colours));
    *row = colours;
    if (!li_pixel_has_alpha(converter->info.pixel))
        return LI_OK;
    uint32_t channels = li_pixel_channels(converter->info.pixel) - 1;
    join_alpha(converter, colours, alpha_row(converter, y), channels);
    *row = converter->row;
    return LI_OK;
}

/* --- opening and closing ---------------------------------------------------------- */

enum { TABLE_BYTES = 256, LINES = 9 };

/* A line of `bytes`, with slack, at a multiple of 16. */
static size_t
line_bytes(uint64_t bytes)
{
    return (size_t)(bytes + 1 + LI_ROW_SLACK + 15) & ~(size_t)15;
}

static size_t
block_bytes(uint32_t width)
{
    return TABLE_BYTES + LINES * line_bytes(width) +
           2 * line_bytes(4 * (uint64_t)width);
}

uint64_t
li_avif_convert_bytes(li_info info)
{
    return sizeof(avif_converter) + block_bytes(info.width) +
           li_avif_strips_bytes(info.width, false) + 2 * LI_BLOCK_OVERHEAD + 4096;
}

static void
cut_block(avif_converter *converter)
{
    uint32_t width = converter->info.width;
    uint8_t **lines[] = {&converter->luma, &converter->blue, &converter->red,
                         &converter->alpha};
    uint8_t *at = converter->block;
    converter->grays = at;
    at += TABLE_BYTES;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        *lines[i] = at;
        at += line_bytes(width);
    }
    converter->blend = (uint16_t *)(void *)at;
    at += 2 * line_bytes(width);
    for (int plane = 0; plane < 3; plane++) {
        converter->edge[plane] = at;
        at += line_bytes(width);
    }
    converter->rgb = at;
    converter->row = at + line_bytes(4 * (uint64_t)width);
}

static void
converter_start(avif_converter *converter)
{
    const avifImage *image = converter->image;
    double red = 0, blue = 0;
    converter->mapped = image->yuvRange != AVIF_RANGE_FULL;
    if (li_avif_matrix_weights(image->matrixCoefficients, &red, &blue))
        converter->ycc = li_ycc_of(red, blue, converter->mapped);
    else
        converter->foreign = !is_gray(converter);
}

li_status
li_avif_converter(li_ctx *ctx, const avifImage *image, li_info info,
                  avif_converter **out)
{
    avif_converter *converter;
    *out = NULL;
    LI_TRY(li_alloc(ctx, 1, sizeof(*converter), &converter));
    *out = converter;
    converter->ctx = ctx;
    converter->image = image;
    converter->info = info;
    converter_start(converter);
    LI_TRY(li_alloc(ctx, block_bytes(info.width), 1, &converter->block));
    if (converter->foreign)
        LI_TRY(li_avif_strips_open(ctx, image, false, &converter->strips));
    cut_block(converter);
    fill_table(converter->grays);
    memset(converter->alpha, 255, info.width);
    return LI_OK;
}

void
li_avif_converter_close(avif_converter **out)
{
    avif_converter *converter = *out;
    *out = NULL;
    if (!converter)
        return;
    li_avif_strips_close(&converter->strips);
    li_free(converter->ctx, &converter->block);
    li_free(converter->ctx, &converter);
}
