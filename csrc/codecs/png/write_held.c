/* write_held.c: a PNG that needs its whole picture before the first byte: a palette,
 * few bits a sample, or Adam7's passes. Rows are held as they come; the rest is done at
 * the end. Layer 2. */
#include "codecs/png/palette.h"
#include "codecs/png/write.h"
#include "kernels/deep.h"

#include <stdio.h>
#include <string.h>

enum {
    PASSES = 7,
    PLTE_MOST = 3 * LI_PALETTE_MOST,
};

/* Where a pass begins, and how far its pixels are apart. */
typedef struct adam7 {
    uint8_t x, y, across, down;
} adam7;

static const adam7 passes[PASSES] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8},
                                     {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2},
                                     {0, 1, 1, 2}};
static const adam7 all_at_once = {0, 0, 1, 1};

typedef struct held_writer {
    li_sink base;
    li_encode encode;
    const li_filters *filters; /* borrowed const table */
    const li_packer_kind *kind;
    li_palette palette;
    li_frame frame; /* owned: the picture, then its indices */
    uint8_t depth;  /* bits of a sample in the file */
    uint32_t step;  /* bytes of a pixel, 1 for fewer than 8 bits */
    li_idat idat;
    li_packer *packer; /* owned */
    uint8_t *line;     /* owned: a row of a pass as it is in the file */
    uint8_t *above;    /* owned: the one before */
} held_writer;

/* --- what is asked for --------------------------------------------------------------
 */

static bool
is_narrow(const li_encode *encode)
{
    return encode->bit_depth == 1 || encode->bit_depth == 2 || encode->bit_depth == 4;
}

bool
li_png_holds(const li_encode *encode)
{
    return encode->palette || encode->interlace || is_narrow(encode);
}

bool
li_png_indexes(const li_encode *encode)
{
    return encode->palette || is_narrow(encode);
}

bool
li_png_has_palette(li_pixel pixel, const li_encode *encode)
{
    return encode->palette || (is_narrow(encode) && pixel != LI_GRAY8);
}

static uint32_t
most_colors(const li_encode *encode)
{
    uint32_t most = encode->palette ? encode->palette : LI_PALETTE_MOST;
    uint32_t fit = is_narrow(encode) ? 1u << encode->bit_depth : LI_PALETTE_MOST;
    return most < fit ? most : fit;
}

/* --- sizes --------------------------------------------------------------------------
 */

static uint32_t
pass_side(uint32_t side, uint32_t from, uint32_t step)
{
    return side > from ? (side - from + step - 1) / step : 0;
}

static size_t
line_bytes(uint32_t pixels, uint8_t depth, uint32_t step)
{
    return depth < 8 ? ((size_t)pixels * depth + 7) / 8 : (size_t)pixels * step;
}

static uint64_t
pass_bytes(li_info info, const adam7 *pass, uint8_t depth, uint32_t step)
{
    uint32_t width = pass_side(info.width, pass->x, pass->across);
    uint64_t height = pass_side(info.height, pass->y, pass->down);
    return width ? height * (line_bytes(width, depth, step) + 1) : 0;
}

/* Filtered bytes of the whole picture. */
static uint64_t
total_bytes(li_info info, bool interlaced, uint8_t depth, uint32_t step)
{
    uint64_t total = 0;
    if (!interlaced)
        return pass_bytes(info, &all_at_once, depth, step);
    for (int i = 0; i < PASSES; i++)
        total += pass_bytes(info, &passes[i], depth, step);
    return total;
}

/* The most that it can be, whatever the colours are: what the way of packing goes by.
 */
static li_packing
packing_most(li_info info, const li_encode *encode)
{
    uint32_t step = li_png_indexes(encode) ? 1 : li_pixel_bytes(info.pixel);
    return li_png_packing(total_bytes(info, encode->interlace, 8, step), encode);
}

uint64_t
li_png_held_bytes(li_info info, const li_encode *encode)
{
    li_packing packing = packing_most(info, encode);
    const li_packer_kind *kind = li_png_packer(packing);
    uint64_t indices = li_png_indexes(encode) ? li_palette_bytes(info) : 0;
    uint64_t packed = li_sat_add(kind->memory(packing),
                                 li_idat_memory(kind->bound(packing)) +
                                     2 * li_png_block_bytes(li_row_bytes(info)));
    return li_sat_add(li_png_block_bytes(sizeof(held_writer)) + li_frame_bytes(info),
                      indices > packed ? indices : packed);
}

