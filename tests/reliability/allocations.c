/* allocations.c: every allocation of a job fails once, in the core and in the libraries
 * under it, and nothing comes of it but an error.
 *
 *     allocations [-s STRIDE] [ahead] [behind] [extended] [+]FILE…
 *
 * +FILE: by every job there is; ahead: a PNG large enough for a thread of its own;
 * behind: one with EXIF and packed XMP behind its pixels; extended: a JPEG with XMP in
 * two parts.
 * Each job on each file runs again and again in a process of its own; at run n the n-th
 * allocation of the process fails. A line a job, by tabs: its name, the file, how often
 * an allocation failed, how often that was told as MemoryError, as another error,
 * which, and was done without; wrong results; then how often it crashed or leaked, and
 * in which library. */
#include "allocation_jobs.h"
#include "heap_faults.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

enum { STACK_BYTES = 512, NAME_BYTES = 256, CULPRITS = 24 };

typedef struct culprit {
    /* "signal 11 in libaom.so.3, refused libaom.so.3 in avifEncoderAddImage" */
    char name[NAME_BYTES];
    uint32_t count;
} culprit;

/* What the child tells, and goes on from when it has died. */
typedef struct record {
    long long n; /* the allocation that fails now */
    uint32_t failed, memory, other, without, wrong, bad;
    uint32_t other_status;
    culprit culprits[CULPRITS];
    char last[STACK_BYTES];
    char refused[160];
    bool done;
} record;

/* --- one run ------------------------------------------------------------------------
 */

static li_status
run_once(const job_kind *job, const picture *from, result *got)
{
    li_ctx ctx;
    li_source *source = NULL;
    li_ctx_init(&ctx, NULL);
    ctx.further = further;
    *got = (result){0};
    li_status status = from->path
                           ? li_source_open(&ctx, from->path, job->io, &source)
                           : li_source_borrow(&ctx, from->data, from->size, &source);
    if (status == LI_OK)
        status = job->run(&ctx, source, job, got);
    if (status == LI_OK)
        status = li_source_verify(source);
    li_source_close(&source);
    return ctx.bytes ? LI_E901_INTERNAL : status;
}

static int
open_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

/* The samples of a file that was made. */
static uint64_t
samples_of(const result *made)
{
    static const job_kind decode = {.run = run_plan};
    picture from = {.data = made->data, .size = made->size};
    result got;
    return run_once(&decode, &from, &got) == LI_OK ? got.digest : 0;
}

/* An encoder that could not have all it wanted may write other bytes; never pixels, as
 * what it does without is a search. */
static bool
same_result(const result *got, const result *right)
{
    if (got->digest == right->digest)
        return true;
    return got->data && right->data && samples_of(got) == samples_of(right);
}

/* Count what went wrong; what is past the last place is counted there. */
static void
count_culprit(record *told, const char *name)
{
    size_t i = 0;
    while (i + 1 < CULPRITS && told->culprits[i].count &&
           strcmp(told->culprits[i].name, name) != 0)
        i++;
    snprintf(told->culprits[i].name, NAME_BYTES, "%s",
             i + 1 < CULPRITS ? name : "and other things");
    told->culprits[i].count++;
    told->bad++;
}

static void
blame(record *told, const char *what, const char *where)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "%s %.64s, refused %s", what, where, told->refused);
    count_culprit(told, name);
}

/* The n-th allocation fails; false: there is no n-th. */
static bool
try_one(const job_kind *job, const picture *from, record *told, const result *right)
{
    result got;
    long long before = heap_faults_now(), live = heap_faults_live();
    int descriptors = open_descriptors();
    heap_faults_arm(told->n);
    li_status status = run_once(job, from, &got);
    bool fired = heap_faults_disarm();
    snprintf(told->refused, sizeof(told->refused), "%s", heap_faults_refused());
    told->last[0] = '\0';
    bool same = status != LI_OK || same_result(&got, right);
    li_release(got.data);
    const char *holder = heap_faults_live() == live ? NULL : heap_faults_holder(before);
    if (open_descriptors() != descriptors)
        holder = "a descriptor";
    if (holder)
        blame(told, "leak in", holder);
    told->wrong += !same;
    if (!same)
        blame(told, "wrong result of", job->name);
    if (!fired)
        return false;
    told->failed++;
    told->memory += status == LI_ENOMEM;
    told->without += status == LI_OK;
    if (status != LI_OK && status != LI_ENOMEM) {
        told->other++;
        told->other_status = (uint32_t)status;
    }
    return true;
}

