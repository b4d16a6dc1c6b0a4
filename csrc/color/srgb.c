/* srgb.c: most profiles say no more than "sRGB", in many spellings. They are read here
 * in some microseconds, where lcms2 would take a hundred times that. Layer 2. */
#include "color/srgb.h"

#include <math.h>
#include <string.h>

enum {
    HEADER_BYTES = 128,
    TAG_BYTES = 12,  /* name, offset, size */
    MOST_TAGS = 100, /* as many as lcms2 reads */
    XYZ_BYTES = 20,
    CURVE_HEAD_BYTES = 12,
    PARAMETERS = 7,
};

typedef struct span {
    const uint8_t *data; /* borrowed; NULL: it is not there */
    size_t size;
} span;

static uint32_t
read_be32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 |
           data[3];
}

static double
read_fixed(const uint8_t *data)
{
    return (int32_t)read_be32(data) / 65536.0;
}

static bool
is_name(const uint8_t *data, const char *name)
{
    return memcmp(data, name, 4) == 0;
}

double
li_srgb_light(double value)
{
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

double
li_srgb_value(double light)
{
    light = light < 0 ? 0 : light > 1 ? 1 : light;
    return light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055;
}

static span
find_tag(span profile, const char *name)
{
    uint32_t count = read_be32(profile.data + HEADER_BYTES);
    for (uint32_t i = 0; i < count && i < MOST_TAGS; i++) {
        size_t at = HEADER_BYTES + 4 + (size_t)i * TAG_BYTES;
        if (profile.size - at < TAG_BYTES)
            break;
        const uint8_t *tag = profile.data + at;
        uint32_t offset = read_be32(tag + 4), size = read_be32(tag + 8);
        if (is_name(tag, name) && offset <= profile.size &&
            size <= profile.size - offset)
            return (span){profile.data + offset, size};
    }
    return (span){NULL, 0};
}

/* --- curves ------------------------------------------------------------------------
 */

/* 'para' by its function: y = (ax + b)^g [+ e] from d on, below it cx [+ f], or 0. */
static bool
read_parameters(span curve, double p[PARAMETERS])
{
    static const uint8_t counts[] = {1, 3, 4, 5, 7};
    uint32_t function = (uint32_t)curve.data[8] << 8 | curve.data[9];
    if (function >= sizeof(counts) ||
        curve.size - CURVE_HEAD_BYTES < 4 * (size_t)counts[function])
        return false;
    for (uint32_t i = 0; i < PARAMETERS; i++)
        p[i] = i < counts[function] ? read_fixed(curve.data + CURVE_HEAD_BYTES + 4 * i)
                                    : 0;
    return function >= 3; /* the others cannot be sRGB's */
}

static double
eval_parameters(const double p[PARAMETERS], double x)
{
    if (x < p[4])
        return p[3] * x + p[6];
    double base = p[1] * x + p[2];
    return (base > 0 ? pow(base, p[0]) : 0) + p[5];
}

/* 'curv' with a table: the samples lie at equal distances from 0 to 1. */
static double
eval_table(span curve, uint32_t count, double x)
{
    const uint8_t *samples = curve.data + CURVE_HEAD_BYTES;
    double place = x * (count - 1);
    uint32_t i = (uint32_t)place, next = i + 1 < count ? i + 1 : i;
    double low = samples[2 * (size_t)i] << 8 | samples[2 * (size_t)i + 1];
    double high = samples[2 * (size_t)next] << 8 | samples[2 * (size_t)next + 1];
    return (low + (high - low) * (place - i)) / 65535;
}

/* For each level of 8 bits the light of that level, to within one. */
static bool
is_srgb_curve(span curve)
{
    double p[PARAMETERS];
    if (!curve.data || curve.size < CURVE_HEAD_BYTES)
        return false;
    uint32_t count = read_be32(curve.data + 8);
    bool table = is_name(curve.data, "curv");
    if (table ? count < 2 || (curve.size - CURVE_HEAD_BYTES) / 2 < count
              : !is_name(curve.data, "para") || !read_parameters(curve, p))
        return false;
    for (int level = 0; level < 256; level++) {
        double x = level / 255.0, low = li_srgb_light((level - 1) / 255.0);
        double light = table ? eval_table(curve, count, x) : eval_parameters(p, x);
        if (light < low || light > li_srgb_light((level + 1) / 255.0))
            return false;
    }
    return true;
}

/* --- primaries ----------------------------------------------------------------------
 */

/* From XYZ (D50) to the light of sRGB. Profiles of sRGB differ by how white was
 * adapted: lcms2's own is off by 0.0005, two levels where the curve is steepest (12.92
 * × 255 a light), that is, in the black of a channel whose neighbours are full. */
static bool
are_srgb_primaries(span profile)
{
    static const double to_srgb[3][3] = {{3.1341122, -1.6173925, -0.4906334},
                                         {-0.9787873, 1.9162796, 0.0334547},
                                         {0.0719830, -0.2289859, 1.4053851}};
    static const char names[3][5] = {"rXYZ", "gXYZ", "bXYZ"};
    for (int c = 0; c < 3; c++) {
        span tag = find_tag(profile, names[c]);
        if (!tag.data || tag.size < XYZ_BYTES || !is_name(tag.data, "XYZ "))
            return false;
        for (int row = 0; row < 3; row++) {
            double sum = 0;
            for (int k = 0; k < 3; k++)
                sum += to_srgb[row][k] * read_fixed(tag.data + 8 + 4 * k);
            if (fabs(sum - (row == c)) > 0.0006)
                return false;
        }
    }
    return true;
}

/* Tables of colours count before matrix and curves. */
static bool
has_tables(span profile)
{
    static const char names[][5] = {"A2B0", "A2B1", "A2B2", "D2B0", "D2B1", "D2B2"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (find_tag(profile, names[i]).data)
            return true;
    return false;
}

static bool
are_srgb_curves(span profile)
{
    span red = find_tag(profile, "rTRC"), green = find_tag(profile, "gTRC"),
         blue = find_tag(profile, "bTRC");
    return is_srgb_curve(red) && (green.data == red.data || is_srgb_curve(green)) &&
           (blue.data == red.data || is_srgb_curve(blue));
}

bool
li_srgb_is(const uint8_t *profile, size_t size)
{
    span whole = {profile, size};
    if (size < HEADER_BYTES + 4 || !is_name(profile + 36, "acsp") ||
        !is_name(profile + 20, "XYZ ") || has_tables(whole))
        return false;
    if (is_name(profile + 16, "GRAY"))
        return is_srgb_curve(find_tag(whole, "kTRC"));
    return is_name(profile + 16, "RGB ") && are_srgb_primaries(whole) &&
           are_srgb_curves(whole);
}
