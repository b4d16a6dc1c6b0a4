/* profile_make.h: small ICC profiles made by hand: primaries and one curve. Test
 * support. */
#ifndef LI_TESTS_PROFILE_MAKE_H
#define LI_TESTS_PROFILE_MAKE_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct profile_bytes {
    uint8_t *data;
    size_t size;
} profile_bytes;

/* X, Y, Z of red, green and blue, adapted to D50. */
static const double srgb_primaries[3][3] = {{0.43607, 0.22249, 0.01392},
                                            {0.38515, 0.71687, 0.09708},
                                            {0.14307, 0.06061, 0.71410}};
static const double p3_primaries[3][3] = {{0.51512, 0.24120, -0.00105},
                                          {0.29198, 0.69225, 0.04189},
                                          {0.15710, 0.06657, 0.78407}};

static inline void
put_be32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline void
put_fixed(uint8_t *at, double value)
{
    put_be32(at, (uint32_t)(int32_t)lround(value * 65536));
}

/* A 'para' of function 0, 3 or 4 with its numbers. */
static inline size_t
put_parameters(uint8_t *at, uint16_t function, const double *numbers, size_t count)
{
    memcpy(at, "para\0\0\0\0\0\0\0\0", 12);
    at[9] = (uint8_t)function;
    for (size_t i = 0; i < count; i++)
        put_fixed(at + 12 + 4 * i, numbers[i]);
    return 12 + 4 * count;
}

/* A 'curv' with `count` samples of a function. */
static inline size_t
put_table(uint8_t *at, uint32_t count, double (*light)(double))
{
    memcpy(at, "curv\0\0\0\0", 8);
    put_be32(at + 8, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t sample = (uint32_t)lround(65535 * light(i / (count - 1.0)));
        at[12 + 2 * i] = (uint8_t)(sample >> 8);
        at[13 + 2 * i] = (uint8_t)sample;
    }
    return 12 + 2 * (size_t)count;
}

/* The profile, its three curves the same; `space` is "RGB " or "GRAY". */
static inline profile_bytes
make_profile(const char *space, const double primaries[3][3], const uint8_t *curve,
             size_t curve_size)
{
    static const char colours[6][5] = {"rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"};
    enum { XYZ = 20, HEAD = 132, MOST = 8 };
    size_t white = HEAD + 12 * MOST, at = white + XYZ;
    profile_bytes made = {calloc(1, at + 3 * XYZ + curve_size), at + 3 * XYZ};
    size_t curve_at = made.size;
    uint8_t *data = made.data, *tag = data + HEAD;
    made.size += curve_size;
    put_be32(data, (uint32_t)made.size);
    memcpy(data + 8, "\4\0\0\0mntr", 8);
    memcpy(data + 16, space, 4);
    memcpy(data + 20, "XYZ ", 4);
    memcpy(data + 36, "acsp", 4);
    put_fixed(data + 68, 0.9642), put_fixed(data + 72, 1), put_fixed(data + 76, 0.8249);
    put_be32(data + 128, space[0] == 'G' ? 2 : 7);
    memcpy(tag, "wtpt", 4);
    put_be32(tag + 4, (uint32_t)white), put_be32(tag + 8, XYZ);
    memcpy(data + white, "XYZ ", 4);
    memcpy(data + white + 8, data + 68, 12);
    memcpy(data + curve_at, curve, curve_size);
    for (int i = 0; i < 6; i++) {
        tag += 12;
        memcpy(tag, space[0] == 'G' ? "kTRC" : colours[i], 4);
        bool is_curve = i > 2 || space[0] == 'G';
        put_be32(tag + 4, (uint32_t)(is_curve ? curve_at : at + (size_t)i * XYZ));
        put_be32(tag + 8, is_curve ? (uint32_t)curve_size : XYZ);
        if (space[0] == 'G')
            break;
        if (i > 2)
            continue;
        memcpy(data + at + i * XYZ, "XYZ ", 4);
        for (int k = 0; k < 3; k++)
            put_fixed(data + at + i * XYZ + 8 + 4 * k, primaries[i][k]);
    }
    return made;
}

#endif
