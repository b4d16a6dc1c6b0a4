/* sequence.c: the colours that an AV1 stream says in its sequence header, for files
 * that have no nclx. The fields are those of AV1's specification, 5.5. Layer 2. */
#include "codecs/avif/avif.h"

/* --- bits, from the highest of a byte down ---------------------------------------- */

typedef struct av1_bits {
    const uint8_t *data; /* borrowed */
    size_t at, end;      /* bits; at > end: there were no more, and 0 was read */
} av1_bits;

static uint32_t
read_bits(av1_bits *bits, uint32_t count)
{
    uint32_t value = 0;
    for (; count > 0; count--, bits->at++) {
        bool there = bits->at < bits->end;
        uint32_t bit = there ? bits->data[bits->at / 8] >> (7 - bits->at % 8) & 1u : 0;
        value = value << 1 | bit;
    }
    return value;
}

static bool
read_flag(av1_bits *bits)
{
    return read_bits(bits, 1) != 0;
}

static void
skip_bits(av1_bits *bits, uint32_t count)
{
    bits->at += count;
}

/* uvlc(): as many bits as there were zeros before a one. */
static void
skip_uvlc(av1_bits *bits)
{
    uint32_t zeros = 0;
    while (bits->at < bits->end && !read_flag(bits))
        zeros++;
    skip_bits(bits, zeros < 32 ? zeros : 0);
}

/* --- the header ------------------------------------------------------------------- */

enum { TICK = 32 }; /* bits of a time */

/* Returns the bits of a buffer's delay; 0: there is no model of the decoder. */
static uint32_t
pass_timing(av1_bits *bits)
{
    if (!read_flag(bits)) /* timing_info_present_flag */
        return 0;
    skip_bits(bits, 2 * TICK);
    if (read_flag(bits)) /* equal_picture_interval */
        skip_uvlc(bits);
    if (!read_flag(bits)) /* decoder_model_info_present_flag */
        return 0;
    uint32_t delay = read_bits(bits, 5) + 1;
    skip_bits(bits, TICK + 5 + 5);
    return delay;
}

static void
pass_operating_points(av1_bits *bits)
{
    uint32_t delay = pass_timing(bits);
    bool display = read_flag(bits); /* initial_display_delay_present_flag */
    uint32_t points = read_bits(bits, 5) + 1;
    for (; points > 0; points--) {
        skip_bits(bits, 12); /* operating_point_idc */
        if (read_bits(bits, 5) > 7)
            skip_bits(bits, 1); /* seq_tier */
        if (delay && read_flag(bits))
            skip_bits(bits, 2 * delay + 1);
        if (display && read_flag(bits))
            skip_bits(bits, 4);
    }
}

static void
pass_size(av1_bits *bits, bool reduced)
{
    uint32_t width = read_bits(bits, 4) + 1, height = read_bits(bits, 4) + 1;
    skip_bits(bits, width + height);
    if (!reduced && read_flag(bits)) /* frame_id_numbers_present_flag */
        skip_bits(bits, 4 + 3);
}

static void
pass_tools(av1_bits *bits, bool reduced)
{
    skip_bits(bits, 3); /* of blocks and intra */
    if (reduced)
        return;
    skip_bits(bits, 4);               /* of inter */
    bool ordered = read_flag(bits);   /* enable_order_hint */
    skip_bits(bits, ordered ? 2 : 0); /* what goes by it */
    bool choose = read_flag(bits);    /* seq_choose_screen_content_tools */
    bool screen = choose || read_flag(bits);
    if (screen && !read_flag(bits)) /* seq_choose_integer_mv */
        skip_bits(bits, 1);
    if (ordered)
        skip_bits(bits, 3); /* order_hint_bits_minus_1 */
}

static li_cicp
read_color_config(av1_bits *bits, uint32_t profile)
{
    bool deep = read_flag(bits);
    if (profile == 2 && deep)
        skip_bits(bits, 1); /* twelve_bit */
    if (profile != 1)
        skip_bits(bits, 1); /* mono_chrome */
    if (!read_flag(bits))   /* color_description_present_flag */
        return (li_cicp){0};
    uint8_t primaries = (uint8_t)read_bits(bits, 8);
    return (li_cicp){.primaries = primaries, .transfer = (uint8_t)read_bits(bits, 8)};
}

static li_cicp
read_sequence_header(av1_bits *bits)
{
    uint32_t profile = read_bits(bits, 3);
    skip_bits(bits, 1);             /* still_picture */
    bool reduced = read_flag(bits); /* reduced_still_picture_header */
    if (reduced)
        skip_bits(bits, 5); /* seq_level_idx */
    else
        pass_operating_points(bits);
    pass_size(bits, reduced);
    pass_tools(bits, reduced);
    skip_bits(bits, 3); /* superres, cdef, restoration */
    li_cicp said = read_color_config(bits, profile);
    return profile <= 2 && bits->at <= bits->end ? said : (li_cicp){0};
}

/* --- the units -------------------------------------------------------------------- */

/* The body of the next OBU; false: there is none, or it is none. */
static bool
next_unit(av1_bits *bits, uint32_t *type, av1_bits *body)
{
    bool forbidden = read_flag(bits);
    *type = read_bits(bits, 4);
    bool extended = read_flag(bits), sized = read_flag(bits);
    skip_bits(bits, extended ? 9 : 1);
    uint64_t size = bits->at < bits->end ? (bits->end - bits->at) / 8 : 0;
    if (sized) { /* leb128() */
        bool more = true;
        size = 0;
        for (uint32_t i = 0; i < 8 && more; i++) {
            more = read_flag(bits);
            size |= (uint64_t)read_bits(bits, 7) << 7 * i;
        }
    }
    if (forbidden || bits->at > bits->end)
        return false;
    size_t left = bits->end - bits->at;
    size_t whole = size < left / 8 ? (size_t)size * 8 : left;
    *body = (av1_bits){bits->data, bits->at, bits->at + whole};
    bits->at += whole;
    return true;
}

li_cicp
li_avif_sequence_cicp(const uint8_t *data, size_t size)
{
    enum { SEQUENCE_HEADER = 1 };
    av1_bits bits = {data, 0, size * 8}, body;
    uint32_t type;
    while (bits.at < bits.end && next_unit(&bits, &type, &body))
        if (type == SEQUENCE_HEADER)
            return read_sequence_header(&body);
    return (li_cicp){0};
}
