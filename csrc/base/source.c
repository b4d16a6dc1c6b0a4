/* source.c: one input as a guarded map, a window or borrowed bytes. Layer 0. */
#include "base/source.h"
#include "base/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/vfs.h>
#endif

enum {
    /* Pages this far behind the read head are given back: no codec looks back further
     * than one window, and what is touched again comes back. */
    KEEP_BEHIND_BYTES = 256 << 10,
    /* A file this young may still be growing under a writer that has not closed it. */
    YOUNG_NS = 20 * 1000 * 1000,
    HEAD_BYTES = 4 << 10, /* what a header is read by: most end within it */
};

typedef struct file_source {
    li_source base;
    int fd;
    li_stamp stamp;
    li_guard guard;     /* map only */
    uint8_t *map;       /* map only; NULL: not mapped */
    uint64_t dropped;   /* map only: bytes given back so far, whole pages */
    uint8_t *window;    /* read only; counted memory */
    uint64_t window_at; /* read only: offset of window[0] */
    size_t window_size; /* read only: bytes that are there */
    size_t window_room; /* read only: bytes that fit */
    bool head;          /* read only: no more than is asked for, and HEAD_BYTES */
    uint8_t *whole;     /* read only: what `all` reads */
    bool whole_read;    /* and has read, to the last byte */
} file_source;

static li_status
fail_read(li_ctx *ctx, int error)
{
    return li_fail_errno(ctx, LI_E101_READ, error, "source: cannot read");
}

static li_status
fail_shorter(li_ctx *ctx)
{
    return li_fail(ctx, LI_E103_SOURCE_CHANGED,
                   "source: the file became shorter while it was read");
}

static li_status
stat_file(li_ctx *ctx, int fd, li_stamp *stamp, mode_t *mode)
{
    struct stat now;
    if (fstat(fd, &now) != 0)
        return fail_read(ctx, errno);
    *stamp = (li_stamp){
        .device = (uint64_t)now.st_dev,
        .inode = (uint64_t)now.st_ino,
        .size = (uint64_t)now.st_size,
        .mtime_ns = (int64_t)now.st_mtim.tv_sec * 1000000000 + now.st_mtim.tv_nsec,
        .ctime_ns = (int64_t)now.st_ctim.tv_sec * 1000000000 + now.st_ctim.tv_nsec,
    };
    *mode = now.st_mode;
    return LI_OK;
}

li_status
li_stamp_of(li_ctx *ctx, int fd, li_stamp *stamp)
{
    return stat_file(ctx, fd, stamp, &(mode_t){0});
}

/* ctime alone differs after an unlink, a rename over the file or a chmod: the bytes of
 * the descriptor are still the right ones. */
static bool
stamp_same(const li_stamp *a, const li_stamp *b)
{
    return a->size == b->size && a->mtime_ns == b->mtime_ns && a->inode == b->inode &&
           a->device == b->device;
}

static li_status
file_verify(li_source *source)
{
    file_source *file = (file_source *)source;
    li_stamp now = {0};
    if (atomic_load_explicit(&file->guard.poisoned, memory_order_relaxed))
        return fail_shorter(source->ctx);
    LI_TRY(li_stamp_of(source->ctx, file->fd, &now));
    if (!stamp_same(&now, &file->stamp))
        return li_fail(
            source->ctx, LI_E103_SOURCE_CHANGED,
            "source: the file changed while it was read (%llu bytes, now %llu)",
            (unsigned long long)file->stamp.size, (unsigned long long)now.size);
    return LI_OK;
}

static void
file_close(li_source *source)
{
    file_source *file = (file_source *)source;
    li_ctx *ctx = source->ctx;
    if (ctx->poison == &file->guard.poisoned) {
        ctx->poison = NULL;
        ctx->renew = NULL;
    }
    if (li_guard_remove(&file->guard) && file->map)
        munmap(file->map, (size_t)source->size);
    if (file->fd >= 0)
        close(file->fd);
    li_free(ctx, &file->window);
    li_free(ctx, &file->whole);
}

/* --- map ------------------------------------------------------------------------- */

static void
map_drop_behind(file_source *file, uint64_t offset)
{
    if (offset < file->dropped)
        file->dropped = 0; /* the reader went back: those pages are in again */
    if (offset - file->dropped < 2 * (uint64_t)KEEP_BEHIND_BYTES)
        return;
    uint64_t until = (offset - KEEP_BEHIND_BYTES) & ~(uint64_t)(KEEP_BEHIND_BYTES - 1);
    madvise(file->map + file->dropped, (size_t)(until - file->dropped), MADV_DONTNEED);
    file->dropped = until;
}

static li_status
map_at(li_source *source, uint64_t offset, size_t want, const uint8_t **data,
       size_t *got)
{
    file_source *file = (file_source *)source;
    if (offset >= source->size) {
        *data = NULL;
        *got = 0;
        return LI_OK;
    }
    map_drop_behind(file, offset);
    uint64_t left = source->size - offset;
    size_t step = want > LI_WINDOW_BYTES ? want : LI_WINDOW_BYTES;
    *data = file->map + offset;
    *got = left < step ? (size_t)left : step;
    return LI_OK;
}

