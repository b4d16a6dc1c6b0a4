/* mosaic.c: a grid's picture, cell by cell into planes of its own. libavif decodes a
 * grid's cells at once, each with a decoder, before it puts them together: here each
 * cell is decoded as if it were the file's picture, and its decoder closed before the
 * next. So the file is read through a copy of its meta box whose pitm names the cell.
 * Layer 2. */
#include "codecs/avif/compat.h"
#include "codecs/avif/write.h"

#include <string.h>

enum { ALPHA = 3 };

/* The file as one cell's decoder sees it; `io` comes first. */
typedef struct cell_file {
    avifIO io;
    const uint8_t *data; /* borrowed */
    uint64_t size;
    uint8_t *meta; /* owned: the box's body */
    uint64_t meta_at, meta_end, primary_at;
} cell_file;

typedef struct mosaic {
    li_ctx *ctx;             /* borrowed */
    const avif_found *found; /* borrowed */
    avifImage *canvas;       /* borrowed */
    cell_file file;
    uint64_t cell_bytes, charged;
    avifDecoder *decoder; /* owned: of the cell in work */
} mosaic;

/* --- what the boxes say ----------------------------------------------------------- */

li_status
li_avif_read_grid(li_ctx *ctx, li_source *in, avif_box body, uint32_t tiles,
                  const avif_properties *picture, avif_mosaic *cells, bool *good)
{
    avif_span span = li_avif_span(ctx, in, body);
    uint64_t version, flags, rows, columns, width, height;
    *good = body.at && body.end - body.at >= 8;
    if (!*good)
        return LI_OK;
    LI_TRY(li_avif_number(&span, 1, &version));
    LI_TRY(li_avif_number(&span, 1, &flags));
    LI_TRY(li_avif_number(&span, 1, &rows));
    LI_TRY(li_avif_number(&span, 1, &columns));
    size_t bytes = flags & 1 ? 4 : 2;
    *good = version == 0 && span.end - span.at >= 2 * bytes;
    if (!*good)
        return LI_OK;
    LI_TRY(li_avif_number(&span, bytes, &width));
    LI_TRY(li_avif_number(&span, bytes, &height));
    cells->columns = (uint32_t)columns + 1;
    cells->rows = (uint32_t)rows + 1;
    *good = cells->columns * cells->rows == tiles && tiles <= LI_AVIF_TILES &&
            width == picture->width && height == picture->height;
    return LI_OK;
}

bool
li_avif_covers(uint32_t cell, uint32_t count, uint32_t side, uint32_t sampling)
{
    enum { LEAST_SIDE = 64 };
    return cell >= LEAST_SIDE && (uint64_t)cell * count >= side &&
           (uint64_t)cell * (count - 1) < side && cell % sampling == 0 &&
           side % sampling == 0;
}

/* --- the file --------------------------------------------------------------------- */

/* As libavif's own reader of memory does. The head of a box is read as 32 bytes, which
 * may reach over pitm; whatever is longer and does would show the whole picture. */
static avifResult
read_patched(avifIO *io, uint32_t flags, uint64_t offset, size_t size, avifROData *out)
{
    enum { HEAD_BYTES = 64 };
    const cell_file *file = (const cell_file *)io;
    if (flags || offset > file->size)
        return AVIF_RESULT_IO_ERROR;
    if (size > file->size - offset)
        size = (size_t)(file->size - offset);
    bool patched = offset >= file->meta_at && offset + size <= file->meta_end;
    bool shows = offset <= file->primary_at && offset + size > file->primary_at;
    if (shows && !patched && size > HEAD_BYTES)
        return AVIF_RESULT_IO_ERROR;
    out->data = patched ? file->meta + (offset - file->meta_at) : file->data + offset;
    out->size = size;
    return AVIF_RESULT_OK;
}

