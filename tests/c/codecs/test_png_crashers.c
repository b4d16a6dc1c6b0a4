/* test_png_crashers.c: files on which PNG readers once parted, and those of the corpus
 * that LAZYIMAGE_CORPUS names, through all of ours. */
#define DIFFERENTIAL_PIXELS (1u << 23)
#include "codecs/png_differential.h"
#include "test.h"

#include <dirent.h>

static const char folder[] = "tests/crashers/png";

typedef struct bytes {
    uint8_t *data; /* owned */
    size_t size;
} bytes;

static bytes
read_file(const char *directory, const char *name)
{
    enum { MOST = 16 << 20 };
    char path[1024];
    bytes file = {malloc(MOST), 0};
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *in = fopen(path, "rb");
    if (CHECK(in != NULL)) {
        file.size = fread(file.data, 1, MOST, in);
        fclose(in);
    }
    return file;
}

/* differential_check aborts if they do not. */
TEST(all_readers_agree_on_every_file)
{
    uint32_t count = 0;
    DIR *all = opendir(folder);
    CHECK(all != NULL);
    for (struct dirent *entry; all && (entry = readdir(all));)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "README.md") != 0) {
            bytes file = read_file(folder, entry->d_name);
            (void)differential_check(file.data, file.size);
            free(file.data);
            count++;
        }
    if (all)
        closedir(all);
    CHECK(count >= 2);
}

static li_status
status_by(const char *name, const li_png_inflate_ops *inflate)
{
    bytes file = read_file(folder, name);
    decoded got = differential_decode(file.data, file.size, inflate, true);
    free(got.pixels);
    free(file.data);
    return got.status;
}

TEST(the_check_of_the_stream_is_looked_at_where_libpng_does_not)
{
    CHECK_EQ(status_by("unseen-check.png", NULL), LI_OK);
    CHECK_EQ(status_by("unseen-check.png", &li_png_inflate_zlib), LI_E130_CORRUPT);
    CHECK_EQ(status_by("unseen-check.png", li_png_inflate_best()), LI_E130_CORRUPT);
}

TEST(isal_alone_accepts_an_incomplete_set_of_codes)
{
    CHECK_EQ(status_by("incomplete-codes.png", NULL), LI_E130_CORRUPT);
    CHECK_EQ(status_by("incomplete-codes.png", &li_png_inflate_zlib), LI_E130_CORRUPT);
#ifdef LI_HAVE_ISAL
    CHECK_EQ(status_by("incomplete-codes.png", &li_png_inflate_isal), LI_OK);
#endif
}

TEST(all_readers_agree_on_the_corpus)
{
    const char *corpus = getenv("LAZYIMAGE_CORPUS");
    char line[4096], path[1024];
    uint32_t count = 0;
    if (!corpus)
        return;
    snprintf(path, sizeof(path), "%s/INDEX.tsv", corpus);
    FILE *index = fopen(path, "r");
    CHECK(index != NULL);
    while (index && fgets(line, sizeof(line), index)) {
        char *format = strchr(line, '\t');
        if (!format || strncmp(format, "\tpng\t", 5) != 0)
            continue;
        *format = 0;
        bytes file = read_file(corpus, line);
        (void)differential_check(file.data, file.size);
        free(file.data);
        count++;
    }
    if (index)
        fclose(index);
    CHECK(count > 500);
}

int
main(void)
{
    RUN(all_readers_agree_on_every_file);
    RUN(the_check_of_the_stream_is_looked_at_where_libpng_does_not);
    RUN(isal_alone_accepts_an_incomplete_set_of_codes);
    RUN(all_readers_agree_on_the_corpus);
    return test_end();
}
