/* read.c: JPEG rows from libjpeg. The one setjmp is in reader_try; every step that may
 * jump is a function of the heap struct and is run through it. Layer 2. */
#include "codecs/jpeg/jpeg.h"
#include "kernels/kernels.h"

#include <assert.h>

enum {
    /* Decoded beside a region and dropped: chroma upsampling is off by up to 18 levels
     * in the two columns at a cropped edge. */
    MARGIN = 2,
    /* Below three chroma columns libjpeg upsamples otherwise; at 4:1 that is 12. */
    LEAST_COLUMNS = 32,
};

typedef struct jpeg_reader {
    li_rows rows;
    struct jpeg_decompress_struct jpeg;
    li_jpeg_trouble trouble;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    li_source *in;    /* borrowed */
    uint64_t offset;  /* of the byte behind the library's window */
    uint64_t charged; /* to be given back at close */
    li_info whole;    /* the picture without a region */
    li_hint hint;
    bool held;     /* several scans */
    size_t before; /* bytes of a decoded row in front of the region */
    uint8_t *row;  /* owned: one decoded row */
} jpeg_reader;

/* --- jumps and bytes
 * ------------------------------------------------------------------------
 */

static jpeg_reader *
reader_of(j_decompress_ptr jpeg)
{
    return jpeg->client_data;
}

