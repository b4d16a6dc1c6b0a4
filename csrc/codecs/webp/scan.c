/* scan.c: what a WebP says of itself: our own walk over the chunks of its RIFF file,
 * bounded and without an allocation, before libwebp sees a byte. Layer 2.
 *
 * A simple file is one chunk, "VP8 " (lossy) or VP8L (lossless). An extended one begins
 * with VP8X, which has the canvas, and goes on with ICCP, then the picture (ALPH and
 * "VP8 ", or VP8L) or ANIM and frames (ANMF, which hold the same), then EXIF and XMP.
 */
#include "codecs/webp/webp.h"
#include "meta/exif.h"

#include <stdio.h>
#include <string.h>

enum {
    RIFF_HEAD_BYTES = 12, /* "RIFF", size, "WEBP" */
    CHUNK_HEAD_BYTES = 8, /* type, size */
    EXTENDED_BYTES = 10,  /* the body of VP8X */
    FRAME_HEAD_BYTES = 16,
    LOSSY_HEAD_BYTES = 10,
    LOSSLESS_HEAD_BYTES = 5,
    EXIF_BYTES = 64 << 10, /* as much of an EXIF as is read */
    FLAG_ANIMATED = 0x02,
};

typedef struct webp_chunk {
    uint64_t at; /* offset of the body */
    uint32_t size;
    char type[5];
} webp_chunk;

typedef struct webp_walk {
    li_ctx *ctx; /* borrowed, like the next two */
    li_source *in;
    li_webp_scan *scan;
    uint64_t end; /* of the RIFF */
    uint64_t chunks;
    bool found; /* the frame is */
} webp_walk;

/* --- bytes ------------------------------------------------------------------------ */

static li_status
fail_corrupt(webp_walk *walk, const webp_chunk *chunk, const char *what)
{
    return li_fail(walk->ctx, LI_E130_CORRUPT, "webp: %s at byte %llu: %s", chunk->type,
                   (unsigned long long)(chunk->at - CHUNK_HEAD_BYTES), what);
}

static li_status
walk_read(webp_walk *walk, uint64_t offset, size_t size, const uint8_t **data)
{
    size_t got;
    LI_TRY(li_source_at(walk->in, offset, size, data, &got));
    if (got >= size)
        return LI_OK;
    return li_fail(walk->ctx, LI_E132_TRUNCATED,
                   "webp: the file ends too early, after %llu bytes",
                   (unsigned long long)walk->in->size);
}

/* The first `size` bytes of a chunk's body, which must have them. */
static li_status
chunk_body(webp_walk *walk, const webp_chunk *chunk, size_t size, const uint8_t **body)
{
    static const uint8_t nothing[FRAME_HEAD_BYTES];
    *body = nothing; /* for analyzers, which do not know that li_fail never says OK */
    if (chunk->size < size)
        return fail_corrupt(walk, chunk, "too short");
    return walk_read(walk, chunk->at, size, body);
}

static bool
chunk_is(const webp_chunk *chunk, const char *type)
{
    return memcmp(chunk->type, type, 4) == 0;
}

static uint64_t
chunk_end(const webp_chunk *chunk)
{
    return chunk->at + chunk->size;
}

/* The chunk at *offset, if one begins before `end`; *offset is then behind it and its
 * padding. */
static li_status
chunk_next(webp_walk *walk, uint64_t *offset, uint64_t end, webp_chunk *chunk,
           bool *there)
{
    uint64_t limit = walk->ctx->limits.max_segments;
    const uint8_t *head;
    *there = end - *offset >= CHUNK_HEAD_BYTES && *offset < end;
    if (!*there)
        return LI_OK;
    if (limit && ++walk->chunks > limit)
        return li_fail(walk->ctx, LI_E123_FIREWALL,
                       "webp: more chunks than limits(max_segments=%llu)",
                       (unsigned long long)limit);
    LI_TRY(li_poll(walk->ctx));
    LI_TRY(walk_read(walk, *offset, CHUNK_HEAD_BYTES, &head));
    *chunk =
        (webp_chunk){.at = *offset + CHUNK_HEAD_BYTES, .size = li_webp_le32(head + 4)};
    for (int i = 0; i < 4; i++) /* for messages: nothing that a terminal obeys */
        chunk->type[i] = head[i] >= ' ' && head[i] < 0x7f ? (char)head[i] : '?';
    if (chunk->size > end - chunk->at && walk->ctx->salvage)
        chunk->size = (uint32_t)(end - chunk->at);
    if (chunk->size > end - chunk->at)
        return fail_corrupt(walk, chunk, "longer than what holds it");
    *offset = chunk_end(chunk) + (chunk->size & 1);
    return LI_OK;
}

