/* skim_bits.h: bits from a buffer without stuffing, most significant first. Refilled
 * without a branch (Fabian Giesen's way): 56 are there after it. Layer 2. */
#ifndef LI_CODECS_JPEG_SKIM_BITS_H
#define LI_CODECS_JPEG_SKIM_BITS_H

#include "codecs/jpeg/skim.h"

enum {
    /* Read at once. It stays in the second cache. */
    LI_SKIM_BUFFER = 32 << 10,
    /* The most bytes of an MCU: of 6 blocks, each at most 64 symbols of a 16-bit code
     * and 15 bits more (1488), or of one block of a refining scan, whose 63 correction
     * bits come on top; and what refilling reads ahead. */
    LI_SKIM_MOST = 2048,
};

static inline uint64_t
li_skim_load(const uint8_t *p)
{
    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | p[7];
}

static inline void
li_skim_refill(li_skim_bits *bits)
{
    bits->word |= li_skim_load(bits->next) >> bits->count;
    bits->next += (63 - bits->count) >> 3;
    bits->count |= 56;
}

static inline uint32_t
li_skim_look(const li_skim_bits *bits)
{
    return (uint32_t)(bits->word >> (64 - LI_SKIM_LOOK));
}

static inline void
li_skim_drop(li_skim_bits *bits, uint32_t count)
{
    bits->word <<= count;
    bits->count -= count;
}

/* 0 to 16 bits. */
static inline uint32_t
li_skim_take(li_skim_bits *bits, uint32_t count)
{
    uint32_t value = (uint32_t)(bits->word >> 1 >> (63 - count));
    li_skim_drop(bits, count);
    return value;
}

/* A number of `size` bits, as JPEG writes it: the lower half is negative. */
static inline int32_t
li_skim_value(uint32_t raw, uint32_t size)
{
    uint32_t upper = raw << 1 >> size; /* 0 or 1; without a branch */
    return (int32_t)raw - (int32_t)(((1u << size) - 1) & (upper - 1));
}

/* The next symbol, whose bits (at most 16) are there; false: no such code. */
static inline bool
li_skim_symbol(li_skim_bits *bits, const li_skim_symbols *code, uint32_t *symbol)
{
    uint32_t entry = code->look[li_skim_look(bits)];
    if (entry) {
        li_skim_drop(bits, entry >> 8);
        *symbol = entry & 255;
        return true;
    }
    uint32_t peek = (uint32_t)(bits->word >> 48), length = LI_SKIM_LOOK + 1;
    while (length <= 16 && peek >= code->limit[length])
        length++;
    if (length > 16)
        return false;
    *symbol = code->symbols[(int32_t)(peek >> (16 - length)) + code->offset[length]];
    li_skim_drop(bits, length);
    return true;
}

/* Does the buffer hold one more MCU, or the last bytes of its segment? */
static inline bool
li_skim_has_mcu(const li_skim_input *input)
{
    return input->end - input->bits.next >= LI_SKIM_MOST || input->marker ||
           input->ended;
}

/* Has more been read than there is? Zeros follow a closed buffer. */
static inline bool
li_skim_overran(const li_skim_input *input)
{
    const li_skim_bits *bits = &input->bits;
    return bits->next > input->end &&
           8 * (bits->next - input->end) > (ptrdiff_t)bits->count;
}

li_status li_skim_input_open(li_skim_input *input, li_ctx *ctx,
                             li_source *in) LI_MUST_CHECK;
void li_skim_input_close(li_skim_input *input);
/* Begin to read entropy-coded data at `at`. */
void li_skim_begin(li_skim_input *input);
/* Put more behind what is left of the buffer, which is not closed. */
li_status li_skim_fill(li_skim_input *input) LI_MUST_CHECK;
/* Behind the data or a segment: the next marker, 0 at the end of the file. Bytes that
 * are in the way are warned of. */
li_status li_skim_marker(li_skim_input *input, uint8_t *marker) LI_MUST_CHECK;
/* Pass over the rest of a scan without looking at it. */
li_status li_skim_pass_scan(li_skim_input *input) LI_MUST_CHECK;
/* A segment's body at `at`, which goes behind it. *data is valid until the next call;
 * NULL for one whose bytes are not wanted. */
li_status li_skim_segment(li_skim_input *input, const uint8_t **data,
                          uint32_t *size) LI_MUST_CHECK;

#endif
