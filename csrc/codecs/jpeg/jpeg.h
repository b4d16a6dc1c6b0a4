/* jpeg.h: what the files of the JPEG codec share. Private to this folder. Layer 2. */
#ifndef LI_CODECS_JPEG_JPEG_H
#define LI_CODECS_JPEG_JPEG_H

#include "codecs/codec.h"

#include <assert.h>
#include <setjmp.h>
#include <stdio.h> /* jpeglib.h needs FILE */

#include <jpeglib.h>

/* --- the header (scan.c) ---------------------------------------------------------- */

enum { LI_JPEG_PARTS = 4 };

typedef struct li_jpeg_part {
    uint8_t id, h, v; /* sampling factors, 1..4 */
} li_jpeg_part;

/* What SOF and SOS say of how the picture is stored. */
typedef struct li_jpeg_frame {
    uint32_t width, height;
    uint8_t sof; /* marker code: 0xC0 baseline, 0xC2 progressive, … */
    uint8_t count;
    uint8_t max_h, max_v;
    li_jpeg_part parts[LI_JPEG_PARTS];
    bool held; /* several scans: libjpeg holds every coefficient */
} li_jpeg_frame;

li_status li_jpeg_inspect(li_ctx *ctx, li_source *in, li_header *header) LI_MUST_CHECK;
/* segments.c: a segment in front of the first scan. */
typedef struct li_jpeg_segment {
    uint8_t marker; /* 0: there is none */
    uint64_t at;    /* of its body */
    uint32_t size;
} li_jpeg_segment;
/* The first from *at on; then *at is behind it. Junk and markers without a length are
 * passed over. */
li_status li_jpeg_next_segment(li_source *in, uint64_t *at,
                               li_jpeg_segment *segment) LI_MUST_CHECK;

/* How a piece of an extension of XMP begins, and all that is in front of its bytes:
 * digest, size of the whole, place in it. */
#define LI_JPEG_MORE_XMP "http://ns.adobe.com/xmp/extension/"
enum { LI_JPEG_MORE_XMP_HEAD = sizeof(LI_JPEG_MORE_XMP) + 32 + 4 + 4 };
/* extended.c: codec->unpack_xmp. */
li_status li_jpeg_unpack_xmp(li_ctx *ctx, li_source *in, const li_header *header,
                             li_metadata *to) LI_MUST_CHECK;
/* profile.c: codec->profile. */
li_status li_jpeg_profile(li_ctx *ctx, li_source *in, const li_header *header,
                          uint8_t **data, size_t *size) LI_MUST_CHECK;
/* scans.c: walk the file's markers without decoding and refuse more than
 * limits.max_scans scans: a bomb of 300 KB decodes for seconds before libjpeg has seen
 * a hundredth of it. */
li_status li_jpeg_check_scans(li_ctx *ctx, li_source *in) LI_MUST_CHECK;
/* The same, and where the first segment begins that the file's end cuts; no such: where
 * the file ends. */
li_status li_jpeg_whole_segments(li_ctx *ctx, li_source *in,
                                 uint64_t *end) LI_MUST_CHECK;

/* --- what libjpeg takes (size.c); pure -------------------------------------------- */

/* Every coefficient of the picture, if it must be held. */
uint64_t li_jpeg_held_bytes(const li_jpeg_frame *frame);
/* libjpeg's row buffers and ours when decoding at scale/8. */
uint64_t li_jpeg_strip_bytes(const li_jpeg_frame *frame, uint32_t scale);
/* header.work_bytes: the most that any scale needs beside what is held. */
uint64_t li_jpeg_work_bytes(const li_jpeg_frame *frame);
uint64_t li_jpeg_decode_bytes(const li_header *header, li_hint hint);
/* The part of it that the library takes by itself. */
uint64_t li_jpeg_decode_charge(const li_header *header, li_hint hint);
li_info li_jpeg_decoded(const li_header *header, li_hint hint);
/* What decode hands out for this hint: the region, or all. */
static inline li_info
li_jpeg_region_info(const li_header *header, li_hint hint)
{
    li_info whole = li_jpeg_decoded(header, hint);
    if (hint.region.width == 0)
        return whole;
    assert(hint.region.height > 0 && hint.region.x <= whole.width - hint.region.width &&
           hint.region.y <= whole.height - hint.region.height);
    return (li_info){hint.region.width, hint.region.height, whole.pixel};
}
bool li_jpeg_planar(const li_header *header, li_hint hint, li_planar *layout);
size_t li_jpeg_plane_stride(const li_plane *plane);
/* Rows of a strip of libjpeg's raw data at most. */
uint32_t li_jpeg_strip_rows(const li_plane *plane);

