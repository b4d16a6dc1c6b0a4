/* exif_check.h: any block through the reader of EXIF: what a slow reader says, by both
 * byte orders, with and without its prefix, and in each container that carries it;
 * abort where that differs. Shared by the fuzzer and by test_exif.c. */
#ifndef LI_TESTS_EXIF_CHECK_H
#define LI_TESTS_EXIF_CHECK_H

#include "codecs/codec.h"
#include "meta/exif.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static inline void
exif_must(bool good, const char *what, const uint8_t *data, size_t size)
{
    if (good)
        return;
    fprintf(stderr, "EXIF: %s:", what);
    for (size_t i = 0; i < size && i < 64; i++)
        fprintf(stderr, " %02x", data[i]);
    fputs("\n", stderr);
    abort();
}

/* `count` bytes at `at`, or −1 past the end. */
static inline int64_t
slow_number(const uint8_t *data, size_t size, uint64_t at, uint32_t count, bool big)
{
    int64_t value = 0;
    if (at > size || count > size - at)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        value |= (int64_t)data[at + i] << 8 * (big ? count - 1 - i : i);
    return value;
}

/* TIFF 6.0 section 2, field by field: the first entry with tag 274. */
static inline uint8_t
slow_orientation(const uint8_t *data, size_t size)
{
    if (size >= 6 && memcmp(data, "Exif\0\0", 6) == 0) {
        data += 6;
        size -= 6;
    }
    if (size < 8 || (memcmp(data, "MM", 2) != 0 && memcmp(data, "II", 2) != 0))
        return 1;
    bool big = data[0] == 'M';
    uint64_t at = (uint64_t)slow_number(data, size, 4, 4, big);
    int64_t count = slow_number(data, size, at, 2, big);
    if (slow_number(data, size, 2, 2, big) != 42 || count < 0)
        return 1;
    for (at += 2; count > 0; count--, at += 12) {
        static const uint8_t widths[5] = {0, 1, 0, 2, 4};
        if (at + 12 > size)
            return 1;
        if (slow_number(data, size, at, 2, big) != 274)
            continue;
        int64_t type = slow_number(data, size, at + 2, 2, big);
        uint32_t width = type < 5 ? widths[type] : 0;
        int64_t value = slow_number(data, size, at + 8, width, big);
        bool there = width && slow_number(data, size, at + 4, 4, big) > 0;
        return there && value >= 1 && value <= 8 ? (uint8_t)value : 1;
    }
    return 1;
}

/* --- in files --------------------------------------------------------------------- */

enum { EXIF_MOST = 65527 }; /* what an APP1 holds besides its length and the prefix */

typedef struct exif_file {
    uint8_t data[EXIF_MOST + 256];
    size_t size;
} exif_file;

static inline void
exif_put(exif_file *file, const void *bytes, size_t size)
{
    if (size)
        memcpy(file->data + file->size, bytes, size);
    file->size += size;
}

static inline void
exif_number(exif_file *file, uint32_t value, int bytes, bool big)
{
    for (int i = 0; i < bytes; i++)
        file->data[file->size++] = (uint8_t)(value >> 8 * (big ? bytes - 1 - i : i));
}

/* One gray pixel's header, and the start of its scan. */
static inline void
exif_jpeg(exif_file *file, const uint8_t *block, size_t size)
{
    static const char end[] = "\xff\xc0\0\x0b\10\0\1\0\1\1\1\x11\0"
                              "\xff\xda\0\10\1\1\0\0\x3f";
    exif_put(file, "\xff\xd8\xff\xe1", 4);
    exif_number(file, (uint32_t)size + 8, 2, true);
    exif_put(file, "Exif\0", 6);
    exif_put(file, block, size);
    exif_put(file, end, sizeof(end));
}

static inline void
exif_chunk(exif_file *file, const char *type, const void *body, size_t size)
{
    exif_number(file, (uint32_t)size, 4, true);
    const uint8_t *from = file->data + file->size;
    exif_put(file, type, 4);
    exif_put(file, body, size);
    exif_number(file, (uint32_t)crc32(0, from, (uInt)size + 4), 4, true);
}

static inline void
exif_png(exif_file *file, const uint8_t *block, size_t size)
{
    exif_put(file, "\x89PNG\r\n\x1a\n", 8);
    exif_chunk(file, "IHDR", "\0\0\0\1\0\0\0\1\10\0\0\0", 13);
    exif_chunk(file, "eXIf", block, size);
    exif_chunk(file, "IDAT", "", 0);
}

