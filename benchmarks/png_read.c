/* png_read.c: CPU time of the PNG readers, each over the same files, interleaved.
 *
 *     build/c/benchmarks/png_read [-n ROUNDS] FILE...
 *
 * Columns: libpng, then ours over each inflate with plain C and with vectors; the
 * minimum of the rounds in ms; and the ratio of libpng to the best of ours. */
#include "codecs/png/png.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *name;
    const li_png_inflate_ops *inflate; /* NULL: libpng */
    const char *kernels;
} reader;

static const reader readers[] = {
    {"libpng", NULL, "scalar"},
    {"zlib, plain C", &li_png_inflate_zlib, "scalar"},
    {"zlib, vectors", &li_png_inflate_zlib, "vectors"},
#ifdef LI_HAVE_ISAL
    {"isal, plain C", &li_png_inflate_isal, "scalar"},
    {"isal, vectors", &li_png_inflate_isal, "vectors"},
#endif
};
enum { READERS = sizeof(readers) / sizeof(readers[0]) };

static li_status
read_rows(li_ctx *ctx, li_source *source, const reader *by)
{
    li_header header;
    li_rows *rows = NULL;
    LI_TRY(li_codec_png.inspect(ctx, source, &header));
    const li_hint hint = {0};
    li_status status =
        by->inflate
            ? li_png_decode_stream(ctx, source, &header, hint, by->inflate, &rows)
            : li_png_decode_libpng(ctx, source, &header, hint, &rows);
    for (uint32_t y = 0; status == LI_OK && y < header.height; y++) {
        const uint8_t *row;
        status = li_rows_next(rows, &row);
    }
    li_rows_close(&rows);
    return status;
}

/* Milliseconds of CPU; negative: it failed. */
static double
read_file(const char *path, const reader *by)
{
    const li_kernels kernels = {.name = by->kernels};
    li_limits none = {0};
    li_source *source;
    li_ctx ctx;
    li_ctx_init(&ctx, &none);
    ctx.kernels = &kernels;
    int64_t start = li_cpu_ns();
    li_status status = li_source_open(&ctx, path, LI_IO_AUTO, &source);
    if (status == LI_OK)
        status = read_rows(&ctx, source, by);
    li_source_close(&source);
    if (status != LI_OK)
        fprintf(stderr, "%s: %s\n", path, ctx.message);
    return status == LI_OK ? (double)(li_cpu_ns() - start) / 1e6 : -1;
}

static void
time_file(const char *path, int rounds)
{
    const char *name = strrchr(path, '/');
    double best[READERS] = {0};
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < READERS; i++) {
            double ms = read_file(path, &readers[i]);
            if (round == 0 || ms < best[i])
                best[i] = ms;
        }
    printf("%-28.28s", name ? name + 1 : path);
    for (int i = 0; i < READERS; i++)
        printf("%15.1f", best[i]);
    printf("%8.2f\n", best[0] / best[READERS - 1]);
    fflush(stdout);
}

int
main(int count, char **arguments)
{
    int rounds = 5, first = 1;
    if (count > 2 && strcmp(arguments[1], "-n") == 0) {
        rounds = atoi(arguments[2]);
        first = 3;
    }
    printf("%-28s", "ms of CPU, minimum");
    for (int i = 0; i < READERS; i++)
        printf("%15s", readers[i].name);
    printf("%8s\n", "ratio");
    for (int i = first; i < count; i++)
        time_file(arguments[i], rounds < 1 ? 1 : rounds);
    return 0;
}
