/* strip.c: walk the container, copy what the picture is made of. Layer 2. */
#include "meta/strip.h"

#include <string.h>

enum { PIECE = 32 << 10 };

typedef struct strip {
    li_ctx *ctx; /* borrowed, as all here */
    li_source *source;
    li_out *out;
    const li_metadata *with; /* NULL: nothing more */
    bool numbers;
    uint64_t most;
    bool good; /* so far the file is what it should be, and shorter than most */
} strip;

/* `size` bytes at offset into `to`; short files end the walk. */
static li_status
look(strip *walk, uint64_t offset, uint8_t *to, size_t size)
{
    const uint8_t *data;
    size_t got;
    LI_TRY(li_source_at(walk->source, offset, size, &data, &got));
    walk->good = walk->good && got >= size;
    if (walk->good)
        memcpy(to, data, size);
    else
        memset(to, 0, size);
    return LI_OK;
}

static li_status
write_out(strip *walk, const void *data, size_t size)
{
    walk->good = walk->good && size < walk->most - walk->out->size;
    return walk->good ? li_out_write(walk->out, data, size) : LI_OK;
}

static li_status
copy(strip *walk, uint64_t offset, uint64_t count)
{
    while (count && walk->good) {
        const uint8_t *data;
        size_t got, want = count < PIECE ? (size_t)count : PIECE;
        LI_TRY(li_poll(walk->ctx));
        LI_TRY(li_source_at(walk->source, offset, want, &data, &got));
        walk->good = got > 0;
        got = got < want ? got : want;
        LI_TRY(write_out(walk, data, got));
        offset += got;
        count -= got;
        li_source_passed(walk->source, offset);
    }
    return LI_OK;
}

/* What was written to `out` behind our back counts as well. */
static li_status
check_most(strip *walk)
{
    walk->good = walk->good && walk->out->size < walk->most;
    return LI_OK;
}