static li_status
map_all(li_source *source, const uint8_t **data)
{
    *data = ((file_source *)source)->map;
    return LI_OK;
}

static void
map_passed(li_source *source, uint64_t offset)
{
    map_drop_behind((file_source *)source, offset);
}

static const li_source_ops map_ops = {
    .name = "map",
    .at = map_at,
    .all = map_all,
    .passed = map_passed,
    .verify = file_verify,
    .close = file_close,
};

/* --- read ------------------------------------------------------------------------ */

static li_status
read_full(file_source *file, uint64_t offset, uint8_t *into, size_t size, size_t *got)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(file->fd, into + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_read(file->base.ctx, errno);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *got = done;
    return LI_OK;
}

static li_status
window_make(file_source *file, size_t size)
{
    file->window_room = 0;
    li_free(file->base.ctx, &file->window);
    LI_TRY(li_alloc(file->base.ctx, size, 1, &file->window));
    file->window_room = size;
    return LI_OK;
}

/* `need` bytes, or more; never past the size that was there at open, as a map. */
static li_status
window_load(file_source *file, uint64_t offset, size_t need)
{
    uint64_t left = file->base.size - offset;
    size_t least = file->base.leaps ? 0 : file->head ? HEAD_BYTES : LI_WINDOW_BYTES;
    size_t size = need > least ? need : least;
    size = size < left ? size : (size_t)left;
    file->window_size = 0; /* what a failed read leaves is nothing */
    file->window_at = offset;
    if (size > file->window_room)
        LI_TRY(window_make(file, size));
    return read_full(file, offset, file->window, size, &file->window_size);
}

static li_status
window_at(li_source *source, uint64_t offset, size_t want, const uint8_t **data,
          size_t *got)
{
    file_source *file = (file_source *)source;
    *data = NULL;
    *got = 0;
    if (offset >= source->size)
        return LI_OK;
    uint64_t left = source->size - offset;
    size_t need = want < left ? want : (size_t)left;
    uint64_t end = file->window_at + file->window_size;
    if (offset < file->window_at || offset >= end || need > end - offset)
        LI_TRY(window_load(file, offset, need));
    size_t before = (size_t)(offset - file->window_at);
    if (file->window_size - before < need)
        return fail_shorter(source->ctx);
    *data = file->window + before;
    *got = file->window_size - before;
    return LI_OK;
}

static li_status
window_all(li_source *source, const uint8_t **data)
{
    file_source *file = (file_source *)source;
    size_t got = 0;
    if (!file->whole)
        LI_TRY(li_alloc(source->ctx, source->size, 1, &file->whole));
    else if (file->whole_read) {
        *data = file->whole;
        return LI_OK;
    }
    LI_TRY(read_full(file, 0, file->whole, (size_t)source->size, &got));
    if (got < source->size)
        return fail_shorter(source->ctx);
    file->whole_read = true;
    *data = file->whole;
    return LI_OK;
}

static const li_source_ops read_ops = {
    .name = "read",
    .at = window_at,
    .all = window_all,
    .verify = file_verify,
    .close = file_close,
};

/* --- which way in ---------------------------------------------------------------- */

/* File systems whose page-ins can fail or change by themselves: there errors must come
 * as errno, not as a signal. */
static bool
is_remote(int fd)
{
#if defined(__linux__)
    static const uint32_t remote[] = {
        0x6969,     /* NFS */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB2 */
        0x517b,     /* SMB */
        0x01021997, /* 9P */
        0x65735546, /* FUSE */
        0x00c36400, /* Ceph */
    };
    struct statfs where;
    if (fstatfs(fd, &where) != 0)
        return true;
    for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++)
        if ((uint32_t)where.f_type == remote[i])
            return true;
#endif
    (void)fd;
    return false;
}

static bool
is_young(const li_stamp *stamp)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - stamp->mtime_ns;
    return age >= 0 && age < YOUNG_NS;
}

/* 0 or errno; file->map is NULL where it cannot be guarded. */
static int
file_map(file_source *file)
{
    size_t size = (size_t)file->base.size;
    void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file->fd, 0);
    if (map == MAP_FAILED)
        return errno;
    if (!li_guard_add(&file->guard, map, size)) { /* then it is read, however asked */
        munmap(map, size);
        return 0;
    }
    file->map = map;
    file->base.ctx->poison = &file->guard.poisoned;
    file->base.ctx->renew = li_guard_renew;
    file->base.ops = &map_ops;
    return 0;
}

static li_status
check_regular(li_ctx *ctx, mode_t mode)
{
    if (S_ISREG(mode))
        return LI_OK;
    return li_fail_errno(ctx, LI_E101_READ, S_ISDIR(mode) ? EISDIR : ESPIPE,
                         "source: not a regular file");
}

