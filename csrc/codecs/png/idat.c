/* idat.c: the stream of IDATs: inflate, check, and what may follow. Layer 2.
 *
 * Where libpng's verdict hangs on how its buffers fall (it may not get to the check of
 * the stream), this reader always looks. */
#include "codecs/png/idat.h"
#include "codecs/png/metadata.h"

#include <string.h>

static bool
in_chunk(const li_png_idat *idat, const char *type)
{
    return memcmp(idat->walk.type, type, 4) == 0;
}

static li_status
fail(li_png_idat *idat, li_status status, const char *text)
{
    return li_png_walk_fail(&idat->walk, status, text);
}

/* What is wrong in a chunk that the file's end cuts is that end. */
static li_status
fail_data(li_png_idat *idat, const char *text)
{
    bool cut = li_png_walk_is_cut(&idat->walk);
    return fail(idat, cut ? LI_E132_TRUNCATED : LI_E130_CORRUPT, text);
}

/* The next chunk that is none of the pixels', or the first of those. */
static li_status
idat_next(li_png_idat *idat)
{
    li_png_walk *walk = &idat->walk;
    LI_TRY(li_png_walk_next(walk));
    li_png_check_place(walk->ctx, &idat->seen, walk->type, walk->length);
    return LI_OK;
}

/* The next bytes of the stream, which go on in the next IDAT, which may be empty. */
static li_status
idat_more(li_png_idat *idat)
{
    while (idat->walk.left == 0) {
        LI_TRY(li_png_walk_end(&idat->walk));
        LI_TRY(li_png_walk_next(&idat->walk));
        if (!in_chunk(idat, "IDAT"))
            return fail(idat, LI_E132_TRUNCATED, "Not enough image data");
    }
    return li_png_walk_take(&idat->walk, &idat->inflate.in, &idat->inflate.in_left);
}

/* A few bytes outside the deflate data, wherever IDATs are cut. */
static li_status
idat_bytes(li_png_idat *idat, uint8_t *into, size_t size)
{
    li_png_inflate *inflate = &idat->inflate;
    size_t kept = inflate->tail_size < size ? inflate->tail_size : size;
    memcpy(into, inflate->tail, kept);
    inflate->tail_size -= (uint32_t)kept;
    memmove(inflate->tail, inflate->tail + kept, inflate->tail_size);
    for (size_t i = kept; i < size; i++) {
        if (inflate->in_left == 0)
            LI_TRY(idat_more(idat));
        into[i] = *inflate->in++;
        inflate->in_left--;
    }
    return LI_OK;
}

/* RFC 1950. The window that it names is not looked at: some encoders name a smaller one
 * than they use. */
static li_status
idat_head(li_png_idat *idat)
{
    uint8_t head[2];
    LI_TRY(idat_bytes(idat, head, sizeof(head)));
    if ((head[0] << 8 | head[1]) % 31 != 0)
        return fail_data(idat, "incorrect header check");
    if ((head[0] & 15) != 8)
        return fail_data(idat, "unknown compression method");
    if (head[0] >> 4 > 7)
        return fail_data(idat, "invalid window size");
    if (head[1] & 0x20)
        return fail_data(idat, "missing LZ dictionary");
    return LI_OK;
}

li_status
li_png_idat_open(li_png_idat *idat, li_ctx *ctx, li_source *in,
                 const li_png_inflate_ops *ops)
{
    enum { SIGNATURE_BYTES = 8 };
    li_png_walk *walk = &idat->walk;
    *walk = (li_png_walk){
        .ctx = ctx, .in = in, .crc32 = ops->crc32, .offset = SIGNATURE_BYTES};
    idat->inflate = (li_png_inflate){.ops = ops, .ctx = ctx};
    idat->adler = 1;
    idat->seen = 0;
    LI_TRY(ops->open(&idat->inflate));
    LI_TRY(idat_next(idat));
    while (!in_chunk(idat, "IDAT")) {
        LI_TRY(li_png_walk_end(walk));
        LI_TRY(idat_next(idat));
    }
    return LI_OK;
}

