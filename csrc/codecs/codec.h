/* codec.h: what a format is: one const struct in one table, one folder. Layer 2. */
#ifndef LI_CODECS_CODEC_H
#define LI_CODECS_CODEC_H

#include "base/source.h"
#include "color/icc.h"
#include "image/ahead.h"
#include "image/out.h"
#include "image/planes.h"
#include "image/rows.h"
#include "image/sink.h"
#include "meta/metadata.h"

enum { LI_PROBE_BYTES = 16, LI_VARIANT_BYTES = 40 };

/* What a file's header says; filled by inspect from the source's first bytes by a
 * bounded scan of our own, before any library sees one. Plain data. */
typedef struct li_header {
    uint32_t width, height; /* as stored, before orientation */
    li_pixel pixel;         /* what decode will hand out, but for hint.deep */
    uint8_t bit_depth;      /* of the file's samples: 1, 2, 4, 8, 12, 16 */
    uint8_t orientation;    /* EXIF's 1..8 */
    uint32_t frames;
    bool progressive; /* the picture comes in passes: nothing streams */
    bool inverted;    /* CMYK where 0 is full ink: every JPEG's */
    bool palette;
    bool lossless;              /* WebP, AVIF */
    uint8_t chroma_x, chroma_y; /* luma columns and rows that a chroma sample stands
                                   for; 0: not to be had as planes */
    bool studio;                /* of the planes: see li_planar */
    uint8_t skims;              /* the largest shrink that hint.skim is honoured for */
    uint64_t icc_bytes, exif_bytes, xmp_bytes; /* as stored; 0: none */
    /* PNG: what they inflate to, if that was counted; not far beyond what is allowed */
    uint64_t icc_inflated, xmp_inflated;
    /* Where the EXIF block lies, with its prefix or without, and the XMP packet,
     * without what extends it; of size 0: not in one piece. */
    uint64_t exif_at, exif_size, xmp_at, xmp_size;
    bool xmp_packed; /* PNG: deflated; JPEG: there is more of it elsewhere */
    li_density density;
    uint64_t icc_at;     /* offset of the profile, or of what holds its first piece */
    li_cicp cicp;        /* what it says of colours besides a profile */
    uint64_t held_bytes; /* what the decoder's library holds of the whole picture at
                            full scale because it cannot stream it; 0: it streams */
    uint64_t work_bytes; /* the rest that it needs: row buffers, tables, windows */
    char variant[LI_VARIANT_BYTES]; /* for explain: "progressive 4:2:0" */
} li_header;

/* How to decode; the zero hint is: all of it at full size. */
typedef struct li_hint {
    uint8_t
        shrink; /* M of M/8: 1, 2, 3, 4; 0 or 8: full size; only if codec->shrinks */
    /* Of the picture as decode hands it out, that is, after the shrink; width 0: all.
     * Only if codec->regions. The samples equal a whole decode's. */
    struct {
        uint32_t x, y, width, height;
    } region;
    bool planes; /* by decode_planes; then without a region */
    bool rough;  /* a later downscale hides what a decoder may leave out: WebP's loop
                    filter and its smooth upsampling of chroma */
    bool skim;   /* up to header.skims: read over what the shrink leaves out, and hand
                    out chroma as much smaller than luma as it is stored; rows only
                    where it is not, or at 1/8 of 4:2:0, where it need not be */
    bool ahead;  /* with a thread of its own for a part of the work, if there is one to
                    be had; only if codec->ahead */
    bool deep;   /* 16 bits a sample where the file has more than 8; only if codec->deep
                  */
    li_ahead_use *use; /* then borrowed until the rows are closed: what came of it */
} li_hint;

typedef enum li_subsampling {
    LI_SUBSAMPLING_AUTO, /* 4:2:0 below quality 90, else 4:4:4 */
    LI_420,
    LI_422,
    LI_444,
} li_subsampling;

typedef enum li_quant_table {
    LI_QUANT_STANDARD, /* Annex K of the standard, as libjpeg scales it */
    LI_QUANT_TUNED,    /* for the eye and for progressive scans */
} li_quant_table;

/* How to encode; li_encode_default() has every "as you like". */
typedef struct li_encode {
    uint8_t quality;            /* 1..100; 0: the codec's default, or it has none */
    int8_t progressive;         /* JPEG: 0, 1, −1: while the coefficients fit 8 MB */
    int8_t optimize;            /* JPEG: the same; 0: nor progressive unless told */
    int8_t effort;              /* JPEG: 0..9, −1: as without */
    int8_t quant_table;         /* JPEG: li_quant_table, −1: the effort's */
    li_subsampling subsampling; /* JPEG, AVIF */
    int8_t compression;         /* PNG: 0..9, −1: default */
    uint16_t palette;           /* PNG: colours at most, 2..256; 0: none */
    uint8_t bit_depth;          /* PNG: 1, 2, 4 of gray or a palette, 8, 16;
                                   AVIF: 8, 10, 12; 0: as the picture has */
    int8_t dither;              /* PNG: of what a palette has not; 0: not */
    bool interlace;             /* PNG: by Adam7 */
    bool lossless;              /* WebP, AVIF */
    int8_t near_lossless;       /* WebP: 0..100, −1: off; implies lossless */
    int8_t method;              /* WebP: 0..6, −1: default */
    bool smart_subsample;       /* WebP */
    int8_t alpha_quality;       /* WebP: 0..100, −1: default */
    int8_t low_memory;          /* WebP: 0, 1, −1: by the memory limit */
    int8_t speed;               /* AVIF: 0..10, −1: default */
    uint16_t cell_side;         /* AVIF: a grid of cells of this side, a multiple of
                                   64, of any picture; 0: of large ones, as it likes */
    li_cicp cicp; /* what the file says of its colours, if it has a place for that; all
                     0: they are sRGB, or the profile's */
    const li_metadata *metadata; /* borrowed until the sink is closed; NULL: none */
} li_encode;

