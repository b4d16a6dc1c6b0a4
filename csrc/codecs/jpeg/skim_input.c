/* skim_input.c: the bytes of a JPEG for the skim decoder: markers, segments, and
 * entropy-coded data freed of their stuffing. Layer 2. */
#include "codecs/jpeg/skim_bits.h"

#include <string.h>

enum { RST0 = 0xD0, RST7 = 0xD7 };

li_status
li_skim_fail(const li_skim_input *input, const char *words)
{
    if (input->ended && input->bits.next >= input->end)
        return li_fail(input->ctx, LI_E132_TRUNCATED,
                       "jpeg: the file ends too early (%s)", words);
    return li_fail(input->ctx, LI_E130_CORRUPT, "jpeg: %s", words);
}

li_status
li_skim_input_open(li_skim_input *input, li_ctx *ctx, li_source *in)
{
    input->ctx = ctx;
    input->in = in;
    LI_TRY(li_alloc(ctx, LI_SKIM_BUFFER + LI_SKIM_MOST, 1, &input->data));
    li_skim_begin(input);
    return LI_OK;
}

void
li_skim_input_close(li_skim_input *input)
{
    if (input->ctx)
        li_free(input->ctx, &input->data);
}

void
li_skim_begin(li_skim_input *input)
{
    input->bits = (li_skim_bits){.next = input->data};
    input->end = input->data;
}

/* --- entropy-coded data ----------------------------------------------------------- */

/* Copy up to an FF that is not a plain FF00, or until there is no room; returns what
 * was read. */
static size_t
unstuff(const uint8_t *from, size_t size, uint8_t **to, const uint8_t *until)
{
    const uint8_t *at = from, *last = from + size;
    while (at < last && *to < until) {
        size_t most = (size_t)(last - at), room = (size_t)(until - *to);
        most = most < room ? most : room;
        const uint8_t *ff = memchr(at, 0xFF, most);
        size_t plain = ff ? (size_t)(ff - at) : most;
        memcpy(*to, at, plain);
        *to += plain;
        at += plain;
        if (!ff)
            continue;
        if (last - at < 2 || at[1] != 0)
            break;
        *(*to)++ = 0xFF;
        at += 2;
    }
    return (size_t)(at - from);
}

/* At an FF: padding, a stuffed FF, a marker, or the file's last byte. */
static li_status
read_ff(li_skim_input *input, uint8_t **to)
{
    const uint8_t *data;
    size_t got;
    LI_TRY(li_source_at(input->in, input->at, 2, &data, &got));
    input->ended = got < 2;
    input->at += input->ended || data[1] == 0xFF ? 1 : 2;
    if (input->ended || data[1] == 0xFF)
        return LI_OK;
    if (data[1] == 0)
        *(*to)++ = 0xFF;
    else
        input->marker = data[1];
    return LI_OK;
}

li_status
li_skim_fill(li_skim_input *input)
{
    size_t left = (size_t)(input->end - input->bits.next);
    uint8_t *to = input->data + left, *until = input->data + LI_SKIM_BUFFER;
    LI_TRY(li_poll(input->ctx));
    memmove(input->data, input->bits.next, left);
    input->bits.next = input->data;
    while (to < until && !input->marker && !input->ended) {
        const uint8_t *data;
        size_t got, want = (size_t)(until - to);
        LI_TRY(li_source_at(input->in, input->at, want, &data, &got));
        input->ended = got == 0;
        size_t used = got ? unstuff(data, got < want ? got : want, &to, until) : 0;
        input->at += used;
        if (used == 0 && got > 0)
            LI_TRY(read_ff(input, &to));
    }
    input->end = to;
    if (input->marker || input->ended)
        memset(to, 0, LI_SKIM_MOST);
    return LI_OK;
}

/* --- markers ---------------------------------------------------------------------- */

/* From anywhere to behind the next marker; false at the end of the file. `passed`
 * counts the bytes in front of it. */
static li_status
seek_marker(li_skim_input *input, bool restarts, uint64_t *passed)
{
    bool after_ff = false;
    while (!input->marker && !input->ended) {
        const uint8_t *data;
        size_t got;
        LI_TRY(li_poll(input->ctx));
        LI_TRY(li_source_at(input->in, input->at, LI_WINDOW_BYTES, &data, &got));
        got = got < LI_WINDOW_BYTES ? got : LI_WINDOW_BYTES;
        input->ended = got == 0;
        for (size_t i = 0; i < got && !input->marker; i++) {
            const uint8_t *ff = after_ff ? NULL : memchr(data + i, 0xFF, got - i);
            if (!after_ff) {
                size_t plain = ff ? (size_t)(ff - data) - i : got - i;
                *passed += plain;
                i += plain;
                input->at += plain + (ff ? 1 : 0);
                after_ff = ff != NULL;
                continue;
            }
            input->at++;
            after_ff = data[i] == 0xFF;
            if (after_ff)
                continue;
            if (data[i] == 0 || (!restarts && data[i] >= RST0 && data[i] <= RST7))
                *passed += 2;
            else
                input->marker = data[i];
        }
    }
    return LI_OK;
}

li_status
li_skim_marker(li_skim_input *input, uint8_t *marker)
{
    const li_skim_bits *bits = &input->bits;
    ptrdiff_t left = input->end - bits->next + (ptrdiff_t)(bits->count / 8);
    uint64_t passed = left > 0 ? (uint64_t)left : 0;
    LI_TRY(seek_marker(input, true, &passed));
    li_skim_begin(input);
    *marker = input->marker;
    input->marker = 0;
    if (passed && *marker)
        li_warn(input->ctx,
                "jpeg: Corrupt JPEG data: %llu extraneous bytes before marker 0x%02x",
                (unsigned long long)passed, *marker);
    return LI_OK;
}

li_status
li_skim_pass_scan(li_skim_input *input)
{
    uint64_t passed = 0;
    return seek_marker(input, false, &passed);
}

li_status
li_skim_segment(li_skim_input *input, const uint8_t **data, uint32_t *size)
{
    const uint8_t *length;
    size_t got;
    *size = 0;
    LI_TRY(li_source_at(input->in, input->at, 2, &length, &got));
    input->ended = got < 2;
    if (got < 2 && data)
        return li_skim_fail(input, "in a segment");
    if (got < 2)
        return LI_OK;
    uint32_t said = (uint32_t)length[0] << 8 | length[1];
    *size = said > 2 ? said - 2 : 0; /* libjpeg takes 0 and 1 for 2 */
    input->at += 2;
    if (data) {
        LI_TRY(li_source_at(input->in, input->at, *size, data, &got));
        input->ended = got < *size;
        if (input->ended)
            return li_skim_fail(input, "in a segment");
    }
    input->at += *size;
    return LI_OK;
}