static void
child(const job_kind *job, const picture *from, record *told, long long stride)
{
    result right, again;
    heap_faults_explain(told->last, STACK_BYTES);
    /* Twice: what a library makes once for all stays. */
    for (int i = 0; i < 2; i++)
        if (run_once(job, from, i ? &again : &right) != LI_OK)
            _exit(2);
    if (again.digest != right.digest)
        _exit(2);
    li_release(again.data);
    while (try_one(job, from, told, &right))
        told->n += stride;
    if (run_once(job, from, &again) != LI_OK || again.digest != right.digest)
        told->wrong++;
    told->done = true;
    _exit(0);
}

/* "signal 11 in libaom.so.3, refused …; the stack": what is before the stack; or only
 * "refused …". */
static void
note_crash(record *told, int status)
{
    char name[NAME_BYTES];
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    told->last[strcspn(told->last, ";")] = '\0';
    if (strncmp(told->last, "signal", 6) == 0)
        snprintf(name, sizeof(name), "%.255s", told->last);
    else
        snprintf(name, sizeof(name), "signal %d in ?, %.200s", number, told->last);
    count_culprit(told, name);
    told->last[0] = '\0';
}

/* False: the job cannot be done on this file at all. */
static bool
run_job(const job_kind *job, const picture *from, record *told, long long stride)
{
    memset(told, 0, sizeof(*told));
    while (!told->done) {
        int status;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            child(job, from, told, stride);
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
            return false;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
            return false;
        if (told->done)
            break;
        note_crash(told, status);
        told->n += stride;
    }
    return true;
}

/* --- all of them --------------------------------------------------------------------
 */

enum { MOST_WIDTH = 2100 };

static picture
gray_file(const li_codec *codec, uint32_t width, uint32_t height)
{
    static uint8_t row[MOST_WIDTH];
    li_info info = {width, height, LI_GRAY8};
    li_encode how = li_encode_default();
    li_out *out = NULL;
    li_sink *sink = NULL;
    uint8_t *data = NULL;
    size_t size = 0;
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    how.compression = 1;
    li_status status = li_out_to_memory(&ctx, &out);
    if (status == LI_OK)
        status = codec->encode(&ctx, info, &how, out, &sink);
    for (uint32_t y = 0; status == LI_OK && y < height; y++) {
        for (uint32_t x = 0; x < width; x++)
            row[x] = (uint8_t)(x / 7 + y / 5);
        status = li_sink_write(sink, row);
    }
    if (status == LI_OK)
        status = li_sink_finish(sink);
    li_sink_close(&sink);
    if (status == LI_OK)
        status = li_out_detach(out, &data, &size);
    li_out_close(&out);
    return (picture){.data = data, .size = size};
}

/* Of 4.2 MP, which the plan decodes with a thread ahead. */
static picture
large_png(void)
{
    return gray_file(&li_codec_png, MOST_WIDTH, 2000);
}

static void
put_be32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Returns where the next one begins. */
static uint8_t *
put_chunk(uint8_t *to, const char *type, const void *body, uint32_t size)
{
    put_be32(to, size);
    memcpy(to + 4, type, 4);
    memcpy(to + 8, body, size);
    put_be32(to + 8 + size, (uint32_t)crc32(0, to + 4, size + 4));
    return to + size + 12;
}

/* Of digits that do not pack so well that nobody counts what they inflate to. */
static uint32_t
packed_xmp(uint8_t *body, size_t room)
{
    enum { DIGITS = 40000 };
    static const char key[] = "XML:com.adobe.xmp\0\1\0\0"; /* and the last 0 */
    static char text[DIGITS + 8] = "<x>";
    uint32_t state = 1;
    for (size_t i = 3; i < DIGITS; i++) {
        state = state * 1664525u + 1013904223u;
        text[i] = (char)('0' + (state >> 16) % 10);
    }
    memcpy(text + DIGITS, "</x>", 4);
    memcpy(body, key, sizeof(key));
    uLongf size = room - sizeof(key);
    if (compress2(body + sizeof(key), &size, (const Bytef *)text, DIGITS + 4, 9) !=
        Z_OK)
        abort();
    return (uint32_t)(sizeof(key) + size);
}

