/* reader.h: libjpeg's decompressor with everything around it, as rows and planes both
 * need it. Private to this folder. Layer 2. */
#ifndef LI_CODECS_JPEG_READER_H
#define LI_CODECS_JPEG_READER_H

#include "codecs/jpeg/jpeg.h"

typedef struct li_jpeg_reader {
    struct jpeg_decompress_struct jpeg;
    li_jpeg_trouble trouble;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    li_ctx *ctx;      /* borrowed */
    li_source *in;    /* borrowed */
    uint64_t offset;  /* of the byte behind the library's window */
    uint64_t end;     /* the library gets no byte from here on; 0: the file's */
    uint64_t charged; /* to be given back at close */
    li_info whole;    /* the picture without a region */
    li_hint hint;
    bool held;   /* several scans */
    void *owner; /* borrowed: the struct that this one is in */
} li_jpeg_reader;

/* Everything up to, and without, jpeg_start_decompress. The reader is zeroed. Close it
 * also when this fails. */
li_status li_jpeg_reader_open(li_jpeg_reader *reader, li_ctx *ctx, li_source *in,
                              const li_header *header, li_hint hint) LI_MUST_CHECK;
void li_jpeg_reader_close(li_jpeg_reader *reader); /* accepts a zeroed one */

/* The status of a step: a jump comes back here, and nowhere else. */
li_status li_jpeg_reader_try(li_jpeg_reader *reader,
                             void (*step)(li_jpeg_reader *)) LI_MUST_CHECK;

/* --- parts of steps; each may jump ------------------------------------------------ */

_Noreturn void li_jpeg_reader_fail(li_jpeg_reader *reader, li_status status,
                                   const char *words);
/* jpeg_start_decompress, and whether every scan that the picture needs has come. */
void li_jpeg_reader_start(li_jpeg_reader *reader);
/* Behind the last row the rest of the file up to its end marker, so that damage there
 * is found before the row is given out. */
void li_jpeg_reader_end(li_jpeg_reader *reader);
/* Is no coefficient missing that a scan might have refined? */
bool li_jpeg_reader_complete(const li_jpeg_reader *reader);

#endif
