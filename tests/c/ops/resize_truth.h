/* resize_truth.h: a resize as the definition says it, in long double, one weight of
 * every input for every output; and how far a picture is from it. */
#ifndef LI_TESTS_OPS_RESIZE_TRUTH_H
#define LI_TESTS_OPS_RESIZE_TRUTH_H

#include "pictures.h"

#include <math.h>

static inline long double
sinc(long double x)
{
    const long double pi = 3.141592653589793238462643383279502884L;
    return fabsl(x) < 1e-18L ? 1 : sinl(pi * x) / (pi * x);
}

static inline long double
kernel_value(li_kernel kernel, long double x)
{
    long double d = fabsl(x);
    switch (kernel) {
    case LI_LANCZOS3:
        return d < 3 ? sinc(d) * sinc(d / 3) : 0;
    case LI_CUBIC:
        if (d < 1)
            return (1.5L * d - 2.5L) * d * d + 1;
        return d < 2 ? ((-0.5L * d + 2.5L) * d - 4) * d + 2 : 0;
    case LI_BILINEAR:
        return d < 1 ? 1 - d : 0;
    case LI_BOX: /* half on the step, so that the mirror image is the same */
        return fabsl(d - 0.5L) < 1e-12L ? 0.5L : d < 0.5L;
    case LI_MITCHELL: /* ((12 − 9B − 6C) d³ + …)/6 with B = C = 1/3 */
        if (d < 1)
            return (7 * d * d * d - 12 * d * d + 16 / 3.0L) / 6;
        return d < 2 ? (-7 / 3.0L * d * d * d + 12 * d * d - 20 * d + 32 / 3.0L) / 6
                     : 0;
    case LI_LANCZOS2:
        return d < 2 ? sinc(d) * sinc(d / 2) : 0;
    case LI_NEAREST:
        break;
    }
    return 0;
}

/* Weights of output i over all `inputs`. */
static inline void
true_weights(li_kernel kernel, li_span span, uint32_t count, uint32_t inputs,
             uint32_t i, long double *weights)
{
    long double centre =
        ((long double)span.start + (i + 0.5L) * (long double)span.length / count) /
        (long double)span.unit;
    if (kernel == LI_NEAREST) {
        __extension__ typedef unsigned __int128 wide;
        wide above = 2 * (wide)span.start * count + (2 * (wide)i + 1) * span.length;
        uint64_t pixel = (uint64_t)(above / (2 * (wide)span.unit * count));
        for (uint32_t x = 0; x < inputs; x++)
            weights[x] = x == (pixel < inputs ? pixel : inputs - 1);
        return;
    }
    if (centre > inputs)
        centre = inputs;
    long double scale = (long double)span.length / count / (long double)span.unit,
                sum = 0;
    scale = scale > 1 ? scale : 1;
    for (uint32_t x = 0; x < inputs; x++)
        sum += weights[x] = kernel_value(kernel, (x + 0.5L - centre) / scale);
    for (uint32_t x = 0; x < inputs; x++)
        weights[x] /= sum;
}

/* One axis of planes of long doubles: `lines` lines of `inputs` with the given strides,
 * to lines of `count`. */
static inline long double *
true_axis(li_kernel kernel, li_span span, uint32_t count, uint32_t inputs,
          const long double *from, uint32_t lines, size_t line_stride, size_t step,
          size_t out_line_stride, size_t out_step)
{
    long double *out = calloc((size_t)lines * count, sizeof(*out));
    long double *weights = calloc(inputs, sizeof(*weights));
    for (uint32_t i = 0; i < count; i++) {
        true_weights(kernel, span, count, inputs, i, weights);
        for (uint32_t line = 0; line < lines; line++) {
            long double sum = 0;
            for (uint32_t x = 0; x < inputs; x++)
                sum += weights[x] * from[line * line_stride + x * step];
            out[line * out_line_stride + i * out_step] = sum;
        }
    }
    free(weights);
    return out;
}

/* Channel c of `in`, colours times alpha, resized. Nearest has no arithmetic to weigh.
 */
static inline long double *
true_channel(const li_resize *resize, const li_frame *in, uint32_t c)
{
    uint32_t w = in->info.width, h = in->info.height;
    uint32_t channels = li_pixel_channels(in->info.pixel);
    long double white = picture_white(in);
    bool weigh = li_pixel_has_alpha(in->info.pixel) && c + 1 < channels &&
                 resize->kernel != LI_NEAREST;
    long double *plane = calloc((size_t)w * h, sizeof(*plane));
    for (uint32_t y = 0; y < h; y++)
        for (uint32_t x = 0; x < w; x++) {
            long double alpha = picture_value(in, x, y, channels - 1);
            plane[(size_t)y * w + x] =
                picture_value(in, x, y, c) * (weigh ? alpha / white : 1);
        }
    long double *across = true_axis(resize->kernel, resize->x, resize->width, w, plane,
                                    h, w, 1, resize->width, 1);
    long double *down = true_axis(resize->kernel, resize->y, resize->height, h, across,
                                  resize->width, 1, resize->width, 1, resize->width);
    free(plane);
    free(across);
    return down;
}

static inline long double
clamp(long double value, long double white)
{
    return value < 0 ? 0 : value > white ? white : value;
}

typedef struct difference {
    long double worst, sum;
    uint64_t samples;
} difference;

static inline void
note(difference *seen, long double error)
{
    error = fabsl(error);
    seen->worst = error > seen->worst ? error : seen->worst;
    seen->sum += error;
    seen->samples++;
}

/* Pictures without alpha: distance to the unrounded truth. With: of what is seen over
 * black, that is, colour times alpha. */
static inline void
compare(const li_resize *resize, const li_frame *in, const li_frame *out,
        difference *seen)
{
    uint32_t channels = li_pixel_channels(in->info.pixel);
    long double white = picture_white(in);
    bool weighed = li_pixel_has_alpha(in->info.pixel) && resize->kernel != LI_NEAREST;
    long double *alpha = weighed ? true_channel(resize, in, channels - 1) : NULL;
    for (uint32_t c = 0; c < channels; c++) {
        long double *truth = true_channel(resize, in, c);
        for (uint32_t y = 0; y < resize->height; y++)
            for (uint32_t x = 0; x < resize->width; x++) {
                size_t at = (size_t)y * resize->width + x;
                long double value = picture_value(out, x, y, c);
                if (!weighed || c + 1 == channels) {
                    note(seen, value - clamp(truth[at], white));
                    continue;
                }
                long double opacity = clamp(alpha[at], white);
                long double colour =
                    alpha[at] > 0 ? clamp(white * truth[at] / alpha[at], white) : 0;
                value *= picture_value(out, x, y, channels - 1);
                note(seen, (value - colour * opacity) / white);
            }
        free(truth);
    }
    free(alpha);
}

#endif
