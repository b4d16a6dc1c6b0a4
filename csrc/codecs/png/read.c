/* read.c: PNG rows by libpng: through one frame where the file is interlaced; streamed
 * otherwise, as the oracle of stream.c. Layer 2.
 *
 * Where the ctx salvages, each pass of an interlaced file fills all pixels that later
 * ones will: a frame that breaks off is whole, but coarser, once the first is over.
 *
 * Every call of libpng runs inside reader_run, the only setjmp: an error jumps back to
 * it and is in the ctx by then. All state is in the heap struct. */
#include "codecs/png/scan.h"
#include "image/frame.h"
#include "kernels/kernels.h"

#include <setjmp.h>
#include <string.h>

enum { SALVAGED_BYTES = 16 };

typedef struct png_reader {
    li_rows base;
    li_source *in;         /* borrowed */
    uint64_t offset;       /* of the window's end */
    const uint8_t *window; /* borrowed until the next li_source_at */
    size_t left;           /* bytes in the window */
    png_structp png;       /* owned */
    png_infop info;        /* owned, with png */
    uint8_t *row;          /* owned; streamed only */
    li_frame frame;        /* owned; interlaced only */
    bool deep;             /* 16 bits stay */
    bool interlaced;
    bool filled;      /* the frame is, or as much of it as there is */
    bool whole;       /* all passes of it are there */
    uint32_t known;   /* so many of its rows have pixels */
    li_status broken; /* what it ended with behind them, in these words */
    char words[LI_MESSAGE_BYTES];
    bool pixels; /* from here on a complaint about IDAT is about pixels */
    bool ended;  /* the source has no more bytes */
    jmp_buf jump;
} png_reader;

uint64_t
li_png_libpng_bytes(li_info info, uint8_t bit_depth, bool interlaced)
{
    enum {
        /* png_struct 1.3 KB, png_info 0.4 KB, palette and its alpha 1 KB, the list of
         * chunks to ignore 0.1 KB. */
        STRUCT_BYTES = 4 << 10,
        /* zlib's state 7 KB (zlib-ng: 15 KB with its padding) and window 32 KB. */
        INFLATE_BYTES = 48 << 10,
        INPUT_BYTES = 8 << 10, /* PNG_IDAT_READ_SIZE */
        BLOCKS = 12,
    };
    /* Two rows of libpng's own: as wide as the samples before 16 bits become 8, a
     * multiple of 8 pixels, with one pixel and 64 bytes for filters and alignment. */
    uint64_t pixel_bytes = li_pixel_bytes(info.pixel) * (bit_depth == 16 ? 2u : 1u);
    uint64_t own = ((uint64_t)info.width + 8) * pixel_bytes + 64;
    uint64_t bytes =
        STRUCT_BYTES + INFLATE_BYTES + INPUT_BYTES + BLOCKS * LI_BLOCK_OVERHEAD +
        li_png_block_bytes(sizeof(png_reader)) + 2 * li_png_block_bytes(own);
    if (!interlaced)
        bytes += li_png_block_bytes(li_row_bytes(info) + LI_ROW_SLACK);
    return bytes;
}

/* --- errors ----------------------------------------------------------------------- */

/* Bytes behind the picture's last one. All of its pixels are there and have passed
 * their CRCs, so it is accepted, with a warning. */
static bool
is_surplus(const char *text)
{
    return strstr(text, "Extra compressed data") ||
           strstr(text, "Too much image data") || strstr(text, "Too many IDATs");
}

static bool
is_early_end(const png_reader *reader, const char *text)
{
    return reader->ended || strstr(text, "Not enough image data");
}

static PNG_NORETURN void
reader_fail(png_structp png, png_const_charp text)
{
    png_reader *reader = png_get_error_ptr(png);
    li_ctx *ctx = reader->base.ctx;
    /* A file that shrank reads as zeros: then that is the error, not what libpng says
     * of them. */
    li_status status = li_poll(ctx);
    if (status == LI_OK)
        (void)li_fail(ctx,
                      is_early_end(reader, text) ? LI_E132_TRUNCATED : LI_E130_CORRUPT,
                      "png: %s", text);
    longjmp(reader->jump, 1);
}

/* Longer than chunk_malloc_max: no concern of ours, who never hold a whole chunk. */
static bool
is_length(const char *text)
{
    return strstr(text, "chunk data is too large") != NULL;
}

static void
reader_warn(png_structp png, png_const_charp text)
{
    png_reader *reader = png_get_error_ptr(png);
    if (is_length(text))
        return;
    if (reader->pixels && strncmp(text, "IDAT: ", 6) == 0 && !is_surplus(text))
        reader_fail(png, text);
    li_warn(reader->base.ctx, "png: %s", text);
}

