/* extended.c: an XMP packet that was too long for one segment. Its standard part names
 * what extends it, the pieces of which may stand in any order. Layer 2. */
#include "codecs/jpeg/jpeg.h"
#include "meta/xmp.h"

#include <string.h>

enum {
    MARKER_APP1 = 0xE1,
    NAME_BYTES = sizeof(LI_JPEG_MORE_XMP), /* and its 0 */
    WHOLE_AT = NAME_BYTES + LI_XMP_DIGEST_BYTES,
    OFFSET_AT = WHOLE_AT + 4,
};

typedef struct gatherer {
    li_source *in; /* borrowed */
    uint8_t digest[LI_XMP_DIGEST_BYTES];
    uint8_t *into; /* borrowed: zeros where nothing is yet; NULL: count only */
    uint32_t size; /* of the whole, as each piece says */
    uint64_t found;
    bool odd; /* pieces disagree, reach out of it or over each other */
} gatherer;

static uint32_t
read_be32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 |
           data[3];
}

/* XML has no byte of 0, so what is 0 has not been written yet. */
static void
put_piece(gatherer *self, uint8_t *into, const uint8_t *data, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        self->odd |= into[i] || !data[i];
        into[i] = data[i];
    }
}

static li_status
take_piece(gatherer *self, const li_jpeg_segment *segment)
{
    const uint8_t *data;
    uint32_t want = self->into ? segment->size : LI_JPEG_MORE_XMP_HEAD;
    size_t got;
    LI_TRY(li_source_at(self->in, segment->at, want, &data, &got));
    if (got < want || memcmp(data, LI_JPEG_MORE_XMP, NAME_BYTES) != 0 ||
        memcmp(data + NAME_BYTES, self->digest, sizeof(self->digest)) != 0)
        return LI_OK;
    uint32_t whole = read_be32(data + WHOLE_AT), offset = read_be32(data + OFFSET_AT);
    uint32_t size = segment->size - LI_JPEG_MORE_XMP_HEAD;
    self->odd |=
        (self->size && whole != self->size) || offset > whole || size > whole - offset;
    self->size = whole;
    self->found += size;
    if (self->into && !self->odd)
        put_piece(self, self->into + offset, data + LI_JPEG_MORE_XMP_HEAD, size);
    return LI_OK;
}

/* As much as there should be? Then, if nothing is odd, each byte is there once. */
static li_status
gather(gatherer *self, uint8_t *into, bool *whole)
{
    uint64_t at = 2; /* behind SOI */
    li_jpeg_segment segment;
    self->into = into;
    self->found = 0;
    do {
        LI_TRY(li_jpeg_next_segment(self->in, &at, &segment));
        if (segment.marker == MARKER_APP1 && segment.size > LI_JPEG_MORE_XMP_HEAD)
            LI_TRY(take_piece(self, &segment));
    } while (segment.marker);
    *whole = !self->odd && self->found > 0 && self->found == self->size;
    return LI_OK;
}

/* Into the end of `to`, behind the standard part. */
static li_status
add_extension(gatherer *self, li_metadata *to, bool *whole)
{
    LI_TRY(gather(self, to->xmp + to->xmp_size, whole));
    if (!*whole)
        return LI_OK;
    size_t joined = li_xmp_join(to->xmp, to->xmp_size, self->size, &to->xmp_more_at);
    *whole = joined > 0;
    if (*whole) {
        to->xmp_more_size = joined - to->xmp_size;
        to->xmp_size = joined;
    }
    return LI_OK;
}

li_status
li_jpeg_unpack_xmp(li_ctx *ctx, li_source *in, const li_header *header, li_metadata *to)
{
    gatherer self = {.in = in};
    const uint8_t *data;
    bool whole = false;
    size_t got, size = (size_t)header->xmp_size;
    LI_TRY(li_source_at(in, header->xmp_at, size, &data, &got));
    if (got >= size && li_xmp_extension(data, size, self.digest))
        LI_TRY(gather(&self, NULL, &whole));
    LI_TRY(li_alloc(ctx, size + (whole ? self.size : 0), 1, &to->xmp));
    LI_TRY(li_source_at(in, header->xmp_at, size, &data, &got));
    if (got < size)
        return li_fail(ctx, LI_E132_TRUNCATED, "jpeg: the file ends in its XMP");
    memcpy(to->xmp, data, size);
    to->xmp_size = size;
    if (whole)
        LI_TRY(add_extension(&self, to, &whole));
    if (!whole)
        li_warn(ctx, "jpeg: what extends the XMP packet is not there whole: left out");
    return LI_OK;
}
