/* png_inspect.h: what the codec's scan says of a file, for its tests. */
#ifndef LI_TESTS_PNG_INSPECT_H
#define LI_TESTS_PNG_INSPECT_H

#include "codecs/png_files.h"

static inline li_status
inspect_with(png_bytes file, const li_limits *limits, li_header *header, char *message)
{
    li_source *source;
    li_ctx ctx;
    li_ctx_init(&ctx, limits);
    CHECK_EQ(li_source_borrow(&ctx, file.data, file.size, &source), LI_OK);
    uint64_t before = ctx.bytes;
    ctx.allocs_left = 0; /* inspect must not need one */
    li_status status = li_codec_png.inspect(&ctx, source, header);
    CHECK_EQ(ctx.peak_bytes, before);
    li_source_close(&source);
    if (message)
        memcpy(message, ctx.message, sizeof(ctx.message));
    return status;
}

static inline li_status
inspect(png_bytes file, li_header *header)
{
    return inspect_with(file, NULL, header, NULL);
}

static const png_spec small = {10, 6, 2, 8, false, false, 1};

#endif
