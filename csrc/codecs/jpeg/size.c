/* size.c: what a JPEG costs before its first pixel: libjpeg's own allocations, written
 * down as arithmetic. Everything here is pure; a test weighs the library against it.
 * Layer 2. */
#include "codecs/jpeg/effort.h"
#include "codecs/jpeg/skim_bits.h"
#include "kernels/kernels.h"

enum {
    BLOCK_SIDE = 8,
    BLOCK_BYTES = 64 * sizeof(JCOEF),
    /* Sample rows are rounded up to 64 bytes; a large block has a header and room to
     * align (24 + 31 + 32) and the C library's own 16. */
    ROW_ALIGN = 64,
    LARGE_BYTES = 128,
    /* A block of 128 KiB and more comes in whole pages. */
    PAGED_BYTES = 128 << 10,
    PAGE_BYTES = 4096,
    /* Small objects share pools, but a table of more row pointers than this may need
     * one more pool, to which libjpeg adds 5000 bytes. */
    POOLED_BYTES = 1000,
    POOL_BYTES = 5000 + LARGE_BYTES,
    /* Pools: permanent 2 KB, image 16 KB and 5 KB apiece; Huffman tables 8 × 1.5 KB,
     * colour tables 6 KB, blocks of an MCU 1.3 KB. Weighed: 20 to 32 KB. */
    DECODER_BYTES = 44 << 10,
    /* The same with statistics 8 × 2 KB when it optimises. Weighed: 19 to 28 KB. */
    ENCODER_BYTES = 40 << 10,
};

static uint64_t
ceil_div(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

static uint64_t
round_up(uint64_t a, uint64_t to)
{
    return ceil_div(a, to) * to;
}

static uint64_t
blocks_across(const li_jpeg_frame *frame, const li_jpeg_part *part)
{
    return ceil_div((uint64_t)frame->width * part->h, frame->max_h * BLOCK_SIDE);
}

static uint64_t
blocks_down(const li_jpeg_frame *frame, const li_jpeg_part *part)
{
    return ceil_div((uint64_t)frame->height * part->v, frame->max_v * BLOCK_SIDE);
}

/* Bytes of all coefficients of one part, padded to its sampling factors. */
static uint64_t
part_coefficients(const li_jpeg_frame *frame, const li_jpeg_part *part)
{
    return round_up(blocks_across(frame, part), part->h) *
           round_up(blocks_down(frame, part), part->v) * BLOCK_BYTES;
}

static uint64_t
frame_coefficients(const li_jpeg_frame *frame)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < frame->count; i++)
        bytes += part_coefficients(frame, &frame->parts[i]);
    return bytes;
}

uint64_t
li_jpeg_held_bytes(const li_jpeg_frame *frame)
{
    uint64_t bytes = frame_coefficients(frame);
    for (uint32_t i = 0; i < frame->count; i++) {
        const li_jpeg_part *part = &frame->parts[i];
        uint64_t pointers =
            round_up(blocks_down(frame, part), part->v) * sizeof(JBLOCKROW);
        bool paged = part_coefficients(frame, part) >= PAGED_BYTES - LARGE_BYTES;
        bytes += pointers + (pointers > POOLED_BYTES ? POOL_BYTES : 0) + LARGE_BYTES +
                 (paged ? PAGE_BYTES : 0);
    }
    return bytes;
}

/* --- decoding -----------------------------------------------------------------------
 */

/* The side of a part's block after the inverse DCT: libjpeg doubles it as long as that
 * saves an upsampling step. */
static uint32_t
part_side(const li_jpeg_frame *frame, const li_jpeg_part *part, uint32_t scale)
{
    uint32_t side = scale;
    while (side < BLOCK_SIDE && frame->max_h * scale % (part->h * side * 2) == 0 &&
           frame->max_v * scale % (part->v * side * 2) == 0)
        side *= 2;
    return side;
}

/* Smooth upsampling down the picture looks at the rows above and below. */
static bool
needs_context(const li_jpeg_frame *frame, uint32_t scale)
{
    for (uint32_t i = 0; scale > 1 && i < frame->count; i++) {
        const li_jpeg_part *part = &frame->parts[i];
        uint32_t side = part_side(frame, part, scale);
        if (frame->max_v * scale == 2 * part->v * side)
            return true;
    }
    return false;
}

static uint64_t
sample_rows(uint64_t width, uint64_t rows)
{
    uint64_t bytes = round_up(width, ROW_ALIGN) * rows;
    return bytes + bytes / 32 + LARGE_BYTES; /* a 32nd: whole pages */
}

