/* effort.h: what the efforts of the JPEG encoder are made of: a quantisation table of
 * our own, coefficients that are held until all have come, a rate-distortion search in
 * them, and the script of scans. Private to this folder and its tests. Layer 2. */
#ifndef LI_CODECS_JPEG_EFFORT_H
#define LI_CODECS_JPEG_EFFORT_H

#include "codecs/jpeg/writer.h"

/* Efforts from which on a picture is … */
enum {
    LI_EFFORT_OPTIMIZE = 1,    /* written with Huffman tables of its own */
    LI_EFFORT_PROGRESSIVE = 3, /* in scans, with our quantisation table */
    LI_EFFORT_TRELLIS = 5,     /* rate-distortion optimised */
    LI_EFFORT_USUAL = 5,       /* where nothing is said and the coefficients fit */
    LI_EFFORT_SCRIPT = 7,      /* with the scans that suit it */
    LI_EFFORT_MOST = 9,        /* with a DC trellis and neighbours looked at */
};

/* --- tables (table.c); pure ------------------------------------------------------- */

/* From a coefficient's place in a file to its place in a block: v · 8 + u. */
extern const uint8_t li_jpeg_zigzag[DCTSIZE2];

/* The quantisation of luma (0) and chroma (1) for a choice, in natural order. */
void li_jpeg_quantization(const li_jpeg_choice *choice, int which,
                          uint16_t table[DCTSIZE2]);
/* The highest quality of libjpeg's own table, of those listed, whose every step is at
 * most this choice's: what bounds a block there bounds it here. */
int li_jpeg_bounding_quality(const li_jpeg_choice *choice, const uint8_t *listed,
                             size_t count);

/* --- transform (dct.c) ------------------------------------------------------------ */

typedef int16_t li_jpeg_block[DCTSIZE2];

/* The block whose top left sample is *samples, around 0: its orthonormal DCT times
 * LI_DCT_SCALE, rounded, in the order of the file. */
enum { LI_DCT_SCALE = 8 };
void li_jpeg_transform(const float *samples, size_t stride, li_jpeg_block block);

/* --- rates and the search (rates.c, trellis.c) ------------------------------------ */

enum { LI_AC_SIZES = 11, LI_DC_SIZES = 12, LI_AC_END = 0x00, LI_AC_SKIP = 0xF0 };

typedef struct li_jpeg_quantizer {
    float inverse[DCTSIZE2]; /* in the order of the file: 1 / (LI_DCT_SCALE · step) */
} li_jpeg_quantizer;

typedef struct li_jpeg_counts {
    uint32_t ac[256]; /* by run << 4 | size */
    uint32_t dc[LI_DC_SIZES];
} li_jpeg_counts;

/* In bits. */
typedef struct li_jpeg_rates {
    float ac[LI_AC_SIZES][DCTSIZE2]; /* by size and run, the number's own bits included;
                                        never less for a longer run */
    float dc[LI_DC_SIZES];
    float end;
} li_jpeg_rates;

void li_jpeg_quantizer_init(li_jpeg_quantizer *quantizer,
                            const uint16_t table[DCTSIZE2]);
/* The magnitudes in units of their steps. */
void li_jpeg_levels(const li_jpeg_quantizer *quantizer, const li_jpeg_block block,
                    float level[DCTSIZE2]);
/* Of a block whose levels are rounded plainly; last_dc is of the one before it. */
void li_jpeg_count_block(li_jpeg_counts *counts, const li_jpeg_block block,
                         const float level[DCTSIZE2], int *last_dc);
void li_jpeg_rates_of(li_jpeg_rates *rates, const li_jpeg_counts *counts);
/* Of a code that is count times among total: 1 to 16. */
float li_jpeg_bits(uint32_t count, uint32_t total);
/* The bits of a magnitude. */
static inline uint32_t
li_jpeg_size(uint32_t magnitude)
{
    return magnitude ? 32u - (uint32_t)__builtin_clz(magnitude) : 0;
}

/* Mean of the squared AC coefficients, in units of a sample. */
float li_jpeg_energy(const li_jpeg_block block);

/* Bits that the squared error of a step is worth: of the two coefficients that a slope
 * across a block is made of, and of all others. */
typedef struct li_jpeg_weight {
    float slope, rest;
} li_jpeg_weight;

/* Of a block with this energy, which hides half of an error at `busy`. Steps between
 * blocks show where nothing else does: a smooth block is to keep its slopes. */
