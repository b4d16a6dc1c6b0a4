/* compare.c: SSIM by running sums. Five sums a column slide down with the window, so a
 * row costs the same whatever the window's height. Layer 2.
 *
 * Every sum of a window is exact in 32 bits: 49 · 49 · 255² = 156,125,025. Wang, Bovik,
 * Sheikh, Simoncelli: Image quality assessment, 2004. */
#include "quality/compare.h"

#include <string.h>

enum { WINDOW = 7, SUMS = 5 };

/* Per column, over the rows of the window. */
typedef enum sum { SUM_A, SUM_B, SUM_AA, SUM_BB, SUM_AB } sum;

struct li_compare {
    li_ctx *ctx; /* borrowed */
    li_info info;
    size_t samples;           /* of a row */
    uint32_t side;            /* of the window: odd, 7 at most */
    uint32_t y;               /* rows taken */
    uint8_t *rows[2][WINDOW]; /* rings into `block`: the last rows of a and b */
    int32_t *columns[SUMS];   /* into `block` */
    int32_t *windows[SUMS];   /* into `block`: the same over the window's width */
    uint8_t *block;           /* owned */
    double structure;         /* sum of SSIM over windows and channels */
    uint64_t squared;         /* sum of squared errors */
};

/* --- memory ---------------------------------------------------------------------- */

static uint32_t
window_side(li_info info)
{
    uint32_t side = info.width < info.height ? info.width : info.height;
    if (side >= WINDOW)
        return WINDOW;
    return side % 2 ? side : side - 1 + (side == 0);
}

/* A ring's row, padded so that what follows stays aligned. */
static uint64_t
ring_bytes(li_info info)
{
    return (li_row_bytes(info) + 15) & ~(uint64_t)15;
}

static uint64_t
block_bytes(li_info info)
{
    uint64_t ring = ring_bytes(info);
    return 2 * WINDOW * ring + 2 * SUMS * ring * sizeof(int32_t);
}

uint64_t
li_compare_bytes(li_info info)
{
    return sizeof(li_compare) + block_bytes(info) + 4096 + 2 * LI_BLOCK_OVERHEAD;
}

static void
lay_out(li_compare *compare)
{
    uint64_t ring = ring_bytes(compare->info);
    uint8_t *at = compare->block;
    for (int i = 0; i < SUMS; i++, at += ring * sizeof(int32_t))
        compare->columns[i] = (int32_t *)(void *)at;
    for (int i = 0; i < SUMS; i++, at += ring * sizeof(int32_t))
        compare->windows[i] = (int32_t *)(void *)at;
    for (int i = 0; i < WINDOW; i++, at += 2 * ring) {
        compare->rows[0][i] = at;
        compare->rows[1][i] = at + ring;
    }
}

li_status
li_compare_open(li_ctx *ctx, li_info info, bool structure, li_compare **compare)
{
    *compare = NULL;
    li_compare *made;
    LI_TRY(li_alloc(ctx, 1, sizeof(*made), &made));
    made->ctx = ctx;
    made->info = info;
    made->samples = li_row_bytes(info);
    made->side = structure ? window_side(info) : 0;
    li_status status = li_alloc(ctx, 1, block_bytes(info), &made->block);
    if (status != LI_OK) {
        li_compare_close(&made);
        return status;
    }
    lay_out(made);
    *compare = made;
    return LI_OK;
}

void
li_compare_close(li_compare **compare)
{
    if (!*compare)
        return;
    li_ctx *ctx = (*compare)->ctx;
    li_free(ctx, &(*compare)->block);
    li_free(ctx, compare);
}

/* --- rows ------------------------------------------------------------------------ */

/* As it shows: colours times alpha, alpha as it is. */
static void
premultiply(uint8_t *to, const uint8_t *from, size_t samples, uint32_t channels)
{
    for (size_t i = 0; i < samples; i += channels) {
        uint32_t alpha = from[i + channels - 1];
        for (uint32_t c = 0; c + 1 < channels; c++)
            to[i + c] = (uint8_t)((from[i + c] * alpha + 127) / 255);
        to[i + channels - 1] = (uint8_t)alpha;
    }
}

static void
keep_row(const li_compare *compare, uint8_t *to, const uint8_t *from)
{
    uint32_t channels = li_pixel_channels(compare->info.pixel);
    if (li_pixel_has_alpha(compare->info.pixel))
        premultiply(to, from, compare->samples, channels);
    else
        memcpy(to, from, compare->samples);
}

