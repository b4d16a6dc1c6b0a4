/* exif_write.c: an EXIF block made anew. Entries of IFD0, of the Exif, GPS and
 * interoperability directories are copied with their values, in the old byte order;
 * what no entry points to is not there any more. Layer 2.
 *
 * Left out: IFD1, whose thumbnail is of another picture from now on; MakerNote, which
 * counts bytes from where it lay and may hold a place and serial numbers; whatever else
 * points into the old block or is a container of its own (XMP, IPTC, Photoshop's and
 * raw data, SubIFDs, strips and tiles, padding). */
#include "meta/exif.h"
#include "meta/tiff.h"

#include <math.h>

enum { IFD0, EXIF, INTEROP, GPS, DIRECTORIES };

enum {
    MOST_GATHERED = 184, /* of a directory; real ones have up to 70 */
    MOST_ENTRIES = MOST_GATHERED + 8,
    TAG_EXIF = 0x8769,
    TAG_GPS = 0x8825,
    TAG_INTEROP = 0xA005,
    TAG_COLOR_SPACE = 0xA001,
    TAG_PIXEL_X = 0xA002,
    TAG_PIXEL_Y = 0xA003,
    NEW_BYTES = 8, /* behind IFD_ENTRY_BYTES of an entry that is made here: its value */
};

typedef struct item {
    uint16_t tag;
    size_t entry; /* in the old block; 0: it is made here */
} item;

typedef struct directory {
    item items[MOST_ENTRIES];
    uint32_t count;
    size_t at;      /* in the new block */
    size_t pointer; /* to it: where its place is to be written */
} directory;

typedef struct maker {
    tiff old; /* of size 0: there is none */
    const li_exif_edit *edit;
    uint8_t *to;
    size_t room, fill;
    bool full;
    directory directories[DIRECTORIES];
} maker;

/* --- which entries stay ------------------------------------------------------------
 */

static size_t
type_bytes(uint32_t type)
{
    static const uint8_t bytes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    enum { TYPE_UTF8 = 129 };
    if (type == TYPE_UTF8)
        return 1;
    return type < sizeof(bytes) ? bytes[type] : 0;
}

static uint64_t
value_bytes(const tiff *old, size_t entry)
{
    uint64_t count = tiff_long(old, entry + 4);
    return count * type_bytes(tiff_short(old, entry + 2));
}

static bool
is_safe(uint32_t tag)
{
    static const uint16_t unsafe[] = {
        0x00FE, 0x0100, 0x0101, /* of a TIFF's own picture */
        0x0102, 0x0103, 0x0106, /* ... */
        0x0115, 0x0116, 0x011C, /* ... */
        0x0111, 0x0117,         /* its strips */
        0x0120, 0x0121,         /* free bytes */
        0x0144, 0x0145, 0x014A, /* tiles, SubIFDs */
        0x0201, 0x0202,         /* the thumbnail, in a block that has it in IFD0 */
        0x02BC, 0x83BB, 0x8649, /* XMP, IPTC, Photoshop */
        0x8769, 0x8825, 0xA005, /* the directories: written by themselves */
        0x8773, 0x927C, 0x935C, /* ICC, MakerNote, Photoshop's layers */
        0xC634, 0xC68C, 0xC68B, /* raw data of cameras and converters */
        0xEA1C, 0xEA1D,         /* padding, and where it was */
    };
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
        if (unsafe[i] == tag)
            return false;
    return true;
}

/* Curve, white and primaries of the samples, as a TIFF and as Exif 2.31 have them. */
static bool
is_of_colours(uint32_t tag)
{
    return tag == 0x012D || tag == 0x013E || tag == 0x013F || tag == 0xA500;
}

/* A number where only GPS has numbers; interoperability has two of its own, which are
 * short, IFD0 the name of a program. */
static bool
may_be_place(const tiff *old, int which, size_t entry)
{
    enum { LAST_OF_GPS = 0x1F, TYPE_ASCII = 2 };
    return which != GPS && tiff_short(old, entry) <= LAST_OF_GPS &&
           tiff_short(old, entry + 2) != TYPE_ASCII &&
           !(which == INTEROP && value_bytes(old, entry) <= 4);
}

/* Of a type that is known, with a value that is there. */
static bool
is_sound(const tiff *old, size_t entry)
{
    uint64_t bytes = value_bytes(old, entry);
    if (bytes <= 4)
        return bytes > 0;
    uint64_t at = tiff_long(old, entry + 8);
    return bytes <= old->size && at <= old->size - bytes;
}