li_jpeg_weight li_jpeg_weigh(float energy, float busy);

/* The AC magnitudes that cost least in bits + Σ weight · (level − chosen)². Of each
 * coefficient 0, the rounded level, and the largest with one bit less are tried: the
 * minimum over them is exact. Returns its cost. */
float li_jpeg_trellis(const li_jpeg_rates *rates, const float level[DCTSIZE2],
                      li_jpeg_weight weight, uint16_t chosen[DCTSIZE2]);

/* The DC values of a row of blocks that cost least; each is the rounded one or a
 * neighbour. dc: in units of their step, and then what was chosen; last: of the block
 * before the row; ways: room for `count`. */
typedef struct li_jpeg_way {
    int16_t value[3];
    uint8_t from[3];
} li_jpeg_way;

void li_jpeg_dc_trellis(const li_jpeg_rates *rates, float *dc, const float *weight,
                        uint32_t count, int last, li_jpeg_way *ways);

/* --- scripts (script.c) ----------------------------------------------------------- */

/* DC, and AC of each part in one band (split 0) or in two, the first of which ends at
 * its split. Returns the number of scans. */
int li_jpeg_script(int parts, const uint8_t *split,
                   jpeg_scan_info script[LI_JPEG_SCANS]);
/* The one that suits most pictures. */
int li_jpeg_fixed_script(int parts, jpeg_scan_info script[LI_JPEG_SCANS]);

enum { LI_JPEG_SPLITS = 5, LI_JPEG_ZONES = LI_JPEG_SPLITS + 1 };

/* What the scans of one part would write. A symbol is the same in every band that holds
 * its coefficient and the one before it, so it is counted once, where it is: in one of
 * the zones that the splits make. Only the first of a high band has a shorter run. */
typedef struct li_jpeg_bands {
    int32_t zones[LI_JPEG_ZONES][256];   /* as in one band of all */
    int32_t firsts[LI_JPEG_SPLITS][256]; /* what that counts wrong for a high band */
    struct {
        uint32_t blocks;            /* that have ended since the last symbol */
        uint32_t symbols[16];       /* by the bits of their number, less one */
    } ends[1 + 2 * LI_JPEG_SPLITS]; /* of all, and of low and high for each split */
} li_jpeg_bands;

/* The next block of a part, as it will be written. */
void li_jpeg_bands_add(li_jpeg_bands *bands, const int16_t block[DCTSIZE2]);
/* The split whose scans are smallest, 0 for none, where one of `share` blocks was
 * added. */
uint8_t li_jpeg_bands_split(li_jpeg_bands *bands, uint32_t share);

/* --- the coefficients of a picture (held.c) --------------------------------------- */

typedef struct li_jpeg_held {
    li_jpeg_writer writer; /* the caller zeroes the struct and sets writer.owner */
    jvirt_barray_ptr parts[LI_JPEG_PARTS];
    float *strip[LI_JPEG_PARTS];  /* owned: the samples of a row of MCUs */
    size_t stride[LI_JPEG_PARTS]; /* of its rows, in samples */
    uint32_t across[LI_JPEG_PARTS], down[LI_JPEG_PARTS]; /* blocks */
    uint32_t y; /* rows of MCUs that have come */
    li_jpeg_quantizer quantizer[2];
    li_jpeg_counts counts[2];
    li_jpeg_rates rates[2];
    li_jpeg_bands bands;
    int last_dc;       /* most effort: of the row before */
    float *energy;     /* owned, most effort: three rows of blocks */
    float *dc;         /* owned, most effort: a row's DC, and the weights behind it */
    li_jpeg_way *ways; /* owned, most effort: of a row of blocks */
} li_jpeg_held;

li_status li_jpeg_held_open(li_jpeg_held *held, li_ctx *ctx, li_info info,
                            const li_encode *encode, li_out *out) LI_MUST_CHECK;
/* The strips are full: they become coefficients. */
li_status li_jpeg_held_strip(li_jpeg_held *held) LI_MUST_CHECK;
li_status li_jpeg_held_finish(li_jpeg_held *held) LI_MUST_CHECK;
void li_jpeg_held_close(li_jpeg_held *held); /* accepts a zeroed or half-open one */
/* Samples of a strip's row: what the blocks of whole MCUs cover. Pure. */
size_t li_jpeg_held_stride(const li_jpeg_frame *frame, uint32_t part);

#endif
