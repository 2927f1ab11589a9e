/* Two interchangeable walkers on a ring: a model with a symmetry that can be switched off (-DSYMMETRY=0). */
#ifndef SYMMETRY
#define SYMMETRY 1
#endif
#ifndef SIZE
#define SIZE 40
#endif
#ifndef BAD
#define BAD 0 /* the invariant: not both walkers stand on BAD (0: no invariant) */
#endif
#ifndef BAD_STEP
#define BAD_STEP 0 /* the step invariant: no walker goes from BAD_STEP to BAD_STEP + 3 (0: none) */
#endif
#define MODEL_WORDS 1
#define MODEL_INSTANCES 4
#define MODEL_BOUNDS 0
#define MODEL_CONSTRAINTS 0
#define MODEL_INVARIANTS 1
#define MODEL_STEP_INVARIANTS 1
#define MODEL_SYMMETRY SYMMETRY
#define MODEL_DIGEST "pair"
#include "contract.h"

/* The second walker is in the low half: the representative (the smaller word) has the smaller number in the high half.
 */
static inline void go(rx_batch *batch, uint64_t a, uint64_t b, uint32_t instance) {
    rx_slot(batch)[0] = a << 32 | b;
    rx_emit(batch, instance);
}

static inline void model_initial(rx_batch *batch) { go(batch, 5, 2, 0); }

static inline void model_successors(const uint64_t *s, rx_batch *batch) {
    const uint64_t a = s[0] >> 32, b = s[0] & 0xffffffff;
    go(batch, (a + 3) % SIZE, b, 0);
    if (a % 2 == 0) go(batch, (a + 7) % SIZE, b, 1);
    go(batch, a, (b + 3) % SIZE, 2);
    if (b % 2 == 0) go(batch, a, (b + 7) % SIZE, 3);
}

static inline int model_constraints(const uint64_t *s) {
    (void)s;
    return RX_OK;
}
static inline int model_invariants(const uint64_t *s) { return BAD && s[0] == ((uint64_t)BAD << 32 | BAD) ? 0 : RX_OK; }

static inline int model_step_invariants(const uint64_t *old, const uint64_t *new) {
    if (!BAD_STEP) return RX_OK;
    for (int shift = 0; shift <= 32; shift += 32) {
        const uint64_t from = old[0] >> shift & 0xffffffff, to = new[0] >> shift & 0xffffffff;
        if (from == BAD_STEP && to == (BAD_STEP + 3) % SIZE) return 0;
    }
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

static inline void model_canonical(uint64_t *s) {
    const uint64_t a = s[0] >> 32, b = s[0] & 0xffffffff;
    if (b < a) s[0] = b << 32 | a;
}
#include "explorer.c"
