/* salient.c: a pixel's weight is its local contrast, its saturation, and whether it has
 * a tone of skin. Layer 2.
 *
 * The three are those of libvips' smartcrop "attention"; how they are measured and
 * weighed, and the search, are our own. */
#include "quality/salient.h"

#include <string.h>

enum {
    EDGE_MOST =
        96, /* of the Laplacian, a quarter of its 1020: text, not noise, is above */
    EDGE_NOISE = 6,    /* of it does not count: grain and blocks */
    COLOUR_LEAST = 40, /* of max − min: what is less is gray */
    SKIN = 40,
};

void
li_salient_begin(li_salient *salient, li_info info)
{
    memset(salient, 0, sizeof(*salient));
    salient->info = info;
}

/* --- a pixel -----------------------------------------------------------------------
 */

static uint32_t
contrast_at(const li_salient *salient, uint32_t x, const uint8_t *const luma[3])
{
    uint32_t last = salient->info.width - 1;
    uint32_t left = x ? x - 1 : 0, right = x < last ? x + 1 : last;
    int32_t around = luma[0][x] + luma[2][x] + luma[1][left] + luma[1][right];
    int32_t edge = 4 * luma[1][x] - around;
    edge = (edge < 0 ? -edge : edge) / 4 - EDGE_NOISE;
    return (uint32_t)(edge < 0 ? 0 : edge > EDGE_MOST ? EDGE_MOST : edge);
}

/* Vivid, and neither very dark nor very light. */
static uint32_t
colour_of(const uint8_t *pixel)
{
    int32_t high = pixel[0], low = pixel[0];
    for (int c = 1; c < 3; c++) {
        high = pixel[c] > high ? pixel[c] : high;
        low = pixel[c] < low ? pixel[c] : low;
    }
    int32_t vivid = high - low - COLOUR_LEAST;
    return high < 64 || vivid < 0 ? 0 : (uint32_t)vivid / 8;
}

/* Skin of all people has red above green above blue, in narrow proportions: red is 36
 * to 55 % of the sum, green 28 to 36 %. */
static uint32_t
skin_of(const uint8_t *pixel)
{
    uint32_t red = pixel[0], green = pixel[1], blue = pixel[2];
    uint32_t sum = red + green + blue;
    bool tone = red > green + 10 && green >= blue && red * 100 >= sum * 36 &&
                red * 100 <= sum * 55 && green * 100 >= sum * 28 &&
                green * 100 <= sum * 36;
    return tone && red > 60 ? SKIN : 0;
}

/* --- rows --------------------------------------------------------------------------
 */

/* The row in the middle of three has its neighbours now; above the first and below the
 * last row they are the row itself. */
static void
weigh_row(li_salient *salient, uint32_t y)
{
    uint32_t above = y ? y - 1 : 0;
    uint32_t below = y + 1 < salient->info.height ? y + 1 : y;
    const uint8_t *const luma[3] = {salient->luma[above % 3], salient->luma[y % 3],
                                    salient->luma[below % 3]};
    const uint8_t *pixel = salient->rows[y % 3];
    for (uint32_t x = 0; x < salient->info.width; x++, pixel += 4) {
        uint32_t weight =
            contrast_at(salient, x, luma) + colour_of(pixel) + skin_of(pixel);
        salient->columns[x] += weight;
        salient->lines[y] += weight;
    }
}

void
li_salient_row(li_salient *salient, const uint8_t *row)
{
    uint32_t y = salient->y++;
    uint8_t *pixel = salient->rows[y % 3], *luma = salient->luma[y % 3];
    for (uint32_t x = 0; x < salient->info.width; x++, row += 4, pixel += 4) {
        for (int c = 0; c < 3; c++)
            pixel[c] = (uint8_t)((row[c] * row[3] + 127) / 255);
        /* Rec. 709, of 256 */
        luma[x] = (uint8_t)((54 * pixel[0] + 183 * pixel[1] + 19 * pixel[2]) >> 8);
    }
    if (y > 0)
        weigh_row(salient, y - 1);
    if (y + 1 == salient->info.height)
        weigh_row(salient, y);
}

/* --- the window --------------------------------------------------------------------
 */

/* Twice as much in its middle as at its ends, in between in proportion. */
static uint64_t
window_sum(const uint32_t *sums, uint32_t from, uint32_t length)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < length; i++) {
        uint32_t end = i < length - 1 - i ? i : length - 1 - i; /* pixels to it */
        sum += (uint64_t)sums[from + i] * (length + 2 * end);
    }
    return sum;
}

uint32_t
li_salient_window(const uint32_t *sums, uint32_t count, uint32_t length)
{
    uint32_t spare = count - length, best = spare / 2;
    uint64_t most = window_sum(sums, best, length);
    for (uint32_t off = 1; off <= spare; off++)
        for (int side = 0; side < 2; side++) {
            uint32_t from =
                side ? spare / 2 + off : spare / 2 - off; /* wraps below 0 */
            if (from > spare || window_sum(sums, from, length) <= most)
                continue;
            best = from;
            most = window_sum(sums, from, length);
        }
    return best;
}
