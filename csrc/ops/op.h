/* op.h: one operation on a stream of rows: plain data whose tag is its vtable. Layer 2.
 *
 * The engine writes ops with every number resolved; nothing here knows what a user
 * asked for. An op is one file and one line in this header. */
#ifndef LI_OPS_OP_H
#define LI_OPS_OP_H

#include "image/frame.h"
#include "image/rows.h"

typedef struct li_op li_op;

typedef struct li_op_kind {
    const char *name;
    /* The picture after the op; fails with the code and numbers that a user needs.
     * Pure. */
    li_status (*shape)(li_ctx *ctx, const li_op *op, li_info in, li_info *out);
    /* Upper bound of the memory that the open stage holds, its struct included. Pure.
     */
    uint64_t (*bytes)(const li_op *op, li_info in, li_info out);
    /* Put the stage on *chain, whose info is `in`; on failure *chain is as it was. */
    li_status (*open)(const li_op *op, li_info out, li_rows **chain);
    /* Each of these may be NULL. The layout that the op wants before it, where it
     * cannot do with `in`: the planner converts. */
    li_pixel (*wants)(const li_op *op, li_pixel in);
    /* Would it change nothing? Then the planner drops it. */
    bool (*idle)(const li_op *op, li_info in, li_info out);
    /* What explain() says between the name and the size. */
    void (*say)(const li_op *op, char *text, size_t size);
    /* Does it bring colours of sRGB, or reckon with sRGB's light? It does not go with
     * samples of a profile. */
    bool (*adds_srgb)(const li_op *op, li_pixel in);
    /* Does it spread levels, so that those between 8 bits' would be missed? */
    bool (*stretches)(const li_op *op);
    /* Does what a decoder or a filter left out show more behind it? */
    bool (*brings_out)(const li_op *op);
    bool per_pixel; /* looks at one pixel at a time, wherever it is */
} li_op_kind;

/* A rectangle of pixels. */
typedef struct li_rect {
    uint32_t x, y, width, height;
} li_rect;

typedef enum li_kernel {
    LI_LANCZOS3,
    LI_CUBIC, /* Catmull-Rom */
    LI_BILINEAR,
    LI_BOX,
    LI_NEAREST,
    LI_MITCHELL, /* B = C = 1/3 */
    LI_LANCZOS2,
} li_kernel;

/* The part of an axis that the outputs stand for: [start, start + length) / unit input
 * pixels. A rational, so that a window or a decoder's M/8 scale is exact. May reach
 * past the last input pixel by less than one pixel and half an output; taps outside the
 * input are left out. */
typedef struct li_span {
    uint64_t start, length, unit;
} li_span;

typedef struct li_resize {
    uint32_t width, height;
    li_kernel kernel;
    li_span x, y;
    bool linear; /* sRGB's light is filtered, not its samples */
} li_resize;

/* One of the eight, by EXIF's numbers: 1 as it is, 2 mirrored, 3 half turn, 4 flipped,
 * 5 transposed, 6 clockwise, 7 transversed, 8 counter-clockwise. The number says what
 * must be done to the input to make it upright. */
typedef uint8_t li_orientation;

/* What a table of a tone is made from: see li_tone_brightness and the others. */
typedef enum li_tone_curve {
    LI_TONE_TABLE, /* nothing: of 8 bits only */
    LI_TONE_BRIGHTNESS,
    LI_TONE_CONTRAST,
    LI_TONE_GAMMA,
} li_tone_curve;

/* A table of 256 for every channel but alpha; samples of 16 bits go by the curve. */
typedef struct li_tone {
    uint8_t table[256];
    li_tone_curve curve;
    double value;
} li_tone;

/* Another layout of the same picture. Dropping alpha composites over `background`
 * (RGB) when `flatten` is set, else cuts it off. Gray is Rec. 709 luma. */
typedef struct li_convert {
    li_pixel pixel; /* 0: without alpha, and gray where picture and background are */
    bool flatten;
    uint8_t background[3];
} li_convert;

/* `wanted`, or RGB where `in` is gray that comes to lie on a background with a hue. */
li_pixel li_convert_onto(li_pixel in, li_pixel wanted, const uint8_t background[3]);

/* Red, green, blue and alpha, which is not premultiplied. */
typedef struct li_color {
    uint8_t channel[4];
} li_color;

/* Rows and columns of one colour on each side. */
typedef struct li_pad {
    uint32_t left, top, right, bottom;
    li_color color;
} li_pad;

/* Red, green and blue from red, green and blue, 16 fraction bits; each row sums to 1.
 */
typedef struct li_saturation {
    int32_t matrix[3][3];
} li_saturation;

/* A Gaussian blur; sharpening adds `amount` times what it takes away, where that is
 * above `threshold` levels. */
typedef struct li_blur {
    double sigma;  /* above 0, up to 100 */
    double amount; /* 0..10 */
    uint8_t threshold;
} li_blur;

/* Clockwise, by any angle, over a background; nearest, bilinear or cubic. */
typedef struct li_rotate {
    double degrees;
    li_kernel kernel;
    li_color color;
} li_rotate;

