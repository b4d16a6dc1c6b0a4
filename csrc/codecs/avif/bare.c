/* bare.c: is an AVIF nothing but its picture? A walk over all that it has, as strict as
 * scan.c's is lenient: what is not known, is there twice, belongs to nobody or has a
 * byte too many makes it one that is not. Layer 2.
 *
 * Such a file is ftyp, meta and, unless all lies in idat, mdat; meta lists the picture,
 * its alpha and their cells; each byte of mdat and idat is one of theirs, in units of
 * AV1 that are not for metadata. */
#include "codecs/avif/avif.h"

#include <string.h>

enum {
    MOST_ITEMS = 2 * (1 + LI_AVIF_TILES),
    PASSES = 4, /* over a list whose order is not the one that is looked for */
};

enum { HDLR, PITM, IINF, IREF, IPRP, ILOC, IDAT, LISTS };

typedef struct bare_item {
    uint32_t id;
    bool grid, belongs;
} bare_item;

typedef struct bare {
    li_ctx *ctx;   /* borrowed */
    li_source *in; /* borrowed */
    bool good;     /* so far */
    avif_box brands, meta, data;
    avif_box lists[LISTS];
    bare_item items[MOST_ITEMS];
    uint32_t count;
    size_t id_bytes;       /* of iref's numbers */
    bool grown;            /* in this pass */
    uint64_t covered[2];   /* up to here mdat, and idat, are items' */
    avif_box properties;   /* ipco */
    uint32_t associations; /* boxes of them */
} bare;

/* --- pieces ------------------------------------------------------------------------
 */

/* One of these texts, with its final 0 or without, and nothing else. */
static li_status
expect_text(bare *self, avif_span *span, const char *const *texts, size_t count)
{
    uint64_t size = span->end - span->at;
    const uint8_t *data;
    if (!self->good || size == 0)
        return LI_OK;
    self->good = size <= 64;
    if (!self->good)
        return LI_OK;
    LI_TRY(li_avif_bytes(span, (size_t)size, &data));
    self->good = false;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(texts[i]);
        self->good |= (size == length || size == length + 1) &&
                      memcmp(data, texts[i], (size_t)size) == 0;
    }
    return LI_OK;
}

static void
expect_end(bare *self, const avif_span *span)
{
    self->good &= span->at == span->end;
}

static bare_item *
item_of(bare *self, uint64_t id)
{
    for (uint32_t i = 0; i < self->count; i++)
        if (self->items[i].id == id)
            return &self->items[i];
    return NULL;
}

/* --- the file ----------------------------------------------------------------------
 */

static li_status
visit_file(void *context, avif_box box)
{
    enum { BRANDS_MOST = 64 };
    bare *self = context;
    avif_box *place = box.type == BOX('f', 't', 'y', 'p')   ? &self->brands
                      : box.type == BOX('m', 'e', 't', 'a') ? &self->meta
                      : box.type == BOX('m', 'd', 'a', 't') ? &self->data
                                                            : NULL;
    self->good = self->good && place && !place->type && box.end <= self->in->size;
    if (!self->good)
        return LI_OK;
    *place = box;
    if (place == &self->brands)
        self->good = box.end - box.at <= BRANDS_MOST && (box.end - box.at) % 4 == 0;
    return LI_OK;
}

static li_status
visit_list(void *context, avif_box box)
{
    static const uint32_t types[LISTS] = {
        BOX('h', 'd', 'l', 'r'), BOX('p', 'i', 't', 'm'), BOX('i', 'i', 'n', 'f'),
        BOX('i', 'r', 'e', 'f'), BOX('i', 'p', 'r', 'p'), BOX('i', 'l', 'o', 'c'),
        BOX('i', 'd', 'a', 't')};
    bare *self = context;
    for (int i = 0; i < LISTS; i++)
        if (types[i] == box.type) {
            self->good &= !self->lists[i].type;
            self->lists[i] = box;
            return LI_OK;
        }
    self->good = false;
    return LI_OK;
}

/* A picture's, with nothing in what is reserved. */
static li_status
check_handler(bare *self)
{
    static const char *const names[] = {"", "libavif", "PictureHandler"};
    static const uint8_t kind[20] = "\0\0\0\0pict";
    const uint8_t *data;
    avif_span span;
    LI_TRY(li_avif_full(self->ctx, self->in, self->lists[HDLR], &span));
    LI_TRY(li_avif_bytes(&span, sizeof(kind), &data));
    self->good &= memcmp(data, kind, sizeof(kind)) == 0;
    return expect_text(self, &span, names, sizeof(names) / sizeof(names[0]));
}