static inline li_encode
li_encode_default(void)
{
    return (li_encode){
        .progressive = -1,
        .optimize = -1,
        .effort = -1,
        .quant_table = -1,
        .compression = -1,
        .dither = -1,
        .near_lossless = -1,
        .method = -1,
        .alpha_quality = -1,
        .low_memory = -1,
        .speed = -1,
    };
}

typedef struct li_codec {
    const char *name;             /* "jpeg" */
    const char *version;          /* of the library that it was built with */
    const char *(*running)(void); /* of the one that runs; NULL: it cannot be asked */
    bool shrinks;                 /* decode honours hint.shrink */
    bool regions;                 /* decode honours hint.region */
    bool roughs;                  /* decode honours hint.rough, but of lossless files */
    bool ahead;                   /* decode honours hint.ahead where nothing is held */
    bool deep;                    /* decode honours hint.deep */
    uint8_t default_quality;      /* 0: the format has no quality */
    li_places places;             /* for metadata */
    li_numbers numbers;           /* of colours */

    /* NULL: li_further_formats has it. */
    bool (*probe)(const uint8_t head[LI_PROBE_BYTES]);
    li_status (*inspect)(li_ctx *ctx, li_source *in, li_header *header);
    /* *good: the file is its picture, and has no byte beside it. NULL: metadata can be
     * taken out of a file, by li_meta_strip. */
    li_status (*bare)(li_ctx *ctx, li_source *in, bool *good);
    /* The XMP packet where header.xmp_packed: on the ledger; to->xmp stays NULL where
     * it is damaged. NULL: the format packs none. */
    li_status (*unpack_xmp)(li_ctx *ctx, li_source *in, const li_header *header,
                            li_metadata *to);
    /* The ICC profile, unpacked, on the ledger; *data is NULL, with a warning, where it
     * is damaged or not there whole. NULL: it lies in the file as it is, at
     * header.icc_at. Only where header.icc_bytes > 0. */
    li_status (*profile)(li_ctx *ctx, li_source *in, const li_header *header,
                         uint8_t **data, size_t *size);
    /* The size that decode hands out for this shrink. Pure. */
    li_info (*decoded)(const li_header *header, li_hint hint);
    /* Upper bounds, the library's own heap included. Pure. */
    uint64_t (*decode_bytes)(const li_header *header, li_hint hint);
    uint64_t (*encode_bytes)(li_info info, const li_encode *encode);
    /* Upper bound of the bytes that encode writes. Pure. */
    uint64_t (*output_bytes)(li_info info, const li_encode *encode);
    /* The layout nearest to `pixel` that encode takes for these settings. Pure. */
    li_pixel (*accepts)(li_pixel pixel, const li_encode *encode);
    /* Does the file say RGB of such gray rows? NULL: it says gray. Pure. */
    bool (*colors_gray)(li_pixel pixel, const li_encode *encode);
    /* In words for explain: "quality 85, 4:2:0, progressive". */
    void (*describe)(li_info info, const li_encode *encode, char *text, size_t size);
    /* header is what inspect said of the same source. The source outlives the rows. */
    li_status (*decode)(li_ctx *ctx, li_source *in, const li_header *header,
                        li_hint hint, li_rows **rows);
    li_status (*encode)(li_ctx *ctx, li_info info, const li_encode *encode, li_out *out,
                        li_sink **sink);

    /* The four of planes; NULL: never. The bounds above hold for both ways. */
    /* Can this picture be had as planes for this hint, and which? Pure. */
    bool (*planar)(const li_header *header, li_hint hint, li_planar *layout);
    li_status (*decode_planes)(li_ctx *ctx, li_source *in, const li_header *header,
                               li_hint hint, li_planes **planes);
    /* The planes that encode_planes wants for a picture of this size; false: it must
     * come as `encode` takes it. Pure. */
    bool (*takes_planes)(li_info info, const li_encode *encode, li_planar *layout);
    li_status (*encode_planes)(li_ctx *ctx, li_info info, const li_encode *encode,
                               li_out *out, li_plane_sink **sink);
} li_codec;

/* The picture ends at `end`, with `what`: note the bytes behind it, if there are any.
 */
