/* write.c: rows into a JPEG by libjpeg. The one setjmp is in writer_try; every step
 * that may jump is a function of the heap struct and is run through it. Layer 2. */
#include "codecs/jpeg/jpeg.h"

#include <assert.h>

typedef struct jpeg_writer {
    li_sink sink;
    struct jpeg_compress_struct jpeg;
    li_jpeg_trouble trouble;
    struct jpeg_destination_mgr destination;
    struct jpeg_progress_mgr progress;
    li_out *out;      /* borrowed */
    uint64_t charged; /* to be given back at close */
    li_jpeg_choice choice;
    const uint8_t *row; /* borrowed: the one being written */
    uint8_t *buffer;    /* owned: LI_OUT_BYTES */
} jpeg_writer;

/* --- bytes out -------------------------------------------------------------------- */

static void
buffer_reset(jpeg_writer *writer)
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
buffer_write(jpeg_writer *writer, size_t size)
{
    if (li_out_write(writer->out, writer->buffer, size) != LI_OK)
        li_jpeg_leave((j_common_ptr)&writer->jpeg);
}

/* The library's contract: the buffer is full, whatever its pointers say. */
static boolean
destination_empty(j_compress_ptr jpeg)
{
    jpeg_writer *writer = jpeg->client_data;
    buffer_write(writer, LI_OUT_BYTES);
    buffer_reset(writer);
    return TRUE;
}

static void
destination_term(j_compress_ptr jpeg)
{
    jpeg_writer *writer = jpeg->client_data;
    buffer_write(writer, LI_OUT_BYTES - writer->destination.free_in_buffer);
}

/* --- steps; each may jump --------------------------------------------------------- */

/* The status of a step: a jump comes back here. */
static li_status
writer_try(jpeg_writer *writer, void (*step)(jpeg_writer *))
{
    if (setjmp(writer->trouble.home) != 0)
        return li_fail(writer->sink.ctx, LI_E901_INTERNAL, "jpeg: lost its error");
    step(writer);
    return LI_OK;
}

static void
step_create(jpeg_writer *writer)
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

static void
step_start(jpeg_writer *writer)
{
    struct jpeg_compress_struct *jpeg = &writer->jpeg;
    const li_jpeg_choice *choice = &writer->choice;
    li_info info = writer->sink.info;
    jpeg->image_width = info.width;
    jpeg->image_height = info.height;
    jpeg->input_components = (int)li_pixel_channels(info.pixel);
    jpeg->in_color_space = info.pixel == LI_GRAY8 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, choice->quality, TRUE);
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->optimize_coding = choice->optimize;
    for (int part = 0; part < jpeg->num_components; part++) {
        jpeg->comp_info[part].h_samp_factor = choice->frame.parts[part].h;
        jpeg->comp_info[part].v_samp_factor = choice->frame.parts[part].v;
    }
    if (choice->progressive)
        jpeg_simple_progression(jpeg);
    jpeg_start_compress(jpeg, TRUE);
}

static void
step_row(jpeg_writer *writer)
{
    /* The library has no const, but only reads. */
    JSAMPROW row = (JSAMPROW)(uintptr_t)writer->row;
    jpeg_write_scanlines(&writer->jpeg, &row, 1);
}

static void
step_finish(jpeg_writer *writer)
{
    jpeg_finish_compress(&writer->jpeg);
}

/* --- the sink --------------------------------------------------------------------- */

static li_status
writer_write(li_sink *sink, const uint8_t *row)
{
    jpeg_writer *writer = (jpeg_writer *)sink;
    writer->row = row;
    return writer_try(writer, step_row);
}

static li_status
writer_finish(li_sink *sink)
{
    return writer_try((jpeg_writer *)sink, step_finish);
}

static void
writer_close(li_sink *sink)
{
    jpeg_writer *writer = (jpeg_writer *)sink;
    jpeg_destroy_compress(&writer->jpeg); /* accepts what is still zero */
    li_uncharge(sink->ctx, writer->charged);
    writer->charged = 0;
    li_free(sink->ctx, &writer->buffer);
}

static const li_sink_ops writer_ops = {
    .name = "encode",
    .write = writer_write,
    .finish = writer_finish,
    .close = writer_close,
};

static li_status
writer_open(jpeg_writer *writer)
{
    li_ctx *ctx = writer->sink.ctx;
    uint64_t charge = li_jpeg_encode_charge(&writer->choice);
    LI_TRY(li_alloc(ctx, LI_OUT_BYTES, 1, &writer->buffer));
    LI_TRY(li_charge(ctx, charge));
    writer->charged = charge;
    LI_TRY(writer_try(writer, step_create));
    return writer_try(writer, step_start);
}

uint64_t
li_jpeg_writer_bytes(void)
{
    return sizeof(jpeg_writer) + LI_OUT_BYTES + 2 * LI_BLOCK_OVERHEAD;
}

li_status
li_jpeg_encode(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
               li_sink **sink)
{
    assert(info.pixel == LI_GRAY8 || info.pixel == LI_RGB8);
    *sink = NULL;
    if (info.width > LI_JPEG_SIDE || info.height > LI_JPEG_SIDE)
        return li_fail(ctx, LI_E300_ENCODE,
                       "jpeg: %ux%u is beyond the format's %d pixels a side",
                       info.width, info.height, LI_JPEG_SIDE);
    LI_TRY(li_sink_new(ctx, sizeof(jpeg_writer), &writer_ops, info, sink));
    jpeg_writer *writer = (jpeg_writer *)*sink;
    writer->jpeg.err = li_jpeg_trouble_init(&writer->trouble, ctx, true);
    writer->jpeg.client_data = writer;
    writer->out = out;
    writer->choice = li_jpeg_choose(info, encode);
    li_status status = writer_open(writer);
    if (status != LI_OK)
        li_sink_close(sink);
    return status;
}
