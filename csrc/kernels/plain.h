/* plain.h: every kernel in plain C, which the other tables fall back on for the ends of
 * rows and for rare layouts. What each does is said in kernels.h. Layer 1. */
#ifndef LI_KERNELS_PLAIN_H
#define LI_KERNELS_PLAIN_H

#include "kernels/kernels.h"

void li_plain_across(const li_weights *table, uint32_t channels,
                     const uint8_t *const rows[LI_BATCH], int16_t *const out[LI_BATCH],
                     void *work);
void li_plain_widen(const uint8_t *row, int16_t *out, size_t n);
void li_plain_accumulate(int32_t *const *sums, const int16_t (*weights)[LI_BATCH],
                         uint32_t outputs, const int16_t *const rows[LI_BATCH],
                         size_t n);
void li_plain_gather(const int16_t *const *rows, const int16_t *weights, uint32_t taps,
                     uint8_t *out, size_t n);
void li_plain_store(int32_t *sums, uint8_t *out, size_t n);
void li_plain_store_alpha(int32_t *sums, uint8_t *out, uint32_t width,
                          uint32_t channels);
void li_plain_premultiply(const uint8_t *row, uint8_t *out, uint32_t width,
                          uint32_t channels);
void li_plain_deep_center(const uint16_t *row, int16_t *out, size_t n);
void li_plain_deep_premultiply(const uint16_t *row, int16_t *out, uint32_t width,
                               uint32_t channels);
void li_plain_deep_across(const li_weights *table, uint32_t channels,
                          const int16_t *const rows[LI_BATCH],
                          int16_t *const out[LI_BATCH], void *work);
void li_plain_deep_widen(const int16_t *row, int16_t *out, size_t n);
void li_plain_deep_gather(const int16_t *const *rows, const int16_t *weights,
                          uint32_t taps, uint16_t *out, size_t n);
void li_plain_deep_store(int32_t *sums, uint16_t *out, size_t n);
void li_plain_deep_store_alpha(int32_t *sums, uint16_t *out, uint32_t width,
                               uint32_t channels);
void li_plain_convert(const uint8_t *row, uint32_t channels, uint8_t *out,
                      uint32_t out_channels, uint32_t width);
void li_plain_flatten(const uint8_t *row, uint32_t channels, const uint8_t *background,
                      uint8_t *out, uint32_t out_channels, uint32_t width);
void li_plain_split(const uint8_t *row, uint32_t channels, uint8_t *const *planes,
                    uint32_t width);
void li_plain_floats(const uint8_t *row, size_t n, const float scale[LI_FLOAT_PERIOD],
                     const float bias[LI_FLOAT_PERIOD], void *out);
void li_plain_ycc_to_rgb(const li_ycc *how, const uint8_t *y, const uint8_t *cb,
                         const uint8_t *cr, uint8_t *rgb, uint32_t width);

#endif
