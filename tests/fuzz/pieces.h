/* pieces.h: a file as a list of named pieces, and the changes that a structure-aware
 * mutator makes to any such list. A format says how pieces are read and written. */
#ifndef LI_TESTS_FUZZ_PIECES_H
#define LI_TESTS_FUZZ_PIECES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_PIECES = 64 };

typedef struct piece {
    uint8_t type[4];
    const uint8_t *body; /* borrowed from the input, or `made` */
    size_t size;
} piece;

typedef struct pieces {
    piece list[MOST_PIECES];
    int count;
    uint8_t *made; /* owned: one body that was changed */
} pieces;

static inline uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static inline void
put_be32(uint8_t *into, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        into[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline uint32_t
get_be32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 |
           from[3];
}

/* The body as the fuzzer's own, with room for `more` bytes. */
static inline uint8_t *
own_body(pieces *file, piece *which, size_t more)
{
    file->made = malloc(which->size + more + 1);
    if (which->size)
        memcpy(file->made, which->body, which->size);
    which->body = file->made;
    return file->made;
}

static inline void
change_body(pieces *file, piece *which)
{
    size_t most = which->size + 16;
    uint8_t *body = own_body(file, which, 16);
    which->size = LLVMFuzzerMutate(body, which->size, most);
}

static inline void
insert_piece(pieces *file, int at, piece made)
{
    if (file->count == MOST_PIECES)
        return;
    memmove(file->list + at + 1, file->list + at,
            sizeof(piece) * (size_t)(file->count - at));
    file->list[at] = made;
    file->count++;
}

/* Cut one in two, repeat it, swap it with another, take a part of it for another type
 * (of `types`), or leave it out. */
static inline void
change_order(pieces *file, int at, const char *const *types, uint32_t type_count,
             uint32_t *random)
{
    piece here = file->list[at];
    int other = (int)(next_random(random) % (uint32_t)file->count);
    switch (next_random(random) % 5) {
    case 0:
        file->list[at].size = here.size ? next_random(random) % here.size : 0;
        here.body += file->list[at].size;
        here.size -= file->list[at].size;
        insert_piece(file, at + 1, here);
        break;
    case 1:
        insert_piece(file, other, here);
        break;
    case 2:
        file->list[at] = file->list[other];
        file->list[other] = here;
        break;
    case 3:
        memcpy(here.type, types[next_random(random) % type_count], 4);
        here.size = here.size < 30 ? here.size : next_random(random) % 30;
        insert_piece(file, other, here);
        break;
    default:
        memmove(file->list + at, file->list + at + 1,
                sizeof(piece) * (size_t)(file->count - at - 1));
        file->count--;
    }
}

typedef size_t (*mutator)(uint8_t *data, size_t size, size_t most, uint32_t *random);

enum { MOST_TAIL = 32 };

/* Of an input that is a file and `tail` bytes behind it that choose what is done with
 * it: one time in `turns` some of these are changed, else the file. */
static inline size_t
mutate_before_tail(uint8_t *data, size_t size, size_t most, size_t tail, uint32_t turns,
                   mutator mutate, uint32_t *random)
{
    uint8_t chosen[MOST_TAIL] = {0};
    if (most <= tail)
        return LLVMFuzzerMutate(data, size, most);
    if (size >= tail) {
        size -= tail;
        memcpy(chosen, data + size, tail);
    }
    if (next_random(random) % turns == 0)
        for (uint32_t i = next_random(random) % 4; i < 4; i++)
            chosen[next_random(random) % tail] = (uint8_t)next_random(random);
    else
        size = mutate(data, size, most - tail, random);
    memcpy(data + size, chosen, tail);
    return size + tail;
}

#endif
