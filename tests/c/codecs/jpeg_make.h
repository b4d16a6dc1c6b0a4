/* jpeg_make.h: JPEGs of every kind for the tests, written by libjpeg itself with
 * options that our encoder does not have, and a decode into one block of memory. */
#ifndef LI_TESTS_CODECS_JPEG_MAKE_H
#define LI_TESTS_CODECS_JPEG_MAKE_H

#include "codecs/codec.h"
#include "test.h"

#include <jpeglib.h>

typedef struct make {
    uint32_t width, height;
    int components; /* 1, 3 or 4 */
    int quality;    /* 0: 90 */
    uint8_t h[4], v[4];
    bool progressive, arithmetic, apart /* a scan for each component */;
    bool dc_only; /* progressive, but never more than the means of blocks */
    bool tables;  /* each component has tables of its own */
    int restart;  /* MCUs between restart markers */
    const jpeg_scan_info *scans; /* borrowed: in place of all that; NULL: none */
    int scan_count;
} make;

typedef struct bytes {
    uint8_t *data; /* owned */
    size_t size;
} bytes;

/* Gradients with edges and some noise: every frequency, no two rows alike. */
static inline uint8_t
make_sample(uint32_t x, uint32_t y, uint32_t channel)
{
    uint32_t state = x * 7919 + y * 104729 + channel * 1299709 + 1;
    uint32_t wave = (x * (3 + channel) + y * (5 - channel)) % 256;
    uint32_t edge = (x / 13 + y / 9) % 2 ? 60 : 0;
    return (uint8_t)((wave * 3 / 5 + edge + test_random(&state) % 36) & 255);
}

static inline void
make_scans(struct jpeg_compress_struct *jpeg, const make *how, jpeg_scan_info *scans)
{
    if (how->scans) {
        jpeg->scan_info = how->scans;
        jpeg->num_scans = how->scan_count;
    } else if (how->progressive && !how->dc_only) {
        jpeg_simple_progression(jpeg);
    } else if (how->apart || how->dc_only) {
        for (int i = 0; i < how->components; i++)
            scans[i] = (jpeg_scan_info){.comps_in_scan = 1,
                                        .component_index = {i},
                                        .Se = how->dc_only ? 0 : 63};
        jpeg->scan_info = scans;
        jpeg->num_scans = how->components;
    }
}

static inline void
make_rows(struct jpeg_compress_struct *jpeg, const make *how)
{
    uint8_t *row = malloc((size_t)how->width * 4);
    for (uint32_t y = 0; y < how->height; y++) {
        for (uint32_t x = 0; x < how->width; x++)
            for (int c = 0; c < how->components; c++)
                row[x * (uint32_t)how->components + (uint32_t)c] =
                    make_sample(x, y, (uint32_t)c);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    free(row);
}

static inline bytes
make_jpeg(const make *how)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg_scan_info scans[4];
    unsigned int flat[64];
    for (int i = 0; i < 64; i++)
        flat[i] = 30;
    unsigned char *data = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &size);
    jpeg.image_width = how->width;
    jpeg.image_height = how->height;
    jpeg.input_components = how->components;
    jpeg.in_color_space = how->components == 1   ? JCS_GRAYSCALE
                          : how->components == 3 ? JCS_RGB
                                                 : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, how->quality ? how->quality : 90, TRUE);
    for (int i = 0; i < how->components && how->h[0]; i++) {
        jpeg.comp_info[i].h_samp_factor = how->h[i];
        jpeg.comp_info[i].v_samp_factor = how->v[i];
    }
    for (int i = 0; i < how->components && how->tables; i++) {
        jpeg.comp_info[i].quant_tbl_no = i;
        jpeg.comp_info[i].dc_tbl_no = i;
        jpeg.comp_info[i].ac_tbl_no = i;
        jpeg_add_quant_table(&jpeg, i, flat, 10, TRUE);
    }
    jpeg.optimize_coding = how->tables && !how->arithmetic;
    jpeg.arith_code = how->arithmetic;
    jpeg.restart_interval = (unsigned)how->restart;
    make_scans(&jpeg, how, scans);
    jpeg_start_compress(&jpeg, TRUE);
    make_rows(&jpeg, how);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (bytes){data, size};
}

/* Every row of the file in one block, NULL on an error, which is in ctx. */
static inline uint8_t *
decode_bytes(li_ctx *ctx, const void *data, size_t size, li_hint hint, li_info *info)
{
    li_source *source = NULL;
    li_rows *rows = NULL;
    li_header header;
    uint8_t *all = NULL;
    if (li_source_borrow(ctx, data, size, &source) == LI_OK &&
        li_codec_jpeg.inspect(ctx, source, &header) == LI_OK &&
        li_codec_jpeg.decode(ctx, source, &header, hint, &rows) == LI_OK) {
        *info = rows->info;
        size_t stride = li_row_bytes(rows->info);
        all = malloc(stride * rows->info.height + 1);
        for (uint32_t y = 0; all && y < rows->info.height; y++) {
            const uint8_t *row;
            if (li_rows_next(rows, &row) != LI_OK) {
                free(all);
                all = NULL;
            } else {
                memcpy(all + y * stride, row, stride);
            }
        }
    }
    li_rows_close(&rows);
    li_source_close(&source);
    return all;
}

static inline li_status
inspect_bytes(li_ctx *ctx, const void *data, size_t size, li_header *header)
{
    li_source *source = NULL;
    if (li_source_borrow(ctx, data, size, &source) == LI_OK)
        (void)!li_codec_jpeg.inspect(ctx, source, header);
    li_source_close(&source);
    return ctx->status;
}

/* `extra` put in behind the first `at` bytes of `file`, `count` times. */
static inline bytes
bytes_insert(bytes file, size_t at, const void *extra, size_t size, size_t count)
{
    bytes out = {malloc(file.size + size * count), file.size + size * count};
    memcpy(out.data, file.data, at);
    for (size_t i = 0; i < count; i++)
        memcpy(out.data + at + i * size, extra, size);
    memcpy(out.data + at + size * count, file.data + at, file.size - at);
    return out;
}

#endif
