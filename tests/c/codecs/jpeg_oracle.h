/* jpeg_oracle.h: what libjpeg says of a JPEG's coefficients, beside the skim decoder.
 */
#ifndef LI_TESTS_CODECS_JPEG_ORACLE_H
#define LI_TESTS_CODECS_JPEG_ORACLE_H

#include "codecs/jpeg/skim.h"
#include "test.h"

typedef struct oracle {
    struct jpeg_decompress_struct jpeg;
    li_jpeg_trouble trouble;
    jvirt_barray_ptr *parts; /* NULL: refused */
    li_ctx ctx;
} oracle;

/* Close it in any case. */
static inline void
oracle_open(oracle *truth, const uint8_t *data, size_t size)
{
    memset(truth, 0, sizeof(*truth));
    li_ctx_init(&truth->ctx, NULL);
    truth->jpeg.err = li_jpeg_trouble_init(&truth->trouble, &truth->ctx, false);
    if (setjmp(truth->trouble.home) != 0) {
        truth->parts = NULL;
        return;
    }
    jpeg_create_decompress(&truth->jpeg);
    jpeg_mem_src(&truth->jpeg, data, (unsigned long)size);
    jpeg_read_header(&truth->jpeg, TRUE);
    truth->parts = jpeg_read_coefficients(&truth->jpeg);
}

static inline void
oracle_close(oracle *truth)
{
    jpeg_destroy_decompress(&truth->jpeg);
}

/* Natural order of zigzag order. */
static inline uint32_t
oracle_place(uint32_t k)
{
    uint32_t row = 0, column = 0;
    for (bool up = true; k > 0; k--)
        if (up && column == 7)
            row++, up = false;
        else if (up && row == 0)
            column++, up = false;
        else if (up)
            row--, column++;
        else if (row == 7)
            column++, up = true;
        else if (column == 0)
            row++, up = true;
        else
            row++, column--;
    return row * 8 + column;
}

/* Are these the coefficients of `block`? */
static inline bool
oracle_same_block(const JCOEF *block, const int16_t *low, const uint64_t *mask,
                  uint8_t scale)
{
    static const uint8_t places[] = {0, 1, 8, 9};
    for (uint32_t i = 0; i < (scale > 1 ? 4u : 1u); i++)
        if (low[i] != block[places[i]])
            return false;
    for (uint32_t k = 1; mask && k < 64; k++)
        if ((*mask >> k & 1) != (block[oracle_place(k)] != 0))
            return false;
    return true;
}

/* Blocks of the row of MCUs that li_skim_next has just given that are wrong. */
static inline uint32_t
oracle_wrong_blocks(oracle *truth, const li_skim *skim)
{
    uint32_t wrong = 0;
    for (uint32_t p = 0; p < skim->count; p++) {
        const li_skim_part *part = &skim->parts[p];
        for (uint32_t v = 0; v < part->v; v++) {
            uint32_t y = (skim->y - 1) * part->v + v;
            if (y >= part->down)
                continue;
            JBLOCKARRAY rows = truth->jpeg.mem->access_virt_barray(
                (j_common_ptr)&truth->jpeg, truth->parts[p], y, 1, FALSE);
            for (uint32_t x = 0; x < part->across; x++) {
                size_t at = (size_t)v * part->stride + x;
                const uint64_t *mask =
                    part->mask ? part->mask + (part->row - part->low) + at : NULL;
                wrong +=
                    !oracle_same_block(rows[0][x], part->row[at], mask, part->scale);
            }
        }
    }
    return wrong;
}

/* The ways to skim: 1/8 and 1/4 as planes, and 1/8 with chroma as large as luma. */
enum { ORACLE_EIGHTH = 1, ORACLE_QUARTER, ORACLE_JOINED, ORACLE_WAYS };

static inline uint8_t
oracle_scale(uint8_t way)
{
    return way == ORACLE_QUARTER ? 2 : 1;
}

