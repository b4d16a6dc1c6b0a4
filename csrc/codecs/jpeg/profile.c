/* profile.c: a JPEG's ICC profile, put together from its numbered APP2 segments.
 * Layer 2. */
#include "codecs/jpeg/jpeg.h"

#include <string.h>

enum {
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
    uint32_t count;
    bool odd; /* two of a number, or counts that differ */
    uint64_t found;
    piece pieces[PIECES];
} gatherer;

static void
note_piece(gatherer *self, const uint8_t *head, const li_jpeg_segment *segment)
{
    uint32_t size = segment->size;
    uint32_t number = head[NAME_BYTES], count = head[NAME_BYTES + 1];
    self->odd |= number == 0 || number > count || self->pieces[number].at ||
                 (self->count && self->count != count);
    self->count = count;
    self->pieces[number] = (piece){segment->at + HEAD_BYTES, size - HEAD_BYTES};
    self->found += size - HEAD_BYTES;
}

/* From the first piece on until as many bytes were met as the scan met. */
static li_status
gather(gatherer *self, const li_header *header)
{
    enum { MARKER_AND_LENGTH = 4 };
    uint64_t at = header->icc_at - MARKER_AND_LENGTH;
    li_jpeg_segment segment;
    const uint8_t *data;
    size_t got;
    do {
        LI_TRY(li_jpeg_next_segment(self->in, &at, &segment));
        if (segment.marker != MARKER_APP2 || segment.size <= HEAD_BYTES)
            continue;
        LI_TRY(li_source_at(self->in, segment.at, HEAD_BYTES, &data, &got));
        if (got >= HEAD_BYTES && memcmp(data, "ICC_PROFILE", NAME_BYTES) == 0)
            note_piece(self, data, &segment);
    } while (segment.marker && self->found < header->icc_bytes);
    return LI_OK;
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
