/* test_crashers.c: every small file of tests/data and of tests/crashers through what
 * the fuzzers check: each hint that its decoder honours, and jobs drawn by chance. */
#include "engine/probe_check.h"
#include "files.h"
#include "group/group_check.h"
#include "meta/strip_check.h"

enum { MOST_FILE = 48 << 10, JOBS = 12 };

typedef void (*check_one)(const test_file *file, uint32_t *state);

typedef struct checking {
    check_one check;
    uint32_t state, count;
} checking;

static void
visit(const test_file *file, void *arg)
{
    checking *self = arg;
    if (file->size >= MOST_FILE || strstr(file->name, ".tsv"))
        return;
    self->check(file, &self->state);
    self->count++;
}

static uint32_t
every_file(check_one check)
{
    static const char *const folders[] = {
        "tests/data/jpeg",     "tests/data/png",      "tests/data/pngsuite",
        "tests/data/webp",     "tests/data/avif",     "tests/crashers/png",
        "tests/crashers/jpeg", "tests/crashers/avif", "tests/crashers/webp",
    };
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        checking all = {.check = check, .state = 5};
        (void)test_each_file(folders[i], visit, &all);
        count += all.count;
    }
    return count;
}

static const li_codec *
codec_of(const test_file *file)
{
    for (const li_codec *const *at = li_codecs; *at; at++)
        if (check_knows(*at, file->data, file->size))
            return *at;
    for (const li_codec *const *at = check_further; *at; at++)
        if (check_knows(*at, file->data, file->size))
            return *at;
    return NULL;
}

static uint32_t decodes, jobs, written, stripped_files, groups;

/* Each shrink with each of rough, ahead, region, planes and skim; all rows, then some.
 */
static void
check_hints(const test_file *file, uint32_t *state)
{
    const li_codec *codec = codec_of(file);
    if (!codec)
        return;
    for (uint32_t flags = 0; flags < (codec->shrinks ? 32u : 16u); flags++)
        for (uint8_t shrink = 0; shrink < (codec->shrinks ? 6 : 1); shrink++) {
            uint32_t any = test_random(state);
            uint8_t hint[HINT_BYTES] = {shrink,
                                        (uint8_t)flags,
                                        (uint8_t)any,
                                        (uint8_t)(any >> 8),
                                        (uint8_t)(any >> 16),
                                        (uint8_t)(any >> 24),
                                        (uint8_t)(flags & 1 ? any >> 4 : 0),
                                        (uint8_t)(any >> 12)};
            decodes += decode_check(codec, file->data, file->size, hint);
        }
}

static void
check_jobs(const test_file *file, uint32_t *state)
{
    for (int i = 0; i < JOBS; i++) {
        uint8_t job[JOB_BYTES];
        for (int n = 0; n < JOB_BYTES; n++)
            job[n] = (uint8_t)(test_random(state) >> 11);
        written += pipeline_check(file->data, file->size, job) == LI_OK;
        jobs++;
    }
}

/* Whole, then cut where chance says. */
static void
check_scans(const test_file *file, uint32_t *state)
{
    (void)probe_check(file->data, file->size);
    for (int i = 0; i < 8; i++)
        (void)probe_check(file->data, test_random(state) % file->size);
}

static void
check_strip(const test_file *file, uint32_t *state)
{
    (void)state;
    stripped_files += strip_check(file->data, file->size);
}

static void
check_groups(const test_file *file, uint32_t *state)
{
    for (int i = 0; i < JOBS / 3; i++) {
        uint8_t bytes[GROUP_BYTES];
        for (int n = 0; n < GROUP_BYTES; n++)
            bytes[n] = (uint8_t)(test_random(state) >> 11);
        groups += group_check(file->data, file->size, bytes);
    }
}

/* All of the checks abort if a contract is broken. */
TEST(every_hint_keeps_the_contract_on_every_file)
{
    CHECK(every_file(check_hints) > 200);
    CHECK(decodes > 5000);
}

TEST(jobs_drawn_by_chance_keep_the_plan_on_every_file)
{
    every_file(check_jobs);
    CHECK(jobs > 2000 && written > jobs / 6);
}

TEST(scans_give_one_answer_however_little_they_are_given)
{
    CHECK(every_file(check_scans) > 200);
}

TEST(files_without_their_metadata_are_the_same_pictures)
{
    every_file(check_strip);
    CHECK(stripped_files > 150);
}

TEST(jobs_in_groups_give_what_they_give_alone)
{
    every_file(check_groups);
    CHECK(groups > 100);
}

int
main(void)
{
    RUN(jobs_in_groups_give_what_they_give_alone);
    RUN(scans_give_one_answer_however_little_they_are_given);
    RUN(files_without_their_metadata_are_the_same_pictures);
    RUN(every_hint_keeps_the_contract_on_every_file);
    RUN(jobs_drawn_by_chance_keep_the_plan_on_every_file);
    return test_end();
}
