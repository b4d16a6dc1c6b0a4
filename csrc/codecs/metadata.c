/* metadata.c: what goes with the picture, out of the file. Layer 2. */
#include "codecs/codec.h"
#include "color/srgb.h"

#include <string.h>

/* *data stays NULL where the file has not so much. */
static li_status
read_piece(li_ctx *ctx, li_source *in, uint64_t at, uint64_t size, uint8_t **data)
{
    if (at > in->size || size > in->size - at)
        return LI_OK;
    LI_TRY(li_alloc(ctx, size, 1, data));
    for (uint64_t done = 0; done < size;) {
        const uint8_t *from;
        size_t got;
        uint64_t left = size - done;
        size_t want = left < LI_WINDOW_BYTES ? (size_t)left : LI_WINDOW_BYTES;
        LI_TRY(li_poll(ctx));
        LI_TRY(li_source_at(in, at + done, want, &from, &got));
        if (got < want)
            return li_fail(ctx, LI_E132_TRUNCATED, "header: the file ends in metadata");
        memcpy(*data + done, from, want);
        done += want;
    }
    return LI_OK;
}

static li_status
read_exif(li_ctx *ctx, li_source *in, const li_header *header, li_metadata *metadata)
{
    if (!header->exif_bytes)
        return LI_OK;
    if (header->exif_size)
        LI_TRY(
            read_piece(ctx, in, header->exif_at, header->exif_size, &metadata->exif));
    metadata->exif_size = metadata->exif ? (size_t)header->exif_size : 0;
    if (!metadata->exif)
        li_warn(ctx, "metadata: EXIF is not where the file says: left out");
    return LI_OK;
}

static li_status
read_xmp(li_ctx *ctx, const li_codec *codec, li_source *in, const li_header *header,
         li_metadata *metadata)
{
    if (!header->xmp_bytes)
        return LI_OK;
    metadata->xmp_size = (size_t)header->xmp_size;
    if (header->xmp_size && header->xmp_packed)
        LI_TRY(codec->unpack_xmp(ctx, in, header, metadata));
    else if (header->xmp_size)
        LI_TRY(read_piece(ctx, in, header->xmp_at, header->xmp_size, &metadata->xmp));
    if (metadata->xmp)
        return LI_OK;
    metadata->xmp_size = 0;
    li_warn(ctx, "metadata: XMP is not where the file says, or damaged: left out");
    return LI_OK;
}

static li_status
read_profile(li_ctx *ctx, const li_codec *codec, li_source *in, const li_header *header,
             li_metadata *metadata)
{
    if (!header->icc_bytes)
        return LI_OK;
    metadata->owns_icc = true;
    return li_codec_profile(codec, ctx, in, header, &metadata->icc,
                            &metadata->icc_size);
}

li_status
li_codec_metadata(const li_codec *codec, li_ctx *ctx, li_source *in,
                  const li_header *header, uint8_t keep, li_metadata *metadata)
{
    *metadata = (li_metadata){.ctx = ctx, .orientation = header->orientation};
    /* That EXIF comes before what XMP says of it is not known any more without EXIF. */
    if (header->exif_bytes && !(keep & LI_KEEP_EXIF) && header->orientation <= 1)
        metadata->stale = LI_STALE_TURN;
    if (keep & LI_KEEP_EXIF) {
        metadata->density = header->density;
        LI_TRY(read_exif(ctx, in, header, metadata));
    }
    if (keep & LI_KEEP_ICC)
        LI_TRY(read_profile(ctx, codec, in, header, metadata));
    return keep & LI_KEEP_XMP ? read_xmp(ctx, codec, in, header, metadata) : LI_OK;
}

/* --- colours ------------------------------------------------------------------------
 */

void
li_header_profiled(li_header *header, const uint8_t *profile, size_t size)
{
    bool gray = li_pixel_is_gray(header->pixel);
    if (!profile || header->cicp.first || header->pixel == LI_CMYK8)
        return;
    if (li_srgb_is(profile, size))
        header->cicp = (li_cicp){0};
    else
        header->cicp.profiled = li_icc_suits(profile, size, gray);
}

/* There is no profile, or it is damaged, or cannot be used: numbers have the word. */
static li_status
open_colour(const li_codec *codec, li_ctx *ctx, const li_header *header,
            const uint8_t *profile, size_t size, li_icc **icc)
{
    li_pixel pixel =
        li_pixel_with_depth(header->pixel, codec->deep && header->bit_depth > 8);
    if (!profile)
        return li_icc_open_cicp(ctx, &header->cicp, pixel, icc);
    return li_icc_open_either(ctx, profile, size, &header->cicp, pixel,
                              header->inverted, icc);
}

li_status
li_codec_colour(const li_codec *codec, li_ctx *ctx, li_source *in, li_header *header,
                bool converts, li_icc **icc)
{
    uint8_t *profile = NULL;
    size_t size = 0;
    uint32_t warnings = ctx->warnings.count;
    if (header->icc_bytes && !header->cicp.first)
        LI_TRY(li_codec_profile(codec, ctx, in, header, &profile, &size));
    if (!converts) /* nobody misses one that is damaged */
        ctx->warnings.count = warnings;
    li_header_profiled(header, profile, size);
    li_status status =
        converts ? open_colour(codec, ctx, header, profile, size, icc) : LI_OK;
    li_free(ctx, &profile);
    return status;
}
