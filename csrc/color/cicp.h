/* cicp.h: what a file says of its colours in numbers, without a profile: H.273's, as
 * AVIF's nclx and PNG's cICP have them, or PNG's gAMA and cHRM. Layer 2. */
#ifndef LI_COLOR_CICP_H
#define LI_COLOR_CICP_H

#include "base/base.h"

enum { LI_CICP_PQ = 16, LI_CICP_HLG = 18 }; /* transfers with light above white */

/* Plain data; all 0: nothing is said. */
typedef struct li_cicp {
    uint8_t primaries, transfer; /* of H.273; 0: not said */
    bool first;                  /* counts before a profile, as PNG has it */
    bool narrow;                 /* black is 16 of 255, white 235 */
    bool profiled;               /* a profile counts before these, and is not sRGB's */
    uint8_t rest[3];             /* 0: it is compared as bytes */
    uint32_t gamma; /* 100,000 × the exponent from light to value; 0: not said */
    /* 100,000 × x and y of white, red, green, blue; all 0: not said */
    uint32_t places[8];
} li_cicp;

/* Which numbers a format has a place for. */
typedef enum li_numbers {
    LI_NUMBERS_NONE,
    LI_NUMBERS_H273, /* of the full range */
    LI_NUMBERS_ALL,
} li_numbers;

/* Are these numbers of H.273's that say something? */
bool li_cicp_is_known(const li_cicp *cicp);
/* May it be something else than sRGB? Pure, and cheap. */
bool li_cicp_differs(const li_cicp *cicp);
/* What a file with such a place says for the same samples; all 0: no word is needed.
 * Gamma and places become numbers of H.273 where they say just one. False: other
 * colours than sRGB's that cannot be told, or not wholly, as those of a profile. Pure.
 */
bool li_cicp_told(const li_cicp *said, li_numbers room, li_cicp *told);
/* From light of these primaries to light of sRGB's, both 1 = white; false: they are
 * none. */
bool li_cicp_matrix(const li_cicp *cicp, double matrix[3][3]);
/* Light of a value, 0..1, of the file's range, where 1 is SDR's white: of PQ up to 49
 * (10,000 of 203 cd/m²); HLG's is the scene's, up to 1. */
double li_cicp_light(const li_cicp *cicp, double value);

/* PQ's signal of so many times SDR's white, 0..1. */
double li_pq_value(double light);
/* What is shown of light up to `peak` times SDR's white, so that it ends at 1: the
 * curve of BT.2390, annex 5. */
double li_tone_map(double light, double peak);

#endif
