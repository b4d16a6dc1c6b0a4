/* read.c: JPEG rows from libjpeg, of the whole picture or of a region. Layer 2. */
#include "codecs/jpeg/reader.h"
#include "kernels/kernels.h"

enum {
    /* Decoded beside a region and dropped: chroma upsampling is off by up to 18 levels
     * in the two columns at a cropped edge. */
    MARGIN = 2,
    /* Below three chroma columns libjpeg upsamples otherwise; at 4:1 that is 12. */
    LEAST_COLUMNS = 32,
};

typedef struct jpeg_rows {
    li_rows base;
    li_jpeg_reader reader;
    size_t before; /* bytes of a decoded row in front of the region */
    uint8_t *row;  /* owned: one decoded row */
} jpeg_rows;

static jpeg_rows *
rows_of(li_jpeg_reader *reader)
{
    return reader->owner;
}

/* --- steps; each may jump
 * -------------------------------------------------------------- */

/* Blocks of an incomplete progressive picture are smoothed with their neighbours: there
 * a cropped decode would not equal the whole one. */
static bool
crops_exactly(const li_jpeg_reader *reader)
{
    return !reader->jpeg.progressive_mode || li_jpeg_reader_complete(reader);
}

#if JPEG_LIB_VERSION >= 70
#define SIDE(part) ((part)->DCT_h_scaled_size)
#define LEAST_SIDE(jpeg) ((jpeg)->min_DCT_h_scaled_size)
#else
#define SIDE(part) ((part)->DCT_scaled_size)
#define LEAST_SIDE(jpeg) ((jpeg)->min_DCT_scaled_size)
#endif

/* libjpeg-turbo 2.1 takes a wrong width for a component that the inverse DCT scales up
 * in part and the upsampler in part: 4:1:0 when shrunk. */
static bool
columns_crop_exactly(const li_jpeg_reader *reader)
{
    const struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    for (int i = 0; i < jpeg->num_components; i++) {
        const jpeg_component_info *part = &jpeg->comp_info[i];
        if (SIDE(part) != LEAST_SIDE(jpeg) &&
            part->h_samp_factor * SIDE(part) !=
                jpeg->max_h_samp_factor * LEAST_SIDE(jpeg))
            return false;
    }
    return crops_exactly(reader);
}

/* Decode no columns that the region does not need, and set `before`. */
static void
crop_columns(li_jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    uint32_t first = reader->hint.region.x, width = jpeg->output_width;
    uint32_t last = first + reader->hint.region.width;
    JDIMENSION from = first < MARGIN ? 0 : first - MARGIN;
    JDIMENSION until = width - last < MARGIN ? width : last + MARGIN;
    if (until - from < LEAST_COLUMNS)
        until = width - from < LEAST_COLUMNS ? width : from + LEAST_COLUMNS;
    if (until - from < LEAST_COLUMNS)
        from = until < LEAST_COLUMNS ? 0 : until - LEAST_COLUMNS;
    JDIMENSION columns = until - from;
    if (columns_crop_exactly(reader))
        jpeg_crop_scanline(jpeg, &from, &columns);
    else
        from = 0;
    rows_of(reader)->before = (size_t)(first - from) * (size_t)jpeg->output_components;
}

static void
skip_rows(li_jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    uint32_t first = reader->hint.region.y;
    if (first > MARGIN && crops_exactly(reader))
        jpeg_skip_scanlines(jpeg, first - MARGIN);
    while (jpeg->output_scanline < first)
        jpeg_read_scanlines(jpeg, &rows_of(reader)->row, 1);
}

static void
step_start(li_jpeg_reader *reader)
{
    li_jpeg_reader_start(reader);
    if (reader->hint.region.width > 0) {
        crop_columns(reader);
        skip_rows(reader);
    }
}

static void
step_row(li_jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_read_scanlines(jpeg, &rows_of(reader)->row, 1);
    if (jpeg->output_scanline == jpeg->output_height)
        li_jpeg_reader_end(reader);
}

/* --- the stream ----------------------------------------------------------------------
 */

static li_status
jpeg_next(li_rows *base, const uint8_t **row)
{
    jpeg_rows *rows = (jpeg_rows *)base;
    LI_TRY(li_jpeg_reader_try(&rows->reader, step_row));
    *row = rows->row + rows->before;
    return LI_OK;
}

static void
jpeg_close(li_rows *base)
{
    jpeg_rows *rows = (jpeg_rows *)base;
    li_jpeg_reader_close(&rows->reader);
    li_free(base->ctx, &rows->row);
}

static const li_rows_ops jpeg_ops = {
    .name = "decode",
    .next = jpeg_next,
    .close = jpeg_close,
};

uint64_t
li_jpeg_reader_bytes(void)
{
    return sizeof(jpeg_rows) + LI_ROW_SLACK + 2 * LI_BLOCK_OVERHEAD;
}

static li_status
open_rows(jpeg_rows *rows, li_source *in, const li_header *header, li_hint hint)
{
    li_ctx *ctx = rows->base.ctx;
    LI_TRY(li_jpeg_reader_open(&rows->reader, ctx, in, header, hint));
    size_t size = li_row_bytes(rows->reader.whole) + LI_ROW_SLACK;
    LI_TRY(li_alloc(ctx, size, 1, &rows->row));
    return li_jpeg_reader_try(&rows->reader, step_start);
}

li_status
li_jpeg_decode(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
               li_rows **rows)
{
    li_info info = li_jpeg_region_info(header, hint);
    *rows = NULL;
    if (li_jpeg_skims(header, hint))
        return li_jpeg_skim_rows(ctx, in, header, hint, rows);
    LI_TRY(li_rows_push(ctx, sizeof(jpeg_rows), &jpeg_ops, info, rows));
    jpeg_rows *stream = (jpeg_rows *)*rows;
    stream->reader.ctx = ctx;
    stream->reader.owner = stream;
    li_status status = open_rows(stream, in, header, hint);
    if (status != LI_OK)
        li_rows_close(rows);
    return status;
}
