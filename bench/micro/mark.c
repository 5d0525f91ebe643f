// bench-mark: what it costs to mark positions, the way a lane does it and as whole arrays with and
// without vector instructions. It answers whether marking is worth being vectorised.
//
// "table": what desk_mark_turn does, one position after the other where it stands in the table: its
// two lines, the best prices of its symbol, money_mark. "arrays": shares, symbols and values kept
// beside the table, ordered by account, prices in the middle kept by symbol; one loop over all.
// "vectors": the same by AVX2, eight positions at once. The arrays are not paid for here: a lane
// would have to write them with every fill and every change of a best price.
//
// All three take turns in one run and must end in the same value for every account.
#include <immintrin.h>
#include <inttypes.h>
#include <stdio.h>

#include "bench/micro/rig.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/hints.h"
#include "dataplane/risk/risk.h"

enum { TABLE_ROOM = 1 << 17, ACCOUNTS = 200, PRICE = 1000000, CHANGES = 4, EIGHT = 8 };

// The lines of a symbol's two best levels, as far as marking reads them.
struct quote {
    CACHE_ALIGN uint32_t bid;
    CACHE_ALIGN uint32_t ask;
};

static struct risk risk;
static struct kill_words kills[KILL_ASKERS];
static struct clock_calibration cal;
static uint32_t symbols, count;
static uint64_t random_state = 88172645463325252;

static struct quote *quotes;
static int32_t *middles; // by symbol

// By position, ordered by account; each account's part is filled up to a multiple of eight.
static int32_t *shares, *instruments;
static int64_t *values;
static uint32_t begins[ACCOUNTS + 1];
static int64_t totals[2][ACCOUNTS]; // of the arrays, of the vectors

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % below;
}

static void risk_make(void)
{
    struct limit_table *t = zeroed(sizeof *t + symbols * sizeof(struct limit_row));
    t->symbol_count = symbols;
    limit_row_open(&t->firm);
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        limit_row_open(&t->accounts[i]);
    const struct risk_config c = {
        .symbols = symbols, .positions = TABLE_ROOM, .strategies = 1, .priors = PRIORS_KEPT};
    risk_init(&risk, &c, t, kills, zeroed(risk_bytes(&c)));
}

static void positions_make(void)
{
    const uint64_t room = count + ACCOUNTS * EIGHT;
    shares = zeroed(room * sizeof *shares);
    instruments = zeroed(room * sizeof *instruments);
    values = zeroed(room * sizeof *values);
    uint32_t at = 0;
    for (uint32_t account = 0; account < ACCOUNTS; account++) {
        begins[account] = at;
        for (uint32_t i = 0; i < count / ACCOUNTS; i++) {
            struct exposure_owner owner = {.account = (uint16_t)account,
                                           .instrument = (uint16_t)draw(symbols),
                                           .sells = draw(2)};
            owner.position = position_open(&risk, owner.account, owner.instrument);
            if (risk.positions[owner.position].shares)
                continue;
            const uint32_t n = 100 + draw(1000);
            risk.positions[owner.position].shares = owner.sells ? -(int64_t)n : n;
            money_fill(&risk, &owner, n, PRICE, false);
            shares[at] = (int32_t)risk.positions[owner.position].shares;
            values[at] = risk.money[owner.position].marked;
            instruments[at++] = owner.instrument;
        }
        at = (at + EIGHT - 1) / EIGHT * EIGHT;
    }
    begins[ACCOUNTS] = at;
}

static void prices_move(void)
{
    for (uint32_t i = 0; i < symbols; i++) {
        const uint32_t bid = PRICE + 100 * draw(100);
        quotes[i] = (struct quote){.bid = bid, .ask = bid + 200};
        middles[i] = (int32_t)(bid + 100);
    }
}

static __attribute__((noinline)) uint32_t table_mark(void)
{
    uint32_t marked = 0;
    for (uint32_t at = 0; at <= risk.position_mask; at++) {
        const struct position *p = &risk.positions[at];
        if (p->shares == 0)
            continue;
        const struct quote *q = &quotes[(p->key - 1) & UINT16_MAX];
        const uint32_t mark = (uint32_t)(((uint64_t)q->bid + q->ask) / 2);
        if (mark != risk.money[at].mark)
            money_mark(&risk, at, mark);
        marked++;
    }
    return marked;
}

static __attribute__((noinline)) void arrays_mark(void)
{
    for (uint32_t account = 0; account < ACCOUNTS; account++) {
        int64_t change = 0;
        for (uint32_t i = begins[account]; i < begins[account + 1]; i++) {
            const int64_t value = (int64_t)shares[i] * middles[instruments[i]];
            change += value - values[i];
            values[i] = value;
        }
        totals[0][account] += change;
    }
}

