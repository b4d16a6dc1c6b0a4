/* groups.c: how many groups of codes a lossless stream has (RFC 9649, 3). libwebp makes
 * tables of 21 KB for each before its first pixel. Layer 2.
 *
 * The groups are numbered by the samples of a picture, behind the pictures of the
 * transforms. All these are read over, without keeping one: a match or a place in the
 * cache repeats a sample that was there, so only literals can raise the highest. */
#include "codecs/webp/webp.h"

#include <string.h>

enum {
    LONGEST_CODE = 15,
    HEADER_CODES = 19,
    LITERALS = 256,
    LENGTHS = 24,
    DISTANCES = 40,
    MOST_CACHE = 11, /* bits */
    GREENS = LITERALS + LENGTHS + (1 << MOST_CACHE),
    CODES = 5,
    PIECE = 4096, /* bytes asked of the source at a time */
    POLL = 4096,
};

/* Bits, the first lowest. */
typedef struct stream {
    li_ctx *ctx;   /* borrowed, like the source */
    li_source *in; /* no pointer into it is kept for longer than a call */
    uint64_t at, end;
    const uint8_t *data; /* valid until the source is asked again */
    size_t left;
    uint32_t held;
    uint64_t word;
    bool bad; /* it ends, or says what cannot be */
} stream;

/* Counts of each length, and the symbols in the order of their words. */
typedef struct code {
    uint16_t counts[LONGEST_CODE + 1];
    uint16_t symbols[GREENS];
    uint16_t only; /* a symbol alone takes no bits */
    bool single;
} code;

/* --- bits ------------------------------------------------------------------------- */

static void
stream_fill(stream *from)
{
    if (from->left == 0) {
        uint64_t more = from->end - from->at;
        size_t got = 0, want = more < PIECE ? (size_t)more : PIECE;
        if (want == 0 ||
            li_source_at(from->in, from->at, want, &from->data, &got) != LI_OK ||
            got == 0) {
            from->bad = true;
            return;
        }
        from->left = got < want ? got : want;
        from->at += from->left;
    }
    from->word |= (uint64_t)*from->data++ << from->held;
    from->held += 8;
    from->left--;
}

/* Bits that have been taken. */
static uint64_t
stream_place(const stream *from)
{
    return 8 * (from->at - from->left) - from->held;
}

static uint32_t
take(stream *from, uint32_t count)
{
    while (from->held < count && !from->bad)
        stream_fill(from);
    if (from->bad)
        return 0;
    uint32_t bits = (uint32_t)(from->word & ((1u << count) - 1));
    from->word >>= count;
    from->held -= count;
    return bits;
}

static uint32_t
take_symbol(stream *from, const code *by)
{
    uint32_t word = 0, first = 0, index = 0;
    if (by->single)
        return by->only;
    for (int length = 1; length <= LONGEST_CODE && !from->bad; length++) {
        word |= take(from, 1);
        uint32_t count = by->counts[length];
        if (word - first < count)
            return by->symbols[index + (word - first)];
        index += count;
        first = (first + count) << 1;
        word <<= 1;
    }
    from->bad = true;
    return 0;
}

/* --- codes ------------------------------------------------------------------------ */

static void
code_make(stream *from, const uint8_t *lengths, uint32_t n, code *to)
{
    uint32_t next[LONGEST_CODE + 2] = {0}, used = 0;
    int32_t room = 1;
    memset(to->counts, 0, sizeof(to->counts));
    for (uint32_t i = 0; i < n; i++) {
        to->counts[lengths[i]]++;
        used += lengths[i] > 0;
        if (lengths[i])
            to->only = (uint16_t)i;
    }
    to->counts[0] = 0;
    to->single = used == 1;
    for (int length = 1; length <= LONGEST_CODE; length++) {
        room = 2 * room - to->counts[length];
        next[length + 1] = next[length] + to->counts[length];
        if (room < 0)
            break;
    }
    from->bad |= used == 0 || (used > 1 && room != 0);
    for (uint32_t i = 0; i < n && !from->bad; i++)
        if (lengths[i])
            to->symbols[next[lengths[i]]++] = (uint16_t)i;
}

static void
take_simple(stream *from, uint32_t n, uint8_t *lengths)
{
    uint32_t two = take(from, 1), wide = take(from, 1);
    uint32_t first = take(from, wide ? 8 : 1), second = two ? take(from, 8) : first;
    from->bad |= first >= n || second >= n;
    if (!from->bad)
        lengths[first] = lengths[second] = 1;
}

/* The lengths of a code, themselves coded. */
static void
take_lengths(stream *from, const code *by, uint32_t n, uint8_t *lengths)
{
    uint32_t told = n, last = 8;
    if (take(from, 1)) {
        uint32_t wide = 2 + 2 * take(from, 3);
        told = 2 + take(from, wide);
    }
    from->bad |= told > n;
    for (uint32_t i = 0; i < n && told > 0 && !from->bad; told--) {
        uint32_t symbol = take_symbol(from, by), run = 1, length = symbol;
        if (symbol == 16)
            run = 3 + take(from, 2);
        else if (symbol > 16)
            run = symbol == 17 ? 3 + take(from, 3) : 11 + take(from, 7);
        if (symbol >= 16)
            length = symbol == 16 ? last : 0;
        else if (symbol)
            last = symbol;
        from->bad |= run > n - i;
        for (; run > 0 && !from->bad; run--)
            lengths[i++] = (uint8_t)length;
    }
}

