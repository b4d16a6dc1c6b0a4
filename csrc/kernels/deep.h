/* deep.h: rows of 16 bits a sample, in plain C alone: what is not worth a kernel of
 * every table. Layer 1. */
#ifndef LI_KERNELS_DEEP_H
#define LI_KERNELS_DEEP_H

#include "kernels/kernels.h"

/* 257 × sample, and a sample / 257 rounded: both ends stay. */
void li_deep_from_bytes(const uint8_t *row, uint16_t *out, size_t n);
void li_deep_to_bytes(const uint16_t *row, uint8_t *out, size_t n);
/* Big-endian samples at any address. */
void li_deep_from_network(const uint8_t *row, uint16_t *out, size_t n);
void li_deep_network_to_bytes(const uint8_t *row, uint8_t *out, size_t n);
void li_deep_to_network(const uint16_t *row, uint8_t *out, size_t n);

/* As the kernels of these names do with bytes; a background has 3 samples of 16 bits.
 */
void li_deep_convert(const uint16_t *row, uint32_t channels, uint16_t *out,
                     uint32_t out_channels, uint32_t width);
void li_deep_flatten(const uint16_t *row, uint32_t channels, const uint16_t *background,
                     uint16_t *out, uint32_t out_channels, uint32_t width);
/* out[i] = row[i] × scale[i % period] + bias[the same]; out lies at any address. */
void li_deep_floats(const uint16_t *row, size_t n, const float *scale,
                    const float *bias, uint32_t period, void *out);

#endif
