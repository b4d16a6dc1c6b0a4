/* write.c: rows to a PNG by libpng, streamed: one filtered row and one 64 KiB chunk at
 * a time. Layer 2.
 *
 * Every call of libpng runs inside writer_run, the only setjmp: an error jumps back to
 * it and is in the ctx by then. All state is in the heap struct. */
#include "codecs/png/png.h"

#include <setjmp.h>

enum { DEFAULT_LEVEL = 6 };

typedef struct png_writer {
    li_sink base;
    li_out *out;        /* borrowed */
    const uint8_t *row; /* borrowed: what step_row writes */
    int level;
    png_structp png; /* owned */
    png_infop info;  /* owned, with png */
    jmp_buf jump;
} png_writer;

int
li_png_level(const li_encode *encode)
{
    if (encode->compression < 0)
        return DEFAULT_LEVEL;
    return encode->compression < 9 ? encode->compression : 9;
}

uint64_t
li_png_write_bytes(li_info info)
{
    enum {
        STRUCT_BYTES = 4 << 10, /* png_struct 1.3 KB, png_info 0.4 KB */
        /* zlib's state 6 KB, window, chains, heads 64 KB each, symbols 64 KB (80 KB
         * from 1.3.1 on). */
        DEFLATE_BYTES = 288 << 10,
        OUTPUT_BYTES = LI_OUT_BYTES + 64, /* one compression buffer */
        BLOCKS = 8,
        ROWS = 4, /* this, the last, and two filtered ones to choose from */
    };
    uint64_t row = li_png_block_bytes(li_row_bytes(info) + 1);
    return STRUCT_BYTES + DEFLATE_BYTES + OUTPUT_BYTES + BLOCKS * LI_BLOCK_OVERHEAD +
           li_png_block_bytes(sizeof(png_writer)) + ROWS * row;
}

/* --- errors ----------------------------------------------------------------------- */

static PNG_NORETURN void
writer_fail(png_structp png, png_const_charp text)
{
    png_writer *writer = png_get_error_ptr(png);
    (void)li_fail(writer->base.ctx, LI_E300_ENCODE, "png: %s", text);
    longjmp(writer->jump, 1);
}

static void
writer_warn(png_structp png, png_const_charp text)
{
    png_writer *writer = png_get_error_ptr(png);
    li_warn(writer->base.ctx, "png: %s", text);
}

/* Run a step that may call libpng. */
static li_status
writer_run(png_writer *writer, void (*step)(png_writer *writer))
{
    if (setjmp(writer->jump) == 0)
        step(writer);
    return writer->base.ctx->status;
}

/* --- bytes out -------------------------------------------------------------------- */

static void
writer_bytes(png_structp png, png_bytep data, size_t size)
{
    png_writer *writer = png_get_io_ptr(png);
    if (li_out_write(writer->out, data, size) != LI_OK)
        png_error(png, "the output failed");
}

static void
writer_flush(png_structp png)
{
    (void)png; /* li_out and li_file flush by themselves */
}

/* --- the steps -------------------------------------------------------------------- */

static int
colour_type(li_pixel pixel)
{
    return (li_pixel_is_gray(pixel) ? 0 : PNG_COLOR_MASK_COLOR) |
           (li_pixel_has_alpha(pixel) ? PNG_COLOR_MASK_ALPHA : 0);
}

static void
step_create(png_writer *writer)
{
    writer->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, writer, writer_fail,
                                            writer_warn, writer->base.ctx,
                                            li_png_malloc, li_png_free);
    if (writer->png)
        writer->info = png_create_info_struct(writer->png);
    if (!writer->info)
        (void)li_fail(writer->base.ctx, LI_E901_INTERNAL, "png: libpng cannot start");
}

static void
step_header(png_writer *writer)
{
    png_structp png = writer->png;
    li_info info = writer->base.info;
    png_set_write_fn(png, writer, writer_bytes, writer_flush);
    png_set_user_limits(png, LI_PNG_MAX_INT, LI_PNG_MAX_INT);
    png_set_IHDR(png, writer->info, info.width, info.height, 8, colour_type(info.pixel),
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    png_set_compression_level(png, writer->level);
    png_set_compression_buffer_size(png, LI_OUT_BYTES);
    /* Filters make rows easier to compress; what is only stored gains nothing. */
    png_set_filter(png, PNG_FILTER_TYPE_BASE,
                   writer->level == 0 ? PNG_FILTER_NONE : PNG_ALL_FILTERS);
    png_write_info(png, writer->info);
}

static void
step_row(png_writer *writer)
{
    png_write_row(writer->png, writer->row);
}

static void
step_end(png_writer *writer)
{
    png_write_end(writer->png, NULL);
}

/* --- the sink --------------------------------------------------------------------- */

static li_status
png_write(li_sink *sink, const uint8_t *row)
{
    png_writer *writer = (png_writer *)sink;
    writer->row = row;
    return writer_run(writer, step_row);
}

static li_status
png_finish(li_sink *sink)
{
    return writer_run((png_writer *)sink, step_end);
}

static void
png_close(li_sink *sink)
{
    png_writer *writer = (png_writer *)sink;
    png_destroy_write_struct(&writer->png, &writer->info);
}

static const li_sink_ops png_ops = {
    .name = "png",
    .write = png_write,
    .finish = png_finish,
    .close = png_close,
};

static li_status
check_info(li_ctx *ctx, li_info info)
{
    if (info.width - 1 >= LI_PNG_MAX_INT || info.height - 1 >= LI_PNG_MAX_INT)
        return li_fail(ctx, LI_E300_ENCODE,
                       "png: %ux%u has a side outside 1..2147483647", info.width,
                       info.height);
    if (info.pixel != li_codec_png.accepts(info.pixel))
        return li_fail(ctx, LI_E300_ENCODE, "png: cannot write %s",
                       li_pixel_name(info.pixel));
    return LI_OK;
}

li_status
li_png_encode(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
              li_sink **sink)
{
    *sink = NULL;
    LI_TRY(check_info(ctx, info));
    LI_TRY(li_sink_new(ctx, sizeof(png_writer), &png_ops, info, sink));
    png_writer *writer = (png_writer *)*sink;
    writer->out = out;
    writer->level = li_png_level(encode);
    li_status status = writer_run(writer, step_create);
    if (status == LI_OK)
        status = writer_run(writer, step_header);
    if (status != LI_OK)
        li_sink_close(sink);
    return status;
}
