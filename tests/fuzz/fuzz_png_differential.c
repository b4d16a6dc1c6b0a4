/* fuzz_png_differential.c: libFuzzer over all PNG readers at once: the same samples, or
 * each an error. The mutator knows chunks: it mends their CRCs, and changes the pixels
 * both below and above deflate. `make fuzz T=png_differential S=600`. */
#include "codecs/png_differential.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_CHUNKS = 64, MOST_RAW = 1 << 18 };

typedef struct chunk {
    uint8_t type[4];
    const uint8_t *body; /* borrowed from the input, or `made` */
    size_t size;
} chunk;

typedef struct file {
    chunk chunks[MOST_CHUNKS];
    int count;
    uint8_t *made; /* owned: one body that was changed */
} file;

static uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void
file_parse(file *parsed, const uint8_t *data, size_t size)
{
    for (size_t at = 8; at + 8 <= size && parsed->count < MOST_CHUNKS;) {
        chunk *next = &parsed->chunks[parsed->count++];
        size_t said = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                      (size_t)data[at + 2] << 8 | data[at + 3];
        memcpy(next->type, data + at + 4, 4);
        next->body = data + at + 8;
        next->size = said < size - at - 8 ? said : size - at - 8;
        at += next->size + 12;
    }
}

static void
put_be32(uint8_t *into, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        into[i] = (uint8_t)(value >> (24 - 8 * i));
}

static size_t
file_write(const file *parsed, uint8_t *into, size_t most, uint32_t *random)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    size_t at = 8;
    if (most < 8)
        return 0;
    memcpy(into, signature, 8);
    for (int i = 0; i < parsed->count; i++) {
        const chunk *next = &parsed->chunks[i];
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

/* --- changes ---------------------------------------------------------------------- */

static void
change_body(file *parsed, chunk *which)
{
    size_t most = which->size + 16;
    parsed->made = malloc(most);
    memcpy(parsed->made, which->body, which->size);
    which->size = LLVMFuzzerMutate(parsed->made, which->size, most);
    which->body = parsed->made;
}

static void
change_header(file *parsed, chunk *header, uint32_t *random)
{
    static const uint8_t depths[] = {1, 2, 4, 8, 8, 16}, colours[] = {0, 2, 3, 4, 6};
    if (header->size != 13)
        return;
    parsed->made = malloc(13);
    memcpy(parsed->made, header->body, 13);
    switch (next_random(random) % 4) {
    case 0:
        put_be32(parsed->made, 1 + next_random(random) % 90);
        break;
    case 1:
        put_be32(parsed->made + 4, 1 + next_random(random) % 40);
        break;
    case 2:
        parsed->made[8] = depths[next_random(random) % 6];
        break;
    default:
        parsed->made[9] = colours[next_random(random) % 5];
    }
    header->body = parsed->made;
}

/* Inflate, change the rows, deflate by some level and strategy. */
static void
change_pixels(file *parsed, chunk *data, uint32_t *random)
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
    parsed->made = malloc(most);
    if (deflateInit2(&stream, (int)(next_random(random) % 10), Z_DEFLATED,
                     9 + (int)(next_random(random) % 7), 8,
                     (int)(next_random(random) % 5)) != Z_OK)
        abort();
    stream.next_in = raw;
    stream.avail_in = (uInt)changed;
    stream.next_out = parsed->made;
    stream.avail_out = (uInt)most;
    deflate(&stream, Z_FINISH);
    data->size = most - stream.avail_out;
    data->body = parsed->made;
    deflateEnd(&stream);
    free(raw);
}

static void
insert_chunk(file *parsed, int at, chunk made)
{
    if (parsed->count == MOST_CHUNKS)
        return;
    memmove(parsed->chunks + at + 1, parsed->chunks + at,
            sizeof(chunk) * (size_t)(parsed->count - at));
    parsed->chunks[at] = made;
    parsed->count++;
}

static void
change_order(file *parsed, int at, uint32_t *random)
{
    static const char *const types[] = {"tRNS", "PLTE", "IDAT", "tEXt",
                                        "IEND", "prVt", "CRIT", "IHDR"};
    chunk here = parsed->chunks[at];
    int other = (int)(next_random(random) % (uint32_t)parsed->count);
    switch (next_random(random) % 5) {
    case 0: /* cut in two */
        parsed->chunks[at].size = here.size ? next_random(random) % here.size : 0;
        here.body += parsed->chunks[at].size;
        here.size -= parsed->chunks[at].size;
        insert_chunk(parsed, at + 1, here);
        break;
    case 1:
        insert_chunk(parsed, other, here);
        break;
    case 2:
        parsed->chunks[at] = parsed->chunks[other];
        parsed->chunks[other] = here;
        break;
    case 3:
        memcpy(here.type, types[next_random(random) % 8], 4);
        here.size = here.size < 30 ? here.size : next_random(random) % 30;
        insert_chunk(parsed, other, here);
        break;
    default:
        memmove(parsed->chunks + at, parsed->chunks + at + 1,
                sizeof(chunk) * (size_t)(parsed->count - at - 1));
        parsed->count--;
    }
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint32_t random = seed;
    file parsed = {0};
    uint8_t *out = malloc(most + 1);
    file_parse(&parsed, data, size);
    if (parsed.count == 0 || next_random(&random) % 32 == 0) {
        free(out);
        return LLVMFuzzerMutate(data, size, most);
    }
    int at = (int)(next_random(&random) % (uint32_t)parsed.count);
    for (int i = 0; i < parsed.count && next_random(&random) % 4; i++)
        if (memcmp(parsed.chunks[i].type, "IDAT", 4) == 0)
            at = i;
    chunk *chosen = &parsed.chunks[at];
    uint32_t how = next_random(&random) % 8;
    if (how == 0)
        change_header(&parsed, &parsed.chunks[0], &random);
    else if (how <= 2)
        change_order(&parsed, at, &random);
    else if (how <= 4 && memcmp(chosen->type, "IDAT", 4) == 0)
        change_pixels(&parsed, chosen, &random);
    else
        change_body(&parsed, chosen);
    size = file_write(&parsed, out, most, &random);
    memcpy(data, out, size);
    free(out);
    free(parsed.made);
    return size;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)differential_check(data, size);
    return 0;
}