/* --- the picture ------------------------------------------------------------------ */

/* A key frame's head: 3 bytes of flags and the first partition's size, a start code, 14
 * bits of width and of height. */
static li_status
visit_lossy(webp_walk *walk, const webp_chunk *chunk, li_webp_frame *frame)
{
    const uint8_t *body;
    LI_TRY(chunk_body(walk, chunk, LOSSY_HEAD_BYTES, &body));
    uint32_t bits = li_webp_le24(body);
    if (body[3] != 0x9d || body[4] != 0x01 || body[5] != 0x2a)
        return fail_corrupt(walk, chunk, "no start code");
    if ((bits & 1) != 0 || (bits >> 1 & 7) > 3 || (bits >> 4 & 1) == 0)
        return fail_corrupt(walk, chunk, "not a key frame to be shown");
    if (bits >> 5 >= chunk->size)
        return fail_corrupt(walk, chunk, "a partition longer than the chunk");
    frame->width = li_webp_le16(body + 6) & 0x3fff;
    frame->height = li_webp_le16(body + 8) & 0x3fff;
    if (frame->width == 0 || frame->height == 0)
        return fail_corrupt(walk, chunk, "a side of 0 pixels");
    return LI_OK;
}

static li_status
visit_lossless(webp_walk *walk, const webp_chunk *chunk, li_webp_frame *frame)
{
    const uint8_t *body;
    LI_TRY(chunk_body(walk, chunk, LOSSLESS_HEAD_BYTES, &body));
    uint32_t bits = li_webp_le32(body + 1);
    if (body[0] != 0x2f || bits >> 29 != 0)
        return fail_corrupt(walk, chunk, "no signature of version 0");
    frame->width = (bits & 0x3fff) + 1;
    frame->height = (bits >> 14 & 0x3fff) + 1;
    frame->lossless = true;
    frame->alpha = (bits >> 28 & 1) != 0;
    frame->stream_at = chunk->at + LOSSLESS_HEAD_BYTES;
    frame->stream_size = chunk->size - LOSSLESS_HEAD_BYTES;
    return LI_OK;
}

/* A chunk where a picture may begin: *done once it is whole. An ALPH in front of a VP8L
 * does not count. */
static li_status
visit_picture(webp_walk *walk, const webp_chunk *chunk, li_webp_frame *frame,
              bool *done)
{
    const uint8_t *body;
    *done = chunk_is(chunk, "VP8 ") || chunk_is(chunk, "VP8L");
    if (chunk_is(chunk, "ALPH")) {
        LI_TRY(chunk_body(walk, chunk, 1, &body));
        if (!frame->alpha)
            frame->at = chunk->at - CHUNK_HEAD_BYTES;
        frame->stream_at = chunk->at + 1; /* of two, it is not known which counts */
        frame->stream_size = frame->alpha || (body[0] & 3) == 0 ? 0 : chunk->size - 1;
        frame->alpha_packed |= (body[0] & 3) != 0;
        frame->alpha = true;
        return LI_OK;
    }
    if (!*done)
        return LI_OK;
    if (chunk_is(chunk, "VP8L") || !frame->alpha)
        frame->at = chunk->at - CHUNK_HEAD_BYTES;
    frame->size = chunk_end(chunk) - frame->at;
    return chunk_is(chunk, "VP8L") ? visit_lossless(walk, chunk, frame)
                                   : visit_lossy(walk, chunk, frame);
}

