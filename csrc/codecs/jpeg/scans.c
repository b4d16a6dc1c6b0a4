/* scans.c: how many scans a JPEG has, by a walk over its markers without decoding.
 * Layer 2. */
#include "codecs/jpeg/jpeg.h"

#include <string.h>

enum {
    MARKER_TEM = 0x01,
    MARKER_RST0 = 0xD0,
    MARKER_RST7 = 0xD7,
    MARKER_EOI = 0xD9,
    MARKER_SOS = 0xDA,
};

typedef struct walker {
    li_ctx *ctx;   /* borrowed */
    li_source *in; /* borrowed */
    uint64_t at;   /* the next byte */
} walker;

static bool
marker_is_bare(uint8_t marker)
{
    return marker == MARKER_TEM || (marker >= MARKER_RST0 && marker <= MARKER_EOI);
}

/* From anywhere to the FF of the next marker that is neither stuffing nor a restart.
 * False at the end of the file. */
static li_status
find_marker(walker *scan, bool *found)
{
    for (;;) {
        const uint8_t *data, *ff;
        size_t got;
        LI_TRY(li_poll(scan->ctx));
        LI_TRY(li_source_at(scan->in, scan->at, LI_WINDOW_BYTES, &data, &got));
        if (got > LI_WINDOW_BYTES)
            got = LI_WINDOW_BYTES;
        *found = false;
        if (got < 2)
            return LI_OK;
        const uint8_t *from = data, *last = data + got - 1;
        while ((ff = memchr(from, 0xFF, (size_t)(last - from)))) {
            uint8_t next = ff[1];
            *found = next != 0 && next != 0xFF &&
                     !(next >= MARKER_RST0 && next <= MARKER_RST7);
            scan->at += (uint64_t)(ff - from);
            if (*found)
                return LI_OK;
            scan->at++;
            from = ff + 1;
        }
        scan->at += (uint64_t)(last - from);
    }
}

/* Behind the marker at walker.at and what belongs to it; *cut: the file ends in that.
 */
static li_status
pass_segment(walker *scan, uint8_t *marker, bool *cut)
{
    const uint8_t *data;
    size_t got;
    LI_TRY(li_source_at(scan->in, scan->at, 4, &data, &got));
    *marker = got < 2 ? 0 : data[1];
    uint64_t size = 2;
    if (!marker_is_bare(*marker))
        size += got < 4 ? 2 : (uint32_t)data[2] << 8 | data[3];
    *cut = size > scan->in->size - scan->at;
    if (!*cut)
        scan->at += size;
    return LI_OK;
}

/* Damage is passed over without a word: the decoder will find better ones. */
li_status
li_jpeg_whole_segments(li_ctx *ctx, li_source *in, uint64_t *end)
{
    walker scan = {.ctx = ctx, .in = in, .at = 2};
    uint64_t limit = ctx->limits.max_scans, count = 0;
    *end = in->size;
    for (;;) {
        uint8_t marker;
        bool found, cut;
        LI_TRY(find_marker(&scan, &found));
        if (!found)
            return LI_OK;
        LI_TRY(pass_segment(&scan, &marker, &cut));
        if (cut)
            *end = scan.at;
        if (cut || marker == MARKER_EOI)
            return LI_OK;
        if (marker == MARKER_SOS && ++count > limit && limit)
            return li_fail(ctx, LI_E123_FIREWALL,
                           "jpeg: more scans than limits(max_scans=%llu)",
                           (unsigned long long)limit);
    }
}

li_status
li_jpeg_check_scans(li_ctx *ctx, li_source *in)
{
    uint64_t end;
    return ctx->limits.max_scans ? li_jpeg_whole_segments(ctx, in, &end) : LI_OK;
}
