/* grid.c: a large picture cell by cell: rows are gathered into a band as high as a
 * cell, whose cells are encoded and written before the next one begins. Layer 2.
 *
 * What a decoder needs first, the boxes, is known last: room for it is left in front,
 * and filled at the end. Where the output cannot be written over, it is gathered. */
#include "codecs/avif/write.h"

#include <string.h>

struct avif_grid {
    li_ctx *ctx;             /* borrowed */
    const li_encode *encode; /* borrowed */
    avifImage *band;         /* borrowed: its planes are `samples` */
    li_out *out;             /* borrowed: the job's, */
    li_out *own;             /* owned: what stands for it; NULL: itself */
    avif_head head;
    uint8_t *samples;       /* owned */
    uint32_t *sizes;        /* owned: of head.sizes */
    size_t head_size, done; /* bytes; sizes known */
    uint32_t row;           /* of the picture: the band's first */
    uint64_t cell_bytes, charged;
};

/* --- the band --------------------------------------------------------------------- */

enum { ALPHA_PLANE = 3, PLANES = 4 };

typedef struct band_plane {
    uint8_t *samples;        /* borrowed; NULL: there is none */
    size_t stride, width;    /* bytes: to the end of the last cell, of the picture */
    uint32_t rows, all_rows; /* of the picture, of the cells */
    uint32_t cell_width, cell_height;
} band_plane;

static band_plane
plane_of(const avif_grid *grid, int plane)
{
    const avifImage *band = grid->band;
    avif_cells cells = grid->head.cells;
    avifPixelFormatInfo format;
    avifGetPixelFormatInfo(band->yuvFormat, &format);
    bool chroma = plane == 1 || plane == 2;
    uint32_t right = chroma ? (uint32_t)format.chromaShiftX : 0;
    uint32_t down = chroma ? (uint32_t)format.chromaShiftY : 0;
    size_t bytes = band->depth > 8 ? 2 : 1;
    if (chroma && format.monochrome)
        return (band_plane){0};
    if (plane == ALPHA_PLANE && !grid->head.alpha)
        return (band_plane){0};
    return (band_plane){
        .samples = plane == ALPHA_PLANE ? band->alphaPlane : band->yuvPlanes[plane],
        .stride = bytes * (cells.columns * cells.width >> right),
        .width = bytes * (band->width >> right),
        .rows = band->height >> down,
        .all_rows = cells.height >> down,
        .cell_width = cells.width >> right,
        .cell_height = cells.height >> down,
    };
}

static void
set_plane(avifImage *image, int plane, uint8_t *samples, size_t stride)
{
    if (plane == ALPHA_PLANE) {
        image->alphaPlane = samples;
        image->alphaRowBytes = (uint32_t)stride;
        return;
    }
    image->yuvPlanes[plane] = samples;
    image->yuvRowBytes[plane] = (uint32_t)stride;
}

static li_status
band_open(avif_grid *grid)
{
    size_t size = 0;
    for (int p = 0; p < PLANES; p++) {
        band_plane plane = plane_of(grid, p);
        size += plane.stride * plane.all_rows;
    }
    LI_TRY(li_alloc(grid->ctx, size, 1, &grid->samples));
    uint8_t *samples = grid->samples;
    for (int p = 0; p < PLANES; p++) {
        band_plane plane = plane_of(grid, p);
        if (plane.stride)
            set_plane(grid->band, p, samples, plane.stride);
        samples += plane.stride * plane.all_rows;
    }
    return LI_OK;
}

static void
band_begin(avif_grid *grid)
{
    uint32_t left = grid->head.height - grid->row, most = grid->head.cells.height;
    grid->band->height = left < most ? left : most;
}

/* What reaches over the picture's edge is its last column and row again: that costs
 * next to nothing, and disturbs no filter. */
static void
pad_plane(const band_plane *plane, size_t sample)
{
    for (uint32_t y = 0; y < plane->rows; y++) {
        uint8_t *row = plane->samples + plane->stride * y;
        for (size_t x = plane->width; x < plane->stride; x += sample)
            memcpy(row + x, row + plane->width - sample, sample);
    }
    const uint8_t *last = plane->samples + plane->stride * (plane->rows - 1);
    for (uint32_t y = plane->rows; y < plane->all_rows; y++)
        memcpy(plane->samples + plane->stride * y, last, plane->stride);
}

static void
pad_band(const avif_grid *grid)
{
    for (int p = 0; p < PLANES; p++) {
        band_plane plane = plane_of(grid, p);
        if (plane.stride)
            pad_plane(&plane, grid->band->depth > 8 ? 2 : 1);
    }
}

/* --- cells ------------------------------------------------------------------------ */

