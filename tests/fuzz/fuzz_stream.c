/* fuzz_stream.c: libFuzzer over chains of ops on rows, by every set of kernels, beside
 * the same ops one by one and their slow truths: `make fuzz T=stream S=600`. */
#include "ops/stream_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    test_name = "stream";
    stream_check(data, size);
    if (test_bad)
        abort();
    return 0;
}
