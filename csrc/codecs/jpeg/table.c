/* table.c: the quantisation table of efforts from LI_EFFORT_PROGRESSIVE on, and which
 * of its scales a quality number stands for. Layer 2. */
#include "codecs/jpeg/effort.h"

const uint8_t li_jpeg_zigzag[DCTSIZE2] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/* 256 · (1 + a (u² + v²)^(b / 2)), a 0.16 and b 1.3 for luma, 0.25 and 1.2 for chroma;
 * the mean 192: sixteenths of the steps at a scale of 100 %. */
static const uint16_t tuned[2][DCTSIZE2] = {
    {
        192, 297, 357, 427, 504, 588, 677, 770, 297, 320, 373, 439, 514, 596, 684, 777,
        357, 373, 414, 473, 543, 622, 707, 797, 427, 439, 473, 524, 588, 661, 742, 830,
        504, 514, 543, 588, 646, 714, 790, 874, 588, 596, 622, 661, 714, 777, 849, 928,
        677, 684, 707, 742, 790, 849, 916, 991, 770, 777, 797, 830, 874, 928, 991, 1063,
    },
    {
        192,  320,  403,  495,  594, 698, 805, 917,  320,  353,  424,  511,  606,
        708,  815,  925,  403,  424, 479, 554, 642,  739,  841,  949,  495,  511,
        554,  619,  698,  787,  884, 988, 594, 606,  642,  698,  768,  850,  941,
        1039, 698,  708,  739,  787, 850, 925, 1010, 1103, 805,  815,  841,  884,
        941,  1010, 1089, 1176, 917, 925, 949, 988,  1039, 1103, 1176, 1258,
    },
};

/* Annex K of the standard. */
static const uint8_t standard[2][DCTSIZE2] = {
    {
        16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
        14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
        18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    },
    {
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
        24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    },
};

/* libjpeg's: in percent. */
static uint32_t
standard_scale(int quality)
{
    return (uint32_t)(quality < 50 ? 5000 / quality : 200 - 2 * quality);
}

typedef struct anchor {
    uint32_t quality, value;
} anchor;

/* On the straight line between the anchors around a quality. */
static uint32_t
along(const anchor *anchors, int quality)
{
    uint32_t at = (uint32_t)quality;
    while (anchors[1].quality < at)
        anchors++;
    uint32_t span = anchors[1].quality - anchors[0].quality;
    return (anchors[0].value * (anchors[1].quality - at) +
            anchors[1].value * (at - anchors[0].quality) + span / 2) /
           span;
}

/* In hundredths of a percent: where the tuned table gives pictures the mean SSIMULACRA2
 * that libjpeg's gives them at a quality; fitted at 4:2:0, on the pictures that
 * benchmarks/jpeg_effort.py calls TUNED_ON. */
static const anchor tuned_scales[] = {
    {40, 11940}, {50, 9650}, {60, 7940}, {70, 6416}, {75, 5536}, {80, 4490},
    {85, 3500},  {90, 2415}, {95, 1395}, {98, 628},  {100, 100},
};

/* The same below, in ten-thousandths of libjpeg's scale, which is too bent for lines;
 * fitted on all the pictures, at two sizes. */
enum { LOW = 40 };
static const anchor tuned_low[] = {
    {1, 5000},   {2, 9080},  {3, 12240}, {5, 11030}, {7, 10680},
    {10, 10210}, {15, 9650}, {20, 9532}, {30, 9458}, {LOW, 9552},
};

/* In thousandths: finer steps where nothing but the tuned luma, or whole chroma, is
 * there to be seen. */
static const anchor tuned_gray[] = {{1, 965},  {40, 975}, {60, 965}, {70, 932},
                                    {80, 912}, {90, 949}, {95, 961}, {100, 1000}};
static const anchor tuned_444[] = {{1, 1000}, {60, 1003}, {70, 980},  {80, 943},
                                   {90, 958}, {95, 950},  {100, 1000}};

/* In thousandths: what a search leaves out is made up for by finer steps. */
static const anchor searched[] = {
    {1, 896}, {90, 900}, {95, 913}, {98, 959}, {100, 1000}};
/* The same of what effort 9 leaves out of coarse steps beyond that. */
static const anchor searched_most[] = {{1, 940},  {3, 950},  {5, 966},   {10, 981},
                                       {20, 981}, {30, 990}, {40, 1000}, {100, 1000}};
/* The same where the table is the standard's. */
static const anchor searched_standard[] = {{1, 980},  {10, 980}, {30, 940},
                                           {50, 900}, {70, 872}, {85, 858},
                                           {95, 890}, {98, 950}, {100, 1000}};

static uint32_t
finer(uint32_t scale, const anchor *thousandths, int quality)
{
    return (scale * along(thousandths, quality) + 500) / 1000;
}

static uint32_t
tuned_scale(int quality)
{
    if (quality >= LOW)
        return along(tuned_scales, quality);
    return (standard_scale(quality) * along(tuned_low, quality) + 50) / 100;
}

/* In hundredths of a percent. */
static uint32_t
scale_of(const li_jpeg_choice *choice)
{
    uint32_t scale = choice->tuned ? tuned_scale(choice->quality)
                                   : 100 * standard_scale(choice->quality);
    const li_jpeg_frame *frame = &choice->frame;
    if (choice->tuned && frame->max_h * frame->max_v == 1)
        scale =
            finer(scale, frame->count == 1 ? tuned_gray : tuned_444, choice->quality);
    if (!choice->trellis)
        return scale;
    if (choice->effort >= LI_EFFORT_MOST && choice->tuned)
        scale = finer(scale, searched_most, choice->quality);
    return finer(scale, choice->tuned ? searched : searched_standard, choice->quality);
}

static uint16_t
step_of(uint32_t step)
{
    return (uint16_t)(step < 1 ? 1 : step > 255 ? 255 : step);
}

static uint16_t
standard_step(int which, int i, uint32_t scale)
{
    return step_of((standard[which][i] * scale + 5000) / 10000);
}

void
li_jpeg_quantization(const li_jpeg_choice *choice, int which, uint16_t table[DCTSIZE2])
{
    uint32_t scale = scale_of(choice);
    for (int i = 0; i < DCTSIZE2; i++)
        table[i] = choice->tuned ? step_of((tuned[which][i] * scale + 80000) / 160000)
                                 : standard_step(which, i, scale);
}

static bool
is_coarser(const uint16_t table[DCTSIZE2], int which, int quality)
{
    for (int i = 0; i < DCTSIZE2; i++)
        if (table[i] < standard_step(which, i, 100 * standard_scale(quality)))
            return false;
    return true;
}

int
li_jpeg_bounding_quality(const li_jpeg_choice *choice, const uint8_t *listed,
                         size_t count)
{
    uint16_t luma[DCTSIZE2], chroma[DCTSIZE2];
    if (!choice->tuned && !choice->trellis)
        return choice->quality;
    li_jpeg_quantization(choice, 0, luma);
    li_jpeg_quantization(choice, 1, chroma);
    for (size_t i = 0; i < count; i++)
        if (is_coarser(luma, 0, listed[i]) && is_coarser(chroma, 1, listed[i]))
            return listed[i];
    return 100;
}
