/* mutate_avif.h: changes of an AVIF that keep its boxes in form: the sizes of the boxes
 * around a change are mended, and so are the offsets in iloc that lie behind it. */
#ifndef LI_TESTS_FUZZ_MUTATE_AVIF_H
#define LI_TESTS_FUZZ_MUTATE_AVIF_H

#include "pieces.h"

enum { MOST_BOXES = 128, MOST_DEPTH = 8 };

typedef struct box {
    size_t at, size; /* of the whole box */
    int up;          /* the box around it, −1: the file */
} box;

typedef struct boxes {
    box list[MOST_BOXES];
    int count;
} boxes;

/* Where the first box in a box of this type begins, 0: it holds none. */
static inline size_t
box_inside(const uint8_t *type)
{
    static const struct {
        char type[5];
        size_t skip;
    } holds[] = {{"meta", 12}, {"iprp", 8}, {"ipco", 8}, {"iinf", 14}, {"iref", 12},
                 {"moov", 8},  {"trak", 8}, {"mdia", 8}, {"minf", 8},  {"stbl", 8},
                 {"stsd", 16}, {"dinf", 8}, {"edts", 8}, {"tref", 8}};
    for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++)
        if (memcmp(type, holds[i].type, 4) == 0)
            return holds[i].skip;
    return 0;
}

static inline void
boxes_find(boxes *found, const uint8_t *data, size_t at, size_t end, int up, int depth)
{
    while (end - at >= 8 && found->count < MOST_BOXES) {
        size_t size = get_be32(data + at);
        if (size < 8 || size > end - at)
            size = end - at;
        int here = found->count++;
        found->list[here] = (box){at, size, up};
        size_t inside = box_inside(data + at + 4);
        if (inside && inside <= size && depth < MOST_DEPTH)
            boxes_find(found, data, at + inside, at + size, here, depth + 1);
        at += size;
    }
}

/* What reached behind `from` begins `by` bytes later. Version 0 to 2, of offsets with
 * four bytes alone, as encoders write them. */
static inline void
iloc_mend(uint8_t *body, size_t size, size_t from, int64_t by)
{
    if (size < 8 || body[4] != 0x44 || body[0] > 2)
        return;
    size_t base = body[5] >> 4, index = body[0] ? body[5] & 15u : 0;
    size_t wide = body[0] == 2 ? 4 : 2, at = 6 + wide;
    size_t head = wide + (body[0] ? 2 : 0) + 2 + base;
    while (at + head + 2 <= size) {
        size_t extents = (size_t)body[at + head] << 8 | body[at + head + 1];
        at += head + 2;
        for (; extents > 0 && at + index + 8 <= size; extents--, at += index + 8) {
            uint32_t offset = get_be32(body + at + index);
            if (offset >= from)
                put_be32(body + at + index, (uint32_t)(offset + by));
        }
        if (extents > 0)
            return;
    }
}

/* Bytes [at, at + cut) of the input become `put`; what stands around is mended. */
static inline size_t
boxes_splice(uint8_t *data, size_t size, size_t most, int which, size_t at, size_t cut,
             const uint8_t *put, size_t put_size)
{
    boxes found = {0};
    boxes_find(&found, data, 0, size, -1, 0);
    if (size - cut + put_size > most)
        return size;
    int64_t by = (int64_t)put_size - (int64_t)cut;
    for (int i = which; i >= 0; i = found.list[i].up)
        put_be32(data + found.list[i].at, (uint32_t)((int64_t)found.list[i].size + by));
    for (int i = 0; by && i < found.count; i++) {
        box *here = &found.list[i];
        bool whole = here->at >= at + cut || here->at + here->size <= at;
        if (whole && here->size > 8 && memcmp(data + here->at + 4, "iloc", 4) == 0)
            iloc_mend(data + here->at + 8, here->size - 8, at + cut, by);
    }
    memmove(data + at + put_size, data + at + cut, size - at - cut);
    memcpy(data + at, put, put_size);
    return size - cut + put_size;
}

/* Without a length, so that every offset stays right. */
static inline void
avif_change_inside(uint8_t *body, size_t size)
{
    uint8_t *changed = malloc(size + 1);
    memcpy(changed, body, size);
    size_t now = LLVMFuzzerMutate(changed, size, size);
    memcpy(body, changed, now < size ? now : size);
    free(changed);
}

static inline size_t
avif_change(uint8_t *data, size_t size, size_t most, const boxes *found,
            uint32_t *random)
{
    int which = (int)(next_random(random) % (uint32_t)found->count);
    box here = found->list[which];
    uint8_t *copy = malloc(here.size + 16);
    memcpy(copy, data + here.at, here.size);
    uint32_t how = next_random(random) % 16;
    if (how == 0) { /* once more */
        size = boxes_splice(data, size, most, here.up, here.at, 0, copy, here.size);
    } else if (how == 1) { /* not at all */
        size = boxes_splice(data, size, most, here.up, here.at, here.size, copy, 0);
    } else if (how == 2) { /* another type */
        const box *other = &found->list[next_random(random) % (uint32_t)found->count];
        memcpy(data + here.at + 4, data + other->at + 4, 4);
    } else if (how <= 6 && here.size > 8) { /* longer or shorter */
        size_t now = LLVMFuzzerMutate(copy + 8, here.size - 8, here.size + 8);
        size = boxes_splice(data, size, most, which, here.at + 8, here.size - 8,
                            copy + 8, now);
    } else if (here.size > 8) {
        avif_change_inside(data + here.at + 8, here.size - 8);
    }
    free(copy);
    return size;
}

static inline size_t
mutate_avif(uint8_t *data, size_t size, size_t most, uint32_t *random)
{
    boxes found = {0};
    boxes_find(&found, data, 0, size, -1, 0);
    if (found.count == 0 || next_random(random) % 32 == 0)
        return LLVMFuzzerMutate(data, size, most);
    return avif_change(data, size, most, &found, random);
}

#endif
