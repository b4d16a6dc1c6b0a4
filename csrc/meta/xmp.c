/* xmp.c: one walk over a packet's XML, element by element; no tree, no allocation.
 * A property is an element or an attribute, and goes by its name whatever its prefix
 * is:
 *
 * - with drop_gps: GPS…, and what has latitude or longitude in it (drones' and
 *   cameras' own namespaces), W3C's geo:lat, geo:long, geo:alt;
 * - with upright: Orientation;
 * - always: Thumbnails and Data (whole pictures, as phones embed the one that they
 *   began with), HasExtendedXMP (what it names is a part of the packet by now),
 *   comments, padding.
 *
 * Layer 2. */
#include "meta/xmp.h"

#include <string.h>

typedef struct walk {
    const uint8_t *at, *end; /* borrowed */
    const li_xmp_edit *edit;
    uint8_t *to, *first;
    bool good;
    uint64_t depth;   /* of open elements */
    uint64_t dropped; /* the depth of the one that is left out; 0: none */
} walk;

typedef struct span {
    const uint8_t *at;
    size_t size;
} span;

/* --- names -------------------------------------------------------------------------
 */

static uint8_t
lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* At this place, in any case? */
static bool
begins(span name, const char *word)
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
contains(span name, const char *word)
{
    for (; name.size; name.at++, name.size--)
        if (begins(name, word))
            return true;
    return false;
}

static bool
is_word(span name, const char *word)
{
    return name.size == strlen(word) && begins(name, word);
}

/* Behind the last colon. */
static span
local_name(span name)
{
    for (size_t i = name.size; i > 0; i--)
        if (name.at[i - 1] == ':')
            return (span){name.at + i, name.size - i};
    return name;
}

static bool
is_place(span name)
{
    span local = local_name(name);
    if (begins(name, "geo:") && (begins(local, "lat") || begins(local, "lon") ||
                                 begins(local, "alt") || begins(local, "point")))
        return true;
    return begins(local, "gps") || contains(local, "latitude") ||
           contains(local, "longitude") || contains(local, "longtitude");
}

static bool
must_go(const walk *self, span name)
{
    span local = local_name(name);
    if (begins(name, "xmlns"))
        return false;
    if (is_word(local, "thumbnails") || is_word(local, "data") ||
        is_word(local, "hasextendedxmp"))
        return true;
    if (self->edit->upright && is_word(local, "orientation"))
        return true;
    return self->edit->drop_gps && is_place(name);
}

/* --- bytes -------------------------------------------------------------------------
 */

static void
keep(walk *self, const uint8_t *from, const uint8_t *end)
{
    size_t size = (size_t)(end - from);
    if (self->dropped || !size)
        return;
    memmove(self->to, from, size);
    self->to += size;
}

static bool
is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool
is_name_end(uint8_t byte)
{
    return is_space(byte) || byte == '=' || byte == '/' || byte == '>' || byte == '<' ||
           byte == '"' || byte == '\'';
}

static bool
looks_like(const walk *self, const char *text)
{
    size_t size = strlen(text);
    return (size_t)(self->end - self->at) >= size && memcmp(self->at, text, size) == 0;
}

/* Behind `text`; the walk ends where it is not found. */
static void
go_behind(walk *self, const char *text)
{
    size_t size = strlen(text);
    for (; (size_t)(self->end - self->at) >= size; self->at++)
        if (memcmp(self->at, text, size) == 0) {
            self->at += size;
            return;
        }
    self->good = false;
}

/* Of a name, which must have a byte. */
static span
take_name(walk *self)
{
    span name = {self->at, 0};
    while (self->at < self->end && !is_name_end(*self->at))
        self->at++;
    name.size = (size_t)(self->at - name.at);
    self->good = self->good && name.size > 0 && self->at < self->end;
    return name;
}

static void
skip_space(walk *self)
{
    while (self->at < self->end && is_space(*self->at))
        self->at++;
    self->good = self->good && self->at < self->end;
}

