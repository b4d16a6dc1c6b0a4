/* script.c: in which scans a progressive picture is written: DC, and for each part its
 * AC in one band or in two, whichever is guessed to be smaller. The guess is the
 * entropy of the symbols that libjpeg would write. Bits are never sent in turn
 * (successive approximation): with the table of table.c it gains little and takes twice
 * the time. Layer 2. */
#include "codecs/jpeg/effort.h"

enum {
    SPLITS = (LI_JPEG_BANDS - 1) / 2,
    FIXED_SPLIT = 8,
    LONGEST_ENDS = 0x7FFF, /* blocks that one symbol may end */
    SCAN_BYTES = 10 + 21,  /* of the headers of a scan and of its table */
};

static const uint8_t splits[SPLITS] = {2, 5, 8, 12, 18};

/* --- scripts --------------------------------------------------------------------- */

static void
add_scan(jpeg_scan_info *scan, int part, int first, int last)
{
    *scan = (jpeg_scan_info){.comps_in_scan = 1, .Ss = first, .Se = last};
    scan->component_index[0] = part;
}

/* DC of luma, then of chroma. */
static int
add_dc(int parts, jpeg_scan_info *script)
{
    add_scan(&script[0], 0, 0, 0);
    if (parts == 1)
        return 1;
    script[1] = (jpeg_scan_info){.comps_in_scan = 2, .component_index = {1, 2}};
    return 2;
}

/* What few low coefficients tell comes before what many high ones do. */
int
li_jpeg_script(int parts, const uint8_t *split, jpeg_scan_info script[LI_JPEG_SCANS])
{
    enum { LAST = DCTSIZE2 - 1 };
    int count = add_dc(parts, script);
    for (int part = 0; part < parts; part++)
        add_scan(&script[count++], part, 1, split[part] ? split[part] : LAST);
    for (int part = 0; part < parts; part++)
        if (split[part])
            add_scan(&script[count++], part, split[part] + 1, LAST);
    return count;
}

int
li_jpeg_fixed_script(int parts, jpeg_scan_info script[LI_JPEG_SCANS])
{
    static const uint8_t split[LI_JPEG_PARTS] = {FIXED_SPLIT, FIXED_SPLIT, FIXED_SPLIT,
                                                 FIXED_SPLIT};
    return li_jpeg_script(parts, split, script);
}

/* --- sizes of scans -------------------------------------------------------------- */

/* Tell of the blocks that have ended, with one symbol. */
static void
flush_ends(li_jpeg_band *band)
{
    if (!band->ends)
        return;
    uint32_t bits = li_jpeg_size(band->ends) - 1;
    band->symbols[bits << 4]++;
    band->extra += bits;
    band->ends = 0;
}

/* A block's coefficients of one band: at[i] is the place of the i-th that is not 0. */
static void
add_block(li_jpeg_band *band, const uint8_t *at, const uint8_t *sizes, uint32_t count,
          uint32_t first, uint32_t last)
{
    uint32_t next = first;
    if (count)
        flush_ends(band);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t run = at[i] - next;
        band->symbols[LI_AC_SKIP] += run >> 4;
        band->symbols[(run & 15) << 4 | sizes[i]]++;
        band->extra += sizes[i];
        next = at[i] + 1u;
    }
    if (next <= last && ++band->ends == LONGEST_ENDS)
        flush_ends(band);
}

void
li_jpeg_bands_add(li_jpeg_band bands[LI_JPEG_BANDS], const int16_t block[DCTSIZE2])
{
    uint8_t at[DCTSIZE2], sizes[DCTSIZE2];
    uint32_t count = 0, low = 0;
    for (uint32_t k = 1; k < DCTSIZE2; k++) {
        int value = block[li_jpeg_zigzag[k]];
        at[count] = (uint8_t)k;
        sizes[count] = (uint8_t)li_jpeg_size((uint32_t)(value < 0 ? -value : value));
        count += value != 0;
    }
    add_block(&bands[0], at, sizes, count, 1, DCTSIZE2 - 1);
    for (uint32_t i = 0; i < SPLITS; i++) {
        while (low < count && at[low] <= splits[i])
            low++;
        add_block(&bands[1 + 2 * i], at, sizes, low, 1, splits[i]);
        add_block(&bands[2 + 2 * i], at + low, sizes + low, count - low, splits[i] + 1u,
                  DCTSIZE2 - 1);
    }
}

/* In bits. share: of how many blocks one was looked at. */
static double
band_size(li_jpeg_band *band, uint32_t share)
{
    double bits = (double)band->extra;
    uint32_t total = 0, used = 0;
    flush_ends(band);
    for (int i = 0; i < 256; i++)
        total += band->symbols[i];
    for (int i = 0; i < 256; i++) {
        uint32_t count = band->symbols[i];
        used += count > 0;
        bits += count ? (double)count * (double)li_jpeg_bits(count, total) : 0;
    }
    return bits * share + 8.0 * (SCAN_BYTES + used);
}

uint8_t
li_jpeg_bands_split(li_jpeg_band bands[LI_JPEG_BANDS], uint32_t share)
{
    double best = band_size(&bands[0], share);
    uint8_t split = 0;
    for (int i = 0; i < SPLITS; i++) {
        double size =
            band_size(&bands[1 + 2 * i], share) + band_size(&bands[2 + 2 * i], share);
        if (size < best) {
            best = size;
            split = splits[i];
        }
    }
    return split;
}
