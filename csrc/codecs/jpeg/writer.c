/* writer.c: libjpeg's compressor: bytes out, settings. The one setjmp is in
 * li_jpeg_writer_try; every step that may jump is a function of the heap struct and is
 * run through it. Layer 2. */
#include "codecs/jpeg/effort.h"

/* --- bytes out -------------------------------------------------------------------- */

static void
buffer_reset(li_jpeg_writer *writer)
{
    writer->destination.next_output_byte = writer->buffer;
    writer->destination.free_in_buffer = LI_OUT_BYTES;
}

static void
destination_init(j_compress_ptr jpeg)
{
    buffer_reset(jpeg->client_data);
}

static void
buffer_write(li_jpeg_writer *writer, size_t size)
{
    if (li_out_write(writer->out, writer->buffer, size) != LI_OK)
        li_jpeg_leave((j_common_ptr)&writer->jpeg);
}

/* The library's contract: the buffer is full, whatever its pointers say. */
static boolean
destination_empty(j_compress_ptr jpeg)
{
    li_jpeg_writer *writer = jpeg->client_data;
    buffer_write(writer, LI_OUT_BYTES);
    buffer_reset(writer);
    return TRUE;
}

static void
destination_term(j_compress_ptr jpeg)
{
    li_jpeg_writer *writer = jpeg->client_data;
    buffer_write(writer, LI_OUT_BYTES - writer->destination.free_in_buffer);
}

/* --- steps; each may jump --------------------------------------------------------- */

li_status
li_jpeg_writer_try(li_jpeg_writer *writer, void (*step)(li_jpeg_writer *))
{
    if (setjmp(writer->trouble.home) != 0)
        return li_fail(writer->ctx, LI_E901_INTERNAL, "jpeg: lost its error");
    step(writer);
    return LI_OK;
}

static void
step_create(li_jpeg_writer *writer)
{
    struct jpeg_compress_struct *jpeg = &writer->jpeg;
    jpeg_create_compress(jpeg);
    jpeg->mem->max_memory_to_use = (long)writer->charged; /* the second belt */
    writer->destination.init_destination = destination_init;
    writer->destination.empty_output_buffer = destination_empty;
    writer->destination.term_destination = destination_term;
    writer->progress.progress_monitor = li_jpeg_progress;
    jpeg->dest = &writer->destination;
    jpeg->progress = &writer->progress;
}

/* All of DC; luma's bits but the last, low frequencies first; chroma; luma's last bits.
 * A third less work than by libjpeg's script of ten, and 1 to 3 % fewer bytes:
 * docs/notes/jpeg.md. */
static const jpeg_scan_info script[] = {
    {3, {0, 1, 2}, 0, 0, 0, 0}, {1, {0}, 1, 8, 0, 1},  {1, {1}, 1, 63, 0, 0},
    {1, {2}, 1, 63, 0, 0},      {1, {0}, 9, 63, 0, 1}, {1, {0}, 1, 63, 1, 0},
};
static const jpeg_scan_info gray_script[] = {
    {1, {0}, 0, 0, 0, 0},
    {1, {0}, 1, 8, 0, 1},
    {1, {0}, 9, 63, 0, 1},
    {1, {0}, 1, 63, 1, 0},
};

static void
choose_script(struct jpeg_compress_struct *jpeg)
{
    bool gray = jpeg->num_components == 1;
    jpeg->scan_info = gray ? gray_script : script;
    jpeg->num_scans = gray ? (int)(sizeof(gray_script) / sizeof(gray_script[0]))
                           : (int)(sizeof(script) / sizeof(script[0]));
}

static void
set_tables(li_jpeg_writer *writer)
{
    struct jpeg_compress_struct *jpeg = &writer->jpeg;
    for (int which = 0; which < 2; which++) {
        uint16_t table[DCTSIZE2];
        unsigned int wide[DCTSIZE2];
        li_jpeg_quantization(&writer->choice, which, table);
        for (int i = 0; i < DCTSIZE2; i++)
            wide[i] = table[i];
        jpeg_add_quant_table(jpeg, which, wide, 100, TRUE);
    }
}

