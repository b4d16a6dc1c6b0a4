/* unfilter.c: the row filters in plain C: the oracle of the vectors. Layer 2. */
#include "codecs/png/unfilter.h"
#include "kernels/kernels.h"

#include <string.h>

enum { NONE, SUB, UP, AVERAGE, PAETH };

/* The neighbour that is closest to left + up − corner; ties go to left, then up. */
static uint8_t
predict(int left, int up, int corner)
{
    int to_left = up - corner, to_up = left - corner, to_corner = to_left + to_up;
    to_left = to_left < 0 ? -to_left : to_left;
    to_up = to_up < 0 ? -to_up : to_up;
    to_corner = to_corner < 0 ? -to_corner : to_corner;
    if (to_left <= to_up && to_left <= to_corner)
        return (uint8_t)left;
    return (uint8_t)(to_up <= to_corner ? up : corner);
}

static inline __attribute__((always_inline)) uint8_t
predicted(const uint8_t filter, uint8_t left, uint8_t up, uint8_t corner)
{
    switch (filter) {
    case SUB:
        return left;
    case UP:
        return up;
    case AVERAGE:
        return (uint8_t)((left + up) / 2);
    default:
        return predict(left, up, corner);
    }
}

static inline __attribute__((always_inline)) void
undo(const uint8_t filter, uint8_t *row, const uint8_t *above, size_t size,
     uint32_t step)
{
    size_t i = 0;
    for (; i < step && i < size; i++)
        row[i] = (uint8_t)(row[i] + predicted(filter, 0, above[i], 0));
    for (; i < size; i++)
        row[i] = (uint8_t)(row[i] +
                           predicted(filter, row[i - step], above[i], above[i - step]));
}

bool
li_png_unfilter_scalar(uint8_t *rows, uint32_t count, size_t stride, uint32_t step)
{
    for (; count > 0; count--, rows += stride) {
        uint8_t *row = rows + 1;
        const uint8_t *above = row - stride;
        if (rows[0] == SUB)
            undo(SUB, row, above, stride - 1, step);
        else if (rows[0] == UP)
            undo(UP, row, above, stride - 1, step);
        else if (rows[0] == AVERAGE)
            undo(AVERAGE, row, above, stride - 1, step);
        else if (rows[0] == PAETH)
            undo(PAETH, row, above, stride - 1, step);
        else if (rows[0] != NONE)
            return false;
    }
    return true;
}

li_png_unfilter *
li_png_unfilter_of(const li_ctx *ctx)
{
#ifdef LI_PNG_UNFILTER_VECTORS
    if (strcmp(li_kernels_of(ctx)->name, "scalar") != 0)
        return li_png_unfilter_vectors;
#else
    (void)ctx;
#endif
    return li_png_unfilter_scalar;
}
