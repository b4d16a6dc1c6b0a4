/* fuzz_probe.c: libFuzzer over the header scans of all formats, from a source that
 * gives all and from one that gives what is asked for: `make fuzz T=probe S=600`. */
#include "engine/probe_check.h"
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
    (void)probe_check(data, size);
    return 0;
}
