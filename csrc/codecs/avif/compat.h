/* compat.h: libavif from 0.11 to 1.x behind one face. Layer 2. */
#ifndef LI_CODECS_AVIF_COMPAT_H
#define LI_CODECS_AVIF_COMPAT_H

#include <avif/avif.h>

/* 0.11 says quality in quantizers, 63 to 0; these give what 1.x makes of the same
 * quality. */
static inline void
li_avif_set_quality(avifEncoder *encoder, int colour, int alpha)
{
#if AVIF_VERSION >= 1000000
    encoder->quality = colour;
    encoder->qualityAlpha = alpha;
#else
    encoder->minQuantizer = encoder->maxQuantizer = ((100 - colour) * 63 + 50) / 100;
    encoder->minQuantizerAlpha = encoder->maxQuantizerAlpha =
        ((100 - alpha) * 63 + 50) / 100;
#endif
}

/* imir: 0 exchanges top and bottom, 1 left and right. */
static inline uint8_t *
li_avif_mirror(avifImage *image)
{
#if AVIF_VERSION >= 1000000
    return &image->imir.axis;
#else
    return &image->imir.mode;
#endif
}

/* The first two are void in 0.11, and malloc's failure there is the process's end. */
static inline avifResult
li_avif_add_metadata(avifImage *image, const uint8_t *icc, size_t icc_size,
                     const uint8_t *exif, size_t exif_size, const uint8_t *xmp,
                     size_t xmp_size)
{
#if AVIF_VERSION >= 1000000
    avifResult result = AVIF_RESULT_OK;
    if (icc)
        result = avifImageSetProfileICC(image, icc, icc_size);
    if (exif && result == AVIF_RESULT_OK)
        result = avifImageSetMetadataExif(image, exif, exif_size);
    if (xmp && result == AVIF_RESULT_OK)
        result = avifImageSetMetadataXMP(image, xmp, xmp_size);
    return result;
#else
    if (icc)
        avifImageSetProfileICC(image, icc, icc_size);
    if (exif)
        avifImageSetMetadataExif(image, exif, exif_size);
    if (xmp)
        avifImageSetMetadataXMP(image, xmp, xmp_size);
    return AVIF_RESULT_OK;
#endif
}

/* Void in 0.11. */
static inline avifResult
li_avif_planes(avifImage *image, avifPlanesFlags planes)
{
#if AVIF_VERSION >= 1000000
    return avifImageAllocatePlanes(image, planes);
#else
    avifImageAllocatePlanes(image, planes);
    return AVIF_RESULT_OK;
#endif
}

/* A key that the codec does not know is told by the encoding itself. */
static inline avifResult
li_avif_set_option(avifEncoder *encoder, const char *key, const char *value)
{
#if AVIF_VERSION >= 1000000
    return avifEncoderSetCodecSpecificOption(encoder, key, value);
#else
    avifEncoderSetCodecSpecificOption(encoder, key, value);
    return AVIF_RESULT_OK;
#endif
}

#endif
