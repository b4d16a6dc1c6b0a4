/* metadata.h: what goes with a picture and is not the picture: its profile, EXIF, XMP,
 * how dense its pixels are. Layer 2. */
#ifndef LI_META_METADATA_H
#define LI_META_METADATA_H

#include "image/out.h"

typedef struct li_density {
    double x, y; /* pixels per inch; 0: not known */
} li_density;

static inline bool
li_density_known(li_density density)
{
    return density.x > 0 && density.y > 0;
}

static inline li_density
li_density_turned(li_density density, bool transposed)
{
    return transposed ? (li_density){density.y, density.x} : density;
}

/* In whole pixels per inch · `scale`; false if it is not known, or not 1 to most. */
bool li_density_whole(li_density density, double scale, uint32_t most, uint32_t *x,
                      uint32_t *y);

enum {
    LI_KEEP_ICC = 1 << 0,
    LI_KEEP_EXIF = 1 << 1, /* and density */
    LI_KEEP_XMP = 1 << 2,
    LI_KEEP_GPS = 1 << 3, /* in EXIF and XMP */
};

/* What EXIF and XMP say and is not so any more. */
enum {
    LI_STALE_TURN = 1 << 0,    /* how the picture is turned: it was applied */
    LI_STALE_COLOURS = 1 << 1, /* they became sRGB's */
    LI_STALE_SIZE = 1 << 2,
};

static inline uint8_t
li_stale_of(bool turned, bool recoloured, bool resized)
{
    return (uint8_t)((turned ? LI_STALE_TURN : 0) |
                     (recoloured ? LI_STALE_COLOURS : 0) |
                     (resized ? LI_STALE_SIZE : 0));
}

typedef struct li_metadata {
    li_ctx *ctx;  /* borrowed: of the blocks below; NULL: they are borrowed, too */
    uint8_t *icc; /* NULL: none; so the next two */
    bool owns_icc;
    uint8_t *exif, *xmp; /* EXIF with its prefix or without */
    size_t icc_size, exif_size, xmp_size;
    size_t xmp_more_at,
        xmp_more_size; /* of XMP, what can be left out; of size 0: none */
    li_density density;
    uint8_t orientation; /* of the picture that it goes with; 0 is 1 */
    uint8_t stale;       /* LI_STALE_…, since they were read */
} li_metadata;

void li_metadata_free(li_metadata *metadata); /* accepts a zeroed one */

static inline uint64_t
li_metadata_total(const li_metadata *metadata)
{
    return (uint64_t)metadata->icc_size + metadata->exif_size + metadata->xmp_size;
}

/* LI_KEEP_… of what is there. */
static inline uint8_t
li_metadata_kinds(const li_metadata *metadata)
{
    return (uint8_t)((metadata->icc ? LI_KEEP_ICC : 0) |
                     (metadata->exif ? LI_KEEP_EXIF : 0) |
                     (metadata->xmp ? LI_KEEP_XMP : 0));
}

/* Is there anything to be written? */
static inline bool
li_metadata_any(const li_metadata *metadata)
{
    return metadata &&
           (metadata->icc || metadata->exif || metadata->xmp ||
            li_density_known(metadata->density) || metadata->orientation > 1);
}

/* What a format has room for. */
typedef struct li_places {
    uint32_t icc_most, exif_most, xmp_most; /* bytes; 0: any */
    bool dense_exif; /* it says density in EXIF, and nowhere else */
} li_places;

/* How it is made fit for another picture. */
typedef struct li_edit {
    uint8_t keep;           /* LI_KEEP_… */
    uint8_t orientation;    /* of the new picture */
    uint8_t stale;          /* LI_STALE_…, besides what is so already */
    bool gray;              /* it is */
    bool transposed;        /* its rows are columns of the old one */
    uint32_t width, height; /* of the new picture */
    li_places places;
} li_edit;

/* As the picture itself was: the density, in EXIF, too. */
void li_metadata_transpose(li_metadata *metadata);

/* Is it a profile for pictures that are gray, or RGB? */
bool li_icc_suits(const uint8_t *profile, size_t size, bool gray);

/* The part of `from` that is kept, EXIF and XMP written anew on ctx; the profile is
 * borrowed. What is damaged or does not fit is left out with a warning. `to` is to be
 * freed, also on failure. */
li_status li_metadata_edit(li_ctx *ctx, const li_metadata *from, const li_edit *edit,
                           li_metadata *to) LI_MUST_CHECK;
/* All of it, in blocks of its own. To be freed, also on failure. */
li_status li_metadata_copy(li_ctx *ctx, const li_metadata *from,
                           li_metadata *to) LI_MUST_CHECK;
/* What li_metadata_edit and then any of the writers below take at most; and what they
 * add to a file. Pure. */
uint64_t li_metadata_edit_bytes(const li_metadata *from);
uint64_t li_metadata_out_bytes(const li_metadata *from);

/* --- writers: into a file that is begun --------------------------------------------
 */

/* A segment holds this much beside the names. */
enum {
    LI_JPEG_EXIF_MOST = 65533 - 6,
    LI_JPEG_XMP_MOST = 65533 - 29,
    LI_JPEG_ICC_MOST = 255 * (65533 - 14), /* in 255 pieces */
};

/* Behind SOI and JFIF: APP1 with EXIF, APP1 with XMP, APP2 with the profile's pieces.
 */
li_status li_metadata_jpeg(const li_metadata *metadata, li_out *out) LI_MUST_CHECK;
/* Behind IHDR: iCCP, pHYs, eXIf, iTXt. */
li_status li_metadata_png(const li_metadata *metadata, li_ctx *ctx,
                          li_out *out) LI_MUST_CHECK;

/* An extended WebP around `picture` bytes of ALPH, "VP8 " or VP8L: RIFF, VP8X, ICCP. */
typedef struct li_canvas {
    uint32_t width, height;
    bool alpha;
    uint64_t picture;
} li_canvas;

li_status li_metadata_webp_head(const li_metadata *metadata, const li_canvas *canvas,
                                li_out *out) LI_MUST_CHECK;
/* Behind the picture: EXIF, XMP. */
li_status li_metadata_webp_tail(const li_metadata *metadata, li_out *out) LI_MUST_CHECK;

#endif
