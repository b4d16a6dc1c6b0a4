/* tree.h: the ops of several plans on one decoded picture as a tree, so that what they
 * have in common is done once. Layer 4.
 *
 * A node is a picture: the root as it was decoded, every other what one op makes of its
 * parent. It is a stream of rows, or three of planes, on each of which the same kind of
 * op works; a node of rows on one of planes joins them. Plans that begin with the same
 * ops share the nodes. A small resize may be fed from a larger one instead of the root,
 * where its encoder hides the difference. */
#ifndef LI_GROUP_TREE_H
#define LI_GROUP_TREE_H

#include "engine/plan.h"

typedef struct li_node {
    uint32_t streams;                           /* 1: rows; LI_PLANES */
    li_op ops[LI_PLANES];                       /* of the root and a joint: none */
    li_info infos[LI_PLANES];                   /* the picture, or its planes */
    uint8_t x_den[LI_PLANES], y_den[LI_PLANES]; /* of a resize: as in li_plane_plan */
    uint32_t parent;                            /* of the root: 0 */
    uint32_t users;                             /* nodes and outputs that read it */
    bool fine; /* an output behind it shows what a detour loses */
} li_node;

typedef struct li_tree {
    li_node *nodes; /* owned; `room` for the root and every op of every plan */
    uint32_t count, room;
    uint32_t *ends; /* owned: the node that each plan's output is */
} li_tree;

/* The plans have the same decoded picture, and go with the requests. */
li_status li_tree_make(li_ctx *ctx, const li_input *input, const li_plan *plans,
                       li_request const *const *requests, uint32_t count,
                       li_tree *tree) LI_MUST_CHECK;
void li_tree_free(li_ctx *ctx, li_tree *tree); /* accepts a zeroed one */

#endif
