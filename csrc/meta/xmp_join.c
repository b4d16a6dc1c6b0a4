/* xmp_join.c: an XMP packet and what extends it become one: the descriptions of the
 * extension are put behind those of the packet. Both are looked at as text: whatever
 * comes of odd ones is judged by li_xmp_rewrite. Layer 2. */
#include "meta/xmp.h"

#include <string.h>

/* A part of a text. */
typedef struct part {
    size_t at, end;
} part;

static bool
is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool
stands_at(const uint8_t *data, size_t size, size_t at, const char *text)
{
    size_t length = strlen(text);
    return length <= size - at && memcmp(data + at, text, length) == 0;
}

static bool
is_digit(uint8_t byte)
{
    uint8_t letter = byte | 0x20;
    return (byte >= '0' && byte <= '9') || (letter >= 'a' && letter <= 'f');
}

/* --- its name ----------------------------------------------------------------------
 */

/* Digits behind = and a quote, or behind >. */
static bool
take_digest(const uint8_t *data, size_t size, uint8_t digest[LI_XMP_DIGEST_BYTES])
{
    size_t at = 0;
    while (at < size && (is_space(data[at]) || data[at] == '='))
        at++;
    if (at == size || (data[at] != '"' && data[at] != '\'' && data[at] != '>'))
        return false;
    for (at++; at < size && is_space(data[at]);)
        at++;
    if (size - at < LI_XMP_DIGEST_BYTES)
        return false;
    for (size_t i = 0; i < LI_XMP_DIGEST_BYTES; i++)
        if (!is_digit(data[at + i]))
            return false;
    memcpy(digest, data + at, LI_XMP_DIGEST_BYTES);
    return true;
}

bool
li_xmp_extension(const uint8_t *data, size_t size, uint8_t digest[LI_XMP_DIGEST_BYTES])
{
    static const char name[] = "HasExtendedXMP";
    for (size_t at = 0; at < size; at++)
        if (stands_at(data, size, at, name) &&
            take_digest(data + at + strlen(name), size - at - strlen(name), digest))
            return true;
    return false;
}

/* --- its descriptions --------------------------------------------------------------
 */

/* The name from `at` on, up to what ends one. */
static part
name_at(const uint8_t *data, size_t size, size_t at)
{
    part name = {at, at};
    while (name.end < size && !is_space(data[name.end]) && data[name.end] != '>' &&
           data[name.end] != '/' && data[name.end] != '<')
        name.end++;
    return name;
}

/* RDF, whatever prefix it has. */
static bool
is_rdf(const uint8_t *data, part name)
{
    size_t length = name.end - name.at;
    return length > 4 && memcmp(data + name.end - 4, ":RDF", 4) == 0;
}

/* The last </rdf:RDF, and its name. */
static bool
find_end(const uint8_t *data, size_t size, size_t *at, part *name)
{
    for (*at = size; *at > 0;) {
        --*at;
        if (!stands_at(data, size, *at, "</"))
            continue;
        *name = name_at(data, size, *at + 2);
        if (is_rdf(data, *name))
            return true;
    }
    return false;
}

/* Behind the first <rdf:RDF …>; 0: there is none, or nothing in it. */
static size_t
find_inside(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        if (data[at] != '<' || !is_rdf(data, name_at(data, size, at + 1)))
            continue;
        const uint8_t *close = memchr(data + at, '>', size - at);
        return close && close[-1] != '/' ? (size_t)(close - data) + 1 : 0;
    }
    return 0;
}

/* What is around the descriptions is lost: it must declare nothing but the two prefixes
 * that are around the others as well. */
static bool
declares_no_more(const uint8_t *data, size_t size, const uint8_t *prefix, size_t length)
{
    static const char word[] = "xmlns";
    for (size_t at = 0; at < size; at++) {
        if (!stands_at(data, size, at, word))
            continue;
        const uint8_t *name = data + at + strlen(word);
        size_t left = size - at - strlen(word);
        bool of_rdf = left > length + 2 && name[0] == ':' && name[length + 1] == '=' &&
                      memcmp(name + 1, prefix, length) == 0;
        if (!of_rdf && !(left > 3 && memcmp(name, ":x=", 3) == 0))
            return false;
    }
    return true;
}

static void
reverse(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size / 2; i++) {
        uint8_t byte = data[i];
        data[i] = data[size - 1 - i];
        data[size - 1 - i] = byte;
    }
}

size_t
li_xmp_join(uint8_t *data, size_t size, size_t more, size_t *at)
{
    const uint8_t *extension = data + size;
    part name, other;
    size_t end, inside = find_inside(extension, more);
    if (!inside || !find_end(data, size, at, &name) ||
        !find_end(extension, more, &end, &other) || end <= inside)
        return 0;
    size_t length = name.end - name.at, behind = size - *at, added = end - inside;
    if (other.end - other.at != length ||
        memcmp(data + name.at, extension + other.at, length) != 0 ||
        !declares_no_more(extension, inside, data + name.at, length - 4))
        return 0;
    memmove(data + size, extension + inside, added);
    reverse(data + *at, behind); /* both parts change places without a third */
    reverse(data + size, added);
    reverse(data + *at, behind + added);
    return size + added;
}