uint64_t
li_png_held_output(li_info info, const li_encode *encode)
{
    enum { TABLES = PLTE_MOST + LI_PALETTE_MOST + 2 * LI_PNG_CHUNK_BYTES };
    li_packing packing = packing_most(info, encode);
    return li_sat_add(li_png_packed_output(li_png_packer(packing)->bound(packing)),
                      TABLES);
}

void
li_png_held_describe(li_info info, const li_encode *encode, char *text, size_t size)
{
    char kind[24] = "";
    text[0] = 0;
    if (!li_png_holds(encode))
        return;
    if (li_png_has_palette(info.pixel, encode))
        snprintf(kind, sizeof(kind), ", palette of %u", most_colors(encode));
    else if (is_narrow(encode))
        snprintf(kind, sizeof(kind), ", %u bit", encode->bit_depth);
    snprintf(text, size, "%s%s, held whole", kind,
             encode->interlace ? ", interlaced" : "");
}

/* --- colours ------------------------------------------------------------------------
 */

/* 2 to 16 levels of gray, from black to white: an index is the sample. */
static void
gray_levels(uint8_t depth, li_palette *palette)
{
    uint32_t last = (1u << depth) - 1;
    *palette = (li_palette){.count = last + 1};
    for (uint32_t i = 0; i <= last; i++) {
        memset(palette->entries[i], (int)((i * 255 + last / 2) / last), 3);
        palette->entries[i][3] = 255;
    }
}

static uint8_t
depth_for(const li_palette *palette, uint8_t wanted)
{
    uint8_t depth = 1;
    while (depth < 8 && 1u << depth < palette->count)
        depth = (uint8_t)(depth * 2);
    return wanted > depth && wanted <= 8 ? wanted : depth;
}

static li_status
index_picture(held_writer *self)
{
    li_ctx *ctx = self->base.ctx;
    const li_encode *encode = &self->encode;
    li_palette *palette = &self->palette;
    self->depth = li_pixel_is_deep(self->base.info.pixel) ? 16 : 8;
    self->step = li_pixel_bytes(self->base.info.pixel);
    if (!li_png_indexes(encode))
        return LI_OK;
    self->step = 1;
    if (li_png_has_palette(self->base.info.pixel, encode)) {
        LI_TRY(li_palette_make(ctx, &self->frame, most_colors(encode), palette));
        self->depth = depth_for(palette, encode->bit_depth);
    } else {
        self->depth = encode->bit_depth;
        gray_levels(self->depth, palette);
    }
    return li_palette_map(ctx, &self->frame, palette, encode->dither != 0);
}

/* --- chunks -------------------------------------------------------------------------
 */

static li_status
write_palette(held_writer *self)
{
    const li_palette *palette = &self->palette;
    uint8_t colors[PLTE_MOST], alphas[LI_PALETTE_MOST];
    for (uint32_t i = 0; i < palette->count; i++) {
        memcpy(colors + (size_t)3 * i, palette->entries[i], 3);
        alphas[i] = palette->entries[i][3];
    }
    LI_TRY(li_chunk_long(self->idat.out, "PLTE", colors, (size_t)3 * palette->count));
    if (palette->clear == 0)
        return LI_OK;
    return li_chunk_long(self->idat.out, "tRNS", alphas, palette->clear);
}

static li_status
write_head(held_writer *self)
{
    bool palette = li_png_has_palette(self->base.info.pixel, &self->encode);
    li_png_form form = {.depth = self->depth, .interlaced = self->encode.interlace};
    form.color = palette ? LI_PNG_BY_PALETTE : li_png_color(self->base.info.pixel);
    LI_TRY(li_png_write_head(self->base.ctx, self->idat.out, self->base.info, form,
                             &self->encode));
    return palette ? write_palette(self) : LI_OK;
}

/* --- rows ---------------------------------------------------------------------------
 */

/* Every `across`th sample of a row, from the highest bit of a byte down. */
static void
pack_bits(const held_writer *self, const uint8_t *row, const adam7 *pass,
          uint32_t width)
{
    uint8_t depth = self->depth;
    memset(self->line, 0, line_bytes(width, depth, 1));
    for (uint32_t x = 0; x < width; x++, row += pass->across) {
        uint32_t bit = x * depth;
        self->line[bit / 8] |= (uint8_t)(*row << (8 - depth - bit % 8));
    }
}

