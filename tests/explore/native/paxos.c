/* Lamport's Paxos, packed by hand: the runtime's yardstick. -DBALLOTS=2..4, 3 acceptors, 2 values.
 *
 * Word 0: per acceptor 3 bits max_ballot + 1, 3 bits max_voted + 1, 1 bit voted value (0 while there is none); then 1a,
 * 2a, 2b. Word 1: for each ballot b and acceptor, the 1b messages: bit 0 "no vote", bit 1 + 2c + v "voted v in c", c <
 * b. */
#ifndef BALLOTS
#define BALLOTS 3
#endif
#ifndef BROKEN
#define BROKEN 0 /* 1: a proposer ignores what the acceptors answered, so that agreement fails */
#endif
#define MODEL_WORDS 2
/* 1a(b) | 2a(b, v) | 1b(a, b) | 2b(a, b, v) */
#define I_1A 0
#define I_2A (BALLOTS)
#define I_1B (3 * BALLOTS)
#define I_2B (6 * BALLOTS)
#define MODEL_INSTANCES (12 * BALLOTS)
#define MODEL_BOUNDS 0
#define MODEL_CONSTRAINTS 0
#define MODEL_INVARIANTS 1
#define MODEL_STEP_INVARIANTS 0
#define MODEL_SYMMETRY 0
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define MODEL_DIGEST "paxos 3 2 " TEXT(BALLOTS) " " TEXT(BROKEN)
#include "contract.h"

#define SHIFT_ACC(a) (7 * (a))
#define S_1A 21
#define S_2A (S_1A + BALLOTS)
#define S_2B (S_2A + 2 * BALLOTS) /* per (b, v): three acceptor bits */
/* 1b(b, a) begins at 3 * b^2 + a * (2b + 1): the widths 1 + 2c for c < b add up to b^2 per acceptor. */
#define S_1B(b, a) (3 * (b) * (b) + (a) * (2 * (b) + 1))

static inline void model_initial(rx_batch *batch) {
    uint64_t *t = rx_slot(batch);
    t[0] = t[1] = 0;
    rx_emit(batch, 0);
}

static inline void emit(rx_batch *batch, uint64_t w0, uint64_t w1, uint32_t instance) {
    uint64_t *t = rx_slot(batch);
    t[0] = w0;
    t[1] = w1;
    rx_emit(batch, instance);
}

static inline void model_successors(const uint64_t *s, rx_batch *batch) {
    const uint64_t x = s[0], y = s[1];
    for (int b = 0; b < BALLOTS; b++) emit(batch, x | 1ull << (S_1A + b), y, (uint32_t)(I_1A + b));
    for (int b = 0; b < BALLOTS; b++) {
        if (x >> (S_2A + 2 * b) & 3) continue;
        const uint64_t width = (1ull << (2 * b + 1)) - 1;
        uint64_t m[3];
        for (int a = 0; a < 3; a++) m[a] = y >> S_1B(b, a) & width;
        unsigned allowed = 0;
        for (int q = 0; q < 3; q++) {
            const uint64_t p = m[q == 0 ? 1 : 0], r = m[q == 2 ? 1 : 2];
            if (!p || !r) continue;
            const uint64_t votes = (p | r) >> 1;
            if (!votes || BROKEN) allowed = 3;
            else allowed |= votes >> ((63 - __builtin_clzll(votes)) & ~1) & 3;
        }
        for (int v = 0; v < 2; v++)
            if (allowed >> v & 1) emit(batch, x | 1ull << (S_2A + 2 * b + v), y, (uint32_t)(I_2A + 2 * b + v));
    }
    for (int a = 0; a < 3; a++) {
        const uint64_t acc = x >> SHIFT_ACC(a) & 127;
        const uint64_t max_ballot = acc & 7, voted = acc >> 3 & 7, value = acc >> 6;
        /* A 1a above the acceptor's ballot: bits from max_ballot (stored plus one) up. */
        for (uint64_t set = (x >> S_1A & ((1u << BALLOTS) - 1)) >> max_ballot << max_ballot; set; set &= set - 1) {
            const int b = __builtin_ctzll(set);
            const uint64_t word = (x & ~(7ull << SHIFT_ACC(a))) | (uint64_t)(b + 1) << SHIFT_ACC(a);
            const int bit = voted ? 1 + 2 * ((int)voted - 1) + (int)value : 0;
            emit(batch, word, y | 1ull << (S_1B(b, a) + bit), (uint32_t)(I_1B + a * BALLOTS + b));
        }
        const uint64_t low = max_ballot ? 2 * (max_ballot - 1) : 0;
        for (uint64_t set = (x >> S_2A & ((1u << 2 * BALLOTS) - 1)) >> low << low; set; set &= set - 1) {
            const int bv = __builtin_ctzll(set), b = bv >> 1, v = bv & 1;
            const uint64_t now = (uint64_t)(b + 1) | (uint64_t)(b + 1) << 3 | (uint64_t)v << 6;
            const uint64_t word = (x & ~(127ull << SHIFT_ACC(a))) | now << SHIFT_ACC(a);
            emit(batch, word | 1ull << (S_2B + 3 * bv + a), y, (uint32_t)(I_2B + a * 2 * BALLOTS + bv));
        }
    }
}

static inline int model_constraints(const uint64_t *s) {
    (void)s;
    return RX_OK;
}

/* Agreement: at most one value has, in some ballot, the votes of a majority. */
static inline int model_invariants(const uint64_t *s) {
    const uint64_t votes = s[0] >> S_2B;
    unsigned chosen = 0;
    for (int bv = 0; bv < 2 * BALLOTS; bv++) chosen |= (0xe8u >> (votes >> (3 * bv) & 7) & 1) << (bv & 1);
    return chosen == 3 ? 0 : RX_OK;
}

static inline int model_step_invariants(const uint64_t *old, const uint64_t *new) {
    (void)old;
    (void)new;
    return RX_OK;
}
static inline uint64_t model_witness(const uint64_t *s, uint64_t wanted) {
    (void)s;
    return wanted;
}
static inline uint64_t model_witness_step(const uint64_t *old, const uint64_t *new, uint64_t wanted) {
    (void)old;
    (void)new;
    return wanted;
}
static inline void model_canonical(uint64_t *s) { (void)s; }
#include "explorer.c"
