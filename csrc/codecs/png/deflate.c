/* deflate.c: a zlib stream by our own hand: runs, repeats where they pay, and
 * one Huffman code a block. Layer 2.
 *
 * Bytes come in chunks of up to 65,535, because a stored block holds no more. A
 * chunk is looked through for runs, and now and then for repeats too; as long
 * as those win by more than a little, every chunk is. A block is one chunk, or
 * several that say little.
 *
 * A block never takes more than its bytes, stored. One chunk: it is stored if
 * that is shorter. Several: all but the last have fewer than CARRIED literals
 * between them, and in deflate's own code a match takes at most 25 bits for 4
 * bytes and a literal 9 for 1; 65,535 literals in the last chunk lose 8 KB, the
 * chunk before has won 9 KB. */
#include "codecs/png/deflate_find.h"

#include <string.h>

enum {
    CARRIED = 16 << 10, /* with fewer literals than this a block goes on */
    CARRIED_MATCHES = 8 << 10,
    CARRIED_BYTES = 4 << 20,
    HEAD_BITS = 14,
    LEAST_WIN = 100,   /* a hundredth of the bits, or repeats do not pay */
    LONGEST_WAIT = 2,  /* 2^n chunks without a look for repeats */
    TRUST = 3,         /* chunks in which repeats are thought to pay once they did */
    REPEATS_LEVEL = 2, /* below, there is never one */
};

typedef struct deflate {
    li_packer base;
    uint64_t left;   /* bytes of the stream that have no room yet */
    size_t start;    /* of the chunk in the window */
    size_t size;     /* of the chunk */
    size_t history;  /* bytes kept in front of it */
    bool learned;    /* heads know of them */
    uint8_t *window; /* owned */
    uint32_t *heads; /* owned */
    uint32_t head_bits;
    uint32_t base_at;     /* the window's first byte in the stream, modulo 2^32 */
    li_found found;       /* both arrays owned */
    uint64_t block_bytes; /* that found stands for */
    uint32_t adler;
    bool priced;           /* prices are this stream's */
    uint32_t misses, wait; /* looks for repeats that did not pay; chunks to the next */
    uint32_t trust;        /* chunks to the next look whether they do */
    bool planned;          /* plan is of all that has been found */
    li_block plan;
    li_bits bits;
    li_prices runs, repeats; /* prices of blocks without and with repeats */
    li_ranges ranges;
} deflate;

/* --- sizes
 * ------------------------------------------------------------------------ */

typedef struct deflate_sizes {
    size_t chunk, history, window, literals, matches;
    uint32_t head_bits;
} deflate_sizes;

static deflate_sizes
sizes_of(uint64_t total)
{
    deflate_sizes sizes = {.head_bits = 8};
    bool many = total > LI_STORED_MOST;
    sizes.chunk = many ? LI_STORED_MOST : (size_t)total;
    sizes.history = many ? LI_HISTORY : 0;
    sizes.window = sizes.history + sizes.chunk + LI_FINDER_SLACK;
    sizes.literals = sizes.chunk + (many ? CARRIED : 0);
    sizes.matches = sizes.chunk / LI_SHORTEST_RUN + 1 + (many ? CARRIED_MATCHES : 0);
    while (sizes.head_bits < HEAD_BITS && (4u << sizes.head_bits) < sizes.chunk)
        sizes.head_bits++;
    return sizes;
}

static uint64_t
stored_memory(li_packing packing)
{
    return li_png_block_bytes(sizeof(deflate)) +
           li_png_block_bytes(sizes_of(packing.total).window);
}

static uint64_t
runs_memory(li_packing packing)
{
    deflate_sizes sizes = sizes_of(packing.total);
    return stored_memory(packing) + li_png_block_bytes(sizes.literals) +
           li_png_block_bytes(sizes.matches * sizeof(li_match)) +
           li_png_block_bytes(sizeof(uint32_t) << sizes.head_bits);
}

/* A chunk takes 5 bytes more, and perhaps one for the bits in front; zlib's
 * frame 6. */
static uint64_t
deflate_bound(li_packing packing)
{
    return li_sat_add(packing.total, (packing.total / LI_STORED_MOST + 1) * 6 + 6);
}

/* --- tokens of one chunk
 * ---------------------------------------------------------- */

static li_span
chunk_span(const deflate *self)
{
    return (li_span){self->window, self->start - self->history, self->start,
                     self->start + self->size};
}

/* What has been found since `mark`. */
static li_tokens
tokens_since(const deflate *self, const li_found *mark)
{
    return (li_tokens){
        .literals = self->found.literals + mark->literal_count,
        .matches = self->found.matches + mark->match_count,
        .literal_count = self->found.literal_count - mark->literal_count,
        .match_count = self->found.match_count - mark->match_count,
    };
}

