/* fuzz_png_differential.c: libFuzzer over all PNG readers at once: the same samples, or
 * each an error: `make fuzz T=png_differential S=600`. */
#include "codecs/png_differential.h"
#include "mutate_png.h"

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint32_t random = seed;
    return mutate_png(data, size, most, &random);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)differential_check(data, size);
    return 0;
}
