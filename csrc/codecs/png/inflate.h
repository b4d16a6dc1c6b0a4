/* inflate.h: raw deflate data to bytes, streaming, by ISA-L or by zlib; and the two
 * checksums around it, by the same library. Layer 2.
 *
 * The frame around the data (zlib's header, Adler-32) is the caller's, so both give the
 * same verdict on it. */
#ifndef LI_CODECS_PNG_INFLATE_H
#define LI_CODECS_PNG_INFLATE_H

#include "base/base.h"

typedef struct li_png_inflate li_png_inflate;

typedef enum li_png_inflated {
    LI_PNG_INFLATE_MORE, /* it wants input, or room */
    LI_PNG_INFLATE_END,  /* the data has ended; tail and in hold what follows it */
    LI_PNG_INFLATE_BAD,  /* `bad` says why */
} li_png_inflated;

typedef struct li_png_inflate_ops {
    const char *name;
    uint64_t (*bytes)(void); /* upper bound of what open and run allocate */
    li_status (*open)(li_png_inflate *self);
    /* Go on until `in` is used up or `out` is full. What it produced may be pending:
     * call again without input before giving more. */
    li_png_inflated (*run)(li_png_inflate *self);
    void (*close)(li_png_inflate *self); /* accepts a half-opened one */
    uint32_t (*crc32)(uint32_t crc, const uint8_t *data, size_t size);
    uint32_t (*adler32)(uint32_t adler, const uint8_t *data, size_t size);
} li_png_inflate_ops;

struct li_png_inflate {
    const li_png_inflate_ops *ops;
    li_ctx *ctx;       /* borrowed */
    const uint8_t *in; /* borrowed; what is not taken yet */
    size_t in_left;
    uint8_t *out; /* borrowed */
    size_t out_left;
    const char *bad; /* static string */
    uint8_t tail[8]; /* at the end: bytes taken from `in` that are not deflate's */
    uint32_t tail_size;
    void *state; /* owned: the library's */
};

extern const li_png_inflate_ops li_png_inflate_zlib;
#ifdef LI_HAVE_ISAL
extern const li_png_inflate_ops li_png_inflate_isal;
#endif

/* The fastest that this build has. */
static inline const li_png_inflate_ops *
li_png_inflate_best(void)
{
#ifdef LI_HAVE_ISAL
    return &li_png_inflate_isal;
#else
    return &li_png_inflate_zlib;
#endif
}

#endif
