/* source.h: the bytes of one input, read through a window. Layer 0.
 *
 * Three kinds behind one struct: "map" (a file mapped and guarded, pages dropped behind
 * the read head), "read" (pread into one buffer), "bytes" (borrowed memory). A codec
 * keeps no pointer into a source beyond the next call on it. */
#ifndef LI_BASE_SOURCE_H
#define LI_BASE_SOURCE_H

#include "base/base.h"

typedef enum li_io {
    LI_IO_AUTO,
    LI_IO_MAP,
    LI_IO_READ,
    LI_IO_HEAD /* read, a page at a time: for who wants a header and no pixel */
} li_io;

/* What fstat said of a file: two stamps differ when its bytes may. */
typedef struct li_stamp {
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns;
} li_stamp;

typedef struct li_source li_source;

typedef struct li_source_ops {
    const char *name; /* "map" | "read" | "bytes" */
    li_status (*at)(li_source *source, uint64_t offset, size_t want,
                    const uint8_t **data, size_t *got);
    li_status (*all)(li_source *source, const uint8_t **data);
    void (*passed)(li_source *source, uint64_t offset); /* NULL: it costs nothing */
    li_status (*verify)(li_source *source);
    void (*close)(li_source *source);
} li_source_ops;

struct li_source {
    const li_source_ops *ops;
    li_ctx *ctx;   /* borrowed */
    uint64_t size; /* fixed after open */
    bool leaps;    /* the reader will leap on: read no more than is asked for */
};

enum { LI_WINDOW_BYTES = 256 << 10 };

/* Open the file at path. Codes: E100 not there, E101 cannot be read, E102 cannot be
 * mapped (io = LI_IO_MAP), E123 larger than limits.max_input_bytes. */
li_status li_source_open(li_ctx *ctx, const char *path, li_io io,
                         li_source **source) LI_MUST_CHECK;
/* The same over a descriptor, which is duplicated. `since`: the stamp that the file
 * must still have, NULL: as it is now. */
li_status li_source_open_fd(li_ctx *ctx, int fd, li_io io, const li_stamp *since,
                            li_source **source) LI_MUST_CHECK;
/* Borrow memory, which must outlive the source. */
li_status li_source_borrow(li_ctx *ctx, const void *data, size_t size,
                           li_source **source) LI_MUST_CHECK;
/* E103 if the file is no longer the one that was opened. Call before a result leaves.
 */
li_status li_source_verify(li_source *source) LI_MUST_CHECK;
/* What a job over it ends with: damage that was found in a file that changed meanwhile
 * is E103, everything else is `status`. Accepts NULL. */
li_status li_source_blame(li_source *source, li_status status) LI_MUST_CHECK;
/* Accepts NULL and half-opened sources. */
void li_source_close(li_source **source);

li_status li_stamp_of(li_ctx *ctx, int fd, li_stamp *stamp) LI_MUST_CHECK;

/* At least `want` bytes from offset if they are there (want ≤ LI_WINDOW_BYTES), more if
 * it costs nothing; *got is 0 at and past the end. *data is valid until the next call.
 */
static inline LI_MUST_CHECK li_status
li_source_at(li_source *source, uint64_t offset, size_t want, const uint8_t **data,
             size_t *got)
{
    return source->ops->at(source, offset, want, data, got);
}

/* The reader of the whole is at `offset` now: what lies well behind it may leave
 * memory, and comes back by itself where it is touched. */
static inline void
li_source_passed(li_source *source, uint64_t offset)
{
    if (source->ops->passed)
        source->ops->passed(source, offset);
}

/* The whole input as one block, valid until close. */
static inline LI_MUST_CHECK li_status
li_source_all(li_source *source, const uint8_t **data)
{
    return source->ops->all(source, data);
}

#endif
