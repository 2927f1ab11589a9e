// clang-format off: the lists below are set to be read
/* What a model's generated C promises to the explorer, and what the explorer gives it.
 *
 * A program is one translation unit: the macros below; #include "contract.h"; the model's functions; #include "explorer.c".
 * In one unit the compiler sees the model's code inside the search loop; compiled apart (apart.h) it takes half as long.
 *
 * MACROS that come before this file:
 *   MODEL_WORDS            64-bit words in a packed state, 1 to 64
 *   MODEL_INSTANCES        action instances, numbered from 0 in the order in which actions (then parameters) are declared:
 *                          the explorer's ties are broken by this number, so every engine must number alike
 *   MODEL_BOUNDS           places that may leave a declared bound, numbered from 0 (a number for each place and action:
 *                          counts are per number), or more than that
 *   MODEL_PLACES           how many of these there are (MODEL_BOUNDS if the macro is not there)
 *   MODEL_CONSTRAINTS      constraints
 *   MODEL_INVARIANTS       invariants
 *   MODEL_STEP_INVARIANTS  step invariants, then refinements: both speak of steps
 *   MODEL_REFINEMENTS      how many of these are refinements (0 if the macro is not there)
 *   MODEL_CLAIMS           claims of liveness (0 if the macro is not there)
 *   MODEL_GOALS            these, each with each choice of its arguments, in order
 *   MODEL_REDUCTION        1 if steps are left out (reduce.h): an instance that is not possible then tells why (0 if it is not there)
 *   MODEL_SYMMETRY         1 if model_canonical does anything, else 0
 *   MODEL_DIGEST           a string literal that names model, size, parameters and layout: a checkpoint of another is refused
 *   ROOM_INSTANCES, ROOM_CONSTRAINTS, ROOM_REFINEMENTS, ROOM_CLAIMS, ROOM_GOALS
 *                          for as many there is room, which is what the explorer is compiled for (apart.h): the numbers themselves if
 *                          the macros are not there
 *
 * FUNCTIONS, all `static inline`, that come after this file. A state is MODEL_WORDS words; two states are equal if and only
 * if their words are, so unused bits are always 0. No answer depends on what was asked before.
 *   void model_initial(rx_batch *)
 *       every initial state (the instance given to rx_emit is ignored)
 *   void model_successors(const uint64_t *s, rx_batch *)
 *       every transition of s
 *   int model_constraints(const uint64_t *s)
 *       RX_OK, or the first constraint that is false, or RX_FAULT(e) if that cannot be said
 *   int model_invariants(const uint64_t *s)
 *   int model_step_invariants(const uint64_t *old, const uint64_t *new), with a third parameter if there are refinements: what
 *       the thread remembers of their steps, `model_memory *` (steps.h)
 *       RX_FAULT(e) if one of them has no answer, or else the first that is false, or RX_OK
 *   int model_beginning(const uint64_t *s)
 *       of an initial state, if there are refinements: likewise, the refinements numbered from 0
 *   uint64_t model_witness(const uint64_t *s, uint64_t wanted)
 *   uint64_t model_witness_step(const uint64_t *old, const uint64_t *new, uint64_t wanted)
 *       which of the wanted bits the state or step is a witness for; bit i stands for "property i was put to the test"
 *   int (*const model_claims[MODEL_CLAIMS])(const uint64_t *s, uint64_t *out), if there are any
 *       RX_FAULT(e) if it has no answer for some choice; or else RX_OK, with these bits set for each of its goals g: 2g if what is
 *       claimed to happen is so in this state, 2g + 1 if it is wanted (of `leads_to` only)
 *   void model_canonical(uint64_t *s)
 *       replaces s by the representative of its orbit
 *
 * To produce a transition, write into the words of rx_slot(batch), then rx_emit(batch, instance). The slot's words are whatever
 * was there before. rx_bound(batch, place, instance): this step would leave a bound; it is not taken. rx_fault(batch, e, instance): this
 * step has no answer (a partial operation); the search finishes the level and reports it.
 *
 * Order of judgement of a successor: counted as generated and fired; constraints (a state outside is counted and goes no
 * further); step invariants and refinements (on the state as produced); canonical form; looked up; if new: invariants,
 * witnesses. A refinement that does not begin is a finding like an invariant's, numbered after all other properties.
 *
 * Which of several findings is reported: the shortest run; then fault, invariant, step invariant, deadlock; then the smallest
 * number of fault or property; then the smallest state, word by word. The runs shown are made of smallest predecessors.
 */
