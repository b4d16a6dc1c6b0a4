/* notes.c: what the small chunks of a PNG say of its colours and density, and which of
 * all are not where and what they should be. Layer 2.
 *
 * Colours in the third edition's order: cICP, iCCP, sRGB, gAMA with cHRM. The first of
 * each kind counts. */
#include "codecs/png/metadata.h"

#include <string.h>

static uint32_t
read_be32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 |
           data[3];
}

/* Primaries, transfer, matrix, range. RGB has no matrix. What says nothing, or what
 * nobody knows, leaves the word to the other chunks. */
static void
note_cicp(li_cicp *cicp, const uint8_t *body)
{
    li_cicp said = {.primaries = body[0], .transfer = body[1]};
    if (cicp->first || body[2] != 0 || body[3] > 1 || !li_cicp_is_known(&said))
        return;
    cicp->first = true;
    cicp->narrow = body[3] == 0;
    cicp->primaries = said.primaries;
    cicp->transfer = said.transfer;
}

static void
note_srgb(li_cicp *cicp)
{
    if (cicp->first)
        return;
    cicp->primaries = 1;
    cicp->transfer = 13;
}

/* Of 100,000; what libpng takes for a gamma. */
static void
note_gamma(li_cicp *cicp, const uint8_t *body)
{
    enum { LEAST = 16, MOST = 625000000 };
    uint32_t gamma = read_be32(body);
    if (!cicp->gamma && gamma >= LEAST && gamma <= MOST)
        cicp->gamma = gamma;
}

static void
note_places(li_cicp *cicp, const uint8_t *body)
{
    for (int i = 0; i < 8; i++)
        if (cicp->places[i])
            return;
    for (int i = 0; i < 8; i++)
        cicp->places[i] = read_be32(body + (size_t)4 * i);
}

static void
note_density(li_density *density, const uint8_t *body)
{
    enum { METRE = 1 };
    li_density said = {read_be32(body) * 0.0254, read_be32(body + 4) * 0.0254};
    if (body[8] == METRE && li_density_known(said))
        *density = said;
}

/* What the table of chunks allows: `bytes` 0: any number; tRNS twice is scan.c's. */
static const struct {
    char type[5];
    uint8_t bytes;
    bool noted, front, once;
} kinds[] = {
    {"cICP", 4, true, true, true},   {"sRGB", 1, true, true, true},
    {"gAMA", 4, true, true, true},   {"cHRM", 32, true, true, true},
    {"pHYs", 9, true, true, true},   {"iCCP", 0, false, true, true},
    {"tRNS", 0, false, true, false}, {"tIME", 7, false, false, true},
    {"eXIf", 0, false, false, true},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

uint32_t
li_png_note_bytes(const char type[5])
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].noted && memcmp(type, kinds[i].type, 4) == 0)
            return kinds[i].bytes;
    return 0;
}

void
li_png_check_place(li_ctx *ctx, uint32_t *seen, const char type[5], uint32_t length)
{
    const uint32_t pixels = 1u << KINDS;
    if (memcmp(type, "IDAT", 4) == 0)
        *seen |= pixels;
    for (size_t i = 0; i < KINDS; i++) {
        if (memcmp(type, kinds[i].type, 4) != 0)
            continue;
        if (kinds[i].front && (*seen & pixels))
            li_warn(ctx, "png: %s: out of place", type);
        else if (kinds[i].once && (*seen & 1u << i))
            li_warn(ctx, "png: %s: duplicate", type);
        else if (kinds[i].bytes && length != kinds[i].bytes)
            li_warn(ctx, "png: %s: invalid", type);
        else
            *seen |= 1u << i;
        return;
    }
}

void
li_png_note(const char type[5], const uint8_t *body, li_header *header)
{
    if (memcmp(type, "cICP", 4) == 0)
        note_cicp(&header->cicp, body);
    else if (memcmp(type, "sRGB", 4) == 0)
        note_srgb(&header->cicp);
    else if (memcmp(type, "gAMA", 4) == 0)
        note_gamma(&header->cicp, body);
    else if (memcmp(type, "cHRM", 4) == 0)
        note_places(&header->cicp, body);
    else
        note_density(&header->density, body);
}
