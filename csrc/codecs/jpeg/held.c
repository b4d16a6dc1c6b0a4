/* held.c: a picture's coefficients, in the arrays that libjpeg will write: transformed
 * as strips come, then searched in place for what is worth its bits. Layer 2. */
#include "codecs/jpeg/effort.h"

#include <string.h>

/* An error counts half where the block's square mean is BUSY. */
enum {
    BUSY = 1400,
    BUSY_AROUND = 700,
    RATE_ROWS = 16,
    SCRIPT_ROWS = 8,
    SMALL_PIXELS = 1000000
};

static bool
looks_around(const li_jpeg_held *held)
{
    return held->writer.choice.effort >= LI_EFFORT_MOST;
}

/* --- open and close ------------------------------------------------------------- */

static uint32_t
sampled_blocks(uint32_t size, uint32_t factor, uint32_t most)
{
    uint64_t span = (uint64_t)most * DCTSIZE;
    return (uint32_t)(((uint64_t)size * factor + span - 1) / span);
}

/* May jump. */
static void
step_request(li_jpeg_writer *writer)
{
    li_jpeg_held *held = writer->owner;
    struct jpeg_compress_struct *jpeg = &writer->jpeg;
    const li_jpeg_frame *frame = &writer->choice.frame;
    for (uint32_t p = 0; p < frame->count; p++) {
        uint32_t h = frame->parts[p].h, v = frame->parts[p].v;
        held->parts[p] = jpeg->mem->request_virt_barray(
            (j_common_ptr)jpeg, JPOOL_IMAGE, FALSE, (held->across[p] + h - 1) / h * h,
            (held->down[p] + v - 1) / v * v, v);
    }
    jpeg->mem->realize_virt_arrays((j_common_ptr)jpeg);
}

static li_status
open_buffers(li_jpeg_held *held, li_ctx *ctx)
{
    const li_jpeg_frame *frame = &held->writer.choice.frame;
    for (uint32_t p = 0; p < frame->count; p++) {
        const li_jpeg_part *part = &frame->parts[p];
        held->across[p] = sampled_blocks(frame->width, part->h, frame->max_h);
        held->down[p] = sampled_blocks(frame->height, part->v, frame->max_v);
        held->stride[p] = li_jpeg_held_stride(frame, p);
        LI_TRY(li_alloc(ctx, held->stride[p] * part->v * DCTSIZE, sizeof(float),
                        &held->strip[p]));
    }
    if (!looks_around(held))
        return LI_OK;
    size_t across = held->stride[0] / DCTSIZE;
    LI_TRY(li_alloc(ctx, across * 3, sizeof(float), &held->energy));
    LI_TRY(li_alloc(ctx, across * 2, sizeof(float), &held->dc));
    return li_alloc(ctx, across, sizeof(li_jpeg_way), &held->ways);
}

li_status
li_jpeg_held_open(li_jpeg_held *held, li_ctx *ctx, li_info info,
                  const li_encode *encode, li_out *out)
{
    LI_TRY(li_jpeg_writer_open(&held->writer, ctx, info, encode, out));
    LI_TRY(open_buffers(held, ctx));
    for (int which = 0; which < 2; which++) {
        uint16_t table[DCTSIZE2];
        li_jpeg_quantization(&held->writer.choice, which, table);
        li_jpeg_quantizer_init(&held->quantizer[which], table);
    }
    return li_jpeg_writer_try(&held->writer, step_request);
}

void
li_jpeg_held_close(li_jpeg_held *held)
{
    li_ctx *ctx = held->writer.ctx;
    li_jpeg_writer_close(&held->writer);
    for (uint32_t p = 0; p < LI_JPEG_PARTS; p++)
        li_free(ctx, &held->strip[p]);
    li_free(ctx, &held->energy);
    li_free(ctx, &held->dc);
    li_free(ctx, &held->ways);
}

/* --- passes; each step may jump -------------------------------------------------- */

static void
poll_or_leave(li_jpeg_held *held)
{
    if (li_poll(held->writer.ctx) != LI_OK)
        li_jpeg_leave((j_common_ptr)&held->writer.jpeg);
}

