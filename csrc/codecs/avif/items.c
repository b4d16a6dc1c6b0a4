/* items.c: the meta box: which item is the picture, what properties it has, where its
 * alpha and its tiles are, how much of the file libavif will copy. Layer 2.
 *
 * Nothing is stored but numbers of items: each question is one more walk. */
#include "codecs/avif/avif.h"

#include <string.h>

enum {
    ALPHAS = 8,         /* auxiliary items of the picture that are looked at */
    ASSOCIATIONS = 255, /* of one item; the field is a byte */
    EXTENT_SCALE = 4,   /* entries that a list of lists may have for each item */
    PROPERTY_SCALE = 8,
};

typedef struct avif_items {
    li_ctx *ctx;   /* borrowed */
    li_source *in; /* borrowed */
    avif_box pitm, iinf, iref, iprp, iloc, idat;
    uint64_t primary, first_tile, exif, xmp;
    uint32_t primary_bytes; /* in pitm; 0: there is none */
    uint32_t tiles;
    uint64_t alpha[ALPHAS];
    uint32_t alphas;
    bool grid;       /* the primary item is one */
    bool tile_alpha; /* the first tile has an auxiliary item of its own */
    bool again;      /* entries and references are walked for the alpha item's */
    bool unusual;    /* references that only libavif's way of a grid is sure of */
    uint32_t grids, alpha_tiles;
    uint64_t alpha_type, alpha_bytes, alpha_at;
    avif_mosaic *cells; /* borrowed: of colour and of alpha */
} avif_items;

/* --- the lists -------------------------------------------------------------------- */

static li_status
visit_list(void *self, avif_box box)
{
    avif_items *items = self;
    avif_box *known = box.type == BOX('p', 'i', 't', 'm')   ? &items->pitm
                      : box.type == BOX('i', 'i', 'n', 'f') ? &items->iinf
                      : box.type == BOX('i', 'r', 'e', 'f') ? &items->iref
                      : box.type == BOX('i', 'p', 'r', 'p') ? &items->iprp
                      : box.type == BOX('i', 'l', 'o', 'c') ? &items->iloc
                      : box.type == BOX('i', 'd', 'a', 't') ? &items->idat
                                                            : NULL;
    if (known && known->type)
        return li_avif_corrupt(items->ctx, "a second list of a kind in meta");
    if (known)
        *known = box;
    return LI_OK;
}

static li_status
find_lists(avif_items *items, avif_box meta)
{
    avif_span span;
    LI_TRY(li_avif_full(items->ctx, items->in, meta, &span));
    return li_avif_each(span, visit_list, items);
}

static li_status
read_primary(avif_items *items)
{
    avif_span span;
    if (!items->pitm.type)
        return LI_OK;
    LI_TRY(li_avif_full(items->ctx, items->in, items->pitm, &span));
    items->primary_bytes = span.version == 0 ? 2 : 4;
    return li_avif_number(&span, items->primary_bytes, &items->primary);
}

/* An infe of version 2 or 3; earlier ones have no type. */
static li_status
visit_entry(void *self, avif_box box)
{
    avif_items *items = self;
    avif_span span;
    uint64_t id, type;
    if (box.type != BOX('i', 'n', 'f', 'e'))
        return LI_OK;
    LI_TRY(li_avif_full(items->ctx, items->in, box, &span));
    if (span.version < 2)
        return LI_OK;
    LI_TRY(li_avif_number(&span, span.version == 2 ? 2 : 4, &id));
    LI_TRY(li_avif_skip(&span, 2));
    LI_TRY(li_avif_number(&span, 4, &type));
    if (id == items->primary && type == BOX('g', 'r', 'i', 'd'))
        items->grid = true;
    if (items->again && id == items->alpha[0])
        items->alpha_type = type;
    if (type == BOX('E', 'x', 'i', 'f') && !items->exif)
        items->exif = id;
    if (type == BOX('m', 'i', 'm', 'e') && !items->xmp)
        items->xmp = id; /* nothing else is kept as mime in an AVIF */
    return LI_OK;
}

