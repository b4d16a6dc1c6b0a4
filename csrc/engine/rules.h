/* rules.h: rewrites of a list of ops that keep the picture. Layer 3. */
#ifndef LI_ENGINE_RULES_H
#define LI_ENGINE_RULES_H

#include "engine/plan.h"

/* The ops of a plan while it is being made: room for all of them, in order. */
typedef struct li_draft {
    li_ctx *ctx;       /* borrowed */
    li_info in;        /* the picture before the first op */
    const li_icc *icc; /* borrowed; NULL: colours stay */
    li_op *ops;
    li_info *infos; /* after each op */
    size_t count, room;
    bool fast;       /* colours may be filtered before they are converted */
    bool transposed; /* by what was added: see plan->transposed */
} li_draft;

/* Put an op at the end; its shape is computed and checked. */
li_status li_draft_add(li_draft *draft, const li_op *op) LI_MUST_CHECK;

/* E122 if a picture made by `step` is over limits.max_output_pixels. */
li_status li_check_output(li_ctx *ctx, const char *step, li_info info) LI_MUST_CHECK;

/* Does op i change nothing? */
bool li_draft_idle(const li_draft *draft, size_t i);
/* Apply every rule that `off` (LI_NO_…) does not forbid until none applies. */
li_status li_draft_rewrite(li_draft *draft, uint32_t off) LI_MUST_CHECK;

/* Take the first op away. */
void li_draft_drop_first(li_draft *draft);

#endif
