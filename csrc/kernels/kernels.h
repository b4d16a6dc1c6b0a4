/* kernels.h: the inner loops, one const table per instruction set. Layer 1.
 *
 * Integer kernels add up exactly and float kernels multiply, then add, so every table
 * gives the same bytes as plain C. A job's context points to one table. */
#ifndef LI_KERNELS_KERNELS_H
#define LI_KERNELS_KERNELS_H

#include "base/base.h"

/* Weights of one axis of a resize: for output i, taps[i] weights of 14 fraction bits at
 * weights + i × stride, for inputs first[i], first[i] + 1, … They sum to 1 << 14; the
 * rest of the stride is zeros. Neither first[i] nor first[i] + taps[i] ever falls. */
typedef struct li_weights {
    uint32_t count;  /* outputs */
    uint32_t inputs; /* first[i] + taps[i] <= inputs */
    uint32_t stride; /* int16 weights reserved per output: a multiple of 4 */
    uint32_t *first; /* owned by whoever made the table, like the two below */
    uint32_t *taps;
    int16_t *weights;
} li_weights;

enum {
    LI_WEIGHT_BITS = 14, /* weights of one output sum to 1 << 14 */
    LI_RING_BITS = 6,    /* fraction bits of an int16 sample between the two passes:
                            the range −4453..20773 of Lanczos3 fits; 7 bits do not */
    LI_BATCH = 8,        /* rows that go through a kernel together */
    LI_BLOCK = 16,       /* samples: n of a pass down is rounded up to whole blocks */
    LI_ROW_SLACK = 16,   /* readable bytes past the end of a row given to `across` */
    LI_OUT_SLACK = 4,    /* samples that `across` may write past the end of a row */
    LI_ACROSS_WORK = 16, /* bytes of work space per input sample that `across` wants,
                            for inputs + LI_ACROSS_PAD pixels */
    LI_ACROSS_PAD = 16,
    LI_DEEP_MIDDLE = 1 << 15, /* what a centred sample of 16 bits is centred on */
    LI_DEEP_BITS = LI_WEIGHT_BITS - 1, /* fraction bits of a sum of ring × weight */
    LI_FLOAT_PERIOD = 24, /* a multiple of 1 to 4 channels and of a vector of floats */
};

/* How Y, Cb and Cr become red, green and blue, LI_YCC_BITS fraction bits in all but the
 * offset: red is (Y − y_offset) × y_scale + (Cr − 128) × cr_red, and so on. */
typedef struct li_ycc {
    int32_t y_offset; /* 0 or 16 */
    int32_t y_scale;
    int32_t cr_red, cb_green, cr_green, cb_blue; /* below 4 each */
} li_ycc;

enum { LI_YCC_BITS = 20 };

extern const li_ycc li_ycc_jfif;   /* BT.601, 0..255: every JPEG */
extern const li_ycc li_ycc_studio; /* BT.601, Y 16..235, Cb and Cr 16..240: WebP */
/* Of the weights of red and blue in luma, 0.2126 and 0.0722 for BT.709. */
li_ycc li_ycc_of(double red, double blue, bool studio);

/* Channels are interleaved, 1 to 4 of them; alpha is the last of 2 or 4. Rows lie at
 * any address and do not overlap. Nothing past the end of a row is touched, but where a
 * slack or a block is spoken of. */