static li_status
check_lists(bare *self)
{
    avif_span span = {.ctx = self->ctx, .in = self->in, .end = self->in->size};
    LI_TRY(li_avif_each(span, visit_file, self));
    self->good &= self->brands.type && self->meta.type;
    if (!self->good)
        return LI_OK;
    LI_TRY(li_avif_full(self->ctx, self->in, self->meta, &span));
    LI_TRY(li_avif_each(span, visit_list, self));
    for (int i = 0; i < LISTS; i++)
        self->good &= self->lists[i].type || i == IREF || i == IDAT;
    return self->good ? check_handler(self) : LI_OK;
}

/* --- the items ---------------------------------------------------------------------
 */

static li_status
visit_entry(void *context, avif_box box)
{
    static const char *const names[] = {"", "Color", "Alpha"};
    bare *self = context;
    uint64_t id, protection, type;
    avif_span span;
    LI_TRY(li_avif_full(self->ctx, self->in, box, &span));
    LI_TRY(li_avif_number(&span, span.version == 2 ? 2 : 4, &id));
    LI_TRY(li_avif_number(&span, 2, &protection));
    LI_TRY(li_avif_number(&span, 4, &type));
    bool grid = type == BOX('g', 'r', 'i', 'd');
    self->good &= box.type == BOX('i', 'n', 'f', 'e') && span.version >= 2 &&
                  span.version <= 3 && protection == 0 && !item_of(self, id) &&
                  (grid || type == BOX('a', 'v', '0', '1')) && self->count < MOST_ITEMS;
    if (!self->good)
        return LI_OK;
    self->items[self->count++] = (bare_item){.id = (uint32_t)id, .grid = grid};
    return expect_text(self, &span, names, sizeof(names) / sizeof(names[0]));
}

static li_status
read_items(bare *self)
{
    avif_span span;
    uint64_t count, primary;
    LI_TRY(li_avif_full(self->ctx, self->in, self->lists[IINF], &span));
    LI_TRY(li_avif_number(&span, span.version == 0 ? 2 : 4, &count));
    LI_TRY(li_avif_each(span, visit_entry, self));
    self->good &= self->count == count;
    LI_TRY(li_avif_full(self->ctx, self->in, self->lists[PITM], &span));
    LI_TRY(li_avif_number(&span, span.version == 0 ? 2 : 4, &primary));
    expect_end(self, &span);
    bare_item *first = item_of(self, primary);
    self->good &= first != NULL;
    if (first)
        first->belongs = true;
    return LI_OK;
}

/* A grid brings its cells, a picture what is its alpha, and says that it is multiplied
 * by it. */
static li_status
visit_reference(void *context, avif_box box)
{
    bare *self = context;
    avif_span span = li_avif_span(self->ctx, self->in, box);
    uint64_t from, to, count;
    LI_TRY(li_avif_number(&span, self->id_bytes, &from));
    LI_TRY(li_avif_number(&span, 2, &count));
    bare_item *source = item_of(self, from);
    bool cells = box.type == BOX('d', 'i', 'm', 'g') && source && source->grid;
    bool alpha = box.type == BOX('a', 'u', 'x', 'l') && count == 1;
    bool multiplied = box.type == BOX('p', 'r', 'e', 'm') && count == 1;
    self->good &= source && count <= self->count && (cells || alpha || multiplied);
    for (; count > 0 && self->good; count--) {
        LI_TRY(li_avif_number(&span, self->id_bytes, &to));
        bare_item *target = item_of(self, to);
        self->good &= target != NULL;
        bare_item *owner = alpha ? target : source, *owned = alpha ? source : target;
        if (self->good && !multiplied && owner->belongs && !owned->belongs)
            owned->belongs = self->grown = true;
    }
    expect_end(self, &span);
    return LI_OK;
}