/* Before the first block: as if every byte were a literal. */
static void
price_literals(deflate *self)
{
    li_tokens all = {.literals = self->window + self->start,
                     .literal_count = self->size};
    li_block block;
    li_block_plan(&self->ranges, &all, &block);
    li_prices_literals(&block, &self->runs);
    self->priced = true;
}

/* Append the span's tokens, repeats too, and plan a block of them. */
static void
find_repeats(deflate *self, li_span span, li_block *block)
{
    const li_found mark = self->found;
    li_span before = {span.window, span.begin, span.begin, span.from};
    if (!self->learned)
        li_find_learn(before, self->heads, self->head_bits, self->base_at);
    li_find_repeats(span, &self->repeats, self->heads, self->head_bits, self->base_at,
                    &self->found);
    li_tokens tokens = tokens_since(self, &mark);
    li_block_plan(&self->ranges, &tokens, block);
}

/* The chunk's tokens with repeats, in self->plan what a block of them takes. */
static void
find_trusted(deflate *self, li_span span)
{
    self->planned = self->block_bytes == 0;
    find_repeats(self, span, &self->plan);
    self->trust--;
}

/* The span's tokens, by whichever way is shorter. */
static bool
find_shorter(deflate *self, li_span span)
{
    const li_found mark = self->found;
    li_block runs;
    li_find_runs(span, &self->runs, &self->found);
    li_tokens tokens = tokens_since(self, &mark);
    li_block_plan(&self->ranges, &tokens, &runs);
    li_prices_take(&self->ranges, &runs, &self->runs);
    li_prices_literals(&runs, &self->repeats);
    self->found = mark;
    find_repeats(self, span, &self->plan);
    if (self->plan.bits < runs.bits - runs.bits / LEAST_WIN)
        return true;
    self->found = mark;
    li_find_runs(span, &self->runs, &self->found);
    return false;
}

/* Would repeats pay in the last quarter of the chunk? */
static bool
probe(deflate *self)
{
    const li_found mark = self->found;
    li_span span = chunk_span(self);
    span.from = span.to - self->size / 4;
    if (span.from - span.begin > LI_HISTORY / 2)
        span.begin = span.from - LI_HISTORY / 2;
    self->learned = false;
    bool pays = find_shorter(self, span);
    self->found = mark;
    self->learned = false;
    return pays;
}

/* The chunk's tokens. Where repeats did not pay, the next look for them waits, the
 * longer the more often that happened. */
static void
find(deflate *self)
{
    li_span span = chunk_span(self);
    if (!self->priced)
        price_literals(self);
    self->planned = false;
    if (self->trust) {
        find_trusted(self, span);
        return;
    }
    if (self->wait == 0 && (self->misses == 0 || probe(self))) {
        self->learned = find_shorter(self, span);
        self->misses = self->learned ? 0 : 1;
        self->wait = self->misses;
        self->trust = self->learned ? TRUST : 0;
        self->planned = self->learned && self->block_bytes == 0;
        return;
    }
    li_find_runs(span, &self->runs, &self->found);
    if (self->wait) {
        self->wait -= self->wait < UINT32_MAX;
        return;
    }
    self->wait = 1u << self->misses;
    if (self->misses < LONGEST_WAIT)
        self->misses++;
}

/* --- blocks
 * ----------------------------------------------------------------------- */

static li_status
block_end(deflate *self, bool last)
{
    const li_found none = {.literal_count = 0};
    li_tokens tokens = tokens_since(self, &none);
    bool one = self->block_bytes == self->size;
    li_block *block = &self->plan;
    li_status status;
    if (!self->planned)
        li_block_plan(&self->ranges, &tokens, block);
    li_prices_take(&self->ranges, block, self->misses ? &self->runs : &self->repeats);
    if (one && (uint64_t)self->size * 8 + 40 < block->bits)
        status = li_block_store(self->base.idat, &self->bits,
                                self->window + self->start, self->size, last);
    else
        status = li_block_write(self->base.idat, &self->bits, &self->ranges, &tokens,
                                block, last);
    self->found.literal_count = 0;
    self->found.match_count = 0;
    self->found.pending = 0;
    self->block_bytes = 0;
    return status;
}

/* Keep the end of this chunk as history and open the next. */
static void
next_chunk(deflate *self, size_t most)
{
    size_t filled = self->history + self->size;
    size_t keep = filled < self->start ? filled : self->start;
    size_t end = self->start + self->size;
    memmove(self->window + self->start - keep, self->window + end - keep, keep);
    self->base_at += (uint32_t)self->size;
    self->history = keep;
    self->size = self->left < most ? (size_t)self->left : most;
    self->left -= self->size;
    self->base.next = self->window + self->start;
    self->base.room = self->size;
}

