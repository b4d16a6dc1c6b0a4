/* grid_head.c: the boxes in front of a grid's cells (ISO/IEC 14496-12 and 23008-12):
 * two grids where there is alpha, all cells of a kind sharing their properties, EXIF
 * and XMP. Layer 2. */
#include "codecs/avif/compat.h"
#include "codecs/avif/write.h"

#include <string.h>

/* Bytes into `to`, or counted where that is NULL. */
typedef struct pen {
    uint8_t *to; /* borrowed */
    size_t at;
} pen;

static void
put_bytes(pen *to, const void *data, size_t size)
{
    if (to->to && size)
        memcpy(to->to + to->at, data, size);
    to->at += size;
}

static void
put(pen *to, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--) {
        uint8_t byte = (uint8_t)(value >> 8 * (i - 1));
        put_bytes(to, &byte, 1);
    }
}

static size_t
open_box(pen *to, uint32_t type)
{
    size_t start = to->at;
    put(to, 0, 4);
    put(to, type, 4);
    return start;
}

static size_t
open_full(pen *to, uint32_t type, uint32_t version, uint32_t flags)
{
    size_t start = open_box(to, type);
    put(to, version << 24 | flags, 4);
    return start;
}

static void
close_box(pen *to, size_t start)
{
    pen size = {to->to, start};
    put(&size, to->at - start, 4);
}

/* --- items ------------------------------------------------------------------------ */

/* Numbers of items: the grid, its cells, alpha's grid, its cells, EXIF, XMP. */
typedef struct numbers {
    uint32_t cells;                 /* of a grid */
    uint32_t alpha, exif, xmp, all; /* 0: none */
} numbers;

enum { GRID = 1 };

static numbers
number_items(const avif_head *head)
{
    numbers items = {.cells = head->cells.columns * head->cells.rows};
    items.all = GRID + items.cells;
    if (head->alpha) {
        items.alpha = items.all + 1;
        items.all += 1 + items.cells;
    }
    if (head->metadata && head->metadata->exif)
        items.exif = ++items.all;
    if (head->metadata && head->metadata->xmp)
        items.xmp = ++items.all;
    return items;
}

static void
put_entry(pen *to, uint32_t item, uint32_t type, bool hidden)
{
    static const char xmp[] = "application/rdf+xml";
    size_t box = open_full(to, BOX('i', 'n', 'f', 'e'), 2, hidden ? 1 : 0);
    put(to, item, 2);
    put(to, 0, 2);
    put(to, type, 4);
    put(to, 0, 1);
    if (type == BOX('m', 'i', 'm', 'e'))
        put_bytes(to, xmp, sizeof(xmp));
    close_box(to, box);
}

static void
put_entries(pen *to, const numbers *items)
{
    size_t box = open_full(to, BOX('i', 'i', 'n', 'f'), 0, 0);
    put(to, items->all, 2);
    for (uint32_t item = 1; item <= items->all; item++) {
        bool grid = item == GRID || item == items->alpha;
        if (item == items->exif)
            put_entry(to, item, BOX('E', 'x', 'i', 'f'), false);
        else if (item == items->xmp)
            put_entry(to, item, BOX('m', 'i', 'm', 'e'), false);
        else if (grid)
            put_entry(to, item, BOX('g', 'r', 'i', 'd'), false);
        else
            put_entry(to, item, BOX('a', 'v', '0', '1'), true);
    }
    close_box(to, box);
}

static void
put_reference(pen *to, uint32_t type, uint32_t from, uint32_t first, uint32_t count)
{
    size_t box = open_box(to, type);
    put(to, from, 2);
    put(to, count, 2);
    for (uint32_t i = 0; i < count; i++)
        put(to, first + i, 2);
    close_box(to, box);
}

static void
put_references(pen *to, const numbers *items)
{
    size_t box = open_full(to, BOX('i', 'r', 'e', 'f'), 0, 0);
    put_reference(to, BOX('d', 'i', 'm', 'g'), GRID, GRID + 1, items->cells);
    if (items->alpha) {
        put_reference(to, BOX('a', 'u', 'x', 'l'), items->alpha, GRID, 1);
        put_reference(to, BOX('d', 'i', 'm', 'g'), items->alpha, items->alpha + 1,
                      items->cells);
    }
    if (items->exif)
        put_reference(to, BOX('c', 'd', 's', 'c'), items->exif, GRID, 1);
    if (items->xmp)
        put_reference(to, BOX('c', 'd', 's', 'c'), items->xmp, GRID, 1);
    close_box(to, box);
}

