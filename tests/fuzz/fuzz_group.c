/* fuzz_group.c: libFuzzer over several jobs that share one decode, beside each of them
 * alone. The last 32 bytes of an input are the jobs, the rest is the file:
 * `make fuzz T=group S=600`. */
#include "group/group_check.h"
#include "mutate_any.h"

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint32_t random = seed;
    return mutate_before_tail(data, size, most, GROUP_BYTES, 2, mutate_any, &random);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > GROUP_BYTES)
        (void)group_check(data, size - GROUP_BYTES, data + size - GROUP_BYTES);
    return 0;
}
