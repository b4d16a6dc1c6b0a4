/* fuzz_png_roundtrip.c: libFuzzer over the PNG writer: what it packs, zlib unpacks to
 * the same rows, within the bounds. The input is a small program that makes the
 * samples, so that a few bytes reach past a block: `make fuzz T=png_roundtrip S=600`.
 */
#include "codecs/png_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 6, MOST = 300000 };

/* Each step: what to do, how often, and with which byte. */
static void
run_program(const uint8_t *data, size_t size, uint8_t *samples, size_t n)
{
    uint32_t state = 1;
    size_t done = 0;
    for (size_t at = 0; at + 3 <= size && done < n; at += 3) {
        size_t length = 1 + ((size_t)data[at + 1] << (data[at] >> 4 & 7));
        length = length < n - done ? length : n - done;
        size_t back = 1 + ((size_t)data[at + 2] << (data[at] >> 5 & 7));
        for (size_t i = 0; i < length; i++, done++)
            switch (data[at] % 5) {
            case 0:
                samples[done] = data[at + 2];
                break;
            case 1:
                samples[done] = (uint8_t)(test_random(&state) >> 24);
                break;
            case 2:
                samples[done] = back <= done ? samples[done - back] : 0;
                break;
            case 3:
                samples[done] = (uint8_t)(i * data[at + 2] >> 4);
                break;
            default:
                samples[done] = data[(at + i) % size];
            }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const li_pixel layouts[4] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};
    static const char *const tables[4] = {"scalar", "sse41", "avx2", "neon"};
    if (size < HEAD)
        return 0;
    li_info info = {1 + (data[0] | (uint32_t)data[1] << 8) % 4000,
                    1 + (data[2] | (uint32_t)data[3] << 8) % 4000,
                    layouts[data[4] % 4]};
    uint32_t most = (uint32_t)(MOST / li_row_bytes(info)) + 1;
    info.height = info.height < most ? info.height : most;
    size_t n = li_row_bytes(info) * info.height;
    uint8_t *samples = calloc(n, 1);
    test_name = "roundtrip";
    run_program(data + HEAD, size - HEAD, samples, n);
    const char *table = tables[data[4] / 4 % 4];
    if (!li_kernels_named(table)) /* not on this machine */
        table = "scalar";
    png_bytes file = pack_file(info, samples, data[5] % 10, table);
    check_by_zlib(info, file, samples);
    if (test_bad)
        abort();
    free(file.data);
    free(samples);
    return 0;
}