static li_status
read_references(bare *self)
{
    avif_span span;
    self->grown = self->lists[IREF].type != 0;
    for (int pass = 0; pass < PASSES && self->grown && self->good; pass++) {
        self->grown = false;
        LI_TRY(li_avif_full(self->ctx, self->in, self->lists[IREF], &span));
        self->id_bytes = span.version == 0 ? 2 : 4;
        LI_TRY(li_avif_each(span, visit_reference, self));
    }
    for (uint32_t i = 0; i < self->count; i++)
        self->good &= self->items[i].belongs;
    return LI_OK;
}

/* --- properties --------------------------------------------------------------------
 */

static li_status check_units(bare *self, uint64_t at, uint64_t end);

/* Behind nclx a colr has numbers, behind rICC and prof a profile. */
static li_status
check_special(bare *self, avif_box box)
{
    static const char *const alphas[] = {"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
                                         "urn:mpeg:hevc:2015:auxid:1"};
    avif_span span = li_avif_span(self->ctx, self->in, box);
    uint64_t type;
    if (box.type == BOX('a', 'u', 'x', 'C')) {
        LI_TRY(li_avif_full(self->ctx, self->in, box, &span));
        return expect_text(self, &span, alphas, 2);
    }
    if (box.type == BOX('a', 'v', '1', 'C')) {
        LI_TRY(li_avif_skip(&span, 4));
        return check_units(self, span.at, span.end);
    }
    LI_TRY(li_avif_number(&span, 4, &type));
    self->good &= box.type == BOX('c', 'o', 'l', 'r') &&
                  type == BOX('n', 'c', 'l', 'x') && span.end - span.at == 7;
    return LI_OK;
}

/* Of those that are numbers alone: how many bytes they have at most. */
static li_status
visit_property(void *context, avif_box box)
{
    static const struct {
        uint32_t type;
        uint8_t most;
    } plain[] = {
        {BOX('i', 's', 'p', 'e'), 12}, {BOX('p', 'i', 'x', 'i'), 9},
        {BOX('i', 'r', 'o', 't'), 1},  {BOX('i', 'm', 'i', 'r'), 1},
        {BOX('p', 'a', 's', 'p'), 8},  {BOX('c', 'l', 'a', 'p'), 32},
        {BOX('a', '1', 'o', 'p'), 1},  {BOX('a', '1', 'l', 'x'), 13},
        {BOX('l', 's', 'e', 'l'), 2},  {BOX('c', 'l', 'l', 'i'), 4},
        {BOX('m', 'd', 'c', 'v'), 24},
    };
    bare *self = context;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (plain[i].type == box.type) {
            self->good &= box.end - box.at <= plain[i].most;
            return LI_OK;
        }
    return check_special(self, box);
}

static li_status
check_associations(bare *self, avif_box box)
{
    avif_span span;
    uint64_t entries, item, count;
    LI_TRY(li_avif_full(self->ctx, self->in, box, &span));
    LI_TRY(li_avif_number(&span, 4, &entries));
    for (; entries > 0 && self->good; entries--) {
        LI_TRY(li_avif_number(&span, span.version < 1 ? 2 : 4, &item));
        LI_TRY(li_avif_number(&span, 1, &count));
        LI_TRY(li_avif_skip(&span, count * (span.flags & 1 ? 2 : 1)));
        self->good &= item_of(self, item) != NULL;
    }
    expect_end(self, &span);
    return LI_OK;
}

static li_status
visit_properties(void *context, avif_box box)
{
    bare *self = context;
    if (box.type == BOX('i', 'p', 'c', 'o') && !self->properties.type) {
        self->properties = box;
        return li_avif_each(li_avif_span(self->ctx, self->in, box), visit_property,
                            self);
    }
    self->good &= box.type == BOX('i', 'p', 'm', 'a') && self->associations++ == 0;
    return self->good ? check_associations(self, box) : LI_OK;
}

/* --- data --------------------------------------------------------------------------
 */

/* Units of AV1 up to the last byte: none of metadata, none of padding. */
static li_status
check_units(bare *self, uint64_t at, uint64_t end)
{
    enum { MOST = 1024, KINDS = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7 };
    avif_span span = {.ctx = self->ctx, .in = self->in, .at = at, .end = end};
    for (int units = 0; span.at < span.end && self->good; units++) {
        uint64_t head, byte = 0x80, size = 0;
        LI_TRY(li_poll(self->ctx));
        LI_TRY(li_avif_number(&span, 1, &head));
        LI_TRY(li_avif_skip(&span, head & 4 ? 1 : 0));
        for (int i = 0; i < 8 && head & 2 && byte & 0x80; i++) {
            LI_TRY(li_avif_number(&span, 1, &byte));
            size |= (byte & 0x7f) << 7 * i;
        }
        if (!(head & 2))
            size = span.end - span.at;
        self->good &= units < MOST && !(head & 0x80) && KINDS >> (head >> 3 & 15) & 1 &&
                      size <= span.end - span.at;
        span.at += self->good ? size : 0;
    }
    return LI_OK;
}

