/* cells.c: what encoding takes, and into which cells a large picture is cut so that it
 * takes little. Layer 2.
 *
 * libaom takes 19 to 56 bytes for each pixel that it is given at once, however the rows
 * come. A picture of more than 4 MP is given to it in cells, and rows are held as high
 * as a cell: of all cuts that stay below BUDGET_BYTES the one with the shortest seams.
 */
#include "codecs/avif/write.h"

enum {
    LARGE_PIXELS = 4000000,
    CELL_PIXELS = 2000000,
    UNIT = 64, /* AV1's superblock, and MIAF's smallest cell */
    FIXED_BYTES = 6 << 20,
    BUDGET_BYTES = 44 << 20, /* 48 MB with the decoder of a JPEG */
};

/* A picture that libaom gets at once. */
typedef struct avif_still {
    uint64_t width, height;
    avifPixelFormat format;
    bool alpha, deep;
} avif_still;

static uint64_t
up_to_unit(uint64_t side)
{
    return (side + UNIT - 1) & ~(uint64_t)(UNIT - 1);
}

/* In blocks of 64 × 64. */
static uint64_t
padded_pixels(const avif_still *still)
{
    return li_sat_mul(up_to_unit(still->width), up_to_unit(still->height));
}

/* Of a pixel in planes, in halves of a byte. */
static uint64_t
sample_halves(const avif_still *still)
{
    static const uint8_t halves[] = {
        [AVIF_PIXEL_FORMAT_YUV444] = 6,
        [AVIF_PIXEL_FORMAT_YUV422] = 4,
        [AVIF_PIXEL_FORMAT_YUV420] = 3,
        [AVIF_PIXEL_FORMAT_YUV400] = 2,
    };
    return (halves[still->format] + (still->alpha ? 2 : 0)) * (still->deep ? 2 : 1);
}

/* Noise takes 1.42 bytes a sample where nothing may be lost; 8 KiB are the boxes. */
static uint64_t
coded_bytes(const avif_still *still)
{
    return li_sat_add(li_sat_mul(padded_pixels(still), sample_halves(still)), 8 << 10);
}

/* Measured on libaom 3.6 at every speed over noise, which takes the most. */
static uint64_t
pixel_bytes(const avif_still *still)
{
    enum { ALPHA_BYTES = 12 };
    static const uint8_t bytes[] = {
        [AVIF_PIXEL_FORMAT_YUV444] = 56,
        [AVIF_PIXEL_FORMAT_YUV422] = 40,
        [AVIF_PIXEL_FORMAT_YUV420] = 34,
        [AVIF_PIXEL_FORMAT_YUV400] = 34, /* libaom has chroma in any case */
    };
    uint64_t each = bytes[still->format] + (still->alpha ? ALPHA_BYTES : 0);
    return each * (still->deep ? 2 : 1);
}

static uint64_t
library_bytes(const avif_still *still)
{
    return li_sat_add(FIXED_BYTES,
                      li_sat_mul(padded_pixels(still), pixel_bytes(still)));
}

/* The picture as one, */
static avif_still
still_of(li_info info, const li_encode *encode)
{
    return (avif_still){info.width, info.height, li_avif_format(info, encode),
                        li_pixel_has_alpha(info.pixel), li_pixel_is_deep(info.pixel)};
}

/* and one cell of it: alpha is encoded behind the colours, and takes less. */
static avif_still
still_of_cell(const avif_still *whole, avif_cells cells)
{
    avif_still cell = *whole;
    cell.width = cells.width;
    cell.height = cells.height;
    cell.alpha = false;
    return cell;
}

static uint64_t
band_bytes(const avif_still *whole, avif_cells cells)
{
    uint64_t pixels = (uint64_t)cells.width * cells.columns * cells.height;
    return li_sat_mul(pixels, sample_halves(whole)) / 2;
}

/* --- the cut ---------------------------------------------------------------------- */

bool
li_avif_is_large(li_info info, const li_encode *encode)
{
    uint32_t side = encode->cell_side;
    if (side)
        return info.width > side || info.height > side;
    return (uint64_t)info.width * info.height > LARGE_PIXELS;
}

static uint32_t
count_of(uint64_t whole, uint64_t part)
{
    return (uint32_t)((whole + part - 1) / part);
}

