/* lcms.c: ICC profiles through lcms2, on the job's ledger. Layer 2.
 *
 * Perceptual intent, as transicc and browsers have it; between matrix profiles it is
 * the colorimetric one.
 *
 * lcms2 reads a profile with care, but makes transforms without looking whether it got
 * the memory. So it reads first, from the ledger, where any block may be refused; what
 * it makes then comes from an arena that was reserved for it.
 *
 * Where a profile is but curves and a matrix, lcms2 says which, and the shaper
 * converts: as exact, and faster. */
#include "color/lcms.h"

#ifdef LI_HAVE_LCMS2

#include "color/curves.h"

#include <lcms2.h>
#include <lcms2_plugin.h>
#include <stdio.h>
#include <string.h>

/* All that lcms2 2.14 asked for to make a transform: 0.18 MB of gray, 0.41 of RGB, 0.54
 * of 16 bits, 0.91 of CMYK, besides copies of what it read. */
enum { MAKING_BYTES = 1536 << 10, ALIGNMENT = 16 };

struct li_lcms {
    li_ctx *ctx; /* borrowed */
    cmsContext library;
    cmsHTRANSFORM transform;
    li_pixel from;
    uint8_t *arena; /* owned; NULL while it reads */
    size_t arena_size, arena_used;
    char words[128]; /* what lcms2 said last */
};

/* --- memory: lcms2's is ours -------------------------------------------------------
 */

