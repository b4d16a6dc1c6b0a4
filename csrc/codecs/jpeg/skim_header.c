/* skim_header.c: what stands between the scans of a JPEG, for the skim decoder: tables,
 * restart intervals, the frame, the start of the next scan. Refuses what libjpeg
 * refuses. Layer 2. */
#include "codecs/jpeg/skim_bits.h"

#include <string.h>

enum {
    SOF0 = 0xC0,
    SOF2 = 0xC2,
    DHT = 0xC4,
    JPG = 0xC8,
    DAC = 0xCC,
    SOF15 = 0xCF,
    RST0 = 0xD0,
    RST7 = 0xD7,
    SOI = 0xD8,
    EOI = 0xD9,
    SOS = 0xDA,
    DQT = 0xDB,
    DNL = 0xDC,
    DRI = 0xDD,
    APP0 = 0xE0,
    APP15 = 0xEF,
    COM = 0xFE,
    TEM = 0x01,
};

static li_status
fail_here(const li_skim *skim, const char *words)
{
    return li_skim_fail(&skim->input, words);
}

/* --- tables ----------------------------------------------------------------------- */

static li_status
read_quant(li_skim *skim, const uint8_t *data, uint32_t size)
{
    static const uint8_t places[LI_SKIM_LOW] = {0, 1, 2, 4}; /* in zigzag order */
    while (size > 0) {
        uint32_t table = data[0] & 15, wide = data[0] >> 4 ? 2 : 1;
        uint32_t used = 1 + 64 * wide;
        if (table >= LI_SKIM_TABLES || size < used)
            return fail_here(skim, "bogus quantization table");
        for (uint32_t i = 0; i < LI_SKIM_LOW; i++) {
            const uint8_t *p = data + 1 + places[i] * wide;
            skim->quants[table][i] =
                wide == 2 ? (uint16_t)((uint32_t)p[0] << 8 | p[1]) : p[0];
        }
        skim->quant_seen |= (uint8_t)(1 << table);
        data += used;
        size -= used;
    }
    return LI_OK;
}

static li_status
read_codes(li_skim *skim, const uint8_t *data, uint32_t size)
{
    while (size > 16) {
        uint32_t table = data[0] & ~0x10u, count = 0;
        if (table >= LI_SKIM_TABLES)
            return fail_here(skim, "bogus Huffman table number");
        li_skim_code *code = data[0] & 0x10 ? &skim->ac[table] : &skim->dc[table];
        memset(code, 0, sizeof(*code));
        memcpy(code->counts + 1, data + 1, 16);
        for (uint32_t length = 1; length <= 16; length++)
            count += code->counts[length];
        if (count > 256 || count > size - 17)
            return fail_here(skim, "bogus Huffman table");
        memcpy(code->symbols, data + 17, count);
        code->seen = true;
        data += 17 + count;
        size -= 17 + count;
    }
    return size ? fail_here(skim, "a Huffman segment of the wrong length") : LI_OK;
}

static li_status
read_interval(li_skim *skim, const uint8_t *data, uint32_t size)
{
    if (size != 2)
        return fail_here(skim, "a restart interval of the wrong length");
    skim->interval = (uint32_t)data[0] << 8 | data[1];
    return LI_OK;
}

/* For arithmetic coding only, but libjpeg looks at it. */
static li_status
check_conditioning(const li_skim *skim, const uint8_t *data, uint32_t size)
{
    bool good = size % 2 == 0;
    for (uint32_t i = 0; good && i < size; i += 2) {
        bool ac = data[i] & 16;
        good = data[i] < 32 && (ac || (data[i + 1] & 15) <= data[i + 1] >> 4);
    }
    return good ? LI_OK : fail_here(skim, "bogus arithmetic conditioning");
}

/* --- the frame -------------------------------------------------------------------- */

/* The same that inspect saw. */
static li_status
read_frame(li_skim *skim, uint8_t marker, const uint8_t *data, uint32_t size)
{
    if (skim->framed)
        return fail_here(skim, "a second frame header");
    skim->framed = true;
    bool same = size == 6 + 3u * skim->count && data[0] == 8 &&
                skim->height == ((uint32_t)data[1] << 8 | data[2]) &&
                skim->width == ((uint32_t)data[3] << 8 | data[4]) &&
                data[5] == skim->count && skim->progressive == (marker == SOF2);
    for (uint32_t p = 0; same && p < skim->count; p++) {
        li_skim_part *part = &skim->parts[p];
        const uint8_t *said = data + 6 + 3 * p;
        part->id = said[0];
        part->quant_table = said[2];
        same = skim->count == 1 || said[1] == (part->h << 4 | part->v);
    }
    if (same)
        return LI_OK;
    return li_fail(skim->ctx, LI_E103_SOURCE_CHANGED,
                   "jpeg: the header changed while it was read");
}

/* --- the start of a scan ---------------------------------------------------------- */

/* By its id, as libjpeg looks for it: those before the scan's own place are taken. */
static li_status
find_part(li_skim *skim, uint32_t place, uint8_t id)
{
    uint8_t part = (uint8_t)place;
    while (part < skim->count && skim->parts[part].id != id)
        part++;
    bool found = part < skim->count;
    for (uint32_t i = 0; i < place; i++)
        found = found && skim->scan.part[i] != part;
    if (!found)
        return fail_here(skim, "a scan of a component that is not there");
    skim->scan.part[place] = part;
    return LI_OK;
}

