/* metadata.h: the size that deflated metadata has when inflated, and what small chunks
 * say. Layer 2. */
#ifndef LI_CODECS_PNG_METADATA_H
#define LI_CODECS_PNG_METADATA_H

#include "base/source.h"
#include "codecs/codec.h"
#include "codecs/png/inflate.h"

/* What zlib data of `size` bytes at `at` inflates to, counted no further than just past
 * `most`. Data that cannot come to more is not looked at, and *bytes is then its size
 * as stored; else the state of an inflate is taken for the moment. */
li_status li_png_inflated_bytes(li_ctx *ctx, li_source *in, uint64_t at, uint64_t size,
                                uint64_t most, uint64_t *bytes) LI_MUST_CHECK;

/* notes.c: how long a small chunk is that is noted, 0 for other types; and what it
 * says. */
uint32_t li_png_note_bytes(const char type[5]);
void li_png_note(const char type[5], const uint8_t *body, li_header *header);
/* Warn where an ancillary chunk that means something to us comes twice, behind the
 * pixels or in a wrong length: it is ignored then. For each chunk of a file in turn;
 * *seen is 0 at first. */
void li_png_check_place(li_ctx *ctx, uint32_t *seen, const char type[5],
                        uint32_t length);

#endif
