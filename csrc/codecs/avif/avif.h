/* avif.h: what the files of the AVIF codec share: scan.c and track.c read the header by
 * themselves, read.c decodes through libavif, convert.c makes rows of planes, write.c
 * encodes as tune.c says, avif.c is the table entry. Layer 2. */
#ifndef LI_CODECS_AVIF_AVIF_H
#define LI_CODECS_AVIF_AVIF_H

#include "codecs/avif/box.h"

#include <avif/avif.h>

enum { LI_AVIF_TILES = 256, LI_AVIF_FRAMES = 65536 };

/* What the properties of one item, or of one track, say. */
typedef struct avif_properties {
    uint32_t width, height; /* ispe; 0: there is none */
    bool config;            /* there is an av1C: the next four are known */
    uint64_t config_at;
    bool monochrome;
    uint8_t depth, chroma_x, chroma_y;
    bool nclx; /* the next two are known */
    bool full_range;
    uint32_t matrix;
    li_cicp cicp;
    uint64_t icc_bytes, icc_at;
    bool alpha; /* auxC or auxi says so */
    bool pixi, clap;
    uint8_t rotation; /* quarter turns anticlockwise */
    uint8_t mirror;   /* 0: none, 1: top and bottom change places, 2: left and right */
} avif_properties;

/* A grid's items row by row; a single item is a grid of one. */
typedef struct avif_mosaic {
    uint32_t columns, rows;
    uint32_t width, height; /* of a cell */
    uint32_t item[LI_AVIF_TILES];
} avif_mosaic;

/* What the scan finds; plain data. */
typedef struct avif_found {
    uint64_t end;         /* of the boxes; what is behind it are none */
    bool cut;             /* one of them is longer than the file */
    uint64_t picture_end; /* of the data of the primary item and its tiles */
    bool grid, sequence, alpha;
    uint32_t tiles; /* of the colour picture */
    uint64_t frames;
    avif_properties picture; /* of the whole picture */
    avif_properties tile;    /* of the first tile; of an ungridded one the same */
    uint64_t exif_bytes, xmp_bytes;
    uint64_t exif_at, xmp_at;           /* 0: not in one piece */
    uint64_t picture_bytes, picture_at; /* of the primary item; the same */
    uint64_t coded_bytes, coded_at; /* of the first tile's AV1 data, the first piece */
    uint64_t copied_bytes;          /* what libavif copies of the file */

    /* A grid that is decoded cell by cell; else libavif decodes all of it. */
    bool by_cells;
    avif_mosaic cells[2];         /* of colour and of alpha */
    avif_properties alpha_tile;   /* of the first one of alpha */
    uint64_t meta_at, meta_bytes; /* the body of the box */
    uint64_t primary_at;          /* the number of the primary item in pitm, */
    uint32_t primary_bytes;       /* and how long it is */
} avif_found;

/* Read one property box into the list; others are left alone. */
li_status li_avif_property(li_ctx *ctx, li_source *in, avif_box box,
                           avif_properties *properties) LI_MUST_CHECK;
/* meta: the primary item and what belongs to it. */
li_status li_avif_meta(li_ctx *ctx, li_source *in, avif_box meta,
                       avif_found *found) LI_MUST_CHECK;
/* moov: the first track of pictures and its alpha. found->frames is 0 if there is none.
 */
li_status li_avif_moov(li_ctx *ctx, li_source *in, avif_box moov,
                       avif_found *found) LI_MUST_CHECK;

/* The file's boxes; `found` is zero before. */
li_status li_avif_scan(li_ctx *ctx, li_source *in, avif_found *found) LI_MUST_CHECK;
/* sequence.c: what the sequence header in AV1's data, or the begin of them, says of
 * primaries and transfer; all 0: nothing, or it is not there. Pure. */
li_cicp li_avif_sequence_cicp(const uint8_t *data, size_t size);
/* Planes that a grid is put together in. */
uint64_t li_avif_canvas_bytes(const avif_found *found);
/* What decoding will take: header->held_bytes and work_bytes. */
void li_avif_cost(const avif_found *found, li_header *header);

