/* ycc.c: the numbers of Y, Cb, Cr → RGB, from the weights of red and blue in luma.
 * Layer 1. */
#include "kernels/kernels.h"

/* 0.299 and 0.114: test_ycc.c holds these against li_ycc_of. */
const li_ycc li_ycc_jfif = {
    .y_offset = 0,
    .y_scale = 1 << LI_YCC_BITS,
    .cr_red = 1470104,
    .cb_green = -360853,
    .cr_green = -748826,
    .cb_blue = 1858077,
};

const li_ycc li_ycc_studio = {
    .y_offset = 16,
    .y_scale = 1220945,
    .cr_red = 1673555,
    .cb_green = -410793,
    .cr_green = -852458,
    .cb_blue = 2115221,
};

static int32_t
fixed(double value)
{
    double scaled = value * (1 << LI_YCC_BITS);
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* Cb is half of (blue − luma)/(1 − its weight), Cr likewise; green is what luma leaves.
 * Studio stretches 219 steps of luma and 224 of chroma to 255. */
li_ycc
li_ycc_of(double red, double blue, bool studio)
{
    double green = 1 - red - blue, chroma = studio ? 255.0 / 224 : 1;
    return (li_ycc){
        .y_offset = studio ? 16 : 0,
        .y_scale = fixed(studio ? 255.0 / 219 : 1),
        .cr_red = fixed(chroma * 2 * (1 - red)),
        .cb_green = fixed(-chroma * 2 * blue * (1 - blue) / green),
        .cr_green = fixed(-chroma * 2 * red * (1 - red) / green),
        .cb_blue = fixed(chroma * 2 * (1 - blue)),
    };
}
