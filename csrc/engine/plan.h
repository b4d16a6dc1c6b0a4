/* plan.h: from what a user asked to what will be done. Layer 3.
 *
 * A request is plain data; a plan is a pure function of the request and the header, and
 * running it is a loop. Order written = order meant: every rewrite in plan.c keeps the
 * picture, and each can be switched off so that a test can say so. */
#ifndef LI_ENGINE_PLAN_H
#define LI_ENGINE_PLAN_H

#include "codecs/codec.h"
#include "color/icc.h"
#include "ops/op.h"

/* --- the request: what the user wrote -------------------------------------------- */

typedef enum li_step_type {
    LI_STEP_RESIZE,
    LI_STEP_CROP,
    LI_STEP_ORIENT, /* rotate by right angles, flip_h, flip_v */
    LI_STEP_GRAYSCALE,
    LI_STEP_BRIGHTNESS,
    LI_STEP_CONTRAST,
    LI_STEP_CONVERT,
    LI_STEP_OP,   /* nothing in it depends on the picture but the layout it wants */
    LI_STEP_TRIM, /* becomes a crop before the plan is made: group/look.h */
} li_step_type;

typedef enum li_fit {
    LI_FIT_INSIDE,
    LI_FIT_COVER,
    LI_FIT_FILL,
    LI_FIT_OUTSIDE, /* not below the box, on either side */
    LI_FIT_CONTAIN, /* inside, padded to the box */
} li_fit;

typedef struct li_step {
    li_step_type type;
    union {
        struct {
            uint32_t width, height; /* 0: follows from the other */
            li_fit fit;
            li_kernel kernel;
            bool enlarge;
            li_at at_x, at_y;
            li_color background;
            bool linear;
        } resize;
        struct {
            int64_t x, y, width, height;
        } crop;
        li_orientation orient;
        double value; /* brightness, contrast */
        uint8_t trim; /* levels that border may differ by */
        li_pixel convert;
        li_op op;
    } u;
} li_step;

typedef enum li_shrink_policy {
    LI_SHRINK_SAFE,
    LI_SHRINK_FAST,
    LI_SHRINK_EXACT
} li_shrink_policy;

/* Rules that a test may switch off; 0 is all on. */
enum {
    LI_NO_SHRINK = 1 << 0,
    LI_NO_REGION = 1 << 1,
    LI_NO_WINDOW = 1 << 2,
    LI_NO_ORIENT = 1 << 3, /* do not move orientation behind later steps */
    LI_NO_MERGE = 1 << 4,
    LI_NO_PLANES = 1 << 5,
    LI_NO_SKIM = 1 << 6,
    LI_NO_LATE_COLOR = 1 << 7, /* convert colours first */
};

typedef enum li_output_kind {
    LI_OUTPUT_BUFFER,
    LI_OUTPUT_FILE,
    LI_OUTPUT_PIXELS
} li_output_kind;

/* May the decoder have a thread of its own where that can pay? */
typedef enum li_threads { LI_THREADS_IDLE, LI_THREADS_ONE, LI_THREADS_TWO } li_threads;

/* How a source is decoded for several outputs: nobody may choose for himself. */
typedef struct li_shared {
    uint8_t shrink; /* M of M/8, 1..8 */
    bool rough;
    bool whole;   /* not by regions */
    bool planes;  /* if there is a way; then see plan->way */
    bool deep;    /* 16 bits a sample; who does not want them rounds them */
    bool no_skim; /* of planes: somebody needs more chroma than is skimmed */
} li_shared;

typedef struct li_request {
    const li_step *steps; /* borrowed */
    size_t step_count;
    bool auto_orient;
    li_shrink_policy shrink;
    li_threads threads;
    uint32_t rules_off;
    uint8_t keep;            /* LI_KEEP_… of the input's metadata */
    uint32_t icc_most;       /* bytes of a profile that is kept; 0: any */
    bool to_srgb;            /* convert what input.icc is for */
    const li_shared *shared; /* borrowed; NULL: this output has the source alone */
    uint8_t background[3];
    li_output_kind output;
    const li_codec *codec; /* of the output; pixels: NULL, or whose layout they get */
    li_encode encode;
    li_pixel mode;         /* pixels: the layout wanted; 0: as it comes */
    uint32_t sample_bytes; /* pixels: 1, 2 or 4 */
} li_request;