/* How a picture will be written: li_encode with every "as you like" decided. */
typedef struct li_jpeg_choice {
    li_jpeg_frame frame;
    int quality;
    int8_t effort; /* 0..9 */
    bool progressive, optimize;
    bool tuned;   /* by the quantisation table of table.c */
    bool trellis; /* coefficients are searched, by held.h */
} li_jpeg_choice;

enum {
    LI_JPEG_QUALITY = 85,
    LI_JPEG_SIDE = JPEG_MAX_DIMENSION, /* 65500: the library's own limit */
};

li_jpeg_choice li_jpeg_choose(li_info info, const li_encode *encode);
uint64_t li_jpeg_encode_bytes(li_info info, const li_encode *encode);
uint64_t li_jpeg_encode_charge(const li_jpeg_choice *choice, bool planes);
uint64_t li_jpeg_output_bytes(li_info info, const li_encode *encode);
bool li_jpeg_takes_planes(li_info info, const li_encode *encode, li_planar *layout);

/* --- libjpeg's errors become ours (error.c) --------------------------------------- */

typedef struct li_jpeg_trouble {
    struct jpeg_error_mgr manager; /* first: libjpeg's pointer to it points to this */
    jmp_buf home;                  /* set by the one setjmp of reader.c or writer.c */
    li_ctx *ctx;                   /* borrowed */
    bool encoding;
    bool ended;    /* decoder: the source has given its last byte */
    bool forgives; /* decoder, of a picture that is held: damage is noted */
    bool damaged;  /* and there was some, */
    uint32_t rows; /* behind so many of the picture's rows */
} li_jpeg_trouble;

struct jpeg_error_mgr *li_jpeg_trouble_init(li_jpeg_trouble *trouble, li_ctx *ctx,
                                            bool encoding);
/* Back to the setjmp; ctx->status says why. */
_Noreturn void li_jpeg_leave(j_common_ptr jpeg);
/* libjpeg's progress call-back: poll, and count scans as a second belt. */
void li_jpeg_progress(j_common_ptr jpeg);

/* --- rows (read.c, write.c) and planes (read_planes.c, write_planes.c) -------------
 */

li_status li_jpeg_decode(li_ctx *ctx, li_source *in, const li_header *header,
                         li_hint hint, li_rows **rows) LI_MUST_CHECK;
li_status li_jpeg_encode(li_ctx *ctx, li_info info, const li_encode *encode,
                         li_out *out, li_sink **sink) LI_MUST_CHECK;
li_status li_jpeg_decode_planes(li_ctx *ctx, li_source *in, const li_header *header,
                                li_hint hint, li_planes **planes) LI_MUST_CHECK;
li_status li_jpeg_encode_planes(li_ctx *ctx, li_info info, const li_encode *encode,
                                li_out *out, li_plane_sink **sink) LI_MUST_CHECK;
/* The same two where the choice says trellis: effort.h. */
li_status li_jpeg_encode_held(li_ctx *ctx, li_info info, const li_encode *encode,
                              li_out *out, li_sink **sink) LI_MUST_CHECK;
li_status li_jpeg_encode_held_planes(li_ctx *ctx, li_info info, const li_encode *encode,
                                     li_out *out, li_plane_sink **sink) LI_MUST_CHECK;
/* The same two by the decoder of skim.h, where li_jpeg_skims says so. */
bool li_jpeg_skims(const li_header *header, li_hint hint);
li_status li_jpeg_skim_rows(li_ctx *ctx, li_source *in, const li_header *header,
                            li_hint hint, li_rows **rows) LI_MUST_CHECK;
li_status li_jpeg_skim_planes(li_ctx *ctx, li_source *in, const li_header *header,
                              li_hint hint, li_planes **planes) LI_MUST_CHECK;
/* What the open structs cost with their own buffers, apart from the library's heap. */
uint64_t li_jpeg_reader_bytes(void);
uint64_t li_jpeg_skim_reader_bytes(void);
uint64_t li_jpeg_writer_bytes(void);
uint64_t li_jpeg_held_writer_bytes(void);

#endif