static li_status
read_entries(avif_items *items)
{
    avif_span span;
    uint64_t count;
    if (!items->iinf.type)
        return LI_OK;
    LI_TRY(li_avif_full(items->ctx, items->in, items->iinf, &span));
    LI_TRY(li_avif_number(&span, span.version == 0 ? 2 : 4, &count));
    LI_TRY(li_avif_count(&span, count, 1, "items"));
    span.count = 0;
    return li_avif_each(span, visit_entry, items);
}

/* --- references ------------------------------------------------------------------- */

static void
note_reference(avif_items *items, uint32_t type, uint64_t from, uint64_t to,
               uint64_t index)
{
    bool tile = type == BOX('d', 'i', 'm', 'g') && index < LI_AVIF_TILES;
    if (items->again) {
        if (tile && from == items->alpha[0])
            items->cells[1].item[index] = (uint32_t)to;
        return;
    }
    if (tile && from == items->primary)
        items->cells[0].item[index] = (uint32_t)to;
    items->unusual |= type == BOX('t', 'h', 'm', 'b') ||
                      (type == BOX('a', 'u', 'x', 'l') && to != items->primary);
    if (type == BOX('d', 'i', 'm', 'g') && from == items->primary && index == 0)
        items->first_tile = to;
    if (type == BOX('a', 'u', 'x', 'l') && to == items->primary &&
        items->alphas < ALPHAS)
        items->alpha[items->alphas++] = from;
    if (type == BOX('a', 'u', 'x', 'l') && to == items->first_tile)
        items->tile_alpha = true;
}

typedef struct avif_references {
    avif_items *items; /* borrowed */
    size_t id_bytes;
    avif_span total; /* of all boxes: its count */
} avif_references;

static li_status
visit_reference(void *self, avif_box box)
{
    avif_references *references = self;
    avif_items *items = references->items;
    size_t id_bytes = references->id_bytes;
    avif_span span = li_avif_span(items->ctx, items->in, box);
    uint64_t from, to, count;
    LI_TRY(li_avif_number(&span, id_bytes, &from));
    LI_TRY(li_avif_number(&span, 2, &count));
    LI_TRY(li_avif_count(&references->total, count, EXTENT_SCALE, "references"));
    bool tiles = box.type == BOX('d', 'i', 'm', 'g');
    if (tiles && from == items->primary) {
        items->tiles = (uint32_t)count;
        items->unusual |= !items->again && items->grids++ > 0;
    }
    if (tiles && items->again && from == items->alpha[0]) {
        items->unusual |= items->alpha_tiles > 0;
        items->alpha_tiles = (uint32_t)count;
    }
    for (uint64_t i = 0; i < count; i++) {
        LI_TRY(li_avif_number(&span, id_bytes, &to));
        note_reference(items, box.type, from, to, i);
    }
    return LI_OK;
}

static li_status
read_references(avif_items *items)
{
    avif_span span;
    if (!items->iref.type)
        return LI_OK;
    LI_TRY(li_avif_full(items->ctx, items->in, items->iref, &span));
    avif_references references = {items, span.version == 0 ? 2 : 4, span};
    return li_avif_each(span, visit_reference, &references);
}

/* --- properties ------------------------------------------------------------------- */

/* Which properties an item has: indices from 1 on. */
typedef struct avif_list {
    uint64_t item;
    uint32_t count;
    uint16_t index[ASSOCIATIONS];
} avif_list;

static li_status
read_associations(avif_span *span, avif_span *total, avif_list *list)
{
    uint64_t item, count, index;
    size_t bytes = span->flags & 1 ? 2 : 1;
    LI_TRY(li_avif_number(span, span->version < 1 ? 2 : 4, &item));
    LI_TRY(li_avif_number(span, 1, &count));
    LI_TRY(li_avif_count(total, count, PROPERTY_SCALE, "associations"));
    for (uint64_t i = 0; i < count; i++) {
        LI_TRY(li_avif_number(span, bytes, &index));
        if (item == list->item && list->count < ASSOCIATIONS)
            list->index[list->count++] = index & (bytes == 2 ? 0x7fff : 0x7f);
    }
    return LI_OK;
}

