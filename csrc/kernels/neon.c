/* neon.c: the words of the kernel templates in NEON: a vector is one lane. Layer 1. */
#include "base/cpu.h"
#include "kernels/plain.h"

#if defined(LI_CPU_ARM64)
#include <arm_neon.h>
#include <string.h>

#define WORD static inline __attribute__((always_inline, unused))

enum { LANES = 1, VBYTES = 16 };
typedef uint8x16_t vec;
typedef uint8x16_t lane;

/* A word of two lanes, which are taken as another type: S16 and the like below. */
#define S16(v) vreinterpretq_s16_u8(v)
#define U16(v) vreinterpretq_u16_u8(v)
#define S32(v) vreinterpretq_s32_u8(v)
#define U32(v) vreinterpretq_u32_u8(v)
#define S64(v) vreinterpretq_s64_u8(v)
#define OF_S16(v) vreinterpretq_u8_s16(v)
#define OF_U16(v) vreinterpretq_u8_u16(v)
#define OF_S32(v) vreinterpretq_u8_s32(v)
#define OF_U32(v) vreinterpretq_u8_u32(v)
#define OF_S64(v) vreinterpretq_u8_s64(v)

#define LANE_WORD(name, result)                                                        \
    WORD lane name(lane a, lane b)                                                     \
    {                                                                                  \
        return result;                                                                 \
    }

LANE_WORD(l_shuffle, vqtbl1q_u8(a, b)) /* 16 and more: nothing */
LANE_WORD(l_or, vorrq_u8(a, b))
LANE_WORD(l_xor, veorq_u8(a, b))
LANE_WORD(l_and, vandq_u8(a, b))
LANE_WORD(l_and_not, vbicq_u8(b, a)) /* not a, and b */
LANE_WORD(l_add32, OF_S32(vaddq_s32(S32(a), S32(b))))
LANE_WORD(l_min32, OF_S32(vminq_s32(S32(a), S32(b))))
LANE_WORD(l_max32, OF_S32(vmaxq_s32(S32(a), S32(b))))
LANE_WORD(l_equal32, OF_U32(vceqq_s32(S32(a), S32(b))))
LANE_WORD(l_low32, OF_S32(vzip1q_s32(S32(a), S32(b))))
LANE_WORD(l_high32, OF_S32(vzip2q_s32(S32(a), S32(b))))
LANE_WORD(l_low64, OF_S64(vzip1q_s64(S64(a), S64(b))))
LANE_WORD(l_high64, OF_S64(vzip2q_s64(S64(a), S64(b))))
LANE_WORD(l_pack32, OF_S16(vcombine_s16(vqmovn_s32(S32(a)), vqmovn_s32(S32(b)))))
LANE_WORD(l_pack16, vcombine_u8(vqmovun_s16(S16(a)), vqmovun_s16(S16(b))))
LANE_WORD(v_low8, vzip1q_u8(a, b))
LANE_WORD(v_high8, vzip2q_u8(a, b))
LANE_WORD(v_low16, OF_S16(vzip1q_s16(S16(a), S16(b))))
LANE_WORD(v_high16, OF_S16(vzip2q_s16(S16(a), S16(b))))
LANE_WORD(v_add16, OF_U16(vaddq_u16(U16(a), U16(b))))
LANE_WORD(v_sub16, OF_U16(vsubq_u16(U16(a), U16(b))))
LANE_WORD(v_multiply16, OF_U16(vmulq_u16(U16(a), U16(b))))
LANE_WORD(v_multiply_high16,
          OF_U16(vcombine_u16(
              vshrn_n_u32(vmull_u16(vget_low_u16(U16(a)), vget_low_u16(U16(b))), 16),
              vshrn_n_u32(vmull_high_u16(U16(a), U16(b)), 16))))
LANE_WORD(v_pairs,
          OF_S32(vpaddq_s32(vmull_s16(vget_low_s16(S16(a)), vget_low_s16(S16(b))),
                            vmull_high_s16(S16(a), S16(b)))))
LANE_WORD(v_last12, vextq_u8(a, b, 12))

WORD lane
l_load(const void *from)
{
    return vld1q_u8(from);
}

WORD void
l_store(void *to, lane v)
{
    vst1q_u8(to, v);
}

WORD lane
l_all32(int32_t value)
{
    return OF_S32(vdupq_n_s32(value));
}

WORD lane
l_last32(lane v)
{
    return OF_S32(vdupq_laneq_s32(S32(v), 3));
}

WORD lane
l_shift_sum(lane v)
{
    return OF_S32(vshrq_n_s32(S32(v), LI_WEIGHT_BITS + LI_RING_BITS));
}

