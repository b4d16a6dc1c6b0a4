/* alpha.c: a plane of alpha as an ALPH chunk (RFC 9649, 2.7.1.2): levels, a filter, and
 * bytes for pack.c. Layer 2.
 *
 * A plane of at most 16 levels is bundled, 2, 4 or 8 samples a byte, and not filtered;
 * any other goes through the filter whose residue looks the shortest. */
#include "codecs/webp/alpha.h"
#include "codecs/webp/pack.h"
#include "kernels/codes.h"

#include <assert.h>
#include <string.h>

enum {
    LEVELS = 256,
    BUNDLED_LEVELS = 16,
    LEAST_PACKED = 64, /* samples; below, a table and codes take as much */
};

typedef enum alpha_filter { NONE, ACROSS, DOWN, GRADIENT, FILTERS } alpha_filter;

struct li_webp_alpha {
    uint8_t *plane; /* borrowed */
    uint32_t width, height;
    uint32_t colors;       /* levels that occur */
    uint8_t table[LEVELS]; /* they, ascending; all there are where they are filtered */
    alpha_filter filter;
    bool reduced;        /* levels were taken away */
    li_webp_pack *pack;  /* owned; NULL: the plane as it is */
    uint8_t *residue[2]; /* owned: rows of samples, while a filter is chosen */
};

bool
li_webp_alpha_matters(const uint8_t *plane, size_t samples)
{
    uint8_t all = 255;
    for (size_t i = 0; i < samples; i++)
        all &= plane[i];
    return all != 255;
}

/* --- levels ----------------------------------------------------------------------- */

static void
count_levels(const uint8_t *plane, size_t samples, uint32_t counts[LEVELS])
{
    memset(counts, 0, LEVELS * sizeof(counts[0]));
    for (size_t i = 0; i < samples; i++)
        counts[plane[i]]++;
}

static void
table_make(li_webp_alpha *alpha, const uint32_t counts[LEVELS])
{
    alpha->colors = 0;
    for (uint32_t level = 0; level < LEVELS; level++)
        if (counts[level])
            alpha->table[alpha->colors++] = (uint8_t)level;
}

/* As many as libwebp leaves of this quality. */
static uint32_t
levels_of(int quality)
{
    return (uint32_t)(quality <= 70 ? 2 + quality / 5 : 16 + (quality - 70) * 8);
}

/* The nearest of `n` ascending means for each level. */
static void
nearest_of(const uint8_t *means, uint32_t n, uint8_t nearest[LEVELS])
{
    uint32_t k = 0;
    for (uint32_t level = 0; level < LEVELS; level++) {
        while (k + 1 < n && 2 * level > (uint32_t)means[k] + means[k + 1])
            k++;
        nearest[level] = (uint8_t)k;
    }
}

/* Lloyd's method over the histogram; the ends stay what they are. */
static void
means_settle(const uint32_t counts[LEVELS], uint32_t n, uint8_t *means)
{
    enum { ROUNDS = 6 };
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t sum[LEVELS] = {0}, weight[LEVELS] = {0};
        uint8_t nearest[LEVELS];
        nearest_of(means, n, nearest);
        for (uint32_t level = 0; level < LEVELS; level++) {
            sum[nearest[level]] += (uint64_t)counts[level] * level;
            weight[nearest[level]] += counts[level];
        }
        for (uint32_t k = 1; k + 1 < n; k++)
            if (weight[k])
                means[k] = (uint8_t)((sum[k] + weight[k] / 2) / weight[k]);
    }
}

/* Leave at most `n` levels, the lowest and the highest among them. */
static void
reduce_levels(li_webp_alpha *alpha, uint32_t n)
{
    uint32_t counts[LEVELS];
    uint8_t means[LEVELS], nearest[LEVELS];
    size_t samples = (size_t)alpha->width * alpha->height;
    count_levels(alpha->plane, samples, counts);
    table_make(alpha, counts);
    if (alpha->colors <= n)
        return;
    uint32_t low = alpha->table[0], high = alpha->table[alpha->colors - 1];
    for (uint32_t k = 0; k < n; k++)
        means[k] = (uint8_t)(low + (high - low) * k / (n - 1));
    means_settle(counts, n, means);
    nearest_of(means, n, nearest);
    for (size_t i = 0; i < samples; i++)
        alpha->plane[i] = means[nearest[alpha->plane[i]]];
    alpha->reduced = true;
}

/* --- filters ---------------------------------------------------------------------- */

