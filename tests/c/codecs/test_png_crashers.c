/* test_png_crashers.c: files on which PNG readers once parted, and those of the corpus
 * that LAZYIMAGE_CORPUS names, through all of ours. */
#define DIFFERENTIAL_PIXELS (1u << 23)
#include "codecs/png_differential.h"
#include "files.h"

static const char folder[] = "tests/crashers/png";

static void
compare_readers(const test_file *file, void *arg)
{
    (void)arg;
    (void)differential_check(file->data, file->size);
}

/* differential_check aborts if they do not. */
TEST(all_readers_agree_on_every_file)
{
    CHECK(test_each_file(folder, compare_readers, NULL) >= 2);
}

static li_status
status_by(const char *name, const li_png_inflate_ops *inflate)
{
    test_file file = test_file_read(folder, name);
    decoded got = differential_decode(file.data, file.size, inflate, true);
    free(got.pixels);
    test_file_free(&file);
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
    uint32_t count = test_each_corpus_file("png", compare_readers, NULL);
    CHECK(count > 500 || !getenv("LAZYIMAGE_CORPUS"));
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