/* In the order of tags, as the standard wants it; of two the first counts. */
static void
add_item(directory *to, uint16_t tag, size_t entry)
{
    uint32_t place = to->count;
    while (place > 0 && to->items[place - 1].tag > tag)
        place--;
    if ((place > 0 && to->items[place - 1].tag == tag) || to->count == MOST_ENTRIES)
        return;
    memmove(&to->items[place + 1], &to->items[place],
            (to->count - place) * sizeof(item));
    to->items[place] = (item){tag, entry};
    to->count++;
}

/* Where the directory's pointer leads to; 0: nowhere. */
static size_t
pointed(const tiff *old, size_t at, uint32_t tag)
{
    size_t count = tiff_entries(old, at);
    for (size_t i = 0; i < count; i++) {
        size_t entry = at + 2 + i * IFD_ENTRY_BYTES;
        uint32_t type = tiff_short(old, entry + 2);
        if (tiff_short(old, entry) == tag && (type == TYPE_LONG || type == TYPE_IFD))
            return tiff_long(old, entry + 8);
    }
    return 0;
}

static void
gather(maker *self, int which, size_t at)
{
    const tiff *old = &self->old;
    const li_exif_edit *edit = self->edit;
    size_t count = at ? tiff_entries(old, at) : 0;
    for (size_t i = 0; i < count; i++) {
        size_t entry = at + 2 + i * IFD_ENTRY_BYTES;
        uint32_t tag = tiff_short(old, entry);
        directory *to = &self->directories[which];
        if ((edit->recoloured && is_of_colours(tag)) ||
            (edit->drop_gps && may_be_place(old, which, entry)))
            continue;
        if (to->count < MOST_GATHERED && is_safe(tag) && is_sound(old, entry))
            add_item(to, (uint16_t)tag, entry);
    }
}

static bool
has_item(const directory *in, uint16_t tag)
{
    for (uint32_t i = 0; i < in->count; i++)
        if (in->items[i].tag == tag)
            return true;
    return false;
}

static void
drop_item(directory *in, uint16_t tag)
{
    for (uint32_t i = 0; i < in->count; i++)
        if (in->items[i].tag == tag) {
            memmove(&in->items[i], &in->items[i + 1], (--in->count - i) * sizeof(item));
            return;
        }
}

/* --- what is added -----------------------------------------------------------------
 */

static void
add_wanted(maker *self)
{
    static const uint16_t resolution[] = {TAG_X_RESOLUTION, TAG_Y_RESOLUTION,
                                          TAG_RESOLUTION_UNIT};
    directory *first = &self->directories[IFD0];
    if (self->edit->orientation > 1)
        add_item(first, TAG_ORIENTATION, 0);
    bool has = has_item(first, TAG_X_RESOLUTION) && has_item(first, TAG_Y_RESOLUTION);
    if (has || !li_density_known(self->edit->density))
        return;
    for (int i = 0; i < 3; i++) {
        drop_item(first, resolution[i]);
        add_item(first, resolution[i], 0);
    }
}

/* A directory that would be empty is not pointed to. */
static void
add_pointers(maker *self)
{
    directory *all = self->directories;
    if (all[INTEROP].count)
        add_item(&all[EXIF], TAG_INTEROP, 0);
    if (all[EXIF].count)
        add_item(&all[IFD0], TAG_EXIF, 0);
    if (all[GPS].count)
        add_item(&all[IFD0], TAG_GPS, 0);
}

static void
gather_all(maker *self)
{
    const tiff *old = &self->old;
    size_t first = old->size ? tiff_long(old, 4) : 0;
    size_t exif = pointed(old, first, TAG_EXIF);
    gather(self, IFD0, first);
    gather(self, EXIF, exif);
    if (exif && !self->edit->recoloured) /* its index may say Adobe RGB */
        gather(self, INTEROP, pointed(old, exif, TAG_INTEROP));
    if (!self->edit->drop_gps)
        gather(self, GPS, pointed(old, first, TAG_GPS));
    add_wanted(self);
    add_pointers(self);
}

/* --- the new block ------------------------------------------------------------------
 */

static void
put(maker *self, size_t at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        self->to[at + (size_t)i] =
            (uint8_t)(value >> 8 * (self->old.big_endian ? bytes - 1 - i : i));
}

/* Zeroed room at an even place; false, for good, if there is none. */
static bool
reserve(maker *self, size_t bytes, size_t *at)
{
    size_t even = self->fill + (self->fill & 1);
    self->full = self->full || even > self->room || bytes > self->room - even;
    if (self->full)
        return false;
    memset(self->to + self->fill, 0, even - self->fill + bytes);
    *at = even;
    self->fill = even + bytes;
    return true;
}

static void
put_number(maker *self, size_t at, uint16_t tag, uint16_t type, uint32_t value)
{
    put(self, at, tag, 2);
    put(self, at + 2, type, 2);
    put(self, at + 4, 1, 4);
    put(self, at + 8, value, type == TYPE_SHORT ? 2 : 4);
}