static li_status
runs_full(li_packer *packer)
{
    deflate *self = (deflate *)packer;
    bool last = self->left == 0;
    self->adler = li_png_adler(self->adler, self->window + self->start, self->size);
    find(self);
    self->block_bytes += self->size;
    if (last || self->found.literal_count >= CARRIED ||
        self->found.match_count >= CARRIED_MATCHES ||
        self->block_bytes >= CARRIED_BYTES)
        LI_TRY(block_end(self, last));
    next_chunk(self, LI_STORED_MOST);
    return LI_OK;
}

static li_status
stored_full(li_packer *packer)
{
    deflate *self = (deflate *)packer;
    self->adler = li_png_adler(self->adler, self->window + self->start, self->size);
    LI_TRY(li_block_store(packer->idat, &self->bits, self->window + self->start,
                          self->size, self->left == 0));
    next_chunk(self, LI_STORED_MOST);
    return LI_OK;
}

static li_status
deflate_finish(li_packer *packer)
{
    deflate *self = (deflate *)packer;
    uint8_t sum[4];
    li_put_be32(sum, self->adler);
    LI_TRY(li_block_align(packer->idat, &self->bits));
    return li_idat_write(packer->idat, sum, sizeof(sum));
}

static void
deflate_close(li_packer *packer)
{
    deflate *self = (deflate *)packer;
    li_free(packer->ctx, &self->window);
    li_free(packer->ctx, &self->heads);
    li_free(packer->ctx, &self->found.literals);
    li_free(packer->ctx, &self->found.matches);
}

/* --- opening
 * ---------------------------------------------------------------------- */

static const li_packer_ops stored_ops = {
    .name = "stored",
    .full = stored_full,
    .finish = deflate_finish,
    .close = deflate_close,
};

static const li_packer_ops runs_ops = {
    .name = "runs",
    .full = runs_full,
    .finish = deflate_finish,
    .close = deflate_close,
};

static li_status
deflate_start(deflate *self, const deflate_sizes *sizes, uint64_t total)
{
    static const uint8_t head[2] = {0x78, 0x01}; /* a window of 32 KiB, fastest */
    li_ctx *ctx = self->base.ctx;
    LI_TRY(li_alloc(ctx, sizes->window, 1, &self->window));
    self->start = sizes->history;
    self->left = total;
    self->adler = 1;
    next_chunk(self, sizes->chunk);
    return li_idat_write(self->base.idat, head, sizeof(head));
}

static li_status
deflate_arrays(deflate *self, const deflate_sizes *sizes)
{
    li_ctx *ctx = self->base.ctx;
    li_ranges_init(&self->ranges);
    li_prices_init(&self->ranges, &self->runs);
    self->repeats = self->runs;
    self->head_bits = sizes->head_bits;
    LI_TRY(li_alloc(ctx, sizes->literals, 1, &self->found.literals));
    LI_TRY(li_alloc(ctx, sizes->matches, sizeof(li_match), &self->found.matches));
    return li_alloc(ctx, (uint64_t)1 << sizes->head_bits, sizeof(uint32_t),
                    &self->heads);
}

static li_status
deflate_open(li_ctx *ctx, li_idat *idat, const li_packer_ops *ops, li_packing packing,
             li_packer **packer)
{
    deflate_sizes sizes = sizes_of(packing.total);
    *packer = NULL;
    LI_TRY(li_alloc(ctx, 1, sizeof(deflate), packer));
    **packer = (li_packer){.ops = ops, .ctx = ctx, .idat = idat};
    li_status status = deflate_start((deflate *)*packer, &sizes, packing.total);
    if (status == LI_OK && ops == &runs_ops)
        status = deflate_arrays((deflate *)*packer, &sizes);
    if (packing.level < REPEATS_LEVEL)
        ((deflate *)*packer)->wait = UINT32_MAX;
    if (status != LI_OK)
        li_packer_close(packer);
    return status;
}

static li_status
stored_open(li_ctx *ctx, li_idat *idat, li_packing packing, li_packer **packer)
{
    return deflate_open(ctx, idat, &stored_ops, packing, packer);
}

static li_status
runs_open(li_ctx *ctx, li_idat *idat, li_packing packing, li_packer **packer)
{
    return deflate_open(ctx, idat, &runs_ops, packing, packer);
}

const li_packer_kind li_packer_stored = {
    .name = "stored",
    .memory = stored_memory,
    .bound = deflate_bound,
    .open = stored_open,
};

const li_packer_kind li_packer_runs = {
    .name = "runs and repeats",
    .memory = runs_memory,
    .bound = deflate_bound,
    .open = runs_open,
};
