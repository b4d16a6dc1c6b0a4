/* deep.c: rows of 16 bits a sample from a frame's planes of 10 or 12, as convert.c
 * makes rows of 8 from planes of 8; where 8 are wanted they are rounded last. Layer 2.
 *
 * What needs no matrix goes by exact tables. Chroma is interpolated with the same
 * weights and keeps its four fraction bits; the matrix is one of floats, rounded once.
 * Where Cb and Cr are in the middle the three channels are equal. */
#include "codecs/avif/convert.h"

#include <string.h>

/* How planes become samples from 0 to 65535. */
typedef struct matrix {
    float luma_low, luma_scale, chroma_middle, chroma_scale;
    float red_cr, green_cb, green_cr, blue_cb;
} matrix;

struct avif_deep {
    li_ctx *ctx;            /* borrowed */
    const avifImage *image; /* borrowed */
    li_info info;
    matrix how;
    bool identity;      /* no matrix: the planes are green, blue and red */
    bool foreign;       /* a matrix that libavif converts, by strips */
    avif_strips strips; /* foreign only */
    uint16_t *block;    /* owned: all below are parts of it */
    uint16_t *levels;   /* tables: what a sample of luma is, */
    uint16_t *alphas;   /* and one of alpha, which has the full range in any case */
    uint16_t *blend;    /* a row of chroma, blended downwards */
    uint16_t *blue, *red;
    uint16_t *row;
    uint8_t *bytes; /* the row of 8 bits, behind it; NULL: 16 are wanted */
};

/* --- single rows ------------------------------------------------------------------ */

static const uint16_t *
plane_row(const avif_deep *self, int plane, uint32_t y)
{
    const avifImage *image = self->image;
    const void *row = image->yuvPlanes[plane] + (size_t)y * image->yuvRowBytes[plane];
    return row;
}

/* 3 × near + far: two fraction bits. */
static void
blend(const uint16_t *restrict near, const uint16_t *restrict far,
      uint16_t *restrict out, uint32_t count)
{
    for (uint32_t x = 0; x < count; x++)
        out[x] = (uint16_t)(3 * near[x] + far[x]);
}

/* Two outputs a sample, of four fraction bits; a neighbour that is not there is the
 * sample itself. */
static void
spread(const uint16_t *restrict in, uint16_t *restrict out, uint32_t count,
       uint32_t width)
{
    for (uint32_t x = 1; x + 1 < count; x++) {
        out[2 * x] = (uint16_t)(3 * in[x] + in[x - 1]);
        out[2 * x + 1] = (uint16_t)(3 * in[x] + in[x + 1]);
    }
    out[0] = (uint16_t)(4 * in[0]);
    if (width > 1)
        out[1] = (uint16_t)(3 * in[0] + in[count > 1]);
    if (count > 1)
        out[2 * count - 2] = (uint16_t)(3 * in[count - 1] + in[count - 2]);
    if (count > 1 && 2 * count == width)
        out[width - 1] = (uint16_t)(4 * in[count - 1]);
}

/* Row y of a plane of chroma, as wide as luma, with four fraction bits. */
static void
chroma_row(const avif_deep *self, int plane, uint32_t y, uint16_t *line)
{
    const avifImage *image = self->image;
    uint32_t width = self->info.width, near = y, far = y;
    if (image->yuvFormat == AVIF_PIXEL_FORMAT_YUV444) {
        const uint16_t *row = plane_row(self, plane, y);
        for (uint32_t x = 0; x < width; x++)
            line[x] = (uint16_t)(row[x] * 16);
        return;
    }
    if (image->yuvFormat == AVIF_PIXEL_FORMAT_YUV420) {
        uint32_t last = (image->height + 1) / 2 - 1;
        near = far = y / 2;
        if (y % 2 && near < last)
            far = near + 1;
        if (y % 2 == 0 && near > 0)
            far = near - 1;
    }
    blend(plane_row(self, plane, near), plane_row(self, plane, far), self->blend,
          (width + 1) / 2);
    spread(self->blend, line, (width + 1) / 2, width);
}

static inline int32_t
clip_word(float value)
{
    value += 0.5f;
    return (int32_t)(value < 0 ? 0 : value > 65535 ? 65535 : value);
}

enum { RUN = 64 };

