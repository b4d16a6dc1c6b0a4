/* dct.c: the forward DCT in floating point, two times eight columns at once, by the
 * split into even and odd parts. Multiplied, then added, in one order everywhere, so
 * the coefficients are the same on every machine. Layer 2. */
#include "codecs/jpeg/effort.h"

#include <string.h>

/* cos(k π / 16) / 2, and for k = 4 also the scale of the mean: 1 / √8. */
static const float cosine[8] = {0.5f,         0.490392640f, 0.461939766f,
                                0.415734806f, 0.353553391f, 0.277785117f,
                                0.191341716f, 0.0975451610f};

/* One dimension, down, of eight columns at once. */
static void
transform_columns(const float from[DCTSIZE][DCTSIZE], float to[DCTSIZE][DCTSIZE])
{
    for (int x = 0; x < DCTSIZE; x++) {
        float s0 = from[0][x] + from[7][x], d0 = from[0][x] - from[7][x];
        float s1 = from[1][x] + from[6][x], d1 = from[1][x] - from[6][x];
        float s2 = from[2][x] + from[5][x], d2 = from[2][x] - from[5][x];
        float s3 = from[3][x] + from[4][x], d3 = from[3][x] - from[4][x];
        float e0 = s0 + s3, e1 = s1 + s2, e2 = s1 - s2, e3 = s0 - s3;
        to[0][x] = (e0 + e1) * cosine[4];
        to[4][x] = (e0 - e1) * cosine[4];
        to[2][x] = e3 * cosine[2] + e2 * cosine[6];
        to[6][x] = e3 * cosine[6] - e2 * cosine[2];
        to[1][x] =
            (d0 * cosine[1] + d1 * cosine[3]) + (d2 * cosine[5] + d3 * cosine[7]);
        to[3][x] =
            (d0 * cosine[3] - d1 * cosine[7]) - (d2 * cosine[1] + d3 * cosine[5]);
        to[5][x] =
            (d0 * cosine[5] - d1 * cosine[1]) + (d2 * cosine[7] + d3 * cosine[3]);
        to[7][x] =
            (d0 * cosine[7] - d1 * cosine[5]) + (d2 * cosine[3] - d3 * cosine[1]);
    }
}

static void
transpose(const float from[DCTSIZE][DCTSIZE], float to[DCTSIZE][DCTSIZE])
{
    for (int y = 0; y < DCTSIZE; y++)
        for (int x = 0; x < DCTSIZE; x++)
            to[y][x] = from[x][y];
}

void
li_jpeg_transform(const float *samples, size_t stride, li_jpeg_block block)
{
    float one[DCTSIZE][DCTSIZE], two[DCTSIZE][DCTSIZE];
    int16_t rounded[DCTSIZE2];
    for (int y = 0; y < DCTSIZE; y++)
        memcpy(one[y], samples + (size_t)y * stride, sizeof(one[y]));
    transform_columns(one, two);
    transpose(two, one);
    transform_columns(one, two); /* [u][v]: transposed */
    const float *flat = &two[0][0];
    for (int i = 0; i < DCTSIZE2; i++) {
        float value = flat[i] * LI_DCT_SCALE;
        rounded[i] = (int16_t)(int32_t)(value + (value < 0 ? -0.5f : 0.5f));
    }
    for (int k = 0; k < DCTSIZE2; k++) {
        int at = li_jpeg_zigzag[k];
        block[k] = rounded[at % DCTSIZE * DCTSIZE + at / DCTSIZE];
    }
}
