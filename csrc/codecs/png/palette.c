/* palette.c: which colours a palette has. Those of the picture, if they are few enough;
 * else cells of the colour cube are split where that takes most of the squared error
 * away (Wu's criterion, on the cells' means instead of a grid), and the means are moved
 * by a few rounds of k-means. Layer 2. */
#include "codecs/png/palette.h"
#include "codecs/png/png.h"

#include <stdlib.h>
#include <string.h>

enum {
    SET_SLOTS = 1024, /* four times as many as there are colours */
    CELLS = 1 << 16,
    OWN_MOST =
        CELLS / 2, /* colours that have a cell each: then half of them are free */
    FINE = 16,     /* a mean's units to a level */
    BINS = 256,
    ROUNDS = 6,
};

const int32_t li_palette_weights[4] = {2, 4, 1, 4};

/* --- few colours -------------------------------------------------------------------
 */

typedef struct color_set {
    uint32_t keys[SET_SLOTS];
    bool used[SET_SLOTS];
    uint32_t count;
} color_set;

static uint32_t
slot_of(const color_set *set, uint32_t key)
{
    uint32_t slot = key * 2654435761u >> 22; /* 10 bits of Knuth's product */
    while (set->used[slot] && set->keys[slot] != key)
        slot = (slot + 1) % SET_SLOTS;
    return slot;
}

/* False: there are more than `most`. */
static bool
add_row(color_set *set, const uint8_t *row, li_info info, uint32_t most)
{
    uint32_t channels = li_pixel_channels(info.pixel);
    uint32_t last = 0;
    for (uint32_t x = 0; x < info.width; x++, row += channels) {
        uint8_t color[4];
        li_palette_pixel(row, channels, color);
        uint32_t key = li_palette_key(color);
        if (set->count && key == last)
            continue;
        last = key;
        uint32_t slot = slot_of(set, key);
        if (set->used[slot])
            continue;
        if (set->count == most)
            return false;
        set->used[slot] = true;
        set->keys[slot] = key;
        set->count++;
    }
    return true;
}

/* Those that are not opaque first; then from dark to light, so that neighbours in the
 * picture are often neighbours in number. */
static int
compare_entries(const void *a, const void *b)
{
    const uint8_t *one = a, *other = b;
    int opaque = (one[3] == 255) - (other[3] == 255);
    int luma = (54 * one[0] + 183 * one[1] + 19 * one[2]) -
               (54 * other[0] + 183 * other[1] + 19 * other[2]);
    return opaque ? opaque : luma ? luma : memcmp(one, other, 4);
}

static void
sort_entries(li_palette *palette)
{
    qsort(palette->entries, palette->count, sizeof(palette->entries[0]),
          compare_entries);
    palette->clear = 0;
    while (palette->clear < palette->count &&
           palette->entries[palette->clear][3] != 255)
        palette->clear++;
}

static void
take_set(const color_set *set, li_palette *palette)
{
    palette->count = 0;
    for (uint32_t slot = 0; slot < SET_SLOTS; slot++) {
        uint8_t *entry = palette->entries[palette->count & (LI_PALETTE_MOST - 1)];
        for (uint32_t c = 0; set->used[slot] && c < 4; c++)
            entry[c] = (uint8_t)(set->keys[slot] >> (24 - 8 * c));
        palette->count += set->used[slot];
    }
}

/* --- cells -------------------------------------------------------------------------
 */

/* Pixels that look much alike. */
typedef struct cell {
    uint64_t weight, sums[4]; /* of premultiplied samples */
} cell;

typedef struct point {
    uint16_t mean[4]; /* in 1 / FINE levels */
    uint32_t weight;
} point;

/* Points first..first + count, and the best way to part them. */
typedef struct box {
    uint32_t first, count;
    uint32_t axis, cut; /* those whose mean is at or above the cut's level go */
    double gain;        /* of squared error; 0: it cannot be parted */
} box;

typedef struct bin {
    double weight, sums[4];
} bin;

typedef struct quantizer {
    cell *cells;    /* owned, CELLS of them */
    uint32_t *keys; /* owned: the colour of each, while each has one */
    uint32_t owned;
    point *points; /* owned: those that have any */
    uint32_t count, boxed;
    box boxes[LI_PALETTE_MOST];
    bin bins[BINS];
    li_nearest nearest;
} quantizer;

static void
premultiply(uint8_t color[4])
{
    for (int c = 0; c < 3; c++)
        color[c] = (uint8_t)((color[c] * color[3] + 127) / 255);
}

static uint32_t
cell_of(const uint8_t color[4], bool alpha)
{
    if (alpha)
        return (uint32_t)(color[0] >> 4) << 12 | (uint32_t)(color[1] >> 4) << 8 |
               (uint32_t)(color[2] >> 4) << 4 | color[3] >> 4;
    return (uint32_t)(color[0] >> 3) << 11 | (uint32_t)(color[1] >> 2) << 5 |
           color[2] >> 3;
}

