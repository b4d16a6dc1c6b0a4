/* scan.c: a JPEG's header by a bounded walk over its segments, without libjpeg and
 * without memory: what comes before the first scan says all that a plan needs. Follows
 * what libjpeg tolerates, so that both see the same picture. Layer 2. */
#include "codecs/jpeg/jpeg.h"
#include "meta/exif.h"

#include <string.h>

enum {
    MARKER_SOF0 = 0xC0,
    MARKER_SOF1 = 0xC1,
    MARKER_SOF2 = 0xC2,
    MARKER_DHT = 0xC4,
    MARKER_JPG = 0xC8,
    MARKER_SOF9 = 0xC9,
    MARKER_SOF10 = 0xCA,
    MARKER_DAC = 0xCC,
    MARKER_SOF15 = 0xCF,
    MARKER_RST0 = 0xD0,
    MARKER_RST7 = 0xD7,
    MARKER_SOI = 0xD8,
    MARKER_EOI = 0xD9,
    MARKER_SOS = 0xDA,
    MARKER_DRI = 0xDD,
    MARKER_APP0 = 0xE0,
    MARKER_APP15 = 0xEF,
    MARKER_COM = 0xFE,
    MARKER_TEM = 0x01,
    /* Bytes between segments that are no marker: libjpeg skips any number, real files
     * have a few. Ends the walk over a file that is a JPEG in its first bytes only. */
    JUNK_BYTES = 64 << 10,
    /* The longest that a segment needs to be looked at beside EXIF: an XMP name. */
    LOOK_BYTES = 32,
};

typedef struct scanner {
    li_ctx *ctx;   /* borrowed */
    li_source *in; /* borrowed */
    uint64_t at;   /* the next byte */
    uint32_t junk;
    li_header *header; /* borrowed; being filled */
    li_jpeg_frame frame;
    bool jfif, adobe, adobe_rgb;
    bool codes; /* Huffman tables are there; else libjpeg knows the usual ones */
} scanner;

static li_status
fail_short(const scanner *scan)
{
    return li_fail(scan->ctx, LI_E132_TRUNCATED,
                   "jpeg: the file ends in its header, after %llu bytes",
                   (unsigned long long)scan->in->size);
}

static li_status
fail_damaged(const scanner *scan, const char *words)
{
    return li_fail(scan->ctx, LI_E130_CORRUPT, "jpeg: %s, at byte %llu", words,
                   (unsigned long long)scan->at);
}

/* `size` bytes at the read head, which stays. */
static li_status
scan_look(const scanner *scan, size_t size, const uint8_t **data)
{
    size_t got;
    LI_TRY(li_source_at(scan->in, scan->at, size, data, &got));
    return got < size ? fail_short(scan) : LI_OK;
}

/* The next marker; the read head is behind it. Bytes in front of its FF are junk, more
 * FFs are padding. */
static li_status
scan_marker(scanner *scan, uint8_t *marker)
{
    const uint8_t *data;
    bool after_ff = false;
    for (;;) {
        LI_TRY(scan_look(scan, 1, &data));
        uint8_t byte = *data;
        scan->at++;
        if (after_ff && byte != 0 && byte != 0xFF) {
            scan->junk--; /* its own FF */
            *marker = byte;
            return LI_OK;
        }
        after_ff = byte == 0xFF;
        if (++scan->junk > JUNK_BYTES)
            return fail_damaged(scan, "no marker where one must be");
    }
}

/* --- what segments say ------------------------------------------------------------ */

/* A segment's body; only `look` bytes of it have been read. */
typedef struct segment {
    uint8_t marker;
    uint32_t size;
    uint32_t look;
    const uint8_t *data; /* borrowed until the source's next call */
} segment;

static li_status
check_frame(const scanner *scan, uint32_t precision)
{
    const li_jpeg_frame *frame = &scan->frame;
    li_ctx *ctx = scan->ctx;
    if (precision != 8)
        return li_fail(ctx, LI_E131_DECODE,
                       "jpeg: %u bits a sample are not supported, only 8", precision);
    if (frame->width == 0)
        return fail_damaged(scan, "the picture is 0 pixels wide");
    if (frame->height == 0)
        return li_fail(ctx, LI_E131_DECODE,
                       "jpeg: a height given after the picture (DNL) is not supported");
    if (frame->width > LI_JPEG_SIDE || frame->height > LI_JPEG_SIDE)
        return li_fail(ctx, LI_E131_DECODE,
                       "jpeg: %ux%u is beyond the decoder's %d pixels a side",
                       frame->width, frame->height, LI_JPEG_SIDE);
    if (frame->count != 1 && frame->count != 3 && frame->count != 4)
        return li_fail(ctx, LI_E131_DECODE,
                       "jpeg: %u components are not supported, only 1, 3 and 4",
                       frame->count);
    return LI_OK;
}

