/* png.h: what the files of the PNG codec share: scan.c reads the header by itself,
 * read.c and write.c drive libpng's row API, png.c is the table entry. Layer 2. */
#ifndef LI_CODECS_PNG_PNG_H
#define LI_CODECS_PNG_PNG_H

#include "codecs/codec.h"

#include <png.h>

enum {
    LI_PNG_SIGNATURE_BYTES = 8,
    LI_PNG_CHUNK_BYTES = 12,     /* length, type and CRC around a chunk's body */
    LI_PNG_MAX_INT = 0x7fffffff, /* of sides and lengths */
};

extern const uint8_t li_png_signature[LI_PNG_SIGNATURE_BYTES];

/* Fill the header from the chunks up to the first IDAT. Allocates nothing. */
li_status li_png_inspect(li_ctx *ctx, li_source *in, li_header *header) LI_MUST_CHECK;
li_status li_png_decode(li_ctx *ctx, li_source *in, const li_header *header,
                        li_hint hint, li_rows **rows) LI_MUST_CHECK;
li_status li_png_encode(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
                        li_sink **sink) LI_MUST_CHECK;

/* What decode takes besides the picture that an interlaced file makes it hold. */
uint64_t li_png_read_bytes(li_info info, uint8_t bit_depth, bool interlaced);
uint64_t li_png_write_bytes(li_info info);
/* The zlib level that encode uses, 0..9. */
int li_png_level(const li_encode *encode);

/* libpng's allocator over the job's ledger; its memory pointer is the li_ctx. A failure
 * stays in the ctx, whatever libpng makes of the NULL. */
png_voidp li_png_malloc(png_structp png, png_alloc_size_t size);
void li_png_free(png_structp png, png_voidp block);
/* Upper bound of what li_alloc takes for a block of this size. */
uint64_t li_png_block_bytes(uint64_t size);

#endif
