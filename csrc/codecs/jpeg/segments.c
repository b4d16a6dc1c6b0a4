/* segments.c: a JPEG's segments in front of its first scan, once more, for who wants
 * what the scan has only counted: it has seen all of them, so none is without an end.
 * Layer 2. */
#include "codecs/jpeg/jpeg.h"

enum {
    MARKER_TEM = 0x01,
    MARKER_RST0 = 0xD0,
    MARKER_SOI = 0xD8,
    MARKER_EOI = 0xD9,
    MARKER_SOS = 0xDA,
};

/* *data is NULL at the end of the file. */
static li_status
look(li_source *in, uint64_t at, const uint8_t **data)
{
    size_t got;
    LI_TRY(li_source_at(in, at, 2, data, &got));
    if (got < 2)
        *data = NULL;
    return LI_OK;
}

static bool
is_bare(uint8_t marker)
{
    return marker == MARKER_TEM || (marker >= MARKER_RST0 && marker <= MARKER_SOI);
}

li_status
li_jpeg_next_segment(li_source *in, uint64_t *at, li_jpeg_segment *segment)
{
    const uint8_t *data;
    *segment = (li_jpeg_segment){0};
    for (;;) {
        LI_TRY(li_poll(in->ctx));
        LI_TRY(look(in, *at, &data));
        if (!data)
            return LI_OK;
        uint8_t marker = data[0] == 0xFF && data[1] != 0xFF ? data[1] : 0;
        *at += marker ? 2 : 1;
        if (marker == MARKER_SOS || marker == MARKER_EOI)
            return LI_OK;
        if (marker && !is_bare(marker)) {
            LI_TRY(look(in, *at, &data));
            uint32_t length = data ? (uint32_t)data[0] << 8 | data[1] : 0;
            *segment = (li_jpeg_segment){marker, *at + 2, length > 2 ? length - 2 : 0};
            *at += 2 + segment->size;
            return LI_OK;
        }
    }
}
