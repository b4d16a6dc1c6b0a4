/* metadata.c: what is kept of a picture's metadata, made fit for another one. Layer 2.
 */
#include "meta/metadata.h"
#include "meta/exif.h"
#include "meta/xmp.h"

#include <math.h>
#include <string.h>

void
li_metadata_free(li_metadata *metadata)
{
    li_ctx *ctx = metadata->ctx;
    if (ctx) {
        if (metadata->owns_icc)
            li_free(ctx, &metadata->icc);
        li_free(ctx, &metadata->exif);
        li_free(ctx, &metadata->xmp);
    }
    *metadata = (li_metadata){0};
}

bool
li_density_whole(li_density density, double scale, uint32_t most, uint32_t *x,
                 uint32_t *y)
{
    double across = round(density.x * scale), down = round(density.y * scale);
    if (!(across >= 1 && across <= most && down >= 1 && down <= most))
        return false;
    *x = (uint32_t)across;
    *y = (uint32_t)down;
    return true;
}

bool
li_icc_suits(const uint8_t *profile, size_t size, bool gray)
{
    enum { LEAST = 132, SPACE = 16, MAGIC = 36 }; /* the header, and a count of tags */
    if (!profile || size < LEAST || memcmp(profile + MAGIC, "acsp", 4) != 0)
        return false;
    uint64_t told = (uint64_t)profile[0] << 24 | (uint64_t)profile[1] << 16 |
                    (uint64_t)profile[2] << 8 | profile[3];
    return told >= LEAST && told <= size &&
           memcmp(profile + SPACE, gray ? "GRAY" : "RGB ", 4) == 0;
}

/* --- editing ------------------------------------------------------------------------
 */

static bool
is_within(size_t size, uint32_t most)
{
    return !most || size <= most;
}

/* Has the format a place for so much? */
static bool
fits(li_ctx *ctx, const char *what, size_t size, uint32_t most)
{
    if (is_within(size, most))
        return true;
    li_warn(ctx, "metadata: %zu bytes of %s are more than the %u that fit: left out",
            size, what, most);
    return false;
}

static bool
is_sane(li_density density)
{
    enum { LEAST = 1, MOST = 1000000 }; /* beyond, an EXIF in thousandths has no room */
    return density.x >= LEAST && density.x <= MOST && density.y >= LEAST &&
           density.y <= MOST;
}

static li_status
edit_exif(const li_metadata *from, const li_edit *edit, li_metadata *to)
{
    li_exif_edit how = {.orientation = edit->orientation,
                        .drop_gps = !(edit->keep & LI_KEEP_GPS),
                        .recoloured = (from->stale | edit->stale) & LI_STALE_COLOURS,
                        .width = edit->width,
                        .height = edit->height};
    if (edit->places.dense_exif && is_sane(from->density))
        how.density = from->density;
    if (!from->exif && how.orientation <= 1 && !li_density_known(how.density))
        return LI_OK;
    size_t room = from->exif_size + LI_EXIF_ROOM;
    LI_TRY(li_alloc(to->ctx, room, 1, &to->exif));
    to->exif_size = li_exif_rewrite(from->exif, from->exif_size, &how, to->exif, room);
    if (!to->exif_size) {
        li_warn(to->ctx, "metadata: the EXIF block is damaged, or has nothing to keep");
        to->exif_size = li_exif_rewrite(NULL, 0, &how, to->exif, room);
    }
    if (to->exif_size && !fits(to->ctx, "EXIF", to->exif_size, edit->places.exif_most))
        to->exif_size = li_exif_rewrite(NULL, 0, &how, to->exif, room);
    if (to->exif_size && is_within(to->exif_size, edit->places.exif_most))
        return LI_OK;
    li_free(to->ctx, &to->exif);
    to->exif_size = 0;
    return LI_OK;
}

/* EXIF's word on how the picture is turned was applied, or it is not the container's.
 */
static bool
is_turn_stale(const li_metadata *from, const li_edit *edit)
{
    bool overruled = from->exif && li_exif_orientation(from->exif, from->exif_size) > 1;
    return (from->stale | edit->stale) & LI_STALE_TURN ||
           (edit->orientation <= 1 && overruled);
}

/* Without the part that extends it. */
static void
edit_less_xmp(const li_metadata *from, const li_xmp_edit *how, li_metadata *to)
{
    size_t at = from->xmp_more_at, behind = at + from->xmp_more_size;
    size_t rest = from->xmp_size - behind;
    memcpy(to->xmp, from->xmp, at);
    memcpy(to->xmp + at, from->xmp + behind, rest);
    to->xmp_size = li_xmp_rewrite(to->xmp, at + rest, how, to->xmp);
}

