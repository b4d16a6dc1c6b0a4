/* reader.c: libjpeg's decompressor: bytes in, the header, damage. The one setjmp is in
 * li_jpeg_reader_try; every step that may jump is a function of the heap struct and is
 * run through it. Layer 2. */
#include "codecs/jpeg/reader.h"

/* --- jumps and bytes
 * ------------------------------------------------------------------------
 */

static li_jpeg_reader *
reader_of(j_decompress_ptr jpeg)
{
    return jpeg->client_data;
}

static void
source_ignore(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

li_status
li_jpeg_reader_try(li_jpeg_reader *reader, void (*step)(li_jpeg_reader *))
{
    if (setjmp(reader->trouble.home) != 0)
        return li_fail(reader->ctx, LI_E901_INTERNAL, "jpeg: lost its error");
    step(reader);
    return LI_OK;
}

_Noreturn void
li_jpeg_reader_fail(li_jpeg_reader *reader, li_status status, const char *words)
{
    if (reader->trouble.ended)
        status = LI_E132_TRUNCATED;
    li_fail(reader->ctx, status, "jpeg: %s", words);
    li_jpeg_leave((j_common_ptr)&reader->jpeg);
}

static size_t
left_of(const li_jpeg_reader *reader)
{
    return reader->offset < reader->end ? (size_t)(reader->end - reader->offset) : 0;
}

/* Behind the last byte the library is given end markers: it stops at once, and what it
 * then misses is an error (E132), because `ended` is set. A picture that is complete
 * but for its end marker is not. Arithmetic decoding misses nothing: zeros are as good
 * as data, so there the end marker must be seen. */
static boolean
source_fill(j_decompress_ptr jpeg)
{
    static const JOCTET end[] = {0xFF, JPEG_EOI};
    li_jpeg_reader *reader = reader_of(jpeg);
    const uint8_t *data;
    size_t got;
    if (li_poll(reader->ctx) != LI_OK ||
        li_source_at(reader->in, reader->offset, LI_WINDOW_BYTES, &data, &got) != LI_OK)
        li_jpeg_leave((j_common_ptr)jpeg);
    if (got > LI_WINDOW_BYTES)
        got = LI_WINDOW_BYTES;
    if (reader->end && got > left_of(reader))
        got = left_of(reader);
    reader->offset += got;
    if (got == 0) {
        reader->trouble.ended = true;
        if (jpeg->arith_code)
            li_jpeg_reader_fail(reader, LI_E132_TRUNCATED, "the file ends too early");
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
step_create(li_jpeg_reader *reader)
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
step_header(li_jpeg_reader *reader)
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
        li_jpeg_reader_fail(reader, LI_E103_SOURCE_CHANGED,
                            "the header changed while it was read");
}

bool
li_jpeg_reader_complete(const li_jpeg_reader *reader)
{
    const struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    for (int part = 0; jpeg->coef_bits && part < jpeg->num_components; part++)
        for (int k = 0; k < DCTSIZE2; k++)
            if (jpeg->coef_bits[part][k] != 0)
                return false;
    return true;
}

/* All scans are in: is anything missing that the library fills up silently? */
static void
check_scans(li_jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    for (int part = 0; part < jpeg->num_components; part++)
        if (!jpeg->comp_info[part].quant_table)
            li_jpeg_reader_fail(reader, LI_E130_CORRUPT, "a component has no scan");
    if (li_jpeg_reader_complete(reader))
        return;
    if (reader->trouble.ended && !reader->trouble.forgives)
        li_jpeg_reader_fail(reader, LI_E132_TRUNCATED,
                            "the file ends before its last progressive scan");
    li_warn(reader->ctx, "jpeg: the progressive scans do not complete the picture");
}

/* Of a picture in passes the salvage is known before its first row. Without its end
 * marker alone it is whole. */
static void
check_salvage(li_jpeg_reader *reader)
{
    const li_jpeg_trouble *trouble = &reader->trouble;
    bool cut = trouble->ended && !li_jpeg_reader_complete(reader);
    if (!trouble->forgives || !(trouble->damaged || cut))
        return;
    uint32_t height = reader->jpeg.image_height;
    uint32_t rows = trouble->damaged ? trouble->rows : height;
    if (rows == 0)
        li_jpeg_reader_fail(reader, LI_E130_CORRUPT, "no row is whole");
    reader->ctx->salvaged = true;
    reader->ctx->rows_real = rows;
    li_warn(reader->ctx, "salvage: %u of %u rows, some coarser than they were", rows,
            height);
}

void
li_jpeg_reader_start(li_jpeg_reader *reader)
{
    jpeg_start_decompress(&reader->jpeg);
    if (jpeg_has_multiple_scans(&reader->jpeg))
        check_scans(reader);
    check_salvage(reader);
}

void
li_jpeg_reader_end(li_jpeg_reader *reader)
{
    jpeg_finish_decompress(&reader->jpeg);
    if (reader->trouble.ended)
        li_warn(reader->ctx, "jpeg: the file ends without an end marker");
    else
        li_codec_note_rest("jpeg", reader->ctx, reader->in,
                           reader->offset - reader->source.bytes_in_buffer,
                           "the end marker");
}

/* --- open and close -----------------------------------------------------------------
 */

li_status
li_jpeg_reader_open(li_jpeg_reader *reader, li_ctx *ctx, li_source *in,
                    const li_header *header, li_hint hint)
{
    uint64_t charge = li_jpeg_decode_charge(header, hint);
    reader->jpeg.err = li_jpeg_trouble_init(&reader->trouble, ctx, false);
    reader->jpeg.client_data = reader;
    reader->ctx = ctx;
    reader->in = in;
    reader->whole = li_jpeg_decoded(header, hint);
    reader->hint = hint;
    reader->held = header->held_bytes > 0;
    reader->trouble.forgives = ctx->salvage && reader->held;
    if (reader->trouble.forgives) /* an end marker must not be read as parameters */
        LI_TRY(li_jpeg_whole_segments(ctx, in, &reader->end));
    else if (reader->held)
        LI_TRY(li_jpeg_check_scans(ctx, in));
    LI_TRY(li_charge(ctx, charge));
    reader->charged = charge;
    LI_TRY(li_jpeg_reader_try(reader, step_create));
    return li_jpeg_reader_try(reader, step_header);
}

void
li_jpeg_reader_close(li_jpeg_reader *reader)
{
    jpeg_destroy_decompress(&reader->jpeg); /* accepts what is still zero */
    li_uncharge(reader->ctx, reader->charged);
    reader->charged = 0;
}