static li_status
check_sampling(const scanner *scan)
{
    const li_jpeg_frame *frame = &scan->frame;
    for (uint32_t i = 0; i < frame->count; i++) {
        const li_jpeg_part *part = &frame->parts[i];
        if (frame->max_h % part->h != 0 || frame->max_v % part->v != 0)
            return li_fail(scan->ctx, LI_E131_DECODE,
                           "jpeg: sampling %ux%u beside %ux%u is not supported",
                           part->h, part->v, frame->max_h, frame->max_v);
    }
    return LI_OK;
}

static li_status
scan_parts(scanner *scan, const uint8_t *data)
{
    li_jpeg_frame *frame = &scan->frame;
    for (uint32_t i = 0; i < frame->count; i++, data += 3) {
        li_jpeg_part part = {.id = data[0], .h = data[1] >> 4, .v = data[1] & 15};
        if (part.h < 1 || part.h > 4 || part.v < 1 || part.v > 4)
            return fail_damaged(scan, "a sampling factor is not 1 to 4");
        if (part.h > frame->max_h)
            frame->max_h = part.h;
        if (part.v > frame->max_v)
            frame->max_v = part.v;
        frame->parts[i] = part;
    }
    return check_sampling(scan);
}

static li_status
scan_frame(scanner *scan, const segment *body)
{
    li_jpeg_frame *frame = &scan->frame;
    uint8_t kind = body->marker;
    const uint8_t *data = body->data;
    if (frame->count)
        return fail_damaged(scan, "a second frame header");
    if (kind > MARKER_SOF2 && kind != MARKER_SOF9 && kind != MARKER_SOF10)
        return li_fail(scan->ctx, LI_E131_DECODE,
                       "jpeg: lossless and hierarchical JPEG (SOF%u) is not supported",
                       kind - MARKER_SOF0);
    if (body->look < 6)
        return fail_damaged(scan, "a frame header that is too short");
    frame->sof = kind;
    frame->height = (uint32_t)data[1] << 8 | data[2];
    frame->width = (uint32_t)data[3] << 8 | data[4];
    frame->count = data[5];
    LI_TRY(check_frame(scan, data[0]));
    if (body->size != 6 + 3u * frame->count)
        return fail_damaged(scan, "a frame header of the wrong length");
    return scan_parts(scan, data + 6);
}

/* Several scans, by the header of the first. */
static li_status
scan_start(scanner *scan, const segment *body)
{
    li_jpeg_frame *frame = &scan->frame;
    if (!frame->count)
        return fail_damaged(scan, "a scan before the frame header");
    if (body->size < 1 || body->size != 4 + 2u * body->data[0])
        return fail_damaged(scan, "a scan header of the wrong length");
    bool progressive = frame->sof == MARKER_SOF2 || frame->sof == MARKER_SOF10;
    frame->held = progressive || body->data[0] < frame->count;
    return LI_OK;
}

static bool
starts_with(const segment *body, const char *name, uint32_t size)
{
    return body->look >= size && memcmp(body->data, name, size) == 0;
}

static li_status
scan_exif(scanner *scan, const segment *body)
{
    const uint8_t *data;
    if (scan->header->exif_bytes)
        return LI_OK; /* the first one counts */
    scan->header->exif_bytes = scan->header->exif_size = body->size - 6;
    scan->header->exif_at = scan->at + 6;
    LI_TRY(scan_look(scan, body->size, &data));
    scan->header->orientation = li_exif_orientation(data, body->size);
    if (!li_density_known(scan->header->density))
        scan->header->density = li_exif_density(data, body->size);
    return LI_OK;
}

static void
scan_jfif(scanner *scan, const segment *body)
{
    enum { INCH = 1, CENTIMETRE = 2 };
    const uint8_t *data = body->data;
    if (body->size < 14 || !starts_with(body, "JFIF", 5))
        return;
    scan->jfif = true;
    double scale = data[7] == INCH ? 1 : data[7] == CENTIMETRE ? 2.54 : 0;
    li_density density = {scale * (data[8] << 8 | data[9]),
                          scale * (data[10] << 8 | data[11])};
    if (li_density_known(density))
        scan->header->density = density;
}