/* --- where data lies -------------------------------------------------------------- */

static size_t
grid_bytes(const avif_head *head)
{
    return head->width > UINT16_MAX || head->height > UINT16_MAX ? 12 : 8;
}

/* What grids are, which both share, EXIF and XMP stand in front of the cells. */
typedef struct places {
    uint64_t grid, exif, xmp, cells;
} places;

enum { EXIF_OFFSET_BYTES = 4 };

static places
find_places(const avif_head *head, uint64_t data)
{
    const li_metadata *with = head->metadata;
    places at = {.grid = data, .exif = data + grid_bytes(head)};
    at.xmp = at.exif;
    if (with && with->exif)
        at.xmp += EXIF_OFFSET_BYTES + with->exif_size;
    at.cells = at.xmp + (with && with->xmp ? with->xmp_size : 0);
    return at;
}

static void
put_place(pen *to, uint32_t item, uint64_t at, uint64_t size)
{
    put(to, item, 2);
    put(to, 0, 2); /* in this file */
    put(to, 1, 2); /* in one piece */
    put(to, at, 4);
    put(to, size, 4);
}

static void
put_cell_places(pen *to, const avif_head *head, uint32_t first, uint32_t kind,
                uint64_t at)
{
    uint32_t kinds = head->alpha ? 2 : 1;
    uint32_t count = head->cells.columns * head->cells.rows * kinds;
    for (uint32_t i = 0; i < count; i++) {
        if (i % kinds == kind)
            put_place(to, first + i / kinds, at, head->sizes[i]);
        at += head->sizes[i];
    }
}

static void
put_places(pen *to, const avif_head *head, const numbers *items, places at)
{
    size_t box = open_full(to, BOX('i', 'l', 'o', 'c'), 0, 0);
    put(to, 0x4400, 2); /* 4 bytes of offset and length, no base */
    put(to, items->all, 2);
    put_place(to, GRID, at.grid, grid_bytes(head));
    put_cell_places(to, head, GRID + 1, 0, at.cells);
    if (items->alpha) {
        put_place(to, items->alpha, at.grid, grid_bytes(head));
        put_cell_places(to, head, items->alpha + 1, 1, at.cells);
    }
    if (items->exif)
        put_place(to, items->exif, at.exif,
                  EXIF_OFFSET_BYTES + head->metadata->exif_size);
    if (items->xmp)
        put_place(to, items->xmp, at.xmp, head->metadata->xmp_size);
    close_box(to, box);
}

/* --- properties ------------------------------------------------------------------- */

static void
put_size(pen *to, uint32_t width, uint32_t height)
{
    size_t box = open_full(to, BOX('i', 's', 'p', 'e'), 0, 0);
    put(to, width, 4);
    put(to, height, 4);
    close_box(to, box);
}

static void
put_depth(pen *to, uint32_t channels, uint32_t depth)
{
    size_t box = open_full(to, BOX('p', 'i', 'x', 'i'), 0, 0);
    put(to, channels, 1);
    for (uint32_t i = 0; i < channels; i++)
        put(to, depth, 1);
    close_box(to, box);
}

static void
put_config(pen *to, const uint8_t config[4])
{
    size_t box = open_box(to, BOX('a', 'v', '1', 'C'));
    put_bytes(to, config, 4);
    close_box(to, box);
}

static void
put_colours(pen *to, const avifImage *image)
{
    size_t box = open_box(to, BOX('c', 'o', 'l', 'r'));
    put(to, BOX('n', 'c', 'l', 'x'), 4);
    put(to, image->colorPrimaries, 2);
    put(to, image->transferCharacteristics, 2);
    put(to, image->matrixCoefficients, 2);
    put(to, image->yuvRange == AVIF_RANGE_FULL ? 0x80 : 0, 1);
    close_box(to, box);
}