/* A cell of this colour's own; OWN_MOST + 1 of them are too many. */
static cell *
own_cell(quantizer *self, const uint8_t color[4])
{
    uint32_t key = li_palette_key(color);
    uint32_t slot = key * 2654435761u >> 16; /* 16 bits of Knuth's product */
    while (self->cells[slot].weight && self->keys[slot] != key)
        slot = (slot + 1) % CELLS;
    self->owned += self->cells[slot].weight == 0;
    self->keys[slot] = key;
    return &self->cells[slot];
}

static void
count_row(quantizer *self, const uint8_t *row, li_info info, bool own)
{
    uint32_t channels = li_pixel_channels(info.pixel);
    bool alpha = li_pixel_has_alpha(info.pixel);
    for (uint32_t x = 0; x < info.width && self->owned <= OWN_MOST;
         x++, row += channels) {
        uint8_t color[4];
        li_palette_pixel(row, channels, color);
        premultiply(color);
        cell *to = own ? own_cell(self, color) : &self->cells[cell_of(color, alpha)];
        to->weight++;
        for (int c = 0; c < 4; c++)
            to->sums[c] += color[c];
    }
}

/* A drawing has few colours, some of them often: those must not be mixed with others
 * that are like them. */
static li_status
count_colors(quantizer *self, li_ctx *ctx, const li_frame *frame)
{
    for (int own = 1; own >= 0; own--) {
        self->owned = 0;
        memset(self->cells, 0, CELLS * sizeof(cell));
        for (uint32_t y = 0; y < frame->info.height && self->owned <= OWN_MOST; y++) {
            LI_TRY(li_poll(ctx));
            count_row(self, li_frame_row(frame, y), frame->info, own);
        }
        if (self->owned <= OWN_MOST)
            break;
    }
    return LI_OK;
}

static void
gather_points(quantizer *self)
{
    for (uint32_t i = 0; i < CELLS; i++) {
        const cell *from = &self->cells[i];
        point *to = &self->points[self->count];
        if (!from->weight)
            continue;
        for (int c = 0; c < 4; c++)
            to->mean[c] =
                (uint16_t)((from->sums[c] * FINE + from->weight / 2) / from->weight);
        to->weight = (uint32_t)from->weight;
        self->count++;
    }
}

/* --- boxes -------------------------------------------------------------------------
 */

static void
fill_bins(quantizer *self, const box *of, uint32_t axis)
{
    memset(self->bins, 0, sizeof(self->bins));
    for (uint32_t i = of->first; i < of->first + of->count; i++) {
        const point *from = &self->points[i];
        bin *to = &self->bins[from->mean[axis] / FINE];
        to->weight += from->weight;
        for (int c = 0; c < 4; c++)
            to->sums[c] += (double)from->weight * from->mean[c];
    }
}

/* What a mean takes off the squared error. */
static double
taken_by(const bin *sum)
{
    double taken = 0;
    for (int c = 0; c < 4; c++)
        taken += li_palette_weights[c] * sum->sums[c] * sum->sums[c];
    return taken / sum->weight;
}

static void
move_bin(bin *from, bin *to, const bin *by)
{
    from->weight -= by->weight;
    to->weight += by->weight;
    for (int c = 0; c < 4; c++) {
        from->sums[c] -= by->sums[c];
        to->sums[c] += by->sums[c];
    }
}

/* The cut along one axis that takes most of the error away. */
static void
try_axis(quantizer *self, box *of, uint32_t axis)
{
    bin low = {0}, high = {0}, none = {0};
    fill_bins(self, of, axis);
    for (uint32_t k = 0; k < BINS; k++)
        move_bin(&none, &high, &self->bins[k]);
    double whole = taken_by(&high);
    for (uint32_t k = 0; k + 1 < BINS; k++) {
        if (self->bins[k].weight == 0)
            continue;
        move_bin(&high, &low, &self->bins[k]);
        if (high.weight < 0.5)
            break;
        double gain = taken_by(&low) + taken_by(&high) - whole;
        if (gain > of->gain) {
            of->gain = gain;
            of->axis = axis;
            of->cut = k + 1;
        }
    }
}

static void
find_cut(quantizer *self, box *of)
{
    of->gain = 0;
    for (uint32_t axis = 0; axis < 4 && of->count > 1; axis++)
        try_axis(self, of, axis);
}

/* Points below the cut to the front; how many they are. */
static uint32_t
part_points(quantizer *self, const box *of)
{
    uint32_t front = of->first;
    for (uint32_t i = of->first; i < of->first + of->count; i++) {
        point moved = self->points[i];
        if (moved.mean[of->axis] / FINE >= of->cut)
            continue;
        self->points[i] = self->points[front];
        self->points[front++] = moved;
    }
    return front - of->first;
}

