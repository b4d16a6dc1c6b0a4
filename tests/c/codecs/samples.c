/* samples.c: decode files and print a checksum of their samples, for corpus tests.
 *
 *     samples FILE...        or        samples - < list-of-files
 *
 * A line a file: path, status (0: decoded), crc32 of all decoded rows in the codec's
 * own layout (CMYK as stored; AVIF: the planes), milliseconds, message; between them
 * tabs. Warnings follow the message, each after " | ". Size limits are off, a job may
 * take 2 GiB. */
#include "codecs/codec.h"
#if defined(LI_HAVE_AVIF)
#include "codecs/avif/avif.h"
#endif

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#if defined(LI_HAVE_AVIF)
/* Y, U, V and alpha as the decoder left them, without padding. */
static unsigned long
crc_of_planes(const avifImage *image, unsigned long crc)
{
    avifPixelFormatInfo format;
    avifGetPixelFormatInfo(image->yuvFormat, &format);
    for (int p = 0; p < 4; p++) {
        const uint8_t *data = p < 3 ? image->yuvPlanes[p] : image->alphaPlane;
        size_t stride = p < 3 ? image->yuvRowBytes[p] : image->alphaRowBytes;
        bool chroma = p == 1 || p == 2;
        if (!data || (chroma && format.monochrome))
            continue;
        uint32_t right = chroma ? (uint32_t)format.chromaShiftX : 0;
        uint32_t down = chroma ? (uint32_t)format.chromaShiftY : 0;
        uint32_t width = (image->width + right) >> right;
        uint32_t height = (image->height + down) >> down;
        for (uint32_t y = 0; y < height; y++)
            crc = crc32(crc, data + y * stride, width << (image->depth > 8));
    }
    return crc;
}

/* The corpus has the checksum of all frames of a sequence. */
static unsigned long
crc_of_frames(avifDecoder *decoder)
{
    unsigned long crc = crc32(0, NULL, 0);
    do
        crc = crc_of_planes(decoder->image, crc);
    while (decoder->imageCount > 1 && avifDecoderNextImage(decoder) == AVIF_RESULT_OK);
    return crc;
}
#endif

static li_status
decode_rows(li_ctx *ctx, const li_codec *codec, li_source *source,
            const li_header *header, unsigned long *crc)
{
    li_rows *rows = NULL;
    li_hint all = {0};
    LI_TRY(codec->decode(ctx, source, header, all, &rows));
    size_t size = li_row_bytes(rows->info);
    li_status status = LI_OK;
    *crc = crc32(0, NULL, 0);
    for (uint32_t y = 0; status == LI_OK && y < rows->info.height; y++) {
        const uint8_t *row;
        status = li_rows_next(rows, &row);
        if (status == LI_OK)
            *crc = crc32(*crc, row, (uInt)size);
    }
#if defined(LI_HAVE_AVIF)
    if (codec == &li_codec_avif && status == LI_OK)
        *crc = crc_of_frames(li_avif_decoder(rows));
#endif
    li_rows_close(&rows);
    return status;
}

static li_status
decode_source(li_ctx *ctx, li_source *source, unsigned long *crc)
{
    uint8_t head[LI_PROBE_BYTES] = {0};
    const uint8_t *data;
    size_t got;
    li_header header;
    LI_TRY(li_source_at(source, 0, sizeof(head), &data, &got));
    memcpy(head, data, got < sizeof(head) ? got : sizeof(head));
    const li_codec *codec;
    LI_TRY(li_codec_find(ctx, head, &codec));
    LI_TRY(codec->inspect(ctx, source, &header));
    return decode_rows(ctx, codec, source, &header, crc);
}

static void
decode_file(const char *path)
{
    li_limits limits = li_limits_default;
    limits.max_pixels = limits.max_side = 0;
    limits.max_memory = 2ull << 30;
    li_ctx ctx;
    li_ctx_init(&ctx, &limits);
#if defined(LI_HAVE_AVIF)
    static const li_codec *const further[] = {&li_codec_avif, NULL};
    ctx.further = further;
#endif
    unsigned long crc = 0;
    li_source *source = NULL;
    int64_t start = li_now_ns();
    li_status status = li_source_open(&ctx, path, LI_IO_AUTO, &source);
    if (status == LI_OK)
        status = decode_source(&ctx, source, &crc);
    li_source_close(&source);
    if (ctx.bytes != 0)
        status = LI_E901_INTERNAL; /* something kept its memory */
    printf("%s\t%d\t%08lx\t%lld\t%s", path, (int)status, status == LI_OK ? crc : 0ul,
           (long long)(li_now_ns() - start) / 1000000, ctx.message);
    for (uint32_t i = 0; i < ctx.warnings.count && i < LI_WARNINGS; i++)
        printf(" | %s", ctx.warnings.text[i]);
    printf("\n");
    fflush(stdout);
}

int
main(int count, char **arguments)
{
    char line[4096];
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "-") != 0) {
            decode_file(arguments[i]);
            continue;
        }
        while (fgets(line, sizeof(line), stdin)) {
            line[strcspn(line, "\n")] = 0;
            decode_file(line);
        }
    }
    return 0;
}
