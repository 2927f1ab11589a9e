/* Two-phase commit (Gray and Lamport), packed by hand into one word. -DMANAGERS=3..16 resource managers.
 *
 * Bits: two per manager (0 working, 1 prepared, 2 committed, 3 aborted); the coordinator's two (0 init, 1 committed, 2
 * aborted); its set of prepared managers; the Prepared messages; Commit; Abort. */
#ifndef MANAGERS
#define MANAGERS 3
#endif
#define N MANAGERS
#define MODEL_WORDS 1
#define MODEL_INSTANCES (2 + 5 * N)
#define MODEL_BOUNDS 0
#define MODEL_CONSTRAINTS 0
#define MODEL_INVARIANTS 1
#define MODEL_STEP_INVARIANTS 0
#define MODEL_SYMMETRY 0
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define MODEL_DIGEST "two-phase commit " TEXT(N)
#include "contract.h"

#define S_TM (2 * N)
#define S_PREPARED (2 * N + 2)
#define S_MSGS (3 * N + 2)
#define COMMIT (1ull << (4 * N + 2))
#define ABORT (1ull << (4 * N + 3))
#define ALL ((1ull << N) - 1)

static inline void emit(rx_batch *batch, uint64_t word, uint32_t instance) {
    rx_slot(batch)[0] = word;
    rx_emit(batch, instance);
}

static inline void model_initial(rx_batch *batch) { emit(batch, 0, 0); }

static inline void model_successors(const uint64_t *s, rx_batch *batch) {
    const uint64_t x = s[0];
    if ((x >> S_TM & 3) == 0) {
        if ((x >> S_PREPARED & ALL) == ALL) emit(batch, x | 1ull << S_TM | COMMIT, 0);
        emit(batch, x | 2ull << S_TM | ABORT, 1);
        for (uint64_t set = x >> S_MSGS & ALL; set; set &= set - 1) {
            const int r = __builtin_ctzll(set);
            emit(batch, x | 1ull << (S_PREPARED + r), (uint32_t)(2 + r));
        }
    }
    for (int r = 0; r < N; r++) {
        const uint64_t rest = x & ~(3ull << 2 * r);
        if ((x >> 2 * r & 3) == 0) {
            emit(batch, rest | 1ull << 2 * r | 1ull << (S_MSGS + r), (uint32_t)(2 + N + r));
            emit(batch, rest | 3ull << 2 * r, (uint32_t)(2 + 2 * N + r));
        }
        if (x & COMMIT) emit(batch, rest | 2ull << 2 * r, (uint32_t)(2 + 3 * N + r));
        if (x & ABORT) emit(batch, rest | 3ull << 2 * r, (uint32_t)(2 + 4 * N + r));
    }
}

static inline int model_constraints(const uint64_t *s) {
    (void)s;
    return RX_OK;
}

/* Consistency: no manager has committed while another has aborted. */
static inline int model_invariants(const uint64_t *s) {
    const uint64_t odd = 0x5555555555555555ull & ((1ull << 2 * N) - 1), high = s[0] >> 1 & odd, low = s[0] & odd;
    return (high & ~low) && (high & low) ? 0 : RX_OK;
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
