/* profile_check.h: any bytes as a profile, or as numbers that stand for one, for
 * fuzzers and tests: a transform, or a warning, or nothing; never an error but for
 * memory. Test support. */
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

enum { PROFILE_WIDTH = 19, NUMBERS_BYTES = 39 };

static inline void
profile_apply(const li_icc *icc)
{
    li_pixel pixel = li_icc_pixel(icc);
    li_info info = {PROFILE_WIDTH, 1, pixel == LI_CMYK8 ? LI_RGB8 : pixel};
    size_t in_bytes = PROFILE_WIDTH * li_pixel_bytes(pixel);
    uint8_t *in = malloc(in_bytes), *out = malloc(li_row_bytes(info));
    for (size_t k = 0; in && k < in_bytes; k++)
        in[k] = (uint8_t)(k * 37);
    li_icc_apply(icc, in, out, PROFILE_WIDTH);
    free(in);
    free(out);
}

/* Of each layout; a row of them, so that samples beyond it would be seen. numbers: NULL
 * for a profile. */
static inline void
profile_check_any(const uint8_t *data, size_t size, const li_cicp *numbers)
{
    static const li_pixel pixels[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8,  LI_RGBA8,
                                      LI_RGB16, LI_RGBA16, LI_CMYK8, LI_GRAY16};
    enum { MOST_MIB = 128 };
    for (size_t i = 0; i < sizeof(pixels) / sizeof(pixels[0]); i++) {
        li_ctx ctx;
        li_icc *icc = NULL;
        li_ctx_init(&ctx, NULL);
        ctx.limits.max_memory = MOST_MIB << 20;
        li_status status = numbers
                               ? li_icc_open_cicp(&ctx, numbers, pixels[i], &icc)
                               : li_icc_open(&ctx, data, size, pixels[i], i & 1, &icc);
        profile_must(status == LI_OK || status == LI_E124_MEMORY_BUDGET, "status",
                     &ctx);
        profile_must(status == LI_OK || !icc, "a transform beside an error", &ctx);
        if (icc)
            profile_apply(icc);
        li_icc_close(&icc);
        profile_must(ctx.bytes == 0, "memory is kept", &ctx);
    }
}

static inline void
profile_check(const uint8_t *data, size_t size)
{
    profile_check_any(data, size, NULL);
}

/* What is told means the same colours, and is told again as it is. */
static inline void
told_check(const li_cicp *said)
{
    if (!said->primaries != !said->transfer || (said->narrow && !said->primaries))
        return; /* no file has them in pieces */
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    for (int room = LI_NUMBERS_NONE; room <= LI_NUMBERS_ALL; room++) {
        li_cicp told, again;
        bool whole = li_cicp_told(said, (li_numbers)room, &told);
        profile_must(!whole || li_cicp_differs(said) == li_cicp_differs(&told),
                     "other colours are told", &ctx);
        profile_must(li_cicp_told(&told, (li_numbers)room, &again) &&
                         memcmp(&told, &again, sizeof(told)) == 0,
                     "what was told is told otherwise", &ctx);
    }
}

/* NUMBERS_BYTES: primaries, transfer, range, and as PNG has them gamma and places. */
static inline void
numbers_check(const uint8_t *data)
{
    li_cicp cicp = {.primaries = data[0],
                    .transfer = data[1],
                    .first = data[2] & 1,
                    .narrow = data[2] & 2};
    uint32_t numbers[9];
    for (int i = 0; i < 9; i++, data += 4)
        numbers[i] = (uint32_t)data[3] << 24 | (uint32_t)data[4] << 16 |
                     (uint32_t)data[5] << 8 | data[6];
    cicp.gamma = numbers[0];
    memcpy(cicp.places, numbers + 1, sizeof(cicp.places));
    (void)li_cicp_is_known(&cicp);
    told_check(&cicp);
    profile_check_any(NULL, 0, &cicp);
}

#endif
