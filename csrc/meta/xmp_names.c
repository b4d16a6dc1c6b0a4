/* xmp_names.c: a property goes by its name whatever its prefix is, in any case:
 *
 * - with drop_gps: GPS…, what has latitude, longitude or coordinate in it (drones' and
 *   cameras' own vocabularies), the short names of W3C's, GeoRSS's, GML's and KML's,
 *   and every name of those four, by the prefixes that the packet has for them;
 * - with upright: Orientation; with resized: what says width and height;
 * - with recoloured: what says of which colours the samples were;
 * - always: Thumbnails and Data (whole pictures, as phones embed the one that they
 *   began with), HasExtendedXMP (what it names is a part of the packet by now).
 *
 * Layer 2. */
#include "meta/xmp_names.h"

#include <string.h>

static uint8_t
lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* At this place, in any case? */
static bool
begins(xmp_span name, const char *word)
{
    size_t size = strlen(word);
    if (name.size < size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (lower(name.at[i]) != (uint8_t)word[i])
            return false;
    return true;
}

static bool
contains(xmp_span name, const char *word)
{
    for (; name.size; name.at++, name.size--)
        if (begins(name, word))
            return true;
    return false;
}

/* Lists end with NULL. */
static bool
is_one_of(xmp_span name, const char *const *words)
{
    for (; *words; words++)
        if (name.size == strlen(*words) && begins(name, *words))
            return true;
    return false;
}

static bool
contains_one_of(xmp_span name, const char *const *words)
{
    for (; *words; words++)
        if (contains(name, *words))
            return true;
    return false;
}

/* Behind the last colon. */
static xmp_span
local_name(xmp_span name)
{
    for (size_t i = name.size; i > 0; i--)
        if (name.at[i - 1] == ':')
            return (xmp_span){name.at + i, name.size - i};
    return name;
}

/* In front of it; empty: there is none. */
static xmp_span
prefix_of(xmp_span name)
{
    size_t behind = name.size - local_name(name).size;
    return (xmp_span){name.at, behind ? behind - 1 : 0};
}

/* xmlns, or xmlns:prefix: XML knows it in this case only. */
static bool
is_declaration(xmp_span name)
{
    static const char word[] = "xmlns";
    size_t size = sizeof(word) - 1;
    return name.size >= size && memcmp(name.at, word, size) == 0 &&
           (name.size == size || name.at[size] == ':');
}

/* --- places ------------------------------------------------------------------------
 */

bool
li_xmp_note_space(xmp_spaces *spaces, xmp_span name, xmp_span value)
{
    static const char *const places[] = {"wgs84_pos", "georss",   "/gml",
                                         "/kml",      "exif/gps", NULL};
    if (!is_declaration(name))
        return true;
    bool known = contains_one_of(value, places);
    xmp_span prefix = local_name(name);
    if (prefix.size == name.size) /* xmlns alone */
        prefix.size = 0;
    for (uint32_t i = 0; i < spaces->count; i++)
        known &= spaces->prefixes[i].size != prefix.size ||
                 memcmp(spaces->prefixes[i].text, prefix.at, prefix.size) != 0;
    if (!known)
        return true;
    if (spaces->count == XMP_SPACES || prefix.size > XMP_PREFIX_BYTES)
        return false;
    memcpy(spaces->prefixes[spaces->count].text, prefix.at, prefix.size);
    spaces->prefixes[spaces->count++].size = prefix.size;
    return true;
}

static bool
has_place_prefix(const xmp_spaces *spaces, xmp_span name, bool element)
{
    xmp_span prefix = prefix_of(name);
    for (uint32_t i = 0; i < spaces->count; i++)
        if (spaces->prefixes[i].size == prefix.size && (prefix.size || element) &&
            memcmp(spaces->prefixes[i].text, prefix.at, prefix.size) == 0)
            return true;
    return false;
}

static bool
is_place(xmp_span local)
{
    static const char *const words[] = {"lat",    "lon",     "long",     "lng",
                                        "latlon", "latlong", "lat_long", "point",
                                        "pos",    "poslist", NULL};
    static const char *const parts[] = {"latitude",   "longitude", "longtitude",
                                        "coordinate", "geotag",    "geohash",
                                        "geoloc",     "footprint", NULL};
    /* In this case only: rdf:Alt is a list of one text in several languages. */
    bool altitude = local.size == 3 && memcmp(local.at, "alt", 3) == 0;
    return altitude || begins(local, "gps") || is_one_of(local, words) ||
           contains_one_of(local, parts);
}

/* --- all ---------------------------------------------------------------------------
 */

bool
li_xmp_must_go(const li_xmp_edit *edit, const xmp_spaces *spaces, xmp_span name,
               bool element)
{
    static const char *const pictures[] = {"thumbnails", "data", "hasextendedxmp",
                                           NULL};
    static const char *const turns[] = {"orientation", NULL};
    static const char *const sizes[] = {"pixelxdimension", "pixelydimension",
                                        "imagewidth",      "imagelength",
                                        "imageheight",     NULL};
    static const char *const colours[] = {"colorspace",
                                          "colormode",
                                          "iccprofile",
                                          "gamma",
                                          "whitepoint",
                                          "primarychromaticities",
                                          "interopindex",
                                          "transferfunction",
                                          "interoperabilityindex",
                                          NULL};
    xmp_span local = local_name(name);
    if (is_declaration(name))
        return false;
    return is_one_of(local, pictures) || (edit->upright && is_one_of(local, turns)) ||
           (edit->resized && is_one_of(local, sizes)) ||
           (edit->recoloured && is_one_of(local, colours)) ||
           (edit->drop_gps &&
            (is_place(local) || has_place_prefix(spaces, name, element)));
}
