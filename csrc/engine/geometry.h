/* geometry.h: the arithmetic of fits, free of any plan. Layer 3. */
#ifndef LI_ENGINE_GEOMETRY_H
#define LI_ENGINE_GEOMETRY_H

#include "engine/plan.h"
#include "ops/span.h"

/* A resize step on a picture of `in`: the scaled size, and what of it is kept. Only
 * what is kept has sides of 65535 at most. */
typedef struct li_fitted {
    uint32_t width, height;
    li_rect kept; /* all of it but for cover */
    li_pad pad;   /* none but for contain */
} li_fitted;

li_status li_fit_size(li_ctx *ctx, const li_step *step, li_info in,
                      li_fitted *fitted) LI_MUST_CHECK;
/* Only what is kept is made: its size, and what of each side it stands for. What is cut
 * off may be of any size. */
void li_fit_cut(li_info in, li_fitted *fitted, li_span *x, li_span *y);

#endif
