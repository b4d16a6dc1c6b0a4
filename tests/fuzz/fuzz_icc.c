/* fuzz_icc.c: libFuzzer over what is done with profiles and other metadata: it is taken
 * out of any file, and the picture stays: `make fuzz T=icc S=600`. */
#include "meta/strip_check.h"
#include "mutate_any.h"

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint32_t random = seed;
    return mutate_any(data, size, most, &random);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)strip_check(data, size);
    return 0;
}
