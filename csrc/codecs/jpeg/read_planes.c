/* read_planes.c: Y, Cb and Cr out of the inverse DCT, as libjpeg's raw data: neither
 * upsampled nor converted. Layer 2. */
#include "codecs/jpeg/reader.h"
#include "kernels/kernels.h"

enum { MOST_ROWS = 2 * DCTSIZE }; /* of a strip: two blocks, one above the other */

typedef struct jpeg_planes {
    li_planes base;
    li_jpeg_reader reader;
    uint32_t y[LI_PLANES]; /* rows handed out */
    uint32_t strip_rows[LI_PLANES];
    uint8_t *strip[LI_PLANES]; /* owned */
    JSAMPROW rows[LI_PLANES][MOST_ROWS];
} jpeg_planes;

#if JPEG_LIB_VERSION >= 70
#define SIDE(part) ((part)->DCT_v_scaled_size)
#define LEAST_SIDE(jpeg) ((jpeg)->min_DCT_v_scaled_size)
#else
#define SIDE(part) ((part)->DCT_scaled_size)
#define LEAST_SIDE(jpeg) ((jpeg)->min_DCT_scaled_size)
#endif

static jpeg_planes *
planes_of(li_jpeg_reader *reader)
{
    return reader->owner;
}

/* --- steps; each may jump ----------------------------------------------------------
 */

static void
step_start(li_jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_planes *planes = planes_of(reader);
    jpeg->raw_data_out = TRUE;
    jpeg->out_color_space = jpeg->jpeg_color_space;
    bool same = jpeg->jpeg_color_space == JCS_YCbCr;
    for (uint32_t p = 0; same && p < LI_PLANES; p++) {
        const jpeg_component_info *part = &jpeg->comp_info[p];
        const li_plane *plane = &planes->base.layout.plane[p];
        planes->strip_rows[p] = (uint32_t)(part->v_samp_factor * SIDE(part));
        same = planes->strip_rows[p] <= li_jpeg_strip_rows(plane) &&
               part->downsampled_width == plane->width &&
               part->downsampled_height == plane->height;
    }
    if (!same)
        li_jpeg_reader_fail(reader, LI_E103_SOURCE_CHANGED,
                            "the header changed while it was read");
    li_jpeg_reader_start(reader);
}

static void
step_strip(li_jpeg_reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_planes *planes = planes_of(reader);
    JSAMPARRAY data[LI_PLANES] = {planes->rows[0], planes->rows[1], planes->rows[2]};
    JDIMENSION lines = (JDIMENSION)(jpeg->max_v_samp_factor * LEAST_SIDE(jpeg));
    jpeg_read_raw_data(jpeg, data, lines);
    if (jpeg->output_scanline >= jpeg->output_height)
        li_jpeg_reader_end(reader);
}

/* --- the planes ----------------------------------------------------------------------
 */

static li_status
jpeg_next(li_planes *base, li_strip *strip)
{
    jpeg_planes *planes = (jpeg_planes *)base;
    LI_TRY(li_jpeg_reader_try(&planes->reader, step_strip));
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        const li_plane *plane = &base->layout.plane[p];
        uint32_t left = plane->height - planes->y[p], rows = planes->strip_rows[p];
        strip->data[p] = planes->strip[p];
        strip->stride[p] = li_jpeg_plane_stride(plane);
        strip->rows[p] = rows < left ? rows : left;
        planes->y[p] += strip->rows[p];
    }
    return LI_OK;
}

static void
jpeg_close(li_planes *base)
{
    jpeg_planes *planes = (jpeg_planes *)base;
    li_jpeg_reader_close(&planes->reader);
    for (uint32_t p = 0; p < LI_PLANES; p++)
        li_free(base->ctx, &planes->strip[p]);
}

static const li_planes_ops jpeg_ops = {
    .name = "decode",
    .next = jpeg_next,
    .close = jpeg_close,
};

static li_status
open_strips(jpeg_planes *planes)
{
    for (uint32_t p = 0; p < LI_PLANES; p++) {
        const li_plane *plane = &planes->base.layout.plane[p];
        size_t stride = li_jpeg_plane_stride(plane);
        uint32_t rows = li_jpeg_strip_rows(plane);
        LI_TRY(li_alloc(planes->base.ctx, rows, stride, &planes->strip[p]));
        for (uint32_t r = 0; r < rows; r++)
            planes->rows[p][r] = planes->strip[p] + r * stride;
    }
    return LI_OK;
}

static li_status
open_planes(jpeg_planes *planes, li_source *in, const li_header *header, li_hint hint)
{
    LI_TRY(li_jpeg_reader_open(&planes->reader, planes->base.ctx, in, header, hint));
    LI_TRY(open_strips(planes));
    return li_jpeg_reader_try(&planes->reader, step_start);
}

li_status
li_jpeg_decode_planes(li_ctx *ctx, li_source *in, const li_header *header, li_hint hint,
                      li_planes **planes)
{
    li_planar layout;
    *planes = NULL;
    if (li_jpeg_skims(header, hint))
        return li_jpeg_skim_planes(ctx, in, header, hint, planes);
    if (!li_jpeg_planar(header, hint, &layout))
        return li_fail(ctx, LI_E901_INTERNAL, "jpeg: not to be had as planes");
    LI_TRY(li_planes_new(ctx, sizeof(jpeg_planes), &jpeg_ops, &layout, planes));
    jpeg_planes *self = (jpeg_planes *)*planes;
    self->reader.ctx = ctx;
    self->reader.owner = self;
    li_status status = open_planes(self, in, header, hint);
    if (status != LI_OK)
        li_planes_close(planes);
    return status;
}