/* One item's, looked for in iprp and its ipco. */
typedef struct avif_search {
    avif_items *items; /* borrowed */
    avif_list list;
    avif_span total; /* of all associations: its count */
    avif_box ipco;
    uint64_t index;              /* of the property that was shown last */
    avif_properties *properties; /* borrowed */
} avif_search;

static li_status
read_ipma(avif_search *search, avif_box box)
{
    avif_span span;
    uint64_t entries;
    LI_TRY(li_avif_full(search->items->ctx, search->items->in, box, &span));
    LI_TRY(li_avif_number(&span, 4, &entries));
    LI_TRY(li_avif_count(&span, entries, 1, "items with properties"));
    for (; entries > 0; entries--)
        LI_TRY(read_associations(&span, &search->total, &search->list));
    return LI_OK;
}

static li_status
visit_iprp(void *self, avif_box box)
{
    avif_search *search = self;
    if (box.type == BOX('i', 'p', 'c', 'o'))
        search->ipco = box;
    return box.type == BOX('i', 'p', 'm', 'a') ? read_ipma(search, box) : LI_OK;
}

static bool
list_has(const avif_list *list, uint64_t index)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->index[i] == index)
            return true;
    return false;
}

static li_status
visit_property(void *self, avif_box box)
{
    avif_search *search = self;
    if (!list_has(&search->list, ++search->index))
        return LI_OK;
    return li_avif_property(search->items->ctx, search->items->in, box,
                            search->properties);
}

/* What one item's properties say. Two walks: associations stand behind them. */
static li_status
read_properties(avif_items *items, uint64_t item, avif_properties *properties)
{
    avif_span span = li_avif_span(items->ctx, items->in, items->iprp);
    avif_search search = {.items = items,
                          .list = {.item = item},
                          .total = span,
                          .properties = properties};
    if (!items->iprp.type)
        return LI_OK;
    LI_TRY(li_avif_each(span, visit_iprp, &search));
    if (!search.ipco.type)
        return LI_OK;
    span = li_avif_span(items->ctx, items->in, search.ipco);
    return li_avif_each(span, visit_property, &search);
}

/* --- places ----------------------------------------------------------------------- */

typedef struct avif_widths {
    uint8_t offset, length, base, index; /* bytes of a field */
} avif_widths;

/* Of an item in one piece, in the file; 0: elsewhere. */
static uint64_t
place_of(const avif_items *items, uint64_t method, uint64_t at, uint64_t size)
{
    enum { IN_FILE, IN_IDAT };
    uint64_t start = method == IN_IDAT ? items->idat.at : 0;
    uint64_t end = method == IN_IDAT ? items->idat.end : items->in->size;
    if (method > IN_IDAT || at > end - start || size > end - start - at)
        return 0;
    return start + at;
}

/* Does the picture need it? Its alpha may be left to libavif. */
static bool
is_picture(const avif_items *items, uint64_t item)
{
    bool needed = item == items->primary;
    for (uint32_t i = 0; items->grid && i < items->tiles && i < LI_AVIF_TILES; i++)
        needed |= items->cells[0].item[i] == item;
    return needed;
}

/* One piece of an item, `at` the file's or idat's start. */
static void
note_extent(const avif_items *items, uint64_t item, uint64_t method, uint64_t at,
            uint64_t length, avif_found *found)
{
    uint64_t tile = items->grid ? items->first_tile : items->primary;
    uint64_t end = li_sat_add(at, length);
    if (item == tile && !found->coded_bytes) {
        found->coded_at = place_of(items, method, at, length);
        found->coded_bytes = length;
    }
    if (method == 0 && is_picture(items, item) && end > found->picture_end)
        found->picture_end = end;
}

