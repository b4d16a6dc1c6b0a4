/* scan.c: what an AVIF says of itself, before libavif sees a byte: our own walk over
 * its boxes, without an allocation. Layer 2.
 *
 * libavif looks items up by walking its list for each reference, so lists are capped
 * here: 65,000 items would take it 12 seconds. */
#include "codecs/avif/avif.h"
#include "meta/exif.h"

#include <stdio.h>
#include <string.h>

/* --- properties ------------------------------------------------------------------- */

static li_status
read_av1c(avif_span *span, avif_properties *properties)
{
    const uint8_t *body;
    properties->config_at = span->at;
    LI_TRY(li_avif_bytes(span, 4, &body));
    uint8_t bits = body[2];
    properties->config = true;
    properties->depth = (uint8_t)(bits & 0x40 ? (bits & 0x20 ? 12 : 10) : 8);
    properties->monochrome = bits & 0x10;
    properties->chroma_x = bits & 0x08 ? 2 : 1;
    properties->chroma_y = bits & 0x04 ? 2 : 1;
    return LI_OK;
}

static li_status
read_colr(avif_span *span, avif_properties *properties)
{
    uint64_t type;
    const uint8_t *body;
    LI_TRY(li_avif_number(span, 4, &type));
    if (type == BOX('r', 'I', 'C', 'C') || type == BOX('p', 'r', 'o', 'f')) {
        properties->icc_bytes = span->end - span->at;
        properties->icc_at = span->at;
    }
    if (type != BOX('n', 'c', 'l', 'x'))
        return LI_OK;
    LI_TRY(li_avif_bytes(span, 7, &body));
    properties->nclx = true;
    properties->cicp.primaries = body[0] ? 0 : body[1]; /* no number is above 255 */
    properties->cicp.transfer = body[2] ? 0 : body[3];
    properties->matrix = (uint32_t)body[4] << 8 | body[5];
    properties->full_range = body[6] >> 7;
    return LI_OK;
}

/* A URN that ends in a 0; where the box has none, its end is the URN's. */
static li_status
read_aux(avif_span *span, avif_properties *properties)
{
    static const char *const alpha[] = {"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
                                        "urn:mpeg:hevc:2015:auxid:1"};
    uint64_t size = span->end - span->at;
    const uint8_t *body;
    if (size > 64)
        size = 64;
    LI_TRY(li_avif_bytes(span, (size_t)size, &body));
    for (int i = 0; i < 2; i++) {
        size_t length = strlen(alpha[i]);
        if (size >= length && memcmp(body, alpha[i], length) == 0 &&
            (size == length || body[length] == 0))
            properties->alpha = true;
    }
    return LI_OK;
}

static li_status
read_ispe(avif_span *span, avif_properties *properties)
{
    uint64_t width, height;
    LI_TRY(li_avif_number(span, 4, &width));
    LI_TRY(li_avif_number(span, 4, &height));
    properties->width = (uint32_t)width;
    properties->height = (uint32_t)height;
    return LI_OK;
}

static li_status
read_turn(avif_span *span, uint32_t type, avif_properties *properties)
{
    uint64_t bits;
    LI_TRY(li_avif_number(span, 1, &bits));
    if (type == BOX('i', 'r', 'o', 't'))
        properties->rotation = bits & 3;
    else
        properties->mirror = (uint8_t)((bits & 1) + 1);
    return LI_OK;
}

li_status
li_avif_property(li_ctx *ctx, li_source *in, avif_box box, avif_properties *properties)
{
    avif_span span = li_avif_span(ctx, in, box);
    switch (box.type) {
    case BOX('a', 'v', '1', 'C'):
        return read_av1c(&span, properties);
    case BOX('c', 'o', 'l', 'r'):
        return read_colr(&span, properties);
    case BOX('i', 'r', 'o', 't'):
    case BOX('i', 'm', 'i', 'r'):
        return read_turn(&span, box.type, properties);
    case BOX('p', 'i', 'x', 'i'):
        properties->pixi = true;
        return LI_OK;
    case BOX('c', 'l', 'a', 'p'):
        properties->clap = true;
        return LI_OK;
    case BOX('i', 's', 'p', 'e'):
        LI_TRY(li_avif_full(ctx, in, box, &span));
        return read_ispe(&span, properties);
    case BOX('a', 'u', 'x', 'C'):
    case BOX('a', 'u', 'x', 'i'):
        LI_TRY(li_avif_full(ctx, in, box, &span));
        return read_aux(&span, properties);
    }
    return LI_OK;
}

