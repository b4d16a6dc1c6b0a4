/* tune.c: what a speed from 0 to 10 is to libaom. Layer 2.
 *
 * Its own 5 takes four times the CPU of its 6, and from 7 on partitions are guessed,
 * which costs more than it saves. So 4 to 8 are its 5 and 6 without what costs most for
 * least: small blocks, then transforms. docs/notes/avif.md has the figures. Alpha, and
 * what may lose nothing, is as libaom has it: the choice is made for photographs with
 * loss. */
#include "codecs/avif/avif.h"
#include "codecs/avif/compat.h"

/* Below this many pixels small blocks hold what there is to see. */
enum { SMALL_PICTURE = 512 * 512 };

typedef struct tuning {
    int speed;             /* of libaom */
    const char *partition; /* side of the smallest block; NULL: libaom's own */
    bool dct;              /* and no other transform */
} tuning;

static tuning
tuning_of(int speed, uint64_t pixels)
{
    const char *block = pixels < SMALL_PICTURE ? "8" : "16";
    switch (speed) {
    case 4:
        return (tuning){5, "8", false};
    case 5:
        return (tuning){5, block, false};
    case 6:
        return (tuning){6, block, false};
    case 7:
        return (tuning){6, "16", true};
    case 8:
        return (tuning){6, "32", true};
    default:
        return (tuning){speed, NULL, false};
    }
}

static avifResult
tune_colours(avifEncoder *encoder, tuning how)
{
    const char *const options[][2] = {
        {"color:min-partition-size", how.partition},
        {"color:use-intra-dct-only", how.dct ? "1" : "0"},
        /* Smaller superblocks learn sooner what is dear, and take less memory. */
        {"color:sb-size", "64"},
        /* 1 to 3 % of the bytes for no time; libaom has it off in stills. */
        {"color:enable-cdef", "1"},
    };
    avifResult result = AVIF_RESULT_OK;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (result == AVIF_RESULT_OK)
            result = li_avif_set_option(encoder, options[i][0], options[i][1]);
    return result;
}

avifResult
li_avif_tune(avifEncoder *encoder, const avifImage *image, int speed, bool lossless,
             avif_options options)
{
    tuning how = tuning_of(speed, (uint64_t)image->width * image->height);
    bool tuned = options == AVIF_ALL_OPTIONS && how.partition && !lossless;
    avifResult result = AVIF_RESULT_OK;
    encoder->speed = tuned ? how.speed : speed;
    if (options != AVIF_NO_OPTIONS) /* 200 bytes a pixel of screen content */
        result = li_avif_set_option(encoder, "enable-intrabc", "0");
    if (result == AVIF_RESULT_OK && tuned)
        result = tune_colours(encoder, how);
    return result;
}