static inline void
li_codec_note_rest(const char *codec, li_ctx *ctx, const li_source *in, uint64_t end,
                   const char *what)
{
    if (end < in->size)
        li_warn(ctx, "%s: %llu extraneous bytes behind %s", codec,
                (unsigned long long)(in->size - end), what);
}

/* A decoder that salvages goes on behind damage, unless the file has changed: the
 * message is still there. */
static inline li_status
li_codec_forgive(li_ctx *ctx, li_source *in)
{
    ctx->status = LI_OK;
    return li_source_verify(in);
}

/* Then: it has lost no row. The message becomes a warning. */
static inline void
li_codec_note_salvaged(li_ctx *ctx, uint32_t height, const char *but)
{
    ctx->salvaged = true;
    ctx->rows_real = height;
    li_warn(ctx, "salvage: %u of %u rows%s; %s", height, height, but, ctx->message);
    ctx->message[0] = 0;
}

/* May this be asked of a decoder for a shrink? */
static inline bool
li_header_skims(const li_header *header, uint8_t shrink, bool planes)
{
    bool small = shrink == 1 && header->chroma_x == 2 && header->chroma_y == 2;
    return shrink <= header->skims &&
           (planes || small || (header->chroma_x <= 1 && header->chroma_y <= 1));
}

/* Is a plane not smaller than what is to be made of it? It may be turned. */
static inline bool
li_plane_covers(const li_plane *from, const li_plane *to, bool turned)
{
    return from->width >= (turned ? to->height : to->width) &&
           from->height >= (turned ? to->width : to->height);
}

extern const li_codec li_codec_jpeg;
extern const li_codec li_codec_png;
#if defined(LI_HAVE_WEBP)
extern const li_codec li_codec_webp;
#endif

/* The built-in codecs, NULL at the end. */
extern const li_codec *const li_codecs[];

/* The codec that knows this head, or NULL. Fewer bytes than LI_PROBE_BYTES: pad with 0.
 */
const li_codec *li_codec_probe(const uint8_t head[LI_PROBE_BYTES]);
const li_codec *li_codec_named(const char *name);

/* --- codecs outside the table ----------------------------------------------------- */

/* A format whose codec is handed in by ctx->further, if there is one. */
typedef struct li_further_format {
    const char *name;
    bool (*probe)(const uint8_t head[LI_PROBE_BYTES]);
} li_further_format;

enum { LI_FURTHER_BIT = 32 }; /* of limits.formats: the first of these */

extern const li_further_format li_further_formats[]; /* a NULL name at the end */
extern const li_codec li_codec_avif; /* linked by lazyimage._avif and the C tests */

/* How an extension hands its codec over; one of another build must not be used. */
typedef struct li_plug {
    const char *version; /* LI_VERSION */
    size_t ctx_size, codec_size, header_size, encode_size;
    const li_codec *codec;
} li_plug;

static inline li_plug
li_plug_of(const li_codec *codec)
{
    return (li_plug){
        .version = LI_VERSION,
        .ctx_size = sizeof(li_ctx),
        .codec_size = sizeof(li_codec),
        .header_size = sizeof(li_header),
        .encode_size = sizeof(li_encode),
        .codec = codec,
    };
}

/* Was it made by the same sources as this? */
bool li_plug_fits(const li_plug *plug);

/* The codec for this head, from the table or ctx->further. E111 if the format is not
 * known, E123 if limits.formats forbids it, E112 if its codec has not been handed in.
 */
li_status li_codec_find(li_ctx *ctx, const uint8_t head[LI_PROBE_BYTES],
                        const li_codec **codec) LI_MUST_CHECK;

/* --- metadata: metadata.c ----------------------------------------------------------
 */

/* Read what `keep` (LI_KEEP_…) names. What is damaged or lies in pieces is left out
 * with a warning. To be freed, also on failure. */
li_status li_codec_metadata(const li_codec *codec, li_ctx *ctx, li_source *in,
                            const li_header *header, uint8_t keep,
                            li_metadata *metadata) LI_MUST_CHECK;

/* What brings its colours to sRGB, in as many bits as it has: a profile, or numbers.
 * *icc is NULL where nothing is to be done, or !converts. header->cicp learns of the
 * profile. */
li_status li_codec_colour(const li_codec *codec, li_ctx *ctx, li_source *in,
                          li_header *header, bool converts, li_icc **icc) LI_MUST_CHECK;
/* This profile (NULL: none) is there: what do the header's numbers still say? */
void li_header_profiled(li_header *header, const uint8_t *profile, size_t size);

/* --- the header ------------------------------------------------------------------- */

/* The most bytes of them that the limits allow; UINT64_MAX: any. */
uint64_t li_header_icc_most(const li_ctx *ctx);
uint64_t li_header_xmp_most(const li_ctx *ctx);
/* codec->profile, or what stands for it. */
li_status li_codec_profile(const li_codec *codec, li_ctx *ctx, li_source *in,
                           const li_header *header, uint8_t **data,
                           size_t *size) LI_MUST_CHECK;

/* Every check of ctx->limits that a header allows: side, pixels, bomb ratio, metadata.
 */
li_status li_header_check(li_ctx *ctx, const li_header *header,
                          uint64_t file_bytes) LI_MUST_CHECK;

#endif
