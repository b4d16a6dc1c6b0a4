/* filter_x86.inc.h: the words of the filter template in SSE4.1 and AVX2, which differ
 * in the width and the names of theirs: MM(word), and MM_WHOLE(word) of what has no
 * element. Included by a file that defines these, `vec` and LI_TARGET. Layer 2. */

typedef vec vec_sum; /* sums of 64 bits */

VEC_WORD(vec_add_saturated, MM(adds_epu8))
VEC_WORD(vec_sub, MM(sub_epi8))
VEC_WORD(vec_min, MM(min_epu8))
VEC_WORD(vec_max, MM(max_epu8))
VEC_WORD(vec_and, MM_WHOLE(and))
VEC_WORD(vec_or, MM_WHOLE(or))
VEC_WORD(vec_xor, MM_WHOLE(xor))
VEC_WORD(vec_equal, MM(cmpeq_epi8))
VEC_WORD(vec_average_up, MM(avg_epu8))
/* a[low nibble of b], 0 where bit 7 of b is set. */
VEC_WORD(vec_lookup, MM(shuffle_epi8))

static inline LI_TARGET vec
vec_load(const uint8_t *from)
{
    return MM_WHOLE(loadu)((const vec *)(const void *)from);
}

static inline LI_TARGET void
vec_store(uint8_t *to, vec a)
{
    MM_WHOLE(storeu)((vec *)(void *)to, a);
}

static inline LI_TARGET vec
vec_splat(uint8_t byte)
{
    return MM(set1_epi8)((char)byte);
}

/* a where the mask is set, else b. */
static inline LI_TARGET vec
vec_select(vec mask, vec a, vec b)
{
    return MM(blendv_epi8)(b, a, mask);
}

static inline LI_TARGET vec
vec_shift_4(vec a)
{
    return vec_and(MM(srli_epi16)(a, 4), vec_splat(15));
}

static inline LI_TARGET vec_sum
vec_sum_zero(void)
{
    return MM_WHOLE(setzero)();
}

static inline LI_TARGET vec_sum
vec_sum_add(vec_sum sum, vec a)
{
    return MM(add_epi64)(sum, MM(sad_epu8)(a, vec_sum_zero()));
}

static inline LI_TARGET uint64_t
vec_sum_total(vec_sum sum)
{
    uint64_t lanes[sizeof(vec) / 8], total = 0;
    MM_WHOLE(storeu)((vec *)(void *)lanes, sum);
    for (size_t i = 0; i < sizeof(vec) / 8; i++)
        total += lanes[i];
    return total;
}
