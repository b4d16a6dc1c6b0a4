/* write_metadata.c: what goes with the picture into libavif's, which keeps copies.
 * Layer 2. */
#include "codecs/avif/avif.h"
#include "codecs/avif/compat.h"

/* EXIF's number as irot, which comes first, and imir: scan.c reads it back. */
static void
set_orientation(avifImage *image, uint8_t orientation)
{
    static const struct {
        uint8_t turn, mirror; /* 1 + the axis */
    } ways[9] = {[2] = {0, 2}, [3] = {2, 0}, [4] = {0, 1}, [5] = {1, 1},
                 [6] = {3, 0}, [7] = {1, 2}, [8] = {1, 0}};
    uint32_t flags = AVIF_TRANSFORM_IROT | AVIF_TRANSFORM_IMIR;
    image->transformFlags &= ~flags; /* libavif 1 reads them out of EXIF */
    if (ways[orientation].turn) {
        image->transformFlags |= AVIF_TRANSFORM_IROT;
        image->irot.angle = ways[orientation].turn;
    }
    if (ways[orientation].mirror) {
        image->transformFlags |= AVIF_TRANSFORM_IMIR;
        *li_avif_mirror(image) = (uint8_t)(ways[orientation].mirror - 1);
    }
}

li_status
li_avif_set_metadata(li_ctx *ctx, avifImage *image, const li_metadata *with)
{
    if (!with)
        return LI_OK;
    avifResult result =
        li_avif_add_metadata(image, with->icc, with->icc_size, with->exif,
                             with->exif_size, with->xmp, with->xmp_size);
    if (result != AVIF_RESULT_OK)
        return li_avif_fail(ctx, result, NULL, LI_E299_ENCODE_INTERNAL);
    set_orientation(image, with->orientation < 9 ? with->orientation : 0);
    return LI_OK;
}
