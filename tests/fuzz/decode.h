/* decode.h: the harness of the fuzzers of one format: CODEC decodes, MUTATE knows the
 * format. The last eight bytes of an input are the hint, the rest is the file. */
#include "codecs/decode_check.h"
#include "pieces.h"

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint32_t random = seed;
    uint8_t hint[HINT_BYTES] = {0};
    if (most <= HINT_BYTES)
        return LLVMFuzzerMutate(data, size, most);
    if (size >= HINT_BYTES) {
        size -= HINT_BYTES;
        memcpy(hint, data + size, HINT_BYTES);
    }
    if (next_random(&random) % 4 == 0)
        hint[next_random(&random) % HINT_BYTES] = (uint8_t)next_random(&random);
    else
        size = MUTATE(data, size, most - HINT_BYTES, &random);
    memcpy(data + size, hint, HINT_BYTES);
    return size + HINT_BYTES;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > HINT_BYTES)
        (void)decode_check(&CODEC, data, size - HINT_BYTES, data + size - HINT_BYTES);
    return 0;
}