/* libavif copies what lies in idat or in several pieces; it refuses an item larger than
 * the file. */
static li_status
read_place(avif_items *items, avif_span *span, avif_span *total, avif_widths widths,
           avif_found *found)
{
    uint64_t item, method = 0, base, extents, at = 0, length, size = 0;
    LI_TRY(li_avif_number(span, span->version < 2 ? 2 : 4, &item));
    if (span->version > 0)
        LI_TRY(li_avif_number(span, 2, &method));
    LI_TRY(li_avif_skip(span, 2));
    LI_TRY(li_avif_number(span, widths.base, &base));
    LI_TRY(li_avif_number(span, 2, &extents));
    LI_TRY(li_avif_count(total, extents, EXTENT_SCALE, "extents"));
    for (uint64_t i = 0; i < extents; i++) {
        LI_TRY(li_avif_skip(span, widths.index));
        LI_TRY(li_avif_number(span, widths.offset, &at));
        LI_TRY(li_avif_number(span, widths.length, &length));
        size = li_sat_add(size, length);
        note_extent(items, item, method & 15, li_sat_add(base, at), length, found);
    }
    at = extents == 1 ? place_of(items, method & 15, li_sat_add(base, at), size) : 0;
    if (item == items->primary) {
        found->picture_bytes = size;
        found->picture_at = at;
    }
    if (items->alphas == 1 && item == items->alpha[0]) {
        items->alpha_bytes = size;
        items->alpha_at = at;
    }
    if (item == items->exif) {
        found->exif_bytes = size;
        found->exif_at = at;
    }
    if (item == items->xmp) {
        found->xmp_bytes = size;
        found->xmp_at = at;
    }
    if (extents > 1 || (method & 15) != 0)
        found->copied_bytes = li_sat_add(
            found->copied_bytes, size < items->in->size ? size : items->in->size);
    return LI_OK;
}

static li_status
read_places(avif_items *items, avif_found *found)
{
    avif_span span, total;
    uint64_t bits, count;
    if (!items->iloc.type)
        return LI_OK;
    LI_TRY(li_avif_full(items->ctx, items->in, items->iloc, &span));
    LI_TRY(li_avif_number(&span, 2, &bits));
    avif_widths widths = {bits >> 12 & 15, bits >> 8 & 15, bits >> 4 & 15,
                          span.version > 0 ? bits & 15 : 0};
    if (widths.offset > 8 || widths.length > 8 || widths.base > 8 || widths.index > 8)
        return li_avif_corrupt(items->ctx, "iloc has fields of more than 8 bytes");
    LI_TRY(li_avif_number(&span, span.version < 2 ? 2 : 4, &count));
    LI_TRY(li_avif_count(&span, count, 1, "places"));
    total = span;
    total.count = 0;
    for (; count > 0; count--)
        LI_TRY(read_place(items, &span, &total, widths, found));
    return LI_OK;
}

/* --- the picture ------------------------------------------------------------------ */

static li_status
read_picture(avif_items *items, avif_found *found)
{
    LI_TRY(read_properties(items, items->primary, &found->picture));
    found->tiles = found->grid ? items->tiles : 1;
    found->tile = found->picture;
    if (found->grid) {
        found->tile = (avif_properties){0};
        LI_TRY(read_properties(items, items->first_tile, &found->tile));
    }
    found->alpha = found->grid && items->tile_alpha;
    for (uint32_t i = 0; i < items->alphas && !found->alpha; i++) {
        avif_properties alpha = {0};
        LI_TRY(read_properties(items, items->alpha[i], &alpha));
        found->alpha = alpha.alpha;
    }
    return LI_OK;
}

/* --- cell by cell ---------------------------------------------------------------- */