static bool
split_one(quantizer *self)
{
    box *best = &self->boxes[0];
    for (uint32_t i = 1; i < self->boxed; i++)
        if (self->boxes[i].gain > best->gain)
            best = &self->boxes[i];
    if (best->gain <= 0)
        return false;
    uint32_t low = part_points(self, best);
    box *high = &self->boxes[self->boxed++];
    *high = (box){.first = best->first + low, .count = best->count - low};
    best->count = low;
    find_cut(self, best);
    find_cut(self, high);
    return true;
}

/* --- entries -----------------------------------------------------------------------
 */

/* The mean, no longer premultiplied. */
static void
entry_of(const bin *sum, uint8_t entry[4])
{
    double alpha = sum->sums[3] / sum->weight / FINE;
    uint8_t whole = (uint8_t)(alpha + 0.5);
    for (int c = 0; c < 3; c++) {
        double mean = sum->sums[c] / sum->weight / FINE;
        double color = whole ? mean * 255 / alpha + 0.5 : 0;
        entry[c] = (uint8_t)(color > 255 ? 255 : color);
    }
    entry[3] = whole;
}

static void
add_point(bin *to, const point *from)
{
    to->weight += from->weight;
    for (int c = 0; c < 4; c++)
        to->sums[c] += (double)from->weight * from->mean[c];
}

static void
take_boxes(quantizer *self, li_palette *palette)
{
    for (uint32_t i = 0; i < self->boxed; i++) {
        const box *from = &self->boxes[i];
        bin sum = {0};
        for (uint32_t k = from->first; k < from->first + from->count; k++)
            add_point(&sum, &self->points[k]);
        entry_of(&sum, palette->entries[i]);
    }
    palette->count = self->boxed;
}

/* Every point to its nearest entry, every entry to the mean of its points. */
static void
move_entries(quantizer *self, li_palette *palette)
{
    li_nearest *nearest = &self->nearest;
    memset(self->bins, 0, sizeof(self->bins));
    li_nearest_make((const uint8_t(*)[4])palette->entries, palette->count, nearest);
    for (uint32_t i = 0; i < self->count; i++) {
        int32_t color[4];
        for (int c = 0; c < 4; c++)
            color[c] = (self->points[i].mean[c] + FINE / 2) / FINE;
        add_point(&self->bins[nearest->index[li_nearest_find(nearest, color)]],
                  &self->points[i]);
    }
    for (uint32_t i = 0; i < palette->count; i++)
        if (self->bins[i].weight > 0)
            entry_of(&self->bins[i], palette->entries[i]);
}

static li_status
quantize(quantizer *self, li_ctx *ctx, const li_frame *frame, uint32_t most,
         li_palette *palette)
{
    LI_TRY(count_colors(self, ctx, frame));
    gather_points(self);
    self->boxes[0] = (box){.count = self->count};
    self->boxed = 1;
    find_cut(self, &self->boxes[0]);
    while (self->boxed < most && split_one(self))
        continue;
    take_boxes(self, palette);
    for (int round = 0; round < ROUNDS; round++) {
        LI_TRY(li_poll(ctx));
        move_entries(self, palette);
    }
    return LI_OK;
}

static li_status
quantize_alone(li_ctx *ctx, const li_frame *frame, uint32_t most, li_palette *palette)
{
    quantizer *self;
    LI_TRY(li_alloc(ctx, 1, sizeof(*self), &self));
    li_status status = li_alloc(ctx, CELLS, sizeof(cell), &self->cells);
    if (status == LI_OK)
        status = li_alloc(ctx, CELLS, sizeof(point), &self->points);
    if (status == LI_OK)
        status = li_alloc(ctx, CELLS, sizeof(uint32_t), &self->keys);
    if (status == LI_OK)
        status = quantize(self, ctx, frame, most, palette);
    li_free(ctx, &self->keys);
    li_free(ctx, &self->points);
    li_free(ctx, &self->cells);
    li_free(ctx, &self);
    return status;
}

li_status
li_palette_make(li_ctx *ctx, const li_frame *frame, uint32_t most, li_palette *palette)
{
    color_set set = {0};
    palette->exact = true;
    for (uint32_t y = 0; palette->exact && y < frame->info.height; y++) {
        LI_TRY(li_poll(ctx));
        palette->exact = add_row(&set, li_frame_row(frame, y), frame->info, most);
    }
    if (palette->exact)
        take_set(&set, palette);
    else
        LI_TRY(quantize_alone(ctx, frame, most, palette));
    sort_entries(palette);
    return LI_OK;
}

uint64_t
li_palette_bytes(li_info info)
{
    uint64_t found = li_png_block_bytes(sizeof(quantizer)) +
                     li_png_block_bytes(CELLS * sizeof(cell)) +
                     li_png_block_bytes(CELLS * sizeof(uint32_t)) +
                     li_png_block_bytes(CELLS * sizeof(point));
    uint64_t mapped = li_palette_map_bytes(info);
    return found > mapped ? found : mapped;
}
