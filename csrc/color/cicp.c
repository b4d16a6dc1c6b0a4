/* cicp.c: H.273's primaries and transfers, and PNG's; light above white is brought
 * below it. Layer 2. */
#include "color/cicp.h"
#include "color/srgb.h"

#include <math.h>
#include <string.h>

#define SDR_WHITE 203.0 /* cd/m², BT.2408 */
#define PQ_PEAK (10000 / SDR_WHITE)

enum { WHITE, RED, GREEN, BLUE, PLACES };

typedef struct place {
    double x, y;
} place;

/* --- transfers ---------------------------------------------------------------------
 */

static const double pq_m1 = 0.1593017578125, pq_m2 = 78.84375, pq_c1 = 0.8359375,
                    pq_c2 = 18.8515625, pq_c3 = 18.6875; /* SMPTE ST 2084 */

static double
pq_light(double value)
{
    double root = pow(value, 1 / pq_m2);
    double above = root > pq_c1 ? root - pq_c1 : 0;
    return PQ_PEAK * pow(above / (pq_c2 - pq_c3 * root), 1 / pq_m1);
}

double
li_pq_value(double light)
{
    double power = pow((light > 0 ? light : 0) / PQ_PEAK, pq_m1);
    return pow((pq_c1 + pq_c2 * power) / (1 + pq_c3 * power), pq_m2);
}

/* BT.2100's inverse OETF. */
static double
hlg_light(double value)
{
    static const double a = 0.17883277, b = 0.28466892, c = 0.55991073;
    return value <= 0.5 ? value * value / 3 : (exp((value - c) / a) + b) / 12;
}

/* The camera curves of BT.709, 601 and 2020 are shown as sRGB's is: nobody who writes
 * them into a still picture means another look. */
static double
transfer_light(uint8_t transfer, double value)
{
    switch (transfer) {
    case 4:
        return pow(value, 2.2);
    case 5:
        return pow(value, 2.8);
    case 8:
        return value;
    case 9:
        return value > 0 ? pow(10, 2 * (value - 1)) : 0;
    case 10:
        return value > 0 ? pow(10, 2.5 * (value - 1)) : 0;
    case LI_CICP_PQ:
        return pq_light(value);
    case 17:
        return pow(value, 2.6);
    case LI_CICP_HLG:
        return hlg_light(value);
    default:
        return li_srgb_light(value);
    }
}

static bool
is_near(uint32_t a, uint32_t b, uint32_t most)
{
    return (a > b ? a - b : b - a) <= most;
}

static bool
has_other_places(const li_cicp *cicp)
{
    enum { TOLERANCE = 100 };
    static const uint32_t srgb[8] = {31270, 32900, 64000, 33000,
                                     30000, 60000, 15000, 6000};
    bool said = false, same = true;
    if (cicp->primaries)
        return cicp->primaries > 2;
    for (int i = 0; i < 8; i++) {
        said = said || cicp->places[i];
        same = same && is_near(cicp->places[i], srgb[i], TOLERANCE);
    }
    return said && !same;
}

/* Gammas of 1/2.2 ± 5 % stand for sRGB's curve, as libpng has it, beside sRGB's
 * primaries. */
static bool
is_other_curve(const li_cicp *cicp)
{
    static const uint8_t others[] = {4, 5, 8, 9, 10, LI_CICP_PQ, 17, LI_CICP_HLG};
    if (cicp->transfer)
        return memchr(others, cicp->transfer, sizeof(others)) != NULL;
    return cicp->gamma &&
           (!is_near(cicp->gamma, 45455, 2273) || has_other_places(cicp));
}

double
li_cicp_light(const li_cicp *cicp, double value)
{
    if (cicp->narrow)
        value = fmin(fmax((255 * value - 16) / 219, 0), 1);
    if (cicp->transfer)
        return transfer_light(cicp->transfer, value);
    return is_other_curve(cicp) ? pow(value, 100000.0 / cicp->gamma)
                                : li_srgb_light(value);
}

/* Hermite's spline from the knee on, in PQ's values of 0..peak. */
double
li_tone_map(double light, double peak)
{
    double whole = li_pq_value(peak), most = li_pq_value(1) / whole;
    double knee = 1.5 * most - 0.5, at = li_pq_value(light) / whole;
    at = at < 1 ? at : 1;
    if (at < knee)
        return light;
    double t = (at - knee) / (1 - knee), t2 = t * t, t3 = t2 * t;
    double value = (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) +
                   (3 * t2 - 2 * t3) * most;
    return pq_light(value * whole);
}

/* --- primaries ---------------------------------------------------------------------
 */

static const place d65 = {0.3127, 0.3290}, c = {0.310, 0.316}, e = {1.0 / 3, 1.0 / 3},
                   dci = {0.314, 0.351};

