/* output_faults.c: what a disk can do to who writes below one directory. A test's tool:
 * LD_PRELOADed, it stands before the calls that make a file, can let the n-th of one
 * kind fail, and keeps a log of all. glibc only. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

enum { EVERY = -1, LOG_BYTES = 1 << 16 };

/* How a call goes wrong: errno, or one of these. */
enum { SHORT = -1, NOTHING = -2, INTERRUPTED = -3, GONE = -4 };

static char watched[PATH_MAX];
static size_t watched_size;
static char failing[32];
static int failing_at, failing_how, seen, fired;
static bool again; /* after EINTR the same call must succeed */
static char story[LOG_BYTES];
static size_t story_size;

static void
say(const char *text)
{
    size_t size = strlen(text);
    if (story_size + size + 1 >= LOG_BYTES)
        return;
    memcpy(story + story_size, text, size);
    story[story_size + size] = '\n';
    story_size += size + 1;
    story[story_size] = '\0';
}

/* Watch what is below a directory, whose real path this is; "": nothing. */
PUBLIC void
output_faults_watch(const char *directory)
{
    snprintf(watched, sizeof(watched), "%s", directory);
    watched_size = strlen(watched);
    failing[0] = '\0';
    story_size = 0;
    story[0] = '\0';
}

/* The n-th call of this name, from 0 on, goes wrong in this way; EVERY: each. */
PUBLIC void
output_faults_set(const char *call, int n, int how)
{
    snprintf(failing, sizeof(failing), "%s", call);
    failing_at = n;
    failing_how = how;
    seen = 0;
    fired = 0;
    again = false;
}

/* How many calls went wrong. */
PUBLIC int
output_faults_fired(void)
{
    return fired;
}

/* What was called, a line each. */
PUBLIC const char *
output_faults_log(void)
{
    return story;
}

static bool
is_below(const char *path)
{
    return watched_size > 0 && strncmp(path, watched, watched_size) == 0 &&
           (path[watched_size] == '/' || path[watched_size] == '\0');
}

static bool
is_below_at(int directory, const char *path)
{
    char base[PATH_MAX], link[64];
    if (!watched_size)
        return false;
    if (path[0] == '/')
        return is_below(path);
    if (directory == AT_FDCWD)
        return getcwd(base, sizeof(base)) && is_below(base);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
    ssize_t size = readlink(link, base, sizeof(base) - 1);
    base[size < 0 ? 0 : size] = '\0';
    return is_below(base);
}

/* Is this descriptor one of an output ('f'), of a directory ('d'), or none of ours? */
static char
kind_of(int fd)
{
    int kept = errno;
    char path[PATH_MAX], link[64];
    if (!watched_size)
        return 0;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof(path) - 1);
    path[size < 0 ? 0 : size] = '\0';
    struct stat found;
    char kind = 0;
    if (is_below(path) && fstat(fd, &found) == 0) {
        int flags = fcntl(fd, F_GETFL);
        kind = S_ISDIR(found.st_mode) ? 'd' : (flags & O_ACCMODE) != O_RDONLY ? 'f' : 0;
    }
    errno = kept;
    return kind;
}

/* Somebody removes the directory with all that is in it. */
static int
remove_directory(void)
{
    DIR *directory = opendir(watched);
    struct dirent *entry;
    char path[2 * PATH_MAX];
    while (directory && (entry = readdir(directory))) {
        snprintf(path, sizeof(path), "%s/%s", watched, entry->d_name);
        syscall(SYS_unlink, path);
    }
    if (directory)
        closedir(directory);
    rmdir(watched);
    return 0;
}

/* Say what is called; 0, or how it goes wrong. */
static int
fault(const char *call)
{
    say(call);
    if (strcmp(call, failing) != 0)
        return 0;
    bool now = failing_at == EVERY || seen == failing_at;
    if (failing_how == INTERRUPTED) {
        now = !again;
        again = now;
    }
    seen++;
    fired += now;
    if (now && failing_how == GONE)
        return remove_directory();
    return now ? failing_how : 0;
}

/* −1 with errno if the call goes wrong by one. */
#define FAIL_IF(condition, call)                                                       \
    do {                                                                               \
        int how_ = (condition) ? fault(call) : 0;                                      \
        if (how_) {                                                                    \
            errno = how_ == INTERRUPTED ? EINTR : how_;                                \
            return -1;                                                                 \
        }                                                                              \
    } while (0)