static li_status
open_file(mosaic *self, li_source *in)
{
    const avif_found *found = self->found;
    cell_file *file = &self->file;
    LI_TRY(li_source_all(in, &file->data));
    file->size = in->size;
    file->meta_at = found->meta_at;
    file->meta_end = found->meta_at + found->meta_bytes;
    file->primary_at = found->primary_at;
    file->io =
        (avifIO){.read = read_patched, .sizeHint = in->size, .persistent = AVIF_TRUE};
    LI_TRY(li_alloc(self->ctx, found->meta_bytes, 1, &file->meta));
    memcpy(file->meta, file->data + file->meta_at, (size_t)found->meta_bytes);
    return LI_OK;
}

static void
name_primary(mosaic *self, uint32_t item)
{
    uint8_t *to = self->file.meta + (self->found->primary_at - self->found->meta_at);
    for (uint32_t i = self->found->primary_bytes; i > 0; i--, item >>= 8)
        to[i - 1] = (uint8_t)item;
}

/* --- one cell --------------------------------------------------------------------- */

static void
close_cell(mosaic *self)
{
    if (self->decoder)
        avifDecoderDestroy(self->decoder);
    self->decoder = NULL;
}

static li_status
decode_cell(mosaic *self, const avif_mosaic *cells, uint32_t item)
{
    LI_TRY(li_poll(self->ctx));
    LI_TRY(li_poll_clock(self->ctx));
    LI_TRY(li_avif_reserve(self->ctx, self->cell_bytes, &self->charged));
    avifDecoder *decoder = self->decoder = avifDecoderCreate();
    if (!decoder)
        return li_fail(self->ctx, LI_ENOMEM, "avif: no memory for a decoder");
    li_avif_configure(decoder, &self->ctx->limits);
    name_primary(self, item);
    avifDecoderSetIO(decoder, &self->file.io);
    avifResult result = avifDecoderParse(decoder);
    if (result == AVIF_RESULT_OK && (decoder->image->width != cells->width ||
                                     decoder->image->height != cells->height))
        return li_avif_corrupt(self->ctx, "a grid's cells are not of one size");
    if (result == AVIF_RESULT_OK)
        result = avifDecoderNextImage(decoder);
    if (result != AVIF_RESULT_OK)
        return li_avif_fail(self->ctx, result, &decoder->diag, LI_E130_CORRUPT);
    return LI_OK;
}

/* What a cell must have of the first one. */
typedef struct cell_kind {
    uint32_t depth, format, range, primaries, transfer, matrix;
} cell_kind;

static cell_kind
kind_of(const avifImage *cell)
{
    return (cell_kind){cell->depth,
                       (uint32_t)cell->yuvFormat,
                       (uint32_t)cell->yuvRange,
                       (uint32_t)cell->colorPrimaries,
                       (uint32_t)cell->transferCharacteristics,
                       (uint32_t)cell->matrixCoefficients};
}

static li_status
check_cell(mosaic *self, const avif_mosaic *cells, const cell_kind *first)
{
    const avifImage *cell = self->decoder->image;
    cell_kind kind = kind_of(cell);
    if (cell->width == cells->width && cell->height == cells->height &&
        cell->yuvPlanes[0] && memcmp(&kind, first, sizeof(kind)) == 0)
        return LI_OK;
    return li_avif_corrupt(self->ctx, "a grid's cells are not of one kind");
}

static void
copy_row(uint8_t *to, const uint8_t *from, uint32_t width, uint32_t depth, bool widen)
{
    if (!widen) {
        memcpy(to, from, (size_t)width << (depth > 8));
        return;
    }
    for (uint32_t x = 0; x < width; x++)
        if (depth > 8)
            ((uint16_t *)(void *)to)[x] = (uint16_t)avifLimitedToFullY(
                (int)depth, ((const uint16_t *)(const void *)from)[x]);
        else
            to[x] = (uint8_t)avifLimitedToFullY(8, from[x]);
}

/* What is visible of a plane of the cell; alpha is the cell's luma, over the full
 * range. */