/* One item's only piece, which goes on where what is covered ends, or in front of it.
 */
static li_status
check_piece(bare *self, const bare_item *item, uint64_t method, uint64_t at,
            uint64_t length)
{
    avif_box within = method ? self->lists[IDAT] : self->data;
    uint64_t start = li_sat_add(method ? within.at : 0, at);
    uint64_t end = li_sat_add(start, length), *covered = &self->covered[method];
    self->good &= within.type && start >= within.at && end <= within.end;
    if (!self->good)
        return LI_OK;
    if (start <= *covered && end > *covered) {
        *covered = end;
        self->grown = true;
    }
    if (item->grid)
        self->good = length == 8 || length == 12;
    return item->grid ? LI_OK : check_units(self, start, end);
}

static li_status
check_place(bare *self, avif_span *span, uint64_t widths)
{
    uint64_t id, method = 0, reference, base, pieces, at, length;
    LI_TRY(li_avif_number(span, span->version < 2 ? 2 : 4, &id));
    if (span->version > 0)
        LI_TRY(li_avif_number(span, 2, &method));
    LI_TRY(li_avif_number(span, 2, &reference));
    LI_TRY(li_avif_number(span, widths >> 4 & 15, &base));
    LI_TRY(li_avif_number(span, 2, &pieces));
    LI_TRY(li_avif_skip(span, span->version > 0 ? widths & 15 : 0));
    LI_TRY(li_avif_number(span, widths >> 12 & 15, &at));
    LI_TRY(li_avif_number(span, widths >> 8 & 15, &length));
    const bare_item *item = item_of(self, id);
    self->good &= item && pieces == 1 && method <= 1 && reference == 0;
    if (!self->good)
        return LI_OK;
    return check_piece(self, item, method, li_sat_add(base, at), length);
}

static li_status
check_places(bare *self)
{
    avif_span span;
    uint64_t widths, count;
    LI_TRY(li_avif_full(self->ctx, self->in, self->lists[ILOC], &span));
    LI_TRY(li_avif_number(&span, 2, &widths));
    LI_TRY(li_avif_number(&span, span.version < 2 ? 2 : 4, &count));
    for (int shift = 0; shift < 16; shift += 4)
        self->good &= (widths >> shift & 15) <= 8;
    self->good &= count <= self->count;
    for (; count > 0 && self->good; count--)
        LI_TRY(check_place(self, &span, widths));
    expect_end(self, &span);
    return LI_OK;
}

static li_status
check_data(bare *self)
{
    avif_box idat = self->lists[IDAT];
    self->covered[0] = self->data.at;
    self->covered[1] = idat.at;
    self->grown = true;
    for (int pass = 0; pass < PASSES && self->grown && self->good; pass++) {
        self->grown = false;
        LI_TRY(check_places(self));
    }
    self->good &= self->covered[0] == self->data.end && self->covered[1] == idat.end;
    return LI_OK;
}

/* --- all ---------------------------------------------------------------------------
 */

static li_status
check_file(bare *self)
{
    LI_TRY(check_lists(self));
    if (self->good)
        LI_TRY(read_items(self));
    if (self->good)
        LI_TRY(read_references(self));
    if (self->good)
        LI_TRY(li_avif_each(li_avif_span(self->ctx, self->in, self->lists[IPRP]),
                            visit_properties, self));
    return self->good ? check_data(self) : LI_OK;
}

/* Damage and too much of anything are an answer, too. */
li_status
li_avif_bare(li_ctx *ctx, li_source *in, bool *good)
{
    bare self = {.ctx = ctx, .in = in, .good = true};
    li_status status = check_file(&self);
    bool answers =
        status == LI_OK || li_is_damage(status) || status == LI_E123_FIREWALL;
    *good = status == LI_OK && self.good;
    if (!answers)
        return status;
    ctx->status = LI_OK;
    ctx->message[0] = 0;
    return LI_OK;
}
