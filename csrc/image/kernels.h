/* kernels.h: the inner loops, one const table per instruction set. Layer 1.
 *
 * Plain C is the oracle: every other table gives the same bytes. A job's context points
 * to one table. */
#ifndef LI_IMAGE_KERNELS_H
#define LI_IMAGE_KERNELS_H

#include "image/pixel.h"

/* Weights of one axis of a resize: for output i, taps[i] weights of 14 fraction bits at
 * weights + i × stride, for input samples first[i], first[i] + 1, … */
typedef struct li_weights {
    uint32_t count;  /* outputs */
    uint32_t stride; /* int16 weights reserved per output: the largest tap count, padded
                         with zeros to a multiple of 4 */
    uint32_t *first; /* owned by whoever made the table, like the two below */
    uint32_t *taps;
    int16_t *weights;
} li_weights;

enum {
    LI_WEIGHT_BITS = 14, /* weights of one output sum to 1 << 14 */
    LI_RING_BITS = 6,    /* fraction bits of an int16 sample between the two passes:
                            the range −4453..20773 of Lanczos3 fits; 7 bits do not */
    LI_ROW_SLACK = 16,   /* readable bytes past the end of a row given to a kernel */
};

typedef struct li_kernels {
    const char *name; /* "scalar", … */
    /* One 8-bit row → one int16 row of weights->count pixels (1–4 channels). */
    void (*across)(const li_weights *weights, uint32_t channels, const uint8_t *row,
                   int16_t *out);
    /* sums[i] += weight × row[i] for n samples. */
    void (*accumulate)(int32_t *sums, const int16_t *row, int32_t weight, size_t n);
    /* sums → bytes: shift by 20 with rounding, clip to 0..255; clears the sums. */
    void (*store)(int32_t *sums, uint8_t *out, size_t n);
    /* RGBA or gray+alpha, 8 bit, alpha last. */
    void (*premultiply)(const uint8_t *row, uint8_t *out, uint32_t width,
                        uint32_t channels);
    void (*unpremultiply)(uint8_t *row, uint32_t width, uint32_t channels);
} li_kernels;

extern const li_kernels li_kernels_scalar;

/* The table of this name, or NULL; NULL as name: the best that this machine runs. */
const li_kernels *li_kernels_named(const char *name);

static inline const li_kernels *
li_kernels_of(const li_ctx *ctx)
{
    return ctx->kernels ? ctx->kernels : &li_kernels_scalar;
}

#endif
