/* compare.h: how alike two pictures are, row by row: SSIM and squared error. Layer 2.
 *
 * SSIM is scikit-image's structural_similarity(a, b, channel_axis=2, data_range=255): a
 * square window of 7 with equal weights, sample covariance, windows that lie inside the
 * picture only, mean over windows, then over channels. Where a side is shorter than 7
 * the window is the largest odd number that fits. */
#ifndef LI_QUALITY_COMPARE_H
#define LI_QUALITY_COMPARE_H

#include "image/pixel.h"

typedef struct li_compare li_compare;

typedef struct li_likeness {
    double ssim;         /* −1..1; 1: equal */
    double mean_squared; /* error over all samples; 0: equal */
} li_likeness;

/* For two pictures of this shape, 8 bits a sample. Where there is alpha, colours are
 * multiplied by it first: what is hidden does not count. structure false: ssim stays 0.
 */
li_status li_compare_open(li_ctx *ctx, li_info info, bool structure,
                          li_compare **compare) LI_MUST_CHECK;
/* Take the next row of both; info.height times. */
void li_compare_row(li_compare *compare, const uint8_t *a, const uint8_t *b);
/* After the last row. */
li_likeness li_compare_result(const li_compare *compare);
void li_compare_close(li_compare **compare); /* accepts NULL */

/* What li_compare_open will take. */
uint64_t li_compare_bytes(li_info info);

#endif
