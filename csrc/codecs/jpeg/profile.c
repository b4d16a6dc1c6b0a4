/* profile.c: a JPEG's ICC profile, put together from its numbered APP2 segments.
 * Layer 2. */
#include "codecs/jpeg/jpeg.h"

#include <string.h>

enum {
    MARKER_TEM = 0x01,
    MARKER_RST0 = 0xD0,
    MARKER_RST7 = 0xD7,
    MARKER_SOS = 0xDA,
    MARKER_EOI = 0xD9,
    MARKER_APP2 = 0xE2,
    NAME_BYTES = 12, /* "ICC_PROFILE" and its 0 */
    HEAD_BYTES =
        14, /* and the number of the piece, from 1 on, and how many there are */
    PIECES = 256,
};

typedef struct piece {
    uint64_t at; /* 0: it is not there */
    uint32_t size;
} piece;

typedef struct gatherer {
    li_source *in; /* borrowed */
    uint64_t at;   /* the next byte */
    uint32_t count;
    bool odd; /* two of a number, or counts that differ */
    uint64_t found;
    piece pieces[PIECES];
} gatherer;

/* *data is NULL at the end of the file. */
static li_status
look(const gatherer *self, size_t want, const uint8_t **data)
{
    size_t got;
    LI_TRY(li_source_at(self->in, self->at, want, data, &got));
    if (got < want)
        *data = NULL;
    return LI_OK;
}

static void
note_piece(gatherer *self, const uint8_t *head, uint32_t size)
{
    uint32_t number = head[NAME_BYTES], count = head[NAME_BYTES + 1];
    self->odd |= number == 0 || number > count || self->pieces[number].at ||
                 (self->count && self->count != count);
    self->count = count;
    self->pieces[number] = (piece){self->at + HEAD_BYTES, size - HEAD_BYTES};
    self->found += size - HEAD_BYTES;
}

/* Behind a marker: note the segment if it is a piece, and go behind it. */
static li_status
visit(gatherer *self, uint8_t marker)
{
    const uint8_t *data;
    if (marker == MARKER_TEM || (marker >= MARKER_RST0 && marker <= MARKER_RST7))
        return LI_OK; /* has no length */
    LI_TRY(look(self, 2, &data));
    uint32_t length = data ? (uint32_t)data[0] << 8 | data[1] : 0;
    uint32_t size = length > 2 ? length - 2 : 0;
    self->at += 2;
    if (marker == MARKER_APP2 && size > HEAD_BYTES) {
        LI_TRY(look(self, HEAD_BYTES, &data));
        if (data && memcmp(data, "ICC_PROFILE", NAME_BYTES) == 0)
            note_piece(self, data, size);
    }
    self->at += size;
    return LI_OK;
}

/* The next marker, 0 at the end of the file; fill bytes and junk are passed over. */
static li_status
next_marker(gatherer *self, uint8_t *marker)
{
    const uint8_t *data;
    do {
        LI_TRY(look(self, 2, &data));
        if (!data) {
            *marker = 0;
            return LI_OK;
        }
        *marker = data[0] == 0xFF && data[1] != 0xFF ? data[1] : 0;
        self->at += *marker ? 2 : 1;
    } while (!*marker);
    return LI_OK;
}

/* From the first piece's body on until as many bytes were met as the scan met: it has
 * seen all these segments, so nothing here is without an end. */
static li_status
gather(gatherer *self, const li_header *header)
{
    self->at = header->icc_at - 2;
    uint8_t marker = MARKER_APP2;
    for (;;) {
        LI_TRY(li_poll(self->in->ctx));
        LI_TRY(visit(self, marker));
        if (self->found >= header->icc_bytes)
            return LI_OK;
        LI_TRY(next_marker(self, &marker));
        if (marker == 0 || marker == MARKER_SOS || marker == MARKER_EOI)
            return LI_OK;
    }
}

static bool
is_whole(const gatherer *self, const li_header *header)
{
    for (uint32_t i = 1; i <= self->count; i++)
        if (!self->pieces[i].at)
            return false;
    return !self->odd && self->found == header->icc_bytes;
}

static li_status
copy_pieces(const gatherer *self, uint8_t *into)
{
    for (uint32_t i = 1; i <= self->count; i++) {
        const piece *from = &self->pieces[i];
        const uint8_t *data;
        size_t got;
        LI_TRY(li_source_at(self->in, from->at, from->size, &data, &got));
        if (got < from->size)
            return li_fail(self->in->ctx, LI_E132_TRUNCATED,
                           "jpeg: the file ends in its ICC profile");
        memcpy(into, data, from->size);
        into += from->size;
    }
    return LI_OK;
}

li_status
li_jpeg_profile(li_ctx *ctx, li_source *in, const li_header *header, uint8_t **data,
                size_t *size)
{
    gatherer self = {.in = in};
    *data = NULL;
    LI_TRY(gather(&self, header));
    if (!is_whole(&self, header)) {
        li_warn(ctx, "jpeg: the ICC profile is not there whole, and not used");
        return LI_OK;
    }
    *size = (size_t)self.found;
    LI_TRY(li_alloc(ctx, *size, 1, data));
    li_status status = copy_pieces(&self, *data);
    if (status != LI_OK)
        li_free(ctx, data);
    return status;
}
