/* tables.h: a check over every kernel table that this machine runs, and buffers that
 * end where the contract says. */
#ifndef LI_TESTS_TABLES_H
#define LI_TESTS_TABLES_H

#include "../test.h"
#include "kernels/kernels.h"

static const char *const table_names[] = {"scalar", "sse41", "avx2", "neon"};

static inline void
for_each_table(void (*check)(const li_kernels *kernels))
{
    for (size_t k = 0; k < sizeof(table_names) / sizeof(table_names[0]); k++) {
        const li_kernels *kernels = li_kernels_named(table_names[k]);
        if (kernels) {
            CHECK_TEXT(kernels->name, table_names[k]);
            check(kernels);
        }
    }
}

static inline int32_t
between(uint32_t *seed, int32_t low, int32_t high)
{
    return low + (int32_t)((test_random(seed) >> 3) % (uint32_t)(high - low + 1));
}

static inline int32_t
clip(int64_t value)
{
    return (int32_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Exactly n bytes, so that a sanitizer sees a step past them; at an odd address in
 * every second call. `whole` is what to free. */
typedef struct buffer {
    uint8_t *whole, *at;
    size_t bytes;
} buffer;

static inline buffer
buffer_of(size_t bytes, uint32_t *seed)
{
    size_t offset = test_random(seed) % 2 ? 1 + test_random(seed) % 15 : 0;
    buffer made = {.whole = malloc(bytes + offset + !(bytes + offset)), .bytes = bytes};
    if (!made.whole)
        exit(1);
    made.at = made.whole + offset;
    for (size_t i = 0; i < bytes; i++)
        made.at[i] = (uint8_t)(test_random(seed) >> 8);
    return made;
}

#endif