/* The AV1 data, and the body of its av1C, in the file that libavif made of a cell. */
typedef struct coded {
    const uint8_t *data, *config; /* borrowed of the file */
    size_t size;
} coded;

typedef struct coded_scan {
    li_ctx *ctx;   /* borrowed */
    li_source *in; /* borrowed */
    avif_found found;
} coded_scan;

static li_status
visit_coded(void *self, avif_box box)
{
    coded_scan *scan = self;
    bool wanted = box.type == BOX('m', 'e', 't', 'a');
    return wanted ? li_avif_meta(scan->ctx, scan->in, box, &scan->found) : LI_OK;
}

/* A source of no allocation. */
typedef struct file_source {
    li_source base;
    const uint8_t *data; /* borrowed */
} file_source;

static li_status
file_at(li_source *source, uint64_t offset, size_t want, const uint8_t **data,
        size_t *got)
{
    uint64_t left = offset < source->size ? source->size - offset : 0;
    (void)want;
    *data = ((file_source *)source)->data + (source->size - left);
    *got = (size_t)left;
    return LI_OK;
}

static const li_source_ops file_ops = {.name = "cell", .at = file_at};

/* Limits are for what others made. */
static li_status
find_coded(li_ctx *ctx, const avifRWData *file, coded *cell)
{
    li_ctx part = li_ctx_part(ctx);
    file_source in = {{.ops = &file_ops, .ctx = &part, .size = file->size}, file->data};
    coded_scan scan = {.ctx = &part, .in = &in.base};
    const avif_found *found = &scan.found;
    part.limits = li_limits_default;
    avif_span whole = li_avif_span(&part, &in.base, (avif_box){.end = file->size});
    if (li_avif_each(whole, visit_coded, &scan) != LI_OK)
        (void)li_pass_error(&part, ctx);
    else if (!found->tile.config || !found->picture_at)
        (void)li_fail(ctx, LI_E299_ENCODE_INTERNAL, "avif: a cell without its data");
    *cell = (coded){file->data + found->picture_at, file->data + found->tile.config_at,
                    (size_t)found->picture_bytes};
    return ctx->status;
}

/* All cells of a grid share one av1C. */
static li_status
write_coded(avif_grid *grid, const coded *cell, bool alpha)
{
    uint8_t *config = grid->head.config[alpha];
    li_out *out = grid->own ? grid->own : grid->out;
    bool first = grid->done <= (alpha ? 1 : 0);
    if (first)
        memcpy(config, cell->config, 4);
    if (memcmp(config, cell->config, 4) != 0)
        return li_fail(grid->ctx, LI_E299_ENCODE_INTERNAL,
                       "avif: cells of two configurations");
    if (cell->size > UINT32_MAX - out->size)
        return li_fail(grid->ctx, LI_E300_ENCODE, "avif: more than 4 GB");
    grid->sizes[grid->done++] = (uint32_t)cell->size;
    return li_avif_hand_on(grid->ctx, out, cell->data, cell->size);
}

/* A view of the band. */
static avifImage *
view_cell(const avif_grid *grid, uint32_t column, bool alpha)
{
    const avifImage *band = grid->band;
    avif_cells cells = grid->head.cells;
    avifImage *cell =
        avifImageCreate(cells.width, cells.height, band->depth,
                        alpha ? AVIF_PIXEL_FORMAT_YUV400 : band->yuvFormat);
    if (!cell)
        return NULL;
    cell->yuvRange = alpha ? AVIF_RANGE_FULL : band->yuvRange;
    if (!alpha) { /* of which alpha has none */
        cell->colorPrimaries = band->colorPrimaries;
        cell->transferCharacteristics = band->transferCharacteristics;
        cell->matrixCoefficients = band->matrixCoefficients;
    }
    for (int p = alpha ? ALPHA_PLANE : 0; p < (alpha ? PLANES : ALPHA_PLANE); p++) {
        band_plane plane = plane_of(grid, p);
        size_t bytes = band->depth > 8 ? 2 : 1;
        if (plane.stride)
            set_plane(cell, alpha ? 0 : p,
                      plane.samples + bytes * plane.cell_width * column, plane.stride);
    }
    return cell;
}