/* A block of the arena begins behind its size; NULL: there is no room. */
static void *
arena_alloc(li_lcms *self, size_t size)
{
    size_t whole = ALIGNMENT + ((size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
    if (!self->arena || whole > self->arena_size - self->arena_used)
        return NULL;
    uint8_t *block = self->arena + self->arena_used;
    memcpy(block, &size, sizeof(size));
    self->arena_used += whole;
    return block + ALIGNMENT;
}

static bool
is_of_arena(const li_lcms *self, const uint8_t *block)
{
    return self->arena && block >= self->arena &&
           block < self->arena + self->arena_size;
}

static void *
library_alloc(cmsContext library, cmsUInt32Number size)
{
    li_lcms *self = cmsGetContextUserData(library);
    void *block = arena_alloc(self, size);
    if (block)
        return block;
    return li_alloc(self->ctx, size, 1, &block) == LI_OK ? block : NULL;
}

/* The arena is given back as a whole. */
static void
library_free(cmsContext library, void *block)
{
    li_lcms *self = cmsGetContextUserData(library);
    if (!is_of_arena(self, block))
        li_free(self->ctx, &block);
}

static void *
library_resize(cmsContext library, void *block, cmsUInt32Number size)
{
    li_lcms *self = cmsGetContextUserData(library);
    size_t had;
    if (block && !is_of_arena(self, block))
        return li_resize_alloc(self->ctx, size, &block) == LI_OK ? block : NULL;
    void *larger = library_alloc(library, size);
    if (!block || !larger)
        return larger;
    memcpy(&had, (uint8_t *)block - ALIGNMENT, sizeof(had));
    memcpy(larger, block, had < size ? had : size);
    return larger;
}

/* A context is one thread's: nothing is to be locked. lcms2 2.14 takes the want of a
 * mutex for one, so it must not be able to fail. */
static void *
no_mutex(cmsContext library)
{
    return cmsGetContextUserData(library);
}

static void
end_no_mutex(cmsContext library, void *mutex)
{
    (void)library, (void)mutex;
}

static cmsBool
lock_nothing(cmsContext library, void *mutex)
{
    (void)library, (void)mutex;
    return 1;
}

static void
note_words(cmsContext library, cmsUInt32Number code, const char *text)
{
    li_lcms *self = cmsGetContextUserData(library);
    (void)code;
    snprintf(self->words, sizeof(self->words), "%s", text);
}

static li_status
open_library(li_lcms *self)
{
    cmsPluginMutex mutex = {
        .base = {cmsPluginMagicNumber, 2060, cmsPluginMutexSig, NULL},
        .CreateMutexPtr = no_mutex,
        .DestroyMutexPtr = end_no_mutex,
        .LockMutexPtr = lock_nothing,
        .UnlockMutexPtr = end_no_mutex,
    };
    cmsPluginMemHandler memory = {
        .base = {cmsPluginMagicNumber, 2000, cmsPluginMemHandlerSig, &mutex.base},
        .MallocPtr = library_alloc,
        .FreePtr = library_free,
        .ReallocPtr = library_resize,
    };
    self->library = cmsCreateContext(&memory, self);
    if (!self->library)
        return self->ctx->status ? self->ctx->status : LI_ENOMEM;
    cmsSetLogErrorHandlerTHR(self->library, note_words);
    return LI_OK;
}

/* --- profiles ----------------------------------------------------------------------
 */

static cmsColorSpaceSignature
space_of(li_pixel from)
{
    if (from == LI_CMYK8)
        return cmsSigCmykData;
    return li_pixel_channels(from) < 3 ? cmsSigGrayData : cmsSigRgbData;
}

/* Gray with the curve of sRGB: a level stays the level of a gray that looks the same.
 */
static cmsHPROFILE
make_gray(cmsContext library)
{
    static const cmsFloat64Number curve[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92,
                                             0.04045};
    cmsToneCurve *tone = cmsBuildParametricToneCurve(library, 4, curve);
    cmsHPROFILE made =
        tone ? cmsCreateGrayProfileTHR(library, cmsD50_xyY(), tone) : NULL;
    if (tone)
        cmsFreeToneCurve(tone);
    return made;
}

static cmsHPROFILE
make_target(const li_lcms *self)
{
    return li_pixel_channels(self->from) < 3 ? make_gray(self->library)
                                             : cmsCreate_sRGBProfileTHR(self->library);
}

static cmsUInt32Number
type_of(li_pixel pixel, bool inverted)
{
    bool deep = li_pixel_bytes(pixel) > li_pixel_channels(pixel);
    switch (li_pixel_channels(pixel)) {
    case 1:
        return deep ? TYPE_GRAY_16 : TYPE_GRAY_8;
    case 2:
        return deep ? TYPE_GRAYA_16 : TYPE_GRAYA_8;
    case 3:
        return deep ? TYPE_RGB_16 : TYPE_RGB_8;
    default:
        break;
    }
    if (pixel == LI_CMYK8)
        return inverted ? TYPE_CMYK_8_REV : TYPE_CMYK_8;
    return deep ? TYPE_RGBA_16 : TYPE_RGBA_8;
}

static void
make_transform(li_lcms *self, cmsHPROFILE profile, cmsHPROFILE target, bool inverted)
{
    li_pixel to = self->from == LI_CMYK8 ? LI_RGB8 : self->from;
    cmsUInt32Number flags = cmsFLAGS_NOCACHE; /* a cache is not for several threads */
    if (li_pixel_is_deep(self->from))
        flags |= cmsFLAGS_NOOPTIMIZE;
    if (li_pixel_has_alpha(self->from))
        flags |= cmsFLAGS_COPY_ALPHA;
    self->transform =
        cmsCreateTransformTHR(self->library, profile, type_of(self->from, inverted),
                              target, type_of(to, false), INTENT_PERCEPTUAL, flags);
}

/* All that the transform will look at, so that nothing is read while it is made. */
static void
read_tags(cmsHPROFILE profile)
{
    static const cmsTagSignature tags[] = {
        cmsSigDToB0Tag,       cmsSigAToB0Tag,           cmsSigAToB1Tag,
        cmsSigRedColorantTag, cmsSigGreenColorantTag,   cmsSigBlueColorantTag,
        cmsSigRedTRCTag,      cmsSigGreenTRCTag,        cmsSigBlueTRCTag,
        cmsSigGrayTRCTag,     cmsSigMediaWhitePointTag, cmsSigChromaticAdaptationTag,
    };
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
        if (cmsIsTag(profile, tags[i]))
            (void)cmsReadTag(profile, tags[i]);
}

static li_status
reserve_arena(li_lcms *self, uint64_t read)
{
    uint8_t *arena = NULL;
    size_t size = (size_t)read + MAKING_BYTES;
    LI_TRY(li_alloc(self->ctx, size, 1, &arena));
    self->arena_size = size;
    self->arena = arena;
    return LI_OK;
}

static li_status
make_shaper(li_lcms *self, cmsHPROFILE profile, li_shaper **shaper)
{
    li_curves curves;
    if (self->from == LI_CMYK8 || !li_profile_curves(self->library, profile, &curves))
        return self->ctx->status;
    return li_shaper_open_curves(self->ctx, &curves, self->from, shaper);
}

/* `before`: the ledger before the profile was opened. */
static li_status
make_between(li_lcms *self, cmsHPROFILE profile, bool inverted, uint64_t before,
             li_shaper **shaper)
{
    if (cmsGetColorSpace(profile) != space_of(self->from)) {
        snprintf(self->words, sizeof(self->words), "it is of another kind of pixels");
        return LI_OK;
    }
    read_tags(profile);
    LI_TRY(self->ctx->status);
    LI_TRY(reserve_arena(self, self->ctx->bytes - before));
    LI_TRY(make_shaper(self, profile, shaper));
    if (*shaper)
        return LI_OK;
    cmsHPROFILE target = make_target(self);
    if (target)
        make_transform(self, profile, target, inverted);
    if (target)
        cmsCloseProfile(target);
    return self->ctx->status;
}

static li_status
open_transform(li_lcms *self, const uint8_t *data, size_t size, bool inverted,
               li_shaper **shaper)
{
    uint64_t before = self->ctx->bytes;
    cmsHPROFILE profile =
        cmsOpenProfileFromMemTHR(self->library, data, (cmsUInt32Number)size);
    if (!profile)
        return self->ctx->status;
    li_status status = make_between(self, profile, inverted, before, shaper);
    cmsCloseProfile(profile);
    return status;
}

li_status
li_lcms_open(li_ctx *ctx, const uint8_t *profile, size_t size, li_pixel from,
             bool inverted, li_lcms **lcms, li_shaper **shaper)
{
    li_lcms *self;
    *shaper = NULL;
    LI_TRY(li_alloc(ctx, 1, sizeof(*self), lcms));
    self = *lcms;
    self->ctx = ctx;
    self->from = from;
    li_status status = open_library(self);
    if (status == LI_OK)
        status = open_transform(self, profile, size, inverted, shaper);
    if (status == LI_OK && !self->transform && !*shaper)
        li_warn(ctx, "the ICC profile is not used: %s",
                self->words[0] ? self->words : "lcms2 does not take it");
    if (status != LI_OK)
        li_shaper_close(shaper);
    if (status != LI_OK || !self->transform)
        li_lcms_close(lcms);
    return status;
}

void
li_lcms_apply(const li_lcms *lcms, const uint8_t *in, uint8_t *out, uint32_t pixels)
{
    cmsDoTransform(lcms->transform, in, out, pixels);
}

void
li_lcms_close(li_lcms **lcms)
{
    li_lcms *self = *lcms;
    *lcms = NULL;
    if (!self)
        return;
    if (self->transform)
        cmsDeleteTransform(self->transform);
    if (self->library)
        cmsDeleteContext(self->library);
    li_free(self->ctx, &self->arena);
    li_free(self->ctx, &self);
}

int
li_lcms_built(void)
{
    return LCMS_VERSION;
}

int
li_lcms_running(void)
{
    return cmsGetEncodedCMMversion();
}

#else /* no lcms2 */

li_status
li_lcms_open(li_ctx *ctx, const uint8_t *profile, size_t size, li_pixel from,
             bool inverted, li_lcms **lcms, li_shaper **shaper)
{
    (void)profile, (void)size, (void)from, (void)inverted;
    *lcms = NULL;
    *shaper = NULL;
    li_warn(ctx, "the ICC profile is not used: this build has no lcms2");
    return LI_OK;
}

void
li_lcms_apply(const li_lcms *lcms, const uint8_t *in, uint8_t *out, uint32_t pixels)
{
    (void)lcms, (void)in, (void)out, (void)pixels;
}

void
li_lcms_close(li_lcms **lcms)
{
    *lcms = NULL;
}

int
li_lcms_built(void)
{
    return 0;
}

int
li_lcms_running(void)
{
    return 0;
}

#endif