static li_status
check_size(li_ctx *ctx, uint64_t size)
{
    uint64_t limit = ctx->limits.max_input_bytes;
    if (limit && size > limit)
        return li_fail(ctx, LI_E123_FIREWALL,
                       "source: %llu bytes are more than limits(max_input_bytes=%llu)",
                       (unsigned long long)size, (unsigned long long)limit);
    if (size == 0)
        return li_fail(ctx, LI_E132_TRUNCATED, "source: the input is empty");
    return LI_OK;
}

static li_status
file_start(file_source *file, li_io io, const li_stamp *since)
{
    li_ctx *ctx = file->base.ctx;
    mode_t mode = 0;
    LI_TRY(stat_file(ctx, file->fd, &file->stamp, &mode));
    LI_TRY(check_regular(ctx, mode));
    file->base.size = file->stamp.size;
    if (since && !stamp_same(since, &file->stamp))
        return li_fail(ctx, LI_E103_SOURCE_CHANGED,
                       "source: the file changed since it was opened");
    LI_TRY(check_size(ctx, file->base.size));
    file->head = io == LI_IO_HEAD;
    bool read = file->head || io == LI_IO_READ ||
                (io == LI_IO_AUTO && (is_remote(file->fd) || is_young(&file->stamp)));
    int error = read ? 0 : file_map(file);
    if (error && io == LI_IO_MAP)
        return li_fail_errno(ctx, LI_E102_MAP, error, "source: cannot map %llu bytes",
                             (unsigned long long)file->base.size);
    if (file->map)
        return LI_OK;
    return window_make(file, file->head ? HEAD_BYTES : LI_WINDOW_BYTES);
}

/* Takes fd over, whatever happens. */
static li_status
file_open(li_ctx *ctx, int fd, li_io io, const li_stamp *since, li_source **source)
{
    file_source *file;
    li_status status = li_alloc(ctx, 1, sizeof(*file), &file);
    if (status != LI_OK) {
        close(fd);
        return status;
    }
    file->base.ops = &read_ops;
    file->base.ctx = ctx;
    file->fd = fd;
    *source = &file->base;
    status = file_start(file, io, since);
    if (status != LI_OK)
        li_source_close(source);
    return status;
}

/* Without O_NONBLOCK the open of a pipe waits for its writer. With it, a file that
 * another process holds a lease on answers EWOULDBLOCK: that one is waited for. */
static int
open_path(const char *path)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY;
    int fd = open(path, flags | O_NONBLOCK);
    return fd < 0 && errno == EWOULDBLOCK ? open(path, flags) : fd;
}

li_status
li_source_open(li_ctx *ctx, const char *path, li_io io, li_source **source)
{
    *source = NULL;
    int fd = open_path(path);
    if (fd >= 0)
        return file_open(ctx, fd, io, NULL, source);
    return li_fail_open(ctx, "source", path, errno);
}

li_status
li_source_open_fd(li_ctx *ctx, int fd, li_io io, const li_stamp *since,
                  li_source **source)
{
    *source = NULL;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return fail_read(ctx, errno);
    return file_open(ctx, own, io, since, source);
}

/* --- bytes ----------------------------------------------------------------------- */

typedef struct bytes_source {
    li_source base;
    const uint8_t *data; /* borrowed */
} bytes_source;

static li_status
bytes_at(li_source *source, uint64_t offset, size_t want, const uint8_t **data,
         size_t *got)
{
    (void)want;
    uint64_t at = offset < source->size ? offset : source->size;
    *got = (size_t)(source->size - at);
    *data = *got ? ((bytes_source *)source)->data + at : NULL;
    return LI_OK;
}

static li_status
bytes_all(li_source *source, const uint8_t **data)
{
    *data = ((bytes_source *)source)->data;
    return LI_OK;
}

static const li_source_ops bytes_ops = {
    .name = "bytes",
    .at = bytes_at,
    .all = bytes_all,
};

li_status
li_source_borrow(li_ctx *ctx, const void *data, size_t size, li_source **source)
{
    bytes_source *bytes;
    *source = NULL;
    LI_TRY(check_size(ctx, size));
    LI_TRY(li_alloc(ctx, 1, sizeof(*bytes), &bytes));
    bytes->base = (li_source){.ops = &bytes_ops, .ctx = ctx, .size = size};
    bytes->data = data;
    *source = &bytes->base;
    return LI_OK;
}

li_status
li_source_verify(li_source *source)
{
    return source->ops->verify ? source->ops->verify(source) : LI_OK;
}

li_status
li_source_blame(li_source *source, li_status status)
{
    if (!source || !li_blames_data(status))
        return status;
    li_ctx *ctx = source->ctx, found = *ctx;
    ctx->status = LI_OK;
    if (li_source_verify(source) != LI_E103_SOURCE_CHANGED)
        *ctx = found;
    return ctx->status;
}

void
li_source_close(li_source **source)
{
    li_source *old = *source;
    *source = NULL;
    if (!old)
        return;
    li_ctx *ctx = old->ctx;
    if (old->ops->close)
        old->ops->close(old);
    li_free(ctx, &old);
}