static picture
png_with_blocks(void)
{
    enum { ROOM = 64 << 10, END_BYTES = 12 };
    static const uint8_t exif[26] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0,
                                     3,   0,   0, 0,  1, 0, 6, 0, 0, 0, 0, 0,    0};
    static uint8_t body[ROOM], file[2 * ROOM];
    picture bare = gray_file(&li_codec_png, 60, 40);
    uint32_t packed = packed_xmp(body, sizeof(body));
    if (bare.size > ROOM / 2)
        abort();
    memcpy(file, bare.data, bare.size);
    li_release((void *)(uintptr_t)bare.data);
    uint8_t *end = put_chunk(file + bare.size - END_BYTES, "eXIf", exif, sizeof(exif));
    end = put_chunk(end, "iTXt", body, packed);
    end = put_chunk(end, "IEND", "", 0);
    return (picture){.data = file, .size = (size_t)(end - file)};
}

static uint8_t *
put_segment(uint8_t *to, const char *name, size_t name_size, const char *body)
{
    size_t size = 2 + name_size + strlen(body);
    const uint8_t head[4] = {0xff, 0xe1, (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(to, head, sizeof(head));
    memcpy(to + 4, name, name_size);
    memcpy(to + 4 + name_size, body, strlen(body));
    return to + 2 + size;
}

#define RDF "<r:RDF xmlns:r='r'>"
#define DIGEST "0123456789ABCDEF0123456789ABCDEF"

static picture
jpeg_with_more(void)
{
    enum { SOI_BYTES = 2 };
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/";
    static const char more[] =
        "http://ns.adobe.com/xmp/extension/\0" DIGEST "\0\0\0\x28\0\0\0\0";
    static uint8_t file[64 << 10];
    picture bare = gray_file(&li_codec_jpeg, 60, 40);
    uint8_t *end = file + SOI_BYTES;
    if (bare.size > sizeof(file) / 2)
        abort();
    memcpy(file, bare.data, SOI_BYTES);
    end = put_segment(end, xmp, sizeof(xmp),
                      RDF "<a HasExtendedXMP='" DIGEST "'/></r:RDF>");
    end = put_segment(end, more, sizeof(more) - 1, RDF "<b>more</b>  </r:RDF>");
    memcpy(end, bare.data + SOI_BYTES, bare.size - SOI_BYTES);
    end += bare.size - SOI_BYTES;
    li_release((void *)(uintptr_t)bare.data);
    return (picture){.data = file, .size = (size_t)(end - file)};
}

/* What this word stands for: a picture, or a path. */
static picture
made_of(const char *word)
{
    if (strcmp(word, "ahead") == 0)
        return large_png();
    if (strcmp(word, "behind") == 0)
        return png_with_blocks();
    if (strcmp(word, "extended") == 0)
        return jpeg_with_more();
    return (picture){.path = word};
}

/* `only`: the job of this name; NULL: those of every file, or all. */
static int
run_jobs(const picture *from, const char *name, bool all, const char *only,
         record *told, long long stride)
{
    int bad = 0;
    for (size_t i = 0; i < job_count; i++) {
        bool wanted =
            only ? strcmp(only, jobs[i].name) == 0 : all || jobs[i].everywhere;
        if (!wanted)
            continue;
        if (!run_job(&jobs[i], from, told, stride)) {
            printf("%s\t%s\tnot done\n", jobs[i].name, name);
            bad++;
            continue;
        }
        printf("%s\t%s\t%u\t%u\t%u\t%u\t%u\t%u", jobs[i].name, name, told->failed,
               told->memory, told->other, told->other_status, told->without,
               told->wrong);
        for (size_t c = 0; c < CULPRITS && told->culprits[c].count; c++)
            printf("\t%u %s", told->culprits[c].count, told->culprits[c].name);
        printf("\n");
        bad += told->bad || told->wrong;
    }
    return bad;
}

int
main(int count, char **words)
{
    long long stride = 1;
    int first = 1, bad = 0;
    if (count > 2 && strcmp(words[1], "-s") == 0) {
        stride = atoll(words[2]);
        first = 3;
    }
    if (!mkdtemp(folder))
        return 2;
    record *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    list_common_jobs();
    list_further_jobs();
    for (int i = first; i < count; i++) {
        bool all = words[i][0] == '+', ahead = strcmp(words[i], "ahead") == 0;
        picture from = made_of(words[i] + all);
        bad +=
            run_jobs(&from, words[i] + all, all, ahead ? words[i] : NULL, told, stride);
    }
    rmdir(folder);
    return bad ? 1 : 0;
}
