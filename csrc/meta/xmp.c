/* xmp.c: one walk over a packet's XML, element by element; no tree, no allocation. A
 * first one looks for the prefixes that it declares. What must go goes by its name
 * (xmp_names.c), element or attribute; comments and padding go always. Layer 2. */
#include "meta/xmp.h"
#include "meta/xmp_names.h"

#include <string.h>

typedef struct walk {
    const uint8_t *at, *end; /* borrowed */
    const li_xmp_edit *edit;
    xmp_spaces *spaces; /* borrowed */
    bool gathers;       /* them, and writes nothing */
    uint8_t *to, *first;
    bool good;
    uint64_t depth;   /* of open elements */
    uint64_t dropped; /* the depth of the one that is left out; 0: none */
} walk;

/* --- bytes -------------------------------------------------------------------------
 */

static void
keep(walk *self, const uint8_t *from, const uint8_t *end)
{
    size_t size = (size_t)(end - from);
    if (self->dropped || self->gathers || !size)
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
static xmp_span
take_name(walk *self)
{
    xmp_span name = {self->at, 0};
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
    xmp_span name = take_name(self);
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
    xmp_span value = {self->at, (size_t)(close - self->at)};
    self->at = close + 1;
    if (self->gathers)
        self->good = li_xmp_note_space(self->spaces, name, value);
    else if (!li_xmp_must_go(self->edit, self->spaces, name, false))
        keep(self, start, self->at);
}

/* From its < on: an element begins, and may be empty. */
static void
take_start(walk *self)
{
    const uint8_t *start = self->at++;
    xmp_span name = take_name(self);
    if (!self->good)
        return;
    self->depth++;
    if (!self->dropped && li_xmp_must_go(self->edit, self->spaces, name, true))
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
    else if (next && self->to > self->first && self->to[-1] != '\n')
        keep(self, (const uint8_t *)"\n", (const uint8_t *)"\n" + 1);
}

static void
walk_through(walk *self, const uint8_t *data)
{
    self->at = data;
    while (self->good && self->at < self->end) {
        if (*self->at == '<')
            take_markup(self);
        else
            take_text(self);
    }
    self->good = self->good && self->depth == 0;
}

size_t
li_xmp_rewrite(const uint8_t *data, size_t size, const li_xmp_edit *edit, uint8_t *to)
{
    while (size && data[size - 1] == 0) /* some end with a zero as text in C does */
        size--;
    xmp_spaces spaces = {.count = 0};
    walk self = {.end = data + size,
                 .edit = edit,
                 .spaces = &spaces,
                 .gathers = edit->drop_gps,
                 .to = to,
                 .first = to,
                 .good = true};
    if (!size || memchr(data, 0, size) || data[0] >= 0xFE)
        return 0;
    if (self.gathers)
        walk_through(&self, data);
    self.gathers = false;
    self.dropped = 0;
    walk_through(&self, data);
    self.to -= self.to > to && self.to[-1] == '\n'; /* what it stood in front of went */
    return self.good ? (size_t)(self.to - to) : 0;
}