static void
put_profile(pen *to, const avifRWData *icc)
{
    size_t box = open_box(to, BOX('c', 'o', 'l', 'r'));
    put(to, BOX('p', 'r', 'o', 'f'), 4);
    put_bytes(to, icc->data, icc->size);
    close_box(to, box);
}

static void
put_turn(pen *to, uint32_t type, uint32_t value)
{
    size_t box = open_box(to, type);
    put(to, value, 1);
    close_box(to, box);
}

/* Their order in the container; those from ICC on may be missing. */
typedef struct properties {
    uint8_t icc, turn, mirror, alpha_depth, alpha_config, alpha_kind;
} properties;

enum { PICTURE_SIZE = 1, CELL_SIZE, DEPTH, CONFIG, COLOURS, ESSENTIAL = 0x80 };

static void
put_further(pen *to, const avif_head *head, properties *has)
{
    static const char alpha[] = "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha";
    const avifImage *image = head->image;
    uint8_t last = COLOURS;
    if (image->icc.size) {
        put_profile(to, &image->icc);
        has->icc = ++last;
    }
    if (image->transformFlags & AVIF_TRANSFORM_IROT) {
        put_turn(to, BOX('i', 'r', 'o', 't'), image->irot.angle);
        has->turn = ++last;
    }
    if (image->transformFlags & AVIF_TRANSFORM_IMIR) {
        avifImage turned = *image;
        put_turn(to, BOX('i', 'm', 'i', 'r'), *li_avif_mirror(&turned));
        has->mirror = ++last;
    }
    if (!head->alpha)
        return;
    put_depth(to, 1, image->depth);
    put_config(to, head->config[1]);
    size_t box = open_full(to, BOX('a', 'u', 'x', 'C'), 0, 0);
    put_bytes(to, alpha, sizeof(alpha));
    close_box(to, box);
    has->alpha_depth = last + 1;
    has->alpha_config = last + 2;
    has->alpha_kind = last + 3;
}

/* Those of index 0 are missing. */
static void
associate(pen *to, uint32_t item, const uint8_t *index, size_t count)
{
    uint32_t there = 0;
    for (size_t i = 0; i < count; i++)
        there += (index[i] & ~ESSENTIAL) != 0;
    put(to, item, 2);
    put(to, there, 1);
    for (size_t i = 0; i < count; i++)
        if (index[i] & ~ESSENTIAL)
            put(to, index[i], 1);
}

static void
put_associations(pen *to, const numbers *items, const properties *has)
{
    const uint8_t grid[] = {
        PICTURE_SIZE,           DEPTH, COLOURS, has->icc, has->turn | ESSENTIAL,
        has->mirror | ESSENTIAL};
    const uint8_t cell[] = {CELL_SIZE, DEPTH, CONFIG | ESSENTIAL, COLOURS};
    const uint8_t alpha[] = {PICTURE_SIZE, has->alpha_depth, has->alpha_kind};
    const uint8_t alpha_cell[] = {CELL_SIZE, has->alpha_depth,
                                  has->alpha_config | ESSENTIAL, has->alpha_kind};
    size_t box = open_full(to, BOX('i', 'p', 'm', 'a'), 0, 0);
    put(to, (1 + items->cells) * (items->alpha ? 2 : 1), 4);
    associate(to, GRID, grid, sizeof(grid));
    for (uint32_t i = 1; i <= items->cells; i++)
        associate(to, GRID + i, cell, sizeof(cell));
    if (items->alpha)
        associate(to, items->alpha, alpha, sizeof(alpha));
    for (uint32_t i = 1; items->alpha && i <= items->cells; i++)
        associate(to, items->alpha + i, alpha_cell, sizeof(alpha_cell));
    close_box(to, box);
}

static void
put_properties(pen *to, const avif_head *head, const numbers *items)
{
    const avifImage *image = head->image;
    bool gray = image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400;
    properties has = {0};
    size_t box = open_box(to, BOX('i', 'p', 'r', 'p'));
    size_t container = open_box(to, BOX('i', 'p', 'c', 'o'));
    put_size(to, head->width, head->height);
    put_size(to, head->cells.width, head->cells.height);
    put_depth(to, gray ? 1 : 3, image->depth);
    put_config(to, head->config[0]);
    put_colours(to, image);
    put_further(to, head, &has);
    close_box(to, container);
    put_associations(to, items, &has);
    close_box(to, box);
}