static __attribute__((noinline, target("avx2"))) void vectors_mark(void)
{
    for (uint32_t account = 0; account < ACCOUNTS; account++) {
        __m256i change = _mm256_setzero_si256();
        for (uint32_t i = begins[account]; i < begins[account + 1]; i += EIGHT) {
            const __m256i at = _mm256_load_si256((const __m256i *)&instruments[i]);
            const __m256i price = _mm256_i32gather_epi32(middles, at, sizeof *middles);
            const __m256i held = _mm256_load_si256((const __m256i *)&shares[i]);
            __m256i *out = (__m256i *)&values[i];
            const __m256i high[2] = {_mm256_srli_epi64(held, 32), _mm256_srli_epi64(price, 32)};
            const __m256i even = _mm256_mul_epi32(held, price);
            const __m256i odd = _mm256_mul_epi32(high[0], high[1]);
            const __m256i low4 = _mm256_unpacklo_epi64(even, odd);
            const __m256i high4 = _mm256_unpackhi_epi64(even, odd);
            const __m256i first = _mm256_permute2x128_si256(low4, high4, 0x20);
            const __m256i last = _mm256_permute2x128_si256(low4, high4, 0x31);
            change = _mm256_add_epi64(change, _mm256_sub_epi64(first, _mm256_load_si256(out)));
            change = _mm256_add_epi64(change, _mm256_sub_epi64(last, _mm256_load_si256(out + 1)));
            _mm256_store_si256(out, first);
            _mm256_store_si256(out + 1, last);
        }
        int64_t parts[4];
        _mm256_storeu_si256((__m256i *)parts, change);
        totals[1][account] += parts[0] + parts[1] + parts[2] + parts[3];
    }
}

static int smaller(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void say(const char *name, uint64_t *ticks, uint32_t rounds, uint32_t positions)
{
    qsort(ticks, rounds, sizeof *ticks, smaller);
    const double ns = (double)clock_ticks_to_ns(&cal, ticks[rounds / 2]);
    printf("mark-%-8s positions=%u ns_per_position=%.1f all_us=%.1f\n", name, positions,
           ns / positions, ns / 1000);
    if (strcmp(name, "table") == 0) // most places are free, and a turn looks at one
        printf("mark-turn     places=%u ns_per_turn=%.1f\n", risk.position_mask + 1,
               ns / (risk.position_mask + 1));
}

// What the accounts' days say in the table against both kinds of arrays.
static bool same_totals(void)
{
    for (uint32_t a = 0; a < ACCOUNTS; a++) {
        int64_t held = 0;
        for (uint32_t at = 0; at <= risk.position_mask; at++)
            if (risk.positions[at].shares && (risk.positions[at].key - 1) >> 16 == a)
                held += risk.money[at].marked;
        if (totals[0][a] != held || totals[1][a] != held) {
            fprintf(stderr,
                    "account %u: table %" PRId64 ", arrays %" PRId64 ", vectors %" PRId64 "\n", a,
                    held, totals[0][a], totals[1][a]);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    enum { ROUNDS_MAX = 1001 };
    static uint64_t ticks[3][ROUNDS_MAX];
    uint32_t marked = 0;
    symbols = (uint32_t)option(argc, argv, "--symbols", 12000);
    count = (uint32_t)option(argc, argv, "--positions", 20000);
    uint32_t rounds = (uint32_t)option(argc, argv, "--rounds", 201);
    rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
    const bool vectors = __builtin_cpu_supports("avx2");
    clock_calibrate(&cal, 50);
    quotes = zeroed(symbols * sizeof *quotes);
    middles = zeroed(symbols * sizeof *middles);
    risk_make();
    positions_make();
    for (uint32_t a = 0; a < ACCOUNTS; a++)
        for (uint32_t i = begins[a]; i < begins[a + 1]; i++) {
            totals[0][a] += values[i];
            totals[1][a] += values[i];
        }
    const uint64_t bytes = begins[ACCOUNTS] * sizeof *values;
    int64_t *before = zeroed(bytes);
    for (uint32_t r = 0; r < rounds; r++) {
        prices_move();
        memcpy(before, values, bytes); // both begin with the values of the round before
        uint64_t at = clock_tsc();
        marked = table_mark();
        ticks[0][r] = clock_tsc() - at;
        at = clock_tsc();
        arrays_mark();
        ticks[1][r] = clock_tsc() - at;
        memcpy(values, before, bytes);
        at = clock_tsc();
        vectors ? vectors_mark() : arrays_mark();
        ticks[2][r] = clock_tsc() - at;
    }
    say("table", ticks[0], rounds, marked);
    say("arrays", ticks[1], rounds, marked);
    if (vectors)
        say("vectors", ticks[2], rounds, marked);
    else
        printf("mark-vectors  this processor has no AVX2\n");
    return !vectors || same_totals() ? 0 : 1;
}
