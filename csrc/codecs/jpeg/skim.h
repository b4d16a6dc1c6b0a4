/* skim.h: an entropy decoder of our own for pictures that are wanted at 1/8 or 1/4:
 * of a block's 64 coefficients only the four lowest are kept, the rest is read over.
 * Private to this folder and its tests. Layer 2. */
#ifndef LI_CODECS_JPEG_SKIM_H
#define LI_CODECS_JPEG_SKIM_H

#include "codecs/jpeg/jpeg.h"

enum {
    LI_SKIM_PARTS = 3,
    LI_SKIM_TABLES = 4, /* of each kind that a file may define */
    LI_SKIM_LOW = 4,    /* coefficients kept: DC, across, down, both */
    LI_SKIM_LOOK = 12,  /* bits that index a table */
    LI_SKIM_ENTRIES = 1 << LI_SKIM_LOOK,
};

/* --- bits (skim_bits.h, skim_input.c) --------------------------------------------- */

typedef struct li_skim_bits {
    uint64_t word;       /* the next bits, from the top down */
    uint32_t count;      /* of them that are valid, at most 63 */
    const uint8_t *next; /* borrowed from the input's buffer */
} li_skim_bits;

/* Entropy-coded data without their stuffing, in a buffer that ends at a marker, at the
 * end of the file, or where there is more to come. */
typedef struct li_skim_input {
    li_ctx *ctx;        /* borrowed */
    li_source *in;      /* borrowed */
    uint64_t at;        /* the next byte of the source */
    uint8_t *data;      /* owned: the buffer, zeros behind what is closed */
    const uint8_t *end; /* behind its last byte */
    uint8_t marker;     /* met but not taken yet; 0: none */
    bool ended;         /* the source has given its last byte */
    li_skim_bits bits;
} li_skim_input;

/* --- codes (skim_code.c) ---------------------------------------------------------- */

/* A Huffman table as the file has it. */
typedef struct li_skim_code {
    bool seen;
    uint8_t counts[17]; /* of codes of 1 to 16 bits */
    uint8_t symbols[256];
} li_skim_code;

typedef struct li_skim_symbols {
    uint16_t look[LI_SKIM_ENTRIES]; /* length << 8 | symbol; 0: longer, or no code */
    uint32_t limit[17]; /* by length: all codes up to it are below, in 16 bits */
    int32_t offset[17]; /* from a code to the place of its symbol */
    uint8_t symbols[256];
} li_skim_symbols;

typedef struct li_skim_dc {
    li_skim_symbols code;
    struct {
        int16_t difference;
        uint8_t bits; /* 0: more than are looked at */
    } look[LI_SKIM_ENTRIES];
} li_skim_dc;

/* Whole symbols from the first AC coefficient on. */
typedef struct li_skim_first {
    int16_t low[LI_SKIM_LOW - 1];
    uint8_t bits; /* 0: not one symbol fits */
    uint8_t next; /* the coefficient behind them; 64: the block is over */
} li_skim_first;

typedef struct li_skim_ac {
    li_skim_symbols code;
    li_skim_first first[LI_SKIM_ENTRIES];
    uint16_t skip[LI_SKIM_ENTRIES]; /* coefficients << 5 | bits, LI_SKIM_… below */
} li_skim_ac;

enum {
    LI_SKIM_END = 128, /* added to the coefficients: the block ends behind them */
    LI_SKIM_NONE = 512 /* not one code fits */
};

/* E130 for a table that no encoder can have meant, as libjpeg says. */
li_status li_skim_make_symbols(li_ctx *ctx, const li_skim_code *code, bool dc,
                               li_skim_symbols *out) LI_MUST_CHECK;
li_status li_skim_make_dc(li_ctx *ctx, const li_skim_code *code,
                          li_skim_dc *out) LI_MUST_CHECK;
li_status li_skim_make_ac(li_ctx *ctx, const li_skim_code *code,
                          li_skim_ac *out) LI_MUST_CHECK;

/* --- the picture ------------------------------------------------------------------ */

typedef int16_t li_skim_block[LI_SKIM_LOW];

