/* palette_map.c: each pixel to its nearest colour, with what that is off by handed on
 * to the pixels around (Floyd and Steinberg, row by row in alternating directions).
 * Layer 2.
 */
#include "codecs/png/palette.h"
#include "codecs/png/png.h"

#include <string.h>

enum {
    SHARES = 16,     /* an error's units to a level: 7, 3, 5 and 1 of them go on */
    KNOWN = 1 << 12, /* exact colours that have been found before */
};

/* --- the nearest -------------------------------------------------------------------
 */

static void
insert(li_nearest *nearest, const int32_t color[4], uint32_t index)
{
    uint32_t at = nearest->count++;
    for (; at > 0 && nearest->colors[at - 1][1] > color[1]; at--) {
        memcpy(nearest->colors[at], nearest->colors[at - 1], sizeof(int32_t[4]));
        nearest->index[at] = nearest->index[at - 1];
    }
    memcpy(nearest->colors[at], color, sizeof(int32_t[4]));
    nearest->index[at] = (uint8_t)index;
}

void
li_nearest_make(const uint8_t (*entries)[4], uint32_t count, li_nearest *nearest)
{
    nearest->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        int32_t alpha = entries[i][3];
        int32_t color[4] = {(entries[i][0] * alpha + 127) / 255,
                            (entries[i][1] * alpha + 127) / 255,
                            (entries[i][2] * alpha + 127) / 255, alpha};
        insert(nearest, color, i);
    }
    for (uint32_t green = 0, at = 0; green < 256; green++) {
        while (at < count && nearest->colors[at][1] < (int32_t)green)
            at++;
        nearest->start[green] = (uint16_t)at;
    }
}

static inline int32_t
distance(const int32_t a[4], const int32_t b[4])
{
    int32_t sum = 0;
    for (int c = 0; c < 4; c++)
        sum += li_palette_weights[c] * (a[c] - b[c]) * (a[c] - b[c]);
    return sum;
}

/* Is this one, by its green alone, too far? */
static inline bool
is_beyond(const int32_t a[4], const int32_t b[4], int32_t least)
{
    return li_palette_weights[1] * (a[1] - b[1]) * (a[1] - b[1]) >= least;
}

/* From the same green outwards, both ways, until no green can be nearer. */
uint32_t
li_nearest_find(const li_nearest *nearest, const int32_t color[4])
{
    const int32_t(*colors)[4] = nearest->colors;
    uint32_t up = nearest->start[color[1]], down = up, best = 0;
    int32_t least = INT32_MAX;
    bool above = true, below = true;
    while (above || below) {
        above = above && up < nearest->count && !is_beyond(colors[up], color, least);
        if (above) {
            int32_t off = distance(colors[up], color);
            best = off < least ? up : best;
            least = off < least ? off : least;
            up++;
        }
        below = below && down > 0 && !is_beyond(colors[down - 1], color, least);
        if (below) {
            int32_t off = distance(colors[--down], color);
            best = off < least ? down : best;
            least = off < least ? off : least;
        }
    }
    return best;
}

/* --- a picture ---------------------------------------------------------------------
 */

typedef struct mapper {
    li_nearest nearest;
    const li_palette *palette; /* borrowed */
    uint32_t width, channels;
    bool dither;
    int32_t keep;            /* of 16: what of an error goes on */
    int32_t (*errors[2])[4]; /* owned, in `block`: of this row and the next */
    int32_t (*block)[4];     /* owned */
    uint32_t keys[KNOWN];    /* colours, and the entries that they are nearest to */
    uint8_t known[KNOWN];
    bool filled[KNOWN];
} mapper;

static uint32_t
slot_of(uint32_t key)
{
    return key * 2654435761u >> 20; /* 12 bits of Knuth's product */
}

/* Pixels of one colour are many: without an error added, it is looked for once. */
static uint8_t
find_plain(mapper *self, const uint8_t color[4])
{
    uint32_t key = li_palette_key(color), slot = slot_of(key);
    if (self->filled[slot] && self->keys[slot] == key)
        return self->known[slot];
    int32_t alpha = color[3];
    int32_t wanted[4] = {(color[0] * alpha + 127) / 255, (color[1] * alpha + 127) / 255,
                         (color[2] * alpha + 127) / 255, alpha};
    self->filled[slot] = true;
    self->keys[slot] = key;
    self->known[slot] = self->nearest.index[li_nearest_find(&self->nearest, wanted)];
    return self->known[slot];
}

/* Every entry in its slot or in the next that is free: far fewer than there are. */
static void
know_all(mapper *self)
{
    for (uint32_t i = 0; i < self->palette->count; i++) {
        uint32_t key = li_palette_key(self->palette->entries[i]), slot = slot_of(key);
        while (self->filled[slot])
            slot = (slot + 1) % KNOWN;
        self->filled[slot] = true;
        self->keys[slot] = key;
        self->known[slot] = (uint8_t)i;
    }
}

