/* file.c: an output that is whole or not there. Layer 0. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 64 << 10, TRIES = 100 };

struct li_file {
    li_ctx *ctx; /* borrowed */
    int fd;
    int old_mode; /* of the file that is replaced; −1: there is none */
    bool durable;
    bool direct; /* a device or pipe: no temp, no rename */
    char *path;  /* owned: where the file will be, links followed */
    char *temp;  /* owned: what exists until the rename; NULL: nothing to remove */
    uint8_t *buffer;
    size_t used;
};

static li_status
fail_write(li_ctx *ctx, int error, const char *what)
{
    return li_fail_errno(ctx, LI_E301_WRITE, error, "output: cannot %s", what);
}

static size_t
directory_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static li_status
set_path(li_file *file, const char *folder, size_t folder_size, const char *name)
{
    size_t size = strlen(name) + 1;
    char *path;
    LI_TRY(li_alloc(file->ctx, folder_size + size, 1, &path));
    memcpy(path, folder, folder_size);
    memcpy(path + folder_size, name, size);
    li_free(file->ctx, &file->path);
    file->path = path;
    return LI_OK;
}

/* What a symbolic link points to is what gets replaced or made, as an open() for
 * writing would. */
static li_status
follow_links(li_file *file)
{
    enum { MOST_LINKS = 40 }; /* as the kernel */
    for (int i = 0; i <= MOST_LINKS; i++) {
        struct stat found;
        char target[4096]; /* PATH_MAX */
        if (lstat(file->path, &found) != 0 || !S_ISLNK(found.st_mode))
            return LI_OK;
        ssize_t size = readlink(file->path, target, sizeof(target) - 1);
        if (size < 0)
            return fail_write(file->ctx, errno, "follow the link");
        target[size] = '\0';
        size_t folder = target[0] == '/' ? 0 : directory_length(file->path);
        LI_TRY(set_path(file, file->path, folder, target));
    }
    return fail_write(file->ctx, ELOOP, "follow the link");
}

static li_status
open_temp(li_file *file)
{
    li_ctx *ctx = file->ctx;
    size_t folder = directory_length(file->path);
    char *temp;
    enum { NAME_BYTES = 40 };
    LI_TRY(li_alloc(ctx, folder + NAME_BYTES, 1, &temp));
    memcpy(temp, file->path, folder);
    uint64_t mix =
        (uint64_t)li_now_ns() ^ (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)file;
    int error = EEXIST;
    for (int i = 0; i < TRIES && error == EEXIST; i++) {
        mix = mix * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX LCG */
        snprintf(temp + folder, NAME_BYTES, ".lazyimage-%016llx",
                 (unsigned long long)mix);
        /* Its mode comes with the commit; until then nobody else need look. */
        file->fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                        file->old_mode < 0 ? 0666 : 0600);
        error = file->fd >= 0 ? 0 : errno;
    }
    if (error) {
        li_free(ctx, &temp);
        return fail_write(ctx, error, "create a file in the directory");
    }
    file->temp = temp;
    return LI_OK;
}

static li_status
open_target(li_file *file)
{
    struct stat old;
    if (stat(file->path, &old) != 0)
        return open_temp(file);
    if (S_ISDIR(old.st_mode))
        return fail_write(file->ctx, EISDIR, "write the file");
    if (!S_ISREG(old.st_mode)) {
        file->direct = true;
        file->fd = open(file->path, O_WRONLY | O_CLOEXEC);
        return file->fd >= 0 ? LI_OK : fail_write(file->ctx, errno, "open the device");
    }
    file->old_mode = (int)(old.st_mode & 07777);
    return open_temp(file);
}

li_status
li_file_create(li_ctx *ctx, const char *path, bool durable, li_file **out)
{
    li_file *file;
    *out = NULL;
    LI_TRY(li_alloc(ctx, 1, sizeof(*file), &file));
    *file = (li_file){.ctx = ctx, .fd = -1, .old_mode = -1, .durable = durable};
    li_status status = set_path(file, "", 0, path);
    if (status == LI_OK)
        status = follow_links(file);
    if (status == LI_OK)
        status = li_alloc(ctx, BUFFER_BYTES, 1, &file->buffer);
    if (status == LI_OK)
        status = open_target(file);
    *out = file;
    if (status != LI_OK)
        li_file_close(out);
    return status;
}

static li_status
write_all(li_file *file, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(file->fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_write(file->ctx, n ? errno : ENOSPC, "write");
        data += n;
        size -= (size_t)n;
    }
    return LI_OK;
}

static li_status
flush(li_file *file)
{
    size_t size = file->used;
    file->used = 0;
    return write_all(file, file->buffer, size);
}

li_status
li_file_write(li_file *file, const void *data, size_t size)
{
    if (size > BUFFER_BYTES - file->used)
        LI_TRY(flush(file));
    if (size >= BUFFER_BYTES)
        return write_all(file, data, size);
    memcpy(file->buffer + file->used, data, size);
    file->used += size;
    return LI_OK;
}

static li_status
sync_directory(li_file *file)
{
    size_t folder = directory_length(file->path);
    char kept = file->path[folder];
    file->path[folder] = '\0';
    int fd = open(folder ? file->path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    file->path[folder] = kept;
    int error = fd < 0 || fsync(fd) != 0 ? errno : 0;
    /* Some file systems do not know fsync of a directory (EINVAL), some directories may
     * be written but not read (EACCES): the file is there all the same. */
    if (error == EINVAL || error == EACCES)
        error = 0;
    if (fd >= 0)
        close(fd);
    return error ? fail_write(file->ctx, error, "sync the directory") : LI_OK;
}

static li_status
close_checked(li_file *file)
{
    int fd = file->fd;
    if (file->durable && !file->direct && fsync(fd) != 0)
        return fail_write(file->ctx, errno, "sync");
    file->fd = -1;
    /* EINTR: Linux has closed it all the same. */
    if (close(fd) != 0 && errno != EINTR)
        return fail_write(file->ctx, errno, "close");
    return LI_OK;
}

li_status
li_file_commit(li_file *file)
{
    LI_TRY(flush(file));
    if (file->old_mode >= 0 && fchmod(file->fd, (mode_t)file->old_mode) != 0)
        return fail_write(file->ctx, errno, "set the mode");
    LI_TRY(close_checked(file));
    if (file->direct)
        return LI_OK;
    if (rename(file->temp, file->path) != 0)
        return fail_write(file->ctx, errno, "rename the finished file");
    li_free(file->ctx, &file->temp);
    return file->durable ? sync_directory(file) : LI_OK;
}

void
li_file_close(li_file **out)
{
    li_file *file = *out;
    *out = NULL;
    if (!file)
        return;
    li_ctx *ctx = file->ctx;
    if (file->fd >= 0)
        close(file->fd);
    if (file->temp)
        unlink(file->temp);
    li_free(ctx, &file->temp);
    li_free(ctx, &file->path);
    li_free(ctx, &file->buffer);
    li_free(ctx, &file);
}
