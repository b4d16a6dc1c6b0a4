/* mutate_png.h: changes of a PNG that keep its chunks in form: CRCs are mended, pixels
 * are changed both below and above deflate. */
#ifndef LI_TESTS_FUZZ_MUTATE_PNG_H
#define LI_TESTS_FUZZ_MUTATE_PNG_H

#include "pieces.h"

#include <zlib.h>

enum { MOST_RAW = 1 << 18 };

static inline void
png_parse(pieces *file, const uint8_t *data, size_t size)
{
    for (size_t at = 8; at + 8 <= size && file->count < MOST_PIECES;) {
        piece *next = &file->list[file->count++];
        size_t said = get_be32(data + at);
        memcpy(next->type, data + at + 4, 4);
        next->body = data + at + 8;
        next->size = said < size - at - 8 ? said : size - at - 8;
        at += next->size + 12;
    }
}

static inline size_t
png_write(const pieces *file, uint8_t *into, size_t most, uint32_t *random)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    size_t at = 8;
    if (most < 8)
        return 0;
    memcpy(into, signature, 8);
    for (int i = 0; i < file->count; i++) {
        const piece *next = &file->list[i];
        if (next->size + 12 > most - at)
            break;
        put_be32(into + at, (uint32_t)next->size);
        memcpy(into + at + 4, next->type, 4);
        if (next->size)
            memcpy(into + at + 8, next->body, next->size);
        uint32_t crc = (uint32_t)crc32(0, into + at + 4, (uInt)next->size + 4);
        if (next_random(random) % 200 == 0)
            crc ^= 1;
        put_be32(into + at + 8 + next->size, crc);
        at += next->size + 12;
    }
    return at;
}

static inline void
png_change_header(pieces *file, piece *header, uint32_t *random)
{
    static const uint8_t depths[] = {1, 2, 4, 8, 8, 16}, colours[] = {0, 2, 3, 4, 6};
    if (header->size != 13)
        return;
    uint8_t *body = own_body(file, header, 0);
    switch (next_random(random) % 5) {
    case 0:
        put_be32(body, 1 + next_random(random) % 90);
        break;
    case 1:
        put_be32(body + 4, 1 + next_random(random) % 40);
        break;
    case 2:
        body[8] = depths[next_random(random) % 6];
        break;
    case 3:
        body[9] = colours[next_random(random) % 5];
        break;
    default:
        body[12] ^= 1;
    }
}

/* Inflate, change the rows, deflate by some level and strategy. */
static inline void
png_change_pixels(pieces *file, piece *data, uint32_t *random)
{
    uint8_t *raw = malloc(MOST_RAW);
    uLongf size = MOST_RAW - 64;
    if (uncompress(raw, &size, data->body, data->size) != Z_OK && size == 0)
        size = 1;
    if (size > MOST_RAW - 64)
        size = MOST_RAW - 64;
    size_t changed = LLVMFuzzerMutate(raw, size, size + 64);
    for (size_t i = 0; i < changed && next_random(random) % 4; i += 1 + i / 3)
        raw[i] = (uint8_t)(next_random(random) % 5);
    z_stream stream = {0};
    size_t most = compressBound(MOST_RAW);
    file->made = malloc(most);
    if (deflateInit2(&stream, (int)(next_random(random) % 10), Z_DEFLATED,
                     9 + (int)(next_random(random) % 7), 8,
                     (int)(next_random(random) % 5)) != Z_OK)
        abort();
    stream.next_in = raw;
    stream.avail_in = (uInt)changed;
    stream.next_out = file->made;
    stream.avail_out = (uInt)most;
    deflate(&stream, Z_FINISH);
    data->size = most - stream.avail_out;
    data->body = file->made;
    deflateEnd(&stream);
    free(raw);
}

/* A chunk of its size in front of the others, with numbers that are near real ones. */
static inline void
png_tell_colours(pieces *file, uint32_t *random)
{
    static const char types[3][5] = {"cICP", "gAMA", "cHRM"};
    static const uint8_t sizes[3] = {4, 4, 32};
    uint32_t kind = next_random(random) % 3;
    piece made = {.size = 0};
    memcpy(made.type, types[kind], 4);
    uint8_t *body = own_body(file, &made, 32);
    made.size = sizes[kind];
    for (uint32_t i = 0; kind && i < made.size; i += 4)
        put_be32(body + i, next_random(random) % 110000);
    for (uint32_t i = 0; !kind && i < 4; i++)
        body[i] = (uint8_t)(next_random(random) % (i < 2 ? 24 : 2));
    insert_piece(file, 1, made);
}

/* EXIF that says how the picture is turned, or XMP, in front of the pixels or behind.
 */
static inline void
png_add_block(pieces *file, uint32_t *random)
{
    static const uint8_t exif[26] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0,
                                     3,   0,   0, 0,  1, 0, 6, 0, 0, 0, 0, 0,    0};
    static const char xmp[] = "XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>";
    bool turned = next_random(random) % 2;
    piece made = {.size = 0};
    memcpy(made.type, turned ? "eXIf" : "iTXt", 4);
    uint8_t *body = own_body(file, &made, sizeof(xmp));
    made.size = turned ? sizeof(exif) : sizeof(xmp) - 1;
    memcpy(body, turned ? (const void *)exif : xmp, made.size);
    if (turned)
        body[19] = (uint8_t)(next_random(random) % 10);
    insert_piece(file, 1 + (int)(next_random(random) % (uint32_t)file->count), made);
}

static inline void
png_change(pieces *file, uint32_t *random)
{
    static const char *const types[] = {"tRNS", "PLTE", "IDAT", "tEXt", "IEND",
                                        "prVt", "CRIT", "IHDR", "cICP", "gAMA",
                                        "cHRM", "sRGB", "eXIf", "iTXt"};
    int at = (int)(next_random(random) % (uint32_t)file->count);
    for (int i = 0; i < file->count && next_random(random) % 4; i++)
        if (memcmp(file->list[i].type, "IDAT", 4) == 0)
            at = i;
    piece *chosen = &file->list[at];
    uint32_t how = next_random(random) % 10;
    if (how == 0)
        png_change_header(file, &file->list[0], random);
    else if (how <= 2)
        change_order(file, at, types, 14, random);
    else if (how == 8)
        png_tell_colours(file, random);
    else if (how == 9)
        png_add_block(file, random);
    else if (how <= 4 && memcmp(chosen->type, "IDAT", 4) == 0)
        png_change_pixels(file, chosen, random);
    else
        change_body(file, chosen);
}

static inline size_t
mutate_png(uint8_t *data, size_t size, size_t most, uint32_t *random)
{
    pieces file = {0};
    png_parse(&file, data, size);
    if (file.count == 0 || next_random(random) % 32 == 0)
        return LLVMFuzzerMutate(data, size, most);
    uint8_t *out = malloc(most + 1);
    png_change(&file, random);
    size = png_write(&file, out, most, random);
    memcpy(data, out, size);
    free(out);
    free(file.made);
    return size;
}

#endif