static const struct {
    uint8_t number;
    const place *white;
    place colours[3];
} known[] = {
    {1, &d65, {{0.640, 0.330}, {0.300, 0.600}, {0.150, 0.060}}},
    {4, &c, {{0.67, 0.33}, {0.21, 0.71}, {0.14, 0.08}}},
    {5, &d65, {{0.64, 0.33}, {0.29, 0.60}, {0.15, 0.06}}},
    {6, &d65, {{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}}},
    {7, &d65, {{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}}},
    {8, &c, {{0.681, 0.319}, {0.243, 0.692}, {0.145, 0.049}}},
    {9, &d65, {{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}}},
    {10, &e, {{1, 0}, {0, 1}, {0, 0}}},
    {11, &dci, {{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}}},
    {12, &d65, {{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}}},
    {22, &d65, {{0.630, 0.340}, {0.295, 0.605}, {0.155, 0.077}}},
};

/* The index in `known`, or how many there are. */
static size_t
find_number(uint8_t number)
{
    size_t i = 0;
    while (i < sizeof(known) / sizeof(known[0]) && known[i].number != number)
        i++;
    return i;
}

static bool
find_places(const li_cicp *cicp, place places[PLACES])
{
    size_t i = find_number(cicp->primaries);
    if (i < sizeof(known) / sizeof(known[0])) {
        places[WHITE] = *known[i].white;
        memcpy(&places[RED], known[i].colours, sizeof(known[i].colours));
        return true;
    }
    for (int k = 0; k < PLACES; k++)
        places[k] = (place){cicp->places[2 * k] / 1e5, cicp->places[2 * k + 1] / 1e5};
    return !cicp->primaries;
}

static void
multiply(const double a[3][3], const double b[3][3], double product[3][3])
{
    double sums[3][3] = {{0}};
    for (int row = 0; row < 3; row++)
        for (int column = 0; column < 3; column++)
            for (int k = 0; k < 3; k++)
                sums[row][column] += a[row][k] * b[k][column];
    memcpy(product, sums, sizeof(sums));
}

/* By cofactors; false: there is none. `inverse` may be `m`. */
static bool
invert(const double m[3][3], double inverse[3][3])
{
    double turned[3][3], whole = 0;
    for (int row = 0; row < 3; row++)
        for (int column = 0; column < 3; column++) {
            int r1 = (column + 1) % 3, r2 = (column + 2) % 3;
            int c1 = (row + 1) % 3, c2 = (row + 2) % 3;
            turned[row][column] = m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1];
        }
    for (int k = 0; k < 3; k++)
        whole += m[0][k] * turned[k][0];
    if (fabs(whole) < 1e-6)
        return false;
    for (int i = 0; i < 9; i++)
        inverse[i / 3][i % 3] = turned[i / 3][i % 3] / whole;
    return true;
}

/* X, Y, Z of a place with Y = 1; of blue as X has it, y may be 0. */
static void
set_column(double m[3][3], int column, place at)
{
    m[0][column] = at.x;
    m[1][column] = at.y;
    m[2][column] = 1 - at.x - at.y;
}

static bool
white_of(place at, double white[3])
{
    if (at.y < 1e-3)
        return false;
    white[0] = at.x / at.y;
    white[1] = 1;
    white[2] = (1 - at.x - at.y) / at.y;
    return true;
}

/* Light to X, Y, Z: each primary as strong as white needs it. */
static bool
to_xyz(const place places[PLACES], double matrix[3][3])
{
    double inverse[3][3], white[3];
    for (int i = 0; i < 3; i++)
        set_column(matrix, i, places[RED + i]);
    if (!invert(matrix, inverse) || !white_of(places[WHITE], white))
        return false;
    for (int column = 0; column < 3; column++) {
        double strength = 0;
        for (int k = 0; k < 3; k++)
            strength += inverse[column][k] * white[k];
        for (int row = 0; row < 3; row++)
            matrix[row][column] *= strength;
    }
    return true;
}

/* Bradford's: white becomes white. */
static bool
adapt(place from, place to, double matrix[3][3])
{
    static const double cones[3][3] = {{0.8951, 0.2664, -0.1614},
                                       {-0.7502, 1.7135, 0.0367},
                                       {0.0389, -0.0685, 1.0296}};
    double back[3][3], scale[3][3] = {{0}}, a[3], b[3];
    if (!white_of(from, a) || !white_of(to, b) || !invert(cones, back))
        return false;
    for (int row = 0; row < 3; row++) {
        double is = 0, wanted = 0;
        for (int k = 0; k < 3; k++) {
            is += cones[row][k] * a[k];
            wanted += cones[row][k] * b[k];
        }
        if (fabs(is) < 1e-6)
            return false;
        scale[row][row] = wanted / is;
    }
    multiply(scale, cones, matrix);
    multiply(back, matrix, matrix);
    return true;
}

