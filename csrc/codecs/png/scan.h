/* scan.h: what the two files of a PNG's scan share: scan.c walks up to the pixels,
 * blocks.c knows the chunks that hold metadata, and walks on behind them. Layer 2. */
#ifndef LI_CODECS_PNG_SCAN_H
#define LI_CODECS_PNG_SCAN_H

#include "codecs/png/metadata.h"
#include "codecs/png/png.h"

#include <string.h>

typedef struct png_chunk {
    uint64_t at; /* offset of the body */
    uint32_t length;
    char type[5];
} png_chunk;

typedef struct png_scan {
    li_ctx *ctx; /* borrowed, like the next two */
    li_source *in;
    li_header *header;
    li_png_begin *begin; /* borrowed */
    bool again;          /* warn: inspect has not */
    uint8_t colour;
    bool interlaced;
    bool has_palette;
    uint32_t palette_size; /* entries */
    bool saw_transparency; /* a valid tRNS: any further one is ignored */
    bool transparent;      /* and it is in force */
} png_scan;

static inline bool
png_chunk_is(const png_chunk *chunk, const char *type)
{
    return memcmp(chunk->type, type, 4) == 0;
}

/* `size` bytes, borrowed until the next read; E132 past the file's end. */
li_status li_png_scan_read(png_scan *scan, uint64_t offset, size_t size,
                           const uint8_t **data) LI_MUST_CHECK;
/* The body of a chunk, and whether its CRC is right. */
li_status li_png_chunk_body(png_scan *scan, const png_chunk *chunk,
                            const uint8_t **body, bool *intact) LI_MUST_CHECK;
/* What its first eight bytes say; false: they are no chunk's. */
bool li_png_chunk_head(const uint8_t head[8], uint64_t offset, png_chunk *chunk);

/* Note where a block is, unless there has been one. */
li_status li_png_visit_exif(png_scan *scan, const png_chunk *chunk) LI_MUST_CHECK;
li_status li_png_visit_text(png_scan *scan, const png_chunk *chunk) LI_MUST_CHECK;
li_status li_png_visit_profile(png_scan *scan, const png_chunk *chunk) LI_MUST_CHECK;
/* li_png_check_place for every chunk of the file, by their heads. */
li_status li_png_check_places(li_ctx *ctx, li_source *in) LI_MUST_CHECK;
/* EXIF and XMP from `offset`, the end of the first IDAT, to IEND. */
li_status li_png_scan_behind(png_scan *scan, uint64_t offset) LI_MUST_CHECK;

#endif
