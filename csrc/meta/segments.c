/* segments.c: metadata as a JPEG has them, in segments of up to 65,533 bytes. Layer 2.
 */
#include "meta/metadata.h"

#include <assert.h>

enum { APP1 = 0xe1, APP2 = 0xe2, HEAD_BYTES = 4, MOST_BYTES = 65533 };

/* One segment: its name, with a number behind it or without, and its body. */
static li_status
write_segment(li_out *out, uint8_t marker, const char *name, size_t name_size,
              const uint8_t *body, size_t size)
{
    size_t length = 2 + name_size + size;
    const uint8_t head[HEAD_BYTES] = {0xff, marker, (uint8_t)(length >> 8),
                                      (uint8_t)length};
    LI_TRY(li_out_write(out, head, sizeof(head)));
    LI_TRY(li_out_write(out, name, name_size));
    return li_out_write(out, body, size);
}

static li_status
write_profile(const li_metadata *metadata, li_out *out)
{
    enum { NAME_BYTES = 14, PIECE = MOST_BYTES - NAME_BYTES };
    char name[NAME_BYTES] = "ICC_PROFILE";
    size_t count = (metadata->icc_size + PIECE - 1) / PIECE;
    assert(metadata->icc_size <= LI_JPEG_ICC_MOST);
    for (size_t i = 0; i < count; i++) {
        size_t left = metadata->icc_size - i * PIECE;
        name[12] = (char)(i + 1);
        name[13] = (char)count;
        LI_TRY(write_segment(out, APP2, name, NAME_BYTES, metadata->icc + i * PIECE,
                             left < PIECE ? left : PIECE));
    }
    return LI_OK;
}

li_status
li_metadata_jpeg(const li_metadata *metadata, li_out *out)
{
    static const char exif[] = "Exif\0", xmp[] = "http://ns.adobe.com/xap/1.0/";
    assert(metadata->exif_size <= LI_JPEG_EXIF_MOST &&
           metadata->xmp_size <= LI_JPEG_XMP_MOST);
    if (metadata->exif)
        LI_TRY(write_segment(out, APP1, exif, sizeof(exif), metadata->exif,
                             metadata->exif_size));
    if (metadata->xmp)
        LI_TRY(write_segment(out, APP1, xmp, sizeof(xmp), metadata->xmp,
                             metadata->xmp_size));
    return metadata->icc ? write_profile(metadata, out) : LI_OK;
}