typedef struct li_skim_part {
    uint8_t id, h, v;
    uint8_t scale; /* samples of a block, across and down: 1 or 2 */
    uint8_t quant_table, dc_table, ac_table;
    bool scanned;
    uint16_t quant[LI_SKIM_LOW]; /* of its first scan */
    uint32_t across, down;       /* blocks of the picture */
    uint32_t stride;             /* blocks of a row, whole MCUs */
    int64_t last_dc;
    int8_t left[64];    /* progressive: bits that are still to come; −1: all */
    li_skim_block *low; /* owned: all blocks, or those of one row of MCUs */
    uint64_t *mask;     /* owned: progressive, 2 × 2: which of the 64 are not 0 */
    li_skim_block *row; /* borrowed from `low`: the MCU row of the last next */
} li_skim_part;

typedef struct li_skim_scan {
    uint8_t count;
    uint8_t part[LI_SKIM_PARTS];
    uint8_t first, last; /* coefficients */
    uint8_t high, low;   /* bit positions */
    uint32_t run;        /* blocks that have nothing more in this scan */
    uint32_t until_restart;
    uint8_t next_restart;
} li_skim_scan;

typedef struct li_skim {
    li_ctx *ctx; /* borrowed */
    li_skim_input input;
    bool progressive;
    bool framed; /* the frame header has come */
    uint32_t width, height;
    uint8_t count; /* parts */
    li_skim_part parts[LI_SKIM_PARTS];
    uint32_t mcus, mcu_rows; /* across, down */
    uint32_t y;              /* rows of MCUs handed out */
    uint32_t interval;       /* MCUs between restarts; 0: none */
    li_skim_scan scan;
    uint32_t scans;
    uint8_t quant_seen; /* bit i: table i */
    uint16_t quants[LI_SKIM_TABLES][LI_SKIM_LOW];
    li_skim_code dc[LI_SKIM_TABLES], ac[LI_SKIM_TABLES];
    li_skim_dc *dc_ready[LI_SKIM_TABLES];  /* owned; sequential */
    li_skim_ac *ac_ready[LI_SKIM_TABLES];  /* owned; sequential at 1/4 and 1/8 */
    li_skim_symbols *ready[LI_SKIM_PARTS]; /* owned; progressive: by place in a scan */
} li_skim;

/* Read up to the first scan; a progressive file up to its end. At 1/8 (scale 1) with
 * `joined`, chroma of 4:2:0 comes out as large as luma. The struct is zeroed. Close it
 * also when this fails. */
li_status li_skim_open(li_skim *skim, li_ctx *ctx, li_source *in,
                       const li_header *header, uint8_t scale,
                       bool joined) LI_MUST_CHECK;
/* The next row of MCUs: parts[].row. Behind the last one the file is read to its end.
 */
li_status li_skim_next(li_skim *skim) LI_MUST_CHECK;
void li_skim_close(li_skim *skim); /* accepts a zeroed or half-open one */

/* What an open one costs with its samples, but its own struct. Pure. */
uint64_t li_skim_bytes(const li_header *header, uint8_t scale, bool joined);
/* The samples of a chroma block, across and down. */
uint8_t li_skim_chroma_scale(const li_header *header, uint8_t scale, bool joined);
/* Of a row of samples: `blocks`, and what a kernel reads behind them. */
size_t li_skim_row_stride(uint32_t blocks, uint8_t scale);

/* --- parts of it ------------------------------------------------------------------ */

/* Behind SOI, up to and with the next SOS: skim->scan is it. *more is false at the end
 * marker, or at the end of the file. */
li_status li_skim_scan_start(li_skim *skim, bool *more) LI_MUST_CHECK;
/* A restart marker if one is due here. */
li_status li_skim_restart(li_skim *skim) LI_MUST_CHECK;
/* All scans of a progressive file into parts[].low. */
li_status li_skim_progressive(li_skim *skim) LI_MUST_CHECK;
/* Sequential: tables for the one scan; a row of its MCUs. */
li_status li_skim_sequential_start(li_skim *skim) LI_MUST_CHECK;
li_status li_skim_sequential_row(li_skim *skim) LI_MUST_CHECK;

/* libjpeg's own limit, which 2^16 blocks of the largest difference reach. */
bool li_skim_dc_is_sane(const li_skim *skim);
/* E130, or E132 where the file has ended before. */
li_status li_skim_fail(const li_skim_input *input, const char *words) LI_MUST_CHECK;

/* `n` blocks of the four lowest coefficients → rows of samples, one at 1/8, two at 1/4.
 */
void li_skim_samples(const li_skim_block *blocks, uint32_t n,
                     const uint16_t quant[LI_SKIM_LOW], uint8_t scale,
                     uint8_t *const rows[2]);

#endif