/* A colour that is an entry: premultiplied, two of them could be equal. */
static uint8_t
find_exact(const mapper *self, const uint8_t color[4])
{
    uint32_t key = li_palette_key(color), slot = slot_of(key);
    while (self->filled[slot] && self->keys[slot] != key)
        slot = (slot + 1) % KNOWN;
    return self->known[slot];
}

static void
map_row(mapper *self, const uint8_t *row, uint8_t *out)
{
    for (uint32_t x = 0; x < self->width; x++, row += self->channels) {
        uint8_t color[4];
        li_palette_pixel(row, self->channels, color);
        out[x] =
            self->palette->exact ? find_exact(self, color) : find_plain(self, color);
    }
}

static void
hand_on(int32_t to[4], const int32_t error[4], int32_t share)
{
    for (int c = 0; c < 4; c++)
        to[c] += error[c] * share;
}

/* One pixel: its index, and its error to those that come after. `ahead` is 1 or −1. */
static uint8_t
dither_pixel(mapper *self, const uint8_t color[4], uint32_t x, int32_t ahead)
{
    int32_t alpha = color[3], wanted[4], error[4];
    int32_t(*here)[4] = self->errors[0] + x + 1, (*below)[4] = self->errors[1] + x + 1;
    if (alpha == 0) /* what is not there takes no error on */
        return find_plain(self, color);
    for (int c = 0; c < 4; c++) {
        int32_t was = c < 3 ? (color[c] * alpha + 127) / 255 : alpha;
        int32_t off = here[0][c] * self->keep / (SHARES * 16);
        int32_t sum = was + off;
        wanted[c] = sum < 0 ? 0 : sum > 255 ? 255 : sum;
    }
    uint32_t found = li_nearest_find(&self->nearest, wanted);
    for (int c = 0; c < 4; c++)
        error[c] = wanted[c] - self->nearest.colors[found][c];
    hand_on(here[ahead], error, 7);
    hand_on(below[-ahead], error, 3);
    hand_on(below[0], error, 5);
    hand_on(below[ahead], error, 1);
    return self->nearest.index[found];
}

static void
dither_row(mapper *self, const uint8_t *row, uint8_t *out, bool back)
{
    for (uint32_t i = 0; i < self->width; i++) {
        uint32_t x = back ? self->width - 1 - i : i;
        uint8_t color[4];
        li_palette_pixel(row + (size_t)x * self->channels, self->channels, color);
        out[x] = dither_pixel(self, color, x, back ? -1 : 1);
    }
    int32_t(*done)[4] = self->errors[0];
    self->errors[0] = self->errors[1];
    self->errors[1] = done;
    memset(done, 0, (self->width + 2) * sizeof(*done));
}

/* Indices overtake no sample that is still to be read: a row has no more of them than
 * samples, and those before are read. */
static li_status
map_all(mapper *self, li_ctx *ctx, li_frame *frame)
{
    for (uint32_t y = 0; y < frame->info.height; y++) {
        uint8_t *out = frame->pixels + (size_t)y * self->width;
        LI_TRY(li_poll(ctx));
        if (self->dither)
            dither_row(self, li_frame_row(frame, y), out, y % 2);
        else
            map_row(self, li_frame_row(frame, y), out);
    }
    return LI_OK;
}

/* All of it for up to 16 colours, which make tones by mixing; 12 of 16 for 256, of
 * which more would be noise. */
static int32_t
keep_of(uint32_t count)
{
    int32_t keep = 16;
    for (uint32_t n = 16; n < count; n *= 2)
        keep--;
    return keep;
}

uint64_t
li_palette_map_bytes(li_info info)
{
    uint64_t errors = 2 * ((uint64_t)info.width + 2) * sizeof(int32_t[4]);
    return li_png_block_bytes(sizeof(mapper)) + li_png_block_bytes(errors);
}

li_status
li_palette_map(li_ctx *ctx, li_frame *frame, const li_palette *palette, bool dither)
{
    mapper *self;
    LI_TRY(li_alloc(ctx, 1, sizeof(*self), &self));
    uint32_t width = frame->info.width;
    self->palette = palette;
    self->width = width;
    self->channels = li_pixel_channels(frame->info.pixel);
    self->dither = dither && !palette->exact;
    self->keep = keep_of(palette->count);
    li_nearest_make(palette->entries, palette->count, &self->nearest);
    if (palette->exact)
        know_all(self);
    li_status status = LI_OK;
    if (self->dither)
        status =
            li_alloc(ctx, 2 * ((uint64_t)width + 2), sizeof(int32_t[4]), &self->block);
    self->errors[0] = self->block;
    self->errors[1] = self->dither && self->block ? self->block + width + 2 : NULL;
    if (status == LI_OK)
        status = map_all(self, ctx, frame);
    li_free(ctx, &self->block);
    li_free(ctx, &self);
    return status;
}
