/* kernels.c: CPU time of each kernel in each table, and of a whole resize; `make
 * bench-kernels` builds and runs it. Prints nanoseconds per pixel that goes in: the
 * least of several interleaved runs. */
#include "image/frame.h"
#include "ops/op.h"
#include "ops/resample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES = 3, ROUNDS = 9, WIDTH = 6000, NARROW = 800 };

static const char *const names[2][TABLES] = {{"scalar", "sse41", "avx2"},
                                             {"scalar", "neon", "neon"}};

typedef struct job {
    const char *name;
    void (*run)(const li_kernels *kernels, const struct job *of);
    uint32_t inputs, outputs, channels; /* outputs of an axis, or channels to make */
    uint64_t pixels;                    /* that go in, of one run */
} job;

static li_ctx ctx;
static uint8_t *bytes, *made; /* LI_BATCH rows of WIDTH RGBA pixels */
static int16_t *words;        /* 16 rows */
static int32_t *sums;
static float *reals;
static void *work;
static li_axis axis; /* of the job */

static void
need(bool good)
{
    if (!good) {
        fprintf(stderr, "kernels: %s\n", ctx.message);
        exit(1);
    }
}

static void
run_across(const li_kernels *kernels, const job *of)
{
    const uint8_t *rows[LI_BATCH];
    int16_t *out[LI_BATCH];
    for (int r = 0; r < LI_BATCH; r++) {
        rows[r] = bytes + (size_t)r * (WIDTH * 4 + LI_ROW_SLACK);
        out[r] = words + (size_t)r * (WIDTH * 4 + LI_BLOCK);
    }
    kernels->across(&axis.weights, of->channels, rows, out, work);
}

static const int16_t *const *
word_rows(void)
{
    static const int16_t *rows[16];
    for (int r = 0; r < 16; r++)
        rows[r] = words + (size_t)r * (WIDTH * 4 + LI_BLOCK);
    return rows;
}

/* A batch of a shrink by 7.5: 7 outputs of 800 RGB pixels, from 8 rows of 6000. */
static void
run_accumulate(const li_kernels *kernels, const job *of)
{
    int32_t *to[7];
    int16_t weights[7][LI_BATCH];
    for (int k = 0; k < 7; k++) {
        to[k] = sums + (size_t)k * (NARROW * 3 + LI_BLOCK);
        for (int r = 0; r < LI_BATCH; r++)
            weights[k][r] = (int16_t)(r * 30 - k * 20);
    }
    kernels->accumulate(to, (const int16_t(*)[LI_BATCH])weights, 7, word_rows(),
                        NARROW * of->channels);
}

static void
run_gather(const li_kernels *kernels, const job *of)
{
    const int16_t weights[16] = {-90, 70,  -700, 900, 3000, 4000, 4100,
                                 900, 704, 3500, 0,   0,    0,    0};
    kernels->gather(word_rows(), weights, of->inputs, made, NARROW * of->channels);
}

static void
run_store_alpha(const li_kernels *kernels, const job *of)
{
    for (uint32_t i = 0; i < of->inputs * 4; i++)
        sums[i] = i % 4 < 3 || of->outputs ? (int32_t)(i % 97 << 20) : 255 << 20;
    kernels->store_alpha(sums, made, of->inputs, 4);
}

static void
run_premultiply(const li_kernels *kernels, const job *of)
{
    kernels->premultiply(bytes, made, of->inputs, 4);
}

static void
run_ycc(const li_kernels *kernels, const job *of)
{
    kernels->ycc_to_rgb(&li_ycc_jfif, bytes, bytes + WIDTH, bytes + 2 * (size_t)WIDTH,
                        made, of->inputs);
}

static void
run_convert(const li_kernels *kernels, const job *of)
{
    kernels->convert(bytes, of->channels, made, of->outputs, of->inputs);
}

static void
run_flatten(const li_kernels *kernels, const job *of)
{
    const uint8_t background[3] = {10, 200, 90};
    kernels->flatten(bytes, of->channels, background, made, of->outputs, of->inputs);
}

static void
run_split(const li_kernels *kernels, const job *of)
{
    uint8_t *planes[4];
    for (int c = 0; c < 4; c++)
        planes[c] = made + (size_t)c * WIDTH;
    kernels->split(bytes, of->channels, planes, of->inputs);
}

static void
run_floats(const li_kernels *kernels, const job *of)
{
    float scale[LI_FLOAT_PERIOD], bias[LI_FLOAT_PERIOD];
    for (int i = 0; i < LI_FLOAT_PERIOD; i++) {
        scale[i] = 1 / 58.0f;
        bias[i] = -2.0f;
    }
    kernels->floats(bytes, (size_t)of->inputs * of->channels, scale, bias, reals);
}

