/* profile_save.h: the bytes of a profile that lcms2 made. Test support. */
#ifndef LI_TESTS_PROFILE_SAVE_H
#define LI_TESTS_PROFILE_SAVE_H

#include "test.h"

#include <stdint.h>
#include <stdlib.h>

#include <lcms2.h>

typedef struct bytes {
    uint8_t *data;
    cmsUInt32Number size;
} bytes;

/* Takes the profile; the caller frees .data. */
static inline bytes
bytes_of(cmsHPROFILE profile)
{
    bytes made = {0};
    CHECK(profile && cmsSaveProfileToMem(profile, NULL, &made.size));
    made.data = malloc(made.size);
    CHECK(cmsSaveProfileToMem(profile, made.data, &made.size));
    cmsCloseProfile(profile);
    return made;
}

#endif
