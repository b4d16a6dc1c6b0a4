/* file.h: an output file that is whole or not there: without a name until then, or
 * under one beside it. Layer 0. */
#ifndef LI_BASE_FILE_H
#define LI_BASE_FILE_H

#include "base/base.h"

typedef struct li_file li_file;

/* Open a file in the directory of path: without a name where the system has such files
 * (a process that is killed leaves nothing), else as .lazyimage-<16 hex digits>. A path
 * that is a device or pipe is written directly, a symbolic link is followed. durable:
 * fsync of file and directory before and after the rename. All errors are E301 with
 * errno. */
li_status li_file_create(li_ctx *ctx, const char *path, bool durable,
                         li_file **file) LI_MUST_CHECK;
/* Collected into 64 KiB writes. */
li_status li_file_write(li_file *file, const void *data, size_t size) LI_MUST_CHECK;
/* Can what was written be written over? Not of a device or pipe. */
bool li_file_patches(const li_file *file);
/* Over bytes that were written. */
li_status li_file_patch(li_file *file, uint64_t at, const void *data,
                        size_t size) LI_MUST_CHECK;
/* Flush, check, give it the old file's mode if there was one, and its name: by a link
 * where there is no file, else by a rename over the old one. */
li_status li_file_commit(li_file *file) LI_MUST_CHECK;
/* Without a commit the file is removed. Accepts NULL. */
void li_file_close(li_file **file);

#endif
