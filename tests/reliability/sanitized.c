/* sanitized.c: every file named on standard input, decoded whole, and resized and
 * encoded in every format, for the row R13: built with sanitizers, which end it at
 * their first report. A line a file: its path, the seconds of its longest job, and the
 * status of each. */
#include "engine/pipeline_check.h"

#include <time.h>

enum { SIDE = 320, WHOLE_PIXELS = 4000000, JOBS = 5 };

/* What ends badly ends here; an error of the file's is an answer. */
static li_status
finish(li_ctx *ctx, li_source **source, li_status status)
{
    if (status == LI_OK)
        status = li_source_verify(*source);
    li_source_close(source);
    check_end(ctx, status);
    return status;
}

static li_status
decode_whole(const char *path)
{
    li_source *source = NULL;
    li_rows *rows = NULL;
    li_input input;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.further = check_further;
    li_status status = li_source_open(&ctx, path, LI_IO_AUTO, &source);
    if (status == LI_OK)
        status = li_input_open(&ctx, source, &input);
    bool small = status == LI_OK &&
                 (uint64_t)input.header.width * input.header.height <= WHOLE_PIXELS;
    if (small)
        status = input.codec->decode(&ctx, source, &input.header, (li_hint){0}, &rows);
    if (small && status == LI_OK)
        status = check_rows(rows, 0);
    li_rows_close(&rows);
    return finish(&ctx, &source, status);
}

/* The plan's bounds are checked by check_job, and what was written is opened again. */
static li_status
resize_to(const char *path, const li_codec *codec)
{
    li_step step = {.type = LI_STEP_RESIZE};
    step.u.resize.width = step.u.resize.height = SIDE;
    li_request request = {.steps = &step,
                          .step_count = 1,
                          .auto_orient = true,
                          .threads = LI_THREADS_TWO,
                          .to_srgb = true,
                          .codec = codec,
                          .encode = li_encode_default(),
                          .sample_bytes = 1};
    li_source *source = NULL;
    li_plan plan = {0};
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.further = check_further;
    li_status status = li_source_open(&ctx, path, LI_IO_AUTO, &source);
    if (status == LI_OK)
        status = check_job(&ctx, source, &request, &plan);
    li_plan_free(&ctx, &plan);
    return finish(&ctx, &source, status);
}

/* Of all threads. */
static int64_t
cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * 1000000000ll + used.tv_nsec;
}

/* One more job is done: the longest so far, in nanoseconds. */
static int64_t
longer(int64_t longest, int64_t *since)
{
    int64_t now = cpu_ns(), took = now - *since;
    *since = now;
    return took > longest ? took : longest;
}

static void
run_file(const char *path)
{
    int64_t since = cpu_ns(), longest;
    int statuses[JOBS] = {(int)decode_whole(path)}, count = 1;
    longest = longer(0, &since);
    for (const li_codec *const *at = li_codecs; *at; at++, count++) {
        statuses[count] = (int)resize_to(path, *at);
        longest = longer(longest, &since);
    }
    for (const li_codec *const *at = check_further; *at; at++, count++) {
        statuses[count] = (int)resize_to(path, *at);
        longest = longer(longest, &since);
    }
    printf("%s\t%.3f", path, (double)longest / 1e9);
    for (int i = 0; i < count; i++)
        printf("\t%d", statuses[i]);
    printf("\n");
    fflush(stdout);
}

int
main(void)
{
    char path[4096];
    while (fgets(path, sizeof(path), stdin)) {
        path[strcspn(path, "\n")] = 0;
        run_file(path);
    }
    return 0;
}