/* --- markup ------------------------------------------------------------------------
 */

/* name = "value", and the space before it. */
static void
take_attribute(walk *self, const uint8_t *start)
{
    span name = take_name(self);
    skip_space(self);
    self->good = self->good && *self->at == '=';
    if (!self->good)
        return;
    self->at++;
    skip_space(self);
    if (!self->good)
        return;
    uint8_t quote = *self->at++;
    const uint8_t *close = quote == '"' || quote == '\''
                               ? memchr(self->at, quote, (size_t)(self->end - self->at))
                               : NULL;
    self->good = close && !memchr(self->at, '<', (size_t)(close - self->at));
    if (!self->good)
        return;
    self->at = close + 1;
    if (!must_go(self, name))
        keep(self, start, self->at);
}

/* From its < on: an element begins, and may be empty. */
static void
take_start(walk *self)
{
    const uint8_t *start = self->at++;
    span name = take_name(self);
    if (!self->good)
        return;
    self->depth++;
    if (!self->dropped && must_go(self, name))
        self->dropped = self->depth;
    keep(self, start, self->at);
    for (;;) {
        start = self->at;
        skip_space(self);
        if (!self->good)
            return;
        if (*self->at == '>' || *self->at == '/')
            break;
        self->good = self->at > start; /* or it grows together with what is left */
        if (self->good)
            take_attribute(self, start);
        if (!self->good)
            return;
    }
    bool empty = *self->at == '/';
    self->at += empty;
    self->good = self->at < self->end && *self->at == '>';
    self->at += self->good;
    keep(self, start, self->at);
    if (empty && self->dropped == self->depth)
        self->dropped = 0;
    self->depth -= empty;
}

static void
take_end(walk *self)
{
    const uint8_t *start = self->at;
    go_behind(self, ">");
    self->good = self->good && self->depth > 0;
    if (!self->good)
        return;
    keep(self, start, self->at);
    if (self->dropped == self->depth)
        self->dropped = 0;
    self->depth--;
}

static void
take_markup(walk *self)
{
    const uint8_t *start = self->at;
    if (looks_like(self, "<!--")) {
        go_behind(self, "-->");
    } else if (looks_like(self, "<![CDATA[")) {
        go_behind(self, "]]>");
        keep(self, start, self->at);
    } else if (looks_like(self, "<?")) {
        go_behind(self, "?>");
        keep(self, start, self->at);
    } else if (looks_like(self, "</")) {
        take_end(self);
    } else if (looks_like(self, "<!")) {
        self->good = false; /* a DOCTYPE may say anything of what follows */
    } else {
        take_start(self);
    }
}

/* Up to the next markup. Outside of all elements it is padding, or a byte order mark:
 * between two of them a line's end is left. */
static void
take_text(walk *self)
{
    const uint8_t *start = self->at;
    size_t left = (size_t)(self->end - start);
    const uint8_t *next = left ? memchr(start, '<', left) : NULL;
    self->at = next ? next : self->end;
    if (self->depth || start == self->at)
        keep(self, start, self->at);
    else if (next && self->to > self->first)
        keep(self, (const uint8_t *)"\n", (const uint8_t *)"\n" + 1);
}

size_t
li_xmp_rewrite(const uint8_t *data, size_t size, const li_xmp_edit *edit, uint8_t *to)
{
    while (size && data[size - 1] == 0) /* some end with a zero as text in C does */
        size--;
    walk self = {.at = data, .end = data + size, .edit = edit, .to = to, .first = to};
    self.good = true;
    if (!size || memchr(data, 0, size) || data[0] >= 0xFE)
        return 0;
    while (self.good && self.at < self.end) {
        if (*self.at == '<')
            take_markup(&self);
        else
            take_text(&self);
    }
    return self.good && self.depth == 0 ? (size_t)(self.to - to) : 0;
}
