/* Asks the steps from one state to several: what belongs to the one (its image in an abstract model, where that is kept) is then
 * looked up once. With the model's functions, in its part of the program (apart.h).
 */
#ifndef RX_STEPS_H
#define RX_STEPS_H

#if !defined RX_APART || RX_APART == 3
/* What the first step that is not RX_OK comes to, of those to `count` states from number *at on; *at is then its number. */
static int rx_first_wrong(const uint64_t *old, const uint64_t *states, uint32_t count, uint32_t *at) {
#if MODEL_REFINEMENTS
    model_memory *kept = &model_kept;
    __asm__("" : "+r"(kept)); /* else compilers ask for the thread's address (a call) again at each step */
#define RX_ASKED(t) model_step_invariants(old, t, kept)
#else
#define RX_ASKED(t) model_step_invariants(old, t)
#endif
    for (uint32_t i = *at; i < count; i++) {
        const int verdict = RX_ASKED(states + (size_t)i * W);
        if (RX_UNLIKELY(verdict != RX_OK)) {
            *at = i;
            return verdict;
        }
    }
    return RX_OK;
}
#endif

/* The same of one step. */
static inline int rx_step_invariants(const uint64_t *old, const uint64_t *new) {
    return rx_first_wrong(old, new, 1, &(uint32_t){0});
}

#endif
