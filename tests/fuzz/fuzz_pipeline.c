/* fuzz_pipeline.c: libFuzzer over whole jobs: any file, two steps, any output, and what
 * comes out is opened again. The last 16 bytes of an input are the job, the rest is the
 * file: `make fuzz T=pipeline S=600`. */
#include "engine/pipeline_check.h"
#include "mutate_any.h"

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint32_t random = seed;
    return mutate_before_tail(data, size, most, JOB_BYTES, 2, mutate_any, &random);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > JOB_BYTES)
        (void)pipeline_check(data, size - JOB_BYTES, data + size - JOB_BYTES);
    return 0;
}