/* One pixel, lossless. */
static inline void
exif_webp(exif_file *file, const uint8_t *block, size_t size)
{
    static const char picture[] = "VP8L\xd\0\0\0\x2f\0\0\0\x10\7\x10\x11\x11\x88\x88"
                                  "\xfe\7\0"; /* and the final 0 as padding */
    exif_put(file, "RIFF", 4);
    exif_number(file, (uint32_t)(4 + 18 + sizeof(picture) - 1 + 8 + size + (size & 1)),
                4, false);
    exif_put(file, "WEBPVP8X\xa\0\0\0\10\0\0\0\0\0\0\0\0\0", 22);
    exif_put(file, picture, sizeof(picture) - 1);
    exif_put(file, "EXIF", 4);
    exif_number(file, (uint32_t)size, 4, false);
    exif_put(file, block, size);
    exif_put(file, "", size & 1);
}

static inline uint8_t
exif_inspected(const li_codec *codec, const exif_file *file)
{
    li_source *source = NULL;
    li_header header = {0};
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    li_status status = li_source_borrow(&ctx, file->data, file->size, &source);
    if (status == LI_OK)
        status = codec->inspect(&ctx, source, &header);
    exif_must(status == LI_OK, ctx.message, file->data, file->size);
    li_source_close(&source);
    return header.orientation;
}

typedef void (*exif_maker)(exif_file *file, const uint8_t *block, size_t size);

/* Each container that carries a block says what the block says. */
static inline void
exif_check_files(const uint8_t *block, size_t size)
{
    static const struct {
        const li_codec *codec;
        exif_maker make;
    } containers[] = {
        {&li_codec_jpeg, exif_jpeg},
        {&li_codec_png, exif_png},
#if defined(LI_HAVE_WEBP)
        {&li_codec_webp, exif_webp}
#endif
    };
    if (size > EXIF_MOST)
        return;
    exif_file *file = malloc(sizeof(*file));
    for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++) {
        file->size = 0;
        containers[i].make(file, block, size);
        uint8_t *prefixed = file->data + 6; /* JPEG's own */
        uint8_t wanted = i == 0 ? li_exif_orientation(prefixed, size + 6)
                                : li_exif_orientation(block, size);
        exif_must(exif_inspected(containers[i].codec, file) == wanted,
                  containers[i].codec->name, block, size);
    }
    free(file);
}

/* --- written anew ----------------------------------------------------------------- */

/* A directory in the order of its tags, each value inside, no other behind it, nothing
 * that must go; *pointers gets what it points to. */
