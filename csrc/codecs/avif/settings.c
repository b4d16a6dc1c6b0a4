/* settings.c: what an encode asks of an AVIF, "as you like" filled in. Layer 2. */
#include "codecs/avif/write.h"

#include <stdio.h>

enum {
    DEFAULT_QUALITY = 60,
    DEFAULT_SPEED = 6,
};

int
li_avif_quality(const li_encode *encode)
{
    if (encode->lossless)
        return LI_AVIF_LOSSLESS;
    return encode->quality ? encode->quality : DEFAULT_QUALITY;
}

int
li_avif_speed(const li_encode *encode)
{
    return encode->speed < 0 ? DEFAULT_SPEED : encode->speed;
}

/* 10 bits go through every browser and more than 8 need: those of 12 are kept, no
 * others made. */
uint32_t
li_avif_depth(li_pixel pixel, const li_encode *encode)
{
    if (!li_pixel_is_deep(pixel))
        return 8;
    return encode->bit_depth == 12 ? 12 : 10;
}

/* A grid whose chroma is smaller must be of even size: then one of another size, if it
 * may be as we like, has chroma in full. */
static bool
must_be_fine(li_info info, const li_encode *encode)
{
    return li_avif_is_large(info, encode) && (info.width % 2 || info.height % 2);
}

avifPixelFormat
li_avif_format(li_info info, const li_encode *encode)
{
    enum { FINE_QUALITY = 90 };
    if (li_pixel_is_gray(info.pixel))
        return AVIF_PIXEL_FORMAT_YUV400;
    if (encode->lossless || encode->subsampling == LI_444)
        return AVIF_PIXEL_FORMAT_YUV444;
    if (encode->subsampling == LI_422)
        return AVIF_PIXEL_FORMAT_YUV422;
    if (encode->subsampling == LI_420)
        return AVIF_PIXEL_FORMAT_YUV420;
    bool fine = li_avif_quality(encode) >= FINE_QUALITY || must_be_fine(info, encode);
    return fine ? AVIF_PIXEL_FORMAT_YUV444 : AVIF_PIXEL_FORMAT_YUV420;
}

void
li_avif_describe(li_info info, const li_encode *encode, char *text, size_t size)
{
    static const char *const names[] = {
        [AVIF_PIXEL_FORMAT_YUV444] = "4:4:4",
        [AVIF_PIXEL_FORMAT_YUV422] = "4:2:2",
        [AVIF_PIXEL_FORMAT_YUV420] = "4:2:0",
        [AVIF_PIXEL_FORMAT_YUV400] = "4:0:0",
    };
    uint32_t depth = li_avif_depth(info.pixel, encode);
    avif_cells cells = li_avif_cells(info, encode);
    char quality[20] = "lossless", bits[20] = "", grid[40] = ""; /* of any number */
    if (!encode->lossless)
        snprintf(quality, sizeof(quality), "quality %d", li_avif_quality(encode));
    if (depth > 8)
        snprintf(bits, sizeof(bits), ", %u bit", depth);
    if (cells.columns)
        snprintf(grid, sizeof(grid), ", grid of %u x %u", cells.columns, cells.rows);
    snprintf(text, size, "%s, %s, speed %d%s%s", quality,
             names[li_avif_format(info, encode)], li_avif_speed(encode), bits, grid);
}

li_pixel
li_avif_accepts(li_pixel pixel, const li_encode *encode)
{
    if (pixel == LI_CMYK8)
        return LI_RGB8;
    if (encode->bit_depth == 8)
        return li_pixel_with_depth(pixel, false);
    bool deep = encode->bit_depth == 10 || encode->bit_depth == 12;
    return deep ? li_pixel_with_depth(pixel, true) : pixel;
}
