/* look.h: what must be looked at before a plan can be made: the pixels, where a step
 * asks for a place in them (trim, attention), and the second pictures of overlays.
 * Layer 4.
 *
 * A look is a plan that is run for its own sake: on the same source, through the steps
 * before, into a sink that only looks. It streams like any other. */
#ifndef LI_GROUP_LOOK_H
#define LI_GROUP_LOOK_H

#include "engine/run.h"

/* Who lets jobs have their bytes, for as long as a look runs; NULL: nobody does. */
typedef struct li_usher {
    void *arg; /* borrowed */
    li_status (*take)(void *arg, uint64_t bytes);
    void (*give)(void *arg);
} li_usher;

/* Steps as they were written and as a look left them, so that another output of the
 * same source need not look again. */
typedef struct li_seen {
    const li_step *written, *known; /* borrowed */
    size_t count;
    bool auto_orient, converts;
} li_seen;

typedef struct li_look {
    const li_usher *usher; /* borrowed */
    const li_seen *seen;   /* borrowed: `seen_count` of them */
    size_t seen_count;
    uint32_t runs;    /* that were needed */
    uint64_t bytes;   /* that one of them may have taken */
    int64_t spent_ns; /* in all of them */
    bool converts;    /* colours were, before the first step */
} li_look;

/* Is there a step that the pixels must be looked at for? */
bool li_look_needed(const li_step *steps, size_t count);
/* Write the request's steps to `known`, which has room for them all, with trim as a
 * crop and attention as a place, by colours as the job has them. The input is open with
 * all that the request reads of it, and is read from its beginning again. */
li_status li_look_at(li_ctx *ctx, li_source *source, const li_input *input,
                     const li_request *request, li_step *known,
                     li_look *look) LI_MUST_CHECK;
/* What of it a plan of these steps tells. */
void li_look_note(const li_look *look, li_plan *plan);

/* --- second pictures ---------------------------------------------------------------
 */

/* A picture that an op reads, as a request of its own. What is open at a time is
 * counted on the job that reads it. */
typedef struct li_layer {
    li_picture base;    /* filled by li_layer_prepare */
    li_request request; /* pixels, in any layout; its steps may need a look */
    li_limits limits;   /* hold for it beside the job's */
    bool salvage;       /* its damage is filled, and told as a warning */
    li_step *known;     /* borrowed: room for its steps */
    li_status (*open_input)(const struct li_layer *layer, li_ctx *ctx,
                            li_source **source, li_input *input);
    li_ctx *ctx;    /* borrowed: of the plan */
    li_input input; /* as it was prepared */
    li_plan plan;   /* owned, on ctx */
} li_layer;

/* Before the plan of what it is laid over: open its input, look, plan. Again: anew. */
li_status li_layer_prepare(li_ctx *ctx, li_layer *layer,
                           const li_usher *usher) LI_MUST_CHECK;
void li_layer_free(li_layer *layer); /* accepts one that was never prepared */

#endif
