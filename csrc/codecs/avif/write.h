/* write.h: what the files of the AVIF writer share. Layer 2. */
#ifndef LI_CODECS_AVIF_WRITE_H
#define LI_CODECS_AVIF_WRITE_H

#include "codecs/avif/avif.h"

/* Row y of pixels into an image's planes. `held` is a row of the writer's own, kept
 * from row to row. fill.c: 8 bits a sample; deep_fill.c: 16 into planes of 10 or 12. */
void li_avif_fill(avifImage *image, uint32_t y, const uint8_t *row, uint8_t *held,
                  uint32_t channels);
void li_avif_deep_fill(avifImage *image, uint32_t y, const uint16_t *row,
                       uint16_t *held, uint32_t channels);

#endif
