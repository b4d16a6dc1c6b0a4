/* mutate_webp.h: changes of a WebP that keep RIFF in form: sizes are mended. */
#ifndef LI_TESTS_FUZZ_MUTATE_WEBP_H
#define LI_TESTS_FUZZ_MUTATE_WEBP_H

#include "pieces.h"

static inline void
put_le32(uint8_t *into, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        into[i] = (uint8_t)(value >> 8 * i);
}

static inline void
webp_parse(pieces *file, const uint8_t *data, size_t size)
{
    for (size_t at = 12; at + 8 <= size && file->count < MOST_PIECES;) {
        piece *next = &file->list[file->count++];
        const uint8_t *said = data + at + 4;
        size_t body = said[0] | (size_t)said[1] << 8 | (size_t)said[2] << 16 |
                      (size_t)said[3] << 24;
        memcpy(next->type, data + at, 4);
        next->body = data + at + 8;
        next->size = body < size - at - 8 ? body : size - at - 8;
        at += next->size + 8 + (next->size & 1);
    }
}

static inline size_t
webp_write(const pieces *file, uint8_t *into, size_t most, uint32_t *random)
{
    size_t at = 12;
    if (most < 12)
        return 0;
    for (int i = 0; i < file->count; i++) {
        const piece *next = &file->list[i];
        if (next->size + 9 > most - at)
            break;
        memcpy(into + at, next->type, 4);
        put_le32(into + at + 4, (uint32_t)next->size);
        if (next->size)
            memcpy(into + at + 8, next->body, next->size);
        if (next_random(random) % 200 == 0)
            into[at + 4] ^= (uint8_t)next_random(random);
        at += next->size + 8;
        if (next->size & 1)
            into[at++] = 0;
    }
    memcpy(into, "RIFF", 4);
    put_le32(into + 4, (uint32_t)at - 8);
    memcpy(into + 8, "WEBP", 4);
    if (next_random(random) % 100 == 0)
        into[4] ^= (uint8_t)next_random(random);
    return at;
}

/* Width, height and flags of VP8X, VP8 and VP8L; the first bytes of any other. */
static inline void
webp_change_header(pieces *file, piece *which, uint32_t *random)
{
    if (which->size == 0)
        return;
    uint8_t *body = own_body(file, which, 0);
    size_t from = memcmp(which->type, "VP8 ", 4) == 0   ? 6
                  : memcmp(which->type, "VP8L", 4) == 0 ? 1
                                                        : 0;
    size_t to = from + (memcmp(which->type, "VP8X", 4) == 0 ? 10 : 4);
    to = to < which->size ? to : which->size;
    if (from >= to)
        return;
    size_t at = from + next_random(random) % (to - from);
    body[at] = (uint8_t)(next_random(random) % 3 ? body[at] ^ 1u << random[0] % 8
                                                 : next_random(random));
}

static inline void
webp_change(pieces *file, uint32_t *random)
{
    static const char *const types[] = {"VP8 ", "VP8L", "VP8X", "ALPH", "ANIM",
                                        "ANMF", "ICCP", "EXIF", "XMP ", "????"};
    int at = (int)(next_random(random) % (uint32_t)file->count);
    uint32_t how = next_random(random) % 8;
    if (how == 0)
        webp_change_header(file, &file->list[at], random);
    else if (how == 1)
        change_order(file, at, types, 10, random);
    else
        change_body(file, &file->list[at]);
}

static inline size_t
mutate_webp(uint8_t *data, size_t size, size_t most, uint32_t *random)
{
    pieces file = {0};
    webp_parse(&file, data, size);
    if (file.count == 0 || next_random(random) % 32 == 0)
        return LLVMFuzzerMutate(data, size, most);
    uint8_t *out = malloc(most + 1);
    webp_change(&file, random);
    size = webp_write(&file, out, most, random);
    memcpy(data, out, size);
    free(out);
    free(file.made);
    return size;
}

#endif
