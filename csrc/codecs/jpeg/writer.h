/* writer.h: libjpeg's compressor with everything around it, as rows and planes both
 * need it. Private to this folder. Layer 2. */
#ifndef LI_CODECS_JPEG_WRITER_H
#define LI_CODECS_JPEG_WRITER_H

#include "codecs/jpeg/jpeg.h"

enum { LI_JPEG_SCANS = 12 }; /* of a script, at most */

typedef struct li_jpeg_writer {
    struct jpeg_compress_struct jpeg;
    li_jpeg_trouble trouble;
    struct jpeg_destination_mgr destination;
    struct jpeg_progress_mgr progress;
    li_ctx *ctx; /* borrowed */
    li_info info;
    bool planes;                 /* raw data come in; set before open */
    li_out *out;                 /* borrowed */
    const li_metadata *metadata; /* borrowed; NULL: none */
    uint64_t charged;            /* to be given back at close */
    li_jpeg_choice choice;
    jpeg_scan_info script[LI_JPEG_SCANS]; /* of efforts that do not take libjpeg's */
    uint8_t *buffer;                      /* owned: LI_OUT_BYTES */
    void *owner;                          /* borrowed: the struct that this one is in */
} li_jpeg_writer;

/* Up to jpeg_start_compress, and without it where the choice says trellis. The writer
 * is zeroed but for `planes` and `owner`. Close it also when this fails. */
li_status li_jpeg_writer_open(li_jpeg_writer *writer, li_ctx *ctx, li_info info,
                              const li_encode *encode, li_out *out) LI_MUST_CHECK;
li_status li_jpeg_writer_finish(li_jpeg_writer *writer) LI_MUST_CHECK;
void li_jpeg_writer_close(li_jpeg_writer *writer); /* accepts a half-open one */

/* A step behind the library's own head of the file: may jump. */
void li_jpeg_writer_metadata(li_jpeg_writer *writer);

/* The status of a step: a jump comes back here, and nowhere else. */
li_status li_jpeg_writer_try(li_jpeg_writer *writer,
                             void (*step)(li_jpeg_writer *)) LI_MUST_CHECK;

#endif
