/* pack.c: a small coder of lossless WebP (RFC 9649, 3): one group of codes, matches
 * with the symbol before, the row above and whatever a small table of hashes has.
 * Layer 2.
 *
 * The symbols are walked three times: to learn what is cheap, to count with that, and
 * to write; the last two take the same ways, so the size is known before the first bit.
 */
#include "codecs/webp/pack.h"
#include "codecs/webp/bits.h"

#include <assert.h>
#include <string.h>

enum {
    LONGEST = 4096,
    SHORTEST = 3,
    KEY_BYTES = 4, /* of a hash */
    HASH_BITS = 14,
    WAYS = 4,   /* places that a hash remembers */
    NEAR = 14,  /* distances told by their place around the symbol */
    FAR = 120,  /* what is added to the others */
    EVERY = 32, /* matches longer than this are not entered in the table */
    MOST_DISTANCE = (1 << 20) - FAR, /* with all prefixes that there are */
    UNKNOWN = 12,                    /* bits of a symbol that has not occurred */
    POLL = 1 << 14,
    COLOR_INDEXING = 3,
};

struct li_webp_pack {
    li_ctx *ctx; /* borrowed */
    li_webp_symbols from;
    size_t count;
    uint32_t near[NEAR];
    li_webp_code green, distance;
    uint8_t green_cost[LI_WEBP_GREENS], distance_cost[LI_WEBP_DISTANCES]; /* bits */
    uint64_t extra_bits;
    uint64_t size;
    li_webp_bits bits;
    uint32_t places[WAYS << HASH_BITS]; /* 1 + where; 0: none */
};

typedef struct match {
    size_t length, distance;
} match;

/* --- numbers ---------------------------------------------------------------------- */

/* A length or distance as a prefix and `extra` bits more. */
typedef struct prefixed {
    uint32_t prefix, extra, rest;
} prefixed;

static prefixed
prefix_of(size_t value)
{
    uint32_t n = (uint32_t)value - 1, high = 1;
    if (n < 4)
        return (prefixed){n, 0, 0};
    while (n >> (high + 1))
        high++;
    uint32_t extra = high - 1;
    return (prefixed){2 * high + (n >> extra & 1), extra, n & ((1u << extra) - 1)};
}

/* The first of RFC 9649's places around a symbol: columns left, rows up. */
static void
near_init(li_webp_pack *pack)
{
    static const int8_t around[NEAR][2] = {{0, 1}, {1, 0},  {1, 1},  {-1, 1}, {0, 2},
                                           {2, 0}, {1, 2},  {-1, 2}, {2, 1},  {-2, 1},
                                           {2, 2}, {-2, 2}, {0, 3},  {3, 0}};
    for (int i = 0; i < NEAR; i++) {
        int64_t distance = around[i][0] + around[i][1] * (int64_t)pack->from.columns;
        pack->near[i] = distance > 0 ? (uint32_t)distance : 0;
    }
}

static size_t
distance_code(const li_webp_pack *pack, size_t distance)
{
    for (size_t i = 0; i < NEAR; i++)
        if (pack->near[i] == distance)
            return i + 1;
    return distance + FAR;
}

static uint32_t
match_cost(const li_webp_pack *pack, match found)
{
    prefixed length = prefix_of(found.length);
    prefixed distance = prefix_of(distance_code(pack, found.distance));
    return pack->green_cost[256 + length.prefix] + length.extra +
           pack->distance_cost[distance.prefix] + distance.extra;
}

/* --- matches ---------------------------------------------------------------------- */

static size_t
common_length(const uint8_t *a, const uint8_t *b, size_t most)
{
    size_t n = 0;
    for (; n + 8 <= most; n += 8) {
        uint64_t one, other;
        memcpy(&one, a + n, 8);
        memcpy(&other, b + n, 8);
        if (one != other)
            break;
    }
    while (n < most && a[n] == b[n])
        n++;
    return n;
}

static uint32_t *
places_of(li_webp_pack *pack, size_t at)
{
    uint32_t key;
    memcpy(&key, pack->from.symbols + at, KEY_BYTES);
    return pack->places + (size_t)(key * 2654435761u >> (32 - HASH_BITS)) * WAYS;
}

static void
enter(li_webp_pack *pack, size_t at)
{
    if (at + KEY_BYTES > pack->count)
        return;
    uint32_t *places = places_of(pack, at);
    if (places[0] == at + 1)
        return;
    memmove(places + 1, places, (WAYS - 1) * sizeof(places[0]));
    places[0] = (uint32_t)at + 1;
}

