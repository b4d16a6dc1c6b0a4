/* fuzz_pipeline.c: libFuzzer over whole jobs: any file, two steps, any output, and what
 * comes out is opened again. The last 16 bytes of an input are the job, the rest is the
 * file: `make fuzz T=pipeline S=600`. */
#include "engine/pipeline_check.h"
#include "mutate_avif.h"
#include "mutate_jpeg.h"
#include "mutate_png.h"
#include "mutate_webp.h"

static size_t
mutate_file(uint8_t *data, size_t size, size_t most, uint32_t *random)
{
    if (size > 12 && memcmp(data, "\x89PNG", 4) == 0)
        return mutate_png(data, size, most, random);
    if (size > 12 && memcmp(data, "RIFF", 4) == 0)
        return mutate_webp(data, size, most, random);
    if (size > 12 && memcmp(data + 4, "ftyp", 4) == 0)
        return mutate_avif(data, size, most, random);
    return mutate_jpeg(data, size, most, random);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint32_t random = seed;
    uint8_t job[JOB_BYTES] = {0};
    if (most <= JOB_BYTES)
        return LLVMFuzzerMutate(data, size, most);
    if (size >= JOB_BYTES) {
        size -= JOB_BYTES;
        memcpy(job, data + size, JOB_BYTES);
    }
    if (next_random(&random) % 2)
        for (int i = next_random(&random) % 4; i >= 0; i--)
            job[next_random(&random) % JOB_BYTES] = (uint8_t)next_random(&random);
    else
        size = mutate_file(data, size, most - JOB_BYTES, &random);
    memcpy(data + size, job, JOB_BYTES);
    return size + JOB_BYTES;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > JOB_BYTES)
        (void)pipeline_check(data, size - JOB_BYTES, data + size - JOB_BYTES);
    return 0;
}
