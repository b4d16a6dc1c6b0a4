/* alpha.h: the ALPH chunk of lossy WebP, coded by ourselves: libwebp's own coder of it
 * takes 30 bytes a pixel. Layer 2. */
#ifndef LI_CODECS_WEBP_ALPHA_H
#define LI_CODECS_WEBP_ALPHA_H

#include "image/out.h"

typedef struct li_webp_alpha li_webp_alpha;

/* Is any sample below 255? */
bool li_webp_alpha_matters(const uint8_t *plane, size_t samples);
/* Choose how to code width × height samples, without gaps. The plane is used up: it is
 * filtered or bundled in its place, and borrowed until close. Below quality 100 there
 * will be fewer levels. */
li_status li_webp_alpha_open(li_ctx *ctx, uint8_t *plane, uint32_t width,
                             uint32_t height, int quality,
                             li_webp_alpha **alpha) LI_MUST_CHECK;
/* Bytes of the chunk's body, and these. */
uint64_t li_webp_alpha_size(const li_webp_alpha *alpha);
li_status li_webp_alpha_write(const li_webp_alpha *alpha, li_out *out) LI_MUST_CHECK;
void li_webp_alpha_close(li_ctx *ctx, li_webp_alpha **alpha); /* accepts NULL */
uint64_t li_webp_alpha_bytes(uint32_t width);                 /* of memory; pure */

#endif