/* Take the other one if it is longer by what its distance may cost more. */
static void
try_distance(const li_webp_pack *pack, size_t at, size_t distance, size_t more,
             match *best)
{
    const uint8_t *here = pack->from.symbols + at;
    size_t left = pack->count - at, most = left < LONGEST ? left : LONGEST;
    if (distance == 0 || distance > at || distance > MOST_DISTANCE)
        return;
    size_t length = common_length(here, here - distance, most);
    if (length >= SHORTEST && length > best->length + more)
        *best = (match){length, distance};
}

static match
find_match(li_webp_pack *pack, size_t at)
{
    match best = {0, 0};
    try_distance(pack, at, 1, 0, &best);
    try_distance(pack, at, pack->from.columns, 0, &best);
    if (at + KEY_BYTES > pack->count)
        return best;
    const uint32_t *places = places_of(pack, at);
    for (int way = 0; way < WAYS; way++)
        if (places[way])
            try_distance(pack, at, at + 1 - places[way], best.length ? 2 : 0, &best);
    return best;
}

/* Does it take fewer bits than its symbols one by one? */
static bool
match_pays(const li_webp_pack *pack, size_t at, match found)
{
    if (found.length < SHORTEST)
        return false;
    uint32_t price = match_cost(pack, found), sum = 0;
    for (size_t i = 0; i < found.length && sum <= price; i++)
        sum += pack->green_cost[pack->from.symbols[at + i]];
    return sum > price;
}

/* --- the walk --------------------------------------------------------------------- */

static void
take_literal(li_webp_pack *pack, size_t at)
{
    uint8_t symbol = pack->from.symbols[at];
    if (pack->bits.out)
        li_webp_bits_symbol(&pack->bits, &pack->green, symbol);
    else
        pack->green.counts[symbol]++;
}

static void
take_match(li_webp_pack *pack, match found)
{
    prefixed length = prefix_of(found.length);
    prefixed distance = prefix_of(distance_code(pack, found.distance));
    if (!pack->bits.out) {
        pack->green.counts[256 + length.prefix]++;
        pack->distance.counts[distance.prefix]++;
        pack->extra_bits += length.extra + distance.extra;
        return;
    }
    li_webp_bits_symbol(&pack->bits, &pack->green, 256 + length.prefix);
    li_webp_bits_put(&pack->bits, length.rest, length.extra);
    li_webp_bits_symbol(&pack->bits, &pack->distance, distance.prefix);
    li_webp_bits_put(&pack->bits, distance.rest, distance.extra);
}

/* One match, or symbols that are as cheap by themselves; gives how many. */
static size_t
walk_step(li_webp_pack *pack, size_t at)
{
    match found = find_match(pack, at);
    bool pays = match_pays(pack, at, found);
    size_t taken = found.length > EVERY || pays ? found.length : 1;
    if (pays)
        take_match(pack, found);
    for (size_t i = 0; i < taken; i++) {
        if (!pays)
            take_literal(pack, at + i);
        if (i == 0 || taken <= EVERY)
            enter(pack, at + i);
    }
    return taken;
}

static li_status
walk(li_webp_pack *pack)
{
    size_t at = 0, due = POLL;
    memset(pack->places, 0, sizeof(pack->places));
    while (at < pack->count) {
        at += walk_step(pack, at);
        if (at < due)
            continue;
        due = at + POLL;
        LI_TRY(li_poll(pack->ctx));
    }
    return LI_OK;
}

/* --- codes ------------------------------------------------------------------------ */

static void
counts_clear(li_webp_pack *pack)
{
    memset(pack->green.counts, 0, sizeof(pack->green.counts));
    memset(pack->distance.counts, 0, sizeof(pack->distance.counts));
    pack->extra_bits = 0;
}

static void
costs_of(const li_webp_code *code, uint8_t *costs)
{
    for (uint32_t i = 0; i < code->n; i++)
        costs[i] = code->lengths[i] ? code->lengths[i] : UNKNOWN;
}

/* As if all were literals, and matches not dear. */
static void
costs_guess(li_webp_pack *pack)
{
    enum { LENGTH_COST = 6, DISTANCE_COST = 3 };
    counts_clear(pack);
    for (size_t i = 0; i < pack->count; i++)
        pack->green.counts[pack->from.symbols[i]]++;
    li_webp_code_make(&pack->green);
    costs_of(&pack->green, pack->green_cost);
    memset(pack->green_cost + 256, LENGTH_COST, LI_WEBP_LENGTHS);
    memset(pack->distance_cost, DISTANCE_COST, LI_WEBP_DISTANCES);
    if (pack->green.used == 1)
        memset(pack->green_cost, 0, 256); /* one symbol alone takes no bits */
}

