/* file.c: an output that is whole or not there. Until it is, it has no name where the
 * system knows such files (O_TMPFILE): who is killed leaves nothing behind. Layer 0. */
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
    char *temp;  /* owned: its name until the rename, */
    bool named;  /* if it has one by now: to be removed */
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

enum { NAME_BYTES = 40 }; /* of a temp file */

/* `way` gives the file a name beside the target that nobody has: 0, or errno. */
static int
name_temp(li_file *file, int (*way)(li_file *))
{
    char *name = file->temp + directory_length(file->path);
    uint64_t mix =
        (uint64_t)li_now_ns() ^ (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)file;
    int error = EEXIST;
    for (int i = 0; i < TRIES && error == EEXIST; i++) {
        mix = mix * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX LCG */
        snprintf(name, NAME_BYTES, ".lazyimage-%016llx", (unsigned long long)mix);
        error = way(file);
    }
    file->named = error == 0;
    return error;
}

/* Its mode comes with the commit; until then nobody else need look. */
static mode_t
first_mode(const li_file *file)
{
    return file->old_mode < 0 ? 0666 : 0600;
}

static int
create_named(li_file *file)
{
    file->fd =
        open(file->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, first_mode(file));
    return file->fd >= 0 ? 0 : errno;
}

#ifdef O_TMPFILE
/* linkat() needs no privilege for this name of the file; there is none without /proc.
 */
static void
own_name(const li_file *file, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "/proc/self/fd/%d", file->fd);
}

static int
link_to(const li_file *file, const char *path)
{
    char name[NAME_BYTES];
    own_name(file, name);
    return linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) ? errno : 0;
}

static int
link_temp(li_file *file)
{
    return link_to(file, file->temp);
}

/* False: this system or file system has no such files, or another reason that the
 * ordinary way will tell. */
static bool
create_nameless(li_file *file)
{
    char name[NAME_BYTES], *end = file->temp + directory_length(file->path);
    memcpy(end, ".", 2);
    file->fd = open(file->temp, O_WRONLY | O_TMPFILE | O_CLOEXEC, first_mode(file));
    if (file->fd < 0)
        return false;
    own_name(file, name);
    if (faccessat(AT_FDCWD, name, F_OK, AT_EACCESS) == 0)
        return true;
    close(file->fd);
    file->fd = -1;
    return false;
}

/* Its place if that is free, else a name beside it. */
static int
name_finished(li_file *file, bool *done)
{
    int error = file->old_mode < 0 ? link_to(file, file->path) : EEXIST;
    *done = error == 0;
    return error == EEXIST ? name_temp(file, link_temp) : error;
}
#else
static bool
create_nameless(li_file *file)
{
    (void)file;
    return false;
}

static int
name_finished(li_file *file, bool *done)
{
    (void)file;
    *done = false;
    return 0;
}
#endif

static li_status
open_temp(li_file *file)
{
    LI_TRY(
        li_alloc(file->ctx, directory_length(file->path) + NAME_BYTES, 1, &file->temp));
    memcpy(file->temp, file->path, directory_length(file->path));
    int error = create_nameless(file) ? 0 : name_temp(file, create_named);
    return error ? fail_write(file->ctx, error, "create a file in the directory")
                 : LI_OK;
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

bool
li_file_patches(const li_file *file)
{
    return !file->direct;
}

li_status
li_file_patch(li_file *file, uint64_t at, const void *data, size_t size)
{
    const uint8_t *from = data;
    LI_TRY(flush(file));
    while (size > 0) {
        ssize_t n = pwrite(file->fd, from, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_write(file->ctx, n ? errno : ENOSPC, "write");
        from += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
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

/* What close() has to say: of a duplicate, so that the file can still be given a name.
 */
static li_status
settle_writes(li_file *file)
{
    if (file->durable && !file->direct && fsync(file->fd) != 0)
        return fail_write(file->ctx, errno, "sync");
    int fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
    /* EINTR: Linux has closed it all the same. */
    if (fd < 0 || (close(fd) != 0 && errno != EINTR))
        return fail_write(file->ctx, errno, "close");
    return LI_OK;
}

li_status
li_file_commit(li_file *file)
{
    bool done = false;
    LI_TRY(flush(file));
    if (file->old_mode >= 0 && fchmod(file->fd, (mode_t)file->old_mode) != 0)
        return fail_write(file->ctx, errno, "set the mode");
    LI_TRY(settle_writes(file));
    if (file->direct)
        return LI_OK;
    int error = file->named ? 0 : name_finished(file, &done);
    if (!error && !done)
        error = rename(file->temp, file->path) ? errno : 0;
    if (error)
        return fail_write(file->ctx, error, "rename the finished file");
    file->named = false;
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
    if (file->named)
        unlink(file->temp);
    li_free(ctx, &file->temp);
    li_free(ctx, &file->path);
    li_free(ctx, &file->buffer);
    li_free(ctx, &file);
}
