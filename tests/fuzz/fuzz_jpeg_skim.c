/* fuzz_jpeg_skim.c: libFuzzer over the skim decoder beside libjpeg: the same low
 * coefficients and masks, the same verdict, memory within its bound:
 * `make fuzz T=jpeg_skim S=600`. */
#include "codecs/jpeg_oracle.h"
#include "mutate_jpeg.h"

enum { MOST_PIXELS = 1 << 16 };

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint32_t random = seed;
    return mutate_jpeg(data, size, most, &random);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (uint8_t way = 1; way < ORACLE_WAYS; way++) {
        verdict said = verdict_of(data, size, way, MOST_PIXELS);
        const char *fault = verdict_fault(&said, way);
        if (fault) {
            fprintf(stderr, "by way %d: %s; %d %s, libjpeg %d\n", way, fault, said.ours,
                    said.message, said.theirs);
            abort();
        }
    }
    return 0;
}
