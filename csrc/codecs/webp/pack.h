/* pack.h: bytes as a lossless WebP picture whose samples are all in green, as an ALPH
 * chunk has them. Layer 2. */
#ifndef LI_CODECS_WEBP_PACK_H
#define LI_CODECS_WEBP_PACK_H

#include "image/out.h"

typedef struct li_webp_pack li_webp_pack;

/* columns × rows symbols, borrowed until close, for levels of a table of `colors`, 1 to
 * 256, of which as many share a symbol as fit 8 bits if there are at most 16. */
typedef struct li_webp_symbols {
    const uint8_t *symbols;
    uint32_t columns, rows;
    uint32_t colors;
    const uint8_t *table; /* borrowed, too */
} li_webp_symbols;

/* Choose the codes. */
li_status li_webp_pack_open(li_ctx *ctx, const li_webp_symbols *from,
                            li_webp_pack **pack) LI_MUST_CHECK;
uint64_t li_webp_pack_size(const li_webp_pack *pack); /* bytes that it will be */
li_status li_webp_pack_write(li_webp_pack *pack, li_out *out) LI_MUST_CHECK;
void li_webp_pack_close(li_ctx *ctx, li_webp_pack **pack); /* accepts NULL */
uint64_t li_webp_pack_bytes(void);                         /* of memory */

#endif