/* Row y of a part's blocks; rows of an MCU come together, from the first on. */
static li_jpeg_block *
row_of(li_jpeg_held *held, uint32_t part, uint32_t y)
{
    struct jpeg_compress_struct *jpeg = &held->writer.jpeg;
    uint32_t v = held->writer.choice.frame.parts[part].v;
    JBLOCKARRAY rows = jpeg->mem->access_virt_barray(
        (j_common_ptr)jpeg, held->parts[part], y / v * v, v, TRUE);
    return (li_jpeg_block *)rows[y % v];
}

static void
step_transform(li_jpeg_writer *writer)
{
    li_jpeg_held *held = writer->owner;
    const li_jpeg_frame *frame = &writer->choice.frame;
    for (uint32_t p = 0; p < frame->count; p++)
        for (uint32_t r = 0; r < frame->parts[p].v; r++) {
            li_jpeg_block *row = row_of(held, p, held->y * frame->parts[p].v + r);
            const float *samples = held->strip[p] + r * DCTSIZE * held->stride[p];
            for (uint32_t x = 0; x < held->across[p]; x++)
                li_jpeg_transform(samples + (size_t)x * DCTSIZE, held->stride[p],
                                  row[x]);
        }
    held->y++;
    poll_or_leave(held);
}

li_status
li_jpeg_held_strip(li_jpeg_held *held)
{
    return li_jpeg_writer_try(&held->writer, step_transform);
}

static void
count_row(li_jpeg_held *held, uint32_t part, uint32_t y)
{
    const li_jpeg_block *row = row_of(held, part, y);
    int last_dc = 0;
    for (uint32_t x = 0; x < held->across[part]; x++) {
        float level[DCTSIZE2];
        li_jpeg_levels(&held->quantizer[part > 0], row[x], level);
        li_jpeg_count_block(&held->counts[part > 0], row[x], level, &last_dc);
    }
}

static bool
is_small(const li_jpeg_held *held)
{
    const li_jpeg_frame *frame = &held->writer.choice.frame;
    return (uint64_t)frame->width * frame->height < SMALL_PIXELS;
}

/* Of every 16th row of MCUs; of all where the picture is small. */
static void
step_rates(li_jpeg_writer *writer)
{
    li_jpeg_held *held = writer->owner;
    const li_jpeg_frame *frame = &writer->choice.frame;
    uint32_t every = is_small(held) ? 1 : RATE_ROWS;
    for (uint32_t p = 0; p < frame->count; p++)
        for (uint32_t y = 0; y < held->down[p]; y++)
            if (y / frame->parts[p].v % every == 0) {
                count_row(held, p, y);
                poll_or_leave(held);
            }
    for (int which = 0; which < (frame->count > 1 ? 2 : 1); which++)
        li_jpeg_rates_of(&held->rates[which], &held->counts[which]);
}

/* --- weights --------------------------------------------------------------------- */

static float *
energies(const li_jpeg_held *held, uint32_t y)
{
    return held->energy + (size_t)(y % 3) * (held->stride[0] / DCTSIZE);
}

static void
measure_row(li_jpeg_held *held, uint32_t part, uint32_t y)
{
    if (y >= held->down[part])
        return;
    const li_jpeg_block *row = row_of(held, part, y);
    for (uint32_t x = 0; x < held->across[part]; x++)
        energies(held, y)[x] = li_jpeg_energy(row[x]);
}

/* Of a block and those around it. */
static float
mean_around(const li_jpeg_held *held, uint32_t part, uint32_t x, uint32_t y)
{
    uint32_t left = x ? x - 1 : 0, right = x + 1 < held->across[part] ? x + 1 : x;
    uint32_t top = y ? y - 1 : 0, end = y + 1 < held->down[part] ? y + 1 : y;
    float sum = 0;
    for (uint32_t r = top; r <= end; r++)
        for (uint32_t c = left; c <= right; c++)
            sum += energies(held, r)[c];
    return sum / (float)((end - top + 1) * (right - left + 1));
}

/* Of an error against bits. With most effort a block is as busy as its surroundings are
 * at most: next to a smooth one an edge does not hide what rings around it. */
static li_jpeg_weight
weight_of(const li_jpeg_held *held, uint32_t part, uint32_t x, uint32_t y,
          const li_jpeg_block block)
{
    if (!looks_around(held))
        return li_jpeg_weigh(li_jpeg_energy(block), BUSY);
    float own = energies(held, y)[x], around = mean_around(held, part, x, y);
    return li_jpeg_weigh(own < around ? own : around, BUSY_AROUND);
}