static void
scan_xmp(scanner *scan, const segment *body)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/";
    li_header *header = scan->header;
    if (starts_with(body, xmp, sizeof(xmp)) && !header->xmp_size) {
        header->xmp_size = body->size - sizeof(xmp);
        header->xmp_at = scan->at + sizeof(xmp);
        header->xmp_bytes += header->xmp_size;
    }
    if (starts_with(body, LI_JPEG_MORE_XMP, LOOK_BYTES) &&
        body->size > LI_JPEG_MORE_XMP_HEAD) {
        header->xmp_bytes += body->size - LI_JPEG_MORE_XMP_HEAD;
        header->xmp_packed = true;
    }
}

static li_status
scan_app(scanner *scan, const segment *body)
{
    li_header *header = scan->header;
    switch (body->marker - MARKER_APP0) {
    case 0:
        scan_jfif(scan, body);
        break;
    case 1:
        if (starts_with(body, "Exif\0", 6))
            return scan_exif(scan, body);
        scan_xmp(scan, body);
        break;
    case 2: /* after the name: its number and their count */
        if (starts_with(body, "ICC_PROFILE", 12) && body->size > 14) {
            header->icc_at = header->icc_bytes ? header->icc_at : scan->at;
            header->icc_bytes += body->size - 14;
        }
        break;
    case 14:
        if (body->size >= 12 && starts_with(body, "Adobe", 5)) {
            scan->adobe = true;
            scan->adobe_rgb = body->data[11] == 0; /* no colour transform */
        }
    }
    return LI_OK;
}

static li_status
scan_segment(scanner *scan, const segment *body)
{
    uint8_t kind = body->marker;
    scan->codes |= kind == MARKER_DHT;
    if (kind == MARKER_SOS)
        return scan_start(scan, body);
    if (kind >= MARKER_APP0 && kind <= MARKER_APP15)
        return scan_app(scan, body);
    if (kind >= MARKER_SOF0 && kind <= MARKER_SOF15 && kind != MARKER_DHT &&
        kind != MARKER_DAC)
        return scan_frame(scan, body);
    bool known = kind == MARKER_DHT || kind == MARKER_DAC || kind == MARKER_COM ||
                 (kind > MARKER_SOS && kind <= MARKER_DRI);
    if (!known)
        return li_fail(scan->ctx, LI_E131_DECODE,
                       "jpeg: marker 0x%02x, at byte %llu, is not supported", kind,
                       (unsigned long long)scan->at);
    return LI_OK;
}

/* --- the walk --------------------------------------------------------------------- */

static bool
marker_is_bare(uint8_t marker)
{
    return marker == MARKER_TEM || (marker >= MARKER_RST0 && marker <= MARKER_EOI);
}

/* Behind the marker: read its length, look at it and go behind it. */
static li_status
scan_body(scanner *scan, uint8_t marker)
{
    segment found = {.marker = marker};
    const uint8_t *data;
    LI_TRY(scan_look(scan, 2, &data));
    uint32_t length = (uint32_t)data[0] << 8 | data[1];
    scan->at += 2;
    found.size = length > 2 ? length - 2 : 0; /* libjpeg takes 0 and 1 for 2 */
    found.look = found.size < LOOK_BYTES ? found.size : LOOK_BYTES;
    LI_TRY(scan_look(scan, found.look, &found.data));
    LI_TRY(scan_segment(scan, &found));
    scan->at += found.size;
    return LI_OK;
}

static li_status
scan_header(scanner *scan)
{
    uint64_t limit = scan->ctx->limits.max_segments;
    const uint8_t *data;
    uint8_t marker = 0;
    LI_TRY(scan_look(scan, 2, &data));
    if (data[0] != 0xFF || data[1] != MARKER_SOI)
        return li_fail(scan->ctx, LI_E130_CORRUPT,
                       "jpeg: the file starts with 0x%02x%02x, not with 0xffd8",
                       data[0], data[1]);
    scan->at = 2;
    for (uint64_t count = 1; marker != MARKER_SOS; count++) {
        if (limit && count > limit)
            return li_fail(scan->ctx, LI_E123_FIREWALL,
                           "jpeg: more segments before the picture than "
                           "limits(max_segments=%llu)",
                           (unsigned long long)limit);
        LI_TRY(scan_marker(scan, &marker));
        if (marker == MARKER_SOI)
            return fail_damaged(scan, "a second start of image");
        if (marker == MARKER_EOI)
            return fail_damaged(scan, "the image ends before its first scan");
        if (!marker_is_bare(marker))
            LI_TRY(scan_body(scan, marker));
    }
    return LI_OK;
}

/* --- in words --------------------------------------------------------------------- */

