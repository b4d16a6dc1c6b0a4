/* test.h: the whole C test harness. A test is a function whose name is its claim.
 *
 *     TEST(crop_refuses_a_rectangle_outside) { … CHECK(x == y); … }
 *     int main(void) { RUN(crop_refuses_a_rectangle_outside); return test_end(); }
 */
#ifndef LI_TESTS_TEST_H
#define LI_TESTS_TEST_H

#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_passed, test_failed, test_bad;
static const char *test_name;

#define TEST(name) static void name(void)
#define RUN(name) test_run(#name, name)
#define CHECK(condition) test_check((condition), #condition, __FILE__, __LINE__)
/* Two integers; both are printed when they differ. */
#define CHECK_EQ(a, b)                                                                 \
    test_equal((long long)(a), (long long)(b), #a, #b, __FILE__, __LINE__)
#define CHECK_TEXT(a, b) test_text((a), (b), __FILE__, __LINE__)

static inline bool
test_check(bool good, const char *text, const char *file, int line)
{
    if (!good && test_bad++ < 5)
        fprintf(stderr, "%s:%d: %s: false: %s\n", file, line, test_name, text);
    return good;
}

static inline bool
test_equal(long long a, long long b, const char *left, const char *right,
           const char *file, int line)
{
    if (a != b && test_bad++ < 5)
        fprintf(stderr, "%s:%d: %s: %s is %lld, %s is %lld\n", file, line, test_name,
                left, a, right, b);
    return a == b;
}

static inline bool
test_text(const char *a, const char *b, const char *file, int line)
{
    if (strcmp(a, b) != 0 && test_bad++ < 5)
        fprintf(stderr, "%s:%d: %s: got\n%s\nfor\n%s\n", file, line, test_name, a, b);
    return strcmp(a, b) == 0;
}

static inline void
test_run(const char *name, void (*test)(void))
{
    test_name = name;
    test_bad = 0;
    test();
    if (test_bad)
        fprintf(stderr, "FAILED %s\n", name);
    *(test_bad ? &test_failed : &test_passed) += 1;
}

static inline int
test_end(void)
{
    printf("%d passed, %d failed\n", test_passed, test_failed);
    return test_failed ? 1 : 0;
}

/* A small repeatable generator (xorshift32), for pictures and schedules. */
static inline uint32_t
test_random(uint32_t *state)
{
    uint32_t x = *state ? *state : 2463534242u;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

#endif