/* --- the search ------------------------------------------------------------------ */

/* The block becomes what is written of it; its DC is still to come. */
static void
quantize_block(li_jpeg_block block, const uint16_t chosen[DCTSIZE2])
{
    li_jpeg_block out = {0};
    for (int k = 1; k < DCTSIZE2; k++)
        out[li_jpeg_zigzag[k]] =
            (int16_t)(block[k] < 0 ? -(int)chosen[k] : (int)chosen[k]);
    memcpy(block, out, sizeof(out));
}

static int16_t
rounded_dc(float dc)
{
    int value = (int)(dc + (dc < 0 ? -0.5f : 0.5f));
    return (int16_t)(value < -1024 ? -1024 : value > 1023 ? 1023 : value);
}

static void
search_row(li_jpeg_held *held, uint32_t part, uint32_t y)
{
    li_jpeg_block *row = row_of(held, part, y);
    float *dc = held->dc, *weights = dc ? dc + held->stride[0] / DCTSIZE : NULL;
    for (uint32_t x = 0; x < held->across[part]; x++) {
        float level[DCTSIZE2];
        li_jpeg_weight weight = weight_of(held, part, x, y, row[x]);
        uint16_t chosen[DCTSIZE2];
        li_jpeg_levels(&held->quantizer[part > 0], row[x], level);
        float mean = row[x][0] < 0 ? -level[0] : level[0];
        li_jpeg_trellis(&held->rates[part > 0], level, weight, chosen);
        quantize_block(row[x], chosen);
        row[x][0] = rounded_dc(mean);
        if (dc) {
            dc[x] = mean;
            weights[x] = weight.rest;
        }
    }
    if (!dc)
        return;
    li_jpeg_dc_trellis(&held->rates[part > 0], dc, weights, held->across[part],
                       y ? held->last_dc : 0, held->ways);
    for (uint32_t x = 0; x < held->across[part]; x++)
        row[x][0] = (int16_t)dc[x];
    held->last_dc = row[held->across[part] - 1][0];
}

static void
step_search(li_jpeg_writer *writer)
{
    li_jpeg_held *held = writer->owner;
    for (uint32_t p = 0; p < writer->choice.frame.count; p++) {
        if (looks_around(held))
            measure_row(held, p, 0);
        for (uint32_t y = 0; y < held->down[p]; y++) {
            if (looks_around(held))
                measure_row(held, p, y + 1);
            search_row(held, p, y);
            poll_or_leave(held);
        }
    }
}

/* From every 8th row of blocks; from all where the picture is small. */
static void
step_script(li_jpeg_writer *writer)
{
    li_jpeg_held *held = writer->owner;
    uint8_t split[LI_JPEG_PARTS];
    uint32_t count = writer->choice.frame.count;
    uint32_t every = is_small(held) ? 1 : SCRIPT_ROWS;
    for (uint32_t p = 0; p < count; p++) {
        memset(&held->bands, 0, sizeof(held->bands));
        for (uint32_t y = 0; y < held->down[p]; y += every) {
            const li_jpeg_block *row = row_of(held, p, y);
            for (uint32_t x = 0; x < held->across[p]; x++)
                li_jpeg_bands_add(&held->bands, row[x]);
            poll_or_leave(held);
        }
        split[p] = li_jpeg_bands_split(&held->bands, every);
    }
    writer->jpeg.num_scans = li_jpeg_script((int)count, split, writer->script);
}

static void
step_write(li_jpeg_writer *writer)
{
    jpeg_write_coefficients(&writer->jpeg, ((li_jpeg_held *)writer->owner)->parts);
    li_jpeg_writer_metadata(writer);
}

li_status
li_jpeg_held_finish(li_jpeg_held *held)
{
    const li_jpeg_choice *choice = &held->writer.choice;
    LI_TRY(li_jpeg_writer_try(&held->writer, step_rates));
    LI_TRY(li_jpeg_writer_try(&held->writer, step_search));
    if (choice->progressive && choice->effort >= LI_EFFORT_SCRIPT)
        LI_TRY(li_jpeg_writer_try(&held->writer, step_script));
    LI_TRY(li_jpeg_writer_try(&held->writer, step_write));
    return li_jpeg_writer_finish(&held->writer);
}
