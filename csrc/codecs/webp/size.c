/* size.c: what libwebp allocates, as arithmetic: it has no allocator of ours, so the
 * bounds here are charged before it is opened. Layer 2. */
#include "codecs/webp/alpha.h"
#include "codecs/webp/webp.h"
#include "codecs/webp/yuv.h"

enum {
    /* The decoder's structs, the work area of a block, malloc's headers. */
    FIXED_BYTES = 32 << 10,
    /* A macroblock of a row: coefficients and modes parsed ahead, samples above, the
     * rows that wait for the loop filter. Measured: 1994. */
    BLOCK_BYTES = 2048,
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
        MOST_GROUPS = 2600, /* libwebp's encoder makes no more; if they are unknown */
        CACHE_BYTES = 2 * (4 << 11),
    };
    uint64_t pixels = pixels_of(frame->width, frame->height);
    uint64_t tiles =
        pixels_of((frame->width + 3) / 4, (frame->height + 3) / 4); /* at least 4×4 */
    uint64_t groups = tiles < MOST_GROUPS ? tiles : MOST_GROUPS;
    if (frame->groups)
        groups = frame->groups;
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
        bytes += 2 * pixels_of(frame->width, frame->height); /* its plane, twice */
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

static int
method_of(const li_encode *encode)
{
    return encode->method < 0 ? LI_WEBP_METHOD : encode->method;
}

static uint64_t
quality_of(const li_encode *encode)
{
    return encode->quality ? encode->quality : LI_WEBP_QUALITY;
}

/* The lossless encoder: a copy of the pixels, chains of equal ones and lists of
 * references take 27 bytes a pixel; and a histogram for each tile, of which there are
 * at most 2600: the tiles grow until that holds. */
static uint64_t
lossless_encoder_bytes(li_info info, int method)
{
    enum {
        TABLE_BYTES = 1200 << 10,
        PIXEL_BYTES = 30,
        HISTOGRAM_BYTES = 18 << 10, /* with a color cache of 10 bits, twice */
        MOST_TILES = 2600,
    };
    uint32_t bits = method < 5 ? 7 - (uint32_t)method : 2;
    uint64_t tiles;
    do {
        uint32_t side = 1u << bits++;
        tiles =
            pixels_of((info.width + side - 1) / side, (info.height + side - 1) / side);
    } while (tiles > MOST_TILES);
    return TABLE_BYTES + PIXEL_BYTES * pixels_of(info.width, info.height) +
           tiles * HISTOGRAM_BYTES;
}

/* Hundredths of a byte a pixel that the lossy encoder takes for the worst picture there
 * is, noise of black and white in every plane; measured, a tenth above. Methods from 3
 * on keep every token (2 bytes) until the end, unless memory is low. Without them it is
 * what is written, in a buffer that grows by doubling. */
enum { LOW_HUNDREDTHS = 460 };

static uint64_t
lossy_hundredths(const li_encode *encode)
{
    uint64_t quality = quality_of(encode);
    if (method_of(encode) < 3)
        return quality > 95 ? 1180 : LOW_HUNDREDTHS;
    if (encode->low_memory == 1)
        return LOW_HUNDREDTHS;
    if (quality <= 20)
        return 1800;
    if (quality <= 80)
        return 1800 + (quality - 20) * 15;
    return quality <= 95 ? 2700 + (quality - 80) * 45 : 3375 + (quality - 95) * 120;
}

/* The same for 98 of 100 photographs, at 500 and 1600 px: what the encoder gets to
 * begin with where it is watched. */
static uint64_t
likely_hundredths(const li_encode *encode)
{
    uint64_t quality = quality_of(encode);
    if (quality <= 80)
        return LOW_HUNDREDTHS + quality * 3;
    return quality <= 95 ? 700 + (quality - 80) * 30 : 1150 + (quality - 95) * 70;
}

/* libwebp's sums of the whole picture, without those of a plane of alpha. */
static uint64_t
lossy_bytes(li_info info, uint64_t hundredths)
{
    uint64_t pixels = pixels_of((info.width + 15) & ~15u, (info.height + 15) & ~15u);
    uint64_t bytes = FIXED_BYTES + (32 << 10) + pixels * hundredths / 100;
    return bytes + pixels_of(info.width + 64, 64); /* rows of blocks */
}

bool
li_webp_codes_alpha(li_info info, const li_encode *encode)
{
    enum { SMALL = 300000 }; /* pixels: 11 MB for libwebp's coder */
    bool small = pixels_of(info.width, info.height) <= SMALL;
    return li_pixel_has_alpha(info.pixel) && !li_webp_is_lossless(encode) &&
           (encode->low_memory == 1 || (encode->low_memory < 0 && !small));
}

bool
li_webp_watches(li_info info, const li_encode *encode, uint64_t *step)
{
    enum { LEAST_BYTES = 4 << 20, STEPS = 18 }; /* 20, and what a page of tokens adds */
    uint64_t worst = lossy_bytes(info, lossy_hundredths(encode));
    *step = worst / STEPS;
    return encode->low_memory < 0 && method_of(encode) >= 3 && worst > LEAST_BYTES &&
           !li_webp_is_lossless(encode) && !encode->smart_subsample &&
           (!li_pixel_has_alpha(info.pixel) || li_webp_codes_alpha(info, encode)) &&
           li_webp_heap_known();
}

uint64_t
li_webp_encoder_bytes(li_info info, const li_encode *encode)
{
    enum { SHARP_BYTES = 20 }; /* of a pixel, while its planes are made */
    uint64_t plain = pixels_of(info.width, info.height), step;
    if (li_webp_is_lossless(encode))
        return lossless_encoder_bytes(info, method_of(encode));
    if (li_webp_watches(info, encode, &step))
        return lossy_bytes(info, likely_hundredths(encode));
    uint64_t bytes = lossy_bytes(info, lossy_hundredths(encode));
    if (encode->smart_subsample) {
        uint64_t sharp = SHARP_BYTES * plain;
        uint64_t kept = li_pixel_has_alpha(info.pixel) ? 3 * plain : 2 * plain;
        bytes = kept + (sharp > bytes ? sharp : bytes);
    }
    if (!li_pixel_has_alpha(info.pixel) || li_webp_codes_alpha(info, encode))
        return bytes;
    /* The alpha plane is packed by the lossless encoder before the rest begins. */
    uint64_t alpha = 6 * plain + lossless_encoder_bytes(info, method_of(encode));
    return 2 * plain + (alpha > bytes ? alpha : bytes);
}

uint64_t
li_webp_encode_bytes(li_info info, const li_encode *encode)
{
    enum { STRUCT_BYTES = 2 << 10, BLOCKS = 4 };
    bool argb = li_webp_is_lossless(encode) || encode->smart_subsample;
    uint64_t held = argb ? 4 * pixels_of(info.width, info.height)
                         : planes_bytes(info, li_pixel_has_alpha(info.pixel));
    uint64_t bytes = li_sat_add(block_bytes(held), li_webp_encoder_bytes(info, encode));
    if (li_webp_codes_alpha(info, encode))
        bytes = li_sat_add(bytes, li_webp_alpha_bytes(info.width));
    bytes = li_sat_add(bytes, block_bytes(li_row_bytes(info)));
    bytes = li_sat_add(bytes, block_bytes(li_webp_pair_work(info.width)));
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