static li_status
edit_xmp(const li_metadata *from, const li_edit *edit, li_metadata *to)
{
    uint8_t stale = from->stale | edit->stale;
    li_xmp_edit how = {.drop_gps = !(edit->keep & LI_KEEP_GPS),
                       .upright = is_turn_stale(from, edit),
                       .resized = stale & LI_STALE_SIZE,
                       .recoloured = stale & LI_STALE_COLOURS};
    uint32_t most = edit->places.xmp_most;
    if (!from->xmp)
        return LI_OK;
    LI_TRY(li_alloc(to->ctx, from->xmp_size, 1, &to->xmp));
    to->xmp_size = li_xmp_rewrite(from->xmp, from->xmp_size, &how, to->xmp);
    if (from->xmp_more_size && (!to->xmp_size || (most && to->xmp_size > most))) {
        li_warn(to->ctx, "metadata: what extends the XMP packet is %s: left out",
                to->xmp_size ? "more than fits" : "damaged");
        edit_less_xmp(from, &how, to);
    }
    if (to->xmp_size && fits(to->ctx, "XMP", to->xmp_size, edit->places.xmp_most))
        return LI_OK;
    if (!to->xmp_size)
        li_warn(to->ctx, "metadata: the XMP packet is damaged, and left out");
    li_free(to->ctx, &to->xmp);
    to->xmp_size = 0;
    return LI_OK;
}

void
li_metadata_transpose(li_metadata *metadata)
{
    metadata->density = li_density_turned(metadata->density, true);
    if (metadata->exif)
        li_exif_transpose(metadata->exif, metadata->exif_size);
}

/* Of another kind of pixels than the picture now has, it would be wrong. */
static void
edit_icc(const li_metadata *from, const li_edit *edit, li_metadata *to)
{
    if (!li_icc_suits(from->icc, from->icc_size, edit->gray) ||
        !fits(to->ctx, "ICC profile", from->icc_size, edit->places.icc_most))
        return;
    to->icc = from->icc;
    to->icc_size = from->icc_size;
}

li_status
li_metadata_edit(li_ctx *ctx, const li_metadata *from, const li_edit *edit,
                 li_metadata *to)
{
    *to = (li_metadata){.ctx = ctx};
    if (edit->keep & LI_KEEP_EXIF) {
        to->density = is_sane(from->density) ? from->density : to->density;
        to->orientation = edit->orientation;
        LI_TRY(edit_exif(from, edit, to));
        if (edit->transposed)
            li_metadata_transpose(to);
    }
    if (edit->keep & LI_KEEP_XMP)
        LI_TRY(edit_xmp(from, edit, to));
    if (edit->keep & LI_KEEP_ICC)
        edit_icc(from, edit, to);
    return LI_OK;
}

/* --- copies --------------------------------------------------------------------------
 */

static li_status
copy_block(li_ctx *ctx, const uint8_t *from, size_t size, uint8_t **to)
{
    if (!from)
        return LI_OK;
    LI_TRY(li_alloc(ctx, size ? size : 1, 1, to));
    memcpy(*to, from, size);
    return LI_OK;
}

li_status
li_metadata_copy(li_ctx *ctx, const li_metadata *from, li_metadata *to)
{
    *to = *from;
    to->ctx = ctx;
    to->owns_icc = true;
    to->icc = to->exif = to->xmp = NULL;
    LI_TRY(copy_block(ctx, from->icc, from->icc_size, &to->icc));
    LI_TRY(copy_block(ctx, from->exif, from->exif_size, &to->exif));
    return copy_block(ctx, from->xmp, from->xmp_size, &to->xmp);
}

/* --- bounds --------------------------------------------------------------------------
 */

uint64_t
li_metadata_edit_bytes(const li_metadata *from)
{
    /* Of a PNG's: zlib's tables, and the packed profile; of an AVIF's: libavif's copy,
     * and the file that it makes. */
    enum { TABLES = 280 << 10, BLOCKS = 8, PAGE = 4096 };
    if (!li_metadata_any(from))
        return 0;
    uint64_t own = from->exif_size + LI_EXIF_ROOM + from->xmp_size;
    uint64_t bytes = li_sat_add(own, li_sat_mul(3, own + from->icc_size));
    return li_sat_add(bytes, TABLES + BLOCKS * (LI_BLOCK_OVERHEAD + PAGE));
}

uint64_t
li_metadata_out_bytes(const li_metadata *from)
{
    /* Heads of chunks, boxes and segments: a JPEG's 18 for each 64 KB; deflate's five
     * for each 16 KB that does not become smaller. */
    enum { HEADS = 4096, ROOM = 1024 };
    uint64_t bytes = li_metadata_total(from);
    return li_metadata_any(from) ? li_sat_add(bytes, bytes / ROOM + HEADS) : 0;
}