/* Run a step that may call libpng. */
static li_status
reader_run(png_reader *reader, void (*step)(png_reader *reader))
{
    if (setjmp(reader->jump) == 0)
        step(reader);
    return reader->base.ctx->status;
}

/* --- bytes in --------------------------------------------------------------------- */

static void
reader_refill(png_structp png, png_reader *reader, size_t want)
{
    if (want > LI_WINDOW_BYTES)
        want = LI_WINDOW_BYTES;
    if (li_poll(reader->base.ctx) != LI_OK ||
        li_source_at(reader->in, reader->offset, want, &reader->window,
                     &reader->left) != LI_OK)
        png_error(png, "the source failed");
    reader->offset += reader->left;
    reader->ended = reader->left == 0;
    if (reader->ended)
        png_error(png, "the file ends too early");
}

static void
reader_bytes(png_structp png, png_bytep into, size_t size)
{
    png_reader *reader = png_get_io_ptr(png);
    while (size > 0) {
        if (reader->left == 0)
            reader_refill(png, reader, size);
        size_t part = size < reader->left ? size : reader->left;
        memcpy(into, reader->window, part);
        reader->window += part;
        reader->left -= part;
        into += part;
        size -= part;
    }
}

/* --- the steps -------------------------------------------------------------------- */

/* The engine has checked the header against the limits; this is the second belt. */
static void
set_limits(png_structp png, const li_limits *limits)
{
    uint64_t side = limits->max_side;
    if (side == 0 || side > LI_PNG_MAX_INT)
        side = LI_PNG_MAX_INT;
    png_set_user_limits(png, (png_uint_32)side, (png_uint_32)side);
    png_set_chunk_cache_max(png, 64);
    png_set_chunk_malloc_max(png, 8 << 20);
}

static void
step_create(png_reader *reader)
{
    reader->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, reader, reader_fail,
                                           reader_warn, reader->base.ctx, li_png_malloc,
                                           li_png_free);
    if (reader->png)
        reader->info = png_create_info_struct(reader->png);
    if (!reader->info)
        (void)li_fail(reader->base.ctx, LI_E901_INTERNAL, "png: libpng cannot start");
}

static bool
is_little_endian(void)
{
    const union {
        uint16_t word;
        uint8_t bytes[2];
    } order = {.word = 1};
    return order.bytes[0] != 0;
}

static void
step_header(png_reader *reader)
{
    png_structp png = reader->png;
    png_set_read_fn(png, reader, reader_bytes);
    set_limits(png, &reader->base.ctx->limits);
    if (reader->base.ctx->salvage) /* of a piece that is cut, nothing is inflated */
        png_set_compression_buffer_size(png, SALVAGED_BYTES);
    /* Every chunk but IHDR, PLTE, tRNS, IDAT and IEND is skipped: text, profiles and
     * what nobody knows are neither kept nor inflated. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
#ifdef PNG_MAXIMUM_INFLATE_WINDOW
    /* Some encoders name a smaller window than they use. */
    png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
#endif
    png_read_info(png, reader->info);
    png_set_expand(png);
    if (!reader->deep)
        png_set_scale_16(png);
    else if (is_little_endian())
        png_set_swap(png);
    reader->interlaced = png_set_interlace_handling(png) > 1;
    png_read_update_info(png, reader->info);
    reader->pixels = true;
}

static void
step_end(png_reader *reader)
{
    png_read_end(reader->png, NULL);
    li_codec_note_rest("png", reader->base.ctx, reader->in,
                       reader->offset - reader->left, "IEND");
}

static void
step_row(png_reader *reader)
{
    png_read_row(reader->png, reader->row, NULL);
}

static void
step_frame(png_reader *reader)
{
    uint32_t height = reader->base.info.height;
    for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++)
        for (uint32_t y = 0; y < height; y++) {
            if (li_poll(reader->base.ctx) != LI_OK)
                return;
            uint8_t *row = li_frame_row(&reader->frame, y);
            if (reader->base.ctx->salvage)
                png_read_row(reader->png, NULL, row);
            else
                png_read_row(reader->png, row, NULL);
            if (pass == 0)
                reader->known = y + 1;
        }
    reader->whole = true;
}

/* --- the rows --------------------------------------------------------------------- */

/* The first pass is over: nothing is lost but detail. Else what follows is, when its
 * turn comes. */