/* Where the pixels come from: a file with its codec, or a frame. */
typedef struct li_input {
    const li_codec *codec; /* NULL: `frame` */
    li_frame frame;        /* borrowed pixels */
    li_header header;
    li_metadata metadata; /* owned: what was read to be kept; see carry.h */
    li_icc *icc;          /* owned; NULL: colours stay as they are */
    uint64_t icc_bytes;   /* the most that opening it took, and more than it keeps */
    const char *io;       /* "map", "read", "bytes", "pixels" */
    uint64_t bytes;       /* of the file or the frame */
} li_input;

/* --- the plan: what will be done ------------------------------------------------- */

enum { LI_PLANE_OPS = 3 }; /* resize, range, orientation */

/* What is done to Y, Cb or Cr. */
typedef struct li_plane_plan {
    li_info decoded; /* what the decoder hands out */
    uint32_t count;
    uint8_t x_den, y_den; /* pixels behind the resize that a sample stands for */
    li_op ops[LI_PLANE_OPS];
    li_info infos[LI_PLANE_OPS]; /* the plane after each op */
} li_plane_plan;

/* From the decoder on as rows of pixels; as planes that are joined to RGB once they are
 * small; as planes up to the encoder. */
typedef enum li_way { LI_WAY_ROWS, LI_WAY_JOINED, LI_WAY_PLANES } li_way;

typedef struct li_plan {
    li_hint hint;
    li_info stored;  /* the whole source */
    li_info decoded; /* what the decoder, or the joint, hands out, and ops take */
    li_way way;
    bool studio; /* the decoder's planes are */
    li_plane_plan planes[LI_PLANES];
    bool salvages;     /* damaged rows are filled */
    bool cmyk;         /* decoded is CMYK and becomes RGB at once */
    bool transposed;   /* orientation and steps make columns of stored rows */
    const li_icc *icc; /* borrowed: for the profile, at once or as an op */
    li_op *ops;        /* owned */
    li_info *infos;    /* owned: the picture after each op */
    size_t count;
    li_info out;
    uint8_t keep;           /* LI_KEEP_…; 0: there is nothing, or nowhere to */
    uint8_t stale;          /* LI_STALE_…: what it makes of what metadata say */
    uint64_t carried_bytes; /* of memory that metadata take on their way */
    li_encode encode;       /* the request's, and what the memory limit made of it */
    uint64_t bytes;         /* bounds the job's memory without its output */
    uint64_t out_bytes;     /* bounds its output */
    uint64_t decoded_bytes; /* stored width × height × bytes of a pixel */
    uint32_t looks;         /* runs that were needed before it could be made, */
    uint64_t look_bytes;    /* and what the largest may have taken; in `bytes` */
} li_plan;

li_status li_plan_make(li_ctx *ctx, const li_input *input, const li_request *request,
                       li_plan *plan) LI_MUST_CHECK;
/* Will its colours be converted, whatever its steps are? Pure. */
bool li_converts_first(const li_input *input, const li_request *request);
/* Upper bounds of the parts that plan->bytes is the sum of, but for the ops: what
 * reads, to the decoded rows; what writes. */
uint64_t li_plan_reading_bytes(const li_input *input, const li_plan *plan);
uint64_t li_plan_writing_bytes(const li_request *request, const li_plan *plan);
void li_plan_free(li_ctx *ctx, li_plan *plan); /* accepts a zeroed plan */

/* The plan in words, at most `size` bytes with the final 0; returns what it needs. */
size_t li_plan_explain(const li_plan *plan, const li_input *input,
                       const li_request *request, char *text, size_t size);

#endif