static uint8_t
gradient(uint8_t left, uint8_t above, uint8_t corner)
{
    int sum = left + above - corner;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* A row less what is foretold of it. `above` is NULL for the first one. From right to
 * left, so that `to` may be the row. */
static void
filter_row(alpha_filter filter, const uint8_t *row, const uint8_t *above,
           uint32_t width, uint8_t *to)
{
    size_t x = width;
    if (filter == NONE)
        memmove(to, row, width);
    else if (!above || filter == ACROSS)
        while (--x > 0)
            to[x] = (uint8_t)(row[x] - row[x - 1]);
    else if (filter == DOWN)
        while (--x > 0)
            to[x] = (uint8_t)(row[x] - above[x]);
    else
        while (--x > 0)
            to[x] = (uint8_t)(row[x] - gradient(row[x - 1], above[x], above[x - 1]));
    if (filter != NONE)
        to[0] = (uint8_t)(row[0] - (above ? above[0] : 0));
}

static void
filter_plane(li_webp_alpha *alpha)
{
    size_t width = alpha->width;
    uint8_t *plane = alpha->plane;
    assert(plane);
    for (uint32_t y = alpha->height; y-- > 0 && alpha->filter != NONE;) {
        uint8_t *row = plane + y * width;
        filter_row(alpha->filter, row, y ? row - width : NULL, alpha->width, row);
    }
}

/* Count what no match is likely to take: neither in a run, nor as in the row above. */
static void
count_residue(const uint8_t *row, const uint8_t *above, uint32_t width,
              uint32_t counts[LEVELS])
{
    for (size_t x = 0; x < width; x++) {
        if (x >= 2 && row[x] == row[x - 1] && row[x] == row[x - 2])
            continue;
        if (x >= 2 && row[x] == above[x] && row[x - 1] == above[x - 1] &&
            row[x - 2] == above[x - 2])
            continue;
        counts[row[x]]++;
    }
}

/* Bits of the residue of some pairs of rows. */
static uint64_t
filter_bits(const li_webp_alpha *alpha, alpha_filter filter, uint32_t step)
{
    uint32_t counts[LEVELS] = {0};
    uint8_t lengths[LEVELS];
    uint64_t bits = 0;
    size_t width = alpha->width;
    for (uint32_t y = 1; y < alpha->height; y += step) {
        const uint8_t *row = alpha->plane + y * width;
        for (uint32_t i = 0; i < 2; i++)
            filter_row(filter, row - width + i * width,
                       i || y > 1 ? row - 2 * width + i * width : NULL, alpha->width,
                       alpha->residue[i]);
        count_residue(alpha->residue[1], alpha->residue[0], alpha->width, counts);
    }
    li_code_lengths(counts, LEVELS, LI_CODE_BITS, lengths);
    for (uint32_t i = 0; i < LEVELS; i++)
        bits += (uint64_t)counts[i] * lengths[i];
    return bits;
}

static li_status
choose_filter(li_ctx *ctx, li_webp_alpha *alpha)
{
    enum { LOOKED_AT = 1 << 17 }; /* samples */
    uint64_t samples = (uint64_t)alpha->width * alpha->height, least = UINT64_MAX;
    uint32_t step = 1 + (uint32_t)(samples / LOOKED_AT);
    LI_TRY(li_alloc(ctx, alpha->width, 1, &alpha->residue[0]));
    LI_TRY(li_alloc(ctx, alpha->width, 1, &alpha->residue[1]));
    for (alpha_filter filter = NONE; filter < FILTERS; filter++) {
        LI_TRY(li_poll(ctx));
        uint64_t bits = filter_bits(alpha, filter, step);
        if (bits < least)
            alpha->filter = filter;
        if (bits < least)
            least = bits;
    }
    li_free(ctx, &alpha->residue[0]);
    li_free(ctx, &alpha->residue[1]);
    return LI_OK;
}

/* --- bundles ---------------------------------------------------------------------- */

/* Samples that share a byte: 1, 2, 4 or 8. */
static uint32_t
bundle_of(uint32_t colors)
{
    return colors > BUNDLED_LEVELS ? 1 : colors > 4 ? 2 : colors > 2 ? 4 : 8;
}

/* Places in the table, the first lowest. */
static void
bundle_row(const uint8_t *row, uint32_t width, uint32_t bundle,
           const uint8_t place[LEVELS], uint8_t *to)
{
    uint32_t bits = 8 / bundle;
    for (size_t x = 0; x < width; to++) {
        uint32_t word = 0;
        for (uint32_t i = 0; i < bundle && x < width; i++)
            word |= (uint32_t)place[row[x++]] << (i * bits);
        *to = (uint8_t)word;
    }
}

static void
bundle_plane(li_webp_alpha *alpha, uint32_t bundle)
{
    uint8_t place[LEVELS] = {0};
    size_t width = alpha->width, columns = (width + bundle - 1) / bundle;
    for (uint32_t i = 0; i < alpha->colors; i++)
        place[alpha->table[i]] = (uint8_t)i;
    for (size_t y = 0; y < alpha->height; y++)
        bundle_row(alpha->plane + y * width, alpha->width, bundle, place,
                   alpha->plane + y * columns);
}

/* --- the chunk -------------------------------------------------------------------- */

/* The plane becomes symbols. */
static li_status
alpha_prepare(li_ctx *ctx, li_webp_alpha *alpha, li_webp_symbols *symbols)
{
    uint32_t counts[LEVELS];
    count_levels(alpha->plane, (size_t)alpha->width * alpha->height, counts);
    table_make(alpha, counts);
    uint32_t bundle = bundle_of(alpha->colors);
    if (bundle == 1) {
        LI_TRY(choose_filter(ctx, alpha));
        filter_plane(alpha);
        count_levels(alpha->plane, (size_t)alpha->width * alpha->height, counts);
        alpha->colors = LEVELS; /* with fewer than 17 they would be bundled */
        while (counts[alpha->colors - 1] == 0 && alpha->colors > BUNDLED_LEVELS + 1)
            alpha->colors--;
        for (uint32_t i = 0; i < alpha->colors; i++)
            alpha->table[i] = (uint8_t)i;
    } else {
        bundle_plane(alpha, bundle);
    }
    *symbols = (li_webp_symbols){
        .symbols = alpha->plane,
        .columns = (alpha->width + bundle - 1) / bundle,
        .rows = alpha->height,
        .colors = alpha->colors,
        .table = alpha->table,
    };
    return LI_OK;
}

static li_status
alpha_plan(li_ctx *ctx, li_webp_alpha *alpha, int quality)
{
    li_webp_symbols symbols;
    uint64_t samples = (uint64_t)alpha->width * alpha->height;
    if (quality < 100)
        reduce_levels(alpha, levels_of(quality));
    if (samples < LEAST_PACKED)
        return LI_OK;
    LI_TRY(alpha_prepare(ctx, alpha, &symbols));
    LI_TRY(li_webp_pack_open(ctx, &symbols, &alpha->pack));
    if (li_webp_pack_size(alpha->pack) >= samples && bundle_of(alpha->colors) == 1)
        li_webp_pack_close(ctx, &alpha->pack);
    return LI_OK;
}

li_status
li_webp_alpha_open(li_ctx *ctx, uint8_t *plane, uint32_t width, uint32_t height,
                   int quality, li_webp_alpha **alpha)
{
    LI_TRY(li_alloc(ctx, 1, sizeof(**alpha), alpha));
    (*alpha)->plane = plane;
    (*alpha)->width = width;
    (*alpha)->height = height;
    li_status status = alpha_plan(ctx, *alpha, quality);
    if (status != LI_OK)
        li_webp_alpha_close(ctx, alpha);
    return status;
}

uint64_t
li_webp_alpha_size(const li_webp_alpha *alpha)
{
    return 1 + (alpha->pack ? li_webp_pack_size(alpha->pack)
                            : (uint64_t)alpha->width * alpha->height);
}

static li_status
write_plane(const li_webp_alpha *alpha, li_out *out)
{
    size_t left = (size_t)alpha->width * alpha->height;
    for (const uint8_t *from = alpha->plane; left > 0;) {
        size_t piece = left < LI_OUT_BYTES ? left : LI_OUT_BYTES;
        LI_TRY(li_out_write(out, from, piece));
        from += piece;
        left -= piece;
    }
    return LI_OK;
}

li_status
li_webp_alpha_write(const li_webp_alpha *alpha, li_out *out)
{
    uint8_t head = (uint8_t)((alpha->pack != NULL) | (uint32_t)alpha->filter << 2 |
                             (uint32_t)alpha->reduced << 4);
    LI_TRY(li_out_write(out, &head, 1));
    return alpha->pack ? li_webp_pack_write(alpha->pack, out) : write_plane(alpha, out);
}

void
li_webp_alpha_close(li_ctx *ctx, li_webp_alpha **alpha)
{
    if (!*alpha)
        return;
    li_webp_pack_close(ctx, &(*alpha)->pack);
    li_free(ctx, &(*alpha)->residue[0]);
    li_free(ctx, &(*alpha)->residue[1]);
    li_free(ctx, alpha);
}

uint64_t
li_webp_alpha_bytes(uint32_t width)
{
    uint64_t rows = 2 * ((uint64_t)width + LI_BLOCK_OVERHEAD);
    return sizeof(li_webp_alpha) + li_webp_pack_bytes() + rows + 2 * LI_BLOCK_OVERHEAD;
}
