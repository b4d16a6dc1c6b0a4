/* window_check.h: one file of 900 KiB read where a few bytes say, in every way in: what
 * is given is what stands there, as much as was asked for, until the next call; abort
 * where not. Shared by the fuzzer and by a test that draws its bytes by chance. */
#ifndef LI_TESTS_WINDOW_CHECK_H
#define LI_TESTS_WINDOW_CHECK_H

#include "base/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WINDOW_FILE = 900 << 10, WINDOW_STEP = 6, WINDOW_WAYS = 3 };

static inline uint8_t
window_byte(uint64_t at)
{
    return (uint8_t)((at * 2654435761u) >> 24 ^ at);
}

/* A file without a name, or −1. */
static inline int
window_file(void)
{
    char name[] = "/tmp/lazyimage-window-XXXXXX";
    int fd = mkstemp(name);
    uint8_t *data = malloc(WINDOW_FILE);
    for (uint64_t i = 0; i < WINDOW_FILE; i++)
        data[i] = window_byte(i);
    bool good = fd >= 0 && unlink(name) == 0 &&
                write(fd, data, WINDOW_FILE) == (ssize_t)WINDOW_FILE;
    free(data);
    return good ? fd : -1;
}

static inline void
window_must(bool good, const char *what, const li_source *source, uint64_t offset,
            size_t want)
{
    if (good)
        return;
    fprintf(stderr, "%s: %s: %zu bytes at %llu\n", source->ops->name, what, want,
            (unsigned long long)offset);
    abort();
}

static inline void
window_look(li_source *source, uint64_t offset, size_t want)
{
    const uint8_t *data = NULL;
    size_t got = 0;
    uint64_t left = offset < WINDOW_FILE ? WINDOW_FILE - offset : 0;
    li_status status = li_source_at(source, offset, want, &data, &got);
    window_must(status == LI_OK, "an error", source, offset, want);
    window_must(got <= left, "more than there is", source, offset, want);
    window_must(got >= (left < want ? left : want), "too few", source, offset, want);
    for (size_t i = 0; i < got; i += i < 64 || i + 65 > got ? 1 : 61)
        window_must(data[i] == window_byte(offset + i), "other bytes", source, offset,
                    want);
}

/* Six bytes a step: what to do, where, how many. */
static inline void
window_steps(li_source *source, const uint8_t *data, size_t size)
{
    for (; size >= WINDOW_STEP; data += WINDOW_STEP, size -= WINDOW_STEP) {
        uint64_t offset =
            ((uint64_t)data[1] << 16 | data[2] << 8 | data[3]) % (WINDOW_FILE + 1000);
        size_t want = ((size_t)data[4] << 8 | data[5]) << (data[0] >> 6);
        want = want < LI_WINDOW_BYTES ? want : LI_WINDOW_BYTES;
        if (data[0] % 8 == 7)
            li_source_passed(source, offset);
        else
            window_look(source, offset, want);
    }
}

/* The whole at once, then a window again. */
static inline void
window_whole(li_source *source)
{
    const uint8_t *all = NULL;
    li_status status = li_source_all(source, &all);
    window_must(status == LI_OK, "the whole", source, 0, WINDOW_FILE);
    for (size_t i = 0; i < WINDOW_FILE; i += 997)
        window_must(all[i] == window_byte(i), "the whole", source, i, 1);
    window_look(source, WINDOW_FILE - 1, 10);
}

static inline li_status
window_open(li_ctx *ctx, int fd, int way, const uint8_t *bytes, li_source **source)
{
    if (way == 2)
        return li_source_borrow(ctx, bytes, WINDOW_FILE, source);
    return li_source_open_fd(ctx, fd, way ? LI_IO_READ : LI_IO_MAP, NULL, source);
}

/* `fd` of window_file. */
static inline void
window_check(int fd, const uint8_t *data, size_t size)
{
    static uint8_t bytes[WINDOW_FILE];
    for (uint64_t i = bytes[1] ? WINDOW_FILE : 0; i < WINDOW_FILE; i++)
        bytes[i] = window_byte(i);
    for (int way = 0; way < WINDOW_WAYS; way++) {
        li_source *source = NULL;
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        if (window_open(&ctx, fd, way, bytes, &source) != LI_OK)
            abort();
        window_steps(source, data, size);
        if (size % WINDOW_STEP == 1)
            window_whole(source);
        if (li_source_verify(source) != LI_OK)
            abort();
        li_source_close(&source);
        if (ctx.bytes != 0)
            abort();
    }
}

#endif
