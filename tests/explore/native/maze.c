/* A random transition system, everything about which is a parameter set at run time: maze.py says the same in Python.
 *
 * A state is a node number in word 0; the other words (-DWORDS=1..64) are hashes of it, so that comparing and copying
 * all words matters. A node's step i leads 1 + hash % span further round a ring (or 0: a self-loop, or back), so that
 * depth is about nodes / span. */
#ifndef WORDS
#define WORDS 1
#endif
#define DEGREE 6
#define MODEL_WORDS WORDS
#define MODEL_INSTANCES DEGREE
#define MODEL_BOUNDS 2
#define MODEL_CONSTRAINTS 2
#define MODEL_INVARIANTS 2
#define MODEL_STEP_INVARIANTS 2
#define MODEL_SYMMETRY 0
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define MODEL_DIGEST "maze " TEXT(WORDS)
#include "contract.h"

static struct {
    uint64_t seed, nodes, span, starts;
    /* Nodes at which things go wrong; UINT64_MAX: never. A step invariant fails on steps from a node. Modulus 0: never.
     */
    uint64_t bad0, bad1, bad_step0, bad_step1, fault_step, fault_state, fault_after, dead_modulus, bound_modulus,
        outside0, outside1;
} p;

__attribute__((visibility("default"))) void set_parameters(const uint64_t *values) { memcpy(&p, values, sizeof p); }

static inline uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t z = p.seed + a * 0x9e3779b97f4a7c15ull + b * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static inline void go(rx_batch *batch, uint64_t node, uint32_t instance) {
    uint64_t *t = rx_slot(batch);
    t[0] = node;
    for (int i = 1; i < W; i++) t[i] = mix(node, 1000 + (uint64_t)i);
    rx_emit(batch, instance);
}

static inline void model_initial(rx_batch *batch) {
    for (uint64_t i = 0; i < p.starts; i++) go(batch, mix(i, 999) % p.nodes, 0);
}

static inline void model_successors(const uint64_t *s, rx_batch *batch) {
    const uint64_t node = s[0];
    if (p.dead_modulus && mix(node, 500) % p.dead_modulus == 0) return;
    for (uint32_t i = 0; i < DEGREE; i++) {
        const uint64_t h = mix(node, i);
        if (h % 3 == 0) continue;
        if (node == p.fault_step && i >= 3) {
            rx_fault(batch, 7, i);
            continue;
        }
        if (p.bound_modulus && h / 3 % p.bound_modulus == 0) {
            rx_bound(batch, i & 1, i);
            continue;
        }
        const uint64_t jump = h >> 40;
        go(batch,
           jump % 8 == 0   ? node
           : jump % 8 == 1 ? (node + p.nodes - jump % p.span % p.nodes) % p.nodes
                           : (node + 1 + jump % p.span) % p.nodes,
           i);
    }
}

static inline int model_constraints(const uint64_t *s) {
    if (p.outside0 && mix(s[0], 600) % p.outside0 == 0) return 0;
    if (p.outside1 && mix(s[0], 601) % p.outside1 == 0) return 1;
    return RX_OK;
}

static inline int model_invariants(const uint64_t *s) {
    if (s[0] == p.fault_state) return RX_FAULT(9);
    if (s[0] == p.bad0) return 0;
    return s[0] == p.bad1 ? 1 : RX_OK;
}

static inline int model_step_invariants(const uint64_t *old, const uint64_t *new) {
    if (old[0] == p.fault_after && new[0] != old[0]) return RX_FAULT(11);
    if (old[0] == p.bad_step0 && new[0] != old[0]) return 0;
    return old[0] == p.bad_step1 && new[0] != old[0] ? 1 : RX_OK;
}

/* Bit i is the rarer the larger i. */
static inline uint64_t model_witness(const uint64_t *s, uint64_t wanted) {
    uint64_t bits = 0;
    for (uint64_t i = 0; i < 64; i++) bits |= (uint64_t)(mix(s[0], 700 + i) % (1 + i * i * 8) == 0) << i;
    return bits & wanted;
}

static inline uint64_t model_witness_step(const uint64_t *old, const uint64_t *new, uint64_t wanted) {
    uint64_t bits = 0;
    for (uint64_t i = 0; i < 64; i++)
        bits |= (uint64_t)(mix(old[0] ^ new[0] << 20, 700 + i) % (1 + i * i * 8) == 0) << i;
    return bits & wanted;
}

static inline void model_canonical(uint64_t *s) { (void)s; }
#include "explorer.c"