static uint64_t
squared_error(const uint8_t *a, const uint8_t *b, size_t samples)
{
    uint64_t total = 0;
    while (samples) {
        /* 65,536 squares of 255 fit 32 bits, and are summed in vectors. */
        size_t count = samples < 65536 ? samples : 65536;
        uint32_t some = 0;
        for (size_t i = 0; i < count; i++) {
            int32_t error = a[i] - b[i];
            some += (uint32_t)(error * error);
        }
        total += some;
        a += count;
        b += count;
        samples -= count;
    }
    return total;
}

/* The sums of a row, added to the columns or taken away. */
static void
slide(const li_compare *compare, const uint8_t *restrict a, const uint8_t *restrict b,
      int32_t sign)
{
    int32_t *restrict sum_a = compare->columns[SUM_A];
    int32_t *restrict sum_b = compare->columns[SUM_B];
    int32_t *restrict sum_aa = compare->columns[SUM_AA];
    int32_t *restrict sum_bb = compare->columns[SUM_BB];
    int32_t *restrict sum_ab = compare->columns[SUM_AB];
    for (size_t i = 0; i < compare->samples; i++) {
        int32_t x = a[i], y = b[i];
        sum_a[i] += sign * x;
        sum_b[i] += sign * y;
        sum_aa[i] += sign * x * x;
        sum_bb[i] += sign * y * y;
        sum_ab[i] += sign * x * y;
    }
}

/* Columns summed over the window's width; channels lie `step` samples apart. */
static void
sum_across(const int32_t *restrict columns, int32_t *restrict windows, size_t count,
           size_t step, uint32_t side)
{
    memcpy(windows, columns, count * sizeof(*windows));
    for (uint32_t j = 1; j < side; j++) {
        const int32_t *restrict from = columns + j * step;
        for (size_t i = 0; i < count; i++)
            windows[i] += from[i];
    }
}

/* SSIM of every window of this row, summed. With n samples a window, S their sums:
 * mean = S/n, variance = (n·Saa − Sa²) / (n(n − 1)); n² is multiplied through. */
static double
sum_ssim(const li_compare *compare, size_t count)
{
    const int32_t *restrict a = compare->windows[SUM_A];
    const int32_t *restrict b = compare->windows[SUM_B];
    const int32_t *restrict aa = compare->windows[SUM_AA];
    const int32_t *restrict bb = compare->windows[SUM_BB];
    const int32_t *restrict ab = compare->windows[SUM_AB];
    int32_t n = (int32_t)(compare->side * compare->side);
    float squared = (float)n * (float)n;
    float c1 = 0.01F * 255 * (0.01F * 255) * squared;
    float c2 = 0.03F * 255 * (0.03F * 255) * squared;
    float sample = n > 1 ? (float)n / (float)(n - 1) : 0; /* n² / (n(n − 1)) */
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t product = a[i] * b[i], squares = a[i] * a[i] + b[i] * b[i];
        float covariance = sample * (float)(n * ab[i] - product);
        float variances = sample * (float)(n * (aa[i] + bb[i]) - squares);
        float above = (2 * (float)product + c1) * (2 * covariance + c2);
        total += (double)(above / (((float)squares + c1) * (variances + c2)));
    }
    return total;
}

void
li_compare_row(li_compare *compare, const uint8_t *a, const uint8_t *b)
{
    uint32_t side = compare->side, slot = side ? compare->y % side : 0;
    uint8_t *kept_a = compare->rows[0][slot], *kept_b = compare->rows[1][slot];
    if (side && compare->y >= side)
        slide(compare, kept_a, kept_b, -1);
    keep_row(compare, kept_a, a);
    keep_row(compare, kept_b, b);
    compare->squared += squared_error(kept_a, kept_b, compare->samples);
    compare->y++;
    if (!side)
        return;
    slide(compare, kept_a, kept_b, 1);
    if (compare->y < side)
        return;
    uint32_t channels = li_pixel_channels(compare->info.pixel);
    size_t count = compare->samples - (size_t)(side - 1) * channels;
    for (int i = 0; i < SUMS; i++)
        sum_across(compare->columns[i], compare->windows[i], count, channels, side);
    compare->structure += sum_ssim(compare, count);
}

li_likeness
li_compare_result(const li_compare *compare)
{
    li_likeness result = {0};
    double samples = (double)compare->samples * compare->info.height;
    result.mean_squared = samples > 0 ? (double)compare->squared / samples : 0;
    uint32_t side = compare->side;
    if (!side)
        return result;
    /* Each channel has as many windows: one mean over all is the mean of theirs. */
    double across = (double)(compare->info.width - side + 1) *
                    li_pixel_channels(compare->info.pixel);
    result.ssim = compare->structure / (across * (compare->info.height - side + 1));
    return result;
}