// clang-format on
#ifndef RX_CONTRACT_H
#define RX_CONTRACT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined MODEL_WORDS || MODEL_WORDS < 1 || MODEL_WORDS > 64
#error "MODEL_WORDS must be 1 to 64"
#endif
#define W MODEL_WORDS
#ifndef MODEL_REFINEMENTS
#define MODEL_REFINEMENTS 0
#endif

#ifndef MODEL_GOALS
#define MODEL_CLAIMS 0
#define MODEL_GOALS 0
#endif

#ifndef MODEL_PLACES
#define MODEL_PLACES MODEL_BOUNDS
#endif

#ifndef MODEL_REDUCTION
#define MODEL_REDUCTION 0
#endif

#ifndef ROOM_INSTANCES
#define ROOM_INSTANCES MODEL_INSTANCES
#define ROOM_CONSTRAINTS MODEL_CONSTRAINTS
#define ROOM_CLAIMS MODEL_CLAIMS
#define ROOM_GOALS MODEL_GOALS
#endif

/* In one unit there is nothing to call for refinements that are not there. */
#ifndef RX_APART
#undef ROOM_REFINEMENTS
#define ROOM_REFINEMENTS MODEL_REFINEMENTS
#endif

#define RX_OK (-1)
#define RX_FAULT(e) (-2 - (e))

#define RX_LIKELY(x) __builtin_expect(!!(x), 1)
#define RX_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Successors are looked up a batch at a time, so that their cache misses overlap. 256 and 512 measured best for
 * two-word states (the batch then stays in the first-level cache); wide states take fewer. */
#ifndef RX_BATCH
#define RX_BATCH (W <= 4 ? 512 : 128)
#endif

typedef struct rx_batch {
    uint32_t count;   /* successors in the batch */
    uint32_t settled; /* of these, how many were judged and hashed already */
    uint64_t bounds;  /* bound events of the state being expanded */
    bool telling;     /* whether the instances of these are told, one by one */
    uint64_t words[RX_BATCH][W];
    uint64_t hash[RX_BATCH];
    uint32_t instance[RX_BATCH];
    uint64_t left[MODEL_BOUNDS + 1]; /* how often each bound was left */
#if MODEL_REDUCTION
    uint8_t refused[ROOM_INSTANCES];  /* by which of its first conditions an instance is not possible, from 1; 0: not known */
#endif
} rx_batch;

#if MODEL_REDUCTION
static inline void rx_refused(rx_batch *batch, uint32_t instance, uint8_t condition) { batch->refused[instance] = condition; }
#endif

static void rx_overflow(rx_batch *batch);
static void rx_fault(rx_batch *batch, uint32_t error, uint32_t instance);
static void rx_cut(rx_batch *batch, uint32_t instance);

static inline uint64_t *rx_slot(rx_batch *batch) { return batch->words[batch->count]; }

static inline void rx_emit(rx_batch *batch, uint32_t instance) {
    batch->instance[batch->count++] = instance;
    /* A state with more successors than a batch holds is looked up in several goes: there is no limit on successors. */
    if (RX_UNLIKELY(batch->count == RX_BATCH)) rx_overflow(batch);
}

static inline void rx_bound(rx_batch *batch, uint32_t place, uint32_t instance) {
    batch->left[place]++;
    batch->bounds++;
    if (RX_UNLIKELY(batch->telling)) rx_cut(batch, instance);
}

#endif
