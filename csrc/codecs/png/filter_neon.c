/* filter_neon.c: the filters for NEON, 16 bytes at a time. Layer 2. */
#include "codecs/png/filter_tables.h"

#ifdef LI_FILTERS_NEON

#include <arm_neon.h>

#define LI_TARGET /* the baseline of arm64 */

typedef uint8x16_t vec;
typedef uint64x2_t vec_sum;

static inline vec
vec_load(const uint8_t *from)
{
    return vld1q_u8(from);
}

static inline void
vec_store(uint8_t *to, vec a)
{
    vst1q_u8(to, a);
}

static inline vec
vec_splat(uint8_t byte)
{
    return vdupq_n_u8(byte);
}

static inline vec
vec_table(const uint8_t table[16])
{
    return vld1q_u8(table);
}

VEC_WORD(vec_add_saturated, vqaddq_u8)
VEC_WORD(vec_sub, vsubq_u8)
VEC_WORD(vec_min, vminq_u8)
VEC_WORD(vec_max, vmaxq_u8)
VEC_WORD(vec_and, vandq_u8)
VEC_WORD(vec_or, vorrq_u8)
VEC_WORD(vec_xor, veorq_u8)
VEC_WORD(vec_equal, vceqq_u8)
VEC_WORD(vec_average_up, vrhaddq_u8)

/* table[low nibble of b], 0 where bit 7 of b is set: an index past 15 gives 0. */
static inline vec
vec_lookup(vec table, vec b)
{
    return vqtbl1q_u8(table, vandq_u8(b, vdupq_n_u8(0x8f)));
}

/* a where the mask is set, else b. */
static inline vec
vec_select(vec mask, vec a, vec b)
{
    return vbslq_u8(mask, a, b);
}

static inline vec
vec_shift_4(vec a)
{
    return vshrq_n_u8(a, 4);
}

static inline vec_sum
vec_sum_zero(void)
{
    return vdupq_n_u64(0);
}

static inline vec_sum
vec_sum_add(vec_sum sum, vec a)
{
    return vpadalq_u32(sum, vpaddlq_u16(vpaddlq_u8(a)));
}

static inline uint64_t
vec_sum_total(vec_sum sum)
{
    return vgetq_lane_u64(sum, 0) + vgetq_lane_u64(sum, 1);
}

#define LI_FILTERS_TABLE li_filters_neon
#define LI_FILTERS_NAME "neon"
#include "codecs/png/filter_template.inc.h"

#else

typedef int li_filters_neon_elsewhere; /* a file may not be empty */

#endif