static li_status
codes_learn(li_webp_pack *pack)
{
    counts_clear(pack);
    LI_TRY(walk(pack));
    li_webp_code_make(&pack->green);
    li_webp_code_make(&pack->distance);
    return LI_OK;
}

/* --- the stream ------------------------------------------------------------------- */

/* No cache of colors, then five codes: what is not green is always 0. */
static void
put_codes(li_webp_bits *bits, const li_webp_code *green, const li_webp_code *distance)
{
    enum { ONLY_ZERO = 1, ONLY_ZERO_BITS = 4 }; /* simple, one symbol, narrow, 0 */
    li_webp_bits_code(bits, green);
    for (int i = 0; i < 3; i++)
        li_webp_bits_put(bits, ONLY_ZERO, ONLY_ZERO_BITS);
    li_webp_bits_code(bits, distance);
}

/* The levels, each as what it is above the one before. */
static void
put_table(li_webp_pack *pack, li_webp_bits *bits)
{
    const uint8_t *table = pack->from.table;
    uint32_t colors = pack->from.colors;
    li_webp_code green = {.n = LI_WEBP_GREENS}, none = {.n = LI_WEBP_DISTANCES};
    for (uint32_t i = 0; i < colors; i++)
        green.counts[(uint8_t)(table[i] - (i ? table[i - 1] : 0))]++;
    li_webp_code_make(&green);
    li_webp_bits_put(bits, 1, 1);
    li_webp_bits_put(bits, COLOR_INDEXING, 2);
    li_webp_bits_put(bits, colors - 1, 8);
    li_webp_bits_put(bits, 0, 1); /* no cache */
    put_codes(bits, &green, &none);
    for (uint32_t i = 0; i < colors; i++)
        li_webp_bits_symbol(bits, &green, (uint8_t)(table[i] - (i ? table[i - 1] : 0)));
}

static void
put_head(li_webp_pack *pack, li_webp_bits *bits)
{
    put_table(pack, bits);
    li_webp_bits_put(bits, 0, 1); /* no more transforms */
    li_webp_bits_put(bits, 0, 1); /* no cache */
    li_webp_bits_put(bits, 0, 1); /* one group of codes */
    put_codes(bits, &pack->green, &pack->distance);
}

static li_status
pack_plan(li_webp_pack *pack)
{
    near_init(pack);
    costs_guess(pack);
    LI_TRY(codes_learn(pack));
    if (pack->green.used > 1) {
        costs_of(&pack->green, pack->green_cost);
        costs_of(&pack->distance, pack->distance_cost);
        LI_TRY(codes_learn(pack));
    }
    put_head(pack, &pack->bits);
    uint64_t bits = pack->bits.total + pack->extra_bits;
    bits += li_webp_code_total(&pack->green) + li_webp_code_total(&pack->distance);
    pack->size = (bits + 7) / 8;
    return LI_OK;
}

li_status
li_webp_pack_open(li_ctx *ctx, const li_webp_symbols *from, li_webp_pack **pack)
{
    LI_TRY(li_alloc(ctx, 1, sizeof(**pack), pack));
    (*pack)->ctx = ctx;
    (*pack)->from = *from;
    (*pack)->count = (size_t)from->columns * from->rows;
    (*pack)->green.n = LI_WEBP_GREENS;
    (*pack)->distance.n = LI_WEBP_DISTANCES;
    li_status status = pack_plan(*pack);
    if (status != LI_OK)
        li_webp_pack_close(ctx, pack);
    return status;
}

uint64_t
li_webp_pack_size(const li_webp_pack *pack)
{
    return pack->size;
}

li_status
li_webp_pack_write(li_webp_pack *pack, li_out *out)
{
    uint64_t before = out->size;
    pack->bits = (li_webp_bits){.out = out};
    put_head(pack, &pack->bits);
    LI_TRY(walk(pack));
    LI_TRY(li_webp_bits_end(&pack->bits));
    assert(out->size == before + pack->size);
    (void)before;
    return LI_OK;
}

void
li_webp_pack_close(li_ctx *ctx, li_webp_pack **pack)
{
    li_free(ctx, pack);
}

uint64_t
li_webp_pack_bytes(void)
{
    return sizeof(li_webp_pack);
}
