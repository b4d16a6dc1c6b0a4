/* profile_check.h: any bytes as a profile, for fuzzers and tests: a transform, or a
 * warning, or nothing; never an error but for memory. Test support. */
#ifndef LI_TESTS_PROFILE_CHECK_H
#define LI_TESTS_PROFILE_CHECK_H

#include "color/icc.h"
#include "color/srgb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void
profile_must(bool good, const char *words, const li_ctx *ctx)
{
    if (good)
        return;
    fprintf(stderr, "profile: %s: E%d %s\n", words, ctx->status, ctx->message);
    abort();
}

/* Of each layout; a row of them, so that samples beyond it would be seen. */
static inline void
profile_check(const uint8_t *data, size_t size)
{
    static const li_pixel pixels[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8,  LI_RGBA8,
                                      LI_RGB16, LI_RGBA16, LI_CMYK8, LI_GRAY16};
    enum { WIDTH = 19, MOST_MIB = 128 };
    for (size_t i = 0; i < sizeof(pixels) / sizeof(pixels[0]); i++) {
        li_ctx ctx;
        li_icc *icc = NULL;
        li_info info = {WIDTH, 1, pixels[i] == LI_CMYK8 ? LI_RGB8 : pixels[i]};
        size_t in_bytes = WIDTH * li_pixel_bytes(pixels[i]);
        li_ctx_init(&ctx, NULL);
        ctx.limits.max_memory = MOST_MIB << 20;
        li_status status = li_icc_open(&ctx, data, size, pixels[i], i & 1, &icc);
        profile_must(status == LI_OK || status == LI_E124_MEMORY_BUDGET, "status",
                     &ctx);
        profile_must(status == LI_OK || !icc, "a transform beside an error", &ctx);
        if (icc) {
            uint8_t *in = malloc(in_bytes), *out = malloc(li_row_bytes(info));
            for (size_t k = 0; in && k < in_bytes; k++)
                in[k] = (uint8_t)(k * 37);
            li_icc_apply(icc, in, out, WIDTH);
            free(in);
            free(out);
        }
        li_icc_close(&icc);
        profile_must(ctx.bytes == 0, "memory is kept", &ctx);
    }
}

#endif