uint64_t
li_jpeg_strip_bytes(const li_jpeg_frame *frame, uint32_t scale)
{
    uint32_t groups = scale + (needs_context(frame, scale) ? 2 : 0);
    uint64_t width = ceil_div((uint64_t)frame->width * scale, BLOCK_SIDE);
    uint64_t bytes = width * frame->count;
    for (uint32_t i = 0; i < frame->count; i++) {
        const li_jpeg_part *part = &frame->parts[i];
        uint32_t side = part_side(frame, part, scale);
        bytes += sample_rows(blocks_across(frame, part) * side,
                             (uint64_t)part->v * side / scale * groups);
        if (part->h * side != frame->max_h * scale ||
            part->v * side != frame->max_v * scale)
            bytes += sample_rows(round_up(width, frame->max_h), frame->max_v);
    }
    return bytes;
}

uint64_t
li_jpeg_work_bytes(const li_jpeg_frame *frame)
{
    return DECODER_BYTES + li_jpeg_strip_bytes(frame, BLOCK_SIDE);
}

/* At scale/8 the strips need at most this many 64ths of those at full size, whatever
 * the sampling: the largest ratio over all 65,536 of four parts (a test tries them). */
static uint64_t
strip_share(uint32_t scale)
{
    static const uint8_t share[] = {0, 6, 20, 35, 43};
    return scale < sizeof(share) ? share[scale] : 64;
}

static uint32_t
hint_scale(li_hint hint)
{
    return hint.shrink ? hint.shrink : BLOCK_SIDE;
}

uint64_t
li_jpeg_decode_charge(const li_header *header, li_hint hint)
{
    uint64_t strips = header->work_bytes - DECODER_BYTES;
    uint64_t share = strip_share(hint_scale(hint));
    return header->held_bytes + DECODER_BYTES + strips * share / 64 + LARGE_BYTES * 8;
}

li_info
li_jpeg_decoded(const li_header *header, li_hint hint)
{
    uint64_t scale = hint_scale(hint);
    return (li_info){
        .width = (uint32_t)ceil_div(header->width * scale, BLOCK_SIDE),
        .height = (uint32_t)ceil_div(header->height * scale, BLOCK_SIDE),
        .pixel = header->pixel,
    };
}

/* The planes that libjpeg's raw data are: chroma comes out of the inverse DCT as large
 * as luma where a shrink lets it. Skimmed it is as small as it is stored. */
bool
li_jpeg_planar(const li_header *header, li_hint hint, li_planar *layout)
{
    uint8_t x = header->chroma_x, y = header->chroma_y;
    uint32_t scale = hint_scale(hint);
    if (!x || !y)
        return false;
    li_jpeg_frame frame = {.max_h = x, .max_v = y};
    li_jpeg_part chroma = {.h = 1, .v = 1};
    uint8_t side =
        (uint8_t)(li_jpeg_skims(header, hint) ? scale
                                              : part_side(&frame, &chroma, scale));
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        li_plane *plane = &layout->plane[p];
        plane->x_num = plane->y_num = p ? side : (uint8_t)scale;
        plane->x_den = (uint8_t)(BLOCK_SIDE * (p ? x : 1));
        plane->y_den = (uint8_t)(BLOCK_SIDE * (p ? y : 1));
        plane->width =
            (uint32_t)ceil_div((uint64_t)header->width * plane->x_num, plane->x_den);
        plane->height =
            (uint32_t)ceil_div((uint64_t)header->height * plane->y_num, plane->y_den);
    }
    layout->studio = false;
    return true;
}

/* A row of a plane as libjpeg reads and writes it: whole blocks. */
size_t
li_jpeg_plane_stride(const li_plane *plane)
{
    return (size_t)round_up(plane->width + BLOCK_SIDE, 2 * BLOCK_SIDE) + LI_ROW_SLACK;
}

uint32_t
li_jpeg_strip_rows(const li_plane *plane)
{
    return 2u * plane->y_num; /* two blocks, one above the other */
}

static uint64_t
strip_buffers(const li_planar *layout, uint32_t rows)
{
    uint64_t bytes = 0;
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        const li_plane *plane = &layout->plane[p];
        bytes += sample_rows(li_jpeg_plane_stride(plane),
                             rows ? rows : li_jpeg_strip_rows(plane));
    }
    return bytes;
}

bool
li_jpeg_skims(const li_header *header, li_hint hint)
{
    return hint.skim && hint.shrink &&
           li_header_skims(header, hint.shrink, hint.planes);
}

size_t
li_skim_row_stride(uint32_t blocks, uint8_t scale)
{
    return (size_t)blocks * scale + LI_ROW_SLACK;
}

uint8_t
li_skim_chroma_scale(const li_header *header, uint8_t scale, bool joined)
{
    return joined && header->chroma_x == 2 && header->chroma_y == 2 ? 2 : scale;
}

