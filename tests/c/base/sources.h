/* sources.h: files to open and the bytes that they must give, for the tests of sources.
 */
#ifndef LI_TESTS_SOURCES_H
#define LI_TESTS_SOURCES_H

#include "base/source.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of this program's own; made and removed by main. */
static char folder[64];

static inline const char *
path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static inline uint8_t *
random_bytes(size_t size)
{
    uint32_t state = 5;
    uint8_t *data = malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)test_random(&state);
    return data;
}

/* So old that nobody can still be writing it. */
static inline void
make_old(const char *path)
{
    struct timespec then[2] = {{.tv_sec = 1500000000}, {.tv_sec = 1500000000}};
    CHECK_EQ(utimensat(AT_FDCWD, path, then, 0), 0);
}

static inline void
write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!CHECK(file != NULL))
        exit(1);
    CHECK_EQ(fwrite(data, 1, size, file), size);
    CHECK_EQ(fclose(file), 0);
    make_old(path);
}

static inline void
close_and_check(li_ctx *ctx, li_source *source)
{
    li_source_close(&source);
    CHECK(!source);
    CHECK_EQ(ctx->bytes, 0);
    CHECK(!ctx->poison);
}

/* kind: 0 map, 1 read, 2 bytes. */
static inline li_source *
open_kind(li_ctx *ctx, int kind, const char *path, const void *data, size_t size)
{
    li_source *source = NULL;
    if (kind == 2)
        CHECK_EQ(li_source_borrow(ctx, data, size, &source), LI_OK);
    else
        CHECK_EQ(li_source_open(ctx, path, kind ? LI_IO_READ : LI_IO_MAP, &source),
                 LI_OK);
    if (!source)
        exit(1);
    return source;
}

static inline void
check_at(li_source *source, const uint8_t *truth, size_t size, uint64_t offset,
         size_t want)
{
    const uint8_t *data = NULL;
    size_t got = 12345;
    CHECK_EQ(li_source_at(source, offset, want, &data, &got), LI_OK);
    uint64_t left = offset < size ? size - offset : 0;
    CHECK(got <= left);
    CHECK(got >= (want < left ? want : left));
    if (got)
        CHECK(memcmp(data, truth + offset, got) == 0);
}

static inline bool
make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/li-source-XXXXXX");
    return mkdtemp(folder) != NULL;
}

static inline int
end_in_folder(void)
{
    char command[100];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command) != 0 || test_end();
}

#endif