/* Up to RUN pixels, a colour at a time: loops that compilers make vectors of. */
static void
mix(const matrix *how, const uint16_t *restrict luma, const uint16_t *restrict blue,
    const uint16_t *restrict red, uint32_t count, int32_t mixed[restrict 3][RUN])
{
    for (uint32_t x = 0; x < count; x++) {
        float gray = ((float)luma[x] - how->luma_low) * how->luma_scale;
        float b = ((float)blue[x] - how->chroma_middle) * how->chroma_scale;
        float r = ((float)red[x] - how->chroma_middle) * how->chroma_scale;
        mixed[0][x] = clip_word(gray + r * how->red_cr);
        mixed[1][x] = clip_word(gray + b * how->green_cb + r * how->green_cr);
        mixed[2][x] = clip_word(gray + b * how->blue_cb);
    }
}

/* --- the row ---------------------------------------------------------------------- */

static void
join_levels(const avif_deep *self, const uint16_t *from, const uint16_t *table,
            uint16_t *to, uint32_t step)
{
    uint32_t most = (1u << self->image->depth) - 1;
    for (uint32_t x = 0; x < self->info.width; x++)
        to[(size_t)x * step] = table[from[x] < most ? from[x] : most];
}

static void
join_identity(const avif_deep *self, uint32_t y, uint32_t step)
{
    join_levels(self, plane_row(self, 2, y), self->levels, self->row, step);
    join_levels(self, plane_row(self, 0, y), self->levels, self->row + 1, step);
    join_levels(self, plane_row(self, 1, y), self->levels, self->row + 2, step);
}

static void
join_colours(const avif_deep *self, uint32_t y, uint32_t step)
{
    const uint16_t *luma = plane_row(self, 0, y);
    uint32_t width = self->info.width;
    int32_t mixed[3][RUN];
    uint16_t *to = self->row;
    chroma_row(self, 1, y, self->blue);
    chroma_row(self, 2, y, self->red);
    for (uint32_t from = 0; from < width; from += RUN) {
        uint32_t count = width - from < RUN ? width - from : RUN;
        mix(&self->how, luma + from, self->blue + from, self->red + from, count, mixed);
        for (uint32_t x = 0; x < count; x++, to += step)
            for (int c = 0; c < 3; c++)
                to[c] = (uint16_t)mixed[c][x];
    }
}

static li_status
join_foreign(avif_deep *self, uint32_t y, uint32_t step)
{
    const uint8_t *row;
    LI_TRY(li_avif_strip_row(&self->strips, y, &row));
    const uint16_t *from = (const uint16_t *)(const void *)row;
    for (uint32_t x = 0; x < self->info.width; x++)
        memcpy(self->row + (size_t)x * step, from + (size_t)x * 3, 3 * sizeof(*from));
    return LI_OK;
}

static void
join_alpha(const avif_deep *self, uint32_t y, uint32_t step)
{
    const avifImage *image = self->image;
    const void *from =
        image->alphaPlane ? image->alphaPlane + (size_t)y * image->alphaRowBytes : NULL;
    const uint16_t *alpha = from;
    uint16_t *to = self->row;
    for (uint32_t x = 0; !alpha && x < self->info.width; x++)
        to[(size_t)x * step + step - 1] = 65535;
    if (alpha)
        join_levels(self, alpha, self->alphas, to + step - 1, step);
    for (uint32_t x = 0; image->alphaPremultiplied && x < self->info.width; x++) {
        uint32_t by = to[step - 1];
        for (uint32_t c = 0; c + 1 < step; c++) {
            uint64_t whole = by ? (to[c] * 65535ull + by / 2) / by : 0;
            to[c] = (uint16_t)(whole < 65535 ? whole : 65535);
        }
        to += step;
    }
}

/* A sample / 257 rounded, for every sample. */
static void
narrow_row(const uint16_t *restrict from, uint8_t *restrict to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (uint8_t)((from[i] * 255u + 32895) >> 16);
}

li_status
li_avif_deep_row(avif_deep *self, uint32_t y, const uint8_t **row)
{
    uint32_t channels = li_pixel_channels(self->info.pixel);
    if (self->image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400)
        join_levels(self, plane_row(self, 0, y), self->levels, self->row, channels);
    else if (self->identity)
        join_identity(self, y, channels);
    else if (self->foreign)
        LI_TRY(join_foreign(self, y, channels));
    else
        join_colours(self, y, channels);
    if (li_pixel_has_alpha(self->info.pixel))
        join_alpha(self, y, channels);
    *row = (const uint8_t *)self->row;
    if (!self->bytes)
        return LI_OK;
    narrow_row(self->row, self->bytes, (size_t)self->info.width * channels);
    *row = self->bytes;
    return LI_OK;
}