WORD bool
l_all_set(lane v)
{
    return vminvq_u8(v) == 255;
}

WORD void
l_put64(int16_t *low, int16_t *high, lane v)
{
    vst1_s16(low, vget_low_s16(S16(v)));
    vst1_s16(high, vget_high_s16(S16(v)));
}

#define v_shuffle l_shuffle
#define v_or l_or
#define v_xor l_xor
#define v_low32 l_low32
#define v_high32 l_high32
#define v_low64 l_low64
#define v_high64 l_high64
#define v_pack32 l_pack32
#define v_pack16 l_pack16
#define v_add32 l_add32
#define v_load l_load
#define v_same l_load
#define v_store l_store
#define v_all32 l_all32

WORD vec
v_zero(void)
{
    return vdupq_n_u8(0);
}

WORD vec
v_all16(int16_t value)
{
    return OF_S16(vdupq_n_s16(value));
}

WORD lane
v_lane(vec v, int which)
{
    (void)which;
    return v;
}

WORD vec
v_rows(const uint8_t *const *rows, size_t at)
{
    return l_load(rows[0] + at);
}

WORD void
v_put_rows(vec v, int16_t *const *rows, size_t at)
{
    l_put64(rows[0] + at, rows[1] + at, v);
}

WORD vec
v_widen(const uint8_t *from)
{
    return OF_U16(vmovl_u8(vld1_u8(from)));
}

WORD vec
v_bytes(lane v, int half)
{
    return OF_U16(half ? vmovl_high_u8(v) : vmovl_u8(vget_low_u8(v)));
}

WORD vec
v_deal(vec v)
{
    return v;
}

WORD lane
v_narrow(const vec v[2 / LANES])
{
    return l_pack16(v[0], v[1]);
}

#define V_SHIFT_RIGHT32(v, bits) OF_S32(vshrq_n_s32(S32(v), bits))
#define L_SHIFT_RIGHT32 V_SHIFT_RIGHT32
#define V_LOGICAL_RIGHT32(v, bits) OF_U32(vshrq_n_u32(U32(v), bits))
#define V_SHIFT_RIGHT16(v, bits) OF_U16(vshrq_n_u16(U16(v), bits))
#define V_SHIFT_LEFT16(v, bits) OF_U16(vshlq_n_u16(U16(v), bits))

/* Of each 32 bits, bit n of `which`: b's, else a's. */
#define ALL_OF(which, n) ((which) >> (n)&1 ? UINT32_MAX : 0)
#define V_BLEND32(a, b, which)                                                         \
    vbslq_u8(OF_U32(((uint32x4_t){ALL_OF(which, 0), ALL_OF(which, 1),                  \
                                  ALL_OF(which, 2), ALL_OF(which, 3)})),               \
             b, a)

WORD int32x2_t
divide_two(int32x2_t colour, int32x2_t alpha, const double one)
{
    float64x2_t product = vmulq_f64(vcvtq_f64_s64(vmovl_s32(colour)), vdupq_n_f64(one));
    float64x2_t ratio = vdivq_f64(product, vcvtq_f64_s64(vmovl_s32(alpha)));
    return vmovn_s64(vcvtq_s64_f64(vaddq_f64(ratio, vdupq_n_f64(0.5))));
}

WORD lane
l_divide(lane colour, lane alpha, const double one)
{
    int32x2_t low =
        divide_two(vget_low_s32(S32(colour)), vget_low_s32(S32(alpha)), one);
    int32x2_t high =
        divide_two(vget_high_s32(S32(colour)), vget_high_s32(S32(alpha)), one);
    return OF_S32(vcombine_s32(low, high));
}

typedef float32x4_t floats;

WORD floats
f_load(const float *from)
{
    return vld1q_f32(from);
}

WORD floats
f_of_bytes(const uint8_t *from)
{
    uint32_t four;
    memcpy(&four, from, sizeof(four));
    uint16x8_t wide = vmovl_u8(vcreate_u8(four));
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide)));
}

/* Two roundings, as plain C. */
WORD void
f_put(void *to, floats value, floats scale, floats bias)
{
    vst1q_u8(to, vreinterpretq_u8_f32(vaddq_f32(vmulq_f32(value, scale), bias)));
}

#define TABLE li_kernels_neon
#define TABLE_NAME "neon"
#include "kernels/simd_resize.inc.h"
#include "kernels/simd_deep.inc.h"
#include "kernels/simd_pixels.inc.h"
#include "kernels/simd_table.inc.h"
#endif
