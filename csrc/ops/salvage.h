/* salvage.h: a damaged picture keeps its height. Layer 2. */
#ifndef LI_OPS_SALVAGE_H
#define LI_OPS_SALVAGE_H

#include "base/source.h"
#include "image/pixel.h"
#include "image/rows.h"

/* Right above a decoder whose ctx salvages: where it fails for damage behind its first
 * row, this row and all that follow are middle gray, without alpha where there is any,
 * and ctx->rows_real says how many of the file's `height` rows came before. A source
 * that changed meanwhile is an error all the same. */
li_status li_salvage_push(li_source *source, uint32_t height,
                          li_rows **chain) LI_MUST_CHECK;
/* Upper bound of what it takes. */
uint64_t li_salvage_bytes(li_info info);

#endif