/* The first frame: its place, then its picture. */
static li_status
visit_frame(webp_walk *walk, const webp_chunk *chunk)
{
    li_webp_frame *frame = &walk->scan->frame;
    const uint8_t *body;
    LI_TRY(chunk_body(walk, chunk, FRAME_HEAD_BYTES, &body));
    frame->x = li_webp_le24(body) * 2;
    frame->y = li_webp_le24(body + 3) * 2;
    uint32_t width = li_webp_le24(body + 6) + 1, height = li_webp_le24(body + 9) + 1;
    if (width > walk->scan->width || frame->x > walk->scan->width - width ||
        height > walk->scan->height || frame->y > walk->scan->height - height)
        return fail_corrupt(walk, chunk, "outside the canvas");
    uint64_t offset = chunk->at + FRAME_HEAD_BYTES;
    while (!walk->found) {
        webp_chunk part;
        bool there;
        LI_TRY(chunk_next(walk, &offset, chunk_end(chunk), &part, &there));
        if (!there)
            return fail_corrupt(walk, chunk, "no picture in it");
        LI_TRY(visit_picture(walk, &part, frame, &walk->found));
    }
    if (frame->width != width || frame->height != height)
        return fail_corrupt(walk, chunk, "not the size of its picture");
    return LI_OK;
}

/* --- the file --------------------------------------------------------------------- */

static li_status
visit_extended(webp_walk *walk, const webp_chunk *chunk)
{
    const uint8_t *body;
    LI_TRY(chunk_body(walk, chunk, EXTENDED_BYTES, &body));
    walk->scan->animated = (body[0] & FLAG_ANIMATED) != 0;
    walk->scan->width = li_webp_le24(body + 4) + 1;
    walk->scan->height = li_webp_le24(body + 7) + 1;
    if ((uint64_t)walk->scan->width * walk->scan->height > UINT32_MAX)
        return fail_corrupt(walk, chunk, "more pixels than a canvas can have");
    return LI_OK;
}

static li_status
visit_exif(webp_walk *walk, const webp_chunk *chunk)
{
    const uint8_t *body;
    if (walk->scan->exif_bytes)
        return LI_OK; /* the first one counts */
    size_t size = chunk->size < EXIF_BYTES ? chunk->size : EXIF_BYTES;
    LI_TRY(walk_read(walk, chunk->at, size, &body));
    walk->scan->exif_bytes = chunk->size;
    walk->scan->exif_at = chunk->at;
    walk->scan->orientation = li_exif_orientation(body, size);
    walk->scan->density = li_exif_density(body, size);
    return LI_OK;
}

static li_status
visit(webp_walk *walk, const webp_chunk *chunk)
{
    li_webp_scan *scan = walk->scan;
    bool frame = scan->animated && chunk_is(chunk, "ANMF");
    if (chunk_is(chunk, "EXIF"))
        return visit_exif(walk, chunk);
    if (chunk_is(chunk, "ICCP") && !scan->icc_bytes) {
        scan->icc_at = chunk->at;
        scan->icc_bytes = chunk->size;
    } else if (chunk_is(chunk, "XMP ") && !scan->xmp_bytes) {
        scan->xmp_bytes = chunk->size;
        scan->xmp_at = chunk->at;
    }
    scan->frames += frame;
    if (walk->found)
        return LI_OK;
    if (frame)
        return visit_frame(walk, chunk);
    return scan->animated ? LI_OK
                          : visit_picture(walk, chunk, &scan->frame, &walk->found);
}

/* The chunks behind VP8X. */
static li_status
walk_extended(webp_walk *walk, uint64_t offset)
{
    li_webp_scan *scan = walk->scan;
    for (;;) {
        webp_chunk chunk;
        bool there;
        LI_TRY(chunk_next(walk, &offset, walk->end, &chunk, &there));
        if (!there)
            break;
        LI_TRY(visit(walk, &chunk));
    }
    if (!walk->found)
        return li_fail(walk->ctx, LI_E130_CORRUPT, "webp: there is no picture in it");
    if (!scan->animated &&
        (scan->frame.width != scan->width || scan->frame.height != scan->height))
        return li_fail(
            walk->ctx, LI_E130_CORRUPT, "webp: the picture has %ux%u, its canvas %ux%u",
            scan->frame.width, scan->frame.height, scan->width, scan->height);
    return LI_OK;
}

