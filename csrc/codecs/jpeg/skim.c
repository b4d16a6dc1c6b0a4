/* skim.c: the skim decoder's picture: its header, its parts, its memory, and samples
 * of what was kept of each block. Layer 2. */
#include "codecs/jpeg/skim_bits.h"

#include <string.h>

/* --- open ------------------------------------------------------------------------- */

static li_status
alloc_parts(li_skim *skim)
{
    uint64_t rows = skim->progressive ? skim->mcu_rows : 1;
    for (uint32_t p = 0; p < skim->count; p++) {
        li_skim_part *part = &skim->parts[p];
        uint64_t blocks = rows * part->v * part->stride;
        memset(part->left, -1, sizeof(part->left));
        LI_TRY(li_alloc(skim->ctx, blocks, sizeof(li_skim_block), &part->low));
        if (skim->progressive && part->scale > 1)
            LI_TRY(li_alloc(skim->ctx, blocks, sizeof(uint64_t), &part->mask));
    }
    return LI_OK;
}

/* Sizes by what inspect said; scan_start checks that the file still says it. */
static void
set_sizes(li_skim *skim, const li_header *header, uint8_t scale, bool joined)
{
    bool gray = header->pixel == LI_GRAY8;
    uint32_t max_h = gray ? 1 : header->chroma_x, max_v = gray ? 1 : header->chroma_y;
    skim->progressive = header->progressive;
    skim->width = header->width;
    skim->height = header->height;
    skim->count = gray ? 1 : 3;
    skim->mcus = (header->width + 8 * max_h - 1) / (8 * max_h);
    skim->mcu_rows = (header->height + 8 * max_v - 1) / (8 * max_v);
    for (uint32_t p = 0; p < skim->count; p++) {
        li_skim_part *part = &skim->parts[p];
        part->scale = p ? li_skim_chroma_scale(header, scale, joined) : scale;
        part->h = (uint8_t)(p ? 1 : max_h);
        part->v = (uint8_t)(p ? 1 : max_v);
        part->stride = skim->mcus * part->h;
        part->across = (header->width * part->h + 8 * max_h - 1) / (8 * max_h);
        part->down = (header->height * part->v + 8 * max_v - 1) / (8 * max_v);
    }
}

li_status
li_skim_open(li_skim *skim, li_ctx *ctx, li_source *in, const li_header *header,
             uint8_t scale, bool joined)
{
    bool more;
    skim->ctx = ctx;
    set_sizes(skim, header, scale, joined);
    if (skim->progressive)
        LI_TRY(li_jpeg_check_scans(ctx, in));
    LI_TRY(li_skim_input_open(&skim->input, ctx, in));
    LI_TRY(alloc_parts(skim));
    skim->input.at = 2; /* SOI, which inspect has seen */
    LI_TRY(li_skim_scan_start(skim, &more));
    if (!more)
        return li_skim_fail(&skim->input, "no scan");
    return skim->progressive ? li_skim_progressive(skim)
                             : li_skim_sequential_start(skim);
}

bool
li_skim_dc_is_sane(const li_skim *skim)
{
    for (uint32_t p = 0; p < skim->count; p++)
        if (skim->parts[p].last_dc > INT32_MAX || skim->parts[p].last_dc < INT32_MIN)
            return false;
    return true;
}

/* Behind the last row: up to the end marker, so that damage there is found. */
static li_status
read_end(li_skim *skim)
{
    bool more = false;
    if (!skim->progressive)
        LI_TRY(li_skim_scan_start(skim, &more));
    if (more)
        return li_skim_fail(&skim->input, "a scan behind the last one");
    if (skim->input.ended)
        li_warn(skim->ctx, "jpeg: the file ends without an end marker");
    else
        li_codec_note_rest("jpeg", skim->ctx, skim->input.in, skim->input.at,
                           "the end marker");
    return LI_OK;
}

li_status
li_skim_next(li_skim *skim)
{
    if (!skim->progressive)
        LI_TRY(li_skim_sequential_row(skim));
    for (uint32_t p = 0; p < skim->count; p++) {
        li_skim_part *part = &skim->parts[p];
        size_t first = skim->progressive ? (size_t)skim->y * part->v * part->stride : 0;
        part->row = part->low + first;
    }
    return ++skim->y == skim->mcu_rows ? read_end(skim) : LI_OK;
}

void
li_skim_close(li_skim *skim)
{
    if (!skim->ctx)
        return;
    li_skim_input_close(&skim->input);
    for (uint32_t p = 0; p < LI_SKIM_PARTS; p++) {
        li_free(skim->ctx, &skim->parts[p].low);
        li_free(skim->ctx, &skim->parts[p].mask);
        li_free(skim->ctx, &skim->ready[p]);
    }
    for (uint32_t t = 0; t < LI_SKIM_TABLES; t++) {
        li_free(skim->ctx, &skim->dc_ready[t]);
        li_free(skim->ctx, &skim->ac_ready[t]);
    }
}

/* --- samples ---------------------------------------------------------------------- */

static uint8_t
sample_of(int32_t eighths)
{
    int32_t value = eighths >> 3;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* The inverse DCT of 2 × 2 that is left when all higher frequencies are cut off; half
 * an eighth for rounding and 128 eighths for the level shift are in the sum. */
static void
samples_of_two(const li_skim_block *blocks, uint32_t n,
               const int32_t quant[LI_SKIM_LOW], uint8_t *restrict top,
               uint8_t *restrict bottom)
{
    for (uint32_t i = 0; i < n; i++) {
        int32_t mean = blocks[i][0] * quant[0] + 4 + 8 * 128;
        int32_t across = blocks[i][1] * quant[1], down = blocks[i][2] * quant[2];
        int32_t both = blocks[i][3] * quant[3];
        top[2 * i] = sample_of(mean + across + down + both);
        top[2 * i + 1] = sample_of(mean - across + down - both);
        bottom[2 * i] = sample_of(mean + across - down - both);
        bottom[2 * i + 1] = sample_of(mean - across - down + both);
    }
}

void
li_skim_samples(const li_skim_block *blocks, uint32_t n,
                const uint16_t quant[LI_SKIM_LOW], uint8_t scale,
                uint8_t *const rows[2])
{
    /* A step of more than 4 × 2048 makes any coefficient but 0 leave the range, so it
     * may as well be that: four products stay within 2^30. */
    enum { LARGEST = 8191 };
    int32_t factor[LI_SKIM_LOW];
    for (uint32_t i = 0; i < LI_SKIM_LOW; i++)
        factor[i] = quant[i] < LARGEST ? quant[i] : LARGEST;
    if (scale == 2)
        samples_of_two(blocks, n, factor, rows[0], rows[1]);
    for (uint32_t i = 0; scale == 1 && i < n; i++)
        rows[0][i] = sample_of(blocks[i][0] * factor[0] + 4 + 8 * 128);
}
