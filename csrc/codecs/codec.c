/* codec.c: the table of formats, and what every header must pass. Layer 2. */
#include "codecs/codec.h"

#include <string.h>

const li_codec *const li_codecs[] = {
    &li_codec_jpeg,
    &li_codec_png,
#if defined(LI_HAVE_WEBP)
    &li_codec_webp,
#endif
    NULL,
};

const li_codec *
li_codec_probe(const uint8_t head[LI_PROBE_BYTES])
{
    for (const li_codec *const *codec = li_codecs; *codec; codec++)
        if ((*codec)->probe(head))
            return *codec;
    return NULL;
}

const li_codec *
li_codec_named(const char *name)
{
    for (const li_codec *const *codec = li_codecs; *codec; codec++)
        if (strcmp((*codec)->name, name) == 0)
            return *codec;
    return NULL;
}

/* --- codecs outside the table ----------------------------------------------------- */

/* An ISO file whose major brand says AVIF, or leaves it to the compatible ones. */
static bool
is_avif(const uint8_t head[LI_PROBE_BYTES])
{
    static const char brands[][5] = {"avif", "avis", "mif1", "msf1", "miaf"};
    if (memcmp(head + 4, "ftyp", 4) != 0)
        return false;
    for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++)
        if (memcmp(head + 8, brands[i], 4) == 0)
            return true;
    return false;
}

const li_further_format li_further_formats[] = {{"avif", is_avif}, {NULL, NULL}};

bool
li_plug_fits(const li_plug *plug)
{
    li_plug ours = li_plug_of(NULL);
    return strcmp(plug->version, ours.version) == 0 &&
           plug->ctx_size == ours.ctx_size && plug->codec_size == ours.codec_size &&
           plug->header_size == ours.header_size &&
           plug->encode_size == ours.encode_size;
}

static li_status
check_format(li_ctx *ctx, const char *name, int bit)
{
    if (!ctx->limits.formats || ctx->limits.formats >> bit & 1)
        return LI_OK;
    return li_fail(ctx, LI_E123_FIREWALL, "source: %s is not among limits(formats=…)",
                   name);
}

static li_status
find_further(li_ctx *ctx, const char *name, const li_codec **codec)
{
    for (const li_codec *const *at = ctx->further; at && *at; at++)
        if (strcmp((*at)->name, name) == 0) {
            *codec = *at;
            return LI_OK;
        }
    return li_fail(ctx, LI_E112_CODEC, "source: there is no codec for %s here", name);
}

li_status
li_codec_find(li_ctx *ctx, const uint8_t head[LI_PROBE_BYTES], const li_codec **codec)
{
    for (int i = 0; li_codecs[i]; i++)
        if (li_codecs[i]->probe(head)) {
            *codec = li_codecs[i];
            return check_format(ctx, (*codec)->name, i);
        }
    for (int i = 0; li_further_formats[i].name; i++)
        if (li_further_formats[i].probe(head)) {
            const char *name = li_further_formats[i].name;
            LI_TRY(check_format(ctx, name, LI_FURTHER_BIT + i));
            return find_further(ctx, name, codec);
        }
    return li_fail(
        ctx, LI_E111_FORMAT,
        "source: begins with %02x %02x %02x %02x, no format that is known here",
        head[0], head[1], head[2], head[3]);
}

/* --- the profile ------------------------------------------------------------------ */

static li_status
copy_profile(li_source *in, uint64_t at, uint8_t *into, size_t size)
{
    while (size > 0) {
        size_t want = size < LI_WINDOW_BYTES ? size : LI_WINDOW_BYTES, got;
        const uint8_t *data;
        LI_TRY(li_source_at(in, at, want, &data, &got));
        if (got < want)
            return li_fail(in->ctx, LI_E132_TRUNCATED,
                           "header: the file ends in its ICC profile");
        memcpy(into, data, want);
        into += want;
        at += want;
        size -= want;
    }
    return LI_OK;
}