static li_status
walk_riff(webp_walk *walk)
{
    const uint8_t *head;
    LI_TRY(walk_read(walk, 0, RIFF_HEAD_BYTES, &head));
    uint64_t size = li_webp_le32(head + 4);
    if (memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WEBP", 4) != 0)
        return li_fail(walk->ctx, LI_E130_CORRUPT, "webp: the signature is damaged");
    if (size < RIFF_HEAD_BYTES)
        return li_fail(walk->ctx, LI_E130_CORRUPT, "webp: RIFF has %llu bytes",
                       (unsigned long long)size);
    walk->end = CHUNK_HEAD_BYTES + size;
    if (walk->end <= walk->in->size)
        return LI_OK;
    if (walk->ctx->salvage) { /* what there is of it */
        li_warn(walk->ctx, "webp: the file ends too early, after %llu bytes of %llu",
                (unsigned long long)walk->in->size, (unsigned long long)walk->end);
        walk->end = walk->in->size;
        return LI_OK;
    }
    return li_fail(walk->ctx, LI_E132_TRUNCATED,
                   "webp: the file ends too early, after %llu bytes of %llu",
                   (unsigned long long)walk->in->size, (unsigned long long)walk->end);
}

li_status
li_webp_walk(li_ctx *ctx, li_source *in, li_webp_scan *scan)
{
    webp_walk walk = {.ctx = ctx, .in = in, .scan = scan};
    webp_chunk chunk;
    uint64_t offset = RIFF_HEAD_BYTES;
    bool there;
    *scan = (li_webp_scan){.orientation = 1};
    LI_TRY(walk_riff(&walk));
    scan->end = walk.end;
    LI_TRY(chunk_next(&walk, &offset, walk.end, &chunk, &there));
    if (there && chunk_is(&chunk, "VP8X")) {
        LI_TRY(visit_extended(&walk, &chunk));
        LI_TRY(walk_extended(&walk, offset));
    } else if (there && (chunk_is(&chunk, "VP8 ") || chunk_is(&chunk, "VP8L"))) {
        LI_TRY(visit_picture(&walk, &chunk, &scan->frame, &walk.found));
        scan->width = scan->frame.width;
        scan->height = scan->frame.height;
    } else {
        return li_fail(ctx, LI_E130_CORRUPT, "webp: it begins with no picture");
    }
    if (!scan->animated)
        scan->frames = 1;
    return LI_OK;
}

/* --- the header ------------------------------------------------------------------- */

static bool
fills_canvas(const li_webp_scan *scan)
{
    return scan->frame.width == scan->width && scan->frame.height == scan->height;
}

li_status
li_webp_inspect(li_ctx *ctx, li_source *in, li_header *header)
{
    li_webp_scan scan;
    LI_TRY(li_webp_walk(ctx, in, &scan));
    /* Counting goes over up to a sixteenth of the pixels: first, are they allowed? */
    *header = (li_header){.width = scan.width, .height = scan.height};
    LI_TRY(li_header_check(ctx, header, in->size));
    LI_TRY(li_webp_count_groups(ctx, in, &scan.frame));
    li_codec_note_rest("webp", ctx, in, scan.end, "the RIFF");
    bool alpha = scan.frame.alpha || !fills_canvas(&scan);
    bool planar = !scan.frame.lossless && !alpha;
    *header = (li_header){
        .width = scan.width,
        .height = scan.height,
        .pixel = alpha ? LI_RGBA8 : LI_RGB8,
        .bit_depth = 8,
        .orientation = scan.orientation,
        .frames = scan.frames,
        .lossless = scan.frame.lossless,
        .chroma_x = planar ? 2 : 0,
        .chroma_y = planar ? 2 : 0,
        .icc_bytes = scan.icc_bytes,
        .icc_at = scan.icc_at,
        .exif_bytes = scan.exif_bytes,
        .xmp_bytes = scan.xmp_bytes,
        .exif_at = scan.exif_at,
        .exif_size = scan.exif_bytes,
        .xmp_at = scan.xmp_at,
        .xmp_size = scan.xmp_bytes,
        .density = scan.density,
    };
    /* A file that is read, not mapped, is held whole: libwebp is given all of it. */
    header->work_bytes = li_sat_add(li_webp_decoder_bytes(&scan), in->size);
    snprintf(header->variant, sizeof(header->variant), "%s%s%s",
             scan.frame.lossless ? "lossless" : "lossy 4:2:0", alpha ? " alpha" : "",
             scan.animated ? " animated" : "");
    return LI_OK;
}
