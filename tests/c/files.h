/* files.h: files for tests: one by its name, all of a folder, or all of a format in the
 * corpus that LAZYIMAGE_CORPUS names. */
#ifndef LI_TESTS_FILES_H
#define LI_TESTS_FILES_H

#include "test.h"

#include <dirent.h>
#include <sys/stat.h>

typedef struct test_file {
    const char *name; /* borrowed: within its folder */
    const char *note; /* borrowed: the rest of its line in the corpus's index, or "" */
    uint8_t *data;    /* owned: test_file_free */
    size_t size;
} test_file;

typedef void (*test_visit)(const test_file *file, void *arg);

/* What cannot be read is empty. */
static inline test_file
test_file_read(const char *folder, const char *name)
{
    char path[4096];
    struct stat told;
    test_file file = {.name = name, .note = ""};
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *in = fopen(path, "rb");
    if (in && fstat(fileno(in), &told) == 0 && S_ISREG(told.st_mode)) {
        file.data = malloc((size_t)told.st_size + 1);
        file.size = fread(file.data, 1, (size_t)told.st_size, in);
    }
    if (in)
        fclose(in);
    return file;
}

static inline void
test_file_free(test_file *file)
{
    free(file->data);
    file->data = NULL;
    file->size = 0;
}

/* Each file of a folder that is not empty; returns how many. */
static inline uint32_t
test_each_file(const char *folder, test_visit visit, void *arg)
{
    uint32_t count = 0;
    DIR *all = opendir(folder);
    CHECK(all != NULL);
    for (struct dirent *entry; all && (entry = readdir(all));) {
        test_file file = test_file_read(folder, entry->d_name);
        if (file.size) {
            visit(&file, arg);
            count++;
        }
        test_file_free(&file);
    }
    if (all)
        closedir(all);
    return count;
}

/* Each file of a format in the corpus; returns how many: 0 without a corpus. */
static inline uint32_t
test_each_corpus_file(const char *format, test_visit visit, void *arg)
{
    const char *corpus = getenv("LAZYIMAGE_CORPUS");
    char line[1024], path[2048];
    uint32_t count = 0;
    if (!corpus)
        return 0;
    snprintf(path, sizeof(path), "%s/INDEX.tsv", corpus);
    FILE *index = fopen(path, "r");
    CHECK(index != NULL);
    while (index && fgets(line, sizeof(line), index)) {
        char *tab = strchr(line, '\t');
        size_t length = strlen(format);
        if (!tab || strncmp(tab + 1, format, length) != 0 || tab[1 + length] != '\t')
            continue;
        *tab = 0;
        test_file file = test_file_read(corpus, line);
        file.note = tab + 1 + length;
        visit(&file, arg);
        test_file_free(&file);
        count++;
    }
    if (index)
        fclose(index);
    return count;
}

#endif