/* --- opening and closing ---------------------------------------------------------- */

enum {
    TABLE = 1 << 12,
    /* blend, blue, red, and rows of up to 4 channels, of words and of bytes */
    LINES = 3 + 4 + 2,
};

static uint64_t
block_words(uint32_t width)
{
    return 2 * TABLE + LINES * ((uint64_t)width + 1) + LI_ROW_SLACK / sizeof(uint16_t);
}

uint64_t
li_avif_deep_bytes(li_info info)
{
    return sizeof(avif_deep) + block_words(info.width) * sizeof(uint16_t) +
           li_avif_strips_bytes(info.width, true) + 3 * LI_BLOCK_OVERHEAD + 2 * 4096;
}

static matrix
matrix_of(const avifImage *image, double red, double blue)
{
    bool full = image->yuvRange == AVIF_RANGE_FULL;
    int shift = (int)image->depth - 8;
    double span = full ? (1 << image->depth) - 1 : 219 << shift;
    double chroma = full ? (1 << image->depth) - 1 : 224 << shift;
    double green = 1 - red - blue;
    return (matrix){
        .luma_low = full ? 0 : (float)(16 << shift),
        .luma_scale = (float)(65535 / span),
        .chroma_middle = (float)(16 << (image->depth - 1)),
        .chroma_scale = (float)(65535 / chroma / 16),
        .red_cr = (float)(2 * (1 - red)),
        .green_cb = (float)(-2 * blue * (1 - blue) / green),
        .green_cr = (float)(-2 * red * (1 - red) / green),
        .blue_cb = (float)(2 * (1 - blue)),
    };
}

/* A sample of `depth` bits in this range as one of 16 in the full range. */
static void
fill_levels(uint16_t *table, uint32_t depth, bool full)
{
    int64_t low = full ? 0 : 16 << (depth - 8);
    int64_t span = full ? (1 << depth) - 1 : 219 << (depth - 8);
    for (int64_t i = 0; span > 0 && i < 1 << depth; i++) {
        int64_t value = (i - low) * 65535 + span / 2;
        value = value < 0 ? 0 : value / span;
        table[i] = (uint16_t)(value > 65535 ? 65535 : value);
    }
}

static li_status
deep_start(avif_deep *self)
{
    uint32_t width = self->info.width;
    double red = 0.299, blue = 0.114;
    const avifImage *image = self->image;
    bool gray = image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400;
    bool known = li_avif_matrix_weights(image->matrixCoefficients, &red, &blue);
    self->identity = image->matrixCoefficients == AVIF_MATRIX_COEFFICIENTS_IDENTITY &&
                     image->yuvFormat == AVIF_PIXEL_FORMAT_YUV444;
    self->foreign = !known && !gray && !self->identity;
    self->how = matrix_of(image, red, blue);
    LI_TRY(li_alloc(self->ctx, block_words(width), sizeof(uint16_t), &self->block));
    self->levels = self->block;
    self->alphas = self->levels + TABLE;
    self->blend = self->alphas + TABLE;
    self->blue = self->blend + width + 1;
    self->red = self->blue + width + 1;
    self->row = self->red + width + 1;
    if (!li_pixel_is_deep(self->info.pixel))
        self->bytes = (uint8_t *)(self->row + 4 * ((size_t)width + 1));
    fill_levels(self->levels, image->depth, image->yuvRange == AVIF_RANGE_FULL);
    fill_levels(self->alphas, image->depth, true);
    if (self->foreign)
        return li_avif_strips_open(self->ctx, self->image, true, &self->strips);
    return LI_OK;
}

li_status
li_avif_deep_open(li_ctx *ctx, const avifImage *image, li_info info, avif_deep **out)
{
    avif_deep *self;
    *out = NULL;
    LI_TRY(li_alloc(ctx, 1, sizeof(*self), &self));
    *out = self;
    self->ctx = ctx;
    self->image = image;
    self->info = info;
    return deep_start(self);
}

void
li_avif_deep_close(avif_deep **out)
{
    avif_deep *self = *out;
    *out = NULL;
    if (!self)
        return;
    li_avif_strips_close(&self->strips);
    li_free(self->ctx, &self->block);
    li_free(self->ctx, &self);
}