static void
set_scans(li_jpeg_writer *writer)
{
    struct jpeg_compress_struct *jpeg = &writer->jpeg;
    if (writer->choice.effort < LI_EFFORT_PROGRESSIVE) {
        choose_script(jpeg);
        return;
    }
    jpeg->num_scans = li_jpeg_fixed_script(jpeg->num_components, writer->script);
    jpeg->scan_info = writer->script;
}

static void
set_density(li_jpeg_writer *writer)
{
    enum { INCH = 1, MOST = 65535 };
    uint32_t x, y;
    if (!writer->metadata ||
        !li_density_whole(writer->metadata->density, 1, MOST, &x, &y))
        return;
    writer->jpeg.density_unit = INCH;
    writer->jpeg.X_density = (UINT16)x;
    writer->jpeg.Y_density = (UINT16)y;
}

void
li_jpeg_writer_metadata(li_jpeg_writer *writer)
{
    if (!writer->metadata)
        return;
    buffer_write(writer, LI_OUT_BYTES - writer->destination.free_in_buffer);
    buffer_reset(writer);
    if (li_metadata_jpeg(writer->metadata, writer->out) != LI_OK)
        li_jpeg_leave((j_common_ptr)&writer->jpeg);
}

static void
step_start(li_jpeg_writer *writer)
{
    struct jpeg_compress_struct *jpeg = &writer->jpeg;
    const li_jpeg_choice *choice = &writer->choice;
    li_info info = writer->info;
    jpeg->image_width = info.width;
    jpeg->image_height = info.height;
    jpeg->input_components = (int)li_pixel_channels(info.pixel);
    jpeg->in_color_space = info.pixel == LI_GRAY8 ? JCS_GRAYSCALE
                           : writer->planes       ? JCS_YCbCr
                                                  : JCS_RGB;
    jpeg_set_defaults(jpeg);
    set_tables(writer);
    set_density(writer);
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->optimize_coding = choice->optimize;
    jpeg->raw_data_in = writer->planes;
    for (int part = 0; part < jpeg->num_components; part++) {
        jpeg->comp_info[part].h_samp_factor = choice->frame.parts[part].h;
        jpeg->comp_info[part].v_samp_factor = choice->frame.parts[part].v;
    }
    if (choice->progressive)
        set_scans(writer);
    if (choice->trellis)
        return;
    jpeg_start_compress(jpeg, TRUE);
    li_jpeg_writer_metadata(writer);
}

static void
step_finish(li_jpeg_writer *writer)
{
    jpeg_finish_compress(&writer->jpeg);
}

/* --- open and close -----------------------------------------------------------------
 */

static li_status
check_size(li_ctx *ctx, li_info info)
{
    if (info.width <= LI_JPEG_SIDE && info.height <= LI_JPEG_SIDE)
        return LI_OK;
    return li_fail(ctx, LI_E300_ENCODE,
                   "jpeg: %ux%u is beyond the format's %d pixels a side", info.width,
                   info.height, LI_JPEG_SIDE);
}

li_status
li_jpeg_writer_open(li_jpeg_writer *writer, li_ctx *ctx, li_info info,
                    const li_encode *encode, li_out *out)
{
    writer->jpeg.err = li_jpeg_trouble_init(&writer->trouble, ctx, true);
    writer->jpeg.client_data = writer;
    writer->ctx = ctx;
    writer->info = info;
    writer->out = out;
    writer->metadata = encode->metadata;
    LI_TRY(check_size(ctx, info));
    writer->choice = li_jpeg_choose(info, encode);
    uint64_t charge = li_jpeg_encode_charge(&writer->choice,
                                            writer->planes || writer->choice.trellis);
    LI_TRY(li_alloc(ctx, LI_OUT_BYTES, 1, &writer->buffer));
    LI_TRY(li_charge(ctx, charge));
    writer->charged = charge;
    LI_TRY(li_jpeg_writer_try(writer, step_create));
    return li_jpeg_writer_try(writer, step_start);
}

li_status
li_jpeg_writer_finish(li_jpeg_writer *writer)
{
    return li_jpeg_writer_try(writer, step_finish);
}

void
li_jpeg_writer_close(li_jpeg_writer *writer)
{
    jpeg_destroy_compress(&writer->jpeg); /* accepts what is still zero */
    li_uncharge(writer->ctx, writer->charged);
    writer->charged = 0;
    li_free(writer->ctx, &writer->buffer);
}