static void
copy_plane(mosaic *self, int plane, uint32_t x, uint32_t y)
{
    const avifImage *cell = self->decoder->image;
    avifImage *canvas = self->canvas;
    avifPixelFormatInfo format;
    avifGetPixelFormatInfo(canvas->yuvFormat, &format);
    bool alpha = plane == ALPHA, chroma = plane == 1 || plane == 2;
    int from = alpha ? 0 : plane;
    uint32_t right = chroma ? (uint32_t)format.chromaShiftX : 0;
    uint32_t down = chroma ? (uint32_t)format.chromaShiftY : 0;
    uint32_t width = canvas->width - x < cell->width ? canvas->width - x : cell->width;
    uint32_t height =
        canvas->height - y < cell->height ? canvas->height - y : cell->height;
    uint8_t *to = alpha ? canvas->alphaPlane : canvas->yuvPlanes[plane];
    size_t stride = alpha ? canvas->alphaRowBytes : canvas->yuvRowBytes[plane];
    to += (size_t)(y >> down) * stride + ((size_t)(x >> right) << (canvas->depth > 8));
    for (uint32_t row = 0; row < (height + down) >> down; row++)
        copy_row(to + row * stride,
                 cell->yuvPlanes[from] + (size_t)row * cell->yuvRowBytes[from],
                 (width + right) >> right, canvas->depth,
                 alpha && cell->yuvRange == AVIF_RANGE_LIMITED);
}

/* --- the canvas ------------------------------------------------------------------- */

/* As libavif does: where av1C says other than the cells do, the cells are right. */
static li_status
open_planes(mosaic *self, bool alpha)
{
    const avifImage *cell = self->decoder->image;
    avifImage *canvas = self->canvas;
    if (!alpha && canvas->yuvFormat != cell->yuvFormat) {
        canvas->yuvFormat = cell->yuvFormat;
        canvas->yuvRange = cell->yuvRange;
    }
    if (canvas->depth != cell->depth || canvas->width != self->found->picture.width ||
        canvas->height != self->found->picture.height)
        return li_avif_corrupt(self->ctx, "a grid's cells are not what it says");
    avifResult result = li_avif_planes(canvas, alpha ? AVIF_PLANES_A : AVIF_PLANES_YUV);
    if (result != AVIF_RESULT_OK ||
        !(alpha ? canvas->alphaPlane : canvas->yuvPlanes[0]))
        return li_fail(self->ctx, LI_ENOMEM, "avif: no memory for a grid's planes");
    return LI_OK;
}

static void
copy_cell(mosaic *self, bool alpha, uint32_t x, uint32_t y)
{
    if (alpha) {
        copy_plane(self, ALPHA, x, y);
        return;
    }
    for (int plane = 0; plane < ALPHA; plane++)
        if (self->canvas->yuvPlanes[plane])
            copy_plane(self, plane, x, y);
}

static li_status
fill_canvas(mosaic *self, const avif_mosaic *cells, bool alpha)
{
    cell_kind first = {0};
    for (uint32_t i = 0; i < cells->columns * cells->rows; i++) {
        LI_TRY(decode_cell(self, cells, cells->item[i]));
        if (i == 0)
            first = kind_of(self->decoder->image);
        LI_TRY(check_cell(self, cells, &first));
        if (i == 0)
            LI_TRY(open_planes(self, alpha));
        copy_cell(self, alpha, i % cells->columns * cells->width,
                  i / cells->columns * cells->height);
        close_cell(self);
    }
    return LI_OK;
}

li_status
li_avif_put_together(li_ctx *ctx, li_source *in, const avif_found *found,
                     avifImage *canvas, uint64_t cell_bytes)
{
    mosaic self = {
        .ctx = ctx, .found = found, .canvas = canvas, .cell_bytes = cell_bytes};
    li_status status = open_file(&self, in);
    if (status == LI_OK)
        status = fill_canvas(&self, &found->cells[0], false);
    if (status == LI_OK && found->alpha)
        status = fill_canvas(&self, &found->cells[1], true);
    close_cell(&self);
    li_uncharge(ctx, self.charged);
    li_free(ctx, &self.file.meta);
    return status;
}