static void
pick_pixels(const held_writer *self, const uint8_t *row, const adam7 *pass,
            uint32_t width)
{
    uint32_t step = self->step;
    size_t apart = (size_t)step * pass->across;
    if (pass->across == 1) {
        memcpy(self->line, row, (size_t)width * step);
        return;
    }
    for (uint32_t x = 0; x < width; x++, row += apart)
        memcpy(self->line + (size_t)x * step, row, step);
}

/* Indices and few bits are not samples that a filter could foretell. */
static li_status
write_line(held_writer *self, size_t size)
{
    bool plain = li_png_indexes(&self->encode) || self->kind == &li_packer_stored;
    LI_TRY(li_poll(self->base.ctx));
    LI_TRY(li_png_write_line(self->packer, self->filters, plain, self->line,
                             self->above, size, self->step));
    uint8_t *done = self->above;
    self->above = self->line;
    self->line = done;
    return LI_OK;
}

static li_status
write_pass(held_writer *self, const adam7 *pass)
{
    li_info info = self->base.info;
    uint32_t width = pass_side(info.width, pass->x, pass->across);
    size_t size = line_bytes(width, self->depth, self->step);
    if (!width)
        return LI_OK;
    memset(self->above, 0, size);
    for (uint32_t y = pass->y; y < info.height; y += pass->down) {
        const uint8_t *row = self->frame.pixels + (size_t)y * info.width * self->step +
                             (size_t)pass->x * self->step;
        if (self->depth < 8)
            pack_bits(self, row, pass, width);
        else
            pick_pixels(self, row, pass, width);
        LI_TRY(write_line(self, size));
    }
    return LI_OK;
}

static li_status
write_picture(held_writer *self)
{
    if (!self->encode.interlace)
        LI_TRY(write_pass(self, &all_at_once));
    for (int i = 0; self->encode.interlace && i < PASSES; i++)
        LI_TRY(write_pass(self, &passes[i]));
    LI_TRY(self->packer->ops->finish(self->packer));
    LI_TRY(li_idat_flush(&self->idat));
    return li_chunk_write(self->idat.out, "IEND", NULL, 0);
}

/* --- the sink -----------------------------------------------------------------------
 */

static li_status
held_write(li_sink *sink, const uint8_t *row)
{
    uint8_t *to = li_frame_row(&((held_writer *)sink)->frame, sink->y);
    size_t size = li_row_bytes(sink->info);
    if (li_pixel_is_deep(sink->info.pixel)) /* held as they are in the file */
        li_deep_to_network((const uint16_t *)(const void *)row, to, size / 2);
    else
        memcpy(to, row, size);
    return LI_OK;
}

static li_status
held_finish(li_sink *sink)
{
    held_writer *self = (held_writer *)sink;
    li_ctx *ctx = sink->ctx;
    li_out *out = self->idat.out;
    LI_TRY(index_picture(self));
    uint64_t total =
        total_bytes(sink->info, self->encode.interlace, self->depth, self->step);
    li_packing packing = li_png_packing(total, &self->encode);
    LI_TRY(li_alloc(ctx, li_row_bytes(sink->info), 1, &self->line));
    LI_TRY(li_alloc(ctx, li_row_bytes(sink->info), 1, &self->above));
    LI_TRY(li_idat_open(ctx, out, self->kind->bound(packing), &self->idat));
    LI_TRY(self->kind->open(ctx, &self->idat, packing, &self->packer));
    LI_TRY(write_head(self));
    return write_picture(self);
}

static void
held_close(li_sink *sink)
{
    held_writer *self = (held_writer *)sink;
    li_packer_close(&self->packer);
    li_idat_close(&self->idat);
    li_free(sink->ctx, &self->line);
    li_free(sink->ctx, &self->above);
    li_frame_free(sink->ctx, &self->frame);
}

static const li_sink_ops held_ops = {
    .name = "png",
    .write = held_write,
    .finish = held_finish,
    .close = held_close,
};

li_status
li_png_encode_held(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
                   li_sink **sink)
{
    LI_TRY(li_sink_new(ctx, sizeof(held_writer), &held_ops, info, sink));
    held_writer *self = (held_writer *)*sink;
    self->encode = *encode;
    self->filters = li_filters_of(ctx);
    self->kind = li_png_packer(packing_most(info, encode));
    self->idat.out = out;
    li_status status = li_frame_alloc(ctx, info, &self->frame);
    if (status != LI_OK)
        li_sink_close(sink);
    return status;
}
