/* write.c: rows to a PNG, streamed: each row goes filtered into a packer, which fills
 * IDAT chunks of up to 64 KiB. Layer 2. */
#include "codecs/png/filter.h"
#include "codecs/png/write.h"
#include "kernels/deep.h"

#include <stdio.h>
#include <string.h>

enum {
    DEFAULT_LEVEL = 2,
    LIBRARY_LEVEL = 3,    /* from here on a library packs */
    LEAST_LEVEL = 5,      /* of its own levels */
    WHOLE_MOST = 8000000, /* filtered bytes that may be held */
};

typedef struct png_writer {
    li_sink base;
    const li_filters *filters; /* borrowed const table */
    bool plain;                /* no row is filtered */
    li_idat idat;
    li_packer *packer; /* owned */
    uint8_t *above;    /* owned: the row before, zeros at first */
    uint8_t *network;  /* owned: a row of 16 bits in the file's order */
} png_writer;

/* --- the way that a level goes -----------------------------------------------------
 */

int
li_png_level(const li_encode *encode)
{
    if (encode->compression < 0)
        return DEFAULT_LEVEL;
    return encode->compression < 9 ? encode->compression : 9;
}

li_packing
li_png_packing(uint64_t total, const li_encode *encode)
{
    int level = li_png_level(encode);
    /* What a library does below its level 5 is longer than what we do. */
    if (level >= LIBRARY_LEVEL && level < LEAST_LEVEL)
        level = LEAST_LEVEL;
    return (li_packing){total, level};
}

static li_packing
packing_of(li_info info, const li_encode *encode)
{
    return li_png_packing(li_sat_mul(li_row_bytes(info) + 1, info.height), encode);
}

const li_packer_kind *
li_png_packer(li_packing packing)
{
    if (packing.level == 0)
        return &li_packer_stored;
    if (packing.level < LIBRARY_LEVEL)
        return &li_packer_runs;
#ifdef LI_HAVE_DEFLATE
    if (packing.total <= WHOLE_MOST)
        return &li_packer_whole;
#endif
    return &li_packer_zlib;
}

uint64_t
li_png_write_bytes(li_info info, const li_encode *encode)
{
    if (li_png_holds(encode))
        return li_png_held_bytes(info, encode);
    li_packing packing = packing_of(info, encode);
    const li_packer_kind *kind = li_png_packer(packing);
    uint64_t rows = li_png_block_bytes(li_row_bytes(info));
    rows *= li_pixel_is_deep(info.pixel) ? 2 : 1;
    return li_sat_add(li_png_block_bytes(sizeof(png_writer)) + rows +
                          li_idat_memory(kind->bound(packing)),
                      kind->memory(packing));
}

uint64_t
li_png_packed_output(uint64_t packed)
{
    /* A chunk leaves when it is full but for what must not be cut. */
    enum { LEAST_CHUNK = LI_IDAT_BYTES - LI_IDAT_SPARE };
    uint64_t chunks = packed / LEAST_CHUNK + 1 + 2; /* IDAT, IHDR, IEND */
    uint64_t frame = LI_PNG_SIGNATURE_BYTES + 13;   /* and IHDR's body */
    frame += 2 * LI_PNG_CHUNK_BYTES + 4 + 32;       /* gAMA and cHRM, or cICP */
    return li_sat_add(packed, chunks * LI_PNG_CHUNK_BYTES + frame);
}

uint64_t
li_png_output_bytes(li_info info, const li_encode *encode)
{
    if (li_png_holds(encode))
        return li_png_held_output(info, encode);
    li_packing packing = packing_of(info, encode);
    return li_png_packed_output(li_png_packer(packing)->bound(packing));
}

void
li_png_describe(li_info info, const li_encode *encode, char *text, size_t size)
{
    int level = li_png_level(encode);
    const char *way =
        level == 1 ? "runs" : li_png_packer(packing_of(info, encode))->name;
    int n = snprintf(text, size, "compression %d, %s%s", level, way,
                     li_pixel_is_deep(info.pixel) ? ", 16 bit" : "");
    if (n > 0 && (size_t)n < size)
        li_png_held_describe(info, encode, text + n, size - (size_t)n);
}

/* --- the sink --------------------------------------------------------------------- */

uint8_t
li_png_color(li_pixel pixel)
{
    return (uint8_t)((li_pixel_is_gray(pixel) ? 0 : PNG_COLOR_MASK_COLOR) |
                     (li_pixel_has_alpha(pixel) ? PNG_COLOR_MASK_ALPHA : 0));
}

/* RGB has no matrix. cICP says all; or gAMA and cHRM what they say. */
static li_status
write_numbers(const li_cicp *cicp, li_out *out)
{
    uint8_t body[32] = {cicp->primaries, cicp->transfer, 0, cicp->narrow ? 0 : 1};
    if (cicp->primaries)
        return li_chunk_write(out, "cICP", body, 4);
    if (cicp->gamma) {
        li_put_be32(body, cicp->gamma);
        LI_TRY(li_chunk_write(out, "gAMA", body, 4));
    }
    bool said = false;
    for (int i = 0; i < 8; i++) {
        li_put_be32(body + (size_t)4 * i, cicp->places[i]);
        said = said || cicp->places[i];
    }
    return said ? li_chunk_write(out, "cHRM", body, sizeof(body)) : LI_OK;
}