typedef struct li_kernels {
    const char *name; /* "scalar", … */

    /* --- resize ------------------------------------------------------------------ */

    /* Rows of weights->inputs 8-bit pixels → int16 rows of weights->count pixels,
     * rounded half up to 6 fraction bits. first[] is even. `work` is aligned to 16. */
    void (*across)(const li_weights *weights, uint32_t channels,
                   const uint8_t *const rows[LI_BATCH], int16_t *const out[LI_BATCH],
                   void *work);
    /* What `across` gives for an axis that stays as it is: n samples << 6. */
    void (*widen)(const uint8_t *row, int16_t *out, size_t n);
    /* sums[k][i] += Σ weights[k][r] × rows[r][i], for n samples in whole blocks. */
    void (*accumulate)(int32_t *const *sums, const int16_t (*weights)[LI_BATCH],
                       uint32_t outputs, const int16_t *const rows[LI_BATCH], size_t n);
    /* `store` of Σ weights[r] × rows[r][i], for n samples in whole blocks. There are
     * weights, of 0, and rows up to a multiple of 4 taps. */
    void (*gather)(const int16_t *const *rows, const int16_t *weights, uint32_t taps,
                   uint8_t *out, size_t n);
    /* sums → bytes: shift by 20 rounding up from 1/2 − 1/64, clip to 0..255; clears the
     * sums. n samples in whole blocks. */
    void (*store)(int32_t *sums, uint8_t *out, size_t n);
    /* The same for pixels whose colours carry their alpha (channels 2 or 4): each
     * colour is divided by the exact sum of alpha, so it is rounded once, and is what
     * `store` gives where that sum is opaque. Alpha that rounds to 0 has colour 0. */
    void (*store_alpha)(int32_t *sums, uint8_t *out, uint32_t width, uint32_t channels);
    /* Colours × alpha / 255, rounded; alpha as it is. */
    void (*premultiply)(const uint8_t *row, uint8_t *out, uint32_t width,
                        uint32_t channels);

    /* --- resize, 16 bits a sample --------------------------------------------------
     * Samples are uint16, at even addresses. For the passes they are centred: int16,
     * v − 32768, in rows that are given to `deep_across`; in a ring half of that, so
     * that what a kernel overshoots fits, too: −25395..25395. `accumulate` adds up
     * such rings as it does the others. */

    void (*deep_center)(const uint16_t *row, int16_t *out, size_t n);
    /* Colours × alpha / 65535, rounded; alpha as it is; centred. */
    void (*deep_premultiply)(const uint16_t *row, int16_t *out, uint32_t width,
                             uint32_t channels);
    /* As `across`: centred rows → rows of a ring, rounded half up. */
    void (*deep_across)(const li_weights *weights, uint32_t channels,
                        const int16_t *const rows[LI_BATCH],
                        int16_t *const out[LI_BATCH], void *work);
    /* What `deep_across` gives for an axis that stays as it is. */
    void (*deep_widen)(const int16_t *row, int16_t *out, size_t n);
    void (*deep_gather)(const int16_t *const *rows, const int16_t *weights,
                        uint32_t taps, uint16_t *out, size_t n);
    /* sums → samples: shift by 13, rounding half up, 32768 added, clipped. */
    void (*deep_store)(int32_t *sums, uint16_t *out, size_t n);
    void (*deep_store_alpha)(int32_t *sums, uint16_t *out, uint32_t width,
                             uint32_t channels);

    /* --- layout and colour ------------------------------------------------------- */

    /* From one layout to another: gray is Rec. 709 luma, new alpha is 255, old alpha is
     * dropped. */
    void (*convert)(const uint8_t *row, uint32_t channels, uint8_t *out,
                    uint32_t out_channels, uint32_t width);
    /* The same from 2 or 4 channels to 1 or 3, over a background: 3 samples. */
    void (*flatten)(const uint8_t *row, uint32_t channels, const uint8_t *background,
                    uint8_t *out, uint32_t out_channels, uint32_t width);
    /* Each channel of a row on its own: planes[0], … */
    void (*split)(const uint8_t *row, uint32_t channels, uint8_t *const *planes,
                  uint32_t width);
    /* float out[i] = row[i] × scale[i % LI_FLOAT_PERIOD] + bias[the same]. */
    void (*floats)(const uint8_t *row, size_t n, const float scale[LI_FLOAT_PERIOD],
                   const float bias[LI_FLOAT_PERIOD], void *out);
    /* Three rows of one width → RGB, rounded half up, clipped. Where Cb and Cr are 128
     * the three channels are equal. */
    void (*ycc_to_rgb)(const li_ycc *how, const uint8_t *y, const uint8_t *cb,
                       const uint8_t *cr, uint8_t *rgb, uint32_t width);
} li_kernels;

/* Call one of the others only if li_kernels_named gives it: the machine may not run it.
 */
extern const li_kernels li_kernels_scalar, li_kernels_sse41, li_kernels_avx2,
    li_kernels_neon;

/* The table of this name, or NULL where this machine or build does not run it; NULL as
 * name: the best that it runs. */
const li_kernels *li_kernels_named(const char *name);

static inline const li_kernels *
li_kernels_of(const li_ctx *ctx)
{
    return ctx->kernels ? ctx->kernels : &li_kernels_scalar;
}

#endif
