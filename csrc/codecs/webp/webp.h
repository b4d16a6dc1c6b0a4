/* webp.h: what the files of the WebP codec share: scan.c reads the container by itself,
 * feed.c drives libwebp's incremental decoder, read.c makes rows and planes of it,
 * write.c encodes, yuv.c converts, size.c knows what memory it all takes. Layer 2. */
#ifndef LI_CODECS_WEBP_WEBP_H
#define LI_CODECS_WEBP_WEBP_H

#include "base/thread.h"
#include "codecs/codec.h"

enum {
    LI_WEBP_QUALITY = 80,
    LI_WEBP_METHOD = 4,
    LI_WEBP_MAX_SIDE = 16383, /* of what is written: 14 bits; a canvas has 24 */
};

/* --- the container ---------------------------------------------------------------- */

/* How the picture that decode hands out is stored: the file's only one, or the first
 * frame of an animation, which may be smaller than its canvas. */
typedef struct li_webp_frame {
    uint64_t at;                  /* offset of its first chunk: ALPH, "VP8 " or VP8L */
    uint64_t size;                /* bytes up to the end of its last */
    uint32_t x, y, width, height; /* on the canvas */
    bool lossless;                /* VP8L */
    bool alpha;                   /* an ALPH chunk, or VP8L says so */
    bool alpha_packed;            /* that chunk is compressed */
    uint64_t stream_at,
        stream_size; /* of its lossless stream, without a head; 0: none */
    uint32_t groups; /* of codes in it; 0: not known */
} li_webp_frame;

typedef struct li_webp_scan {
    uint32_t width, height; /* of the canvas */
    li_webp_frame frame;
    uint64_t end; /* of the RIFF */
    uint32_t frames;
    bool animated;
    uint8_t orientation;
    uint64_t icc_bytes, exif_bytes, xmp_bytes;
    uint64_t icc_at, exif_at, xmp_at;
    li_density density;
} li_webp_scan;

/* Walk over the chunks. Allocates nothing. */
li_status li_webp_walk(li_ctx *ctx, li_source *in, li_webp_scan *scan) LI_MUST_CHECK;
/* groups.c: frame->groups; 0 where the stream is damaged before it tells. */
li_status li_webp_count_groups(li_ctx *ctx, li_source *in,
                               li_webp_frame *frame) LI_MUST_CHECK;
li_status li_webp_inspect(li_ctx *ctx, li_source *in, li_header *header) LI_MUST_CHECK;

static inline uint32_t
li_webp_le16(const uint8_t *data)
{
    return (uint32_t)data[0] | (uint32_t)data[1] << 8;
}

static inline uint32_t
li_webp_le24(const uint8_t *data)
{
    return li_webp_le16(data) | (uint32_t)data[2] << 16;
}

static inline uint32_t
li_webp_le32(const uint8_t *data)
{
    return li_webp_le24(data) | (uint32_t)data[3] << 24;
}

/* --- reading ---------------------------------------------------------------------- */

li_info li_webp_decoded(const li_header *header, li_hint hint);
li_status li_webp_decode(li_ctx *ctx, li_source *in, const li_header *header,
                         li_hint hint, li_rows **rows) LI_MUST_CHECK;
bool li_webp_planar(const li_header *header, li_hint hint, li_planar *layout);
li_status li_webp_decode_planes(li_ctx *ctx, li_source *in, const li_header *header,
                                li_hint hint, li_planes **planes) LI_MUST_CHECK;

/* --- writing ---------------------------------------------------------------------- */

li_status li_webp_encode(li_ctx *ctx, li_info info, const li_encode *encode,
                         li_out *out, li_sink **sink) LI_MUST_CHECK;
bool li_webp_takes_planes(li_info info, const li_encode *encode, li_planar *layout);
li_status li_webp_encode_planes(li_ctx *ctx, li_info info, const li_encode *encode,
                                li_out *out, li_plane_sink **sink) LI_MUST_CHECK;

static inline bool
li_webp_is_lossless(const li_encode *encode)
{
    return encode->lossless || encode->near_lossless >= 0;
}

/* --- memory ----------------------------------------------------------------------- */

/* What libwebp's decoder takes of the heap for this frame. */
uint64_t li_webp_decoder_bytes(const li_webp_scan *scan);
uint64_t li_webp_decode_bytes(const li_header *header, li_hint hint);
/* What libwebp's encoder takes of the heap. */
uint64_t li_webp_encoder_bytes(li_info info, const li_encode *encode);
/* Is the encoder given what a photograph takes, and told to begin again with low_memory
 * once it may take more? Then *step is the most that it adds between two calls of its
 * progress hook. */
bool li_webp_watches(li_info info, const li_encode *encode, uint64_t *step);
/* Is the plane of alpha coded by alpha.c? libwebp's coder makes files of small pictures
 * 4 % shorter, and takes 36 bytes a pixel and four times the time. */
bool li_webp_codes_alpha(li_info info, const li_encode *encode);
uint64_t li_webp_encode_bytes(li_info info, const li_encode *encode);
uint64_t li_webp_output_bytes(li_info info, const li_encode *encode);

/* heap.c: bytes that the process holds of malloc, all threads'; false: not to be known.
 */
bool li_webp_heap_known(void);
uint64_t li_webp_heap_bytes(void);
/* An encoder that may take so many bytes of it begins; those that run at once with the
 * same pledge may take together what they may take. */
typedef struct li_webp_heap {
    li_pledge own;
    li_pledge *pledge; /* borrowed, or &own; NULL: it does not run */
    uint64_t bytes;
} li_webp_heap;

void li_webp_heap_begin(li_webp_heap *heap, li_pledge *shared, uint64_t bytes);
/* May `step` more be too much? */
bool li_webp_heap_is_full(const li_webp_heap *heap, uint64_t step);
void li_webp_heap_end(li_webp_heap *heap); /* accepts one that does not run */

#endif