static li_status
encode_cell(avif_grid *grid, uint32_t column, bool alpha)
{
    avif_effort effort = {alpha ? LI_AVIF_LOSSLESS : li_avif_quality(grid->encode),
                          li_avif_speed(grid->encode)};
    avifRWData file = AVIF_DATA_EMPTY;
    coded found;
    LI_TRY(li_poll(grid->ctx));
    LI_TRY(li_poll_clock(grid->ctx));
    LI_TRY(li_avif_reserve(grid->ctx, grid->cell_bytes, &grid->charged));
    avifImage *cell = view_cell(grid, column, alpha);
    if (!cell)
        return li_fail(grid->ctx, LI_ENOMEM, "avif: no memory for a cell");
    li_status status = li_avif_encode_image(grid->ctx, cell, effort, &file);
    avifImageDestroy(cell); /* the planes are not its */
    if (status == LI_OK)
        status = find_coded(grid->ctx, &file, &found);
    if (status == LI_OK)
        status = write_coded(grid, &found, alpha);
    avifRWDataFree(&file);
    return status;
}

/* --- the file --------------------------------------------------------------------- */

/* Room for the boxes. */
static li_status
leave_room(avif_grid *grid)
{
    static const uint8_t zeros[4096];
    li_out *out = grid->own ? grid->own : grid->out;
    grid->head_size = li_avif_head_write(&grid->head, NULL);
    for (size_t left = grid->head_size; left > 0;) {
        size_t size = left < sizeof(zeros) ? left : sizeof(zeros);
        LI_TRY(li_out_write(out, zeros, size));
        left -= size;
    }
    return LI_OK;
}

static li_status
write_head(avif_grid *grid)
{
    li_out *out = grid->own ? grid->own : grid->out;
    uint8_t *head = NULL;
    LI_TRY(li_alloc(grid->ctx, grid->head_size, 1, &head));
    (void)li_avif_head_write(&grid->head, head);
    li_status status = out->ops->patch(out, 0, head, grid->head_size);
    li_free(grid->ctx, &head);
    return status;
}

static li_status
hand_on_own(avif_grid *grid)
{
    uint8_t *data = NULL;
    size_t size = 0;
    LI_TRY(li_out_detach(grid->own, &data, &size));
    li_status status = li_avif_hand_on(grid->ctx, grid->out, data, size);
    li_release(data);
    return status;
}

/* --- bands ------------------------------------------------------------------------ */

li_status
li_avif_grid_band(avif_grid *grid)
{
    if (grid->row == 0)
        LI_TRY(leave_room(grid));
    pad_band(grid);
    for (uint32_t x = 0; x < grid->head.cells.columns; x++) {
        LI_TRY(encode_cell(grid, x, false));
        if (grid->head.alpha)
            LI_TRY(encode_cell(grid, x, true));
    }
    grid->row += grid->band->height;
    band_begin(grid);
    return LI_OK;
}

li_status
li_avif_grid_finish(avif_grid *grid)
{
    li_uncharge(grid->ctx, grid->charged);
    grid->charged = 0;
    LI_TRY(write_head(grid));
    return grid->own ? hand_on_own(grid) : LI_OK;
}

static li_status
grid_begin(avif_grid *grid)
{
    avif_cells cells = grid->head.cells;
    uint64_t count = (uint64_t)cells.columns * cells.rows * (grid->head.alpha ? 2 : 1);
    LI_TRY(li_alloc(grid->ctx, count, sizeof(*grid->sizes), &grid->sizes));
    grid->head.sizes = grid->sizes;
    LI_TRY(band_open(grid));
    band_begin(grid);
    return grid->out->ops->patch ? LI_OK : li_out_to_memory(grid->ctx, &grid->own);
}

li_status
li_avif_grid_open(li_ctx *ctx, li_info info, const li_encode *encode, avifImage *image,
                  li_out *out, avif_grid **opened)
{
    avif_grid *grid = NULL;
    avif_cells cells = li_avif_cells(info, encode);
    LI_TRY(li_alloc(ctx, 1, sizeof(*grid), &grid));
    *grid = (avif_grid){.ctx = ctx, .encode = encode, .band = image, .out = out};
    grid->cell_bytes = li_avif_still_bytes(info, encode, cells);
    grid->head = (avif_head){.cells = cells,
                             .width = info.width,
                             .height = info.height,
                             .image = image,
                             .alpha = li_pixel_has_alpha(info.pixel),
                             .metadata = encode->metadata};
    li_status status = grid_begin(grid);
    *opened = grid;
    if (status != LI_OK)
        li_avif_grid_close(opened);
    return status;
}

void
li_avif_grid_close(avif_grid **opened)
{
    avif_grid *grid = *opened;
    *opened = NULL;
    if (!grid)
        return;
    for (int p = 0; p < PLANES; p++)
        set_plane(grid->band, p, NULL, 0);
    li_out_close(&grid->own);
    li_free(grid->ctx, &grid->sizes);
    li_free(grid->ctx, &grid->samples);
    li_uncharge(grid->ctx, grid->charged);
    li_ctx *ctx = grid->ctx;
    li_free(ctx, &grid);
}