/* Skim it all; compare with *truth if it is there (NULL: only run). */
static inline li_status
oracle_skim(li_ctx *ctx, li_source *source, const li_header *header, uint8_t way,
            oracle *truth, uint32_t *wrong)
{
    li_skim *skim = calloc(1, sizeof(*skim));
    li_status status = li_skim_open(skim, ctx, source, header, oracle_scale(way),
                                    way == ORACLE_JOINED);
    *wrong = 0;
    for (uint32_t y = 0; status == LI_OK && y < skim->mcu_rows; y++) {
        status = li_skim_next(skim);
        if (status == LI_OK && truth && truth->parts)
            *wrong += oracle_wrong_blocks(truth, skim);
    }
    li_skim_close(skim);
    free(skim);
    return status;
}

/* --- verdicts --------------------------------------------------------------------- */

typedef struct verdict {
    bool skims; /* else the rest is empty */
    bool progressive;
    li_status ours, theirs;
    char message[LI_MESSAGE_BYTES]; /* of ours */
    uint32_t wrong;                 /* blocks, where both accept */
    uint64_t left, peak, bound;     /* bytes of ours */
    uint32_t warnings;
} verdict;

static inline void
verdict_ours(li_source *source, const li_header *header, uint8_t way, oracle *truth,
             li_ctx *ctx, verdict *said)
{
    uint64_t before = ctx->bytes;
    ctx->peak_bytes = before;
    said->ours = oracle_skim(ctx, source, header, way, truth, &said->wrong);
    said->left = ctx->bytes - before;
    said->peak = ctx->peak_bytes - before;
    said->bound = li_skim_bytes(header, oracle_scale(way), way == ORACLE_JOINED);
    said->warnings = ctx->warnings.count;
    memcpy(said->message, ctx->message, sizeof(said->message));
}

static inline li_status
verdict_theirs(li_ctx *ctx, li_source *source, const li_header *header, uint8_t scale)
{
    li_rows *rows = NULL;
    li_hint hint = {.shrink = scale};
    li_status status = li_codec_jpeg.decode(ctx, source, header, hint, &rows);
    for (uint32_t y = 0; status == LI_OK && y < rows->info.height; y++) {
        const uint8_t *row;
        status = li_rows_next(rows, &row);
    }
    li_rows_close(&rows);
    return status;
}

/* Of a file of no more than `most` pixels. */
static inline verdict
verdict_of(const uint8_t *data, size_t size, uint8_t way, uint64_t most)
{
    verdict said = {0};
    oracle truth;
    li_ctx ctx;
    li_header header;
    li_source *source = NULL;
    li_ctx_init(&ctx, NULL);
    if (li_source_borrow(&ctx, data, size, &source) == LI_OK &&
        li_codec_jpeg.inspect(&ctx, source, &header) == LI_OK && header.skims &&
        (uint64_t)header.width * header.height <= most) {
        said.skims = true;
        said.progressive = header.progressive;
        oracle_open(&truth, data, size);
        verdict_ours(source, &header, way, &truth, &ctx, &said);
        oracle_close(&truth);
    }
    li_source_close(&source);
    li_ctx_init(&ctx, NULL);
    if (said.skims && li_source_borrow(&ctx, data, size, &source) == LI_OK)
        said.theirs = verdict_theirs(&ctx, source, &header, oracle_scale(way));
    li_source_close(&source);
    return said;
}

/* NULL, or what is wrong. libjpeg's fast path takes a code that does not exist for a 0,
 * and for a table that does not it has the usual ones. At 1/8 scans of AC are not
 * looked at, but their end must be there. */
static inline const char *
verdict_fault(const verdict *said, uint8_t way)
{
    if (said->left != 0 || said->peak > said->bound)
        return "memory";
    if (said->wrong)
        return "coefficients";
    bool passed = said->progressive && oracle_scale(way) == 1;
    if (said->ours == LI_OK && said->theirs != LI_OK && !passed)
        return "libjpeg refuses";
    if (said->ours != LI_OK && said->theirs == LI_OK &&
        !strstr(said->message, "bad Huffman code") &&
        !strstr(said->message, "table that was not defined") &&
        !strstr(said->message, "in a scan that is passed over"))
        return "libjpeg accepts";
    return NULL;
}

#endif