static const char *
process_name(const li_jpeg_frame *frame)
{
    switch (frame->sof) {
    case MARKER_SOF0:
        return frame->held ? "baseline in scans" : "baseline";
    case MARKER_SOF1:
        return frame->held ? "extended in scans" : "extended";
    case MARKER_SOF2:
        return "progressive";
    case MARKER_SOF9:
        return "arithmetic";
    default:
        return "progressive arithmetic";
    }
}

/* "4:2:0" and the like when both chroma parts are alike, else NULL. */
static const char *
sampling_name(const li_jpeg_frame *frame)
{
    const li_jpeg_part *part = frame->parts;
    uint32_t h = frame->max_h / part[1].h, v = frame->max_v / part[1].v;
    if (part[0].h != frame->max_h || part[0].v != frame->max_v ||
        part[1].h != part[2].h || part[1].v != part[2].v)
        return NULL;
    static const struct {
        uint8_t h, v;
        const char *name;
    } names[] = {{1, 1, "4:4:4"}, {2, 1, "4:2:2"}, {2, 2, "4:2:0"},
                 {1, 2, "4:4:0"}, {4, 1, "4:1:1"}, {4, 2, "4:1:0"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].h == h && names[i].v == v)
            return names[i].name;
    return NULL;
}

/* libjpeg's own guess. */
static bool
is_rgb(const scanner *scan)
{
    const li_jpeg_part *part = scan->frame.parts;
    if (scan->jfif)
        return false;
    if (scan->adobe)
        return scan->adobe_rgb;
    return part[0].id == 'R' && part[1].id == 'G' && part[2].id == 'B';
}

static void
describe(const scanner *scan, char *text, size_t size)
{
    const li_jpeg_frame *frame = &scan->frame;
    const li_jpeg_part *part = frame->parts;
    const char *process = process_name(frame);
    const char *sampling = frame->count == 3 ? sampling_name(frame) : NULL;
    if (frame->count == 1)
        snprintf(text, size, "%s gray", process);
    else if (frame->count == 4)
        snprintf(text, size, "%s %s", process,
                 scan->adobe && !scan->adobe_rgb ? "YCCK" : "CMYK");
    else if (is_rgb(scan))
        snprintf(text, size, "%s RGB", process);
    else if (sampling)
        snprintf(text, size, "%s %s", process, sampling);
    else
        snprintf(text, size, "%s %cx%c.%cx%c.%cx%c", process, '0' + part[0].h,
                 '0' + part[0].v, '0' + part[1].h, '0' + part[1].v, '0' + part[2].h,
                 '0' + part[2].v);
}

/* Y with one Cb and one Cr for at most 2 × 2 of it: libjpeg's raw data. */
static bool
is_planar(const scanner *scan)
{
    const li_jpeg_part *part = scan->frame.parts;
    if (scan->frame.count != 3 || is_rgb(scan))
        return false;
    return part[0].h <= 2 && part[0].v <= 2 && part[1].h == 1 && part[1].v == 1 &&
           part[2].h == 1 && part[2].v == 1;
}

/* Plain enough for skim.h: Huffman-coded, all in one scan or progressive, and gray or
 * with planes. */
static bool
is_plain(const scanner *scan)
{
    const li_jpeg_frame *frame = &scan->frame;
    return scan->codes && frame->sof <= MARKER_SOF2 &&
           (!frame->held || frame->sof == MARKER_SOF2) &&
           (frame->count == 1 || is_planar(scan));
}

li_status
li_jpeg_inspect(li_ctx *ctx, li_source *in, li_header *header)
{
    *header = (li_header){.orientation = 1, .frames = 1, .bit_depth = 8};
    scanner scan = {.ctx = ctx, .in = in, .header = header};
    LI_TRY(scan_header(&scan));
    const li_jpeg_frame *frame = &scan.frame;
    header->width = frame->width;
    header->height = frame->height;
    header->pixel = frame->count == 1   ? LI_GRAY8
                    : frame->count == 3 ? LI_RGB8
                                        : LI_CMYK8;
    header->progressive = frame->held;
    header->inverted = frame->count == 4; /* as Adobe's are, whoever wrote it */
    if (is_planar(&scan)) {
        header->chroma_x = frame->parts[0].h;
        header->chroma_y = frame->parts[0].v;
    }
    header->skims = is_plain(&scan) ? 2 : 0;
    header->held_bytes = frame->held ? li_jpeg_held_bytes(frame) : 0;
    header->work_bytes = li_jpeg_work_bytes(frame);
    describe(&scan, header->variant, sizeof(header->variant));
    return LI_OK;
}
