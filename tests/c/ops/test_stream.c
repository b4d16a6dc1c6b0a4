/* test_stream.c: chains of ops drawn by chance, streamed and one by one. */
#include "stream_check.h"

TEST(a_chain_streamed_equals_its_ops_one_by_one)
{
    enum { CHAINS = 600 };
    uint32_t state = 8;
    for (int i = 0; i < CHAINS; i++) {
        uint8_t bytes[STREAM_HEAD + STREAM_OPS * STREAM_OP];
        for (size_t n = 0; n < sizeof(bytes); n++)
            bytes[n] = (uint8_t)(test_random(&state) >> 9);
        stream_check(bytes, sizeof(bytes));
    }
}

int
main(void)
{
    RUN(a_chain_streamed_equals_its_ops_one_by_one);
    return test_end();
}