/* bare.c: *good: there is nothing in the file but its picture. */
li_status li_avif_bare(li_ctx *ctx, li_source *in, bool *good) LI_MUST_CHECK;
li_status li_avif_inspect(li_ctx *ctx, li_source *in, li_header *header) LI_MUST_CHECK;
/* What decode hands out for this hint. */
li_info li_avif_info(const li_header *header, li_hint hint);
li_status li_avif_decode(li_ctx *ctx, li_source *in, const li_header *header,
                         li_hint hint, li_rows **rows) LI_MUST_CHECK;
/* One thread and our limits. */
void li_avif_configure(avifDecoder *decoder, const li_limits *limits);
/* mosaic.c: what a grid says of itself; *good: it is of so many tiles and as large as
 * the picture. Nothing is refused. */
li_status li_avif_read_grid(li_ctx *ctx, li_source *in, avif_box body, uint32_t tiles,
                            const avif_properties *picture, avif_mosaic *cells,
                            bool *good) LI_MUST_CHECK;
/* One side: so many cells cover it, and the last one is needed. Sides that libavif may
 * refuse are left to it. Pure. */
bool li_avif_covers(uint32_t cell, uint32_t count, uint32_t side, uint32_t sampling);
/* What is found->by_cells into the planes of `canvas`, which has none yet;
 * `cell_bytes` is what decoding one cell takes. */
li_status li_avif_put_together(li_ctx *ctx, li_source *in, const avif_found *found,
                               avifImage *canvas, uint64_t cell_bytes) LI_MUST_CHECK;
/* What is behind rows that li_avif_decode opened, borrowed: for tests. */
avifDecoder *li_avif_decoder(const li_rows *rows);
li_status li_avif_decode_planes(li_ctx *ctx, li_source *in, const li_header *header,
                                li_hint hint, li_planes **planes) LI_MUST_CHECK;
bool li_avif_planar(const li_header *header, li_hint hint, li_planar *layout);

/* --- write.c ---------------------------------------------------------------------- */

uint64_t li_avif_encode_bytes(li_info info, const li_encode *encode);
uint64_t li_avif_output_bytes(li_info info, const li_encode *encode);
li_pixel li_avif_accepts(li_pixel pixel, const li_encode *encode);
void li_avif_describe(li_info info, const li_encode *encode, char *text, size_t size);
li_status li_avif_encode(li_ctx *ctx, li_info info, const li_encode *encode,
                         li_out *out, li_sink **sink) LI_MUST_CHECK;
bool li_avif_takes_planes(li_info info, const li_encode *encode, li_planar *layout);
li_status li_avif_encode_planes(li_ctx *ctx, li_info info, const li_encode *encode,
                                li_out *out, li_plane_sink **sink) LI_MUST_CHECK;

/* write_metadata.c: `with` may be NULL. */
li_status li_avif_set_metadata(li_ctx *ctx, avifImage *image,
                               const li_metadata *with) LI_MUST_CHECK;

/* --- tune.c ----------------------------------------------------------------------- */

/* How much libaom is told: an older one may not know every word. */
typedef enum avif_options {
    AVIF_NO_OPTIONS,
    AVIF_LEAN_OPTIONS, /* what the memory bound rests on */
    AVIF_ALL_OPTIONS,
} avif_options;

/* Set what `speed`, 0 to 10, is for this image. */
avifResult li_avif_tune(avifEncoder *encoder, const avifImage *image, int speed,
                        bool lossless, avif_options options);

/* --- convert.c: rows of pixels from a frame's planes ------------------------------ */

typedef struct avif_converter avif_converter;

/* Upper bound of what a converter takes. Pure. */
uint64_t li_avif_convert_bytes(li_info info);
/* `image` is borrowed; `info` is what the rows are: at least the image's channels. */
li_status li_avif_converter(li_ctx *ctx, const avifImage *image, li_info info,
                            avif_converter **converter) LI_MUST_CHECK;
/* Row y, valid until the next call. */
li_status li_avif_convert(avif_converter *converter, uint32_t y,
                          const uint8_t **row) LI_MUST_CHECK;
void li_avif_converter_close(avif_converter **converter); /* accepts NULL, half-made */

/* --- errors ----------------------------------------------------------------------- */

/* libavif's result, with its own words, as ours; `otherwise` is what a failure means
 * that is not of a kind of its own. */
li_status li_avif_fail(li_ctx *ctx, avifResult result, const avifDiagnostics *words,
                       li_status otherwise) LI_MUST_CHECK;

#endif
