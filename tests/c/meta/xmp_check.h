/* xmp_check.h: any bytes through the writer of XMP packets: abort where what it writes
 * has a name that must go, or is another one the second time. Shared by the fuzzer and
 * by test_xmp.c. */
#ifndef LI_TESTS_XMP_CHECK_H
#define LI_TESTS_XMP_CHECK_H

#include "meta/xmp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static inline void
xmp_must(bool good, const char *what, const uint8_t *data, size_t size)
{
    if (good)
        return;
    fprintf(stderr, "XMP: %s: %.*s\n", what, (int)size, (const char *)data);
    abort();
}

/* One tag, from behind its < to its >: no name in it may be a place's. */
static inline void
xmp_check_tag(const char *tag, size_t size)
{
    char quote = 0, name[32];
    size_t length = 0;
    for (size_t i = 0; i <= size; i++) {
        char letter = i < size ? tag[i] : ' ';
        bool ends = quote || strchr(" \t\r\n=/", letter);
        if (quote)
            quote = letter == quote ? 0 : quote;
        else if (letter == '"' || letter == '\'')
            quote = letter;
        else if (letter == ':')
            length = 0;
        else if (!ends && length < sizeof(name) - 1)
            name[length++] = letter;
        name[length] = 0;
        if (ends && length && strncmp(tag, "xmlns", 5) != 0)
            xmp_must((strncasecmp(name, "gps", 3) != 0 &&
                      strcasecmp(name, "lat") != 0 && strcmp(name, "alt") != 0 &&
                      strcasecmp(name, "point") != 0) ||
                         strstr(name, "xmlns") || memmem(tag, size, "xmlns:", 6),
                     "a place", (const uint8_t *)tag, size);
        if (ends)
            length = 0;
    }
}

static inline void
xmp_check_tags(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = text + size;
    while ((text = memchr(text, '<', (size_t)(end - text)))) {
        const char *close = NULL, *stop = "?>";
        char quote = 0;
        if (end - ++text < 1)
            return;
        if (*text == '!' || *text == '?') {
            stop = *text == '?' ? "?>" : "]]>";
            close = memmem(text, (size_t)(end - text), stop, strlen(stop));
            xmp_must(close != NULL, "no end", data, size);
            text = close;
            continue;
        }
        for (close = text; close < end && (quote || *close != '>'); close++)
            if (quote)
                quote = *close == quote ? 0 : quote;
            else if (*text != '/' && (*close == '"' || *close == '\''))
                quote = *close;
        xmp_must(close < end, "no end of a tag", data, size);
        if (*text != '/') /* an end may be another's, where one is damaged */
            xmp_check_tag(text, (size_t)(close - text));
        text = close;
    }
}

/* Two halves as a packet and what extends it. */
static inline void
xmp_check_join(const uint8_t *data, size_t size)
{
    uint8_t *exact = calloc(size + 1, 1), digest[LI_XMP_DIGEST_BYTES];
    size_t at = 0, half = size / 2;
    if (size)
        memcpy(exact, data, size);
    (void)li_xmp_extension(exact, size, digest);
    size_t joined = li_xmp_join(exact, half, size - half, &at);
    xmp_must(joined == 0 || (joined > half && joined <= size && at < half),
             "joined to what it cannot be", data, size);
    xmp_must(!joined ||
                 (memcmp(exact, data, at) == 0 &&
                  memcmp(exact + at + (joined - half), data + at, half - at) == 0),
             "a packet that was changed", data, size);
    free(exact);
}

/* Returns the size, or 0. */
static inline size_t
xmp_check(const uint8_t *data, size_t size)
{
    const li_xmp_edit edits[] = {{true, true, false, false},
                                 {true, false, true, true},
                                 {false, true, false, true},
                                 {true, true, true, true}};
    uint8_t *exact = malloc(size ? size : 1), *made = malloc(size ? size : 1);
    size_t first = 0;
    if (size)
        memcpy(exact, data, size);
    xmp_check_join(data, size);
    for (int i = 0; i < 4; i++) {
        size_t written = li_xmp_rewrite(exact, size, &edits[i], made);
        xmp_must(written <= size, "longer", data, size);
        if (edits[i].drop_gps && written)
            xmp_check_tags(made, written);
        uint8_t *again = malloc(written ? written : 1);
        size_t second = written ? li_xmp_rewrite(made, written, &edits[i], again) : 0;
        xmp_must(second == written && memcmp(made, again, written) == 0,
                 "another one the second time", data, size);
        free(again);
        first = i ? first : written;
    }
    free(exact);
    free(made);
    return first;
}

#endif
