/* error.c: libjpeg's errors and warnings become a status and notes; nothing reaches
 * stderr. Which warning means damage is docs/notes/jpeg.md. Layer 2. */
#include "codecs/jpeg/jpeg.h"

#include <jerror.h>

_Noreturn void
li_jpeg_leave(j_common_ptr jpeg)
{
    li_jpeg_trouble *trouble = (li_jpeg_trouble *)jpeg->err;
    longjmp(trouble->home, 1);
}

static li_status
status_of_decoder(int code)
{
    switch (code) {
    case JERR_INPUT_EMPTY:
    case JERR_INPUT_EOF:
        return LI_E132_TRUNCATED;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_J_COLORSPACE:
    case JERR_BAD_MCU_SIZE:
    case JERR_BAD_PRECISION:
    case JERR_BAD_SAMPLING:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_EMPTY_IMAGE:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_IMAGE_TOO_BIG:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
    case JERR_UNKNOWN_MARKER:
    case JERR_WIDTH_OVERFLOW:
        return LI_E131_DECODE;
    default:
        return LI_E130_CORRUPT;
    }
}

static li_status
status_of(const li_jpeg_trouble *trouble, int code)
{
    switch (code) {
    case JERR_OUT_OF_MEMORY:
        return LI_ENOMEM;
    case JERR_NO_BACKING_STORE: /* past max_memory_to_use, the second belt */
        return LI_E124_MEMORY_BUDGET;
    case JERR_BAD_LIB_VERSION:
    case JERR_BAD_STRUCT_SIZE:
        return LI_E112_CODEC;
    case JERR_BAD_STATE:
    case JERR_BAD_CROP_SPEC:
    case JERR_BUFFER_SIZE:
    case JERR_BAD_VIRTUAL_ACCESS:
    case JERR_VIRTUAL_BUG:
        return LI_E901_INTERNAL;
    default:
        break;
    }
    if (trouble->encoding)
        return code == JERR_IMAGE_TOO_BIG || code == JERR_WIDTH_OVERFLOW
                   ? LI_E300_ENCODE
                   : LI_E299_ENCODE_INTERNAL;
    return trouble->ended ? LI_E132_TRUNCATED : status_of_decoder(code);
}

static void
trouble_exit(j_common_ptr jpeg)
{
    li_jpeg_trouble *trouble = (li_jpeg_trouble *)jpeg->err;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    li_status status = status_of(trouble, jpeg->err->msg_code);
    if (status == LI_E132_TRUNCATED)
        li_fail(trouble->ctx, status, "jpeg: the file ends too early (%s)", text);
    else
        li_fail(trouble->ctx, status, "jpeg: %s", text);
    li_jpeg_leave(jpeg);
}

/* Odd, but every sample is there and is what the file says. */
static bool
is_harmless(int code)
{
    switch (code) {
    case JWRN_EXTRANEOUS_DATA: /* padding or junk between segments */
    case JWRN_NOT_SEQUENTIAL:  /* scan parameters that a sequential decoder ignores */
    case JWRN_ADOBE_XFORM:     /* taken for YCbCr or YCCK, as everywhere */
    case JWRN_JFIF_MAJOR:
    case JWRN_BOGUS_ICC:
        return true;
    default:
        return false;
    }
}

/* The first damage of a picture in passes: all rows have something once each part has
 * its means; before that, those of the pass that is being read. */
static void
note_damage(li_jpeg_trouble *trouble, j_decompress_ptr jpeg)
{
    if (trouble->damaged)
        return;
    bool means = jpeg->coef_bits != NULL;
    for (int part = 0; means && part < jpeg->num_components; part++)
        means = jpeg->coef_bits[part][0] >= 0;
    means = means && jpeg->input_scan_number > 1;
    uint64_t rows =
        (uint64_t)jpeg->input_iMCU_row * (uint64_t)jpeg->max_v_samp_factor * DCTSIZE;
    trouble->damaged = true;
    trouble->rows =
        means || rows > jpeg->image_height ? jpeg->image_height : (uint32_t)rows;
}

/* level < 0: a warning; else a trace of what is read. */
static void
trouble_message(j_common_ptr jpeg, int level)
{
    li_jpeg_trouble *trouble = (li_jpeg_trouble *)jpeg->err;
    if (level >= 0)
        return;
    if (!is_harmless(jpeg->err->msg_code)) {
        if (!trouble->forgives)
            trouble_exit(jpeg);
        note_damage(trouble, (j_decompress_ptr)jpeg);
    }
    char text[JMSG_LENGTH_MAX];
    if (jpeg->err->num_warnings++ < LI_WARNINGS) {
        jpeg->err->format_message(jpeg, text);
        li_warn(trouble->ctx, "jpeg: %s", text);
    }
}

static void
trouble_output(j_common_ptr jpeg)
{
    (void)jpeg; /* the library would print here */
}

struct jpeg_error_mgr *
li_jpeg_trouble_init(li_jpeg_trouble *trouble, li_ctx *ctx, bool encoding)
{
    jpeg_std_error(&trouble->manager);
    trouble->manager.error_exit = trouble_exit;
    trouble->manager.emit_message = trouble_message;
    trouble->manager.output_message = trouble_output;
    trouble->ctx = ctx;
    trouble->encoding = encoding;
    return &trouble->manager;
}

void
li_jpeg_progress(j_common_ptr jpeg)
{
    li_ctx *ctx = ((li_jpeg_trouble *)jpeg->err)->ctx;
    if (li_poll(ctx) != LI_OK)
        li_jpeg_leave(jpeg);
    if (!jpeg->is_decompressor || !ctx->limits.max_scans)
        return;
    int scans = ((j_decompress_ptr)jpeg)->input_scan_number;
    if ((uint64_t)scans <= ctx->limits.max_scans)
        return;
    li_fail(ctx, LI_E123_FIREWALL, "jpeg: more scans than limits(max_scans=%llu)",
            (unsigned long long)ctx->limits.max_scans);
    li_jpeg_leave(jpeg);
}
