/* mutate_any.h: a change of a file of whichever format it is. */
#ifndef LI_TESTS_FUZZ_MUTATE_ANY_H
#define LI_TESTS_FUZZ_MUTATE_ANY_H

#include "mutate_avif.h"
#include "mutate_jpeg.h"
#include "mutate_png.h"
#include "mutate_webp.h"

static inline size_t
mutate_any(uint8_t *data, size_t size, size_t most, uint32_t *random)
{
    if (size > 12 && memcmp(data, "\x89PNG", 4) == 0)
        return mutate_png(data, size, most, random);
    if (size > 12 && memcmp(data, "RIFF", 4) == 0)
        return mutate_webp(data, size, most, random);
    if (size > 12 && memcmp(data + 4, "ftyp", 4) == 0)
        return mutate_avif(data, size, most, random);
    return mutate_jpeg(data, size, most, random);
}

#endif
