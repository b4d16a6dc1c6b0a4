/* fuzz_icc.c: libFuzzer over what is done with profiles and other metadata: it is taken
 * out of any file, and the picture stays; a profile by itself, or so many bytes as
 * numbers take that stand for one, is a transform, a warning or nothing: `make fuzz
 * T=icc S=600`. */
#include "color/profile_check.h"
#include "meta/strip_check.h"
#include "mutate_any.h"

enum { MARK = 36 }; /* where a profile says that it is one */

static bool
is_profile(const uint8_t *data, size_t size)
{
    return size >= MARK + 4 && memcmp(data + MARK, "acsp", 4) == 0;
}

/* Its own size in front of a profile, so that lcms2 goes on. */
static size_t
mutate_profile(uint8_t *data, size_t size, size_t most)
{
    size = LLVMFuzzerMutate(data, size, most);
    for (int i = 0; i < 4 && size >= MARK + 4; i++) {
        data[i] = (uint8_t)(size >> (24 - 8 * i));
        data[MARK + i] = (uint8_t) "acsp"[i];
    }
    return size;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint32_t random = seed;
    if (most >= NUMBERS_BYTES && (size == NUMBERS_BYTES || seed % 64 == 0)) {
        LLVMFuzzerMutate(data, size, most);
        return NUMBERS_BYTES;
    }
    return is_profile(data, size) ? mutate_profile(data, size, most)
                                  : mutate_any(data, size, most, &random);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (is_profile(data, size))
        profile_check(data, size);
    else if (size == NUMBERS_BYTES)
        numbers_check(data);
    else
        (void)strip_check(data, size);
    return 0;
}
