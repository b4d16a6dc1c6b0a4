/* decode.h: the harness of the fuzzers of one format: CODEC decodes, MUTATE knows the
 * format. The last eight bytes of an input are the hint, the rest is the file. */
#include "codecs/decode_check.h"
#include "pieces.h"

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint32_t random = seed;
    return mutate_before_tail(data, size, most, HINT_BYTES, 4, MUTATE, &random);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > HINT_BYTES)
        (void)decode_check(&CODEC, data, size - HINT_BYTES, data + size - HINT_BYTES);
    return 0;
}
