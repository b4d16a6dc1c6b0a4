/* size.c: what libwebp allocates, as arithmetic: it has no allocator of ours, so the
 * bounds here are charged before it is opened. Layer 2. */
#include "codecs/webp/webp.h"

enum {
    /* The decoder's structs, the work area of a block, malloc's headers. */
    FIXED_BYTES = 32 << 10,
    /* A macroblock of a row: modes 4, samples above 32, its state and filter 8, the
     * coefficients and modes parsed ahead 832, and 24 rows of 16 + 8 samples: what
     * the loop filter waits for. */
    BLOCK_BYTES = 4 + 32 + 8 + 832 + 576,
};

/* Upper bound of what li_alloc takes for a block of this size: from 1 MiB on, header
 * included, it takes whole pages of 4 KiB. */
static uint64_t
block_bytes(uint64_t size)
{
    return li_sat_add(size, LI_BLOCK_OVERHEAD + 4096);
}

static uint64_t
pixels_of(uint32_t width, uint32_t height)
{
    return (uint64_t)width * height;
}

/* --- decoding --------------------------------------------------------------------- */

/* The lossless decoder: an ARGB frame, 16 rows and one beside it, and its tables. */
static uint64_t
lossless_bytes(const li_webp_frame *frame)
{
    enum {
        GROUP_BYTES = 21 << 10, /* tables of one group of codes, with an 11-bit cache */
        MOST_GROUPS = 2600,     /* libwebp's encoder makes no more */
        CACHE_BYTES = 2 * (4 << 11),
    };
    uint64_t pixels = pixels_of(frame->width, frame->height);
    uint64_t tiles =
        pixels_of((frame->width + 3) / 4, (frame->height + 3) / 4); /* at least 4×4 */
    uint64_t groups = tiles < MOST_GROUPS ? tiles : MOST_GROUPS;
    uint64_t rows = (uint64_t)frame->width * 17 * 4;
    /* Two transforms and the choice of codes have a word for each tile. */
    return pixels * 4 + rows + 3 * 4 * tiles + groups * GROUP_BYTES + CACHE_BYTES;
}

uint64_t
li_webp_decoder_bytes(const li_webp_scan *scan)
{
    const li_webp_frame *frame = &scan->frame;
    if (frame->lossless)
        return FIXED_BYTES + lossless_bytes(frame);
    uint64_t blocks = (frame->width + 15) / 16;
    uint64_t bytes = FIXED_BYTES + blocks * BLOCK_BYTES;
    bytes += 2 * (uint64_t)frame->width + 64; /* lines of the chroma upsampler */
    if (frame->alpha)
        bytes += pixels_of(frame->width, frame->height); /* its plane */
    if (frame->alpha_packed)
        bytes += lossless_bytes(frame);
    return bytes;
}

uint64_t
li_webp_decode_bytes(const li_header *header, li_hint hint)
{
    enum { STRUCT_BYTES = 2 << 10, BLOCKS = 4 };
    li_info info = li_webp_decoded(header, hint);
    uint64_t reserved = li_image_bytes(info);
    li_planar layout;
    if (hint.planes && li_webp_planar(header, hint, &layout)) {
        reserved = pixels_of(info.width, info.height);
        reserved += 2 * pixels_of(layout.plane[1].width, layout.plane[1].height);
    }
    uint64_t bytes = li_sat_add(block_bytes(reserved), header->work_bytes);
    bytes = li_sat_add(bytes, block_bytes(li_row_bytes(info))); /* of a canvas */
    return li_sat_add(bytes, STRUCT_BYTES + BLOCKS * LI_BLOCK_OVERHEAD);
}

/* --- encoding --------------------------------------------------------------------- */

static uint64_t
planes_bytes(li_info info, bool alpha)
{
    uint64_t chroma = pixels_of((info.width + 1) / 2, (info.height + 1) / 2);
    uint64_t luma = pixels_of(info.width, info.height);
    return luma + 2 * chroma + (alpha ? luma : 0);
}

uint64_t
li_webp_encoder_bytes(li_info info, const li_encode *encode)
{
    uint64_t pixels = pixels_of((info.width + 15) & ~15u, (info.height + 15) & ~15u);
    uint64_t bytes = 512 << 10;
    bool alpha = li_pixel_has_alpha(info.pixel);
    if (li_webp_is_lossless(encode))
        return li_sat_add(bytes, 40 * pixels);
    bytes += pixels * (encode->low_memory == 1 ? 3 : 15);
    if (alpha)
        bytes += 20 * pixels;
    if (encode->smart_subsample)
        bytes += 20 * pixels;
    return bytes;
}

uint64_t
li_webp_encode_bytes(li_info info, const li_encode *encode)
{
    enum { STRUCT_BYTES = 2 << 10, BLOCKS = 4 };
    bool argb = li_webp_is_lossless(encode) || encode->smart_subsample;
    uint64_t held = argb ? 4 * pixels_of(info.width, info.height)
                         : planes_bytes(info, li_pixel_has_alpha(info.pixel));
    uint64_t bytes = li_sat_add(block_bytes(held), li_webp_encoder_bytes(info, encode));
    bytes = li_sat_add(bytes, block_bytes(2 * li_row_bytes(info)));
    return li_sat_add(bytes, STRUCT_BYTES + BLOCKS * LI_BLOCK_OVERHEAD);
}

/* A bound of libwebp's own: a partition of more than 512 KiB of modes or 16 MiB of
 * coefficients is its error. Below, noise of full range at quality 100 takes 2.7 bytes
 * a pixel; modes take at most 14 bits for each 4×4 block. */
uint64_t
li_webp_output_bytes(li_info info, const li_encode *encode)
{
    enum { HEAD_BYTES = 4 << 10, MODES_BYTES = 512 << 10, TOKENS_BYTES = 16 << 20 };
    uint64_t pixels = pixels_of((info.width + 15) & ~15u, (info.height + 15) & ~15u);
    uint64_t plain = pixels_of(info.width, info.height);
    if (li_webp_is_lossless(encode))
        return HEAD_BYTES + plain * 4 + plain / 4;
    uint64_t lossy = pixels * 4;
    if (lossy > MODES_BYTES + TOKENS_BYTES)
        lossy = MODES_BYTES + TOKENS_BYTES;
    if (li_pixel_has_alpha(info.pixel))
        lossy += plain;
    return HEAD_BYTES + lossy;
}