/* A block of memory as li_alloc takes it. */
static uint64_t
block_bytes(uint64_t size)
{
    return size + LI_BLOCK_OVERHEAD + (size >= PAGED_BYTES ? PAGE_BYTES : 0);
}

/* Of a sequential picture one row of MCUs is kept, of a progressive one all, with masks
 * at 1/4. Each part may have tables of its own. */
uint64_t
li_skim_bytes(const li_header *header, uint8_t scale, bool joined)
{
    bool gray = header->pixel == LI_GRAY8, all = header->progressive;
    uint64_t h = gray ? 1 : header->chroma_x, v = gray ? 1 : header->chroma_y;
    uint64_t mcus = ceil_div(header->width, BLOCK_SIDE * h);
    uint64_t rows = all ? ceil_div(header->height, BLOCK_SIDE * v) : 1;
    uint64_t bytes = block_bytes(LI_SKIM_BUFFER + LI_SKIM_MOST);
    for (uint32_t p = 0; p < (gray ? 1u : 3u); p++) {
        uint64_t across = mcus * (p ? 1 : h), down = p ? 1 : v;
        uint64_t blocks = across * rows * down;
        uint8_t side = p ? li_skim_chroma_scale(header, scale, joined) : scale;
        bytes += block_bytes(blocks * sizeof(li_skim_block));
        bytes += all && side > 1 ? block_bytes(blocks * sizeof(uint64_t)) : 0;
        bytes +=
            all ? block_bytes(sizeof(li_skim_symbols))
                : block_bytes(sizeof(li_skim_dc)) + block_bytes(sizeof(li_skim_ac));
        bytes += block_bytes(li_skim_row_stride((uint32_t)across, side) * side * down);
    }
    return bytes;
}

uint64_t
li_jpeg_decode_bytes(const li_header *header, li_hint hint)
{
    if (li_jpeg_skims(header, hint))
        return li_skim_bytes(header, hint.shrink, !hint.planes) +
               li_jpeg_skim_reader_bytes() +
               li_row_bytes(li_jpeg_decoded(header, hint)) + LI_ROW_SLACK +
               LI_BLOCK_OVERHEAD;
    uint64_t bytes = li_jpeg_decode_charge(header, hint) + li_jpeg_reader_bytes();
    li_planar layout;
    if (hint.planes && li_jpeg_planar(header, hint, &layout))
        return bytes + strip_buffers(&layout, 0);
    return bytes + li_row_bytes(li_jpeg_decoded(header, hint));
}

/* --- encoding -----------------------------------------------------------------------
 */

/* Above this much memory for coefficients a picture of which no effort is asked is
 * written in one streaming pass. */
enum { HELD_LIMIT_BYTES = 8000000 };

static li_jpeg_frame
frame_of(li_info info, int quality, li_subsampling subsampling)
{
    li_jpeg_frame frame = {.width = info.width, .height = info.height};
    if (subsampling == LI_SUBSAMPLING_AUTO)
        subsampling = quality < 90 ? LI_420 : LI_444;
    bool gray = info.pixel == LI_GRAY8;
    frame.count = gray ? 1 : 3;
    frame.max_h = !gray && subsampling != LI_444 ? 2 : 1;
    frame.max_v = !gray && subsampling == LI_420 ? 2 : 1;
    frame.parts[0] = (li_jpeg_part){.h = frame.max_h, .v = frame.max_v};
    frame.parts[1] = frame.parts[2] = (li_jpeg_part){.h = 1, .v = 1};
    return frame;
}

li_jpeg_choice
li_jpeg_choose(li_info info, const li_encode *encode)
{
    li_jpeg_choice choice = {.quality =
                                 encode->quality ? encode->quality : LI_JPEG_QUALITY};
    choice.frame = frame_of(info, choice.quality, encode->subsampling);
    bool fits = frame_coefficients(&choice.frame) <= HELD_LIMIT_BYTES;
    /* Standard Huffman tables have no codes for progressive scans. */
    bool plain = encode->optimize == 0 && encode->progressive < 1;
    int8_t effort = encode->effort;
    if (effort < 0)
        effort = fits && !plain ? LI_EFFORT_USUAL : 0;
    choice.effort = effort;
    bool scans = effort >= LI_EFFORT_PROGRESSIVE && !plain;
    bool codes = effort >= LI_EFFORT_OPTIMIZE;
    choice.trellis = effort >= LI_EFFORT_TRELLIS;
    choice.tuned = encode->quant_table < 0 ? effort >= LI_EFFORT_PROGRESSIVE
                                           : encode->quant_table == LI_QUANT_TUNED;
    choice.progressive = encode->progressive < 0 ? scans : encode->progressive != 0;
    choice.optimize =
        choice.progressive || (encode->optimize < 0 ? codes : encode->optimize != 0);
    /* libjpeg writes it in a second pass, or we search it. */
    choice.frame.held = choice.optimize || choice.trellis;
    return choice;
}