static uint32_t
big32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
           (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t
little32(const uint8_t *bytes)
{
    return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[1] << 8 | bytes[0];
}

/* --- JPEG ------------------------------------------------------------------------ */

enum { SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP0 = 0xe0, APP14 = 0xee, APP15 = 0xef };
enum { SOF0 = 0xc0, COM = 0xfe, RST0 = 0xd0, RST7 = 0xd7, JFIF_BYTES = 16 };

/* Where the next marker's FF is, from inside entropy-coded data. */
static li_status
find_marker(strip *walk, uint64_t *offset)
{
    while (walk->good) {
        const uint8_t *data;
        size_t got;
        LI_TRY(li_poll(walk->ctx));
        LI_TRY(li_source_at(walk->source, *offset, PIECE, &data, &got));
        walk->good = got >= 2;
        if (!walk->good)
            return LI_OK;
        const uint8_t *found = memchr(data, 0xff, got - 1);
        if (!found) {
            *offset += got - 1;
            continue;
        }
        *offset += (uint64_t)(found - data);
        uint8_t code = found[1];
        if (code != 0 && (code < RST0 || code > RST7))
            return LI_OK;
        *offset += 2;
    }
    return LI_OK;
}

/* JFIF's own 16 bytes, the thumbnail's size 0 by 0. */
static li_status
write_jfif(strip *walk, const uint8_t *segment)
{
    uint8_t jfif[2 + JFIF_BYTES] = {0xff, APP0, 0, JFIF_BYTES};
    memcpy(jfif + 4, segment + 4, JFIF_BYTES - 4);
    return write_out(walk, jfif, sizeof(jfif));
}

static li_status
strip_segment(strip *walk, uint64_t offset, uint8_t code, uint32_t length)
{
    uint8_t head[2 + JFIF_BYTES] = {0};
    uint32_t known = length < JFIF_BYTES ? length : JFIF_BYTES;
    if (code == COM || (code > APP0 && code <= APP15 && code != APP14))
        return LI_OK;
    LI_TRY(look(walk, offset, head, 2 + known));
    if (code == APP0)
        return length >= JFIF_BYTES && memcmp(head + 4, "JFIF", 5) == 0
                   ? write_jfif(walk, head)
                   : LI_OK;
    if (code == APP14 && memcmp(head + 4, "Adobe", 5) != 0)
        return LI_OK;
    return copy(walk, offset, 2 + (uint64_t)length);
}

/* With a length and a body, outside entropy-coded data. A restart there stands alone,
 * and would belong to the scan in front if what parts them were left out. */
static bool
is_segment(uint8_t code)
{
    return code >= SOF0 && (code < RST0 || code > SOI);
}

static li_status
strip_jpeg(strip *walk)
{
    static const uint8_t start[2] = {0xff, SOI}, end[2] = {0xff, EOI};
    uint64_t offset = 2;
    bool with = walk->with; /* it is still to be written */
    LI_TRY(write_out(walk, start, sizeof(start)));
    while (walk->good) {
        uint8_t marker[4];
        LI_TRY(look(walk, offset, marker, 2));
        walk->good = walk->good && marker[0] == 0xff && is_segment(marker[1]);
        if (walk->good && marker[1] == 0xff) { /* a fill byte */
            offset++;
            continue;
        }
        if (walk->good && marker[1] == EOI)
            return write_out(walk, end, sizeof(end));
        if (with && walk->good && marker[1] != APP0) {
            LI_TRY(li_metadata_jpeg(walk->with, walk->out));
            LI_TRY(check_most(walk));
            with = false;
        }
        LI_TRY(look(walk, offset, marker, 4));
        uint32_t length = (uint32_t)marker[2] << 8 | marker[3];
        walk->good = walk->good && length >= 2;
        if (!walk->good)
            break;
        LI_TRY(strip_segment(walk, offset, marker[1], length));
        offset += 2 + length;
        uint64_t entropy = offset;
        if (marker[1] == SOS) {
            LI_TRY(find_marker(walk, &offset));
            LI_TRY(copy(walk, entropy, offset - entropy));
        }
    }
    return LI_OK;
}

/* --- PNG ------------------------------------------------------------------------- */

/* What says of which colours the samples are: once, and of just its size. */
static bool
is_number(const uint8_t head[8], uint8_t *seen)
{
    static const struct {
        char type[5];
        uint8_t bytes;
    } numbers[3] = {{"cICP", 4}, {"gAMA", 4}, {"cHRM", 32}};
    for (int i = 0; i < 3; i++) {
        bool first = !(*seen >> i & 1);
        if (memcmp(head + 4, numbers[i].type, 4) != 0)
            continue;
        *seen |= (uint8_t)(1 << i);
        return first && big32(head) == numbers[i].bytes;
    }
    return false;
}

static li_status
strip_png(strip *walk)
{
    uint64_t offset = 8;
    uint8_t seen = walk->numbers ? 0 : 7;
    LI_TRY(copy(walk, 0, offset));
    while (walk->good) {
        uint8_t head[8];
        LI_TRY(li_poll(walk->ctx));
        LI_TRY(look(walk, offset, head, sizeof(head)));
        uint64_t whole = 12 + (uint64_t)big32(head);
        bool critical = !(head[4] & 0x20);
        bool numbers = is_number(head, &seen);
        if (memcmp(head + 4, "IDAT", 4) == 0)
            seen = 7;
        if (walk->good && (critical || numbers || memcmp(head + 4, "tRNS", 4) == 0))
            LI_TRY(copy(walk, offset, whole));
        if (walk->with && walk->good && memcmp(head + 4, "IHDR", 4) == 0) {
            LI_TRY(li_metadata_png(walk->with, walk->ctx, walk->out));
            LI_TRY(check_most(walk));
        }
        if (memcmp(head + 4, "IEND", 4) == 0)
            break;
        offset += whole;
    }
    return LI_OK;
}

/* --- WebP ------------------------------------------------------------------------ */

enum { RIFF_HEAD = 12, CHUNK_HEAD = 8, VP8X_BYTES = 10 };
enum { FLAG_ANIMATION = 0x02, FLAG_ALPHA = 0x10 }; /* of VP8X; the others go */

static bool
is_picture(const uint8_t *fourcc)
{
    static const char kept[3][5] = {"ALPH", "VP8 ", "VP8L"};
    for (int i = 0; i < 3; i++)
        if (memcmp(fourcc, kept[i], 4) == 0)
            return true;
    return false;
}

/* With RIFF's own head in front: `picture` bytes of chunks follow. */
static li_status
write_canvas(strip *walk, uint64_t picture)
{
    static const li_metadata none = {0};
    uint8_t chunk[CHUNK_HEAD + VP8X_BYTES], *body = chunk + CHUNK_HEAD;
    LI_TRY(look(walk, RIFF_HEAD, chunk, sizeof(chunk)));
    walk->good =
        walk->good && little32(chunk + 4) == VP8X_BYTES && !(body[0] & FLAG_ANIMATION);
    if (!walk->good)
        return LI_OK;
    li_canvas canvas = {.width = 1 + (little32(body + 4) & 0xffffff),
                        .height = 1 + (little32(body + 6) >> 8),
                        .alpha = body[0] & FLAG_ALPHA,
                        .picture = picture};
    LI_TRY(li_metadata_webp_head(walk->with ? walk->with : &none, &canvas, walk->out));
    return check_most(walk);
}

/* Every chunk up to `end`: summed up, or written as well. */
static li_status
walk_webp(strip *walk, uint64_t end, bool writes, uint64_t *total)
{
    uint64_t offset = RIFF_HEAD;
    *total = 0;
    while (walk->good && end - offset >= CHUNK_HEAD) {
        uint8_t head[CHUNK_HEAD];
        LI_TRY(look(walk, offset, head, sizeof(head)));
        uint64_t whole = CHUNK_HEAD + (((uint64_t)little32(head + 4) + 1) & ~1ull);
        walk->good = walk->good && whole <= end - offset;
        if (walk->good && is_picture(head)) {
            *total += whole;
            if (writes)
                LI_TRY(copy(walk, offset, whole));
        }
        offset += whole;
    }
    return LI_OK;
}

static li_status
strip_webp(strip *walk, const uint8_t *riff)
{
    uint8_t head[RIFF_HEAD + 4];
    uint64_t total, end = CHUNK_HEAD + (uint64_t)little32(riff + 4);
    walk->good = end >= RIFF_HEAD && end <= walk->source->size;
    if (!walk->good)
        return LI_OK;
    LI_TRY(walk_webp(walk, end, false, &total));
    walk->good = walk->good && total > 0; /* else there is no picture */
    if (!walk->good)
        return LI_OK;
    LI_TRY(look(walk, 0, head, sizeof(head)));
    if (memcmp(head + RIFF_HEAD, "VP8X", 4) == 0) {
        LI_TRY(write_canvas(walk, total));
    } else {
        for (int i = 0; i < 4; i++)
            head[4 + i] = (uint8_t)((4 + total) >> 8 * i);
        LI_TRY(write_out(walk, head, RIFF_HEAD));
    }
    LI_TRY(walk_webp(walk, end, true, &total));
    if (walk->good && walk->with)
        LI_TRY(li_metadata_webp_tail(walk->with, walk->out));
    return check_most(walk);
}

/* --- any ------------------------------------------------------------------------- */

li_status
li_meta_strip(li_ctx *ctx, li_source *source, const li_strip_how *how, li_out *out,
              bool *done)
{
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a};
    strip walk = {ctx, source, out, how->with, how->numbers, how->most, true};
    uint8_t head[RIFF_HEAD];
    *done = false;
    LI_TRY(look(&walk, 0, head, sizeof(head)));
    if (!walk.good)
        return LI_OK;
    if (head[0] == 0xff && head[1] == SOI)
        LI_TRY(strip_jpeg(&walk));
    else if (memcmp(head, png, sizeof(png)) == 0)
        LI_TRY(strip_png(&walk));
    else if (memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WEBP", 4) == 0)
        LI_TRY(strip_webp(&walk, head));
    else
        walk.good = false;
    *done = walk.good;
    return LI_OK;
}

li_status
li_meta_copy(li_ctx *ctx, li_source *source, uint64_t most, li_out *out, bool *done)
{
    strip walk = {ctx, source, out, NULL, false, most, true};
    *done = false;
    if (source->size >= most)
        return LI_OK;
    LI_TRY(copy(&walk, 0, source->size));
    *done = walk.good;
    return LI_OK;
}