static int
open_checked(int directory, const char *path, int flags, mode_t mode)
{
    bool ours = is_below_at(directory, path);
    bool temp = (flags & O_TMPFILE) == O_TMPFILE;
    bool makes = (flags & O_ACCMODE) != O_RDONLY;
    if (ours && makes) {
        char text[96];
        int how = fault("open");
        if (how) {
            errno = how;
            return -1;
        }
        snprintf(text, sizeof(text), "%s%s%s", temp ? "O_TMPFILE" : "",
                 flags & O_EXCL ? "O_EXCL" : "", flags & O_CLOEXEC ? "|O_CLOEXEC" : "");
        say(text);
    }
    return (int)syscall(SYS_openat, directory, path, flags, mode);
}

#define OPEN_MODE                                                                      \
    mode_t mode = 0;                                                                   \
    if (flags & (O_CREAT | O_TMPFILE)) {                                               \
        va_list rest;                                                                  \
        va_start(rest, flags);                                                         \
        mode = (mode_t)va_arg(rest, int);                                              \
        va_end(rest);                                                                  \
    }

PUBLIC int
open(const char *path, int flags, ...)
{
    OPEN_MODE
    return open_checked(AT_FDCWD, path, flags, mode);
}

PUBLIC int
open64(const char *path, int flags, ...)
{
    OPEN_MODE
    return open_checked(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

PUBLIC int
openat(int directory, const char *path, int flags, ...)
{
    OPEN_MODE
    return open_checked(directory, path, flags, mode);
}

PUBLIC int
openat64(int directory, const char *path, int flags, ...)
{
    OPEN_MODE
    return open_checked(directory, path, flags | O_LARGEFILE, mode);
}

PUBLIC ssize_t
write(int fd, const void *data, size_t size)
{
    int how = kind_of(fd) == 'f' ? fault("write") : 0;
    if (how == NOTHING)
        return 0;
    if (how == SHORT)
        return (ssize_t)syscall(SYS_write, fd, data, size > 2 ? size / 3 : size);
    if (how) {
        errno = how == INTERRUPTED ? EINTR : how;
        return -1;
    }
    return (ssize_t)syscall(SYS_write, fd, data, size);
}

PUBLIC int
fsync(int fd)
{
    char kind = kind_of(fd);
    FAIL_IF(kind == 'f', "fsync");
    FAIL_IF(kind == 'd', "fsync-directory");
    return (int)syscall(SYS_fsync, fd);
}

/* As a kernel does it: whatever it says, the descriptor is closed. */
PUBLIC int
close(int fd)
{
    bool ours = kind_of(fd) == 'f';
    int closed = (int)syscall(SYS_close, fd);
    FAIL_IF(ours, "close");
    return closed;
}

PUBLIC int
fchmod(int fd, mode_t mode)
{
    FAIL_IF(kind_of(fd) == 'f', "chmod");
    return (int)syscall(SYS_fchmod, fd, mode);
}

PUBLIC int
chmod(const char *path, mode_t mode)
{
    FAIL_IF(is_below_at(AT_FDCWD, path), "chmod");
    return (int)syscall(SYS_chmod, path, mode);
}

PUBLIC int
rename(const char *from, const char *to)
{
    FAIL_IF(is_below_at(AT_FDCWD, to), "rename");
    return (int)syscall(SYS_rename, from, to);
}

PUBLIC int
renameat(int old_directory, const char *from, int directory, const char *to)
{
    FAIL_IF(is_below_at(directory, to), "rename");
    return (int)syscall(SYS_renameat, old_directory, from, directory, to);
}

PUBLIC int
renameat2(int old_directory, const char *from, int directory, const char *to,
          unsigned flags)
{
    FAIL_IF(is_below_at(directory, to), "rename");
    return (int)syscall(SYS_renameat2, old_directory, from, directory, to, flags);
}

PUBLIC int
linkat(int old_directory, const char *from, int directory, const char *to, int flags)
{
    FAIL_IF(is_below_at(directory, to), "link");
    return (int)syscall(SYS_linkat, old_directory, from, directory, to, flags);
}

PUBLIC int
unlink(const char *path)
{
    if (is_below_at(AT_FDCWD, path))
        say("unlink");
    return (int)syscall(SYS_unlink, path);
}
