/* A program in three translation units, which are compiled at the same time: the model's functions (RX_APART 1: initial states and
 * successors; 3: what is asked of states and steps), and the explorer (2), whose text depends alone on how wide a state is, for how much
 * there is room, and whether there is symmetry, so that its object serves most models. Of the model's text, which 1 and 3 share, each compiles what it calls.
 *
 * What is static in one is known to the others by the functions below: a call more, where there is one anyway.
 */
#ifndef RX_APART_H
#define RX_APART_H

/* The macros of contract.h whose values the explorer is told by the model's part. */
typedef struct rx_numbers {
    int instances, places, constraints, invariants, step_invariants, refinements, claims, goals;
} rx_numbers;

#pragma GCC visibility push(hidden)
extern const rx_numbers rx_model_numbers;
void rx_model_initial(rx_batch *);
void rx_model_successors(const uint64_t *, rx_batch *);
int rx_model_constraints(const uint64_t *);
int rx_model_invariants(const uint64_t *);
int rx_model_first_wrong(const uint64_t *, const uint64_t *, uint32_t, uint32_t *);
int rx_model_beginning(const uint64_t *);
uint64_t rx_model_witness(const uint64_t *, uint64_t);
uint64_t rx_model_witness_step(const uint64_t *, const uint64_t *, uint64_t);
void rx_model_canonical(uint64_t *);
typedef int (*const rx_claims[])(const uint64_t *, uint64_t *);
const rx_claims *rx_model_claims(void);
const char *rx_model_digest(void);
void rx_overflow_apart(rx_batch *);
void rx_fault_apart(rx_batch *, uint32_t, uint32_t);
void rx_cut_apart(rx_batch *, uint32_t);
#pragma GCC visibility pop

#if RX_APART != 2
static __attribute__((cold, unused)) void rx_overflow(rx_batch *b) { rx_overflow_apart(b); }
static __attribute__((cold, unused)) void rx_fault(rx_batch *b, uint32_t e, uint32_t i) { rx_fault_apart(b, e, i); }
static __attribute__((cold, unused)) void rx_cut(rx_batch *b, uint32_t i) { rx_cut_apart(b, i); }
#endif

#if RX_APART == 1

void rx_model_initial(rx_batch *b) { model_initial(b); }
void rx_model_successors(const uint64_t *s, rx_batch *b) { model_successors(s, b); }

#elif RX_APART == 3
#include "steps.h"

const rx_numbers rx_model_numbers = {
    .instances = MODEL_INSTANCES,
    .places = MODEL_PLACES,
    .constraints = MODEL_CONSTRAINTS,
    .invariants = MODEL_INVARIANTS,
    .step_invariants = MODEL_STEP_INVARIANTS,
    .refinements = MODEL_REFINEMENTS,
    .claims = MODEL_CLAIMS,
    .goals = MODEL_GOALS,
};
int rx_model_constraints(const uint64_t *s) { return model_constraints(s); }
int rx_model_invariants(const uint64_t *s) { return model_invariants(s); }
int rx_model_first_wrong(const uint64_t *s, const uint64_t *t, uint32_t count, uint32_t *at) {
    return rx_first_wrong(s, t, count, at);
}
uint64_t rx_model_witness(const uint64_t *s, uint64_t w) { return model_witness(s, w); }
uint64_t rx_model_witness_step(const uint64_t *s, const uint64_t *t, uint64_t w) { return model_witness_step(s, t, w); }
void rx_model_canonical(uint64_t *s) { model_canonical(s); }
const char *rx_model_digest(void) { return MODEL_DIGEST; }
#if MODEL_REFINEMENTS
int rx_model_beginning(const uint64_t *s) { return model_beginning(s); }
#else
int rx_model_beginning(const uint64_t *s) { return (void)s, RX_OK; }
#endif
#if MODEL_CLAIMS
const rx_claims *rx_model_claims(void) { return (const rx_claims *)&model_claims; }
#endif

#else

#define model_initial rx_model_initial
#define model_successors rx_model_successors
#define model_constraints rx_model_constraints
#define model_invariants rx_model_invariants
#define rx_first_wrong rx_model_first_wrong
#define model_beginning rx_model_beginning
#define model_witness rx_model_witness
#define model_witness_step rx_model_witness_step
#define model_canonical rx_model_canonical
#define model_claims (*rx_model_claims())
#define MODEL_DIGEST rx_model_digest()
#undef MODEL_INSTANCES
#define MODEL_INSTANCES rx_model_numbers.instances
#undef MODEL_PLACES
#define MODEL_PLACES rx_model_numbers.places
#undef MODEL_CONSTRAINTS
#define MODEL_CONSTRAINTS rx_model_numbers.constraints
#undef MODEL_INVARIANTS
#define MODEL_INVARIANTS rx_model_numbers.invariants
#undef MODEL_STEP_INVARIANTS
#define MODEL_STEP_INVARIANTS rx_model_numbers.step_invariants
#undef MODEL_REFINEMENTS
#define MODEL_REFINEMENTS rx_model_numbers.refinements
#undef MODEL_CLAIMS
#define MODEL_CLAIMS rx_model_numbers.claims
#undef MODEL_GOALS
#define MODEL_GOALS rx_model_numbers.goals
void rx_overflow_apart(rx_batch *b) { rx_overflow(b); }
void rx_fault_apart(rx_batch *b, uint32_t e, uint32_t i) { rx_fault(b, e, i); }
void rx_cut_apart(rx_batch *b, uint32_t i) { rx_cut(b, i); }

#endif
#endif
