/* script.c: in which scans a progressive picture is written: DC, and for each part its
 * AC in one band or in two, whichever is guessed to be smaller. The guess is the
 * entropy of the symbols that libjpeg would write. Bits are never sent in turn
 * (successive approximation): with the table of table.c it gains little and takes twice
 * the time. Layer 2. */
#include "codecs/jpeg/effort.h"

enum {
    FIXED_SPLIT = 8,
    LONGEST_ENDS = 0x7FFF, /* blocks that one symbol may end */
    SCAN_BYTES = 10 + 21,  /* of the headers of a scan and of its table */
};

static const uint8_t splits[LI_JPEG_SPLITS] = {2, 5, 8, 12, 18};

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
flush_ends(li_jpeg_bands *bands, uint32_t band)
{
    uint32_t blocks = bands->ends[band].blocks;
    if (blocks)
        bands->ends[band].symbols[li_jpeg_size(blocks) - 1]++;
    bands->ends[band].blocks = 0;
}

/* Of a block a band has some coefficients or none, the last at its own last place or
 * not. */
static void
end_block(li_jpeg_bands *bands, uint32_t band, bool some, bool full)
{
    if (some)
        flush_ends(bands, band);
    if (!full && ++bands->ends[band].blocks == LONGEST_ENDS)
        flush_ends(bands, band);
}

static void
count_symbol(int32_t counts[256], uint32_t run, uint32_t size, int32_t by)
{
    counts[LI_AC_SKIP] += (int32_t)(run >> 4) * by;
    counts[(run & 15) << 4 | size] += by;
}

/* What a split changes for a block: at[i], sizes[i]: its coefficients that are not 0,
 * of which `low` are in the low band. */
static void
split_block(li_jpeg_bands *bands, uint32_t i, const uint8_t *at, const uint8_t *sizes,
            uint32_t count, uint32_t low)
{
    uint32_t next = splits[i] + 1u, before = low ? at[low - 1] : 0;
    if (low < count && before != splits[i]) {
        count_symbol(bands->firsts[i], at[low] - before - 1u, sizes[low], -1);
        count_symbol(bands->firsts[i], at[low] - next, sizes[low], 1);
    }
    end_block(bands, 1 + 2 * i, low > 0, before == splits[i]);
    end_block(bands, 2 + 2 * i, low < count,
              low < count && at[count - 1] == DCTSIZE2 - 1);
}

void
li_jpeg_bands_add(li_jpeg_bands *bands, const int16_t block[DCTSIZE2])
{
    uint8_t at[DCTSIZE2], sizes[DCTSIZE2];
    uint32_t count = 0, last = 0, zone = 0, low[LI_JPEG_SPLITS];
    for (uint32_t k = 1; k < DCTSIZE2; k++) {
        int value = block[li_jpeg_zigzag[k]];
        if (!value)
            continue;
        uint32_t size = li_jpeg_size((uint32_t)(value < 0 ? -value : value));
        for (; zone < LI_JPEG_SPLITS && k > splits[zone]; zone++)
            low[zone] = count;
        count_symbol(bands->zones[zone], k - last - 1, size, 1);
        at[count] = (uint8_t)k;
        sizes[count++] = (uint8_t)size;
        last = k;
    }
    for (; zone < LI_JPEG_SPLITS; zone++)
        low[zone] = count;
    end_block(bands, 0, count > 0, last == DCTSIZE2 - 1);
    for (uint32_t i = 0; i < LI_JPEG_SPLITS; i++)
        split_block(bands, i, at, sizes, count, low[i]);
}

/* In bits: a band of zones, with what a split changes and its ends of blocks. */
static double
band_size(li_jpeg_bands *bands, uint32_t band, uint32_t first, uint32_t end,
          const int32_t *changes, uint32_t share)
{
    uint32_t counts[256], total = 0, used = 0;
    double bits = 0;
    flush_ends(bands, band);
    for (uint32_t i = 0; i < 256; i++) {
        int32_t count = changes ? changes[i] : 0;
        for (uint32_t zone = first; zone < end; zone++)
            count += bands->zones[zone][i];
        counts[i] = (uint32_t)count;
        if (i % 16 == 0 && i < LI_AC_SKIP)
            counts[i] = bands->ends[band].symbols[i / 16];
        total += counts[i];
    }
    for (uint32_t i = 0; i < 256; i++)
        if (counts[i]) {
            uint32_t behind = i == LI_AC_SKIP ? 0 : i % 16 ? i % 16 : i / 16;
            bits += counts[i] * ((double)li_jpeg_bits(counts[i], total) + behind);
            used++;
        }
    return bits * share + 8.0 * (SCAN_BYTES + used);
}

uint8_t
li_jpeg_bands_split(li_jpeg_bands *bands, uint32_t share)
{
    double best = band_size(bands, 0, 0, LI_JPEG_ZONES, NULL, share);
    uint8_t split = 0;
    for (uint32_t i = 0; i < LI_JPEG_SPLITS; i++) {
        double size =
            band_size(bands, 1 + 2 * i, 0, i + 1, NULL, share) +
            band_size(bands, 2 + 2 * i, i + 1, LI_JPEG_ZONES, bands->firsts[i], share);
        if (size < best) {
            best = size;
            split = splits[i];
        }
    }
    return split;
}
