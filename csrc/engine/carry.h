/* carry.h: metadata from an input to one of its outputs. Layer 3. */
#ifndef LI_ENGINE_CARRY_H
#define LI_ENGINE_CARRY_H

#include "engine/plan.h"

/* Read what `keep` (LI_KEEP_…) names of a file: input->metadata, on ctx. */
li_status li_input_metadata(li_ctx *ctx, li_source *source, uint8_t keep,
                            li_input *input) LI_MUST_CHECK;
/* Give back what an input owns, before its ctx ends; accepts one that was zeroed. */
void li_input_close(li_input *input);

/* May the input's profile go with a picture of this layout? Not that of inks: they have
 * become RGB; nor that of gray where the file says RGB. */
bool li_keeps_profile(const li_input *input, const li_request *request, li_pixel pixel);

/* What the output says of its colours by numbers: what the input's say of samples that
 * stay, unless a profile goes along. False: there is no place for it. Pure. */
bool li_carry_numbers(const li_input *input, const li_request *request, uint8_t keep,
                      li_cicp *told);

/* What an encoder is opened with; it must not move until the encoder is closed. */
typedef struct li_carried {
    li_encode encode;
    li_metadata metadata; /* owned */
} li_carried;

/* The plan's settings, and what the request keeps, made fit for the output. To be
 * closed, also on failure. Does not touch the source. */
li_status li_carry_open(li_ctx *ctx, const li_input *input, const li_request *request,
                        const li_plan *plan, li_carried *carried) LI_MUST_CHECK;
void li_carry_close(li_carried *carried); /* accepts a zeroed one */

#endif