/* 6000×1000 down to 800×133: as many pixels a batch as a 24 MP picture has. */
static void
run_resize(const li_kernels *kernels, const job *of)
{
    static li_frame frame;
    li_pixel pixel = (li_pixel)of->channels;
    li_rows *rows = NULL;
    const uint8_t *row;
    ctx.kernels = kernels;
    if (frame.info.pixel != pixel) {
        li_frame_free(&ctx, &frame);
        need(!li_frame_alloc(&ctx, (li_info){WIDTH, 1000, pixel}, &frame));
        for (size_t i = 0; i < li_image_bytes(frame.info); i++)
            frame.pixels[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    li_op op = {.kind = &li_op_resize,
                .u.resize = {.width = of->outputs,
                             .height = of->outputs / 6,
                             .kernel = LI_LANCZOS3,
                             .x = {0, WIDTH, 1},
                             .y = {0, 1000, 1}}};
    li_info out;
    need(!li_frame_rows(&ctx, &frame, &rows));
    need(!op.kind->shape(&ctx, &op, frame.info, &out));
    need(!op.kind->open(&op, out, &rows));
    for (uint32_t y = 0; y < out.height; y++)
        need(!li_rows_next(rows, &row));
    li_rows_close(&rows);
}

static const job jobs[] = {
    {"across L 6000 → 800", run_across, WIDTH, NARROW, 1, LI_BATCH *WIDTH},
    {"across LA 6000 → 800", run_across, WIDTH, NARROW, 2, LI_BATCH *WIDTH},
    {"across RGB 6000 → 800", run_across, WIDTH, NARROW, 3, LI_BATCH *WIDTH},
    {"across RGBA 6000 → 800", run_across, WIDTH, NARROW, 4, LI_BATCH *WIDTH},
    {"across L 1500 → 800", run_across, 1500, NARROW, 1, LI_BATCH * 1500},
    {"across RGB 1500 → 800", run_across, 1500, NARROW, 3, LI_BATCH * 1500},
    {"across RGB 800 → 1600", run_across, NARROW, 1600, 3, LI_BATCH *NARROW},
    {"across RGB 6000 → 8", run_across, WIDTH, 8, 3, LI_BATCH *WIDTH},
    {"down, forward, RGB", run_accumulate, WIDTH, NARROW, 3, LI_BATCH *WIDTH},
    {"down, 12 taps, RGB", run_gather, 12, NARROW, 3, NARROW},
    {"store RGBA, opaque", run_store_alpha, NARROW, 0, 4, NARROW},
    {"store RGBA", run_store_alpha, NARROW, 1, 4, NARROW},
    {"premultiply RGBA", run_premultiply, WIDTH, 0, 4, WIDTH},
    {"Y, Cb, Cr → RGB", run_ycc, WIDTH, 0, 3, WIDTH},
    {"RGB → RGBA", run_convert, WIDTH, 4, 3, WIDTH},
    {"RGBA → RGB", run_convert, WIDTH, 3, 4, WIDTH},
    {"RGB → L", run_convert, WIDTH, 1, 3, WIDTH},
    {"L → RGB", run_convert, WIDTH, 3, 1, WIDTH},
    {"RGBA over a colour", run_flatten, WIDTH, 3, 4, WIDTH},
    {"RGB → three planes", run_split, WIDTH, 0, 3, WIDTH},
    {"RGB → floats", run_floats, WIDTH, 0, 3, WIDTH},
    {"resize L 6000 → 800", run_resize, WIDTH, NARROW, 1, WIDTH * 1000},
    {"resize RGB 6000 → 800", run_resize, WIDTH, NARROW, 3, WIDTH * 1000},
    {"resize RGBA 6000 → 800", run_resize, WIDTH, NARROW, 4, WIDTH * 1000},
    {"resize RGB 6000 → 4000", run_resize, WIDTH, 4000, 3, WIDTH * 1000},
};

static double
time_once(const li_kernels *kernels, const job *of)
{
    uint64_t repeats = 1 + 4000000 / of->pixels;
    int64_t begin = li_cpu_ns();
    for (uint64_t i = 0; i < repeats; i++)
        of->run(kernels, of);
    return (double)(li_cpu_ns() - begin) / (double)(repeats * of->pixels);
}

static void
measure(const job *of)
{
    double least[TABLES] = {1e9, 1e9, 1e9};
    if (of->run == run_across) {
        li_axis_plan plan = {LI_LANCZOS3, {0, of->inputs, 1}, of->outputs, of->inputs};
        need(!li_axis_make(&ctx, &plan, work, &axis));
    }
    bool arm = li_kernels_named("neon");
    for (int round = 0; round < ROUNDS; round++)
        for (int k = 0; k < TABLES - arm; k++) {
            const li_kernels *kernels = li_kernels_named(names[arm][k]);
            double once = kernels ? time_once(kernels, of) : 1e9;
            least[k] = once < least[k] ? once : least[k];
        }
    printf("| %-24s |", of->name);
    for (int k = 0; k < TABLES - arm; k++)
        least[k] < 1e9 ? printf(" %7.2f |", least[k]) : printf("       – |");
    printf("\n");
    li_axis_free(&ctx, &axis);
}

int
main(int count, char **arguments)
{
    li_ctx_init(&ctx, NULL);
    size_t row = WIDTH * 4 + LI_BLOCK;
    need(!li_alloc(&ctx, LI_BATCH, row, &bytes) && !li_alloc(&ctx, 1, row, &made) &&
         !li_alloc(&ctx, 16 * row, sizeof(*words), &words) &&
         !li_alloc(&ctx, 7 * row, sizeof(*sums), &sums) &&
         !li_alloc(&ctx, row, sizeof(*reals), &reals) &&
         !li_alloc(&ctx, row, LI_ACROSS_WORK, &work));
    for (size_t i = 0; i < LI_BATCH * row; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 11);
    for (size_t i = 0; i < 16 * row; i++)
        words[i] = (int16_t)(i * 2654435761u >> 18);
    bool arm = li_kernels_named("neon");
    printf("| ns per pixel             |");
    for (int k = 0; k < TABLES - arm; k++)
        printf(" %7s |", names[arm][k]);
    printf("\n|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
        if (count < 2 || strstr(jobs[i].name, arguments[1]))
            measure(&jobs[i]);
    return 0;
}