li_status
li_png_write_head(li_ctx *ctx, li_out *out, li_info info, li_png_form form,
                  const li_encode *encode)
{
    uint8_t body[13] = {0};
    li_put_be32(body, info.width);
    li_put_be32(body + 4, info.height);
    body[8] = form.depth;
    body[9] = form.color;
    body[12] = form.interlaced;
    LI_TRY(li_out_write(out, li_png_signature, LI_PNG_SIGNATURE_BYTES));
    LI_TRY(li_chunk_write(out, "IHDR", body, sizeof(body)));
    if (!(encode->metadata && encode->metadata->icc)) /* which says it better */
        LI_TRY(write_numbers(&encode->cicp, out));
    return encode->metadata ? li_metadata_png(encode->metadata, ctx, out) : LI_OK;
}

/* The packer's room may end anywhere in a row. */
li_status
li_png_write_line(li_packer *packer, const li_filters *filters, bool plain,
                  const uint8_t *row, const uint8_t *above, size_t size, uint32_t step)
{
    int filter =
        plain ? LI_FILTER_NONE : li_filter_choose(filters, row, above, size, step);
    *packer->next = (uint8_t)filter;
    LI_TRY(li_packer_advance(packer, 1));
    for (size_t at = 0; at < size;) {
        size_t part = size - at < packer->room ? size - at : packer->room;
        li_filter_row(filters, filter, row, above, at, part, step, packer->next);
        LI_TRY(li_packer_advance(packer, part));
        at += part;
    }
    return LI_OK;
}

static li_status
png_write(li_sink *sink, const uint8_t *row)
{
    png_writer *writer = (png_writer *)sink;
    size_t size = li_row_bytes(sink->info);
    if (writer->network) {
        li_deep_to_network((const uint16_t *)(const void *)row, writer->network,
                           size / 2);
        row = writer->network;
    }
    LI_TRY(li_png_write_line(writer->packer, writer->filters, writer->plain, row,
                             writer->above, size, li_pixel_bytes(sink->info.pixel)));
    memcpy(writer->above, row, size);
    return LI_OK;
}

static li_status
png_finish(li_sink *sink)
{
    png_writer *writer = (png_writer *)sink;
    LI_TRY(writer->packer->ops->finish(writer->packer));
    LI_TRY(li_idat_flush(&writer->idat));
    return li_chunk_write(writer->idat.out, "IEND", NULL, 0);
}

static void
png_close(li_sink *sink)
{
    png_writer *writer = (png_writer *)sink;
    li_packer_close(&writer->packer);
    li_idat_close(&writer->idat);
    li_free(sink->ctx, &writer->above);
    li_free(sink->ctx, &writer->network);
}

static const li_sink_ops png_ops = {
    .name = "png",
    .write = png_write,
    .finish = png_finish,
    .close = png_close,
};

static li_status
check_info(li_ctx *ctx, li_info info, const li_encode *encode)
{
    if (info.width - 1 >= LI_PNG_MAX_INT || info.height - 1 >= LI_PNG_MAX_INT)
        return li_fail(ctx, LI_E300_ENCODE,
                       "png: %ux%u has a side outside 1..2147483647", info.width,
                       info.height);
    if (info.pixel != li_codec_png.accepts(info.pixel, encode))
        return li_fail(ctx, LI_E300_ENCODE, "png: cannot write %s",
                       li_pixel_name(info.pixel));
    return LI_OK;
}

static li_status
writer_open(png_writer *writer, li_packing packing, const li_encode *encode,
            li_out *out)
{
    li_ctx *ctx = writer->base.ctx;
    const li_packer_kind *kind = li_png_packer(packing);
    li_info info = writer->base.info;
    LI_TRY(li_alloc(ctx, li_row_bytes(info), 1, &writer->above));
    if (li_pixel_is_deep(info.pixel))
        LI_TRY(li_alloc(ctx, li_row_bytes(info), 1, &writer->network));
    LI_TRY(li_idat_open(ctx, out, kind->bound(packing), &writer->idat));
    LI_TRY(kind->open(ctx, &writer->idat, packing, &writer->packer));
    li_png_form form = {.depth = li_pixel_is_deep(info.pixel) ? 16 : 8,
                        .color = li_png_color(info.pixel)};
    return li_png_write_head(ctx, out, info, form, encode);
}

li_status
li_png_encode(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
              li_sink **sink)
{
    *sink = NULL;
    LI_TRY(check_info(ctx, info, encode));
    if (li_png_holds(encode))
        return li_png_encode_held(ctx, info, encode, out, sink);
    LI_TRY(li_sink_new(ctx, sizeof(png_writer), &png_ops, info, sink));
    png_writer *writer = (png_writer *)*sink;
    li_packing packing = packing_of(info, encode);
    writer->filters = li_filters_of(ctx);
    writer->plain = packing.level == 0;
    li_status status = writer_open(writer, packing, encode, out);
    if (status != LI_OK)
        li_sink_close(sink);
    return status;
}