static inline void
exif_directory(const uint8_t *data, size_t size, uint64_t at, const li_exif_edit *edit,
               uint64_t pointers[4])
{
    static const uint16_t gone[] = {0x0111, 0x0144, 0x014a, 0x0201, 0x02bc,
                                    0x83bb, 0x8649, 0x8773, 0x927c, 0xea1c};
    static const uint8_t widths[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    static const uint16_t colours[] = {0x012d, 0x013e, 0x013f, 0xa005, 0xa500};
    bool big = data[0] == 'M', gps = !edit->drop_gps;
    int64_t count = slow_number(data, size, at, 2, big), last = -1;
    exif_must(at % 2 == 0 && count > 0, "an empty directory", data, size);
    for (at += 2; count > 0; count--, at += 12) {
        int64_t tag = slow_number(data, size, at, 2, big);
        int64_t type = slow_number(data, size, at + 2, 2, big);
        int64_t number = slow_number(data, size, at + 4, 4, big);
        int64_t value = slow_number(data, size, at + 8, 4, big);
        uint64_t width = type == 129 ? 1 : type >= 0 && type < 13 ? widths[type] : 0;
        uint64_t bytes = width * (uint64_t)number;
        exif_must(tag > last && value >= 0 && bytes > 0, "a bad entry", data, size);
        exif_must(bytes <= 4 || ((uint64_t)value <= size && bytes <= size - value),
                  "a value outside", data, size);
        for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
            exif_must(tag != gone[i], "what must go", data, size);
        exif_must(gps || (tag != 0x8825 && (tag > 0x1f || bytes <= 4 || type == 2)),
                  "a place", data, size);
        for (int i = 0; i < 5 && edit->recoloured; i++)
            exif_must(tag != colours[i], "old colours", data, size);
        bool srgb =
            type == 3 && number == 1 && slow_number(data, size, at + 8, 2, big) == 1;
        exif_must(tag != 0xa001 || !edit->recoloured || !pointers[3] || srgb,
                  "another colour space", data, size);
        if (tag == 0x8769 || tag == 0x8825 || tag == 0xa005)
            pointers[tag == 0x8769 ? 0 : tag == 0x8825 ? 1 : 2] = (uint64_t)value;
        last = tag;
    }
    exif_must(slow_number(data, size, at, 4, big) == 0, "one more directory", data,
              size);
}

static inline void
exif_well_formed(const uint8_t *data, size_t size, const li_exif_edit *edit)
{
    uint64_t first[4] = {0}, inner[4] = {[3] = 1}; /* the last: it is Exif's own */
    bool big = data[0] == 'M';
    exif_must(size >= 8 && memcmp(data, big ? "MM\0*" : "II*\0", 4) == 0, "no TIFF",
              data, size);
    uint64_t start = (uint64_t)slow_number(data, size, 4, 4, big);
    exif_directory(data, size, start, edit, first);
    if (first[0])
        exif_directory(data, size, first[0], edit, inner);
    if (first[1])
        exif_directory(data, size, first[1], edit, first);
    if (inner[2])
        exif_directory(data, size, inner[2], edit, first);
}

/* Returns the size; what is written is well-formed, says what it was told to say, and
 * written once more is the same. */
static inline size_t
exif_check_edit(const uint8_t *data, size_t size, const li_exif_edit *edit)
{
    size_t room = size + LI_EXIF_ROOM;
    uint8_t *made = malloc(room), *again = malloc(room + LI_EXIF_ROOM);
    size_t written = li_exif_rewrite(data, size, edit, made, room);
    exif_must(written <= room, "more than its room", data, size);
    if (written) {
        exif_well_formed(made, written, edit);
        exif_must(slow_orientation(made, written) == edit->orientation,
                  "another orientation", data, size);
        li_density density = li_exif_density(made, written);
        exif_must(!(edit->density.x > 0) || density.x >= 0, "no density", data, size);
        size_t second =
            li_exif_rewrite(made, written, edit, again, written + LI_EXIF_ROOM);
        exif_must(second == written && memcmp(made, again, written) == 0,
                  "another one the second time", data, size);
        memcpy(again, made, written); /* turned twice is not turned */
        li_exif_transpose(again, written);
        li_exif_transpose(again, written);
        exif_must(memcmp(made, again, written) == 0, "turned", data, size);
        uint8_t *tight = malloc(written);
        exif_must(li_exif_rewrite(data, size, edit, tight, written) == written,
                  "not into just its size", data, size);
        exif_must(li_exif_rewrite(data, size, edit, tight, written - 1) == 0,
                  "into less than its size", data, size);
        free(tight);
    }
    free(made);
    free(again);
    return written;
}

static inline void
exif_check_edits(const uint8_t *data, size_t size)
{
    const li_exif_edit upright = {.orientation = 1, .drop_gps = true};
    const li_exif_edit turned = {.orientation = 6, .width = 70000, .height = 5};
    const li_exif_edit coloured = {
        .orientation = 1, .drop_gps = true, .recoloured = true};
    const li_exif_edit dense = {.orientation = 1, .density = {72.5, 300}};
    (void)exif_check_edit(data, size, &upright);
    (void)exif_check_edit(data, size, &turned);
    (void)exif_check_edit(data, size, &dense);
    (void)exif_check_edit(data, size, &coloured);
}

/* Any bytes; returns the orientation. */
static inline uint8_t
exif_check(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 6); /* of exactly its size, then with the prefix */
    uint8_t *tight = calloc(size ? size : 1, 1);
    memcpy(copy, "Exif\0\0", 6);
    if (size) {
        memcpy(copy + 6, data, size);
        memcpy(tight, data, size);
    }
    uint8_t told = li_exif_orientation(tight, size);
    exif_must(told >= 1 && told <= 8, "no orientation", data, size);
    exif_must(told == slow_orientation(tight, size), "not the slow reader's", data,
              size);
    bool prefixed = size >= 6 && memcmp(data, copy, 6) == 0;
    exif_must(prefixed || li_exif_orientation(copy, size + 6) == told,
              "not the same with its prefix", data, size);
    for (size_t cut = size; cut > 0 && cut + 40 > size; cut--) {
        uint8_t *shorter = malloc(cut);
        memcpy(shorter, data, cut);
        uint8_t of_less = li_exif_orientation(shorter, cut);
        exif_must(of_less == told || of_less == 1, "of less, another", data, size);
        free(shorter);
    }
    exif_check_files(tight, size);
    exif_check_edits(tight, size);
    free(tight);
    free(copy);
    return told;
}

#endif