/* Cells of at most this width and exactly this height, as equal as can be. */
static avif_cells
cut(const avif_still *whole, uint64_t width, uint64_t height)
{
    width = up_to_unit(count_of(whole->width, count_of(whole->width, width)));
    return (avif_cells){count_of(whole->width, width), count_of(whole->height, height),
                        (uint32_t)width, (uint32_t)height};
}

static uint64_t
seams(const avif_still *whole, avif_cells cells)
{
    return (uint64_t)(cells.rows - 1) * whole->width +
           (uint64_t)(cells.columns - 1) * whole->height;
}

/* The widest cells of this height that stay within so many bytes. */
static bool
widest(const avif_still *whole, uint64_t height, uint64_t bytes, avif_cells *cells)
{
    avif_cells row = cut(whole, whole->width, height);
    uint64_t pixels = whole->width * whole->height;
    uint64_t most = CELL_PIXELS > pixels / (LI_AVIF_TILES / 2)
                        ? CELL_PIXELS
                        : pixels / (LI_AVIF_TILES / 2);
    uint64_t taken = FIXED_BYTES + band_bytes(whole, row);
    if (taken >= bytes)
        return false;
    avif_still cell = still_of_cell(whole, row);
    uint64_t room = (bytes - taken) / pixel_bytes(&cell);
    uint64_t width = (room < most ? room : most) / height & ~(uint64_t)(UNIT - 1);
    if (width == 0)
        return false;
    *cells = cut(whole, width, height);
    return (uint64_t)cells->columns * cells->rows <= LI_AVIF_TILES;
}

static bool
shortest_seams(const avif_still *whole, uint64_t bytes, avif_cells *best)
{
    bool found = false;
    uint64_t end = up_to_unit(whole->height);
    for (uint64_t height = UNIT; height <= end; height += UNIT) {
        avif_cells cells;
        bool fits = widest(whole, height, bytes, &cells);
        if (fits && (!found || seams(whole, cells) <= seams(whole, *best))) {
            *best = cells;
            found = true;
        }
    }
    return found;
}

avif_cells
li_avif_cells(li_info info, const li_encode *encode)
{
    avif_cells cells = {0};
    avif_still whole = still_of(info, encode);
    avifPixelFormatInfo format;
    avifGetPixelFormatInfo(whole.format, &format);
    bool odd_x = format.chromaShiftX && !format.monochrome && info.width % 2;
    bool odd_y = format.chromaShiftY && !format.monochrome && info.height % 2;
    if (!li_avif_is_large(info, encode) || odd_x || odd_y)
        return cells;
    if (encode->cell_side)
        return cut(&whole, encode->cell_side, encode->cell_side);
    uint64_t bytes = BUDGET_BYTES;
    while (!shortest_seams(&whole, bytes, &cells))
        bytes = li_sat_add(bytes, bytes / 4);
    return cells;
}

/* --- bounds ----------------------------------------------------------------------- */

uint64_t
li_avif_still_bytes(li_info info, const li_encode *encode, avif_cells cells)
{
    avif_still still = still_of(info, encode);
    if (cells.columns)
        still = still_of_cell(&still, cells);
    return library_bytes(&still);
}

uint64_t
li_avif_output_bytes(li_info info, const li_encode *encode)
{
    avif_still whole = still_of(info, encode);
    avif_cells cells = li_avif_cells(info, encode);
    if (!cells.columns)
        return coded_bytes(&whole);
    uint64_t count = (uint64_t)cells.columns * cells.rows;
    whole.width = cells.width;
    whole.height = cells.height;
    return li_sat_add(li_sat_mul(count, coded_bytes(&whole)),
                      li_avif_head_bytes(cells, whole.alpha));
}

uint64_t
li_avif_encode_bytes(li_info info, const li_encode *encode)
{
    enum { OWN_BYTES = 6 << 10 }; /* the sink, whose tables take 4 KB, and a row */
    avif_still whole = still_of(info, encode);
    avif_cells cells = li_avif_cells(info, encode);
    uint64_t bytes = li_sat_add(li_avif_still_bytes(info, encode, cells),
                                li_row_bytes(info) + OWN_BYTES);
    if (!cells.columns)
        return bytes;
    enum { BLOCKS = 4, PAGE = 4096 }; /* the grid, its band, sizes and head */
    bytes = li_sat_add(bytes, band_bytes(&whole, cells));
    return li_sat_add(bytes, 2 * li_avif_head_bytes(cells, whole.alpha) +
                                 BLOCKS * (LI_BLOCK_OVERHEAD + PAGE));
}
