/* track.c: the moov box of an image sequence: its first track of pictures, how many
 * there are, and whether another track is its alpha. Layer 2. */
#include "codecs/avif/avif.h"

typedef struct avif_track {
    uint64_t id, width, height, frames;
    uint64_t auxiliary_of; /* 0: of none */
    uint64_t first_at;     /* of the first picture's data; 0: not known */
    bool av1;
    avif_properties properties;
} avif_track;

typedef struct avif_reader {
    li_ctx *ctx;   /* borrowed */
    li_source *in; /* borrowed */
    avif_track *track;
} avif_reader;

static li_status
each_child(avif_reader *reader, avif_box parent, avif_visit *child)
{
    return li_avif_each(li_avif_span(reader->ctx, reader->in, parent), child, reader);
}

/* --- from the inside out ---------------------------------------------------------- */

static li_status
visit_property(void *self, avif_box box)
{
    avif_reader *reader = self;
    return li_avif_property(reader->ctx, reader->in, box, &reader->track->properties);
}

/* A sample entry: 78 bytes of a video's fields, then boxes. */
static li_status
visit_entry(void *self, avif_box box)
{
    avif_reader *reader = self;
    enum { FIELDS = 78, BEFORE_SIZE = 24 };
    avif_span span = li_avif_span(reader->ctx, reader->in, box);
    uint64_t width, height;
    if (box.type != BOX('a', 'v', '0', '1') || reader->track->av1)
        return LI_OK;
    reader->track->av1 = true;
    LI_TRY(li_avif_skip(&span, BEFORE_SIZE));
    LI_TRY(li_avif_number(&span, 2, &width));
    LI_TRY(li_avif_number(&span, 2, &height));
    LI_TRY(li_avif_skip(&span, FIELDS - BEFORE_SIZE - 4));
    return each_child(reader, (avif_box){box.type, span.at, span.end}, visit_property);
}

static li_status
read_stsz(const avif_reader *reader, avif_box box)
{
    avif_span span;
    uint64_t size;
    LI_TRY(li_avif_full(reader->ctx, reader->in, box, &span));
    LI_TRY(li_avif_number(&span, 4, &size));
    return li_avif_number(&span, 4, &reader->track->frames);
}

/* The first chunk, which begins with the first picture. */
static li_status
read_chunks(const avif_reader *reader, avif_box box, size_t offset_bytes)
{
    avif_span span;
    uint64_t count;
    LI_TRY(li_avif_full(reader->ctx, reader->in, box, &span));
    LI_TRY(li_avif_number(&span, 4, &count));
    return count ? li_avif_number(&span, offset_bytes, &reader->track->first_at)
                 : LI_OK;
}

static li_status
visit_table(void *self, avif_box box)
{
    avif_reader *reader = self;
    if (box.type == BOX('s', 't', 's', 'z'))
        return read_stsz(reader, box);
    if (box.type == BOX('s', 't', 'c', 'o'))
        return read_chunks(reader, box, 4);
    if (box.type == BOX('c', 'o', '6', '4'))
        return read_chunks(reader, box, 8);
    if (box.type != BOX('s', 't', 's', 'd'))
        return LI_OK;
    avif_span span;
    LI_TRY(li_avif_full(reader->ctx, reader->in, box, &span));
    LI_TRY(li_avif_skip(&span, 4));
    return each_child(reader, (avif_box){box.type, span.at, span.end}, visit_entry);
}

static li_status
visit_minf(void *self, avif_box box)
{
    avif_reader *reader = self;
    bool wanted = box.type == BOX('s', 't', 'b', 'l');
    return wanted ? each_child(reader, box, visit_table) : LI_OK;
}

static li_status
visit_mdia(void *self, avif_box box)
{
    avif_reader *reader = self;
    bool wanted = box.type == BOX('m', 'i', 'n', 'f');
    return wanted ? each_child(reader, box, visit_minf) : LI_OK;
}

static li_status
visit_tref(void *self, avif_box box)
{
    avif_reader *reader = self;
    avif_span span = li_avif_span(reader->ctx, reader->in, box);
    if (box.type != BOX('a', 'u', 'x', 'l'))
        return LI_OK;
    return li_avif_number(&span, 4, &reader->track->auxiliary_of);
}

static li_status
read_tkhd(const avif_reader *reader, avif_box box)
{
    avif_span span;
    avif_track *track = reader->track;
    LI_TRY(li_avif_full(reader->ctx, reader->in, box, &span));
    size_t wide = span.version == 1 ? 8 : 4;
    LI_TRY(li_avif_skip(&span, 2 * wide));
    LI_TRY(li_avif_number(&span, 4, &track->id));
    LI_TRY(li_avif_skip(&span, 4 + wide + 52)); /* duration … matrix */
    LI_TRY(li_avif_number(&span, 4, &track->width));
    LI_TRY(li_avif_number(&span, 4, &track->height));
    track->width >>= 16; /* 16.16 */
    track->height >>= 16;
    return LI_OK;
}

static li_status
visit_trak(void *self, avif_box box)
{
    avif_reader *reader = self;
    switch (box.type) {
    case BOX('t', 'k', 'h', 'd'):
        return read_tkhd(reader, box);
    case BOX('t', 'r', 'e', 'f'):
        return each_child(reader, box, visit_tref);
    case BOX('m', 'd', 'i', 'a'):
        return each_child(reader, box, visit_mdia);
    case BOX('m', 'e', 't', 'a'): { /* only its lists are looked at */
        avif_found still = {0};
        return li_avif_meta(reader->ctx, reader->in, box, &still);
    }
    }
    return LI_OK;
}

/* --- the tracks ------------------------------------------------------------------- */

typedef struct avif_tracks {
    li_ctx *ctx;        /* borrowed */
    li_source *in;      /* borrowed */
    avif_track picture; /* the first of pictures */
    bool alpha;
    uint64_t alpha_of; /* whose it is: the last one's */
} avif_tracks;

static li_status
visit_moov(void *self, avif_box box)
{
    avif_tracks *tracks = self;
    avif_track track = {0};
    avif_reader reader = {tracks->ctx, tracks->in, &track};
    if (box.type != BOX('t', 'r', 'a', 'k'))
        return LI_OK;
    LI_TRY(each_child(&reader, box, visit_trak));
    if (track.av1 && track.auxiliary_of) {
        tracks->alpha_of = track.auxiliary_of;
        tracks->alpha = true;
    } else if (track.av1 && !tracks->picture.av1) {
        tracks->picture = track;
    }
    return LI_OK;
}

li_status
li_avif_moov(li_ctx *ctx, li_source *in, avif_box moov, avif_found *found)
{
    avif_tracks tracks = {.ctx = ctx, .in = in};
    const avif_track *picture = &tracks.picture;
    LI_TRY(li_avif_each(li_avif_span(ctx, in, moov), visit_moov, &tracks));
    if (!picture->av1 || picture->frames == 0)
        return LI_OK;
    found->sequence = true;
    found->frames = picture->frames;
    found->tiles = 1;
    found->alpha = tracks.alpha && tracks.alpha_of == picture->id;
    found->picture = picture->properties;
    found->picture.width = (uint32_t)picture->width;
    found->picture.height = (uint32_t)picture->height;
    found->tile = found->picture;
    found->coded_at = picture->first_at;
    found->coded_bytes = UINT64_MAX - picture->first_at;
    return LI_OK;
}
