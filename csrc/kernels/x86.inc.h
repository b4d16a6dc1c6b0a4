/* x86.inc.h: words for one 16-byte lane, which AVX2 and SSE4.1 share. Layer 1. */

typedef __m128i lane;

#define LANE_WORD(name, call)                                                          \
    WORD lane name(lane a, lane b)                                                     \
    {                                                                                  \
        return call(a, b);                                                             \
    }

LANE_WORD(l_shuffle, _mm_shuffle_epi8)
LANE_WORD(l_or, _mm_or_si128)
LANE_WORD(l_xor, _mm_xor_si128)
LANE_WORD(l_and, _mm_and_si128)
LANE_WORD(l_and_not, _mm_andnot_si128) /* not a, and b */
LANE_WORD(l_add32, _mm_add_epi32)
LANE_WORD(l_min32, _mm_min_epi32)
LANE_WORD(l_max32, _mm_max_epi32)
LANE_WORD(l_equal32, _mm_cmpeq_epi32)
LANE_WORD(l_low32, _mm_unpacklo_epi32)
LANE_WORD(l_high32, _mm_unpackhi_epi32)
LANE_WORD(l_low64, _mm_unpacklo_epi64)
LANE_WORD(l_high64, _mm_unpackhi_epi64)
LANE_WORD(l_pack32, _mm_packs_epi32)
LANE_WORD(l_pack16, _mm_packus_epi16)

WORD lane
l_load(const void *from)
{
    return _mm_loadu_si128(from);
}

WORD void
l_store(void *to, lane v)
{
    _mm_storeu_si128(to, v);
}

WORD lane
l_all32(int32_t value)
{
    return _mm_set1_epi32(value);
}

WORD lane
l_last32(lane v)
{
    return _mm_shuffle_epi32(v, 0xff);
}

WORD lane
l_shift_sum(lane v)
{
    return _mm_srai_epi32(v, LI_WEIGHT_BITS + LI_RING_BITS);
}

WORD bool
l_all_set(lane v)
{
    return _mm_movemask_epi8(v) == 0xffff;
}

/* The lower half to one place, the higher to another. */
WORD void
l_put64(int16_t *low, int16_t *high, lane v)
{
    _mm_storel_epi64((lane *)low, v);
    _mm_storel_epi64((lane *)high, _mm_unpackhi_epi64(v, v));
}

#define L_SHIFT_RIGHT32(v, bits) _mm_srai_epi32(v, bits)