static void
source_ignore(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

/* The status of a step: a jump comes back here. */
static li_status
reader_try(jpeg_reader *reader, void (*step)(jpeg_reader *))
{
    if (setjmp(reader->trouble.home) != 0)
        return li_fail(reader->rows.ctx, LI_E901_INTERNAL, "jpeg: lost its error");
    step(reader);
    return LI_OK;
}

static _Noreturn void
reader_fail(jpeg_reader *reader, li_status status, const char *words)
{
    if (reader->trouble.ended)
        status = LI_E132_TRUNCATED;
    li_fail(reader->rows.ctx, status, "jpeg: %s", words);
    li_jpeg_leave((j_common_ptr)&reader->jpeg);
}

/* Behind the last byte the library is given end markers: it stops at once, and what it
 * then misses is an error (E132), because `ended` is set. A picture that is complete
 * but for its end marker is not. Arithmetic decoding misses nothing: zeros are as good
 * as data, so there the end marker must be seen. */
static boolean
source_fill(j_decompress_ptr jpeg)
{
    static const JOCTET end[] = {0xFF, JPEG_EOI};
    jpeg_reader *reader = reader_of(jpeg);
    const uint8_t *data;
    size_t got;
    if (li_poll(reader->rows.ctx) != LI_OK ||
        li_source_at(reader->in, reader->offset, LI_WINDOW_BYTES, &data, &got) != LI_OK)
        li_jpeg_leave((j_common_ptr)jpeg);
    if (got > LI_WINDOW_BYTES)
        got = LI_WINDOW_BYTES;
    reader->offset += got;
    if (got == 0) {
        reader->trouble.ended = true;
        if (jpeg->arith_code)
            reader_fail(reader, LI_E132_TRUNCATED, "the file ends too early");
        data = end;
        got = sizeof(end);
    }
    jpeg->src->next_input_byte = data;
    jpeg->src->bytes_in_buffer = got;
    return TRUE;
}

static void
source_skip(j_decompress_ptr jpeg, long count)
{
    struct jpeg_source_mgr *source = jpeg->src;
    if (count <= 0)
        return;
    size_t have = source->bytes_in_buffer;
    size_t here = (size_t)count < have ? (size_t)count : have;
    source->next_input_byte += here;
    source->bytes_in_buffer -= here;
    reader_of(jpeg)->offset += (size_t)count - here;
}

/* --- steps; each may jump ------------------------------------------------------------
 */

static void
step_create(jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg->mem->max_memory_to_use = (long)reader->charged; /* the second belt */
    reader->source = (struct jpeg_source_mgr){
        .init_source = source_ignore,
        .fill_input_buffer = source_fill,
        .skip_input_data = source_skip,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = source_ignore,
    };
    reader->progress.progress_monitor = li_jpeg_progress;
    jpeg->src = &reader->source;
    jpeg->progress = &reader->progress;
}

static void
step_header(jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_read_header(jpeg, TRUE);
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->do_fancy_upsampling = TRUE;
    jpeg->scale_num = reader->hint.shrink ? reader->hint.shrink : 8;
    jpeg->scale_denom = 8;
    switch (reader->whole.pixel) {
    case LI_GRAY8:
        jpeg->out_color_space = JCS_GRAYSCALE;
        break;
    case LI_RGB8:
        jpeg->out_color_space = JCS_RGB;
        break;
    default:
        jpeg->out_color_space = JCS_CMYK;
        break;
    }
    jpeg_calc_output_dimensions(jpeg);
    if (jpeg->output_width != reader->whole.width ||
        jpeg->output_height != reader->whole.height ||
        jpeg->num_components != (int)li_pixel_channels(reader->whole.pixel) ||
        jpeg->output_components != jpeg->num_components)
        reader_fail(reader, LI_E103_SOURCE_CHANGED,
                    "the header changed while it was read");
}

static bool
coefficients_complete(const struct jpeg_decompress_struct *jpeg)
{
    for (int part = 0; jpeg->coef_bits && part < jpeg->num_components; part++)
        for (int k = 0; k < DCTSIZE2; k++)
            if (jpeg->coef_bits[part][k] != 0)
                return false;
    return true;
}

/* All scans are in: is anything missing that the library fills up silently? */
static void
check_scans(jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    for (int part = 0; part < jpeg->num_components; part++)
        if (!jpeg->comp_info[part].quant_table)
            reader_fail(reader, LI_E130_CORRUPT, "a component has no scan");
    if (coefficients_complete(jpeg))
        return;
    if (reader->trouble.ended)
        reader_fail(reader, LI_E132_TRUNCATED,
                    "the file ends before its last progressive scan");
    li_warn(reader->rows.ctx,
            "jpeg: the progressive scans do not complete the picture");
}

/* Blocks of an incomplete progressive picture are smoothed with their neighbours: there
 * a cropped decode would not equal the whole one. */
static bool
crops_exactly(const struct jpeg_decompress_struct *jpeg)
{
    return !jpeg->progressive_mode || coefficients_complete(jpeg);
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
columns_crop_exactly(const struct jpeg_decompress_struct *jpeg)
{
    for (int i = 0; i < jpeg->num_components; i++) {
        const jpeg_component_info *part = &jpeg->comp_info[i];
        if (SIDE(part) != LEAST_SIDE(jpeg) &&
            part->h_samp_factor * SIDE(part) !=
                jpeg->max_h_samp_factor * LEAST_SIDE(jpeg))
            return false;
    }
    return crops_exactly(jpeg);
}

/* Decode no columns that the region does not need, and set `before`. */
static void
crop_columns(jpeg_reader *reader)
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
    if (columns_crop_exactly(jpeg))
        jpeg_crop_scanline(jpeg, &from, &columns);
    else
        from = 0;
    reader->before = (size_t)(first - from) * (size_t)jpeg->output_components;
}

static void
skip_rows(jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    uint32_t first = reader->hint.region.y;
    if (first > MARGIN && crops_exactly(jpeg))
        jpeg_skip_scanlines(jpeg, first - MARGIN);
    while (jpeg->output_scanline < first)
        jpeg_read_scanlines(jpeg, &reader->row, 1);
}

static void
step_start(jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_start_decompress(jpeg);
    if (jpeg_has_multiple_scans(jpeg))
        check_scans(reader);
    if (reader->hint.region.width > 0) {
        crop_columns(reader);
        skip_rows(reader);
    }
}

/* One row; behind the last one the rest of the file up to its end marker, so that
 * damage there is found before the row is given out. */
static void
step_row(jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_read_scanlines(jpeg, &reader->row, 1);
    if (jpeg->output_scanline < jpeg->output_height)
        return;
    jpeg_finish_decompress(jpeg);
    if (reader->trouble.ended)
        li_warn(reader->rows.ctx, "jpeg: the file ends without an end marker");
}

/* --- the stream ----------------------------------------------------------------------
 */

static li_status
reader_next(li_rows *rows, const uint8_t **row)
{
    jpeg_reader *reader = (jpeg_reader *)rows;
    LI_TRY(reader_try(reader, step_row));
    *row = reader->row + reader->before;
    return LI_OK;
}

static void
reader_close(li_rows *rows)
{
    jpeg_reader *reader = (jpeg_reader *)rows;
    jpeg_destroy_decompress(&reader->jpeg); /* accepts what is still zero */
    li_uncharge(rows->ctx, reader->charged);
    reader->charged = 0;
    li_free(rows->ctx, &reader->row);
}

static const li_rows_ops reader_ops = {
    .name = "decode",
    .next = reader_next,
    .close = reader_close,
};

static li_status
reader_open(jpeg_reader *reader, uint64_t charge)
{
    li_ctx *ctx = reader->rows.ctx;
    if (reader->held)
        LI_TRY(li_jpeg_check_scans(ctx, reader->in));
    LI_TRY(li_alloc(ctx, li_row_bytes(reader->whole) + LI_ROW_SLACK, 1, &reader->row));
    LI_TRY(li_charge(ctx, charge));
    reader->charged = charge;
    LI_TRY(reader_try(reader, step_create));
    LI_TRY(reader_try(reader, step_header));
    return reader_try(reader, step_start);
}

uint64_t
li_jpeg_reader_bytes(void)
{
    return sizeof(jpeg_reader) + LI_ROW_SLACK + 2 * LI_BLOCK_OVERHEAD;
}

li_status
li_jpeg_decode(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
               li_rows **rows)
{
    li_info whole = li_jpeg_decoded(header, hint), info = whole;
    if (hint.region.width > 0) {
        info.width = hint.region.width;
        info.height = hint.region.height;
        assert(hint.region.x <= whole.width - info.width && info.height > 0 &&
               hint.region.y <= whole.height - info.height);
    }
    *rows = NULL;
    LI_TRY(li_rows_push(ctx, sizeof(jpeg_reader), &reader_ops, info, rows));
    jpeg_reader *reader = (jpeg_reader *)*rows;
    reader->jpeg.err = li_jpeg_trouble_init(&reader->trouble, ctx, false);
    reader->jpeg.client_data = reader;
    reader->in = in;
    reader->whole = whole;
    reader->hint = hint;
    reader->held = header->held_bytes > 0;
    li_status status = reader_open(reader, li_jpeg_decode_charge(header, hint));
    if (status != LI_OK)
        li_rows_close(rows);
    return status;
}
