/* fuzz_exif.c: libFuzzer over the reader and the writer of EXIF blocks, alone and in
 * each container, and over the writer of XMP packets: `make fuzz T=exif S=600`. */
#include "meta/exif_check.h"
#include "meta/xmp_check.h"
#include "pieces.h"

/* A number of 2 or 4 bytes somewhere becomes one that an IFD is made of. */
static size_t
change_field(uint8_t *data, size_t size, uint32_t *random)
{
    static const uint32_t values[] = {0x0112, 3, 1,          4,  42, 8, 2,
                                      0,      5, 0xffffffff, 14, 6,  7, 0x7fffffff};
    bool big = data[0] == 'M', wide = next_random(random) % 2;
    size_t width = wide ? 4 : 2;
    if (size < width)
        return size;
    size_t at = next_random(random) % (size - width + 1) & ~(size_t)1;
    uint32_t value = values[next_random(random) % 14];
    for (size_t i = 0; i < width; i++)
        data[at + i] = (uint8_t)(value >> 8 * (big ? width - 1 - i : i));
    return size;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static const uint8_t block[] = "II*\0\10\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0";
    uint32_t random = seed;
    if (size < 8 && most >= sizeof(block)) {
        memcpy(data, block, sizeof(block));
        return sizeof(block);
    }
    if (next_random(&random) % 2 && size > 8)
        return change_field(data, size, &random);
    return LLVMFuzzerMutate(data, size, most);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)exif_check(data, size);
    (void)xmp_check(data, size);
    return 0;
}