/* --- the file --------------------------------------------------------------------- */

typedef struct avif_file {
    avif_box brands, meta, moov;
    uint64_t end; /* of the boxes */
    bool cut;     /* one is longer than the file */
} avif_file;

static avif_box *
place_of(avif_file *file, uint32_t type)
{
    switch (type) {
    case BOX('f', 't', 'y', 'p'):
        return &file->brands;
    case BOX('m', 'e', 't', 'a'):
        return &file->meta;
    case BOX('m', 'o', 'o', 'v'):
        return &file->moov;
    }
    return NULL;
}

/* What may be a box, by the head of it; of those that nobody knows, none is longer than
 * the file. *cut: it is. */
static bool
is_box(const uint8_t *head, size_t got, uint64_t left, bool known, bool *cut)
{
    enum { HEAD_BYTES = 8, LONG_HEAD_BYTES = 16 };
    uint64_t size = 0, least = HEAD_BYTES;
    if (left < HEAD_BYTES || got < HEAD_BYTES)
        return false;
    for (int i = 4; i < HEAD_BYTES; i++)
        if ((head[i] < ' ' || head[i] > '~') && !known)
            return false;
    for (int i = 0; i < 4; i++)
        size = size << 8 | head[i];
    if (size == 1 && got >= LONG_HEAD_BYTES) {
        least = LONG_HEAD_BYTES;
        for (int i = HEAD_BYTES; i < LONG_HEAD_BYTES; i++)
            size = size << 8 | head[i]; /* of the 1 nothing is left */
    }
    *cut = size > left;
    return (size == 0 || size >= least) && (known || !*cut);
}

/* Does the file go on with boxes? Where it has a picture already, what is none, and a
 * second box of a kind, is what somebody put behind it. */
