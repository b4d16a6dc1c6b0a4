/* carry.c: metadata from an input to its outputs: read once, edited for each. Layer 3.
 */
#include "engine/carry.h"

li_status
li_input_metadata(li_ctx *ctx, li_source *source, uint8_t keep, li_input *input)
{
    if (input->header.cicp.first) /* the profile does not say what the samples are */
        keep &= (uint8_t)~LI_KEEP_ICC;
    if (!keep || !input->codec)
        return LI_OK;
    return li_codec_metadata(input->codec, ctx, source, &input->header, keep,
                             &input->metadata);
}

void
li_input_close(li_input *input)
{
    li_icc_close(&input->icc);
    li_metadata_free(&input->metadata);
}

static uint32_t
icc_most(const li_request *request)
{
    uint32_t room = request->codec ? request->codec->places.icc_most : 0;
    uint32_t most = request->icc_most;
    return !room || (most && most < room) ? most : room;
}

bool
li_keeps_profile(const li_input *input, const li_request *request, li_pixel pixel)
{
    const li_metadata *with = &input->metadata;
    const li_codec *codec = request->codec;
    uint32_t most = icc_most(request);
    bool gray = li_pixel_is_gray(pixel);
    if (gray && codec && codec->colors_gray &&
        codec->colors_gray(pixel, &request->encode))
        return false;
    return request->keep & LI_KEEP_ICC && input->header.pixel != LI_CMYK8 &&
           li_icc_suits(with->icc, with->icc_size, gray) &&
           (!most || with->icc_size <= most);
}

bool
li_carry_numbers(const li_input *input, const li_request *request, uint8_t keep,
                 li_cicp *told)
{
    *told = (li_cicp){0};
    if (request->to_srgb || !request->codec || request->output == LI_OUTPUT_PIXELS ||
        (keep & LI_KEEP_ICC && input->metadata.icc))
        return true;
    return li_cicp_told(&input->header.cicp, request->codec->numbers, told);
}

/* It was asked for and is neither written nor what samples were converted by. */
static void
tell_lost_profile(li_ctx *ctx, const li_input *input, const li_request *request,
                  const li_plan *plan)
{
    const li_header *header = &input->header;
    size_t size = input->metadata.icc_size;
    uint32_t most = icc_most(request);
    bool there = size || (header->cicp.first && header->icc_bytes);
    bool written = request->codec && request->output != LI_OUTPUT_PIXELS;
    if (!(request->keep & ~plan->keep & LI_KEEP_ICC) || !there || !written || plan->icc)
        return;
    if (most && size > most)
        li_warn(ctx,
                "metadata: %zu bytes of ICC profile, over the %u that fit: left out",
                size, most);
    else
        li_warn(ctx, "metadata: the ICC profile is not for the samples that are "
                     "written: left out");
}

li_status
li_carry_open(li_ctx *ctx, const li_input *input, const li_request *request,
              const li_plan *plan, li_carried *carried)
{
    bool turned = request->auto_orient && input->codec;
    *carried = (li_carried){.encode = plan->encode};
    li_cicp told;
    bool whole = li_carry_numbers(input, request, plan->keep, &told);
    if (!whole && input->header.cicp.profiled)
        li_warn(ctx, "color: samples are kept, but not the profile that they are for");
    else if (!whole)
        li_warn(ctx,
                "color: %s has no place for all that the file's numbers say of the "
                "samples, which are kept",
                request->codec->name);
    else
        tell_lost_profile(ctx, input, request, plan);
    if (!plan->keep)
        return LI_OK;
    li_edit edit = {.keep = plan->keep,
                    .orientation = turned ? 1 : input->metadata.orientation,
                    .stale = plan->stale,
                    .gray = li_pixel_is_gray(plan->out.pixel),
                    .transposed = plan->transposed,
                    .width = plan->out.width,
                    .height = plan->out.height,
                    .places = request->codec->places};
    LI_TRY(li_metadata_edit(ctx, &input->metadata, &edit, &carried->metadata));
    if (li_metadata_any(&carried->metadata))
        carried->encode.metadata = &carried->metadata;
    return LI_OK;
}

void
li_carry_close(li_carried *carried)
{
    li_metadata_free(&carried->metadata);
}