void
li_png_idat_close(li_png_idat *idat)
{
    if (idat->inflate.ops)
        idat->inflate.ops->close(&idat->inflate);
}

/* Fill the room that inflate.out has, or come to the end of the deflate data. */
static li_status
idat_inflate(li_png_idat *idat)
{
    li_png_inflate *inflate = &idat->inflate;
    while (inflate->out_left > 0 && !idat->ended) {
        uint8_t *start = inflate->out;
        size_t before = inflate->in_left;
        li_png_inflated state = inflate->ops->run(inflate);
        size_t made = (size_t)(inflate->out - start);
        idat->adler = inflate->ops->adler32(idat->adler, start, made);
        if (state == LI_PNG_INFLATE_BAD)
            return fail_data(idat, inflate->bad);
        idat->ended = state == LI_PNG_INFLATE_END;
        bool idle = made == 0 && inflate->in_left == before;
        if (idle && !idat->ended && inflate->in_left == 0)
            LI_TRY(idat_more(idat));
    }
    return LI_OK;
}

static li_status
check_adler(li_png_idat *idat)
{
    uint8_t adler[4];
    LI_TRY(idat_bytes(idat, adler, sizeof(adler)));
    uint32_t said = (uint32_t)adler[0] << 24 | (uint32_t)adler[1] << 16 |
                    (uint32_t)adler[2] << 8 | adler[3];
    return said == idat->adler ? LI_OK : fail_data(idat, "incorrect data check");
}

li_status
li_png_idat_read(li_png_idat *idat, uint8_t *into, size_t size)
{
    if (!idat->started) {
        idat->started = true;
        LI_TRY(idat_head(idat));
    }
    idat->inflate.out = into;
    idat->inflate.out_left = size;
    LI_TRY(idat_inflate(idat));
    if (idat->inflate.out_left == 0)
        return LI_OK;
    LI_TRY(check_adler(idat)); /* a wrong one says more than rows that are missing */
    return fail(idat, LI_E132_TRUNCATED, "Not enough image data");
}

/* --- behind the last row ---------------------------------------------------------- */

static void
idat_warn(li_png_idat *idat, const char *text)
{
    li_warn(idat->walk.ctx, "png: %s: %s", idat->walk.type, text);
}

/* Up to the end of the deflate data, which must be whole even where it is too long. */
static li_status
drop_surplus(li_png_idat *idat, uint8_t *scratch, size_t size)
{
    bool surplus = false;
    while (!idat->ended) {
        idat->inflate.out = scratch;
        idat->inflate.out_left = size;
        LI_TRY(idat_inflate(idat));
        surplus |= idat->inflate.out_left < size;
    }
    if (surplus)
        idat_warn(idat, "Too much image data");
    return LI_OK;
}

static void
warn_extra(li_png_idat *idat)
{
    if (idat->inflate.tail_size > 0 || idat->inflate.in_left > 0 || idat->walk.left > 0)
        idat_warn(idat, "Extra compressed data");
}

/* What else there is may be anything but a second IHDR. */
static li_status
find_end(li_png_idat *idat)
{
    while (!in_chunk(idat, "IEND")) {
        LI_TRY(li_png_walk_end(&idat->walk));
        LI_TRY(idat_next(idat));
        if (in_chunk(idat, "IHDR"))
            return fail(idat, LI_E130_CORRUPT, "out of place");
    }
    LI_TRY(li_png_walk_end(&idat->walk));
    if (idat->walk.length > 0)
        idat_warn(idat, "invalid");
    li_codec_note_rest("png", idat->walk.ctx, idat->walk.in,
                       idat->walk.offset - idat->walk.window_left, "IEND");
    return LI_OK;
}

li_status
li_png_idat_finish(li_png_idat *idat, uint8_t *scratch, size_t size)
{
    LI_TRY(drop_surplus(idat, scratch, size));
    LI_TRY(check_adler(idat));
    warn_extra(idat);
    return find_end(idat);
}