static li_status
goes_on(const avif_span *span, avif_file *file, bool *box)
{
    const uint8_t *head;
    uint64_t left = span->end - span->at;
    size_t got;
    bool complete = file->brands.type && (file->meta.type || file->moov.type), cut;
    LI_TRY(li_source_at(span->in, span->at, 16, &head, &got));
    uint32_t type = got < 8 ? 0
                            : (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 |
                                  (uint32_t)head[6] << 8 | head[7];
    const avif_box *place = place_of(file, type);
    bool known = place || type == BOX('m', 'd', 'a', 't');
    cut = false;
    *box = is_box(head, got, left, known, &cut) && !(place && place->type);
    *box |= !complete || got < (left < 16 ? left : 16); /* a source that shrank */
    file->cut |= cut && *box;
    return li_poll(span->ctx);
}

/* meta may lie at the end of the file: everything is passed over, not read. */
static li_status
find_boxes(li_ctx *ctx, li_source *in, avif_file *file)
{
    avif_span span = {.ctx = ctx, .in = in, .end = in->size};
    while (span.at < span.end) {
        avif_box box;
        bool more;
        LI_TRY(goes_on(&span, file, &more));
        if (!more)
            break;
        LI_TRY(li_avif_next(&span, &box));
        avif_box *place = place_of(file, box.type);
        if (place && place->type)
            return li_avif_corrupt(ctx, "two boxes of a kind that is there once");
        if (place)
            *place = box;
    }
    file->end = span.at;
    return file->brands.type ? LI_OK : li_avif_corrupt(ctx, "there is no ftyp");
}

/* The major brand, and whether any brand is AVIF's. */
static li_status
read_brands(li_ctx *ctx, li_source *in, avif_box box, uint64_t *major, bool *avif)
{
    avif_span span = li_avif_span(ctx, in, box);
    LI_TRY(li_avif_number(&span, 4, major));
    uint64_t brand = *major;
    for (*avif = false;;) {
        *avif |= brand == BOX('a', 'v', 'i', 'f') || brand == BOX('a', 'v', 'i', 's');
        if (span.end - span.at < 4)
            return LI_OK;
        LI_TRY(li_avif_count(&span, 1, 1, "brands"));
        LI_TRY(li_avif_number(&span, 4, &brand)); /* the first is the minor version */
    }
}

/* It may have been in what was cut off. */
static li_status
fail_missing(li_ctx *ctx, const li_source *in, const avif_found *found,
             const char *what)
{
    if (!found->cut)
        return li_avif_corrupt(ctx, what);
    (void)li_fail(ctx, LI_E132_TRUNCATED,
                  "avif: the file ends at byte %llu, within a box: %s",
                  (unsigned long long)in->size, what);
    return LI_E132_TRUNCATED;
}

/* As libavif chooses: by the major brand, and where that says neither, a sequence
 * comes first. */
li_status
li_avif_scan(li_ctx *ctx, li_source *in, avif_found *found)
{
    avif_file file = {0};
    uint64_t major;
    bool avif;
    LI_TRY(find_boxes(ctx, in, &file));
    found->end = file.end;
    found->cut = file.cut;
    LI_TRY(read_brands(ctx, in, file.brands, &major, &avif));
    if (!avif)
        return li_fail(ctx, LI_E111_FORMAT, "avif: none of the file's brands is AVIF");
    if (file.moov.type && major != BOX('a', 'v', 'i', 'f'))
        LI_TRY(li_avif_moov(ctx, in, file.moov, found));
    if (found->frames > 0 && file.meta.type) { /* only its lists are looked at */
        avif_found still = {0};
        return li_avif_meta(ctx, in, file.meta, &still);
    }
    if (found->frames > 0)
        return LI_OK;
    if (major == BOX('a', 'v', 'i', 's') || !file.meta.type)
        return fail_missing(ctx, in, found, "there is no picture");
    found->frames = 1;
    return li_avif_meta(ctx, in, file.meta, found);
}

/* --- the header ------------------------------------------------------------------- */

/* What must be done to make it upright, in EXIF's numbers: first the turn, then the
 * mirror. */
static uint8_t
orientation(const avif_properties *picture)
{
    static const uint8_t numbers[4][3] = {{1, 4, 2}, {8, 5, 7}, {3, 2, 4}, {6, 7, 5}};
    return numbers[picture->rotation][picture->mirror];
}

static const char *
chroma_name(const avif_properties *tile)
{
    if (tile->monochrome)
        return "4:0:0";
    return tile->chroma_x == 1 ? "4:4:4" : tile->chroma_y == 1 ? "4:2:2" : "4:2:0";
}

static void
describe(const avif_found *found, li_header *header)
{
    char more[16] = "";
    if (found->sequence)
        snprintf(more, sizeof(more), " sequence");
    else if (found->grid)
        snprintf(more, sizeof(more), " grid of %u", found->tiles % 1000);
    snprintf(header->variant, sizeof(header->variant), "%u bit %s%s%s",
             found->tile.depth, chroma_name(&found->tile), found->alpha ? " alpha" : "",
             more);
}

/* Planes as they are: 8 bits, a matrix of BT.601 (2: unspecified, which libavif takes
 * for it), nothing over them. */
static bool
has_planes(const avif_found *found)
{
    const avif_properties *tile = &found->tile, *picture = &found->picture;
    bool matrix = picture->matrix == 2 || picture->matrix == 5 || picture->matrix == 6;
    return tile->depth == 8 && !tile->monochrome && !found->alpha && picture->nclx &&
           matrix;
}

static li_status
check_found(li_ctx *ctx, const li_source *in, const avif_found *found)
{
    const avif_properties *picture = &found->picture;
    if (picture->width == 0 || picture->height == 0)
        return fail_missing(ctx, in, found, "the picture has no size (ispe)");
    if (!found->tile.config)
        return fail_missing(ctx, in, found, "the picture has no av1C");
    if (found->tiles > LI_AVIF_TILES)
        return li_fail(ctx, LI_E123_FIREWALL, "avif: a grid of %u tiles, at most %d",
                       found->tiles, LI_AVIF_TILES);
    if (found->frames > LI_AVIF_FRAMES)
        return li_fail(ctx, LI_E131_DECODE, "avif: %llu frames, at most %d",
                       (unsigned long long)found->frames, LI_AVIF_FRAMES);
    if (!picture->pixi && !found->sequence)
        li_warn(ctx, "avif: the picture has no pixi");
    if (picture->clap)
        li_warn(ctx, "avif: the clean aperture (clap) is not applied");
    return LI_OK;
}

/* The item begins with a number: what stands between it and the block. */
static li_status
find_exif(li_ctx *ctx, li_source *in, const avif_found *found, li_header *header)
{
    enum { NUMBER_BYTES = 4, LOOK_BYTES = 4096 };
    const uint8_t *data;
    size_t got;
    if (!found->exif_at || found->exif_bytes < NUMBER_BYTES)
        return LI_OK;
    avif_box item = {.at = found->exif_at, .end = found->exif_at + found->exif_bytes};
    avif_span span = li_avif_span(ctx, in, item);
    uint64_t between;
    LI_TRY(li_avif_number(&span, NUMBER_BYTES, &between));
    if (between >= span.end - span.at)
        return LI_OK;
    header->exif_at = span.at + between;
    header->exif_size = span.end - header->exif_at;
    size_t look = header->exif_size < LOOK_BYTES ? header->exif_size : LOOK_BYTES;
    LI_TRY(li_source_at(in, header->exif_at, look, &data, &got));
    header->density = li_exif_density(data, got < look ? got : look);
    return LI_OK;
}

/* Where no box says it, AV1's sequence header does, near the begin of the data. */
static li_status
read_cicp(li_source *in, const avif_found *found, li_cicp *cicp)
{
    enum { LOOK_BYTES = 4096 };
    const uint8_t *data;
    size_t got, look = LOOK_BYTES;
    *cicp = found->picture.cicp;
    if (found->picture.nclx || !found->coded_at || found->coded_at >= in->size)
        return LI_OK;
    look = found->coded_bytes < look ? (size_t)found->coded_bytes : look;
    LI_TRY(li_source_at(in, found->coded_at, look, &data, &got));
    *cicp = li_avif_sequence_cicp(data, got < look ? got : look);
    return LI_OK;
}

static li_pixel
pixel_of(const avif_found *found)
{
    if (found->tile.monochrome)
        return found->alpha ? LI_GRAYA8 : LI_GRAY8;
    return found->alpha ? LI_RGBA8 : LI_RGB8;
}

li_status
li_avif_inspect(li_ctx *ctx, li_source *in, li_header *header)
{
    avif_found found = {0};
    *header = (li_header){.orientation = 1, .frames = 1};
    LI_TRY(li_avif_scan(ctx, in, &found));
    LI_TRY(check_found(ctx, in, &found));
    li_codec_note_rest("avif", ctx, in, found.end, "the last box");
    header->width = found.picture.width;
    header->height = found.picture.height;
    header->pixel = pixel_of(&found);
    header->bit_depth = found.tile.depth;
    header->orientation = orientation(&found.picture);
    header->frames = (uint32_t)found.frames;
    header->studio = !found.picture.full_range;
    header->icc_bytes = found.picture.icc_bytes;
    header->icc_at = found.picture.icc_at;
    header->exif_bytes = found.exif_bytes;
    header->xmp_bytes = found.xmp_bytes;
    header->xmp_at = found.xmp_at;
    header->xmp_size = found.xmp_at ? found.xmp_bytes : 0;
    LI_TRY(read_cicp(in, &found, &header->cicp));
    LI_TRY(find_exif(ctx, in, &found, header));
    if (has_planes(&found)) {
        header->chroma_x = found.tile.chroma_x;
        header->chroma_y = found.tile.chroma_y;
    }
    li_avif_cost(&found, header);
    /* A source that is not in memory is read whole. */
    if (strcmp(in->ops->name, "read") == 0)
        header->work_bytes = li_sat_add(header->work_bytes, in->size + 4096);
    describe(&found, header);
    return LI_OK;
}
