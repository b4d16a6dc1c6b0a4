/* decode.h: what of the first ops the decoder does, and in which form the picture
 * leaves it. Layer 3. */
#ifndef LI_ENGINE_DECODE_H
#define LI_ENGINE_DECODE_H

#include "engine/rules.h"

/* The first op if it is of this kind, else NULL. */
const li_op *li_first_op(const li_draft *draft, const li_op_kind *kind);

/* Does a step need all bits that there are, whatever the output keeps? */
bool li_stretches_levels(const li_request *request);
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
/* The part of a plane's axis that `count` samples stand for, `den` pixels each of an
 * axis that `span` of the picture is resized to: the last may stand for one that is not
 * there. The plane has from[0] samples for every from[1] pixels of the picture. */
li_span li_plane_span(li_span span, uint32_t resized, uint32_t count, uint32_t den,
                      const uint8_t from[2]);
/* Upper bounds: of what the ops of all planes, the ports and the joint take, */
uint64_t li_planes_bytes(const li_plan *plan);
/* of the ports of planes of these sizes that these ops, NULL: none, read; they are
 * of a picture with so many rows; */
uint64_t li_plane_ports_bytes(const li_info in[LI_PLANES],
                              const li_op *const ops[LI_PLANES], uint32_t height);
uint64_t li_join_bytes(li_info joined); /* and of the joint */

#endif
