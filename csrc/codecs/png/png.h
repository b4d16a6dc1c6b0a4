/* png.h: what the files of the PNG codec share: scan.c and blocks.c read the header,
 * stream.c the pixels of every file that is not interlaced, read.c those that are by
 * libpng; write*.c, filter*.c and deflate*.c write, png.c is the table entry. Layer 2.
 */
#ifndef LI_CODECS_PNG_PNG_H
#define LI_CODECS_PNG_PNG_H

#include "codecs/codec.h"
#include "codecs/png/inflate.h"

#include <png.h>

enum {
    LI_PNG_SIGNATURE_BYTES = 8,
    LI_PNG_CHUNK_BYTES = 12,     /* length, type and CRC around a chunk's body */
    LI_PNG_MAX_INT = 0x7fffffff, /* of sides and lengths */
};

extern const uint8_t li_png_signature[LI_PNG_SIGNATURE_BYTES];

/* What a reader has to know besides the header. */
typedef struct li_png_begin {
    uint8_t depth, channels; /* of the file's samples and pixels */
    uint32_t palette_size;   /* entries; 0: it is not a palette's picture */
    uint32_t alpha_size;     /* entries of the palette with an alpha of their own */
    uint8_t palette[3 * 256];
    uint8_t alpha[256];
    uint16_t key[3]; /* the transparent gray or colour, if the header has alpha */
} li_png_begin;

/* Fill the header from the chunks up to the first IDAT, and with what EXIF and XMP
 * stand behind the last. */
li_status li_png_inspect(li_ctx *ctx, li_source *in, li_header *header) LI_MUST_CHECK;
/* metadata.c: codec->unpack_xmp. */
li_status li_png_unpack_xmp(li_ctx *ctx, li_source *in, const li_header *header,
                            li_metadata *to) LI_MUST_CHECK;
/* profile.c: codec->profile. */
li_status li_png_profile(li_ctx *ctx, li_source *in, const li_header *header,
                         uint8_t **data, size_t *size) LI_MUST_CHECK;
/* The same again, for a reader; E103 if the header is no longer what it was. */
li_status li_png_scan_again(li_ctx *ctx, li_source *in, const li_header *header,
                            li_png_begin *begin) LI_MUST_CHECK;
li_status li_png_decode(li_ctx *ctx, li_source *in, const li_header *header,
                        li_hint hint, li_rows **rows) LI_MUST_CHECK;
/* The two readers: by ourselves over this inflate, without interlacing; and by libpng,
 * anything. Same samples, same verdict. */
li_status li_png_decode_stream(li_ctx *ctx, li_source *in, const li_header *header,
                               li_hint hint, const li_png_inflate_ops *inflate,
                               li_rows **rows) LI_MUST_CHECK;
li_status li_png_decode_libpng(li_ctx *ctx, li_source *in, const li_header *header,
                               li_hint hint, li_rows **rows) LI_MUST_CHECK;
li_status li_png_encode(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
                        li_sink **sink) LI_MUST_CHECK;

/* What decode hands out for this hint. */
li_info li_png_info(const li_header *header, li_hint hint);

/* What they take, libpng besides the picture that an interlaced file makes it hold. */
uint64_t li_png_stream_bytes(li_info info, const li_png_begin *begin,
                             const li_png_inflate_ops *inflate);
/* What hint.ahead adds. */
uint64_t li_png_ahead_bytes(const li_header *header);
uint64_t li_png_libpng_bytes(li_info info, uint8_t bit_depth, bool interlaced);
/* What the codec's table says of writing. */
uint64_t li_png_write_bytes(li_info info, const li_encode *encode);
uint64_t li_png_output_bytes(li_info info, const li_encode *encode);
void li_png_describe(li_info info, const li_encode *encode, char *text, size_t size);
/* The level that encode uses, 0..9. */
int li_png_level(const li_encode *encode);

/* libpng's allocator over the job's ledger; its memory pointer is the li_ctx. A failure
 * stays in the ctx, whatever libpng makes of the NULL. */
png_voidp li_png_malloc(png_structp png, png_alloc_size_t size);
void li_png_free(png_structp png, png_voidp block);
/* Upper bound of what li_alloc takes for a block of this size. */
uint64_t li_png_block_bytes(uint64_t size);

#endif
