/* test_window.c: reads drawn by chance, in every way into a file. */
#include "base/window_check.h"
#include "test.h"

/* window_check aborts where a byte is another. */
TEST(every_way_in_gives_what_stands_there)
{
    enum { SEQUENCES = 200, STEPS = 24 };
    uint32_t state = 9;
    int fd = window_file();
    CHECK(fd >= 0);
    for (int i = 0; i < SEQUENCES; i++) {
        uint8_t bytes[STEPS * WINDOW_STEP + 1];
        for (size_t n = 0; n < sizeof(bytes); n++)
            bytes[n] = (uint8_t)(test_random(&state) >> 9);
        window_check(fd, bytes, sizeof(bytes) - (size_t)(i % 4 > 0));
    }
    CHECK_EQ(close(fd), 0);
}

int
main(void)
{
    RUN(every_way_in_gives_what_stands_there);
    return test_end();
}
