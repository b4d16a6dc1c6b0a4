/* write.h: what the files of the PNG writer share: the IDAT chunks that compressed
 * bytes go into, and the packers that compress filtered rows. Layer 2. */
#ifndef LI_CODECS_PNG_WRITE_H
#define LI_CODECS_PNG_WRITE_H

#include "codecs/png/filter.h"
#include "codecs/png/png.h"

/* --- chunks ----------------------------------------------------------------------- */

enum {
    LI_IDAT_HEAD = 8, /* length and type; the CRC stands behind the body */
    LI_IDAT_BYTES = LI_OUT_BYTES - LI_PNG_CHUNK_BYTES, /* the longest body */
    LI_IDAT_SPARE = 2048, /* of a shorter one: at least this, beyond what will come */
    LI_IDAT_SLACK = 8,    /* writable bytes behind the longest body and its CRC */
};

/* An IDAT chunk that grows: its body begins at chunk + LI_IDAT_HEAD. */
typedef struct li_idat {
    li_ctx *ctx;    /* borrowed */
    li_out *out;    /* borrowed; NULL: bytes are counted, not handed on */
    uint64_t sent;  /* bytes of the bodies handed on */
    uint8_t *chunk; /* owned */
    size_t room;    /* of the body: LI_IDAT_SPARE to LI_IDAT_BYTES */
    size_t fill;    /* of the body */
} li_idat;

/* `bound`: no more bytes than this will come in all. */
li_status li_idat_open(li_ctx *ctx, li_out *out, uint64_t bound,
                       li_idat *idat) LI_MUST_CHECK;
void li_idat_close(li_idat *idat); /* accepts a zeroed one */
uint64_t li_idat_memory(uint64_t bound);
/* Hand the chunk on, if it holds anything. */
li_status li_idat_flush(li_idat *idat) LI_MUST_CHECK;
/* Append any number of bytes. */
li_status li_idat_write(li_idat *idat, const uint8_t *data, size_t size) LI_MUST_CHECK;
/* One chunk of another type, of up to 32 bytes. */
li_status li_chunk_write(li_out *out, const char type[4], const uint8_t *body,
                         size_t size) LI_MUST_CHECK;

/* The same of any number of bytes, in several writes. */
li_status li_chunk_long(li_out *out, const char type[4], const uint8_t *body,
                        size_t size) LI_MUST_CHECK;

static inline void
li_put_be32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
}

/* Both of a fast library where the build has one. */
uint32_t li_png_crc(uint32_t crc, const uint8_t *data, size_t size);     /* from 0 */
uint32_t li_png_adler(uint32_t adler, const uint8_t *data, size_t size); /* from 1 */

/* --- packers ---------------------------------------------------------------------- */

typedef struct li_packer li_packer;

typedef struct li_packer_ops {
    const char *name;
    li_status (*full)(li_packer *packer); /* take what is in the room, make room */
    li_status (*finish)(li_packer *packer);
    void (*close)(li_packer *packer); /* what it owns; accepts a half-opened one */
} li_packer_ops;

/* Compresses a stream of bytes into a zlib stream in IDAT chunks. The bytes are put
 * where it says. */
struct li_packer {
    const li_packer_ops *ops;
    li_ctx *ctx;   /* borrowed */
    li_idat *idat; /* borrowed */
    uint8_t *next; /* where the next byte goes */
    size_t room;   /* how many fit there: never 0 between calls, but at the end */
};

/* `size` bytes have been put at next. */
li_status li_packer_advance(li_packer *packer, size_t size) LI_MUST_CHECK;
void li_packer_close(li_packer **packer); /* accepts NULL */

/* The bytes that come in all, and how: what a packer is opened for. */
typedef struct li_packing {
    uint64_t total;
    int level; /* li_png_level: 0..9 */
} li_packing;

/* Which of them takes a picture. */
typedef struct li_packer_kind {
    const char *name;
    uint64_t (*memory)(li_packing packing); /* its heap at most */
    uint64_t (*bound)(li_packing packing);  /* bytes out at most */
    li_status (*open)(li_ctx *ctx, li_idat *idat, li_packing packing,
                      li_packer **packer);
} li_packer_kind;

extern const li_packer_kind li_packer_stored; /* deflate.c: as they are */
extern const li_packer_kind li_packer_runs;   /* deflate.c: our own */
extern const li_packer_kind li_packer_zlib;   /* write_zlib.c */

/* deflate_join.c: the deflate stream in `data`, of the `count` bytes at `from`, becomes
 * one that another may follow. `data` has LI_JOIN_BYTES behind its end; `from` is
 * written, with what it holds. */
enum { LI_JOIN_BYTES = 5 };
li_status li_deflate_go_on(li_ctx *ctx, uint8_t *data, size_t *size, uint8_t *from,
                           size_t count) LI_MUST_CHECK;
uint64_t li_deflate_join_memory(void);

#ifdef LI_HAVE_DEFLATE
extern const li_packer_kind li_packer_whole; /* write_whole.c: libdeflate */
#endif

/* --- write.c ---------------------------------------------------------------------- */

enum { LI_PNG_BY_PALETTE = 3 }; /* IHDR's colour type */

/* What IHDR says besides the size. */
typedef struct li_png_form {
    uint8_t depth, color;
    bool interlaced;
} li_png_form;

uint8_t li_png_color(li_pixel pixel); /* the colour type of samples as they are */
/* The signature and all chunks that stand in front of a palette. */
li_status li_png_write_head(li_ctx *ctx, li_out *out, li_info info, li_png_form form,
                            const li_encode *encode) LI_MUST_CHECK;
/* A row of `size` bytes, filtered (plain: not) into the packer. */
li_status li_png_write_line(li_packer *packer, const li_filters *filters, bool plain,
                            const uint8_t *row, const uint8_t *above, size_t size,
                            uint32_t step) LI_MUST_CHECK;
/* How so many filtered bytes are packed. */
li_packing li_png_packing(uint64_t total, const li_encode *encode);
const li_packer_kind *li_png_packer(li_packing packing);
/* Upper bound of a file of so many packed bytes. */
uint64_t li_png_packed_output(uint64_t packed);

/* --- write_held.c: whatever needs the whole picture ---------------------------------
 */

bool li_png_holds(const li_encode *encode);
bool li_png_indexes(const li_encode *encode); /* samples are indices, or of few bits */
/* Few bits are a gray picture's levels, or else a palette's. */
bool li_png_has_palette(li_pixel pixel, const li_encode *encode);
uint64_t li_png_held_bytes(li_info info, const li_encode *encode);
uint64_t li_png_held_output(li_info info, const li_encode *encode);
void li_png_held_describe(li_info info, const li_encode *encode, char *text,
                          size_t size);
li_status li_png_encode_held(li_ctx *ctx, li_info info, const li_encode *encode,
                             li_out *out, li_sink **sink) LI_MUST_CHECK;

#endif
