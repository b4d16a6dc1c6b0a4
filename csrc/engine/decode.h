/* decode.h: what of the first ops the decoder does, and in which form the picture
 * leaves it. Layer 3. */
#ifndef LI_ENGINE_DECODE_H
#define LI_ENGINE_DECODE_H

#include "engine/rules.h"

/* The first op if it is of this kind, else NULL. */
const li_op *li_first_op(const li_draft *draft, const li_op_kind *kind);

/* Does the encoder lose more than a safe shrink does? */
bool li_hides_shrink(const li_request *request);
/* What a draft that begins with a downscale lets the decoder leave out. */
li_hint li_hint_of(const li_input *input, const li_draft *draft,
                   const li_request *request, bool planes);

/* As rows: set plan->hint and plan->decoded, take from the draft what is done. */
li_status li_plan_decoder(li_ctx *ctx, const li_input *input, const li_request *request,
                          li_draft *draft, li_plan *plan) LI_MUST_CHECK;

/* planes.c: as planes, if that may be: the same, and plan->way and plan->planes. */
bool li_plan_planes(const li_input *input, const li_request *request, li_draft *draft,
                    li_plan *plan);
/* Upper bound of what the ops of all planes, the ports and the joint take. */
uint64_t li_planes_bytes(const li_plan *plan);

#endif
