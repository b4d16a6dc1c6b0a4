/* encode.c: one picture by libavif and libaom on this thread, in a call that nothing
 * can interrupt. Layer 2. */
#include "codecs/avif/compat.h"
#include "codecs/avif/write.h"

static avifResult
configure(avifEncoder *encoder, const avifImage *image, avif_effort effort,
          avif_options options)
{
    bool aom = avifCodecName(AVIF_CODEC_CHOICE_AOM, AVIF_CODEC_FLAG_CAN_ENCODE);
    encoder->codecChoice = aom ? AVIF_CODEC_CHOICE_AOM : AVIF_CODEC_CHOICE_AUTO;
    encoder->maxThreads = 1;
    encoder->speed = effort.speed;
    li_avif_set_quality(encoder, effort.quality, LI_AVIF_LOSSLESS);
    if (!aom)
        return AVIF_RESULT_OK;
    return li_avif_tune(encoder, image, effort.speed,
                        effort.quality == LI_AVIF_LOSSLESS, options);
}

/* `known` is false, and the status LI_OK, if libaom does not know one of the options.
 */
static li_status
encode_image(li_ctx *ctx, const avifImage *image, avif_effort effort,
             avif_options options, avifRWData *data, bool *known)
{
    avifEncoder *encoder = avifEncoderCreate();
    if (!encoder)
        return li_fail(ctx, LI_ENOMEM, "avif: no memory for an encoder");
    avifResult result = configure(encoder, image, effort, options);
    if (result == AVIF_RESULT_OK)
        result = avifEncoderWrite(encoder, image, data);
    li_status status = LI_OK;
    *known = options == AVIF_NO_OPTIONS ||
             result != AVIF_RESULT_INVALID_CODEC_SPECIFIC_OPTION;
    if (result != AVIF_RESULT_OK && *known)
        status = li_avif_fail(ctx, result, &encoder->diag, LI_E299_ENCODE_INTERNAL);
    avifEncoderDestroy(encoder);
    return status;
}

li_status
li_avif_encode_image(li_ctx *ctx, const avifImage *image, avif_effort effort,
                     avifRWData *data)
{
    static const avif_options ways[] = {AVIF_ALL_OPTIONS, AVIF_LEAN_OPTIONS,
                                        AVIF_NO_OPTIONS};
    li_status status = LI_OK;
    bool known = false;
    for (int i = 0; i < 3 && status == LI_OK && !known; i++)
        status = encode_image(ctx, image, effort, ways[i], data, &known);
    return status;
}

/* libavif before 1.1 aborts where malloc fails: see first that there is as much. */
li_status
li_avif_reserve(li_ctx *ctx, uint64_t bytes, uint64_t *charged)
{
    void *probe = NULL;
    li_uncharge(ctx, *charged);
    *charged = 0;
    LI_TRY(li_alloc(ctx, bytes, 1, &probe));
    li_free(ctx, &probe);
    LI_TRY(li_charge(ctx, bytes));
    *charged = bytes;
    return LI_OK;
}

li_status
li_avif_hand_on(li_ctx *ctx, li_out *out, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at += LI_OUT_BYTES) {
        size_t left = size - at;
        LI_TRY(li_poll(ctx));
        LI_TRY(li_out_write(out, data + at, left < LI_OUT_BYTES ? left : LI_OUT_BYTES));
    }
    return LI_OK;
}
