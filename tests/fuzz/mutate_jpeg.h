/* mutate_jpeg.h: changes of a JPEG that keep its segments in form: lengths are mended,
 * and a scan's bytes stay behind its header. */
#ifndef LI_TESTS_FUZZ_MUTATE_JPEG_H
#define LI_TESTS_FUZZ_MUTATE_JPEG_H

#include "pieces.h"

/* Type: the marker, then 1 if a length follows. Coded bytes are a piece without a
 * marker. */
static inline bool
jpeg_has_length(uint8_t marker)
{
    return marker >= 0xc0 && !(marker >= 0xd0 && marker <= 0xd9);
}

static inline size_t
jpeg_scan_end(const uint8_t *data, size_t size, size_t at)
{
    for (; at + 1 < size; at++)
        if (data[at] == 0xff && data[at + 1] >= 0xc0 &&
            !(data[at + 1] >= 0xd0 && data[at + 1] <= 0xd7))
            return at;
    return size;
}

static inline void
jpeg_parse(pieces *file, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size && file->count < MOST_PIECES;) {
        piece *next = &file->list[file->count++];
        bool marker = at + 1 < size && data[at] == 0xff && data[at + 1] >= 0xc0;
        memset(next->type, 0, 4);
        next->body = data + at;
        if (!marker) {
            next->size = jpeg_scan_end(data, size, at) - at;
            at += next->size;
            continue;
        }
        next->type[0] = data[at + 1];
        next->body += 2;
        at += 2;
        if (!jpeg_has_length(next->type[0]) || at + 2 > size)
            continue;
        size_t said = (size_t)data[at] << 8 | data[at + 1];
        said = said < 2 ? 2 : said < size - at ? said : size - at;
        next->type[1] = 1;
        next->body += 2;
        next->size = said - 2;
        at += said;
    }
}

static inline size_t
jpeg_write(const pieces *file, uint8_t *into, size_t most, uint32_t *random)
{
    size_t at = 0;
    for (int i = 0; i < file->count; i++) {
        const piece *next = &file->list[i];
        size_t body = next->size;
        if (next->type[1] && body > 65533)
            body = 65533;
        if (body + 4 > most - at)
            break;
        if (next->type[0]) {
            into[at++] = 0xff;
            into[at++] = next->type[0];
        }
        if (next->type[1]) {
            into[at++] = (uint8_t)((body + 2) >> 8);
            into[at++] = (uint8_t)(body + 2);
            if (next_random(random) % 400 == 0)
                into[at - 1] ^= (uint8_t)next_random(random);
        }
        if (body)
            memcpy(into + at, next->body, body);
        at += body;
    }
    return at;
}

/* SOF: the process, the size, the number of components, the sampling factors. */
static inline void
jpeg_change_frame(pieces *file, piece *frame, uint32_t *random)
{
    static const uint8_t factors[] = {0x11, 0x21, 0x12, 0x22, 0x41, 0x14, 0x31, 0x13};
    if (frame->size < 6)
        return;
    uint8_t *body = own_body(file, frame, 0);
    size_t parts = (frame->size - 6) / 3;
    size_t which = parts ? next_random(random) % parts : 0;
    switch (next_random(random) % 5) {
    case 0:
        body[2] = (uint8_t)next_random(random);
        break;
    case 1:
        body[4] = (uint8_t)next_random(random);
        break;
    case 2:
        if (parts)
            body[6 + which * 3 + 1] = factors[next_random(random) % 8];
        break;
    case 3:
        frame->type[0] = (uint8_t)(0xc0 + next_random(random) % 3);
        break;
    default:
        if (parts)
            body[6 + which * 3 + next_random(random) % 3] =
                (uint8_t)(next_random(random) % 5);
    }
}

static inline void
jpeg_change(pieces *file, uint32_t *random)
{
    /* Markers with their lengths; the last three are bare. */
    static const char *const types[] = {"\xc0\1\0\0", "\xc2\1\0\0", "\xc4\1\0\0",
                                        "\xda\1\0\0", "\xdb\1\0\0", "\xdd\1\0\0",
                                        "\xe1\1\0\0", "\xee\1\0\0", "\xd9\0\0\0",
                                        "\xd3\0\0\0", "\xd8\0\0\0"};
    int at = (int)(next_random(random) % (uint32_t)file->count);
    uint32_t how = next_random(random) % 8;
    piece *chosen = &file->list[at];
    for (int i = 0; how <= 1 && i < file->count; i++)
        if (file->list[i].type[0] >= 0xc0 && file->list[i].type[0] <= 0xc2)
            chosen = &file->list[i];
    if (how <= 1 && chosen->type[0] >= 0xc0 && chosen->type[0] <= 0xc2)
        jpeg_change_frame(file, chosen, random);
    else if (how <= 3)
        change_order(file, at, types, 11, random);
    else
        change_body(file, chosen);
}

static inline size_t
mutate_jpeg(uint8_t *data, size_t size, size_t most, uint32_t *random)
{
    pieces file = {0};
    jpeg_parse(&file, data, size);
    if (file.count == 0 || next_random(random) % 32 == 0)
        return LLVMFuzzerMutate(data, size, most);
    uint8_t *out = malloc(most + 1);
    jpeg_change(&file, random);
    size = jpeg_write(&file, out, most, random);
    memcpy(data, out, size);
    free(out);
    free(file.made);
    return size;
}

#endif