static void
take_code(stream *from, uint32_t n, code *to)
{
    static const uint8_t order[HEADER_CODES] = {17, 18, 0, 1,  2,  3,  4,  5,  16, 6,
                                                7,  8,  9, 10, 11, 12, 13, 14, 15};
    uint8_t lengths[GREENS] = {0}, own[HEADER_CODES] = {0};
    if (take(from, 1)) {
        take_simple(from, n, lengths);
    } else {
        uint32_t told = 4 + take(from, 4);
        for (uint32_t i = 0; i < told && i < HEADER_CODES; i++)
            own[order[i]] = (uint8_t)take(from, 3);
        code_make(from, own, HEADER_CODES, to);
        take_lengths(from, to, n, lengths);
    }
    code_make(from, lengths, n, to);
}

/* --- pictures --------------------------------------------------------------------- */

/* Bits of the cache of colors; 0: none. */
static uint32_t
take_cache(stream *from)
{
    if (!take(from, 1))
        return 0;
    uint32_t bits = take(from, 4);
    from->bad |= bits == 0 || bits > MOST_CACHE;
    return from->bad ? 0 : bits;
}

static uint64_t
take_number(stream *from, uint32_t prefix)
{
    if (prefix < 4)
        return prefix + 1;
    uint32_t extra = (prefix - 2) >> 1;
    return ((uint64_t)(2 + (prefix & 1)) << extra) + take(from, extra) + 1;
}

/* One sample, or a match of several; gives how many. */
static uint64_t
take_samples(stream *from, const code codes[CODES], uint32_t *highest)
{
    uint32_t green = take_symbol(from, &codes[0]);
    if (green >= LITERALS + LENGTHS)
        return 1;
    if (green >= LITERALS) {
        uint64_t length = take_number(from, green - LITERALS);
        take_number(from, take_symbol(from, &codes[4]));
        return length;
    }
    uint32_t number = take_symbol(from, &codes[1]) << 8 | green;
    take_symbol(from, &codes[2]);
    take_symbol(from, &codes[3]);
    *highest = number > *highest ? number : *highest;
    return 1;
}

/* Read over a picture with one group of codes; the highest of red and green together.
 */
static li_status
take_picture(stream *from, uint64_t samples, uint32_t *highest)
{
    code codes[CODES];
    uint32_t cache = take_cache(from), due = POLL;
    *highest = 0;
    for (int i = 0; i < CODES && !from->bad; i++)
        take_code(from,
                  i == 4  ? DISTANCES
                  : i > 0 ? LITERALS
                          : LITERALS + LENGTHS + (cache ? 1u << cache : 0),
                  &codes[i]);
    for (uint64_t done = 0; done < samples && !from->bad;) {
        uint64_t before = stream_place(from);
        done += take_samples(from, codes, highest);
        if (stream_place(from) == before)
            break; /* codes without bits: all that follow are the same */
        if (--due > 0)
            continue;
        due = POLL;
        LI_TRY(li_poll(from->ctx));
    }
    return LI_OK;
}

static uint64_t
tiles_of(uint32_t width, uint32_t height, uint32_t bits)
{
    uint64_t side = 1u << bits;
    return ((width + side - 1) / side) * ((height + side - 1) / side);
}

/* Read over the transforms; bundles of samples make the picture narrower. */
static li_status
take_transforms(stream *from, uint32_t *width, uint32_t height)
{
    enum { SUBTRACT_GREEN = 2, COLOR_INDEXING = 3 };
    uint32_t seen = 0, highest;
    while (!from->bad && take(from, 1)) {
        uint32_t type = take(from, 2);
        from->bad |= (seen >> type & 1) != 0;
        seen |= 1u << type;
        if (type == COLOR_INDEXING) {
            uint32_t colors = 1 + take(from, 8);
            uint32_t bits = colors > 16 ? 0 : colors > 4 ? 1 : colors > 2 ? 2 : 3;
            LI_TRY(take_picture(from, colors, &highest));
            *width = (*width + (1u << bits) - 1) >> bits;
        } else if (type != SUBTRACT_GREEN) {
            uint32_t bits = 2 + take(from, 3);
            LI_TRY(take_picture(from, tiles_of(*width, height, bits), &highest));
        }
    }
    return LI_OK;
}

li_status
li_webp_count_groups(li_ctx *ctx, li_source *in, li_webp_frame *frame)
{
    stream from = {.ctx = ctx,
                   .in = in,
                   .at = frame->stream_at,
                   .end = frame->stream_at + frame->stream_size};
    uint32_t width = frame->width, highest = 0;
    if (frame->stream_size == 0)
        return LI_OK;
    LI_TRY(take_transforms(&from, &width, frame->height));
    take_cache(&from);
    if (take(&from, 1)) {
        uint32_t bits = 2 + take(&from, 3);
        LI_TRY(take_picture(&from, tiles_of(width, frame->height, bits), &highest));
    }
    if (!from.bad)
        frame->groups = highest + 1;
    return ctx->status;
}