static bool
is_regular(const avif_items *items, const avif_properties *picture,
           const avif_properties *tile, avif_mosaic *cells)
{
    cells->width = tile->width;
    cells->height = tile->height;
    bool narrow = items->cells == cells && !tile->monochrome;
    for (uint32_t i = 0; i < cells->columns * cells->rows; i++)
        if (cells->item[i] == 0 ||
            (items->primary_bytes == 2 && cells->item[i] > UINT16_MAX))
            return false;
    return tile->config &&
           li_avif_covers(tile->width, cells->columns, picture->width,
                          narrow ? tile->chroma_x : 1) &&
           li_avif_covers(tile->height, cells->rows, picture->height,
                          narrow ? tile->chroma_y : 1);
}

/* A grid as large as the picture, or one item that is. */
static li_status
plan_alpha(avif_items *items, avif_found *found, bool *good)
{
    avif_mosaic *cells = &found->cells[1];
    avif_properties *tile = &found->alpha_tile;
    avif_box body = {.at = items->alpha_at,
                     .end = items->alpha_at + items->alpha_bytes};
    *good = items->alphas == 1;
    if (!*good)
        return LI_OK;
    items->again = true;
    LI_TRY(read_entries(items));
    LI_TRY(read_references(items));
    *good = !items->unusual;
    if (items->alpha_type == BOX('g', 'r', 'i', 'd') && *good) {
        LI_TRY(li_avif_read_grid(items->ctx, items->in, body, items->alpha_tiles,
                                 &found->picture, cells, good));
    } else {
        *good &= items->alpha_type == BOX('a', 'v', '0', '1');
        cells->columns = cells->rows = 1;
        cells->item[0] = (uint32_t)items->alpha[0];
    }
    if (!*good)
        return LI_OK;
    LI_TRY(read_properties(items, cells->item[0], tile));
    bool single = items->alpha_type == BOX('a', 'v', '0', '1');
    *good = is_regular(items, &found->picture, tile, cells) && !tile->nclx &&
            tile->depth == found->tile.depth &&
            (!single || (tile->width == found->picture.width &&
                         tile->height == found->picture.height));
    return LI_OK;
}

/* Each cell's decoder reads the meta box once more: it must be small for that. */
static li_status
plan_cells(avif_items *items, avif_box meta, avif_found *found)
{
    enum { META_BYTES = 1 << 20, ALL_META_BYTES = 64 << 20 };
    avif_box body = {.at = found->picture_at,
                     .end = found->picture_at + found->picture_bytes};
    bool good =
        found->grid && !items->unusual && items->grids == 1 && items->primary_bytes > 0;
    if (good)
        LI_TRY(li_avif_read_grid(items->ctx, items->in, body, items->tiles,
                                 &found->picture, &found->cells[0], &good));
    if (good)
        good = is_regular(items, &found->picture, &found->tile, &found->cells[0]);
    if (good && found->alpha)
        LI_TRY(plan_alpha(items, found, &good));
    found->meta_at = meta.at;
    found->meta_bytes = meta.end - meta.at;
    found->primary_at = items->pitm.at + 4;
    found->primary_bytes = items->primary_bytes;
    found->by_cells = good && found->meta_bytes <= META_BYTES &&
                      found->meta_bytes * found->tiles * 2 <= ALL_META_BYTES &&
                      meta.end <= items->in->size;
    return LI_OK;
}

li_status
li_avif_meta(li_ctx *ctx, li_source *in, avif_box meta, avif_found *found)
{
    avif_items items = {.ctx = ctx, .in = in, .cells = found->cells};
    LI_TRY(find_lists(&items, meta));
    LI_TRY(read_primary(&items));
    LI_TRY(read_entries(&items));
    found->grid = items.grid;
    LI_TRY(read_references(&items));
    LI_TRY(read_places(&items, found));
    found->copied_bytes =
        li_sat_add(found->copied_bytes, items.idat.end - items.idat.at);
    LI_TRY(read_picture(&items, found));
    return plan_cells(&items, meta, found);
}