bool
li_cicp_matrix(const li_cicp *cicp, double matrix[3][3])
{
    static const place srgb[PLACES] = {
        {0.3127, 0.3290}, {0.640, 0.330}, {0.300, 0.600}, {0.150, 0.060}};
    enum { MOST = 100 }; /* real ones have less than 4 */
    place places[PLACES];
    double own[3][3], other[3][3], adapted[3][3];
    if (!find_places(cicp, places) || !to_xyz(places, own) || !to_xyz(srgb, other) ||
        !adapt(places[WHITE], srgb[WHITE], adapted) || !invert(other, other))
        return false;
    multiply(adapted, own, matrix);
    multiply(other, matrix, matrix);
    bool sane = true; /* false of what is no number, too */
    for (int i = 0; i < 9; i++)
        sane = sane && fabs(matrix[i / 3][i % 3]) < MOST;
    return sane;
}

/* --- is it sRGB? --------------------------------------------------------------------
 */

bool
li_cicp_differs(const li_cicp *cicp)
{
    double matrix[3][3];
    return cicp->narrow || is_other_curve(cicp) ||
           (has_other_places(cicp) && li_cicp_matrix(cicp, matrix));
}

bool
li_cicp_is_known(const li_cicp *cicp)
{
    enum { UNSPECIFIED = 2, RESERVED = 3, LAST = LI_CICP_HLG };
    uint8_t primaries = cicp->primaries, transfer = cicp->transfer;
    bool known_primaries = find_number(primaries) < sizeof(known) / sizeof(known[0]);
    return (known_primaries || primaries == UNSPECIFIED) && transfer > 0 &&
           transfer != RESERVED && transfer <= LAST &&
           (known_primaries || transfer != UNSPECIFIED);
}

/* --- telling it again ---------------------------------------------------------------
 */

/* As exact as sRGB's are told. */
static bool
is_place(const uint32_t said[2], place at)
{
    enum { TOLERANCE = 100 };
    return fabs(said[0] - 1e5 * at.x) <= TOLERANCE &&
           fabs(said[1] - 1e5 * at.y) <= TOLERANCE;
}

/* 0: none has these places. */
static uint8_t
name_places(const li_cicp *said)
{
    if (!has_other_places(said))
        return 1;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        bool same = is_place(said->places, *known[i].white);
        for (size_t k = 0; k < 3; k++)
            same = same && is_place(said->places + 2 + 2 * k, known[i].colours[k]);
        if (same)
            return known[i].number;
    }
    return 0;
}

/* The powers that H.273 has, to the digits that gAMA is written with. */
static uint8_t
name_gamma(const li_cicp *said)
{
    enum { TOLERANCE = 10 };
    static const struct {
        uint8_t number;
        uint32_t gamma;
    } powers[] = {{4, 45455}, {5, 35714}, {8, 100000}};
    if (!is_other_curve(said))
        return 13;
    for (size_t i = 0; i < sizeof(powers) / sizeof(powers[0]); i++)
        if (is_near(said->gamma, powers[i].gamma, TOLERANCE))
            return powers[i].number;
    return 0;
}

static bool
tell_numbers(const li_cicp *said, li_numbers room, li_cicp *told)
{
    li_cicp own = {.primaries = said->primaries ? said->primaries : 2,
                   .transfer = said->transfer ? said->transfer : 2,
                   .narrow = said->narrow};
    if (room == LI_NUMBERS_NONE || !li_cicp_is_known(&own))
        return !li_cicp_differs(said);
    own.narrow = said->narrow && room == LI_NUMBERS_ALL;
    if (own.primaries != 1 || own.transfer != 13 || own.narrow)
        *told = own;
    return own.narrow == said->narrow;
}

static bool
tell(const li_cicp *said, li_numbers room, li_cicp *told)
{
    *told = (li_cicp){0};
    if (said->primaries || said->transfer)
        return tell_numbers(said, room, told);
    if (room == LI_NUMBERS_ALL) {
        *told = *said;
        return true;
    }
    if (!li_cicp_differs(said))
        return true;
    li_cicp named = {.primaries = name_places(said), .transfer = name_gamma(said)};
    return named.primaries && named.transfer && tell_numbers(&named, room, told);
}

/* Beside a profile numbers of sRGB are not those of the samples: nothing is said then,
 * or that it is not known where saying nothing would mean sRGB. */
bool
li_cicp_told(const li_cicp *said, li_numbers room, li_cicp *told)
{
    static const li_cicp unspecified = {.primaries = 2, .transfer = 2}, nothing;
    li_cicp bare = *said;
    bare.profiled = false;
    bool whole = tell(&bare, room, told);
    if (!said->profiled)
        return whole;
    if (!li_cicp_differs(told))
        *told = room == LI_NUMBERS_H273 ? unspecified : nothing;
    return false;
}
