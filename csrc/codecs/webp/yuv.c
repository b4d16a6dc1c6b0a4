/* yuv.c: two rows of pixels to two of Y and one of Cb and Cr. Layer 2.
 *
 * Channels are first spread into planes of 16 bits, so that the sums are loops that a
 * compiler vectorizes. Chroma is the mean of four pixels, each weighed by its alpha:
 * what cannot be seen does not bleed into what can. */
#include "codecs/webp/yuv.h"

#include <string.h>

/* 16 fraction bits: BT.601's matrix × 219/255 for Y, × 224/255 for Cb and Cr. */
enum {
    FIX = 16,
    Y_R = 16839,
    Y_G = 33059,
    Y_B = 6420,
    CB_R = -9719,
    CB_G = -19081,
    CB_B = 28800,
    CR_R = 28800,
    CR_G = -24116,
    CR_B = -4684,
};

enum { R, G, B, A, CHANNELS };

/* One row as planes, with one more column when the width is odd. */
typedef struct spread {
    int16_t *channel[CHANNELS];
} spread;

static size_t
spread_columns(uint32_t width)
{
    return ((size_t)width + 1 + 7) & ~(size_t)7; /* 16 bytes */
}

size_t
li_webp_pair_work(uint32_t width)
{
    return 2 * CHANNELS * sizeof(int16_t) * spread_columns(width);
}

/* --- spreading -------------------------------------------------------------------- */

static void
spread_rgb(const uint8_t *row, uint32_t width, const spread *to)
{
    int16_t *red = to->channel[R], *green = to->channel[G], *blue = to->channel[B];
    for (size_t x = 0; x < width; x++) {
        red[x] = row[3 * x];
        green[x] = row[3 * x + 1];
        blue[x] = row[3 * x + 2];
    }
}

static void
spread_rgba(const uint8_t *row, uint32_t width, const spread *to)
{
    int16_t *red = to->channel[R], *green = to->channel[G], *blue = to->channel[B],
            *alpha = to->channel[A];
    for (size_t x = 0; x < width; x++) {
        red[x] = row[4 * x];
        green[x] = row[4 * x + 1];
        blue[x] = row[4 * x + 2];
        alpha[x] = row[4 * x + 3];
    }
}

static void
spread_gray(const uint8_t *row, uint32_t width, size_t step, const spread *to)
{
    for (size_t x = 0; x < width; x++)
        to->channel[R][x] = to->channel[G][x] = to->channel[B][x] = row[step * x];
    if (step == 2)
        for (size_t x = 0; x < width; x++)
            to->channel[A][x] = row[2 * x + 1];
}

static void
spread_row(const uint8_t *row, li_pixel pixel, uint32_t width, const spread *to)
{
    if (li_pixel_is_gray(pixel))
        spread_gray(row, width, li_pixel_channels(pixel), to);
    else if (li_pixel_has_alpha(pixel))
        spread_rgba(row, width, to);
    else
        spread_rgb(row, width, to);
    for (int c = 0; c < CHANNELS; c++) /* the last column once more */
        to->channel[c][width] = to->channel[c][width - 1];
}

/* --- sums ------------------------------------------------------------------------- */

static void
store_luma(const spread *from, uint32_t width, uint8_t *luma)
{
    const int16_t *red = from->channel[R], *green = from->channel[G],
                  *blue = from->channel[B];
    for (size_t x = 0; x < width; x++)
        luma[x] = (uint8_t)((Y_R * red[x] + Y_G * green[x] + Y_B * blue[x] +
                             (16 << FIX) + (1 << (FIX - 1))) >>
                            FIX);
}

/* From sums of four: two fraction bits more. */
static uint8_t
chroma_of(int32_t weighted)
{
    return (uint8_t)((weighted + (128 << (FIX + 2)) + (1 << (FIX + 1))) >> (FIX + 2));
}

static void
store_chroma(const spread rows[2], uint32_t width, const li_webp_pair *to)
{
    for (size_t x = 0; x < (width + 1) / 2; x++) {
        int32_t sum[3];
        for (int c = 0; c < 3; c++) {
            const int16_t *above = rows[0].channel[c] + 2 * x;
            const int16_t *below = rows[1].channel[c] + 2 * x;
            sum[c] = above[0] + above[1] + below[0] + below[1];
        }
        to->cb[x] = chroma_of(CB_R * sum[R] + CB_G * sum[G] + CB_B * sum[B]);
        to->cr[x] = chroma_of(CR_R * sum[R] + CR_G * sum[G] + CR_B * sum[B]);
    }
}

/* Four times the mean of four samples weighed by their alpha. */
static int32_t
weighed(const spread rows[2], int c, size_t x, int32_t total)
{
    int32_t sum = 0;
    for (size_t y = 0; y < 2; y++)
        for (size_t i = x; i < x + 2; i++)
            sum += rows[y].channel[c][i] * rows[y].channel[A][i];
    return (4 * sum + total / 2) / total;
}

/* Replaces the chroma of those pixels that are partly transparent. Where all four are
 * invisible the plain mean stays. */
static void
store_weighed_chroma(const spread rows[2], uint32_t width, const li_webp_pair *to)
{
    for (size_t x = 0; x < (width + 1) / 2; x++) {
        const int16_t *above = rows[0].channel[A] + 2 * x;
        const int16_t *below = rows[1].channel[A] + 2 * x;
        int32_t total = above[0] + above[1] + below[0] + below[1];
        if (total == 0 || total == 4 * 255)
            continue;
        int32_t red = weighed(rows, R, 2 * x, total),
                green = weighed(rows, G, 2 * x, total),
                blue = weighed(rows, B, 2 * x, total);
        to->cb[x] = chroma_of(CB_R * red + CB_G * green + CB_B * blue);
        to->cr[x] = chroma_of(CR_R * red + CR_G * green + CR_B * blue);
    }
}

static void
store_alpha(const spread *from, uint32_t width, uint8_t *alpha)
{
    for (size_t x = 0; x < width; x++)
        alpha[x] = (uint8_t)from->channel[A][x];
}

void
li_webp_convert_pair(const uint8_t *const rows[2], li_pixel pixel, uint32_t width,
                     const li_webp_pair *to, void *work)
{
    spread spreads[2];
    int16_t *next = work;
    for (int y = 0; y < 2; y++)
        for (int c = 0; c < CHANNELS; c++, next += spread_columns(width))
            spreads[y].channel[c] = next;
    bool single = rows[0] == rows[1];
    for (int y = 0; y < 2; y++)
        spread_row(rows[y], pixel, width, &spreads[y]);
    for (int y = 0; y < (single ? 1 : 2); y++) {
        store_luma(&spreads[y], width, to->luma + (size_t)y * to->stride);
        if (to->alpha)
            store_alpha(&spreads[y], width, to->alpha + (size_t)y * to->stride);
    }
    store_chroma(spreads, width, to);
    if (to->alpha)
        store_weighed_chroma(spreads, width, to);
}