li_status
li_codec_profile(const li_codec *codec, li_ctx *ctx, li_source *in,
                 const li_header *header, uint8_t **data, size_t *size)
{
    *data = NULL;
    if (codec->profile)
        return codec->profile(ctx, in, header, data, size);
    *size = (size_t)header->icc_bytes;
    LI_TRY(li_alloc(ctx, *size, 1, data));
    li_status status = copy_profile(in, header->icc_at, *data, *size);
    if (status != LI_OK)
        li_free(ctx, data);
    return status;
}

/* --- the header ------------------------------------------------------------------- */

uint64_t
li_header_xmp_most(const li_ctx *ctx)
{
    return ctx->limits.max_metadata ? ctx->limits.max_metadata : UINT64_MAX;
}

uint64_t
li_header_icc_most(const li_ctx *ctx)
{
    uint64_t any = li_header_xmp_most(ctx), room = ctx->limits.icc_room;
    return room && room - 1 < any ? room - 1 : any;
}

static li_status
check_metadata(li_ctx *ctx, const char *kind, uint64_t bytes, uint64_t inflated)
{
    uint64_t limit = ctx->limits.max_metadata;
    bytes = inflated > bytes ? inflated : bytes;
    if (!limit || bytes <= limit)
        return LI_OK;
    return li_fail(ctx, LI_E123_FIREWALL,
                   "header: %llu bytes of %s are more than limits(max_metadata=%llu)",
                   (unsigned long long)bytes, kind, (unsigned long long)limit);
}

static li_status
check_policy(li_ctx *ctx, const li_header *header)
{
    uint64_t room = ctx->limits.icc_room, bytes = header->icc_bytes;
    bytes = header->icc_inflated > bytes ? header->icc_inflated : bytes;
    if (!room || bytes < room)
        return LI_OK;
    return li_fail(ctx, LI_E123_FIREWALL,
                   "header: %llu bytes of ICC profile are more than the %llu that this "
                   "sanitize() allows; sanitize(\"public-upload\") strips it",
                   (unsigned long long)bytes, (unsigned long long)room - 1);
}

static li_status
check_ratio(li_ctx *ctx, uint64_t pixels, uint64_t file_bytes)
{
    enum { SMALL_PIXELS = 4000000 }; /* below this a bomb costs nothing */
    uint64_t limit = ctx->limits.max_pixels_per_byte;
    if (!limit || pixels <= SMALL_PIXELS || pixels <= li_sat_mul(limit, file_bytes))
        return LI_OK;
    return li_fail(ctx, LI_E123_FIREWALL,
                   "header: %llu pixels from %llu bytes are more than "
                   "limits(max_pixels_per_byte=%llu)",
                   (unsigned long long)pixels, (unsigned long long)file_bytes,
                   (unsigned long long)limit);
}

li_status
li_header_check(li_ctx *ctx, const li_header *header, uint64_t file_bytes)
{
    const li_limits *limits = &ctx->limits;
    uint32_t width = header->width, height = header->height;
    uint32_t side = width > height ? width : height;
    uint64_t pixels = (uint64_t)width * height;
    if (limits->max_side && side > limits->max_side)
        return li_fail(ctx, LI_E121_SIDE_LIMIT,
                       "header: %ux%u has a side over limits(max_side=%llu)", width,
                       height, (unsigned long long)limits->max_side);
    if (limits->max_pixels && pixels > limits->max_pixels)
        return li_fail(ctx, LI_E122_PIXEL_LIMIT,
                       "header: %ux%u, %llu pixels, is over limits(max_pixels=%llu)",
                       width, height, (unsigned long long)pixels,
                       (unsigned long long)limits->max_pixels);
    LI_TRY(check_ratio(ctx, pixels, file_bytes));
    LI_TRY(check_policy(ctx, header));
    LI_TRY(check_metadata(ctx, "ICC profile", header->icc_bytes, header->icc_inflated));
    LI_TRY(check_metadata(ctx, "EXIF", header->exif_bytes, 0));
    return check_metadata(ctx, "XMP", header->xmp_bytes, header->xmp_inflated);
}
