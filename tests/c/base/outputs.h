/* outputs.h: a directory for a test's files, what is in it, and a C library that can be
 * told to have no /proc. For test_file.c. */
#ifndef LI_TESTS_BASE_OUTPUTS_H
#define LI_TESTS_BASE_OUTPUTS_H

#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static bool no_proc; /* tests go the way of a system without nameless files */

/* Stands before the C library's own: file.c asks so for its file's name in /proc. */
int
faccessat(int from, const char *path, int mode, int flags)
{
    struct stat found;
    (void)mode;
    (void)flags;
    errno = ENOENT;
    return no_proc ? -1 : fstatat(from, path, &found, 0);
}

static const char *
path_of(const char *name)
{
    static char paths[4][512];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

/* Temp files have a name of their own kind. */
static int
count_temps(const char *where)
{
    DIR *all = opendir(where);
    int count = 0;
    for (struct dirent *entry; all && (entry = readdir(all));)
        count += strncmp(entry->d_name, ".lazyimage-", 11) == 0;
    if (all)
        closedir(all);
    return count;
}

/* Has this system files without a name? */
static bool
has_nameless(void)
{
#ifdef O_TMPFILE
    int fd = no_proc ? -1 : open(folder, O_WRONLY | O_TMPFILE, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
#else
    return false;
#endif
}

static void
put(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    if (CHECK(file != NULL)) {
        fputs(text, file);
        fclose(file);
    }
}

static bool
holds(const char *path, const char *text)
{
    char found[256] = {0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    size_t size = fread(found, 1, sizeof(found) - 1, file);
    fclose(file);
    return size == strlen(text) && memcmp(found, text, size) == 0;
}

static mode_t
mode_of(const char *path)
{
    struct stat now = {0};
    CHECK_EQ(stat(path, &now), 0);
    return now.st_mode & 07777;
}

static int
answer_of(int (*work)(size_t), size_t value)
{
    int answer = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(work(value));
    CHECK(waitpid(child, &answer, 0) == child);
    return WIFEXITED(answer) ? WEXITSTATUS(answer) : 1000 + answer;
}

#endif
