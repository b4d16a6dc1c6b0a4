/* fuzz_roundtrip.c: libFuzzer over all encoders with any of their options, and back
 * through the decoders: `make fuzz T=roundtrip S=600`. */
#include "codecs/roundtrip_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= ROUND_BYTES)
        roundtrip_check(data);
    return 0;
}