/* --- the head --------------------------------------------------------------------- */

/* MA1B and MA1A are AVIF's baseline and advanced profiles, which have no 12 bits. */
static void
put_brands(pen *to, const avifImage *image)
{
    size_t box = open_box(to, BOX('f', 't', 'y', 'p'));
    put(to, BOX('a', 'v', 'i', 'f'), 4);
    put(to, 0, 4);
    put(to, BOX('a', 'v', 'i', 'f'), 4);
    put(to, BOX('m', 'i', 'f', '1'), 4);
    put(to, BOX('m', 'i', 'a', 'f'), 4);
    if (image->depth <= 10 && image->yuvFormat == AVIF_PIXEL_FORMAT_YUV420)
        put(to, BOX('M', 'A', '1', 'B'), 4);
    if (image->depth <= 10 && image->yuvFormat == AVIF_PIXEL_FORMAT_YUV444)
        put(to, BOX('M', 'A', '1', 'A'), 4);
    close_box(to, box);
}

static void
put_meta(pen *to, const avif_head *head, const numbers *items, places at)
{
    size_t meta = open_full(to, BOX('m', 'e', 't', 'a'), 0, 0);
    size_t box = open_full(to, BOX('h', 'd', 'l', 'r'), 0, 0);
    put(to, 0, 4);
    put(to, BOX('p', 'i', 'c', 't'), 4);
    for (int i = 0; i < 3; i++)
        put(to, 0, 4);
    put(to, 0, 1); /* no name */
    close_box(to, box);
    box = open_full(to, BOX('p', 'i', 't', 'm'), 0, 0);
    put(to, GRID, 2);
    close_box(to, box);
    put_places(to, head, items, at);
    put_entries(to, items);
    put_references(to, items);
    put_properties(to, head, items);
    close_box(to, meta);
}

static void
put_data(pen *to, const avif_head *head)
{
    const li_metadata *with = head->metadata;
    size_t bytes = grid_bytes(head) == 12 ? 4 : 2;
    put(to, 0, 1);
    put(to, bytes == 4, 1);
    put(to, head->cells.rows - 1, 1);
    put(to, head->cells.columns - 1, 1);
    put(to, head->width, bytes);
    put(to, head->height, bytes);
    if (with && with->exif) {
        bool prefix = with->exif_size >= 6 && memcmp(with->exif, "Exif\0", 6) == 0;
        put(to, prefix ? 6 : 0, EXIF_OFFSET_BYTES);
        put_bytes(to, with->exif, with->exif_size);
    }
    if (with && with->xmp)
        put_bytes(to, with->xmp, with->xmp_size);
}

static uint64_t
cells_bytes(const avif_head *head)
{
    uint64_t sum = 0;
    uint32_t count = head->cells.columns * head->cells.rows * (head->alpha ? 2 : 1);
    for (uint32_t i = 0; i < count; i++)
        sum += head->sizes[i];
    return sum;
}

static size_t
write_at(const avif_head *head, uint64_t data, pen to)
{
    enum { BOX_BYTES = 8 };
    numbers items = number_items(head);
    places at = find_places(head, data);
    put_brands(&to, head->image);
    put_meta(&to, head, &items, at);
    put(&to, BOX_BYTES + at.cells - at.grid + cells_bytes(head), 4);
    put(&to, BOX('m', 'd', 'a', 't'), 4);
    size_t start = to.at;
    put_data(&to, head);
    return start;
}

size_t
li_avif_head_write(const avif_head *head, uint8_t *to)
{
    pen counting = {NULL, 0};
    size_t start = write_at(head, 0, counting);
    places at = find_places(head, start);
    if (to)
        (void)write_at(head, start, (pen){to, 0});
    return (size_t)at.cells;
}

/* A cell has 14 bytes of iloc, 21 of infe, 2 of dimg and 7 of ipma. */
uint64_t
li_avif_head_bytes(avif_cells cells, bool alpha)
{
    enum { CELL_BYTES = 44, REST_BYTES = 1024 };
    uint64_t count = (uint64_t)cells.columns * cells.rows * (alpha ? 2 : 1);
    return REST_BYTES + CELL_BYTES * count;
}
