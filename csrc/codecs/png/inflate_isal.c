/* inflate_isal.c: deflate by ISA-L, two to three times as fast as zlib. Layer 2.
 *
 * It refuses what zlib refuses but for one thing: a set of Huffman codes that is not
 * complete is accepted as long as no missing code is met. No encoder writes one. */
#ifdef LI_HAVE_ISAL
#include "codecs/png/inflate.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

static uint64_t
isal_bytes(void)
{
    return sizeof(struct inflate_state) + LI_BLOCK_OVERHEAD;
}

static li_status
isal_open(li_png_inflate *self)
{
    LI_TRY(li_alloc(self->ctx, 1, sizeof(struct inflate_state), &self->state));
    isal_inflate_init(self->state);
    return LI_OK;
}

static uint32_t
at_most(size_t size)
{
    return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

/* Whole bytes in the bit buffer are behind the deflate data. */
static void
keep_tail(li_png_inflate *self, const struct inflate_state *state)
{
    uint32_t bits = state->read_in_length > 0 ? (uint32_t)state->read_in_length : 0;
    uint64_t word = bits % 8 ? state->read_in >> bits % 8 : state->read_in;
    for (self->tail_size = 0; self->tail_size < bits / 8; self->tail_size++) {
        self->tail[self->tail_size] = (uint8_t)word;
        word >>= 8;
    }
}

static const char *
what_is_bad(int result)
{
    switch (result) {
    case ISAL_INVALID_LOOKBACK:
        return "invalid distance too far back";
    case ISAL_INVALID_SYMBOL:
        return "invalid code";
    default:
        return "invalid block";
    }
}

static li_png_inflated
isal_run(li_png_inflate *self)
{
    /* total_out has 32 bits and only says how far back a distance may reach: it must
     * not wrap, and 32 KB is as far as any does. */
    enum { FAR_ENOUGH = 1 << 20 };
    struct inflate_state *state = self->state;
    uint32_t in = at_most(self->in_left), out = at_most(self->out_left);
    if (state->total_out > FAR_ENOUGH)
        state->total_out = FAR_ENOUGH;
    state->next_in = (uint8_t *)(uintptr_t)self->in; /* ISA-L only reads it */
    state->avail_in = in;
    state->next_out = self->out;
    state->avail_out = out;
    int result = isal_inflate(state);
    self->in += in - state->avail_in;
    self->in_left -= in - state->avail_in;
    self->out += out - state->avail_out;
    self->out_left -= out - state->avail_out;
    if (result != ISAL_DECOMP_OK) {
        self->bad = what_is_bad(result);
        return LI_PNG_INFLATE_BAD;
    }
    if (state->block_state != ISAL_BLOCK_FINISH)
        return LI_PNG_INFLATE_MORE;
    keep_tail(self, state);
    return LI_PNG_INFLATE_END;
}

static void
isal_close(li_png_inflate *self)
{
    li_free(self->ctx, &self->state);
}

/* ISA-L's sums leave the upper halves of the vector registers in use, after which every
 * SSE instruction also waits for what its register held before: the row filters took
 * twice as long. */
#ifdef __x86_64__
__attribute__((target("avx"))) static void
clear_upper_halves(void)
{
    _mm256_zeroupper();
}

static uint32_t
leave_vectors(uint32_t sum)
{
    if (__builtin_cpu_supports("avx"))
        clear_upper_halves();
    return sum;
}
#else
static uint32_t
leave_vectors(uint32_t sum)
{
    return sum;
}
#endif

static uint32_t
isal_crc32(uint32_t crc, const uint8_t *data, size_t size)
{
    return leave_vectors(crc32_gzip_refl(crc, data, size));
}

static uint32_t
isal_adler(uint32_t adler, const uint8_t *data, size_t size)
{
    return leave_vectors(isal_adler32(adler, data, size));
}

const li_png_inflate_ops li_png_inflate_isal = {
    .name = "isal",
    .bytes = isal_bytes,
    .open = isal_open,
    .run = isal_run,
    .close = isal_close,
    .crc32 = isal_crc32,
    .adler32 = isal_adler,
};
#endif