static li_status
start_part(li_skim *skim, uint32_t place, const uint8_t *data)
{
    LI_TRY(find_part(skim, place, data[0]));
    li_skim_part *part = &skim->parts[skim->scan.part[place]];
    uint32_t dc = data[1] >> 4, ac = data[1] & 15, table = part->quant_table;
    if ((skim->scan.first == 0 && !skim->scan.high && dc >= LI_SKIM_TABLES) ||
        (skim->scan.last > 0 && ac >= LI_SKIM_TABLES))
        return fail_here(skim, "a scan names a Huffman table that cannot be");
    part->dc_table = dc % LI_SKIM_TABLES;
    part->ac_table = ac % LI_SKIM_TABLES;
    part->last_dc = 0;
    if (part->scanned)
        return LI_OK;
    if (table >= LI_SKIM_TABLES || !(skim->quant_seen >> table & 1))
        return fail_here(skim, "a quantization table was not defined");
    memcpy(part->quant, skim->quants[table], sizeof(part->quant));
    part->scanned = true;
    return LI_OK;
}

/* A sequential decoder ignores all but which parts come. */
static li_status
check_sequential(li_skim *skim)
{
    li_skim_scan *scan = &skim->scan;
    if (scan->count != skim->count)
        return li_fail(skim->ctx, LI_E103_SOURCE_CHANGED,
                       "jpeg: the header changed while it was read");
    if (scan->first != 0 || scan->last != 63 || scan->high || scan->low)
        li_warn(skim->ctx, "jpeg: Invalid SOS parameters for sequential JPEG");
    scan->first = scan->high = scan->low = 0;
    scan->last = 63;
    return LI_OK;
}

static li_status
read_start(li_skim *skim, const uint8_t *data, uint32_t size)
{
    if (!skim->framed)
        return fail_here(skim, "a scan before the frame header");
    uint32_t count = size ? data[0] : 0;
    if (count < 1 || count > skim->count || size != 4 + 2 * count)
        return fail_here(skim, "a scan header of the wrong length");
    const uint8_t *band = data + 1 + 2 * count;
    skim->scan = (li_skim_scan){.count = (uint8_t)count,
                                .first = band[0],
                                .last = band[1],
                                .high = band[2] >> 4,
                                .low = band[2] & 15,
                                .until_restart = skim->interval};
    if (!skim->progressive)
        LI_TRY(check_sequential(skim));
    for (uint32_t i = 0; i < count; i++)
        LI_TRY(start_part(skim, i, data + 1 + 2 * i));
    skim->scans++;
    return LI_OK;
}

/* --- the walk --------------------------------------------------------------------- */

static bool
is_frame(uint8_t marker)
{
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG &&
           marker != DAC;
}

static bool
is_passed(uint8_t marker)
{
    return (marker >= APP0 && marker <= APP15) || marker == COM || marker == DNL;
}

static bool
is_bare(uint8_t marker)
{
    return marker == TEM || (marker >= RST0 && marker <= RST7);
}

static li_status
read_segment(li_skim *skim, uint8_t marker)
{
    const uint8_t *data;
    uint32_t size;
    if (is_passed(marker))
        return li_skim_segment(&skim->input, NULL, &size);
    if (!is_frame(marker) && marker != DHT && marker != DQT && marker != DRI &&
        marker != DAC && marker != SOS)
        return li_fail(skim->ctx, LI_E131_DECODE,
                       "jpeg: marker 0x%02x, at byte %llu, is not supported", marker,
                       (unsigned long long)skim->input.at);
    LI_TRY(li_skim_segment(&skim->input, &data, &size));
    switch (marker) {
    case DHT:
        return read_codes(skim, data, size);
    case DQT:
        return read_quant(skim, data, size);
    case DAC:
        return check_conditioning(skim, data, size);
    case DRI:
        return read_interval(skim, data, size);
    case SOS:
        return read_start(skim, data, size);
    default:
        return read_frame(skim, marker, data, size);
    }
}

li_status
li_skim_scan_start(li_skim *skim, bool *more)
{
    uint8_t marker = 0;
    *more = false;
    while (marker != SOS) {
        LI_TRY(li_skim_marker(&skim->input, &marker));
        if (marker == 0 || marker == EOI)
            return LI_OK;
        if (marker == SOI)
            return fail_here(skim, "a second start of image");
        if (!is_bare(marker))
            LI_TRY(read_segment(skim, marker));
    }
    *more = true;
    return LI_OK;
}

/* --- restarts --------------------------------------------------------------------- */

static li_status
read_restart(li_skim *skim)
{
    li_skim_scan *scan = &skim->scan;
    uint8_t marker;
    LI_TRY(li_skim_marker(&skim->input, &marker));
    if (marker == 0)
        return fail_here(skim, "at a restart marker");
    if (marker != RST0 + scan->next_restart)
        return li_fail(skim->ctx, LI_E130_CORRUPT,
                       "jpeg: found marker 0x%02x instead of RST%u", marker,
                       scan->next_restart);
    scan->next_restart = (scan->next_restart + 1) & 7;
    scan->until_restart = skim->interval;
    scan->run = 0;
    for (uint32_t p = 0; p < skim->count; p++)
        skim->parts[p].last_dc = 0;
    return LI_OK;
}

li_status
li_skim_restart(li_skim *skim)
{
    if (!skim->interval)
        return LI_OK;
    if (skim->scan.until_restart == 0)
        LI_TRY(read_restart(skim));
    skim->scan.until_restart--;
    return LI_OK;
}