/* Whole numbers as they are, others in thousandths. */
static void
put_rational(maker *self, size_t at, uint16_t tag, double value)
{
    size_t place;
    bool whole = fabs(value - round(value)) < 0.01;
    if (!reserve(self, NEW_BYTES, &place))
        return;
    put(self, place, (uint32_t)round(whole ? value : value * 1000), 4);
    put(self, place + 4, whole ? 1 : 1000, 4);
    put_number(self, at, tag, TYPE_RATIONAL, (uint32_t)place);
}

static void
put_made(maker *self, size_t at, uint16_t tag)
{
    const li_exif_edit *edit = self->edit;
    enum { INCH = 2 };
    static const struct {
        uint16_t tag;
        uint8_t directory;
    } pointers[] = {{TAG_EXIF, EXIF}, {TAG_INTEROP, INTEROP}, {TAG_GPS, GPS}};
    if (tag == TAG_X_RESOLUTION || tag == TAG_Y_RESOLUTION)
        put_rational(self, at, tag,
                     tag == TAG_X_RESOLUTION ? edit->density.x : edit->density.y);
    else if (tag == TAG_RESOLUTION_UNIT)
        put_number(self, at, tag, TYPE_SHORT, INCH);
    else
        put_number(self, at, tag, TYPE_LONG, 0);
    for (int i = 0; i < 3; i++)
        if (tag == pointers[i].tag)
            self->directories[pointers[i].directory].pointer = at + 8;
}

static void
put_copied(maker *self, size_t at, size_t entry)
{
    const tiff *old = &self->old;
    size_t bytes = (size_t)value_bytes(old, entry), place;
    memcpy(self->to + at, old->data + entry, IFD_ENTRY_BYTES);
    if (bytes <= 4) { /* what stands behind a shorter value is nobody's */
        memset(self->to + at + 8 + bytes, 0, 4 - bytes);
        return;
    }
    memset(self->to + at + 8, 0, 4);
    if (!reserve(self, bytes, &place))
        return;
    memcpy(self->to + place, old->data + tiff_long(old, entry + 8), bytes);
    put(self, at + 8, (uint32_t)place, 4);
}

/* Tags that tell of the picture itself; false: it is none of them. */
static bool
put_told(maker *self, int which, size_t at, uint16_t tag)
{
    const li_exif_edit *edit = self->edit;
    enum { SRGB = 1 };
    if (which == IFD0 && tag == TAG_ORIENTATION)
        put_number(self, at, tag, TYPE_SHORT,
                   edit->orientation ? edit->orientation : 1);
    else if (which == EXIF && tag == TAG_COLOR_SPACE && edit->recoloured)
        put_number(self, at, tag, TYPE_SHORT, SRGB);
    else if (which == EXIF && tag == TAG_PIXEL_X && edit->width)
        put_number(self, at, tag, TYPE_LONG, edit->width);
    else if (which == EXIF && tag == TAG_PIXEL_Y && edit->height)
        put_number(self, at, tag, TYPE_LONG, edit->height);
    else
        return false;
    return true;
}

static void
put_directory(maker *self, int which)
{
    directory *from = &self->directories[which];
    size_t at;
    if (!from->count || !reserve(self, 2 + from->count * IFD_ENTRY_BYTES + 4, &at))
        return;
    from->at = at;
    put(self, at, from->count, 2);
    at += 2;
    for (uint32_t i = 0; i < from->count && !self->full; i++, at += IFD_ENTRY_BYTES) {
        const item *it = &from->items[i];
        if (put_told(self, which, at, it->tag))
            continue;
        if (it->entry)
            put_copied(self, at, it->entry);
        else
            put_made(self, at, it->tag);
    }
    if (from->pointer)
        put(self, from->pointer, (uint32_t)from->at, 4);
}

size_t
li_exif_rewrite(const uint8_t *data, size_t size, const li_exif_edit *edit, uint8_t *to,
                size_t room)
{
    maker self = {.edit = edit, .to = to, .room = room};
    size_t head;
    self.old = (tiff){.big_endian = true};
    if (size && (!tiff_open(&self.old, data, size) ||
                 !tiff_entries(&self.old, tiff_long(&self.old, 4))))
        return 0;
    gather_all(&self);
    if (!self.directories[IFD0].count || !reserve(&self, TIFF_HEADER_BYTES, &head))
        return 0;
    to[0] = to[1] = self.old.big_endian ? 'M' : 'I';
    put(&self, 2, 42, 2);
    put(&self, 4, TIFF_HEADER_BYTES, 4);
    for (int which = IFD0; which < DIRECTORIES; which++)
        put_directory(&self, which);
    return self.full ? 0 : self.fill;
}