static li_status
keep_known(png_reader *reader, li_status status)
{
    li_ctx *ctx = reader->base.ctx;
    if (!ctx->salvage || !li_is_damage(status) || reader->known == 0)
        return status;
    LI_TRY(li_codec_forgive(ctx, reader->in));
    uint32_t height = reader->base.info.height;
    if (reader->known < height) {
        reader->broken = status;
        memcpy(reader->words, ctx->message, sizeof(reader->words));
        ctx->message[0] = 0;
        return LI_OK;
    }
    li_codec_note_salvaged(ctx, height,
                           reader->whole ? "" : ", some coarser than they were");
    return LI_OK;
}

static li_status
reader_fill(png_reader *reader)
{
    if (reader->filled)
        return LI_OK;
    li_status status = reader_run(reader, step_frame);
    if (status == LI_OK)
        status = reader_run(reader, step_end);
    if (status != LI_OK)
        LI_TRY(keep_known(reader, status));
    reader->filled = true;
    return LI_OK;
}

static li_status
reader_held(png_reader *reader, uint32_t y)
{
    LI_TRY(reader_fill(reader));
    if (reader->broken == LI_OK || y < reader->known)
        return LI_OK;
    return li_fail(reader->base.ctx, reader->broken, "%s", reader->words);
}

static li_status
reader_stream(png_reader *reader, uint32_t y)
{
    LI_TRY(reader_run(reader, step_row));
    return y + 1 == reader->base.info.height ? reader_run(reader, step_end) : LI_OK;
}

static li_status
png_next(li_rows *rows, const uint8_t **row)
{
    png_reader *reader = (png_reader *)rows;
    if (reader->interlaced) {
        LI_TRY(reader_held(reader, rows->y));
        *row = li_frame_row(&reader->frame, rows->y);
        return LI_OK;
    }
    LI_TRY(reader_stream(reader, rows->y));
    *row = reader->row;
    return LI_OK;
}

static li_status
png_skip(li_rows *rows, uint32_t count)
{
    png_reader *reader = (png_reader *)rows;
    if (reader->interlaced)
        return reader_fill(reader);
    for (uint32_t y = rows->y; count > 0; y++, count--) {
        LI_TRY(li_poll(rows->ctx));
        LI_TRY(reader_stream(reader, y));
    }
    return LI_OK;
}

static void
png_close(li_rows *rows)
{
    png_reader *reader = (png_reader *)rows;
    png_destroy_read_struct(&reader->png, &reader->info, NULL);
    li_frame_free(rows->ctx, &reader->frame);
    li_free(rows->ctx, &reader->row);
}

static const li_rows_ops png_ops = {
    .name = "png",
    .next = png_next,
    .skip = png_skip,
    .close = png_close,
};

/* The header was read earlier: the file must still be the one that it describes. */
static li_status
reader_match(png_reader *reader, const li_header *header)
{
    li_info want = reader->base.info;
    png_uint_32 width = png_get_image_width(reader->png, reader->info);
    png_uint_32 height = png_get_image_height(reader->png, reader->info);
    if (width == want.width && height == want.height &&
        reader->interlaced == header->progressive &&
        png_get_rowbytes(reader->png, reader->info) == li_row_bytes(want))
        return LI_OK;
    return li_fail(reader->base.ctx, LI_E103_SOURCE_CHANGED,
                   "png: the file is no longer the %ux%u %s that its header said",
                   want.width, want.height, li_pixel_name(want.pixel));
}

static li_status
reader_open(png_reader *reader, const li_header *header)
{
    li_ctx *ctx = reader->base.ctx;
    LI_TRY(li_png_check_places(ctx, reader->in)); /* libpng skips those chunks */
    LI_TRY(reader_run(reader, step_create));
    LI_TRY(reader_run(reader, step_header));
    LI_TRY(reader_match(reader, header));
    if (reader->interlaced)
        return li_frame_alloc(ctx, reader->base.info, &reader->frame);
    return li_alloc(ctx, li_row_bytes(reader->base.info) + LI_ROW_SLACK, 1,
                    &reader->row);
}

li_status
li_png_decode_libpng(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
                     li_rows **rows)
{
    li_info info = li_png_info(header, hint);
    *rows = NULL;
    LI_TRY(li_rows_push(ctx, sizeof(png_reader), &png_ops, info, rows));
    png_reader *reader = (png_reader *)*rows;
    reader->in = in;
    reader->deep = li_pixel_is_deep(info.pixel);
    li_status status = reader_open(reader, header);
    if (status != LI_OK)
        li_rows_pop(rows);
    return status;
}
