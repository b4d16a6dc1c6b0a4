/* decode.h: what of the first ops the decoder does, and in which form the picture
 * leaves it. Layer 3. */
#ifndef LI_ENGINE_DECODE_H
#define LI_ENGINE_DECODE_H

#include "engine/rules.h"

/* The first op if it is of this kind, else NULL. */
const li_op *li_first_op(const li_draft *draft, const li_op_kind *kind);

/* Does the encoder lose more than a safe shrink does? */
bool li_hides_shrink(const li_request *request);
/* M of M/8 for a draft that begins with a downscale; 8: full size. */
uint8_t li_choose_shrink(const li_draft *draft, const li_request *request);
/* Does a leading downscale hide what a rough decode leaves out? */
bool li_allows_rough(const li_input *input, const li_draft *draft,
                     const li_request *request);

/* As rows: set plan->hint and plan->decoded, take from the draft what is done. */
li_status li_plan_decoder(li_ctx *ctx, const li_input *input, const li_request *request,
                          li_draft *draft, li_plan *plan) LI_MUST_CHECK;

/* planes.c: as planes, if that may be: the same, and plan->way and plan->planes. */
bool li_plan_planes(const li_input *input, const li_request *request, li_draft *draft,
                    li_plan *plan);
/* Upper bound of what the ops of all planes, the ports and the joint take. */
uint64_t li_planes_bytes(const li_plan *plan);

#endif