/* Gray and RGB pictures alike come as rows where they are not Y, Cb and Cr already. */
bool
li_jpeg_takes_planes(li_info info, const li_encode *encode, li_planar *layout)
{
    if (info.pixel != LI_RGB8)
        return false;
    li_jpeg_choice choice = li_jpeg_choose(info, encode);
    *layout =
        li_planar_of(info.width, info.height, choice.frame.max_h, choice.frame.max_v);
    return true;
}

uint64_t
li_jpeg_encode_charge(const li_jpeg_choice *choice, bool planes)
{
    const li_jpeg_frame *frame = &choice->frame;
    uint64_t bytes = ENCODER_BYTES + (frame->held ? li_jpeg_held_bytes(frame) : 0);
    for (uint32_t i = 0; i < frame->count && !planes; i++) {
        const li_jpeg_part *part = &frame->parts[i];
        uint64_t width = blocks_across(frame, part) * BLOCK_SIDE;
        bytes += sample_rows(width, (uint64_t)part->v * BLOCK_SIDE);
        bytes += sample_rows(width * frame->max_h / part->h, frame->max_v);
    }
    return bytes;
}

size_t
li_jpeg_held_stride(const li_jpeg_frame *frame, uint32_t part)
{
    uint64_t mcus = ceil_div(frame->width, (uint64_t)frame->max_h * BLOCK_SIDE);
    return (size_t)mcus * frame->parts[part].h * BLOCK_SIDE;
}

/* The coefficients, a strip of samples, and a row of each channel at full size. */
static uint64_t
trellis_bytes(const li_jpeg_choice *choice)
{
    const li_jpeg_frame *frame = &choice->frame;
    uint64_t row = li_jpeg_held_stride(frame, 0) * sizeof(float);
    uint64_t bytes = li_jpeg_held_writer_bytes() + li_jpeg_encode_charge(choice, true);
    for (uint32_t i = 0; i < frame->count; i++) {
        uint64_t stride = li_jpeg_held_stride(frame, i) * sizeof(float);
        bytes +=
            block_bytes(stride * frame->parts[i].v * BLOCK_SIDE) + block_bytes(row);
    }
    uint64_t across = row / sizeof(float) / BLOCK_SIDE;
    if (choice->effort >= LI_EFFORT_MOST)
        bytes += block_bytes(across * 3 * sizeof(float)) +
                 block_bytes(across * 2 * sizeof(float)) +
                 block_bytes(across * sizeof(li_jpeg_way));
    return bytes;
}

uint64_t
li_jpeg_encode_bytes(li_info info, const li_encode *encode)
{
    li_jpeg_choice choice = li_jpeg_choose(info, encode);
    if (choice.trellis)
        return trellis_bytes(&choice);
    uint64_t rows = li_jpeg_encode_charge(&choice, false);
    li_planar layout;
    if (!li_jpeg_takes_planes(info, encode, &layout))
        return rows + li_jpeg_writer_bytes();
    uint64_t planes =
        li_jpeg_encode_charge(&choice, true) + strip_buffers(&layout, 2 * BLOCK_SIDE);
    return (rows > planes ? rows : planes) + li_jpeg_writer_bytes();
}

/* The most bits that a block can need with the standard tables, in bytes: samples are
 * at most 128 from gray, so by Parseval the squares of a block's 64 coefficients sum to
 * at most 2^20; what a quantiser makes of that is maximised over all runs and sizes (a
 * shortest-path search with a Lagrange multiplier for the sum, done once by hand). */
static uint64_t
block_worst_bytes(const li_jpeg_choice *choice)
{
    enum { STEPS = 5 };
    static const uint8_t qualities[STEPS] = {50, 75, 85, 90, 95};
    static const uint8_t bytes[STEPS] = {47, 60, 72, 82, 102};
    int quality = li_jpeg_bounding_quality(choice, qualities, STEPS);
    for (size_t i = 0; i < STEPS; i++)
        if (quality <= qualities[i])
            return bytes[i];
    return 146;
}

/* Twice the worst: an FF byte is followed by a 00, and the same factor leaves room for
 * what optimised tables and progressive scans add to a block where they do not pay. */
uint64_t
li_jpeg_output_bytes(li_info info, const li_encode *encode)
{
    enum { HEADER_BYTES = 4096 }; /* JFIF, tables, and those of ten scans */
    li_jpeg_choice choice = li_jpeg_choose(info, encode);
    uint64_t blocks = frame_coefficients(&choice.frame) / BLOCK_BYTES;
    return HEADER_BYTES + 2 * block_worst_bytes(&choice) * blocks;
}