/* A second picture, which an op reads beside the one that it is put on. */
typedef struct li_picture li_picture;
struct li_picture {
    li_info info;   /* gray or RGB with alpha */
    uint64_t bytes; /* upper bound of what one stream of it takes */
    /* Its rows from the first on, on ctx; as often as wanted, one after the other. */
    li_status (*open)(const li_picture *picture, li_ctx *ctx, li_rows **rows);
};

/* Where a part lies in what is left over of an axis: −LI_AT_END at its beginning, 0 in
 * its middle, LI_AT_END at its end, and all between. */
typedef int32_t li_at;
enum {
    LI_AT_END = 1 << 15,
    LI_AT_ATTENTION, /* where the picture is salient, of a request: group/look.h */
};

/* What of `spare` comes before the part, rounded down; of a spare below 0, what of the
 * part is cut off before. */
static inline int64_t
li_at_before(int64_t spare, li_at at)
{
    int64_t size = spare < 0 ? -spare : spare;
    int64_t before = (size * (at + LI_AT_END)) >> 16;
    return spare < 0 ? -before : before;
}

/* A picture laid over another, at a place of its own or by `at`; what sticks out is cut
 * off. `tile`: again and again from there, over everything. */
typedef struct li_overlay {
    const li_picture *picture; /* borrowed */
    bool placed;
    int64_t x, y; /* if placed: of its upper left corner */
    li_at at_x, at_y;
    uint32_t opacity; /* of 1 << 16 */
    bool tile;
} li_overlay;

struct li_op {
    const li_op_kind *kind;
    union {
        li_rect crop;
        li_resize resize;
        li_orientation orient;
        li_tone tone;
        li_convert convert;
        li_pad pad;
        li_saturation saturation;
        li_blur blur;
        li_rotate rotate;
        li_overlay overlay;
        const struct li_icc *icc; /* borrowed */
    } u;
};

/* Does one of them? */
static inline bool
li_ops_bring_out(const li_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ops[i].kind->brings_out && ops[i].kind->brings_out(&ops[i]))
            return true;
    return false;
}

extern const li_op_kind li_op_crop;
extern const li_op_kind li_op_resize;
extern const li_op_kind li_op_orient;
extern const li_op_kind li_op_tone;
extern const li_op_kind li_op_convert;
extern const li_op_kind li_op_pad;
extern const li_op_kind li_op_saturation;
extern const li_op_kind li_op_blur;
extern const li_op_kind li_op_sharpen;
extern const li_op_kind li_op_rotate;
extern const li_op_kind li_op_overlay;

/* The layout, at least `in`, that can hold a colour: RGB if it is no gray, alpha if it
 * is not opaque. */
li_pixel li_pixel_holding(li_pixel in, const li_color *color);
/* The colour as a pixel of that layout: up to LI_MOST_PIXEL_BYTES. */
enum { LI_MOST_PIXEL_BYTES = 8 };
void li_pixel_fill(li_pixel pixel, const li_color *color,
                   uint8_t bytes[LI_MOST_PIXEL_BYTES]);
/* "#rrggbb" or "#rrggbbaa", for li_op_kind.say. */
bool li_color_is_neutral(const uint8_t *rgb); /* black or white: so in any profile */
void li_color_text(const li_color *color, char text[10]);
extern const li_op_kind li_op_color;

/* Take in what a turn in any of the chains must hold before its first row, and close
 * what it came from, so that no decoder is kept beside the encoder that is opened next.
 * Without it the first row does so. The time that it takes is added to *spent_ns. */
li_status li_orient_settle(li_rows *const *chains, uint32_t count,
                           int64_t *spent_ns) LI_MUST_CHECK;
/* The orientation that does `first`, then `second`. */
li_orientation li_orient_then(li_orientation first, li_orientation second);
/* The one that undoes it. */
li_orientation li_orient_inverse(li_orientation orientation);
/* Does it swap width and height? */
static inline bool
li_orient_transposes(li_orientation orientation)
{
    return orientation >= 5;
}
/* Where `rect` of a picture of `info` lies once the picture has been oriented. */
li_rect li_orient_rect(li_orientation orientation, li_info info, li_rect rect);

/* Tables of brightness and contrast, −100..100, rounded once (API: brightness adds
 * 2.55 v; contrast scales by ((100 + v) / 100)² about 127.5). */
void li_tone_brightness(li_tone *tone, double value);
void li_tone_contrast(li_tone *tone, double value);
/* 255 · (i / 255)^(1 / value), value above 0: above 1 is lighter. */
void li_tone_gamma(li_tone *tone, double value);
/* Mixes with Rec. 709 luma: −100 is gray, 0 changes nothing, 100 doubles the distance.
 */
void li_saturation_of(li_saturation *saturation, double value);
/* first, then second, as one table: the same bytes as both in turn. Of 8 bits only. */
void li_tone_then(li_tone *first, const li_tone *second);
/* Does it change no sample of 8 bits; or of 16? */
bool li_tone_idle(const li_tone *tone, bool deep);

/* "lanczos3", …; the names are the public ones. li_kernel_named: −1 if there is none.
 */
const char *li_kernel_name(li_kernel kernel);
int li_kernel_named(const char *name);

#endif
